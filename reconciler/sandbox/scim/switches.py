"""How one directory differs from another, where servers were seen to differ from RFC 7643 and 7644.

Every default is what the RFCs say, or what most servers do where they leave it open;
the other settings model what a client must survive.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Switches:
    """The behaviour of one pretend directory; a seed sets them by these names."""

    # Whether discovery answers everybody, whom it lets in, or nobody (404).
    discovery: Literal["open", "credential", "missing"] = "open"
    # Whether PATCH works, is refused with 501, or is refused although discovery announces it.
    patch: Literal["on", "off", "unannounced"] = "on"
    # Whether filters work, are refused, or are ignored, so that everything is listed.
    filters: Literal["on", "refused_400", "refused_501", "ignored"] = "on"
    # Whether filters compare text as the schema says, always by case, or never.
    filter_case: Literal["schema", "exact", "ignored"] = "schema"
    # Whether a filter gives one hit at most, and 1 as the total.
    filter_finds_one: bool = False
    # Whether sortBy works, is refused with 501, or is ignored.
    sorting: Literal["on", "refused", "ignored"] = "on"
    # Whether versions are shown and heeded, absent, demanded of every write (428), or on and not announced.
    etags: Literal["on", "off", "required", "unannounced"] = "on"
    # Whether totalResults is the number of hits, the size of the page, or missing.
    totals: Literal["right", "page", "missing"] = "right"
    # The most rows that one page holds, whatever count asks for.
    page_cap: int = 100
    # Whether a count is answered with 500.
    count_refused: bool = False
    # Whether a count is ignored, so that a page is always as long as page_cap.
    ignores_count: bool = False
    # Whether every page is the first one.
    ignores_start_index: bool = False
    # Whether a page past the end is the first one.
    repeats_past_end: bool = False
    # Whether the order of a list changes with each request.
    shuffles: bool = False
    # Rows at the front of a list that are counted and never shown.
    ghosts: int = 0
    # Whether lists are paged by startIndex, by cursor (RFC 9865), or by what the client sends.
    paging: Literal["index", "cursor", "both"] = "index"
    # How many cursors are refused as expired before one is taken.
    expired_cursors: int = 0
    # Whether an empty list has no Resources at all.
    omits_empty_resources: bool = False
    # How many requests it takes until lists show what a write did; reading by id shows it at once.
    list_lag: int = 0
    # Whether lists leave inactive users out; reading by id still answers.
    deactivate_hides: bool = False
    # Whether attributes and excludedAttributes are ignored.
    ignores_attributes: bool = False
    # Where a group's members are shown: everywhere, by id alone, nowhere, or at most member_cap of them.
    members: Literal["shown", "by_id", "hidden", "capped"] = "shown"
    # The most members that are shown where they are capped.
    member_cap: int = 100
    # What is shown of a member: value, $ref and type; that and display; value; $ref; its name as value.
    member_form: Literal["plain", "display", "value", "ref", "name"] = "plain"
    # Whether a group without members has no such key, or an empty list.
    empty_members: Literal["absent", "list"] = "absent"
    # Whether who was deleted stays a member and a manager of others.
    deleted_references_stay: bool = False
    # Whether the name of who was deleted stays taken.
    deleted_names_taken: bool = False
    # Whether DELETE makes a user inactive and nothing else.
    delete_deactivates: bool = False
    # Whether a user shows all groups, those that list the user itself, or none.
    user_groups: Literal["all", "direct", "off"] = "all"
    # Whether resources have no meta.
    omits_meta: bool = False
    # How names of attributes and URNs are spelled in answers.
    spelling: Literal["defined", "lower", "upper"] = "defined"
    # Whether new ids hold characters that a URL must escape.
    odd_ids: bool = False
    # Whether active is shown as the text "True" or "False".
    active_as_text: bool = False
    # Whether times are shown in UTC as Z, with an offset, or as no xsd:dateTime at all.
    times: Literal["z", "offset", "odd"] = "z"
    # Whether emails are shown without their types.
    emails_without_type: bool = False
    # Whether answers hold attributes that no schema defines.
    undocumented: bool = False
    # The body of a refusal: as RFC 7644 has it, without scimType, with a number as status, other things.
    errors: Literal["scim", "no_type", "number", "message", "html", "empty"] = "scim"
    # What a creation is answered with: the resource and 201, or 200; or 201 without a body.
    create_answer: Literal["201", "200", "empty"] = "201"
    # What PATCH is answered with: the resource, 204, or 200 without a body.
    patch_answer: Literal["resource", "204", "empty"] = "resource"
    # The same for PUT.
    put_answer: Literal["resource", "204", "empty"] = "resource"
    # Whether writes of users are answered with 202, and done after three more requests, or never.
    accepted: Literal["off", "later", "never"] = "off"
    # Whether an attribute or schema that nobody defined is refused, or ignored with success.
    unknown_attributes: Literal["refused", "ignored"] = "refused"
    # Whether userName can be changed.
    user_name_immutable: bool = False
    # Whether two groups may not have one name, compared without case.
    unique_group_names: bool = False
    # Whether a user is created active, whatever `active` in the request says.
    create_ignores_active: bool = False
    # Whether PUT leaves alone what it does not name; else that is cleared.
    put_merges: bool = False
    # Whether a PATCH operation must be spelled in lower case.
    patch_lower_case: bool = False
    # Whether a PATCH operation without a path is refused with 501.
    patch_needs_path: bool = False
    # Whether a removal by a filter in the path is refused with 501.
    filter_removal_refused: bool = False
    # Whether `remove` heeds a value beside its path; else the whole attribute goes.
    removes_by_value: bool = False
    # Whether `add` with a filter that matches nothing makes a value that matches; else there is no target.
    filter_add_creates: bool = False
    # The most members that one PATCH or PUT may name; 0 is no limit.
    members_per_request: int = 0
    # Whether a member must come with a display that is its userName.
    member_display_required: bool = False
    # Whether many writes may come in one request, which discovery announces, or get 501.
    bulk: Literal["off", "on"] = "off"
    # The most operations that one bulk request may hold.
    bulk_max_operations: int = 1000
    # The most bytes that the body of a bulk request may hold.
    bulk_max_payload: int = 1048576
    # What bulkId: in data is resolved for: all; users in groups, once in a PATCH; or nothing. Else it stays.
    bulk_references: Literal["resolved", "users", "literal"] = "resolved"
    # Whether operations that refer to each other in a circle are done, or one of them gets 409.
    bulk_circular: Literal["resolved", "refused"] = "resolved"
    # How a bulk answer says a status: as text, as a number, or as {"code": 201}.
    bulk_status: Literal["text", "number", "object"] = "text"
    # Whether the response of an operation is JSON, or a text that holds JSON.
    bulk_response: Literal["object", "text"] = "object"
    # Whether what was done is told without a response, so that a new id stands in its location alone.
    bulk_ids_in_location: bool = False
    # The key of the list in a bulk answer.
    bulk_answer_key: Literal["Operations", "operations"] = "Operations"
    # The key of the list that a bulk request must have.
    bulk_request_key: Literal["Operations", "operations", "either"] = "Operations"
    # Whether the operations on users are done before all others, whatever the order in the request.
    bulk_users_first: bool = False
    # Which methods an operation may have; another gets 405 as its status.
    bulk_methods: Literal["all", "no_put", "no_delete"] = "all"
    # Whether a boolean may be written as text.
    takes_boolean_texts: bool = False
    # Whether values beside the canonical ones are refused.
    canonical_only: bool = False
    # Whether a write without Content-Type is refused with 406.
    content_type_required: bool = False
    # The media types that a write may have.
    media: Literal["any", "scim", "json"] = "any"
    # Requests that each credential may make in any 60 seconds; 0 turns the limit off.
    requests_per_minute: int = 0
    # Whether a 429 carries Retry-After, as seconds or as a date.
    retry_after: Literal["seconds", "date", "absent"] = "seconds"
    # Whether an unknown token gets 403 in place of 401.
    bad_token_403: bool = False
    # Seconds that a token of the token endpoint is good for.
    oauth_lifetime: int = 3600
    # How expires_in is said: as a number, as text, or not at all.
    oauth_expires_in: Literal["number", "text", "absent"] = "number"
    # Requests after which a token ends, whatever expires_in said; 0 leaves it its time.
    oauth_ends_after: int = 0
    # The scope that is granted: what was asked for, its first word alone, or that and not said.
    oauth_scope: Literal["asked", "narrower", "unsaid"] = "asked"
    # How a client may say who it is at the token endpoint.
    oauth_auth: Literal["both", "basic", "form"] = "both"

"""How one instance differs from another, where Omni's behaviour is doubted or configurable.

Every switch has the default that the documentation or most observations
support; the other settings model what a client must survive.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Switches:
    """The behaviour of one pretend instance; a seed sets them by these names."""

    # Requests that each key may make in any 60 seconds; 0 turns the limit off.
    requests_per_minute: int = 60
    # Whether a 429 carries Retry-After (whole seconds).
    rate_limit_retry_after: bool = False
    # Whether a 429 has no body at all.
    rate_limit_empty_body: bool = False
    # Whether an unknown token gets 403 "Invalid bearer token" in place of 401.
    bad_token_403: bool = False
    # The body of a refusal: {detail, status}, {error: code, message} or {error: text}.
    error_shape: Literal["detail", "message", "error"] = "detail"
    # Whether /v1/whoami is missing (404), as on an older instance.
    whoami_missing: bool = False
    # Whether /v1/user-attributes answers 403.
    definitions_forbidden: bool = False
    # The most rows that one page holds, whatever count asks for.
    page_cap: int = 100
    # Whether list rows of users lack the attribute extension, which GET by id has.
    list_omits_attributes: bool = False
    # Whether attributes that were defined after a user was made are shown as null.
    extension_nulls: bool = True
    # Whether GET and lists show a definition's default where a user has no own value.
    shows_defaults: bool = False
    # Which system attributes the extension holds: none, two booleans, or the time zone as null.
    builtins: Literal["none", "booleans", "timezone_null"] = "none"
    # Whether writing an attribute without a definition gets 400; else it is silently ignored.
    unknown_attribute_400: bool = False
    # Whether a user is created active, whatever `active` in the request says.
    create_ignores_active: bool = False
    # Whether PUT of a user leaves alone what it does not name; else that is reset.
    legacy_put_merge: bool = False
    # Whether PATCH also takes the dotted path and the bare extension path for attributes.
    accept_all_patch_forms: bool = False
    # Whether lists go on showing a deleted user, inactive, although GET by id answers 404.
    delete_keeps_row: bool = False
    # Whether PATCH active=false does what DELETE does.
    deactivate_revokes: bool = False
    # Whether lists leave inactive users out; GET by id still answers.
    deactivate_hides: bool = False
    # Whether every PUT of a group is refused with "members: Required".
    put_group_members_required: bool = False
    # Whether adding a present member or removing an absent one gets 400.
    member_ops_strict: bool = False
    # Whether two group names may differ in case alone.
    group_names_case_sensitive: bool = False
    # Where a group shows no more than member_cap members: nowhere, in lists, or in GET by id too.
    truncate_members: Literal["off", "list", "everywhere"] = "off"
    # Which rows of groups do not speak of members: none, all in lists, those of empty groups, or every one.
    omits_members: Literal["off", "list", "empty", "everywhere"] = "off"
    # The most members that truncate_members lets a group show.
    member_cap: int = 100

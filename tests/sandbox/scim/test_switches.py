"""Each manner of a real server that a switch stands for, beside what the RFCs say."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
from asking_scim import (
    BADGE,
    COMPANY,
    a_group,
    a_user,
    ask,
    body,
    company,
    create,
    get,
    ident,
    names,
    op,
    patch,
    place,
    refusal,
    rows,
)

from reconciler.sandbox.scim.core import ENTERPRISE_URN, GROUP_URN, USER_URN
from reconciler.sandbox.scim.listing import SEARCH_REQUEST
from reconciler.sandbox.scim.store import Store
from reconciler.sandbox.scim.switches import Switches
from reconciler.sandbox.switching import from_texts
from reconciler.transport.messages import Request

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "schemas" / "sandbox-seed-scim.schema.json").read_text(encoding="utf-8")
)
CONFIG = "/ServiceProviderConfig"


def members(sandbox: Any, name: str = "Analysts") -> Any:
    return get(sandbox, name).get("members")


def test_discovery_may_need_a_token_or_be_missing() -> None:
    for switch, stranger, friend in (("open", 200, 200), ("credential", 401, 200), ("missing", 401, 404)):
        sandbox = company(discovery=switch)
        for path in (CONFIG, "/ResourceTypes", "/Schemas"):
            assert sandbox.send(Request("GET", path)).status == stranger
            assert ask(sandbox, "GET", path).status == friend


def test_patch_may_be_off_as_announced_or_not() -> None:
    for switch, announced in (("off", False), ("unannounced", True)):
        sandbox = company(patch=switch)
        assert refusal(patch(sandbox, "bob@acme.com", op("add", "title", "Dr")), 501) == ""
        assert "title" not in get(sandbox, "bob@acme.com")
        assert body(ask(sandbox, "GET", CONFIG))["patch"] == {"supported": announced}


def test_filters_may_be_refused_or_ignored() -> None:
    for switch, status in (("refused_400", 400), ("refused_501", 501)):
        sandbox = company(filters=switch)
        assert ask(sandbox, "GET", "/Users", filter='userName eq "x"').status == status
        assert body(ask(sandbox, "GET", CONFIG))["filter"]["supported"] is False
    assert len(names(company(filters="ignored"), 'userName eq "x"')) == 3
    assert len(names(company(filters="ignored"), "this is no filter")) == 3


def test_filters_may_compare_by_case_or_never() -> None:
    for switch, login, external in (("schema", 1, 0), ("exact", 0, 0), ("ignored", 1, 1)):
        sandbox = company(filter_case=switch)
        assert len(names(sandbox, 'userName eq "ADA@acme.com"')) == login
        assert len(names(sandbox, 'externalId eq "g-1"')) == external


def test_a_filter_may_find_one_at_most() -> None:
    sandbox = company(filter_finds_one=True)
    found = body(ask(sandbox, "GET", "/Users", filter="id pr"))
    assert (found["totalResults"], len(found["Resources"])) == (1, 1)
    assert len(rows(sandbox)) == 3


def test_sorting_may_be_refused_or_ignored() -> None:
    assert ask(company(sorting="refused"), "GET", "/Users", sortBy="userName").status == 501
    assert rows(company(sorting="ignored"), sortBy="active")[0]["userName"] == "Ada@acme.com"
    for switch, announced in (("on", True), ("refused", False), ("ignored", False)):
        config = body(ask(company(sorting=switch), "GET", CONFIG))
        assert config["sort"] == {"supported": announced}


def test_versions_may_be_absent_demanded_or_not_announced() -> None:
    wrong = {"If-Match": 'W/"0"'}
    for switch, announced, shown, without, with_wrong in (
        ("on", True, True, 200, 412),
        ("off", False, False, 200, 200),
        ("required", True, True, 428, 412),
        ("unannounced", False, True, 200, 412),
    ):
        sandbox = company(etags=switch)
        response = ask(sandbox, "GET", place(sandbox, "bob@acme.com"))
        assert body(ask(sandbox, "GET", CONFIG))["etag"] == {"supported": announced}
        assert ("etag" in response.headers, "version" in body(response)["meta"]) == (shown, shown)
        assert patch(sandbox, "bob@acme.com", op("add", "title", "A"), **wrong).status == with_wrong
        assert patch(sandbox, "bob@acme.com", op("add", "title", "B")).status == without
        assert ask(sandbox, "DELETE", place(sandbox, "bob@acme.com")).status == (
            without if without > 299 else 204
        )
        assert create(sandbox, a_user()).status == 201


def test_totals_may_be_the_size_of_the_page_or_missing() -> None:
    for switch, total in (("right", 3), ("page", 2), ("missing", None)):
        assert body(ask(company(totals=switch), "GET", "/Users", count=2)).get("totalResults") == total


def test_a_count_may_be_refused() -> None:
    sandbox = company(count_refused=True)
    assert refusal(ask(sandbox, "GET", "/Users", count=2), 500) == ""
    assert ask(sandbox, "POST", "/Users/.search", {"schemas": [SEARCH_REQUEST], "count": 2}).status == 500
    assert len(rows(sandbox)) == 3


def test_every_page_may_be_the_first() -> None:
    page = body(ask(company(ignores_start_index=True), "GET", "/Users", startIndex=3, count=2))
    assert [row["userName"][:3] for row in page["Resources"]] == ["Ada", "bob"]
    assert page["startIndex"] == 1


def test_the_first_page_may_come_again_past_the_end() -> None:
    page = body(ask(company(repeats_past_end=True), "GET", "/Users", startIndex=4, count=2))
    assert [row["userName"][:3] for row in page["Resources"]] == ["Ada", "bob"]
    assert len(rows(company(repeats_past_end=True), startIndex=3)) == 1


def test_a_count_may_be_ignored() -> None:
    for cap, shown in ((100, 3), (2, 2)):
        sandbox = company(ignores_count=True, page_cap=cap)
        assert [len(rows(sandbox, count=count)) for count in (0, 1, 9)] == [shown, shown, shown]


def test_the_order_of_a_list_may_change() -> None:
    sandbox = company(shuffles=True)
    orders = [[row["userName"] for row in rows(sandbox)] for _ in range(3)]
    assert len({tuple(order) for order in orders}) == 3
    assert {frozenset(order) for order in orders} == {frozenset(COMPANY["users"])}


def test_rows_may_be_counted_and_never_shown() -> None:
    sandbox = company(ghosts=2)
    pages = [body(ask(sandbox, "GET", "/Users", startIndex=start, count=2)) for start in (1, 3, 5, 7)]
    assert {page["totalResults"] for page in pages} == {5}
    assert [[row["userName"][:3] for row in page["Resources"]] for page in pages] == [
        [],
        ["Ada", "bob"],
        ["gra"],
        [],
    ]


def test_what_is_asked_for_may_be_ignored() -> None:
    sandbox = company(ignores_attributes=True)
    assert all("members" in row for row in rows(sandbox, "Groups", excludedAttributes="members")[:2])
    assert "displayName" in get(sandbox, "bob@acme.com", attributes="userName")
    assert "displayName" in rows(sandbox, attributes="userName")[0]


def test_the_name_of_who_was_deleted_may_stay_taken() -> None:
    for switch, status in ((True, 409), (False, 201)):
        sandbox = company(deleted_names_taken=switch)
        ask(sandbox, "DELETE", place(sandbox, "bob@acme.com"))
        assert create(sandbox, a_user("BOB@acme.com")).status == status


def test_a_deletion_may_only_deactivate() -> None:
    sandbox = company(delete_deactivates=True)
    assert ask(sandbox, "DELETE", place(sandbox, "grace@acme.com")).status == 204
    assert get(sandbox, "grace@acme.com")["active"] is False
    assert ask(sandbox, "DELETE", place(sandbox, "Empty")).status == 204
    assert len(rows(sandbox, "Groups")) == 2


def test_an_empty_list_may_have_no_resources() -> None:
    for switch in (False, True):
        found = body(ask(company(omits_empty_resources=switch), "GET", "/Users", startIndex=9))
        assert ("Resources" in found) is not switch


def test_lists_may_lag_behind_what_is_read_by_id() -> None:
    sandbox = company(list_lag=4)
    patch(sandbox, "bob@acme.com", op("add", "title", "Dr"))
    create(sandbox, a_user())
    ask(sandbox, "DELETE", place(sandbox, "grace@acme.com"))
    assert get(sandbox, "bob@acme.com")["title"] == "Dr"
    seen = [[(row["userName"][:3], row.get("title")) for row in rows(sandbox)] for _ in range(3)]
    assert seen == [
        [("Ada", None), ("bob", "Dr"), ("gra", None)],
        [("Ada", None), ("bob", "Dr"), ("gra", None), ("new", None)],
        [("Ada", None), ("bob", "Dr"), ("new", None)],
    ]


def test_a_change_that_lists_do_not_show_yet_is_not_found_by_a_filter() -> None:
    sandbox = company(list_lag=2)
    patch(sandbox, "bob@acme.com", op("replace", "userName", "bo@acme.com"))
    assert names(sandbox, 'userName eq "bob@acme.com"') == ["bob@acme.com"]
    assert names(sandbox, 'userName eq "bo@acme.com"') == ["bo@acme.com"]


def test_lists_may_hide_who_is_inactive() -> None:
    sandbox = company(deactivate_hides=True)
    assert [row["userName"] for row in rows(sandbox)] == ["Ada@acme.com", "grace@acme.com"]
    assert get(sandbox, "bob@acme.com")["active"] is False


def test_members_may_be_hidden_or_capped() -> None:
    for switch, by_id, in_list in (("shown", 2, 2), ("by_id", 2, 0), ("hidden", 0, 0), ("capped", 1, 1)):
        sandbox = company(members=switch, member_cap=1)
        assert len(members(sandbox) or ()) == by_id
        assert len(rows(sandbox, "Groups")[0].get("members", ())) == in_list
        bob = ident(sandbox, "bob@acme.com")
        assert names(sandbox, f'members.value eq "{bob}"', "Groups") == ["Analysts"]


def test_members_may_be_shown_with_a_display_by_id_or_by_reference() -> None:
    for switch, shown in (
        ("plain", {"value", "$ref", "type"}),
        ("display", {"value", "$ref", "type", "display"}),
        ("value", {"value"}),
        ("ref", {"$ref"}),
    ):
        sandbox = company(member_form=switch)
        assert [member.keys() for member in members(sandbox)] == [shown, shown]
    assert members(company(member_form="display"))[0]["display"] == "Ada@acme.com"
    assert members(company(member_form="name")) == [{"value": "Ada@acme.com"}, {"value": "bob@acme.com"}]


def test_a_group_without_members_may_have_an_empty_list() -> None:
    assert members(company(empty_members="list"), "Empty") == []
    assert members(company(), "Empty") is None


def test_who_was_deleted_may_stay_a_member_and_a_manager() -> None:
    sandbox = company(deleted_references_stay=True)
    grace = ident(sandbox, "grace@acme.com")
    ask(sandbox, "DELETE", place(sandbox, "grace@acme.com"))
    assert get(sandbox, "Ada@acme.com")[ENTERPRISE_URN]["manager"] == {"value": grace}
    assert {"value": grace, "type": "User"} in members(sandbox, "Staff")
    assert patch(sandbox, "Staff", op("remove", f'members[value eq "{grace}"]')).status == 200
    assert len(members(sandbox, "Staff")) == 1


def test_a_user_may_show_direct_groups_or_none() -> None:
    for switch, expected in (("all", ["Analysts", "Staff"]), ("direct", ["Analysts"]), ("off", [])):
        shown = get(company(user_groups=switch), "Ada@acme.com").get("groups", [])
        assert [group["display"] for group in shown] == expected


def test_meta_may_be_missing() -> None:
    assert "meta" not in get(company(omits_meta=True), "Ada@acme.com")


def test_names_and_urns_may_be_spelled_otherwise() -> None:
    lower, upper = (get(company(spelling=switch), "Ada@acme.com") for switch in ("lower", "upper"))
    assert lower["schemas"] == [USER_URN.lower(), ENTERPRISE_URN.lower(), BADGE.lower()]
    assert (lower["username"], lower["name"]["givenname"]) == ("Ada@acme.com", "Ada")
    assert upper[BADGE.upper()]["TAGS"] == ["red", "blue"]


def test_ids_may_hold_what_a_url_must_escape() -> None:
    sandbox = company(odd_ids=True)
    assert ident(sandbox, "Ada@acme.com").startswith("a/b?c#d%20 é&")
    made = body(create(sandbox, a_group(members=[{"value": ident(sandbox, "Ada@acme.com")}])), 201)
    assert made["meta"]["location"].endswith("/Groups/" + place(sandbox, "New").removeprefix("/Groups/"))
    assert get(sandbox, "New")["id"] == made["id"]
    assert names(sandbox, f'id eq "{made["id"]}"', "Groups") == ["New"]
    assert len(members(sandbox, "New")) == 1


def test_active_may_be_shown_as_text() -> None:
    sandbox = company(active_as_text=True)
    assert [row["active"] for row in rows(sandbox)] == ["True", "False", "True"]
    assert len(names(sandbox, "active eq true")) == 2


def test_times_may_be_spelled_otherwise() -> None:
    for switch, ending in (("z", "00:03Z"), ("offset", "00:03+00:00"), ("odd", "00:03 UTC")):
        assert get(company(times=switch), "grace@acme.com")["meta"]["created"].endswith(ending)


def test_emails_may_be_shown_without_types() -> None:
    shown = get(company(emails_without_type=True), "Ada@acme.com")["emails"]
    assert shown == [{"value": "ada@acme.com", "primary": True}, {"value": "ada@home.example"}]


def test_answers_may_hold_what_no_schema_defines() -> None:
    shown = get(company(undocumented=True), "Ada@acme.com")
    assert (shown["firstAdmin"], shown["urn:vendor:unknown:2.0:User"]) == (False, {"score": 1})


def test_refusals_may_have_other_bodies() -> None:
    taken = {switch: create(company(errors=switch), a_user("ada@acme.com")) for switch in _choices("errors")}
    assert {response.status for response in taken.values()} == {409}
    assert refusal(taken["scim"], 409) == "uniqueness"
    assert refusal(taken["no_type"], 409) == ""
    assert body(taken["number"], 409)["status"] == 409
    assert body(taken["message"], 409) == {"message": "ada@acme.com exists already"}
    assert (taken["html"].json, taken["html"].text) == (None, "<html><h1>409</h1></html>")
    assert (taken["empty"].json, taken["empty"].text) == (None, "")


def test_a_creation_may_be_answered_otherwise() -> None:
    for switch, status in (("201", 201), ("200", 200), ("empty", 201)):
        sandbox = company(create_answer=switch)
        response = create(sandbox, a_user())
        assert response.status == status
        assert (response.json is None) is (switch == "empty")
        assert response.headers["location"].endswith(place(sandbox, "new@acme.com"))


def test_an_update_may_be_answered_otherwise() -> None:
    for switch, status in (("resource", 200), ("204", 204), ("empty", 200)):
        sandbox = company(patch_answer=switch, put_answer=switch)
        for response in (
            patch(sandbox, "bob@acme.com", op("add", "title", "Dr")),
            ask(sandbox, "PUT", place(sandbox, "bob@acme.com"), a_user("bob@acme.com", title="Dr")),
        ):
            assert response.status == status
            assert (response.json is None) is (switch != "resource")
        assert get(sandbox, "bob@acme.com")["title"] == "Dr"


def test_writes_of_users_may_be_accepted_and_done_later_or_never() -> None:
    for switch, done in (("later", True), ("never", False)):
        sandbox = company(accepted=switch)
        assert create(sandbox, a_user()).status == 202
        assert ask(sandbox, "DELETE", place(sandbox, "grace@acme.com")).status == 202
        assert [row["userName"][:3] for row in rows(sandbox)] == ["Ada", "bob", "gra"]
        assert patch(sandbox, "Empty", op("add", "externalId", "x")).status == 200
        rows(sandbox)
        assert [row["userName"][:3] for row in rows(sandbox)] == ["Ada", "bob", "new" if done else "gra"]


def test_what_was_accepted_and_cannot_be_done_is_told_to_nobody() -> None:
    sandbox = company(accepted="later")
    assert create(sandbox, a_user("ADA@acme.com")).status == 202
    assert create(sandbox, {"userName": 7}).status == 202
    assert [len(rows(sandbox)) for _ in range(4)] == [3, 3, 3, 3]


def test_what_nobody_defined_may_be_ignored() -> None:
    sandbox = company(unknown_attributes="ignored")
    sent = a_user(colour="red", name={"first": "N"}, **{"urn:none:User": {"x": 1}, BADGE: {"none": 1}})
    made = body(create(sandbox, sent), 201)
    assert made.keys() == {"schemas", "id", "userName", "active", "meta"}
    changed = patch(
        sandbox, "new@acme.com", op("add", "colour", "red"), op("add", value={"hue": 1, "urn:none:User": {}})
    )
    assert body(changed) == made


def test_a_user_name_may_be_fixed() -> None:
    sandbox = company(user_name_immutable=True)
    assert refusal(patch(sandbox, "bob@acme.com", op("replace", "userName", "bo@acme.com"))) == "mutability"
    assert refusal(ask(sandbox, "PUT", place(sandbox, "bob@acme.com"), a_user("bo@acme.com"))) == "mutability"
    assert patch(sandbox, "bob@acme.com", op("replace", "userName", "bob@acme.com")).status == 200
    assert patch(company(), "bob@acme.com", op("replace", "userName", "bo@acme.com")).status == 200


def test_names_of_groups_may_be_unique() -> None:
    sandbox = company(unique_group_names=True)
    assert refusal(create(sandbox, a_group("STAFF")), 409) == "uniqueness"
    assert refusal(patch(sandbox, "Empty", op("replace", "displayName", "staff")), 409) == "uniqueness"
    assert create(company(), a_group("STAFF")).status == 201


def test_a_user_may_be_created_active_whatever_was_sent() -> None:
    for switch in (False, True):
        made = body(create(company(create_ignores_active=switch), a_user(active=False)), 201)
        assert made["active"] is switch


def test_put_may_leave_alone_what_it_does_not_name() -> None:
    sandbox = company(put_merges=True)
    sent = {"schemas": [USER_URN, BADGE], "userName": "Ada@acme.com", BADGE: {"level": 4}}
    merged = body(ask(sandbox, "PUT", place(sandbox, "Ada@acme.com"), sent))
    assert (merged["displayName"], merged[BADGE]["badge"], merged[BADGE]["level"]) == (
        "Ada Lovelace",
        "X-1",
        4,
    )
    ask(sandbox, "PUT", place(sandbox, "Analysts"), {"schemas": [GROUP_URN], "displayName": "Analysts"})
    assert len(members(sandbox)) == 2


def test_a_patch_may_be_read_strictly() -> None:
    for switches, operation, status in (
        ({"patch_lower_case": True}, op("Add", "title", "x"), 400),
        ({"patch_lower_case": True}, op("add", "title", "x"), 200),
        ({"patch_needs_path": True}, op("add", value={"title": "x"}), 501),
        ({"patch_needs_path": True}, op("add", "title", "x"), 200),
        ({"filter_removal_refused": True}, op("remove", 'emails[type eq "home"]'), 501),
        ({"filter_removal_refused": True}, op("remove", "emails"), 200),
    ):
        assert patch(company(**switches), "Ada@acme.com", operation).status == status


def test_a_removal_may_heed_its_value() -> None:
    for switch, left in ((True, 1), (False, 0)):
        sandbox = company(removes_by_value=switch)
        patch(sandbox, "Analysts", op("remove", "members", [{"value": ident(sandbox, "bob@acme.com")}]))
        assert len(members(sandbox) or ()) == left


def test_an_addition_may_make_what_its_filter_does_not_find() -> None:
    sandbox = company(filter_add_creates=True)
    added = body(patch(sandbox, "bob@acme.com", op("add", 'emails[type eq "work"].value', "bob@acme.com")))
    assert added["emails"] == [{"type": "work", "value": "bob@acme.com"}]
    assert refusal(patch(sandbox, "bob@acme.com", op("add", 'emails[value co "x"].value', "b"))) == "noTarget"


def test_a_request_may_name_too_many_members() -> None:
    sandbox = company(members_per_request=1)
    two = [{"value": ident(sandbox, name)} for name in ("Ada@acme.com", "grace@acme.com")]
    assert refusal(create(sandbox, a_group(members=two))) == "tooMany"
    assert refusal(ask(sandbox, "PUT", place(sandbox, "Empty"), a_group("Empty", members=two))) == "tooMany"
    assert refusal(patch(sandbox, "Empty", op("add", "members", two))) == "tooMany"
    each = [op("add", value={"members": [member]}) for member in two]
    assert refusal(patch(sandbox, "Empty", *each)) == "tooMany"
    assert patch(sandbox, "Empty", each[0]).status == 200


def test_a_member_may_have_to_come_with_a_display() -> None:
    sandbox = company(member_display_required=True)
    ada = {"value": ident(sandbox, "Ada@acme.com")}
    shown = ada | {"display": "Ada@acme.com"}
    assert refusal(patch(sandbox, "Empty", op("add", "members", [ada]))) == "invalidSyntax"
    assert refusal(patch(sandbox, "Empty", op("add", "members", [ada | {"display": "x"}]))) == "invalidValue"
    assert refusal(create(sandbox, a_group(members=[ada]))) == "invalidSyntax"
    assert create(sandbox, a_group(members=[shown])).status == 201
    assert patch(sandbox, "Empty", op("add", "members", shown)).status == 200
    assert patch(sandbox, "Empty", op("remove", f'members[value eq "{ada["value"]}"]')).status == 200


def test_a_boolean_may_be_written_as_text() -> None:
    sandbox = company(takes_boolean_texts=True)
    assert body(patch(sandbox, "bob@acme.com", op("replace", "active", "True")))["active"] is True
    assert refusal(patch(sandbox, "bob@acme.com", op("replace", "active", "yes"))) == "invalidValue"


def test_values_may_have_to_be_canonical() -> None:
    odd = a_user(emails=[{"value": "n@acme.com", "type": "office"}])
    assert refusal(create(company(canonical_only=True), odd)) == "invalidValue"
    assert create(company(), odd).status == 201


def test_a_write_may_need_a_content_type() -> None:
    sandbox = company(content_type_required=True)
    assert create(sandbox, a_user()).status == 406
    headers = {"Content-Type": "application/scim+json"}
    assert ask(sandbox, "POST", "/Users", a_user(), headers).status == 201
    assert len(rows(sandbox)) == 4


def test_requests_may_be_limited_with_or_without_a_word_about_when() -> None:
    for switch, said in (("seconds", "60"), ("date", "Thu, 01 Jan 1970 00:01:00 GMT"), ("absent", None)):
        now = [0.0]
        sandbox = company(clock=lambda: now[0], requests_per_minute=2, retry_after=switch)  # noqa: B023 (asked at once)
        assert [ask(sandbox, "GET", "/Users").status for _ in range(3)] == [200, 200, 429]
        assert ask(sandbox, "GET", "/Users").headers.get("retry-after") == said
        now[0] = 60.0
        assert ask(sandbox, "GET", "/Users").status == 200


def _choices(name: str) -> tuple[Any, ...]:
    return get_args(get_type_hints(Switches)[name])


def test_the_schema_of_a_seed_knows_every_switch_with_its_default() -> None:
    said = SCHEMA["properties"]["switches"]["properties"]
    assert list(said) == [field.name for field in fields(Switches)]
    for field in fields(Switches):
        entry = said[field.name]
        assert entry["default"] == field.default
        assert entry["description"].endswith(".")
        choices = _choices(field.name)
        kinds = {bool: "boolean", int: "integer"}
        assert entry["enum"] == list(choices) if choices else entry["type"] == kinds[type(field.default)]


def test_the_schema_of_a_seed_takes_what_the_directory_takes() -> None:
    jsonschema.validate({**COMPANY, "switches": {"totals": "page"}}, SCHEMA)
    for bad in ({"switches": {"none": 1}}, {"people": {}}, {"users": []}, {"clients": {"x": {}}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, SCHEMA)
        with pytest.raises(ValueError, match=r"^\w"):
            Store.from_seed(bad)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"total": "page"}, "total: no such switch; there are discovery, patch"),
        ({"totals": "wrong"}, "totals: must be one of right, page, missing"),
        ({"page_cap": "-1"}, "page_cap: must be a whole number from 0"),
        ({"omits_meta": "yes"}, "omits_meta: must be true or false"),
    ],
)
def test_a_bad_switch_is_named(texts: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_texts(Switches, texts)


def test_a_choice_may_look_like_a_number() -> None:
    texts = {"create_answer": "200", "page_cap": "7", "omits_meta": "true", "etags": "off"}
    assert from_texts(Switches, texts) == {
        "create_answer": "200",
        "page_cap": 7,
        "omits_meta": True,
        "etags": "off",
    }
    assert Store.from_seed({"switches": {"create_answer": 200}}).switches.create_answer == "200"

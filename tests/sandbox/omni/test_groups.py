"""Groups: what is shown, and what each write does."""

from typing import Any

import pytest
from asking import ask, body, company, detail, group_id, patch, rows, user_id

from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.records import membership_id


def get(sandbox: Sandbox, name: str, **query: str) -> dict[str, Any]:
    return body(ask(sandbox, "GET", f"/scim/v2/groups/{group_id(sandbox, name)}", **query))


def members(sandbox: Sandbox, name: str) -> list[str]:
    return [member["display"] for member in get(sandbox, name)["members"]]


def without(ident: str) -> dict[str, str]:
    return {"op": "remove", "path": f'members[value eq "{ident}"]'}


def adding(*idents: str) -> dict[str, object]:
    return {"op": "add", "path": "members", "value": [{"value": ident} for ident in idents]}


def test_a_group_is_shown_as_the_documentation_has_it() -> None:
    sandbox = company()
    finance = get(sandbox, "Finance")
    assert finance.pop("meta").keys() == {"resourceType", "created", "lastModified"}
    assert finance == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": group_id(sandbox, "Finance"),
        "displayName": "Finance",
        "members": [
            {"display": email, "value": user_id(sandbox, email)}
            for email in ("Ada@acme.com", "cleo@acme.com", "embed-1@x.co")
        ],
    }
    assert rows(sandbox, "groups")[0] == get(sandbox, "Finance")


def test_members_can_be_left_out() -> None:
    sandbox = company()
    assert "members" not in get(sandbox, "Finance", excludedAttributes="members")
    assert all("members" not in row for row in rows(sandbox, "groups", excludedAttributes="members"))
    refusal = ask(sandbox, "GET", "/scim/v2/groups", excludedAttributes="id")
    assert detail(refusal, 400) == "Bad Request: excludedAttributes: Expected 'members'"


@pytest.mark.parametrize(("where", "in_list", "by_id"), [("off", 3, 3), ("list", 2, 3), ("everywhere", 2, 2)])
def test_members_may_be_truncated(where: str, in_list: int, by_id: int) -> None:
    sandbox = company(truncate_members=where, member_cap=2)
    assert len(rows(sandbox, "groups")[0]["members"]) == in_list
    assert len(get(sandbox, "Finance")["members"]) == by_id
    assert len(body(ask(sandbox, "GET", "/scim/v2/users"))["Resources"][0]["groups"]) == 2


@pytest.mark.parametrize(
    ("omits", "listed", "by_id"),
    [
        ("off", {"Finance", "Nobody"}, {"Finance", "Nobody"}),
        ("list", set(), {"Finance", "Nobody"}),
        ("empty", {"Finance"}, {"Finance"}),
        ("everywhere", set(), set()),
    ],
)
def test_rows_may_not_speak_of_members(omits: str, listed: set[str], by_id: set[str]) -> None:
    sandbox = company(omits_members=omits)
    ask(sandbox, "POST", "/scim/v2/groups", {"displayName": "Nobody"})
    names = {"Finance", "Nobody"}
    assert {row["displayName"] for row in rows(sandbox, "groups") if "members" in row} & names == listed
    assert {name for name in names if "members" in get(sandbox, name)} == by_id


@pytest.mark.parametrize(
    ("filter_text", "found"),
    [
        ('displayName eq "finance"', ["Finance"]),
        ('displayname co "LL st"', ["All Staff"]),
        ('displayName eq "Fin"', []),
        ('displayName co "a"', ["Finance", "All Staff"]),
    ],
)
def test_groups_are_filtered_by_name(filter_text: str, found: list[str]) -> None:
    assert [row["displayName"] for row in rows(company(), "groups", filter=filter_text)] == found


def test_a_quoted_name_is_understood() -> None:
    sandbox = company()
    ask(sandbox, "POST", "/scim/v2/groups", {"displayName": 'The "A" team \\o/'})
    assert len(rows(sandbox, "groups", filter=r'displayName eq "The \"A\" team \\o/"')) == 1


def test_a_group_is_created_with_its_members() -> None:
    sandbox = company()
    request = {"displayName": "New", "members": [{"value": user_id(sandbox, "bob@acme.com")}]}
    made = body(ask(sandbox, "POST", "/scim/v2/groups", request), 201)
    assert [member["display"] for member in made["members"]] == ["bob@acme.com"]
    assert rows(sandbox, "groups")[-1] == made
    assert body(ask(sandbox, "POST", "/scim/v2/groups", {"displayName": "Bare"}), 201)["members"] == []


@pytest.mark.parametrize(
    ("request_body", "words"),
    [
        (None, "body: Required"),
        ({}, "displayName: Required"),
        ({"displayName": 1}, "displayName: Expected string"),
        ({"displayName": "x" * 65}, "displayName: String must contain at most 64 character(s)"),
        ({"displayName": "G", "members": {}}, "members: Expected array"),
        ({"displayName": "G", "members": ["x"]}, "members.0: Expected object"),
        ({"displayName": "G", "members": [{}]}, "members.0.value: Required"),
        ({"displayName": "G", "members": [{"value": "nobody"}]}, "members.0.value: Unknown member nobody"),
    ],
)
def test_a_group_that_is_not_whole_is_not_created(request_body: object, words: str) -> None:
    sandbox = company()
    assert detail(ask(sandbox, "POST", "/scim/v2/groups", request_body), 400) == f"Bad Request: {words}"
    assert len(rows(sandbox, "groups")) == 2


def test_a_name_of_64_characters_is_allowed() -> None:
    assert ask(company(), "POST", "/scim/v2/groups", {"displayName": "é" * 64}).status == 201


@pytest.mark.parametrize(("sensitive", "status"), [(False, 409), (True, 201)])
def test_names_that_differ_in_case_are_one_unless_switched(sensitive: bool, status: int) -> None:  # noqa: FBT001 (a parameter of the test)
    sandbox = company(group_names_case_sensitive=sensitive)
    assert ask(sandbox, "POST", "/scim/v2/groups", {"displayName": "FINANCE"}).status == status
    assert ask(sandbox, "POST", "/scim/v2/groups", {"displayName": "Finance"}).status == 409


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "value": {"displayName": "Treasury", "id": "whatever"}},
        {
            "op": "replace",
            "value": {"displayName": "Treasury", "members": [], "urn:x": {"more": 1}},
            "more": 1,
        },
        {"op": "replace", "path": "displayName", "value": "Treasury"},
    ],
)
def test_a_rename_keeps_id_and_members(operation: object) -> None:
    sandbox = company()
    finance = get(sandbox, "Finance")
    renamed = body(patch(sandbox, "groups", finance["id"], operation))
    assert (renamed["id"], renamed["members"]) == (finance["id"], finance["members"])
    assert rows(sandbox, "groups", filter='displayName eq "Finance"') == []
    assert rows(sandbox, "groups", filter='displayName eq "Treasury"') == [renamed]
    assert rows(sandbox, "users")[0]["groups"][0]["display"] == "Treasury"


def test_a_rename_onto_another_group_is_409_and_onto_itself_is_fine() -> None:
    sandbox = company()
    finance = group_id(sandbox, "Finance")
    taken = patch(sandbox, "groups", finance, {"op": "replace", "path": "displayName", "value": "all staff"})
    assert "already exists" in detail(taken, 409)
    own = patch(sandbox, "groups", finance, {"op": "replace", "path": "displayName", "value": "FINANCE"})
    assert body(own)["displayName"] == "FINANCE"


def test_members_are_added_and_removed_in_one_patch() -> None:
    sandbox = company()
    bob, ada = user_id(sandbox, "bob@acme.com"), user_id(sandbox, "Ada@acme.com")
    assert patch(sandbox, "groups", group_id(sandbox, "Finance"), adding(bob), without(ada)).ok
    assert members(sandbox, "Finance") == ["cleo@acme.com", "embed-1@x.co", "bob@acme.com"]
    by_name = {
        row["userName"]: [group["display"] for group in row["groups"]] for row in rows(sandbox, "users")
    }
    assert by_name == {
        "Ada@acme.com": ["All Staff"],
        "bob@acme.com": ["Finance", "All Staff"],
        "cleo@acme.com": ["Finance", "All Staff"],
    }


def test_replacing_the_members_leaves_exactly_those() -> None:
    sandbox = company()
    finance, bob = group_id(sandbox, "Finance"), user_id(sandbox, "bob@acme.com")
    patch(sandbox, "groups", finance, {"op": "replace", "path": "members", "value": [{"value": bob}]})
    assert members(sandbox, "Finance") == ["bob@acme.com"]
    patch(sandbox, "groups", finance, {"op": "replace", "path": "members", "value": []})
    assert members(sandbox, "Finance") == []


def test_member_operations_are_idempotent_unless_switched() -> None:
    lenient, strict = company(member_ops_strict=False), company(member_ops_strict=True)
    ada, bob = user_id(strict, "Ada@acme.com"), user_id(strict, "bob@acme.com")
    finance = group_id(strict, "Finance")
    before = members(lenient, "Finance")
    for operation in (adding(ada), without(bob), without(membership_id("nobody"))):
        assert patch(lenient, "groups", finance, operation).ok
        assert detail(patch(strict, "groups", finance, operation), 400).startswith(
            "Bad Request: Operations.0."
        )
    assert members(lenient, "Finance") == members(strict, "Finance") == before
    assert patch(strict, "groups", finance, adding(bob), without(ada)).ok


@pytest.mark.parametrize(
    "operation",
    [
        adding("nobody"),
        {"op": "add", "path": "members", "value": {"value": "x"}},
        {"op": "replace", "value": {"members": []}},
        without("nobody"),
        without("x" * 37),
        without(" " * 36),
        {"op": "replace", "value": {"id": "x"}},
        {"op": "replace", "path": "displayName", "value": "x" * 65},
        {"op": "replace", "path": "id", "value": "x"},
        {"op": "add", "value": {"displayName": "x"}},
        {"op": "remove", "path": "members"},
        {"op": "remove", "path": 'members[display eq "x"]'},
    ],
)
def test_a_patch_is_all_or_nothing(operation: object) -> None:
    sandbox = company()
    before = sandbox.store.to_json()
    bob = user_id(sandbox, "bob@acme.com")
    rename = {"op": "replace", "path": "displayName", "value": "Changed"}
    refusal = patch(sandbox, "groups", group_id(sandbox, "Finance"), adding(bob), rename, operation)
    assert detail(refusal, 400).startswith("Bad Request: Operations.2.")
    assert sandbox.store.to_json() == before


def test_a_patch_without_operations_changes_nothing() -> None:
    sandbox = company()
    before = sandbox.store.snapshot()
    answer = body(patch(sandbox, "groups", group_id(sandbox, "Finance")))
    assert (answer["displayName"], len(answer["members"])) == ("Finance", 3)
    assert sandbox.store.snapshot() == before


def test_a_deleted_user_cannot_become_a_member() -> None:
    sandbox = company(delete_keeps_row=True)
    bob = user_id(sandbox, "bob@acme.com")
    ask(sandbox, "DELETE", f"/scim/v2/users/{bob}")
    assert patch(sandbox, "groups", group_id(sandbox, "Finance"), adding(bob)).status == 400


def test_put_replaces_name_and_members() -> None:
    sandbox = company()
    finance, bob = group_id(sandbox, "Finance"), user_id(sandbox, "bob@acme.com")
    request = {"displayName": "Treasury", "members": [{"value": bob, "display": ""}]}
    assert body(ask(sandbox, "PUT", f"/scim/v2/groups/{finance}", request))["displayName"] == "Treasury"
    assert members(sandbox, "Treasury") == ["bob@acme.com"]


def test_put_needs_members_and_each_with_display() -> None:
    sandbox = company()
    path, bob = f"/scim/v2/groups/{group_id(sandbox, 'Finance')}", user_id(sandbox, "bob@acme.com")
    assert detail(ask(sandbox, "PUT", path, {"displayName": "F"}), 400) == "Bad Request: members: Required"
    request = {"displayName": "F", "members": [{"value": bob}]}
    assert detail(ask(sandbox, "PUT", path, request), 400) == "Bad Request: members.0.display: Required"
    taken = {"displayName": "All Staff", "members": []}
    assert ask(sandbox, "PUT", path, taken).status == 409


def test_put_is_always_refused_with_the_switch() -> None:
    sandbox = company(put_group_members_required=True)
    path = f"/scim/v2/groups/{group_id(sandbox, 'Finance')}"
    request: dict[str, object] = {"displayName": "Finance", "members": []}
    assert detail(ask(sandbox, "PUT", path, request), 400) == "Bad Request: members: Required"
    assert ask(company(), "PUT", path, request).ok


def test_a_deleted_group_is_gone_and_its_name_is_free() -> None:
    sandbox = company()
    finance = group_id(sandbox, "Finance")
    assert ask(sandbox, "DELETE", f"/scim/v2/groups/{finance}").status == 204
    assert ask(sandbox, "GET", f"/scim/v2/groups/{finance}").status == 404
    assert [group["display"] for group in rows(sandbox, "users")[0]["groups"]] == ["All Staff"]
    again = body(ask(sandbox, "POST", "/scim/v2/groups", {"displayName": "Finance"}), 201)
    assert again["id"] != finance

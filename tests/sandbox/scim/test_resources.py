"""Users and groups: what is shown, and what each write does."""

from typing import Any

import pytest
from asking_scim import (
    BADGE,
    a_group,
    a_user,
    ask,
    body,
    company,
    create,
    get,
    ident,
    op,
    patch,
    place,
    refusal,
    rows,
)

from reconciler.sandbox.scim.core import ENTERPRISE_URN, GROUP_URN, USER_URN
from reconciler.sandbox.scim.instance import Sandbox
from reconciler.sandbox.scim.store import Store
from reconciler.transport.messages import Request

HOME = "https://directory.example/scim/v2"


def test_a_user_is_shown_with_what_others_say_of_it() -> None:
    sandbox = company()
    ada = get(sandbox, "Ada@acme.com")
    grace, analysts, staff = (ident(sandbox, name) for name in ("grace@acme.com", "Analysts", "Staff"))
    meta = ada.pop("meta")
    assert meta.keys() == {"resourceType", "created", "lastModified", "location", "version"}
    assert (meta["resourceType"], meta["location"]) == ("User", f"{HOME}/Users/{ada['id']}")
    assert ada == {
        "schemas": [USER_URN, ENTERPRISE_URN, BADGE],
        "id": ident(sandbox, "Ada@acme.com"),
        "userName": "Ada@acme.com",
        "displayName": "Ada Lovelace",
        "active": True,
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [
            {"value": "ada@acme.com", "type": "work", "primary": True},
            {"value": "ada@home.example", "type": "home"},
        ],
        ENTERPRISE_URN: {
            "department": "R&D",
            "manager": {"value": grace, "$ref": f"{HOME}/Users/{grace}", "displayName": "Grace"},
        },
        BADGE: {"badge": "X-1", "level": 3, "tags": ["red", "blue"]},
        "groups": [
            {"value": analysts, "$ref": f"{HOME}/Groups/{analysts}", "display": "Analysts", "type": "direct"},
            {"value": staff, "$ref": f"{HOME}/Groups/{staff}", "display": "Staff", "type": "indirect"},
        ],
    }
    assert {**rows(sandbox)[0], "meta": meta} == {**ada, "meta": meta}


def test_a_group_shows_its_members_and_none_where_it_has_none() -> None:
    sandbox = company()
    analysts, grace = ident(sandbox, "Analysts"), ident(sandbox, "grace@acme.com")
    assert get(sandbox, "Staff")["schemas"] == [GROUP_URN]
    assert get(sandbox, "Staff")["members"] == [
        {"value": analysts, "$ref": f"{HOME}/Groups/{analysts}", "type": "Group"},
        {"value": grace, "$ref": f"{HOME}/Users/{grace}", "type": "User"},
    ]
    assert "members" not in get(sandbox, "Empty")


def test_a_user_is_made_with_what_was_sent_and_found_at_its_location() -> None:
    sandbox = company()
    sent = a_user(
        displayName="New",
        EMAILS=[{"VALUE": "n@acme.com", "Type": "work"}],
        id="mine",
        meta={"version": "mine"},
        groups=[{"value": "mine"}],
        nickName=None,
        roles=[],
        **{BADGE.upper(): {"Level": 7, "seen": "ignored"}},
    )
    response = create(sandbox, sent)
    made = body(response, 201)
    assert made["emails"] == [{"value": "n@acme.com", "type": "work"}]
    assert made[BADGE] == {"level": 7}
    assert made["active"] is True
    assert made["id"] != "mine"
    assert not made.keys() & {"groups", "nickName", "roles"}
    assert response.headers["location"] == made["meta"]["location"] == f"{HOME}/Users/{made['id']}"
    assert response.headers["etag"] == made["meta"]["version"]
    assert response.headers["content-type"].startswith("application/scim+json")
    assert get(sandbox, "NEW@acme.com") == made


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"schemas": None}, "invalidSyntax"),
        ({"schemas": [ENTERPRISE_URN]}, "invalidSyntax"),
        ({"schemas": [USER_URN, "urn:none"]}, "invalidSyntax"),
        ({"userName": None}, "invalidValue"),
        ({"userName": ""}, "invalidValue"),
        ({"userName": 7}, "invalidValue"),
        ({"active": "true"}, "invalidValue"),
        ({"emails": {"value": "x"}}, "invalidValue"),
        ({"emails": ["x"]}, "invalidSyntax"),
        ({"emails": [{"value": "x", "primary": True}, {"value": "y", "primary": True}]}, "invalidValue"),
        ({"name": "Ada"}, "invalidSyntax"),
        ({"name": {"givenname": "Ada", "first": "Ada"}}, "invalidSyntax"),
        ({"colour": "red"}, "invalidSyntax"),
        ({"title": "a", "TITLE": "b"}, "invalidSyntax"),
        ({BADGE: {"level": 1.5}}, "invalidValue"),
        ({BADGE: {"level": True}}, "invalidValue"),
        ({BADGE: {"weight": "5"}}, "invalidValue"),
        ({BADGE: {"since": "yesterday"}}, "invalidValue"),
        ({BADGE: {"desk": {"floor": "one"}}}, "invalidValue"),
        ({"x509Certificates": [{"value": "not base 64!"}]}, "invalidValue"),
        ({ENTERPRISE_URN: {"manager": {"value": "nobody"}}}, "invalidValue"),
    ],
    ids=str,
)
def test_what_does_not_fit_the_schemas_is_refused(more: dict[str, Any], kind: str) -> None:
    sandbox = company()
    assert refusal(create(sandbox, {**a_user(**more)} | more)) == kind
    assert len(rows(sandbox)) == 3


def test_an_extension_that_schemas_does_not_name_is_refused() -> None:
    assert refusal(create(company(), a_user() | {BADGE: {"level": 1}})) == "invalidSyntax"


def test_what_an_extension_requires_is_required_where_it_stands() -> None:
    urn = "urn:acme:desk:2.0:User"
    desk = {"sub_attributes": {"floor": {"required": True}, "room": {}}, "multi_valued": True}
    extension = {"required": True, "attributes": {"desks": desk, "site": {"required": True}}}
    sandbox = Sandbox(Store.from_seed({"extensions": {urn: extension}}))
    for part, status in (
        ({"site": "Berlin", "desks": [{"floor": "1"}]}, 201),
        ({"site": "Berlin", "desks": [{"room": "1"}]}, 400),
        ({"desks": [{"floor": "1"}]}, 400),
        ({}, 400),
    ):
        assert create(sandbox, a_user(f"login {status}", **{urn: part})).status == status
    assert refusal(create(sandbox, a_user("none"))) == "invalidValue"
    removal = op("remove", f"{urn}:site")
    assert refusal(patch(sandbox, "login 201", removal)) == "mutability"


def test_a_user_name_that_is_taken_in_any_case_is_refused() -> None:
    sandbox = company()
    assert refusal(create(sandbox, a_user("ADA@ACME.COM")), 409) == "uniqueness"
    taken = {"schemas": [USER_URN], "userName": "BOB@acme.com"}
    assert refusal(ask(sandbox, "PUT", place(sandbox, "grace@acme.com"), taken), 409) == "uniqueness"
    assert body(ask(sandbox, "PUT", place(sandbox, "bob@acme.com"), taken))["userName"] == "BOB@acme.com"


def test_put_replaces_what_can_be_written_and_keeps_what_cannot_be_read() -> None:
    sandbox = company()
    create(sandbox, a_user(password="secret", title="Dr", active=False, **{BADGE: {"born": "1815"}}))
    sent = a_user(nickName="N", id="other", groups=[], meta={}, **{BADGE: {"born": "1815"}})
    replaced = body(ask(sandbox, "PUT", place(sandbox, "new@acme.com"), sent))
    assert replaced["active"] is True
    assert (replaced["nickName"], "title" in replaced, "password" in replaced) == ("N", False, False)
    assert sandbox.store.labelled("User", "new@acme.com")[0].values["password"] == "secret"
    sent[BADGE] = {"born": "1816"}
    assert refusal(ask(sandbox, "PUT", place(sandbox, "new@acme.com"), sent)) == "mutability"


def test_a_write_that_changes_nothing_leaves_the_version() -> None:
    sandbox = company()
    before = get(sandbox, "grace@acme.com")
    assert body(ask(sandbox, "PUT", place(sandbox, "grace@acme.com"), before)) == before
    assert body(ask(sandbox, "PUT", place(sandbox, "grace@acme.com"), before | {"title": "Dr"})) != before


def test_who_is_deleted_is_gone_also_from_groups_and_as_a_manager() -> None:
    sandbox = company()
    path = place(sandbox, "grace@acme.com")
    assert ask(sandbox, "DELETE", path).status == 204
    assert refusal(ask(sandbox, "GET", path), 404) == ""
    assert refusal(ask(sandbox, "DELETE", path), 404) == ""
    assert get(sandbox, "Ada@acme.com")[ENTERPRISE_URN] == {"department": "R&D"}
    assert [member["type"] for member in get(sandbox, "Staff")["members"]] == ["Group"]
    assert create(sandbox, a_user("grace@acme.com")).status == 201


def test_members_must_be_there_and_are_so_once() -> None:
    sandbox = company()
    ada, staff = ident(sandbox, "Ada@acme.com"), ident(sandbox, "Staff")
    assert refusal(create(sandbox, a_group(members=[{"value": "nobody"}]))) == "invalidValue"
    assert refusal(create(sandbox, a_group(members=[{"type": "User"}]))) == "invalidValue"
    assert refusal(create(sandbox, a_group(None))) == "invalidValue"
    twice = a_group(
        members=[{"value": ada, "display": "x"}, {"value": ada, "type": "User"}, {"value": staff}]
    )
    assert [member["value"] for member in body(create(sandbox, twice), 201)["members"]] == [ada, staff]


def test_groups_in_a_ring_are_each_shown_once() -> None:
    sandbox = company()
    staff = {"value": ident(sandbox, "Staff")}
    ask(sandbox, "PUT", place(sandbox, "Analysts"), a_group("Analysts", members=[staff]))
    assert [group["display"] for group in get(sandbox, "grace@acme.com")["groups"]] == ["Staff", "Analysts"]


def test_a_version_guards_each_write_and_spares_a_read() -> None:
    sandbox = company()
    path, version = place(sandbox, "bob@acme.com"), get(sandbox, "bob@acme.com")["meta"]["version"]
    sent = a_user("bob@acme.com", title="Dr")
    assert ask(sandbox, "GET", path, headers={"If-None-Match": f'W/"0", {version}'}).status == 304
    for method in ("PUT", "DELETE"):
        assert refusal(ask(sandbox, method, path, sent, {"If-Match": 'W/"0"'}), 412) == ""
    assert ask(sandbox, "PUT", path, sent, {"if-match": version}).status == 200
    assert ask(sandbox, "GET", path, headers={"If-None-Match": version}).status == 200
    assert ask(sandbox, "DELETE", path, headers={"If-Match": version}).status == 412
    assert ask(sandbox, "DELETE", path, headers={"If-Match": "*"}).status == 204


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Nothing", 404),
        ("GET", "/Users/nobody", 404),
        ("GET", "/Users/a/b", 404),
        ("GET", "/Groups/nobody", 404),
        ("PUT", "/Users", 405),
        ("DELETE", "/Groups", 405),
        ("POST", "/Users/nobody", 405),
        ("POST", "/Bulk", 501),
        ("GET", "/Me", 501),
    ],
)
def test_what_is_not_there_or_not_supported_is_said(method: Any, path: str, status: int) -> None:
    assert refusal(ask(company(), method, path, {}), status) == ""


@pytest.mark.parametrize("sent", [None, [], "text"], ids=str)
def test_a_body_that_is_no_object_is_refused(sent: object) -> None:
    assert refusal(ask(company(), "POST", "/Users", sent)) == "invalidSyntax"


def test_a_body_of_another_media_type_is_refused() -> None:
    sandbox = company()
    for media, status in (("text/plain", 415), ("application/json; charset=utf-8", 201)):
        headers = {"Authorization": "Bearer sandbox", "Content-Type": media}
        assert sandbox.send(Request("POST", "/Users", {}, headers, a_user())).status == status


def test_what_a_read_shows_can_be_chosen() -> None:
    sandbox = company()
    chosen = get(
        sandbox, "Ada@acme.com", attributes=f"NAME.givenname,{USER_URN}:title,{BADGE}:bio,emails.value"
    )
    assert chosen.pop("id") == ident(sandbox, "Ada@acme.com")
    assert chosen == {
        "schemas": [USER_URN, ENTERPRISE_URN, BADGE],
        "name": {"givenName": "Ada"},
        "emails": [{"value": "ada@acme.com"}, {"value": "ada@home.example"}],
        BADGE: {"bio": "first"},
    }
    assert get(sandbox, "Ada@acme.com", attributes=BADGE)[BADGE].keys() == {"badge", "level", "tags"}
    less = get(
        sandbox, "Ada@acme.com", excludedAttributes=f"id,groups,name.GivenName,{BADGE}:tags,{ENTERPRISE_URN}"
    )
    assert less["name"] == {"familyName": "Lovelace"}
    assert less[BADGE] == {"badge": "X-1", "level": 3}
    assert not less.keys() & {"groups", ENTERPRISE_URN}
    assert "id" in less
    both = ask(sandbox, "GET", place(sandbox, "Staff"), attributes="members", excludedAttributes="meta")
    assert refusal(both) == "invalidValue"

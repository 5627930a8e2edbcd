"""PATCH: every form of a path, every operation, and what is refused."""

from typing import Any

import pytest
from asking_scim import BADGE, a_user, ask, body, company, create, get, ident, op, patch, place, refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.sandbox.scim.core import ENTERPRISE_URN, USER_URN
from reconciler.sandbox.scim.envelope import PATCH_OP
from reconciler.sandbox.scim.instance import Sandbox

HOME_MAIL = {"value": "ada@home.example", "type": "home"}
WORK_MAIL = {"value": "ada@acme.com", "type": "work", "primary": True}
NEW_MAIL = {"value": "new@acme.com", "type": "other"}


def patched(*operations: object) -> dict[str, Any]:
    """Ada after these operations, read again."""
    sandbox = company()
    answered = body(patch(sandbox, "Ada@acme.com", *operations))
    assert get(sandbox, answered["userName"]) == answered
    return answered


@pytest.mark.parametrize(
    ("operation", "name", "expected"),
    [
        (op("add", "title", "Dr"), "title", "Dr"),
        (op("Replace", "TITLE", "Dr"), "title", "Dr"),
        (op("replace", f"{USER_URN}:title", "Dr"), "title", "Dr"),
        (
            op("replace", f"{USER_URN.upper()}:name.GivenName", "A"),
            "name",
            {"givenName": "A", "familyName": "Lovelace"},
        ),
        (op("remove", "displayName"), "displayName", None),
        ({"op": "replace", "path": "displayName", "value": None}, "displayName", None),
        (op("remove", "name.givenName"), "name", {"familyName": "Lovelace"}),
        (op("remove", "name"), "name", None),
        (op("add", "name", {"givenName": "A"}), "name", {"givenName": "A", "familyName": "Lovelace"}),
        (op("replace", "name", {"givenName": "A"}), "name", {"givenName": "A", "familyName": "Lovelace"}),
        (op("replace", "name", {"givenName": None}), "name", {"familyName": "Lovelace"}),
        (
            op("add", value={"title": "Dr", "name": {"givenName": "A"}}),
            "name",
            {"givenName": "A", "familyName": "Lovelace"},
        ),
        (op("add", "emails", [NEW_MAIL]), "emails", [WORK_MAIL, HOME_MAIL, NEW_MAIL]),
        (op("add", "emails", NEW_MAIL), "emails", [WORK_MAIL, HOME_MAIL, NEW_MAIL]),
        (op("add", "emails", [HOME_MAIL]), "emails", [WORK_MAIL, HOME_MAIL]),
        (op("replace", "emails", [NEW_MAIL]), "emails", [NEW_MAIL]),
        (op("replace", value={"emails": [NEW_MAIL]}), "emails", [NEW_MAIL]),
        (op("remove", "emails"), "emails", None),
        ({"op": "add", "path": "emails", "value": []}, "emails", [WORK_MAIL, HOME_MAIL]),
        ({"op": "add", "path": "displayName", "value": None}, "displayName", "Ada Lovelace"),
        ({"op": "add", "path": "emails[value pr]", "value": None}, "emails", [WORK_MAIL, HOME_MAIL]),
        ({"op": "replace", "path": "emails[primary eq true]", "value": None}, "emails", [HOME_MAIL]),
        (
            {"op": "add", "path": f"{BADGE}:desk", "value": {"floor": None}},
            BADGE,
            {"badge": "X-1", "level": 3, "tags": ["red", "blue"]},
        ),
        (op("remove", f"{BADGE}:desk.floor"), BADGE, {"badge": "X-1", "level": 3, "tags": ["red", "blue"]}),
        ({"op": "replace", "path": "emails", "value": []}, "emails", None),
        (op("remove", 'emails[type eq "HOME"]'), "emails", [WORK_MAIL]),
        (op("remove", 'emails[type eq "none"]'), "emails", [WORK_MAIL, HOME_MAIL]),
        (op("remove", "emails[value pr]"), "emails", None),
        (op("replace", 'emails[type eq "home"]', NEW_MAIL), "emails", [WORK_MAIL, NEW_MAIL]),
        (
            op("add", 'emails[type eq "home"]', {"display": "D"}),
            "emails",
            [WORK_MAIL, HOME_MAIL | {"display": "D"}],
        ),
        (
            op("replace", 'emails[type eq "home" and not (value co "x.")].value', "n"),
            "emails",
            [WORK_MAIL, HOME_MAIL | {"value": "n"}],
        ),
        (
            op("remove", 'emails[type eq "work"].primary'),
            "emails",
            [{k: WORK_MAIL[k] for k in ("value", "type")}, HOME_MAIL],
        ),
        (
            op("replace", 'emails[type eq "home"].primary', value=True),
            "emails",
            [{k: WORK_MAIL[k] for k in ("value", "type")}, HOME_MAIL | {"primary": True}],
        ),
        (
            op("add", "emails", [NEW_MAIL | {"primary": True}]),
            "emails",
            [{k: WORK_MAIL[k] for k in ("value", "type")}, HOME_MAIL, NEW_MAIL | {"primary": True}],
        ),
        (
            op("remove", "emails.type"),
            "emails",
            [{"value": "ada@acme.com", "primary": True}, {"value": "ada@home.example"}],
        ),
        (op("replace", f"{BADGE}:level", 9), BADGE, {"badge": "X-1", "level": 9, "tags": ["red", "blue"]}),
        (
            op("add", f"{BADGE}:desk.floor", 4),
            BADGE,
            {"badge": "X-1", "level": 3, "tags": ["red", "blue"], "desk": {"floor": 4}},
        ),
        (
            op("add", f"{BADGE}:tags", ["red", "green"]),
            BADGE,
            {"badge": "X-1", "level": 3, "tags": ["red", "blue", "green"]},
        ),
        (
            op("remove", f'{BADGE}:tags[value eq "red"]'),
            BADGE,
            {"badge": "X-1", "level": 3, "tags": ["blue"]},
        ),
        (
            op("add", value={BADGE: {"level": 9}}),
            BADGE,
            {"badge": "X-1", "level": 9, "tags": ["red", "blue"]},
        ),
        (
            op("add", BADGE, {"schemas": [BADGE], "level": 9}),
            BADGE,
            {"badge": "X-1", "level": 9, "tags": ["red", "blue"]},
        ),
        (op("remove", ENTERPRISE_URN), ENTERPRISE_URN, None),
        (op("remove", f"{ENTERPRISE_URN}:manager"), ENTERPRISE_URN, {"department": "R&D"}),
    ],
    ids=str,
)
def test_an_operation_does_what_its_path_says(operation: object, name: str, expected: object) -> None:
    assert patched(operation).get(name) == expected


def test_the_last_attribute_of_an_extension_takes_it_along() -> None:
    gone = patched(op("remove", f"{ENTERPRISE_URN}:department"), op("remove", f"{ENTERPRISE_URN}:manager"))
    assert ENTERPRISE_URN not in gone
    assert ENTERPRISE_URN not in gone["schemas"]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("no object", "invalidSyntax"),
        (op("move", "title", "x"), "invalidSyntax"),
        ({"path": "title", "value": "x"}, "invalidSyntax"),
        ({"op": "add", "path": "title"}, "invalidValue"),
        ({"op": "add", "path": 7, "value": "x"}, "invalidPath"),
        (op("remove"), "noTarget"),
        (op("remove", "userName"), "mutability"),
        (op("add", "id", "x"), "mutability"),
        (op("add", "groups", [{"value": "x"}]), "mutability"),
        (op("remove", "groups"), "mutability"),
        (op("remove", "meta.version"), "mutability"),
        (op("replace", f"{BADGE}:seen", "x"), "mutability"),
        (op("add", value={"id": "x"}), "mutability"),
        (op("replace", "colour", "red"), "invalidPath"),
        (op("replace", "name.first", "A"), "invalidPath"),
        (op("replace", "urn:none:title", "A"), "invalidPath"),
        (op("replace", "emails[type eq", "A"), "invalidPath"),
        (op("replace", 'emails[type eq "home"].1', "A"), "invalidPath"),
        (op("replace", 'emails[type eq "home"].none', "A"), "invalidPath"),
        (op("replace", 'emails.value[type eq "home"]', "A"), "invalidPath"),
        (op("replace", 'name[givenName eq "Ada"]', {}), "invalidPath"),
        (op("replace", 'emails[colour eq "home"]', NEW_MAIL), "invalidFilter"),
        (op("replace", 'emails[type eq "none"]', NEW_MAIL), "noTarget"),
        (op("add", 'emails[type eq "none"].value', "x"), "noTarget"),
        (op("replace", "photos.value", "x"), "noTarget"),
        (op("add", value={"colour": "red"}), "invalidSyntax"),
        (op("add", value={BADGE: {"colour": "red"}}), "invalidSyntax"),
        (op("add", "active", "True"), "invalidValue"),
        (op("add", "emails", "x"), "invalidSyntax"),
        (op("add", "emails", [NEW_MAIL | {"primary": True}, HOME_MAIL | {"primary": True}]), "invalidValue"),
        (op("add", f"{ENTERPRISE_URN}:manager", {"value": "nobody"}), "invalidValue"),
        (op("replace", "userName", ""), "invalidValue"),
        (op("replace", "emails[value pr]", NEW_MAIL | {"primary": True}), "invalidValue"),
        (op("replace", f"{ENTERPRISE_URN}:manager", {"value": None, "$ref": "x"}), "invalidValue"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_and_nothing_before_it_is_done(operation: object, kind: str) -> None:
    sandbox = company()
    before = get(sandbox, "Ada@acme.com")
    assert refusal(patch(sandbox, "Ada@acme.com", op("add", "title", "Dr"), operation)) == kind
    assert get(sandbox, "Ada@acme.com") == before


@pytest.mark.parametrize(
    "sent",
    [
        {"Operations": [op("add", "title", "x")]},
        {"schemas": [PATCH_OP]},
        {"schemas": [PATCH_OP], "Operations": []},
    ],
    ids=str,
)
def test_an_envelope_that_is_none_is_refused(sent: object) -> None:
    sandbox = company()
    assert refusal(ask(sandbox, "PATCH", place(sandbox, "bob@acme.com"), sent)) == "invalidSyntax"


def test_what_is_immutable_can_be_given_once() -> None:
    sandbox = company()
    for value, status in (("1815", 200), ("1815", 200), ("1816", 400)):
        assert patch(sandbox, "Ada@acme.com", op("add", f"{BADGE}:born", value)).status == status
    assert refusal(patch(sandbox, "Ada@acme.com", op("remove", f"{BADGE}:born"))) == "mutability"


def test_members_are_added_and_removed_one_by_one() -> None:
    sandbox = company()
    ada, bob, grace = (ident(sandbox, name) for name in ("Ada@acme.com", "bob@acme.com", "grace@acme.com"))
    version = get(sandbox, "Analysts")["meta"]["version"]
    patch(
        sandbox,
        "Analysts",
        op("add", "members", [{"value": ada}]),
        op("remove", f'members[value eq "{grace}"]'),
    )
    assert get(sandbox, "Analysts")["meta"]["version"] == version
    answered = body(
        patch(
            sandbox,
            "Analysts",
            op("add", "members", [{"value": grace}]),
            op("remove", f'members[value eq "{bob}"]'),
        )
    )
    assert [member["value"] for member in answered["members"]] == [ada, grace]
    assert "groups" not in get(sandbox, "bob@acme.com")
    swapped = op("replace", f'members[value eq "{ada}"].value', bob)
    assert refusal(patch(sandbox, "Analysts", swapped)) == "mutability"
    assert "members" not in body(patch(sandbox, "Analysts", op("remove", "members", [{"value": ada}])))


def test_a_version_that_has_passed_stops_a_patch() -> None:
    sandbox = company()
    version = get(sandbox, "bob@acme.com")["meta"]["version"]
    for status in (200, 412):
        found = patch(sandbox, "bob@acme.com", op("add", "title", "Dr"), **{"If-Match": version})
        assert found.status == status


def test_a_password_can_be_set_and_is_never_shown() -> None:
    sandbox = company()
    assert "password" not in body(patch(sandbox, "bob@acme.com", op("replace", "password", "x")))
    assert "password" not in get(sandbox, "bob@acme.com", attributes="password")
    assert refusal(ask(sandbox, "GET", "/Users", filter='password eq "x"')) == "invalidFilter"


TYPES = st.sampled_from(["work", "home", "other"])
MAIL = st.builds(lambda kind, value: {"type": kind, "value": value}, TYPES, st.sampled_from(["a", "b", "c"]))
STEP = st.one_of(
    st.tuples(st.just("add"), st.lists(MAIL, min_size=1, max_size=3)),
    st.tuples(st.just("replace"), st.lists(MAIL, max_size=3)),
    st.tuples(st.just("remove type"), TYPES),
    st.tuples(st.just("value of type"), TYPES, st.sampled_from(["a", "b", "c"])),
)


def said(step: tuple[Any, ...]) -> dict[str, object]:
    match step:
        case ("remove type", kind):
            return op("remove", f'emails[type eq "{kind}"]')
        case ("value of type", kind, value):
            return op("replace", f'emails[type eq "{kind}"].value', value)
        case (verb, mails):
            return op(verb, "emails", mails)
    raise AssertionError


def model(mails: list[dict[str, str]], step: tuple[Any, ...]) -> list[dict[str, str]] | None:
    """What a list of emails becomes; None where the operation has no target."""
    match step:
        case ("add", new):
            return [*mails, *(mail for mail in new if mail not in mails)]
        case ("replace", new):
            return list(new)
        case ("remove type", kind):
            return [mail for mail in mails if mail["type"] != kind]
        case (_, kind, value):
            hit = any(mail["type"] == kind for mail in mails)
            return (
                [mail | {"value": value} if mail["type"] == kind else mail for mail in mails] if hit else None
            )
    raise AssertionError


@settings(max_examples=80, deadline=None)
@given(st.lists(STEP, max_size=6))
def test_a_row_of_operations_does_what_a_model_says(steps: list[tuple[Any, ...]]) -> None:
    sandbox = Sandbox(company().store)
    create(sandbox, a_user())
    mails: list[dict[str, str]] | None = []
    for step in steps:
        mails = model(mails, step)
        if mails is None:
            break
    response = patch(sandbox, "new@acme.com", op("add", "title", "x"), *(said(step) for step in steps))
    if mails is None:
        assert refusal(response) == "noTarget"
        assert "emails" not in get(sandbox, "new@acme.com")
    else:
        assert body(response).get("emails", []) == mails

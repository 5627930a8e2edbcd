"""Flat names and where each stands, both ways: what is written is what is read, and nothing else moves."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from providers.scim.shapes import BADGE, OTHER, SHAPE

from reconciler.errors import BadAnswer, IncompleteRead
from reconciler.model import Definition
from reconciler.providers.scim.names import shape_of
from reconciler.providers.scim.schema import CORE, ENTERPRISE, RFC, Attribute, schemas
from reconciler.providers.scim.slots import Slot
from reconciler.providers.scim.wire import put

ADA: dict[str, Any] = {
    "id": "1",
    "userName": "ada@acme.com",
    "externalId": "7",
    "name": {"givenName": "Ada", "formatted": "Ada L."},
    "title": "Countess",
    "emails": [
        {"type": "work", "value": "ada@acme.com", "primary": True, "display": "Ada"},
        {"type": "Home", "value": "a@home.example"},
        {"value": "no type"},
    ],
    "addresses": [{"type": "work", "locality": "London", "country": "UK"}],
    "phoneNumbers": [{"type": "work", "value": "1"}, {"type": "work", "value": "2"}],
    "groups": [{"value": "g"}],
    ENTERPRISE: {"department": "R&D", "manager": {"value": "2", "displayName": "Grace"}},
    BADGE: {
        "badge": "0042",
        "level": 3,
        "tags": ["a", "b"],
        "trusted": False,
        "desk": {"floor": 2},
        "doors": [{"value": "north", "since": "2024-01-01T00:00:00Z"}, {"value": "south"}],
        "keys": [{"type": "garage", "value": "k"}],
    },
    OTHER: {"desk": "x"},
}


def read(row: dict[str, Any]) -> dict[str, Any]:
    return SHAPE.read(SHAPE.spelled(row)).attributes


def slot(name: str) -> Slot:
    found = SHAPE.slot(name)
    assert found is not None, name
    return found


def test_a_user_is_read_under_flat_names() -> None:
    found = SHAPE.read(ADA)
    assert found.attributes == {
        "externalId": "7",
        "name.givenName": "Ada",
        "name.formatted": "Ada L.",
        "title": "Countess",
        "emails.work": "ada@acme.com",
        "emails.work.display": "Ada",
        "emails.primary": "work",
        "emails.home": "a@home.example",
        "addresses.work.locality": "London",
        "addresses.work.country": "UK",
        "phoneNumbers.work": ("1", "2"),
        "enterprise.department": "R&D",
        "enterprise.manager": "2",
        "acme.badge": "0042",
        "acme.level": 3,
        "acme.tags": ("a", "b"),
        "acme.trusted": False,
        "acme.desk.floor": 2,
        "acme.doors": ("north", "south"),
        "acme.keys.garage": "k",
        f"{OTHER}:desk": "x",
    }
    assert found.nameless == ("emails", "phoneNumbers.work")


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase])
def test_names_on_the_wire_have_no_case(change: Any) -> None:
    def respelled(data: Any) -> Any:
        if isinstance(data, list):
            return [respelled(item) for item in data]
        if isinstance(data, dict):
            return {change(key): respelled(value) for key, value in data.items()}
        return data

    assert read(respelled(ADA)) == read(ADA)
    assert SHAPE.spelled(respelled(ADA)) == ADA


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("TITLE", "title"),
        ("Name.GivenName", "name.givenName"),
        ("EMAILS.WORK", "emails.work"),
        (f"{BADGE}:badge", "acme.badge"),
        (f"{BADGE.upper()}:DESK.floor", "acme.desk.floor"),
        (f"{ENTERPRISE}:manager", "enterprise.manager"),
        (f"{CORE}:title", "title"),
        (f"{OTHER}:DESK", f"{OTHER}:desk"),
        ("acme.keys.Garage", "acme.keys.garage"),
    ],
)
def test_names_in_files_have_no_case_and_a_urn_works_too(name: str, same: str) -> None:
    assert slot(name).place == slot(same).place
    assert slot(name).name == slot(name).definition.name == name
    known = SHAPE.knowing([name])
    assert known.read(ADA).attributes.get(name) == SHAPE.read(ADA).attributes.get(same)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        f"{CORE}:password",
        "userName",
        "displayName",
        "active",
        "groups",
        "id",
        "meta",
        "meta.version",
        "name",
        "emails",
        "emails.wrok",
        "emails.work.nothing",
        "addresses.work",
        "acme.keys.primary.value",
        "acme.keys.a b",
        "acme",
        "acme.",
        "urn:",
        "urn:nobody:1:User:x",
        "",
    ],
)
def test_what_the_server_does_not_define_has_no_place(name: str) -> None:
    assert SHAPE.slot(name) is None


def test_definitions_say_what_may_be_written_and_how_values_compare() -> None:
    known = SHAPE.definitions
    assert known["title"] == Definition("title", exact_case=False)
    assert known["externalId"] == Definition("externalId")
    assert known["acme.level"] == Definition("acme.level", "number", exact_case=False)
    assert known["acme.tags"].multiple
    assert known["acme.hired"].written == "on creation"
    assert known["acme.hired"].type == "date-time"
    assert known["acme.serial"].written == "never"
    assert not known["acme.pin"].readable
    assert known["enterprise.manager"] == Definition("enterprise.manager", "user", exact_case=False)
    assert "enterprise.manager.displayName" not in known
    assert "password" not in known


VALUES = {
    "number": st.integers(-(2**60), 2**60),
    "boolean": st.booleans(),
    "date-time": st.sampled_from(["2024-01-01T00:00:00Z", "2025-06-30T12:00:00Z"]),
    "text": st.text(min_size=1, max_size=9),
    "user": st.sampled_from(["7", "a/b?c"]),
}
WRITABLE = sorted(
    name
    for name, each in SHAPE.definitions.items()
    if each.written != "never" and SHAPE.slots[name].way != "primary"
)


@st.composite
def writes(draw: st.DrawFn) -> tuple[str, Any]:
    name = draw(st.sampled_from(WRITABLE))
    definition = SHAPE.definitions[name]
    one = VALUES[definition.type]
    many = st.lists(one, min_size=1, max_size=3, unique=True)
    return name, draw(st.none() | (many if definition.multiple else one))


@given(written=st.lists(writes(), max_size=8), empty=st.booleans())
def test_what_is_written_is_read_and_nothing_else_moves(
    written: list[tuple[str, Any]], *, empty: bool
) -> None:
    row = {} if empty else deepcopy(ADA)
    # Of two values of one type none is written: that is a problem (see test_audit).
    written = [each for each in written if empty or not each[0].startswith("phoneNumbers.work")]
    before, wanted = read(row), {}
    kept = [item for item in row.get("emails", []) if "type" not in item]
    for name, value in written:
        put(row, slot(name), value)
        wanted[name] = tuple(value) if isinstance(value, list) else value
    after = read(json.loads(json.dumps(row)))
    cleared = tuple(f"{name}." for name, value in written if value is None)
    for name, value in wanted.items():
        if not name.startswith(cleared):
            assert after.get(name) == value, name
    touched = {slot(name).place[:2] for name in wanted}
    for name, old in before.items():
        if slot(name).place[:2] not in touched:
            assert after.get(name) == old, name
    assert [item for item in row.get("emails", []) if "type" not in item] == kept


def test_a_value_with_a_type_goes_alone_and_its_other_parts_stay() -> None:
    row = deepcopy(ADA)
    put(row, slot("emails.work"), "new@acme.com")
    put(row, slot("emails.home"), None)
    put(row, slot("emails.other"), "o@acme.com")
    put(row, slot("addresses.work.locality"), "Paris")
    put(row, slot("emails.primary"), "other")
    assert row["emails"] == [
        {"type": "work", "value": "new@acme.com", "display": "Ada"},
        {"value": "no type"},
        {"type": "other", "value": "o@acme.com", "primary": True},
    ]
    assert row["addresses"] == [{"type": "work", "locality": "Paris", "country": "UK"}]


def test_a_type_beside_the_canonical_ones_is_known_where_somebody_has_it() -> None:
    row = {"emails": [{"type": "Lab", "value": "l"}]}
    (name,) = SHAPE.read(row).attributes
    assert name == "emails.lab"
    assert SHAPE.slot(name) is None
    known = SHAPE.seen([name])
    assert known.slots[name].type == "lab"
    assert known.definitions["emails.lab.display"]


def test_a_server_may_say_anything_of_its_schemas() -> None:
    odd = {
        "Resources": [
            {"id": "urn:x:User", "attributes": [{"name": "a b"}, {"name": "ok"}, {"name": "OK"}, 5, {}]},
            {"id": "no urn", "attributes": [{"name": "x"}]},
            {"id": "urn:y:User", "attributes": {"name": "x"}},
            7,
        ]
    }
    assert schemas(odd) == {"urn:x:User": (Attribute("ok"),), "urn:y:User": ()}
    assert schemas({"urn:x:User": {"id": "urn:x:User", "attributes": []}}) == {"urn:x:User": ()}
    for nothing in (None, [], {}, "x", {"Resources": None}, {"Resources": {"a": 1}}):
        assert schemas(nothing) == {}


def test_a_huge_schema_has_an_end_and_a_deep_one_a_floor() -> None:
    deep: dict[str, Any] = {"name": "a"}
    for _ in range(500):
        deep = {"name": "a", "type": "complex", "subAttributes": [deep]}
    wide = [{"name": f"a{number}"} for number in range(100_000)]
    found = schemas([{"id": "urn:x:User", "attributes": [deep, *wide]}])
    assert len(found["urn:x:User"]) == 1000
    (inner,) = found["urn:x:User"][0].parts
    assert inner.parts == ()


@pytest.mark.parametrize(
    ("core", "short"),
    [
        (RFC[CORE], {"name": BADGE}),
        (RFC[CORE], {"Emails": BADGE}),
        ((Attribute("acme", "complex", parts=(Attribute("badge"),)),), {"acme": BADGE}),
        (RFC[CORE], {"acme": BADGE, "ACME": OTHER}),
    ],
)
def test_a_short_name_that_is_something_else_too_is_refused(
    core: tuple[Attribute, ...], short: dict[str, str]
) -> None:
    extensions = {BADGE: (Attribute("givenName"),), OTHER: (Attribute("x"),)}
    with pytest.raises(IncompleteRead, match="another short name"):
        shape_of({CORE: core, **extensions}, short)
    assert shape_of({CORE: core, **extensions}, {"other": OTHER}).slot("other.x")


DESK = "urn:desk:2.0:User"
SPELLINGS = shape_of(
    {
        CORE: (
            Attribute("desk", "complex", parts=(Attribute("floor"),)),
            Attribute(
                "emails",
                "complex",
                several=True,
                parts=(Attribute("Value"), Attribute("Type", values=("Work",)), Attribute("Primary")),
            ),
        ),
        ENTERPRISE: RFC[ENTERPRISE],
        DESK: (
            Attribute("Department"),
            Attribute("Desk", "complex", parts=(Attribute("Floor"), Attribute("Value"))),
        ),
    },
    {"own": DESK},
)
SPELLED_OWN = {
    "desk": {"floor": "1"},
    "emails": [{"type": "Work", "value": "a@x", "primary": True}],
    ENTERPRISE: {"department": "E"},
    DESK: {"Department": "D", "Desk": {"Floor": "2"}},
}


@pytest.mark.parametrize("change", [str, str.lower, str.upper])
def test_each_schema_keeps_its_own_spelling(change: Any) -> None:
    def respelled(data: Any) -> Any:
        if isinstance(data, list):
            return [respelled(item) for item in data]
        if isinstance(data, dict):
            return {change(key): respelled(value) for key, value in data.items()}
        return data

    assert SPELLINGS.spelled(respelled(SPELLED_OWN)) == SPELLED_OWN
    listed = SPELLINGS.spelled(respelled({"Resources": [SPELLED_OWN]}))
    assert listed == {"Resources": [SPELLED_OWN]}
    assert SPELLINGS.read(SPELLINGS.spelled(respelled(SPELLED_OWN))).attributes == {
        "desk.floor": "1",
        "emails.work": "a@x",
        "emails.primary": "work",
        "enterprise.department": "E",
        "own.Department": "D",
        "own.Desk.Floor": "2",
    }


@pytest.mark.parametrize(
    "name", ["desk.floor", "emails.work", "enterprise.department", "own.department", "own.desk.floor"]
)
def test_a_value_is_written_where_it_is_read_however_it_is_spelled(name: str) -> None:
    row = deepcopy(SPELLED_OWN)
    place = SPELLINGS.slot(name)
    assert place is not None
    put(row, place, "new")
    new, old = (SPELLINGS.read(each).attributes for each in (row, SPELLED_OWN))
    changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    assert {key.lower() for key in changed} == {name}
    assert json.dumps(row).count('"') == json.dumps(SPELLED_OWN).count('"')


def test_names_of_attributes_have_an_end() -> None:
    kinds = tuple(f"t{number}" for number in range(1000))
    parts = (Attribute("type", values=kinds), *(Attribute(f"p{number}") for number in range(1000)))
    with pytest.raises(BadAnswer, match="more than 10000 names"):
        shape_of({CORE: (Attribute("bomb", "complex", several=True, parts=parts),)}, {})
    parts = (Attribute("type"), *parts[1:])
    shape = shape_of({CORE: (Attribute("bomb", "complex", several=True, parts=parts),)}, {})
    with pytest.raises(BadAnswer, match="more than 10000 names"):
        shape.seen(f"bomb.{kind}.p1" for kind in kinds)

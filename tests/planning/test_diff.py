"""Values that mean the same are one value, and nothing else is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.changes import Atom
from reconciler.model import Address, Definition, Value
from reconciler.planning.diff import canonical, explain, holds

NUMBER = Definition("n", type="Number")
LIST = Definition("l", multiple=True)
NUMBERS = Definition("ns", type="Number", multiple=True)


@pytest.mark.parametrize(
    ("value", "definition", "expected"),
    [
        ("", Definition("s"), None),
        ((), LIST, None),
        (("", None), LIST, None),
        (5, Definition("s"), "5"),
        (1.5, Definition("s"), "1.5"),
        (True, Definition("s"), "true"),
        (False, NUMBER, "false"),
        ("5", NUMBER, 5),
        ("5.00", NUMBER, 5),
        (" 5 ", NUMBER, 5),
        ("1e3", NUMBER, 1000),
        ("-0", NUMBER, 0),
        ("0.10", NUMBER, 0.1),
        ("", NUMBER, None),
        ("five", NUMBER, "five"),
        ("1.2.3", NUMBER, "1.2.3"),
        ("9" * 500, NUMBER, "9" * 500),
        (2**53, NUMBER, 2**53),
        (2**53 + 1, NUMBER, "9007199254740993"),
        ("-9007199254740993.0", NUMBER, "-9007199254740993"),
        ("0.1000000000000000055511151231257827", NUMBER, "0.1000000000000000055511151231257827"),
        (("b", "a", "b"), LIST, ("a", "b")),
        ("a", LIST, ("a",)),
        (("2", 10, "x", 1), NUMBERS, (1, 2, 10, "x")),
    ],
)
def test_canonical(value: Value, definition: Definition, expected: Value) -> None:
    found = canonical(value, definition)
    assert found == expected
    assert type(found) is type(expected)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3) | st.integers())
def test_a_number_keeps_its_value(number: Decimal | int) -> None:
    found = canonical(str(number), NUMBER)
    assert Decimal(str(found)) == Decimal(number)
    assert canonical(found, NUMBER) == found


@given(st.lists(st.text() | st.integers()), st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(items: list[str | int], random: object) -> None:
    shuffled = items + items[:2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert canonical(tuple(items), NUMBERS) == canonical(tuple(shuffled), NUMBERS)


def test_nobody_is_neither_active_nor_a_member() -> None:
    ada = Address("user", "ada@acme.com")
    assert holds(Atom(ada, "1", ("active",), before=True, after=False), None, {})
    assert holds(Atom(ada, "1", (), before=True, after=None), None, {})
    assert not holds(Atom(ada, "1", (), before=True, after=None), {}, {})
    assert not holds(Atom(ada, "1", ("name",), None, "Ada"), None, {})
    assert not holds(Atom(ada, "1", ("attributes", "level"), None, 0), None, {})


def test_a_group_has_its_name_in_any_case() -> None:
    atom = Atom(Address("group", "finance"), None, ("name",), None, "Finance")
    assert holds(atom, {("name",): "FINANCE"}, {})
    assert not holds(atom, {("name",): "Sales"}, {})


@pytest.mark.parametrize(("live", "held"), [("Cafe\u0301", True), ("Caf\u00e9", True), ("CAF\u00c9", False)])
def test_a_renamed_group_has_its_name_as_it_is_spelled(live: str, *, held: bool) -> None:
    atom = Atom(Address("group", "caf\u00e9"), "1", ("name",), "cAf\u00e9", "Caf\u00e9")
    assert holds(atom, {("name",): live}, {}) is held


def test_explain_says_what_joins_and_what_leaves() -> None:
    assert explain(("a", "b"), ("c", "b")) == ("c", "a")
    assert explain((1,), (1, "x")) == ("x", "")
    assert explain((1, 2), ("one", 2)) == ("one", "1")

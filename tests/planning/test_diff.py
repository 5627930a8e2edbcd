"""What holds of an atom, and what differs between two values."""

import pytest

from reconciler.changes import Atom
from reconciler.model import Address, Definition
from reconciler.planning.diff import explain, holds


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


def test_case_and_default_decide_whether_a_value_holds() -> None:
    ada, path = Address("user", "ada@acme.com"), ("attributes", "region")
    region = {"region": Definition("region", default="EMEA", exact_case=False)}
    assert holds(Atom(ada, "1", path, None, "Emea"), {path: "EMEA"}, region)
    assert holds(Atom(ada, "1", path, "apac", None), {path: "emea"}, region)
    assert not holds(Atom(ada, "1", path, "apac", None), {path: "apac"}, region)

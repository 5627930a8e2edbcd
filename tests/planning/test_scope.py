"""What is ours, and what must be known before a plan is made."""

from dataclasses import fields, replace
from typing import get_args

import pytest
from builders import a_group, a_user, desired, live
from hypothesis import given
from hypothesis import strategies as st

from reconciler.changes import atoms
from reconciler.errors import IncompleteRead
from reconciler.model import KINDS, Address, Definition
from reconciler.plan import Plan
from reconciler.planning.guard import check
from reconciler.planning.plan import make_plan
from reconciler.planning.scope import (
    MANAGED,
    MANAGED_GROUPS,
    Ending,
    Globs,
    Limits,
    Policy,
    combined,
    managed_keys,
    need,
    ours,
    stricter,
)

ADA, BOB = Address("user", "ada@acme.com"), Address("user", "bob@acme.com")


def test_globs_match_without_case_and_whatever_the_composition() -> None:
    assert Globs(group=("E\u0301QUIPE *",)).match(Address("group", "équipe b"))
    assert Globs(user=("*@ACME.com",)).match(ADA)
    assert not Globs(("*@acme.co", "group/*"), ("ada*",)).match(ADA)
    assert not Globs().match(ADA)


def test_nothing_is_narrowed_where_nobody_is_ignored() -> None:
    found = live(a_user("ada@acme.com"), a_group("G", ["ada@acme.com"]))
    assert ours(found, Policy(ignore=Globs(group=("other",)))) == found


def test_only_stated_and_exact_attributes_are_needed_under_every_key_of_the_user() -> None:
    wanted = desired(
        a_user("ada@acme.com", attributes={"region": "x"}),
        a_user("bob@acme.com", name="Bob"),
        previously={ADA: ("ada.old@acme.com",)},
    )
    assert need(wanted, Policy()).attributes == {
        "ada@acme.com": frozenset({"region"}),
        "ada.old@acme.com": frozenset({"region"}),
    }
    exact = need(wanted, Policy(exact_attributes=frozenset({"code"}))).attributes
    assert exact["bob@acme.com"] == {"code"}
    assert exact["ada@acme.com"] == {"region", "code"}


def test_no_attribute_is_needed_where_the_target_manages_none() -> None:
    wanted = desired(a_user("ada@acme.com", attributes={"region": "x"}), absent=[BOB])
    policy = Policy(manage=frozenset({"name"}), tombstone="revoke", exact_attributes=frozenset({"code"}))
    assert need(wanted, policy).attributes == {}
    assert managed_keys(wanted, policy) == frozenset()


@pytest.mark.parametrize(
    ("tombstone", "attributes", "deleted"),
    [
        ("deactivate", {}, set()),
        ("revoke", {"bob@acme.com": {"region"}}, set()),
        ("delete", {}, {"bob@acme.com"}),
    ],
)
def test_a_tombstone_needs_what_its_policy_takes(
    tombstone: Ending, attributes: dict[str, set[str]], deleted: set[str]
) -> None:
    wanted = desired(a_user("ada@acme.com", attributes={"region": "x"}), absent=[BOB, Address("group", "g")])
    found = need(wanted, Policy(tombstone=tombstone))
    assert {k: v for k, v in found.attributes.items() if k != "ada@acme.com"} == attributes
    assert found.deleted == {"ada@acme.com"} | deleted


def test_an_attribute_that_was_not_read_stops_the_plan() -> None:
    wanted = desired(a_user("ada@acme.com", attributes={"region": "x"}))
    found = live(a_user("ada@acme.com", attributes={}), definitions=[Definition("region")])
    with pytest.raises(IncompleteRead, match="the attribute region of user/ada"):
        make_plan(wanted, found, Policy(), target="t", provider="omni", url="")


def test_what_was_read_of_one_object() -> None:
    found = live(a_user("Ada@acme.com", name="Ada"), a_group("G", ["ada@acme.com"]))
    planned = make_plan(desired(), found, Policy(), target="t", provider="omni", url="")
    assert planned.facts(Address("group", "g")) == {("name",): "G", ("members", "ada@acme.com"): True}
    assert planned.facts(Address("group", "other")) is None
    assert planned.facts(BOB) is None
    assert planned.facts(ADA) == {("email",): "ada@acme.com", ("name",): "Ada", ("active",): None}


# The stricter of two policies

KEYS = ("ada@acme.com", "bob@acme.com", "cleo@acme.com", "dora@acme.com")
GLOBS = st.lists(st.sampled_from([*KEYS, "*@acme.com", "g*", "h"]), max_size=2).map(tuple)
WAYS = st.sampled_from(get_args(Ending))
OF_A_FIELD = {
    "manage": st.frozensets(st.sampled_from(sorted(MANAGED))),
    "manage_groups": st.frozensets(st.sampled_from(sorted(MANAGED_GROUPS))),
    "exact_attributes": st.frozensets(st.sampled_from(["region", "code"])),
    "match": st.sampled_from([(), ("code",), ("region", "code")]),
    "exclusive": st.sampled_from([(), (("g", "h"),)]),
    "ignore": st.builds(Globs, GLOBS, GLOBS),
    "protect": st.builds(Globs, GLOBS, GLOBS),
    "tombstone": WAYS,
    "left_users": WAYS,
    "left_groups": st.sampled_from(["keep", "delete"]),
    "never_listed": WAYS,
    **{
        name: st.builds(Limits, st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.integers(0, 4))
        for name in ("removals", "creations")
    },
}
POLICIES = st.builds(Policy, **OF_A_FIELD)
FOUND = live(
    *(a_user(key, name=key, active=True, attributes={"region": "x", "code": "y"}) for key in KEYS),
    a_group("g", KEYS),
    a_group("h", KEYS[:1]),
    definitions=[Definition("region"), Definition("code")],
)


def planned(policy: Policy, *, gone: str = "") -> Plan:
    """The plan of files that change ada, let others go, and have deleted a group."""
    absent = [] if policy.ignore.match(BOB) else [BOB]
    stated = [a_user(KEYS[0], name="Ada", active=False, attributes={"region": "z"})]
    wanted = desired(
        *([] if policy.ignore.match(ADA) else stated),
        *([] if policy.ignore.match(Address("group", "h")) else [a_group("h", [])]),
        absent=[*absent, *([Address("group", gone)] if gone else [])],
    )
    wanted = replace(wanted, departed={Address("user", KEYS[2]): wanted.locate(BOB, ())})
    return make_plan(wanted, FOUND, policy, target="t", provider="omni", url="").plan


def test_every_field_of_a_policy_is_one_of_those_that_the_stricter_is_made_of() -> None:
    # Where a thing is written forbids nothing.
    assert {field.name for field in fields(Policy) if field.compare} == OF_A_FIELD.keys()


@given(one=POLICIES, other=POLICIES)
def test_whatever_either_policy_forbids_the_stricter_forbids(one: Policy, other: Policy) -> None:
    both = stricter(one, other)
    made = planned(both)
    for policy in (one, other):
        for change in made.changes:
            assert not policy.ignore.match(change.address)
            touched = {atom.path[0] for atom in atoms(change) if atom.path and atom.path[0] != "members"}
            # A person whose access ends loses more than what is managed of others.
            if change.address == ADA:
                assert touched <= policy.manage
        if check(made, policy):
            assert check(made, both)
        for name in ("tombstone", "left_users", "never_listed"):
            ways = policy.effective(getattr(policy, name)), both.effective(getattr(both, name))
            assert ways[0] != "keep" or ways[1] == "keep"


@given(one=POLICIES, other=POLICIES)
def test_the_stricter_of_two_is_so_in_either_order_and_of_one_is_that_one(one: Policy, other: Policy) -> None:
    globs = ("ignore", "protect")
    there, back = stricter(one, other), stricter(other, one)
    for name in OF_A_FIELD.keys() - set(globs):
        assert getattr(there, name) == getattr(back, name) or "active" not in there.manage
    for name in globs:
        for kind in KINDS:
            assert set(getattr(there, name).of(kind)) == set(getattr(back, name).of(kind))
    assert planned(there).changes == planned(back).changes
    again = stricter(one, replace(one, **dict.fromkeys(globs, Globs())))
    assert planned(again).changes == planned(one).changes


@given(one=POLICIES, more=GLOBS, groups=GLOBS)
def test_an_ignore_hides_nothing_that_a_deletion_ends(
    one: Policy, more: tuple[str, ...], groups: tuple[str, ...]
) -> None:
    """Of the group that goes, and of the groups of the people who go."""
    seen = Globs(one.ignore.user)
    made_here = {
        "manage_groups": one.manage_groups | {"create"},
        "tombstone": "delete",
        "never_listed": "keep",
    }
    one = replace(one, ignore=seen, removals=Limits(1.0, 99), **made_here)  # type: ignore[arg-type]
    both = stricter(one, replace(one, ignore=Globs(more, groups)))
    if both.ignore.match(Address("group", "g")) or both.ignore.match(BOB):
        return
    (deleted,) = (c for c in planned(both, gone="g").changes if c.address == Address("group", "g"))
    assert deleted.ends == KEYS


@pytest.mark.parametrize(
    ("ways", "comes_to"),
    [
        ("keep", "keep"),
        (["revoke"], "revoke"),
        (["deactivate", "revoke"], "revoke, deactivate"),
        (["deactivate", "delete", "revoke"], "delete"),
    ],
)
def test_several_ways_to_end_access_are_one(ways: str | list[str], comes_to: Ending) -> None:
    assert combined(ways) == comes_to

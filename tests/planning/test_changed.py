"""What the files changed between two revisions, and that a plan of it is all that they changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from builders import a_group, a_user, desired
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from worlds import World, session, standing, worlds, write

from reconciler.changes import Atom, atoms
from reconciler.desired.history import with_departed
from reconciler.errors import IncompleteRead, Invalid, Place, Problem
from reconciler.model import DesiredState, Lists, group_address, user_address
from reconciler.plan import Plan
from reconciler.planning.changed import changed
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.scope import need
from reconciler.planning.selection import CHANGED, selection

ADA, BOB = a_user("ada@acme.com", name="Ada"), a_user("bob@acme.com")
SALES = a_group("Sales", ["ada@acme.com"])


def names(then: DesiredState, now: DesiredState) -> list[str]:
    return sorted(map(str, changed(then, now)))


def test_an_entry_that_says_the_same_did_not_change() -> None:
    assert names(desired(ADA, BOB, SALES), desired(SALES, BOB, ADA)) == []


@pytest.mark.parametrize(
    ("then", "now", "found"),
    [
        (desired(ADA), desired(replace(ADA, name="A")), ["user/ada@acme.com"]),
        (desired(ADA), desired(ADA, BOB), ["user/bob@acme.com"]),
        (desired(ADA, BOB), desired(ADA), ["user/bob@acme.com"]),
        (desired(ADA), desired(absent=[user_address("ada@acme.com")]), ["user/ada@acme.com"]),
        (desired(ADA, SALES), desired(ADA, a_group("Sales", [])), ["group/sales"]),
        (desired(a_group("Sales")), desired(a_group("Sales"), from_users=["Sales"]), ["group/sales"]),
        (desired(SALES), desired(SALES, previously={group_address("Sales"): ("old",)}), ["group/sales"]),
        (desired(SALES), desired(), ["group/sales"]),
    ],
)
def test_who_differs_entered_or_left_is_changed(
    then: DesiredState, now: DesiredState, found: list[str]
) -> None:
    assert names(then, now) == found


def gone(now: DesiredState) -> DesiredState:
    return replace(now, departed={user_address("bob@acme.com"): Place("v1/people.yaml", 1, 1)})


def test_who_left_earlier_is_changed_where_nothing_spares_them_any_more() -> None:
    both = a_group("Sales", ["ada@acme.com", "bob@acme.com"])
    assert names(gone(desired(ADA, both)), gone(desired(ADA, SALES))) == ["group/sales", "user/bob@acme.com"]
    assert names(gone(desired(ADA, SALES)), gone(desired(ADA, SALES))) == []
    skipped = replace(desired(ADA), lists=Lists(skipped=(Problem(Place("a.csv"), "no address"),)))
    assert names(gone(skipped), gone(desired(ADA))) == ["user/bob@acme.com"]
    assert names(gone(desired()), gone(desired(ADA))) == ["user/ada@acme.com", "user/bob@acme.com"]


def test_who_refers_to_somebody_that_wakes_up_is_changed() -> None:
    sleeping = a_user("boss@acme.com", active=False)
    follower = a_user("ada@acme.com", attributes={"manager": "Boss@acme.com"})
    then, now = desired(sleeping, follower), desired(replace(sleeping, active=True), follower)
    assert names(then, now) == ["user/ada@acme.com", "user/boss@acme.com"]
    several = replace(follower, attributes={"managers": ("x", "boss@acme.com")})
    assert names(desired(sleeping, several), desired(replace(sleeping, active=None), several)) == [
        "user/ada@acme.com",
        "user/boss@acme.com",
    ]


def test_who_is_to_be_gone_is_changed_where_an_attribute_becomes_managed() -> None:
    absent = [user_address("bob@acme.com")]
    then, now = desired(ADA, absent=absent), desired(replace(ADA, attributes={"a": "1"}), absent=absent)
    assert names(then, now) == ["user/ada@acme.com", "user/bob@acme.com"]
    assert names(now, then) == ["user/ada@acme.com"]


def wanted(plan: Plan) -> set[Atom]:
    return {atom for change in plan.changes for atom in atoms(change)}


@st.composite
def histories(draw: st.DrawFn) -> tuple[World, Mapping[str, Any]]:
    """A world, and what its files said before: some entries of another world, and else the same."""
    world, other = draw(worlds()), draw(worlds())
    before = {
        section: {
            name: entry
            for name in sorted(world.files[section] | other.files[section])
            if (entry := draw(st.sampled_from([world, world, other])).files[section].get(name)) is not None
        }
        for section in ("users", "groups")
    }
    ways = ["keep", "deactivate", "revoke", "delete"]
    leavers = world.target["leavers"]["users"] | {"left_files": draw(st.sampled_from(ways))}
    groups = {"left_files": draw(st.sampled_from(["keep", "delete"]))}
    return replace(world, target=world.target | {"leavers": {"users": leavers, "groups": groups}}), before


@pytest.mark.usefixtures("uncounted")
@settings(max_examples=300)
@given(history=histories())
def test_a_plan_of_what_the_files_changed_leaves_out_only_what_they_wanted_before(
    history: tuple[World, Mapping[str, Any]],
) -> None:
    world, before = history
    with standing(world) as (target, store):
        try:
            now = target.load()
            write(target.folder, replace(world, files=dict(before)))
            then = target.load()
        except Invalid:
            reject()
        now = with_departed(now, then)
        known = need(now, target.policy) | need(then, target.policy)
        live = target.provider.read(session(store, target).reader, known)

    def made(state: DesiredState, *only: str) -> Planned:
        asked = selection(only).about(changed(then, state))
        return make_plan(state, live, target.policy, selection=asked, target="", provider="", url="")

    try:
        older = wanted(made(then).plan)
    except (Invalid, IncompleteRead):
        reject()
    part = made(now, CHANGED)
    never = {
        atom for atom in part.left_out if (atom.member or atom.address) not in now.named | now.departed.keys()
    }
    assert set(part.left_out) - set(part.waiting) - never <= older

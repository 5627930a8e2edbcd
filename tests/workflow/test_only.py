"""`--only` and `--scope`: a plan is the part of the whole that is asked for, and the rest stays as it is."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import get_args

import pytest
from builders import MANDATE
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from providers.toy_system import Club
from worlds import (
    EMAILS,
    GROUPS,
    OUTSIDER,
    RENAMED,
    World,
    clubs,
    forced,
    founded,
    renamed,
    session,
    standing,
    worlds,
)

from reconciler import workflow
from reconciler.changes import Atom, Change, Create, atoms, fields_of
from reconciler.model import Address
from reconciler.plan import Plan, Scope
from reconciler.planning.plan import Planned

PARTS: tuple[Scope, ...] = get_args(Scope)
SCOPES = st.sets(st.sampled_from(PARTS), max_size=3).map(
    lambda chosen: tuple(part for part in PARTS if part in chosen)
)
PEOPLE = [*(f"user/{email}" for email in (*EMAILS, OUTSIDER, RENAMED)), "user/*@acme.com", "user/[A-C]*"]
PATTERNS = [*PEOPLE, *(f"group/{name}" for name in (*GROUPS, "OLD name")), "group/*e*"]
ONLY = st.lists(st.sampled_from(PATTERNS), unique=True, max_size=3).map(tuple)
Fact = tuple[object, ...]


def facts(plan: Plan) -> Mapping[Fact, Atom]:
    """What a plan makes true, whatever was there before: an object, a field, a membership."""
    return {(a.address, a.path, a.after): a for change in plan.changes for a in atoms(change)}


def created(changes: Iterable[Change]) -> set[object]:
    return {change.address for change in changes if isinstance(change, Create)}


def is_asked(atom: Atom, only: tuple[str, ...], whole: Planned) -> bool:
    """Whether one of the patterns names an end of the atom, under any name."""
    aliases = whole.plan.census.aliases
    ends = [atom.address, *([atom.member] if atom.member else [])]
    names = [f"{end.kind}/{key}" for end in ends for key in (end.key, *aliases.get(str(end), ()))]
    return not only or any(fnmatchcase(name, pattern.lower()) for name in names for pattern in only)


def waits(atom: Atom, whole: Planned, part: Plan) -> bool:
    """Whether it needs somebody or something that the whole plan makes, and this part does not."""
    elsewhere = created(whole.plan.changes) - created(part.changes)
    return atom.address in elsewhere or atom.member in elsewhere


def never_listed(address: Address, world: World, names: Mapping[str, str]) -> bool:
    listed = {*world.files["users"], *(names[email] for email in world.files["users"] if email in names)}
    return address.kind == "user" and address.key not in listed


@pytest.mark.usefixtures("uncounted")
@settings(max_examples=300)
@given(
    worded=st.one_of(worlds().map(lambda world: (world, {})), renamed()),
    asked=st.tuples(SCOPES, ONLY).filter(any),
)
def test_a_part_is_what_is_asked_of_the_whole_and_leaves_the_rest(
    worded: tuple[World, dict[str, str]], asked: tuple[tuple[Scope, ...], tuple[str, ...]]
) -> None:
    (world, names), (scope, only) = worded, asked
    switches = world.seed["switches"]
    # Where a deactivation removes the account, memberships end that no plan could know of.
    assume(not switches["deactivate_revokes"] and not switches["deactivate_hides"])
    with standing(world) as (target, store):
        whole = workflow.plan(target, session(store, target))
        options = workflow.Options(scope=scope, only=only)
        proposal = workflow.propose(target, session(store, target), options)
        part, every = facts(proposal.plan), facts(whole.plan)
        assert part.items() <= every.items()
        assert set(proposal.fresh.left_out) == set(every.values()) - set(part.values())
        assert all(is_asked(atom, only, whole) for atom in part.values())
        for atom in proposal.fresh.left_out if not scope else ():
            if is_asked(atom, only, whole) and not waits(atom, whole, proposal.plan):
                assert never_listed(atom.member or atom.address, world, names)
        assert {change.address: change for change in proposal.changes if not atoms(change)}.items() <= {
            change.address: change for change in whole.plan.changes
        }.items()
        report = workflow.apply(target, session(store, target), forced(proposal), MANDATE)
        assert report.complete
        assert workflow.record(target, proposal, report).startswith("it was about ")
        after = facts(workflow.plan(target, session(store, target)).plan)
    rest = every.keys() - part.keys()
    assert after.keys() <= rest
    # Somebody new may have a default already.
    new = created(proposal.changes)
    assert all(address in new and path[0] == "attributes" for address, path, _ in rest - after.keys())  # type: ignore[index]


@st.composite
def related(draw: st.DrawFn) -> World:
    """A club whose people have each other as managers, and which does at once what it is asked."""
    world = draw(clubs())
    declared = [email for email, entry in world.files["users"].items() if "state" not in entry]
    people = dict(world.files["users"])
    for email in declared:
        boss = draw(st.none() | st.sampled_from(declared))
        attributes = {**people[email]["attributes"], **({"manager": boss} if boss else {})}
        people[email] = people[email] | {"attributes": attributes}
    return replace(world, seed=world.seed | {"slow": 0, "stops": 0}, files=world.files | {"users": people})


@pytest.mark.usefixtures("uncounted", "toy")
@settings(max_examples=150)
@given(world=related(), only=ONLY.filter(bool))
def test_so_it_is_where_people_refer_to_each_other(world: World, only: tuple[str, ...]) -> None:
    with founded(world, Club) as (target, club):
        whole = workflow.plan(target, session(club, target))
        proposal = workflow.propose(target, session(club, target), workflow.Options(only=only))
        part, every = facts(proposal.plan), facts(whole.plan)
        assert part.items() <= every.items()
        elsewhere = created(whole.plan.changes) - created(proposal.changes)
        for change in proposal.changes:
            assert all(elsewhere.isdisjoint(item.names) for item in fields_of(change))
        assert workflow.apply(target, session(club, target), forced(proposal), MANDATE).complete
        after = facts(workflow.plan(target, session(club, target)).plan)
    assert after.keys() == every.keys() - part.keys()

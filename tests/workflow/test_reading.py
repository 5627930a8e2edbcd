"""An apply of a reviewed plan reads what the plan is about, and does what it would do after reading all."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from builders import MANDATE
from hypothesis import event, given, settings
from hypothesis import strategies as st
from worlds import EMAILS, GROUPS, RENAMED, Refusing, World, renamed, schedules, session, standing

from reconciler import workflow
from reconciler.errors import IncompleteRead, Invalid, NoAnswer, Refused
from reconciler.plan import Plan
from reconciler.sandbox.faults import Schedule
from reconciler.sandbox.omni.records import Group, User
from reconciler.sandbox.omni.store import Store
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.workflow.options import Options

pytestmark = pytest.mark.usefixtures("uncounted")
EVERYTHING = Options(read="everything")
DAYS = 12


def by_hand(store: Store, seed: int) -> None:
    """What people do to a directory between a plan and its apply; the same for the same seed."""
    random = Random(seed)  # noqa: S311 (the same each time)
    for email in random.sample(EMAILS, 2):
        for person in store.users_with_email(email):
            random.choice(_OF_PEOPLE)(store, person)
    for group in random.sample([*store.groups.values()], min(2, len(store.groups))):
        random.choice(_OF_GROUPS)(store, group, random)


def again(store: Store, person: User) -> None:
    store.remove_user(person)
    store.add_user(person.email, "Again")


def switched(store: Store, person: User) -> None:
    person.active = not person.active
    store.touch(person)


def called_otherwise(store: Store, person: User) -> None:
    person.name = "By hand"
    store.touch(person)


def made_again(store: Store, group: Group, _random: Random) -> None:
    store.remove_group(group)
    store.add_group(group.name)


def mixed_up(store: Store, group: Group, random: Random) -> None:
    for person in [person for person in store.users.values() if not person.deleted]:
        if random.random() < 0.4:
            (store.leave if person.id in group.members else store.join)(group, person)


_OF_PEOPLE: list[Callable[[Store, User], None]] = [again, Store.remove_user, switched, called_otherwise]
_OF_GROUPS: list[Callable[[Store, Group, Random], None]] = [
    made_again,
    lambda store, group, _: store.remove_group(group),
    lambda store, group, _: store.rename_group(group, f"{group.name} by hand"),
    mixed_up,
    mixed_up,
]


def applied(target: Target, connection: Session, saved: Plan, options: Options) -> Any:
    """What an apply does, in words, or why it does nothing; and whether it read a part."""
    try:
        proposal = workflow.propose(target, connection, options, saved=saved)
    except (IncompleteRead, Invalid) as error:
        return type(error), False
    assert proposal.recheck
    stale = [(str(item.atom), item.reason) for item in proposal.recheck.stale]
    if stale or proposal.plan.violations != saved.violations:
        return (stale, proposal.plan.violations), proposal.is_part
    report = workflow.apply(target, connection, proposal, MANDATE)
    return [(str(o.atom), o.status) for o in report.outcomes], proposal.is_part


@settings(max_examples=300)
@given(
    worded=renamed(),
    people=st.sets(st.sampled_from(EMAILS), max_size=1),
    groups=st.sets(st.sampled_from(GROUPS), max_size=1),
    refused=st.frozensets(st.sampled_from([*EMAILS, RENAMED]), max_size=2),
    edits=st.integers(0, 2**32) | st.none(),
)
def test_a_part_that_is_read_does_what_everything_does(
    worded: tuple[World, dict[str, str]],
    people: set[str],
    groups: set[str],
    refused: frozenset[str],
    edits: int | None,
) -> None:
    world, _ = worded
    protect = {"protect": {"users": sorted(people), "groups": sorted(groups)}}
    with standing(replace(world, target=world.target | protect)) as (target, store):
        other = Store.from_seed(world.seed)
        saved = workflow.plan(target, session(store, target)).plan
        for each in (store, other):
            if edits is not None:
                by_hand(each, edits)
        did: list[Any] = []
        for each, options in ((store, Options()), (other, EVERYTHING)):
            connection = session(each, target, around=lambda inner, to=each: Refusing(inner, to, refused))
            did.append(applied(target, connection, saved, options))
        (part, is_part), (whole, _) = did
        event(f"a part was read: {is_part}, and {'something' if saved.changes else 'nothing'} was planned")
        # What stops every plan may be elsewhere, where a part does not look.
        if whole not in (Invalid, IncompleteRead):
            assert part == whole
            assert store.snapshot() == other.snapshot()


def through_faults(target: Target, store: Store, saved: Plan, options: Options, faults: Schedule) -> Any:
    """Apply a saved plan again and again, on the last day without a fault; what that last one did."""
    for day in range(DAYS):
        calm = 1 - (day + 1) / DAYS
        chances = {fault: chance * calm for fault, chance in faults.chances.items()}
        connection = session(store, target, (day, replace(faults, chances=chances)))
        try:
            did = applied(target, connection, saved, options)
        except (NoAnswer, Refused):
            continue
    return did[0]


@settings(max_examples=60)
@given(worded=renamed(), faults=schedules(), edits=st.integers(0, 2**32) | st.none())
def test_so_it_is_under_any_faults(
    worded: tuple[World, dict[str, str]], faults: Schedule, edits: int | None
) -> None:
    with standing(worded[0]) as (target, store):
        other = Store.from_seed(worded[0].seed)
        saved = workflow.plan(target, session(store, target)).plan
        for each in (store, other):
            if edits is not None:
                by_hand(each, edits)
        part = through_faults(target, store, saved, Options(), faults)
        whole = through_faults(target, other, saved, EVERYTHING, faults)
        if whole not in (Invalid, IncompleteRead):
            assert part == whole
            assert store.snapshot() == other.snapshot()


ONLY = st.lists(
    st.sampled_from(
        [*(f"user/{email}" for email in (*EMAILS, RENAMED)), *(f"group/{name}" for name in GROUPS)]
    ),
    min_size=1,
    max_size=3,
    unique=True,
)


@settings(max_examples=300)
@given(worded=renamed(), only=ONLY)
def test_a_plan_of_a_part_is_the_same_whether_all_is_read_or_what_it_takes(
    worded: tuple[World, dict[str, str]], only: list[str]
) -> None:
    with standing(worded[0]) as (target, store):
        asked = Options(only=tuple(only))
        try:
            whole = workflow.plan(target, session(store, target), replace(asked, read="everything")).plan
        except (IncompleteRead, Invalid):
            return
        part = workflow.plan(target, session(store, target), asked).plan
        event(f"a part was read: {part.partly_read}")
        assert part.changes == whole.changes
        assert part.meant == whole.meant
        assert part.called == whole.called

"""Whatever is live and whatever the files say: apply, and nothing is left, and nobody else was touched."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from builders import MANDATE
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from providers.scim.in_bulk import InBulk
from providers.toy_system import Club
from worlds import (
    ADMIN,
    EMAILS,
    EMBED,
    GROUPS,
    OUTSIDER,
    RENAMED,
    Listed,
    Refusing,
    World,
    clubs,
    directories,
    forced,
    founded,
    renamed,
    schedules,
    session,
    sites,
    standing,
    worlds,
    write,
)

from reconciler import workflow
from reconciler.errors import IncompleteRead, Invalid, NoAnswer, Refused
from reconciler.model import group_address
from reconciler.plan import Plan
from reconciler.planning.guard import check
from reconciler.report import Report
from reconciler.sandbox.faults import Schedule
from reconciler.sandbox.omni.store import Store
from reconciler.sandbox.pleio.instance import PretendPleio
from reconciler.sandbox.pleio.site import PleioSite
from reconciler.target.settings import Target
from reconciler.transport.messages import Request, Response, Transport

pytestmark = pytest.mark.usefixtures("uncounted")
BAD_DAYS = 40


def converge(store: Store | Transport, target: Target, faults: tuple[int, Schedule]) -> None:
    """Apply again and again through the faults, as a scheduled job would, until a run completes."""
    undone: list[str] = []
    for day in range(BAD_DAYS):
        # The faults grow rarer, so that requests get through in the end.
        chances = {fault: chance * (1 - day / BAD_DAYS) for fault, chance in faults[1].chances.items()}
        connection = session(store, target, (faults[0] + day, replace(faults[1], chances=chances)))
        try:
            proposal = workflow.propose(target, connection)
        except (IncompleteRead, NoAnswer, Refused):
            continue
        report = workflow.apply(target, connection, forced(proposal), MANDATE)
        if report.complete:
            return
        undone = [str(outcome) for outcome in report.outcomes if outcome.status != "done"]
    message = f"no run of {BAD_DAYS} was complete: {undone}"
    raise AssertionError(message)


@settings(max_examples=250)
@given(world=worlds(), seed=st.integers(0, 2**32), schedule=schedules())
def test_after_an_apply_the_plan_is_empty(world: World, seed: int, schedule: Schedule) -> None:
    with standing(world) as (target, store):
        before = store.snapshot()
        converge(store, target, (seed, schedule))
        again = workflow.plan(target, session(store, target)).plan
        assert again.changes == ()
        assert untouched(world, before, store.snapshot()) == []


class Careful(Club):
    """A club that must not be sent what it has taken and not done yet."""

    def send(self, request: Request) -> Response:
        waiting = [row for _, row in self.state["queue"]]
        response = super().send(request)
        now = [row for _, row in self.state["queue"]]
        assert request.method == "GET" or not any(row in waiting for row in now[len(waiting) :])
        return response

    def snapshot(self) -> dict[str, Any]:
        """What is there, as a pretend Omni says it."""
        things = [dict(thing) for thing in self.state["things"].values()]
        users = {thing.pop("called"): thing for thing in things if thing.pop("kind") == "user"}
        known = {
            email: {"name": user.pop("name", None), "active": user.pop("active", True), "attributes": user}
            for email, user in users.items()
        }
        return {"users": known, "groups": {t["called"]: [] for t in things if "called" in t}}


@pytest.mark.usefixtures("toy")
@settings(max_examples=100)
@given(world=clubs(), seed=st.integers(0, 2**32), schedule=schedules())
def test_so_it_is_where_the_system_is_neither_scim_nor_omni(
    world: World, seed: int, schedule: Schedule
) -> None:
    with founded(world, Careful) as (target, club):
        before = club.snapshot()
        converge(club, target, (seed, schedule))
        assert club.state["queue"] == []
        assert workflow.plan(target, session(club, target)).plan.changes == ()
        assert untouched(world, before, club.snapshot()) == []


@settings(max_examples=150)
@given(world=sites(), seed=st.integers(0, 2**32), schedule=schedules())
def test_so_it_is_on_a_pleio_site(world: World, seed: int, schedule: Schedule) -> None:
    with founded(world, PleioSite.from_seed) as (found, site):
        quirks = {"creates_without_external_id": world.seed["switches"]["external_id_optional"]}
        target = replace(found, quirks=quirks)
        before = site.snapshot()["users"]
        pretend = PretendPleio(site)
        try:
            workflow.plan(target, session(pretend, target))
        except Invalid:
            # Another number is another person: that is refused, and nothing is written.
            assert site.snapshot()["users"] == before
            return
        converge(pretend, target, (seed, schedule))
        assert workflow.plan(target, session(pretend, target)).plan.changes == ()
        assert list(_unasked(world, before, site.snapshot()["users"])) == []


def _unasked(world: World, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Who changed and no file spoke of, or was let in and no file said so."""
    keeps = world.target["leavers"]["users"]["never_listed"] == "keep"
    for email, old in before.items():
        entry = world.files["users"].get(email.removeprefix("old-"))
        new = after.get(email) or after.get(email.removeprefix("old-"))
        if (entry is None and (keeps or email == ADMIN)) and new != old:
            yield f"{email}: {old} became {new}"
        if entry is None or "state" in entry:
            continue
        if not old["active"] and entry.get("active") is not True and new != old:
            yield f"{email} is banned, and {old} became {new}"
        stated = {name.removeprefix("profile.") for name in entry["attributes"]}
        for name, value in old["attributes"].items():
            if name.removeprefix("profile.") not in stated and new["attributes"].get(name) != value:
                yield f"{email}: {name} became {new['attributes'].get(name)}"


@settings(max_examples=60)
@given(world=directories(), seed=st.integers(0, 2**32), schedule=schedules())
def test_so_it_is_for_any_directory(world: World, seed: int, schedule: Schedule) -> None:
    with founded(world, Listed.opened) as (target, directory):
        before = directory.snapshot()
        converge(directory, target, (seed, schedule))
        assert workflow.plan(target, session(directory, target)).plan.changes == ()
        assert untouched(world, before, directory.snapshot()) == []


class InOne(InBulk):
    """A directory that takes many writes in one request."""

    def snapshot(self) -> dict[str, Any]:
        """What is there, as a pretend Omni says it."""
        assert isinstance(self.inner, Listed)
        return self.inner.snapshot()


@settings(max_examples=60)
@given(
    world=directories(),
    seed=st.integers(0, 2**32),
    schedule=schedules(),
    most=st.sampled_from([2, 3, 100]),
    status=st.sampled_from(["text", "number", "object"]),
)
def test_so_it_is_where_many_changes_go_in_one_request(
    world: World, seed: int, schedule: Schedule, most: int, status: str
) -> None:
    def opened(start: dict[str, Any]) -> InOne:
        return InOne(Listed.opened(start), {"supported": True, "maxOperations": most}, status)

    with founded(world, opened) as (target, directory):
        before = directory.snapshot()
        converge(directory, target, (seed, schedule))
        assert workflow.plan(target, session(directory, target)).plan.changes == ()
        assert untouched(world, before, directory.snapshot()) == []


def untouched(world: World, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What changed and no file, nor an exact attribute, spoke of."""
    said = []
    manage = world.target["manage"]
    for email, old in before["users"].items():
        entry = world.files["users"].get(email)
        new = after["users"].get(email)
        if email != OUTSIDER and entry is None and world.target["leavers"]["users"]["never_listed"] != "keep":
            continue
        if entry is None or email == OUTSIDER:
            if new != old:
                said.append(f"{email}: {old} became {new}")
        elif entry != {"state": "absent"} and entry.get("active") is not False:
            stated = set(entry.get("attributes", ())) if "attributes" in manage["users"] else set()
            stated |= set(manage["exact_attributes"])
            said += [
                f"{email}: {key} became {new['attributes'].get(key)}"
                for key, value in old["attributes"].items()
                if key not in stated and new["attributes"].get(key) != value
            ]
            if "name" not in entry and new["name"] != old["name"]:
                said.append(f"{email}: renamed")
    return said + _lost_members(world, before, after)


def _lost_members(world: World, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    said = []
    for name, members in before["groups"].items():
        entry = world.files["groups"].get(name)
        if entry is None and not any("previously" in g for g in world.files["groups"].values()):
            gone = {e for e in members if e != EMBED and e not in after["users"]}
            if set(members) - gone != set(after["groups"][name]):
                said.append(f"{name}: {members} became {after['groups'][name]}")
        if {OUTSIDER, EMBED} & set(members) and entry not in (None, {"state": "absent"}):
            kept = {OUTSIDER, EMBED} & set(members)
            if not kept <= set(after["groups"][name]):
                said.append(f"{name}: lost one of {kept}")
    return said


@settings(max_examples=250)
@given(
    world=worlds(),
    people=st.sets(st.sampled_from(EMAILS), min_size=1, max_size=3),
    groups=st.sets(st.sampled_from(GROUPS), max_size=2),
)
def test_what_is_protected_loses_nothing_or_the_plan_is_refused(
    world: World, people: set[str], groups: set[str]
) -> None:
    # Where a deactivation removes the account, groups lose a member that no plan could know of.
    assume(not world.seed["switches"]["deactivate_revokes"])
    protect = {"protect": {"users": sorted(people), "groups": sorted(groups)}}
    with standing(replace(world, target=world.target | protect)) as (target, store):
        before = store.snapshot()
        connection = session(store, target)
        proposal = workflow.propose(target, connection)
        approved = check(proposal.plan, target.policy, allow_removals=proposal.plan.counts.removals)
        assert all(violation.is_absolute for violation in approved)
        report = workflow.apply(target, connection, forced(proposal), MANDATE)
        after = store.snapshot()
        # Nobody approves what is refused; executed all the same it shows that the guard stops
        # everything that it must, and nothing that does no harm.
        if not approved:
            assert list(_lost_by(people, groups, before, after, _renames(world))) == []
        else:
            # An apply holds back by itself what would leave a protected group without people.
            assert before != after or any(outcome.status == "skipped" for outcome in report.outcomes)


def _lost_by(
    people: set[str], groups: set[str], before: dict[str, Any], after: dict[str, Any], renamed: dict[str, str]
) -> Iterator[str]:
    """What protected people and groups had before and have not now."""
    for email in people & before["users"].keys():
        if email not in after["users"]:
            yield f"{email} is gone"
        elif before["users"][email]["active"] and not after["users"][email]["active"]:
            yield f"{email} is no longer active"
        for name, members in before["groups"].items():
            now = name if name in after["groups"] else renamed.get(name, name)
            if email in members and email not in after["groups"].get(now, ()):
                yield f"{email} left {name}"
    for name in groups & before["groups"].keys():
        # A protected group may be renamed, and stays protected under both names.
        now = name if name in after["groups"] else renamed.get(name, name)
        if now not in after["groups"]:
            yield f"{name} is gone"
        elif before["groups"][name] and not after["groups"][now]:
            yield f"{name} is empty"


def meddle(store: Store, random: Random) -> None:
    """Somebody takes people out of groups, and locks some of them out, by hand."""
    for email in random.sample(EMAILS, 2):
        for person in store.users_with_email(email):
            for group in store.groups.values():
                if person.id in group.members and random.random() < 0.4:
                    store.leave(group, person)
            if random.random() < 0.3:
                person.active = False
                store.touch(person)


@settings(max_examples=150)
@given(
    worded=renamed(),
    people=st.sets(st.sampled_from(EMAILS), max_size=2),
    groups=st.sets(st.sampled_from([*GROUPS, "Old name"]), max_size=2),
    refused=st.frozensets(st.sampled_from([*EMAILS, RENAMED]), max_size=4),
    reviewed=st.booleans(),
    random=st.randoms(use_true_random=False),
)
def test_whatever_fails_or_changes_meanwhile_nobody_last_and_nothing_protected_is_lost(
    worded: tuple[World, dict[str, str]],
    people: set[str],
    groups: set[str],
    refused: frozenset[str],
    reviewed: bool,  # noqa: FBT001 (hypothesis calls it by name)
    random: Random,
) -> None:
    world, older = worded
    # Somebody who was deactivated and is hidden then could not be told from somebody whom nobody knows.
    assume(
        not world.seed["switches"]["deactivate_revokes"] and not world.seed["switches"]["deactivate_hides"]
    )
    protect = {"protect": {"users": sorted(people), "groups": sorted(groups)}}
    with standing(replace(world, target=world.target | protect)) as (target, store):
        connection = session(store, target, around=lambda inner: Refusing(inner, store, refused))
        saved = workflow.plan(target, connection).plan if reviewed else None
        if reviewed:
            meddle(store, random)
        proposal = workflow.propose(target, connection, saved=saved)
        meddle(store, random)
        if _refused(proposal.plan, target):
            return
        before = store.snapshot()
        report = workflow.apply(target, connection, forced(proposal), MANDATE)
        after = store.snapshot()
        assert list(_lost_by(people, groups, before, after, _renames(world))) == []
        assert list(_without_anybody(world, proposal.plan, before, after, older)) == []
        assert list(_unsaid(world, report, before, after, older)) == []
        if not _refused(workflow.plan(target, session(store, target)).plan, target):
            converge(store, target, (0, Schedule({})))
            assert workflow.plan(target, session(store, target)).plan.changes == ()


def _refused(plan: Plan, target: Target) -> bool:
    """Whether a guard refuses the plan whatever number is approved."""
    now = check(plan, target.policy, allow_removals=plan.counts.removals)
    return any(violation.is_absolute for violation in (*plan.violations, *now))


def _without_anybody(
    world: World, approved: Plan, before: dict[str, Any], after: dict[str, Any], older: dict[str, str]
) -> Iterator[str]:
    """Groups that lost the last one, or that nobody is active, where the approved plan does no such thing."""
    renames = _renames(world)
    for name, members in before["groups"].items():
        now = name if name in after["groups"] else renames.get(name, name)
        empty = members and not after["groups"].get(now, [EMBED])
        if empty and str(group_address(now)) not in approved.intended.census.emptied:
            yield f"{name} is empty"
    listed = {older.get(email, email) for email in world.files["users"]}
    listed |= {change.address.key for change in approved.changes if change.address.kind == "user"}
    active = [{e for e, user in side["users"].items() if user["active"]} & listed for side in (before, after)]
    if approved.census.active_users_after and active[0] and not active[1]:
        yield "nobody is active"


def _unsaid(
    world: World, report: Report, before: dict[str, Any], after: dict[str, Any], older: dict[str, str]
) -> Iterator[str]:
    """What was taken away, and does not stand in the report as done, or is not counted there."""
    done = {(str(o.atom.address), *o.atom.path) for o in report.outcomes if o.status == "done"}
    newer = {old: new for new, old in older.items()}
    lost: list[tuple[str, ...]] = []
    for email, user in before["users"].items():
        own = f"user/{newer.get(email, email)}"
        if email not in after["users"]:
            lost.append((own,))
        elif user["active"] and not after["users"][email]["active"]:
            lost.append((own, "active"))
    renames = _renames(world)
    for name, members in before["groups"].items():
        now = name if name in after["groups"] else renames.get(name, name)
        if now not in after["groups"]:
            lost.append((str(group_address(now)),))
            continue
        gone = {email for email in members if email in after["users"]} - set(after["groups"][now])
        lost += [(str(group_address(now)), "members", newer.get(email, email)) for email in gone]
    yield from (" ".join(one) for one in lost if one not in done)
    if report.counts["removed"] < len(lost):
        yield f"{report.counts['removed']} of {len(lost)} removals are counted"


def _renames(world: World) -> dict[str, str]:
    return {
        older: new for new, group in world.files["groups"].items() for older in group.get("previously", ())
    }


@settings(max_examples=60)
@given(world=worlds(), random=st.randoms(use_true_random=False))
def test_the_order_of_the_input_is_irrelevant(world: World, random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = [(key, shuffled(item)) for key, item in value.items()]
            random.shuffle(items)
            return dict(items)
        if isinstance(value, list):
            return random.sample(value, len(value))
        return value

    with standing(world) as (target, store):
        first = workflow.plan(target, session(store, target)).plan
        again = workflow.plan(target, session(store, target)).plan
        assert again.digest == first.digest
        other = write(target.folder, World(world.seed, shuffled(world.files), world.target))
        assert workflow.plan(other, session(store, other)).plan.digest == first.digest

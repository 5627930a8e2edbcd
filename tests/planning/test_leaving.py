"""Whatever the history of the files: who left them is ended as `leavers` say, or named with the reason.

Files change step by step (declare, remove, tombstone, rename, take back), and are
loaded from their text. One of the steps was applied last. What is live is anything.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from builders import a_group, a_user, live
from hypothesis import event, given, settings
from hypothesis import strategies as st

from reconciler.changes import Delete, Update
from reconciler.desired.build import build
from reconciler.desired.documents import parse
from reconciler.desired.history import with_departed
from reconciler.desired.lists.columns import columns_of
from reconciler.desired.lists.read import Wanted, read
from reconciler.desired.schema import check as check_schema
from reconciler.errors import Invalid, Place
from reconciler.model import Address, Caller, Definition, DesiredState, LiveState
from reconciler.plan import Plan
from reconciler.planning.guard import check
from reconciler.planning.plan import make_plan
from reconciler.planning.scope import Globs, Policy, combined

Files = dict[str, dict[str, Any]]

_PEOPLE = [[f"{name}{number}@acme.com" for number in range(3)] for name in "abc"]
_GROUPS = [[f"{name}{number}" for number in range(2)] for name in "gh"]
_NAMES = {"users": [n for names in _PEOPLE for n in names], "groups": [n for names in _GROUPS for n in names]}
_ENDING: list[str | list[str]] = ["revoke", "deactivate", "delete", ["revoke", "deactivate"]]
_WAYS = st.sampled_from(["keep", *_ENDING])
_STEPS = st.tuples(
    st.sampled_from([("users", names) for names in _PEOPLE] + [("groups", names) for names in _GROUPS]),
    st.sampled_from(["declare", "remove", "remove", "remove", "tombstone", "rename"]),
    st.integers(0, 2),
)


@dataclass(frozen=True)
class History:
    """The files as they were applied last, those of now, what is live, and what the target says."""

    then: DesiredState
    now: DesiredState
    live: LiveState
    policy: Policy
    caller: str


def step(files: Files, section: str, names: list[str], verb: str, number: int) -> Files:
    """One change of one entry, as a person might make it; what would make no sense changes nothing."""
    entries = dict(files[section])
    current = next((name for name in names if name in entries), None)
    if verb == "declare" and current is None:
        entries[names[number % len(names)]] = {}
    elif verb == "declare" and current and "state" in entries[current]:
        entries[current] = {key: value for key, value in entries[current].items() if key != "state"}
    elif verb == "remove" and current:
        del entries[current]
    elif verb == "tombstone":
        name = current or names[number % len(names)]
        entries[name] = {**entries.get(name, {}), "state": "absent"}
    elif verb == "rename" and current and current != names[number % len(names)]:
        entry = entries.pop(current)
        new = names[number % len(names)]
        older = [current, *(old for old in entry.get("previously", ()) if old != new)]
        entries[new] = {**entry, "previously": older}
    return {**files, section: entries}


def loaded(files: Files) -> DesiredState:
    document = parse(json.dumps(files).encode(), "people.yaml")
    check_schema(document, "desired-state")
    state, problems = build([document])
    assert not [*document.problems, *problems]
    return state


@st.composite
def histories(draw: st.DrawFn) -> History:
    files: Files = {
        "users": {
            draw(st.sampled_from([names[0], *names])): {} for names in _PEOPLE if draw(st.integers(0, 4))
        },
        "groups": {draw(st.sampled_from(names)): {} for names in _GROUPS if draw(st.booleans())},
    }
    for where, verb, which in draw(st.lists(_STEPS, max_size=4)):
        files = step(files, *where, verb, which)
    then = files
    for where, verb, which in draw(st.lists(_STEPS, min_size=1, max_size=8)):
        files = step(files, *where, verb, which)
    found = draw(lives())
    accounts = [one.resource.email for one in found.users]
    return History(
        loaded(then),
        loaded(filled(draw, files, accounts)),
        found,
        draw(policies()),
        draw(st.sampled_from(accounts)),
    )


def filled(draw: st.DrawFn, files: Files, accounts: list[str]) -> Files:
    """The files with attributes, and with members that may be named; some are in no file."""
    users = {
        name: entry if "state" in entry else {**entry, "attributes": {"region": ["emea"]}}
        for name, entry in files["users"].items()
    }
    unspeakable = {name for name, entry in users.items() if "state" in entry}
    unspeakable |= {old for entry in users.values() for old in entry.get("previously", ())}
    people = [name for name in accounts if name not in unspeakable]
    groups = {
        name: entry
        if "state" in entry or not people
        else {**entry, "members": draw(st.lists(st.sampled_from(people), unique=True, max_size=3))}
        for name, entry in files["groups"].items()
    }
    return {"users": users, "groups": groups}


@st.composite
def lives(draw: st.DrawFn) -> LiveState:
    # Two accounts of one person stop a plan, and both are named: that is told elsewhere.
    accounts = [
        draw(st.sampled_from([names[0], *names])) for names in _PEOPLE if draw(st.integers(0, 4))
    ] or ["a0@acme.com"]
    users = [
        a_user(
            email,
            name="N",
            active=draw(st.booleans()),
            attributes={"region": draw(st.sampled_from([None, ("x",)]))},
        )
        for email in accounts
    ]
    groups = [
        a_group(name, draw(st.lists(st.sampled_from(accounts), unique=True)))
        for name in _NAMES["groups"]
        if draw(st.booleans())
    ]
    return live(*users, *groups, definitions=[Definition("region", multiple=True)])


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    managed = draw(st.sampled_from([["active"], []]))
    return Policy(
        manage=frozenset(["create", "name", "groups", "attributes", *managed]),
        tombstone=combined(draw(st.sampled_from(_ENDING))),
        left_users=combined(draw(_WAYS)),
        left_groups=draw(st.sampled_from(["keep", "delete"])),
        never_listed=combined(draw(_WAYS)),
        protect=Globs(user=tuple(draw(st.lists(st.sampled_from(_NAMES["users"]), max_size=1)))),
    )


def names_of(state: DesiredState, address: Address) -> tuple[str, ...]:
    return (address.key, *state.previously.get(address, ()))


def spoken_of(state: DesiredState) -> set[Address]:
    """All that files say a word about, under the names of now and before."""
    own = {Address("user", key) for key in state.users} | {Address("group", key) for key in state.groups}
    own |= state.absent
    return own | {Address(one.kind, key) for one in own for key in names_of(state, one)}


def is_live(found: LiveState, kind: str, keys: Iterable[str]) -> bool:
    every = (
        {u.resource.email for u in found.users} if kind == "user" else {g.resource.name for g in found.groups}
    )
    return bool(every & set(keys))


def is_ended(history: History, plan: Plan, address: Address, names: set[str], how: str) -> bool:
    """Whether the live state, with the plan done, has of a person or group what `how` leaves of them."""
    changes = {change.address: change for change in plan.changes}
    change = changes.get(address)
    if how == "delete":
        return isinstance(change, Delete)
    (account,) = (u.resource for u in history.live.users if u.resource.email in names)
    after = {f.path: f.after for f in change.fields} if isinstance(change, Update) else {}
    attributes = account.attributes or {}
    gone = True
    if "deactivate" in how:
        gone &= after.get(("active",), account.active) is False
    if "revoke" in how:
        managed = any(user.attributes for user in history.now.users.values())
        gone &= not managed or after.get(("attributes", "region"), attributes["region"]) is None
        for group in history.live.groups:
            for declared in (a for a in changes if a.kind == "group"):
                update = changes[declared]
                if isinstance(update, Update) and update.id == group.id:
                    lost = {f.path[1] for f in update.fields if f.path[0] == "members" and f.after is None}
                    gone &= not (names & (group.resource.members or frozenset())) or address.key in lost
    return gone


def named(plan: Plan, address: Address, code: str, words: str = "") -> bool:
    texts = [note.message for note in plan.notes if note.code == code and words in note.message]
    return any(
        str(address) in text or f": {address.key}" in text or f", {address.key}" in text for text in texts
    )


@pytest.mark.usefixtures("uncounted")
@settings(max_examples=300)
@given(histories())
def test_whoever_left_the_files_is_ended_as_the_target_says_or_named_with_the_reason(
    history: History,
) -> None:
    now = with_departed(history.now, history.then)
    found = replace(history.live, callers=(Caller(history.caller),))
    plan: Plan | None = None
    stopped: list[str] = []
    try:
        plan = make_plan(now, found, history.policy, target="t", provider="omni", url="").plan
    except Invalid as error:
        stopped = [problem.message for problem in error.problems]
    if plan is None:
        assert all("neither a live user" in one or "matches 2 live groups" in one for one in stopped)
        return
    refused = " ".join(one.message for one in check(plan, history.policy))
    before = {Address("user", key) for key in history.then.users}
    before |= {Address("group", key) for key in history.then.groups}
    said = spoken_of(history.now)
    for address in before - said:
        older = [
            n for n in names_of(history.then, address) if Address(address.kind, n) not in said - {address}
        ]
        check_left(history, plan, address, set(older), refused)
    for address in history.now.absent:
        check_absent(history, plan, address)


def check_left(history: History, plan: Plan, address: Address, names: set[str], refused: str) -> None:
    policy = history.policy
    members = history.now.members
    names -= members - {address.key}
    how = policy.effective(policy.left_users if address.kind == "user" else policy.left_groups)
    if not is_live(history.live, address.kind, names):
        event("left, and is not live")
        assert named(plan, address, "left", "not live")
    elif not history.now.users and not history.now.groups:
        assert named(plan, address, "left", "declare nothing at all")
    elif address.kind == "user" and address.key in members:
        event("left, and is still a member")
        assert named(plan, address, "left", "still name them")
        assert address not in {change.address for change in plan.changes}
    elif how == "keep":
        event("left, and is kept")
        assert named(plan, address, "left", "kept")
        assert address not in {change.address for change in plan.changes}
    else:
        event(f"left: {how}")
        assert is_ended(history, plan, address, names, how)
        assert not named(plan, address, "left")
        touched = any(c.address == address and (isinstance(c, Delete) or c.removal) for c in plan.changes)  # type: ignore[union-attr]
        if touched and address.kind == "user" and policy.protect.match(address):
            assert f"{address} is protected" in refused


def check_absent(history: History, plan: Plan, address: Address) -> None:
    names = set(names_of(history.now, address))
    how = history.policy.effective(history.policy.tombstone) if address.kind == "user" else "delete"
    if not is_live(history.live, address.kind, names):
        event("tombstone of nobody")
        assert named(plan, address, "tombstone")
    elif how == "keep":
        assert named(plan, address, "unmanaged")
    else:
        event(f"tombstone: {how}")
        assert is_ended(history, plan, address, names, how)


@pytest.mark.parametrize("way", ["never_listed", "left_users"])
@pytest.mark.parametrize("rows", ["", "alan@acme.com\n"])
def test_a_list_without_rows_ends_nobody_whatever_other_files_declare(way: str, rows: str) -> None:
    def together(people: str, guests: str) -> DesiredState:
        wanted = Wanted(columns_of({}, {"login": "email"}), "csv", Place("target.yaml", 1))
        documents = [
            parse(f"users: {{{people}}}\n".encode(), "staff.yaml"),
            read(wanted, (f"email\n{guests}".encode(), "guests.csv")),
        ]
        state, problems = build(documents)
        assert not [*problems, *(problem for each in documents for problem in each.problems)]
        return state

    before = together("ada@acme.com: {}, grace@acme.com: {}", "alan@acme.com\n")
    now = together("ada@acme.com: {}", rows)
    now = with_departed(now, before if way == "left_users" else None)
    there = live(*map(a_user, ("ada@acme.com", "alan@acme.com", "grace@acme.com")))
    policy = Policy(never_listed="delete") if way == "never_listed" else Policy(left_users="delete")
    plan = make_plan(now, there, policy, target="t", provider="omni", url="").plan
    assert [str(change.address) for change in plan.changes] == (["user/grace@acme.com"] if rows else [])
    (warned,) = [f"{note.place} {note.message}" for note in plan.notes if note.code == "list"] or [""]
    assert warned.startswith("" if rows else "guests.csv:1:1 this list has no rows, so nobody counts as left")

"""What of a reviewed plan still holds, by a fresh read and the plan that is made from it.

Each reviewed atom stands in one of four ways:

* *to do*: the fresh plan wants exactly it, from the same value of the same object;
* *done*: it is true already, so an interrupted apply resumes;
* *moved*: the live value is neither the reviewed one nor the wanted one. A group that is
  to be deleted has moved, too, where somebody has joined it: nobody reviewed that loss;
* *unwanted*: the live value is the reviewed one, but the files do not want the change any more.

An object that was to be created counts as unset. A field of it is to do as long as it is
unset, whoever has made the object by now: somebody else, or an apply that was interrupted.
But what is found under another name, by an attribute or an older name, is not what was to be created.

A name may come to mean another account. So what names a member, or somebody by a reference, has moved
where the live id behind that name is not the reviewed one.

Only fresh atoms that match a *to do* are executed. Nobody reviewed the rest of the fresh
plan, so it waits.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from reconciler.changes import Atom, Change, Create, Delete, atoms, naming, narrow
from reconciler.model import Address, Group, Live, User, Value, address_of, group_key
from reconciler.plan import Plan
from reconciler.planning.diff import Definitions, Facts, explain, holds
from reconciler.planning.plan import Planned
from reconciler.planning.unseen import is_unseen
from reconciler.values import TEXT

Standing = Literal["to do", "done", "moved", "unwanted"]


@dataclass(frozen=True, slots=True)
class Rechecked:
    """One reviewed atom, how it stands now, and for a stale one the reason in words."""

    atom: Atom
    standing: Standing
    reason: str = ""

    @property
    def stale(self) -> bool:
        """Whether it may not be executed although it was reviewed."""
        return self.standing in ("moved", "unwanted")


@dataclass(frozen=True, slots=True)
class Recheck:
    """How every reviewed atom stands, what to execute, and what to leave.

    ``rechecked`` is in the order of the saved plan; ``changes`` are to be executed.
    ``excluded`` was reviewed as drift or backlog that this plan does not apply.
    ``unreviewed`` is what the files want now and nobody was shown; where only a ``part`` was read, no
    more of it is known than that.
    """

    rechecked: tuple[Rechecked, ...]
    changes: tuple[Change, ...]
    excluded: tuple[Change, ...]
    unreviewed: tuple[Change, ...]
    part: bool = False

    @property
    def stale(self) -> tuple[Rechecked, ...]:
        """The reviewed atoms that no longer hold."""
        return tuple(item for item in self.rechecked if item.stale)


def recheck(saved: Plan, fresh: Planned) -> Recheck:
    """Compare what was reviewed and is to be applied with a fresh plan, and cut that down to it."""
    wanted = {(atom.address, atom.path): atom for change in fresh.plan.changes for atom in atoms(change)}
    now = _Now(fresh)
    deletes = {change.address: change for change in fresh.plan.changes if isinstance(change, Delete)}
    others = _Others(saved, fresh)
    rechecked = tuple(
        _without_new_losses(item, change, deletes, others)
        if isinstance(change, Delete)
        else _of_the_same(item, names, others)
        for change in saved.intended.changes
        for atom, names in naming(change)
        for item in (_recheck_atom(atom, wanted.get((atom.address, atom.path)), now),)
    )
    to_do = {wanted[item.atom.address, item.atom.path] for item in rechecked if item.standing == "to do"}
    rest = set(wanted.values()) - to_do
    left = {atom for change in saved.changes for atom in atoms(change)} - {item.atom for item in rechecked}
    excluded = rest & left
    part = fresh.everything.asked is not None
    return Recheck(
        rechecked,
        _select(fresh.plan.changes, to_do),
        # What this plan does not apply was not read in a part.
        _select(saved.changes, left) if part else _select(fresh.plan.changes, excluded),
        _select(fresh.plan.changes, rest - excluded),
        part,
    )


class _Now:
    """What is live now, with each object looked at once."""

    def __init__(self, fresh: Planned) -> None:
        self.ids = fresh.ids
        self.live_ids = frozenset(self.ids.values())
        self.definitions = fresh.definitions
        self.facts = cache(fresh.facts)


class _Others:
    """Tells who is not, or not any more, whom the reviewed plan meant by a name."""

    def __init__(self, saved: Plan, fresh: Planned) -> None:
        self._meant, self._called = saved.meant, saved.called
        self._created = frozenset(each.address for each in saved.changes if isinstance(each, Create))
        self._known = fresh.known
        self._live: Mapping[Address, Live[User] | Live[Group]] = {
            **fresh.pairing.users,
            **fresh.pairing.groups,
        }

    def why(self, name: Address) -> str:
        """Why it is not who was meant, in words; empty where it is."""
        meant, now = self._meant.get(str(name)), self._known.get(name)
        if meant is None and name in self._created:
            called = address_of(self._live[name].resource) if name in self._live else name
            return f"{name} was to be created, and now is the live {called}" if called != name else ""
        if meant == now:
            return self._login(name)
        if now is None:
            return f"{name} is not there any more"
        return f"{name} is not who it was at the review: it is another one now, with the id {now}"

    def _login(self, name: Address) -> str:
        if name.kind == "group" or name not in self._live:
            return ""
        login = address_of(self._live[name].resource).key
        known = login in (name.key, self._called.get(str(name)))
        return "" if known else f"{name} has the live login {login} now, which was not shown at the review"


def _of_the_same(item: Rechecked, names: Sequence[Address], others: _Others) -> Rechecked:
    """The same, but moved where it would now be about somebody else than at the review."""
    if item.standing != "to do":
        return item
    created = (item.atom.address,) if item.atom.id is None else ()
    why = next(filter(None, map(others.why, (*created, *names))), "")
    return Rechecked(item.atom, "moved", why) if why else item


def _without_new_losses(
    item: Rechecked, reviewed: Delete, deletes: Mapping[Address, Delete], others: _Others
) -> Rechecked:
    """The same, but moved where a group is to be deleted that somebody has joined since the review."""
    if item.standing != "to do" or reviewed.address.kind == "user":
        return item
    fresh = deletes[reviewed.address]
    if group_key(fresh.label) != group_key(reviewed.label):
        return Rechecked(item.atom, "moved", f"it is called {fresh.label} now, and was {reviewed.label}")
    known = frozenset(reviewed.ends)
    joined = [key for key in sorted(fresh.ends) if key not in known or others.why(Address("user", key))]
    if not joined:
        return item
    more = f" and {len(joined) - 1} more" if len(joined) > 1 else ""
    return Rechecked(item.atom, "moved", f"{joined[0]}{more} joined it since the review, and would lose it")


def _select(changes: Sequence[Change], wanted: set[Atom]) -> tuple[Change, ...]:
    return tuple(part for change in changes if (part := narrow(change, wanted)))


def _recheck_atom(  # noqa: PLR0911 (one for each case)
    atom: Atom, wanted: Atom | None, now: _Now
) -> Rechecked:
    """How an atom stands; ``wanted`` is the fresh plan's atom for the same field."""
    live_id = now.ids.get(atom.address)
    same_object = atom.id is None or atom.id == live_id
    if not same_object and atom.id in now.live_ids:
        return Rechecked(atom, "moved", "it has another name now")
    if live_id is not None and not same_object:
        if atom.path == ():
            return Rechecked(atom, "done")
        return Rechecked(atom, "moved", "it was removed, and made again under another id")
    facts = now.facts(atom.address)
    if (
        wanted
        and (wanted.before, wanted.after) == (atom.before, atom.after)
        and (wanted.id or "") == (atom.id or live_id or "")
    ):
        return Rechecked(atom, "to do")
    if wanted and _is_file(atom, now.definitions) and wanted.after != atom.after:
        return Rechecked(atom, "moved", "the files name another file now, or something else is in it")
    if facts is not None and is_unseen(atom.path, now.definitions):
        return _unseen(atom, facts, now.definitions)
    return _not_wanted(atom, facts, now.definitions)


def _not_wanted(atom: Atom, facts: Facts | None, definitions: Definitions) -> Rechecked:
    """How an atom stands that the fresh plan does not want."""
    if facts is not None and atom.path[:1] == ("attributes",) and atom.path not in facts:
        return Rechecked(atom, "unwanted", "the files do not manage it any more")
    if holds(atom, facts, definitions):
        return Rechecked(atom, "done")
    if facts is None:
        if atom.id is None:
            return Rechecked(atom, "unwanted", "the files do not create it any more")
        return Rechecked(atom, "moved", "it is not there any more")
    if atom.path == () or facts.get(atom.path) == atom.before:
        return Rechecked(atom, "unwanted", "the files do not want it any more")
    return Rechecked(atom, "moved", _since(atom.before, facts.get(atom.path)))


def _is_file(atom: Atom, definitions: Definitions) -> bool:
    return atom.path[:1] == ("attributes",) and definitions.get(atom.path[1], TEXT).type == "file"


def _unseen(atom: Atom, sent: Facts, definitions: Definitions) -> Rechecked:
    """How an atom stands that no answer shows, and that the fresh plan does not want.

    What takes a value on creation only is done for somebody who is live, whatever they got.
    """
    if definitions[atom.path[1]].written == "on creation" or holds(atom, sent, definitions):
        return Rechecked(atom, "done")
    return Rechecked(atom, "unwanted", "the files do not want it any more")


def _since(reviewed: Value, now: Value) -> str:
    """What became of a value since its review, in words."""
    if isinstance(reviewed, tuple) and isinstance(now, tuple):
        joins, leaves = explain(reviewed, now)
        parts = ([f"gained {joins}"] if joins else []) + ([f"lost {leaves}"] if leaves else [])
        return f"since the review it has {' and '.join(parts)}"
    return f"live is now {_shown(now)}, and was {_shown(reviewed)} at the review"


def _shown(value: Value) -> str:
    return "unset" if value is None else json.dumps(value, ensure_ascii=False)

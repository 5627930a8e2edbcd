"""What of a reviewed plan may still be done, judged against a fresh read.

Each reviewed atom is one of four things:

* *to do*: the fresh plan wants exactly it, from the same value of the same object;
* *done*: it is already true (so an interrupted apply resumes);
* *moved*: live is something else than both what was reviewed and what was wanted
  (so is a group that is to go and has gained a member: nobody reviewed that this person loses it);
* *unwanted*: live is as it was reviewed, but the files do not want the change any more.

What was to be created counts as unset: a field of it is to do where it is still
unset, whether or not somebody, or an earlier half-done apply, made the object.
Only fresh atoms that match a *to do* are executed; the rest of the fresh plan
was not reviewed, and waits.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reconciler.changes import Atom, Change, Delete, atoms, narrow
from reconciler.model import Address, Value
from reconciler.plan import Plan
from reconciler.planning.diff import explain, holds
from reconciler.planning.plan import Planned

Verdict = Literal["to do", "done", "moved", "unwanted"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One reviewed atom, what it is now, and for a stale one why, in words."""

    atom: Atom
    verdict: Verdict
    reason: str = ""

    @property
    def stale(self) -> bool:
        """Whether it may not be executed although it was reviewed."""
        return self.verdict in ("moved", "unwanted")


@dataclass(frozen=True, slots=True)
class Review:
    """The verdicts in the order of the saved plan, what to execute, and what nobody reviewed.

    ``left`` is what was reviewed as drift or backlog and is not to be applied with this plan.
    """

    judged: tuple[Judged, ...]
    changes: tuple[Change, ...]
    left: tuple[Change, ...]
    unreviewed: tuple[Change, ...]

    @property
    def stale(self) -> tuple[Judged, ...]:
        """The reviewed atoms that no longer hold."""
        return tuple(item for item in self.judged if item.stale)


def review(saved: Plan, fresh: Planned) -> Review:
    """Judge what was reviewed and is to be applied, and cut the fresh plan down to what of it is to do."""
    wanted = {(atom.address, atom.path): atom for change in fresh.plan.changes for atom in atoms(change)}
    judge = _Judge(fresh, frozenset(fresh.ids.values()))
    deleted = {change.address: change for change in fresh.plan.changes if isinstance(change, Delete)}
    judged = tuple(
        _judge_gains(judge.verdict(atom, wanted.get((atom.address, atom.path))), change, deleted)
        for change in saved.intended.changes
        for atom in atoms(change)
    )
    to_do = {wanted[item.atom.address, item.atom.path] for item in judged if item.verdict == "to do"}
    rest = set(wanted.values()) - to_do
    others = {a for change in saved.changes for a in atoms(change)} - {item.atom for item in judged}
    left = rest & others
    return Review(
        judged,
        _select(fresh.plan.changes, to_do),
        _select(fresh.plan.changes, left),
        _select(fresh.plan.changes, rest - left),
    )


def _judge_gains(item: Judged, reviewed: Change, deleted: Mapping[Address, Delete]) -> Judged:
    if item.verdict != "to do" or not isinstance(reviewed, Delete) or reviewed.address.kind == "user":
        return item
    gained = sorted(set(deleted[reviewed.address].ends) - set(reviewed.ends))
    others = f" and {len(gained) - 1} more" if len(gained) > 1 else ""
    reason = f"{gained[0]}{others} joined it since the review, and would lose it" if gained else ""
    return Judged(item.atom, "moved", reason) if gained else item


def _select(changes: Sequence[Change], wanted: set[Atom]) -> tuple[Change, ...]:
    return tuple(part for change in changes if (part := narrow(change, wanted)))


@dataclass(frozen=True, slots=True)
class _Judge:
    fresh: Planned
    live_ids: frozenset[str]

    def verdict(self, atom: Atom, wanted: Atom | None) -> Judged:  # noqa: PLR0911 (one for each case)
        live_id = self.fresh.ids.get(atom.address)
        same_object = atom.id is None or atom.id == live_id
        if not same_object and atom.id in self.live_ids:
            return Judged(atom, "moved", "it has another name now")
        if live_id is not None and not same_object:
            if atom.path == ():
                return Judged(atom, "done")
            return Judged(atom, "moved", "it was removed, and made again under another id")
        facts = self.fresh.facts(atom.address)
        if (
            wanted
            and (wanted.before, wanted.after) == (atom.before, atom.after)
            and (wanted.id or "") == (atom.id or live_id or "")
        ):
            return Judged(atom, "to do")
        if facts is not None and atom.path[:1] == ("attributes",) and atom.path not in facts:
            return Judged(atom, "unwanted", "the files do not manage it any more")
        if holds(atom, facts, self.fresh.definitions):
            return Judged(atom, "done")
        if facts is None:
            if atom.id is None:
                return Judged(atom, "unwanted", "the files do not create it any more")
            return Judged(atom, "moved", "it is not there any more")
        if atom.path == () or facts.get(atom.path) == atom.before:
            return Judged(atom, "unwanted", "the files do not want it any more")
        return Judged(atom, "moved", _since(atom.before, facts.get(atom.path)))


def _since(reviewed: Value, now: Value) -> str:
    """What became of a value since its review, in words."""
    if isinstance(reviewed, tuple) and isinstance(now, tuple):
        joins, leaves = explain(reviewed, now)
        parts = ([f"gained {joins}"] if joins else []) + ([f"lost {leaves}"] if leaves else [])
        return f"since the review it has {' and '.join(parts)}"
    return f"live is now {_shown(now)}, and was {_shown(reviewed)} at the review"


def _shown(value: Value) -> str:
    return "unset" if value is None else json.dumps(value, ensure_ascii=False)

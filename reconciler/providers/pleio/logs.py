"""What an apply did, for the site's own log: plain words for somebody who does not know git.

One record holds several lines, since each record is a request; all of one run have one uuid. Values
are left out: who administers a site can see its people, and a log is kept longer than they are. So who is
deleted is named by their id, and the reason of a failure, which may name others, is in the report alone.
"""

from collections.abc import Iterator, Sequence
from uuid import NAMESPACE_URL, uuid5

from reconciler.changes import Change, Create, Delete, Update, atoms
from reconciler.model import ACTIVE
from reconciler.operations import Operation, Outcome
from reconciler.report import Report

_LINES = 50
"""Lines in one record."""
_LONGEST = 300


def records(report: Report) -> Sequence[Operation]:
    """The requests that tell the site's log of one run."""
    lines = [_summary(report), *_lines(report)]
    run = str(uuid5(NAMESPACE_URL, report.run))
    pieces = ["\n".join(lines[at : at + _LINES]) for at in range(0, len(lines), _LINES)]
    return [
        Operation((), "POST", ("logs",), {"uuid": run, "content": piece}, "write the site's log")
        for piece in pieces
    ]


def _summary(report: Report) -> str:
    counts = ", ".join(
        f"{number} {word}" for word, number in report.counts.items() if number and word != "unchanged"
    )
    ended = " It ended early." if report.stopped else ""
    return f"People of this site were brought in step with their list: {counts or 'nothing done'}.{ended}"[
        :_LONGEST
    ]


def _lines(report: Report) -> Iterator[str]:
    became = {outcome.atom: outcome for outcome in report.outcomes}
    for change in report.changes:
        outcomes = [became[atom] for atom in atoms(change) if atom in became]
        done = [outcome for outcome in outcomes if outcome.status in ("done", "adopted")]
        who = f"somebody ({change.id})" if isinstance(change, Delete) else change.label
        if done:
            yield f"{who}: {_did(change, done)}"
        for status in dict.fromkeys(outcome.status for outcome in outcomes if outcome not in done):
            parts = ", ".join(_part(outcome) for outcome in outcomes if outcome.status == status)
            yield f"{who}: not done ({parts}): {status}"[:_LONGEST]


def _did(change: Change, done: Sequence[Outcome]) -> str:
    match change:
        case Create():
            return "added to the site"
        case Delete():
            return "deleted, and anonymous from now on"
        case Update():
            words = [_part(outcome) for outcome in done if outcome.atom.path != ACTIVE]
            banned = ["let in again" if o.atom.after else "banned" for o in done if o.atom.path == ACTIVE]
            return ", ".join([*banned, *([f"changed ({', '.join(words)})"] if words else [])])


def _part(outcome: Outcome) -> str:
    path = outcome.atom.path
    return path[-1].removeprefix("profile.") if path else "the account"

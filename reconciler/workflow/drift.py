"""Drift: what differs between the merged files and the live state, and since when the files say so."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.changes import fields_of
from reconciler.desired import files
from reconciler.desired.content import shown
from reconciler.desired.history import blame, head
from reconciler.errors import Invalid, Place
from reconciler.git import Revision
from reconciler.plan import Note, Plan
from reconciler.planning.expected import Expectation, without_expected
from reconciler.planning.selection import CHANGED
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.workflow.options import Options
from reconciler.workflow.plans import plan as make

_MOST_NAMED = 5
"""Objects that a note about one revision names; beyond that they are counted."""


def drift(
    target: Target,
    session: Session,
    expectations: Sequence[Expectation],
    today: str,
    options: Options = Options(),  # noqa: B008 (frozen)
) -> Plan:
    """A plan that applies nothing: every difference that is not expected, with its origin.

    ``today`` is a day such as 2026-12-31, ``options`` say what to look at. It raises as a plan does.
    """
    if CHANGED in options.only:
        message = "drift is about the files as they are merged, and not about what they changed"
        raise ValueError(message)
    base = head(target.folder)
    found = make(target, session, replace(options, base=base))
    plan = _without_unseen(found.plan)
    plan = without_expected(replace(plan, included=()), expectations, today, found.left_out)
    notes = _since_when(target, plan) if base else [Note("base", _NO_COMMIT)]
    return replace(plan, notes=(*plan.notes, *notes))


def _without_unseen(plan: Plan) -> Plan:
    """The plan without what no answer shows: whether somebody changed that is not known."""
    unseen = {(c.address, f.path) for c in plan.changes for f in fields_of(c) if f.unseen}
    plan = replace(plan, notes=tuple(note for note in plan.notes if note.code != "unseen"))
    return plan.part(plan.cut(lambda a: (a.address, a.path) not in unseen)) if unseen else plan


_NO_COMMIT = "no commit here holds these files, so drift cannot be told from backlog"


def load_expectations(path: Path) -> list[Expectation]:
    """Read a file of expected drift; raises Invalid with every problem."""
    document = files.read_document(path, shown(path), "expected-drift")
    if document.problems:
        raise Invalid(document.problems)
    return [
        Expectation(
            item["object"],
            item.get("field", ""),
            item["until"],
            item["reason"],
            document.source.nearest(("expected", number)),
        )
        for number, item in enumerate(document.data["expected"])
    ]


def _since_when(target: Target, plan: Plan) -> list[Note]:
    """A note for each revision that wrote what differs now: its day, and the objects."""
    by_revision: dict[Revision, list[str]] = defaultdict(list)
    lines = blame(target.folder, {Path(change.place.file) for change in plan.changes})
    for change in plan.changes:
        if revision := _revision(lines, change.place):
            by_revision[revision].append(f"{change.address.kind}/{change.label}")
    notes = []
    for revision, names in sorted(by_revision.items(), key=lambda item: item[0].day):
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        message = f"in the files since {revision}: {', '.join(names[:_MOST_NAMED])}{more}"
        notes.append(Note("since", message))
    return notes


def _revision(lines: Mapping[Path, Mapping[int, Revision]], place: Place) -> Revision | None:
    return lines.get(Path(place.file), {}).get(place.line)

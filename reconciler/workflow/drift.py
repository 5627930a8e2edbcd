"""Drift: what differs between the merged files and the live state, and since when the files say so."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.changes import fields_of
from reconciler.desired import files
from reconciler.desired.content import shown
from reconciler.desired.history import head
from reconciler.errors import Invalid, Place
from reconciler.plan import Note, Plan
from reconciler.planning.expected import Expectation, without_expected
from reconciler.planning.selection import CHANGED
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.workflow.options import Options
from reconciler.workflow.plans import plan as make
from reconciler.workflow.since import since_when


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
    notes = since_when(target.folder, _places(plan), "in the files") if base else [Note("base", _NO_COMMIT)]
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


def _places(plan: Plan) -> dict[str, Place]:
    """Where the files say what differs, by object."""
    return {f"{change.address.kind}/{change.label}": change.place for change in plan.changes}

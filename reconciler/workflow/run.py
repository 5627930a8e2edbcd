"""Execute a proposal that was approved, one at a time for each system, and record what was applied."""

import getpass
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from socket import gethostname

from reconciler.changes import Create, atoms
from reconciler.desired.history import record_applied
from reconciler.execute.execution import Execution, Progress
from reconciler.journal import Journal, make_folder
from reconciler.lock import held, place
from reconciler.planning.headcount import Headcount
from reconciler.report import Mandate, Report
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.workflow.proposal import Proposal


@contextmanager
def locked(target: Target) -> Iterator[None]:
    """Hold the target's system for one apply; raises Locked where another one runs on this machine.

    Raises JournalFailed where the folder of the journals cannot be made: nothing is read or sent then.
    """
    make_folder(target.journal)
    where = str(target.sandbox[1].resolve()) if target.sandbox else target.url
    with held(place(target.kind, where), target.name):
        yield


def apply(
    target: Target,
    session: Session,
    proposal: Proposal,
    mandate: Mandate,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Report:
    """Execute a proposal that was approved, on whose word the mandate says; what goes wrong is in the report.

    With nothing to do there is no journal. Raises JournalFailed where it cannot
    even be opened: nothing was sent then.
    """
    started = time.monotonic()
    run = f"{_file_name(target)}-{_now():%Y%m%dT%H%M%S.%fZ}"
    census = proposal.fresh.plan.census
    touched = sum(not isinstance(change, Create) for change in proposal.changes)
    report = Report(
        target=target.name,
        run=run,
        journal="",
        changes=proposal.changes,
        outcomes=(),
        unchanged=max(0, census.users + census.groups - touched),
        requests=0,
        seconds=0.0,
        mandate=mandate,
    )
    if not proposal.changes:
        return report
    with Journal(target.journal, run, _now) as journal:
        journal.write("mandate", about=asdict(mandate))
        execution = Execution(
            provider=target.provider,
            transport=session.transport,
            journal=journal,
            ids=dict(proposal.fresh.ids),
            definitions=proposal.fresh.definitions,
            stop=session.stop.is_set,
            wait=session.wait,
            on_progress=on_progress,
            headcount=Headcount.of(proposal.plan, proposal.fresh, target.policy),
        )
        stopped = execution.run(proposal.changes)
    return replace(
        report,
        journal=str(journal.path),
        outcomes=tuple(execution.outcomes.values()),
        ids=execution.ids,
        requests=execution.requests,
        seconds=time.monotonic() - started,
        stopped=stopped,
        interrupted=session.stop.is_set(),
    )


def record(target: Target, proposal: Proposal, report: Report) -> str:
    """Note HEAD as applied where nothing is left to do, and the files are as committed; else why it is not.

    Drift that was left alone on purpose is nothing to do: it was applied once.
    """
    if not report.complete:
        return "not everything was done"
    if found := proposal.review:
        origins = proposal.plan.origins
        left = (origins[atom.address, atom.path] for change in found.left for atom in atoms(change))
        if found.stale:
            return "some of what was reviewed holds no more, and was left out"
        if found.unreviewed:
            return "the files want more by now than was reviewed"
        if any(origin != "drift" for origin in left):
            return "backlog was left alone"
    return record_applied(target.folder, target.name)


def ran_by() -> str:
    """Who runs this process, and on which machine."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        # A container may know no name for its user.
        user = f"user {os.getuid()}"
    return f"{user}@{gethostname()}"


def _now() -> datetime:
    return datetime.now(UTC)


def _file_name(target: Target) -> str:
    return target.name.replace("/", "-")

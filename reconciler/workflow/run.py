"""Execute a proposal that was approved, one at a time for each system, and record what was applied."""

import getpass
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from socket import gethostname

from reconciler.changes import Create, atoms, fields_of
from reconciler.desired.attached import content_of, values_of
from reconciler.desired.history import record_applied
from reconciler.execute.execution import Execution, Progress
from reconciler.execute.headcount import Headcount
from reconciler.journal import Journal, make_folder
from reconciler.lock import held, lock_file
from reconciler.model import Address
from reconciler.planning.leavers import spared
from reconciler.planning.plan import Planned
from reconciler.planning.recheck import Recheck
from reconciler.planning.selection import CHANGED
from reconciler.providers.base import informed
from reconciler.report import Mandate, Report
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.workflow.logged import journals_begin, place_of
from reconciler.workflow.proposal import Proposal
from reconciler.workflow.system_log import tell_its_log


@contextmanager
def locked(target: Target) -> Iterator[None]:
    """Hold the lock of the target's system; raises Locked where another apply runs on this machine.

    Raises JournalFailed where the folder of the journals cannot be made; nothing is read or sent then.
    """
    make_folder(target.journal)
    with held(lock_file(target.kind, place_of(target)), target.name):
        yield


def apply(
    target: Target,
    session: Session,
    proposal: Proposal,
    mandate: Mandate,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Report:
    """Execute an approved proposal; what goes wrong is in the report.

    ``mandate`` says who asked for it and who approved it. With nothing to do there
    is no journal. Raises GuardRefused for a plan with violations, and JournalFailed where
    the journal cannot be opened; nothing was sent then.
    """
    proposal.check()
    started = time.monotonic()
    run = f"{journals_begin(target.name)}-{_now():%Y%m%dT%H%M%S.%fZ}"
    report = _nothing_sent(target, proposal, mandate, run)
    if not proposal.changes:
        return report
    with Journal(target.journal, run, _now) as journal:
        journal.write("mandate", about=asdict(mandate))
        journal.write("target", about={"where": place_of(target), "applied": proposal.fresh.plan.applied})
        execution = _execution(target, session, proposal, journal, on_progress)
        stopped = execution.run(proposal.changes)
        report = replace(
            report,
            journal=str(journal.path),
            outcomes=tuple(execution.outcomes.values()),
            ids=execution.ids,
            requests=execution.requests,
            stopped=stopped,
            interrupted=session.stop.is_set(),
        )
        unlogged = tell_its_log(target.provider, session.transport, report, journal)
    return replace(report, unlogged=unlogged, seconds=time.monotonic() - started)


def _nothing_sent(target: Target, proposal: Proposal, mandate: Mandate, run: str) -> Report:
    """The report before anything is sent; of what was not read the reviewed plan tells how much there is."""
    census = (proposal if proposal.is_part else proposal.fresh).plan.census
    touched = sum(not isinstance(change, Create) for change in proposal.changes)
    return Report(
        target=target.name,
        run=run,
        journal="",
        changes=proposal.changes,
        outcomes=(),
        unchanged=max(0, census.users + census.groups - touched),
        requests=0,
        seconds=0.0,
        left_out_rows=proposal.fresh.plan.left_out_rows,
        mandate=mandate,
    )


def _execution(
    target: Target,
    session: Session,
    proposal: Proposal,
    journal: Journal,
    on_progress: Callable[[Progress], None],
) -> Execution:
    return Execution(
        provider=informed(target.provider, proposal.fresh.everything, proposal.fresh.desired),
        transport=session.transport,
        journal=journal,
        content=partial(content_of, target.folder),
        ids=_ids(proposal),
        definitions=proposal.fresh.definitions,
        stop=session.stop.is_set,
        wait=session.wait,
        on_progress=on_progress,
        headcount=Headcount.of(proposal.plan, proposal.fresh, target.policy),
        under_way=proposal.fresh.everything.under_way,
        versions=_versions(proposal),
        closed=proposal.fresh.everything.closed,
        part=proposal.is_part,
    )


def _versions(proposal: Proposal) -> dict[Address, str]:
    """The versions of what is live, by address."""
    versions = proposal.fresh.everything.versions
    ids = proposal.fresh.ids if versions else {}
    return {address: versions[live_id] for address, live_id in ids.items() if live_id in versions}


def _ids(proposal: Proposal) -> dict[Address, str]:
    """The live ids that are known, and those of the ignored whom a new value refers to."""
    known, fields = proposal.fresh.ids, map(fields_of, proposal.changes)
    others = {name for each in fields for item in each for name in item.names} - known.keys()
    ignored = proposal.fresh.ignored if others else {}
    return known | {name: ignored[name] for name in others & ignored.keys()}


def record(target: Target, proposal: Proposal, report: Report) -> str:
    """Record the commit that was read as applied; returns why it is not recorded, or "".

    It is recorded where nothing remains to be done and the files are as committed.
    Drift that was left alone on purpose does not remain: its change was applied once.
    """
    if target.asked:
        return "this is a one-off run"
    if proposal.loaded is None:
        return "the desired state was made in code"
    if reason := _incomplete(target, proposal, report):
        return reason
    fresh = proposal.fresh
    attached = values_of(fresh.desired.files, fresh.definitions)
    return record_applied(target.folder, target.name, proposal.loaded, target.reach, attached)


def _incomplete(target: Target, proposal: Proposal, report: Report) -> str:
    """Why more remains than what was done, or ""."""
    plan, fresh = proposal.plan, proposal.fresh
    reasons = {
        "not everything was done": not report.complete,
        "rows of a list were left out": report.left_out_rows,
        f"it was about {' and '.join(plan.scope)} alone": bool(plan.scope),
        "it was about some people and groups alone": plan.only not in ((), (CHANGED,)),
        fresh.uncovered: bool(fresh.uncovered),
        "what no answer shows waits for an inactive person, whom it would let in": fresh.unsent,
        "some of what the files changed waits for other people or groups": bool(fresh.waiting),
    }
    found = next((why for why, holds in reasons.items() if holds), "") or _spared(target, fresh)
    return found or (_left(proposal, proposal.recheck) if proposal.recheck else "")


def _spared(target: Target, fresh: Planned) -> str:
    """Who left the files and is kept for now, or "": a record would forget that they are to go."""
    files = fresh.desired.files
    found = spared(fresh.desired, fresh.pairing, target.policy, fresh.everything.asked)
    if not found:
        return ""
    declared = files.users or files.groups
    why = "groups still name them as members" if declared else "the files declare nothing at all"
    return f"left the files, and not gone since {why}: {', '.join(map(str, found))}"


def _left(proposal: Proposal, recheck: Recheck) -> str:
    """What an apply of a reviewed plan leaves to the next one, or ""."""
    plan = proposal.plan
    origins = {plan.origins[atom.address, atom.path] for c in recheck.excluded for atom in atoms(c)}
    if recheck.stale:
        return "some of the reviewed changes no longer hold, and were left out"
    if recheck.unreviewed:
        return "the files now ask for more than was reviewed"
    if proposal.is_part and not proposal.same_files:
        # A plan of everything has all that the same files ask for; of other files a part does not tell.
        return "the files now say something else than was reviewed, and only what the plan is about was read"
    return "backlog was not applied" if origins - {"drift"} else ""


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

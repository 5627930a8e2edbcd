"""Validate, plan and apply as plain functions: the library's face.

Each takes a ``Target`` (see ``settings``) and hands back a value; printing,
asking and exit codes are the caller's.
"""

import getpass
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from socket import gethostname

from reconciler.changes import Change, Create, Origin, Plan, PullRequest, atoms
from reconciler.compare import compared
from reconciler.desired.files import without_collector
from reconciler.desired.history import commit_of, record_applied
from reconciler.errors import Invalid, Place, Problem
from reconciler.execute import Execution, Progress
from reconciler.journal import Journal, make_folder
from reconciler.lock import held, place
from reconciler.model import DesiredState
from reconciler.operations import stages
from reconciler.planning.guard import check, check_now
from reconciler.planning.headcount import Headcount
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.review import Review, review
from reconciler.planning.scope import Policy
from reconciler.report import Mandate, Report
from reconciler.settings import Session, Target


def validate(target: Target) -> DesiredState:
    """Read and check the files of one target, without network or key; raises Invalid with every problem."""
    return target.load()


@without_collector()
def plan(
    target: Target,
    session: Session,
    since: str | None = None,
    base: str | None = None,
    include: Iterable[Origin] = (),
    pull: PullRequest | None = None,
    *,
    saved: Plan | None = None,
) -> Planned:
    """Compare the files with a complete read of the live state; nothing here can write.

    With a ``base`` revision each atom has its origin, and those in ``include`` are
    to be applied with this change; ``pull`` is the pull request that it is for. For a ``saved``
    plan what left the files is counted from where it was counted then, wherever the record is now.
    Raises Invalid for the files, and whatever a read raises.
    """
    option = "--since"
    if saved is not None:
        since, option = _since(target, saved, since), "the plan counts what left the files from"
    states = compared(target, since, base, option)
    live = target.provider.read(session.reader, states.need)
    problems = target.provider.audit(states.desired, live)

    def planned(desired: DesiredState, policy: Policy) -> Planned:
        return make_plan(
            desired,
            live,
            policy,
            target=target.name,
            provider=target.kind,
            url=target.url,
            sandbox=target.sandbox is not None,
            requests_per_minute=target.requests_per_minute,
            created_at=_now().isoformat(timespec="seconds"),
        )

    try:
        made = planned(states.desired, target.policy)
    except Invalid as error:
        raise Invalid([*problems, *error.problems]) from None
    if problems:
        raise Invalid(problems)
    explained = states.explained(made.plan, lambda *older: planned(*older).plan)
    explained = replace(explained, included=("change", *dict.fromkeys(include)), pull=pull)
    parts = stages(explained.intended.changes)
    requests = sum(len(target.provider.translate(part)) for part in parts)
    return replace(made, plan=replace(explained, requests=requests))


def _since(target: Target, saved: Plan, since: str | None) -> str:
    """The commit that a saved plan counts from; raises Invalid where another one was asked for."""
    if since is not None and (asked := commit_of(target.folder, since, "--since")) != saved.since:
        counted = f"from {saved.since[:8]}" if saved.since else "from nowhere"
        message = f"the saved plan counts what left the files {counted}, and not from {asked[:8]}"
        raise Invalid([Problem(Place(f"--since {since}"), message, "leave it out: the plan knows it")])
    return saved.since


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an apply is about to do: the plan that was judged, and what of it is to be executed.

    ``review`` is there for a saved plan. The guards judged the whole plan, and left their verdict in it.
    """

    plan: Plan
    fresh: Planned
    changes: tuple[Change, ...]
    review: Review | None = None


def propose(
    target: Target,
    session: Session,
    *,
    saved: Plan | None = None,
    allow_removals: int | None = None,
    allow_creations: int | None = None,
    since: str | None = None,
) -> Proposal:
    """Read and plan again, and judge the saved plan, or else the fresh one, by the guards."""
    if saved and saved.sandbox != (target.sandbox is not None):
        against, verb = ("against", "is not") if saved.sandbox else ("outside of", "is")
        message = f"the plan was made {against} the embedded pretend system, and this target {verb} that"
        raise Invalid([Problem(target.place, message, "plan again")])
    fresh = plan(target, session, since, saved=saved)
    judged = judge(saved or fresh.plan, target, allow_removals, allow_creations)
    if saved is None:
        return Proposal(judged, fresh, fresh.plan.changes)
    reviewed = review(saved, fresh)
    # What has no override is judged by what is live now, too: a saved number is only what it was.
    now = check_now(fresh.plan.part(reviewed.changes), saved, target.policy)
    judged = replace(judged, violations=tuple(dict.fromkeys((*judged.violations, *now))))
    return Proposal(judged, fresh, reviewed.changes, reviewed)


def judge(
    plan: Plan, target: Target, allow_removals: int | None = None, allow_creations: int | None = None
) -> Plan:
    """The plan with what the target's guards say about the part that is to be applied."""
    found = check(plan, target.policy, allow_removals=allow_removals, allow_creations=allow_creations)
    return replace(plan, violations=found)


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

"""From a target's files to a plan: validate, and compare with the live state."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.changes import Origin
from reconciler.desired.files import without_collector
from reconciler.desired.history import commit_of
from reconciler.errors import Invalid, Place, Problem
from reconciler.model import DesiredState
from reconciler.operations import stages
from reconciler.plan import Plan, PullRequest
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.scope import Policy
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.workflow.revisions import compared


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
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
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

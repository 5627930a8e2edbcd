"""From a target's files to a plan: validate, and compare with the live state."""

from reconciler.desired.files import without_collector
from reconciler.desired.older import commit_of
from reconciler.errors import Invalid, Place, Problem
from reconciler.model import DesiredState
from reconciler.plan import Plan
from reconciler.planning.plan import Planned
from reconciler.planning.selection import CHANGED
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.workflow.compare import planned
from reconciler.workflow.options import Options
from reconciler.workflow.reading import read_only
from reconciler.workflow.revisions import (
    Revisions,
    made_in_code,
    read_revisions,
    with_counted,
)


def validate(target: Target, desired: DesiredState | None = None) -> DesiredState:
    """Check the files of one target, or a ``desired`` state in their place; raises Invalid with all problems.

    It needs neither network nor key.
    """
    return target.load() if desired is None else made_in_code(target, desired).desired


@without_collector()
def plan(
    target: Target,
    session: Session,
    options: Options = Options(),  # noqa: B008 (frozen)
    *,
    saved: Plan | None = None,
    desired: DesiredState | None = None,
) -> Planned:
    """Compare the files with the live state; nothing here can write.

    What a plan with ``only`` is about is read, where the system can be asked so, and else everything.

    For a ``saved`` plan what left the files is counted from where it was counted then, wherever the record
    is now. A ``desired`` state stands in place of the files, which are not read then: it has no revisions,
    so ``since`` and ``base`` raise ValueError.
    Raises Invalid for the files, and whatever a read raises.
    """
    states = states_of(target, options, saved, desired)
    if saved is None and (part := read_only(states, session, options)) is not None:
        return part
    return planned(states, target.provider.read(session.reader, states.need), options, saved)


def states_of(
    target: Target, options: Options, saved: Plan | None, desired: DesiredState | None
) -> Revisions:
    """What the files say and said, or the state that stands in their place."""
    since, base = options.since, options.base
    if desired is not None:
        if since is not None or base is not None or CHANGED in options.only:
            message = "a desired state made in code has no revisions: leave out since, base and `changed`"
            raise ValueError(message)
        return made_in_code(target, desired)
    option = "--since"
    if saved is not None:
        since, option = _since(target, saved, since), "the plan counts what left the files from"
    states = read_revisions(target, since, base, option)
    return with_counted(states, saved) if CHANGED in (saved or options).only else states


def _since(target: Target, saved: Plan, since: str | None) -> str:
    """The commit that a saved plan counts from; raises Invalid where another one was asked for."""
    if since is not None and (asked := commit_of(target.folder, since, "--since")) != saved.since:
        counted = f"from {saved.since[:8]}" if saved.since else "from nowhere"
        message = f"the saved plan counts what left the files {counted}, and not from {asked[:8]}"
        raise Invalid([Problem(Place(f"--since {since}"), message, "leave it out: the plan knows it")])
    return saved.since

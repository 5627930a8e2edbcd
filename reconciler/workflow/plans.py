"""From a target's files to a plan: validate, and compare with the live state."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reconciler.changes import Origin
from reconciler.desired.files import without_collector
from reconciler.desired.history import commit_of
from reconciler.errors import IncompleteRead, Invalid, Place, Problem
from reconciler.model import DesiredState, LiveState
from reconciler.operations import stages
from reconciler.plan import Plan, PullRequest
from reconciler.planning.inputs import undefined
from reconciler.planning.lists import following
from reconciler.planning.origin import origins
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.references import nobody
from reconciler.planning.scope import Policy
from reconciler.planning.writable import unwritable
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.workflow.revisions import Revisions, read_revisions


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
    states = read_revisions(target, since, base, option)
    live = target.provider.read(session.reader, states.need)
    states = replace(states, desired=following(states.desired, live))
    revision = states.applied.revision
    # The apply of what was reviewed does not stop at what holds after the merge alone.
    pending = target.own_policy if saved is None else None
    head = _head(
        states,
        live,
        pending,
        since=states.since,
        applied=revision.commit if revision else "",
        base=states.base,
        included=("change", *dict.fromkeys(include)),
        pull=pull,
    )
    before = list(_older(states, states.before, live))
    applied = list(_older(states, states.applied.state, live))
    notes = (*head.plan.notes, *states.notes(base_is_planned=bool(before)))
    told = origins(head.plan, before, applied) if states.base else {}
    whole = replace(head.plan, origins=told, notes=notes)
    parts = stages(whole.intended.changes)
    requests = sum(len(target.provider.translate(part)) for part in parts)
    return replace(head, plan=replace(whole, requests=requests))


def _head(states: Revisions, live: LiveState, pending: Policy | None, **about: Any) -> Planned:
    """The plan of the files as they are; raises Invalid with what the system cannot hold, too.

    ``pending`` is a policy that holds after the merge: what would stop every plan then is a problem now.
    """
    target = states.target
    problems = list(target.provider.audit(states.desired, live))
    if pending:
        problems += undefined(states.desired, live, pending)
    try:
        made = make_plan(states.desired, live, target.policy, **_named(target), **about)
    except Invalid as error:
        raise Invalid([*problems, *error.problems]) from None
    if "attributes" in target.policy.manage:
        problems += unwritable(states.desired, made.pairing, made.definitions)
        problems += nobody(states.desired, made.ids.keys(), made.definitions)
    if problems:
        raise Invalid(problems)
    return made


def _older(states: Revisions, state: DesiredState | None, live: LiveState) -> Iterator[Plan]:
    """The plans of an older state; none without a base, or where it does not fit what is live now."""
    if state is None or not states.base:
        return
    for policy in states.policies:
        with suppress(Invalid, IncompleteRead):
            yield make_plan(state, live, policy, **_named(states.target)).plan


def _named(target: Target) -> dict[str, Any]:
    """What a plan says of its target."""
    return {
        "system": target.system.title,
        "target": target.name,
        "provider": target.kind,
        "url": target.url,
        "sandbox": target.sandbox is not None,
        "requests_per_minute": target.requests_per_minute,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _since(target: Target, saved: Plan, since: str | None) -> str:
    """The commit that a saved plan counts from; raises Invalid where another one was asked for."""
    if since is not None and (asked := commit_of(target.folder, since, "--since")) != saved.since:
        counted = f"from {saved.since[:8]}" if saved.since else "from nowhere"
        message = f"the saved plan counts what left the files {counted}, and not from {asked[:8]}"
        raise Invalid([Problem(Place(f"--since {since}"), message, "leave it out: the plan knows it")])
    return saved.since

"""Compare desired states with what was read: a plan, with its origins and all that a reader should know."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reconciler.changes import Create
from reconciler.desired.attached import Unusable, with_files
from reconciler.errors import IncompleteRead, Invalid
from reconciler.model import Address, Definition, DesiredState, LiveState
from reconciler.operations import stages
from reconciler.plan import Note, Plan
from reconciler.planning.about import About, cut, for_a_part
from reconciler.planning.changed import changed
from reconciler.planning.diff import Facts
from reconciler.planning.inputs import undefined
from reconciler.planning.lists import following
from reconciler.planning.origin import origins
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.references import impossible, nobody
from reconciler.planning.scope import Policy
from reconciler.planning.selection import Selection, selection
from reconciler.planning.unseen import Sent, unsendable
from reconciler.planning.writable import unwritable
from reconciler.providers.base import Naming, Remarking, informed
from reconciler.providers.fitting import lacking
from reconciler.target.settings import Target
from reconciler.workflow.logged import logged
from reconciler.workflow.options import Options
from reconciler.workflow.revisions import Revisions, uncovered
from reconciler.workflow.since import since_when


def planned(
    states: Revisions, live: LiveState, options: Options, saved: Plan | None, about: About | None = None
) -> Planned:
    """Compare desired states with what was read, or with the part that was read; raises as ``plan`` does."""
    target = states.target
    files = states.digest if saved is None else ""
    states = states.each(lambda state: following(_named_as(target, state), live))
    states = replace(states, desired=following(_named_as(target, states.desired), live))
    states, unusable = _with_files(states, live.definitions or {})
    missing = uncovered(states)
    asked = _asked(states, selection((saved or options).only))
    if about is not None:
        if saved is None and not all(map(about.__contains__, asked.names)):
            message = "what the files changed is not what was read"
            raise IncompleteRead(message)
        states = part_of(states, about)
    # The apply of what was reviewed does not stop at what holds after the merge alone.
    pending = target.own_policy if saved is None else None
    again = frozenset((saved or options).resend)
    created = [c.address for c in saved.changes if isinstance(c, Create)] if saved else []
    head = _head(
        states,
        live,
        pending,
        unusable,
        sent=Sent(states.applied.state, again, frozenset(created), _logged(states, live)),
        resend=tuple(sorted(again)),
        since=states.since,
        applied=states.recorded,
        base=states.base,
        files=files,
        included=("change", *dict.fromkeys(options.include)),
        pull=options.pull,
        scope=(saved or options).scope,
        selection=asked,
        partly_read=about is not None,
    )
    before = list(_older(states, states.before, live))
    applied = list(_older(states, states.applied.state, live))
    part = (Note("part", _PART),) if about and saved is None else ()
    notes = (
        *part,
        *head.plan.notes,
        *states.notes(base_is_planned=bool(before)),
        *_about_changes(states, missing),
        *_waiting_since(states, head.awaited),
    )
    told = origins(head.plan, before, applied) if states.base else {}
    whole = replace(head.plan, origins=told, notes=notes)
    parts = stages(whole.intended.changes)
    provider = informed(target.provider, live, states.desired)
    requests = sum(len(provider.translate(part)) for part in parts)
    return replace(head, plan=replace(whole, requests=requests), uncovered=missing)


_PART = "only what this takes was read, so the limits' floors count, and no share of what is live"


def part_of(states: Revisions, about: About) -> Revisions:
    """All states cut to what a run is about, under the settings for a part."""
    target = states.target
    base = for_a_part(target.base_policy, about) if target.base_policy else None
    target = replace(target, policy=for_a_part(target.policy, about), base_policy=base)
    older = states.each(lambda state: cut(state, about))
    return replace(older, target=target, desired=cut(states.desired, about))


def _asked(states: Revisions, asked: Selection) -> Selection:
    """What a plan is about; what the files changed is known by now."""
    if states.counted_from is None:
        return asked
    return asked.about(changed(states.counted_from, states.desired))


def _head(
    states: Revisions,
    live: LiveState,
    pending: Policy | None,
    unusable: Unusable,
    sent: Sent,
    **about: Any,
) -> Planned:
    """The plan of the files as they are; raises Invalid with what the system cannot hold, too.

    ``pending`` is a policy that holds after the merge: what would stop every plan then is a problem now.
    ``unusable`` is what is wrong with files that are values.
    """
    target = states.target
    problems = [*unusable.problems, *target.provider.audit(states.desired, live)]
    problems += unsendable(sent.again, states.desired, live.definitions or {}, target.system.title)
    if pending:
        problems += undefined(states.desired, live, pending)
    try:
        made = make_plan(states.desired, live, target.policy, sent=sent, **_named(target), **about)
    except Invalid as error:
        raise Invalid([*problems, *error.problems]) from None
    except IncompleteRead:
        # A system shows no attribute that it does not have, and that is told with its place.
        if problems:
            raise Invalid(problems) from None
        raise
    if "attributes" in target.policy.manage:
        problems += unwritable(states.desired, made.pairing, made.definitions)
        problems += impossible(states.desired, made.plan.changes)
        known = made.ids.keys() | made.ignored.keys()
        problems += nobody(states.desired, known, made.definitions, made.plan.changes)
        problems += lacking(states.desired, made.plan.changes, made.definitions, target.system.title)
    if problems:
        raise Invalid(problems)
    return _with_remarks(made, target, states.desired, unusable)


def _with_remarks(made: Planned, target: Target, desired: DesiredState, unusable: Unusable) -> Planned:
    """The same, with what the system does beside what it is asked, and each file that is left out."""
    provider = target.provider
    said = list(provider.notes(desired, made.plan.changes)) if isinstance(provider, Remarking) else []
    left_out = [
        Note("file", f"{each.message}: it is not sent", each.place, warning=True) for each in unusable.spared
    ]
    return replace(made, plan=replace(made.plan, notes=(*made.plan.notes, *said, *left_out)))


def _with_files(states: Revisions, definitions: Mapping[str, Definition]) -> tuple[Revisions, Unusable]:
    """All states with the values of attributes that are files, and what is wrong with those of now.

    What is wrong with older ones makes them differ, and that is all.
    """
    if "attributes" not in states.target.policy.manage:
        return states, Unusable()
    desired, unusable = with_files(states.desired, definitions)
    older = states.each(lambda state: with_files(state, definitions)[0])
    return replace(older, desired=desired), unusable


def _named_as(target: Target, desired: DesiredState) -> DesiredState:
    """The same, with the ids of what the target has names for."""
    provider = target.provider
    return provider.named(desired) if isinstance(provider, Naming) else desired


def _logged(states: Revisions, live: LiveState) -> Mapping[str, Facts]:
    """What journals tell of what no answer shows, where no commit that was applied does."""
    told = [each for each in (live.definitions or {}).values() if not each.readable]
    if states.applied.state is not None or not any(each.grows or each.type == "file" for each in told):
        return {}
    return logged(states.target.journal, states.target.name)


def _older(states: Revisions, state: DesiredState | None, live: LiveState) -> Iterator[Plan]:
    """The plans of an older state; none without a base, or where it does not fit what is live now."""
    if state is None or not states.base:
        return
    sent = Sent(states.applied.state)
    for policy in states.policies:
        with suppress(Invalid, IncompleteRead):
            # What excludes each other now decides no change of an older state, and must not hide one.
            lenient = replace(policy, exclusive=())
            yield make_plan(state, live, lenient, sent=sent, **_named(states.target)).plan


def _named(target: Target) -> dict[str, Any]:
    """What a plan says of its target."""
    return {
        "system": target.system.title,
        "target": target.name,
        "provider": target.kind,
        "url": target.url,
        "words": target.system.words,
        "sandbox": target.sandbox is not None,
        "requests_per_minute": target.requests_per_minute,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _waiting_since(states: Revisions, awaited: Sequence[Address]) -> Sequence[Note]:
    """Since when the files declare people who have no account yet."""
    if states.in_code or states.target.asked:
        return ()
    found = {str(person): states.desired.place(person) for person in awaited[:_MOST_BLAMED]}
    return since_when(states.target.folder, found, "waiting")


_MOST_BLAMED = 20
"""People of whom git is asked since when they are declared."""


def _about_changes(states: Revisions, missing: str) -> Iterator[Note]:
    """What a plan of changes is not about, and why an apply of it will not be recorded."""
    if states.counted_from is not None:
        message = f"this plan is about what the files changed since {states.counted[:8]}"
        yield Note("only", f"{message}: drift and backlog elsewhere were not looked for")
    if missing:
        message = f"an apply of this plan will not be recorded as complete: {missing}"
        yield Note("applied", message, warning=True)

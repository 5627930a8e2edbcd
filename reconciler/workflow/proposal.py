"""What an apply is about to do: the plan again, or what still holds of a saved one, checked by the guards."""

from dataclasses import dataclass, replace

from reconciler.changes import Change
from reconciler.desired.files import without_collector
from reconciler.desired.history import Loaded
from reconciler.errors import GuardRefused, Invalid, Problem
from reconciler.model import DesiredState
from reconciler.plan import Plan
from reconciler.planning.guard import check, check_now
from reconciler.planning.plan import Planned
from reconciler.planning.recheck import Recheck, recheck
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.workflow.compare import planned
from reconciler.workflow.options import Options
from reconciler.workflow.plans import states_of
from reconciler.workflow.reading import read_for
from reconciler.workflow.revisions import Revisions


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an apply is about to do: the plan that was checked, and what of it is to be executed.

    ``recheck`` is there for a saved plan. The guards checked the whole plan, and left what they said
    in it. ``loaded`` is what was read of the files; without it nothing is recorded in git. ``same_files``
    says that files and settings are those that the saved plan was made from, where only a part was read.
    """

    plan: Plan
    fresh: Planned
    changes: tuple[Change, ...]
    recheck: Recheck | None = None
    loaded: Loaded | None = None
    same_files: bool = False

    @property
    def is_part(self) -> bool:
        """Whether only what the plan is about was read."""
        return self.fresh.everything.asked is not None

    def check(self) -> None:
        """Raise GuardRefused where a guard does not let it through."""
        if self.plan.violations:
            message = "a guard refuses this plan; nothing was executed"
            raise GuardRefused(message)


@without_collector()
def propose(
    target: Target,
    session: Session,
    options: Options = Options(),  # noqa: B008 (frozen)
    *,
    saved: Plan | None = None,
    allow_removals: int | None = None,
    allow_creations: int | None = None,
    desired: DesiredState | None = None,
) -> Proposal:
    """Read and plan again, and ask the guards about the saved plan, or else about the fresh one.

    For a saved plan what it is about is read, where that shows nothing in its way, and else everything.
    A ``desired`` state stands in place of the files, as in ``plan``.
    """
    if saved and saved.sandbox != (target.sandbox is not None):
        against, verb = ("against", "is not") if saved.sandbox else ("outside of", "is")
        message = f"the plan was made {against} the embedded pretend system, and this target {verb} that"
        raise Invalid([Problem(target.place, message, "plan again")])
    if saved and (saved.provider, saved.words) != (target.kind, target.system.words):
        message = f"the plan calls what it does as no plan for {target.system.title} does"
        raise Invalid([Problem(target.place, message, "plan again")])
    if saved and target.asked and (saved.base or saved.since or saved.applied or saved.pull):
        message = "the plan was made from the files of a repository, and this is a one-off run"
        raise Invalid([Problem(target.place, message, "apply it there, or plan again with these options")])
    states = states_of(target, options, saved, desired)
    if saved is not None:
        checked = guarded(saved, target, allow_removals, allow_creations)
        if (part := read_for(saved, states, session, options)) is not None:
            proposal = _of_saved(checked, part, states)
            stale = proposal.recheck and proposal.recheck.stale
            if not stale and proposal.plan.violations == checked.violations:
                return proposal
    fresh = planned(states, target.provider.read(session.reader, states.need), options, saved)
    if saved is not None:
        return _of_saved(checked, fresh, states)
    checked = guarded(fresh.plan, target, allow_removals, allow_creations)
    return Proposal(checked, fresh, fresh.plan.changes, loaded=states.loaded)


def _of_saved(checked: Plan, fresh: Planned, states: Revisions) -> Proposal:
    """What still holds of a saved plan, which the guards ``checked``."""
    rechecked = recheck(checked, fresh)
    # A guard without an override is asked about what is live now, too: a saved number is an old one.
    now = check_now(fresh.plan.part(rechecked.changes), checked, states.target.policy)
    checked = replace(checked, violations=tuple(dict.fromkeys((*checked.violations, *now))))
    partly = fresh.everything.asked is not None
    same = partly and bool(checked.files) and checked.files == states.digest
    return Proposal(checked, fresh, rechecked.changes, rechecked, states.loaded, same)


def guarded(
    plan: Plan, target: Target, allow_removals: int | None = None, allow_creations: int | None = None
) -> Plan:
    """The plan with the violations that the target's guards find in the part that is to be applied."""
    violations = check(plan, target.policy, allow_removals=allow_removals, allow_creations=allow_creations)
    return replace(plan, violations=violations)

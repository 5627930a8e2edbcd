"""What an apply is about to do: the plan again, or what still holds of a saved one, judged by the guards."""

from dataclasses import dataclass, replace

from reconciler.changes import Change
from reconciler.errors import Invalid, Problem
from reconciler.plan import Plan
from reconciler.planning.guard import check, check_now
from reconciler.planning.plan import Planned
from reconciler.planning.review import Review, review
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.workflow.plans import plan


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

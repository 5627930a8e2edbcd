"""What lifts the limits for one plan: which options, and which line in a pull request's text."""

from dataclasses import dataclass
from typing import get_args

from reconciler.plan import Allow, Option, Plan

DIGEST_DIGITS = 12
"""Hex digits of a digest that name a plan: nobody finds a second plan with the same ones by chance."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a line allows of one plan: its numbers of removals and of new users, and how its digest begins.

    ``creations`` is None where nothing is said of them.
    """

    removals: int
    digest: str
    creations: int | None = None

    def line(self, target: str) -> str:
        """The line that says so."""
        creations = "" if self.creations is None else f" creations={self.creations}"
        return f"Reconciler-Allow: {target}={self.removals}{creations} digest={self.digest}"

    @property
    def allows(self) -> tuple[Allow, ...]:
        """What it comes to as options; no removals are named where it is about new users alone."""
        removals, creations = Allow("--allow-removals", self.removals), self.creations
        if creations is None:
            return (removals,)
        new_users = Allow("--allow-creations", creations)
        return (removals, new_users) if self.removals else (new_users,)


def remedies(plan: Plan) -> tuple[Allow, ...]:
    """The options that let a refused plan through, each once; empty where something in it is absolute."""
    distinct = {violation.remedy for violation in plan.violations}
    allows = [remedy for remedy in distinct if isinstance(remedy, Allow)]
    return tuple(sorted(allows, key=_in_order)) if len(allows) == len(distinct) else ()


def _in_order(remedy: Allow) -> tuple[int, int]:
    return get_args(Option).index(remedy.option), remedy.number


def needed(plan: Plan) -> Allowance | None:
    """The line that a refused plan needs; None where something in it is absolute."""
    options = {remedy.option for remedy in remedies(plan)}
    if not options:
        return None
    counts, digest = plan.intended.counts, plan.removals_digest[:DIGEST_DIGITS]
    return Allowance(
        counts.removals, digest, counts.users_created if "--allow-creations" in options else None
    )

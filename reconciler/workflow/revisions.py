"""What the files said at a base revision, and when they were last applied, read from git.

The states that a plan is compared with, to tell why each of its lines is there
(see ``planning.origin``). Nothing here asks the network.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from reconciler.desired import files
from reconciler.desired.history import Applied, applied, at, commit_of, load_at, with_left
from reconciler.errors import IncompleteRead, Invalid
from reconciler.model import DesiredState, Need
from reconciler.plan import Note, Plan
from reconciler.planning.origin import origins
from reconciler.planning.scope import Policy, need
from reconciler.target.settings import Target


@dataclass(frozen=True, slots=True)
class Compared:
    """The desired state, and the older ones to compare its plan with; without a base there are none.

    ``since`` is the commit from which what left the files is counted, empty where there is none.
    """

    target: Target
    desired: DesiredState
    applied: Applied
    since: str = ""
    base: str = ""
    before: DesiredState | None = None

    @property
    def need(self) -> Need:
        """What must be known of the live state for all of their plans."""
        wanted = need(self.desired, self.target.policy)
        for state in (self.before, self.applied.state) if self.base else ():
            if state is not None:
                for policy in self._policies:
                    wanted |= need(state, policy)
        return wanted

    @property
    def _policies(self) -> tuple[Policy, ...]:
        """Those for older states: the base's, which they were written under, and the plan's own.

        What either of them wants was wanted before: stricter settings make no drift this change.
        """
        own = self.target.base_policy or self.target.policy
        return tuple(dict.fromkeys((own, self.target.policy)))

    def explained(self, plan: Plan, plan_of: Callable[[DesiredState, Policy], Plan]) -> Plan:
        """The plan with what it was compared with, and the origin of each atom where there is a base."""
        said = [*plan.notes, *self._said_of_applied()]
        revision = self.applied.revision
        plan = replace(plan, since=self.since, applied=revision.commit if revision else "", notes=tuple(said))
        if not self.base:
            return plan
        if pending := self.target.pending:
            message = (
                f"the settings change ({', '.join(pending)}): this plan is made with those of the base, and "
                "what is stricter now holds already; all of the change takes effect after its merge"
            )
            said.append(Note("settings", message, self.target.place, warning=True))
        older = (self.before, self.applied.state)
        before, applied = (list(self._older(state, plan_of)) for state in older)
        if not before:
            message = (
                f"the files at the base {self.base[:8]} cannot be planned, so this change cannot be told "
                "from drift and backlog: all of it counts as this change"
            )
            said.append(Note("base", message, warning=True))
        # The base stays named: its settings hold for the apply as well.
        found = origins(plan, before, applied)
        return replace(plan, base=self.base, origins=found, notes=tuple(said))

    def _said_of_applied(self) -> Iterator[Note]:
        if self.applied.why:
            message = f"which commit was applied last is not known: {self.applied.why}"
            yield Note("applied", message, warning=True)
        elif self.applied.revision:
            yield Note("applied", f"the files were last applied completely as of {self.applied.revision}")
        elif self.applied.is_first and not self.since and not self.base:
            message = "nothing is recorded as applied yet, so what left the files is not known"
            yield Note("applied", f"{message}: --since REV counts it from a revision")
        elif self.base:
            yield Note("applied", "nothing is recorded as applied yet: what was merged earlier is backlog")

    def _older(
        self, state: DesiredState | None, plan_of: Callable[[DesiredState, Policy], Plan]
    ) -> Iterator[Plan]:
        """The plans of an older state; none where it is not known, or does not fit what is live now."""
        if state is None:
            return
        for policy in self._policies:
            with suppress(Invalid, IncompleteRead):
                yield plan_of(state, policy)


def compared(target: Target, since: str | None, base: str | None, option: str = "--since") -> Compared:
    """Load the files as they are, and as they were.

    Without ``since``, what left the files is counted from where they were last
    applied completely; with an empty one, nothing is known to have left. ``option``
    is what named it. Raises Invalid where the files as they are do not load,
    or where a revision cannot be read.
    """
    desired = target.load()
    last = applied(target.folder, target.name, base or "HEAD")
    then, counted = last.state, last.revision.commit if last.revision else ""
    if since is not None:
        then = load_at(target.folder, since, option) if since else None
        counted = commit_of(target.folder, since, option) if since else ""
    desired = with_left(desired, then)
    if base is None:
        return Compared(target, desired, last, counted)
    before: DesiredState | None = None
    # A base whose files do not load is what this change may be about to mend.
    with at(target.folder, base, "--base") as (folder, shown_as), suppress(Invalid):
        before = with_left(files.load(folder, shown_as=shown_as), then)
    return Compared(target, desired, last, counted, commit_of(target.folder, base, "--base"), before)

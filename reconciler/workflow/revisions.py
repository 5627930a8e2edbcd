"""What the files say, what they said at a base revision, and when they were applied last; read from git.

Nothing here asks the network.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from reconciler.desired.code import checked
from reconciler.desired.files import settings_of
from reconciler.desired.history import Applied, Loaded, applied, checked_out, departed_since, with_departed
from reconciler.desired.older import at, commit_of, load_at
from reconciler.errors import Invalid, Place, Problem
from reconciler.model import DesiredState, Need
from reconciler.plan import Note, Plan
from reconciler.planning.changed import changed
from reconciler.planning.said import digest_of
from reconciler.planning.scope import Policy, need
from reconciler.target.settings import Target


@dataclass(frozen=True, slots=True)
class Revisions:
    """The desired state of a target, and the older ones that its plan is compared with.

    ``since`` is the commit from which what left the files is counted, ``base`` the one to compare
    with; each is empty where there is none. ``before`` is what the files said at the base, None
    where they cannot be read. What the files changed is counted from the commit ``counted``, where they
    said ``counted_from``; None where nobody asked. A state made ``in_code`` has no older ones.
    ``loaded`` is what was read of the files, for the record of what was applied.
    """

    target: Target
    desired: DesiredState
    applied: Applied
    since: str = ""
    base: str = ""
    before: DesiredState | None = None
    counted: str = ""
    counted_from: DesiredState | None = None
    in_code: bool = False
    loaded: Loaded | None = None

    def each(self, change: Callable[[DesiredState], DesiredState]) -> "Revisions":
        """The same, with every older state changed so."""
        before, then, counted = (
            change(state) if state else None for state in (self.before, self.applied.state, self.counted_from)
        )
        return replace(self, before=before, applied=replace(self.applied, state=then), counted_from=counted)

    @property
    def recorded(self) -> str:
        """The commit that was applied last; empty where none is known."""
        return self.applied.revision.commit if self.applied.revision else ""

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Those for older states: the base's, which they were written under, and the plan's own.

        What either of them wants was wanted before: stricter settings make no drift this change.
        """
        base = self.target.base_policy or self.target.policy
        return tuple(dict.fromkeys((base, self.target.policy)))

    @property
    def need(self) -> Need:
        """What must be known of the live state for the plans of all states."""
        wanted = need(self.desired, self.target.policy)
        own = self.target.own_policy
        if own and (own.match or (own.exact_attributes and "attributes" in own.manage)):
            wanted |= Need(definitions=True)
        for state in (self.before, self.applied.state) if self.base else ():
            if state is not None:
                for policy in self.policies:
                    wanted |= need(state, policy)
        return wanted

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of all that the files and settings say now; empty for a state made in code."""
        return "" if self.in_code else digest_of(self.desired, self.target.policy)

    def notes(self, *, base_is_planned: bool) -> Iterator[Note]:
        """What a reader of the plan should know of what it was compared with."""
        if self.in_code:
            yield Note("applied", "the desired state was made in code, so what left it is not known")
        elif self.target.asked:
            yield Note(
                "applied", "a one-off run: nothing is recorded as applied, and nobody counts as having left"
            )
        elif self.applied.why:
            message = f"which commit was applied last is not known: {self.applied.why}"
            yield Note("applied", message, warning=True)
        elif self.applied.revision:
            yield Note("applied", f"the files were last applied completely as of {self.applied.revision}")
        elif self.applied.is_first and not self.since and not self.base:
            message = "nothing is recorded as applied yet, so what left the files is not known"
            yield Note("applied", f"{message}: --since REV counts it from a revision")
        elif self.base:
            yield Note("applied", "nothing is recorded as applied yet: what was merged earlier is backlog")
        if self.base:
            yield from self._about_base(is_planned=base_is_planned)

    def _about_base(self, *, is_planned: bool) -> Iterator[Note]:
        if pending := self.target.pending:
            message = (
                f"target.yaml changes ({', '.join(pending)}): until the merge, the base's settings hold, and "
                "the new ones where they are stricter"
            )
            yield Note("settings", message, self.target.place, warning=True)
        if proposed := self.target.proposed:
            message = (
                "target.yaml reads other files and lists than at the base, or otherwise "
                f"({'; '.join(proposed)}): this plan is made from what it says now, "
                "with the higher `min_rows` of both"
            )
            yield Note("settings", message, self.target.place, warning=True)
        if not is_planned:
            message = (
                f"the files at the base {self.base[:8]} cannot be planned, so this change cannot be told "
                "from drift and backlog: all of it counts as this change"
            )
            yield Note("base", message, warning=True)


def with_counted(states: Revisions, saved: Plan | None) -> Revisions:
    """The same, with what the files said where changes are counted from: the base, else what was applied.

    For a ``saved`` plan it is where that one counted from. Raises Invalid where that cannot be read.
    """
    if saved is not None:
        return _counted_then(states, saved)
    if states.base:
        why = "" if states.before else "the files at the base do not load"
        counted, state = states.base, states.before
    else:
        counted, state = states.recorded, states.applied.state
        why = "" if state else states.applied.why or "nothing is recorded as applied yet"
    if why:
        message = f"what the files changed is not known: {why}"
        raise Invalid(
            [Problem(_ONLY_CHANGED, message, "plan the whole, or name a revision with plan --base")]
        )
    return replace(states, counted=counted, counted_from=state)


def _counted_then(states: Revisions, saved: Plan) -> Revisions:
    counted, folder, reach = saved.base or saved.applied, states.target.folder, states.target.reach
    if not counted:
        message = "the saved plan does not say since when the files changed"
        raise Invalid([Problem(_ONLY_CHANGED, message, "plan again")])
    state = load_at(folder, counted, "the plan counts what the files changed from", reach)
    left = load_at(folder, saved.since, _COUNTS, reach) if saved.base and saved.since else None
    return replace(states, counted=counted, counted_from=with_departed(state, left))


_ONLY_CHANGED = Place("--only changed")
_COUNTS = "the plan counts what left the files from"


def uncovered(states: Revisions) -> str:
    """Why a plan is not about all that the files changed since they were last applied; empty where it is."""
    target, state, then = states.target, states.applied.state, states.counted_from
    if state and departed_since(states.desired, state).keys() - states.desired.departed.keys():
        return "some left the files since the last complete apply, and before it counts who left"
    if then is None:
        return ""
    if state is None:
        return "which commit was applied last is not known"
    if target.pending or states.applied.settings != settings_of(target.folder):
        return "target.yaml changed since the last complete apply, which can concern everybody"
    is_applied = not changed(state, replace(states.desired, departed={}))
    if states.counted != states.recorded and not is_applied and changed(state, then):
        earlier = f"the files changed before {states.counted[:8]} too, since the last complete apply"
        return f"{earlier} (apply --only changed counts from there)"
    return ""


def made_in_code(target: Target, desired: DesiredState) -> Revisions:
    """A desired state that no file says, checked as strictly as files; raises Invalid with every problem."""
    ignore = target.settings.get("ignore", {})
    globs = ignore.get("users", ()), ignore.get("groups", ())
    state = checked(desired, *globs, target.place, target.rules)
    return Revisions(target, state, Applied(), in_code=True)


def read_revisions(target: Target, since: str | None, base: str | None, option: str = "--since") -> Revisions:
    """Load the files as they are, and as they were.

    Without ``since``, what left the files is counted from where they were last
    applied completely; with an empty one, nothing is known to have left. ``option``
    is what named it. Raises Invalid where the files as they are do not load,
    or where a revision cannot be read.
    """
    commit = checked_out(target.folder)
    desired = target.load()
    if target.asked:
        if since or base:
            message = "a one-off run has no revisions: leave out since and base"
            raise ValueError(message)
        return Revisions(target, desired, Applied())
    # Under a base's settings, the folder's own are not what the target has.
    own = target.settings if target.base_policy is None else settings_of(target.folder)
    loaded = Loaded(commit, desired, target.settings, own)
    last = applied(target.folder, target.name, base or "HEAD", target.reach)
    then, counted = last.state, last.revision.commit if last.revision else ""
    if since is not None:
        then = load_at(target.folder, since, option, target.reach) if since else None
        counted = commit_of(target.folder, since, option) if since else ""
    desired = with_departed(desired, then)
    if base is None:
        return Revisions(target, desired, last, counted, loaded=loaded)
    before: DesiredState | None = None
    # A base whose files do not load is what this change may be about to mend.
    with at(target.folder, base, "--base", target.reach) as at_base, suppress(Invalid):
        before = with_departed(at_base.load(), then)
    at_commit = commit_of(target.folder, base, "--base")
    return Revisions(target, desired, last, counted, at_commit, before, loaded=loaded)

"""What an apply did, as data for every view."""

from dataclasses import dataclass

from reconciler.changes import Change, Create, Update, atoms
from reconciler.errors import ExitCode
from reconciler.operations import Outcome, Status


@dataclass(frozen=True, slots=True)
class Mandate:
    """On whose word a plan is applied.

    ``ran`` is who ran the apply, ``digest`` the plan's. ``overrides`` are the options, or the lines of
    the pull request's text, that lift a rule for it. Of a pull request: its number and ``head``, who
    ``asked`` by opening it, who ``merged`` it, and whose approvals count.
    """

    ran: str
    digest: str
    overrides: tuple[str, ...] = ()
    pull: int | None = None
    head: str = ""
    asked: str = ""
    merged: str = ""
    approved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What an apply did, and on whose word.

    ``requests`` counts writes sent, ``seconds`` the time from first to last.
    ``unrecorded`` says why the commit is not recorded as applied, empty where it is.
    """

    target: str
    run: str
    journal: str
    changes: tuple[Change, ...]
    outcomes: tuple[Outcome, ...]
    unchanged: int
    requests: int
    seconds: float
    mandate: Mandate
    stopped: str = ""
    interrupted: bool = False
    unrecorded: str = ""

    @property
    def complete(self) -> bool:
        """Whether every atom is true now, and was seen to be."""
        return not self.stopped and all(o.status in ("done", "adopted") for o in self.outcomes)

    @property
    def exit_code(self) -> ExitCode:
        """How the apply ended, as a code."""
        if self.interrupted and (self.stopped or not self.complete):
            return ExitCode.INTERRUPTED
        if self.complete:
            return ExitCode.OK
        wrote = any(outcome.status in ("done", "adopted", "unsettled") for outcome in self.outcomes)
        return ExitCode.PARTIAL if wrote or not self.stopped else ExitCode.ERROR

    @property
    def counts(self) -> dict[str, int]:
        """Objects by what became of them; one with a failed part counts as failed, whatever else was done.

        To a revoked person belong the memberships that end, which are atoms of the groups.
        """
        tally = dict.fromkeys(
            ("created", "updated", "removed", "unchanged", "adopted", "failed", "skipped"), 0
        )
        tally["unchanged"] = self.unchanged
        by_atom = {outcome.atom: outcome.status for outcome in self.outcomes}
        ended: dict[object, set[Status]] = {}
        for atom, status in by_atom.items():
            if not atom.after:
                ended.setdefault(atom.member, set()).add(status)
        for change in self.changes:
            found = {by_atom[atom] for atom in atoms(change)}
            if isinstance(change, Update) and "revoke" in (change.removal or ""):
                found |= ended.get(change.address, set())
            if found & {"failed", "unsettled"}:
                tally["failed"] += 1
            elif "skipped" in found:
                tally["skipped"] += 1
            elif "adopted" in found:
                tally["adopted"] += 1
            else:
                tally[_past(change)] += 1
        return tally


def _past(change: Change) -> str:
    match change:
        case Create():
            return "created"
        case Update(removal=None):
            return "updated"
        case _:
            return "removed"

"""What an apply did, and what a doctor or a probe found: as data for every view."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconciler.changes import Atom, Change, Create, Update, action_of, atoms, count, is_removal, narrow
from reconciler.errors import ExitCode
from reconciler.model import Address
from reconciler.operations import Outcome, Status


@dataclass(frozen=True, slots=True)
class Mandate:
    """On whose word a plan is applied.

    ``ran`` is who ran the apply, ``digest`` the plan's. ``overrides`` are the options, or the lines of
    the pull request's text, that lift a rule for it. For a pull request ``pull`` is its number, ``head``
    its last commit, ``asked`` who opened it, ``merged`` who merged it, and ``approved`` whose approvals
    count.
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

    ``requests`` counts the writes that were sent, ``seconds`` the time they took together.
    ``ids`` are all live ids that are known by now, also of what was created. ``stopped`` says
    why the apply ended early, ``unrecorded`` why the commit is not recorded as applied; each
    is empty where that is not so. ``unlogged`` says in the same way why the system's own log is not told.
    ``left_out_rows`` says that bad rows of a list took no part in it.
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
    unlogged: str = ""
    ids: Mapping[Address, str] = field(default_factory=dict)
    left_out_rows: bool = False

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
            return ExitCode.PARTIAL if self.left_out_rows else ExitCode.OK
        wrote = any(outcome.status not in ("failed", "skipped") for outcome in self.outcomes)
        return ExitCode.PARTIAL if wrote or not self.stopped else ExitCode.ERROR

    @property
    def counts(self) -> dict[str, int]:
        """How much was done, and how much was not. An object can count on both sides.

        ``created``, ``updated`` and ``adopted`` count objects. ``failed``, ``pending`` and
        ``skipped`` count those of which a part was not done, each under the first of these that
        fits. ``removed`` counts each removal that took place by itself, as a plan does. A
        revocation took place where its memberships ended, which are atoms of the groups.
        """
        status = {outcome.atom: outcome.status for outcome in self.outcomes}
        became = dict(_became(self.changes, status))
        done = [part for change in self.changes if (part := _part(change, status, "done"))]
        counted = count(done)
        revoked = sum(action_of(c) == "revoked" and became[c.address] == {"done"} for c in self.changes)
        adopted = {address for address, each in became.items() if "adopted" in each}
        failed = {address for address, each in became.items() if each & {"failed", "unsettled"}}
        pending = {address for address, each in became.items() if "pending" in each} - failed
        return {
            "created": sum(isinstance(part, Create) and part.address not in adopted for part in done),
            "updated": counted.users_updated + counted.groups_updated,
            "removed": counted.removals - counted.users_revoked + revoked,
            "unchanged": self.unchanged,
            "adopted": len(adopted),
            "failed": len(failed),
            "pending": len(pending),
            "skipped": sum("skipped" in each and a not in failed | pending for a, each in became.items()),
        }


Health = Literal["ok", "failed", "warning", "unknown"]
"""How a thing is that was looked at; ``warning`` and ``unknown`` fail nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a doctor looked at, how it is, and what was found.

    ``todo`` says what to do about it; it is empty where there is nothing to do.
    """

    name: str
    status: Health
    said: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found out about one question, which has its name from ``quirks.yaml``.

    ``value`` is None where the answer is not known; ``how`` says how it was found, or why it was not.
    """

    name: str
    value: str | bool | None
    how: str


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe found and did.

    ``removed`` are objects of an earlier probe that are gone now. ``remaining`` is what is still
    there, each with the reason. ``journal`` is a path, ``found_at`` a time in ISO 8601.
    ``stopped`` says why the probe ended early, and is empty where it did not.
    """

    findings: tuple[Finding, ...]
    removed: tuple[str, ...]
    remaining: tuple[str, ...]
    journal: str
    found_at: str
    stopped: str = ""
    interrupted: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """OK where every question was asked and nothing of the probe remains."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        return ExitCode.ERROR if self.stopped or self.remaining else ExitCode.OK


def _became(
    changes: Iterable[Change], status: Mapping[Atom, Status]
) -> Iterator[tuple[Address, set[Status]]]:
    """What became of the parts of each change; memberships that end are parts of a revocation as well."""
    endings: dict[Address | None, set[Status]] = {}
    for atom, became in status.items():
        if is_removal(atom):
            endings.setdefault(atom.member, set()).add(became)
    for change in changes:
        own = {status[atom] for atom in atoms(change)}
        is_revocation = isinstance(change, Update) and "revoke" in (change.removal or "")
        yield change.address, own | (endings.get(change.address, set()) if is_revocation else set())


def _part(change: Change, became: Mapping[Atom, Status], status: Status) -> Change | None:
    return narrow(change, [atom for atom in atoms(change) if became.get(atom) == status])


def number_of(number: int, noun: str) -> str:
    """The number with its noun, in the plural where that is due."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def time_for(requests: int, pace: int) -> str:
    """How long requests take at a pace in requests a minute; empty for less than a minute."""
    hours, rest = divmod(max(0, requests - 1) // pace, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min" if rest else ""

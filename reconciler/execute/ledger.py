"""What became of each atom, and what must not be sent because of it.

What depends on something that failed is not sent: a member who was not created,
a group, or what refers to either. Nothing is taken away from a person to whom an addition failed, nor
what a guard counted on (see ``headcount``).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.changes import Atom, Change, Create, Delete, atoms, fields_of, narrow
from reconciler.execute.headcount import Headcount
from reconciler.model import NAMED_BY, Address
from reconciler.operations import Operation, Outcome, Stage, Status, stage_of

_DIFFERS = "is there already, with something else"


@dataclass(slots=True)
class Ledger:
    """The outcomes so far.

    ``ids`` are the live ids known so far; ``headcount`` says what may not be taken away.
    """

    ids: dict[Address, str]
    headcount: Headcount
    outcomes: dict[Atom, Outcome] = field(default_factory=dict)
    _failed: dict[Address, str] = field(default_factory=dict)

    def record(self, covers: Iterable[Atom], status: Status, reason: str = "") -> None:
        """Note what became of these atoms; a later outcome of one replaces the earlier."""
        for atom in covers:
            self.outcomes[atom] = Outcome(atom, status, reason)
            if status in ("done", "adopted"):
                self.headcount.gained(atom)
                continue
            verb = "added" if atom.member else "created" if atom.id is None else "made active"
            why, yet = ("is not", " yet") if status == "pending" else ("could not be", "")
            self.headcount.missed(atom, f"{why} {verb}{yet}")
            if atom.member and atom.after:
                self._failed.setdefault(atom.member, f"{why} added to {atom.address}{yet}")
            elif atom.id is None and atom.path == NAMED_BY[atom.address.kind]:
                # Without another of its fields it is there all the same.
                self._failed.setdefault(atom.address, f"{why} created{yet}")

    def differs(self, covers: Iterable[Atom]) -> None:
        """Note that these could not be written, since their objects were there already."""
        for atom in covers:
            self.record([atom], "failed", f"it {_DIFFERS}; what differs waits for the next plan")
            self._failed.setdefault(atom.address, _DIFFERS)

    def those(self, status: Status) -> list[Atom]:
        """The atoms of which this became."""
        return [atom for atom, outcome in self.outcomes.items() if outcome.status == status]

    def undone(self) -> list[Atom]:
        """The atoms of which nothing came, but for those of accounts that are somebody else's."""
        rest = ("failed", "skipped", "unsettled")
        undone = [atom for atom, outcome in self.outcomes.items() if outcome.status in rest]
        return [atom for atom in undone if self._failed.get(atom.address) != _DIFFERS]

    def sendable(self, change: Change) -> Change | None:
        """The change without the atoms that must not be sent: what is pending, and what is skipped then."""
        atoms_to_send = []
        to_do = [atom for atom in atoms(change) if not self._is_pending(atom)]
        named_by = NAMED_BY[change.address.kind]
        makes_it = isinstance(change, Create) and any(atom.path == named_by for atom in to_do)
        unmade = self._unmade(change)
        for atom in to_do:
            if reason := unmade or self._obstacle(change, atom, makes_it=makes_it):
                self.record([atom], "skipped", reason)
            else:
                atoms_to_send.append(atom)
        return narrow(change, atoms_to_send)

    def _is_pending(self, atom: Atom) -> bool:
        known = self.outcomes.get(atom)
        return known is not None and known.status == "pending"

    def _unmade(self, change: Change) -> str:
        """Why somebody cannot be created as they are to be, or "": later it could not be written any more."""
        names = (name for f in fields_of(change) if f.with_creation for name in f.names)
        lost = next((name for name in names if name not in self.ids), None)
        return f"{lost} {self._failed.get(lost, 'is not live')}" if lost else ""

    def withheld(self, operation: Operation) -> bool:
        """Whether it cannot be sent, since what it needs was not made just before; then it is skipped.

        What is left to say of an account that is somebody else's, by its fields, is not sent either.
        """
        if all(atom.id is None and self._failed.get(atom.address) == _DIFFERS for atom in operation.covers):
            self.differs(operation.covers)
            return True
        lost = next((address for address in sorted(operation.needs) if address not in self.ids), None)
        if lost:
            self.record(operation.covers, "skipped", f"{lost} {self._failed.get(lost, 'is not live')}")
        return lost is not None

    def _obstacle(self, change: Change, atom: Atom, *, makes_it: bool) -> str:
        """Why an atom must not be sent, or ""; ``makes_it`` says that its change creates the object."""
        if not makes_it and atom.address not in self.ids:
            return f"{atom.address} {self._failed.get(atom.address, 'is not live')}"
        person = atom.member
        if person and person not in self.ids:
            return f"{person} {self._failed.get(person, 'is not live')}"
        if reason := self._dangling(change, atom):
            return reason
        if stage_of(change, atom) < Stage.REMOVE_MEMBERS:
            return ""
        subjects = [person or atom.address]
        if isinstance(change, Delete) and change.address.kind == "group":
            subjects += [Address("user", key) for key in change.ends]
        failed = next((subject for subject in subjects if subject in self._failed), None)
        if failed:
            return f"{failed} {self._failed[failed]}, so nothing is taken away from them"
        return self.headcount.take(change, atom)

    def _dangling(self, change: Change, atom: Atom) -> str:
        """Why a reference cannot be set, or "": who has it was not made, or somebody whom it names is not."""
        if atom.path[:1] != ("attributes",):
            return ""
        names = next((f.names for f in fields_of(change) if f.refers and f.path == atom.path), ())
        if names and atom.id is None and atom.address in self._failed:
            return f"{atom.address} {self._failed[atom.address]}"
        lost = next((name for name in names if name not in self.ids), None)
        return f"{lost} {self._failed.get(lost, 'is not live')}" if lost else ""

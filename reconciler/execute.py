"""Send a plan's operations, one after the other, and know what became of each atom.

For every operation: the intent is journalled, the request is sent, the answer
is journalled. Then:

* done: recorded, ids are learned.
* unsure (5xx, or no answer): the objects are read. What is true is recorded;
  what is not is sent again, at most three times.
* already there (409 on a creation): the object is looked up and its id adopted;
  what differs about it was not reviewed, and waits for the next plan.
* refused: one membership among many must not stop its neighbours, so the
  operation is halved until the refused part stands alone.
* credential refused: everything stops.

What depends on something that failed is skipped with the reason, and nothing is
taken away from a person to whom an addition failed. At the end everything
touched is read back: an answer is a claim, the directory is the fact.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from reconciler.changes import Atom, Change, Create, Update, atoms, narrow
from reconciler.errors import (
    BadAnswer,
    IncompleteRead,
    Interrupted,
    JournalFailed,
    NoAnswer,
    Refused,
    Unreachable,
)
from reconciler.journal import Journal
from reconciler.model import Address, Definition, group_address, user_address
from reconciler.operations import Operation, Outcome, Stage, Status, resolve, stage_of, stages
from reconciler.planning.diff import Facts, group_facts, holds, user_facts
from reconciler.providers.base import Answer, Provider
from reconciler.transport.messages import Reader, Transport

RESENDS = 3
_SPLITS = 16
"""So often one operation is halved; a system that refuses everything must not be asked a thousand times."""
_READ_BACK_DELAYS = (0.0, 0.5, 2.0)
"""Seconds before each look: a read may lag behind a write (seen live on role endpoints)."""

_CANNOT_READ = (NoAnswer, Refused, BadAnswer, IncompleteRead)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an apply is: operations done, all of them, and what the last one was."""

    done: int
    total: int
    summary: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an apply did. ``requests`` counts writes sent, ``seconds`` the time from first to last."""

    target: str
    run: str
    journal: str
    changes: tuple[Change, ...]
    outcomes: tuple[Outcome, ...]
    unchanged: int
    requests: int
    seconds: float
    stopped: str = ""
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Whether every atom is true now."""
        return all(outcome.status in ("done", "adopted") for outcome in self.outcomes)

    @property
    def counts(self) -> dict[str, int]:
        """Objects by what became of them; one with a failed part counts as failed, whatever else was done."""
        tally = dict.fromkeys(
            ("created", "updated", "removed", "unchanged", "adopted", "failed", "skipped"), 0
        )
        tally["unchanged"] = self.unchanged
        by_atom = {outcome.atom: outcome.status for outcome in self.outcomes}
        for change in self.changes:
            found = {by_atom[atom] for atom in atoms(change)}
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


class _Stop(Exception):
    """Nothing more is to be sent; the argument says why."""


@dataclass(slots=True)
class _Tries:
    """How often one operation was sent again and halved."""

    resends: int = 0
    splits: int = 0


@dataclass(slots=True)
class Execution:
    """One run over the changes of one target.

    ``ids`` are the live ids known so far; ``stop`` says whether a person asked
    to stop; ``wait`` sleeps for so many seconds; ``on_progress`` is told after
    each operation.
    """

    provider: Provider
    transport: Transport
    journal: Journal
    ids: dict[Address, str]
    definitions: Mapping[str, Definition]
    stop: Callable[[], bool]
    wait: Callable[[float], None]
    on_progress: Callable[[Progress], None]
    outcomes: dict[Atom, Outcome] = field(default_factory=dict)
    requests: int = 0
    _failed: dict[Address, str] = field(default_factory=dict)

    def run(self, changes: Sequence[Change]) -> str:
        """Execute all changes; afterwards ``outcomes`` has every atom. Returns why it stopped early, or "".

        Raises nothing but bugs: what goes wrong is in the outcomes.
        """
        stopped = ""
        try:
            self.journal.write("start", detail=f"{len(changes)} changes")
            self._send_all(changes)
            self._read_back()
        except (_Stop, Interrupted, JournalFailed) as reason:
            stopped = str(reason)
        with suppress(JournalFailed):
            self.journal.write("end", detail=stopped)
        for change in changes:
            for atom in atoms(change):
                self.outcomes.setdefault(atom, Outcome(atom, "skipped", stopped))
        return stopped

    def _send_all(self, changes: Sequence[Change]) -> None:
        parts = list(stages(changes))
        total = sum(len(self.provider.translate(part)) for part in parts)
        done = 0
        for part in parts:
            for operation, covered in self._operations(part):
                self._perform(operation, covered, _Tries())
                done += 1
                self.on_progress(Progress(done, total, operation.summary))

    def _operations(self, changes: Sequence[Change]) -> list[tuple[Operation, tuple[Change, ...]]]:
        """The operations for what can run of these changes, each with the changes it covers."""
        runnable = [kept for change in changes if (kept := self._shed(change))]
        by_address = {change.address: change for change in runnable}
        return [
            (operation, tuple(by_address[address] for address in {a.address: None for a in operation.covers}))
            for operation in self.provider.translate(runnable)
        ]

    def _shed(self, change: Change) -> Change | None:
        """The change without the atoms that cannot be sent; these are recorded as skipped."""
        keep = []
        makes_it = isinstance(change, Create) and any(not atom.member for atom in atoms(change))
        for atom in atoms(change):
            if reason := self._obstacle(change, atom, makes_it=makes_it):
                self._record([atom], "skipped", reason)
            else:
                keep.append(atom)
        return narrow(change, keep)

    def _obstacle(self, change: Change, atom: Atom, *, makes_it: bool) -> str:
        if not makes_it and atom.address not in self.ids:
            return f"{atom.address} {self._failed.get(atom.address, 'is not live')}"
        person = atom.member
        if person and person not in self.ids:
            return f"{person} {self._failed.get(person, 'is not live')}"
        subject = person or atom.address
        if subject in self._failed and stage_of(change, atom) >= Stage.REMOVE_MEMBERS:
            return f"{subject} {self._failed[subject]}, so nothing is taken away from them"
        return ""

    def _perform(self, operation: Operation, covered: tuple[Change, ...], tries: "_Tries") -> None:
        """Send one operation and see it to its end."""
        answer = self._send(operation)
        self.ids.update(answer.ids)
        match answer.verdict:
            case "done":
                self._record(operation.covers, "done")
            case "credential":
                self._record(operation.covers, "failed", answer.message)
                raise _Stop(answer.message)
            case "refused" if self._can_halve(operation, tries):
                tries.splits += 1
                for half in _halves(operation):
                    self._again(covered, half, tries)
            case "refused" if operation.method == "POST":
                self._record(operation.covers, "failed", answer.message)
            case _:
                self._settle(operation, covered, answer, tries)

    def _send(self, operation: Operation) -> Answer:
        if self.stop():
            raise Interrupted("interrupted")
        request = resolve(operation, self.ids)
        note = partial(self.journal.write, covers=operation.covers, method=request.method, path=request.path)
        note("intent")
        try:
            response = self.transport.send(request)
        except (Interrupted, Unreachable) as error:
            note("result", detail=f"not sent: {error}")
            if isinstance(error, Interrupted):
                raise
            raise _Stop(str(error)) from None
        except NoAnswer as error:
            answer, status = Answer("unsure", message=str(error)), None
        else:
            answer, status = self.provider.receive(operation, response), response.status
        self.requests += 1
        try:
            note("result", status=status, detail=answer.message or " ".join(answer.ids.values()))
        except JournalFailed:
            self._record(
                operation.covers, "unsettled", "it was sent, and the journal could not take the answer"
            )
            raise
        return answer

    def _settle(
        self, operation: Operation, covered: tuple[Change, ...], answer: Answer, tries: "_Tries"
    ) -> None:
        """Read what is true now; record it, and send again, adopt or give up what is not."""
        try:
            facts = self._look(operation.covers)
        except _CANNOT_READ as error:
            unsure = answer.verdict == "unsure"
            reason = f"{answer.message}; reading it back failed too: {error}"
            self._record(operation.covers, "unsettled" if unsure else "failed", reason)
            return
        except Interrupted:
            self._record(
                operation.covers, "unsettled", f"{answer.message}; interrupted before it could be read"
            )
            raise
        true = [a for a in operation.covers if holds(a, facts.get(a.address), self.definitions)]
        left = [a for a in operation.covers if a not in set(true)]
        made_by_another = operation.method == "POST" and bool(true)
        self._record(true, "adopted" if answer.verdict == "exists" else "done")
        if not left:
            return
        if made_by_another:
            self._record(
                left, "failed", "somebody else made it with other values; they wait for the next plan"
            )
        elif answer.verdict == "unsure" and tries.resends < RESENDS:
            self.wait(2.0**tries.resends)
            tries.resends += 1
            self._again(covered, left, tries)
        else:
            self._record(left, "failed", answer.message)

    def _again(self, covered: tuple[Change, ...], wanted: Sequence[Atom], tries: "_Tries") -> None:
        parts = [part for change in covered if (part := narrow(change, wanted))]
        for operation, changes in self._operations(parts):
            self._perform(operation, changes, tries)

    @staticmethod
    def _can_halve(operation: Operation, tries: "_Tries") -> bool:
        edges = sum(atom.member is not None for atom in operation.covers)
        # What makes a group cannot be sent without its name, so that alone is no half.
        parts = len(operation.covers) if operation.method == "PATCH" else edges
        return tries.splits < _SPLITS and edges > 0 and parts > 1

    def _look(self, covers: Sequence[Atom]) -> dict[Address, Facts]:
        """Read the objects that these atoms are about, learn their ids, and return what is live of them."""
        state = self.provider.look(Reader(self.transport), covers, self.ids)
        known = {live_id: address for address, live_id in self.ids.items()}
        facts: dict[Address, Facts] = {}
        for user in state.users:
            address = known.get(user.id) or user_address(user.resource.email)
            self.ids[address] = user.id
            facts[address] = user_facts(user.resource, self.definitions)
        for group in state.groups:
            address = known.get(group.id) or group_address(group.resource.name)
            self.ids[address] = group.id
            facts[address] = group_facts(group.resource)
        return facts

    def _read_back(self) -> None:
        """See that what was answered as done is so; what is not is a failure, said as such."""
        claimed = [atom for atom, outcome in self.outcomes.items() if outcome.status == "done"]
        try:
            for delay in _READ_BACK_DELAYS:
                if not claimed:
                    return
                if delay:
                    self.wait(delay)
                facts = self._look(claimed)
                claimed = [a for a in claimed if not holds(a, facts.get(a.address), self.definitions)]
        except _CANNOT_READ as error:
            self._record(claimed, "unsettled", f"answered as done, but it could not be read back: {error}")
            return
        for atom in claimed:
            self.journal.write("read-back", covers=[atom], detail="not as it was answered")
        self._record(claimed, "failed", "answered as done, but reading it back shows that it is not")

    def _record(self, covers: Iterable[Atom], status: Status, reason: str = "") -> None:
        for atom in covers:
            self.outcomes[atom] = Outcome(atom, status, reason)
            if status not in ("failed", "unsettled"):
                continue
            if atom.member and atom.after:
                self._failed.setdefault(atom.member, f"could not be added to {atom.address}")
            elif atom.id is None:
                self._failed.setdefault(atom.address, "could not be created")


def _halves(operation: Operation) -> tuple[list[Atom], list[Atom]]:
    rest = [atom for atom in operation.covers if not atom.member]
    edges = [atom for atom in operation.covers if atom.member]
    if rest and operation.method == "PATCH":
        return rest, edges
    middle = len(edges) // 2
    return rest + edges[:middle], edges[middle:]

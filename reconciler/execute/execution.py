"""Send a plan's operations, one after the other, and know what became of each atom.

For every operation: the intent is journalled, the request is sent, the answer
is journalled. Then:

* done: recorded, ids are learned.
* unsure (5xx, or no answer) or busy (429 for good): after a moment the objects
  are read. What is true is recorded; what is not is sent again, at most three times.
* already there (409 on a creation): the object is looked up and its id adopted;
  what differs about it was not reviewed, and waits for the next plan.
* refused: one membership among many must not stop its neighbours, so what is
  not true yet is halved until the refused part stands alone.
* credential refused: everything stops.

What depends on something that failed is skipped with the reason, and nothing is
taken away from a person to whom an addition failed or was skipped. Before anything
is taken away, what the guards counted on is read again (see ``headcount``). At the
end everything touched is read back: an answer is a claim, the directory is the fact.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from reconciler.changes import Atom, Change, Create, Delete, atoms, narrow
from reconciler.errors import (
    BadAnswer,
    CredentialRefused,
    IncompleteRead,
    Interrupted,
    JournalFailed,
    NoAnswer,
    Refused,
    Unreachable,
)
from reconciler.execute.look import Look
from reconciler.journal import Journal
from reconciler.model import Address, Definition
from reconciler.operations import Operation, Outcome, Stage, Status, resolve, stage_of, stages
from reconciler.planning.diff import holds
from reconciler.planning.headcount import Headcount
from reconciler.providers.base import Answer, Provider
from reconciler.transport.messages import Transport

RESENDS = 3
_REFUSALS = 20
"""After so many in a row nothing is halved: a system that refuses everything must not be asked a thousand
times. To find one refused member among 5,000 takes 14."""
_SILENT = 2
"""After so many operations in a row that were neither answered nor could be read back, nothing is sent."""

_ELSE = "it is there already, with something else; what differs waits for the next plan"
_CANNOT_READ = (NoAnswer, Refused, BadAnswer, IncompleteRead)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an apply is: operations done, all of them, and what the last one was."""

    done: int
    total: int
    summary: str


class _Stop(Exception):
    """Nothing more is to be sent; the argument says why."""


@dataclass(slots=True)
class Execution:
    """One run over the changes of one target.

    ``ids`` are the live ids known so far; ``stop`` says whether a person asked
    to stop; ``wait`` sleeps for so many seconds; ``on_progress`` is told after
    each operation; ``headcount`` says what may not be taken away.
    """

    provider: Provider
    transport: Transport
    journal: Journal
    ids: dict[Address, str]
    definitions: Mapping[str, Definition]
    stop: Callable[[], bool]
    wait: Callable[[float], None]
    on_progress: Callable[[Progress], None]
    headcount: Headcount
    outcomes: dict[Atom, Outcome] = field(default_factory=dict)
    requests: int = 0
    _look: Look = field(init=False)
    _failed: dict[Address, str] = field(default_factory=dict)
    _refusals: int = 0
    _silent: int = 0

    def __post_init__(self) -> None:
        """Look with what the run knows, and let it learn by that."""
        self._look = Look(self.provider, self.transport, self.ids, self.definitions, self.wait)

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
            self._check_again(part)
            for operation, covered in self._operations(part):
                self._perform(operation, covered)
                done += 1
                self.on_progress(Progress(done, total, operation.summary))

    def _check_again(self, part: Sequence[Change]) -> None:
        """See that what the guards counted on still holds, where this part takes something away."""
        try:
            for relied in self.headcount.reliances(part, self.ids.keys()):
                for atom in self._look.unmet(relied):
                    what = "is not in it any more" if atom.member else "is not active any more"
                    self.headcount.missed(atom, what)
        except _CANNOT_READ as error:
            self.headcount.unseen(f"it could not be looked at again: {error}")
            self._stop_if_hopeless(error)
        else:
            self.headcount.unseen("")

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
        if stage_of(change, atom) < Stage.REMOVE_MEMBERS:
            return ""
        subjects = [person or atom.address]
        if isinstance(change, Delete) and change.address.kind == "group":
            subjects += [Address("user", key) for key in change.ends]
        wronged = next((subject for subject in subjects if subject in self._failed), None)
        if wronged:
            return f"{wronged} {self._failed[wronged]}, so nothing is taken away from them"
        return self.headcount.take(change, atom)

    def _perform(self, operation: Operation, covered: tuple[Change, ...], resends: int = 0) -> None:
        """Send one operation and see it to its end."""
        answer = self._send(operation)
        self.ids.update(answer.ids)
        self._refusals = self._refusals + 1 if answer.verdict == "refused" else 0
        match answer.verdict:
            case "done":
                self._silent = 0
                self._record(operation.covers, "done")
            case "credential":
                self._record(operation.covers, "failed", answer.message)
                raise _Stop(answer.message)
            case "refused" if operation.method == "POST":
                self._halve(operation.covers, covered, answer)
            case _:
                self._settle(operation, covered, answer, resends)

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
        self, operation: Operation, covered: tuple[Change, ...], answer: Answer, resends: int
    ) -> None:
        """Read what is true now; record it, and send again, halve or give up what is not."""
        worth_another = answer.verdict in ("unsure", "busy")
        unknown: Status = "unsettled" if answer.verdict == "unsure" else "failed"
        try:
            if worth_another:
                # What timed out may still be under way.
                self.wait(2.0**resends)
            facts = self._look.facts(operation.covers)
        except _CANNOT_READ as error:
            reason = f"{answer.message}; reading it back failed too: {error}"
            self._record(operation.covers, unknown, reason)
            self._stop_if_hopeless(error)
            return
        except Interrupted:
            reason = f"{answer.message}; interrupted before it could be read"
            self._record(operation.covers, unknown, reason)
            raise
        self._silent = 0
        true: list[Atom] = []
        left: list[Atom] = []
        for atom in operation.covers:
            held = holds(atom, facts.get(atom.address), self.definitions)
            (true if held else left).append(atom)
        self._record(true, "adopted" if answer.verdict == "exists" else "done")
        if operation.method == "POST" and true:
            self._record(left, "failed", _ELSE)
        elif worth_another and resends < RESENDS:
            self._again(covered, left, resends + 1)
        elif answer.verdict == "refused" and true:
            self._again(covered, left)
        elif answer.verdict == "refused" and facts:
            self._halve(left, covered, answer)
        else:
            self._record(left, "failed", answer.message)

    def _stop_if_hopeless(self, error: Exception) -> None:
        """Stop where the key is refused, or where the system has gone silent; raises _Stop."""
        self._silent += 1
        if isinstance(error, CredentialRefused):
            raise _Stop(str(error)) from None
        if self._silent >= _SILENT:
            message = f"the system does not answer any more, so nothing else is sent to it: {error}"
            raise _Stop(message) from None

    def _halve(self, left: Sequence[Atom], covered: tuple[Change, ...], answer: Answer) -> None:
        """Send what was refused in two parts; what stands alone has failed."""
        first, second = _halves(left)
        if not first or not second or self._refusals > _REFUSALS:
            self._record(left, "failed", answer.message)
            return
        self._again(covered, first)
        if self.outcomes[first[0]].status == "adopted":
            self._record(second, "failed", _ELSE)
        else:
            self._again(covered, second)

    def _again(self, covered: tuple[Change, ...], wanted: Sequence[Atom], resends: int = 0) -> None:
        parts = [part for change in covered if (part := narrow(change, wanted))]
        for operation, changes in self._operations(parts):
            self._perform(operation, changes, resends)

    def _read_back(self) -> None:
        """See that what was answered as done is so; what is not is a failure, said as such."""
        claimed = [atom for atom, outcome in self.outcomes.items() if outcome.status == "done"]
        try:
            claimed = self._look.unmet(claimed)
        except _CANNOT_READ as error:
            self._record(claimed, "unsettled", f"answered as done, but it could not be read back: {error}")
            return
        self._record(claimed, "failed", "answered as done, but reading it back shows that it is not")
        if claimed:
            self.journal.write("read-back", covers=claimed, detail="not as it was answered")

    def _record(self, covers: Iterable[Atom], status: Status, reason: str = "") -> None:
        for atom in covers:
            self.outcomes[atom] = Outcome(atom, status, reason)
            if status in ("done", "adopted"):
                self.headcount.gained(atom)
                continue
            what = "added" if atom.member else "created" if atom.id is None else "made active"
            self.headcount.missed(atom, f"could not be {what}")
            if atom.member and atom.after:
                self._failed.setdefault(atom.member, f"could not be added to {atom.address}")
            elif atom.id is None:
                self._failed.setdefault(atom.address, "could not be created")


def _halves(left: Sequence[Atom]) -> tuple[list[Atom], list[Atom]]:
    """What is no membership, and the memberships; or one half of these, and the other. One may be empty."""
    rest = [atom for atom in left if not atom.member]
    edges = [atom for atom in left if atom.member]
    middle = 0 if rest else len(edges) // 2
    return rest + edges[:middle], edges[middle:]

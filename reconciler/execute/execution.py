"""Send a plan's operations, one after the other, and know what became of each atom.

For every operation: the intent is journalled, the request is sent, the answer
is journalled. Then, for each part of it that the answer speaks of by itself, or for all of it:

* done: recorded, and the ids in the answer are learned.
* unsure (5xx, or no answer) or busy (429 again and again): after a moment the objects
  are read. What is true is recorded; what is not is sent again, at most three times.
* passed (412): it is read in the same way. What is still as it was is sent again with the version of
  now; what is something else now has failed, and waits for the next plan.
* already there (409 on a creation): the object is looked up and its id adopted;
  what differs about it was not reviewed, and waits for the next plan.
* untried, since the system stopped before it: it is sent once more by itself, unless the
  system came to nothing at all.
* refused: one refused membership among many must not stop the others, so what is
  not true yet is sent in halves until the refused part is alone.
* pending: taken, and not done yet. It is never sent again; what is seen to be true when
  everything is read back is done, and the rest shows up in the next plan. Where a read shows
  what is under way, that is pending from the start, whoever sent it.
* unsupported: the system cannot do that, so it is neither halved nor sent again.
* credential refused: everything stops.

``ledger`` says what must not be sent because of what failed before. Before anything
is taken away, what the guards counted on is read again (see ``headcount``). At the
end everything touched is read back: an answer is a claim, the directory is the fact.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from reconciler.changes import Atom, Change, Update, atoms, narrow
from reconciler.errors import (
    CredentialRefused,
    FileUnusable,
    Interrupted,
    JournalFailed,
    NoAnswer,
    Unreachable,
)
from reconciler.execute.headcount import Headcount
from reconciler.execute.ledger import Ledger
from reconciler.execute.look import Look
from reconciler.execute.reading import look_again, look_for_pending, read_back
from reconciler.execute.settling import CANNOT_READ, Settling
from reconciler.execute.verdicts import FINAL, Next, halves, in_journal, needs_a_look, told, was_refused
from reconciler.journal import Journal
from reconciler.model import ACTIVE, Address, Definition, UnderWay
from reconciler.operations import Operation, Outcome, Rewritten, no_file, resolve, stages
from reconciler.planning.unseen import tellable
from reconciler.providers.base import Answer, Part, Provider, Rewriting
from reconciler.transport.messages import Reader, Request, Transport

_REFUSALS = 20
"""Refusals in a row after which nothing is halved: a system that refuses everything must not be asked a
thousand times. To find one refused member among 5,000 takes 14."""
_SILENT = 2
"""Operations in a row, neither answered nor read back, after which nothing more is sent."""


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
    each operation; ``headcount`` says what may not be taken away; ``under_way`` is what the
    system had taken and not done yet when it was read. ``part`` says that not everything was. ``content``
    reads a file, by its value. ``versions`` are those of the objects as they were read, where the system
    has any. ``closed`` are the ids of inactive people whom any change would let in; each look tells anew.
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
    under_way: Sequence[UnderWay] = ()
    part: bool = False
    content: Callable[[str], bytes] = no_file
    versions: dict[Address, str] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    requests: int = 0
    _ledger: Ledger = field(init=False)
    _look: Look = field(init=False)
    _settling: Settling = field(init=False)
    _refusals: int = 0
    _silent: int = 0
    _untried: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Share the ids: what a look or an answer teaches is known everywhere."""
        self._ledger = Ledger(self.ids, self.headcount)
        self._look = Look(
            self.provider,
            self.transport,
            self.ids,
            self.definitions,
            self.wait,
            self.versions,
            part=self.part,
        )
        self._look.under_way[:] = self.under_way
        self._look.closed.update(self.closed)
        self._settling = Settling(self._ledger, self._look, self.definitions, self.wait)

    @property
    def outcomes(self) -> Mapping[Atom, Outcome]:
        """What became of each atom; complete once ``run`` is over."""
        return self._ledger.outcomes

    def run(self, changes: Sequence[Change]) -> str:
        """Execute all changes; returns why it stopped early, or "".

        What goes wrong is in the outcomes, so it raises nothing but bugs.
        """
        stopped = ""
        try:
            self.journal.write("start", detail=f"{len(changes)} changes")
            self._leave_what_is_taken(changes)
            self._send_all(changes)
            read_back(self._ledger, self._look, self.journal)
            look_for_pending(self._ledger, self._look, self.journal)
        except (_Stop, Interrupted, JournalFailed) as reason:
            stopped = str(reason)
        with suppress(JournalFailed):
            self.journal.write("end", detail=stopped, sent=self._unsent())
        for change in changes:
            for atom in atoms(change):
                self._ledger.outcomes.setdefault(atom, Outcome(atom, "skipped", stopped))
        return stopped

    def _unsent(self) -> dict[str, dict[str, str]]:
        """What no answer shows, and of which nobody can say that it was sent: the next plan sends it."""
        unsent = tellable(self._ledger.undone(), self.ids, self.definitions)
        return {live_id: dict.fromkeys(names, "") for live_id, names in unsent.items()}

    def _leave_what_is_taken(self, changes: Sequence[Change]) -> None:
        """An earlier run may have sent it: then it is under way, and sent no more."""
        taken = self._look.taken(atom for change in changes for atom in atoms(change))
        self._ledger.record(taken, "pending", "the system has taken it before, and not done it yet")

    def _send_all(self, changes: Sequence[Change]) -> None:
        parts = list(stages(changes))
        total = sum(len(self.provider.translate(part)) for part in parts)
        number_done = 0
        for part in parts:
            self._check_again(part)
            for operation, covered in self._operations(part):
                self._perform(operation, covered)
                self._perform_untried()
                number_done += 1
                self.on_progress(Progress(number_done, total, operation.summary))

    def _hold(self, operation: Operation, covered: tuple[Change, ...]) -> bool:
        """Leave out what would let somebody in who is inactive by the last look, and says nothing of that."""
        closed = [c for c in covered if isinstance(c, Update) and c.id in self._look.closed]
        each = [atoms(change) for change in closed]
        stay = [one for one in each if not any(a.path == ACTIVE and a.after is True for a in one)]
        mine = set(operation.covers)
        held = [a for one in stay for a in one if a.path != ACTIVE and a in mine]
        if held:
            self._ledger.record(held, "skipped", "it would let them in again, and that is left out here")
            self._again(covered, [atom for atom in operation.covers if atom not in held])
        return bool(held)

    def _check_again(self, part: Sequence[Change]) -> None:
        """See that what the guards counted on still holds, where this part takes something away."""
        try:
            look_again(part, self.headcount, self._look)
        except CANNOT_READ as error:
            self.headcount.unseen(f"it could not be looked at again: {error}")
            self._stop_if_hopeless(error)
        else:
            self.headcount.unseen("")

    def _operations(self, changes: Sequence[Change]) -> list[tuple[Operation, tuple[Change, ...]]]:
        """The operations for what can run of these changes, each with the changes it covers."""
        runnable = [sendable for change in changes if (sendable := self._ledger.sendable(change))]
        by_address = {change.address: change for change in runnable}
        return [
            (operation, tuple(by_address[address] for address in {a.address: None for a in operation.covers}))
            for operation in self.provider.translate(runnable)
        ]

    def _perform(self, operation: Operation, covered: tuple[Change, ...], resends: int = 0) -> None:
        """Send one operation and see each part of its answer to its end."""
        request = self._request(operation, covered)
        if request is None:
            return
        parts = self._send(operation, request)
        self._refusals = self._refusals + 1 if was_refused(parts) else 0
        for part in parts:
            if status := FINAL.get(part.verdict):
                self._silent = 0
                self._ledger.record(part.covers, status, told(part))
        in_doubt = [part for part in parts if needs_a_look(part)]
        if refusal := next((part for part in parts if part.verdict == "credential"), None):
            self._settling.give_up(in_doubt, "not looked at, since the credential was refused")
            raise _Stop(refusal.message)
        steps = self._settle(in_doubt, resends)
        for part in parts:
            if part.verdict == "untried":
                self._put_off(part, covered, in_vain=all(other.verdict == "untried" for other in parts))
            elif part.verdict == "refused" and part not in in_doubt:
                steps.append((part, "halve"))
        self._go_on(steps, covered, resends)

    def _request(self, operation: Operation, covered: tuple[Change, ...]) -> Request | None:
        """The request for an operation; None where it cannot be sent as it is: its parts are seen to then."""
        if self._ledger.withheld(operation) or self._hold(operation, covered):
            return None
        try:
            return resolve(operation, self.ids, self.content, self.versions)
        except FileUnusable as error:
            self._halve(Part(operation.covers, "refused", message=str(error)), covered)
            return None

    def _send(self, operation: Operation, request: Request) -> tuple[Part, ...]:
        if self.stop():
            raise Interrupted("interrupted")
        built = self._rewritten(operation, request)
        if isinstance(built, Answer):
            return built.over(operation.covers)
        request = built
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
        parts = answer.over(operation.covers)
        self._learn(operation, answer, parts)
        try:
            done = [atom for part in parts if part.verdict == "done" for atom in part.covers]
            sent = tellable(done, self.ids, self.definitions)
            note("result", status=status, detail=in_journal(answer), sent=sent)
            for part in parts if answer.parts else ():
                self.journal.write("part", covers=part.covers, detail=f"{part.verdict} {in_journal(part)}")
        except JournalFailed:
            self._ledger.record(
                operation.covers, "unsettled", "it was sent, and the journal could not take the answer"
            )
            raise
        return parts

    def _learn(self, operation: Operation, answer: Answer, parts: Sequence[Part]) -> None:
        """Keep the ids that an answer names, and the versions."""
        if answer.version and operation.of:
            self.versions[operation.of] = answer.version
        self.versions.update({part.covers[0].address: part.version for part in parts if part.version})
        for learned in (answer.ids, *(part.ids for part in parts)):
            self.ids.update(learned)

    def _rewritten(self, operation: Operation, request: Request) -> Request | Answer:
        """The request as it is sent: where it is a whole object, one that was read just now."""
        if not isinstance(operation.body, Rewritten) or not isinstance(self.provider, Rewriting):
            return request
        try:
            return self.provider.rewrite(Reader(self.transport), operation, request, self.ids)
        except CredentialRefused as error:
            return Answer("credential", message=str(error))
        except Unreachable as error:
            raise _Stop(str(error)) from None
        except CANNOT_READ as error:
            return Answer("busy", message=f"not sent, since what is live could not be read: {error}")

    def _settle(self, in_doubt: Sequence[Part], resends: int) -> list[tuple[Part, Next]]:
        if not in_doubt:
            return []
        try:
            steps = self._settling.settle(in_doubt, resends)
        except CANNOT_READ as error:
            self._stop_if_hopeless(error)
            return []
        self._silent = 0
        return steps

    def _go_on(self, steps: Sequence[tuple[Part, Next]], covered: tuple[Change, ...], resends: int) -> None:
        """Send again, or in halves, what is worth it."""
        for part, step in steps:
            if step == "halve":
                self._halve(part, covered)
            elif step == "rest":
                self._again(covered, part.covers)
        waited = [atom for part, step in steps if step == "again" for atom in part.covers]
        self._again(covered, waited, resends + 1)

    def _put_off(self, part: Part, covered: tuple[Change, ...], *, in_vain: bool) -> None:
        """Send later what the system did not come to, unless it came to nothing, or refuses everything."""
        if in_vain or self._refusals > _REFUSALS:
            self._ledger.record(part.covers, "skipped", part.message or "the system did not come to it")
            return
        self._untried += [left for change in covered if (left := narrow(change, part.covers))]

    def _perform_untried(self) -> None:
        """Send what was put off, until all of it was tried: each time something of it is."""
        while self._untried:
            untried, self._untried = self._untried, []
            for operation, covered in self._operations(untried):
                self._perform(operation, covered)

    def _stop_if_hopeless(self, error: Exception) -> None:
        """Stop where the key is refused, or where the system has gone silent; raises _Stop."""
        self._silent += 1
        if isinstance(error, CredentialRefused):
            raise _Stop(str(error)) from None
        if self._silent >= _SILENT:
            message = f"the system does not answer any more, so nothing else is sent to it: {error}"
            raise _Stop(message) from None

    def _halve(self, refused: Part, covered: tuple[Change, ...]) -> None:
        """Send what was refused in two parts; what stands alone has failed."""
        first, second = halves(refused.covers)
        if not first or not second or self._refusals > _REFUSALS:
            self._ledger.record(refused.covers, "failed", refused.message)
            return
        self._again(covered, first)
        before = self._ledger.outcomes.get(first[0])
        if before and before.status == "adopted" and first[0].address == second[0].address:
            self._ledger.differs(second)
        else:
            self._again(covered, second)

    def _again(self, covered: tuple[Change, ...], wanted: Sequence[Atom], resends: int = 0) -> None:
        parts = [part for change in covered if (part := narrow(change, wanted))]
        for operation, changes in self._operations(parts):
            self._perform(operation, changes, resends)

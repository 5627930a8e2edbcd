"""What a provider must be able to say, whatever its system.

A provider never decides *what* changes, only *how to say it*. It is given a
``Reader`` to read with and values to translate; only ``execute`` sends.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, runtime_checkable

from reconciler.changes import Atom, Change
from reconciler.errors import Problem
from reconciler.model import Address, Asked, DesiredState, LiveState, Need
from reconciler.operations import Operation
from reconciler.plan import Note
from reconciler.report import Report
from reconciler.transport.messages import Reader, Request, Response

Verdict = Literal[
    "done",
    "pending",
    "exists",
    "refused",
    "unsupported",
    "credential",
    "busy",
    "passed",
    "unsure",
    "untried",
]
"""What is settled, halved or sent again follows from the verdict alone.

``pending``: it is taken, and not done yet. ``exists``: it could not be created because it
is already there. ``unsupported``: the system cannot do that, now or later. ``busy``: it was
not done, and may be later. ``passed``: it was not done, since somebody has changed the object since it
was read. ``unsure``: whether it took place must be read. ``untried``: the
system did not come to it, since it stops after a failure, say.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """How a system answered some of what an operation covers. The fields are those of an ``Answer``."""

    covers: tuple[Atom, ...]
    verdict: Verdict
    ids: Mapping[Address, str] = field(default_factory=dict)
    message: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a system answered a write.

    ``ids`` are the ids that were learned; ``message`` is one line for a person, with the
    system's own words. Where it answers part by part, ``parts`` has the verdict on each, and
    ``verdict`` is on all that they leave out. ``version`` is that of the object now, where it is told.
    """

    verdict: Verdict
    ids: Mapping[Address, str] = field(default_factory=dict)
    message: str = ""
    parts: tuple[Part, ...] = ()
    version: str = ""

    def over(self, covers: Sequence[Atom]) -> tuple[Part, ...]:
        """The verdict on each of these atoms, once: the first that is given on it."""
        left = dict.fromkeys(covers)
        found = []
        for part in (*self.parts, Part(tuple(covers), self.verdict, self.ids, self.message)):
            mine = tuple(atom for atom in part.covers if atom in left)
            for atom in mine:
                left.pop(atom, None)
            if mine:
                found.append(replace(part, covers=mine))
        return tuple(found)


@runtime_checkable
class Naming(Protocol):
    """A provider whose target has names for what the system knows by id alone."""

    def named(self, desired: DesiredState) -> DesiredState:
        """The same, with the ids beside such names, so that a plan shows and seals them. Pure."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """A provider whose system does more than what it is asked, or less, and says so in a plan."""

    def notes(self, desired: DesiredState, changes: Sequence[Change]) -> Iterator[Note]:
        """What a reader of a plan with these changes should know beside them. Pure."""
        ...


@runtime_checkable
class Logging(Protocol):
    """A provider whose system has a log of its own, for people who see no other."""

    def log(self, report: Report) -> Sequence[Operation]:
        """What the system's log is told of an apply; none where the target does not ask for it. Pure."""
        ...


class Provider(Protocol):
    """One kind of system. All methods but the two that take a Reader are pure."""

    def read(self, reader: Reader, need: Need) -> LiveState:
        """Read everything, completely; raises IncompleteRead, BadAnswer, Refused or NoAnswer.

        Requests for one thing each are announced to the reader before they are made.
        Where the system shows what it has taken and not done yet, that is ``under_way``. Where no
        answer shows who is in a group, its ``members`` are None.
        """
        ...

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:
        """Read only the objects that these atoms are about, in as few requests as possible.

        ``ids`` holds every live id known, also of people who are only members.
        What is not in the answer is not live. Raises as ``read`` does.
        """
        ...

    def audit(self, desired: DesiredState, live: LiveState) -> list[Problem]:
        """What the files say and this very system cannot hold, each with its place."""
        ...

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        """Say changes of one stage as operations, as few as the system allows."""
        ...

    def receive(self, operation: Operation, response: Response) -> Answer:
        """Understand the answer to one operation."""
        ...


@runtime_checkable
class Informed(Protocol):
    """A provider that says changes otherwise once it has read the system."""

    def informed(self, live: LiveState, desired: DesiredState) -> Provider:
        """The provider that knows what one read found, and what the files say; it reads nothing."""
        ...


@runtime_checkable
class Rewriting(Protocol):
    """A provider with operations whose body is ``Rewritten``."""

    def rewrite(
        self, reader: Reader, operation: Operation, request: Request, ids: Mapping[Address, str]
    ) -> Request | Answer:
        """The request to send, built from a fresh read; an answer where it must not be sent.

        The JSON of ``request`` is what the operation says is to be changed. ``ids`` are those known by now,
        by the names of the files. Raises as ``Provider.read`` does.
        """
        ...


def informed(provider: Provider, live: LiveState, desired: DesiredState) -> Provider:
    """The provider, with what it learns from a read."""
    return provider.informed(live, desired) if isinstance(provider, Informed) else provider


@runtime_checkable
class Selective(Protocol):
    """A provider whose system can be asked for some objects; of any other, everything is read.

    None of its attributes is a file: whether one has changed only a complete read would tell.
    """

    def read_some(self, reader: Reader, asked: Asked, need: Need) -> LiveState | None:
        """Read what is asked for, with ``asked`` as it was looked for; raises as ``Provider.read``.

        None where a complete read takes no more requests, or where only that tells. Who is called as
        asked is found as a complete read finds them: the same rows, every one with that name. Nothing is
        guessed: of a member who is nobody that was asked for the id is ``unread``.
        """
        ...

    def look_closely(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:
        """As ``Provider.look``, where ``ids`` are only those of a part: what a list takes is not known."""
        ...

"""What a kind of system must be able to say: the kind, for all that stands around a plan, and its provider.

A provider never decides *what* changes, only *how to say it*. It is given a
``Reader`` to read with and values to translate; only ``execute`` sends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from reconciler.changes import Atom, Change
from reconciler.errors import Problem
from reconciler.model import Address, DesiredState, LiveState, Need
from reconciler.operations import Operation
from reconciler.providers.quirks import Quirks
from reconciler.sandbox.pretend import Pretend
from reconciler.transport.hosts import Hosts
from reconciler.transport.messages import Reader, Response

Verdict = Literal["done", "exists", "refused", "credential", "busy", "unsure"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a system answered a write.

    ``exists``: it could not be created because it is already there. ``busy``: it
    was not done, and may be later. ``unsure``: whether it took place must be read.
    ``ids`` are the ids that were learned; ``message`` is one line for a person, with
    the system's own words.
    """

    verdict: Verdict
    ids: Mapping[Address, str] = field(default_factory=dict)
    message: str = ""


class Provider(Protocol):
    """One kind of system. All methods but the two that take a Reader are pure."""

    def read(self, reader: Reader, need: Need) -> LiveState:
        """Read everything, completely; raises IncompleteRead, BadAnswer, Refused or NoAnswer."""
        ...

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:
        """Read only the objects that these atoms are about, in as few requests as possible.

        ``ids`` holds every live id known, also of people who are only members.
        What is not in the answer is not live. Raises as ``read`` does.
        """
        ...

    def audit(self, desired: DesiredState, live: LiveState) -> list[Problem]:
        """What the files say and the system cannot hold, each with its place."""
        ...

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        """Say changes of one stage as operations, as few as the system allows."""
        ...

    def receive(self, operation: Operation, response: Response) -> Answer:
        """Understand the answer to one operation."""
        ...


class Kind(Protocol):
    """One kind of system, whole: what shared code asks where kinds differ, so that it names none."""

    @property
    def title(self) -> str:
        """What people call it, in messages."""
        ...

    @property
    def hosts(self) -> Hosts:
        """Where a key may go, and what an address looks like."""
        ...

    @property
    def pace(self) -> int:
        """Requests in any 60 seconds, for each key, where target.yaml gives no number."""
        ...

    @property
    def variable(self) -> str:
        """The environment variable that messages propose for a key."""
        ...

    @property
    def switches(self) -> Sequence[str]:
        """The names of what its pretend system can be told to do otherwise."""
        ...

    def switched(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        """What switches say, by name, as a command line writes them; raises ValueError with a bad one."""
        ...

    def open_sandbox(self, seed: Path, state: Path | None) -> Pretend:
        """Its pretend system over a seed and, where there is one, a state file; raises ValueError."""
        ...

    def provider(self, quirks: Quirks) -> Provider:
        """The provider, as far as the quirks of an instance are known."""
        ...

"""A system of which the test says what it knows of each attribute; beneath it is the pretend Omni."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from reconciler.changes import Atom, Change
from reconciler.errors import Problem
from reconciler.model import Address, Definition, DesiredState, LiveState, Need
from reconciler.operations import Operation
from reconciler.providers.base import Answer
from reconciler.providers.fitting import misfits
from reconciler.providers.omni.provider import Omni
from reconciler.transport.messages import Reader, Response


@dataclass(frozen=True)
class Typed:
    """A provider with definitions of its own."""

    definitions: Mapping[str, Definition]
    inner: Omni = field(default_factory=Omni)
    name: ClassVar[str] = "Acme"

    def read(self, reader: Reader, need: Need) -> LiveState:
        state = self.inner.read(reader, need)
        return state if state.definitions is None else replace(state, definitions=self.definitions)

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:
        return self.inner.look(reader, covers, ids)

    def audit(self, desired: DesiredState, live: LiveState) -> list[Problem]:
        return [] if live.definitions is None else misfits(desired, live.definitions, self.name)

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        return self.inner.translate(changes)

    def receive(self, operation: Operation, response: Response) -> Answer:
        return self.inner.receive(operation, response)

"""A system of which the test says what it knows of each attribute; beneath it is the pretend Omni."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from reconciler.changes import Atom, Change
from reconciler.errors import Problem
from reconciler.model import Address, Definition, DesiredState, Live, LiveState, Need, User, Value, address_of
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
        if state.definitions is None:
            return state
        names = {each.id: address_of(each.resource).key for each in state.objects}
        return replace(self._named(state, names), definitions=self.definitions)

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:
        return self._named(self.inner.look(reader, covers, ids), {ids[each]: each.key for each in ids})

    def _named(self, state: LiveState, names: Mapping[str, str]) -> LiveState:
        """The state with the names of those whom references hold the ids of."""
        return replace(state, users=tuple(self._with_names(user, names) for user in state.users))

    def _with_names(self, user: Live[User], names: Mapping[str, str]) -> Live[User]:
        def named(value: Value) -> Value:
            if isinstance(value, tuple):
                return tuple(names.get(str(item), item) for item in value)
            return names.get(str(value), value)

        attributes = {
            key: named(value) if key in self.definitions and self.definitions[key].refers else value
            for key, value in (user.resource.attributes or {}).items()
            if key not in self.definitions or self.definitions[key].readable
        }
        return replace(user, resource=replace(user.resource, attributes=attributes))

    def audit(self, desired: DesiredState, live: LiveState) -> list[Problem]:
        return [] if live.definitions is None else misfits(desired, live.definitions, self.name)

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        return self.inner.translate(changes)

    def receive(self, operation: Operation, response: Response) -> Answer:
        return self.inner.receive(operation, response)

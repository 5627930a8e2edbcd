"""Any directory that speaks SCIM 2.0, told by discovery what it can do."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.changes import Atom, Change
from reconciler.errors import Problem
from reconciler.model import Address, Definition, DesiredState, LiveState, Need, user_key
from reconciler.operations import Operation, Together
from reconciler.providers.base import Answer
from reconciler.providers.question import Question
from reconciler.providers.scim import translate as said
from reconciler.providers.scim.audit import audit
from reconciler.providers.scim.bulk import Wanted, limited, together, understood
from reconciler.providers.scim.discovery import BASE, Discovery, discover
from reconciler.providers.scim.find import find
from reconciler.providers.scim.quirks import NO_QUIRKS, Quirks
from reconciler.providers.scim.reader import ScimReader
from reconciler.providers.scim.rewriting import rewrite
from reconciler.providers.scim.state import Memory
from reconciler.providers.scim.writing import NOBODY_KNOWN, Known
from reconciler.transport.messages import Reader, Request, Response

TITLE = "the directory"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one read found of a server.

    ``memory`` is what it found of users that no attribute tells.
    """

    discovery: Discovery
    memory: Memory


@dataclass(frozen=True, slots=True)
class Scim:
    """The provider for ``kind: scim``. It holds no credential.

    ``extensions`` are short names of URNs. ``seen`` is what a read found, and ``known`` what that and
    the files tell about people; before a read there is none. ``bulk`` is whether, and how many, changes
    go in one request.
    """

    extensions: Mapping[str, str] = field(default_factory=dict)
    quirks: Quirks = NO_QUIRKS
    seen: Discovery | None = None
    known: Known = NOBODY_KNOWN
    live: LiveState = field(default_factory=LiveState)
    bulk: Wanted = "auto"

    def read(self, reader: Reader, need: Need) -> LiveState:
        """Ask the server what it is, and read every user and every group."""
        found = self._discovered(reader)
        shape = found.shape.knowing(_names(need))
        if need.everything:
            need = replace(need, others=frozenset(shape.slots))
        state = ScimReader(reader, replace(found.dialect, shape=shape)).read(need)
        # What a list does not show is None there, and is no sign that there is such a name.
        attributes = (user.resource.attributes or {} for user in state.users)
        shape = shape.seen({name for each in attributes for name, one in each.items() if one is not None})
        found = replace(found, shape=shape, dialect=replace(found.dialect, shape=shape))
        memory = state.memo if isinstance(state.memo, Memory) else Memory()
        return replace(state, definitions=shape.definitions, memo=Seen(found, memory))

    def _discovered(self, reader: Reader) -> Discovery:
        found = self.seen or discover(reader, self.extensions)
        return replace(found, dialect=limited(self.quirks.of(found.dialect), self.bulk))

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:
        """Read only the objects that these atoms are about."""
        return ScimReader(reader, self._discovered(reader).dialect).look(covers, ids)

    @property
    def extension(self) -> str:
        """No one object holds the attributes in a user's row."""
        return ""

    def find(self, reader: Reader, question: Question) -> LiveState | None:
        """What answers a question; None where only a complete read tells."""
        return find(ScimReader(reader, self._discovered(reader).dialect), question)

    def definitions(self, reader: Reader) -> Mapping[str, Definition]:
        """What the server knows of attributes, by name."""
        return self._discovered(reader).shape.definitions

    def informed(self, live: LiveState, desired: DesiredState) -> "Scim":
        """The provider, with what a read found."""
        if not isinstance(live.memo, Seen):
            return self
        users, nameless = {user.id: user for user in live.users}, live.memo.memory.nameless

        def attributes(live_id: str) -> Collection[str]:
            user = users.get(live_id)
            values = (user.resource.attributes or {}) if user else {}
            named = [name for name, value in values.items() if value not in (None, ())]
            return [*named, *(f"{name}." for name in nameless.get(live_id, ()))]

        def stated(key: str) -> Collection[str]:
            user = desired.users.get(key)
            return tuple(user.attributes or ()) if user else ()

        return replace(self, seen=live.memo.discovery, known=Known(attributes, stated), live=live)

    def audit(self, desired: DesiredState, live: LiveState) -> list[Problem]:
        """Attributes that the server does not define, or defines otherwise: it would ignore them."""
        if not isinstance(live.memo, Seen):
            return []
        return audit(desired, live, live.memo.discovery.shape, live.memo.memory, TITLE)

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        """Say changes of one stage as SCIM operations."""
        dialect = self.seen.dialect if self.seen else BASE
        return together(said.translate(changes, dialect, self.known), dialect, self.live)

    def receive(self, operation: Operation, response: Response) -> Answer:
        """Understand the answer to one operation."""
        dialect = self.seen.dialect if self.seen else BASE
        if isinstance(operation.body, Together):
            return understood(operation, operation.body.operations, response, dialect)
        return said.receive(operation, response, dialect)

    def rewrite(
        self, reader: Reader, operation: Operation, request: Request, ids: Mapping[Address, str]
    ) -> Request | Answer:
        """A whole user or group, built from a fresh read."""
        server = ScimReader(reader, self._discovered(reader).dialect)
        named = {user.id: user_key(user.resource.email) for user in self.live.users}
        named |= {one: address.key for address, one in ids.items() if address.kind == "user"}
        told = self.live.memo.memory.told if isinstance(self.live.memo, Seen) else ()
        return rewrite(server, operation, request, self.live, named, told)


def _names(need: Need) -> set[str]:
    """The attributes that anybody needs."""
    return set(need.others).union(*need.attributes.values())

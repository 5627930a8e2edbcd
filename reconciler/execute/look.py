"""Read a few objects while they are being changed: an answer is a claim, what is live is the fact."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.changes import Atom
from reconciler.model import Address, Definition, UnderWay, address_of
from reconciler.planning.diff import Facts, facts_of, holds, taken
from reconciler.planning.unseen import is_unseen
from reconciler.providers.base import Provider, Selective
from reconciler.transport.messages import Reader, Transport

_DELAYS = (0.0, 0.5, 2.0)
"""Seconds before each look: a read may lag behind a write (seen live on role endpoints)."""


@dataclass(frozen=True, slots=True)
class Look:
    """Reads single objects of one target.

    ``ids`` are the live ids known so far; a look adds to them. ``wait`` sleeps for
    so many seconds. ``versions`` are those of the objects as they were seen last. ``part`` says that no
    more than these ids was read. ``under_way`` is what the system had taken and not done yet at the last
    look, and ``closed`` the ids of inactive people whom any change would let in.
    """

    provider: Provider
    transport: Transport
    ids: dict[Address, str]
    definitions: Mapping[str, Definition]
    wait: Callable[[float], None]
    versions: dict[Address, str] = field(default_factory=dict)
    under_way: list[UnderWay] = field(default_factory=list)
    part: bool = False
    closed: set[str] = field(default_factory=set)

    def facts(self, covers: Sequence[Atom]) -> dict[Address, Facts]:
        """What is live of the objects that these atoms are about; their ids are learned.

        Raises NoAnswer, Refused, BadAnswer or IncompleteRead.
        """
        provider = self.provider
        look = provider.look_closely if self.part and isinstance(provider, Selective) else provider.look
        state = look(Reader(self.transport), covers, self.ids)
        self.under_way[:] = state.under_way
        self.closed.difference_update(live.id for live in state.users)
        self.closed.update(state.closed)
        by_id = {live_id: address for address, live_id in self.ids.items()}
        facts: dict[Address, Facts] = {}
        for live in state.objects:
            address = by_id.get(live.id) or address_of(live.resource)
            self.ids.setdefault(address, live.id)
            if live.id in state.versions:
                self.versions[address] = state.versions[live.id]
            facts[address] = facts_of(live.resource, self.definitions)
        return facts

    def taken(self, atoms: Iterable[Atom]) -> list[Atom]:
        """What of this the system had taken and not done yet when it was looked at last."""
        return taken(atoms, self.under_way, self.definitions)

    def met(self, expected: list[Atom]) -> list[Atom]:
        """What of this shows already; raises as ``facts`` does."""
        facts = self.facts(expected) if expected else {}
        return [a for a in expected if holds(a, facts.get(a.address), self.definitions)]

    def unmet(self, expected: list[Atom]) -> list[Atom]:
        """The expected atoms that are not true, and do not become true after a while; raises as ``facts``.

        What no answer shows is taken for true: nothing but the answer to the write can say.
        """
        expected = [atom for atom in expected if not is_unseen(atom.path, self.definitions)]
        for delay in _DELAYS:
            if not expected:
                break
            if delay:
                self.wait(delay)
            facts = self.facts(expected)
            expected = [a for a in expected if not holds(a, facts.get(a.address), self.definitions)]
        return expected

    def done_by_now(self, pending: Sequence[Atom]) -> list[Atom]:
        """What the system had taken, and has done by now; raises as ``facts`` does.

        What no answer shows was taken together with the rest of its object, and is done once all of that is.
        """
        facts = self.facts(pending)
        visible = [atom for atom in pending if not is_unseen(atom.path, self.definitions)]
        done = {a for a in visible if holds(a, facts.get(a.address), self.definitions)}
        objects = {a.address for a in done} - {a.address for a in visible if a not in done}
        unseen = {a for a in pending if a not in visible and a.address in objects}
        return [atom for atom in pending if atom in done or atom in unseen]

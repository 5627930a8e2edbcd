"""Look at what is live of a few objects, while they are being changed: an answer is a claim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.changes import Atom
from reconciler.model import Address, Definition, group_address, user_address
from reconciler.planning.diff import Facts, group_facts, holds, user_facts
from reconciler.providers.base import Provider
from reconciler.transport.messages import Reader, Transport

_DELAYS = (0.0, 0.5, 2.0)
"""Seconds before each look: a read may lag behind a write (seen live on role endpoints)."""


@dataclass(frozen=True, slots=True)
class Look:
    """Eyes on one target; ``ids`` are the live ids known so far, and learn; ``wait`` sleeps for seconds."""

    provider: Provider
    transport: Transport
    ids: dict[Address, str]
    definitions: Mapping[str, Definition]
    wait: Callable[[float], None]

    def facts(self, covers: Sequence[Atom]) -> dict[Address, Facts]:
        """Read the objects that these atoms are about, learn their ids, and return what is live of them.

        Raises NoAnswer, Refused, BadAnswer or IncompleteRead.
        """
        state = self.provider.look(Reader(self.transport), covers, self.ids)
        known = {live_id: address for address, live_id in self.ids.items()}
        facts: dict[Address, Facts] = {}
        for user in state.users:
            address = known.get(user.id) or user_address(user.resource.email)
            self.ids.setdefault(address, user.id)
            facts[address] = user_facts(user.resource, self.definitions)
        for group in state.groups:
            address = known.get(group.id) or group_address(group.resource.name)
            self.ids.setdefault(address, group.id)
            facts[address] = group_facts(group.resource)
        return facts

    def unmet(self, expected: list[Atom]) -> list[Atom]:
        """What of this does not show, and does not after a while either; raises as ``facts`` does."""
        for delay in _DELAYS:
            if not expected:
                break
            if delay:
                self.wait(delay)
            facts = self.facts(expected)
            expected = [a for a in expected if not holds(a, facts.get(a.address), self.definitions)]
        return expected

"""Find out what became of what is in doubt, by reading it, and record that."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from reconciler.changes import Atom
from reconciler.errors import BadAnswer, IncompleteRead, Interrupted, NoAnswer, Refused
from reconciler.execute.ledger import Ledger
from reconciler.execute.look import Look
from reconciler.execute.verdicts import WORTH_ANOTHER, Next, made_by, next_step, told
from reconciler.model import Address, Definition
from reconciler.planning.diff import Facts, holds, was
from reconciler.planning.unseen import is_unseen
from reconciler.providers.base import Answer, Part

RESENDS = 3
MOVED = "somebody has changed it since it was read, so it was left alone; plan again"
UNSEEN = "whether it took place cannot be seen"
CANNOT_READ = (NoAnswer, Refused, BadAnswer, IncompleteRead)


@dataclass(frozen=True, slots=True)
class Settling:
    """Looks, and writes into the ledger. ``wait`` sleeps for so many seconds."""

    ledger: Ledger
    look: Look
    definitions: Mapping[str, Definition]
    wait: Callable[[float], None]

    def settle(self, in_doubt: Sequence[Part], resends: int) -> list[tuple[Part, Next]]:
        """Read what is true now and record it; returns what is not true, and what is to be done about it.

        Raises as ``Look.facts`` does, once it is recorded that nobody knows.
        """
        facts = self._facts_after(in_doubt, resends)
        covers = [atom for part in in_doubt for atom in part.covers]
        unseen = {a for a in covers if is_unseen(a.path, self.definitions)}
        true = {a for a in covers if a not in unseen and holds(a, facts.get(a.address), self.definitions)}
        found = made_by(covers) & {atom.address for atom in true}
        steps: list[tuple[Part, Next]] = []
        for part in in_doubt:
            mine = [atom for atom in part.covers if atom in true]
            self.ledger.record(mine, "adopted" if part.verdict == "exists" else "done")
            untold = _untold(part, true, unseen)
            self.ledger.record(untold, "unsettled", f"{part.message}; {UNSEEN}")
            false = self._without_taken([a for a in part.covers if a not in true and a not in untold])
            self.ledger.differs(atom for atom in false if atom.address in found)
            remaining = self._without_moved(part, [a for a in false if a.address not in found], facts)
            is_live = any(atom.address in facts for atom in remaining)
            step = next_step(part, some_true=bool(mine), is_live=is_live, last=resends >= RESENDS)
            if step == "fail":
                self.ledger.record(remaining, "failed", part.message)
            elif remaining:
                steps.append((replace(part, covers=remaining), step))
        return steps

    def _without_moved(
        self, part: Part, false: Sequence[Atom], facts: Mapping[Address, Facts]
    ) -> tuple[Atom, ...]:
        """What is not true, but for what is something else by now, where somebody else was faster."""
        if part.verdict != "passed":
            return tuple(false)
        as_read = [atom for atom in false if was(atom, facts.get(atom.address), self.definitions)]
        moved = [atom for atom in false if atom not in as_read]
        self.ledger.record(moved, "failed", MOVED)
        return tuple(as_read)

    def _without_taken(self, false: Sequence[Atom]) -> list[Atom]:
        """What is not true, and not under way either; what is, is recorded as pending."""
        taken = self.look.taken(false)
        self.ledger.record(taken, "pending", told(Answer("pending")))
        return [atom for atom in false if atom not in taken]

    def _facts_after(self, in_doubt: Sequence[Part], resends: int) -> Mapping[Address, Facts]:
        """What is live of the objects in doubt."""
        try:
            if any(part.verdict in WORTH_ANOTHER for part in in_doubt):
                # What timed out may still be under way.
                self.wait(2.0**resends)
            return self.look.facts([atom for part in in_doubt for atom in part.covers])
        except CANNOT_READ as error:
            self.give_up(in_doubt, f"reading it back failed too: {error}")
            raise
        except Interrupted:
            self.give_up(in_doubt, "interrupted before it could be read")
            raise

    def give_up(self, in_doubt: Sequence[Part], why: str) -> None:
        """Record what is in doubt and cannot be read."""
        for part in in_doubt:
            was_sent = part.verdict == "unsure"
            self.ledger.record(part.covers, "unsettled" if was_sent else "failed", f"{part.message}; {why}")


def _untold(part: Part, true: AbstractSet[Atom], unseen: AbstractSet[Atom]) -> list[Atom]:
    """What nobody can know after an unsure answer; it goes along where its object is sent again anyhow."""
    if part.verdict != "unsure":
        return []
    found = made_by(part.covers) & {atom.address for atom in true}
    again = {a.address for a in part.covers if a not in true and a not in unseen} - found
    return [atom for atom in part.covers if atom in unseen and atom.address not in again]

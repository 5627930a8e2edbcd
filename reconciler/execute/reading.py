"""What an apply reads beside what it sends: what a removal relies on, and in the end what became of it."""

from collections.abc import Sequence
from contextlib import suppress

from reconciler.changes import Atom, Change
from reconciler.execute.headcount import Headcount, undone
from reconciler.execute.ledger import Ledger
from reconciler.execute.look import Look
from reconciler.execute.settling import CANNOT_READ
from reconciler.journal import Journal


def look_again(part: Sequence[Change], headcount: Headcount, look: Look) -> None:
    """Read what these changes rely on; whoever is missed is relied on no more, so others may be.

    Raises as ``Look.facts`` does.
    """
    seen: set[Atom] = set()
    missed = True
    while missed:
        missed = _missed(part, headcount, look, seen)


def _missed(part: Sequence[Change], headcount: Headcount, look: Look, seen: set[Atom]) -> bool:
    """Whether anything is missed of what is relied on now, but for what was seen."""
    relied = headcount.relied_on(part, look.ids.keys(), closely=bool(seen))
    stay, go = ([atom for atom in atoms if atom not in seen] for atoms in relied)
    missed = [*look.unmet(stay), *map(undone, look.met(go))]
    for atom in missed:
        headcount.missed(atom, f"is not seen {'in it' if atom.member else 'to be active'} any more")
    seen.update(stay, go)
    return bool(missed)


def read_back(ledger: Ledger, look: Look, journal: Journal) -> None:
    """Read whether what was answered as done is true; what is not has failed."""
    claimed = ledger.those("done")
    try:
        claimed = look.unmet(claimed)
    except CANNOT_READ as error:
        ledger.record(claimed, "unsettled", f"answered as done, but it could not be read back: {error}")
        return
    ledger.record(claimed, "failed", "answered as done, but reading it back shows that it is not")
    if claimed:
        journal.write("read-back", covers=claimed, detail="not as it was answered")


def look_for_pending(ledger: Ledger, look: Look, journal: Journal) -> None:
    """See once more whether what was only taken is done by now."""
    pending = ledger.those("pending")
    if not pending:
        return
    with suppress(*CANNOT_READ):
        done = look.done_by_now(pending)
        ledger.record(done, "done")
        if done:
            journal.write("read-back", covers=done, detail="done by now")

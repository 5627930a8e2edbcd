"""What an answer means for the atoms that it is about, as values: nothing here sends or reads."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from reconciler.changes import Atom
from reconciler.model import NAMED_BY, Address
from reconciler.operations import Status
from reconciler.providers.base import Answer, Part, Verdict

Next = Literal["again", "rest", "halve", "fail"]
"""What is done about what is not true: it is sent again after a while, sent without what is
true, sent in halves, or has failed."""

FINAL: Mapping[Verdict, Status] = {
    "done": "done",
    "pending": "pending",
    "unsupported": "failed",
    "credential": "failed",
}
"""What is known without another look at the system."""
WORTH_ANOTHER: tuple[Verdict, ...] = ("unsure", "busy")


_OPENINGS: Mapping[Verdict, str] = {
    "pending": "the system has taken it, and not done it yet",
    "unsupported": "the system cannot do that",
}


def told(answer: Answer | Part) -> str:
    """What is said of an answer, in one line; empty where there is nothing to say."""
    opening = _OPENINGS.get(answer.verdict, "")
    return ": ".join(filter(None, (opening, answer.message)))


def in_journal(answer: Answer | Part) -> str:
    """What the journal says of an answer: what is told of it, else the ids in it."""
    return told(answer) or " ".join(answer.ids.values())


def was_refused(parts: Iterable[Part]) -> bool:
    """Whether an answer counts as a refusal: something was refused, and nothing done."""
    verdicts = {part.verdict for part in parts}
    return "refused" in verdicts and "done" not in verdicts


def needs_a_look(part: Part) -> bool:
    """Whether what is live must be read to know what became of it."""
    if part.verdict == "refused":
        return not only_makes(part.covers)
    return part.verdict not in FINAL and part.verdict != "untried"


def next_step(part: Part, *, some_true: bool, is_live: bool, last: bool) -> Next:
    """What to do about what is not true of a part; ``last`` says that it was sent often enough."""
    if part.verdict in (*WORTH_ANOTHER, "passed") and not last:
        return "again"
    if part.verdict == "refused" and some_true:
        return "rest"
    return "halve" if part.verdict == "refused" and is_live else "fail"


def made_by(atoms: Iterable[Atom]) -> frozenset[Address]:
    """The objects that these atoms make."""
    return frozenset(a.address for a in atoms if a.id is None and a.path == NAMED_BY[a.address.kind])


def only_makes(atoms: Iterable[Atom]) -> bool:
    """Whether all of these are about objects that they make, so that of what was refused nothing is live."""
    return {atom.address for atom in atoms} == made_by(atoms)


def halves(remaining: Sequence[Atom]) -> tuple[list[Atom], list[Atom]]:
    """Two parts, of which one may be empty.

    Of several objects each part has some. Of one object they are its memberships and the
    other atoms, or two halves of the memberships.
    """
    addresses = list(dict.fromkeys(atom.address for atom in remaining))
    if len(addresses) > 1:
        first = set(addresses[: len(addresses) // 2])
        return [a for a in remaining if a.address in first], [a for a in remaining if a.address not in first]
    others = [atom for atom in remaining if not atom.member]
    memberships = [atom for atom in remaining if atom.member]
    middle = 0 if others else len(memberships) // 2
    return others + memberships[:middle], memberships[middle:]

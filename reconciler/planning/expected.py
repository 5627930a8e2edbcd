"""Drift that is known, and accepted until a day that a person named."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from reconciler.changes import Atom, atoms, narrow
from reconciler.errors import Place
from reconciler.model import FieldPath, group_key, user_key
from reconciler.plan import Note, Plan


@dataclass(frozen=True, slots=True)
class Expectation:
    """One accepted difference: ``pattern`` is a glob over addresses, ``field`` a dotted path, empty for any.

    ``until`` is a day such as 2026-12-31, the last one on which it is accepted.
    """

    pattern: str
    field: str
    until: str
    reason: str
    place: Place

    def covers(self, atom: Atom) -> bool:
        """Whether the atom is what this expects."""
        kind, _, name = self.pattern.partition("/")
        key = user_key(name) if kind == "user" else group_key(name)
        if kind != atom.address.kind or not fnmatchcase(atom.address.key, key):
            return False
        return not self.field or f"{_dotted(atom.path)}.".startswith(f"{self.field}.")


def _dotted(path: FieldPath) -> str:
    return ".".join(path)


def without_expected(plan: Plan, expectations: Sequence[Expectation], today: str) -> Plan:
    """The plan without what is expected, and notes about what was, is no longer, or never came.

    An expectation whose day has passed covers nothing; one that covers nothing
    is named as well, so that the list does not outlive its reasons.
    """
    current = [one for one in expectations if one.until >= today]
    covered: dict[Expectation, int] = dict.fromkeys(expectations, 0)
    changes = []
    for change in plan.changes:
        unexpected = []
        for atom in atoms(change):
            found = [one for one in expectations if one.covers(atom)]
            for one in found:
                covered[one] += 1
            if not any(one in current for one in found):
                unexpected.append(atom)
        part = narrow(change, unexpected) if atoms(change) else change
        if part:
            changes.append(part)
    notes = [_note(one, number, expired=one not in current) for one, number in covered.items()]
    return replace(plan, changes=tuple(changes), notes=(*plan.notes, *notes))


def _note(one: Expectation, covered: int, *, expired: bool) -> Note:
    what = f"{one.pattern} {one.field}".rstrip()
    if not covered:
        message = f"{what} was expected to differ and does not: the expectation can go ({one.reason})"
        return Note("expected", message, one.place, warning=True)
    if expired:
        message = f"{what} was expected to differ until {one.until}, which has passed ({one.reason})"
        return Note("expected", message, one.place, warning=True)
    details = "1 difference" if covered == 1 else f"{covered} differences"
    message = f"{what}: {details} expected until {one.until} ({one.reason})"
    return Note("expected", message, one.place)

"""Drift that is known, and accepted until a day that a person named."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from reconciler.changes import Atom, atoms
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


def without_expected(
    plan: Plan, expectations: Sequence[Expectation], today: str, left_out: Sequence[Atom] = ()
) -> Plan:
    """The plan without the differences that are expected, and with a note about each expectation.

    ``left_out`` are the differences that a part of a plan leaves out.

    An expectation whose day has passed hides nothing any more. A note names it, and each
    that met no difference, so that the list does not outlive its reasons.
    """
    current = [expectation for expectation in expectations if expectation.until >= today]
    differences = [*left_out, *(atom for change in plan.changes for atom in atoms(change))]
    met = {each: sum(map(each.covers, differences)) for each in expectations}
    unexpected = plan.cut(lambda atom: not any(each.covers(atom) for each in current))
    notes = [_note(each, number, expired=each not in current) for each, number in met.items()]
    rest = plan if unexpected == plan.changes else plan.part(unexpected)
    return replace(rest, notes=(*plan.notes, *notes))


def _note(expectation: Expectation, met: int, *, expired: bool) -> Note:
    """What became of an expectation, which so many differences met."""
    what = f"{expectation.pattern} {expectation.field}".rstrip()
    until, reason = expectation.until, expectation.reason
    if not met:
        message = f"{what} was expected to differ and does not: the expectation can go ({reason})"
        return Note("expected", message, expectation.place, warning=True)
    if expired:
        message = f"{what} was expected to differ until {until}, which has passed ({reason})"
        return Note("expected", message, expectation.place, warning=True)
    differences = "1 difference" if met == 1 else f"{met} differences"
    return Note("expected", f"{what}: {differences} expected until {until} ({reason})", expectation.place)

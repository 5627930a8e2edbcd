"""The first line of a plan, as people would say it: "3 join, Charles leaves, 12 change".

It says what an apply does to people: who gains access, who loses it, and whom else it touches, if
only through a group. Where it touches nobody, it says what becomes of groups. One alone is named: a
person by the name where the plan has it, else by the login.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.changes import action_of
from reconciler.model import ACTIVE
from reconciler.plan import Plan
from reconciler.views.layout import Style
from reconciler.views.people import Person, by_person
from reconciler.views.safe import label, quote, shortened

_NAME = ("name",)
_LONGEST_NAME = 60
_PEOPLE: Mapping[str, tuple[str, str, Style]] = {
    "join": ("joins", "join", "add"),
    "leave": ("leaves", "leave", "remove"),
    "change": ("changes", "change", "change"),
}
"""What one person does and what several do."""
_GROUPS: Mapping[str, tuple[str, str, Style]] = {
    "created": ("is created", "groups are created", "add"),
    "deleted": ("is deleted", "groups are deleted", "remove"),
    "updated": ("changes", "groups change", "change"),
}


@dataclass(frozen=True, slots=True)
class Clause:
    """Who does what. ``who`` is a number, or where ``named`` a name: printable, and cut where it is long."""

    who: str
    does: str
    style: Style = ""
    noun: str = ""
    named: bool = False

    def __str__(self) -> str:
        return " ".join(filter(None, (self.noun, self.who, self.does)))


def headline(plan: Plan) -> tuple[Clause, ...]:
    """The clauses of the first line; none for a plan without changes."""
    if not plan.changes:
        return ()
    part = plan.intended if plan.included else plan
    people = [(_deed(person), _name(person)) for person in by_person(part)]
    groups = [(action_of(change), label(change.label)) for change in part.changes]
    clauses = _clauses(people, _PEOPLE) if people else _clauses(groups, _GROUPS, "group")
    return tuple(clauses) or (Clause("nothing", "to apply"),)


def _clauses(
    named: Sequence[tuple[str, str]], deeds: Mapping[str, tuple[str, str, Style]], noun: str = ""
) -> Iterator[Clause]:
    for deed, (one_does, all_do, style) in deeds.items():
        match [name for done, name in named if done == deed]:
            case []:
                continue
            case [name]:
                yield Clause(shortened(name, _LONGEST_NAME), one_does, style, noun, named=True)
            case names:
                yield Clause(str(len(names)), all_do, style)


def _deed(person: Person) -> str:
    if person.account not in ("", "create"):
        return "leave"
    back = any((item.path, item.after) == (ACTIVE, True) for item in person.fields)
    return "join" if person.account or back else "change"


def _name(person: Person) -> str:
    name = next((item.after for item in person.fields if item.path == _NAME), None)
    return quote(name) if name else label(person.key)

"""The same plan by person: what each one gains and loses, whichever objects that stands in."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, assert_never

from reconciler.changes import (
    Change,
    Create,
    Delete,
    FieldChange,
    Origin,
    Update,
    atoms,
    fields_of,
    is_removal,
)
from reconciler.model import NAMED_BY, Address
from reconciler.plan import Plan
from reconciler.views.lines import called, live_login

Account = Literal["", "create", "deactivate", "revoke", "revoke, deactivate", "delete"]


@dataclass(slots=True)
class Person:
    """What a plan changes for one person. ``joins`` and ``leaves`` are groups, by name, in order.

    ``deed`` says what becomes of the account in the words of the system's own people, ``known`` what the
    account is called live, where that is another login.
    """

    key: str
    account: Account = ""
    deed: str = ""
    known: str = ""
    joins: list[str] = field(default_factory=list)
    leaves: list[str] = field(default_factory=list)
    fields: list[FieldChange] = field(default_factory=list)
    origins: set[Origin] = field(default_factory=set)

    @property
    def loses(self) -> bool:
        """Whether something is taken away from them."""
        return bool(self.account not in ("", "create") or self.leaves or any(map(is_removal, self.fields)))


def by_person(plan: Plan) -> tuple[Person, ...]:
    """Everybody for whom the plan changes something: who loses something first, then by address."""
    people: dict[str, Person] = {}
    for change in plan.changes:
        if change.address.kind == "user":
            key = change.address.key
            _add_account(people.setdefault(key, Person(key)), change, plan)
    for key, group, joins, origin in _edges(plan):
        person = people.setdefault(key, Person(key))
        groups = person.joins if joins else person.leaves
        if group not in groups:
            groups.append(group)
        if origin:
            person.origins.add(origin)
    for person in people.values():
        person.joins.sort()
        person.leaves.sort()
        person.known = live_login(plan, Address("user", person.key))
    return tuple(sorted(people.values(), key=lambda person: (not person.loses, person.key)))


def _add_account(person: Person, change: Change, plan: Plan) -> None:
    match change:
        case Create():
            person.account = "create"
        case Update(removal=removal):
            person.account = removal or ""
        case Delete():
            person.account = "delete"
        case _:  # pragma: no cover (mypy proves that there is no other change)
            assert_never(change)
    person.deed = called(plan.words, person.account)
    origins = (plan.origins.get((change.address, atom.path)) for atom in atoms(change))
    person.origins.update(origin for origin in origins if origin)
    person.fields = [f for f in fields_of(change) if f.path != NAMED_BY["user"] or f.before is not None]


def _edges(plan: Plan) -> Iterator[tuple[str, str, bool, Origin | None]]:
    """Every membership that begins or ends: the person's key, the group's name, if it begins, and why."""
    names: dict[str, set[str]] = defaultdict(set)
    for change in plan.changes:
        if change.address.kind == "user":
            if isinstance(change, Delete):
                names[change.address.key] |= set(change.ends)
        elif isinstance(change, Delete):
            for key in change.ends:
                yield key, change.label, False, plan.origins.get((change.address, ()))
        else:
            for item in change.fields:
                if item.path[0] == "members":
                    origin = plan.origins.get((change.address, item.path))
                    yield item.path[1], change.label, item.after is not None, origin
    for key, groups in names.items():
        for name in groups:
            yield key, name, False, None

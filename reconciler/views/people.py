"""The same plan by person: what each one gains and loses, whichever objects that stands in."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from reconciler.changes import Change, Create, Delete, FieldChange, Origin, Update
from reconciler.plan import Plan

Account = Literal["", "create", "deactivate", "revoke", "revoke, deactivate", "delete"]


@dataclass(slots=True)
class Person:
    """What a plan changes for one person. ``joins`` and ``leaves`` are groups, by name, in order."""

    key: str
    account: Account = ""
    joins: list[str] = field(default_factory=list)
    leaves: list[str] = field(default_factory=list)
    fields: list[FieldChange] = field(default_factory=list)
    origins: set[Origin] = field(default_factory=set)

    @property
    def loses(self) -> bool:
        """Whether something is taken away from them."""
        return bool(
            self.account not in ("", "create")
            or self.leaves
            or any(f.after is None or (f.path == ("active",) and f.after is False) for f in self.fields)
        )


def by_person(plan: Plan) -> tuple[Person, ...]:
    """Everybody for whom the plan changes something: who loses something first, then by address."""
    found: dict[str, Person] = {}

    def person(key: str) -> Person:
        return found.setdefault(key, Person(key))

    for change in plan.changes:
        if change.address.kind == "user":
            _account(person(change.address.key), change, plan)
    for key, name, joins, origin in _edges(plan):
        one = person(key)
        names = one.joins if joins else one.leaves
        if name not in names:
            names.append(name)
        if origin:
            one.origins.add(origin)
    for one in found.values():
        one.joins.sort()
        one.leaves.sort()
    return tuple(sorted(found.values(), key=lambda one: (not one.loses, one.key)))


def _account(one: Person, change: Change, plan: Plan) -> None:
    match change:
        case Create():
            one.account = "create"
        case Update(removal=removal):
            one.account = removal or ""
        case Delete():
            one.account = "delete"
    paths = [()] if isinstance(change, Delete) else [f.path for f in change.fields]
    one.origins |= {o for path in paths if (o := plan.origins.get((change.address, path)))}
    if not isinstance(change, Delete):
        one.fields = [f for f in change.fields if f.path != ("email",)]


def _edges(plan: Plan) -> Iterator[tuple[str, str, bool, Origin | None]]:
    """Every membership that begins or ends: the person's key, the group's name, which of both, and why."""
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

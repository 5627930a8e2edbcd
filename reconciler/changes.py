"""The plan as data: what differs, object by object and field by field.

A *change* says what differs between desired and live state, in no system's
tongue. Its smallest part is an *atom*: (address, live id, path, before,
after), one for each field and one for each membership edge. Atoms are what a
review approves and what an apply checks; everything here is JSON-able,
comparable and digestible.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from reconciler.errors import Place
from reconciler.model import Address, FieldPath, Value

Removal = Literal["deactivate", "revoke", "revoke, deactivate"]
"""How an update takes a person's access away. A deletion is a change of its own."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. For a membership edge the path is ("members", user key), the value True."""

    path: FieldPath
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Create:
    """An object that is not live yet; its fields go from unset to a value."""

    address: Address
    label: str
    fields: tuple[FieldChange, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Update:
    """A live object of which some fields differ; ``removal`` where that takes a person's access away."""

    address: Address
    label: str
    id: str
    fields: tuple[FieldChange, ...]
    place: Place
    removal: Removal | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """A live object that is to go.

    ``ends`` are the memberships that go with it: of a group its people, by key;
    of a person the groups, by name.
    """

    address: Address
    label: str
    id: str
    place: Place
    ends: tuple[str, ...] = ()


Change = Create | Update | Delete


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest thing that can be reviewed; ``id`` is None for what the plan creates.

    A deletion is the atom with the empty path, from True to None.
    """

    address: Address
    id: str | None
    path: FieldPath
    before: Value
    after: Value

    def __str__(self) -> str:
        return " ".join((str(self.address), *self.path))

    @property
    def member(self) -> Address | None:
        """The person of a membership edge; None for every other atom."""
        return Address("user", self.path[1]) if self.path[:1] == ("members",) else None


def atoms(change: Change) -> tuple[Atom, ...]:
    """All atoms of one change, in its own order."""
    if isinstance(change, Delete):
        return (Atom(change.address, change.id, (), before=True, after=None),)
    live_id = change.id if isinstance(change, Update) else None
    return tuple(Atom(change.address, live_id, f.path, f.before, f.after) for f in change.fields)


def narrow(change: Change, wanted: Iterable[Atom]) -> Change | None:
    """The change with only the wanted atoms left; None where none is."""
    keep = set(wanted)
    if isinstance(change, Delete):
        return change if keep.issuperset(atoms(change)) else None
    fields = tuple(f for f, atom in zip(change.fields, atoms(change), strict=True) if atom in keep)
    if not fields:
        return None
    if isinstance(change, Update) and all(f.path != ("active",) for f in fields):
        return replace(change, fields=fields, removal=_STILL_ACTIVE.get(change.removal, change.removal))
    return replace(change, fields=fields)


_STILL_ACTIVE: Mapping[Removal | None, Removal | None] = {
    "deactivate": None,
    "revoke, deactivate": "revoke",
}
"""What is left of a removal that deactivates nobody."""


Origin = Literal["change", "drift", "backlog"]
"""Why an atom is in a plan that was compared with a base revision: the files changed since
(*this change*), somebody changed the live state (*drift*), or it was merged earlier and never
applied (*backlog*)."""

Origins = Mapping[tuple[Address, FieldPath], Origin]
"""The origin of each atom, by address and path."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a plan changes, by kind. A deactivated or revoked user is not also an updated one.

    ``groups_updated`` counts groups of which the name or members change.
    """

    users_created: int = 0
    users_updated: int = 0
    users_deactivated: int = 0
    users_revoked: int = 0
    users_deleted: int = 0
    groups_created: int = 0
    groups_updated: int = 0
    groups_deleted: int = 0
    memberships_added: int = 0
    memberships_removed: int = 0
    values_set: int = 0
    values_cleared: int = 0

    @property
    def removals(self) -> int:
        """The number that ``--allow-removals`` must name: all that takes something away."""
        return (
            self.users_deactivated
            + self.users_revoked
            + self.users_deleted
            + self.groups_deleted
            + self.memberships_removed
            + self.values_cleared
        )


def ends_access(change: Change) -> bool:
    """Whether a change takes a person's access away, or removes an object."""
    return isinstance(change, Delete) or (isinstance(change, Update) and change.removal is not None)


def count(changes: Sequence[Change]) -> Counts:
    """Count the changes by kind."""
    tally = dict.fromkeys(Counts.__slots__, 0)
    for change in changes:
        noun = f"{change.address.kind}s"
        match change:
            case Create():
                tally[f"{noun}_created"] += 1
            case Update(removal=None):
                tally[f"{noun}_updated"] += 1
            case Update(removal=removal):
                tally[f"{noun}_{'revoked' if removal == 'revoke' else 'deactivated'}"] += 1
            case Delete():
                tally[f"{noun}_deleted"] += 1
            case _:  # pragma: no cover (mypy proves that there is no other change)
                assert_never(change)
        for item in _fields(change):
            if item.path[0] == "members":
                tally["memberships_removed" if item.after is None else "memberships_added"] += 1
            elif item.path[0] == "attributes":
                tally["values_cleared" if item.after is None else "values_set"] += 1
    return Counts(**tally)


def _fields(change: Change) -> Iterator[FieldChange]:
    return iter(() if isinstance(change, Delete) else change.fields)


def encode_change(change: Change, origins: Origins | None = None) -> dict[str, object]:
    """One change as JSON data, as ``schemas/plan.schema.json`` describes it."""

    def origin(path: FieldPath) -> dict[str, object]:
        found = (origins or {}).get((change.address, path))
        return {"origin": found} if found else {}

    encoded: dict[str, object] = {
        "action": type(change).__name__.lower(),
        "address": str(change.address),
        "label": change.label,
    }
    if not isinstance(change, Create):
        encoded["id"] = change.id
    if isinstance(change, Update) and change.removal:
        encoded["removal"] = change.removal
    if isinstance(change, Delete):
        encoded |= {"ends": list(change.ends)} | origin(())
    else:
        encoded["fields"] = [
            {"path": list(f.path), "before": f.before, "after": f.after} | origin(f.path)
            for f in change.fields
        ]
    encoded["place"] = str(change.place)
    return encoded

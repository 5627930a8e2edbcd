"""The plan as data: what differs, object by object and field by field.

A *change* says what differs between desired and live state, in no system's
tongue. Its smallest part is an *atom*: (address, live id, path, before,
after), one for each field and one for each membership edge. Atoms are what is
reviewed, and what an apply checks. All of it can be compared, written as JSON,
and digested.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from reconciler.errors import Place
from reconciler.model import ACTIVE, NAMED_BY, Address, FieldPath, Kind, Value

Removal = Literal["deactivate", "revoke", "revoke, deactivate"]
"""How an update takes a person's access away. A deletion is a change of its own."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. For a membership edge the path is ("members", user key), the value True.

    ``refers`` says what the values name where they are keys of users or of groups: the system
    is sent their ids. ``unseen`` says that no answer shows what a live object has there, so
    ``before`` is None and says nothing. ``with_creation`` says that a reference is part of the
    creation, since it can be written then only; all others are set later.
    """

    path: FieldPath
    before: Value
    after: Value
    refers: Kind | None = None
    unseen: bool = False
    with_creation: bool = False

    @property
    def names(self) -> tuple[Address, ...]:
        """Those whom the new value refers to."""
        if self.refers is None or self.after is None:
            return ()
        keys = self.after if isinstance(self.after, tuple) else (self.after,)
        return tuple(Address(self.refers, str(key)) for key in keys)


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
    """A live object that is to be deleted.

    ``ends`` are the memberships that end with it: the people of a group, by key,
    or the groups of a person, by name.
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


def naming(change: Change) -> tuple[tuple[Atom, tuple[Address, ...]], ...]:
    """All atoms of one change, each with the others whom it names.

    They are the person of a membership, those whom a new value refers to, and the people of a
    group that is deleted.
    """
    if isinstance(change, Delete):
        people = change.ends if change.address.kind == "group" else ()
        named: list[tuple[Address, ...]] = [tuple(Address("user", key) for key in people)]
    else:
        named = [(Address("user", f.path[1]),) if f.path[0] == "members" else f.names for f in change.fields]
    return tuple(zip(atoms(change), named, strict=True))


def is_removal(part: FieldChange | Atom) -> bool:
    """Whether this takes something away: a value, a membership, a whole object, or a person's access."""
    return part.after is None or (part.path == ACTIVE and part.after is False)


def takes_away(change: Change) -> bool:
    """Whether anybody loses anything by this change, if only one attribute's value."""
    return ends_access(change) or any(map(is_removal, fields_of(change)))


def ends_access(change: Change) -> bool:
    """Whether a change takes a person's access away, or removes an object."""
    return isinstance(change, Delete) or (isinstance(change, Update) and change.removal is not None)


def ends_access_by(change: Change, atom: Atom) -> bool:
    """Whether a person loses their access by this very atom of the change.

    Every atom of a revocation or a deletion does that; of a deactivation, only ``active``.
    """
    if change.address.kind == "group" or not ends_access(change):
        return False
    only_deactivates = isinstance(change, Update) and change.removal == "deactivate"
    return atom.path == ACTIVE if only_deactivates else True


def leaving_members(change: Change) -> tuple[str, ...]:
    """The people, by key, whose membership of a group ends with this change of the group."""
    if change.address.kind == "user":
        return ()
    if isinstance(change, Delete):
        return change.ends
    return tuple(f.path[1] for f in change.fields if f.path[0] == "members" and f.after is None)


def renamed_from(change: Change) -> str | None:
    """What an object is called until this change gives it another name; None where it gives none."""
    if not isinstance(change, Update):
        return None
    older = (f.before for f in change.fields if f.path == NAMED_BY[change.address.kind])
    return next((name for name in older if isinstance(name, str)), None)


def only_names(change: Change, item: FieldChange) -> bool:
    """Whether a field of a new object says no more than its label does."""
    named_by = NAMED_BY[change.address.kind]
    return isinstance(change, Create) and item.path == named_by and item.after == change.label


def fields_of(change: Change) -> tuple[FieldChange, ...]:
    """The fields of a change; a deletion has none."""
    return () if isinstance(change, Delete) else change.fields


def narrow(change: Change, wanted: Iterable[Atom]) -> Change | None:
    """The change cut down to the wanted atoms; None where it has none of them."""
    keep = set(wanted)
    if isinstance(change, Delete):
        return change if keep.issuperset(atoms(change)) else None
    fields = tuple(f for f, atom in zip(change.fields, atoms(change), strict=True) if atom in keep)
    if not fields:
        return None
    if isinstance(change, Update) and all(f.path != ACTIVE for f in fields):
        return replace(change, fields=fields, removal=_STILL_ACTIVE.get(change.removal, change.removal))
    return replace(change, fields=fields)


_STILL_ACTIVE: Mapping[Removal | None, Removal | None] = {
    "deactivate": None,
    "revoke, deactivate": "revoke",
}
"""What remains of a removal that deactivates nobody."""


Origin = Literal["change", "drift", "backlog"]
"""Why an atom is in a plan that was compared with a base revision: the files changed since
(*this change*), somebody changed the live state (*drift*), or it was merged earlier and never
applied (*backlog*)."""

Origins = Mapping[tuple[Address, FieldPath], Origin]
"""The origin of each atom, by address and path."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a plan changes, by kind. A user who is deactivated or revoked is not counted as updated, too.

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
        """The number that ``--allow-removals`` must name: everything that is taken away."""
        return (
            self.users_deactivated
            + self.users_revoked
            + self.users_deleted
            + self.groups_deleted
            + self.memberships_removed
            + self.values_cleared
        )


Action = Literal["created", "updated", "deactivated", "revoked", "deleted"]
"""What becomes of a whole object."""


def action_of(change: Change) -> Action:
    """What becomes of the object."""
    match change:
        case Create():
            return "created"
        case Delete():
            return "deleted"
        case Update(removal=None):
            return "updated"
        case Update(removal="revoke"):
            return "revoked"
        case Update():
            return "deactivated"
        case _:  # pragma: no cover (mypy proves that there is no other change)
            assert_never(change)


def count(changes: Sequence[Change]) -> Counts:
    """Count the changes by kind."""
    objects = Counter((change.address.kind, action_of(change)) for change in changes)
    nested = (item for change in changes for item in fields_of(change) if len(item.path) > 1)
    parts = Counter((item.path[0], is_removal(item)) for item in nested)
    return Counts(
        users_created=objects["user", "created"],
        users_updated=objects["user", "updated"],
        users_deactivated=objects["user", "deactivated"],
        users_revoked=objects["user", "revoked"],
        users_deleted=objects["user", "deleted"],
        groups_created=objects["group", "created"],
        groups_updated=objects["group", "updated"],
        groups_deleted=objects["group", "deleted"],
        memberships_added=parts["members", False],
        memberships_removed=parts["members", True],
        values_set=parts["attributes", False],
        values_cleared=parts["attributes", True],
    )


def encode_change(change: Change, origins: Origins | None = None) -> dict[str, object]:
    """One change as JSON data, as ``schemas/plan.schema.json`` describes it."""

    def origin(path: FieldPath) -> dict[str, object]:
        known = (origins or {}).get((change.address, path))
        return {"origin": known} if known else {}

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
            {"path": list(f.path), "before": f.before, "after": f.after}
            | ({"refers": f.refers} if f.refers else {})
            | ({"unseen": True} if f.unseen else {})
            | ({"with_creation": True} if f.with_creation else {})
            | origin(f.path)
            for f in change.fields
        ]
    encoded["place"] = str(change.place)
    return encoded

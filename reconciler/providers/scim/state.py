"""Rows of users and groups as a live state: members and references by name, and what a plan should say."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from reconciler.errors import IncompleteRead
from reconciler.model import Group, Live, LiveState, User, Value
from reconciler.providers.scim.codec import GroupRow, UserRow, live_group
from reconciler.providers.scim.dialect import Dialect
from reconciler.providers.scim.flat import Loose

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Memory:
    """What was read of users and is needed to write, by their ids.

    ``nameless`` are the attributes with values that no name holds; ``told`` are those who show their groups;
    ``loose`` are the items that have no type, with the name of their attribute.
    """

    nameless: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    loose: Mapping[str, tuple[Loose, ...]] = field(default_factory=dict)


def state(
    users: Sequence[UserRow],
    groups: Iterable[GroupRow],
    people: Mapping[str, str],
    dialect: Dialect,
    named: Mapping[str, str],
) -> LiveState:
    """The live state of these rows; ``people`` and ``named`` map ids of users and groups to their keys.

    Its memo is a ``Memory``.
    """
    rows = list(groups)
    live: list[Live[Group]] = []
    foreign: dict[str, int] = {}
    for row in rows:
        live.append(live_group(row, people))
        if number := sum(member not in people for member in row.members) + len(row.nested):
            foreign[row.id] = number
    versioned: Iterable[UserRow | GroupRow] = (
        chain[UserRow | GroupRow](users, rows) if dialect.versions else ()
    )
    told = frozenset(row.id for row in users if row.groups is not None)
    return LiveState(
        users=tuple(_referring(row.live, dialect, people, named) for row in users),
        groups=tuple(live),
        foreign=foreign,
        logins_change=dialect.shape is not None,
        versions={row.id: row.version for row in versioned if row.version},
        remarks=(*_nameless(users), *_memberships(users, rows, dialect, told)),
        memo=Memory(
            {row.id: row.nameless for row in users if row.nameless},
            told,
            {row.id: row.loose for row in users if row.loose},
        ),
    )


def _memberships(
    users: Sequence[UserRow], groups: Sequence[GroupRow], dialect: Dialect, told: frozenset[str]
) -> Iterable[str]:
    """What is said where no answer tells who is in which group, or may not tell it."""
    if any(row.hidden for row in groups):
        yield ("nothing shows who is in which group of this directory, so no membership is planned or ended")
    elif dialect.shape and users and groups and not told and not any(row.members for row in groups):
        yield (
            "no group shows a member, and no user a group, so all groups are taken for empty: if the "
            "directory hides members, write `members: hidden` in quirks.yaml"
        )


def check_members(groups: Collection[GroupRow], people: Mapping[str, str]) -> None:
    """Raise IncompleteRead where members are named by their logins, or one id may be a user or a group."""
    logins, named = set(people.values()), {group.id for group in groups}
    for group in groups:
        either = group.vague & people.keys() & named
        if both := sorted(either | (group.members & group.nested)):
            message = (
                f"the group {group.name!r} has a member with the id {both[0]}, which a user and a group "
                "have, so who is in which group cannot be planned here"
            )
            raise IncompleteRead(message)
        odd = sorted(member for member in group.members - people.keys() if member.lower() in logins)
        if odd:
            message = (
                f"the group {group.name!r} names its members by login ({odd[0]}), not by id, so who is in "
                "which group cannot be planned here"
            )
            raise IncompleteRead(message)


def _referring(
    live: Live[User], dialect: Dialect, people: Mapping[str, str], groups: Mapping[str, str]
) -> Live[User]:
    """The user with each reference by the name of whom it points at; an id that nobody has stays."""
    attributes = live.resource.attributes
    if not attributes or dialect.shape is None:
        return live
    new: dict[str, Value] = {}
    for name, kind in dialect.shape.references.items():
        if isinstance(pointed := attributes.get(name), str):
            new[name] = (people if kind == "user" else groups).get(pointed, pointed)
    return replace(live, resource=replace(live.resource, attributes={**attributes, **new})) if new else live


def _nameless(users: Iterable[UserRow]) -> Iterable[str]:
    """What is said of values that no name can hold, by attribute."""
    whose: dict[str, list[str]] = {}
    for row in users:
        for name in row.nameless:
            whose.setdefault(name, []).append(row.live.resource.email)
    for name, emails in sorted(whose.items()):
        shown = ", ".join(sorted(emails)[:_MOST_NAMED])
        more = f" and {len(emails) - _MOST_NAMED} more" if len(emails) > _MOST_NAMED else ""
        of = f"{len(emails)} {'user' if len(emails) == 1 else 'users'}"
        yield f"`{name}` of {of} has values that no name here can hold, and they are kept: {shown}{more}"

"""What is live, as data for programs: answers to quick questions."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model import Definition, Group, Live, LiveState, User, Value, group_key, user_key

Record = dict[str, Any]


def users(live: LiveState) -> list[Record]:
    """Each user; ``groups`` and ``attributes`` are left out where nobody asked for them or told them."""
    names = group_names(live)
    return [_user(user, names) for user in live.users]


def groups(live: LiveState, *, members: bool) -> list[Record]:
    """Each group, with the logins of its members where they are asked for and the system shows them."""
    return [_group(group, members=members) for group in live.groups]


def members(live: LiveState) -> list[Record]:
    """The people in the first of the groups: login, id and name of each."""
    inside = live.groups[0].resource.members or frozenset()
    found = [user for user in live.users if user_key(user.resource.email) in inside]
    return [{"login": user.resource.email, "id": user.id, "name": user.resource.name} for user in found]


def attributes(user: User) -> Record:
    """The values that a user has, by name."""
    return {name: plain(value) for name, value in sorted(stated(user).items())}


def definitions(known: Mapping[str, Definition]) -> list[Record]:
    """What the system knows of each attribute."""
    return [
        {
            "name": each.name,
            "type": each.type,
            "multiple": each.multiple,
            "default": plain(each.default),
            "written": each.written,
            "readable": each.readable,
            "required": each.required,
            "choices": list(each.choices),
        }
        for _, each in sorted(known.items())
    ]


def group_names(live: LiveState) -> Mapping[str, str]:
    """The names of groups by their keys."""
    return {group_key(group.resource.name): group.resource.name for group in live.groups}


def groups_of(user: User, names: Mapping[str, str]) -> Sequence[str] | None:
    """The names of a user's groups in order; None where they are not known."""
    return None if user.groups is None else sorted(names.get(key, key) for key in user.groups)


def stated(user: User) -> Mapping[str, Value]:
    """The attributes that have a value."""
    return {name: value for name, value in (user.attributes or {}).items() if value not in (None, (), "")}


def plain(value: Value) -> object:
    """A value as JSON has it."""
    return list(value) if isinstance(value, tuple) else value


def _user(user: Live[User], names: Mapping[str, str]) -> Record:
    known = user.resource
    record: Record = {"login": known.email, "id": user.id, "name": known.name, "active": known.active}
    if (inside := groups_of(known, names)) is not None:
        record["groups"] = inside
    if known.attributes is not None:
        record["attributes"] = attributes(known)
    return record


def _group(group: Live[Group], *, members: bool) -> Record:
    record: Record = {"name": group.resource.name, "id": group.id}
    known = group.resource.members
    return {**record, "members": sorted(known)} if members and known is not None else record

"""Short ways to make the objects that tests speak about."""

from collections.abc import Iterable, Mapping

from reconciler.changes import FieldChange
from reconciler.errors import Place
from reconciler.model import (
    Address,
    Caller,
    Definition,
    DesiredState,
    FieldPath,
    Group,
    Live,
    LiveState,
    User,
    Value,
    group_key,
    user_key,
)
from reconciler.report import Mandate

MANDATE = Mandate("ada@laptop", "ab12cd34ef56" + "0" * 52)
"""Somebody applies on their own word."""
ROBOT = Caller("robot@acme.com", "robot")


def located(address: Address, path: FieldPath) -> Place:
    return Place("/".join(("files.yaml", str(address), *path)), 1, 1)


def a_user(
    email: str,
    *,
    name: str | None = None,
    active: bool | None = None,
    groups: Iterable[str] | None = None,
    attributes: Mapping[str, Value] | None = None,
) -> User:
    keys = None if groups is None else frozenset(group_key(g) for g in groups)
    return User(email, name, active, keys, attributes)


def a_group(name: str, members: Iterable[str] | None = None) -> Group:
    return Group(name, None if members is None else frozenset(user_key(m) for m in members))


def desired(
    *objects: User | Group,
    absent: Iterable[Address] = (),
    from_users: Iterable[str] = (),
    previously: Mapping[Address, tuple[str, ...]] | None = None,
) -> DesiredState:
    return DesiredState(
        users={user_key(o.email): o for o in objects if isinstance(o, User)},
        groups={group_key(o.name): o for o in objects if isinstance(o, Group)},
        absent=frozenset(absent),
        from_users=frozenset(group_key(name) for name in from_users),
        previously=previously or {},
        locate=located,
    )


def live(
    *objects: User | Group,
    definitions: Iterable[Definition] | None = (),
    foreign: Mapping[str, int] | None = None,
    caller: Caller = ROBOT,
    ids: Mapping[str, str] | None = None,
) -> LiveState:
    """Live objects; the id of each is its key, unless ``ids`` says otherwise."""
    named = ids or {}

    def of(key: str) -> str:
        return named.get(key, key)

    return LiveState(
        users=tuple(Live(o, of(o.email)) for o in objects if isinstance(o, User)),
        groups=tuple(Live(o, of(o.name)) for o in objects if isinstance(o, Group)),
        definitions=None if definitions is None else {d.name: d for d in definitions},
        foreign=foreign or {},
        callers=(caller,),
    )


def changed(*path: str, before: Value = None, after: Value = None) -> FieldChange:
    return FieldChange(path, before, after)

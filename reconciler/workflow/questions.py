"""Quick questions about what is live: some objects where the system can be asked so, else a complete read.

Nothing here can write: a ``Reader`` is all that is handed in. No file is read either, so what a
target ignores is found as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from reconciler.errors import ReconcilerError
from reconciler.model import (
    KEY_OF,
    Definition,
    Group,
    Kind,
    Live,
    LiveState,
    Need,
    User,
    address_of,
    group_key,
    user_key,
)
from reconciler.providers.base import Provider
from reconciler.providers.question import Question, Searching
from reconciler.transport.messages import Reader

Searched = Literal["server", "client"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, and who searched: the system, or we in a complete list."""

    live: LiveState
    by: Searched


def everything(provider: Provider, reader: Reader, *, attributes: bool = False) -> LiveState:
    """Every user with their groups, and every group with its members; raises what a read raises.

    Where the system does not show who is in a group, both are None. ``attributes`` are read where
    they are asked for, and else None.
    """
    live = provider.read(reader, Need(everything=attributes))
    groups: dict[str, set[str]] = {user_key(user.resource.email): set() for user in live.users}
    for group in live.groups:
        for member in group.resource.members or ():
            groups.setdefault(member, set()).add(group_key(group.resource.name))
    shown = all(group.resource.members is not None for group in live.groups)
    users = [
        Live(
            replace(
                user.resource,
                groups=frozenset(groups[user_key(user.resource.email)]) if shown else None,
                attributes=user.resource.attributes if attributes else None,
            ),
            user.id,
        )
        for user in live.users
    ]
    return replace(live, users=tuple(users))


def definitions(provider: Provider, reader: Reader) -> Mapping[str, Definition]:
    """What the system knows of attributes, by name; raises what a read raises."""
    if isinstance(provider, Searching):
        return provider.definitions(reader)
    return provider.read(reader, Need(definitions=True)).definitions or {}


def extension(provider: Provider) -> str:
    """The name of the object that holds the attributes in a user's SCIM row; empty where there is none."""
    return provider.extension if isinstance(provider, Searching) else ""


def user(provider: Provider, reader: Reader, text: str, *, attributes: bool = False) -> LiveState:
    """The user of that login, id or name, and their groups; raises ReconcilerError where there is not one.

    By login it is one request where the system can be asked so, and one more for attributes that a
    list does not show.
    """
    return _one(
        "user",
        text,
        lambda by, wanted: _asked(provider, reader, Question("user", by, wanted, attributes)),
        lambda: everything(provider, reader, attributes=attributes and not isinstance(provider, Searching)),
    )


def group(provider: Provider, reader: Reader, text: str, *, members: bool = False) -> LiveState:
    """The group of that name or id; raises ReconcilerError where there is not one.

    With ``members`` everything is read, so that they are complete and have names; where the system shows
    nobody's, that is an error, too.
    """
    if members:
        found = _one("group", text, lambda _by, _wanted: None, lambda: everything(provider, reader))
        if found.groups[0].resource.members is None:
            message = f"the system does not show who is in a group, so not who is in {text!r}"
            raise ReconcilerError(message)
        return found
    return _one(
        "group",
        text,
        lambda by, wanted: _asked(provider, reader, Question("group", by, wanted)),
        lambda: everything(provider, reader),
    )


def search(provider: Provider, reader: Reader, kind: Kind, text: str, *, contains: bool = False) -> Found:
    """Whoever is called exactly so; with ``contains``, who has the text in login or name, in any case."""
    if not contains:
        found = _asked(provider, reader, Question(kind, "key", text))
        if found is not None:
            return Found(found, "server")
        return Found(_part(everything(provider, reader), kind, partial(_is_called, text)), "client")
    wanted = group_key(text)
    live = everything(provider, reader)
    return Found(_part(live, kind, lambda one: any(wanted in name for name in _names(one))), "client")


def filtered(provider: Provider, reader: Reader, kind: Kind, expression: str) -> Found:
    """What the system finds by a filter in its own language; raises ReconcilerError where it takes none."""
    found = _asked(provider, reader, Question(kind, "filter", expression))
    if found is None:
        message = "this system takes no filter: search for a text, with --contains for a part of it"
        raise ReconcilerError(message)
    return Found(found, "server")


def _asked(provider: Provider, reader: Reader, question: Question) -> LiveState | None:
    return provider.find(reader, question) if isinstance(provider, Searching) else None


def _one(
    kind: Kind,
    text: str,
    ask: Callable[[Literal["key", "id"], str], LiveState | None],
    read: Callable[[], LiveState],
) -> LiveState:
    """The one object that a person means; the system is asked first, then all are looked through."""
    by_key = ask("key", text)
    if by_key is not None and _objects(by_key, kind):
        return _only(by_key, kind, text)
    if by_key is not None and kind == "user" and "@" in text:
        # It is a login, and nobody has it.
        raise _nobody(kind, text)
    by_id = ask("id", text)
    if by_id is not None and _objects(by_id, kind):
        return by_id
    live = read()
    for meant in (_is_called, _has_id, _is_named):
        part = _part(live, kind, partial(meant, text))
        if found := _objects(part, kind):
            known = _only(part, kind, text)
            whole = ask("id", found[0].id) if kind == "user" else None
            return known if whole is None else whole
    raise _nobody(kind, text)


def _only(live: LiveState, kind: Kind, text: str) -> LiveState:
    found = _objects(live, kind)
    if len(found) > 1:
        names = ", ".join(f"{address_of(one.resource).key} (id {one.id})" for one in found)
        message = f"{len(found)} {kind}s are called `{text}`: {names}; name one by its id"
        raise ReconcilerError(message)
    return live


def _nobody(kind: Kind, text: str) -> ReconcilerError:
    known_by = "login, id or name" if kind == "user" else "name or id"
    return ReconcilerError(f"there is no {kind} with the {known_by} `{text}`")


def _objects(live: LiveState, kind: Kind) -> Sequence[Live[User]] | Sequence[Live[Group]]:
    return live.users if kind == "user" else live.groups


def _part(live: LiveState, kind: Kind, wanted: Callable[[Live[User] | Live[Group]], bool]) -> LiveState:
    """The users that are wanted, with all groups; or the groups that are."""
    if kind == "user":
        return replace(live, users=tuple(filter(wanted, live.users)))
    return replace(live, groups=tuple(filter(wanted, live.groups)))


def _is_called(text: str, one: Live[User] | Live[Group]) -> bool:
    address = address_of(one.resource)
    return address.key == KEY_OF[address.kind](text)


def _has_id(text: str, one: Live[User] | Live[Group]) -> bool:
    return one.id == text


def _is_named(text: str, one: Live[User] | Live[Group]) -> bool:
    return group_key(text) in _names(one)


def _names(one: Live[User] | Live[Group]) -> tuple[str, ...]:
    """Login and name, or the group's name, as they are compared."""
    called = address_of(one.resource).key
    return (called, group_key(one.resource.name or "")) if isinstance(one.resource, User) else (called,)

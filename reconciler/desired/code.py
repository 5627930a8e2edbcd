"""A desired state that Python made in place of files, checked as strictly as they are.

It becomes the data that a file would hold, and goes the way of files: the schema, then ``build``. A
place is where the object stands in the state: ``desired.users['ada@acme.com'].groups``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any, TypeVar

from reconciler.desired import schema
from reconciler.desired.build import build
from reconciler.desired.documents import REFUSED, Document
from reconciler.desired.joining import Rules
from reconciler.desired.places import SECTIONS
from reconciler.desired.sources import Source, Steps
from reconciler.desired.text import CONTROL, is_stacked, name_of
from reconciler.errors import Invalid, Place, Problem
from reconciler.model import (
    KEY_OF,
    PLAIN,
    Address,
    DesiredState,
    Group,
    Kind,
    User,
    group_key,
)

R = TypeVar("R", User, Group)


def desired_state(
    users: Iterable[User] = (),
    groups: Iterable[Group] = (),
    *,
    from_users: Iterable[str] = (),
    absent: Iterable[Address] = (),
) -> DesiredState:
    """A desired state of these people and groups; raises Invalid where two of them are one.

    ``from_users`` names the groups whose members the users state with ``groups``. ``absent`` is who
    and what is to be gone, as a tombstone says. Names may have any spelling. Everything else is checked
    where it is planned.
    """
    problems: list[Problem] = []
    state = DesiredState(
        users=_keyed(users, "user", lambda user: user.email, problems),
        groups=_keyed(groups, "group", lambda group: group.name, problems),
        absent=frozenset(absent),
        from_users=frozenset(map(group_key, from_users)),
    )
    if problems:
        raise Invalid(problems)
    return state


def _keyed(
    things: Iterable[R], kind: Kind, called: Callable[[R], str], problems: list[Problem]
) -> dict[str, R]:
    found: dict[str, R] = {}
    for thing in things:
        name = called(thing)
        if found.setdefault(KEY_OF[kind](name), thing) is not thing:
            place = _InCode().nearest((SECTIONS[kind], name))
            problems.append(Problem(place, f"{kind} `{name}` is declared twice", "keep one of them"))
    return found


def checked(
    desired: DesiredState,
    ignore_users: Sequence[str] = (),
    ignore_groups: Sequence[str] = (),
    elsewhere: Place = Place("-"),  # noqa: B008 (frozen)
    rules: Rules = lambda _: (),
) -> DesiredState:
    """The state as files that say the same would make it; raises Invalid with every problem.

    The globs and ``elsewhere`` are those of ``build``, ``rules`` those of ``files.load``. What
    departed from older files is not known.
    """
    document = Document(_InCode())
    desired = replace(desired, from_users=frozenset(map(group_key, desired.from_users)))
    for key in sorted(desired.from_users - desired.groups.keys()):
        _refuse(document, ("from_users", key), "no group of that name is declared", "declare it in `groups`")
    data = {section: _entries(document, desired, kind) for kind, section in SECTIONS.items()}
    document.data = {section: entries for section, entries in data.items() if entries}
    schema.check(document, "desired-state")
    state, between = build([document], ignore_users, ignore_groups, elsewhere)
    if problems := [*document.problems, *between, *rules(state)]:
        raise Invalid(problems)
    return state


class _InCode(Source):
    """The source of what no file says: places are expressions of Python."""

    def __init__(self) -> None:
        super().__init__("desired", "", lambda _: ())

    def find(self, steps: Steps, *, first: bool = False) -> Place:  # noqa: ARG002 (it is told once only)
        """As ``nearest``: what is asked for is there."""
        return self.nearest(steps)

    def nearest(self, steps: Steps) -> Place:
        """The expression for a value in the state."""
        section, entry, field, inside = steps[:1], steps[1:2], steps[2:3], steps[3:]
        parts = [*_fields(section), *_items(entry), *_fields(field), *_items(inside)]
        return Place("".join((self.file, *parts)))


def _fields(steps: Steps) -> Iterable[str]:
    return (f".{step}" for step in steps)


def _items(steps: Steps) -> Iterable[str]:
    return (f"[{step!r}]" for step in steps)


def _entries(document: Document, desired: DesiredState, kind: Kind) -> dict[str, Any]:
    """The section of a file that says what the state says of one kind of object."""
    declared: Mapping[str, User | Group] = desired.users if kind == "user" else desired.groups
    entries: dict[str, Any] = {}
    for key, thing in declared.items():
        name = thing.email if isinstance(thing, User) else thing.name
        steps = (SECTIONS[kind], name)
        if KEY_OF[kind](name) != key:
            _refuse(document, steps, f"it stands under the key `{key}`", "let desired_state make the keys")
        entry = _user(thing) if isinstance(thing, User) else _group(document, thing, desired)
        entry = _plain(document, steps, entry | _earlier(desired, Address(kind, key)))
        if _text(document, steps, name) is not REFUSED:
            entries[name] = entry
    for address in sorted(desired.absent):
        if address.kind == kind and address.key in declared:
            steps = (SECTIONS[kind], address.key)
            _refuse(document, steps, "it is declared, and to be absent", "keep one of them")
        elif address.kind == kind:
            entries[address.key] = {"state": "absent"} | _earlier(desired, address)
    return entries


def _earlier(desired: DesiredState, address: Address) -> dict[str, Any]:
    earlier = desired.previously.get(address)
    return {"previously": list(earlier)} if earlier else {}


def _user(user: User) -> dict[str, Any]:
    entry: dict[str, Any] = {name: getattr(user, name) for name in PLAIN["user"]}
    entry |= {"groups": _listed(user.groups), "attributes": user.attributes}
    return {name: value for name, value in entry.items() if value is not None}


def _group(document: Document, group: Group, desired: DesiredState) -> dict[str, Any]:
    if group_key(group.name) not in desired.from_users:
        return {} if group.members is None else {"members": _listed(group.members)}
    if group.members is not None:
        steps = ("groups", group.name, "members")
        _refuse(document, steps, "they are stated here, and by the users", "keep one of them")
    return {"members": "from_users"}


def _listed(names: object) -> object:
    """A set in order; what is no set stays, for the schema to see."""
    return sorted(names, key=str) if isinstance(names, (set, frozenset)) else names


def _plain(document: Document, steps: Steps, value: object) -> Any:
    """The value as a file could hold it; what none could is refused, with its place."""
    match value:
        case Mapping():
            named = {key: inside for key, inside in value.items() if _is_name(document, steps, key)}
            return {key: _plain(document, (*steps, key), inside) for key, inside in named.items()}
        case list() | tuple():
            return [_plain(document, (*steps, index), item) for index, item in enumerate(value)]
        case str():
            return _text(document, steps, value)
        case None | bool() | int():
            return value
        case float() if isfinite(value):
            return value
    return _refuse(
        document,
        steps,
        f"{type(value).__name__} {value!r} is no value",
        "give text, a number, true or false, or a list of these",
    )


def _is_name(document: Document, steps: Steps, key: object) -> bool:
    if isinstance(key, str):
        return _text(document, (*steps, key), key) is not REFUSED
    _refuse(document, steps, f"the name {key!r} is no text", "give text")
    return False


def _text(document: Document, steps: Steps, text: str) -> Any:
    if control := CONTROL.search(text):
        return _refuse(
            document, steps, f"the text holds {name_of(control[0])}", "give plain text on one line"
        )
    if not text.isascii() and is_stacked(text):
        return _refuse(
            document, steps, "the text holds more accents in a row than any language", "remove them"
        )
    return text


def _refuse(document: Document, steps: Steps, message: str, hint: str) -> Any:
    document.refuse(steps, Problem(document.source.nearest(steps), message, hint))
    return REFUSED

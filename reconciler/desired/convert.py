"""Lists of other tools as the YAML that says the same, in the order in which `fmt` leaves a file.

The lists are read and joined as sources are, so that every problem is found
here, too. What a list says of somebody's groups is about the groups that it can
name; what YAML says is about all whose members the users state. Where these
differ, the groups that the person is in now are written as well, if they are known.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from reconciler.desired import pyyaml
from reconciler.desired.build import build
from reconciler.desired.documents import Document
from reconciler.desired.format import format_text
from reconciler.desired.joining import Rules
from reconciler.desired.places import SECTIONS
from reconciler.desired.sources import Source
from reconciler.errors import Invalid, Place
from reconciler.model import KEY_OF, KINDS, PLAIN, Address, DesiredState, Group, User, group_key

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Now:
    """What is live: the keys of the groups that a person is in, and which attributes can be written."""

    groups: Callable[[str], AbstractSet[str]]
    writable: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class Converted:
    """The YAML, empty where the lists say nothing; how many it declares; and what it cannot say."""

    text: str
    users: int
    groups: int
    remarks: Sequence[str]


def convert(
    lists: Sequence[Document], beside: Sequence[Document], rules: Rules, now: Now | None = None
) -> Converted:
    """The YAML that says what the lists say, where ``beside`` is the target's own.

    ``rules`` says what no system of the kind can hold. Raises Invalid with every problem; a row is
    never left out.
    """
    named = {
        key: name
        for document in lists
        if document.listing
        for key, (name, _) in document.listing.groups.items()
    }
    state, problems = build([_declaring(named), *lists])
    problems += rules(state)
    for document in (*lists, *beside):
        problems += document.problems
        problems += document.listing.skipped if document.listing else ()
    if problems:
        raise Invalid(problems)
    return _Writer(state, beside, now).written()


def _declaring(names: Mapping[str, str]) -> Document:
    """What declares all groups that a list can name."""
    source = Source("-", "", lambda _: ())
    return Document(source, {"groups": {name: {"members": "from_users"} for name in names.values()}})


class _Writer:
    def __init__(self, state: DesiredState, beside: Sequence[Document], now: Now | None) -> None:
        self._state = state
        self._now = now
        self._declared: dict[Address, tuple[Place, Entry]] = {}
        self._names = {key: group.name for key, group in state.groups.items()}
        self._from_users = set(state.from_users)
        for document in beside:
            self._look_at(document)
        self._beaten = {address for address, (_, entry) in self._declared.items() if "state" in entry}
        self._left: Counter[str] = Counter()
        self._open: Counter[str] = Counter()

    def _look_at(self, document: Document) -> None:
        """Note what the target's own YAML declares."""
        for kind in KINDS:
            section = SECTIONS[kind]
            for name, entry in document.data.get(section, {}).items():
                address = Address(kind, KEY_OF[kind](name))
                self._declared[address] = (document.source.nearest((section, name)), entry)
                if entry.get("members") == "from_users":
                    self._names.setdefault(address.key, name)
                    self._from_users.add(address.key)

    def written(self) -> Converted:
        users: dict[str, Entry] = {
            user.email: self._user(key, user)
            for key, user in self._state.users.items()
            if Address("user", key) not in self._beaten
        }
        users |= {
            address.key: {"state": "absent"} for address in self._state.absent if address not in self._beaten
        }
        groups = {
            group.name: self._group(key, group)
            for key, group in self._state.groups.items()
            if not self._is_declared_so(key)
        }
        data = {name: part for name, part in (("users", users), ("groups", groups)) if part}
        text = format_text(pyyaml.dump(data), "-") if data else ""
        return Converted(text, len(users), len(groups), tuple(self._remarks()))

    def _user(self, key: str, user: User) -> Entry:
        follows = self._state.lists.follows.get(key, frozenset())
        unwritten = follows - (self._now.writable if self._now else frozenset())
        self._left.update(unwritten)
        attributes = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in (user.attributes or {}).items()
            if name not in unwritten
        }
        entry: Entry = {name: getattr(user, name) for name in PLAIN["user"]}
        entry |= {"groups": self._groups_of(key, user), "attributes": attributes or None}
        return {name: value for name, value in entry.items() if value is not None}

    def _groups_of(self, key: str, user: User) -> list[str] | None:
        """The groups to write for a person, by name."""
        if user.groups is None:
            return None
        groups = set(user.groups)
        open_ = self._from_users - (self._state.lists.decides.get(key) or frozenset())
        if self._now:
            groups |= open_ & self._now.groups(key)
        else:
            self._open.update(open_)
        return sorted((self._names[group] for group in groups), key=group_key)

    def _group(self, key: str, group: Group) -> Entry:
        if key in self._state.from_users:
            return {"members": "from_users"}
        gone = {address.key for address in self._beaten}
        return {"members": sorted((group.members or frozenset()) - gone)}

    def _is_declared_so(self, key: str) -> bool:
        """Whether the target's own YAML leaves the members of this group to the users already."""
        _, entry = self._declared.get(Address("group", key), (None, {}))
        return key in self._state.from_users and entry.get("members") == "from_users"

    def _remarks(self) -> Iterator[str]:
        for name, number in sorted(self._left.items()):
            yield f"`{name}` of {_people(number)} is left out, since the system may set it itself"
        if self._open:
            names = ", ".join(f"`{self._names[key]}`" for key in sorted(self._open))
            yield (
                f"of {_people(max(self._open.values()))} the list does not say whether they are in {names}; "
                "in YAML their `groups` say that, too: --live writes those that they are in"
            )
        yield from self._twice()

    def _twice(self) -> Iterator[str]:
        addresses: Iterable[Address] = sorted(self._state.declared | self._state.absent)
        for address in addresses:
            place, _ = self._declared.get(address, (None, None))
            if place and address in self._beaten:
                yield f"{address} is left out, since its tombstone at {place} counts"
            elif place and not (address.kind == "group" and self._is_declared_so(address.key)):
                yield f"{address} is declared at {place}, too: put both entries together"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"

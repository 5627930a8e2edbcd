"""What all files declare: the identity, the defaults and the place of each entry, and what is there twice.

A list adds to what YAML declares, field by field; a tombstone in YAML counts before it.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from fnmatch import translate
from typing import Any, TypeVar

from reconciler.desired.documents import Document
from reconciler.desired.joining import Joined, clashes, joined, stated
from reconciler.desired.places import SECTIONS, Places, find_field
from reconciler.desired.text import clip
from reconciler.errors import Place, Problem
from reconciler.model import (
    KEY_OF,
    PLAIN,
    Address,
    DesiredState,
    FieldPath,
    Group,
    Kind,
    User,
    Value,
    group_key,
    user_key,
)

Complaint = tuple[str, str]
"""What is wrong, and what to do."""

H = TypeVar("H", bound=Hashable)


class _GroupKeys(dict[str, str]):
    """The key of each group name, worked out once."""

    def __missing__(self, name: str) -> str:
        key = self[name] = group_key(name)
        return key


class Declared:
    """What all documents declare, filled in document by document; problems are collected.

    ``claims`` says of an earlier name who claims it first. Of what is ``unsure`` something was
    refused, and where not all is ``whole`` a missing name proves nothing.
    """

    def __init__(
        self,
        ignore: Mapping[Kind, Sequence[str]],
        elsewhere: Place,
        dropped: AbstractSet[tuple[Kind, str]],
    ) -> None:
        self.problems: list[Problem] = []
        self._ignored = {kind: _matcher(globs, KEY_OF[kind]) for kind, globs in ignore.items()}
        self._still_ignored = {
            kind: _matcher([glob for glob in globs if (kind, glob) not in dropped], KEY_OF[kind])
            for kind, globs in ignore.items()
        }
        self.group_keys = _GroupKeys()
        self.places = Places(elsewhere)
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.from_users: set[str] = set()
        self.absent: set[Address] = set()
        self.previously: dict[Address, tuple[str, ...]] = {}
        self.claims: dict[Address, Address] = {}
        self.unsure: set[Address] = set()
        self.whole = True
        # A large directory repeats the same few values: equal ones are one object.
        self._shared: dict[Hashable, Any] = {}
        self.listed = Joined()

    def state(self) -> DesiredState:
        """All of it."""
        return DesiredState(
            users=self.users,
            groups=self.groups,
            absent=frozenset(self.absent),
            from_users=frozenset(self.from_users),
            previously=self.previously,
            locate=self.places,
            lists=self.listed.lists(),
        )

    def declare(self, document: Document) -> None:
        """Take in every entry of a document: its identity, its defaults and its place."""
        self.whole = self.whole and document.whole
        for name, entry in document.data.get("groups", {}).items():
            key = self.group_keys[name]
            if self._admit(document, "group", key, name, entry):
                members = entry.get("members")
                if members == "from_users":
                    self.from_users.add(key)
                stated = frozenset(map(user_key, members)) if isinstance(members, list) else None
                if document.listing and stated:
                    stated = frozenset(member for member in stated if not self.beaten("user", member))
                self.groups[key] = self._added_group(document, key, Group(name, stated))
        defaults = document.data.get("defaults", {}).get("users", {})
        for name, entry in document.data.get("users", {}).items():
            key = user_key(name)
            if self._admit(document, "user", key, name, entry):
                self.users[key] = self._added_user(document, key, self._user(name, entry, defaults))
        if document.listing:
            self.listed.take(document.listing)

    # What a list adds

    def beaten(self, kind: Kind, key: str) -> Address | None:
        """The tombstone in YAML that counts before a list which names this object."""
        tombstone = self.claims.get(Address(kind, key), Address(kind, key))
        is_yaml = tombstone in self.absent and tombstone not in self.listed.absent
        return tombstone if is_yaml else None

    def _again(self, document: Document, own: Address, name: str, entry: dict[str, Any]) -> bool:
        """Whether a list adds to an object that is declared already; else there is a problem, or nothing."""
        place = document.source.nearest((SECTIONS[own.kind], name))
        first = self.places(own)
        if document.listing and (own in self.absent) == ("state" in entry):
            return own not in self.absent
        message = f"{own.kind} `{clip(name)}` is declared twice; first at {first}"
        if document.listing:
            which = "here" if "state" in entry else f"at {first}"
            other = first if "state" in entry else "here"
            message = f"`{clip(name)}` is to be absent {which}, and declared {other}"
        self.problems.append(Problem(place, message, "keep one of them"))
        return False

    def _added_user(self, document: Document, key: str, user: User) -> User:
        """The person with what other files state of them too; what two of them state is a problem."""
        own = Address("user", key)
        before, listing = self.users.get(key), document.listing
        if listing:
            self.listed.note(own, listing, user, is_new=before is None)
        decided = listing.decides.get(key) if listing else None
        if not before or not listing:
            if decided is not None:
                self.listed.decide(key, decided)
            return user
        twice = clashes(before, user, (self.listed.decides.get(key), decided))
        if decided is not None and ("groups",) not in twice:
            self.listed.decide(key, decided)
        for path in twice:
            self._say_twice(document, own, user.email, path)
        self.places.add(own, set(stated(user)) - set(twice), document.source, user.email)
        return joined(before, user)

    def _added_group(self, document: Document, key: str, group: Group) -> Group:
        own, before = Address("group", key), self.groups.get(key)
        if document.listing and before is None:
            self.listed.note(own, document.listing, None, is_new=True)
        if not before or not document.listing:
            return group
        if before.members is not None or key in self.from_users:
            self._say_twice(document, own, group.name, ("members",))
            return before
        self.places.add(own, [("members",)], document.source, group.name)
        return Group(before.name, group.members)

    def _say_twice(self, document: Document, own: Address, name: str, path: FieldPath) -> None:
        first = self.places(own, path)
        message = f"`{clip(path[-1])}` of {own.kind} `{clip(name)}` is stated twice; first at {first}"
        self.say_at(document, own.kind, name, path, (message, "state it in one place"))

    def _admit(self, document: Document, kind: Kind, key: str, name: str, entry: dict[str, Any]) -> bool:
        """Give an entry its identity and place; returns whether it declares an object."""
        steps = (SECTIONS[kind], name)
        names = self.places.names[kind]
        own = Address(kind, key)
        if document.listing and (tombstone := self.beaten(kind, key)):
            if "state" not in entry:
                self.listed.beaten(own, document.source.nearest(steps), self.places(tombstone))
            return False
        if key in names:
            return self._again(document, own, name, entry)
        names[key] = (document.source, name)
        if complaint := self.against_ignored(kind, key, name):
            self.problems.append(Problem(document.source.nearest(steps), *complaint))
        if steps in document.damaged:
            self.unsure.add(own)
        if earlier := entry.get("previously"):
            self.previously[own] = tuple(dict.fromkeys(map(KEY_OF[kind], earlier)))
            for old in self.previously[own]:
                self.claims.setdefault(Address(kind, old), own)
        if "state" in entry:
            self.absent.add(own)
            if document.listing:
                self.listed.absent.add(own)
        return "state" not in entry

    def _user(self, name: str, entry: dict[str, Any], defaults: dict[str, Any]) -> User:
        groups = entry.get("groups", defaults.get("groups"))
        attributes = entry.get("attributes")
        if "attributes" in defaults:
            attributes = {**defaults["attributes"], **(attributes or {})}
        return User(
            email=name,
            **{field: entry.get(field, defaults.get(field)) for field in PLAIN["user"]},
            groups=None
            if groups is None
            else self._share(frozenset(map(self.group_keys.__getitem__, groups))),
            attributes=None if attributes is None else {k: self._value(v) for k, v in attributes.items()},
        )

    def _value(self, value: Any) -> Value:
        return self._share(tuple(value)) if isinstance(value, list) else value

    def _share(self, value: H) -> H:
        shared: H = self._shared.setdefault(value, value)
        return shared

    # What is wrong

    def against_ignored(self, kind: Kind, key: str, name: str) -> Complaint | None:
        """What is wrong with speaking of what is ignored."""
        if not self._ignored[kind](key):
            return None
        hint = "remove it here, or its glob from `ignore` in target.yaml"
        if not self._still_ignored[kind](key):
            hint = "`ignore` of the base holds until this is merged: declare it afterwards"
        return f"`{clip(name)}` is ignored by this target", hint

    def say_at(
        self, document: Document, kind: Kind, name: str, path: FieldPath, complaint: Complaint
    ) -> None:
        """Note what is wrong at a field, or at the entry around it."""
        place = find_field(document.source, kind, name, path)
        self.problems.append(Problem(place or document.source.nearest((SECTIONS[kind], name)), *complaint))


def _matcher(globs: Sequence[str], key_of: Callable[[str], str]) -> Callable[[str], object]:
    """Tells whether a key is matched by one of the globs."""
    return re.compile("|".join(translate(key_of(glob)) for glob in globs) or "(?!)").match

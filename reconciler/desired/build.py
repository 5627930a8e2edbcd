"""The valid data of all files made into one desired state: identity, defaults, cross-references.

Two passes. The first declares: every entry of every file gets its identity,
its defaults and its place, and what is declared twice is found. The second
follows each name from where it is used to what it names. An entry of which
something was refused leads to no further problem, and neither does a missing
name while a file could not be read to its end.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from difflib import get_close_matches
from fnmatch import translate
from typing import Any, Final, TypeVar

from reconciler.desired.documents import Document, Listing
from reconciler.desired.joining import Joined, clashes, joined, stated, undeclared_together
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

_COMPARISONS: Final = 20_000
"""Names to compare in search of the one that was meant; they take half a second."""

Complaint = tuple[str, str]
"""What is wrong, and what to do."""

H = TypeVar("H", bound=Hashable)


def build(
    documents: Sequence[Document],
    ignore_users: Sequence[str] = (),
    ignore_groups: Sequence[str] = (),
    elsewhere: Place = Place("-"),  # noqa: B008 (frozen)
    dropped: AbstractSet[tuple[Kind, str]] = frozenset(),
) -> tuple[DesiredState, list[Problem]]:
    """The state that the documents describe together, and every problem between them.

    The documents' data is valid against the schema, whose own problems are not
    repeated. ``ignore_users`` and ``ignore_groups`` are globs that match
    without case; what they match may be neither declared nor named. ``dropped`` are those
    of them that target.yaml does not say any more, and that hold until that is merged.
    """
    builder = _Builder({"user": ignore_users, "group": ignore_groups}, elsewhere, dropped)
    documents = sorted(documents, key=lambda document: document.listing is not None)
    for document in documents:
        builder.declare(document)
    for document in documents:
        builder.follow(document)
    return builder.state(), builder.problems


class _GroupKeys(dict[str, str]):
    """The key of each group name, worked out once."""

    def __missing__(self, name: str) -> str:
        key = self[name] = group_key(name)
        return key


class _Builder:
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
        self._group_keys = _GroupKeys()
        self._places = Places(elsewhere)
        self._users: dict[str, User] = {}
        self._groups: dict[str, Group] = {}
        self._from_users: set[str] = set()
        self._absent: set[Address] = set()
        self._previously: dict[Address, tuple[str, ...]] = {}
        self._claims: dict[Address, Address] = {}  # an earlier name: who claims it first
        self._unsure: set[Address] = set()
        self._whole = True
        self._comparisons = _COMPARISONS
        # What is wrong with naming a group, by name: thousands of people may name the same one.
        self._about_groups: dict[str, Complaint | None] = {}
        # A large directory repeats the same few values: equal ones are one object.
        self._shared: dict[Hashable, Any] = {}

        self._listed = Joined()

    def state(self) -> DesiredState:
        return DesiredState(
            users=self._users,
            groups=self._groups,
            absent=frozenset(self._absent),
            from_users=frozenset(self._from_users),
            previously=self._previously,
            locate=self._places,
            lists=self._listed.lists(),
        )

    # First pass: what is declared

    def declare(self, document: Document) -> None:
        self._whole = self._whole and document.whole
        for name, entry in document.data.get("groups", {}).items():
            key = self._group_keys[name]
            if self._admit(document, "group", key, name, entry):
                members = entry.get("members")
                if members == "from_users":
                    self._from_users.add(key)
                stated = frozenset(map(user_key, members)) if isinstance(members, list) else None
                if document.listing and stated:
                    stated = frozenset(member for member in stated if not self._beaten("user", member))
                self._groups[key] = self._added_group(document, key, Group(name, stated))
        defaults = document.data.get("defaults", {}).get("users", {})
        for name, entry in document.data.get("users", {}).items():
            key = user_key(name)
            if self._admit(document, "user", key, name, entry):
                self._users[key] = self._added_user(document, key, self._user(name, entry, defaults))
        if document.listing:
            self._listed.take(document.listing)

    # What a list adds

    def _beaten(self, kind: Kind, key: str) -> Address | None:
        """The tombstone in YAML that counts before a list which names this object."""
        tombstone = self._claims.get(Address(kind, key), Address(kind, key))
        is_yaml = tombstone in self._absent and tombstone not in self._listed.absent
        return tombstone if is_yaml else None

    def _again(self, document: Document, own: Address, name: str, entry: dict[str, Any]) -> bool:
        """Whether a list adds to an object that is declared already; else there is a problem, or nothing."""
        place = document.source.nearest((SECTIONS[own.kind], name))
        first = self._places(own)
        if document.listing and (own in self._absent) == ("state" in entry):
            return own not in self._absent
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
        before, listing = self._users.get(key), document.listing
        if listing:
            self._listed.note(own, listing, user, is_new=before is None)
        decided = listing.decides.get(key) if listing else None
        if not before or not listing:
            if decided is not None:
                self._listed.decide(key, decided)
            return user
        twice = clashes(before, user, (self._listed.decides.get(key), decided))
        if decided is not None and ("groups",) not in twice:
            self._listed.decide(key, decided)
        for path in twice:
            self._say_twice(document, own, user.email, path)
        self._places.add(own, set(stated(user)) - set(twice), document.source, user.email)
        return joined(before, user)

    def _added_group(self, document: Document, key: str, group: Group) -> Group:
        own, before = Address("group", key), self._groups.get(key)
        if document.listing and before is None:
            self._listed.note(own, document.listing, None, is_new=True)
        if not before or not document.listing:
            return group
        if before.members is not None or key in self._from_users:
            self._say_twice(document, own, group.name, ("members",))
            return before
        self._places.add(own, [("members",)], document.source, group.name)
        return Group(before.name, group.members)

    def _say_twice(self, document: Document, own: Address, name: str, path: FieldPath) -> None:
        first = self._places(own, path)
        message = f"`{clip(path[-1])}` of {own.kind} `{clip(name)}` is stated twice; first at {first}"
        self._say_at(document, own.kind, name, path, (message, "state it in one place"))

    def _admit(self, document: Document, kind: Kind, key: str, name: str, entry: dict[str, Any]) -> bool:
        """Give an entry its identity and place; returns whether it declares an object."""
        steps = (SECTIONS[kind], name)
        names = self._places.names[kind]
        own = Address(kind, key)
        if document.listing and (tombstone := self._beaten(kind, key)):
            if "state" not in entry:
                self._listed.beaten(own, document.source.nearest(steps), self._places(tombstone))
            return False
        if key in names:
            return self._again(document, own, name, entry)
        names[key] = (document.source, name)
        if complaint := self._against_ignored(kind, key, name):
            self.problems.append(Problem(document.source.nearest(steps), *complaint))
        if steps in document.damaged:
            self._unsure.add(own)
        if earlier := entry.get("previously"):
            self._previously[own] = tuple(dict.fromkeys(map(KEY_OF[kind], earlier)))
            for old in self._previously[own]:
                self._claims.setdefault(Address(kind, old), own)
        if "state" in entry:
            self._absent.add(own)
            if document.listing:
                self._listed.absent.add(own)
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
            else self._share(frozenset(map(self._group_keys.__getitem__, groups))),
            attributes=None if attributes is None else {k: self._value(v) for k, v in attributes.items()},
        )

    def _value(self, value: Any) -> Value:
        return self._share(tuple(value)) if isinstance(value, list) else value

    def _share(self, value: H) -> H:
        shared: H = self._shared.setdefault(value, value)
        return shared

    # Second pass: what is named

    def follow(self, document: Document) -> None:
        if document.listing:
            self._follow_listing(document.listing)
        for name, entry in document.data.get("groups", {}).items():
            members = entry.get("members")
            if isinstance(members, list) and "state" not in entry:
                for member in members:
                    if document.listing and self._beaten("user", user_key(member)):
                        continue
                    if complaint := self._against_member(member):
                        self._say_at(document, "group", name, ("members", user_key(member)), complaint)
            self._follow_earlier(document, "group", name, entry)
        defaults = document.data.get("defaults", {}).get("users", {}).get("groups", ())
        for name, entry in document.data.get("users", {}).items():
            if "state" not in entry and not document.listing:
                self._follow_groups(document, name, entry.get("groups", defaults))
            self._follow_earlier(document, "user", name, entry)

    def _follow_listing(self, listing: Listing) -> None:
        """Once for each group that a list can name, whoever its rows put there."""
        undeclared = []
        for key, (name, place) in listing.groups.items():
            complaint = None if key in self._from_users else self._against_group(key, name)
            if complaint and complaint[0] == _undeclared(name):
                undeclared.append(name)
            elif complaint:
                self.problems.append(Problem(place, *complaint))
        if undeclared:
            self.problems.append(Problem(listing.place, *undeclared_together(undeclared)))

    def _follow_groups(self, document: Document, name: str, groups: Sequence[str]) -> None:
        for group in groups:
            key = self._group_keys[group]
            if key in self._from_users:
                continue
            if group not in self._about_groups:
                self._about_groups[group] = self._against_group(key, group)
            if complaint := self._about_groups[group]:
                self._say_at(document, "user", name, ("groups", key), complaint)

    def _against_member(self, name: str) -> Complaint | None:
        """What is wrong with naming this user as a member."""
        address = Address("user", user_key(name))
        if complaint := self._against_ignored("user", address.key, name):
            return complaint
        if complaint := self._against_absent(address, name):
            return complaint
        if address in self._claims:
            return _renamed(name, self._claims[address])
        return None

    def _against_ignored(self, kind: Kind, key: str, name: str) -> Complaint | None:
        """What is wrong with speaking of what is ignored."""
        if not self._ignored[kind](key):
            return None
        hint = "remove it here, or its glob from `ignore` in target.yaml"
        if not self._still_ignored[kind](key):
            hint = "`ignore` of the base holds until this is merged: declare it afterwards"
        return f"`{clip(name)}` is ignored by this target", hint

    def _against_absent(self, address: Address, name: str) -> Complaint | None:
        """What is wrong with naming what a tombstone ends, under its name or an earlier one."""
        tombstone = self._claims.get(address, address)
        if tombstone not in self._absent:
            return None
        message = f"`{clip(name)}` is to be absent, at {self._places(tombstone)}"
        return message, "remove the name, or the tombstone"

    def _against_group(self, key: str, name: str) -> Complaint | None:  # noqa: PLR0911  one answer each
        """What is wrong with a user naming this group, whose members no user states."""
        address = Address("group", key)
        if complaint := self._against_ignored("group", key, name):
            return complaint
        if address in self._unsure:
            return None
        if complaint := self._against_absent(address, name):
            return complaint
        if key in self._groups:
            place = self._places(address, ("members",))
            if self._groups[key].members is None:
                message = f"the members of `{clip(name)}` are not managed: {place} states none"
                return message, "write `members: from_users` there"
            message = f"the members of `{clip(name)}` are stated by the group itself, at {place}"
            return message, "add the person there, or write `members: from_users` there"
        if address in self._claims:
            return _renamed(name, self._claims[address])
        if not self._whole:
            return None
        return _undeclared(name), self._hint_for_group(key)

    def _hint_for_group(self, key: str) -> str:
        self._comparisons -= len(self._groups)
        near = get_close_matches(key, self._groups, 1) if self._comparisons >= 0 else ()
        return f"did you mean `{clip(self._groups[near[0]].name)}`?" if near else "declare it under `groups`"

    def _follow_earlier(self, document: Document, kind: Kind, name: str, entry: dict[str, Any]) -> None:
        own = Address(kind, KEY_OF[kind](name))
        for old in entry.get("previously", ()):
            address = Address(kind, KEY_OF[kind](old))
            if complaint := self._against_earlier(own, address, old):
                self._say_at(document, kind, name, ("previously", address.key), complaint)

    def _against_earlier(self, own: Address, address: Address, old: str) -> Complaint | None:
        """What is wrong with an earlier name of an object."""
        if address == own:
            return (
                f"`{clip(old)}` is the name it has now",
                "remove it: a change of case needs no `previously`",
            )
        if complaint := self._against_ignored(own.kind, address.key, old):
            return complaint
        if address.key in self._places.names[own.kind]:
            message = f"{own.kind} `{clip(old)}` is declared as well, at {self._places(address)}"
            return message, "apply the rename first, then use the name again"
        if (claimant := self._claims.get(address, own)) != own:
            place = self._places(claimant, ("previously", address.key))
            return f"`{clip(old)}` is claimed as an earlier name at {place} too", "keep one of them"
        return None

    def _say_at(
        self, document: Document, kind: Kind, name: str, path: FieldPath, complaint: Complaint
    ) -> None:
        place = find_field(document.source, kind, name, path)
        self.problems.append(Problem(place or document.source.nearest((SECTIONS[kind], name)), *complaint))


def _matcher(globs: Sequence[str], key_of: Callable[[str], str]) -> Callable[[str], object]:
    """Tells whether a key is matched by one of the globs."""
    return re.compile("|".join(translate(key_of(glob)) for glob in globs) or "(?!)").match


def _undeclared(name: str) -> str:
    return f"group `{clip(name)}` is not declared in any file"


def _renamed(name: str, now: Address) -> Complaint:
    return f"`{clip(name)}` is an earlier name of {clip(str(now))}", "use the new name"

"""The valid data of all files made into one desired state: identity, defaults, cross-references.

Two passes. The first declares: every entry of every file gets its identity,
its defaults and its place, and what is declared twice is found. The second
follows each name from where it is used to what it names. An entry of which
something was refused leads to no further problem, and neither does a missing
name while a file could not be read to its end.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from difflib import get_close_matches
from typing import Any, Final

from reconciler.desired.declaring import Complaint, Declared
from reconciler.desired.documents import Document, Listing
from reconciler.desired.joining import undeclared_together
from reconciler.desired.text import clip
from reconciler.errors import Place, Problem
from reconciler.model import KEY_OF, Address, DesiredState, Kind, user_key

_COMPARISONS: Final = 20_000
"""Names to compare in search of the one that was meant; they take half a second."""


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
    declared = Declared({"user": ignore_users, "group": ignore_groups}, elsewhere, dropped)
    documents = sorted(documents, key=lambda document: document.listing is not None)
    for document in documents:
        declared.declare(document)
    follower = _Follower(declared)
    for document in documents:
        follower.follow(document)
    return declared.state(), declared.problems


class _Follower:
    """The second pass: what each name leads to."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._comparisons = _COMPARISONS
        # What is wrong with naming a group, by name: thousands of people may name the same one.
        self._about_groups: dict[str, Complaint | None] = {}

    def follow(self, document: Document) -> None:
        """Find what is wrong with each name that a document uses."""
        if document.listing:
            self._follow_listing(document.listing)
        for name, entry in document.data.get("groups", {}).items():
            members = entry.get("members")
            if isinstance(members, list) and "state" not in entry:
                for member in members:
                    if document.listing and self._declared.beaten("user", user_key(member)):
                        continue
                    if complaint := self._against_member(member):
                        self._declared.say_at(
                            document, "group", name, ("members", user_key(member)), complaint
                        )
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
            complaint = None if key in self._declared.from_users else self._against_group(key, name)
            if complaint and complaint[0] == _undeclared(name):
                undeclared.append(name)
            elif complaint:
                self._declared.problems.append(Problem(place, *complaint))
        if undeclared:
            self._declared.problems.append(Problem(listing.place, *undeclared_together(undeclared)))

    def _follow_groups(self, document: Document, name: str, groups: Sequence[str]) -> None:
        for group in groups:
            key = self._declared.group_keys[group]
            if key in self._declared.from_users:
                continue
            if group not in self._about_groups:
                self._about_groups[group] = self._against_group(key, group)
            if complaint := self._about_groups[group]:
                self._declared.say_at(document, "user", name, ("groups", key), complaint)

    def _against_member(self, name: str) -> Complaint | None:
        """What is wrong with naming this user as a member."""
        address = Address("user", user_key(name))
        if complaint := self._declared.against_ignored("user", address.key, name):
            return complaint
        if complaint := self._against_absent(address, name):
            return complaint
        if address in self._declared.claims:
            return _renamed(name, self._declared.claims[address])
        return None

    def _against_absent(self, address: Address, name: str) -> Complaint | None:
        """What is wrong with naming what a tombstone ends, under its name or an earlier one."""
        tombstone = self._declared.claims.get(address, address)
        if tombstone not in self._declared.absent:
            return None
        message = f"`{clip(name)}` is to be absent, at {self._declared.places(tombstone)}"
        return message, "remove the name, or the tombstone"

    def _against_group(self, key: str, name: str) -> Complaint | None:  # noqa: PLR0911  one answer each
        """What is wrong with a user naming this group, whose members no user states."""
        address = Address("group", key)
        if complaint := self._declared.against_ignored("group", key, name):
            return complaint
        if address in self._declared.unsure:
            return None
        if complaint := self._against_absent(address, name):
            return complaint
        if key in self._declared.groups:
            place = self._declared.places(address, ("members",))
            if self._declared.groups[key].members is None:
                message = f"the members of `{clip(name)}` are not managed: {place} states none"
                return message, "write `members: from_users` there"
            message = f"the members of `{clip(name)}` are stated by the group itself, at {place}"
            return message, "add the person there, or write `members: from_users` there"
        if address in self._declared.claims:
            return _renamed(name, self._declared.claims[address])
        if not self._declared.whole:
            return None
        return _undeclared(name), self._hint_for_group(key)

    def _hint_for_group(self, key: str) -> str:
        self._comparisons -= len(self._declared.groups)
        near = get_close_matches(key, self._declared.groups, 1) if self._comparisons >= 0 else ()
        return (
            f"did you mean `{clip(self._declared.groups[near[0]].name)}`?"
            if near
            else "declare it under `groups`"
        )

    def _follow_earlier(self, document: Document, kind: Kind, name: str, entry: dict[str, Any]) -> None:
        own = Address(kind, KEY_OF[kind](name))
        for old in entry.get("previously", ()):
            address = Address(kind, KEY_OF[kind](old))
            if complaint := self._against_earlier(own, address, old):
                self._declared.say_at(document, kind, name, ("previously", address.key), complaint)

    def _against_earlier(self, own: Address, address: Address, old: str) -> Complaint | None:
        """What is wrong with an earlier name of an object."""
        if address == own:
            return (
                f"`{clip(old)}` is the name it has now",
                "remove it: a change of case needs no `previously`",
            )
        if complaint := self._declared.against_ignored(own.kind, address.key, old):
            return complaint
        if address.key in self._declared.places.names[own.kind]:
            message = f"{own.kind} `{clip(old)}` is declared as well, at {self._declared.places(address)}"
            return message, "apply the rename first, then use the name again"
        if (claimant := self._declared.claims.get(address, own)) != own:
            place = self._declared.places(claimant, ("previously", address.key))
            return f"`{clip(old)}` is claimed as an earlier name at {place} too", "keep one of them"
        return None


def _undeclared(name: str) -> str:
    return f"group `{clip(name)}` is not declared in any file"


def _renamed(name: str, now: Address) -> Complaint:
    return f"`{clip(name)}` is an earlier name of {clip(str(now))}", "use the new name"

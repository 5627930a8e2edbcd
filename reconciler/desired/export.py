"""A live state as files to write: what a person would have typed to declare it.

The files load again, and a plan of them has no changes. What files cannot say is
left out with a remark: two accounts with one address, two groups with one name, a
value with a control character.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from reconciler.desired import documents, pyyaml, schema
from reconciler.errors import Problem
from reconciler.model import (
    PLAIN,
    STATED,
    Address,
    DesiredState,
    Group,
    LiveState,
    User,
    Value,
    group_key,
    user_key,
)

Layout = Literal["one-file", "by-group", "by-user"]
Members = Literal["not-ours", "from-users", "stated"]
Entry = dict[str, Any]

_LONGEST_NAME = 100
_TAKEN = ("target", "quirks")
"""Files of these names are no desired state."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How to write: into which files, who states the members, which addresses (globs), which user fields."""

    layout: Layout = "one-file"
    members: Members = "not-ours"
    only: tuple[str, ...] = ()
    fields: frozenset[str] = frozenset(STATED["user"])

    def wants(self, address: Address) -> bool:
        """Whether an object is asked for; without ``only``, every one is."""
        texts = (str(address), address.key)
        return not self.only or any(
            fnmatchcase(text, glob.casefold()) for glob in self.only for text in texts
        )


@dataclass(slots=True)
class Export:
    """The text of each file by name, and how many objects they declare.

    ``remarks`` name what files cannot say; ``left_out`` is what was not asked for,
    each with the reason.
    """

    files: dict[str, str] = field(default_factory=dict)
    users: int = 0
    groups: int = 0
    remarks: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def export(live: LiveState, present: DesiredState, wish: Wish) -> Export:
    """What is live, is asked for and is not in ``present`` yet, as files beside those that exist.

    ``live`` holds nothing that the target ignores, and every attribute of every
    user, in canonical spelling. The result does not depend on its order.
    """
    result = Export()
    writer = _Writer(live, present, wish, result.remarks)
    users, groups = writer.users(), writer.groups()
    result.users, result.groups = len(users), len(groups)
    parts: dict[str, dict[str, Entry]] = {}
    for kind, entries in (("users", users), ("groups", groups)):
        for name, entry in entries.items():
            file = writer.file_of(kind, name)
            parts.setdefault(file, {}).setdefault(kind, {})[name] = entry
    result.files = {name: pyyaml.dump(parts[name]) for name in sorted(parts)}
    return result


class _Writer:
    def __init__(self, live: LiveState, present: DesiredState, wish: Wish, remarks: list[str]) -> None:
        self.wish = wish
        self.remarks = remarks
        self.named = present.named
        self.people = self._unique("user", [(user_key(u.resource.email), u.resource) for u in live.users])
        self.live_groups = self._unique(
            "group", [(group_key(g.resource.name), g.resource) for g in live.groups]
        )
        older = {key for a, keys in present.previously.items() if a.kind == "user" for key in keys}
        self.unnameable = older | {a.key for a in present.absent if a.kind == "user"}
        self.decided = {key for key, user in present.users.items() if user.groups is not None}
        self.new_users = self._new("user", self.people)
        self.new_groups = self._new("group", self.live_groups)
        stated_by_users = set(present.from_users)
        if wish.members == "from-users":
            stated_by_users |= {
                k for k, g in self.new_groups.items() if not (g.members or set()) & self.decided
            }
        self.stated_by_users = stated_by_users & self.live_groups.keys()
        self.groups_of: dict[str, list[str]] = {}
        for key in sorted(self.live_groups):
            for member in self.live_groups[key].members or ():
                self.groups_of.setdefault(member, []).append(key)

    def _unique(self, kind: Literal["user", "group"], items: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(key for key, _ in items)
        for key in sorted(key for key, number in counts.items() if number > 1):
            self.remarks.append(f"{kind}/{key}: left out, since {counts[key]} live {kind}s have this name")
        return {key: item for key, item in items if counts[key] == 1}

    def _new(self, kind: Literal["user", "group"], items: Mapping[str, Any]) -> dict[str, Any]:
        addresses = {key: Address(kind, key) for key in sorted(items)}
        return {key: items[key] for key, a in addresses.items() if a not in self.named and self.wish.wants(a)}

    def users(self) -> dict[str, Entry]:
        """The entries of the new users, by e-mail address."""
        entries = {}
        for key, user in self.new_users.items():
            entry = self._sayable(Address("user", key), {key: self._user(key, user)}, "users")
            if entry is None:
                del self.people[key]
            else:
                entries[key] = entry
        return entries

    def _user(self, key: str, user: User) -> Entry:
        stated: Entry = {name: getattr(user, name) for name in PLAIN["user"]}
        joined = [k for k in self.groups_of.get(key, ()) if k in self.stated_by_users]
        stated["groups"] = [self.live_groups[k].name for k in joined] if self.stated_by_users else None
        stated["attributes"] = {
            name: _plain(value)
            for name, value in sorted((user.attributes or {}).items())
            if value is not None
        } or None
        said = (name for name in STATED["user"] if name in self.wish.fields)
        return {name: stated[name] for name in said if stated[name] not in (None, "")}

    def groups(self) -> dict[str, Entry]:
        """The entries of the new groups, by name."""
        entries = {}
        for key, group in self.new_groups.items():
            entry = self._sayable(Address("group", key), {group.name: self._group(group)}, "groups")
            if entry is not None:
                entries[group.name] = entry
        return entries

    def _group(self, group: Group) -> Entry:
        members = group.members or frozenset()
        if group.members is None and self.wish.members != "not-ours":
            self._leave_members(group, "the system does not show them")
        elif self.wish.members == "stated":
            if members <= self.people.keys() - self.unnameable:
                return {"members": sorted(members)}
            self._leave_members(group, "a member of it cannot be named")
        elif self.wish.members == "from-users":
            if group_key(group.name) in self.stated_by_users:
                return {"members": "from_users"}
            self._leave_members(group, "a member of it states other groups in the files")
        return {}

    def _leave_members(self, group: Group, reason: str) -> None:
        self.remarks.append(f"group/{group_key(group.name)}: its members are not stated, since {reason}")

    def _sayable(self, address: Address, entries: dict[str, Entry], section: str) -> Entry | None:
        """The part of an entry that files can say; None where not even its name can be."""
        (name,) = entries
        if not _problems(section, name, entries[name]):
            return entries[name]
        sayable: Entry = {}
        for part, value in entries[name].items():
            pieces = [{k: v} for k, v in value.items()] if isinstance(value, dict) else [value]
            fitting = [piece for piece in pieces if self._fits(address, section, name, {part: piece})]
            if fitting:
                whole = isinstance(value, dict)
                sayable[part] = {k: v for piece in fitting for k, v in piece.items()} if whole else value
        return sayable if self._fits(address, section, name, sayable) else None

    def _fits(self, address: Address, section: str, name: str, entry: Entry) -> bool:
        problems = _problems(section, name, entry)
        self.remarks += [f"{address}: left out in part, since {problem.message}" for problem in problems]
        return not problems

    def file_of(self, kind: str, name: str) -> str:
        """Which file an entry goes into."""
        match self.wish.layout, kind:
            case "one-file", _:
                return "imported.yaml"
            case "by-user", "users":
                return f"users/{_slug(name)}.yaml"
            case "by-user", _:
                return "groups.yaml"
            case _, "groups":
                return f"groups/{_slug(name)}.yaml"
            case _:
                first = next((k for k in self.groups_of.get(name, ()) if k in self.new_groups), None)
                return f"groups/{_slug(self.new_groups[first].name)}.yaml" if first else "users.yaml"


def _problems(section: str, name: str, entry: Entry) -> list[Problem]:
    document = documents.parse(pyyaml.dump({section: {name: entry}}).encode(), "import")
    schema.check(document, "desired-state")
    return document.problems


def _plain(value: Value) -> object:
    return list(value) if isinstance(value, tuple) else value


def _slug(name: str) -> str:
    """A file name that says the name, on every file system."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9@._-]+", "-", text).strip("-.")[:_LONGEST_NAME] or "unnamed"
    return f"{slug}-group" if slug in _TAKEN else slug

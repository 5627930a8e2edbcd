"""What a pretend Omni holds, in memory: people, groups, definitions and keys, each found in one step.

One counter gives every id and every time, so the same writes in the same
order always leave the same directory.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from reconciler.sandbox.omni.records import (
    SYSTEM_DEFINITIONS,
    Definition,
    Group,
    Key,
    User,
    membership_id,
    mini_uuid,
    moment,
)
from reconciler.sandbox.omni.switches import Switches
from reconciler.sandbox.switching import from_mapping

_DEFINITION = tuple(each.name for each in fields(Definition))
_USER = tuple(each.name for each in fields(User) if each.name != "groups")
_GROUP = tuple(each.name for each in fields(Group) if each.name != "members")
_KEY = tuple(each.name for each in fields(Key))


class Directory:
    """The state of one pretend instance; rows are in the order of creation.

    ``switches`` may be replaced at any time. ``serial`` counts writes: where
    it has not moved, nothing has changed.
    """

    def __init__(self, switches: Switches | None = None) -> None:
        self.switches = switches or Switches()
        self.serial = 0
        self.definitions = {each.name: each for each in SYSTEM_DEFINITIONS}
        self.users: dict[str, User] = {}
        self.embed_users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.keys: dict[str, Key] = {}
        self._by_email: dict[str, dict[str, None]] = {}
        self._by_name: dict[str, dict[str, None]] = {}
        self._rows: tuple[int, list[User]] = (-1, [])

    def tick(self) -> int:
        """Count one write."""
        self.serial += 1
        return self.serial

    def user(self, ident: str) -> User | None:
        """The user with this id, None where there is none (any more)."""
        user = self.users.get(ident)
        return None if user is None or user.deleted else user

    def person(self, ident: str) -> User | None:
        """Whoever may be a member of a group: a user or an embed user."""
        return self.user(ident) or self.embed_users.get(ident)

    def member(self, ident: str) -> User:
        """The person behind a member id of a group."""
        return self.users.get(ident) or self.embed_users[ident]

    def all_users(self) -> list[User]:
        """Every user as a row of the list; who reads it page by page gets the same one until a write."""
        if self._rows[0] != self.serial:
            self._rows = (self.serial, list(self.users.values()))
        return self._rows[1]

    def users_with_email(self, email: str) -> list[User]:
        """The users with this e-mail, compared without case."""
        return [self.users[ident] for ident in self._by_email.get(email.lower(), ())]

    def groups_with_name(self, name: str) -> list[Group]:
        """The groups with this name, compared as the instance does."""
        groups = [self.groups[ident] for ident in self._by_name.get(name.lower(), ())]
        if self.switches.group_names_case_sensitive:
            return [group for group in groups if group.name == name]
        return groups

    def add_user(self, email: str, name: str, *, active: bool = True) -> User:
        """Make a user; whether the e-mail is free is for the caller to ask."""
        user = self._new_user(email, name)
        user.active = active
        self.users[user.id] = user
        self._by_email.setdefault(email.lower(), {})[user.id] = None
        return user

    def add_embed_user(
        self, email: str, name: str, *, external_id: str, entity: str | None, embed_email: str | None
    ) -> User:
        """Make an embed user, as a session of an embedded page would."""
        user = self._new_user(email, name)
        user.external_id, user.entity, user.embed_email = external_id, entity, embed_email
        self.embed_users[user.id] = user
        return user

    def _new_user(self, email: str, name: str) -> User:
        serial = self.tick()
        return User(serial, membership_id(serial), email, name, moment(serial), moment(serial))

    def touch(self, record: User | Group) -> None:
        """Note that a record was written just now."""
        record.modified = moment(self.tick())

    def remove_user(self, user: User) -> None:
        """Take a user out of every group, free the e-mail, and keep the row only where the switch says so."""
        for group in list(user.groups.values()):
            self.leave(group, user)
        user.active, user.deleted = False, True
        self.touch(user)
        self._drop(self._by_email, user.email, user.id)
        if not self.switches.delete_keeps_row:
            del self.users[user.id]

    def remove_embed_user(self, user: User) -> None:
        """Delete an embed user for good."""
        for group in list(user.groups.values()):
            self.leave(group, user)
        self.tick()
        del self.embed_users[user.id]

    def add_group(self, name: str) -> Group:
        """Make an empty group; whether the name is free is for the caller to ask."""
        serial = self.tick()
        group = Group(serial, mini_uuid(serial), name, moment(serial), moment(serial))
        self.groups[group.id] = group
        self._by_name.setdefault(name.lower(), {})[group.id] = None
        return group

    def rename_group(self, group: Group, name: str) -> None:
        """Give a group another name."""
        self._drop(self._by_name, group.name, group.id)
        group.name = name
        self._by_name.setdefault(name.lower(), {})[group.id] = None

    def remove_group(self, group: Group) -> None:
        """Delete a group; its members stay."""
        for person in group.members.values():
            del person.groups[group.id]
        self._drop(self._by_name, group.name, group.id)
        self.tick()
        del self.groups[group.id]

    def join(self, group: Group, person: User) -> None:
        """Put a person into a group; nothing happens where they are in it."""
        group.members[person.id] = person
        person.groups[group.id] = group

    def leave(self, group: Group, person: User) -> None:
        """Take a person who is in a group out of it."""
        del group.members[person.id]
        del person.groups[group.id]

    @staticmethod
    def _drop(index: dict[str, dict[str, None]], text: str, ident: str) -> None:
        idents = index[text.lower()]
        del idents[ident]
        if not idents:
            del index[text.lower()]

    def data(self) -> dict[str, object]:
        """Everything but the switches, as plain data that load_json takes back with them."""
        return {
            "serial": self.serial,
            "definitions": [_plain(each, _DEFINITION) for each in self.definitions.values()],
            "users": [_plain(each, _USER) for each in self.users.values()],
            "embed_users": [_plain(each, _USER) for each in self.embed_users.values()],
            "groups": [
                {**_plain(each, _GROUP), "members": list(each.members)} for each in self.groups.values()
            ],
            "keys": {token: _plain(key, _KEY) for token, key in self.keys.items()},
        }

    def load_json(self, data: Any) -> None:
        """Take such data into an empty directory; anything else raises whatever it trips over."""
        self.serial = data["serial"]
        self.switches = from_mapping(Switches, data["switches"])
        self.definitions = {row["name"]: Definition(**row) for row in data["definitions"]}
        self.embed_users = {row["id"]: User(**row) for row in data["embed_users"]}
        self.keys = {token: Key(**row) for token, row in data["keys"].items()}
        self.users = {row["id"]: User(**row) for row in data["users"]}
        for user in self.users.values():
            if not user.deleted:
                self._by_email.setdefault(user.email.lower(), {})[user.id] = None
        for row in data["groups"]:
            group = Group(**{**row, "members": {}})
            self.groups[group.id] = group
            self._by_name.setdefault(group.name.lower(), {})[group.id] = None
            for ident in row["members"]:
                self.join(group, self.member(ident))


def _plain(record: object, names: Iterable[str]) -> dict[str, object]:
    return {name: getattr(record, name) for name in names}

"""Some people and groups of a SCIM server, as a complete read would find them.

* A person is whoever a filter on the login lists, all of them: a list decides who is live, as it does in a
  complete read. By id one learns a login to ask for, and no more.
* A group is read by its id, which has all its members. Whether another group has its name in other capitals
  only the list of all groups tells, as in a complete read. Where no two can, a filter on the name finds what
  no id is known of, and what it does not find is looked for in that list.
* Whatever looks odd is left to a complete read, which can look twice: a filter that is ignored, people and
  groups that contradict each other, a login that is not plain ASCII (nobody says how servers compare those).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.model import KEY_OF, Asked, Kind, LiveState, Need, group_key, user_key
from reconciler.providers.scim.agreement import disagreeing
from reconciler.providers.scim.codec import GroupRow, Page, UserRow, group_row, live_group
from reconciler.providers.scim.listing import listed
from reconciler.providers.scim.reader import ScimReader

_FEW = 10
"""Requests that are made without asking first whether a complete read takes fewer."""


class _NotSo(Exception):
    """Only a complete read tells."""


def read_some(server: ScimReader, asked: Asked, need: Need) -> LiveState | None:
    """The people and groups that are asked for; None where everything must be read, or takes no more."""
    if not _is_worth_it(server, asked, need):
        return None
    part = _Part(server)
    try:
        part.find_people(asked)
        part.find_groups(asked)
    except _NotSo:
        return None
    return None if disagreeing(part.users, part.groups) else part.state(need)


def _is_worth_it(server: ScimReader, asked: Asked, need: Need) -> bool:
    by_id = 0 if server.dialect.lists_carry_attributes else len(need.attributes)
    people = len(asked.users) + 2 * len(asked.strangers) + by_id
    requests = people + len(asked.groups) + len(asked.with_groups)
    if requests <= _FEW:
        return True
    # The first page is one of those that a complete read asks for.
    first = {"count": str(server.dialect.page), "startIndex": "1"}
    return requests < server.pages(asked.out_of or server.page("user", first).total)


@dataclass(slots=True)
class _Part:
    """What was found by now: rows by id, the keys that were looked for, and ids that no user has."""

    server: ScimReader
    users: dict[str, UserRow] = field(default_factory=dict)
    groups: dict[str, GroupRow] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    nobody: set[str] = field(default_factory=set)

    def find_people(self, asked: Asked) -> None:
        """By login, and by the login that somebody with a known id has by now."""
        for key in sorted(asked.users):
            self._called(key)
        known = (live_id for address, live_id in asked.ids.items() if address.kind == "user")
        for live_id in (*known, *sorted(asked.strangers)):
            if live_id not in self.users:
                self._with_id(live_id)

    def _called(self, key: str) -> None:
        self.people.add(key)
        for row in map(self.server.user, self._filtered("user", key)):
            self.users[row.id] = row

    def _with_id(self, live_id: str) -> None:
        row = self.server.one_user(live_id, frozenset())
        if row and (key := user_key(row.live.resource.email)) not in self.people:
            self._called(key)
        if live_id not in self.users:
            self.nobody.add(live_id)

    def find_groups(self, asked: Asked) -> None:
        """By id, else by name; those of people who are asked for with their groups by the people's rows."""
        known = {live_id for address, live_id in asked.ids.items() if address.kind == "group"}
        for live_id in sorted(known | self._groups_of(asked.with_groups)):
            if (row := self.server.one_group(live_id)) is not None:
                self._keep(row)
        self.names |= asked.groups
        if self.names and self.server.dialect.twins:
            if not all(map(str.isascii, asked.groups.values())):
                raise _NotSo
            self._look_through(frozenset(self.names))
            return
        left = {key: name for key, name in asked.groups.items() if key not in self._keys()}
        missing = [key for key, name in left.items() if not self._named(name)]
        if missing:
            self._look_through(missing)

    def _groups_of(self, people: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for row in self.users.values():
            if user_key(row.live.resource.email) in people:
                if row.groups is None:
                    raise _NotSo
                found.update(row.groups)
        return found

    def _keys(self) -> set[str]:
        return {group_key(row.name) for row in self.groups.values()}

    def _named(self, name: str) -> bool:
        """Whether a filter finds a group of that name. It is read by id then: a list may cut members."""
        rows = [group_row(row) for row in self._filtered("group", name)]
        for row in rows:
            self._by_id(row)
        return bool(rows)

    def _look_through(self, keys: Iterable[str]) -> None:
        for row in listed(self.server, "group", group_row).values():
            if group_key(row.name) in keys:
                self._by_id(row)

    def _by_id(self, row: GroupRow) -> None:
        if row.id not in self.groups:
            found = self.server.one_group(row.id)
            if found is None:
                raise _NotSo
            self._keep(found)

    def _keep(self, row: GroupRow) -> None:
        """Note a group as read by id. Where it is silent there, only a silent list says that it is empty."""
        self.groups[row.id] = row
        self.names.setdefault(group_key(row.name), row.name)
        if not row.tells_members:
            listed = [group_row(each) for each in self._filtered("group", row.name)]
            if not any(each.id == row.id and not each.members for each in listed):
                raise _NotSo

    def _filtered(self, kind: Kind, name: str) -> list[object]:
        """Every row that a filter finds for a name, each checked here: a server may ignore filters."""
        if not name.isascii():
            raise _NotSo
        by = "userName" if kind == "user" else "displayName"
        query = {"filter": f"{by} eq {json.dumps(name)}", "count": str(self.server.dialect.page)}
        listing: Page = self.server.page(kind, query)
        names = [_name(self.server, kind, row) for row in listing.rows]
        if listing.total != len(names) or any(KEY_OF[kind](each) != KEY_OF[kind](name) for each in names):
            raise _NotSo
        return list(listing.rows)

    def state(self, need: Need) -> LiveState:
        """What was found, with what must be known of each person."""
        people = {row.id: user_key(row.live.resource.email) for row in self.users.values()}
        known = [self.server.known(row, need, people[row.id]) for row in self.users.values()]
        foreign, unread = {}, {}
        for row in self.groups.values():
            if number := len(row.members & self.nobody) + len(row.nested):
                foreign[row.id] = number
            if others := sorted(row.members - people.keys() - self.nobody):
                unread[row.id] = tuple(others)
        return LiveState(
            users=tuple(row.live for row in known if row),
            groups=tuple(live_group(row, people) for row in self.groups.values()),
            foreign=foreign,
            asked=Asked(frozenset(self.people), self.names),
            unread=unread,
        )


def _name(server: ScimReader, kind: Kind, row: object) -> str:
    return server.user(row).live.resource.email if kind == "user" else group_row(row).name

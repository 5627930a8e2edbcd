"""Reading a SCIM server: everything or nothing.

A group whose row has no ``members`` is read by id. If that answer has none either,
the group is empty (Omni's OpenAPI: a group needs only a name, an id and schemas),
unless the list had members, or the rows of people who were to leave it still name it.
The groups of the users and the members of the groups must agree. Where they do not,
groups that were only listed are read by id, then the users.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TypeVar
from urllib.parse import quote

from reconciler.changes import Atom
from reconciler.errors import BadAnswer, IncompleteRead, Refused
from reconciler.model import Address, Kind, LiveState, Need, group_key, user_key
from reconciler.providers.scim.agreement import as_users_say, check_agreement, disagreeing
from reconciler.providers.scim.codec import (
    GroupRow,
    Page,
    UserRow,
    group_row,
    page,
    refusal,
    user_row,
    words,
)
from reconciler.providers.scim.dialect import Dialect
from reconciler.providers.scim.gaps import announce, gap
from reconciler.providers.scim.listing import count, listed
from reconciler.providers.scim.state import check_members, state
from reconciler.transport.messages import Reader, Response

_GONE = 404
NO_FILTERS = (400, 405, 501)
"""What is answered where a filter is not understood, or none is (RFC 7644, 3.4.2.2 and 3.12)."""
_SECOND_LOOKS = 100
"""The most users that are read again one by one; more that disagree are no accident."""

Row = TypeVar("Row", UserRow, GroupRow)


@dataclass(frozen=True, slots=True)
class ScimReader:
    """One server, read only. Every method raises NoAnswer, Refused, BadAnswer or IncompleteRead.

    ``one_by_one`` says that the ids which ``look`` is given are not all that there are: a list would be long.
    """

    reader: Reader
    dialect: Dialect
    one_by_one: bool = False

    def get(self, path: str, query: Mapping[str, str] | None = None) -> object:
        """One JSON answer."""
        return self._checked(path, self.reader.get(path, query))

    def get_or_none(self, path: str, key: int | None = None) -> object:
        """One JSON answer, None where there is no such thing (404); ``key`` is the key to ask with."""
        response = self.reader.get(path, key=key)
        return None if response.status == _GONE else self._checked(path, response)

    def page(self, kind: Kind, query: Mapping[str, str]) -> Page:
        """One page of the users or groups, from ``startIndex`` in the query on, which is 1 without it."""
        path = self.dialect.path(kind)
        start = int(query.get("startIndex", "1"))
        return page(self.get(path, query), path, start, counted=self.dialect.totals == "whole")

    def _checked(self, path: str, response: Response) -> object:
        if not response.ok:
            raise refusal("GET", path, response, self.dialect)
        if response.json is None:
            said = words(response) or "an empty body"
            message = f"GET {path} was answered {response.status} with {said}, where JSON was expected"
            raise BadAnswer(message)
        return self.dialect.spelled(response.json)

    def read(self, need: Need) -> LiveState:
        """Every user and every group, with the attributes that are needed."""
        users = listed(self, "user", self.user)
        groups = listed(self, "group", self.group)
        if self._hides_members:
            groups = as_users_say(users, groups)
        silent = [row for row in groups.values() if not row.tells_members]
        if self.dialect.silence_is_empty and len(silent) < len(groups):
            # A list that shows the members of some shows those of all.
            silent = []
        gaps = (gap(row, need, user_key(row.live.resource.email)) for row in users.values())
        announce(self.reader, gaps, silent, self.dialect)
        by_id = {row.id: self._closer(row) for row in silent}
        groups |= by_id
        self._make_agree(users, groups, by_id)
        people = {row.id: user_key(row.live.resource.email) for row in users.values()}
        check_members(groups.values(), people)
        known = [row for user in users.values() if (row := self.known(user, need, people[user.id]))]
        names = {row.id: group_key(row.name) for row in groups.values()}
        return state(known, groups.values(), people, self.dialect, names)

    def look(self, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:
        """Only what these atoms are about: one by one, or by listing where that takes fewer requests."""
        people = {live_id: address.key for address, live_id in ids.items() if address.kind == "user"}
        by_address: dict[Address, list[Atom]] = {}
        for atom in covers:
            by_address.setdefault(atom.address, []).append(atom)
        users = self._look_at_users({a: c for a, c in by_address.items() if a.kind == "user"}, ids, people)
        groups = self._look_at_groups({a: c for a, c in by_address.items() if a.kind == "group"}, ids, people)
        names = {live_id: address.key for address, live_id in ids.items() if address.kind == "group"}
        return state(users, groups, people, self.dialect, names)

    def _look_at_users(
        self, covers: Mapping[Address, Sequence[Atom]], ids: Mapping[Address, str], people: Mapping[str, str]
    ) -> list[UserRow]:
        keys = {
            a: frozenset(c.path[1] for c in of if c.path[:1] == ("attributes",)) for a, of in covers.items()
        }
        if self.one_by_one or len(covers) <= self.pages(len(people)):
            found = [self._look_at_user(address, ids.get(address), keys[address]) for address in covers]
            return [row for row in found if row]
        need = Need(
            {a.key: k for a, k in keys.items()},
            frozenset(a.key for a, atoms in covers.items() if any(atom.path == () for atom in atoms)),
        )
        users = []
        for row in listed(self, "user", self.user).values():
            address = Address("user", people.get(row.id, user_key(row.live.resource.email)))
            # A known name under another id is somebody else.
            asked_for = address in covers and ids.get(address, row.id) == row.id
            if asked_for and (known := self.known(row, need, address.key)):
                users.append(known)
        return users

    def _look_at_user(self, address: Address, live_id: str | None, keys: frozenset[str]) -> UserRow | None:
        if live_id is not None:
            return self.one_user(live_id, keys)
        matches = self._named(address.key)
        if len(matches) > 1:
            message = (
                f"{address} matches {len(matches)} live users: {' and '.join(row.id for row in matches)}"
            )
            raise IncompleteRead(message)
        return self.known(matches[0], Need({address.key: keys}), address.key) if matches else None

    def _named(self, key: str) -> list[UserRow]:
        """The users of this login: asked for by a filter, where the server heeds it."""
        if self.dialect.filters:
            text = key.replace("\\", "\\\\").replace('"', '\\"')
            query = {"filter": f'userName eq "{text}"', **count(self.dialect, 2)}
            found = self._filtered(query)
            matches = [row for row in found or () if user_key(row.live.resource.email) == key]
            if matches or found == []:
                return matches
        # Others came in answer to the filter, or it was refused.
        everybody = listed(self, "user", self.user).values()
        return [row for row in everybody if user_key(row.live.resource.email) == key]

    def _filtered(self, query: Mapping[str, str]) -> list[UserRow] | None:
        """The users that a filter finds; None where the server takes no filter."""
        try:
            return list(map(self.user, self.page("user", query).rows))
        except Refused as error:
            if error.status not in NO_FILTERS or self.dialect.shape is None:
                raise
            return None

    def _look_at_groups(
        self, covers: Mapping[Address, Sequence[Atom]], ids: Mapping[Address, str], people: Mapping[str, str]
    ) -> list[GroupRow]:
        # Whether a filter on names minds their case is not documented, so an unknown id means listing.
        total = sum(address.kind == "group" for address in ids)
        few = self.one_by_one or len(covers) <= self.pages(total)
        if few and covers.keys() <= ids.keys():
            found = {address: row for address in covers if (row := self.one_group(ids[address]))}
            return self._unsilenced(found, covers, ids, people)
        wanted = {ids[address]: address for address in covers if address in ids}
        groups: dict[Address, GroupRow] = {}
        for row in listed(self, "group", self.group).values():
            address = wanted.get(row.id, Address("group", group_key(row.name)))
            if address not in covers or ids.get(address, row.id) != row.id:
                continue
            if address in groups:
                message = f"{address} matches 2 live groups: {groups[address].id} and {row.id}"
                raise IncompleteRead(message)
            members = {people[m] for m in row.members if m in people}
            short = any(c.after and c.member and c.member.key not in members for c in covers[address])
            # A list may cut long memberships short, so one that lacks somebody is read by itself.
            doubtful = (short or not row.tells_members) and not self._hides_members
            groups[address] = self._closer(row) if doubtful else row
        return self._unsilenced(groups, covers, ids, people)

    def _unsilenced(
        self,
        groups: Mapping[Address, GroupRow],
        covers: Mapping[Address, Sequence[Atom]],
        ids: Mapping[Address, str],
        people: Mapping[str, str],
    ) -> list[GroupRow]:
        """The groups; a silent one has those who were to leave it, and whose own rows say that they did not.

        Silence counts as nobody where somebody was to join, so that no addition is believed by it. Where
        members are hidden, their own rows say that as well.
        """
        silent = {address: row.id for address, row in groups.items() if not row.tells_members}
        asked = {
            atom.member
            for address in silent
            for atom in covers[address]
            if atom.member and atom.member in ids and (self._hides_members or not atom.after)
        }
        users = self._look_at_users(dict.fromkeys(sorted(asked), ()), ids, people) if asked else []
        staying = {
            address: {user.id for user in users if group_id in (user.groups or ())}
            for address, group_id in silent.items()
        }
        return [
            replace(row, members=row.members | staying.get(address, set())) for address, row in groups.items()
        ]

    def pages(self, rows: int) -> int:
        """How many requests list so many."""
        return max(1, ceil(rows / self.dialect.page))

    def user(self, row: object) -> UserRow:
        """One row of the users."""
        return user_row(row, self.dialect)

    def group(self, row: object) -> GroupRow:
        """One row of the groups; where it is known to hide members it says nothing of them."""
        found = group_row(row, self.dialect.groups[-1])
        return replace(found, members=frozenset(), tells_members=False) if self._hides_members else found

    @property
    def _hides_members(self) -> bool:
        return self.dialect.members_shown is False

    def one_user(self, live_id: str, keys: frozenset[str]) -> UserRow | None:
        """One user, completely: what the answer does not hold has no value. None where it is gone."""
        data = self.get_or_none(f"{self.dialect.path('user')}/{quote(live_id, safe='')}")
        if data is None:
            return None
        row = self.user(data)
        missing = dict.fromkeys(keys - (row.live.resource.attributes or {}).keys())
        return row.with_attributes(missing)

    def one_group(self, live_id: str) -> GroupRow | None:
        """One group with its members; None where it is gone."""
        data = self.get_or_none(f"{self.dialect.path('group')}/{quote(live_id, safe='')}")
        return None if data is None else self.group(data)

    def known(self, row: UserRow, need: Need, key: str) -> UserRow | None:
        """The user with all that is needed of ``key``; None where the row is the trace of a deletion."""
        left = gap(row, need, key)
        if not left.is_open(self.dialect):
            return row.with_attributes(dict.fromkeys(left.missing))
        row_by_id = self.one_user(row.id, left.keys)
        if row_by_id is None and row.live.resource.active is not False:
            message = f"user/{key} was removed while it was read; run again"
            raise IncompleteRead(message)
        return row_by_id

    def _make_agree(
        self, users: dict[str, UserRow], groups: dict[str, GroupRow], read_by_id: Collection[str]
    ) -> None:
        """Look again at groups not ``seen`` by id, then users, that disagree; raises if they still do."""
        first_look = disagreeing(users, groups)
        if not first_look:
            return
        for live_id in [live_id for live_id in first_look if live_id not in read_by_id]:
            groups[live_id] = self._closer(groups[live_id])
        doubtful = sorted(set().union(*disagreeing(users, groups).values()))
        if len(doubtful) > _SECOND_LOOKS:
            message = f"users and groups contradict each other about {len(doubtful)} people; try again later"
            raise IncompleteRead(message)
        for live_id in doubtful:
            email = users[live_id].live.resource.email
            users[live_id] = self._again(self.one_user(live_id, frozenset()), email)
        check_agreement(users, groups)

    def _closer(self, row: GroupRow) -> GroupRow:
        """A group as it is read by id; the list's row, where that spoke of members and this does not."""
        found = self._again(self.one_group(row.id), row.name)
        return found if found.tells_members or not row.tells_members else row

    @staticmethod
    def _again(row: Row | None, name: str) -> Row:
        if row is None:
            message = f"{name} was removed while it was read; run again"
            raise IncompleteRead(message)
        return row

"""What a pretend directory holds, in memory: users, groups, extensions and credentials.

One counter gives every id and every time, so the same writes in the same
order always leave the same directory.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from operator import attrgetter
from typing import Any

from reconciler.sandbox.scim.core import ENTERPRISE_URN, GROUPS, USERS
from reconciler.sandbox.scim.extensions import read_extension
from reconciler.sandbox.scim.records import Client, Name, Record, new_id
from reconciler.sandbox.scim.schemas import ResourceType, with_extension
from reconciler.sandbox.scim.switches import Switches
from reconciler.sandbox.switching import from_mapping

_LABELS: dict[Name, str] = {"User": "userName", "Group": "displayName"}


class Directory:
    """The state of one pretend directory; records are in the order of creation.

    ``extensions`` are as the seed says them; ``kinds`` are made of them. ``switches`` may be
    replaced at any time. ``gone`` are the logins of users who were deleted. ``serial`` counts
    writes: where it has not moved, nothing has changed. ``requests`` counts what was asked, for
    what takes a while.
    """

    def __init__(self) -> None:
        self.switches = Switches()
        self.serial = 0
        self.extensions: dict[str, Any] = {}
        self.kinds: dict[Name, ResourceType] = {"User": USERS, "Group": GROUPS}
        self.records: dict[Name, dict[str, Record]] = {"User": {}, "Group": {}}
        self.tokens: list[str] = []
        self.clients: dict[str, Client] = {}
        self.gone: list[str] = []
        self.requests = 0
        self._labelled: dict[Name, dict[str, dict[str, None]]] = {"User": {}, "Group": {}}
        self._groups_of: dict[str, dict[str, None]] = {}
        self._earlier: dict[str, tuple[int, Name, Record | None]] = {}

    def tick(self) -> int:
        """Count one write."""
        self.serial += 1
        return self.serial

    def record(self, ident: str) -> Record | None:
        """The user or group with this id."""
        return self.records["User"].get(ident) or self.records["Group"].get(ident)

    def labelled(self, kind: Name, label: str) -> list[Record]:
        """The users with this userName, or the groups with this displayName, compared without case."""
        return [self.records[kind][ident] for ident in self._labelled[kind].get(label.casefold(), ())]

    def label(self, record: Record) -> str:
        """What a person calls it."""
        return str(record.values.get(_LABELS[record.kind], ""))

    def rows(self, kind: Name) -> list[Record]:
        """What lists show: all there is, or what there was where they lag behind the writes."""
        rows, earlier = self.records[kind], self._still_earlier()
        if not earlier:
            return list(rows.values())
        now = [record for ident, record in rows.items() if ident not in earlier]
        old = [record for _, of, record in earlier.values() if of == kind and record is not None]
        return sorted((*now, *old), key=attrgetter("created"))

    def listed_as(self, kind: Name, label: str) -> list[Record] | None:
        """The rows with this name, where they can be told without looking at each."""
        return None if self._still_earlier() else self.labelled(kind, label)

    def _still_earlier(self) -> dict[str, tuple[int, Name, Record | None]]:
        """What lists show in place of a record, None for nothing, until so many requests were made."""
        self._earlier = {key: each for key, each in self._earlier.items() if each[0] > self.requests}
        return self._earlier

    def _keep_earlier(self, record: Record, *, new: bool = False) -> None:
        # What a seed holds is there from the first request on.
        if self.switches.list_lag and self.requests:
            due = self.requests + self.switches.list_lag
            self._still_earlier().setdefault(record.id, (due, record.kind, None if new else replace(record)))

    def groups_of(self, ident: str) -> Iterator[tuple[Record, bool]]:
        """The groups that a member is in, each with whether directly."""
        seen, queue = {ident}, [(group, True) for group in self._groups_of.get(ident, ())]
        for group, direct in queue:
            if group not in seen:
                seen.add(group)
                yield self.records["Group"][group], direct
                queue += [(outer, False) for outer in self._groups_of.get(group, ())]

    def add(self, kind: Name, values: dict[str, Any], ident: str = "") -> Record:
        """Make a record; whether its values are allowed is for the caller to ask."""
        serial = self.tick()
        record = Record(kind, ident or new_id(serial, odd=self.switches.odd_ids), serial, serial)
        self._keep_earlier(record, new=True)
        self._put(record, values)
        return record

    def write(self, record: Record, values: dict[str, Any]) -> None:
        """Give a record other values; nothing happens where they are the same."""
        if values != record.values:
            self._keep_earlier(record)
            self._forget(record)
            record.modified = self.tick()
            self._put(record, values)

    def remove(self, record: Record) -> None:
        """Delete a record, and what others say of it unless the switch keeps that."""
        self._keep_earlier(record)
        self._forget(record)
        if record.kind == "User":
            self.gone.append(self.label(record).casefold())
        del self.records[record.kind][record.id]
        self.tick()
        if not self.switches.deleted_references_stay:
            for group in list(self._groups_of.get(record.id, ())):
                holder = self.records["Group"][group]
                self.write(holder, _without_member(holder.values, record.id))
            for user in list(self.records["User"].values()):
                if _manager(user.values) == record.id:
                    self.write(user, _without_manager(user.values))

    def _put(self, record: Record, values: dict[str, Any]) -> None:
        record.values = values
        self.records[record.kind][record.id] = record
        self._labelled[record.kind].setdefault(self.label(record).casefold(), {})[record.id] = None
        if record.kind == "Group":
            for member in values.get("members", ()):
                self._groups_of.setdefault(member["value"], {})[record.id] = None

    def _forget(self, record: Record) -> None:
        del self._labelled[record.kind][self.label(record).casefold()][record.id]
        if record.kind == "Group":
            for member in record.values.get("members", ()):
                self._groups_of[member["value"]].pop(record.id, None)

    def data(self) -> dict[str, object]:
        """Everything but the switches, as plain data that load_json takes back with them."""
        return {
            "serial": self.serial,
            "extensions": self.extensions,
            "records": [asdict(record) for kind in self.records.values() for record in kind.values()],
            "tokens": self.tokens,
            "gone": self.gone,
            "clients": {name: asdict(client) for name, client in self.clients.items()},
        }

    def load_json(self, data: Any) -> None:
        """Take such data into an empty directory; anything else raises whatever it trips over."""
        self.extend(data["extensions"])
        self.switches = from_mapping(Switches, data["switches"])
        for row in data["records"]:
            self._put(Record(**row), row["values"])
        self.tokens, self.gone = list(data["tokens"]), list(data["gone"])
        self.clients = {
            name: Client(row["secret"], tuple(row["scopes"])) for name, row in data["clients"].items()
        }
        self.serial = data["serial"]

    def extend(self, extensions: dict[str, Any]) -> None:
        """Know these schemas as well; raises ValueError that names the key with the mistake."""
        self.extensions |= extensions
        for urn, row in extensions.items():
            name, extension = read_extension(urn, row)
            if self.kinds[name].schema(urn):
                message = f"extensions.{urn}: the directory has this one already"
                raise ValueError(message)
            self.kinds[name] = with_extension(self.kinds[name], extension)


def _manager(values: dict[str, Any]) -> str | None:
    found = values.get(ENTERPRISE_URN, {}).get("manager", {}).get("value")
    return None if found is None else str(found)


def _without_manager(values: dict[str, Any]) -> dict[str, Any]:
    part = {name: value for name, value in values[ENTERPRISE_URN].items() if name != "manager"}
    rest = {name: value for name, value in values.items() if name != ENTERPRISE_URN}
    return rest | ({ENTERPRISE_URN: part} if part else {})


def _without_member(values: dict[str, Any], ident: str) -> dict[str, Any]:
    members = [member for member in values["members"] if member["value"] != ident]
    rest = {name: value for name, value in values.items() if name != "members"}
    return rest | ({"members": members} if members else {})

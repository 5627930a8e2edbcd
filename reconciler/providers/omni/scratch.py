"""Scratch objects: made, changed, read and removed again, whatever happens in between.

Only scratch objects are touched, those of this run and of earlier ones: objects
whose whole name is that of a scratch object. Each write is the same request that
an apply would send, journalled before it is sent and after it is answered.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

from reconciler.changes import Change, Create, Delete, FieldChange, Update
from reconciler.errors import (
    CredentialRefused,
    Interrupted,
    NoAnswer,
    Place,
    ReconcilerError,
    Refused,
    Unreachable,
)
from reconciler.journal import Journal
from reconciler.model import NAMED_BY, Address, FieldPath, Kind, Value, group_address, user_address
from reconciler.operations import is_id, resolve
from reconciler.providers.base import Answer, Provider
from reconciler.providers.kind import Connection
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.scim.codec import Page, UserRow, group_row, user_row
from reconciler.providers.scim.reader import ScimReader
from reconciler.report import Finding
from reconciler.transport.messages import Reader

MARK = "reconciler-probe"
DOMAIN = "example.com"
"""Reserved for documentation (RFC 2606): no mail to it reaches anybody."""

_NAMES = {
    "user": re.compile(rf"{MARK}-[0-9a-f]{{8}}@{re.escape(DOMAIN)}", re.IGNORECASE),
    "group": re.compile(rf"{MARK}-[0-9a-f]{{8}}", re.IGNORECASE),
}
_HERE = Place("probe")
_TRIES = 3


def user_name(token: str) -> str:
    """The e-mail address of a scratch user."""
    return f"{group_name(token)}@{DOMAIN}"


def group_name(token: str) -> str:
    """The name of a scratch group."""
    return f"{MARK}-{token}"


@dataclass(frozen=True, slots=True)
class ScratchObject:
    """A scratch object that is live."""

    address: Address
    label: str
    id: str

    def __str__(self) -> str:
        return f"{self.address.kind} {self.label} (id {self.id})"

    @property
    def path(self) -> str:
        """Where it is read."""
        return f"{OMNI.path(self.address.kind)}/{quote(self.id, safe='')}"


@dataclass(slots=True)
class Scratch:
    """The scratch objects of one run, which all carry ``token`` in their names, and what they find out.

    ``removed`` are those of earlier runs that this one removed. Methods that read
    raise NoAnswer, BadAnswer or Refused. Methods that write raise CredentialRefused,
    Unreachable or JournalFailed, or Interrupted before anything was sent.
    """

    provider: Provider
    connection: Connection
    journal: Journal
    token: str
    findings_of: Callable[["Scratch"], Iterator[Finding]]
    removed: list[str] = field(default_factory=list)
    _made: list[ScratchObject] = field(default_factory=list)
    _stuck: list[str] = field(default_factory=list)
    _tried: bool = False
    _cleaning: bool = False

    @property
    def server(self) -> ScimReader:
        """The instance, read only."""
        return ScimReader(Reader(self.connection.transport), OMNI)

    def findings(self) -> Iterator[Finding]:
        """Every question with its answer; raises where no more can be asked."""
        return self.findings_of(self)

    def make(self, kind: Kind, label: str) -> tuple[ScratchObject | None, Answer]:
        """Make an object; None where that did not work. The answer comes along."""
        address = user_address(label) if kind == "user" else group_address(label)
        changes = [FieldChange(NAMED_BY[kind], None, label)]
        if kind == "user":
            changes.append(FieldChange(("name",), None, "A scratch user of reconciler"))
        self._tried = True
        answer = self._write(Create(address, label, tuple(changes), _HERE))
        if answer.verdict != "done":
            return None, answer
        self._made.append(ScratchObject(address, label, answer.ids[address]))
        return self._made[-1], answer

    def change(self, item: ScratchObject, path: FieldPath, before: Value, after: Value) -> Answer:
        """Change one field of an object."""
        field_change = FieldChange(path, before, after)
        return self._write(Update(item.address, item.label, item.id, (field_change,), _HERE))

    def user(self, user: ScratchObject) -> UserRow | None:
        """The user, read by id; None where they are gone."""
        data = self.server.get_or_none(user.path)
        return None if data is None else user_row(data, OMNI)

    def listed(self, user: ScratchObject) -> tuple[UserRow | None, UserRow | None]:
        """The user's row in the plain list, where new users are first or last, and in a filtered one."""
        first = self._page("user", {"startIndex": "1"})
        last = self._page("user", {"startIndex": str(max(1, first.total - len(first.rows) + 1))})
        filtered = self._page("user", {"filter": f'userName eq "{user.label}"'})
        return _row_of(user, (*first.rows, *last.rows)), _row_of(user, filtered.rows)

    def members(self, group: ScratchObject) -> frozenset[str]:
        """The ids of a group's members."""
        data = self.server.get_or_none(group.path)
        return frozenset() if data is None else group_row(data).members

    @property
    def remaining(self) -> list[str]:
        """What is still there, each with the reason."""
        unseen = [f"perhaps more named {group_name(self.token)}: not looked for"] if self._tried else []
        return [*self._stuck, *(f"{item}: not removed" for item in self._made), *unseen]

    def clean(self) -> None:
        """Remove what was made, also after a person asked to stop; ``remaining`` names what stays."""
        self._cleaning = True
        if self._tried:
            # An answer may have been lost or wrong, and its request may still be under way.
            self._wait(1.0)
            try:
                known = {item.id for item in self._made}
                self._made += [item for item in self._live_objects(self.token) if item.id not in known]
            except ReconcilerError as error:
                name = group_name(self.token)
                self._stuck.append(f"perhaps more named {name}, which could not be looked for: {error}")
            self._tried = False
        for item in reversed(tuple(self._made)):
            if reason := self._remove(item):
                self._stuck.append(f"{item}: {reason}")
            self._made.remove(item)

    def remove_leftovers(self) -> None:
        """Remove what an earlier run could not."""
        for item in self._live_objects(""):
            if reason := self._remove(item):
                self._stuck.append(f"{item}, of an earlier probe: {reason}")
            else:
                self.removed.append(str(item))

    def _remove(self, item: ScratchObject) -> str:
        """Delete an object and read whether it is gone; returns why it is not, or ""."""
        reason = "it was answered as deleted, and is still there"
        try:
            for attempt in range(_TRIES):
                answer = self._write(Delete(item.address, item.label, item.id, _HERE))
                if answer.verdict == "refused":
                    return answer.message
                if self.server.get_or_none(item.path) is None:
                    return ""
                reason = answer.message or reason
                self._wait(2.0**attempt)
        except ReconcilerError as error:
            return str(error)
        return reason

    def _live_objects(self, token: str) -> list[ScratchObject]:
        """The scratch objects with this token, or all of them; a list may show some that are gone."""
        scratch_objects = []
        kinds: Sequence[tuple[Kind, str, Callable[[str], Address]]] = (
            ("user", "userName", user_address),
            ("group", "displayName", group_address),
        )
        for kind, key, address in kinds:
            for row in self._rows(kind):
                label, live_id = row.get(key), row.get("id")
                if isinstance(label, str) and is_id(live_id) and _NAMES[kind].fullmatch(label):
                    scratch_objects.append(ScratchObject(address(label), label, live_id))
        return [
            item
            for item in scratch_objects
            if token in item.address.key and self.server.get_or_none(item.path) is not None
        ]

    def _rows(self, kind: Kind) -> list[Mapping[str, Any]]:
        narrow = {"filter": f'userName co "{MARK}-"'} if kind == "user" else {"excludedAttributes": "members"}
        try:
            return list(self._pages(kind, narrow))
        except CredentialRefused:
            raise
        except Refused:
            # Older instances knew no `co`; then everything is listed.
            return list(self._pages(kind, {}))

    def _page(self, kind: Kind, query: Mapping[str, str]) -> Page:
        return self.server.page(kind, {"count": str(OMNI.page), **query})

    def _pages(self, kind: Kind, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        start, total = 1, 1
        while start <= total:
            page = self._page(kind, {**query, "startIndex": str(start)})
            yield from (row for row in page.rows if isinstance(row, Mapping))
            if not page.rows:
                return
            start, total = start + len(page.rows), page.total

    def _write(self, change: Change) -> Answer:
        """Send one write, journalled; raises Interrupted, Unreachable, CredentialRefused, JournalFailed."""
        if self.connection.stop.is_set() and not self._cleaning:
            message = "interrupted"
            raise Interrupted(message)
        ids = {item.address: item.id for item in self._made}
        if not isinstance(change, Create):
            ids[change.address] = change.id
        (operation,) = self.provider.translate([change])
        request = resolve(operation, ids)
        note = partial(self.journal.write, covers=operation.covers, method=request.method, path=request.path)
        note("intent")
        try:
            response = self.connection.transport.send(request)
        except (Interrupted, NoAnswer) as error:
            note("result", detail=str(error))
            if not isinstance(error, NoAnswer) or isinstance(error, Unreachable):
                raise
            return Answer("unsure", message=str(error))
        answer = self.provider.receive(operation, response)
        note("result", status=response.status, detail=answer.message or " ".join(answer.ids.values()))
        if answer.verdict == "credential":
            raise CredentialRefused(answer.message)
        return answer

    def _wait(self, seconds: float) -> None:
        with suppress(Interrupted):
            self.connection.wait(seconds)


def _row_of(user: ScratchObject, rows: Sequence[object]) -> UserRow | None:
    """The user's row among these; None where it is not one of them."""
    mine = (row for row in rows if isinstance(row, Mapping) and row.get("id") == user.id)
    row = next(mine, None)
    return None if row is None else user_row(row, OMNI)

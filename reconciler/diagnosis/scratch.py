"""Scratch objects: made, changed, looked at and removed again, whatever happens on the way.

Only what this run made is touched, and what an earlier one left: objects whose
whole name is that of a scratch object. Each write is the very request that an
apply would send, and is journalled before it is sent and after it is answered.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

from reconciler.changes import Change, Create, Delete, FieldChange, Update
from reconciler.errors import (
    BadAnswer,
    CredentialRefused,
    Interrupted,
    NoAnswer,
    Place,
    ReconcilerError,
    Refused,
    Unreachable,
)
from reconciler.journal import Journal
from reconciler.model import Address, FieldPath, Kind, Value, group_address, user_address
from reconciler.operations import is_id, resolve
from reconciler.providers.base import Answer
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.scim.codec import UserRow, group_row, user_row
from reconciler.providers.scim.provider import ScimReader
from reconciler.target.session import Session
from reconciler.target.settings import Target
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
class Thing:
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
    """The scratch objects of one run, which all carry ``token`` in their names.

    ``removed`` are those that an earlier run had left. What reads raises
    NoAnswer, BadAnswer or Refused; what writes raises CredentialRefused,
    Unreachable, JournalFailed, or Interrupted before anything was sent.
    """

    target: Target
    session: Session
    journal: Journal
    token: str
    removed: list[str] = field(default_factory=list)
    _made: list[Thing] = field(default_factory=list)
    _stuck: list[str] = field(default_factory=list)
    _tried: bool = False
    _cleaning: bool = False

    @property
    def server(self) -> ScimReader:
        """The instance, read only."""
        return ScimReader(Reader(self.session.transport), OMNI)

    def make(self, kind: Kind, label: str) -> tuple[Thing | None, Answer]:
        """Make an object; None with the answer where that did not work."""
        address = user_address(label) if kind == "user" else group_address(label)
        changes = [FieldChange(("email" if kind == "user" else "name",), None, label)]
        if kind == "user":
            changes.append(FieldChange(("name",), None, "A scratch user of reconciler"))
        self._tried = True
        answer = self._write(Create(address, label, tuple(changes), _HERE))
        if answer.verdict != "done":
            return None, answer
        self._made.append(Thing(address, label, answer.ids[address]))
        return self._made[-1], answer

    def change(self, thing: Thing, path: FieldPath, before: Value, after: Value) -> Answer:
        """Change one field of an object."""
        field_change = FieldChange(path, before, after)
        return self._write(Update(thing.address, thing.label, thing.id, (field_change,), _HERE))

    def user(self, user: Thing) -> UserRow | None:
        """The user, read by id; None where they are gone."""
        data = self.server.get_or_none(user.path)
        return None if data is None else user_row(data, OMNI)

    def listed(self, user: Thing) -> tuple[UserRow | None, UserRow | None]:
        """The user's row in the plain list, whose newest are at one end of it, and as a filter finds it."""
        first, total = self._page("user", {"startIndex": "1"})
        last, _ = self._page("user", {"startIndex": str(max(1, total - len(first) + 1))})
        filtered, _ = self._page("user", {"filter": f'userName eq "{user.label}"'})
        found = [
            next((row for row in rows if row.get("id") == user.id), None) for rows in (first + last, filtered)
        ]
        plain, by_filter = (None if row is None else user_row(row, OMNI) for row in found)
        return plain, by_filter

    def members(self, group: Thing) -> frozenset[str]:
        """The ids of a group's members."""
        data = self.server.get_or_none(group.path)
        return frozenset() if data is None else group_row(data).members

    @property
    def left(self) -> list[str]:
        """What is still there, each with the reason."""
        unseen = [f"perhaps more named {group_name(self.token)}: not looked for"] if self._tried else []
        return [*self._stuck, *(f"{thing}: not removed" for thing in self._made), *unseen]

    def clean(self) -> None:
        """Remove what was made, also after a person asked to stop; ``left`` names what that did not reach."""
        self._cleaning = True
        if self._tried:
            # An answer may have been lost, or wrong, and what it was about may still be under way.
            self._wait(1.0)
            try:
                known = {thing.id for thing in self._made}
                self._made += [thing for thing in self._scratch(self.token) if thing.id not in known]
            except ReconcilerError as error:
                name = group_name(self.token)
                self._stuck.append(f"perhaps more named {name}, which could not be looked for: {error}")
            self._tried = False
        for thing in reversed(tuple(self._made)):
            if reason := self._remove(thing):
                self._stuck.append(f"{thing}: {reason}")
            self._made.remove(thing)

    def remove_leftovers(self) -> None:
        """Remove what an earlier run could not."""
        for thing in self._scratch(""):
            if reason := self._remove(thing):
                self._stuck.append(f"{thing}, of an earlier probe: {reason}")
            else:
                self.removed.append(str(thing))

    def _remove(self, thing: Thing) -> str:
        """Delete an object and see that it is gone; returns why it is not, or ""."""
        reason = "it was answered as deleted, and is still there"
        try:
            for attempt in range(_TRIES):
                answer = self._write(Delete(thing.address, thing.label, thing.id, _HERE))
                if answer.verdict == "refused":
                    return answer.message
                if self.server.get_or_none(thing.path) is None:
                    return ""
                reason = answer.message or reason
                self._wait(2.0**attempt)
        except ReconcilerError as error:
            return str(error)
        return reason

    def _scratch(self, token: str) -> list[Thing]:
        """The scratch objects with this token, or all of them; a list may show some that are gone."""
        things = []
        for kind, key, address in (
            ("user", "userName", user_address),
            ("group", "displayName", group_address),
        ):
            for row in self._rows(kind):
                label, live_id = row.get(key), row.get("id")
                if isinstance(label, str) and is_id(live_id) and _NAMES[kind].fullmatch(label):
                    things.append(Thing(address(label), label, live_id))
        return [
            thing
            for thing in things
            if token in thing.address.key and self.server.get_or_none(thing.path) is not None
        ]

    def _rows(self, kind: str) -> list[Mapping[str, Any]]:
        narrow = {"filter": f'userName co "{MARK}-"'} if kind == "user" else {"excludedAttributes": "members"}
        try:
            return list(self._pages(kind, narrow))
        except CredentialRefused:
            raise
        except Refused:
            # Older instances knew no `co`; then everything is listed.
            return list(self._pages(kind, {}))

    def _pages(self, kind: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        start, total = 1, 1
        while start <= total:
            rows, total = self._page(kind, {**query, "startIndex": str(start)})
            yield from rows
            if not rows:
                return
            start += len(rows)

    def _page(self, kind: str, query: Mapping[str, str]) -> tuple[list[Mapping[str, Any]], int]:
        body = self.server.get(OMNI.path(kind), {"count": str(OMNI.page), **query})
        answer = body if isinstance(body, Mapping) else {}
        rows, total = answer.get("Resources"), answer.get("totalResults")
        if not isinstance(rows, list) or not isinstance(total, int):
            message = f"GET {OMNI.path(kind)} was answered with something that is not a SCIM list"
            raise BadAnswer(message)
        return [row for row in rows if isinstance(row, Mapping)], total

    def _write(self, change: Change) -> Answer:
        """Send one write, journalled; raises Interrupted, Unreachable, CredentialRefused, JournalFailed."""
        if self.session.stop.is_set() and not self._cleaning:
            message = "interrupted"
            raise Interrupted(message)
        ids = {thing.address: thing.id for thing in self._made}
        if not isinstance(change, Create):
            ids[change.address] = change.id
        (operation,) = self.target.provider.translate([change])
        request = resolve(operation, ids)
        note = partial(self.journal.write, covers=operation.covers, method=request.method, path=request.path)
        note("intent")
        try:
            response = self.session.transport.send(request)
        except (Interrupted, NoAnswer) as error:
            note("result", detail=str(error))
            if not isinstance(error, NoAnswer) or isinstance(error, Unreachable):
                raise
            return Answer("unsure", message=str(error))
        answer = self.target.provider.receive(operation, response)
        note("result", status=response.status, detail=answer.message or " ".join(answer.ids.values()))
        if answer.verdict == "credential":
            raise CredentialRefused(answer.message)
        return answer

    def _wait(self, seconds: float) -> None:
        with suppress(Interrupted):
            self.session.wait(seconds)

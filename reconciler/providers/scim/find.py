"""Some users or groups of a SCIM server, for a question."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, assert_never
from urllib.parse import quote

from reconciler.errors import IncompleteRead, Refused
from reconciler.model import KEY_OF, Group, Kind, Live, LiveState, User, Value, group_key
from reconciler.operations import is_id
from reconciler.providers.question import Question
from reconciler.providers.scim.codec import group_row, refusal, user_row
from reconciler.providers.scim.listing import count, listed
from reconciler.providers.scim.reader import NO_FILTERS, ScimReader

_NAMED_BY: Mapping[Kind, str] = {"user": "userName", "group": "displayName"}

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")
_NO_SUCH_ID = (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST)
"""What is answered for an id of nobody, and for a text that no id looks like."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Told:
    """A row and its id."""

    id: str
    row: Any


def find(server: ScimReader, question: Question) -> LiveState | None:
    """The users or groups that answer a question; None where the server ignored its filter."""
    rows = _rows(server, question)
    if rows is None:
        return None
    if question.kind == "group":
        found = map(group_row, rows)
        return LiveState(groups=tuple(Live(Group(row.name), row.id) for row in found))
    by_id = question.by == "id"
    told = [_whole(server, row) if question.attributes and not by_id else row for row in rows]
    names = {group: name for row in told for group, name in (_groups(row) or {}).items()}
    users = tuple(_user(server, row, whole=by_id or question.attributes) for row in told)
    whole = by_id or question.attributes
    return LiveState(
        users=tuple(_referring(server, user) for user in users) if whole else users,
        groups=tuple(Live(Group(name), group) for group, name in names.items()),
    )


def _referring(server: ScimReader, user: Live[User]) -> Live[User]:
    """The user with those whom attributes name by login or name, not by id; each is read by id."""
    kinds = server.dialect.shape.references if server.dialect.shape else {}
    new: dict[str, Value] = {}
    for name, live_id in (user.resource.attributes or {}).items():
        if name in kinds and isinstance(live_id, str) and is_id(live_id):
            for row in _by_id(server, kinds[name], live_id):
                new[name] = KEY_OF[kinds[name]](_name(server, kinds[name], row))
    attributes = {**(user.resource.attributes or {}), **new}
    return replace(user, resource=replace(user.resource, attributes=attributes)) if new else user


def _rows(server: ScimReader, question: Question) -> list[Any] | None:
    match question.by:
        case "id":
            return _by_id(server, question.kind, question.text) if _may_be_id(server, question.text) else []
        case "key":
            return _named(server, question.kind, question.text)
        case "filter":
            return _filtered(server, question.kind, question.text)
        case _:  # pragma: no cover (mypy proves that there is nothing else)
            assert_never(question.by)


def _may_be_id(server: ScimReader, text: str) -> bool:
    """Whether it is worth a request: most names hold what no id of a server that is known does."""
    return is_id(text) and (server.dialect.shape is not None or _PLAIN_ID.fullmatch(text) is not None)


def _by_id(server: ScimReader, kind: Kind, live_id: str) -> list[Any]:
    path = f"{server.dialect.path(kind)}/{quote(live_id, safe='')}"
    response = server.reader.get(path)
    if response.status in _NO_SUCH_ID:
        return []
    if not response.ok:
        raise refusal("GET", path, response, server.dialect)
    row = server.dialect.spelled(response.json)
    return [row] if _id(server, kind, row) == live_id else []


def _named(server: ScimReader, kind: Kind, name: str) -> list[Any] | None:
    if not server.dialect.filters:
        return None
    # A value in a filter is JSON (RFC 7644, 3.4.2.2).
    query = {
        "filter": f"{_NAMED_BY[kind]} eq {json.dumps(name, ensure_ascii=False)}",
        **count(server.dialect),
    }
    try:
        listing = server.page(kind, query)
    except Refused as error:
        if server.dialect.shape is None or error.status not in NO_FILTERS:
            raise
        return None
    wanted = KEY_OF[kind](name)
    # A server may ignore a filter, so every row is checked here too.
    rows = [row for row in listing.rows if KEY_OF[kind](_name(server, kind, row)) == wanted]
    return rows if rows or listing.total <= len(listing.rows) else None


def _name(server: ScimReader, kind: Kind, row: object) -> str:
    return user_row(row, server.dialect).live.resource.email if kind == "user" else group_row(row).name


def _filtered(server: ScimReader, kind: Kind, text: str) -> list[Any]:
    """Every row that the server gives for a filter; raises IncompleteRead where it counts more of them."""
    if server.dialect.shape:
        found = listed(server, kind, lambda row: _Told(_id(server, kind, row), row), {"filter": text})
        return [told.row for told in found.values()]
    rows: dict[str, Any] = {}
    start, total = 1, 1
    while start <= total:
        query = {"filter": text, "count": str(server.dialect.page), "startIndex": str(start)}
        listing = server.page(kind, query)
        total = listing.total
        if not listing.rows:
            break
        for row in listing.rows:
            rows[_id(server, kind, row)] = row
        start += len(listing.rows)
    if len(rows) != total:
        message = f"the {kind}s that the filter finds changed while they were read: {len(rows)} of {total}"
        raise IncompleteRead(message)
    return list(rows.values())


def _id(server: ScimReader, kind: Kind, row: object) -> str:
    return user_row(row, server.dialect).id if kind == "user" else group_row(row).id


def _whole(server: ScimReader, row: Row) -> Row:
    """The row with the attributes, which a list may leave out: then it is read by id."""
    if _tells_attributes(server, row):
        return row
    live_id = user_row(row, server.dialect).id
    by_id = server.get_or_none(f"{server.dialect.path('user')}/{quote(live_id, safe='')}")
    if not isinstance(by_id, Mapping):
        message = f"the user {live_id} was removed while it was read; run again"
        raise IncompleteRead(message)
    return by_id


def _tells_attributes(server: ScimReader, row: Row) -> bool:
    return server.dialect.lists_carry_attributes or server.dialect.attributes in row


def _user(server: ScimReader, row: Row, *, whole: bool) -> Live[User]:
    live = user_row(row, server.dialect).live
    groups = _groups(row)
    user = replace(
        live.resource,
        groups=None if groups is None else frozenset(map(group_key, groups.values())),
        attributes=live.resource.attributes if whole or _tells_attributes(server, row) else None,
    )
    return Live(user, live.id)


def _groups(row: Row) -> dict[str, str] | None:
    """The names of a user's groups by id; None where the row does not tell them."""
    groups = row.get("groups")
    if not isinstance(groups, list):
        return None
    # The codec has seen that each has a value, or an address in its place.
    names = {group.get("value"): group.get("display") for group in groups}
    known = {live_id: name for live_id, name in names.items() if isinstance(name, str) and name}
    return known if len(known) == len(names) else None

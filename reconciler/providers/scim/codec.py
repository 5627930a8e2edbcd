"""Rows of a SCIM server as ``User`` and ``Group``, and its errors as one line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import unquote

from reconciler.errors import BadAnswer, CredentialRefused, NotAccepted, Refused
from reconciler.model import Group, Kind, Live, User, Value
from reconciler.operations import is_id
from reconciler.providers.scim.dialect import Dialect
from reconciler.providers.scim.flat import Loose, value
from reconciler.providers.scim.names import Found
from reconciler.transport.messages import Response
from reconciler.values import BOOLEANS

_WORDS = ("detail", "message", "error", "errors", "title")
_LONGEST = 300

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user as a row says it; ``groups`` are group ids, None where the row does not say.

    ``nameless`` are the attributes with values that no name holds, and ``loose`` their items without a type;
    ``version`` is empty where it has none.
    """

    live: Live[User]
    groups: tuple[str, ...] | None
    nameless: tuple[str, ...] = ()
    loose: tuple[Loose, ...] = ()
    version: str = ""

    @property
    def id(self) -> str:
        """The id of the user."""
        return self.live.id

    def with_attributes(self, more: Mapping[str, Value]) -> "UserRow":
        """The same user with more attributes known."""
        if not more:
            return self
        user = self.live.resource
        attributes = {**(user.attributes or {}), **more}
        return replace(self, live=replace(self.live, resource=replace(user, attributes=attributes)))


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group as a row says it; ``members`` are ids of people, not all of them known users.

    ``tells_members`` says whether the row has them. If a group that is read by id does
    not, it is empty (RFC 7643, 2.5: what is absent is empty); a row of a list proves
    nothing. ``hidden``: nothing at all says who is in it. ``nested`` are ids of groups in it, and
    ``vague`` those members of whom the row does not say whether they are users or groups.
    """

    id: str
    name: str
    members: frozenset[str]
    tells_members: bool = True
    version: str = ""
    hidden: bool = False
    nested: frozenset[str] = frozenset()
    vague: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: how many objects the whole list has, and those on this page, as JSON data.

    ``cursor`` leads to the next page where the server pages that way (RFC 9865).
    """

    total: int
    rows: Sequence[object]
    cursor: str = ""


def page(body: object, path: str, start: int, *, counted: bool = True) -> Page:
    """Read one page of a list, which begins at row ``start``, from 1; raises BadAnswer for anything else.

    ``Resources`` may be missing where it can hold no row (RFC 7644, 3.4.2), and the total where the
    server is not ``counted`` on to name it: then that is the size of the page.
    """
    total = body.get("totalResults") if isinstance(body, dict) else None
    if isinstance(body, dict) and total is None and not counted:
        total = len(body.get("Resources") or ())
    if isinstance(body, dict) and isinstance(total, int) and not isinstance(total, bool):
        rows = body.get("Resources", [] if total < start else None)
        cursor = body.get("nextCursor")
        if isinstance(rows, list):
            return Page(total, rows, cursor if isinstance(cursor, str) else "")
    message = f"GET {path} was answered with something that is not a SCIM list"
    raise BadAnswer(message)


def user_row(row: object, dialect: Dialect) -> UserRow:
    """Read one user; raises BadAnswer where the row lacks what every user has."""
    data = _object(row, "user")
    live_id = _own_id(data, "user")
    found = _attributes_of(data, dialect, live_id)
    user = User(
        email=_text(data, "userName", f"user {live_id}"),
        name=_optional(data, "displayName", str, live_id),
        active=_optional(data, "active", bool, live_id),
        attributes=found.attributes,
    )
    # A tuple, since most people are in a few groups only, and a set takes three times the memory.
    groups = tuple(dict.fromkeys(_ids(data["groups"], "group"))) if "groups" in data else None
    return UserRow(Live(user, live_id), groups, found.nameless, found.loose, version_of(data))


def _attributes_of(data: dict[str, Any], dialect: Dialect, live_id: str) -> Found:
    if dialect.shape:
        if isinstance(text := data.get("active"), str) and text.lower() in BOOLEANS:
            data["active"] = BOOLEANS[text.lower()]
        return dialect.shape.read(data)
    attributes = _optional(data, dialect.attributes, dict, live_id) or {}
    return Found({key: value(found) for key, found in attributes.items()})


def version_of(data: object) -> str:
    """The version of a user or group (RFC 7643, 3.1); empty where it names none that a header can carry."""
    meta = data.get("meta") if isinstance(data, Mapping) else None
    version = meta.get("version") if isinstance(meta, Mapping) else None
    plain = isinstance(version, str) and version.isascii() and version.isprintable()
    return str(version) if plain else ""


def group_row(row: object, groups: str = "Groups") -> GroupRow:
    """Read one group; raises BadAnswer where the row lacks what every group has.

    ``groups`` is the last segment of the path below which groups are.
    """
    data = _object(row, "group")
    live_id = _own_id(data, "group")
    items = _items(data.get("members"), "member")
    kinds: dict[Kind | None, set[str]] = {"user": set(), "group": set(), None: set()}
    for item in items:
        kinds[kind_of(item, groups)].add(_pointed_at(item, "member"))
    vague = frozenset(kinds[None])
    return GroupRow(
        live_id,
        _text(data, "displayName", f"group {live_id}"),
        vague | kinds["user"] if kinds["user"] else vague,
        tells_members="members" in data,
        version=version_of(data),
        nested=frozenset(kinds["group"]),
        vague=vague,
    )


def kind_of(member: Mapping[str, Any], groups: str = "Groups") -> Kind | None:
    """What a member is by its type, or else by the path of its address; None where neither says it."""
    kind = str(member.get("type")).lower()
    if kind in ("user", "group"):
        return "user" if kind == "user" else "group"
    steps = str(member.get("$ref", "")).rstrip("/").lower().split("/")
    return "group" if len(steps) > 1 and steps[-2] == groups.lower() else None


def live_group(row: GroupRow, people: Mapping[str, str]) -> Live[Group]:
    """The group with its members by user key; ``people`` maps the ids of known users to their keys."""
    members = None if row.hidden else frozenset(people[m] for m in row.members if m in people)
    return Live(Group(row.name, members), row.id)


def _object(row: object, what: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        message = f"a {what} came as {type(row).__name__}, not as an object"
        raise BadAnswer(message)
    return row


def _text(data: Mapping[str, Any], key: str, what: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        message = f"a {what} came without {key!r}"
        raise BadAnswer(message)
    return value


def _own_id(data: Mapping[str, Any], what: str) -> str:
    live_id = _text(data, "id", what)
    if not is_id(live_id):
        message = f"a {what} came with the id {live_id!r}, which no id of a directory looks like"
        raise BadAnswer(message)
    return live_id


def _optional(data: Mapping[str, Any], key: str, kind: type[T], live_id: str) -> T | None:
    value = data.get(key)
    if value is not None and not isinstance(value, kind):
        message = f"the user {live_id} came with {type(value).__name__} as {key!r}, not {kind.__name__}"
        raise BadAnswer(message)
    return value


def _ids(rows: object, what: str) -> list[str]:
    """The ids that these name."""
    return [_pointed_at(row, what) for row in _items(rows, what)]


def _items(rows: object, what: str) -> list[dict[str, Any]]:
    """These, but for memberships through another group (RFC 7643, 4.1.2)."""
    if rows is None:
        return []
    if not isinstance(rows, list):
        message = f"a list of {what}s came as {type(rows).__name__}"
        raise BadAnswer(message)
    found = (_object(row, what) for row in rows)
    return [row for row in found if str(row.get("type")).lower() != "indirect"]


def _pointed_at(row: Mapping[str, Any], what: str) -> str:
    """The id that a member names: its value, or else the end of the address that it has."""
    address = row.get("$ref")
    if row.get("value") is None and isinstance(address, str) and "/" in address:
        return unquote(address.rstrip("/").rpartition("/")[2])
    return _text(row, "value", what)


def words(response: Response) -> str:
    """What the server says about an answer, in one line; empty where it says nothing.

    No public source shows one shape for errors, so all that clients have met
    are tried (``detail``, ``message``, ``error``, ``errors``, nested or not), then the whole body.
    """
    text = _said(response.json) or response.text
    if not text and response.json is not None:
        text = json.dumps(response.json, ensure_ascii=False)
    line = " ".join(text.split())
    if line.lower().startswith(("<!doctype", "<html")):
        return "an HTML page, not JSON"
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def _said(body: object) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, map(_said, body)))
    if isinstance(body, dict):
        return next(filter(None, (_said(body.get(key)) for key in _WORDS)), "")
    return ""


def refusal(method: str, path: str, response: Response, dialect: Dialect) -> Refused:
    """The error for an answer that is no success: status, method, path and the server's words."""
    reason = words(response)
    line = f"{method} {path} was answered {response.status}" + (f": {reason}" if reason else "")
    if response.status == HTTPStatus.UNAUTHORIZED:
        return NotAccepted(line, response.status, reason)
    if response.status != HTTPStatus.FORBIDDEN:
        return Refused(line, response.status, reason)
    line = hinted(line, dialect) if dialect.personal_key in reason else line
    return CredentialRefused(line, response.status, reason)


def hinted(line: str, dialect: Dialect) -> str:
    """The line, and after it which key is needed."""
    return f"{line.removesuffix('.')}. {dialect.key_hint}"

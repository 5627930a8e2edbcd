"""Rows of a SCIM server as ``User`` and ``Group``, and its errors as one line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.errors import BadAnswer, CredentialRefused, Refused
from reconciler.model import Group, Live, User, Value
from reconciler.providers.scim.dialect import Dialect
from reconciler.transport.messages import Response

_WORDS = ("detail", "message", "error", "errors", "title")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user as a row says it; ``groups`` are group ids, None where the row does not say."""

    live: Live[User]
    groups: frozenset[str] | None

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
    """One group as a row says it; ``members`` are ids of people, not all of them known users."""

    id: str
    name: str
    members: frozenset[str]


def user_row(row: object, dialect: Dialect) -> UserRow:
    """Read one user; raises BadAnswer where the row lacks what every user has."""
    data = _object(row, "user")
    email, live_id = _text(data, "userName", "user"), _text(data, "id", "user")
    name, active = data.get("displayName"), data.get("active")
    extension = data.get(dialect.attributes)
    attributes = {
        key: _value(value)
        for key, value in (extension.items() if isinstance(extension, dict) else ())
        if not key.startswith(dialect.system_prefix)
    }
    user = User(
        email=email,
        name=name if isinstance(name, str) else None,
        active=active if isinstance(active, bool) else None,
        attributes=attributes,
    )
    return UserRow(Live(user, live_id), _ids(data["groups"], "group") if "groups" in data else None)


def group_row(row: object) -> GroupRow:
    """Read one group; raises BadAnswer where the row lacks what every group has, its members among it."""
    data = _object(row, "group")
    if "members" not in data:
        message = f"the group {data.get('displayName')!r} came without its members"
        raise BadAnswer(message)
    return GroupRow(
        _text(data, "id", "group"), _text(data, "displayName", "group"), _ids(data["members"], "member")
    )


def live_group(row: GroupRow, people: Mapping[str, str]) -> Live[Group]:
    """The group with its members by user key; ``people`` maps the ids of known users to their keys."""
    return Live(Group(row.name, frozenset(people[m] for m in row.members if m in people)), row.id)


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


def _ids(rows: object, what: str) -> frozenset[str]:
    if rows is None:
        return frozenset()
    if not isinstance(rows, list):
        message = f"a list of {what}s came as {type(rows).__name__}"
        raise BadAnswer(message)
    return frozenset(_text(_object(row, what), "value", what) for row in rows)


def _value(value: object) -> Value:
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, (str, int, float)))
    return value if isinstance(value, (str, int, float)) else None


def words(response: Response) -> str:
    """What the server says about an answer, in one line; empty where it says nothing.

    No public source shows one shape for errors, so all that clients have met
    are tried (``detail``, ``message``, ``error``, ``errors``, nested or not), then the text.
    """
    found = next(_said(response.json), "") or response.text
    line = " ".join(found.split())
    if line.lower().startswith(("<!doctype", "<html")):
        return "an HTML page, not JSON"
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def _said(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield "; ".join(text for item in value for text in _said(item))
    elif isinstance(value, dict):
        for key in _WORDS:
            yield from (text for text in _said(value.get(key)) if text)


def refusal(method: str, path: str, response: Response, dialect: Dialect) -> Refused:
    """The error for an answer that is no success: status, method, path and the server's words."""
    said = words(response)
    line = f"{method} {path} was answered {response.status}" + (f": {said}" if said else "")
    if response.status not in (401, 403):
        return Refused(line)
    if dialect.personal_key in said:
        line += f". {dialect.key_hint}"
    return CredentialRefused(line)

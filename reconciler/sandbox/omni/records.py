"""The records that a pretend Omni keeps, and the forms of its ids and times."""

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

Stored = str | list[str]
"""A user's own attribute value: Omni keeps numbers as text."""

_FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_LARGEST_EXACT = 2**53 - 1
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def membership_id(serial: int | str) -> str:
    """A user's id in Omni's form: a uuid. The same serial always gives the same id."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"user {serial}".encode()).digest()[:16], version=4))


def mini_uuid(serial: int) -> str:
    """A group's id in Omni's form: eight characters of base64url."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"group {serial}".encode()).digest()[:6]).decode()


def moment(serial: int) -> str:
    """The time at which a write took place, in Omni's form: one second for each write."""
    return f"{_FIRST_MOMENT + timedelta(seconds=serial):%Y-%m-%dT%H:%M:%S}.000Z"


@dataclass(frozen=True, slots=True)
class Definition:
    """One user attribute that the instance knows; system ones have an empty id and cannot be written."""

    serial: int
    id: str
    name: str
    label: str
    type: Literal["String", "Number"] = "String"
    multiple_values: bool = False
    default_value: str | float | list[str] | list[float] | None = None
    description: str | None = None
    system: bool = False

    def stored(self, value: object) -> Stored:
        """A written value as it is kept; raises ValueError where type or multiplicity do not match."""
        if not self.multiple_values:
            return self._one(value)
        if not isinstance(value, list):
            message = f"Expected array, received {_json_type(value)}"
            raise ValueError(message)  # noqa: TRY004 (a wrong value in a request, not a wrong call)
        return [self._one(each) for each in value]

    def _one(self, value: object) -> str:
        if self.type == "String" and isinstance(value, str):
            return value
        if self.type == "Number":
            if isinstance(value, str) and _NUMBER.fullmatch(value):
                return value
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                # A JSON number is a double on the other side: what does not fit is rounded.
                exact = isinstance(value, float) or abs(value) <= _LARGEST_EXACT
                return str(value if exact else int(float(value)))
        message = f"Expected {self.type.lower()}, received {_json_type(value)}"
        raise ValueError(message)


def _json_type(value: object) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


SYSTEM_DEFINITIONS = tuple(
    Definition(0, "", name, label, multiple_values=many, system=True)
    for name, label, many in (
        ("omni_user_id", "User ID", False),
        ("omni_user_email", "User email", False),
        ("omni_user_name", "User name", False),
        ("omni_user_groups", "User groups", True),
        ("omni_user_embed_entity", "Embed entity", False),
        ("omni_is_org_admin", "Organization admin", False),
        ("omni_user_timezone", "Time zone", False),
        ("omni_allows_personal_content", "Allows personal content", False),
    )
)


@dataclass(slots=True)
class User:
    """A person, or an embed user where ``external_id`` is not None; ``groups`` are found by their ids.

    ``last_login`` is a time in Omni's form, None for who never signed in.
    """

    serial: int
    id: str
    email: str
    name: str
    created: str
    modified: str
    active: bool = True
    deleted: bool = False
    attributes: dict[str, Stored] = field(default_factory=dict)
    external_id: str | None = None
    entity: str | None = None
    embed_email: str | None = None
    last_login: str | None = None
    groups: dict[str, "Group"] = field(default_factory=dict, repr=False, compare=False)


@dataclass(slots=True)
class Group:
    """A group; ``members`` are found by their ids, in the order in which they were added."""

    serial: int
    id: str
    name: str
    created: str
    modified: str
    members: dict[str, User] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: of the organization, or a personal one that acts as its owner (a user id)."""

    kind: Literal["organization", "personal"]
    owner: str | None = None

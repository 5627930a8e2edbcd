"""The records that a pretend directory keeps, and the forms of their ids, versions and times."""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Name = Literal["User", "Group"]

_FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def new_id(serial: int, *, odd: bool = False) -> str:
    """An id; the same serial always gives the same one. Any text is one (RFC 7643 section 3.1)."""
    if odd:
        return f"a/b?c#d%20 é&{serial}"
    return str(uuid.UUID(bytes=hashlib.sha256(f"scim {serial}".encode()).digest()[:16], version=4))


def moment(serial: int) -> str:
    """The time at which a write took place: one second for each write."""
    return f"{_FIRST_MOMENT + timedelta(seconds=serial):%Y-%m-%dT%H:%M:%S}Z"


@dataclass(slots=True)
class Record:
    """One user or group. ``values`` are what a client may write, by the names of the schemas.

    ``created`` and ``modified`` are serials. Of a member the id and the type are kept, of a manager the id.
    """

    kind: Name
    id: str
    created: int
    modified: int
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The entity tag: of what can be written, not of what is told of others."""
        return f'W/"{self.modified}"'


@dataclass(frozen=True, slots=True)
class Client:
    """Who may ask for tokens; without scopes, for everything."""

    secret: str
    scopes: tuple[str, ...] = ()

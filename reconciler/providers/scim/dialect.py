"""How one SCIM server differs from the next, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconciler.model import Kind
from reconciler.providers.scim.names import Shape

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where a server keeps users and groups, and under which key it carries user attributes.

    ``page`` is how many rows to ask for at once. ``personal_key`` is text by which
    the server says that a key is of the wrong kind, and ``key_hint`` what to do then.
    ``lists_carry_attributes``: a list row without an attribute means that there is
    no value; else it means nothing, and the user is read by id. ``lists_hint`` says what spares that.

    ``shape`` is where each attribute stands; None where the object ``attributes`` holds them all, by
    name. What follows says what the server can do and what is known of its lists. ``totals``: whether
    they count the whole list, the page alone, or nobody knows. ``counts``: it may be asked for so many
    rows. ``silence_is_empty``: a group that shows no members in a list that shows some has none.
    ``unshown`` are the names of all that can be written of users and groups and that no answer shows.
    ``twins``: two groups may have names that differ in capitals alone. ``together`` is how many operations
    one request may hold, None where the server does not say, and ``together_bytes`` how long it may be, 0 for
    no limit.
    """

    name: str
    users: tuple[str, ...]
    groups: tuple[str, ...]
    attributes: str
    page: int
    personal_key: str
    key_hint: str
    lists_carry_attributes: bool = False
    lists_hint: str = ""
    shape: Shape | None = None
    totals: Literal["whole", "page", "unknown"] = "whole"
    counts: bool = True
    cursors: bool = False
    filters: bool = True
    silence_is_empty: bool = False
    patches: bool = True
    versions: bool = False
    members_shown: bool | None = None
    unshown: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)
    twins: bool = True
    together: int | None = None
    together_bytes: int = 0

    def spelled(self, body: object) -> object:
        """An answer with each known name in one spelling; names have no case (RFC 7643, 2.1)."""
        return body if self.shape is None else self.shape.spelled(body)

    def path(self, kind: str) -> str:
        """The path of the users' or the groups' endpoint."""
        return "/" + "/".join(self.users if kind == "user" else self.groups)

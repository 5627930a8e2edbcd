"""How one SCIM server differs from the next, as data."""

from dataclasses import dataclass

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where a server keeps users and groups, and under which key it carries user attributes.

    ``page`` is how many rows to ask for at once. ``system_prefix`` marks
    attributes that are the server's own and are never read or written.
    ``personal_key`` is text by which the server says that a key is of the wrong
    kind, and ``key_hint`` what to do then.
    """

    name: str
    users: tuple[str, ...]
    groups: tuple[str, ...]
    attributes: str
    page: int
    system_prefix: str
    personal_key: str
    key_hint: str

    def path(self, kind: str) -> str:
        """The path of the users' or the groups' endpoint."""
        return "/" + "/".join(self.users if kind == "user" else self.groups)

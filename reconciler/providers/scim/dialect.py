"""How one SCIM server differs from the next, as data."""

from dataclasses import dataclass

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where a server keeps users and groups, and under which key it carries user attributes.

    ``page`` is how many rows to ask for at once. ``personal_key`` is text by which
    the server says that a key is of the wrong kind, and ``key_hint`` what to do then.
    ``lists_carry_attributes``: a list row without an attribute means that there is
    no value; else it means nothing, and the user is read by id. ``lists_hint`` says what spares that.
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

    def path(self, kind: str) -> str:
        """The path of the users' or the groups' endpoint."""
        return "/" + "/".join(self.users if kind == "user" else self.groups)

"""How one instance behaves where public documents do not say; found out by a probe, kept in quirks.yaml."""

from dataclasses import dataclass
from typing import Literal

Deactivation = Literal["flag", "hides", "revokes"]
"""What ``active: false`` does to a user: set a flag, leave the lists, or end the account (GET by id: 404)."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """Answers to open questions; None is not known, and then the client is careful.

    The client itself changes only with ``lists_carry_attributes``: a row without
    an attribute then means that the user has no value, and nobody is read by id
    to find that out. It copes with either answer to all the others, which are
    for people. ``found_at`` is RFC 3339 in UTC, empty where nobody has probed.
    """

    lists_carry_attributes: bool | None = None
    shows_defaults: bool | None = None
    deactivation: Deactivation | None = None
    deactivation_reversible: bool | None = None
    member_ops_idempotent: bool | None = None
    group_names_case_sensitive: bool | None = None
    retry_after: bool | None = None
    found_at: str = ""


NO_QUIRKS = Quirks()

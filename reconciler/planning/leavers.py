"""Whose access ends, and how: the only source of removals beside fields, memberships and exact attributes.

Three kinds of leavers, each with its own setting in ``target.yaml``:

* a *tombstone* is declared with ``state: absent``;
* what *left the files* was declared at an older revision (``--since``), and is no longer;
* what was *never listed* is live, and no file speaks of it, not even as a member.

The last two are kept unless the target says otherwise, and always where the files declare nothing
at all: an empty folder is a mistake more often than a wish. Protected people and the user whom the
key belongs to are never *never listed*.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model import Address, DesiredState
from reconciler.planning.match import Pairing
from reconciler.planning.scope import Leaver, Policy


@dataclass(frozen=True, slots=True)
class Leaving:
    """One live object whose access ends."""

    address: Address
    how: Leaver


def leaving(desired: DesiredState, pairing: Pairing, policy: Policy, caller: str) -> Iterator[Leaving]:
    """Everything live that is to go, with how; ``caller`` is the key of the user whom the key belongs to."""
    for address in sorted(desired.absent):
        how = policy.tombstone if address.kind == "user" else "delete"
        if address in pairing.live and not policy.leaves_alone(how):
            yield Leaving(address, how)
    if not desired.users and not desired.groups:
        return
    named = {key for group in desired.groups.values() for key in group.members or ()}
    for address in sorted(pairing.surplus):
        if address in desired.left:
            how = policy.left_users if address.kind == "user" else policy.left_groups
        elif address.kind == "group" or address.key in named or address.key == caller:
            continue
        else:
            how = "keep" if policy.protects(address) else policy.never_listed
        if not policy.leaves_alone(how):
            yield Leaving(address, how)

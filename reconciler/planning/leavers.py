"""Whose access ends, and how: the only source of removals beside fields, memberships and exact attributes.

Three kinds of leavers, each with its own setting in ``target.yaml``:

* a *tombstone* is declared with ``state: absent``;
* what *left the files* was declared at an older revision (``--since``), and is no longer;
* what was *never listed* is live, and no file speaks of it, not even as a member.

The last two are kept unless the target says otherwise, and always where the files declare nothing
at all: an empty folder is a mistake more often than a wish. Whom a group still names as a member is
kept as well. Protected people and the users whom the keys belong to are never *never listed*, and
nobody is where the files declare no user, or the target manages nothing of users: they do not list
people then.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from reconciler.model import Address, DesiredState
from reconciler.planning.match import Pairing
from reconciler.planning.scope import Leaver, Policy


@dataclass(frozen=True, slots=True)
class Leaving:
    """One live object whose access ends."""

    address: Address
    how: Leaver


def lists_people(desired: DesiredState, policy: Policy) -> bool:
    """Whether the files say at all who there is to be, so that somebody can be missing from them."""
    return bool(desired.users and policy.manage)


def leaving(
    desired: DesiredState, pairing: Pairing, policy: Policy, callers: Collection[str]
) -> Iterator[Leaving]:
    """Everything live that is to go, with how; ``callers`` are the users whom the credentials belong to."""
    for address in sorted(desired.absent):
        how = policy.effective(policy.tombstone) if address.kind == "user" else "delete"
        if address in pairing.live and how != "keep":
            yield Leaving(address, how)
    if not desired.users and not desired.groups:
        return
    named = {Address("user", key) for key in desired.members}
    are_listed = lists_people(desired, policy)
    for address in sorted(pairing.surplus - named):
        if address in desired.departed:
            how = policy.left_users if address.kind == "user" else policy.left_groups
        elif address.kind == "group" or address.key in callers or not are_listed:
            continue
        else:
            how = "keep" if policy.protects(address) else policy.never_listed
        if (how := policy.effective(how)) != "keep":
            yield Leaving(address, how)

"""Whose access ends, and how.

Three kinds of leavers, each with its own setting in ``target.yaml``:

* a *tombstone* is declared with ``state: absent``;
* who *left the files* was declared at an older revision (``--since``), and is no longer;
* who was *never listed* is live, and no file speaks of them, not even as a member.

The last two are kept unless the target says otherwise. They are always kept

* where the files declare nothing at all: an empty folder is more often a mistake than a wish;
* where a group still names them as a member;
* where a row of a list was left out: it may have been theirs;
* where a list of people has no rows at all, whatever the other files declare.

Protected people and the owners of the keys never count as never listed. Where the files declare
no user, or the target manages nothing of users, nobody does: such files do not list people.
"""

from collections.abc import Collection, Sequence

from reconciler.model import Address, Asked, DesiredState
from reconciler.planning.match import Pairing
from reconciler.planning.scope import Ending, Policy


def lists_people(desired: DesiredState, policy: Policy) -> bool:
    """Whether the files say at all who there is to be, so that somebody can be missing from them."""
    return bool(desired.files.users and policy.manage)


def endings(
    desired: DesiredState, pairing: Pairing, policy: Policy, callers: Collection[str]
) -> dict[Address, Ending]:
    """How the access of each live leaver ends; ``callers`` are the users whom the keys belong to."""
    ways: dict[Address, Ending] = {}
    for address in sorted(desired.absent & pairing.live):
        user = address.kind == "user"
        ways[address] = policy.effective(policy.tombstone) if user else policy.of_groups("delete")
    files = desired.files
    if (files.users or files.groups) and files.lists.tell_all:
        members = {Address("user", key) for key in files.members}
        for address in sorted(pairing.unlisted - members):
            ways[address] = _of_unlisted(address, desired, policy, callers)
    return {address: way for address, way in ways.items() if way != "keep"}


def _of_unlisted(address: Address, desired: DesiredState, policy: Policy, callers: Collection[str]) -> Ending:
    """What becomes of a live object that no file speaks of."""
    if address in desired.departed:
        user = address.kind == "user"
        return policy.effective(policy.left_users) if user else policy.of_groups(policy.left_groups)
    spared = address.kind == "group" or address.key in callers or policy.protect.match(address)
    return "keep" if spared or not lists_people(desired, policy) else policy.effective(policy.never_listed)


def spared(desired: DesiredState, pairing: Pairing, policy: Policy, asked: Asked | None) -> Sequence[Address]:
    """Whoever left the files and would go by the settings, and is kept for what the files say today.

    Of a part whoever was not ``asked`` about may be live.
    """
    files = desired.files
    members = {Address("user", key) for key in files.members}
    kept = files.departed.keys() & members if files.users or files.groups else files.departed.keys()
    return sorted(
        address
        for address in kept
        if address in pairing.unlisted or (asked is not None and address not in asked)
        if _of_unlisted(address, files, policy, ()) != "keep"
    )

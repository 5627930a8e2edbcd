"""What a reader of a plan should know beside its changes."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from reconciler.changes import Census, Note
from reconciler.model import Address, DesiredState
from reconciler.planning.match import Pairing
from reconciler.planning.scope import Policy, unmanaged_fields


def notes(
    desired: DesiredState,
    pairing: Pairing,
    policy: Policy,
    waiting: Sequence[str],
    census: Census,
    gone: AbstractSet[Address],
) -> Iterator[Note]:
    """What a reader should know beside the changes, warnings first."""
    locate = desired.locate
    for address in pairing.settled:
        message = f"{address} has its new name: `previously` has done its work and can be removed"
        yield Note("renamed", message, locate(address, ("previously",)), warning=True)
    for address, old in sorted(pairing.moved.items()):
        message = f"{address} is matched by its account {old}: an e-mail address cannot be changed in Omni"
        yield Note("email", message, locate(address, ("previously",)), warning=True)
    tombstones = sorted(a for a in desired.absent if a in pairing.users)
    if tombstones and policy.tombstone == "deactivate" and "active" not in policy.manage:
        names = ", ".join(a.key for a in tombstones)
        message = f"tombstones deactivate, but this target does not manage `active`: left alone: {names}"
        yield Note("unmanaged", message, warning=True)
    if kept := sorted(a for a in desired.left if a in pairing.surplus and a not in gone):
        empty = "" if desired.users or desired.groups else ", since the files declare nothing at all"
        message = f"{len(kept)} left the files and are kept{empty}: {', '.join(map(str, kept))}"
        yield Note("left", message, warning=bool(empty))
    for name, number in unmanaged_fields(desired, policy).items():
        users = "1 user states" if number == 1 else f"{number} users state"
        yield Note("unmanaged", f"{users} `{name}`, which this target does not manage: left alone")
    if waiting:
        names = ", ".join(waiting)
        yield Note(
            "waiting",
            f"{len(waiting)} declared but not live yet, waiting for the first sign-in: {names}",
        )
    if census.caller == "":
        yield Note(
            "caller", "the system does not say whose key this is, so its owner is not protected by itself"
        )

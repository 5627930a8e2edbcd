"""What a plan is decided from: both states, narrowed to what is ours, paired, and who is to go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.errors import Invalid, Problem
from reconciler.model import Address, DesiredState, FieldPath, LiveState, user_key
from reconciler.planning.diff import Definitions
from reconciler.planning.leavers import endings
from reconciler.planning.match import Pairing, pair
from reconciler.planning.scope import Ending, Policy, managed_keys, ours
from reconciler.planning.unseen import Sent
from reconciler.planning.writable import fixed


@dataclass(frozen=True, slots=True)
class Inputs:
    """Both states of one target, and how they belong together.

    ``everything`` is all that was read, and ``live`` the part of it that is not ignored.
    ``going`` says of each live object whose access ends how it ends. ``callers`` are the
    users whom the keys belong to, each once, by key; an empty text where one is not known.
    ``managed`` are the attributes that the files manage, ``fixed`` the fields of a live user
    that cannot be changed, or not be seen. ``accountless`` are declared, and have no account after this
    plan either. ``sent`` is what is known of the latter.
    ``definitions`` are the attributes that the system defines, none where nothing needed them.
    ``system`` is what people call the system.
    """

    desired: DesiredState
    policy: Policy
    everything: LiveState
    live: LiveState
    pairing: Pairing
    callers: tuple[str, ...]
    going: Mapping[Address, Ending]
    managed: frozenset[str]
    fixed: frozenset[FieldPath]
    sent: Sent
    accountless: frozenset[Address]
    definitions: Definitions
    system: str


def gather(desired: DesiredState, everything: LiveState, policy: Policy, system: str, sent: Sent) -> Inputs:
    """Pair both states; raises Invalid where that is ambiguous, or the settings name unknown attributes."""
    if problems := list(undefined(desired, everything, policy)):
        raise Invalid(problems)
    live = ours(everything, policy)
    pairing = pair(desired, live, system)
    callers = _callers(everything)
    going = endings(desired, pairing, policy, callers)
    managed = managed_keys(desired, policy)
    definitions = everything.definitions or {}
    return Inputs(
        desired,
        policy,
        everything,
        live,
        pairing,
        callers,
        going,
        managed,
        fixed(definitions),
        sent,
        _accountless(desired, pairing, policy, definitions),
        definitions,
        system,
    )


def _accountless(
    desired: DesiredState, pairing: Pairing, policy: Policy, definitions: Definitions
) -> frozenset[Address]:
    """The declared people without an account, before and after; none where nothing can refer to them."""
    if not any(each.refers for each in definitions.values()):
        return frozenset()
    creates = "create" in policy.manage
    people = (
        Address("user", key) for key, user in desired.users.items() if not creates or user.active is False
    )
    return frozenset(person for person in people if person not in pairing.users)


def _callers(everything: LiveState) -> tuple[str, ...]:
    by_id = {user.id: user.resource.email for user in everything.users}
    return tuple(sorted({user_key(by_id.get(one.id) or one.email) for one in everything.callers}))


def undefined(desired: DesiredState, live: LiveState, policy: Policy) -> Iterator[Problem]:
    """Exact attributes that the system lacks, or that nobody can clear: it would not, and not say so.

    Where the definitions were not read there are none to name.
    """
    if live.definitions is None:
        return
    place = desired.locate(Address("user", ""), ())
    for name in sorted(policy.exact_attributes):
        definition = live.definitions.get(name)
        if definition is None:
            message = f"`exact_attributes` names `{name}`, which the system does not define"
            yield Problem(place, message, "correct the name, or define it there first")
        elif definition.system:
            message = f"`exact_attributes` names `{name}`, which the system sets itself"
            yield Problem(place, message, "remove it there")
        elif not definition.readable:
            message = (
                f"`exact_attributes` names `{name}`, which no answer shows, so nobody knows what to clear"
            )
            yield Problem(place, message, "remove it there")
        elif definition.written != "always":
            message = f"`exact_attributes` names `{name}`, which cannot be cleared once it is written"
            yield Problem(place, message, "remove it there")

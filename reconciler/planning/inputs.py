"""What a plan is decided from: both states, narrowed to what is ours, paired, and who is to go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.errors import IncompleteRead, Invalid, Problem
from reconciler.model import (
    Address,
    DesiredState,
    FieldPath,
    Habits,
    LiveState,
    address_of,
    group_key,
    user_key,
)
from reconciler.planning.contradicted import contradictions
from reconciler.planning.diff import Definitions
from reconciler.planning.identity import recognise, unfit
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
    ``shared`` tells which live people have one value of an attribute of ``match``.
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
    shared: tuple[str, ...]
    system: str

    @property
    def habits(self) -> Habits:
        """What the system does beside what it is asked."""
        return self.everything.habits

    @property
    def room_without(self) -> int:
        """How many people without the attribute of ``sole_without`` can still be created."""
        name = self.habits.sole_without
        people = (live.resource.attributes or {} for live in self.everything.users if name)
        return 0 if any(values.get(name) in (None, "") for values in people) else 1

    @property
    def logins_follow(self) -> bool:
        """Whether a live person gets the login of the files: who makes accounts says how they are called."""
        return self.everything.logins_change and "create" in self.policy.manage


def gather(desired: DesiredState, everything: LiveState, policy: Policy, system: str, sent: Sent) -> Inputs:
    """Pair both states; raises Invalid where that is ambiguous, or the settings name unknown attributes.

    Raises IncompleteRead where the files speak of somebody or something that was not looked for.
    """
    if (missing := next(unread(desired, everything), None)) is not None:
        message = f"{missing} was not read, so nothing can be planned"
        raise IncompleteRead(message)
    if problems := list(undefined(desired, everything, policy)):
        raise Invalid(problems)
    live = ours(everything, policy)
    recognised = recognise(desired, everything, live, policy)
    definitions = everything.definitions or {}
    pairing = pair(desired, live, system, recognised).following(definitions)
    if problems := list(contradictions(desired, everything, pairing, policy)):
        raise Invalid(problems)
    callers = _callers(everything)
    going = endings(desired, pairing, policy, callers)
    if problems := list(_unguarded(going, desired, everything, policy, system)):
        raise Invalid(problems)
    managed = managed_keys(desired, policy)
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
        recognised.shared,
        system,
    )


def _unguarded(
    going: Mapping[Address, Ending], desired: DesiredState, everything: LiveState, policy: Policy, system: str
) -> Iterator[Problem]:
    """Why nobody may go without a tombstone: who administers a system that hides it may be among them."""
    gone = [address for address in going if address.kind == "user" and address not in desired.absent]
    if not gone or not everything.habits.roles_hidden:
        return
    active = (live.resource for live in everything.users if live.resource.active is not False)
    if not any(policy.protect.match(address_of(user)) for user in active):
        ways = sorted({"left_files" if address in desired.departed else "never_listed" for address in gone})
        who = "1 person" if len(gone) == 1 else f"{len(gone)} people"
        how = " and ".join(f"`{way}`" for way in ways)
        message = f"{how} would take {who} away, and {system} does not show who administers it"
        hint = "name its administrators, at least one who is active, under `protect.users` of target.yaml"
        yield Problem(desired.locate(Address("user", ""), ()), message, hint)


def unread(desired: DesiredState, live: LiveState) -> Iterator[Address]:
    """Whatever a part of the files speaks of, and nobody looked for: nothing is planned then."""
    if live.asked is None:
        return
    there = {group_key(group.resource.name) for group in live.groups}
    for address in sorted(desired.declared | desired.absent | desired.departed.keys()):
        settled = address.kind == "group" and address.key in there
        for key in (address.key,) if settled else desired.keys_of(address):
            if Address(address.kind, key) not in live.asked:
                yield Address(address.kind, key)
    for key in sorted(desired.members - live.asked.users):
        yield Address("user", key)


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
    callers = everything.callers
    if everything.asked is not None:
        # Whose id is nobody's who was read is none of these people.
        callers = tuple(one for one in callers if one.email or not one.id or one.id in by_id)
    return tuple(sorted({user_key(by_id.get(one.id) or one.email) for one in callers}))


def undefined(desired: DesiredState, live: LiveState, policy: Policy) -> Iterator[Problem]:
    """Attributes in the settings that the system lacks, that nobody can clear or that tell nobody.

    It would clear nothing, and not say so. Where the definitions were not read there are none to name.
    """
    if live.definitions is None:
        return
    yield from unfit(desired, live.definitions, policy)
    place = desired.locate(Address("user", ""), ())
    for name in sorted(policy.exact_attributes):
        definition = live.definitions.get(name)
        if definition is None:
            message = f"`exact_attributes` names `{name}`, which the system does not define"
            yield Problem(place, message, "correct the name, or define it there first")
        elif definition.system:
            message = f"`exact_attributes` names `{name}`, which the system sets itself"
            yield Problem(place, message, "remove it there")
        elif not definition.clearable and definition.readable:
            message = f"`exact_attributes` names `{name}`, which the system never clears"
            yield Problem(place, message, "remove it there")
        elif not definition.readable:
            message = (
                f"`exact_attributes` names `{name}`, which no answer shows, so nobody knows what to clear"
            )
            yield Problem(place, message, "remove it there")
        elif definition.written != "always":
            message = f"`exact_attributes` names `{name}`, which cannot be cleared once it is written"
            yield Problem(place, message, "remove it there")

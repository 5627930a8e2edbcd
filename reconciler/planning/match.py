"""Which live object is meant by which declared one.

Users match by e-mail address, groups by name, both normalised (``user_key``,
``group_key``). A declared object may name older keys (``previously``):

* A user matches under either address, since a system may not change one: a second
  account for the same person is never made.
* A group is matched under its own name first. Only where no live group has
  that name is it looked for under the older ones, which makes it a rename.
* What left the files is matched last, and in the same way as a group.
* Whom an attribute finds (``match`` in target.yaml) is that person under any address. So an address
  that changed is no leaver, and makes no second person.

Two live objects for one declared one stop the plan: whichever were picked,
the other would keep or lose access that nobody reviewed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from reconciler.errors import Invalid, Problem
from reconciler.model import (
    KEY_OF,
    Address,
    Definition,
    DesiredState,
    Group,
    Kind,
    Live,
    LiveState,
    User,
    Value,
    address_of,
    group_key,
    user_key,
)
from reconciler.planning.identity import NOBODY, Recognised

L = TypeVar("L", Live[User], Live[Group])


@dataclass(frozen=True, slots=True)
class Pairing:
    """Live objects by the address of their declaration, or by their own where nothing declares them.

    ``unlisted`` are the addresses that no file mentions, the departed ones among them. ``settled``
    are declared groups that have their new name already. ``moved`` maps the address of a
    user matched under an older e-mail to that older key. ``known_by`` has the attribute that found
    somebody whom no login of the files would have found.
    """

    users: Mapping[Address, Live[User]]
    groups: Mapping[Address, Live[Group]]
    unlisted: frozenset[Address]
    settled: tuple[Address, ...]
    moved: Mapping[Address, str]
    known_by: Mapping[Address, str]

    def members(self, group: Live[Group]) -> frozenset[str]:
        """The known members of a live group, by the key that each is declared under."""
        members = group.resource.members or frozenset()
        renamed = {old: address.key for address, old in self.moved.items() if old in members}
        return frozenset(renamed.get(key, key) for key in members) if renamed else members

    def aliases(self, desired: DesiredState) -> dict[str, tuple[str, ...]]:
        """Every other name, by address: those that the files declare as older, and the live one."""
        found = dict(desired.previously)
        for called, key in self._called_otherwise().items():
            address = Address(called.kind, key)
            if called.key not in found.get(address, ()):
                found[address] = (*found.get(address, ()), called.key)
        return {str(address): found[address] for address in sorted(found)}

    def _called_otherwise(self) -> dict[Address, str]:
        """The key in the files of each live object that has another name there."""
        people = {Address("user", key): address.key for address, key in self.moved.items()}
        groups = {address_of(live.resource): address.key for address, live in self.groups.items()}
        return people | {name: key for name, key in groups.items() if name.key != key}

    def following(self, definitions: Mapping[str, Definition]) -> "Pairing":
        """The same, with each reference to a person or group by the name that the files have for them."""
        refer = {name: each.refers for name, each in definitions.items() if each.refers}
        named = self._called_otherwise() if refer else {}
        if not named:
            return self

        def follow(name: str, value: Value) -> Value:
            if (kind := refer.get(name)) is None or value is None:
                return value
            if isinstance(value, tuple):
                return tuple(named.get(Address(kind, KEY_OF[kind](str(each))), each) for each in value)
            return named.get(Address(kind, KEY_OF[kind](str(value))), value)

        users = {}
        for address, live in self.users.items():
            attributes = {
                name: follow(name, value) for name, value in (live.resource.attributes or {}).items()
            }
            users[address] = replace(live, resource=replace(live.resource, attributes=attributes))
        return replace(self, users=users)

    @property
    def live(self) -> AbstractSet[Address]:
        """Every address that is live."""
        return self.users.keys() | self.groups.keys()

    @property
    def ids(self) -> dict[Address, str]:
        """The live id of every address."""
        return {address: live.id for side in (self.users, self.groups) for address, live in side.items()}


def pair(desired: DesiredState, live: LiveState, system: str, recognised: Recognised = NOBODY) -> Pairing:
    """Pair both sides; raises Invalid, naming both ids, where two live objects match one declaration.

    ``system`` is what people call the system, for messages. ``recognised`` are the people whom
    attributes find.
    """
    users_by_key = _by_key((user_key(user.resource.email), user) for user in live.users)
    groups_by_key = _by_key((group_key(group.resource.name), group) for group in live.groups)
    users = _matched("user", desired, users_by_key)
    groups = _matched("group", desired, groups_by_key)
    problems = [
        *recognised.problems,
        *(_ambiguous(desired, a, [u for _, u in found], system) for a, found in users.items() if found[1:]),
        *(_ambiguous(desired, a, [g for _, g in found], system) for a, found in groups.items() if found[1:]),
        *_ambiguous_members(desired, groups, users_by_key, system),
    ]
    known_by = _known_by(desired, recognised, users, users_by_key, problems)
    if problems:
        raise Invalid(problems)
    unlisted_users = {Address("user", key): found[0] for key, found in users_by_key.items() if found}
    unlisted_groups = {Address("group", key): found[0] for key, found in groups_by_key.items()}
    departed = desired.departed.keys() & (users.keys() | groups.keys())
    return Pairing(
        {a: user for a, found in users.items() for _, user in found} | unlisted_users,
        {a: group for a, found in groups.items() for _, group in found} | unlisted_groups,
        frozenset(unlisted_users) | frozenset(unlisted_groups) | departed,
        tuple(a for a, found in groups.items() if a not in departed and _is_settled(desired, a, found)),
        {a: key for a, found in users.items() for key, _ in found if key != a.key},
        known_by,
    )


def _known_by(
    desired: DesiredState,
    recognised: Recognised,
    users: dict[Address, list[tuple[str, Live[User]]]],
    by_key: dict[str, list[Live[User]]],
    problems: list[Problem],
) -> dict[Address, str]:
    """Pair those whom an attribute alone finds, and return by which; adds to ``problems`` who is two people.

    Takes them from ``by_key``, and from who left the files: under another address they did not leave.
    """
    holders = {live.id: address for address, found in users.items() for _, live in found}
    known: dict[Address, str] = {}
    for address, ways in recognised.found.items():
        people: dict[str, str] = {}
        for how, live in (*ways, *(("", live) for _, live in users[address])):
            by = f"by `{how}`" if how else "by its login"
            people.setdefault(live.id, f"{live.resource.email} (id {live.id}) {by}")
        how, live = ways[0]
        key, holder = user_key(live.resource.email), holders.get(live.id)
        if len(people) > 1:
            message = f"{address} is {' and '.join(people.values())}: two different people"
            problems.append(Problem(desired.place(address), message, _ONE_OF_THEM))
        elif holder not in (None, address) and holder not in desired.departed:
            message = f"{key} is {address} by `{how}`, and {holder} by its login, at {desired.place(holder)}"
            problems.append(Problem(desired.place(address), message, "keep one of the two entries"))
        elif holder != address:
            if holder:
                del users[holder]
            else:
                by_key[key].remove(live)
            users[address] = [(key, live)]
            known[address] = how
    return known


_ONE_OF_THEM: Final = (
    "correct the attribute or the login, in the files or there; until then nothing is planned"
)


def _matched(
    kind: Kind, desired: DesiredState, by_key: dict[str, list[L]]
) -> dict[Address, list[tuple[str, L]]]:
    """The live objects of each declaration, each with the key that it is live under.

    Takes them out of ``by_key``; what is left there matches nothing.
    """
    found: dict[Address, list[tuple[str, L]]] = {}
    for address in _declared(kind, desired):
        keys = desired.keys_of(address)
        if kind == "group" and address.key in by_key:
            keys = keys[:1]
        found[address] = [(key, live) for key in keys for live in by_key.pop(key, ())]
    for departed in sorted(a for a in desired.departed if a.kind == kind):
        name = next((key for key in desired.keys_of(departed) if key in by_key), None)
        if name is not None:
            found[departed] = [(name, live) for live in by_key.pop(name)]
    return found


def _is_settled(desired: DesiredState, address: Address, found: Sequence[tuple[str, Live[Group]]]) -> bool:
    """Whether a declared group has its own name, so that its older ones have done their work."""
    renamed = address in desired.previously and address not in desired.absent
    return renamed and any(key == address.key for key, _ in found)


def _declared(kind: Kind, desired: DesiredState) -> list[Address]:
    stated = desired.users if kind == "user" else desired.groups
    absent = (address.key for address in desired.absent if address.kind == kind)
    # Not a set: what is mostly in order is sorted in no time.
    return [Address(kind, key) for key in sorted(dict.fromkeys((*stated, *absent)))]


def _by_key(items: Iterable[tuple[str, L]]) -> dict[str, list[L]]:
    found: dict[str, list[L]] = defaultdict(list)
    for key, live in items:
        found[key].append(live)
    return found


def _ambiguous(
    desired: DesiredState, address: Address, found: Sequence[Live[User] | Live[Group]], system: str
) -> Problem:
    ids = " and ".join(sorted(live.id for live in found))
    return Problem(
        desired.place(address),
        f"{address} matches {len(found)} live {address.kind}s, with the ids {ids}",
        f"remove or rename all but one of them in {system}; until then nothing is planned",
    )


def _ambiguous_members(
    desired: DesiredState,
    groups: Mapping[Address, Sequence[tuple[str, Live[Group]]]],
    users: Mapping[str, Sequence[Live[User]]],
    system: str,
) -> list[Problem]:
    """Undeclared people with one address and two accounts, where a managed membership names them."""
    doubles = {key for key, found in users.items() if len(found) > 1}
    if not doubles:
        return []
    named: dict[str, Address] = {}
    for key, group in desired.groups.items():
        address = Address("group", key)
        if group.members is not None:
            live = (group.resource.members or frozenset() for _, group in groups[address])
            for member in doubles & group.members.union(*live):
                named.setdefault(member, address)
    return [
        replace(
            _ambiguous(desired, Address("user", key), users[key], system),
            place=desired.locate(address, ("members",)),
        )
        for key, address in named.items()
    ]

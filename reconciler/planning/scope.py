"""Which live things are ours, and what the target's settings let a plan do with them.

Terms: an *ignored* object is never read into a plan and never touched. A
*protected* one may be planned for, but never removed, deactivated or emptied.
A *managed* field is one that the target's ``manage`` names.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase, translate
from fractions import Fraction
from typing import Final, Literal

from reconciler.model import Address, DesiredState, Kind, LiveState, Need, group_key, user_key

USER_FIELDS = frozenset({"create", "name", "active", "groups", "attributes"})

Leaver = Literal["keep", "revoke", "deactivate", "revoke, deactivate", "delete"]
"""How access ends: *revoke* takes the person out of every group whose members the files state and clears
the attributes that they manage; the account stays. A deletion leaves nothing to do of the others."""
_GENTLEST_FIRST: Final[tuple[Leaver, ...]] = ("keep", "revoke", "deactivate", "revoke, deactivate", "delete")
_WITHOUT_ACTIVE: Final[Mapping[Leaver, Leaver]] = {"deactivate": "keep", "revoke, deactivate": "revoke"}


def combined(ways: str | Sequence[str]) -> Leaver:
    """One way to end access, or several at once, as ``leavers`` in target.yaml has them."""
    found = [way for way in _GENTLEST_FIRST if way in ([ways] if isinstance(ways, str) else ways)]
    return "revoke, deactivate" if found == ["revoke", "deactivate"] else found[-1]


@dataclass(frozen=True, slots=True)
class Limits:
    """More than ``share`` of the live things of a kind and more than ``floor`` of them: refused."""

    share: float = 0.25
    floor: int = 5

    def forbid(self, number: int, total: int) -> bool:
        """Whether so many of all of them are too many. Exact: of 100, a share of 0.29 allows 29."""
        return number > self.floor and number > Fraction(str(self.share)) * total


@dataclass(frozen=True, slots=True)
class Policy:
    """What ``target.yaml`` says about ownership and removal. Globs match without case."""

    manage: frozenset[str] = USER_FIELDS
    exact_attributes: frozenset[str] = frozenset()
    ignore_users: tuple[str, ...] = ()
    ignore_groups: tuple[str, ...] = ()
    protect_users: tuple[str, ...] = ()
    protect_groups: tuple[str, ...] = ()
    tombstone: Leaver = "deactivate"
    left_users: Leaver = "keep"
    left_groups: Leaver = "keep"
    never_listed: Leaver = "keep"
    limits: Limits = Limits()
    creations: Limits = Limits(share=0.5, floor=50)

    def ignores(self, address: Address) -> bool:
        """Whether the object is never read into a plan."""
        globs = self.ignore_users if address.kind == "user" else self.ignore_groups
        return matches(address, globs)

    def protects(self, address: Address) -> bool:
        """Whether the object may never be removed, deactivated or emptied."""
        globs = self.protect_users if address.kind == "user" else self.protect_groups
        return matches(address, globs)

    def effective(self, how: Leaver) -> Leaver:
        """What a way to end access comes to: somebody else may decide who is active."""
        return how if "active" in self.manage else _WITHOUT_ACTIVE.get(how, how)

    def globs(self) -> Iterator[tuple[str, Kind, tuple[str, ...]]]:
        """The globs of ``protect`` and ``ignore``: as target.yaml calls them, for what, and which."""
        yield "protect.users", "user", self.protect_users
        yield "protect.groups", "group", self.protect_groups
        yield "ignore.users", "user", self.ignore_users
        yield "ignore.groups", "group", self.ignore_groups


def stricter(one: Policy, other: Policy) -> Policy:
    """What both allow: whatever either forbids, the result forbids."""
    both = (one, other)

    def gentler(way: Callable[[Policy], Leaver]) -> Leaver:
        def harm(policy: Policy) -> int:
            return _GENTLEST_FIRST.index(policy.effective(way(policy)))

        return way(min(both, key=harm))

    return Policy(
        manage=one.manage & other.manage,
        exact_attributes=one.exact_attributes & other.exact_attributes,
        ignore_users=_union(one.ignore_users, other.ignore_users),
        ignore_groups=_union(one.ignore_groups, other.ignore_groups),
        protect_users=_union(one.protect_users, other.protect_users),
        protect_groups=_union(one.protect_groups, other.protect_groups),
        tombstone=gentler(lambda policy: policy.tombstone),
        left_users=gentler(lambda policy: policy.left_users),
        left_groups=gentler(lambda policy: policy.left_groups),
        never_listed=gentler(lambda policy: policy.never_listed),
        limits=_lower(one.limits, other.limits),
        creations=_lower(one.creations, other.creations),
    )


def _lower(one: Limits, other: Limits) -> Limits:
    return Limits(min(one.share, other.share), min(one.floor, other.floor))


def _union(some: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*some, *more)))


def matches(address: Address, globs: Iterable[str]) -> bool:
    """Whether one of the globs names the object."""
    normal = user_key if address.kind == "user" else group_key
    return any(fnmatchcase(address.key, normal(glob)) for glob in globs)


def is_matched(kind: Kind, glob: str, keys: Iterable[str]) -> bool:
    """Whether the glob names any object with one of these keys."""
    normal = user_key if kind == "user" else group_key
    return any(map(re.compile(translate(normal(glob))).match, keys))


def ours(live: LiveState, policy: Policy) -> LiveState:
    """The live state without what is ignored; ignored members count as foreign ones, which are kept."""
    users = tuple(u for u in live.users if not policy.ignores(Address("user", user_key(u.resource.email))))
    groups = tuple(g for g in live.groups if not policy.ignores(Address("group", group_key(g.resource.name))))
    if len(users) == len(live.users):
        return replace(live, groups=groups)
    known = {user_key(u.resource.email) for u in users}
    foreign = dict(live.foreign)
    narrowed = []
    for group in groups:
        members = group.resource.members or frozenset()
        kept = members & known
        if hidden := len(members) - len(kept):
            foreign[group.id] = foreign.get(group.id, 0) + hidden
        narrowed.append(replace(group, resource=replace(group.resource, members=kept)))
    return replace(live, users=users, groups=tuple(narrowed), foreign=foreign)


def managed_keys(desired: DesiredState, policy: Policy) -> frozenset[str]:
    """The attributes that the files manage: those that any user states, and the exact ones."""
    if "attributes" not in policy.manage:
        return frozenset()
    stated = {key for user in desired.users.values() for key in user.attributes or ()}
    return policy.exact_attributes | stated


def need(desired: DesiredState, policy: Policy) -> Need:
    """What must be known of each user beyond the lists, by every key under which it may be live."""
    attributes: dict[str, frozenset[str]] = {}
    # Most people of a large directory state the same few sets of attributes: equal ones are one object.
    shared: dict[frozenset[str], frozenset[str]] = {}
    if "attributes" in policy.manage:
        for key, user in desired.users.items():
            if keys := policy.exact_attributes.union(user.attributes or ()):
                keys = shared.setdefault(keys, keys)
                for alias in _keys(desired, Address("user", key)):
                    attributes[alias] = keys
    managed = managed_keys(desired, policy)
    # Of somebody who is to have an account, an inactive row may be the trace of an earlier one.
    deleted = {key for key, user in desired.users.items() if user.active is not False}
    for addresses, how in ((desired.absent, policy.tombstone), (desired.departed, policy.left_users)):
        gone = {key for a in addresses if a.kind == "user" for key in _keys(desired, a)}
        if "revoke" in how and managed:
            attributes.update(dict.fromkeys(gone, managed))
        if how == "delete":
            deleted |= gone
    others = managed if "revoke" in policy.never_listed else frozenset()
    return Need(attributes, frozenset(deleted), others, all_deleted=policy.never_listed == "delete")


def _keys(desired: DesiredState, address: Address) -> tuple[str, ...]:
    return (address.key, *desired.previously.get(address, ()))


def unmanaged_fields(desired: DesiredState, policy: Policy) -> Mapping[str, int]:
    """The fields that users state and the target does not manage, with how many users state each."""
    left = sorted(USER_FIELDS - policy.manage - {"create"})
    tally = {name: sum(getattr(u, name) is not None for u in desired.users.values()) for name in left}
    return {name: number for name, number in tally.items() if number}

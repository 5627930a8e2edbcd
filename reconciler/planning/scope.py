"""Which live things are ours, and what the target's settings let a plan do with them.

Terms: an *ignored* object is never read into a plan and never touched. A
*protected* one may be planned for, but never removed, deactivated or emptied.
A *managed* field is one that the target's ``manage`` names.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase, translate
from fractions import Fraction
from typing import Final, Literal

from reconciler.errors import Place
from reconciler.model import (
    KEY_OF,
    KINDS,
    NAMED_BY,
    STATED,
    Address,
    DesiredState,
    Kind,
    LiveState,
    Need,
    address_of,
    user_key,
)

MANAGED: Final = frozenset({"create", *STATED["user"]})
"""The parts of a user that a target may leave to somebody else: to make the account, and each field."""

MANAGED_GROUPS: Final = frozenset({"create", *NAMED_BY["group"], *STATED["group"]})
"""The parts of a group that a target may leave to others: to make and delete it, its name, its own list."""

Ending = Literal["keep", "revoke", "deactivate", "revoke, deactivate", "delete"]
"""How access ends. *revoke* takes the person out of every group whose members the files state, and clears
the attributes that they manage; the account stays. After *delete* nothing is left to revoke or deactivate."""
_GENTLEST_FIRST: Final[tuple[Ending, ...]] = ("keep", "revoke", "deactivate", "revoke, deactivate", "delete")
_WITHOUT_ACTIVE: Final[Mapping[Ending, Ending]] = {"deactivate": "keep", "revoke, deactivate": "revoke"}


def combined(ways: str | Sequence[str]) -> Ending:
    """One way to end access, or several at once, as ``leavers`` in target.yaml has them."""
    found = [way for way in _GENTLEST_FIRST if way in ([ways] if isinstance(ways, str) else ways)]
    return "revoke, deactivate" if found == ["revoke", "deactivate"] else found[-1]


@dataclass(frozen=True, slots=True)
class Limits:
    """More than ``share`` of the live things of a kind and more than ``floor`` of them: refused.

    Where nobody knows how many there are, more than ``floor`` is refused.
    """

    share: float = 0.25
    floor: int = 5

    def forbid(self, number: int, total: int | None) -> bool:
        """Whether so many of all of them are too many. Exact: of 100, a share of 0.29 allows 29."""
        return number > self.floor and (total is None or number > Fraction(str(self.share)) * total)


@dataclass(frozen=True, slots=True)
class Globs:
    """Patterns for the names of objects, by kind; they match without case."""

    user: tuple[str, ...] = ()
    group: tuple[str, ...] = ()

    def match(self, address: Address) -> bool:
        """Whether one of them names the object."""
        return any(fnmatchcase(address.key, KEY_OF[address.kind](glob)) for glob in self.of(address.kind))

    def of(self, kind: Kind) -> tuple[str, ...]:
        """Those for one kind of object."""
        return self.user if kind == "user" else self.group

    def __or__(self, other: "Globs") -> "Globs":
        """All of both, each once."""
        return Globs(*(tuple(dict.fromkeys(self.of(kind) + other.of(kind))) for kind in KINDS))


@dataclass(frozen=True, slots=True)
class Policy:
    """What ``target.yaml`` says about ownership and removal.

    ``manage`` names the parts of users that the files decide, ``manage_groups`` those of groups.
    ``match`` names the attributes by which a person is looked for before the login, ``exclusive``
    the groups of which a person is in one at most, list by list.
    ``places`` are those of names, by their setting, such as ``protect.users``, and by their text.
    """

    manage: frozenset[str] = MANAGED
    manage_groups: frozenset[str] = MANAGED_GROUPS
    exact_attributes: frozenset[str] = frozenset()
    match: tuple[str, ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()
    ignore: Globs = Globs()
    protect: Globs = Globs()
    tombstone: Ending = "deactivate"
    left_users: Ending = "keep"
    left_groups: Ending = "keep"
    never_listed: Ending = "keep"
    removals: Limits = Limits()
    creations: Limits = Limits(share=0.5, floor=50)
    places: Mapping[tuple[str, str], Place] = field(default_factory=dict, compare=False)

    def effective(self, how: Ending) -> Ending:
        """What an ending comes to where the target does not manage ``active``: nobody is deactivated."""
        return how if "active" in self.manage else _WITHOUT_ACTIVE.get(how, how)

    def of_groups(self, how: Ending) -> Ending:
        """What a group's ending comes to: whoever makes the groups deletes them."""
        return how if "create" in self.manage_groups else "keep"


def stricter(one: Policy, other: Policy) -> Policy:
    """What both allow: whatever either forbids, the result forbids. Places are those of ``other`` first."""
    both = (one, other)

    def gentler(way: Callable[[Policy], Ending]) -> Ending:
        def harm(policy: Policy) -> int:
            return _GENTLEST_FIRST.index(policy.effective(way(policy)))

        return way(min(both, key=harm))

    return Policy(
        manage=one.manage & other.manage,
        manage_groups=one.manage_groups & other.manage_groups,
        exact_attributes=one.exact_attributes & other.exact_attributes,
        match=tuple(name for name in one.match if name in other.match),
        exclusive=tuple(dict.fromkeys(one.exclusive + other.exclusive)),
        ignore=one.ignore | other.ignore,
        protect=one.protect | other.protect,
        tombstone=gentler(lambda policy: policy.tombstone),
        left_users=gentler(lambda policy: policy.left_users),
        left_groups=gentler(lambda policy: policy.left_groups),
        never_listed=gentler(lambda policy: policy.never_listed),
        removals=_lower(one.removals, other.removals),
        creations=_lower(one.creations, other.creations),
        places={**one.places, **other.places},
    )


def _lower(one: Limits, other: Limits) -> Limits:
    return Limits(min(one.share, other.share), min(one.floor, other.floor))


def is_matched(kind: Kind, glob: str, keys: Iterable[str]) -> bool:
    """Whether the glob names any object with one of these keys."""
    return any(map(re.compile(translate(KEY_OF[kind](glob))).match, keys))


def ours(live: LiveState, policy: Policy) -> LiveState:
    """The live state without what is ignored; ignored members count as foreign ones, which are kept."""
    ignored = policy.ignore.match
    users = tuple(user for user in live.users if not ignored(address_of(user.resource)))
    groups = tuple(group for group in live.groups if not ignored(address_of(group.resource)))
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
    stated = {key for user in desired.files.users.values() for key in user.attributes or ()}
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
                for alias in desired.keys_of(Address("user", key)):
                    attributes[alias] = keys
    managed = managed_keys(desired, policy)
    # An inactive row of such a person may be what is left of a deleted account (see ``Need``).
    deleted = {key for key, user in desired.users.items() if user.active is not False}
    for addresses, how in ((desired.absent, policy.tombstone), (desired.departed, policy.left_users)):
        gone = {key for a in addresses if a.kind == "user" for key in desired.keys_of(a)}
        if "revoke" in how and managed:
            attributes.update(dict.fromkeys(gone, managed))
        if how == "delete":
            deleted |= gone
    others = managed if "revoke" in policy.never_listed else frozenset()
    if known_by := frozenset(policy.match):
        # Whoever is live may be meant, under any login.
        attributes = {key: keys | known_by for key, keys in attributes.items()}
        others |= known_by | managed
    all_deleted = bool(known_by) or policy.never_listed == "delete"
    return Need(attributes, frozenset(deleted), others, all_deleted=all_deleted)


def unmanaged_fields(desired: DesiredState, policy: Policy) -> Mapping[str, int]:
    """The fields that users state and the target does not manage, with how many users state each."""
    left = sorted(MANAGED - policy.manage - {"create"})
    tally = {name: sum(getattr(u, name) is not None for u in desired.users.values()) for name in left}
    return {name: number for name, number in tally.items() if number}


def states_members(desired: DesiredState, policy: Policy, key: str) -> bool:
    """Whether the files decide who is in a declared group: by its own list, or by what users state."""
    if desired.groups[key].members is not None:
        return "members" in policy.manage_groups
    return key in desired.from_users and "groups" in policy.manage

"""What a run is about, where that is a part of the files: what must be read for it, and the files cut to it.

Planning over a part never takes "not read" for "not live": the desired state is cut to what was asked for
(``cut``), and ``unread`` names whatever of it was not, so that nothing is planned then.

* *people* are planned with all that the files say of them;
* *named* ones are somebody's members, stay when others leave, or are referred to: of them only the
  memberships count;
* *groups* are planned with the edges of all these people. Of people *closely* looked at every group counts.

A saved plan is about its intended changes (``of_plan``), a selection about people with all their memberships
and groups with all their people (``of_selection``). What a removal relies on is proven by somebody who stays:
``doubted`` says where nobody is known who does, ``witnesses`` who may be.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import islice

from reconciler.changes import Change, Create, Delete, atoms, ends_access, leaving_members, naming
from reconciler.model import KINDS, Address, Asked, DesiredState, Group, Kind, LiveState, User, group_key
from reconciler.plan import Census, Plan
from reconciler.planning.plan import Planned
from reconciler.planning.scope import Policy
from reconciler.planning.selection import Selection


@dataclass(frozen=True, slots=True)
class About:
    """Keys of people and groups, the live ids that are known of them, and ids of people without a key.

    Of the groups that are *whole* every member counts. ``values`` says that attributes do; ``out_of`` is how
    many people there were at the last count.
    """

    people: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    closely: frozenset[str] = frozenset()
    ids: Mapping[Address, str] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    values: bool = True
    out_of: int = 0

    def __contains__(self, address: Address) -> bool:
        """Whether a run is about it."""
        return address.key in (self.people if address.kind == "user" else self.groups)

    def __or__(self, other: "About") -> "About":
        """What either is about, as this one is."""
        return About(
            self.people | other.people,
            (self.named | other.named) - self.people - other.people,
            self.groups | other.groups,
            self.closely | other.closely,
            {**other.ids, **self.ids},
            self.strangers | other.strangers,
            self.whole | other.whole,
            self.values and other.values,
            self.out_of or other.out_of,
        )

    def asked(self, desired: DesiredState) -> Asked:
        """What to read: everybody under each of their keys, and each group as the files spell it."""

        def under_each(people: Iterable[str]) -> frozenset[str]:
            return frozenset(key for one in people for key in desired.keys_of(Address("user", one)))

        groups = {key: desired.groups[key].name if key in desired.groups else key for key in self.groups}
        users, with_groups = under_each(self.people | self.named), under_each(self.closely)
        return Asked(users, groups, with_groups, self.ids, self.strangers, self.out_of)


def of_plan(saved: Plan, desired: DesiredState, policy: Policy) -> About | None:
    """What the apply of a reviewed plan is about; None where everything must be read for it.

    That is where an attribute tells who somebody is, where somebody goes whom the files do not name
    (who was never listed), and where groups that exclude each other may be concerned.
    """
    changes = saved.intended.changes
    if policy.match or any(ends_access(c) and not _is_named(c.address, desired) for c in changes):
        return None
    names = {name for change in changes for _, names in naming(change) for name in names}
    about = About(
        people=_keys("user", (change.address for change in changes)),
        named=_keys("user", names),
        groups=_keys("group", (*(change.address for change in changes), *names)),
        closely=_keys("user", (c.address for c in changes if isinstance(c, Delete))),
        ids=_ids(saved, changes),
        values=any(a.path[:1] == ("attributes",) for change in changes for a in atoms(change)),
        out_of=0 if saved.partly_read else saved.census.live_users,
    )
    about = _with_owners(replace(about, named=about.named - about.people), desired)
    return None if excludes(about, desired, policy) else about


def of_selection(
    asked: Selection, states: Sequence[DesiredState], policies: Iterable[Policy]
) -> About | None:
    """What a plan of some people and groups is about, by all states that it is compared with.

    None where everything must be read: for a pattern, which may match whom only a list shows, and where an
    attribute tells who somebody is.
    """
    if any(asked.globs.of(kind) for kind in KINDS) or any(policy.match for policy in policies):
        return None
    about = About(people=_keys("user", asked.names), groups=_keys("group", asked.names))
    for state in states:
        about = _with_owners(about, state)
    about = replace(about, closely=about.people, whole=about.groups)
    for state in states:
        about |= About(named=_all_said(about.whole, state), groups=_groups_of(about.people, state))
    return about


def _all_said(groups: Iterable[str], state: DesiredState) -> frozenset[str]:
    """Everybody whom the files put into one of the groups."""
    return frozenset(person for group in groups for person in _said(group, state))


def _groups_of(people: frozenset[str], state: DesiredState) -> frozenset[str]:
    """Every group that the files put one of these people into."""
    named = (state.users[key].groups or frozenset() for key in people & state.users.keys())
    listing = (key for key, group in state.groups.items() if people & (group.members or frozenset()))
    return frozenset().union(*named, listing)


def _is_named(address: Address, desired: DesiredState) -> bool:
    stated = desired.users if address.kind == "user" else desired.groups
    return address.key in stated or address in desired.absent or address in desired.departed


def _keys(kind: Kind, addresses: Iterable[Address]) -> frozenset[str]:
    return frozenset(address.key for address in addresses if address.kind == kind)


def _ids(saved: Plan, changes: Iterable[Change]) -> dict[Address, str]:
    """The live ids that a plan knows of what it changes, and of whom it names."""
    ids = {change.address: change.id for change in changes if not isinstance(change, Create)}
    for name, live_id in saved.meant.items():
        kind, _, key = name.partition("/")
        ids.setdefault(Address("user" if kind == "user" else "group", key), live_id)
    return ids


def excludes(about: About, desired: DesiredState, policy: Policy) -> bool:
    """Whether it is about a group that excludes others, under any of its names: then all of these count."""
    keys = {group_key(name) for names in policy.exclusive for name in names}
    return bool(about.groups & (keys | _owners("group", keys, desired)))


def _with_owners(about: About, desired: DesiredState) -> About:
    """The same, with whoever the files know by one of these keys as an older one."""
    people = _owners("user", about.people | about.named, desired) - about.named
    return replace(
        about, people=about.people | people, groups=about.groups | _owners("group", about.groups, desired)
    )


def met(about: About, live: LiveState, desired: DesiredState) -> About:
    """What a read leads to: those whom it came upon, the groups that they are in, and older names of groups.

    An older name of a group counts only where nothing has the group's own name.
    """
    known, read = about.people | about.named, live.asked.users if live.asked else frozenset()
    of_known = {old for key in known for old in desired.previously.get(Address("user", key), ())}
    there = frozenset(group_key(group.resource.name) for group in live.groups)
    more = About(
        named=(read - known - of_known) | (_owners("user", read, desired) - known),
        groups=_older(about.groups - there, desired),
        whole=_older(about.whole - there, desired),
        strangers=frozenset(_unknown_of(about.whole, live)),
    )
    if about.closely or about.whole:
        said = desired.groups.keys() | _keys("group", desired.absent)
        more |= About(groups=(there & said) | _owners("group", there, desired))
    return about | more


def _older(groups: Iterable[str], desired: DesiredState) -> frozenset[str]:
    return frozenset(old for key in groups for old in desired.previously.get(Address("group", key), ()))


def _owners(kind: Kind, keys: AbstractSet[str], desired: DesiredState) -> frozenset[str]:
    """Whoever the files know by one of these keys as an older one."""
    older = desired.previously.items()
    return frozenset(a.key for a, olds in older if a.kind == kind and not keys.isdisjoint(olds))


def _unknown_of(groups: frozenset[str], live: LiveState) -> Iterator[str]:
    """The ids of the members of these groups of whom nobody knows who they are."""
    for group in live.groups:
        if group_key(group.resource.name) in groups:
            yield from live.unread.get(group.id, ())


def cut(desired: DesiredState, about: About) -> DesiredState:
    """The part of the files that a run is about, as if they said nothing else."""
    people, groups = about.people | about.named, about.groups

    def kept(address: Address) -> bool:
        return address.key in (people if address.kind == "user" else groups)

    return replace(
        desired,
        users={key: _cut_user(desired.users[key], key, about) for key in desired.users.keys() & people},
        groups={key: _cut_group(desired.groups[key], people) for key in desired.groups.keys() & groups},
        absent=frozenset(filter(kept, desired.absent)),
        from_users=desired.from_users & groups,
        previously={a: older for a, older in desired.previously.items() if kept(a)},
        departed={a: place for a, place in desired.departed.items() if kept(a)},
        whole=desired.files,
    )


def _cut_user(user: User, key: str, about: About) -> User:
    groups = None if user.groups is None else user.groups & about.groups
    return replace(user, groups=groups) if key in about.people else User(user.email, groups=groups)


def _cut_group(group: Group, people: frozenset[str]) -> Group:
    return group if group.members is None else replace(group, members=group.members & people)


def for_a_part(policy: Policy, about: About) -> Policy:
    """The settings for a part: nobody is never listed, and attributes are managed where they count."""
    manage = policy.manage if about.values else policy.manage - {"attributes"}
    return replace(policy, manage=manage, never_listed="keep")


@dataclass(frozen=True, slots=True)
class Doubts:
    """Where removals leave nobody who is known to stay, though somebody may: groups, and who is active."""

    groups: tuple[Address, ...] = ()
    active: bool = False

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.groups) or self.active


def doubted(changes: tuple[Change, ...], fresh: Planned, approved: Plan | None = None) -> Doubts:
    """What of these changes a part that was read does not prove harmless.

    What an approved plan itself empties needs no proof, nor that it leaves somebody active where it does not.
    """
    live, census = fresh.everything, approved.intended.census if approved else Census(active_users_after=1)
    gone = {c.address.key for c in changes if isinstance(c, Delete) and c.address.kind == "user"}
    leaving = {c.address: {*leaving_members(c), *gone} for c in changes if c.address.kind == "group"}
    groups = tuple(
        address
        for address, group in fresh.pairing.groups.items()
        if live.unread.get(group.id) and str(address) not in census.emptied
        if (members := fresh.pairing.members(group)) and members & leaving.get(address, gone)
        if members <= leaving.get(address, gone)
    )
    ending = {c.address.key for c in changes if ends_access(c) and c.address.kind == "user"}
    staying = (
        address
        for address, user in fresh.pairing.users.items()
        if user.resource.active is not False
        and address.key not in ending
        and address.key in fresh.desired.users
    )
    return Doubts(groups, bool(ending and census.active_users_after) and next(staying, None) is None)


def witnesses(doubts: Doubts, fresh: Planned, number: int) -> About:
    """So many more people for each doubt, who may prove it unfounded; nobody where none is left."""
    known = fresh.everything.asked
    tried = known.users if known else frozenset()
    desired = fresh.desired.files
    named: set[str] = set()
    strangers: set[str] = set()
    for address in doubts.groups:
        named.update(islice((key for key in _said(address.key, desired) if key not in tried), number))
        unread = fresh.everything.unread.get(fresh.ids[address], ())
        strangers.update(unread[: number - 1])
    if doubts.active:
        active = (
            k for k, user in sorted(desired.users.items()) if user.active is not False and k not in tried
        )
        named.update(islice(active, max(0, number - len(named))))
    return About(named=frozenset(named), strangers=frozenset(strangers))


def _said(group: str, desired: DesiredState) -> Iterator[str]:
    """The people whom the files put into a group, in order; those who are to be active first."""
    if group not in desired.groups:
        return
    listed = desired.groups[group].members
    if listed is None:
        listed = frozenset(key for key, user in desired.users.items() if group in (user.groups or ()))
    yield from sorted(listed, key=lambda key: (_is_closed(key, desired), key))


def _is_closed(key: str, desired: DesiredState) -> bool:
    return key in desired.users and desired.users[key].active is False

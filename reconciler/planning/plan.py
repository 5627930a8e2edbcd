"""Two states in, one ordered plan out.

What is decided here, and nowhere else:

1. Users: a declared one that is not live is created, unless the target leaves
   that to an identity provider (then it waits) or it is declared inactive (then
   it is as wanted). A live one gets the managed fields that differ. A tombstone
   ends a person's access the way ``leavers`` says.
2. Memberships: one edge at a time, and only in groups whose members the files
   state. A group with a list has exactly these people; a group ``from_users`` has
   the declared people who name it, and keeps all whose users say nothing.
   Members that the user list does not know are kept, always.
3. Groups: created, renamed, or deleted by a tombstone.

Nothing else is ever removed, so files that say nothing take nothing away.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.changes import Census, Change, Create, Delete, FieldChange, Plan, Removal, Update
from reconciler.errors import IncompleteRead, Invalid, Place, Problem
from reconciler.model import (
    Address,
    DesiredState,
    Group,
    Live,
    LiveState,
    Path,
    User,
    Value,
    group_key,
    user_key,
)
from reconciler.operations import in_order
from reconciler.planning.diff import (
    Definitions,
    Facts,
    canonical,
    compare,
    group_facts,
    user_facts,
)
from reconciler.planning.leavers import leaving
from reconciler.planning.match import Pairing, pair
from reconciler.planning.notes import notes
from reconciler.planning.scope import Leaver, Policy, managed_keys, ours


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan together with the read that it was made from.

    ``ids`` holds the live id of every address; ``facts`` looks at one object.
    """

    plan: Plan
    pairing: Pairing
    definitions: Definitions

    @property
    def ids(self) -> dict[Address, str]:
        """The live id of every address that is live."""
        return self.pairing.ids

    def facts(self, address: Address) -> Facts | None:
        """What was read of one object, None where it is not live."""
        if address.kind == "user":
            user = self.pairing.users.get(address)
            return None if user is None else user_facts(user.resource, self.definitions)
        group = self.pairing.groups.get(address)
        if group is None:
            return None
        return group_facts(Group(group.resource.name, self.pairing.members(group)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to be in a group, and about whom that decides; all others stay as they are."""

    people: AbstractSet[str]
    decided: AbstractSet[str]


def make_plan(desired: DesiredState, live: LiveState, policy: Policy, **about: Any) -> Planned:
    """Compute the plan; ``about`` are further fields of the Plan (target, provider, url, created_at, ...).

    Raises Invalid where live objects are ambiguous or a stated member is
    nobody, and IncompleteRead where an attribute that is needed was not read.
    """
    if problems := list(_undefined(desired, live, policy)):
        raise Invalid(problems)
    everybody = live.users
    live = ours(live, policy)
    pairing = pair(desired, live)
    owner = next((user_key(u.resource.email) for u in everybody if u.id == live.caller.id), "")
    owner = owner or user_key(live.caller.email)
    going = {item.address: item.how for item in leaving(desired, pairing, policy, owner)}
    planner = _Planner(desired, live, policy, pairing, going)
    changes = in_order(planner.changes())
    census = planner.census(owner)
    said = notes(desired, pairing, policy, planner.waiting, census, going.keys())
    plan = Plan(changes=changes, census=census, notes=tuple(said), **about)
    return Planned(plan, pairing, live.definitions or {})


def _undefined(desired: DesiredState, live: LiveState, policy: Policy) -> Iterator[Problem]:
    """Exact attributes that the instance does not have: clearing one would do nothing, without a word."""
    if live.definitions is not None:
        for name in sorted(policy.exact_attributes - live.definitions.keys()):
            place = desired.locate(Address("user", ""), ())
            message = f"`exact_attributes` names `{name}`, which the system does not define"
            yield Problem(place, message, "correct the name, or define it there first")


@dataclass(slots=True)
class _Planner:
    desired: DesiredState
    live: LiveState
    policy: Policy
    pairing: Pairing
    going: Mapping[Address, Leaver]
    created: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)
    not_live: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    active: int = 0
    active_after: int = 0
    values: int = 0
    memberships: int = 0
    kept_members: int = 0
    members: dict[str, int] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)
    emptied: list[str] = field(default_factory=list)

    @property
    def definitions(self) -> Definitions:
        return self.live.definitions or {}

    def changes(self) -> list[Change]:
        """All changes; users first, since what becomes of a person decides about memberships."""
        users = list(self.with_ends(self.users()))
        groups = list(self.groups())
        if self.problems:
            raise Invalid(self.problems)
        out_of_a_group = {
            f.path[1] for g in groups if isinstance(g, Update) for f in g.fields if f.path[0] == "members"
        }
        return [
            change
            for change in users
            if not isinstance(change, Update) or change.fields or change.address.key in out_of_a_group
        ] + groups

    def with_ends(self, users: Iterable[Change]) -> Iterator[Change]:
        """The changes of users; a deletion with the groups that the person is in."""
        users = list(users)
        groups: dict[str, list[str]] = {key: [] for key in self.deleted}
        for live in self.pairing.groups.values() if self.deleted else ():
            for key in self.pairing.members(live) & self.deleted:
                groups[key].append(live.resource.name)
        for change in users:
            if isinstance(change, Delete):
                yield replace(change, ends=tuple(sorted(groups[change.address.key])))
            else:
                yield change

    def users(self) -> Iterator[Change]:
        for key in sorted(self.desired.users):
            address = Address("user", key)
            live = self.pairing.users.get(address)
            if live is not None:
                yield from self.update_user(address, self.desired.users[key], live)
            elif self.desired.users[key].active is False:
                self.not_live.add(key)
            elif "create" not in self.policy.manage:
                self.not_live.add(key)
                self.waiting.append(key)
            else:
                self.created.add(key)
                self.active_after += 1
                wanted: dict[Path, Value] = {("email",): key}
                wanted.update(self.wanted(self.desired.users[key]))
                fields = compare({}, wanted, self.definitions)
                yield Create(address, key, fields, self.desired.locate(address, ()))
        for address, how in self.going.items():
            if address.kind == "user":
                yield from self.remove_user(address, how, self.pairing.users[address])

    def wanted(self, user: User) -> Iterator[tuple[Path, Value]]:
        """The managed facts that a declared user states, and the exact attributes that it does not."""
        manage = self.policy.manage
        if "name" in manage and user.name is not None:
            yield ("name",), user.name
        if "active" in manage and user.active is not None:
            yield ("active",), user.active
        if "attributes" in manage:
            stated = user.attributes or {}
            for key in sorted(self.policy.exact_attributes.union(stated)):
                definition = self.definitions.get(key)
                value = stated.get(key)
                yield ("attributes", key), canonical(value, definition) if definition else canonical(value)

    def update_user(self, address: Address, user: User, live: Live[User]) -> Iterator[Update]:
        wanted = dict(self.wanted(user))
        fields = self.differences(address, live, wanted)
        was_active = live.resource.active is not False
        self.active += was_active
        self.active_after += wanted.get(("active",), was_active) is True
        if fields:
            removal: Removal | None = None
            if was_active and wanted.get(("active",)) is False:
                removal = "deactivate"
            place = self.desired.locate(address, ())
            yield Update(address, address.key, live.id, fields, place, removal)

    def differences(
        self, address: Address, live: Live[User], wanted: Mapping[Path, Value]
    ) -> tuple[FieldChange, ...]:
        facts = user_facts(live.resource, self.definitions)
        for path in wanted:
            if path not in facts:
                message = (
                    f"the attribute {path[1]} of {address} was not read, so nothing can be planned for it"
                )
                raise IncompleteRead(message)
        self.values += sum(facts[p] is not None for p in wanted if p[0] == "attributes")
        return compare(facts, wanted, self.definitions)

    def place(self, address: Address) -> Place:
        """Where an object is declared, or was before it left the files."""
        return self.desired.left.get(address) or self.desired.locate(address, ())

    def remove_user(self, address: Address, how: Leaver, live: Live[User]) -> Iterator[Change]:
        """End a person's access as the target's ``leavers`` say."""
        place = self.place(address)
        was_active = live.resource.active is not False
        self.active += was_active
        match how:
            case "delete":
                self.deleted.add(address.key)
                yield Delete(address, address.key, live.id, place)
            case "revoke":
                self.revoked.add(address.key)
                keys = sorted(managed_keys(self.desired, self.policy))
                fields = self.differences(address, live, {("attributes", key): None for key in keys})
                yield Update(address, address.key, live.id, fields, place, "revoke")
            case _ if was_active:
                fields = (FieldChange(("active",), live.resource.active, after=False),)
                yield Update(address, address.key, live.id, fields, place, "deactivate")

    def groups(self) -> Iterator[Change]:
        stated = self.stated_by_users()
        for key in sorted(self.desired.groups):
            group = self.desired.groups[key]
            address = Address("group", key)
            live = self.pairing.groups.get(address)
            place = self.desired.locate(address, ())
            if group.members is None:
                wanted = stated.get(key)
            else:
                wanted = Wanted(group.members, self.pairing.members(live) if live else frozenset())
            edges = tuple(self.edges(address, live, wanted))
            if live is None:
                yield Create(address, group.name, (FieldChange(("name",), None, group.name), *edges), place)
                continue
            old = live.resource.name
            renamed = () if group_key(old) == key else (FieldChange(("name",), old, group.name),)
            if fields := (*renamed, *edges):
                yield Update(address, group.name, live.id, fields, place)
        for address, live in self.pairing.groups.items():
            if address in self.pairing.surplus and address not in self.going:
                self.count_ended(address, live)
        for address in self.going:
            if address.kind == "group":
                live = self.pairing.groups[address]
                current = self.pairing.members(live)
                self.memberships += len(current)
                self.count_losses(address, len(current), len(current), emptied=False)
                yield Delete(
                    address, live.resource.name, live.id, self.place(address), tuple(sorted(current))
                )

    def stated_by_users(self) -> Mapping[str, Wanted]:
        """What the users state of each group ``from_users``; people who say nothing stay as they are."""
        named: dict[str, set[str]] = {key: set() for key in self.desired.from_users}
        decided = set(self.revoked)
        if "groups" in self.policy.manage:
            for person, user in self.desired.users.items():
                if user.groups is not None:
                    decided.add(person)
                    for key in user.groups:
                        named[key].add(person)
        return {key: Wanted(people, decided) for key, people in named.items()}

    def edges(
        self, address: Address, live: Live[Group] | None, wanted: Wanted | None
    ) -> Iterator[FieldChange]:
        """The memberships of one group that change, in order: those that begin, then those that end."""
        if wanted is None:
            if live:
                self.count_ended(address, live)
            return
        current = self.pairing.members(live) if live else frozenset()
        foreign = self.live.foreign.get(live.id, 0) if live else 0
        adds = self.present(address, sorted(wanted.people - current))
        gone = (current & wanted.decided) - wanted.people
        lost = gone | (current & self.deleted)
        self.memberships += len(current)
        self.kept_members += foreign
        if lost:
            self.count_losses(address, len(current), len(lost), emptied=not foreign and not adds)
        for key in adds:
            yield FieldChange(("members", key), None, after=True)
        # A deletion ends the memberships of that person by itself (Omni docs: delete user).
        for key in sorted(gone - self.deleted):
            yield FieldChange(("members", key), before=True, after=None)

    def present(self, address: Address, people: Iterable[str]) -> list[str]:
        """Those who have an account, or get one in this plan; an unknown one is a problem."""
        found = []
        for key in people:
            if key in self.created or Address("user", key) in self.pairing.users:
                found.append(key)
            elif key not in self.not_live:
                place = self.desired.locate(address, ("members", key))
                self.problems.append(
                    Problem(
                        place,
                        f"{key} is neither a live user nor declared in any file",
                        "declare the user, or remove the name",
                    )
                )
        return found

    def count_ended(self, address: Address, live: Live[Group]) -> None:
        """The memberships that end with their person in a group whose members are not ours."""
        current = self.pairing.members(live)
        if lost := current & self.deleted:
            self.memberships += len(current)
            self.count_losses(address, len(current), len(lost), emptied=live.id not in self.live.foreign)

    def count_losses(self, address: Address, members: int, losses: int, *, emptied: bool) -> None:
        """Note what a group loses; ``emptied`` says that nobody else is in it, or joins."""
        self.members[str(address)] = members
        self.losses[str(address)] = losses
        if emptied and losses == members:
            self.emptied.append(str(address))

    def census(self, owner: str) -> Census:
        """The numbers that guards and summaries divide by; what left the files was managed until now."""
        unlisted = self.pairing.surplus
        managed = self.pairing.live - (unlisted - self.desired.left.keys())
        return Census(
            users=sum(a.kind == "user" for a in managed),
            active_users=self.active,
            active_users_after=self.active_after,
            groups=sum(a.kind == "group" for a in managed),
            memberships=self.memberships,
            values=self.values,
            unlisted_users=sum(a.kind == "user" for a in unlisted - self.going.keys()),
            unlisted_groups=sum(a.kind == "group" for a in unlisted - self.going.keys()),
            kept_members=self.kept_members,
            members=self.members,
            losses=self.losses,
            emptied=tuple(self.emptied),
            caller=owner,
        )

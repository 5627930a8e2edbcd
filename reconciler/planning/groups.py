"""What becomes of each group, and of each membership: one edge at a time."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from reconciler.changes import Change, Create, Delete, FieldChange, Update
from reconciler.errors import Problem
from reconciler.model import Address, DesiredState, Group, Live, LiveState, group_key, looks_like
from reconciler.planning.match import Pairing
from reconciler.planning.scope import Leaver, Policy
from reconciler.planning.users import Users


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to be in a group, and about whom that decides; all others stay as they are."""

    people: AbstractSet[str]
    decided: AbstractSet[str]


@dataclass(slots=True)
class Groups:
    """The changes of groups, and what is learned on the way: ``changes`` is to be asked first, once.

    ``people`` says what becomes of them, which decides about memberships.
    ``problems`` are members whom nobody knows. ``members`` and ``losses`` count by
    group address, as the census has them.
    """

    desired: DesiredState
    live: LiveState
    policy: Policy
    pairing: Pairing
    going: Mapping[Address, Leaver]
    people: Users
    problems: list[Problem] = field(default_factory=list)
    memberships: int = 0
    kept_members: int = 0
    members: dict[str, int] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)
    emptied: list[str] = field(default_factory=list)
    deserted: list[str] = field(default_factory=list)

    def changes(self) -> Iterator[Change]:
        """All changes of groups, with their memberships."""
        stated = self._stated_by_users()
        for key in sorted(self.desired.groups):
            group = self.desired.groups[key]
            address = Address("group", key)
            live = self.pairing.groups.get(address)
            place = self.desired.locate(address, ())
            if group.members is None:
                wanted = stated.get(key)
            else:
                wanted = Wanted(group.members, self.pairing.members(live) if live else frozenset())
            edges = tuple(self._edges(address, live, wanted))
            if live is None:
                yield Create(address, group.name, (FieldChange(("name",), None, group.name), *edges), place)
                continue
            old = live.resource.name
            # The name in other capitals is the same group, and a correction; what looks alike is neither.
            renamed = () if looks_like(old, group.name) else (FieldChange(("name",), old, group.name),)
            if fields := (*renamed, *edges):
                yield Update(address, group.name, live.id, fields, place)
        for address, live in self.pairing.groups.items():
            if address in self.pairing.surplus and address not in self.going:
                self._count_ended(address, live)
        # What is ignored is not spared by a deletion, and must not hide it from the guards.
        ignored = {live.id: live for live in self.people.everywhere}
        whole = {live.id: ignored.pop(live.id) for live in self.live.groups}
        for live in ignored.values():
            self._count_ended(Address("group", group_key(live.resource.name)), live)
        for address in self.going:
            if address.kind == "group":
                live = self.pairing.groups[address]
                current = self.pairing.members(whole[live.id])
                self.memberships += len(current)
                self._count_losses(address, len(current), len(current))
                yield Delete(
                    address, live.resource.name, live.id, self.desired.place(address), tuple(sorted(current))
                )

    def _stated_by_users(self) -> Mapping[str, Wanted]:
        """What the users state of each group ``from_users``; people who say nothing stay as they are."""
        named: dict[str, set[str]] = {key: set() for key in self.desired.from_users}
        decided = set(self.people.revoked)
        if "groups" in self.policy.manage:
            for person, user in self.desired.users.items():
                if user.groups is not None:
                    decided.add(person)
                    for key in user.groups:
                        named[key].add(person)
        return {key: Wanted(people, decided) for key, people in named.items()}

    def _edges(
        self, address: Address, live: Live[Group] | None, wanted: Wanted | None
    ) -> Iterator[FieldChange]:
        """The memberships of one group that change, in order: those that begin, then those that end."""
        if wanted is None:
            if live:
                self._count_ended(address, live)
            return
        current = self.pairing.members(live) if live else frozenset()
        foreign = self.live.foreign.get(live.id, 0) if live else 0
        adds = self._present(address, sorted(wanted.people - current))
        gone = (current & wanted.decided) - wanted.people
        lost = gone | (current & self.people.deleted)
        self.memberships += len(current)
        self.kept_members += foreign
        if lost:
            self._count_losses(address, len(current), len(lost))
            self._count_emptied(address, people=len(current - lost), others=foreign)
        for key in adds:
            yield FieldChange(("members", key), None, after=True)
        # A deletion ends the memberships of that person by itself (Omni docs: delete user).
        for key in sorted(gone - self.people.deleted):
            yield FieldChange(("members", key), before=True, after=None)

    def _present(self, address: Address, people: Iterable[str]) -> list[str]:
        """Those who have an account, or get one in this plan; an unknown one is a problem."""
        found = []
        for key in people:
            if key in self.people.created or Address("user", key) in self.pairing.users:
                found.append(key)
            elif key not in self.people.not_live:
                place = self.desired.locate(address, ("members", key))
                self.problems.append(
                    Problem(
                        place,
                        f"{key} is neither a live user nor declared in any file",
                        "declare the user, or remove the name",
                    )
                )
        return found

    def _count_ended(self, address: Address, live: Live[Group]) -> None:
        """The memberships that end with their person in a group whose members are not ours."""
        everybody = self.pairing.members(live)
        if lost := everybody & self.people.deleted:
            # An ignored group comes as it is, with its ignored members.
            current = {key for key in everybody if Address("user", key) in self.pairing.users}
            others = self.live.foreign.get(live.id, 0) + len(everybody) - len(current)
            self.memberships += len(current)
            self._count_losses(address, len(current), len(lost))
            self._count_emptied(address, people=len(current - lost), others=others)

    def _count_losses(self, address: Address, members: int, losses: int) -> None:
        self.members[str(address)] = members
        self.losses[str(address)] = losses

    def _count_emptied(self, address: Address, *, people: int, others: int) -> None:
        """Note a group that loses all its people; ``others`` are in it whom the user list does not have."""
        if not people:
            self.deserted.append(str(address))
            if not others:
                self.emptied.append(str(address))

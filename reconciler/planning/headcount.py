"""Who is in each group, and who is active, while a plan is applied: what its guards counted on.

The guards judge a plan as if all of it came true. So before something is taken
away it is asked once more, with what took place so far: an addition that
failed, was skipped or is not settled adds nobody, and who was seen to have left
is not there. A removal is held back where it would leave

* a group without anybody, unless the approved plan itself empties it;
* a protected group without people;
* nobody active of those that the files manage, unless the approved plan does so.

As many are held back as it takes, and no more. What may go counts as gone from
then on, whatever becomes of its request.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Self

from reconciler.changes import Atom, Change, Delete, Update, atoms
from reconciler.model import Address, group_address, user_address
from reconciler.plan import Plan
from reconciler.planning.plan import Planned
from reconciler.planning.scope import Policy

_NOBODY = "nobody active would be left of those that the files manage"


@dataclass(slots=True)
class Headcount:
    """The people who count, as an apply goes on; a group that is not known here may lose anybody.

    ``members`` are the people of each group, ``ignored`` ones among them; ``others`` counts the members
    whom the user list does not know. ``active`` are the people whom the files manage and who are active.
    ``drained`` are the groups that the approved plan empties; ``deserted``: it leaves nobody active.
    """

    members: dict[Address, set[Address]] = field(default_factory=dict)
    others: Mapping[Address, int] = field(default_factory=dict)
    ignored: AbstractSet[Address] = frozenset()
    protected: AbstractSet[Address] = frozenset()
    drained: AbstractSet[Address] = frozenset()
    active: set[Address] = field(default_factory=set)
    deserted: bool = True
    _why: dict[Address, str] = field(default_factory=dict)
    _why_inactive: str = ""
    _unseen: str = ""

    @classmethod
    def of(cls, approved: Plan, fresh: Planned, policy: Policy) -> Self:
        """What a fresh read shows, and what the approved plan says that it empties."""
        known = {live_id: address for address, live_id in fresh.ids.items()}
        groups = {known.get(g.id, group_address(g.resource.name)): g for g in fresh.everything.groups}
        everybody = [user_address(user.resource.email) for user in fresh.everything.users]
        unmanaged = fresh.pairing.surplus - {change.address for change in fresh.plan.changes}
        census = approved.intended.census
        return cls(
            members={a: {Address("user", k) for k in fresh.pairing.members(g)} for a, g in groups.items()},
            others={a: fresh.everything.foreign.get(g.id, 0) for a, g in groups.items()},
            ignored={person for person in everybody if policy.ignores(person)},
            protected={
                a
                for a, g in groups.items()
                if any(map(policy.protects, (*census.names(a), group_address(g.resource.name))))
            },
            drained={a for a in groups if str(a) in census.emptied},
            active={
                a
                for a, user in fresh.pairing.users.items()
                if a not in unmanaged and user.resource.active is not False
            },
            deserted=not census.active_users_after,
        )

    def reliances(self, changes: Sequence[Change], known: AbstractSet[Address]) -> Iterator[list[Atom]]:
        """What must be true before these changes take anything away, in the parts to be looked at.

        Only what is ``known`` by its id can be looked at. One person who stays active is enough: the
        others are asked for where that one was ``missed``.
        """
        losing: dict[Address, set[Address]] = {}
        leaving: set[Address] = set()
        for change in changes:
            for atom in atoms(change):
                person, groups = self._takes(change, atom)
                for group in groups:
                    losing.setdefault(group, set()).add(person)
                if _ends_access(change, atom):
                    leaving.add(change.address)
        edges = [
            Atom(group, None, ("members", person.key), None, after=True)
            for group, people in losing.items()
            if group in known and not self._may_end_empty(group)
            for person in sorted(known & self.members[group] - people)
        ]
        if edges:
            yield edges
        staying = sorted(known & self.active - leaving)
        for some in (staying[:1], staying[1:]) if not self.deserted and leaving & self.active else ():
            if some:
                yield [Atom(person, None, ("active",), None, after=True) for person in some]
            if self.active.intersection(some):
                return

    def gained(self, atom: Atom) -> None:
        """Count what an atom gave."""
        if atom.member and atom.after:
            self.members.get(atom.address, set()).add(atom.member)
        elif _gives_access(atom):
            self.active.add(atom.address)

    def missed(self, atom: Atom, why: str) -> None:
        """Count on an atom no more, since it failed, or does not hold any more."""
        if atom.member and atom.after:
            self.members.get(atom.address, set()).discard(atom.member)
            self._why.setdefault(atom.address, f"{atom.member} {why}")
        elif _gives_access(atom):
            self.active.discard(atom.address)
            self._why_inactive = self._why_inactive or f"{atom.address} {why}"

    def unseen(self, why: str) -> None:
        """Let nothing go that relies on something, since nobody can see whether that holds; "" ends it."""
        self._unseen = why

    def take(self, change: Change, atom: Atom) -> str:
        """Why the atom may not take away what it would, or "" and it counts as taken."""
        person, groups = self._takes(change, atom)
        for group in groups:
            if objection := self._objection(group, person):
                return objection
        if _ends_access(change, atom) and change.address in self.active:
            if not self.deserted and (self._unseen or len(self.active) == 1):
                return f"{_NOBODY}: {self._unseen or self._why_inactive or 'somebody has left since'}"
            self.active.discard(change.address)
        for group in groups:
            self.members[group].discard(person)
        return ""

    def _takes(self, change: Change, atom: Atom) -> tuple[Address, list[Address]]:
        """Whose memberships end with an atom, and in which groups; a group that is deleted loses nobody."""
        if atom.member and not atom.after:
            return atom.member, [atom.address] if atom.member in self.members.get(atom.address, ()) else []
        if isinstance(change, Delete) and change.address.kind == "user":
            person = change.address
            return person, [group for group, people in self.members.items() if person in people]
        return change.address, []

    def _objection(self, group: Address, person: Address) -> str:
        left = self.members[group] - {person}
        why = self._unseen or self._why.get(group, "somebody has left it since")
        if group in self.protected and (self._unseen or left <= self.ignored):
            return f"{group} is protected, and would be left without people: {why}"
        if not self._may_end_empty(group) and (self._unseen or not left):
            return f"{group} would be left without anybody: {why}"
        return ""

    def _may_end_empty(self, group: Address) -> bool:
        approved = group in self.drained or self.others.get(group, 0) > 0
        return approved and group not in self.protected


def _gives_access(atom: Atom) -> bool:
    return (atom.path == ("active",) and bool(atom.after)) or (atom.path == ("email",) and atom.id is None)


def _ends_access(change: Change, atom: Atom) -> bool:
    match change:
        case Delete():
            return change.address.kind == "user"
        case Update(removal="deactivate"):
            return atom.path == ("active",)
        case _:
            return isinstance(change, Update) and change.removal is not None

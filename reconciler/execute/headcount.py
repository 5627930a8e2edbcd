"""Who is in each group, and who is active, while a plan is applied: what its guards counted on.

The guards judge a plan as if all of it came true. So each removal is checked once
more before it is sent, with what has taken place by then: an addition that failed,
was skipped or is not settled adds nobody, and a person who was seen to have left a
group is not in it. A removal is held back where it would leave

* a group without anybody, unless the approved plan itself empties it, or deletes it;
* a protected group without people;
* nobody active of those that the files manage, unless the approved plan does so.

No more are held back than that takes. A removal that is let through counts as done
from then on, whatever becomes of its request.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Self

from reconciler.changes import Atom, Change, Delete, atoms, ends_access_by, is_removal
from reconciler.model import ACTIVE, NAMED_BY, Address, group_address, user_address
from reconciler.plan import Plan
from reconciler.planning.plan import Planned
from reconciler.planning.scope import Policy

_NOBODY = "nobody active would be left of those that the files manage"


@dataclass(slots=True)
class Headcount:
    """Who is in each group and who is active, as an apply goes on. Any other group may lose anybody.

    ``members`` are the people of each group, ``ignored`` ones among them; ``others`` counts the members
    whom the user list does not know. ``active`` are the people whom the files manage and who are active,
    without those of whom the system has taken already that they are to go.
    ``emptied`` are the groups that the approved plan empties, or deletes after their people;
    ``ends_everybody`` says that it leaves nobody active.
    """

    members: dict[Address, set[Address]] = field(default_factory=dict)
    others: Mapping[Address, int] = field(default_factory=dict)
    ignored: AbstractSet[Address] = frozenset()
    protected: AbstractSet[Address] = frozenset()
    emptied: AbstractSet[Address] = frozenset()
    active: set[Address] = field(default_factory=set)
    ends_everybody: bool = True
    _why: dict[Address, str] = field(default_factory=dict)
    _why_inactive: str = ""
    _unseen: str = ""

    @classmethod
    def of(cls, approved: Plan, fresh: Planned, policy: Policy) -> Self:
        """Count by a fresh read, and by what the approved plan says that it empties."""
        known = {live_id: address for address, live_id in fresh.ids.items()}
        groups = {known.get(g.id, group_address(g.resource.name)): g for g in fresh.everything.groups}
        everybody = [user_address(user.resource.email) for user in fresh.everything.users]
        unmanaged = fresh.pairing.unlisted - {change.address for change in fresh.plan.changes}
        census, deleted = approved.intended.census, _deleted(approved.intended)
        ending = {
            one.of
            for one in fresh.everything.under_way
            if one.path == () or (one.path == ACTIVE and not one.value)
        }
        return cls(
            members={a: {Address("user", k) for k in fresh.pairing.members(g)} for a, g in groups.items()},
            others={a: fresh.everything.foreign.get(g.id, 0) for a, g in groups.items()},
            ignored={person for person in everybody if policy.ignore.match(person)},
            protected={
                a
                for a, g in groups.items()
                if any(map(policy.protect.match, (*census.names(a), group_address(g.resource.name))))
            },
            emptied={a for a in groups if str(a) in census.emptied} | (deleted & _deleted(fresh.plan)),
            active={
                a
                for a, user in fresh.pairing.users.items()
                if a not in unmanaged and user.resource.active is not False and user.id not in ending
            },
            ends_everybody=not census.active_users_after,
        )

    def relied_on(
        self, changes: Sequence[Change], known: AbstractSet[Address], *, closely: bool = False
    ) -> tuple[list[Atom], list[Atom]]:
        """What must hold before these changes take anything away, and what must not hold yet.

        Those who stay must be there. Where nobody stays, some of those who are to go will be held back,
        so they must not be gone. Of the people who stay active one is enough, unless somebody was
        missed: then ``closely`` asks for all. Only objects whose id is ``known`` can be read.
        """
        losing, ending = self._losses(changes)
        stay: list[Atom] = []
        go: list[Atom] = []
        for group, leaving in losing.items():
            if group in known and not self._may_end_empty(group):
                staying = self.members[group] - leaving
                people = sorted(known & (staying or leaving))
                edges = [Atom(group, None, ("members", person.key), None, after=True) for person in people]
                (stay if staying else go).extend(edges if staying else map(undone, edges))
        if not self.ends_everybody and ending & self.active:
            staying = self.active - ending
            people = sorted(known & (staying or ending))
            active = [Atom(person, None, ACTIVE, None, after=True) for person in people]
            (stay if staying else go).extend(
                (active if closely else active[:1]) if staying else map(undone, active)
            )
        return stay, go

    def _losses(self, changes: Sequence[Change]) -> tuple[dict[Address, set[Address]], set[Address]]:
        """Who leaves each group by these changes, and whose access ends."""
        losing: dict[Address, set[Address]] = {}
        ending: set[Address] = set()
        for change in changes:
            for atom in atoms(change):
                person, groups = self._takes(change, atom)
                for group in groups:
                    losing.setdefault(group, set()).add(person)
                if ends_access_by(change, atom):
                    ending.add(change.address)
        return losing, ending

    def gained(self, atom: Atom) -> None:
        """Count what an atom gave."""
        if atom.member and atom.after:
            self.members.get(atom.address, set()).add(atom.member)
        elif _gives_access(atom):
            self.active.add(atom.address)

    def missed(self, atom: Atom, why: str) -> None:
        """Do not count on an atom any more: it failed, or no longer holds."""
        if atom.member and atom.after:
            self.members.get(atom.address, set()).discard(atom.member)
            self._why.setdefault(atom.address, f"{atom.member} {why}")
        elif _gives_access(atom):
            self.active.discard(atom.address)
            self._why_inactive = self._why_inactive or f"{atom.address} {why}"

    def unseen(self, why: str) -> None:
        """Hold back what relies on something, since that cannot be read; an empty ``why`` ends this."""
        self._unseen = why

    def take(self, change: Change, atom: Atom) -> str:
        """Why the atom must be held back; empty where it may be sent, and it counts as done then."""
        person, groups = self._takes(change, atom)
        for group in groups:
            if objection := self._objection(group, person):
                return objection
        if ends_access_by(change, atom) and change.address in self.active:
            if not self.ends_everybody and (self._unseen or len(self.active) == 1):
                return f"{_NOBODY}: {self._unseen or self._why_inactive or 'somebody has left since'}"
            self.active.discard(change.address)
        for group in groups:
            self.members[group].discard(person)
        return ""

    def _takes(self, change: Change, atom: Atom) -> tuple[Address, list[Address]]:
        """Whose memberships end with an atom, and in which groups. A group that is deleted loses nobody."""
        if atom.member and not atom.after:
            return atom.member, [atom.address] if atom.member in self.members.get(atom.address, ()) else []
        if isinstance(change, Delete) and change.address.kind == "user":
            person = change.address
            return person, [group for group, people in self.members.items() if person in people]
        return change.address, []

    def _objection(self, group: Address, person: Address) -> str:
        remaining = self.members[group] - {person}
        why = self._unseen or self._why.get(group, "somebody has left it since")
        if group in self.protected and (self._unseen or remaining <= self.ignored):
            return f"{group} is protected, and would be left without people: {why}"
        if not self._may_end_empty(group) and (self._unseen or not remaining):
            return f"{group} would be left without anybody: {why}"
        return ""

    def _may_end_empty(self, group: Address) -> bool:
        approved = group in self.emptied or self.others.get(group, 0) > 0
        return approved and group not in self.protected


def _deleted(plan: Plan) -> AbstractSet[Address]:
    return {c.address for c in plan.changes if isinstance(c, Delete) and c.address.kind == "group"}


def _gives_access(atom: Atom) -> bool:
    is_created = atom.path == NAMED_BY["user"] and atom.id is None
    return is_created or (atom.path == ACTIVE and not is_removal(atom))


def undone(atom: Atom) -> Atom:
    """The atom that takes away what this one gives, or gives what this one takes away."""
    if atom.after:
        return replace(atom, before=True, after=None if atom.member else False)
    return replace(atom, before=None, after=True)

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

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from reconciler.changes import Change, Update
from reconciler.errors import Invalid, Problem
from reconciler.model import (
    Address,
    DesiredState,
    Group,
    LiveState,
    user_key,
)
from reconciler.operations import in_order
from reconciler.plan import Census, Plan
from reconciler.planning.diff import (
    Definitions,
    Facts,
    group_facts,
    user_facts,
)
from reconciler.planning.groups import Groups
from reconciler.planning.leavers import leaving
from reconciler.planning.match import Pairing, pair
from reconciler.planning.notes import notes, unmatched
from reconciler.planning.scope import Policy, ours
from reconciler.planning.users import Users


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan together with the read that it was made from.

    ``ids`` holds the live id of every address; ``facts`` looks at one object.
    ``everything`` is all that was read, what is ignored included.
    """

    plan: Plan
    pairing: Pairing
    definitions: Definitions
    everything: LiveState

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


def make_plan(desired: DesiredState, live: LiveState, policy: Policy, **about: Any) -> Planned:
    """Compute the plan; ``about`` are further fields of the Plan (target, provider, url, created_at, ...).

    Raises Invalid where live objects are ambiguous or a stated member is
    nobody, and IncompleteRead where an attribute that is needed was not read.
    """
    if problems := list(_undefined(desired, live, policy)):
        raise Invalid(problems)
    everything = live
    live = ours(live, policy)
    pairing = pair(desired, live)
    owners = _owners(everything)
    going = {item.address: item.how for item in leaving(desired, pairing, policy, owners)}
    users = Users(desired, policy, pairing, going, live.definitions or {}, everything.groups)
    groups = Groups(desired, live, policy, pairing, going, users)
    changes = in_order(_changes(users, groups))
    census = replace(_census(desired, users, groups), live_users=len(everything.users), callers=owners)
    said = [
        *notes(desired, pairing, policy, users.waiting, census, going.keys(), changes, everything.groups),
        *unmatched(policy, everything, census),
    ]
    plan = Plan(changes=changes, census=census, notes=tuple(said), **about)
    return Planned(plan, pairing, live.definitions or {}, everything)


def _owners(everything: LiveState) -> tuple[str, ...]:
    """The users whom the keys belong to, each once, by key; an empty text where one is not known."""
    by_id = {user.id: user.resource.email for user in everything.users}
    return tuple(sorted({user_key(by_id.get(one.id) or one.email) for one in everything.callers}))


def _undefined(desired: DesiredState, live: LiveState, policy: Policy) -> Iterator[Problem]:
    """Exact attributes that the system lacks or sets itself: to clear one does nothing, without a word."""
    if live.definitions is not None:
        place = desired.locate(Address("user", ""), ())
        for name in sorted(policy.exact_attributes):
            found = live.definitions.get(name)
            if found is None:
                message = f"`exact_attributes` names `{name}`, which the system does not define"
                yield Problem(place, message, "correct the name, or define it there first")
            elif found.system:
                message = f"`exact_attributes` names `{name}`, which the system sets itself"
                yield Problem(place, message, "remove it there")


def _changes(users: Users, groups: Groups) -> list[Change]:
    """All changes; users first, since what becomes of a person decides about memberships."""
    of_users = users.changes()
    of_groups = list(groups.changes())
    if groups.problems:
        raise Invalid(groups.problems)
    out_of_a_group = {
        f.path[1] for g in of_groups if isinstance(g, Update) for f in g.fields if f.path[0] == "members"
    }
    return [
        change
        for change in of_users
        if not isinstance(change, Update) or change.fields or change.address.key in out_of_a_group
    ] + of_groups


def _census(desired: DesiredState, users: Users, groups: Groups) -> Census:
    """The numbers that guards and summaries divide by; what left the files was managed until now."""
    pairing, going = users.pairing, users.going.keys()
    unlisted = pairing.surplus
    managed = pairing.live - (unlisted - desired.left.keys())
    return Census(
        users=sum(a.kind == "user" for a in managed),
        active_users=users.active,
        active_users_after=users.active_after,
        groups=sum(a.kind == "group" for a in managed),
        memberships=groups.memberships,
        values=users.values,
        unlisted_users=sum(a.kind == "user" for a in unlisted - going),
        unlisted_groups=sum(a.kind == "group" for a in unlisted - going),
        kept_members=groups.kept_members,
        members=groups.members,
        losses=groups.losses,
        emptied=tuple(groups.emptied),
        deserted=tuple(groups.deserted),
        ending=tuple(users.ending),
        aliases=pairing.aliases(desired),
    )

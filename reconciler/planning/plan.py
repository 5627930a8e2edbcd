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
from dataclasses import dataclass, replace
from typing import Any

from reconciler.changes import Atom, Change, Update, naming
from reconciler.model import Address, DesiredState, Group, LiveState, address_of
from reconciler.operations import in_order
from reconciler.plan import Census, Plan, Scope
from reconciler.planning.diff import Definitions, Facts, group_facts, user_facts
from reconciler.planning.groups import PlannedGroups, plan_groups
from reconciler.planning.inputs import Inputs, gather
from reconciler.planning.match import Pairing
from reconciler.planning.notes import notes
from reconciler.planning.part import Cut, cut_to
from reconciler.planning.scope import Policy
from reconciler.planning.selection import EVERYTHING, Selection
from reconciler.planning.unseen import Sent
from reconciler.planning.users import PlannedUsers, plan_users


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan together with the read that it was made from.

    ``ids`` holds the live id of every address; ``facts`` looks at one object.
    ``everything`` is all that was read, what is ignored included. ``desired`` and ``sent`` say what was
    sent of what cannot be seen. ``left_out`` is what the whole plan has and this part of it has not, and
    ``waiting`` what of that was asked for. ``awaited`` are declared people whose account others make, and
    have not made. ``uncovered`` says why a plan of what the files changed is not
    about all that they changed since they were last applied.
    """

    plan: Plan
    pairing: Pairing
    definitions: Definitions
    everything: LiveState
    desired: DesiredState
    sent: Sent
    left_out: tuple[Atom, ...] = ()
    waiting: tuple[Atom, ...] = ()
    awaited: tuple[Address, ...] = ()
    uncovered: str = ""

    @property
    def ids(self) -> dict[Address, str]:
        """The live id of every address that is live."""
        return self.pairing.ids

    @property
    def ignored(self) -> dict[Address, str]:
        """The live id of everybody and everything that this target ignores; others may refer to them."""
        known = frozenset(self.ids.values())
        return {address_of(o.resource): o.id for o in self.everything.objects if o.id not in known}

    @property
    def known(self) -> dict[Address, str]:
        """The live id of everybody and everything that a change may name, what is ignored included."""
        return {**self.ignored, **self.ids}

    def facts(self, address: Address) -> Facts | None:
        """What is known of one object, None where it is not live: what was read, or else what was sent."""
        if address.kind == "user":
            user = self.pairing.users.get(address)
            if user is None:
                return None
            unseen = self.sent.facts(address, self.desired.keys_of(address), self.definitions)
            return {**user_facts(user.resource, self.definitions), **unseen}
        group = self.pairing.groups.get(address)
        if group is None:
            return None
        return group_facts(Group(group.resource.name, self.pairing.members(group)))


def make_plan(
    desired: DesiredState,
    live: LiveState,
    policy: Policy,
    *,
    system: str = "the system",
    sent: Sent = Sent(),  # noqa: B008 (frozen)
    scope: tuple[Scope, ...] = (),
    selection: Selection = EVERYTHING,
    **about: Any,
) -> Planned:
    """Compute the plan; ``about`` are further fields of the Plan (target, provider, url, created_at, ...).

    ``system`` is what people call the system, for messages. ``sent`` is what is known of what no
    answer shows. A ``scope`` names the parts of the plan to make and a ``selection`` the people and groups
    that it is about, without either it is whole.

    Raises Invalid where live objects are ambiguous, a stated member is nobody, or a part would leave
    somebody where the whole would not; and IncompleteRead where an attribute that is needed was not read.
    """
    inputs = gather(desired, live, policy, system, sent)
    users = plan_users(inputs)
    groups = plan_groups(inputs, users)
    changes = in_order([*_without_empty_revocations(users, groups), *groups.changes])
    census = _census(inputs, users, groups, {change.address for change in changes})
    plan = Plan(changes=changes, census=census, scope=scope, only=selection.texts, **about)
    cut = cut_to(plan, selection, inputs, users.revoked) if scope or selection else Cut(plan)
    plan = cut.plan
    told = (*notes(inputs, users, plan.changes, census), *groups.notes, *cut.notes)
    awaited = tuple(Address("user", key) for key in users.waiting)
    made = Planned(
        plan, inputs.pairing, inputs.definitions, live, desired, sent, cut.left, cut.waiting, awaited
    )
    meant = _meant(plan.changes, made.known)
    shown = meant.keys() | {str(change.address) for change in plan.changes}
    called = {str(a): login for a, login in sorted(inputs.pairing.moved.items()) if str(a) in shown}
    return replace(made, plan=replace(plan, notes=told, meant=meant, called=called))


def _meant(changes: Iterable[Change], known: Mapping[Address, str]) -> dict[str, str]:
    """The live id of everybody and everything that the changes name beside what they change."""
    named = {name for change in changes for _, names in naming(change) for name in names}
    return {str(name): known[name] for name in sorted(named & known.keys())}


def _without_empty_revocations(users: PlannedUsers, groups: PlannedGroups) -> Iterator[Change]:
    """The changes of users; a person who is revoked and loses neither a value nor a membership has none."""
    losing = {
        field.path[1]
        for change in groups.changes
        if isinstance(change, Update)
        for field in change.fields
        if field.path[0] == "members"
    }
    for change in users.changes:
        if not isinstance(change, Update) or change.fields or change.address.key in losing:
            yield change


def _census(
    inputs: Inputs, users: PlannedUsers, groups: PlannedGroups, changed: AbstractSet[Address]
) -> Census:
    """The numbers that guards and summaries divide by; what left the files was managed until now."""
    pairing, unlisted = inputs.pairing, inputs.pairing.unlisted
    managed = pairing.live - (unlisted - inputs.desired.departed.keys())
    # Of a part nobody knows how much else there is.
    kept = unlisted - inputs.going.keys() if inputs.everything.asked is None else frozenset()
    # Nobody manages a person who is in no file, is to go, and has nothing left to lose.
    ended = (unlisted & inputs.going.keys()) - changed
    ending = tuple(key for key in users.ending if Address("user", key) not in ended)
    return Census(
        users=sum(a.kind == "user" for a in managed),
        active_users=users.active - (len(users.ending) - len(ending)),
        active_users_after=users.active_after,
        groups=sum(a.kind == "group" for a in managed),
        memberships=groups.memberships,
        values=users.values,
        live_users=len(inputs.everything.users),
        unlisted_users=sum(a.kind == "user" for a in kept),
        unlisted_groups=sum(a.kind == "group" for a in kept),
        kept_members=groups.kept_members,
        members=groups.members,
        losses=groups.losses,
        emptied=groups.emptied,
        deserted=groups.deserted,
        ending=ending,
        aliases=pairing.aliases(inputs.desired),
        callers=inputs.callers,
    )

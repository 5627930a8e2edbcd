"""What a reader of a plan should know beside its changes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from difflib import get_close_matches

from reconciler.changes import Change, Delete, Update, atoms
from reconciler.model import ACTIVE, KINDS, Address, DesiredState, group_key, looks_like, user_key
from reconciler.plan import Census, Note
from reconciler.planning import references, unseen
from reconciler.planning.diff import taken
from reconciler.planning.inputs import Inputs
from reconciler.planning.leavers import lists_people
from reconciler.planning.lists import notes_on_lists
from reconciler.planning.match import Pairing
from reconciler.planning.scope import Policy, is_matched, states_members, unmanaged_fields
from reconciler.planning.users import PlannedUsers
from reconciler.values import TEXT, alike, canonical


def notes(inputs: Inputs, users: PlannedUsers, changes: Sequence[Change], census: Census) -> Iterator[Note]:
    """What a reader of a plan with these changes should know beside them."""
    desired, pairing, policy = inputs.desired, inputs.pairing, inputs.policy
    yield from _about_names(inputs)
    yield from _about_known(inputs)
    yield from _reactivated(inputs, changes)
    yield from notes_on_lists(desired, pairing, inputs.definitions)
    yield from _about_tombstones(desired, pairing, policy)
    yield from _about_left(desired, pairing, policy, inputs.going.keys())
    if policy.never_listed != "keep" and not lists_people(desired, policy) and census.unlisted_users:
        why = "the files declare no user" if policy.manage else "this target manages nothing of users"
        message = f"`never_listed` holds for nobody, since {why}: all of them are kept"
        yield Note("never_listed", message, warning=True)
    # Where any update lets somebody in, whoever comes back to a list is not reached by it.
    yield from _inactive(desired, pairing, policy, warning=inputs.habits.updates_reactivate)
    yield from _held(inputs, users)
    for name, number in unmanaged_fields(desired, policy).items():
        stating = "1 user states" if number == 1 else f"{number} users state"
        yield Note("unmanaged", f"{stating} `{name}`, which this target does not manage: left alone")
    yield from _about_groups(inputs, users)
    if waiting := users.waiting:
        what = f"{len(waiting)} declared but not live yet, waiting for the first sign-in"
        yield Note("waiting", f"{what}: {', '.join(_with_nearest(waiting, pairing))}")
    if "attributes" in policy.manage:
        yield from references.notes(desired, inputs.accountless, inputs.definitions)
        yield from unseen.notes(desired, pairing.users, inputs.sent, inputs.definitions, changes)
        yield from unseen.waiting(desired, waiting, inputs.definitions)
    if "" in inputs.callers:
        whose = "whose key this is" if len(inputs.callers) == 1 else "whose each of the keys is"
        message = f"the system does not say {whose}: name its owner under `protect.users`"
        yield Note("caller", message)
    for remark in inputs.everything.remarks:
        yield Note("kept", remark)
    yield from _under_way(inputs, changes)
    if inputs.everything.asked is None:
        yield from _unmatched(inputs, census)


def _with_nearest(waiting: Sequence[str], pairing: Pairing) -> Iterator[str]:
    """Each login that nobody live has; the first few with the nearest live one that is in no file."""
    others = sorted(address.key for address in pairing.unlisted if address.kind == "user")
    for number, key in enumerate(waiting):
        near = get_close_matches(key, others, 1, _ALIKE) if number < _MOST_COMPARED else ()
        yield f"{key} (nearest live: {near[0]})" if near else key


_ALIKE = 0.8
_MOST_COMPARED = 5
"""Logins that are compared with everybody who is in no file."""


def _under_way(inputs: Inputs, changes: Sequence[Change]) -> Iterator[Note]:
    """What an apply of this plan does not send, since the system has it already."""
    every = (atom for change in changes for atom in atoms(change))
    if found := taken(every, inputs.everything.under_way, inputs.definitions):
        what = "1 detail is" if len(found) == 1 else f"{len(found)} details are"
        where = _listed(dict.fromkeys(atom.address for atom in found))
        message = f"{what} under way in {inputs.system} already, and not sent again: {where}"
        yield Note("pending", message)


def _about_names(inputs: Inputs) -> Iterator[Note]:
    """What `previously` did, or has no more to do."""
    desired, pairing = inputs.desired, inputs.pairing
    for address in pairing.settled:
        message = f"{address} has its new name: `previously` has done its work and can be removed"
        yield Note("renamed", message, desired.locate(address, ("previously",)), warning=True)
    for address in sorted(pairing.moved.keys() - pairing.known_by.keys() if not inputs.logins_follow else ()):
        why = f"an e-mail address cannot be changed in {inputs.system}"
        if inputs.everything.logins_change:
            why = "it keeps that login, since this target does not manage `create`"
        message = f"{address} is matched by its account {pairing.moved[address]}: {why}"
        place = desired.departed.get(address) or desired.locate(address, ("previously",))
        yield Note("email", message, place, warning=True)


def _about_known(inputs: Inputs) -> Iterator[Note]:
    """Who is matched by an attribute and keeps the login, and which values tell nobody from somebody else."""
    pairing = inputs.pairing
    if (found := sorted(pairing.known_by)) and not inputs.logins_follow:
        number = "1 person keeps the login" if len(found) == 1 else f"{len(found)} people keep the login"
        why = f"which cannot be changed in {inputs.system}"
        if inputs.everything.logins_change:
            why = "since this target does not manage `create`"
        names = ", ".join(
            f"{each} (live {pairing.moved[each]}, by `{pairing.known_by[each]}`)" for each in found
        )
        place = inputs.desired.place(found[0])
        yield Note("login", f"{number} that they have, {why}: {names}", place)
    for name in inputs.policy.match:
        if other := list(_known_as_another(inputs, name)):
            message = f"matched by the login, and known by another `{name}` there: {', '.join(other)}"
            yield Note("match", message, warning=True)
    for message in inputs.shared:
        yield Note("match", message, warning=True)


def _known_as_another(inputs: Inputs, name: str) -> Iterator[str]:
    """The people whose login is live with another value of an attribute: somebody else had it, maybe."""
    definition = inputs.definitions.get(name, TEXT)
    for key, user in sorted(inputs.desired.users.items()):
        live = inputs.pairing.users.get(Address("user", key))
        stated = canonical((user.attributes or {}).get(name), definition)
        there = canonical((live.resource.attributes or {}).get(name), definition) if live else None
        if None not in (stated, there) and not alike(stated, there, definition):
            yield f"user/{key} ({there}, not {stated})"


def _about_tombstones(desired: DesiredState, pairing: Pairing, policy: Policy) -> Iterator[Note]:
    found = sorted(a for a in desired.absent if a in pairing.users)
    comes_to = policy.effective(policy.tombstone)
    if found and comes_to != policy.tombstone:
        names = ", ".join(a.key for a in found)
        instead = "left alone" if comes_to == "keep" else "revoked, and still active"
        message = f"tombstones deactivate, but this target does not manage `active`: {instead}: {names}"
        yield Note("unmanaged", message, warning=True)
    if nobody := sorted(desired.absent - pairing.live):
        what = "1 tombstone matches" if len(nobody) == 1 else f"{len(nobody)} tombstones match"
        message = f"{what} nothing that is live (gone already, or misspelt): {_listed(nobody)}"
        yield Note("tombstone", message, desired.locate(nobody[0], ()))


def _about_groups(inputs: Inputs, users: PlannedUsers) -> Iterator[Note]:
    """What the files say of groups and this target leaves to others."""
    desired, policy, live = inputs.desired, inputs.policy, inputs.pairing.groups
    absent = [a for a in sorted(desired.absent) if a.kind == "group" and a in live]
    if absent and "create" not in policy.manage_groups:
        message = f"this target makes and deletes no groups: kept in spite of a tombstone: {_listed(absent)}"
        yield Note("unmanaged", message, desired.locate(absent[0], ()), warning=True)
    declared = {Address("group", key): group for key, group in sorted(desired.groups.items())}
    waiting = [str(a) for a in declared if a not in live and "create" not in policy.manage_groups]
    if waiting:
        message = (
            f"{len(waiting)} declared but not live yet, waiting for others to make them: {', '.join(waiting)}"
        )
        yield Note("waiting", message)
    listing = sum(group.members is not None for group in declared.values())
    if listing and "members" not in policy.manage_groups:
        stating = "1 group states" if listing == 1 else f"{listing} groups state"
        yield Note("unmanaged", f"{stating} `members`, which this target does not manage: left alone")
    other = [
        f"{a} (live {live[a].resource.name})"
        for a, group in declared.items()
        if a in live and not looks_like(live[a].resource.name, group.name)
    ]
    if other and "name" not in policy.manage_groups:
        yield Note(
            "unmanaged", f"this target manages no names of groups, and leaves them: {', '.join(other)}"
        )
    stay = [
        f"{label.name}: {', '.join(people)}"
        for a, label in declared.items()
        if a in live
        and (label.members is not None or a.key in desired.from_users)
        and not states_members(desired, policy, a.key)
        and (people := sorted(users.revoked & inputs.pairing.members(live[a])))
    ]
    if stay:
        message = (
            f"whose access is revoked stays in groups whose members are left to others: {'; '.join(stay)}"
        )
        yield Note("unmanaged", message, warning=True)


def _about_left(
    desired: DesiredState, pairing: Pairing, policy: Policy, gone: AbstractSet[Address]
) -> Iterator[Note]:
    """Each of those who left the files and do not go, by the reason."""
    by_reason: dict[str, list[Address]] = defaultdict(list)
    files = desired.files
    members = {Address("user", key) for key in files.members}
    moved = {Address("user", key) for key in pairing.moved.values()}
    for address in sorted(desired.departed.keys() - gone - moved):
        if address not in pairing.unlisted:
            by_reason[" and are not live"].append(address)
        elif not files.users and not files.groups:
            by_reason[_EMPTY].append(address)
        elif desired.lists.skipped:
            by_reason[" and are kept, since rows of a list were left out"].append(address)
        elif address in members:
            by_reason[" and are kept, since groups still name them as members"].append(address)
        elif address.kind == "user" and policy.left_users != "keep":
            by_reason[" and are kept, since this target does not manage `active`"].append(address)
        elif address.kind == "group" and policy.left_groups != "keep":
            by_reason[" and are kept, since this target does not manage `create` of groups"].append(address)
        else:
            by_reason[" and are kept"].append(address)
    for reason, found in sorted(by_reason.items()):
        yield Note("left", f"{len(found)} left the files{reason}: {_listed(found)}", warning=reason == _EMPTY)


_EMPTY = " and are kept, since the files declare nothing at all"


def _inactive(desired: DesiredState, pairing: Pairing, policy: Policy, *, warning: bool) -> Iterator[Note]:
    """The declared people whose account is closed, and whose files do not say whether it should be."""
    found = sorted(
        key
        for key, user in desired.users.items()
        if user.active is None
        and (live := pairing.users.get(Address("user", key)))
        and live.resource.active is False
    )
    if found:
        managed = "active" in policy.manage
        advice = "write `active: true` to let them in" if managed else "this target does not manage `active`"
        message = f"{len(found)} declared and inactive, and stay so ({advice}): {', '.join(found)}"
        yield Note("inactive", message, desired.locate(Address("user", found[0]), ()), warning=warning)


def _held(inputs: Inputs, users: PlannedUsers) -> Iterator[Note]:
    """What is not done, since the system would do something else beside it, or refuse it."""
    if held := users.held:
        names = ", ".join(f"{key} ({', '.join(path[-1] for path in paths)})" for key, paths in held.items())
        who = "1 inactive person differs" if len(held) == 1 else f"{len(held)} inactive people differ"
        what = f"{who}, and any change would let them in again in {inputs.system}: left alone"
        place = inputs.desired.locate(Address("user", next(iter(held))), ())
        yield Note("held", f"{what} (write `active: true` to let them in): {names}", place, warning=True)
    if unmade := users.unmade:
        without = inputs.habits.sole_without
        who = "1 new person has" if len(unmade) == 1 else f"{len(unmade)} new people have"
        why = f"{who} no `{without}`, and {inputs.system} refuses whoever comes after one without it"
        place = inputs.desired.locate(Address("user", unmade[0]), ())
        yield Note("held", f"{why}: not created: {', '.join(unmade)}", place, warning=True)


def _reactivated(inputs: Inputs, changes: Sequence[Change]) -> Iterator[Note]:
    """The access that returns with each person whom the plan makes active again."""
    again = {
        change.address.key: change.place
        for change in changes
        if isinstance(change, Update) and any(f.path == ACTIVE and f.after is True for f in change.fields)
    }
    if not again:
        return
    ended = {(a.id, a.path[1]) for change in changes for a in atoms(change) if a.member and a.after is None}
    deleted = {change.id for change in changes if isinstance(change, Delete)}
    names: dict[str, list[str]] = {key: [] for key in again}
    for live in inputs.everything.groups:
        for key in again.keys() & inputs.pairing.members(live):
            if live.id not in deleted and (live.id, key) not in ended:
                names[key].append(live.resource.name)
    for key, place in again.items():
        groups = ", ".join(sorted(names[key]))
        what = f"with the access that these groups give: {groups}" if groups else "and is in no group"
        hidden = any(group.resource.members is None for group in inputs.everything.groups)
        if hidden or inputs.habits.groups_hidden:
            what = f"with the access that their groups give, which {inputs.system} does not show"
        yield Note("reactivated", f"user/{key} is let in again, {what}", place, warning=True)


def _listed(addresses: Iterable[Address]) -> str:
    return ", ".join(map(str, addresses))


def _unmatched(inputs: Inputs, census: Census) -> Iterator[Note]:
    """A warning for each glob of ``protect`` and ``ignore`` that no live object matches, under any name."""
    everything, policy = inputs.everything, inputs.policy
    names = {
        "user": {user_key(user.resource.email) for user in everything.users},
        "group": {group_key(group.resource.name) for group in everything.groups},
    }
    for address, older in census.aliases.items():
        kind, _, key = address.partition("/")
        if not names[kind].isdisjoint((key, *older)):
            names[kind] |= {key, *older}
    for setting, globs in {"protect": policy.protect, "ignore": policy.ignore}.items():
        for kind in KINDS:
            for glob in globs.of(kind):
                if not is_matched(kind, glob, names[kind]):
                    name = f"{setting}.{kind}s"
                    message = f"`{name}` names {glob}, and nothing live is called so"
                    place = policy.places.get((name, glob))
                    yield Note("unmatched", f"{message}: correct it, or take it out", place, warning=True)

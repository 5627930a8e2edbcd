"""What becomes of each person: created, changed, or without access from now on."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import NamedTuple

from reconciler.changes import Change, Create, Delete, FieldChange, Removal, Update
from reconciler.errors import IncompleteRead
from reconciler.model import ACTIVE, NAMED_BY, PLAIN, Address, FieldPath, Live, User, Value
from reconciler.planning.diff import compare, user_facts
from reconciler.planning.inputs import Inputs
from reconciler.planning.references import without
from reconciler.planning.scope import Ending
from reconciler.planning.unseen import to_send
from reconciler.values import TEXT, canonical


@dataclass(frozen=True, slots=True)
class PlannedUsers:
    """The changes of users, and what they mean for memberships, guards and notes. Sets hold user keys.

    ``not_live`` are declared and have no account after this plan either, ``waiting`` those of
    them for whom somebody else makes it. ``active`` counts the managed people who are active
    now and ``active_after`` those who will be; ``ending`` are active and will not be. ``values``
    counts their managed attribute values. ``held`` are the fields of inactive people that differ and
    cannot change without letting them in, ``unmade`` those whom the system would not create now.
    """

    changes: tuple[Change, ...]
    created: AbstractSet[str]
    deleted: AbstractSet[str]
    revoked: AbstractSet[str]
    not_live: AbstractSet[str]
    waiting: tuple[str, ...]
    active: int
    active_after: int
    ending: tuple[str, ...]
    values: int
    held: Mapping[str, tuple[FieldPath, ...]]
    unmade: tuple[str, ...]


class _Fate(NamedTuple):
    """What becomes of one person; ``values`` counts the managed attribute values that are live."""

    key: str
    change: Change | None = None
    is_active: bool = False
    will_be_active: bool = False
    values: int = 0
    has_account: bool = True
    held: tuple[FieldPath, ...] = ()
    unmade: bool = False


def plan_users(inputs: Inputs) -> PlannedUsers:
    """Decide about every person who is declared or to go; raises IncompleteRead as ``make_plan`` does."""
    fates = [*_declared(inputs), *_going(inputs)]
    changes = [fate.change for fate in fates if fate.change]
    not_live = [fate.key for fate in fates if not fate.has_account]
    deleted = {change.address.key for change in changes if isinstance(change, Delete)}
    return PlannedUsers(
        changes=tuple(_with_groups(inputs, changes, deleted)),
        created={change.address.key for change in changes if isinstance(change, Create)},
        deleted=deleted,
        revoked={change.address.key for change in changes if _revokes(change)},
        not_live=frozenset(not_live),
        waiting=tuple(
            fate.key
            for fate in fates
            if not fate.has_account and not fate.unmade and inputs.desired.users[fate.key].active is not False
        ),
        active=sum(fate.is_active for fate in fates),
        active_after=sum(fate.will_be_active for fate in fates),
        ending=tuple(fate.key for fate in fates if fate.is_active and not fate.will_be_active),
        values=sum(fate.values for fate in fates),
        held={fate.key: fate.held for fate in fates if fate.held},
        unmade=tuple(fate.key for fate in fates if fate.unmade),
    )


def _revokes(change: Change) -> bool:
    return isinstance(change, Update) and change.removal in ("revoke", "revoke, deactivate")


def _with_groups(inputs: Inputs, changes: Sequence[Change], deleted: AbstractSet[str]) -> Iterator[Change]:
    """The changes; each deletion with the groups that the person is in, the ignored ones too."""
    groups: dict[str, list[str]] = {key: [] for key in deleted}
    for live in inputs.everything.groups if deleted else ():
        for key in inputs.pairing.members(live) & deleted:
            groups[key].append(live.resource.name)
    for change in changes:
        ends = groups.get(change.address.key, ())
        yield replace(change, ends=tuple(sorted(ends))) if isinstance(change, Delete) else change


def _declared(inputs: Inputs) -> Iterator[_Fate]:
    """The fate of everyone whom the files declare, in the order of their keys."""
    creates = "create" in inputs.policy.manage
    room = inputs.room_without
    for key in sorted(inputs.desired.users):
        address, user = Address("user", key), inputs.desired.users[key]
        live = inputs.pairing.users.get(address)
        if live is not None:
            yield _kept(inputs, address, user, live)
        elif user.active is False or not creates:
            yield _Fate(key, has_account=False)
        elif inputs.habits.sole_without and not _states(inputs, user, inputs.habits.sole_without):
            room -= 1
            made = room >= 0
            yield _created(inputs, address, user) if made else _Fate(key, has_account=False, unmade=True)
        else:
            yield _created(inputs, address, user)


def _states(inputs: Inputs, user: User, name: str) -> bool:
    """Whether a new person gets a value of this attribute."""
    return dict(_wanted(inputs, user)).get(("attributes", name)) is not None


def _created(inputs: Inputs, address: Address, user: User) -> _Fate:
    wanted: dict[FieldPath, Value] = {NAMED_BY["user"]: address.key, **dict(_wanted(inputs, user))}
    fields = tuple(
        replace(f, with_creation=True) if f.refers and f.path in inputs.fixed else f
        for f in compare({}, wanted, inputs.definitions)
    )
    place = inputs.desired.locate(address, ())
    return _Fate(address.key, Create(address, address.key, fields, place), will_be_active=True)


def _kept(inputs: Inputs, address: Address, user: User, live: Live[User]) -> _Fate:
    """The fate of somebody who is declared and live."""
    wanted = dict(_wanted(inputs, user))
    if inputs.logins_follow:
        wanted = {NAMED_BY["user"]: address.key, **wanted}
    is_active = live.resource.active is not False
    will_be = wanted.get(ACTIVE, is_active) is True
    returns = inputs.habits.updates_reactivate and will_be and not is_active
    fields, values = _differences(inputs, address, live, wanted, anew=returns)
    if fields and inputs.habits.updates_reactivate and not is_active and not will_be:
        return _Fate(address.key, values=values, held=tuple(item.path for item in fields))
    change: Update | None = None
    if fields:
        removal: Removal | None = "deactivate" if is_active and not will_be else None
        place = inputs.desired.locate(address, ())
        change = Update(address, address.key, live.id, fields, place, removal)
    return _Fate(address.key, change, is_active, will_be, values)


def _wanted(inputs: Inputs, user: User) -> Iterator[tuple[FieldPath, Value]]:
    """The managed facts that a declared user states, and the exact attributes that it does not."""
    manage = inputs.policy.manage
    for name in PLAIN["user"]:
        if name in manage and (stated := getattr(user, name)) is not None:
            yield (name,), stated
    if "attributes" in manage:
        attributes, definitions = user.attributes or {}, inputs.definitions
        for key in sorted(inputs.policy.exact_attributes.union(attributes)):
            definition = definitions.get(key, TEXT)
            value = canonical(attributes.get(key), definition)
            if value is not None and inputs.accountless and definition.refers:
                value = without(value, definition.refers, inputs.accountless)
                if value is None:
                    continue
            yield ("attributes", key), value


def _differences(
    inputs: Inputs,
    address: Address,
    live: Live[User],
    wanted: Mapping[FieldPath, Value],
    *,
    anew: bool = False,
) -> tuple[tuple[FieldChange, ...], int]:
    """What differs and can be written, and how many of these attributes have a value now.

    ``anew`` sends all that no answer shows: what changed of it while the person was inactive was held.
    """
    definitions = inputs.definitions
    facts = user_facts(live.resource, definitions)
    unseen: tuple[FieldChange, ...] = ()
    known = 0
    if not inputs.fixed.isdisjoint(wanted):
        known_sent = inputs.sent.anew(address) if anew else inputs.sent
        sent = known_sent.facts(address, live.id, inputs.desired.keys_of(address), definitions)
        ends = address in inputs.going
        unseen = to_send(address, sent, wanted, known_sent, definitions, ends=ends)
        known = sum(sent.get(path) is not None for path in wanted)
        wanted = {path: value for path, value in wanted.items() if path not in inputs.fixed}
    for path in wanted:
        if path not in facts:
            message = f"the attribute {path[1]} of {address} was not read, so nothing can be planned for it"
            raise IncompleteRead(message)
    values = sum(facts[path] is not None for path in wanted if path[0] == "attributes")
    return (*compare(facts, wanted, definitions), *unseen), values + known


def _going(inputs: Inputs) -> Iterator[_Fate]:
    """The fate of everyone whose access ends as the target's ``leavers`` say."""
    for address, how in inputs.going.items():
        if address.kind == "user":
            yield _ended(inputs, address, how)


def _ended(inputs: Inputs, address: Address, how: Ending) -> _Fate:
    live, place = inputs.pairing.users[address], inputs.desired.place(address)
    is_active = live.resource.active is not False
    match how:
        case "delete":
            return _Fate(address.key, Delete(address, address.key, live.id, place), is_active)
        case "revoke" | "revoke, deactivate":
            wanted: dict[FieldPath, Value] = {("attributes", key): None for key in sorted(inputs.managed)}
            removal: Removal = how if is_active else "revoke"
            if removal != "revoke":
                wanted[ACTIVE] = False
            fields, values = _differences(inputs, address, live, wanted)
            change = Update(address, address.key, live.id, fields, place, removal)
            return _Fate(address.key, change, is_active, values=values)
        case _ if is_active:
            field = FieldChange(ACTIVE, live.resource.active, after=False)
            change = Update(address, address.key, live.id, (field,), place, "deactivate")
            return _Fate(address.key, change, is_active)
        case _:
            return _Fate(address.key)

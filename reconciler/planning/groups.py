"""What becomes of each group, and of each membership: one edge at a time."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.changes import Change, Create, Delete, FieldChange, Update
from reconciler.errors import IncompleteRead, Invalid, Problem
from reconciler.model import NAMED_BY, Address, Group, Live, group_address, looks_like
from reconciler.plan import Note
from reconciler.planning.exclusive import judge, resulting, unknown
from reconciler.planning.inputs import Inputs
from reconciler.planning.scope import states_members
from reconciler.planning.users import PlannedUsers


@dataclass(frozen=True, slots=True)
class PlannedGroups:
    """The changes of groups with their memberships, and the numbers of the census that they give.

    ``members`` and ``losses`` count by group address, ``memberships`` in all; ``kept_members`` are
    those whom the user list does not know. ``deserted`` groups lose all their people, and in
    ``emptied`` ones of them nobody else is. ``notes`` are about groups that exclude each other.
    """

    changes: tuple[Change, ...]
    memberships: int
    kept_members: int
    members: Mapping[str, int]
    losses: Mapping[str, int]
    deserted: tuple[str, ...]
    emptied: tuple[str, ...]
    notes: tuple[Note, ...]


class _Wanted(NamedTuple):
    """Who is to be in a group, and about whom that decides; all others stay as they are."""

    people: AbstractSet[str]
    decided: AbstractSet[str]


class _Toll(NamedTuple):
    """The memberships of one group that are ours to count, and how many of them end.

    ``others`` are members whom the user list does not know; ``managed`` says that the files
    state who is in it.
    """

    members: int = 0
    lost: int = 0
    others: int = 0
    managed: bool = False


class _Fate(NamedTuple):
    """What becomes of one group."""

    address: Address
    change: Change | None = None
    toll: _Toll = _Toll()
    problems: tuple[Problem, ...] = ()


def plan_groups(inputs: Inputs, users: PlannedUsers) -> PlannedGroups:
    """Decide about every group and membership; what becomes of the users decides about theirs.

    Raises Invalid where a stated member is nobody, or would be in groups that exclude each other.
    """
    fates = [*_declared(inputs, users), *_not_declared(inputs, users), *_deleted(inputs)]
    changes = tuple(fate.change for fate in fates if fate.change)
    judged = list(judge(inputs.desired, inputs.policy, resulting(inputs, changes, users.deleted)))
    problems = [problem for fate in fates for problem in fate.problems]
    if problems := [*problems, *(each for each in judged if isinstance(each, Problem))]:
        raise Invalid(problems)
    # A deletion is counted also where nobody was in the group.
    counted = [fate for fate in fates if fate.toll.lost or isinstance(fate.change, Delete)]
    stay = [fate for fate in counted if not isinstance(fate.change, Delete)]
    deserted = [fate for fate in stay if fate.toll.lost == fate.toll.members]
    return PlannedGroups(
        changes=changes,
        memberships=sum(fate.toll.members for fate in fates),
        kept_members=sum(fate.toll.others for fate in fates if fate.toll.managed),
        members={str(fate.address): fate.toll.members for fate in counted},
        losses={str(fate.address): fate.toll.lost for fate in counted},
        deserted=tuple(str(fate.address) for fate in deserted),
        emptied=tuple(str(fate.address) for fate in deserted if not fate.toll.others),
        notes=(*(each for each in judged if isinstance(each, Note)), *unknown(inputs)),
    )


def _declared(inputs: Inputs, users: PlannedUsers) -> Iterator[_Fate]:
    """The fate of every group that the files declare, in the order of their keys."""
    by_users = _stated_by_users(inputs, users)
    for key in sorted(inputs.desired.groups):
        group, address = inputs.desired.groups[key], Address("group", key)
        live = inputs.pairing.groups.get(address)
        current = inputs.pairing.members(live) if live else frozenset()
        wanted = by_users.get(key) if group.members is None else _Wanted(group.members, current)
        if live is None and "create" not in inputs.policy.manage_groups:
            continue
        if wanted is None or not states_members(inputs.desired, inputs.policy, key):
            toll = _ended(inputs, users, live) if live else _Toll()
            yield _Fate(address, _change(inputs, address, group, live, ()), toll)
            continue
        known, problems = _known(inputs, users, address, wanted.people - current)
        gone = (current & wanted.decided) - wanted.people
        begin = tuple(FieldChange(("members", key), None, after=True) for key in known)
        # A deletion ends the memberships of that person by itself.
        stop = sorted(gone - users.deleted)
        edges = (*begin, *(FieldChange(("members", key), before=True, after=None) for key in stop))
        lost = len(gone | (current & users.deleted))
        others = inputs.live.foreign.get(live.id, 0) if live else 0
        toll = _Toll(len(current), lost, others, managed=True)
        yield _Fate(address, _change(inputs, address, group, live, edges), toll, tuple(problems))


def _change(
    inputs: Inputs, address: Address, group: Group, live: Live[Group] | None, edges: tuple[FieldChange, ...]
) -> Change | None:
    place = inputs.desired.locate(address, ())
    if live is None:
        return Create(address, group.name, (FieldChange(NAMED_BY["group"], None, group.name), *edges), place)
    old = live.resource.name
    # The name in other capitals is the same group, and a correction; what looks alike is neither.
    # Another name is left to others, where this target does not manage it.
    stays = looks_like(old, group.name) or "name" not in inputs.policy.manage_groups
    renamed = () if stays else (FieldChange(NAMED_BY["group"], old, group.name),)
    fields = (*renamed, *edges)
    return Update(address, group.name, live.id, fields, place) if fields else None


def _not_declared(inputs: Inputs, users: PlannedUsers) -> Iterator[_Fate]:
    """The fate of the groups that no file declares, and of the ignored ones: their people may be deleted."""
    for address, live in inputs.pairing.groups.items():
        # One that is to go, and stays since this target deletes no groups, is no more declared than others.
        if address.key not in inputs.desired.groups and address not in inputs.going:
            yield _Fate(address, toll=_ended(inputs, users, live))
    ours = {live.id for live in inputs.live.groups}
    # What is ignored is not spared by a deletion, and must not hide it from the guards.
    for live in inputs.everything.groups:
        if live.id not in ours:
            yield _Fate(group_address(live.resource.name), toll=_ended(inputs, users, live))


def _deleted(inputs: Inputs) -> Iterator[_Fate]:
    whole = {live.id: live for live in inputs.everything.groups}
    for address in inputs.going:
        if address.kind == "group":
            live = inputs.pairing.groups[address]
            people = inputs.pairing.members(whole[live.id])
            if live.id in inputs.everything.unread:
                message = f"not every member of {address} is known, so it cannot be deleted"
                raise IncompleteRead(message)
            name, place = live.resource.name, inputs.desired.place(address)
            change = Delete(address, name, live.id, place, tuple(sorted(people)))
            yield _Fate(address, change, _Toll(len(people), len(people)))


def _stated_by_users(inputs: Inputs, users: PlannedUsers) -> Mapping[str, _Wanted]:
    """What the users state of each group ``from_users``; people who say nothing stay as they are."""
    named: dict[str, set[str]] = {key: set() for key in inputs.desired.from_users}
    decided = set(users.revoked)
    decides = inputs.desired.lists.decides
    only_of: dict[AbstractSet[str], set[str]] = {}
    for person, user in inputs.desired.users.items():
        if user.groups is not None:
            only = decides.get(person)
            (decided if only is None else only_of.setdefault(only, set())).add(person)
            for key in user.groups:
                named[key].add(person)
    about = _About(decided, only_of)
    return {key: _Wanted(people, about.group(key)) for key, people in named.items()}


class _About:
    """About whom the users' own statements decide in each group.

    ``everywhere`` do in any; ``only_of`` are those who do in some groups alone. Groups with the same
    people share one set: there may be thousands of both.
    """

    def __init__(
        self, everywhere: AbstractSet[str], only_of: Mapping[AbstractSet[str], AbstractSet[str]]
    ) -> None:
        self._everywhere = everywhere
        self._only_of = only_of
        self._unions: dict[tuple[AbstractSet[str], ...], AbstractSet[str]] = {(): everywhere}

    def group(self, key: str) -> AbstractSet[str]:
        """The people about whom the statements decide in this group."""
        which = tuple(groups for groups in self._only_of if key in groups)
        if which not in self._unions:
            self._unions[which] = set(self._everywhere).union(*(self._only_of[groups] for groups in which))
        return self._unions[which]


def _known(
    inputs: Inputs, users: PlannedUsers, address: Address, people: AbstractSet[str]
) -> tuple[list[str], list[Problem]]:
    """Those who have an account or get one in this plan, and a problem for each whom nobody knows."""
    known, problems = [], []
    for key in sorted(people):
        if key in users.created or Address("user", key) in inputs.pairing.users:
            known.append(key)
        elif key not in users.not_live:
            place = inputs.desired.locate(address, ("members", key))
            message = f"{key} is neither a live user nor declared in any file"
            hint = "declare the user, or remove the name"
            if now := next((a for a, older in inputs.pairing.moved.items() if older == key), None):
                message, hint = f"{key} is the live login of {now}", "use the name in the files"
            problems.append(Problem(place, message, hint))
    return known, problems


def _ended(inputs: Inputs, users: PlannedUsers, live: Live[Group]) -> _Toll:
    """The memberships that end with their person in a group whose members are not ours."""
    everybody = inputs.pairing.members(live)
    lost = everybody & users.deleted
    if not lost:
        return _Toll()
    # An ignored group comes as it is, with its ignored members.
    people = {key for key in everybody if Address("user", key) in inputs.pairing.users}
    others = inputs.live.foreign.get(live.id, 0) + len(everybody) - len(people)
    return _Toll(len(people), len(lost), others)

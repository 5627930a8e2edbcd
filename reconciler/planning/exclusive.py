"""Groups that exclude each other: a person is in at most one of each list of ``exclusive`` in target.yaml.

It is judged twice: of what the files state alone, which needs no network, and of the
world that results from a plan, with the live memberships that it keeps. Where the files
state one of the memberships they can mend it, so it is a problem. Where nobody states
any of them it is a warning: no change of these files would have it so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from reconciler.changes import Change, Delete, fields_of
from reconciler.errors import Place, Problem
from reconciler.model import Address, DesiredState, group_address, group_key
from reconciler.plan import Note
from reconciler.planning.inputs import Inputs
from reconciler.planning.scope import Policy, states_members

Members = Mapping[str, AbstractSet[str]]
"""The people of groups, each by key."""


def contradictions(desired: DesiredState, policy: Policy) -> Iterator[Problem]:
    """The people whom the files alone put into two groups that exclude each other."""
    for found in judge(desired, policy, _stated(desired, policy)):
        if isinstance(found, Problem):
            yield found


def resulting(inputs: Inputs, changes: Iterable[Change], deleted: AbstractSet[str]) -> Members:
    """Who is in each group of ``exclusive`` after these changes of groups; ``deleted`` people are in none."""
    wanted = {_key(inputs.desired, name) for names in inputs.policy.exclusive for name in names}
    members: dict[str, set[str]] = {key: set() for key in wanted}
    addresses = {live.id: address for address, live in inputs.pairing.groups.items()}
    for live in inputs.everything.groups if wanted else ():
        key = addresses.get(live.id, group_address(live.resource.name)).key
        if key in wanted:
            members[key] |= inputs.pairing.members(live)
    for change in changes if wanted else ():
        if change.address.key in wanted and isinstance(change, Delete):
            members[change.address.key].clear()
        for item in fields_of(change) if change.address.key in wanted else ():
            if item.path[0] == "members":
                (members[change.address.key].add if item.after else members[change.address.key].discard)(
                    item.path[1]
                )
    ours = {address.key for address in inputs.pairing.users} | inputs.desired.users.keys()
    return {key: (people & ours) - deleted for key, people in members.items()}


def judge(desired: DesiredState, policy: Policy, members: Members) -> Iterator[Problem | Note]:
    """Everybody who is in two groups that exclude each other, where these are the people of the groups."""
    stated = _stated(desired, policy)
    for names in policy.exclusive:
        groups = {_key(desired, name): name for name in reversed(names)}
        held: dict[str, list[str]] = defaultdict(list)
        for key in reversed(groups):
            for person in members.get(key, ()):
                held[person].append(key)
        for person, keys in sorted(held.items()):
            if keys[1:]:
                places = {key: _place(desired, key, person) for key in keys if person in stated[key]}
                where = (f"`{groups[key]}` ({places.get(key, 'live, and stated nowhere')})" for key in keys)
                verb = "would be" if places else "is"
                message = f"user/{person} {verb} in groups that exclude each other: {' and '.join(where)}"
                setting = policy.places.get(("exclusive", names[0]))
                if places:
                    yield Problem(next(iter(places.values())), message, "leave the person in one of them")
                else:
                    yield Note("exclusive", message, setting, warning=True)


def left_halfway(inputs: Inputs, changes: Sequence[Change]) -> list[Problem]:
    """The people whom a part of a plan would put into two such groups, when the whole would not.

    Whoever is in both already stays so until the part that mends it.
    """
    desired, policy = inputs.desired, inputs.policy
    if not policy.exclusive:
        return []
    deleted = {c.address.key for c in changes if isinstance(c, Delete) and c.address.kind == "user"}
    groups = [change for change in changes if change.address.kind == "group"]
    already = set(judge(desired, policy, resulting(inputs, (), frozenset())))
    found = (
        each for each in judge(desired, policy, resulting(inputs, groups, deleted)) if each not in already
    )
    return [replace(each, hint=_ASK_FOR_BOTH) for each in found if isinstance(each, Problem)]


_ASK_FOR_BOTH: Final = "this part leaves out what takes the person out of the other one: plan both together"


def unknown(inputs: Inputs) -> Iterator[Note]:
    """A warning for each name that no group has, in the files or there; of a part nobody knows."""
    if inputs.everything.asked is not None:
        return
    known = inputs.desired.groups.keys() | {
        group_key(live.resource.name) for live in inputs.everything.groups
    }
    for name in dict.fromkeys(name for names in inputs.policy.exclusive for name in names):
        if _key(inputs.desired, name) not in known:
            message = f"`exclusive` names {name}, and no group is called so: correct it, or take it out"
            yield Note("unmatched", message, inputs.policy.places.get(("exclusive", name)), warning=True)


def _stated(desired: DesiredState, policy: Policy) -> Members:
    """The people whom the files put into each group of ``exclusive``, as far as this target manages that."""
    stated: dict[str, AbstractSet[str]] = {}
    for key in {_key(desired, name) for names in policy.exclusive for name in names}:
        stated[key] = frozenset()
        if key in desired.groups and states_members(desired, policy, key):
            listed = desired.groups[key].members
            named = (person for person, user in desired.users.items() if key in (user.groups or ()))
            stated[key] = frozenset(named) if listed is None else listed
    return stated


def _place(desired: DesiredState, key: str, person: str) -> Place:
    return desired.locate(Address("group", key), ("members", person))


def _key(desired: DesiredState, name: str) -> str:
    """The key of the group that is meant; an older name means the group that has it as such."""
    key = group_key(name)
    older = (a.key for a, keys in desired.previously.items() if a.kind == "group" and key in keys)
    return key if key in desired.groups else next(older, key)

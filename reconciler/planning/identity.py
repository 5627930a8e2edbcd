"""Whom the files mean by an attribute, such as the number that an HR system gives to each person.

``match`` in target.yaml names such attributes. Where two people share a value, nobody can
say who is meant by it: the plan stops where the files state that value, and else warns.
"""

import json
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.errors import IncompleteRead, Problem
from reconciler.model import Address, Definition, DesiredState, Live, LiveState, User, Value, user_key
from reconciler.planning.diff import Definitions
from reconciler.planning.scope import Policy
from reconciler.values import TEXT, canonical, identity


@dataclass(frozen=True, slots=True)
class Recognised:
    """The live people whom attributes find: for each declared person every attribute, and whom it finds.

    ``shared`` tells, in words, of values that several live people have and no file states.
    """

    found: Mapping[Address, Sequence[tuple[str, Live[User]]]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    shared: tuple[str, ...] = ()


NOBODY: Final = Recognised()


def with_live_logins(desired: DesiredState, recognised: Recognised) -> DesiredState:
    """The same state, with the live login of each person whom an attribute finds as an older name."""
    older = dict(desired.previously)
    for address, ways in recognised.found.items():
        logins = (user_key(live.resource.email) for _, live in ways)
        if more := [key for key in logins if key not in desired.keys_of(address)]:
            older[address] = (*older.get(address, ()), *dict.fromkeys(more))
    return replace(desired, previously=older)


def unfit(desired: DesiredState, definitions: Definitions, policy: Policy) -> Iterator[Problem]:
    """The attributes of ``match`` that cannot tell who somebody is, each at its line of target.yaml."""
    for name in policy.match:
        place = policy.places.get(("match", name)) or desired.locate(Address("user", ""), ())
        definition = definitions.get(name)
        if definition is None:
            message = f"`match` names `{name}`, which the system does not define"
            yield Problem(place, message, "correct the name, or define it there first")
        elif not definition.readable or definition.type == "file":
            yield Problem(place, f"`match` names `{name}`, which the system never shows", "remove it there")
        elif definition.multiple:
            message = f"`match` names `{name}`, which holds several values"
            yield Problem(place, message, "name an attribute with one value")


def recognise(desired: DesiredState, everything: LiveState, ours: LiveState, policy: Policy) -> Recognised:
    """Look for every declared person by each attribute of ``match``; ``ours`` is what is not ignored.

    Raises IncompleteRead where such an attribute was not read.
    """
    found: dict[Address, list[tuple[str, Live[User]]]] = defaultdict(list)
    problems: list[Problem] = []
    shared: list[str] = []
    known = {live.id for live in ours.users}
    for name in policy.match:
        definition = (everything.definitions or {}).get(name, TEXT)
        declared, present = _declared(desired, name, definition), _present(everything, name, definition)
        for value, keys in declared.items():
            people = present.get(value, ())
            shown = f"`{name}` {json.dumps(value, ensure_ascii=False)}"
            if problem := _against(desired, name, shown, keys, people, known):
                problems.append(problem)
            elif people:
                found[Address("user", keys[0])].append((name, people[0]))
        doubles = [people for value, people in present.items() if people[1:] and value not in declared]
        if doubles:
            names = "; ".join(" and ".join(sorted(live.resource.email for live in each)) for each in doubles)
            shared.append(f"live people have the same `{name}`, so it does not tell who is who: {names}")
    return Recognised(found, tuple(problems), tuple(shared))


def _declared(desired: DesiredState, name: str, definition: Definition) -> Mapping[Hashable, Sequence[str]]:
    """The people of the files, by what they state of an attribute."""
    by_value: dict[Hashable, list[str]] = defaultdict(list)
    for key, user in sorted(desired.users.items()):
        value = canonical((user.attributes or {}).get(name), definition)
        if value is not None:
            by_value[identity(value, definition)].append(key)
    return by_value


def _present(
    everything: LiveState, name: str, definition: Definition
) -> Mapping[Hashable, Sequence[Live[User]]]:
    """The live people, by their value of an attribute."""
    by_value: dict[Hashable, list[Live[User]]] = defaultdict(list)
    for live in everything.users:
        attributes: Mapping[str, Value] = live.resource.attributes or {}
        if name not in attributes:
            message = f"the attribute {name} of {live.resource.email} was not read, so nobody is known by it"
            raise IncompleteRead(message)
        value = canonical(attributes[name], definition)
        if value is not None:
            by_value[identity(value, definition)].append(live)
    return by_value


def _against(
    desired: DesiredState,
    name: str,
    shown: str,
    keys: Sequence[str],
    people: Sequence[Live[User]],
    known: frozenset[str] | set[str],
) -> Problem | None:
    """Why a value that the files state tells nobody; the people of the files have these keys."""

    def place(key: str) -> object:
        return desired.locate(Address("user", key), ("attributes", name))

    first, *others = keys
    at = desired.locate(Address("user", keys[-1]), ("attributes", name))
    if others:
        same = f"{', '.join(f'user/{key} at {place(key)}' for key in keys[:-1])}"
        return Problem(at, f"user/{keys[-1]} has the same {shown} as {same}", "correct one of them")
    if people[1:]:
        who = " and ".join(sorted(f"{live.resource.email} (id {live.id})" for live in people))
        message = f"user/{first} has the {shown} of {len(people)} live people: {who}"
        return Problem(at, message, "correct the attribute of all but one of them there")
    if people and people[0].id not in known:
        message = f"user/{first} has the {shown} of {people[0].resource.email}, who is ignored by this target"
        return Problem(at, message, "remove the entry here, or the glob from `ignore` in target.yaml")
    return None

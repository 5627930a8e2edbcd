"""Attributes that name a person or a group: the name must be somebody's, and who has no account waits."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from reconciler.changes import Change, Create, Delete, fields_of
from reconciler.errors import Problem
from reconciler.model import KEY_OF, Address, DesiredState, Kind, Value
from reconciler.operations import waves
from reconciler.plan import Note
from reconciler.planning.diff import Definitions

_MOST_NAMED = 5


def nobody(
    desired: DesiredState,
    live: AbstractSet[Address],
    definitions: Definitions,
    changes: Sequence[Change] = (),
) -> Iterator[Problem]:
    """Every reference in the files to a name that nobody has, or whose owner these changes delete.

    Whoever only loses their access is still somebody.
    """
    kinds = {name: kind for name, each in definitions.items() if (kind := each.refers)}
    if not kinds:
        return
    deleted = {change.address for change in changes if isinstance(change, Delete)}
    known = (desired.declared | live) - deleted
    for key, user in sorted(desired.users.items()):
        for name, kind in sorted(kinds.items()):
            for unknown in _unknown((user.attributes or {}).get(name), kind, known):
                place = desired.locate(Address("user", key), ("attributes", name))
                message = f"`{name}` names {unknown!r}, which is"
                if Address(kind, KEY_OF[kind](unknown)) in deleted:
                    yield Problem(place, f"{message} to be deleted", f"name another {kind}, or keep this one")
                else:
                    advice = f"correct the name, or declare the {kind} first"
                    yield Problem(place, f"{message} no {kind} of the files or the system", advice)


def without(value: Value, kind: Kind, accountless: AbstractSet[Address]) -> Value:
    """A canonical reference without those who have no account; None where nobody is left."""
    if isinstance(value, tuple):
        return tuple(key for key in value if Address(kind, str(key)) not in accountless) or None
    return None if Address(kind, str(value)) in accountless else value


def notes(
    desired: DesiredState, accountless: AbstractSet[Address], definitions: Definitions
) -> Iterator[Note]:
    """Which references are left out, since somebody whom they name has no account."""
    kinds = {name: kind for name, each in definitions.items() if accountless and (kind := each.refers)}
    for name, kind in sorted(kinds.items()):
        stated = ((key, (user.attributes or {}).get(name)) for key, user in sorted(desired.users.items()))
        keys = [key for key, value in stated if _names_any(value, kind, accountless)]
        if keys:
            more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
            whose = f"`{name}` of {len(keys)} {'user' if len(keys) == 1 else 'users'}"
            message = f"{whose} names somebody who is not live yet, and is left out until then"
            yield Note("waiting", f"{message}: {', '.join(keys[:_MOST_NAMED])}{more}")


def _names_any(value: Value, kind: Kind, accountless: AbstractSet[Address]) -> bool:
    items = value if isinstance(value, tuple) else (value,)
    return any(item and Address(kind, KEY_OF[kind](str(item))) in accountless for item in items)


def impossible(desired: DesiredState, changes: Sequence[Change]) -> Iterator[Problem]:
    """References that are part of a creation, to what cannot be created first: a new group, or a circle."""
    new = [change for change in changes if isinstance(change, Create)]
    people = [change for change in new if change.address.kind == "user"]
    *_, last = [(), *waves(people)]
    too_late = {change.address for change in new if change.address.kind == "group"}
    for change in people:
        later = too_late | {other.address for other in last} if change in last else too_late
        for item in fields_of(change):
            if item.with_creation and (who := next((name for name in item.names if name in later), None)):
                what = f"`{item.path[-1]}` can be written on creation only"
                message = f"{what}, and {who} cannot be created before {change.address}"
                yield Problem(desired.locate(change.address, item.path), message, "leave it out")


def _unknown(value: Value, kind: Kind, known: AbstractSet[Address]) -> Iterator[str]:
    for item in value if isinstance(value, tuple) else (value,):
        if item not in (None, "") and Address(kind, KEY_OF[kind](str(item))) not in known:
            yield str(item)

"""What lists of other tools bring along: attributes that the system sets itself, ids, rows left out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from reconciler.model import Address, DesiredState, LiveState, User
from reconciler.plan import Note
from reconciler.planning.diff import Definitions
from reconciler.planning.match import Pairing

_MOST_NAMED = 5


def following(desired: DesiredState, live: LiveState) -> DesiredState:
    """The desired state without what lists say of attributes that the system lets nobody write.

    Where the definitions were not read, nothing plans any attribute.
    """
    if not desired.lists.follows or live.definitions is None:
        return desired
    users = dict(desired.users)
    for key, names in _unwritten(desired, live.definitions):
        users[key] = _without(users[key], names)
    return replace(desired, users=users)


def _unwritten(desired: DesiredState, definitions: Definitions) -> Iterator[tuple[str, frozenset[str]]]:
    """Each person of whom a list says something that only the system can write, with what that is."""
    written = {name for name, definition in definitions.items() if not definition.system}
    for key, names in desired.lists.follows.items():
        if (unwritten := names - written) and key in desired.users:
            yield key, unwritten


def _without(user: User, names: frozenset[str]) -> User:
    kept = {name: value for name, value in (user.attributes or {}).items() if name not in names}
    return replace(user, attributes=kept)


def notes_on_lists(desired: DesiredState, pairing: Pairing, definitions: Definitions) -> Iterator[Note]:
    """What a reader of a plan should know of the lists."""
    lists = desired.lists
    for problem in lists.skipped:
        hint = f" ({problem.hint})" if problem.hint else ""
        message = f"this row is left out: {problem.message}{hint}"
        yield Note("skipped", message, problem.place, warning=True)
    if lists.skipped:
        message = "rows were left out, so nobody counts as left or never listed in this plan"
        yield Note("skipped", message, warning=True)
    for problem in lists.remarks:
        yield Note("list", f"{problem.message}: {problem.hint}", problem.place, warning=True)
    if lists.untracked:
        message = (
            "whoever leaves a list that git ignores is not noticed; "
            f"only such lists declare {len(lists.untracked)} of the people and groups"
        )
        yield Note("list", message)
    left = Counter(name for _, names in _unwritten(desired, definitions) for name in names)
    for name, number in sorted(left.items()) if definitions else ():
        message = f"lists state `{name}` of {number} people, which the system sets itself: left alone"
        yield Note("list", message)
    if other := sorted(_with_other_ids(desired, pairing)):
        names = ", ".join(map(str, other[:_MOST_NAMED]))
        more = f" and {len(other) - _MOST_NAMED} more" if len(other) > _MOST_NAMED else ""
        message = (
            f"a list gives another id than the system to {len(other)}, and the system's counts: {names}{more}"
        )
        yield Note("id", message, desired.locate(other[0], ()), warning=True)


def _with_other_ids(desired: DesiredState, pairing: Pairing) -> Iterator[Address]:
    if desired.lists.ids:
        live = pairing.ids
        for address, given in desired.lists.ids.items():
            if live.get(address, given) != given:
                yield address

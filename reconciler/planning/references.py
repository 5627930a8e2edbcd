"""Attributes that name a person or a group: the name must be somebody's, in the files or live."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from reconciler.errors import Problem
from reconciler.model import KEY_OF, Address, DesiredState, Kind, Value
from reconciler.planning.diff import Definitions


def nobody(desired: DesiredState, live: AbstractSet[Address], definitions: Definitions) -> Iterator[Problem]:
    """Every reference in the files to a name that nobody has; a person on the way out is still somebody."""
    kinds = {name: kind for name, each in definitions.items() if (kind := each.refers)}
    if not kinds:
        return
    known = desired.declared | live
    for key, user in sorted(desired.users.items()):
        for name, kind in sorted(kinds.items()):
            for unknown in _unknown((user.attributes or {}).get(name), kind, known):
                place = desired.locate(Address("user", key), ("attributes", name))
                message = f"`{name}` names {unknown!r}, which is no {kind} of the files or the system"
                yield Problem(place, message, f"correct the name, or declare the {kind} first")


def _unknown(value: Value, kind: Kind, known: AbstractSet[Address]) -> Iterator[str]:
    for item in value if isinstance(value, tuple) else (value,):
        if item not in (None, "") and Address(kind, KEY_OF[kind](str(item))) not in known:
            yield str(item)

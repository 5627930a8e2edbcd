"""What the files say of attributes, and a server's own description of them does not let be written."""

from collections.abc import Collection, Iterator, Mapping

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState, LiveState, Value, user_key
from reconciler.providers.fitting import misfits
from reconciler.providers.scim.names import Shape
from reconciler.providers.scim.slots import PRIMARY, Slot

Nameless = Mapping[str, Collection[str]]
"""By the id of a user, the names with values that no name holds."""


def audit(
    desired: DesiredState, live: LiveState, shape: Shape, nameless: Nameless, system: str
) -> list[Problem]:
    """Every attribute that cannot be written as the files state it, at its place."""
    problems = misfits(desired, live.definitions or {}, system)
    told = {problem.place for problem in problems}
    return [
        *problems,
        *(one for one in _own(desired, live, shape, nameless, system) if one.place not in told),
    ]


def _own(
    desired: DesiredState, live: LiveState, shape: Shape, nameless: Nameless, system: str
) -> Iterator[Problem]:
    several = {user_key(user.resource.email): nameless.get(user.id, ()) for user in live.users}
    for key, user in sorted(desired.users.items()):
        stated = user.attributes or {}
        names = [(name, slot) for name in stated if (slot := shape.slot(name))]
        first: dict[tuple[str, ...], str] = {}
        for name, slot in names:
            place = desired.locate(Address("user", key), ("attributes", name))
            if (other := first.setdefault(slot.place, name)) != name:
                yield Problem(place, f"`{name}` and `{other}` are one attribute", "leave one of them out")
            elif double := _double(slot, stated[name], shape, several.get(key, ())):
                what = f"`{double}` of {key} has several values in {system}, and `{name}` is about one"
                yield Problem(place, what, "leave one of them in the directory, or remove it here")
            elif slot.way == "primary" and (wrong := _no_type(stated[name], slot.path, shape)):
                yield Problem(place, wrong, f"write the type of the primary one, as `{name}: work`")


def _double(slot: Slot, stated: Value, shape: Shape, several: Collection[str]) -> str:
    """The name of which there are several values, and one would be written; empty where there is none."""
    base = shape.base(slot)
    names = [f"{base}.{slot.type}"] if slot.way == "typed" else []
    if slot.way == "primary":
        names = [f"{base}.{PRIMARY}", f"{base}.{str(stated).lower()}"]
    return next((name for name in names if name in several), "")


def _no_type(stated: Value, path: str, shape: Shape) -> str:
    """Why a value is no type of which this person has a value; empty where nothing is wrong."""
    if stated in (None, ""):
        return ""
    slot = shape.slot(f"{path}.{stated}") if isinstance(stated, str) else None
    if slot is None or slot.way != "typed" or str(stated).lower() == PRIMARY:
        return f"`{path}.{PRIMARY}` names a type, and {stated!r} is none"
    return ""

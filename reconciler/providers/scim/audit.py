"""What the files say of attributes, and a server's own description of them does not let be written."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState, LiveState, Value, user_key
from reconciler.providers.fitting import misfits
from reconciler.providers.scim.names import Shape
from reconciler.providers.scim.slots import PRIMARY, VALUE, Slot
from reconciler.providers.scim.state import Memory
from reconciler.values import alike, canonical


def audit(desired: DesiredState, live: LiveState, shape: Shape, memory: Memory, system: str) -> list[Problem]:
    """Every attribute that cannot be written as the files state it, at its place."""
    problems = [*_unseen(desired, live, system), *misfits(desired, live.definitions or {}, system)]
    problems += _again(desired, live, shape, memory, system)
    told = {problem.place for problem in problems}
    return [
        *problems,
        *(one for one in _own(desired, live, shape, memory, system) if one.place not in told),
    ]


def _own(
    desired: DesiredState, live: LiveState, shape: Shape, memory: Memory, system: str
) -> Iterator[Problem]:
    several = {user_key(user.resource.email): memory.nameless.get(user.id, ()) for user in live.users}
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


def _again(
    desired: DesiredState, live: LiveState, shape: Shape, memory: Memory, system: str
) -> Iterator[Problem]:
    """Values that would be added each time, since they are there without the type that the files state."""
    for user in live.users:
        key, now = user_key(user.resource.email), user.resource.attributes or {}
        stated = desired.users[key].attributes if key in desired.users else None
        by_item: dict[str, dict[str, tuple[Slot, Value]]] = {}
        for name, value in (stated or {}).items() if user.id in memory.loose else ():
            if (slot := shape.slot(name)) and slot.way == "typed" and value is not None:
                base = name if slot.part == VALUE else name.rpartition(".")[0]
                by_item.setdefault(base, {})[name] = (slot, value)
        for base, parts in by_item.items():
            there = any(
                each.lower() == base.lower() or each.lower().startswith(f"{base.lower()}.")
                for each in _held(now)
            )
            attribute = base.rpartition(".")[0].lower()
            items = [item for name, item in memory.loose[user.id] if name.lower() == attribute]
            if not there and any(all(_same(item, *each) for each in parts.values()) for item in items):
                place = desired.locate(Address("user", key), ("attributes", next(iter(parts))))
                what = (
                    f"{system} has this of {key} without its type, so `{base}` would be added again each time"
                )
                yield Problem(place, what, "leave it out of the files, or give it its type in the directory")


def _held(now: Mapping[str, Value]) -> Iterator[str]:
    return (name for name, value in now.items() if value not in (None, ()))


def _same(item: Mapping[str, Any], slot: Slot, value: Value) -> bool:
    held = item.get(slot.part)
    return held == value or alike(
        canonical(held, slot.definition), canonical(value, slot.definition), slot.definition
    )


def _unseen(desired: DesiredState, live: LiveState, system: str) -> Iterator[Problem]:
    """Memberships that the files state where nothing shows who is in which group."""
    if all(group.resource.members is not None for group in live.groups):
        return
    hint = "leave memberships out of the files, or have the directory show them"
    what = f"{system} does not show who is in which group, so this cannot be compared"
    for key, group in sorted(desired.groups.items()):
        if group.members is not None or key in desired.from_users:
            yield Problem(desired.locate(Address("group", key), ("members",)), what, hint)
    for key, user in sorted(desired.users.items()):
        if user.groups:
            yield Problem(desired.locate(Address("user", key), ("groups",)), what, hint)


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

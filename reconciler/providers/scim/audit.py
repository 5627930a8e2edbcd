"""What the files say of attributes, and a server's own description of them does not let be written."""

from collections.abc import Iterator

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState, LiveState, Value, user_key
from reconciler.providers.fitting import misfits
from reconciler.providers.scim.names import Shape
from reconciler.providers.scim.slots import PRIMARY


def audit(desired: DesiredState, live: LiveState, shape: Shape, system: str) -> list[Problem]:
    """Every attribute that cannot be written as the files state it, at its place."""
    problems = [*_unseen(desired, live, system), *misfits(desired, live.definitions or {}, system)]
    told = {problem.place for problem in problems}
    return [*problems, *(one for one in _own(desired, live, shape, system) if one.place not in told)]


def _own(desired: DesiredState, live: LiveState, shape: Shape, system: str) -> Iterator[Problem]:
    now = {user_key(user.resource.email): user.resource.attributes or {} for user in live.users}
    for key, user in sorted(desired.users.items()):
        stated = user.attributes or {}
        names = [(name, slot) for name in stated if (slot := shape.slot(name))]
        first: dict[tuple[str, ...], str] = {}
        for name, slot in names:
            place = desired.locate(Address("user", key), ("attributes", name))
            if (other := first.setdefault(slot.place, name)) != name:
                yield Problem(place, f"`{name}` and `{other}` are one attribute", "leave one of them out")
            elif slot.way == "typed" and isinstance(now.get(key, {}).get(name), tuple):
                what = f"`{name}` of {key} has several values in {system}, and this name holds one"
                yield Problem(place, what, "leave one of them in the directory, or remove it here")
            elif slot.way == "primary" and (wrong := _no_type(stated[name], slot.path, shape)):
                yield Problem(place, wrong, f"write the type of the primary one, as `{name}: work`")


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


def _no_type(stated: Value, path: str, shape: Shape) -> str:
    """Why a value is no type of which this person has a value; empty where nothing is wrong."""
    if stated in (None, ""):
        return ""
    slot = shape.slot(f"{path}.{stated}") if isinstance(stated, str) else None
    if slot is None or slot.way != "typed" or str(stated).lower() == PRIMARY:
        return f"`{path}.{PRIMARY}` names a type, and {stated!r} is none"
    return ""

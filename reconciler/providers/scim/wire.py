"""What a flat name's new value is on the wire: inside a whole user, or as the operations of a PATCH.

Both leave everything alone that no name speaks of: other parts, other types, values without one.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from reconciler.operations import Json
from reconciler.providers.scim.names import PRIMARY, TYPE, VALUE, Slot

Row = dict[str, Any]


def put(row: Row, slot: Slot, after: Json) -> None:
    """Write a value into a user, in place; None takes it out."""
    holder: Row = row.setdefault(slot.urn, {}) if slot.urn else row
    name = slot.attribute.name
    match slot.way:
        case "plain":
            _set(holder, name, after)
        case "reference":
            _set(holder, name, None if after is None else {VALUE: after})
        case "part":
            inner = dict(holder.get(name) or {})
            _set(inner, slot.part, after)
            _set(holder, name, inner or None)
        case "values":
            _set(holder, name, _values(holder.get(name) or [], after) or None)
        case "typed":
            _set(holder, name, _typed(holder.get(name) or [], slot, after) or None)
        case "primary":
            _set(holder, name, [_primary(item, after) for item in holder.get(name) or []] or None)
        case _:  # pragma: no cover (mypy proves that there is no other way)
            assert_never(slot.way)
    if slot.urn and not holder:
        row.pop(slot.urn)


def _set(holder: Row, name: str, after: Any) -> None:
    if after is None:
        holder.pop(name, None)
    else:
        holder[name] = after


def _values(items: list[Any], after: Json) -> list[Any]:
    """The items of these values; what they hold beside the value stays, and so do those without one."""
    new = after if isinstance(after, list) else []
    old = {repr(item[VALUE]): item for item in items if isinstance(item, Mapping) and VALUE in item}
    nameless = [item for item in items if not isinstance(item, Mapping) or VALUE not in item]
    return [*nameless, *(old.get(repr(one), {VALUE: one}) for one in new)]


def _is_of(item: object, kind: str) -> bool:
    return isinstance(item, Mapping) and str(item.get(TYPE)).lower() == kind


def _typed(items: list[Any], slot: Slot, after: Json) -> list[Any]:
    """The items, with a part of the one of this type; without its value it goes as a whole."""
    mine = next((item for item in items if _is_of(item, slot.type)), None)
    if after is None and slot.part == VALUE:
        return [item for item in items if not _is_of(item, slot.type)]
    if mine is None:
        return items if after is None else [*items, {TYPE: spelled_type(slot), slot.part: after}]
    new = dict(mine)
    _set(new, slot.part, after)
    return [new if item is mine else item for item in items]


def _primary(item: Any, after: Json) -> Any:
    if not isinstance(item, Mapping):
        return item
    rest = {key: each for key, each in item.items() if key != PRIMARY}
    return rest | ({PRIMARY: True} if after is not None and _is_of(item, str(after).lower()) else {})


def spelled_type(slot: Slot) -> str:
    """The type as the server spells it."""
    kinds = slot.attribute.part(TYPE)
    return next((each for each in (kinds.values if kinds else ()) if each.lower() == slot.type), slot.type)


def patch(slot: Slot, before: Json, after: Json) -> Iterator[Json]:
    """The operations of a PATCH, each with a path; of a value with a type there must be one already."""
    match slot.way:
        case "plain" | "reference" | "part":
            path = f"{slot.path}.{slot.part}" if slot.way == "part" else slot.path
            yield _operation(path, before, _wrapped(slot, after))
        case "values":
            yield from _patch_values(slot.path, before, after)
        case "typed":
            item = selected(slot.path, TYPE, spelled_type(slot))
            whole = after is None and slot.part == VALUE
            yield _operation(item if whole else f"{item}.{slot.part}", before, after)
        case "primary":
            for kind, new in ((before, False), (after, True)):
                if kind is not None:
                    path = f"{selected(slot.path, TYPE, str(kind))}.{PRIMARY}"
                    yield {"op": "replace", "path": path, "value": new}
        case _:  # pragma: no cover (mypy proves that there is no other way)
            assert_never(slot.way)


def _wrapped(slot: Slot, after: Json) -> Json:
    return {VALUE: after} if slot.way == "reference" and after is not None else after


def _patch_values(path: str, before: Json, after: Json) -> Iterator[Json]:
    """One by one, so that what a value holds beside itself stays, and so do those that have no name."""
    old, new = (each if isinstance(each, list) else [] for each in (before, after))
    for one in old:
        if one not in new:
            yield {"op": "remove", "path": selected(path, VALUE, one)}
    if added := [one for one in new if one not in old]:
        yield {"op": "add", "path": path, "value": [{VALUE: one} for one in added]}


def _operation(path: str, before: Json, after: Json) -> Json:
    if after is None:
        return {"op": "remove", "path": path}
    return {"op": "add" if before is None else "replace", "path": path, "value": after}


def selected(path: str, name: str, value: Json) -> str:
    """The values of an attribute of which a part is this one (RFC 7644, 3.5.2), which is JSON there."""
    return f"{path}[{name} eq {json.dumps(value, ensure_ascii=False)}]"

"""Changes of one person as SCIM says them: a new user, the operations of a PATCH, or a whole user again.

Every operation of a PATCH has a path and touches one value (the strict form of RFC 7644, 3.5.2). What
is to be written as a whole is only named here; it is built from what is live just before it is sent.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.changes import Create, FieldChange, Update
from reconciler.model import ACTIVE, NAMED_BY, Address, FieldPath
from reconciler.operations import Json, Ref
from reconciler.providers.scim.dialect import Dialect
from reconciler.providers.scim.names import PRIMARY, TYPE, VALUE, Shape, Slot
from reconciler.providers.scim.schema import CORE
from reconciler.providers.scim.wire import patch, put, spelled_type

FIELDS: Final[Mapping[FieldPath, str]] = {
    NAMED_BY["user"]: "userName",
    ("name",): "displayName",
    ACTIVE: "active",
}
_EMAILS: Final = "emails"
_WHOLE: Final = re.compile(r"-?[0-9]{1,400}")


def _nothing(_: str) -> Collection[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Known:
    """What a read and the files say of people, beside the changes.

    ``live`` gives the attributes that the user with an id has, by name. ``stated`` gives the attributes
    that the files state of a key, in their order.
    """

    live: Callable[[str], Collection[str]] = field(default=_nothing)
    stated: Callable[[str], Collection[str]] = field(default=_nothing)


NOBODY_KNOWN: Final = Known()


def sent(item: FieldChange) -> Json:
    """The new value: the ids of those whom a reference names, or what is written."""
    refs: list[Json] = [Ref(address) for address in item.names]
    if item.refers:
        return refs if isinstance(item.after, tuple) else next(iter(refs), None)
    return list(item.after) if isinstance(item.after, tuple) else item.after


def _value(slot: Slot, item: FieldChange) -> Json:
    """What is sent for an attribute: a number as one, however long, since integers are exact in JSON."""
    new = sent(item)
    if slot.definition.type == "number" and isinstance(new, str) and _WHOLE.fullmatch(new):
        return int(new)
    return new


def _before(item: FieldChange) -> Json:
    return list(item.before) if isinstance(item.before, tuple) else item.before


def new_user(change: Create, shape: Shape, known: Known) -> Json:
    """A user who is made."""
    row: dict[str, Any] = {FIELDS[f.path]: sent(f) for f in change.fields if f.path in FIELDS}
    for slot, item in _slots(change.fields, shape):
        if slot.way != "primary":
            put(row, slot, _value(slot, item))
    for slot, item in [*_slots(change.fields, shape), *_first(change, shape, known, ())]:
        if slot.way == "primary":
            put(row, slot, _value(slot, item))
    used = [urn for urn in shape.attributes if urn and urn in row]
    return {"schemas": [CORE, *used], **row}


def user_parts(change: Create | Update, shape: Shape, known: Known) -> list[Json]:
    """The operations of a PATCH."""
    live = known.live(change.id) if isinstance(change, Update) else ()
    parts: list[Json] = [
        {"op": "replace", "path": FIELDS[f.path], "value": sent(f)} for f in change.fields if f.path in FIELDS
    ]
    slots = [*_slots(change.fields, shape), *_first(change, shape, known, live)]
    new = _new_items(slots, live)
    for slot, item in slots:
        if slot.way == "typed" and (slot.path, slot.type) in new:
            continue
        before = _before(item)
        if slot.way == "primary" and (slot.path, str(item.after).lower()) in new:
            new[slot.path, str(item.after).lower()][PRIMARY] = True
            parts += patch(slot, before, None)
            continue
        parts += patch(slot, before, _value(slot, item))
    by_path: dict[str, list[Json]] = {}
    for (path, _), made in new.items():
        by_path.setdefault(path, []).append(made)
    parts += [{"op": "add", "path": path, "value": items} for path, items in by_path.items()]
    return parts


def _new_items(
    slots: Sequence[tuple[Slot, FieldChange]], live: Collection[str]
) -> dict[tuple[str, str], dict[str, Json]]:
    """The values of types of which there is none yet, each with all its parts, by path and type."""
    new: dict[tuple[str, str], dict[str, Json]] = {}
    for slot, item in slots:
        if slot.way == "typed" and item.after is not None and not _has(slot, item, live):
            made = new.setdefault((slot.path, slot.type), {TYPE: spelled_type(slot)})
            made[slot.part] = _value(slot, item)
    return new


def _has(slot: Slot, item: FieldChange, live: Collection[str]) -> bool:
    """Whether there is a value of this type."""
    base = slot.name.lower().removesuffix(f".{slot.part.lower()}" if slot.part != VALUE else "")
    shown = any(name.lower() == base or name.lower().startswith(f"{base}.") for name in live)
    return shown or item.before is not None


def rewritten(change: Create | Update, dialect: Dialect, known: Known) -> Json:
    """What is to be changed in a whole user or group, for ``rewrite``."""
    edges = [(Ref(Address("user", f.path[1])), f.after) for f in change.fields if f.path[0] == "members"]
    named = [f for f in change.fields if f.path[0] != "members"]
    if dialect.shape and change.address.kind == "user":
        live = known.live(change.id) if isinstance(change, Update) else ()
        named += [item for _, item in _first(change, dialect.shape, known, live)]
    return {
        "kind": change.address.kind,
        "set": [[list(f.path), _written(f, dialect.shape)] for f in named],
        "add": [ref for ref, after in edges if after],
        "remove": [ref for ref, after in edges if not after],
    }


def _written(item: FieldChange, shape: Shape | None) -> Json:
    slot = shape.slot(item.path[1]) if shape and item.path[0] == "attributes" else None
    return _value(slot, item) if slot else sent(item)


def _slots(fields: Sequence[FieldChange], shape: Shape) -> list[tuple[Slot, FieldChange]]:
    """The attributes that change, with where each stands; what is to go comes last."""
    found = [
        (slot, item)
        for item in fields
        if item.path[0] == "attributes" and (slot := shape.slot(item.path[1])) is not None
    ]
    return sorted(found, key=lambda each: each[1].after is None)


def _first(
    change: Create | Update, shape: Shape, known: Known, live: Collection[str]
) -> Iterator[tuple[Slot, FieldChange]]:
    """The first address that the files write is the primary one of somebody who has none and states none."""
    name = f"{_EMAILS}.{PRIMARY}"
    primary = shape.slots.get(name)
    set_now = {item.path[1]: item for item in change.fields if item.path[0] == "attributes"}
    spoken = {each.lower() for each in (*set_now, *known.stated(change.address.key))}
    if primary is None or name in spoken or any(each.startswith(f"{_EMAILS}.") for each in live):
        return
    stated = [each for each in known.stated(change.address.key) if each in set_now]
    for each in [*stated, *set_now]:
        slot = shape.slot(each)
        if slot and (slot.path, slot.part) == (_EMAILS, VALUE) and set_now[each].after is not None:
            yield primary, FieldChange(("attributes", name), None, slot.type)
            return

"""The values of a user by their flat names. What no name can hold is told, and left where it is."""

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model import Value
from reconciler.providers.scim.schema import Attribute
from reconciler.providers.scim.slots import PRIMARY, SIMPLE_TYPE, TYPE, VALUE, is_typed, parts, refers

Loose = tuple[str, Mapping[str, Any]]
"""The name of an attribute, and an item of it that has no type."""


def value(raw: object) -> Value:
    """An attribute's value as it came; what no attribute holds (an object, null in a list) counts as none."""
    if isinstance(raw, list):
        return tuple(item for item in raw if isinstance(item, (str, int, float)))
    return raw if isinstance(raw, (str, int, float)) else None


def read(
    holder: Mapping[str, Any],
    urn: str,
    prefix: str,
    attributes: Mapping[str, Attribute],
    into: tuple[dict[str, Value], list[str], list[Loose]],
) -> None:
    """Read what an object holds of these attributes, into values by name and the names of what has none.

    The last are the items of such an attribute that have no type, with its name.
    """
    found, nameless, loose = into
    for key, data in holder.items():
        attribute = attributes.get(key)
        if attribute is None or data is None:
            continue
        name = prefix + attribute.name
        if attribute.type != "complex":
            found[name] = value(data)
        elif not attribute.several:
            _read_complex(name, urn, attribute, data, found)
        elif is_typed(attribute):
            items = data if isinstance(data, list) else [data]
            nameless += _read_typed(name, attribute, items, found)
            loose += [(name, each) for each in items if isinstance(each, Mapping) and not _has_type(each)]
        elif not _read_values(name, data, found):
            nameless.append(name)


def _read_complex(name: str, urn: str, attribute: Attribute, data: object, found: dict[str, Value]) -> None:
    if not isinstance(data, Mapping):
        return
    if refers(urn, attribute):
        found[name] = value(data.get(VALUE))
        return
    for part in parts(attribute):
        if part.name in data:
            found[f"{name}.{part.name}"] = value(data[part.name])


def _read_values(name: str, data: object, found: dict[str, Value]) -> bool:
    """Read values without types; returns whether the flat name holds all of them."""
    items = data if isinstance(data, list) else [data]
    told = (item.get(VALUE) for item in items if isinstance(item, Mapping))
    values = tuple(one for one in told if isinstance(one, (str, int, float)))
    found[name] = values
    return len(items) == len(values)


def _has_type(item: Mapping[str, Any]) -> bool:
    """Whether it has a type that a flat name can hold."""
    kind = item.get(TYPE)
    return isinstance(kind, str) and SIMPLE_TYPE.fullmatch(kind) is not None and kind.lower() != PRIMARY


def _read_typed(name: str, attribute: Attribute, items: list[Any], found: dict[str, Value]) -> Iterable[str]:
    """Read values by their types; returns the names, also with a type, of which there is more than one."""
    nameless, types = dict[str, None](), set[str]()
    for item in items:
        if not isinstance(item, Mapping) or not _has_type(item):
            nameless[name] = None
            continue
        kind = item[TYPE].lower()
        if kind in types:
            nameless[f"{name}.{kind}"] = None
        types.add(kind)
        if item.get(PRIMARY) is True:
            if found.get(f"{name}.{PRIMARY}") is not None:
                nameless[f"{name}.{PRIMARY}"] = None
            found[f"{name}.{PRIMARY}"] = kind
        for part in parts(attribute):
            if item.get(part.name) is not None:
                full = f"{name}.{kind}" + ("" if part.name.lower() == VALUE else f".{part.name}")
                found[full] = _with(found.get(full), value(item[part.name]))
    return nameless


def _with(before: Value, now: Value) -> Value:
    """The value, or all that there are."""
    if before is None or now is None:
        return now if before is None else before
    one, other = (each if isinstance(each, tuple) else (each,) for each in (before, now))
    return (*one, *other)

"""Flat names of attributes, and where each stands in a user as SCIM writes one.

``title`` is a value. ``name.givenName`` is a part of a complex one. Of an attribute with several
values ``emails.work`` is the one whose type is work, ``addresses.work.locality`` a part of it, and
``emails.primary`` the type of the primary one. What an extension holds follows its short name and
a dot (``enterprise.department``), or its URN and a colon. Names are found in any case.

What no flat name can hold is never touched: values without a type, say.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from reconciler.model import Definition, Kind, Type, Value
from reconciler.providers.scim.schema import CORE, ENTERPRISE, Attribute

Way = Literal["plain", "part", "reference", "typed", "values", "primary"]
PRIMARY: Final = "primary"
TYPE: Final = "type"
VALUE: Final = "value"

_FIELDS: Final = frozenset({"id", "schemas", "meta", "username", "displayname", "active", "groups"})
"""What is no attribute here: fields of their own, and what only the server writes."""
_SPELLED: Final = (
    *("totalResults", "Resources", "nextCursor", "id", "schemas", "meta", "version", "userName"),
    *("displayName", "active", "groups", "members", "value", "$ref", "type", "primary", "display"),
)
"""Names that no schema lists, or that are read in every answer."""
_SECRET: Final = "password"  # noqa: S105 (the name of an attribute)
_TYPE: Final = re.compile(r"[A-Za-z0-9_-]+")
_TYPES: Final[Mapping[str, Type]] = {
    "boolean": "boolean",
    "integer": "number",
    "decimal": "number",
    "datetime": "date-time",
}
_EXTERNAL_ID: Final = Attribute("externalId", exact_case=True)
"""It is common to all resources, so no schema need list it (RFC 7643, 3.1)."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one flat name stands. ``urn`` is empty in the core, ``part`` and ``type`` where there is none."""

    name: str
    way: Way
    urn: str
    attribute: Attribute
    definition: Definition
    part: str = ""
    type: str = ""

    @property
    def place(self) -> tuple[str, ...]:
        """What two names of one value have in common."""
        return (self.urn.lower(), self.attribute.name.lower(), self.way, self.part.lower(), self.type)

    @property
    def path(self) -> str:
        """The path of the attribute in a PATCH."""
        return f"{self.urn}:{self.attribute.name}" if self.urn else self.attribute.name


@dataclass(frozen=True, slots=True)
class Found:
    """The attributes of one user by flat name, and the names of those with values that no name holds.

    Where two values have one type, there is a tuple in place of one value.
    """

    attributes: dict[str, Value]
    nameless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """All that users of one server may have, beside the fields that every user has.

    ``attributes`` are by URN and by name, the core's under "". ``spelling`` maps the names on the wire,
    lower-cased, to one spelling of each. ``slots`` are by flat name.
    """

    attributes: Mapping[str, Mapping[str, Attribute]]
    prefixes: Mapping[str, str]
    spelling: Mapping[str, str]
    slots: Mapping[str, Slot]
    _lower: Mapping[str, Slot] = field(default_factory=dict)

    @property
    def definitions(self) -> dict[str, Definition]:
        """The definition of every flat name that is known."""
        return {name: slot.definition for name, slot in self.slots.items()}

    @property
    def references(self) -> dict[str, Kind]:
        """What each name that points at somebody, or at a group, points at."""
        return {name: kind for name, slot in self.slots.items() if (kind := slot.definition.refers)}

    def slot(self, name: str) -> Slot | None:
        """Where this name, in any case, stands; None where the server has no such attribute."""
        known = self.slots.get(name) or self._lower.get(name.lower())
        if known is None and name.lower().startswith("urn:"):
            known = self._by_urn(name)
        found = known or self._of_open_type(name)
        return replace(found, name=name, definition=replace(found.definition, name=name)) if found else None

    def _by_urn(self, name: str) -> Slot | None:
        """The slot of a name that is spelled with the URN of its schema."""
        for urn, prefix in {**self.prefixes, CORE: ""}.items():
            if name.lower().startswith(f"{urn.lower()}:"):
                return self.slot(prefix + name[len(urn) + 1 :])
        return None

    def _of_open_type(self, name: str) -> Slot | None:
        """The slot of a type that no canonical values rule out."""
        for urn, attribute, prefix in self._typed():
            start = f"{prefix}{attribute.name}."
            if not name.lower().startswith(start.lower()):
                continue
            kind, _, part = name[len(start) :].partition(".")
            if _TYPE.fullmatch(kind) and kind.lower() != PRIMARY and not _types(attribute):
                return _typed_slots(urn, prefix, attribute, kind.lower()).get(part.lower())
        return None

    def _typed(self) -> Iterator[tuple[str, Attribute, str]]:
        for urn, attributes in self.attributes.items():
            for attribute in attributes.values():
                if _is_typed(attribute):
                    yield urn, attribute, self.prefixes.get(urn, "")

    def knowing(self, names: Iterable[str]) -> "Shape":
        """The same, with names that the files use or users have: open types, other spellings."""
        new = {name: slot for name in names if name not in self.slots and (slot := self.slot(name))}
        return replace(self, slots={**self.slots, **new}) if new else self

    def seen(self, names: Iterable[str]) -> "Shape":
        """The same, with the names of values that users have, whatever their type."""
        new: dict[str, Slot] = {}
        for name in names:
            if name not in self.slots and name not in new:
                new |= {slot.name: slot for slot in self._live(name)}
        return replace(self, slots={**self.slots, **new}) if new else self

    def _live(self, name: str) -> Iterator[Slot]:
        for urn, attribute, prefix in self._typed():
            start = f"{prefix}{attribute.name}."
            if name.startswith(start):
                yield from _typed_slots(urn, prefix, attribute, name[len(start) :].partition(".")[0]).values()

    def spelled(self, data: Any) -> Any:
        """The same JSON, with each name that is known in its one spelling."""
        if isinstance(data, list):
            return [self.spelled(item) if isinstance(item, (dict, list)) else item for item in data]
        if not isinstance(data, dict):
            return data
        spelling = self.spelling
        return {
            spelling.get(key.lower(), key): self.spelled(item) if isinstance(item, (dict, list)) else item
            for key, item in data.items()
        }

    def read(self, row: Mapping[str, Any]) -> Found:
        """The attributes of a user whose names are spelled as ``spelled`` does."""
        found: dict[str, Value] = {}
        nameless: list[str] = []
        for urn, attributes in self.attributes.items():
            holder = row.get(urn) if urn else row
            if isinstance(holder, Mapping):
                _read(holder, urn, self.prefixes.get(urn, ""), attributes, (found, nameless))
        for name, slot in self.slots.items():
            if name not in found and (known := found.get(_canonical(self, slot))) is not None:
                found[name] = known
        return Found(found, tuple(nameless))


def _canonical(shape: Shape, slot: Slot) -> str:
    """The name that ``read`` gives to a value."""
    base = f"{shape.prefixes.get(slot.urn, '')}{slot.attribute.name}"
    if slot.way == "primary":
        return f"{base}.{PRIMARY}"
    if slot.way in ("plain", "values", "reference"):
        return base
    steps = (base, slot.type, "" if slot.way == "typed" and slot.part == VALUE else slot.part)
    return ".".join(filter(None, steps))


def value(raw: object) -> Value:
    """An attribute's value as it came; what no attribute holds (an object, null in a list) counts as none."""
    if isinstance(raw, list):
        return tuple(item for item in raw if isinstance(item, (str, int, float)))
    return raw if isinstance(raw, (str, int, float)) else None


def shape_of(schemas: Mapping[str, tuple[Attribute, ...]], extensions: Mapping[str, str]) -> Shape:
    """The shape of users who have these schemas; ``extensions`` are short names of URNs."""
    short = {urn.lower(): name for name, urn in {"enterprise": ENTERPRISE, **extensions}.items()}
    spelling: dict[str, str] = {name.lower(): name for name in (*schemas, *_SPELLED)}
    attributes: dict[str, dict[str, Attribute]] = {}
    prefixes: dict[str, str] = {}
    slots: dict[str, Slot] = {}
    for urn, listed in schemas.items():
        core = urn.lower() == CORE.lower()
        key = "" if core else urn
        prefix = prefixes[key] = (
            "" if core else f"{short[urn.lower()]}." if urn.lower() in short else f"{urn}:"
        )
        kept = [a for a in listed if not core or a.name.lower() not in {*_FIELDS, _SECRET}]
        if core and not any(a.name.lower() == _EXTERNAL_ID.name.lower() for a in kept):
            kept.append(_EXTERNAL_ID)
        for attribute in kept:
            for name in (attribute.name, *(part.name for part in attribute.parts)):
                spelling.setdefault(name.lower(), name)
            for slot in _slots(key, prefix, attribute):
                slots.setdefault(slot.name, slot)
        attributes[key] = {spelling[a.name.lower()]: a for a in kept}
    lower = {name.lower(): slot for name, slot in slots.items()}
    return Shape(attributes, prefixes, spelling, slots, lower)


def _is_typed(attribute: Attribute) -> bool:
    return attribute.type == "complex" and attribute.several and attribute.part(TYPE) is not None


def _types(attribute: Attribute) -> tuple[str, ...]:
    kind = attribute.part(TYPE)
    return tuple(each.lower() for each in kind.values) if kind else ()


def _slots(urn: str, prefix: str, attribute: Attribute) -> Iterator[Slot]:
    """Every flat name of one attribute that can be told beforehand."""
    name = prefix + attribute.name
    if attribute.type != "complex":
        yield Slot(name, "plain", urn, attribute, _definition(name, attribute, attribute))
    elif not attribute.several and (kind := _refers(urn, attribute)):
        yield Slot(name, "reference", urn, attribute, _definition(name, attribute, attribute, kind), VALUE)
    elif not attribute.several:
        for part in _parts(attribute):
            full = f"{name}.{part.name}"
            yield Slot(full, "part", urn, attribute, _definition(full, attribute, part), part.name)
    elif _is_typed(attribute):
        for kind_ in dict.fromkeys(_types(attribute)):
            if _TYPE.fullmatch(kind_) and kind_ != PRIMARY:
                yield from _typed_slots(urn, prefix, attribute, kind_).values()
        if attribute.part(PRIMARY):
            definition = Definition(
                f"{name}.{PRIMARY}", exact_case=False, written=_written(attribute, attribute)
            )
            yield Slot(definition.name, "primary", urn, attribute, definition)
    elif part_ := attribute.part(VALUE):
        yield Slot(name, "values", urn, attribute, _definition(name, attribute, part_, several=True), VALUE)


def _typed_slots(urn: str, prefix: str, attribute: Attribute, kind: str) -> dict[str, Slot]:
    """The names of a value of one type, by their part; that of the value itself is under ""."""
    found = {}
    for part in _parts(attribute):
        own = part.name.lower() == VALUE
        name = f"{prefix}{attribute.name}.{kind}" + ("" if own else f".{part.name}")
        definition = replace(_definition(name, attribute, part), required=False)
        key = "" if own else part.name.lower()
        found[key] = Slot(name, "typed", urn, attribute, definition, part.name, kind)
    return found


def _parts(attribute: Attribute) -> Iterator[Attribute]:
    """The parts that have a flat name."""
    for part in attribute.parts:
        apart = ("$ref", TYPE, PRIMARY) if attribute.several else ("$ref",)
        if part.name.lower() not in apart and part.type != "complex":
            yield part


def _refers(urn: str, attribute: Attribute) -> Kind | None:
    """What a complex value with an id in it names; the RFC's own manager is a user, whatever is said."""
    link = attribute.part("$ref")
    if attribute.part(VALUE) is None:
        return None
    if urn.lower() == ENTERPRISE.lower() and attribute.name.lower() == "manager":
        return "user"
    kinds = {each.lower() for each in link.refers} if link else set()
    return "user" if kinds == {"user"} else "group" if kinds == {"group"} else None


def _written(attribute: Attribute, part: Attribute) -> Literal["always", "on creation", "never"]:
    both = {attribute.mutability.lower(), part.mutability.lower()}
    if "readonly" in both:
        return "never"
    return "on creation" if "immutable" in both else "always"


def _definition(
    name: str, attribute: Attribute, part: Attribute, kind: Kind | None = None, *, several: bool = False
) -> Definition:
    return Definition(
        name=name,
        type=kind or _TYPES.get(part.type.lower(), "text"),
        multiple=several or part.several,
        exact_case=part.exact_case,
        written=_written(attribute, part),
        readable=attribute.shown and part.shown,
        required=attribute.required and (part.required or attribute is part),
        choices=part.values if kind is None else (),
    )


def _read(
    holder: Mapping[str, Any],
    urn: str,
    prefix: str,
    attributes: Mapping[str, Attribute],
    into: tuple[dict[str, Value], list[str]],
) -> None:
    found, nameless = into
    for key, data in holder.items():
        attribute = attributes.get(key)
        if attribute is None or data is None:
            continue
        name, whole = prefix + attribute.name, True
        if attribute.type != "complex":
            found[name] = value(data)
        elif not attribute.several:
            _read_complex(name, urn, attribute, data, found)
        elif _is_typed(attribute):
            whole = _read_typed(name, attribute, data, found)
        else:
            whole = _read_values(name, data, found)
        if not whole:
            nameless.append(name)


def _read_complex(name: str, urn: str, attribute: Attribute, data: object, found: dict[str, Value]) -> None:
    if not isinstance(data, Mapping):
        return
    if _refers(urn, attribute):
        found[name] = value(data.get(VALUE))
        return
    for part in _parts(attribute):
        if part.name in data:
            found[f"{name}.{part.name}"] = value(data[part.name])


def _read_values(name: str, data: object, found: dict[str, Value]) -> bool:
    """Read values without types; returns whether the flat name holds all of them."""
    items = data if isinstance(data, list) else [data]
    told = (item.get(VALUE) for item in items if isinstance(item, Mapping))
    values = tuple(one for one in told if isinstance(one, (str, int, float)))
    found[name] = values
    return len(items) == len(values)


def _read_typed(name: str, attribute: Attribute, data: object, found: dict[str, Value]) -> bool:
    """Read values by their types; returns whether flat names hold all of them."""
    whole, types = True, set()
    for item in data if isinstance(data, list) else [data]:
        kind = item.get(TYPE) if isinstance(item, Mapping) else None
        if (
            not isinstance(item, Mapping)
            or not isinstance(kind, str)
            or not _TYPE.fullmatch(kind)
            or kind.lower() == PRIMARY
        ):
            whole = False
            continue
        kind = kind.lower()
        whole = whole and kind not in types
        types.add(kind)
        if item.get(PRIMARY) is True:
            found[f"{name}.{PRIMARY}"] = kind
        for part in _parts(attribute):
            if item.get(part.name) is not None:
                full = f"{name}.{kind}" + ("" if part.name.lower() == VALUE else f".{part.name}")
                found[full] = _with(found.get(full), value(item[part.name]))
    return whole


def _with(before: Value, now: Value) -> Value:
    """The value, or all that there are."""
    if before is None or now is None:
        return now if before is None else before
    one, other = (each if isinstance(each, tuple) else (each,) for each in (before, now))
    return (*one, *other)

"""Flat names of attributes, and where each stands in a user as SCIM writes one.

``title`` is a value. ``name.givenName`` is a part of a complex one. Of an attribute with several
values ``emails.work`` is the one whose type is work, ``addresses.work.locality`` a part of it, and
``emails.primary`` the type of the primary one. What an extension holds follows its short name and
a dot (``enterprise.department``), or its URN and a colon. Names are found in any case.

What no flat name can hold is never touched: values without a type, say.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reconciler.errors import BadAnswer, IncompleteRead
from reconciler.model import Definition, Kind, Value
from reconciler.providers.scim.flat import Loose, read
from reconciler.providers.scim.schema import CORE, ENTERPRISE, Attribute
from reconciler.providers.scim.slots import (
    PRIMARY,
    SIMPLE_TYPE,
    VALUE,
    Slot,
    is_typed,
    slots_of,
    typed_slots,
    types,
)

_FIELDS: Final = frozenset({"id", "schemas", "meta", "username", "displayname", "active", "groups"})
"""What is no attribute here: fields of their own, and what only the server writes."""
Spelling = Mapping[str, "tuple[str, Spelling | None]"]
"""Names, lower-cased, each with its one spelling and with the names below it; None: only the common ones."""

_IN_VALUES: Final = ("value", "$ref", "type", "primary", "display")
_COMMON: Final[Spelling] = {
    name.lower(): (name, None)
    for name in (
        *("totalResults", "Resources", "nextCursor", "id", "schemas", "meta", "version", "userName"),
        *("displayName", "active", "groups", "members", *_IN_VALUES),
    )
}
"""Names that no schema lists, or that are read in every answer."""
_OF_VALUES: Final[Spelling] = {name: (name, None) for name in _IN_VALUES}
_MOST_NAMES: Final = 10_000
"""No directory that is known has a tenth of it."""
_SECRET: Final = "password"  # noqa: S105 (the name of an attribute)

_EXTERNAL_ID: Final = Attribute("externalId", exact_case=True)
"""It is common to all resources, so no schema need list it (RFC 7643, 3.1)."""


@dataclass(frozen=True, slots=True)
class Found:
    """The attributes of one user by flat name, and the names of those with values that no name holds.

    Where two values have one type, the second name has the type too, as in ``emails.work``. Their parts
    are tuples in place of one value then. ``loose`` are items of no type.
    """

    attributes: dict[str, Value]
    nameless: tuple[str, ...] = ()
    loose: tuple[Loose, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """All that users of one server may have, beside the fields that every user has.

    ``attributes`` are by URN and by name, the core's under "". ``spelling`` is that of their own schema.
    ``slots`` are by flat name.
    """

    attributes: Mapping[str, Mapping[str, Attribute]]
    prefixes: Mapping[str, str]
    spelling: Spelling
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
            if SIMPLE_TYPE.fullmatch(kind) and kind.lower() != PRIMARY and not types(attribute):
                return typed_slots(urn, prefix, attribute, kind.lower()).get(part.lower())
        return None

    def _typed(self) -> Iterator[tuple[str, Attribute, str]]:
        for urn, attributes in self.attributes.items():
            for attribute in attributes.values():
                if is_typed(attribute):
                    yield urn, attribute, self.prefixes.get(urn, "")

    def base(self, slot: Slot) -> str:
        """The flat name of the attribute, without a type or a part."""
        return f"{self.prefixes.get(slot.urn, '')}{slot.attribute.name}"

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
                _check_number(new)
        return replace(self, slots={**self.slots, **new}) if new else self

    def _live(self, name: str) -> Iterator[Slot]:
        for urn, attribute, prefix in self._typed():
            start = f"{prefix}{attribute.name}."
            if name.startswith(start):
                yield from typed_slots(urn, prefix, attribute, name[len(start) :].partition(".")[0]).values()

    def spelled(self, data: Any) -> Any:
        """The same JSON, with each name that is known in its one spelling."""
        return _spelled(data, self.spelling)

    def read(self, row: Mapping[str, Any]) -> Found:
        """The attributes of a user whose names are spelled as ``spelled`` does."""
        found: dict[str, Value] = {}
        nameless: list[str] = []
        loose: list[Loose] = []
        for urn, attributes in self.attributes.items():
            holder = row.get(urn) if urn else row
            if isinstance(holder, Mapping):
                read(holder, urn, self.prefixes.get(urn, ""), attributes, (found, nameless, loose))
        for name, slot in self.slots.items():
            if name not in found and (known := found.get(_canonical(self, slot))) is not None:
                found[name] = known
        return Found(found, tuple(nameless), tuple(loose))


def _canonical(shape: Shape, slot: Slot) -> str:
    """The name that ``read`` gives to a value."""
    base = shape.base(slot)
    if slot.way == "primary":
        return f"{base}.{PRIMARY}"
    if slot.way in ("plain", "values", "reference"):
        return base
    steps = (base, slot.type, "" if slot.way == "typed" and slot.part == VALUE else slot.part)
    return ".".join(filter(None, steps))


def shape_of(schemas: Mapping[str, tuple[Attribute, ...]], extensions: Mapping[str, str]) -> Shape:
    """The shape of users who have these schemas; ``extensions`` are short names of URNs."""
    short = {urn.lower(): name for name, urn in {"enterprise": ENTERPRISE, **extensions}.items()}
    _check_short(schemas, short)
    spelling: dict[str, tuple[str, Spelling | None]] = {}
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
        kept = [_respelled(attribute, _COMMON if core else {}) for attribute in kept]
        for attribute in kept:
            for slot in slots_of(key, prefix, attribute):
                slots[slot.name] = slot
                _check_number(slots)
        attributes[key] = {attribute.name: attribute for attribute in kept}
        own: Spelling = {a.name.lower(): (a.name, _below(a)) for a in kept}
        spelling |= {**own, **_COMMON, **spelling} if core else {urn.lower(): (urn, own)}
    lower = {name.lower(): slot for name, slot in slots.items()}
    return Shape(attributes, prefixes, {**_COMMON, **spelling}, slots, lower)


def _spelled(data: Any, spelling: Spelling) -> Any:
    if isinstance(data, list):
        return [_spelled(item, spelling) if isinstance(item, (dict, list)) else item for item in data]
    if not isinstance(data, dict):
        return data
    new = {}
    for key, item in data.items():
        name, below = spelling.get(key.lower(), (key, None))
        # A list of users holds users, each of which is spelled as a whole answer is.
        inner = spelling if name == "Resources" else below or _COMMON
        new[name] = _spelled(item, inner) if isinstance(item, (dict, list)) else item
    return new


def _respelled(attribute: Attribute, common: Spelling) -> Attribute:
    """The attribute in its own spelling, but for names that every answer has in one."""
    name = common.get(attribute.name.lower(), (attribute.name, None))[0]
    return replace(attribute, name=name, parts=tuple(_respelled(p, _OF_VALUES) for p in attribute.parts))


def _below(attribute: Attribute) -> Spelling | None:
    return {**_OF_VALUES, **{part.name.lower(): (part.name, None) for part in attribute.parts}}


def _check_short(schemas: Mapping[str, tuple[Attribute, ...]], short: Mapping[str, str]) -> None:
    """Raise IncompleteRead where a flat name that begins with a short name could stand for two attributes."""
    taken = {
        attribute.name.lower(): "an attribute of users"
        for urn, attributes in schemas.items()
        for attribute in (attributes if urn.lower() == CORE.lower() else ())
    }
    for urn in schemas:
        if (name := short.get(urn.lower())) is None:
            continue
        if name.lower() in taken:
            message = (
                f"the short name `{name}` of {urn} is also {taken[name.lower()]}, so what `{name}.` "
                "begins is not certain; give that schema another short name in `extensions`"
            )
            raise IncompleteRead(message)
        taken[name.lower()] = f"the short name of {urn}"


def _check_number(names: Collection[str]) -> None:
    if len(names) > _MOST_NAMES:
        message = (
            f"the server describes more than {_MOST_NAMES} names of attributes: no directory has so many"
        )
        raise BadAnswer(message)

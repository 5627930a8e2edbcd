"""The flat names of one attribute, and where each stands in a user as SCIM writes one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from reconciler.model import Definition, Kind, Type
from reconciler.providers.scim.schema import ENTERPRISE, Attribute

Way = Literal["plain", "part", "reference", "typed", "values", "primary"]
PRIMARY: Final = "primary"
TYPE: Final = "type"
VALUE: Final = "value"

_TYPES: Final[Mapping[str, Type]] = {
    "boolean": "boolean",
    "integer": "number",
    "decimal": "number",
    "datetime": "date-time",
}
SIMPLE_TYPE: Final = re.compile(r"[A-Za-z0-9_-]+")
"""What a type must be, to be a part of a flat name."""


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


def is_typed(attribute: Attribute) -> bool:
    """Whether it has several values, told apart by their types."""
    return attribute.type == "complex" and attribute.several and attribute.part(TYPE) is not None


def types(attribute: Attribute) -> tuple[str, ...]:
    """The canonical types of its values, lower-cased; any may be used where there are none."""
    kind = attribute.part(TYPE)
    return tuple(each.lower() for each in kind.values) if kind else ()


def slots_of(urn: str, prefix: str, attribute: Attribute) -> Iterator[Slot]:
    """Every flat name of one attribute that can be told beforehand."""
    name = prefix + attribute.name
    if attribute.type != "complex":
        yield Slot(name, "plain", urn, attribute, _definition(name, attribute, attribute))
    elif not attribute.several and (kind := refers(urn, attribute)):
        yield Slot(name, "reference", urn, attribute, _definition(name, attribute, attribute, kind), VALUE)
    elif not attribute.several:
        for part in parts(attribute):
            full = f"{name}.{part.name}"
            yield Slot(full, "part", urn, attribute, _definition(full, attribute, part), part.name)
    elif is_typed(attribute):
        for kind_ in dict.fromkeys(types(attribute)):
            if SIMPLE_TYPE.fullmatch(kind_) and kind_ != PRIMARY:
                yield from typed_slots(urn, prefix, attribute, kind_).values()
        if attribute.part(PRIMARY):
            definition = Definition(
                f"{name}.{PRIMARY}", exact_case=False, written=_written(attribute, attribute)
            )
            yield Slot(definition.name, "primary", urn, attribute, definition)
    elif part_ := attribute.part(VALUE):
        yield Slot(name, "values", urn, attribute, _definition(name, attribute, part_, several=True), VALUE)


def typed_slots(urn: str, prefix: str, attribute: Attribute, kind: str) -> dict[str, Slot]:
    """The names of a value of one type, by their part; that of the value itself is under ""."""
    found = {}
    for part in parts(attribute):
        own = part.name.lower() == VALUE
        name = f"{prefix}{attribute.name}.{kind}" + ("" if own else f".{part.name}")
        definition = replace(_definition(name, attribute, part), required=False)
        key = "" if own else part.name.lower()
        found[key] = Slot(name, "typed", urn, attribute, definition, part.name, kind)
    return found


def parts(attribute: Attribute) -> Iterator[Attribute]:
    """The parts that have a flat name."""
    for part in attribute.parts:
        apart = ("$ref", TYPE, PRIMARY) if attribute.several else ("$ref",)
        if part.name.lower() not in apart and part.type != "complex":
            yield part


def refers(urn: str, attribute: Attribute) -> Kind | None:
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

"""What a client sends, checked against the schemas and spelled as they are (RFC 7643 section 2).

A value that is null or an empty list is no value. What is read-only is ignored.
"""

import re
from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.scim.answers import json_object, reject
from reconciler.sandbox.scim.schemas import Attribute, ResourceType
from reconciler.sandbox.scim.switches import Switches

_DATE_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_BINARY = re.compile(r"[A-Za-z0-9+/_\-\s]*={0,2}\s*")
_TEXTS = {"true": True, "false": False}


def resource(kind: ResourceType, body: object, switches: Switches) -> dict[str, Any]:
    """The values of a whole resource, as POST and PUT send it; refuses what does not fit its schemas."""
    fields = json_object(body)
    declared = _declared(kind, fields, switches)
    values: dict[str, Any] = {}
    for name, value in _once(fields, "the body"):
        extension = kind.extension(name)
        if extension is not None:
            if extension.urn.lower() not in declared:
                reject("invalidSyntax", f"{extension.urn} is not in `schemas`")
            found = complex_value(extension.by_name, value, extension.urn, switches)
            key = extension.urn
        elif (attribute := kind.by_name.get(name.lower())) is not None:
            key, found = attribute.name, taken(attribute, value, attribute.name, switches)
        else:
            unknown(name, switches)
            continue
        if found is not None and key != "schemas":
            values[key] = found
    return values


def check_required(kind: ResourceType, values: Mapping[str, Any]) -> None:
    """Refuse a resource that lacks what its schemas require."""
    missing = [
        name.name for name in kind.core.attributes if name.required and values.get(name.name) in (None, "")
    ]
    missing += [
        each.schema.urn for each in kind.extensions if each.required and each.schema.urn not in values
    ]
    for each in kind.extensions:
        part = values.get(each.schema.urn)
        if part is not None:
            missing += [
                name.name for name in each.schema.attributes if name.required and name.name not in part
            ]
    if missing:
        reject("invalidValue", f"{', '.join(missing)}: required")


def check_immutable(kind: ResourceType, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse to change what can be given once (RFC 7644 section 3.5.1)."""
    for urn, attributes in (
        (None, kind.core.attributes),
        *((s.urn, s.attributes) for s in kind.schemas.values()),
    ):
        had, has = (part.get(urn, {}) if urn else part for part in (before, after))
        for attribute in attributes:
            name = attribute.name
            if attribute.mutability == "immutable" and name in had and had[name] != has.get(name):
                reject("mutability", f"{name} cannot be changed")


def unknown(name: str, switches: Switches) -> None:
    """Meet a name that no schema defines."""
    if switches.unknown_attributes == "refused":
        reject("invalidSyntax", f"there is no attribute {name}")


def taken(attribute: Attribute, value: Any, where: str, switches: Switches) -> Any:
    """A value as it is kept, None where there is none."""
    if value is None or attribute.mutability == "readOnly":
        return None
    if not attribute.many:
        return _one(attribute, value, where, switches)
    if not isinstance(value, list):
        reject("invalidValue", f"{where}: must be a list")
    found = [_one(attribute, each, where, switches) for each in value if each is not None]
    found = [each for each in found if each is not None]
    check_primary(found, where)
    return found or None


def check_primary(values: list[Any], where: str) -> None:
    """Refuse several primary values (RFC 7643 section 2.4)."""
    if sum(1 for each in values if isinstance(each, dict) and each.get("primary") is True) > 1:
        reject("invalidValue", f"{where}: one value is primary at most")


def complex_value(
    subs: Mapping[str, Attribute], value: Any, where: str, switches: Switches
) -> dict[str, Any] | None:
    """The sub-attributes of one complex value, None where it has none."""
    found = {}
    for name, each in _once(json_object(value, where), where):
        sub = subs.get(name.lower())
        if name.lower() == "schemas" and ":" in where:
            continue  # Some clients send it in an extension, too.
        if sub is None:
            unknown(f"{where}.{name}", switches)
        elif (kept := taken(sub, each, f"{where}.{sub.name}", switches)) is not None:
            found[sub.name] = kept
    return found or None


def _one(attribute: Attribute, value: Any, where: str, switches: Switches) -> Any:
    if attribute.type != "complex":
        return simple(attribute, value, where, switches)
    found = complex_value(attribute.by_name, value, where, switches)
    if found is not None:
        for sub in attribute.subs:
            if sub.required and sub.name not in found:
                reject("invalidValue", f"{where}.{sub.name}: required")
    return found


def simple(attribute: Attribute, value: Any, where: str, switches: Switches) -> Any:
    """A value of a type that has no parts, refused where it is of another type."""
    if attribute.type == "boolean" and switches.takes_boolean_texts and isinstance(value, str):
        value = _TEXTS.get(value.lower(), value)
    if not _fits(attribute, value):
        reject("invalidValue", f"{where}: must be of type {attribute.type}")
    if switches.canonical_only and attribute.canonical and value not in attribute.canonical:
        reject("invalidValue", f"{where}: must be one of {', '.join(attribute.canonical)}")
    return value


def _fits(attribute: Attribute, value: Any) -> bool:
    match attribute.type:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "decimal":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "dateTime":
            return isinstance(value, str) and _DATE_TIME.fullmatch(value) is not None
        case "binary":
            return isinstance(value, str) and _BINARY.fullmatch(value) is not None
        case _:
            return isinstance(value, str)


def _declared(kind: ResourceType, fields: Mapping[str, Any], switches: Switches) -> set[str]:
    """The URNs in ``schemas``, in lower case."""
    urns = next((value for name, value in fields.items() if name.lower() == "schemas"), None)
    if not isinstance(urns, list) or not all(isinstance(urn, str) for urn in urns):
        reject("invalidSyntax", "schemas: a list of URNs is required")
    for urn in urns:
        if kind.schema(urn) is None:
            unknown(urn, switches)
    declared = {urn.lower() for urn in urns}
    if kind.core.urn.lower() not in declared:
        reject("invalidSyntax", f"schemas: {kind.core.urn} is required")
    return declared


def _once(fields: Mapping[str, Any], where: str) -> list[tuple[str, Any]]:
    """The fields, none of which stands twice in different case."""
    if len({name.lower() for name in fields}) < len(fields):
        reject("invalidSyntax", f"{where}: an attribute stands twice, in different case")
    return list(fields.items())

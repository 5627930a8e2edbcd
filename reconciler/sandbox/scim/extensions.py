"""Schemas that a seed adds, each by its URN.

An example::

urn:acme:params:scim:schemas:extension:badge:2.0:User:
  resource: User                       # or Group; the default is User
  required: false
  attributes:
    badge: {}                          # text, one value, readWrite
    level: {type: integer, required: true}
    tags: {multi_valued: true, case_exact: true}
    desk: {type: complex, sub_attributes: {floor: {type: integer}, room: {}}}
    hired: {type: dateTime, mutability: immutable, returned: request}
    buddy: {type: reference, reference_types: [User], canonical_values: []}
"""

from collections.abc import Mapping
from typing import Any, get_args

from reconciler.sandbox.scim.records import Name
from reconciler.sandbox.scim.schemas import TYPES, Attribute, Extension, Mutability, Returned, Schema
from reconciler.sandbox.seeding import flag, mapping, text

_KEYS = (
    "type",
    "multi_valued",
    "required",
    "case_exact",
    "mutability",
    "returned",
    "canonical_values",
    "reference_types",
    "sub_attributes",
)


def read_extension(urn: str, row: object) -> tuple[Name, Extension]:
    """An extension, and of what it is one; raises ValueError that names the key with the mistake."""
    where = f"extensions.{urn}"
    if not urn.lower().startswith("urn:"):
        message = f"{where}: a schema is named by a URN"
        raise ValueError(message)
    given = mapping(row, where, ("resource", "required", "attributes"))
    kind: Name = _one_of(given.get("resource", "User"), get_args(Name), f"{where}.resource")
    schema = Schema(
        urn, urn.rpartition(":")[0].split(":")[-1], _attributes(given.get("attributes", {}), where)
    )
    return kind, Extension(schema, flag(given.get("required", False), f"{where}.required"))


def _attributes(rows: object, where: str) -> tuple[Attribute, ...]:
    found = mapping(rows, f"{where}.attributes").items()
    return tuple(_attribute(name, row, f"{where}.{name}") for name, row in found)


def _attribute(name: str, row: object, where: str) -> Attribute:
    given = mapping(row, where, _KEYS)
    subs = _attributes(given.get("sub_attributes", {}), where)
    return Attribute(
        name,
        _one_of(given.get("type", "complex" if subs else "string"), TYPES, f"{where}.type"),
        many=flag(given.get("multi_valued", False), f"{where}.multi_valued"),
        required=flag(given.get("required", False), f"{where}.required"),
        case_exact=flag(given.get("case_exact", False), f"{where}.case_exact"),
        mutability=_one_of(given.get("mutability", "readWrite"), get_args(Mutability), f"{where}.mutability"),
        returned=_one_of(given.get("returned", "default"), get_args(Returned), f"{where}.returned"),
        canonical=_texts(given, "canonical_values", where),
        references=_texts(given, "reference_types", where),
        subs=subs,
    )


def _texts(given: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    values = given.get(name, [])
    if not isinstance(values, list):
        message = f"{where}.{name}: must be a list"
        raise ValueError(message)  # noqa: TRY004 (a mistake in a file, not a wrong call)
    return tuple(text(value, f"{where}.{name}") for value in values)


def _one_of(value: object, allowed: tuple[str, ...], where: str) -> Any:
    if value not in allowed:
        message = f"{where}: must be one of {', '.join(allowed)}"
        raise ValueError(message)
    return value

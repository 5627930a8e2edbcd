"""Whether a resource fulfils a filter, by the types of its attributes (RFC 7644 section 3.4.2.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import eq
from typing import Any

from reconciler.sandbox.scim.answers import reject
from reconciler.sandbox.scim.filters import (
    AttributePath,
    BadSyntax,
    Both,
    Compare,
    Either,
    Filter,
    Not,
    Some,
    parse_filter,
)
from reconciler.sandbox.scim.schemas import Attribute, ResourceType

Test = Callable[[Mapping[str, Any]], bool]
Case = Callable[[Attribute], bool]

_Relation = Callable[[Any, Any], bool]
_ORDERED: dict[str, _Relation] = {
    "gt": lambda has, wanted: bool(has > wanted),
    "ge": lambda has, wanted: bool(has >= wanted),
    "lt": lambda has, wanted: bool(has < wanted),
    "le": lambda has, wanted: bool(has <= wanted),
}
_PARTS: dict[str, _Relation] = {
    "co": lambda has, wanted: wanted in has,
    "sw": lambda has, wanted: bool(has.startswith(wanted)),
    "ew": lambda has, wanted: bool(has.endswith(wanted)),
}
_TYPES = {"boolean": (bool,), "integer": (int, float), "decimal": (int, float)}


@dataclass(frozen=True, slots=True)
class Located:
    """Where an attribute stands: in an extension where ``urn`` is one, and whose sub-attribute it may be."""

    urn: str
    attribute: Attribute
    sub: Attribute | None = None

    @property
    def leaf(self) -> Attribute:
        """What is compared."""
        return self.sub or self.attribute

    def values(self, row: Mapping[str, Any]) -> list[Any]:
        """Every value there."""
        found = as_list((row.get(self.urn, {}) if self.urn else row).get(self.attribute.name))
        if self.sub is None:
            return found
        return [each[self.sub.name] for each in found if self.sub.name in each]


Find = Callable[[AttributePath], Located | None]


def as_list(value: Any) -> list[Any]:
    """The values of an attribute, of which there may be none, one or several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def locate(kind: ResourceType, path: AttributePath) -> Located | None:
    """Where a resource of this kind has an attribute; None where it has none of the name."""
    schema = kind.schema(path.urn) if path.urn else None
    if path.urn and schema is None:
        return None
    attribute = kind.attribute(schema, path.name)
    if attribute is None:
        return None
    sub = attribute.sub(path.sub)
    if path.sub and sub is None:
        return None
    return Located(schema.urn if schema and schema is not kind.core else "", attribute, sub)


def filter_test(kind: ResourceType, text: str, exact: Case) -> Test:
    """What tells whether a resource, drawn in full, fulfils the filter; refuses a bad one."""
    try:
        tree = parse_filter(text)
    except BadSyntax as error:
        reject("invalidFilter", str(error))
    return compiled(tree, lambda path: locate(kind, path), exact)


def value_test(attribute: Attribute, tree: Filter, exact: Case) -> Test:
    """The same for one value of a multi-valued attribute; a simple one is ``{"value": it}``."""

    def find(path: AttributePath) -> Located | None:
        if path.urn or path.sub:
            return None
        simple = not attribute.subs and path.name.lower() == "value"
        sub = Attribute("value", attribute.type, case_exact=attribute.case_exact) if simple else None
        sub = sub or attribute.sub(path.name)
        return Located("", sub) if sub else None

    return compiled(tree, find, exact)


def as_value(value: Any) -> Mapping[str, Any]:
    """One value of a multi-valued attribute, as a filter in brackets sees it."""
    return value if isinstance(value, dict) else {"value": value}


def compiled(tree: Filter, find: Find, exact: Case) -> Test:
    """The test that a filter is."""
    match tree:
        case Both(parts):
            every = [compiled(part, find, exact) for part in parts]
            return lambda row: all(test(row) for test in every)
        case Either(parts):
            every = [compiled(part, find, exact) for part in parts]
            return lambda row: any(test(row) for test in every)
        case Not(inner):
            test = compiled(inner, find, exact)
            return lambda row: not test(row)
        case Some(path, inner):
            located = _found(path, find)
            test = value_test(located.attribute, inner, exact)
            return lambda row: any(test(as_value(value)) for value in located.values(row))
        case Compare():
            return _comparison(tree, _found(tree.path, find), exact)


def _found(path: AttributePath, find: Find) -> Located:
    located = find(path)
    if located is None:
        reject("invalidFilter", f"there is no attribute {path.name}{path.sub and '.'}{path.sub}")
    if located.leaf.returned == "never":
        reject("invalidFilter", f"{path.name} cannot be filtered by")
    return located


def _comparison(tree: Compare, located: Located, exact: Case) -> Test:
    operator, wanted = tree.operator, tree.value
    if operator == "pr" or wanted is None:
        return _presence(operator, located)
    if located.leaf.type == "complex":
        value = located.attribute.sub("value") if located.sub is None else None
        if value is None:
            reject("invalidFilter", f"{located.attribute.name} is complex: name one of its parts")
        located = Located(located.urn, located.attribute, value)
    one = _one(operator, located.leaf, wanted, exact)
    if operator == "ne":
        return lambda row: not any(one(has) for has in located.values(row))
    return lambda row: any(one(has) for has in located.values(row))


def _presence(operator: str, located: Located) -> Test:
    """``pr``, and comparisons with null, which is the same as absent (RFC 7643 section 2.5)."""
    if operator not in ("pr", "eq", "ne"):
        reject("invalidFilter", f"null cannot be compared by {operator}")
    return lambda row: any(has not in ("", [], {}) for has in located.values(row)) == (operator != "eq")


def _one(operator: str, attribute: Attribute, wanted: Any, exact: Case) -> Callable[[Any], bool]:
    """The comparison of one value."""
    kinds = _TYPES.get(attribute.type, (str,))
    fits = isinstance(wanted, kinds) and (bool in kinds or not isinstance(wanted, bool))
    ordered = attribute.type not in ("boolean", "binary")
    if not fits or (operator in _ORDERED and not ordered) or (operator in _PARTS and str not in kinds):
        reject("invalidFilter", f"{attribute.name} cannot be compared with that by {operator}")
    key = comparable(attribute, exact, whole=operator not in _PARTS)
    compare: _Relation = (_ORDERED | _PARTS).get(operator, eq)
    goal = key(wanted)
    return lambda has: compare(key(has), goal)


def comparable(attribute: Attribute, exact: Case, *, whole: bool = True) -> Callable[[Any], Any]:
    """What makes of a value what is compared; a part of a dateTime is text."""
    if attribute.type == "dateTime" and whole:
        return _moment
    if attribute.type in ("string", "reference") and not exact(attribute):
        return lambda value: str(value).casefold()
    return lambda value: value


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        reject("invalidFilter", f"{value!r} is no dateTime")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

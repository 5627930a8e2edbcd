"""The attributes of users as a SCIM server describes them (RFC 7643, 7), or as the RFC itself does.

What a server says here is data from outside: what is no attribute is left out, and there is an end to it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_NAME: Final = re.compile(r"\$?[A-Za-z][A-Za-z0-9_$-]{0,99}")
_URN: Final = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9:._~-]{1,199}", re.IGNORECASE)
_MOST: Final = 1000
"""Attributes in a schema, parts of an attribute, or schemas; no server that is known has a tenth of it."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute, or one part of a complex one. The defaults are those of RFC 7643, 2.2.

    ``refers`` are the types of resources that it may point to, ``values`` the canonical ones.
    """

    name: str
    type: str = "string"
    several: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    required: bool = False
    exact_case: bool = False
    values: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()
    parts: tuple["Attribute", ...] = ()

    def part(self, name: str) -> "Attribute | None":
        """One part of a complex attribute, by its name in any case."""
        return next((part for part in self.parts if part.name.lower() == name.lower()), None)

    @property
    def shown(self) -> bool:
        """Whether answers show its value without being asked for it."""
        return self.returned.lower() not in ("never", "request") and self.mutability.lower() != "writeonly"

    @property
    def lost(self) -> tuple[str, ...]:
        """What a client can write of it and no answer shows: its own name, or those of its parts."""
        if self.mutability.lower() == "readonly":
            return ()
        if not self.shown:
            return (self.name,)
        return tuple(f"{self.name}.{name}" for part in self.parts for name in part.lost)


def is_urn(text: object) -> bool:
    """Whether this can be the name of a schema."""
    return isinstance(text, str) and _URN.fullmatch(text) is not None


def schemas(body: object) -> dict[str, tuple[Attribute, ...]]:
    """The attributes of each schema in the answer to /Schemas, by its URN; empty where it holds none.

    They come as a list, as a SCIM list of them, or as an object by URN (seen at one vendor).
    """
    found = {}
    for row in islice(rows(body), _MOST):
        if isinstance(row, Mapping) and is_urn(row.get("id")):
            found[str(row["id"])] = tuple(_attributes(row.get("attributes")))
    return found


def rows(body: object) -> Iterator[object]:
    """The items of a list, in any of its shapes."""
    if isinstance(body, Mapping):
        inner = next((body[key] for key in ("Resources", "resources") if key in body), None)
        body = inner if inner is not None else list(body.values())
    yield from body if isinstance(body, list) else ()


def _attributes(data: object, *, deep: bool = True) -> Iterator[Attribute]:
    seen = set()
    for row in (data if isinstance(data, list) else [])[:_MOST]:
        name = row.get("name") if isinstance(row, Mapping) else None
        if isinstance(name, str) and _NAME.fullmatch(name) and name.lower() not in seen:
            seen.add(name.lower())
            yield _attribute(name, row, deep=deep)


def _attribute(name: str, row: Mapping[str, Any], *, deep: bool) -> Attribute:
    parts = tuple(_attributes(row.get("subAttributes"), deep=False)) if deep else ()
    return Attribute(
        name=name,
        type=_text(row, "type", "complex" if parts else "string"),
        several=row.get("multiValued") is True,
        mutability=_text(row, "mutability", "readWrite"),
        returned=_text(row, "returned", "default"),
        required=row.get("required") is True,
        exact_case=row.get("caseExact") is True,
        values=_texts(row.get("canonicalValues")),
        refers=_texts(row.get("referenceTypes")),
        parts=parts,
    )


def _text(row: Mapping[str, Any], key: str, otherwise: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else otherwise


def _texts(data: object) -> tuple[str, ...]:
    return tuple(item for item in data if isinstance(item, str))[:_MOST] if isinstance(data, list) else ()


def _plain(*names: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name) for name in names)


def _typed(name: str, *types: str, of: tuple[str, ...] = ("value", "display")) -> Attribute:
    parts = (*_plain(*of), Attribute("type", values=types), Attribute("primary", "boolean"))
    return Attribute(name, "complex", several=True, parts=parts)


_PLACES = ("formatted", "streetAddress", "locality", "region", "postalCode", "country")
_NAMES = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
_MANAGER = (
    Attribute("value"),
    Attribute("$ref", "reference", refers=("User",)),
    Attribute("displayName", mutability="readOnly"),
)

RFC: Final[Mapping[str, tuple[Attribute, ...]]] = {
    CORE: (
        Attribute("name", "complex", parts=_plain(*_NAMES)),
        *_plain("nickName", "title", "userType", "preferredLanguage", "locale", "timezone"),
        Attribute("profileUrl", "reference", refers=("external",)),
        _typed("emails", "work", "home", "other"),
        _typed("phoneNumbers", "work", "home", "mobile", "fax", "pager", "other"),
        _typed("ims", "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        _typed("photos", "photo", "thumbnail"),
        _typed("addresses", "work", "home", "other", of=_PLACES),
        _typed("entitlements"),
        _typed("roles"),
        Attribute("active", "boolean"),
    ),
    ENTERPRISE: (
        *_plain("employeeNumber", "costCenter", "organization", "division", "department"),
        Attribute("manager", "complex", parts=_MANAGER),
    ),
}
"""What stands in for a server that does not describe itself (RFC 7643, 4.1 and 4.3)."""

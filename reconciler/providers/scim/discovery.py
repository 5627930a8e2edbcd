"""What a server says of itself (RFC 7643, 5 to 7; RFC 7644, 4): what it can do, and what users have.

It may say nothing, and then the RFC's own holds. What it says is data: an endpoint is a plain path, and
a number has a limit.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.providers.scim.codec import refusal
from reconciler.providers.scim.dialect import Dialect
from reconciler.providers.scim.names import Shape, shape_of
from reconciler.providers.scim.schema import CORE, ENTERPRISE, GROUP, RFC, Attribute, is_urn, rows, schemas
from reconciler.transport.messages import Reader

CONFIG: Final = "/ServiceProviderConfig"
TYPES: Final = "/ResourceTypes"
SCHEMAS: Final = "/Schemas"

_ABSENT: Final = (400, 404, 405, 406, 410, 501)
_CORES: Final = "urn:ietf:params:scim:schemas:core:2.0:"
_MOST_ROWS: Final = 1000
_PAGE: Final = 100
_SEGMENT: Final = re.compile(r"(?!\.+$)[A-Za-z0-9._~-]{1,80}")
BASE: Final = Dialect(
    name="SCIM",
    users=("Users",),
    groups=("Groups",),
    attributes="",
    page=_PAGE,
    personal_key="",
    key_hint="",
    lists_carry_attributes=True,
    totals="unknown",
    silence_is_empty=True,
)


@dataclass(frozen=True, slots=True)
class Discovery:
    """A server as it describes itself. ``told`` are the paths at which it says anything."""

    dialect: Dialect
    shape: Shape
    told: tuple[str, ...] = ()


def discover(reader: Reader, extensions: Mapping[str, str]) -> Discovery:
    """Ask a server what it is; raises as a read does, but not where it does not say."""
    answers = {path: body for path in (CONFIG, TYPES, SCHEMAS) if (body := _asked(reader, path)) is not None}
    described = schemas(answers.get(SCHEMAS))
    types = [row for row in rows(answers.get(TYPES)) if isinstance(row, Mapping)]
    user, group = _type(types, CORE, "User"), _type(types, GROUP, "Group")
    shape = shape_of(_of_users(described, user), extensions)
    dialect = replace(
        BASE,
        users=_endpoint(user, "Users"),
        groups=_endpoint(group, "Groups"),
        shape=shape,
        unshown={
            "user": tuple(_unshown(described, CORE, types, shape)),
            "group": tuple(_unshown(described, GROUP, types, shape)),
        },
    )
    return Discovery(_able(dialect, answers.get(CONFIG)), shape, tuple(answers))


def _asked(reader: Reader, path: str) -> object:
    """The answer at a path of discovery; None where there is none (never with a filter: RFC 7644, 4)."""
    response = reader.get(path)
    if response.status in _ABSENT or (response.ok and response.json is None):
        return None
    if not response.ok:
        raise refusal("GET", path, response, BASE)
    return response.json


def _able(dialect: Dialect, body: object) -> Dialect:
    """The dialect with what a ServiceProviderConfig says; what it does not say is as the RFC has it."""
    config = body if isinstance(body, Mapping) else {}
    paging = _block(config, "pagination")
    most = _number(paging.get("maxPageSize")) or _number(_block(config, "filter").get("maxResults")) or _PAGE
    return replace(
        dialect,
        page=min(most, _MOST_ROWS),
        patches=_block(config, "patch").get("supported") is not False,
        filters=_block(config, "filter").get("supported") is not False,
        versions=_block(config, "etag").get("supported") is True,
        cursors=paging.get("cursor") is True and paging.get("index") is False,
        together=_together(_block(config, "bulk")),
        together_bytes=_number(_block(config, "bulk").get("maxPayloadSize")),
    )


def _together(bulk: Mapping[str, Any]) -> int | None:
    """How many operations a request may hold; None where the server does not say whether it may."""
    if bulk.get("supported") is True:
        return min(_number(bulk.get("maxOperations")) or _MOST_ROWS, _MOST_ROWS)
    return 0 if bulk.get("supported") is False else None


def _block(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = next((value for key, value in config.items() if key.lower() == name), None)
    return found if isinstance(found, Mapping) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _type(types: list[Mapping[str, Any]], urn: str, name: str) -> Mapping[str, Any]:
    """The resource type of this schema, or else of this name; empty where there is none."""
    by_urn = (row for row in types if str(row.get("schema")).lower() == urn.lower())
    by_name = (row for row in types if name in (row.get("id"), row.get("name")))
    return next(by_urn, None) or next(by_name, None) or {}


def _endpoint(kind: Mapping[str, Any], otherwise: str) -> tuple[str, ...]:
    """The path of a type of resources, in segments; the usual one where what is said is no plain path."""
    path = kind.get("endpoint")
    segments = tuple(path.removeprefix("/").split("/")) if isinstance(path, str) else ()
    return segments if segments and all(map(_SEGMENT.fullmatch, segments)) else (otherwise,)


def _unshown(
    described: Mapping[str, tuple[Attribute, ...]], core: str, types: list[Mapping[str, Any]], shape: Shape
) -> Iterator[str]:
    """What can be written of one type of resources and is not shown, but for the password, which stays.

    A schema that no other type has may be one of its extensions, whether it names that or not.
    """
    others = {urn for row in types if not _is(row, core) for urn in _schemas_of(row)}
    own = {urn for row in types if _is(row, core) for urn in _schemas_of(row)} | {core.lower()}
    for urn, attributes in described.items():
        if urn.lower() in own or not (urn.lower() in others or urn.lower().startswith(_CORES)):
            prefix = "" if urn.lower() == core.lower() else shape.prefixes.get(urn, f"{urn}:")
            lost = (name for each in attributes for name in each.lost)
            yield from sorted(prefix + name for name in lost if (prefix + name).lower() != "password")


def _is(row: Mapping[str, Any], core: str) -> bool:
    return str(row.get("schema")).lower() == core.lower()


def _schemas_of(row: Mapping[str, Any]) -> set[str]:
    return {str(each.get("schema")).lower() for each in (row, *_extensions(row))}


def _extensions(kind: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The extensions that a type of resources names."""
    return [row for row in rows(kind.get("schemaExtensions")) if isinstance(row, Mapping)]


def _of_users(
    described: Mapping[str, tuple[Attribute, ...]], user: Mapping[str, Any]
) -> dict[str, tuple[Attribute, ...]]:
    """The schemas of users: the core, and the extensions that the type names, or else all that may be one."""
    known = {urn.lower(): urn for urn in described}
    listed = [row.get("schema") for row in _extensions(user)]
    if not user and not described:
        listed = [ENTERPRISE]
    elif not user:
        listed = [urn for urn in described if ":extension:" in urn.lower() and not urn.endswith(":Group")]
    found = {CORE: described.get(known.get(CORE.lower(), ""), RFC[CORE])}
    for urn in listed:
        if is_urn(urn):
            spelled = known.get(str(urn).lower(), str(urn))
            found[spelled] = described.get(spelled, RFC.get(spelled, ()))
    return found

"""The envelope of a bulk request: its operations, and which of them need what others create."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, cast

from reconciler.sandbox.scim.answers import Refusal, Row, json_object, reject
from reconciler.sandbox.scim.switches import Switches
from reconciler.transport.messages import Method, Request

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_REFERENCE = "bulkId:"


@dataclass(frozen=True, slots=True)
class Part:
    """One operation. ``wants`` are the bulkIds in its data that this directory resolves."""

    number: int
    method: Method
    path: str
    bulk_id: str = ""
    version: str | None = None
    data: Any = None
    wants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Job:
    """A bulk request; ``fail_on_errors`` is 0 where it goes on past errors."""

    parts: tuple[Part, ...]
    fail_on_errors: int


def job(request: Request, switches: Switches) -> Job:
    """The operations in the order in which they are taken; refuses a body that is no bulk request."""
    _check_size(request, switches)
    fields = json_object(request.json)
    schemas = fields.get("schemas")
    if not isinstance(schemas, list) or BULK_REQUEST.lower() not in [str(urn).lower() for urn in schemas]:
        reject("invalidSyntax", f"schemas: {BULK_REQUEST} is required")
    errors = fields.get("failOnErrors", 0)
    if not isinstance(errors, int) or isinstance(errors, bool) or ("failOnErrors" in fields and errors < 1):
        reject("invalidValue", "failOnErrors: must be a whole number from 1")
    rows = _rows(fields, switches)
    parts = [_part(number, json_object(row, "an operation")) for number, row in enumerate(rows)]
    _check_bulk_ids(parts)
    if switches.bulk_users_first:
        parts.sort(key=lambda part: not part.path.startswith("/Users"))
    return Job(tuple(_wanting(parts, switches)), errors)


def filled(value: Any, known: Mapping[str, str | None]) -> Any:
    """The data with ids for references; what stands for None is left out, what is not known stays."""
    if isinstance(value, list):
        return [filled(each, known) for each in value if not _left_out(each, known)]
    if not isinstance(value, dict):
        return value
    kept = {name: each for name, each in value.items() if not _left_out(each, known)}
    return {
        name: known[named] if (named := _named(name, each)) in known else filled(each, known)
        for name, each in kept.items()
    }


def filled_once(data: Any, known: Mapping[str, str | None]) -> Any:
    """A PATCH in which the first operation with references alone gets ids for them."""
    rows = data.get("Operations") if isinstance(data, dict) else None
    first = next((row for row in rows if any(_references(row))), None) if isinstance(rows, list) else None
    if first is None or not isinstance(rows, list):
        return data
    return {**data, "Operations": [filled(row, known) if row is first else row for row in rows]}


def _left_out(value: Any, known: Mapping[str, str | None]) -> bool:
    """Whether this is a complex value that is a reference to what stands for None."""
    return isinstance(value, dict) and any(
        known.get(_named(name, each), "") is None for name, each in value.items()
    )


def _named(name: str, value: Any) -> str:
    """The bulkId that an attribute refers to; empty where it refers to none."""
    is_one = name.lower() == "value" and isinstance(value, str) and value.startswith(_REFERENCE)
    return value.removeprefix(_REFERENCE) if is_one else ""


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from ([named] if (named := _named(name, each)) else _references(each))


def _wanting(parts: list[Part], switches: Switches) -> Iterator[Part]:
    """The operations with what each of them waits for."""
    users = {part.bulk_id for part in parts if part.method == "POST" and part.path.startswith("/Users")}
    for part in parts:
        wants = frozenset(_references(part.data))
        match switches.bulk_references:
            case "literal":
                wants = frozenset()
            case "users":
                wants = wants & users if part.path.startswith("/Groups") else frozenset()
        yield replace(part, wants=wants)


def _check_size(request: Request, switches: Switches) -> None:
    said = next((value for name, value in request.headers.items() if name.lower() == "content-length"), "")
    size = int(said) if said.isdecimal() else len(json.dumps(request.json, separators=(",", ":")).encode())
    if size > switches.bulk_max_payload:
        limit = switches.bulk_max_payload
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{size} bytes exceed the maxPayloadSize ({limit})"
        )


def _rows(fields: Row, switches: Switches) -> list[Any]:
    key = switches.bulk_request_key
    rows = next((fields[name] for name in ("Operations", "operations") if name in fields), None)
    wrong = key != "either" and key not in fields
    if wrong or not isinstance(rows, list) or not rows:
        name = "Operations" if key == "either" else key
        reject("invalidSyntax", f"{name}: a list with at least one is required")
    if len(rows) > switches.bulk_max_operations:
        limit = switches.bulk_max_operations
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{len(rows)} operations exceed the maxOperations ({limit})"
        )
    return rows


def _part(number: int, row: Row) -> Part:
    method, path, version = row.get("method"), row.get("path"), row.get("version")
    bulk_id = row.get("bulkId", "")
    if method not in _METHODS:
        reject("invalidSyntax", f"method: {method!r} is none of {', '.join(_METHODS)}")
    if not isinstance(path, str) or not path.startswith("/"):
        reject("invalidSyntax", "path: a path from the root of the API is required, such as /Users")
    if not isinstance(bulk_id, str) or not (version is None or isinstance(version, str)):
        reject("invalidValue", "bulkId and version: must be text")
    return Part(number, cast("Method", method), path, bulk_id, version, row.get("data"))


def _check_bulk_ids(parts: list[Part]) -> None:
    if any(part.method == "POST" and not part.bulk_id for part in parts):
        reject("invalidValue", "bulkId: required for POST")
    given = [part.bulk_id for part in parts if part.bulk_id]
    if len(set(given)) < len(given):
        reject("invalidValue", "bulkId: one stands twice")

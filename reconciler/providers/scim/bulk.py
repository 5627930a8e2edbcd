"""Several writes in one request, where the server takes them so (RFC 7644, 3.7), and a verdict on each.

Nothing in such a request refers to another part of it. What a server does not clearly say of a part is
unsure, and is read. It is never told to stop at a failure: not every server that is told so does.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal
from urllib.parse import quote, unquote

from reconciler.model import LiveState
from reconciler.operations import Operation, Rewritten, Together, is_id, resolve
from reconciler.providers.base import Answer, Part, Verdict
from reconciler.providers.scim.codec import refusal
from reconciler.providers.scim.dialect import Dialect
from reconciler.providers.scim.translate import receive
from reconciler.transport.messages import Request, Response

Wanted = Literal["auto", "never"] | Mapping[str, int]
"""What target.yaml says: as the server announces it, never, or so many operations at most."""

_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_PATH: Final = "Bulk"
_MOST: Final = 100
_BYTES: Final = 1_000_000
_ENVELOPE: Final = 200
"""Bytes around the operations, and around each: the version of an object, and some to spare."""
_ID: Final = 64
_REFERENCE: Final = "bulkid:"
_CODE: Final = re.compile(r"\s*([1-5][0-9]{2})(?![0-9])")
_WHOLE: Final[Mapping[int, Verdict]] = {202: "pending", 401: "credential", 408: "unsure", 429: "busy"}
_SERVER, _NEVER = 500, 501


def limited(dialect: Dialect, wanted: Wanted) -> Dialect:
    """The dialect, with as many operations in a request as are wanted and can be."""
    said = dialect.together
    if isinstance(wanted, Mapping):
        most = wanted["size"] if said is None else min(wanted["size"], said)
    else:
        most = min(said or 0, _MOST) if wanted == "auto" else 0
    return replace(dialect, together=most)


def together(operations: Iterable[Operation], dialect: Dialect, live: LiveState) -> list[Operation]:
    """The operations, in their order and in as few requests as the server allows."""
    most, room = dialect.together or 0, min(dialect.together_bytes or _BYTES, _BYTES) - _ENVELOPE
    ids = [one.id for one in live.objects]
    if most < 2 or any(_REFERENCE in each.lower() for each in ids):  # noqa: PLR2004 (one is sent by itself)
        return list(operations)
    longest = max([_ID, *(max(len(quote(each, safe="")), len(json.dumps(each))) for each in ids)])
    chunks: list[list[Operation]] = []
    left: float = 0
    for operation in operations:
        size = _size(operation, longest)
        fits = size <= room
        if not chunks or not fits or size > left or len(chunks[-1]) == most:
            chunks.append([])
            left = room
        chunks[-1].append(operation)
        left = left - size if fits else 0
    return [_in_one(chunk) if len(chunk) > 1 else chunk[0] for chunk in chunks]


def _size(operation: Operation, longest: int) -> float:
    """How many bytes it takes among others, with ids of this length; no end where it must be alone."""
    first = operation.covers[0]
    plain = first.id is None or quote(first.id, safe="") == first.id
    # Of a name that two groups may have, a request that is under way when it is sent again makes two.
    twice = operation.method == "POST" and first.address.kind == "group"
    if isinstance(operation.body, Rewritten) or twice or not plain:
        return float("inf")
    row = json.dumps(_row("", resolve(operation, defaultdict(lambda: "-" * longest))))
    # A server takes a text that begins so for the id of what another part makes.
    return float("inf") if _REFERENCE in row.lower() else len(row) + _ENVELOPE


def _in_one(operations: Sequence[Operation]) -> Operation:
    covers = tuple(atom for each in operations for atom in each.covers)
    summary = f"{operations[0].summary} and {len(operations) - 1} more in one request"
    return Operation(covers, "POST", (_PATH,), Together(tuple(operations), _request), summary)


def _request(requests: Sequence[Request]) -> object:
    rows = [_row(str(number), each) for number, each in enumerate(requests, 1)]
    return {"schemas": [_SCHEMA], "Operations": rows}


def _row(number: str, request: Request) -> dict[str, object]:
    row: dict[str, object] = {"method": request.method, "bulkId": number, "path": request.path}
    if version := request.headers.get("If-Match"):
        row["version"] = version
    return row if request.json is None else {**row, "data": request.json}


def understood(
    operation: Operation, operations: Sequence[Operation], response: Response, dialect: Dialect
) -> Answer:
    """The answer to a request with these operations, with a part for each of which it speaks."""
    rows = _field(response.json, "Operations")
    if not response.ok:
        message = str(refusal("POST", f"/{_PATH}", response, dialect))
        late: Verdict = "unsure" if response.status >= _SERVER and response.status != _NEVER else "refused"
        verdict = _WHOLE.get(response.status, late)
        # What is answered in parts has taken place in part, whatever the status of the whole.
        return Answer("unsure" if rows and verdict == "refused" else verdict, message=message)
    if not isinstance(rows, list):
        verdict = _WHOLE.get(response.status, "unsure")
        return Answer(verdict, message=f"{operation.summary}: the answer says nothing of each")
    parts = (
        _part(each, row, dialect)
        for number, each in enumerate(operations, 1)
        if (row := _answer_to(each, str(number), rows)) is not None
    )
    silent = f"{operation.summary}: the answer does not say what became of it"
    # Whoever saw no operation at all looked for them elsewhere.
    return Answer("unsure" if rows else "refused", message=silent, parts=tuple(parts))


def _answer_to(operation: Operation, number: str, rows: Sequence[object]) -> Mapping[str, Any] | None:
    """The one row that is about an operation; None where there is none, or more than one."""
    mine = [row for row in rows if isinstance(row, Mapping) and _is_about(row, operation, number)]
    return mine[0] if len(mine) == 1 else None


def _is_about(row: Mapping[str, Any], operation: Operation, number: str) -> bool:
    """Whether a row has the number of an operation, or else its method and the address of its object."""
    method, named = _field(row, "method"), _field(row, "bulkId")
    if method is not None and str(method).upper() != operation.method:
        return False
    if named is not None:
        return str(named) == number
    live_id = operation.covers[0].id
    return method is not None and live_id is not None and _located(row, operation) == live_id


def _part(operation: Operation, row: Mapping[str, Any], dialect: Dialect) -> Part:
    status = _status(_field(row, "status"))
    if status is None:
        message = f"{operation.summary}: the answer has no status for it"
        return Part(operation.covers, "unsure", message=message)
    answer = receive(operation, _alone(operation, status, row), dialect)
    # The credential was good for the request, so what is forbidden is forbidden for this one.
    verdict = "refused" if answer.verdict == "credential" else answer.verdict
    return Part(operation.covers, verdict, answer.ids, answer.message, answer.version)


def _alone(operation: Operation, status: int, row: Mapping[str, Any]) -> Response:
    """The answer to one operation, as it would be by itself; without an id where two are told."""
    body, version = _body(_field(row, "response")), _field(row, "version")
    headers = {"etag": version} if isinstance(version, str) else {}
    if operation.method == "POST" and status < 300:  # noqa: PLR2004 (the HTTP success range)
        told = body.get("id") if isinstance(body, Mapping) else None
        ids = {each for each in (told, _located(row, operation)) if is_id(each)}
        body = {"id": ids.pop()} if len(ids) == 1 else None
    return Response(status, headers, body, body if isinstance(body, str) else "")


def _body(said: object) -> object:
    """What is said of a part: an object, or the text of one."""
    if not isinstance(said, str):
        return said
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return said


def _status(said: object) -> int | None:
    """A status as text, as a number, or in an object."""
    if isinstance(said, Mapping):
        return next(filter(None, (_status(each) for each in _codes(said))), None)
    found = None if isinstance(said, bool) else _CODE.match(str(said))
    return int(found[1]) if found else None


def _codes(said: Mapping[str, Any]) -> Iterator[object]:
    for name in ("code", "status"):
        value = _field(said, name)
        if isinstance(value, str | int):
            yield value


def _located(row: Mapping[str, Any], operation: Operation) -> str | None:
    """The id at the end of the address of what a row is about; None where it leads elsewhere."""
    address = _field(row, "location")
    collection = operation.path if operation.method == "POST" else operation.path[:-1]
    *_, where, last = ["", *address.rstrip("/").split("/")] if isinstance(address, str) else ["", ""]
    return unquote(last) if where and where == collection[-1] else None


def _field(row: object, name: str) -> Any:
    """What a row has under a name, whose case is nobody's (RFC 7643, 2.1)."""
    held = row.items() if isinstance(row, Mapping) else ()
    return next((value for key, value in held if str(key).lower() == name.lower()), None)

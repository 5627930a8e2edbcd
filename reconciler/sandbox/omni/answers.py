"""The answers that a pretend Omni gives: bodies, refusals, lists with pages and filters."""

import json
import re
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Literal, NoReturn, TypeVar

from reconciler.transport.messages import Request, Response

Row = dict[str, object]
T = TypeVar("T")

LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

_JSON = {"content-type": "application/json; charset=utf-8"}
_FILTER = re.compile(r'\s*(\w+)\s+(eq|co)\s+("(?:[^"\\]|\\.)*")\s*', re.IGNORECASE)
_DEFAULT_COUNT = 100


class Refusal(Exception):
    """A request that is refused: the status, and the words of the body."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


def reject(where: str, what: str = "Required") -> NoReturn:
    """Refuse a body or query that is not valid."""
    raise Refusal(HTTPStatus.BAD_REQUEST, f"Bad Request: {where}: {what}")


def answer(body: object, status: int = HTTPStatus.OK) -> Response:
    """An answer with a JSON body."""
    return Response(status, dict(_JSON), body)


def no_content() -> Response:
    """What a delete is answered with."""
    return Response(HTTPStatus.NO_CONTENT)


def refused(refusal: Refusal, shape: Literal["detail", "message", "error"] = "detail") -> Response:
    """A refusal as an answer, in one of the shapes that Omni's documentation shows."""
    bodies: dict[str, Row] = {
        "detail": {"detail": refusal.detail, "status": refusal.status},
        "message": {"error": HTTPStatus(refusal.status).name.lower(), "message": refusal.detail},
        "error": {"error": refusal.detail},
    }
    return answer(bodies[shape], refusal.status)


def json_object(value: object, where: str = "body") -> Row:
    """The value, where it is a JSON object; refuses anything else."""
    if not isinstance(value, dict):
        reject(where, "Expected object" if value is not None else "Required")
    return value


def text(value: object, where: str) -> str:
    """The value, where it is text and not empty; refuses anything else."""
    if value is None or value == "":
        reject(where)
    if not isinstance(value, str):
        reject(where, "Expected string")
    return value


def page(request: Request, rows: Sequence[T], draw: Callable[[T], Row], cap: int) -> Response:
    """One page of the rows, from ``startIndex`` (from 1) and no longer than ``count`` or the cap.

    A page past the end is empty, with status 200.
    """
    start = max(_number(request, "startIndex", 1), 1)
    count = min(_number(request, "count", _DEFAULT_COUNT), cap)
    resources = [draw(row) for row in rows[start - 1 : start - 1 + max(count, 0)]]
    return answer(
        {
            "schemas": [LIST_RESPONSE],
            "totalResults": len(rows),
            "startIndex": start,
            "itemsPerPage": len(resources),
            "Resources": resources,
        }
    )


def _number(request: Request, name: str, default: int) -> int:
    digits = request.query.get(name, str(default))
    if not re.fullmatch(r"-?[0-9]{1,9}", digits):
        reject(name, "Expected number")
    return int(digits)


def filter_of(request: Request, *names: str) -> tuple[str, str, str] | None:
    """The filter as name, operator and value, None without one; refuses all but eq and co on ``names``."""
    expression = request.query.get("filter")
    if expression is None:
        return None
    match = _FILTER.fullmatch(expression)
    by_lower_case = {name.lower(): name for name in names}
    if match is None or match[1].lower() not in by_lower_case:
        reject("filter", f"Unsupported filter; use {' or '.join(names)} with eq or co")
    try:
        value: str = json.loads(match[3])
    except ValueError:
        reject("filter", "Malformed value")
    return by_lower_case[match[1].lower()], match[2].lower(), value

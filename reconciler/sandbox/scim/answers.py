"""The answers that a pretend directory gives: bodies, refusals, lists."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NoReturn

from reconciler.transport.messages import Response

Row = dict[str, object]

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

_MEDIA = {"content-type": "application/scim+json; charset=utf-8"}


class Refusal(Exception):
    """A request that is refused: the status, and what RFC 7644 section 3.12 has in the body."""

    def __init__(self, status: int, detail: str, scim_type: str = "", headers: Row | None = None) -> None:
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        self.headers = {name: str(value) for name, value in (headers or {}).items()}
        super().__init__(detail)


def reject(scim_type: str, detail: str) -> NoReturn:
    """Refuse what is not valid, with 400."""
    raise Refusal(HTTPStatus.BAD_REQUEST, detail, scim_type)


def answer(body: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(status, {**_MEDIA, **(headers or {})}, body)


def no_content(status: int = HTTPStatus.NO_CONTENT) -> Response:
    """An answer without a body."""
    return Response(status)


def refused(refusal: Refusal) -> Response:
    """A refusal as an answer."""
    body: Row = {"schemas": [ERROR], "status": str(refusal.status), "detail": refusal.detail}
    if refusal.scim_type:
        body["scimType"] = refusal.scim_type
    return answer(body, refusal.status, refusal.headers)


def json_object(value: object, where: str = "the body") -> Row:
    """The value, where it is a JSON object; refuses anything else."""
    if not isinstance(value, dict):
        reject("invalidSyntax", f"{where} must be an object")
    return value

"""A bulk endpoint (RFC 7644, 3.7) before any directory, with manners of its own."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import NoAnswer
from reconciler.transport.messages import Request, Response, Transport

BULK = "/Bulk"
Rows = list[dict[str, Any]]


@dataclass
class InBulk:
    """A directory that takes many writes in one request.

    ``status`` and ``response`` say in which form a part is answered, ``named`` whether by its number.
    ``lost_after`` loses the answer once so many parts were done; ``most`` is how many bytes a body may have
    before it is refused, whatever is announced. ``silent_on`` are parts that the answer leaves out.
    """

    inner: Transport
    announced: Mapping[str, object] = field(default_factory=lambda: {"supported": True})
    status: str = "text"
    response: str = "object"
    operations: str = "Operations"
    named: bool = True
    lost_after: int | None = None
    most: int = 0
    refuses: int = 0
    silent_on: frozenset[str] = frozenset()
    says: dict[str, Response] = field(default_factory=dict)
    """What is answered to a part instead of doing it, by its path or the name of whom it makes."""
    before_part: Callable[[], object] = lambda: None
    sizes: list[int] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        """Answer one request."""
        if request.method != "GET":
            self.sent.append(request)
        if request.path == "/ServiceProviderConfig":
            response = self.inner.send(request)
            body: Any = response.json
            return Response(response.status, response.headers, {**body, "bulk": self.announced})
        return self._all(request) if request.path == BULK else self.inner.send(request)

    def _all(self, request: Request) -> Response:
        body: Any = request.json
        assert body.keys() == {"schemas", "Operations"}
        assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]
        size = len(json.dumps(body))
        if self.refuses or (self.most and size > self.most):
            return Response(self.refuses or 413, {}, {"status": "413", "detail": "too much"})
        self.sizes.append(size)
        rows: Rows = []
        for number, row in enumerate(body["Operations"]):
            self.before_part()
            if number == self.lost_after:
                self.lost_after = None
                message = "timed out"
                raise NoAnswer(message)
            rows.append(self._one(row, request))
        told = [row for row in rows if row.get("bulkId") not in self.silent_on]
        return Response(200, {}, {self.operations: told})

    def _one(self, row: Mapping[str, Any], request: Request) -> dict[str, Any]:
        headers = dict(request.headers) | ({"If-Match": row["version"]} if "version" in row else {})
        one = Request(row["method"], row["path"], headers=headers, json=row.get("data"))
        said = self.says.get(row["path"]) or self.says.get((row.get("data") or {}).get("userName", ""))
        response = said or self.inner.send(one)
        body: Any = response.json if isinstance(response.json, dict) else {}
        # RFC 7644, 3.7.3: a part that was done is told by its address, and what went wrong in full.
        where = f"/{body['id']}" if row["method"] == "POST" and "id" in body else ""
        found: dict[str, Any] = {
            "method": row["method"],
            "location": f"https://directory.example/scim/v2{row['path']}{where}",
            "status": _status(response.status, self.status),
        }
        if self.named or row["method"] == "POST":
            found["bulkId"] = row["bulkId"]
        if version := response.headers.get("etag") or (body.get("meta") or {}).get("version"):
            found["version"] = version
        if not response.ok:
            found["response"] = json.dumps(body) if self.response == "text" else body
        return found


def _status(status: int, form: str) -> object:
    forms: dict[str, object] = {
        "text": str(status),
        "number": status,
        "object": {"code": str(status)},
        "words": f"{status} Created",
    }
    return forms[form]

"""A pretend directory: it takes requests and answers them from a store, as RFC 7644 says a directory does.

It is a Transport, so it stands where the network would. Nothing in it comes
from the client that it checks.
"""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote

from reconciler.sandbox.limit import Limit
from reconciler.sandbox.pretend import Pretend, Site
from reconciler.sandbox.scim import discovery, resources
from reconciler.sandbox.scim.answers import Refusal, answer, refused
from reconciler.sandbox.scim.bulk import Bulk, Doing
from reconciler.sandbox.scim.job import job
from reconciler.sandbox.scim.listing import Lists, in_body, in_url
from reconciler.sandbox.scim.records import Name
from reconciler.sandbox.scim.resources import Asked
from reconciler.sandbox.scim.seed import DEFAULT
from reconciler.sandbox.scim.store import Store
from reconciler.sandbox.scim.tokens import TOKEN_PATH, Tokens
from reconciler.transport.messages import Request, Response

API = "/scim/v2"

_HOME = "https://directory.example"
_SCIM, _JSON = "application/scim+json", "application/json"
_TAKES = {"scim": (_SCIM,), "json": (_JSON,), "any": (_SCIM, _JSON)}
_LATER = 3
_KINDS: dict[str, Name] = {"Users": "User", "Groups": "Group"}


class Sandbox:
    """The pretend directory over one store; ``clock`` gives seconds, for limits and tokens."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self._clock = clock
        self._tokens = Tokens(store, clock)
        self._limit = Limit(clock)
        self._lists = Lists(store)
        self._accepted: list[tuple[int, Request]] = []

    def send(self, request: Request) -> Response:
        """Answer one request; what it changed is in the state file before the answer is given."""
        self.store.requests += 1
        self._do_accepted()
        if request.path == TOKEN_PATH:
            return self._tokens.answer(request)
        try:
            response = self._admitted(request)
        except Refusal as refusal:
            response = self._refused(refusal)
        self.store.save()
        return response

    def _admitted(self, request: Request) -> Response:
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        about_itself, token = parts[0] in discovery.ENDPOINTS, ""
        if not (about_itself and self.store.switches.discovery == "open"):
            token = self._tokens.authenticate(request, parts[0] if parts[0] in _KINDS else "")
            self._check_limit(token)
        self._check_media(request)
        base = f"{self._home(request)}{API}"
        if about_itself and self.store.switches.discovery != "missing" and len(parts) <= 2:  # noqa: PLR2004 (endpoint and id)
            return discovery.describe(self.store, request, parts[0], parts[1] if parts[1:] else "", base)
        if parts == ["Bulk"] and self.store.switches.bulk == "on":
            return self._bulk(request, token, base)
        return self._route(request, parts, base)

    def _bulk(self, request: Request, token: str, base: str) -> Response:
        if request.method != "POST":
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed")

        def write(part: Request) -> Response:
            kind, *rest = [unquote(each) for each in part.path.removeprefix("/").split("/")]
            if kind not in _KINDS or len(rest) > 1:
                raise Refusal(HTTPStatus.NOT_FOUND, f"Not found: {part.path}")
            self._tokens.permit(token, kind)
            asked = Asked(self.store, part, self.store.kinds[_KINDS[kind]], base)
            return self._written(asked, rest[0] if rest else "")

        doing = Doing(write, self._refused, base)
        return answer(Bulk(self.store, doing).run(job(request, self.store.switches)))

    def _route(self, request: Request, parts: list[str], base: str) -> Response:
        match parts:
            case [".search"] if request.method == "POST":
                return self._lists.answer([*self.store.kinds.values()], in_body(request.json), base)
            case ["Bulk" | "Me", *_]:
                raise Refusal(HTTPStatus.NOT_IMPLEMENTED, f"/{parts[0]} is not supported")
            case [name, *rest] if name in _KINDS and len(rest) <= 1:
                asked = Asked(self.store, request, self.store.kinds[_KINDS[name]], base)
                return self._resource(asked, rest[0] if rest else "")
        raise Refusal(HTTPStatus.NOT_FOUND, f"Not found: {request.path}")

    def _resource(self, asked: Asked, ident: str) -> Response:
        request, lists = asked.request, self._lists
        if request.method == "POST" and ident == ".search":
            return lists.answer([asked.kind], in_body(request.json), asked.base)
        if request.method == "GET" and not ident:
            return lists.answer([asked.kind], in_url(request.query), asked.base)
        if request.method == "GET":
            return resources.read(asked, ident)
        return self._written(asked, ident)

    def _written(self, asked: Asked, ident: str) -> Response:
        if (asked.request.method == "POST") == bool(ident):
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed")
        if asked.kind.name == "User" and self.store.switches.accepted != "off":
            return self._accept(asked.request)
        return _write(asked, ident)

    def _accept(self, request: Request) -> Response:
        if self.store.switches.accepted == "later":
            self._accepted.append((self.store.requests + _LATER, request))
        return Response(HTTPStatus.ACCEPTED)

    def _do_accepted(self) -> None:
        """Do what was accepted long enough ago; whether it worked, nobody is told."""
        due = [request for at, request in self._accepted if at <= self.store.requests]
        self._accepted = [each for each in self._accepted if each[0] > self.store.requests]
        for request in due:
            _, *rest = [unquote(part) for part in request.path.strip("/").split("/")]
            try:
                _write(Asked(self.store, request, self.store.kinds["User"], _HOME), rest[0] if rest else "")
            except Refusal:
                continue

    def _home(self, request: Request) -> str:
        host = next((value for name, value in request.headers.items() if name.lower() == "host"), "")
        return f"http://{host}" if host else _HOME

    def _check_media(self, request: Request) -> None:
        if request.method not in ("POST", "PUT", "PATCH"):
            return
        given = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
        if not given and self.store.switches.content_type_required:
            raise Refusal(HTTPStatus.NOT_ACCEPTABLE, "Content-Type is required")
        takes = _TAKES[self.store.switches.media]
        if given and given.partition(";")[0].strip().lower() not in takes:
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type: one of {', '.join(takes)}")

    def _check_limit(self, token: str) -> None:
        switches = self.store.switches
        wait = self._limit.wait(token, switches.requests_per_minute)
        if not wait:
            return
        after: dict[str, object] = {}
        if switches.retry_after == "seconds":
            after = {"retry-after": math.ceil(wait)}
        elif switches.retry_after == "date":
            then = datetime.fromtimestamp(math.ceil(self._clock() + wait), UTC)
            after = {"retry-after": format_datetime(then, usegmt=True)}
        raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests", headers=after)

    def _refused(self, refusal: Refusal) -> Response:
        """A refusal in the form that this directory gives it."""
        full = refused(refusal)
        body = full.json if isinstance(full.json, dict) else {}
        match self.store.switches.errors:
            case "scim":
                return full
            case "no_type":
                body.pop("scimType", None)
            case "number":
                body["status"] = refusal.status
            case "message":
                body = {"message": refusal.detail}
            case "html":
                page = f"<html><h1>{refusal.status}</h1></html>"
                return Response(refusal.status, {**refusal.headers, "content-type": "text/html"}, text=page)
            case "empty":
                return Response(refusal.status, refusal.headers)
        return answer(body, refusal.status, refusal.headers)


def _write(asked: Asked, ident: str) -> Response:
    match asked.request.method:
        case "POST":
            return resources.create(asked)
        case "PUT":
            return resources.replace(asked, ident)
        case "PATCH":
            return resources.patch(asked, ident)
        case _:
            return resources.delete(asked, ident)


_WHAT_IT_IS = (
    f"A pretend SCIM 2.0 directory, for trying things out. Its API is under {API}, "
    f"its token endpoint is {TOKEN_PATH}. Nothing in it is real.\n"
)
SITE = Site(
    api=API,
    written=API,
    pages={"/": Response(HTTPStatus.OK, {"content-type": "text/plain; charset=utf-8"}, text=_WHAT_IT_IS)},
    beside=frozenset({TOKEN_PATH}),
)


def open_pretend(seed: Path, state: Path | None) -> Pretend:
    """A pretend directory over these files; raises ValueError where one of them is not valid."""
    store = Store.open(seed, state)
    return Pretend(
        transport=Sandbox(store),
        secrets={"key": DEFAULT, "id": DEFAULT, "secret": DEFAULT},
        offered={"key": store.tokens[0]} if store.tokens else {},
        lacking="This seed has no token: add one under `tokens`.",
        behave=store.behave,
        site=SITE,
    )

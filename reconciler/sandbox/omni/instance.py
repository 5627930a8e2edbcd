"""A pretend Omni: it takes requests and answers them from a store, as the documentation says Omni does.

It is a Transport, so it stands where the network would. Nothing in it comes
from the client that it checks.
"""

import math
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote

from reconciler.sandbox.limit import Limit
from reconciler.sandbox.omni import groups, users
from reconciler.sandbox.omni.answers import Refusal, Row, answer, refused
from reconciler.sandbox.omni.directory import Directory
from reconciler.sandbox.omni.records import Definition, Key, membership_id
from reconciler.sandbox.omni.seed import DEFAULT_TOKEN
from reconciler.sandbox.omni.store import Store
from reconciler.sandbox.pretend import Pretend, Site
from reconciler.transport.messages import Request, Response

_Handler = Callable[[Directory, Request, str], Response]

# Omni's documentation writes the last part in lower case, its OpenAPI with a capital; both work.
_SCIM = re.compile(r"/scim/v2/([Uu]sers|[Gg]roups|embed/[Uu]sers)(?:/([^/]+))?")
_ENDPOINTS: dict[tuple[str, bool], dict[str, _Handler]] = {
    ("users", False): {"GET": users.list_users, "POST": users.create_user},
    ("users", True): {
        "GET": users.get_user,
        "PUT": users.replace_user,
        "PATCH": users.patch_user,
        "DELETE": users.delete_user,
    },
    ("groups", False): {"GET": groups.list_groups, "POST": groups.create_group},
    ("groups", True): {
        "GET": groups.get_group,
        "PUT": groups.replace_group,
        "PATCH": groups.patch_group,
        "DELETE": groups.delete_group,
    },
    ("embed/users", False): {"GET": users.list_embed_users},
    ("embed/users", True): {"GET": users.get_embed_user, "DELETE": users.delete_embed_user},
}


class Sandbox:
    """The pretend instance over one store; ``clock`` gives seconds and only the rate limit asks it."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self._limit = Limit(clock)

    def send(self, request: Request) -> Response:
        """Answer one request; what it changed is in the state file before the answer is given."""
        try:
            token, key = self._authenticate(request)
            wait = self._limit.wait(token, self.store.switches.requests_per_minute)
            if wait:
                return self._too_many(wait)
            response = self._route(request, key)
        except Refusal as refusal:
            return refused(refusal, self.store.switches.error_shape)
        self.store.save()
        return response

    def _authenticate(self, request: Request) -> tuple[str, Key]:
        header = next(
            (value for name, value in request.headers.items() if name.lower() == "authorization"), ""
        )
        scheme, _, token = header.partition(" ")
        key = self.store.keys.get(token) if scheme.lower() == "bearer" else None
        # A personal key ends with its owner; a key of the organization outlives its maker.
        if key is not None and key.kind == "personal" and not self._owner_active(key):
            key = None
        if key is None:
            if token and self.store.switches.bad_token_403:
                raise Refusal(HTTPStatus.FORBIDDEN, "Invalid bearer token")
            raise Refusal(HTTPStatus.UNAUTHORIZED, "Missing or invalid API key")
        return token, key

    def _owner_active(self, key: Key) -> bool:
        owner = self.store.user(key.owner or "")
        return owner is not None and owner.active

    def _too_many(self, wait: float) -> Response:
        switches = self.store.switches
        headers = {"retry-after": str(math.ceil(wait))} if switches.rate_limit_retry_after else {}
        if switches.rate_limit_empty_body:
            return Response(HTTPStatus.TOO_MANY_REQUESTS, headers)
        plain = refused(Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"), switches.error_shape)
        return Response(plain.status, {**plain.headers, **headers}, plain.json)

    def _route(self, request: Request, key: Key) -> Response:
        if request.path == "/v1/whoami":
            _only_get(request)
            return self._whoami(key, request.query.get("modelId", ""))
        if request.path == "/v1/user-attributes":
            _only_get(request)
            return self._definitions()
        match = _SCIM.fullmatch(request.path)
        if match is None:
            raise Refusal(HTTPStatus.NOT_FOUND, f"Not found: {request.path}")
        if key.kind == "personal":
            message = "User-scoped API keys are not allowed to access the SCIM API."
            raise Refusal(HTTPStatus.FORBIDDEN, message)
        kind, ident = match[1].lower(), unquote(match[2] or "")
        handler = _ENDPOINTS[kind, bool(ident)].get(request.method)
        if handler is None:
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed")
        return handler(self.store, request, ident)

    def _whoami(self, key: Key, models: str) -> Response:
        """Who the key is (Omni docs: get current identity and permissions); it names no e-mail.

        There are no models here, so one that is asked for is unknown.
        """
        if self.store.switches.whoami_missing:
            raise Refusal(HTTPStatus.NOT_FOUND, "Not found: /v1/whoami")
        if asked := [model for model in models.split(",") if model]:
            raise Refusal(HTTPStatus.NOT_FOUND, f"Model {asked[0]} not found")
        membership = key.owner or membership_id("who made the keys that have no owner")
        organization = key.kind == "organization"
        return answer(
            {
                "keyScope": "organization" if organization else "user",
                "orgRole": "ORG_ADMIN" if organization else "MEMBER",
                "rolesByModel": {},
                "user": {"id": membership_id(f"account of {membership}"), "membershipId": membership},
            }
        )

    def _definitions(self) -> Response:
        if self.store.switches.definitions_forbidden:
            raise Refusal(HTTPStatus.FORBIDDEN, "Insufficient permissions")
        return answer({"records": [_definition_row(each) for each in self.store.definitions.values()]})


def specification() -> Row:
    """What is served here, in OpenAPI: paths below the address, and their methods, without bodies."""
    paths: dict[str, Row] = {"/api/v1/whoami": {"get": {}}, "/api/v1/user-attributes": {"get": {}}}
    for (kind, one), handlers in _ENDPOINTS.items():
        path = f"/api/scim/v2/{kind}{'/{id}' if one else ''}"
        paths[path] = {method.lower(): {} for method in handlers}
    return {"openapi": "3.1.0", "info": {"title": "A pretend Omni", "version": "0"}, "paths": paths}


_WHAT_IT_IS = "A pretend Omni, for trying things out. Its API is under /api. Nothing in it is real.\n"
SITE = Site(
    api="/api",
    pages={
        "/": Response(HTTPStatus.OK, {"content-type": "text/plain; charset=utf-8"}, text=_WHAT_IT_IS),
        "/openapi.json": answer(specification()),
    },
)


def open_pretend(seed: Path, state: Path | None) -> Pretend:
    """A pretend Omni over these files; raises ValueError where one of them is not valid."""
    store = Store.open(seed, state)
    offered = next((token for token, key in store.keys.items() if key.kind == "organization"), "")
    return Pretend(
        transport=Sandbox(store),
        secrets={"key": DEFAULT_TOKEN},
        offered={"key": offered} if offered else {},
        lacking="This seed has no organization key: add one under `keys`.",
        behave=store.behave,
        site=SITE,
    )


def _only_get(request: Request) -> None:
    if request.method != "GET":
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed")


def _definition_row(definition: Definition) -> dict[str, object]:
    default = definition.default_value
    return {
        "id": definition.id,
        "name": definition.name,
        "label": definition.label,
        "type": definition.type,
        "multiple_values": definition.multiple_values,
        "default_value": list(default) if isinstance(default, list) else default,
        "description": definition.description,
        "system": definition.system,
    }

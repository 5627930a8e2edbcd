"""Short ways to ask a pretend SCIM directory for something."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from reconciler.sandbox.scim.core import ENTERPRISE_URN, GROUP_URN, USER_URN
from reconciler.sandbox.scim.envelope import PATCH_OP
from reconciler.sandbox.scim.instance import Sandbox
from reconciler.sandbox.scim.store import Store
from reconciler.transport.messages import Method, Request, Response, Transport

BADGE = "urn:acme:params:scim:schemas:extension:badge:2.0:User"
COMPANY: dict[str, Any] = {
    "extensions": {
        BADGE: {
            "attributes": {
                "badge": {"case_exact": True},
                "level": {"type": "integer"},
                "weight": {"type": "decimal"},
                "trusted": {"type": "boolean"},
                "since": {"type": "dateTime"},
                "born": {"mutability": "immutable"},
                "seen": {"mutability": "readOnly"},
                "pin": {"mutability": "writeOnly", "returned": "never"},
                "bio": {"returned": "request"},
                "tags": {"multi_valued": True},
                "desk": {"sub_attributes": {"floor": {"type": "integer"}, "room": {}}},
            }
        }
    },
    "users": {
        "Ada@acme.com": {
            "displayName": "Ada Lovelace",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [
                {"value": "ada@acme.com", "type": "work", "primary": True},
                {"value": "ada@home.example", "type": "home"},
            ],
            ENTERPRISE_URN: {"department": "R&D", "manager": {"value": "grace@acme.com"}},
            BADGE: {"badge": "X-1", "level": 3, "tags": ["red", "blue"], "bio": "first", "pin": "0042"},
        },
        "bob@acme.com": {"displayName": "Bob", "active": False},
        "grace@acme.com": {"displayName": "Grace", "externalId": "G-1"},
    },
    "groups": {
        "Analysts": ["Ada@acme.com", "bob@acme.com"],
        "Staff": ["Analysts", "grace@acme.com"],
        "Empty": [],
    },
    "tokens": ["sandbox"],
    "clients": {"robot": {"secret": "s e/c:r", "scopes": ["users", "groups"]}},
}


def company(*, clock: Callable[[], float] = lambda: 0.0, **switches: object) -> Sandbox:
    """A directory of a small company, with these switches."""
    return Sandbox(Store.from_seed({**COMPANY, "switches": switches}), clock=clock)


def ask(
    transport: Transport,
    method: Method,
    path: str,
    json: object = None,
    headers: dict[str, str] | None = None,
    **query: str | int,
) -> Response:
    """Send one request with the token."""
    texts = {name: str(value) for name, value in query.items()}
    sent = {"Authorization": "Bearer sandbox", **(headers or {})}
    return transport.send(Request(method, path, texts, sent, json))


def body(response: Response, status: int = 200) -> dict[str, Any]:
    """The JSON object of an answer, whose status is checked."""
    assert response.status == status, response
    assert isinstance(response.json, dict)
    return response.json


def refusal(response: Response, status: int = 400) -> str:
    """The scimType of a refusal, whose status and form are checked; empty without one."""
    found = body(response, status)
    assert found["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert found["status"] == str(status)
    assert found["detail"]
    return str(found.get("scimType", ""))


def rows(transport: Transport, kind: str = "Users", **query: str | int) -> list[dict[str, Any]]:
    """The rows of one list page."""
    found: list[dict[str, Any]] = body(ask(transport, "GET", f"/{kind}", **query))["Resources"]
    return found


def names(transport: Transport, text: str, kind: str = "Users") -> list[str]:
    """Who fulfils a filter, by name."""
    label = "userName" if kind == "Users" else "displayName"
    return [row[label] for row in rows(transport, kind, filter=text)]


def ident(sandbox: Sandbox, label: str) -> str:
    """The id of a user or group."""
    store = sandbox.store
    return (store.labelled("User", label) or store.labelled("Group", label))[0].id


def place(sandbox: Sandbox, label: str) -> str:
    """The path of a user or group."""
    record = sandbox.store.record(ident(sandbox, label))
    assert record is not None
    return f"/{record.kind}s/{quote(record.id, safe='')}"


def get(sandbox: Sandbox, label: str, **query: str) -> dict[str, Any]:
    """A user or group, read by id."""
    return body(ask(sandbox, "GET", place(sandbox, label), **query))


def a_user(login: str = "new@acme.com", /, **more: Any) -> dict[str, Any]:
    """A user as POST sends it."""
    extensions = [key for key in more if ":" in key]
    return {"schemas": [USER_URN, *extensions], "userName": login, **more}


def a_group(name: str | None = "New", /, **more: Any) -> dict[str, Any]:
    """A group as POST sends it."""
    return {"schemas": [GROUP_URN], "displayName": name, **more}


def create(sandbox: Sandbox, resource: dict[str, Any]) -> Response:
    """POST a user or group."""
    return ask(sandbox, "POST", "/Users" if "userName" in resource else "/Groups", resource)


def patch(sandbox: Sandbox, label: str, *operations: object, **headers: str) -> Response:
    """PATCH one user or group with these operations."""
    envelope = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return ask(sandbox, "PATCH", place(sandbox, label), envelope, headers)


def op(verb: str, path: str | None = None, value: object = None) -> dict[str, object]:
    """One operation of a PATCH."""
    parts = {"op": verb, "path": path, "value": value}
    return {name: part for name, part in parts.items() if part is not None}

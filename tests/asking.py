"""Short ways to ask a pretend Omni for something."""

from typing import Any

from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.transport.messages import Method, Request, Response, Transport

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ATTRIBUTES = "urn:omni:params:1.0:UserAttribute"
COMPANY: dict[str, Any] = {
    "attributes": {
        "region": {"multiple_values": True, "default_value": ["emea"]},
        "limit": {"type": "Number", "default_value": 10},
        "team": {},
        "nickname": {"later": True},
    },
    "users": {
        "Ada@acme.com": {"name": "Ada", "attributes": {"region": ["apac"], "team": "red"}},
        "bob@acme.com": {"name": "Bob", "active": False},
        "cleo@acme.com": {"name": "Cleo"},
    },
    "embed_users": {"embed-1@x.co": {"name": "Guest", "external_id": "V-1", "entity": "shop"}},
    "groups": {
        "Finance": ["Ada@acme.com", "cleo@acme.com", "embed-1@x.co"],
        "All Staff": ["Ada@acme.com", "bob@acme.com", "cleo@acme.com"],
    },
    "keys": {
        "sandbox": {"owner": "Ada@acme.com"},
        "personal": {"kind": "personal", "owner": "cleo@acme.com"},
        "ownerless": {},
    },
}


def company(**switches: object) -> Sandbox:
    """A sandbox of a small company, with these switches."""
    return Sandbox(Store.from_seed({**COMPANY, "switches": switches}), clock=lambda: 0.0)


def ask(
    transport: Transport,
    method: Method,
    path: str,
    json: object = None,
    token: str = "sandbox",  # noqa: S107 (it opens a pretend instance only)
    **query: str | int,
) -> Response:
    """Send one request with the organization key."""
    texts = {name: str(value) for name, value in query.items()}
    return transport.send(Request(method, path, texts, {"Authorization": f"Bearer {token}"}, json))


def rows(transport: Transport, kind: str, **query: str | int) -> list[dict[str, Any]]:
    """The rows of one list page."""
    found: list[dict[str, Any]] = body(ask(transport, "GET", f"/scim/v2/{kind}", **query))["Resources"]
    return found


def body(response: Response, status: int = 200) -> dict[str, Any]:
    """The JSON object of an answer, whose status is checked."""
    assert response.status == status, response
    assert isinstance(response.json, dict)
    return response.json


def detail(response: Response, status: int) -> str:
    """The words of a refusal, whose status is checked."""
    refusal = body(response, status)
    assert refusal == {"detail": refusal["detail"], "status": status}
    return str(refusal["detail"])


def user_id(sandbox: Sandbox, email: str) -> str:
    """The id of a user, or of an embed user."""
    everyone = [*sandbox.store.users.values(), *sandbox.store.embed_users.values()]
    return next(user.id for user in everyone if user.email == email)


def group_id(sandbox: Sandbox, name: str) -> str:
    """The id of a group."""
    return sandbox.store.groups_with_name(name)[0].id


def patch(transport: Transport, kind: str, ident: str, *operations: object) -> Response:
    """PATCH one resource with these operations."""
    envelope = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return ask(transport, "PATCH", f"/scim/v2/{kind}/{ident}", envelope)

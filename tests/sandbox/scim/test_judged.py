"""What a tool that others wrote says of the pretend directory: scim2-tester, in this process."""

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_models import BulkRequest, BulkResponse, Context, Group, User
from scim2_tester import Status, check_server

from reconciler.sandbox.scim.instance import API, Sandbox
from reconciler.sandbox.scim.store import Store
from reconciler.transport.messages import Request

BADGE = "urn:acme:params:scim:schemas:extension:badge:2.0:User"
# No text of several values, no date and no decimal: the judge adds a value twice and expects it once,
# and fills the others with words.
SEED: dict[str, Any] = {
    "extensions": {
        BADGE: {
            "attributes": {
                "badge": {},
                "level": {"type": "integer"},
                "trusted": {"type": "boolean"},
                "desk": {"sub_attributes": {"floor": {"type": "integer"}, "room": {}}},
            }
        }
    },
    "users": {"ada@acme.com": {"displayName": "Ada"}, "bob@acme.com": {}},
    "groups": {"Analysts": ["ada@acme.com"]},
}


def client(**switches: object) -> WSGISCIMClient:
    sandbox = Sandbox(Store.from_seed({**SEED, "switches": switches}), clock=lambda: 0.0)

    def app(
        environ: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], object]
    ) -> Iterable[bytes]:
        raw = environ["wsgi.input"].read()
        headers = {"Authorization": environ.get("HTTP_AUTHORIZATION", "")}
        response = sandbox.send(
            Request(
                environ["REQUEST_METHOD"],
                quote(environ["PATH_INFO"].encode("latin-1").decode()).removeprefix(API),
                dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)),
                headers,
                json.loads(raw) if raw else None,
            )
        )
        start(f"{response.status} said", list(response.headers.items()))
        return [b"" if response.json is None else json.dumps(response.json).encode()]

    return WSGISCIMClient(app, f"http://directory.example{API}", {"Authorization": "Bearer sandbox"})


def errors(**switches: object) -> list[str]:
    results = check_server(client(**switches))
    assert len(results) > 50
    return [f"{each.title}: {each.reason}" for each in results if each.status is Status.ERROR]


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"patch": "off"},
        {"filters": "refused_400", "sorting": "refused"},
        {"etags": "off"},
        {"paging": "both"},
        {"patch_answer": "204"},
        {"empty_members": "list"},
        {"unknown_attributes": "ignored"},
        {"bulk": "on"},
    ],
    ids=str,
)
def test_a_judge_finds_no_error(switches: dict[str, object]) -> None:
    assert not errors(**switches)


def test_the_judge_notices_what_no_rfc_allows() -> None:
    assert any("Unexpected response status code: 200" in error for error in errors(create_answer="200"))


def in_bulk() -> dict[str, Any]:
    """A bulk request that succeeds in part."""
    user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "new@acme.com"}
    members = [{"value": "bulkId:a"}]
    group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G"}
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": user},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": user},
            {"method": "POST", "path": "/Groups", "bulkId": "c", "data": group | {"members": members}},
            {"method": "DELETE", "path": "/Users/nobody"},
        ],
    }


@pytest.mark.parametrize(
    ("switches", "well"),
    [
        ({}, True),
        ({"bulk_ids_in_location": True}, True),
        ({"bulk_status": "number"}, True),
        ({"bulk_status": "object"}, False),
        ({"bulk_response": "text"}, False),
        ({"errors": "empty"}, False),
    ],
    ids=str,
)
def test_a_library_reads_a_bulk_answer_unless_it_is_told_otherwise(
    switches: dict[str, object], *, well: bool
) -> None:
    sandbox = Sandbox(Store.from_seed({**SEED, "switches": {"bulk": "on", **switches}}), clock=lambda: 0.0)
    asked = BulkRequest[User | Group].model_validate(in_bulk(), scim_ctx=Context.BULK_REQUEST)
    assert [each.status for each in asked.operations or ()] == [None] * 4
    sent = Request("POST", "/Bulk", {}, {"Authorization": "Bearer sandbox"}, in_bulk())
    answer = sandbox.send(sent).json
    try:
        read = BulkResponse[User | Group].model_validate(answer, scim_ctx=Context.BULK_RESPONSE)
    except ValueError:
        assert not well
        return
    assert well
    assert [each.status for each in read.operations or ()] == [201, 409, 201, 404]

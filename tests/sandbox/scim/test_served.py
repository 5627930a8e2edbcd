"""The pretend directory behind a real socket: odd ids in URLs, the token endpoint, faults."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from asking_scim import COMPANY, a_user, ask, body, company, rows

from reconciler.providers.registry import KINDS
from reconciler.sandbox.faults import Fault, Scripted
from reconciler.sandbox.scim.instance import API, SITE, Sandbox
from reconciler.sandbox.scim.tokens import TOKEN_PATH
from reconciler.sandbox.server import serve
from reconciler.transport.media import with_media
from reconciler.transport.messages import Request
from reconciler.transport.network import Network


@contextmanager
def served(sandbox: Sandbox) -> Iterator[tuple[str, Network]]:
    with serve(sandbox, SITE) as server:
        network = Network(server.url + API)
        try:
            yield server.url, network
        finally:
            network.close()


def posted(url: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_an_odd_id_comes_through_a_url_whole() -> None:
    with served(company(odd_ids=True)) as (url, network):
        made = body(ask(network, "POST", "/Users", a_user()), 201)
        assert made["meta"]["location"] == f"{url}{API}/Users/{quote(made['id'], safe='')}"
        path = urlsplit(made["meta"]["location"]).path.removeprefix(API)
        assert body(ask(network, "GET", path)) == made
        assert ask(network, "DELETE", path).status == 204
        assert ask(network, "GET", path).status == 404


def test_the_token_endpoint_stands_beside_the_api() -> None:
    with served(company()) as (url, network):
        form = {"grant_type": "client_credentials", "client_id": "robot", "client_secret": "s e/c:r"}
        status, granted = posted(url, TOKEN_PATH, form)
        assert status == 200
        sent = Request("GET", "/Users", headers={"Authorization": f"Bearer {granted['access_token']}"})
        assert network.send(sent).status == 200
        assert posted(url, TOKEN_PATH, form | {"client_secret": "x"}) == (401, {"error": "invalid_client"})
        page = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        page.request("GET", "/")
        assert b"Nothing in it is real" in page.getresponse().read()
        page.close()


@pytest.mark.parametrize(
    ("takes", "quirk", "status"),
    [
        ("scim", None, 201),
        ("scim", "json", 415),
        ("json", "json", 201),
        ("json", None, 415),
        ("any", None, 201),
    ],
)
def test_a_write_has_the_media_type_that_a_directory_takes(
    takes: str, quirk: str | None, status: int
) -> None:
    with served(company(media=takes, content_type_required=True)) as (_, network):
        transport = with_media(network, KINDS["scim"].media({"media": quirk} if quirk else {}))
        assert ask(transport, "POST", "/Users", a_user()).status == status
        assert ask(transport, "GET", "/Users").status == 200


def test_faults_befall_it_as_any_other() -> None:
    sandbox = company()
    faulty = Scripted(sandbox, {1: Fault.LATE_ERROR, 2: Fault.SHIFTED_ON, 3: Fault.ATTRIBUTES_LOST})
    assert ask(faulty, "POST", "/Users", a_user()).status == 500
    assert len(rows(faulty)) == len(COMPANY["users"])
    assert not any(":" in name for row in rows(faulty) for name in row)
    assert any(":" in name for row in rows(faulty) for name in row)
    assert not faulty.remaining


def test_bulk_over_a_socket_counts_the_bytes_that_were_sent() -> None:
    schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]
    users = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": a_user(name)} for name in ("a", "b")
    ]
    with served(company(bulk="on", bulk_max_payload=260)) as (url, network):
        [row] = body(ask(network, "POST", "/Bulk", {"schemas": schemas, "Operations": users[:1]}))[
            "Operations"
        ]
        assert row["status"] == "201"
        assert row["location"].startswith(f"{url}{API}/Users/")
        refused = ask(network, "POST", "/Bulk", {"schemas": schemas, "Operations": users})
        assert "maxPayloadSize (260)" in body(refused, 413)["detail"]

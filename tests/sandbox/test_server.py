"""The sandbox behind a real socket on loopback."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest
from asking import PATCH_OP, company, group_id, user_id

from reconciler.sandbox.faults import Fault, Scripted
from reconciler.sandbox.omni.instance import SITE, Sandbox
from reconciler.sandbox.server import LARGEST_BODY, Server, serve
from reconciler.transport.messages import BodyPart, Request, Response, Transport
from reconciler.transport.network import Network

AUTHORIZED = {"Authorization": "Bearer sandbox"}


@contextmanager
def connected(transport: Transport) -> Iterator[HTTPConnection]:
    with serve(transport, SITE) as server:
        host = urlsplit(server.url).netloc
        with closing(HTTPConnection(host, timeout=10)) as connection:
            yield connection


def call(
    connection: HTTPConnection, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, Any]:
    raw = None if body is None else json.dumps(body).encode()
    connection.request(method, path, raw, {**AUTHORIZED, **headers})
    response = connection.getresponse()
    text = response.read()
    return response.status, json.loads(text) if text else None


def test_it_listens_on_loopback_and_says_what_it_is() -> None:
    with connected(company()) as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        text = response.read().decode()
        assert (response.status, response.version) == (200, 11)
        assert "pretend Omni" in text
        assert connection.sock.getpeername()[0] == "127.0.0.1"


def test_one_connection_carries_a_whole_story() -> None:
    sandbox = company()
    with connected(sandbox) as connection:
        new = {"userName": "né@acme.com", "displayName": "Né"}
        status, made = call(connection, "POST", "/api/scim/v2/users", new)
        assert (status, made["userName"]) == (201, "né@acme.com")
        sock = connection.sock
        operation = {"op": "add", "path": "members", "value": [{"value": made["id"]}]}
        envelope = {"schemas": [PATCH_OP], "Operations": [operation]}
        path = f"/api/scim/v2/groups/{group_id(sandbox, 'Finance')}"
        assert call(connection, "PATCH", path, envelope)[0] == 200
        query = "filter=userName%20eq%20%22n%C3%A9@acme.com%22&count=5"
        status, page = call(connection, "GET", f"/api/scim/v2/Users?{query}")
        assert [group["display"] for group in page["Resources"][0]["groups"]] == ["Finance"]
        assert call(connection, "DELETE", f"/api/scim/v2/users/{made['id']}") == (204, None)
        put = {"userName": "bob@acme.com"}
        assert (
            call(connection, "PUT", f"/api/scim/v2/users/{user_id(sandbox, 'bob@acme.com')}", put)[0] == 200
        )
        assert connection.sock is sock


def test_headers_of_an_answer_come_through() -> None:
    with connected(company(requests_per_minute=1, rate_limit_retry_after=True)) as connection:
        assert call(connection, "GET", "/api/v1/whoami")[0] == 200
        connection.request("GET", "/api/v1/whoami", headers=AUTHORIZED)
        response = connection.getresponse()
        response.read()
        assert (response.status, response.getheader("retry-after")) == (429, "60")


@pytest.mark.parametrize("path", ["/api", "/v1/whoami", "/favicon.ico", "//[", "/?x=1"])
def test_what_is_not_under_api_is_404(path: str) -> None:
    with connected(company()) as connection:
        status, body = call(connection, "POST", path)
        assert (status, body["status"]) == (404, 404)


def test_a_body_that_is_not_json_is_400() -> None:
    for raw in (b'{"a":', b"\xff", b"[" * 100_000):
        with connected(company()) as connection:
            connection.request("POST", "/api/scim/v2/users", raw, AUTHORIZED)
            response = connection.getresponse()
            assert response.status == 400
            assert json.loads(response.read()) == {
                "detail": "Bad Request: body: Malformed JSON",
                "status": 400,
            }


class Keeper:
    """A Transport that keeps what it is sent."""

    def __init__(self) -> None:
        self.kept: list[Request] = []

    def send(self, request: Request) -> Response:
        self.kept.append(request)
        return Response(204)


@pytest.mark.parametrize(
    "sent",
    [
        Request("POST", "/x", form=(("name", "Zoë & 1"), ("member", "1"), ("member", "2"), ("empty", ""))),
        Request(
            "POST",
            "/x",
            multipart=(
                BodyPart("name", "Zoë".encode()),
                BodyPart("picture", bytes(range(256)) + b"\r\n--x--\r\n\n\r", "a.png", "image/png"),
                BodyPart("empty", b""),
            ),
        ),
    ],
    ids=["form", "multipart"],
)
def test_a_form_and_parts_arrive_as_they_were_sent(sent: Request) -> None:
    keeper = Keeper()
    with serve(keeper, SITE) as server, closing(Network(f"{server.url}/api")) as network:
        network.send(sent)
    (found,) = keeper.kept
    assert (found.form, found.multipart, found.json) == (sent.form, sent.multipart, None)


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Content-Length", str(LARGEST_BODY + 1), 413),
        ("Content-Length", "many", 411),
        ("Transfer-Encoding", "chunked", 411),
    ],
)
def test_a_body_without_a_bound_is_not_read(header: str, value: str, status: int) -> None:
    with connected(company()) as connection:
        connection.putrequest("POST", "/api/scim/v2/users")
        connection.putheader(header, value)
        connection.endheaders()
        response = connection.getresponse()
        assert response.status == status
        assert json.loads(response.read())["status"] == status
        assert response.getheader("connection") == "close"


def test_a_cut_body_is_really_cut() -> None:
    with connected(Scripted(company(), {1: Fault.CUT_SHORT})) as connection:
        connection.request("GET", "/api/scim/v2/users", headers=AUTHORIZED)
        response = connection.getresponse()
        with pytest.raises(IncompleteRead):
            response.read()
        connection.close()
        assert call(connection, "GET", "/api/scim/v2/users")[0] == 200


def test_a_dropped_answer_really_ends_the_connection() -> None:
    sandbox = company()
    with connected(Scripted(sandbox, {1: Fault.DROPPED})) as connection:
        path = f"/api/scim/v2/users/{user_id(sandbox, 'bob@acme.com')}"
        with pytest.raises(RemoteDisconnected):
            call(connection, "DELETE", path)
        assert call(connection, "GET", path)[0] == 404


def test_an_answer_that_is_not_json_comes_as_it_is() -> None:
    with connected(Scripted(company(), {1: Fault.BAD_GATEWAY})) as connection:
        connection.request("GET", "/api/v1/whoami", headers=AUTHORIZED)
        response = connection.getresponse()
        assert (response.status, response.getheader("content-type")) == (502, "text/html")
        assert b"<h1>" in response.read()


class OneAtATime:
    """Fails where two requests are inside at once."""

    def __init__(self, inner: Sandbox) -> None:
        self.inner = inner
        self.alone = threading.Lock()

    def send(self, request: Request) -> Response:
        assert self.alone.acquire(blocking=False)
        try:
            return self.inner.send(request)
        finally:
            self.alone.release()


def test_many_connections_are_served_one_request_at_a_time() -> None:
    sandbox = company(requests_per_minute=0)
    statuses: list[int] = []

    def client(url: str, number: int) -> None:
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
            for each in range(10):
                new = {"userName": f"u{number}-{each}@acme.com", "displayName": "U"}
                statuses.append(call(connection, "POST", "/api/scim/v2/users", new)[0])

    with serve(OneAtATime(sandbox), SITE) as server:
        threads = [threading.Thread(target=client, args=(server.url, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [201] * 40
    assert len(sandbox.store.users) == 43


def test_closing_ends_connections_that_clients_keep_open() -> None:
    server = serve(company(), SITE)
    with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=10)) as connection:
        assert call(connection, "GET", "/api/v1/whoami")[0] == 200
        server.close()
        assert connection.sock.recv(1) == b""


def test_waiting_ends_when_the_server_is_closed() -> None:
    server = serve(company(), SITE)
    closer = threading.Timer(0, server.close)
    closer.start()
    server.wait()
    closer.join()


def test_a_port_that_is_taken_is_an_os_error() -> None:
    with serve(company(), SITE) as server, pytest.raises(OSError, match="in use"):
        Server(company(), SITE, urlsplit(server.url).port or 0)


def test_a_client_that_goes_away_in_the_middle_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    with serve(company(), SITE) as server:
        address = ("127.0.0.1", urlsplit(server.url).port or 0)
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(b"POST /api/scim/v2/users HTTP/1.1\r\nContent-Length: 50\r\n\r\n12")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
    assert capfd.readouterr() == ("", "")


def test_a_bug_in_a_transport_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def send(self, request: Request) -> Response:
            raise ZeroDivisionError(request.path)

    with connected(Broken()) as connection, pytest.raises(RemoteDisconnected):
        call(connection, "GET", "/api/v1/whoami")
    assert "ZeroDivisionError" in capfd.readouterr().err

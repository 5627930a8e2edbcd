import gzip
import json
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import HTTP
from importlib.metadata import version
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from wire import Server

from reconciler.errors import NoAnswer, Unreachable
from reconciler.transport.messages import BodyPart, Method, Request, Response
from reconciler.transport.network import Network

KEY = "omni_osk_s3cr3t"
SIGNED = {"Authorization": f"Bearer {KEY}"}
JSON = "application/scim+json; charset=utf-8"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def network(server: Server) -> Iterator[Network]:
    network = Network(server.root)
    yield network
    network.close()


def ask(root: str, request: Request | None = None, **limits: float) -> Response:
    """Send one request with small limits and close."""
    read = limits.pop("read", 5)
    network = Network(root, timeout=(5, read), **limits)  # type: ignore[arg-type]
    try:
        return network.send(request or Request("GET", "/x", headers=SIGNED))
    finally:
        network.close()


def failure(root: str, request: Request | None = None, **limits: float) -> NoAnswer:
    """The error that a request ends in, proved to be one clean line with nothing attached."""
    with pytest.raises(NoAnswer) as caught:
        ask(root, request, **limits)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert str(error).isprintable()
    assert KEY not in "".join(traceback.format_exception(error))
    return error


# --- what is sent


def test_importing_the_module_does_not_import_the_http_libraries() -> None:
    heavy = {"requests", "urllib3", "http.client"}
    code = f"import sys, reconciler.transport.network; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_a_read_asks_for_json_and_says_who_asks(server: Server, network: Network) -> None:
    server.reply(200, '{"a": 1}', Content_Type="application/json")
    network.send(Request("GET", "/scim/v2/users", {"count": "100"}, SIGNED))
    (seen,) = server.seen
    assert (seen.method, seen.target, seen.body) == ("GET", "/api/scim/v2/users?count=100", b"")
    assert seen.headers["accept"] == "application/json, application/scim+json"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["user-agent"] == f"reconciler/{version('access-reconciler')}"
    assert "content-type" not in seen.headers


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_a_write_sends_compact_json(server: Server, network: Network, method: Method) -> None:
    server.reply(200)
    network.send(Request(method, "/x", json={"name": "Zoë", "odd": "\ud800", "list": [1, None, True]}))
    (seen,) = server.seen
    assert seen.method == method
    assert seen.headers["content-type"] == "application/json"
    assert b" " not in seen.body
    assert json.loads(seen.body.decode()) == {"name": "Zoë", "odd": "\ud800", "list": [1, None, True]}


def test_a_query_is_escaped_so_that_nothing_in_it_means_anything_else(
    server: Server, network: Network
) -> None:
    server.reply(200)
    network.send(Request("GET", "/x", {"filter": 'userName eq "a+b&c=d#e@acme.com"', "é": "%20"}))
    assert server.seen[0].target == (
        "/api/x?filter=userName%20eq%20%22a%2Bb%26c%3Dd%23e%40acme.com%22&%C3%A9=%2520"
    )


def test_an_escaped_slash_in_a_path_stays_escaped(server: Server, network: Network) -> None:
    server.reply(200)
    network.send(Request("GET", "/groups/a%2Fb-_"))
    assert server.seen[0].target == "/api/groups/a%2Fb-_"


@pytest.mark.parametrize(
    "path",
    ["", "x", "/", "//x", "/x/", "/x/..", "/x/../y", "/./x", "/x/%2e%2e", "/x/%2E.", "/x?y", "/x#y", "/x\\y",
     "/x y", "/x\n", "/\x1b[2J", "/é"],
)  # fmt: skip
def test_a_path_that_would_lead_elsewhere_is_not_sent(server: Server, path: str) -> None:
    error = failure(server.root, Request("DELETE", path, headers=SIGNED))
    assert isinstance(error, Unreachable)
    assert "not sent" in str(error)
    assert server.seen == []


def test_a_connection_is_kept_for_the_next_request(server: Server, network: Network) -> None:
    for body in ['{"a": 1}', "", "<html>"]:
        server.reply(200, body)
    server.say("HTTP/1.1 204 -\r\n\r\n", then_close=False)
    server.say("HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n7\r\n0\r\n\r\n", then_close=False)
    server.reply(200)
    for _ in range(6):
        network.send(Request("GET", "/x"))
    assert len({seen.port for seen in server.seen}) == 1


def test_a_netrc_file_does_not_replace_the_key(
    tls_server: Server, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    tls_server.reply(200)
    ask(tls_server.root)
    assert tls_server.seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_plain_http_never_goes_through_a_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.reply(200)
    assert ask(server.root).ok


def test_a_cookie_is_not_kept(server: Server, network: Network) -> None:
    server.reply(200, Set_Cookie="session=1")
    server.reply(200)
    network.send(Request("GET", "/x"))
    network.send(Request("GET", "/x"))
    assert "cookie" not in server.seen[1].headers


# --- what comes back


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ('{"a": [1, "é"]}', {"a": [1, "é"]}),
        ("[]", []),
        ("null", None),
        ("\ufeff".encode() + b"{}", {}),
        ("1e999", float("inf")),
    ],
)
def test_json_is_parsed(server: Server, body: str | bytes, value: object) -> None:
    server.reply(200, body, Content_Type=JSON)
    answer = ask(server.root)
    assert (answer.status, answer.json, answer.text) == (200, value, "")


def test_numbers_that_are_none_are_let_through(server: Server) -> None:
    server.reply(200, "[NaN]", Content_Type=JSON)
    assert repr(ask(server.root).json) == "[nan]"


def test_header_names_come_in_lower_case(server: Server) -> None:
    server.reply(429, Retry_After="7")
    assert ask(server.root).headers["retry-after"] == "7"


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_any_status_but_a_redirect_is_an_answer(server: Server, status: int) -> None:
    server.reply(status, "" if status == 204 else '{"detail": "so"}', Content_Type=JSON)
    answer = ask(server.root)
    assert answer.status == status
    assert answer.json == (None if status == 204 else {"detail": "so"})


@pytest.mark.parametrize("status", [200, 404, 502])
def test_html_is_text(server: Server, status: int) -> None:
    server.reply(status, "<h1>Grüße</h1>", Content_Type="text/html")
    answer = ask(server.root)
    assert (answer.json, answer.text) == (None, "<h1>Grüße</h1>")


def test_text_in_some_other_encoding_is_shown_as_well_as_it_can_be(server: Server) -> None:
    server.reply(502, "Grüße".encode("latin-1"), Content_Type="text/html")
    assert ask(server.root).text == "Gr\ufffd\ufffde"


@pytest.mark.parametrize("content_type", [JSON, "text/html"])
def test_an_empty_body_is_an_answer_without_json(server: Server, content_type: str) -> None:
    server.reply(200, Content_Type=content_type)
    answer = ask(server.root)
    assert (answer.json, answer.text) == (None, "")


def test_a_failure_whose_json_is_broken_is_still_an_answer(server: Server) -> None:
    server.reply(500, '{"detail": "oops', Content_Type=JSON)
    assert ask(server.root).text == '{"detail": "oops'


def test_a_compressed_answer_is_unpacked(server: Server) -> None:
    server.reply(200, gzip.compress(b'{"a": 1}'), Content_Type=JSON, Content_Encoding="gzip")
    assert ask(server.root).json == {"a": 1}


@pytest.mark.parametrize(
    "body", ['{"Resources": [{"id": "1"}, {"i', "[" * 100_000, b'{"a": "\xff"}', "9" * 5000]
)
@pytest.mark.parametrize("content_type", [JSON, "application/json", "Application/JSON ; charset=utf-8"])
def test_what_is_said_to_be_json_and_is_not_is_no_answer(
    server: Server, body: str | bytes, content_type: str
) -> None:
    server.reply(200, body, Content_Type=content_type)
    assert str(failure(server.root)) == (
        "GET /x: the answer is said to be JSON but does not parse; it may have been cut short"
    )


# --- redirects


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_not_followed(server: Server, status: int, method: Method) -> None:
    server.reply(status, Location="https://evil.example/login?next=secret#x")
    error = failure(server.root, Request(method, "/x", headers=SIGNED, json={"a": 1}))
    assert isinstance(error, Unreachable)
    assert f"a redirect ({status}) to evil.example/login, which is not followed" in str(error)
    assert "give the target the address" in str(error)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/login", "to /login, which"),
        ("", "to no address, which"),
        ("?next=secret", "to no address, which"),
        ("//user:secret@evil.example:8080/a", "to evil.example:8080/a, which"),
        ("https://evil.example/\x1b[2Jé b", "to evil.example/[2Jb, which"),
        ("https://[secret", "to an unreadable address, which"),
        ("/" + "a" * 500, f"to /{'a' * 199}, which"),
    ],
)
def test_where_a_redirect_points_is_shown_without_tricks_or_secrets(
    server: Server, location: str, shown: str
) -> None:
    server.reply(302, Location=location)
    message = str(failure(server.root))
    assert shown in message
    assert "secret" not in message


# --- no answer


def test_a_body_shorter_than_announced_is_no_answer(server: Server) -> None:
    server.say("HTTP/1.1 200 -\r\nContent-Length: 100\r\n\r\n{}")
    assert str(failure(server.root)) == "GET /x: the answer was cut short"


@pytest.mark.parametrize("rest", ["", "5\r\n{", "2\r\n{}\r\n", "2\r\n{}\r\nzz\r\n"])
def test_chunks_that_stop_before_the_end_are_no_answer(server: Server, rest: str) -> None:
    server.say(f"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n{rest}")
    assert str(failure(server.root)) == "GET /x: the answer was cut short"


def test_a_connection_that_is_reset_is_no_answer(server: Server) -> None:
    server.reset()
    assert "closed the connection before the whole answer came" in str(failure(server.root))


def test_a_connection_that_is_closed_without_a_word_is_no_answer(server: Server) -> None:
    server.say("")
    assert "closed the connection before the whole answer came" in str(failure(server.root))


def test_something_that_is_not_http_is_no_answer(server: Server) -> None:
    server.say("SSH-2.0-OpenSSH_9.6\r\n")
    assert "answers with something that is not HTTP" in str(failure(server.root))


def test_a_body_whose_compression_is_broken_is_no_answer(server: Server) -> None:
    server.reply(200, "no gzip at all", Content_Encoding="gzip", Content_Type=JSON)
    assert "its compression is broken" in str(failure(server.root))


def test_a_refused_connection_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}/api")
    assert not isinstance(error, Unreachable)
    assert str(error) == f"GET /x: 127.0.0.1:{port} refuses the connection; check the address and its port"


def test_a_name_that_is_not_found_is_no_answer() -> None:
    # Too long for the question to be put to a server, so it is not found without one.
    host = ".".join(["a" * 60] * 6)
    error = failure(f"https://{host}/api")
    assert not isinstance(error, Unreachable)
    assert str(error) == f"GET /x: the host {host} is not found; check the address and the network"


def test_an_address_without_a_route_is_no_answer() -> None:
    # The broadcast address of loopback takes no connections, and does not refuse them either.
    error = failure("http://127.255.255.255/api")
    assert not isinstance(error, Unreachable)
    assert str(error).startswith("GET /x: no connection to 127.255.255.255 (")


def test_an_address_that_the_library_refuses_is_no_answer() -> None:
    assert ".invalid failed (Location" in str(failure(f"https://{'a' * 64}.invalid/api"))


@pytest.mark.parametrize(
    "head", ["", "HTTP/1.1 200 -\r\nX: y", "HTTP/1.1 200 -\r\nContent-Length: 9\r\n\r\n{"]
)
def test_a_server_that_falls_silent_is_no_answer(server: Server, head: str) -> None:
    server.stall(head)
    assert "was silent for 0.05 s" in str(failure(server.root, read=0.05))


def test_no_connection_in_time_is_no_answer() -> None:
    # A queue of one that is full: the next connection is neither taken nor refused.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(address)
        network = Network(f"http://127.0.0.1:{address[1]}/api", timeout=(0.05, 5))
        with pytest.raises(NoAnswer, match=r"no connection to .* within 0.05 s"):
            network.send(Request("GET", "/x"))
        network.close()
        for one in waiting:
            one.close()


@pytest.mark.parametrize("head", ["Content-Length: 100000", "X: ends when the connection does"])
def test_an_answer_that_trickles_in_is_given_up(server: Server, head: str) -> None:
    server.trickle(f"HTTP/1.1 200 -\r\n{head}\r\n\r\n")
    assert "did not end within 0.05 s" in str(failure(server.root, deadline=0.05))


def test_headers_that_trickle_in_are_given_up(server: Server) -> None:
    server.trickle("HTTP/1.1 200 -\r\nX: ")
    assert "did not end within 0.05 s" in str(failure(server.root, deadline=0.05))


@pytest.mark.parametrize("zipped", [False, True])
def test_an_answer_that_is_too_large_is_given_up(server: Server, *, zipped: bool) -> None:
    body = b" " * 200_000
    if zipped:
        server.reply(200, gzip.compress(body), Content_Encoding="gzip")
    else:
        server.reply(200, body)
    assert "larger than 100000 bytes" in str(failure(server.root, largest=100_000))


# --- TLS and proxies


def test_a_certificate_that_does_not_verify_stops_before_the_key_is_sent(tls_server: Server) -> None:
    error = failure(tls_server.root)
    assert isinstance(error, Unreachable)
    assert "the certificate of 127.0.0.1" in str(error)
    assert "does not verify (self" in str(error)
    assert "REQUESTS_CA_BUNDLE" in str(error)
    assert tls_server.seen == []


def test_an_authority_of_ones_own_is_named_in_the_environment(
    tls_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    tls_server.reply(200, "{}")
    assert ask(tls_server.root).json == {}


def test_a_certificate_for_another_name_does_not_verify(
    tls_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    error = failure(tls_server.root.replace("127.0.0.1", "localhost"))
    assert isinstance(error, Unreachable)
    assert "mismatch" in str(error)


def test_certificates_that_are_not_there_are_named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/certificates.pem")
    error = failure(server.root.replace("http:", "https:"))
    assert isinstance(error, Unreachable)
    assert str(error) == "GET /x: the certificates that REQUESTS_CA_BUNDLE names cannot be read"


def test_a_server_without_tls_is_said_to_be_one(server: Server) -> None:
    error = failure(server.root.replace("http:", "https:"))
    assert isinstance(error, Unreachable)
    assert "does not speak TLS" in str(error)


def test_a_tls_connection_that_breaks_is_no_answer(
    tls_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    tls_server.say("HTTP/1.1 200 -\r\nContent-Length: 100\r\n\r\n{}")
    error = failure(tls_server.root)
    assert not isinstance(error, Unreachable)


@pytest.mark.parametrize("last_words", [b"", b"\x15\x03\x03\x00\x02\x02\x28"])
def test_a_tls_connection_that_is_turned_down_is_no_answer(last_words: bytes) -> None:
    def turn_down(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(last_words)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=turn_down, args=(listener,))
        thread.start()
        error = failure(f"https://127.0.0.1:{listener.getsockname()[1]}/api")
        thread.join()
    assert not isinstance(error, Unreachable)
    assert "the TLS connection to 127.0.0.1" in str(error)


def test_a_proxy_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{port}")
    message = str(failure("https://acme.omniapp.co/api"))
    assert message == "GET /x: the proxy that the environment names does not let the request through"


def test_a_proxy_that_makes_no_sense_is_an_error_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter2@:x/")
    assert "hunter2" not in str(failure("https://acme.omniapp.co/api"))


@pytest.mark.parametrize("head", ["HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nX: y", "HTTP/1.1 200 OK\r\n"])
def test_an_answer_that_ends_within_its_headers_is_no_answer(server: Server, head: str) -> None:
    server.say(head)
    assert failure(server.root)


# Bodies that are not JSON


def parts_of(kind: str, body: bytes) -> list[Message]:
    """The parts of a multipart body, as a parser of mail reads them."""
    parsed = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=HTTP)
    assert parsed.is_multipart()
    return list(parsed.iter_parts())  # type: ignore[attr-defined]


def test_a_form_is_sent_in_its_order_and_escaped(server: Server, network: Network) -> None:
    server.reply(200)
    pairs = (("name", "Zoë & Söhne = 1"), ("member", "u1"), ("member", "u2"), ("empty", ""))
    network.send(Request("POST", "/groups", form=pairs))
    (seen,) = server.seen
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(seen.body.decode("ascii"), keep_blank_values=True, strict_parsing=True) == list(pairs)


def test_multipart_is_sent_part_by_part(server: Server, network: Network) -> None:
    server.reply(200)
    picture = bytes(range(256)) + b"\r\n--boundary--\r\n"
    parts = (
        BodyPart("user", "Zoë".encode()),
        BodyPart("picture", picture, "a.png", "image/png"),
        BodyPart("empty", b""),
    )
    network.send(Request("PUT", "/users", headers=SIGNED, multipart=parts))
    (seen,) = server.seen
    assert seen.headers["authorization"] == SIGNED["Authorization"]
    user, file, empty = parts_of(seen.headers["content-type"], seen.body)
    assert user["content-disposition"] == 'form-data; name="user"'
    assert user.get_payload(decode=True) == "Zoë".encode()
    assert file["content-disposition"] == 'form-data; name="picture"; filename="a.png"'
    assert file.get_content_type() == "image/png"
    assert picture in seen.body
    assert empty.get_payload(decode=True) == b""


def test_the_name_of_a_file_begins_no_header_and_no_part(server: Server, network: Network) -> None:
    server.reply(200)
    name = 'a"; name="user\r\nX-Evil: 1\r\n\r\n--x'
    network.send(Request("POST", "/users", multipart=(BodyPart("picture", b"1", name, "image/png"),)))
    (seen,) = server.seen
    (part,) = parts_of(seen.headers["content-type"], seen.body)
    assert part["x-evil"] is None
    assert part["content-disposition"].params["name"] == "picture"


def test_what_a_body_holds_is_not_in_what_is_shown_of_a_request() -> None:
    request = Request("POST", "/x", form=(("password", KEY),), multipart=(BodyPart("a", KEY.encode()),))
    assert KEY not in repr(request) + repr(request.multipart)

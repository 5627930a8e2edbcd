"""Any Transport behind a real socket on loopback: what is asked below its site's API, it answers."""

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from email import message_from_bytes
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qsl

from reconciler.errors import NoAnswer
from reconciler.sandbox.faults import CutShort
from reconciler.sandbox.pretend import Site
from reconciler.transport.messages import BodyPart, Method, Request, Response, Transport

LARGEST_BODY = 10 * 1024 * 1024
"""In bytes; a longer one gets 413."""


class _Refusal(Exception):
    """A request that never reaches the Transport: the status, and the words of the body."""

    def __init__(self, status: int, detail: str) -> None:
        self.response = Response(
            status,
            {"content-type": "application/json; charset=utf-8"},
            {"detail": detail, "status": status},
        )
        super().__init__(detail)


class Server:
    """A Transport that listens on 127.0.0.1 from the moment it is made; port 0 takes a free one.

    ``url`` ends without a slash and without the path of the API. Raises OSError where
    the port is taken.
    """

    def __init__(self, transport: Transport, site: Site, port: int = 0) -> None:
        self._http = _HTTPServer(transport, site, port)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Serve until close is called, or until Ctrl-C raises KeyboardInterrupt here."""
        self._thread.join()

    def close(self) -> None:
        """Stop listening, end every open connection and wait for the requests under way."""
        self._http.shutdown()
        self._thread.join()
        self._http.end_connections()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(transport: Transport, site: Site, port: int = 0) -> Server:
    """Serve a Transport on loopback; close what comes back, or use it in a ``with``."""
    return Server(transport, site, port)


class _HTTPServer(ThreadingHTTPServer):
    # Not daemons: server_close waits for them, so that no socket outlives the server.
    daemon_threads = False

    def __init__(self, transport: Transport, site: Site, port: int) -> None:
        self.transport = transport
        self.site = site
        self.one_at_a_time = threading.Lock()
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
            super().shutdown_request(request)

    def end_connections(self) -> None:
        """Wake every thread that waits for the next request of a client that stays connected."""
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client may have gone already
                    connection.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that went away is no news; anything else is a bug, and is printed.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    # An answer is two small writes; waiting to join them costs 40 ms for each request.
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"
    server: _HTTPServer

    def _answer(self) -> None:
        try:
            response = self._ask()
        except _Refusal as refusal:
            # What was not read of the body would be taken for the next request.
            self.close_connection = True
            response = refusal.response
        except CutShort as cut:
            self.close_connection = True
            self._write(cut.response, cut=True)
            return
        except NoAnswer:
            self.close_connection = True
            return
        self._write(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 (the base class looks them up by these names)

    def _ask(self) -> Response:
        path, _, query = self.path.partition("?")
        body, site = self._body(), self.server.site
        if path in site.pages and self.command == "GET":
            return site.pages[path]
        if path not in site.beside and not path.startswith(f"{site.api}/"):
            raise _Refusal(HTTPStatus.NOT_FOUND, f"Not found: {path}")
        request = Request(
            cast("Method", self.command),
            path if path in site.beside else path.removeprefix(site.api),
            dict(parse_qsl(query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            **body,
        )
        with self.server.one_at_a_time:
            return self.server.transport.send(request)

    def _body(self) -> dict[str, Any]:
        """The body, as the field of a Request that holds one of its kind."""
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not length.isdecimal():
            raise _Refusal(HTTPStatus.LENGTH_REQUIRED, "Content-Length is required")
        if int(length) > LARGEST_BODY:
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large")
        raw = self.rfile.read(int(length))
        if len(raw) < int(length):
            raise ConnectionAbortedError
        media = self.headers.get("content-type", "")
        match media.partition(";")[0].strip().lower():
            case _ if not raw:
                return {}
            case "application/x-www-form-urlencoded":
                return {"form": tuple(parse_qsl(raw.decode(errors="replace"), keep_blank_values=True))}
            case "multipart/form-data":
                return {"multipart": tuple(_parts(media, raw))}
        try:
            return {"json": json.loads(raw)}
        except (ValueError, RecursionError):
            raise _Refusal(HTTPStatus.BAD_REQUEST, "Bad Request: body: Malformed JSON") from None

    def _write(self, response: Response, *, cut: bool = False) -> None:
        raw = response.text.encode()
        if response.json is not None:
            raw = json.dumps(response.json, separators=(",", ":")).encode()
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != HTTPStatus.NO_CONTENT:
            self.send_header("content-length", str(len(raw)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(raw[: len(raw) // 2] if cut else raw)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        """Say nothing: who serves also logs."""


def _parts(media: str, raw: bytes) -> Iterator[BodyPart]:
    """The parts of a multipart body, as a parser of mail reads them."""
    for part in message_from_bytes(b"Content-Type: " + media.encode() + b"\r\n\r\n" + raw).walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            kind = part.get_content_type() if "content-type" in part else ""
            yield BodyPart(
                name, cast("bytes", part.get_payload(decode=True)), part.get_filename() or "", kind
            )

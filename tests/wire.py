"""A server on loopback that answers exactly what a test tells it to, also when that is not HTTP."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Seen:
    """One request as it came over the wire; ``port`` tells connections apart."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    port: int


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(self.command, self.path, headers, body, self.client_address[1]))
        self.server.answers.pop(0)(self)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = answer  # noqa: N815 (the names http.server looks for)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name in http.server)
        pass


class Server(ThreadingHTTPServer):
    """``answers`` is what to answer, in order; ``seen`` what was asked."""

    # Not daemons: server_close waits for them, so that no socket outlives its test.
    daemon_threads = False

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.answers: list[Answer] = []
        self.seen: list[Seen] = []
        self.release = threading.Event()
        self._open: set[socket.socket] = set()

    @property
    def root(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}/api"

    def say(self, text: str | bytes, *, then_close: bool = True) -> None:
        """Answer the next request with these very bytes."""
        data = text.encode() if isinstance(text, str) else text

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(data)
            handler.close_connection = then_close

        self.answers.append(answer)

    def reply(self, status: int, body: str | bytes = b"", **headers: str) -> None:
        """Answer the next request in full and keep the connection."""
        data = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(data)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.say("\r\n".join([*lines, "", ""]).encode("latin-1") + data, then_close=False)

    def reset(self) -> None:
        """Tear the connection down at the next request."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True

        self.answers.append(answer)

    def stall(self, text: str = "") -> None:
        """At the next request send this, and then nothing until the test is over."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(text.encode())
            self.release.wait()
            handler.close_connection = True

        self.answers.append(answer)

    def trickle(self, head: str) -> None:
        """At the next request send the head, and then a byte every few milliseconds."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.close_connection = True
            handler.wfile.write(head.encode())
            # The client hangs up, as it should.
            with contextlib.suppress(OSError):
                while not self.release.wait(0.005):
                    handler.wfile.write(b" ")

        self.answers.append(answer)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Hang up on clients that keep a connection for later."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early, or does not like the certificate, is part of the tests."""


def running(server: Server) -> Iterator[Server]:
    """Serve from a thread, for a fixture; everything has ended when this does."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.end_connections()
    server.server_close()

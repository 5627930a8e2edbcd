"""The Transport that leaves the machine.

It takes care of this, so nothing above has to: every request ends within a known
time and size; no redirect is followed and no bad certificate accepted, since the
key would go along; a body that was cut short is never taken for an answer; and no
message repeats the words of the HTTP library, which may hold a key.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from reconciler.errors import NoAnswer, Unreachable
from reconciler.transport.media import JSON
from reconciler.transport.messages import Request, Response

# The HTTP libraries are imported where they are used: they take 0.1 s, which --help must not pay.
# ruff: noqa: PLC0415 (see above)

_NO_CONTENT = 204
_BLOCK = 64 * 1024
_LONGEST_LOCATION = 200
_PATH = re.compile(r"(/[!-~]+)+")
_NO_TEXT = {"application/zip", "application/octet-stream", "application/x-zip-compressed"}
_NOT_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}

_Answer = tuple[int, dict[str, str], bytes]


class Network:
    """A Transport over one kept-alive connection pool to an API root such as ``https://acme.example/api``.

    ``timeout`` is for the connection and for each silence while reading,
    ``deadline`` for a whole answer, all in seconds; ``largest`` is the most a
    body may hold, in bytes. Proxies and certificate bundles come from the
    environment (HTTPS_PROXY, REQUESTS_CA_BUNDLE); credentials never do.

    ``send`` raises Unreachable for a redirect, a certificate that does not verify, a
    server without TLS and a path that would lead elsewhere, and NoAnswer where no
    complete answer came. Any other status is a Response. With ``returns_redirects``
    a redirect is a Response too; it is never followed.
    """

    def __init__(
        self,
        root: str,
        *,
        timeout: tuple[float, float] = (10, 60),
        deadline: float = 120,
        largest: int = 64 * 1024 * 1024,
        returns_redirects: bool = False,
    ) -> None:
        from importlib.metadata import distributions

        import requests

        self._root = root
        self._host = urlsplit(root).netloc
        self._timeout = timeout
        self._deadline = deadline
        self._largest = largest
        self._returns_redirects = returns_redirects
        self._session = requests.Session()
        # With any auth set, ~/.netrc cannot replace our Authorization header.
        self._session.auth = _unchanged
        # Plain http goes to loopback only, where a proxy would read the key.
        self._session.trust_env = root.startswith("https:")
        # 0 where it runs from a source tree that is not installed.
        version = next((installed.version for installed in distributions(name="access-reconciler")), "0")
        self._session.headers.update(
            {
                "User-Agent": f"reconciler/{version}",
                "Accept": "application/json, application/scim+json",
            }
        )

    def close(self) -> None:
        """Close the connections; the object is not used after."""
        self._session.close()

    def send(self, request: Request) -> Response:
        """Send one request and read its whole answer."""
        call = f"{request.method} {request.path}"
        if not _stays_below(request.path):
            message = f"{request.method} {request.path!a}: not sent, since the path would lead elsewhere"
            raise Unreachable(message)
        status, headers, body = self._in_time(call, request)
        if 300 <= status < 400 and not self._returns_redirects:  # noqa: PLR2004 (the HTTP redirect range)
            message = (
                f"{call}: {self._host} answers with a redirect ({status}) to {_place(headers)}, which is not "
                "followed, since the key would go along; give the target the address where its API really is"
            )
            raise Unreachable(message)
        return _response(call, status, headers, body)

    def _in_time(self, call: str, request: Request) -> _Answer:
        """The answer of ``_exchange``; raises NoAnswer at the deadline, whatever it still waits for.

        It runs in a thread of its own, since the HTTP libraries limit only each silence:
        headers that trickle in, or a name server that hangs, outlast all their time-outs.
        """
        from concurrent.futures import Future
        from threading import Thread

        answer: Future[_Answer] = Future()

        def work() -> None:
            try:
                answer.set_result(self._exchange(call, request))
            except BaseException as error:  # noqa: BLE001 (raised again where the answer is awaited)
                answer.set_exception(error)

        # A daemon: a thread that still hangs does not keep the process alive.
        Thread(target=work, daemon=True).start()
        try:
            return answer.result(timeout=self._deadline)
        except TimeoutError:
            message = f"{call}: {self._too_late()}"
        raise NoAnswer(message)

    def _exchange(self, call: str, request: Request) -> _Answer:
        from http.client import HTTPException

        from urllib3.exceptions import HTTPError

        prepared = self._prepared(request)
        # The adapter, not Session.send: that keeps cookies and reads on where a redirect points.
        settings: Any = self._session.merge_environment_settings(prepared.url, {}, True, None, None)  # noqa: FBT003 (its signature)
        adapter = self._session.get_adapter(self._root)
        end = time.monotonic() + self._deadline
        try:
            with adapter.send(prepared, timeout=self._timeout, **settings) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                body = self._body(response.raw, end)
                has_length = (
                    response.status_code == _NO_CONTENT
                    or {"content-length", "transfer-encoding"} & headers.keys()
                )
                if body or has_length:
                    return response.status_code, headers, body
                # An answer that was cut within its headers looks just like an empty one.
                kind, reason = NoAnswer, "the answer ended before it said how long it is"
        except (OSError, HTTPException, HTTPError) as error:
            kind, reason = self._explain(error)
        except _TooMuch as error:
            kind, reason = NoAnswer, str(error)
        # Out here the library's error, which holds the request and so the key, is no longer attached.
        message = f"{call}: {reason}"
        raise kind(message)

    def _prepared(self, request: Request) -> Any:
        import requests

        query = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
        url = f"{self._root}{request.path}{query}"
        headers = dict(request.headers)
        body: bytes | list[tuple[str, str]] = list(request.form)
        if request.json is not None:
            headers.setdefault("Content-Type", JSON)
            # Escaped, and so valid UTF-8 whatever the text holds.
            body = json.dumps(request.json, separators=(",", ":")).encode()
        files = [(p.name, (p.file_name or None, p.content, p.media_type or None)) for p in request.multipart]
        return self._session.prepare_request(
            requests.Request(request.method, url, headers=headers, data=body, files=files)
        )

    def _body(self, raw: Any, end: float) -> bytes:
        body = bytearray()
        # read1 comes back after each piece that arrives, so a trickle cannot hide from the deadline.
        while block := raw.read1(_BLOCK, decode_content=True):
            body += block
            if len(body) > self._largest:
                message = f"the answer is larger than {self._largest} bytes and was given up"
                raise _TooMuch(message)
            if time.monotonic() > end:
                raise _TooMuch(self._too_late())
        return bytes(body)

    def _too_late(self) -> str:
        return f"the answer did not end within {self._deadline:g} s"

    def _explain(self, error: Exception) -> tuple[type[NoAnswer], str]:  # noqa: C901, PLR0911, PLR0912 (one line for each way to fail)
        """The error to raise, with a reason in our own words: those of the library may repeat headers."""
        import socket
        import ssl
        from http.client import HTTPException, IncompleteRead

        from requests.exceptions import ConnectTimeout, ProxyError, RequestException
        from urllib3.exceptions import DecodeError, ReadTimeoutError

        host, (connect, silence) = self._host, self._timeout
        for cause in _causes(error):
            match cause:
                case ssl.SSLCertVerificationError():
                    why = f"the certificate of {host} does not verify ({cause.verify_message})"
                    what_to_do = "check the address, or name your own authority in REQUESTS_CA_BUNDLE"
                    return Unreachable, f"{why}; {what_to_do}"
                case ssl.SSLError(reason=reason) if reason in _NOT_TLS:
                    return Unreachable, f"{host} does not speak TLS; check the address and its port"
                case ssl.SSLError():
                    return (
                        NoAnswer,
                        f"the TLS connection to {host} failed ({cause.reason or 'no reason given'})",
                    )
                case socket.gaierror():
                    return NoAnswer, f"the host {host} is not found; check the address and the network"
                case ConnectionRefusedError():
                    return NoAnswer, f"{host} refuses the connection; check the address and its port"
                case ConnectTimeout():
                    return NoAnswer, f"no connection to {host} within {connect:g} s"
                case ProxyError():
                    return NoAnswer, "the proxy that the environment names does not let the request through"
                case ReadTimeoutError():
                    return NoAnswer, f"{host} was silent for {silence:g} s"
                case DecodeError():
                    return NoAnswer, "the answer cannot be decoded: its compression is broken"
                case IncompleteRead():
                    return NoAnswer, "the answer was cut short"
                case ConnectionError():
                    return NoAnswer, f"{host} closed the connection before the whole answer came"
                case HTTPException():
                    return NoAnswer, f"{host} answers with something that is not HTTP"
                case OSError(strerror=str(reason)) if not isinstance(cause, RequestException):
                    return NoAnswer, f"no connection to {host} ({reason})"
        if type(error) is OSError:
            return Unreachable, "the certificates that REQUESTS_CA_BUNDLE names cannot be read"
        return NoAnswer, f"the request to {host} failed ({type(error).__name__})"


class _TooMuch(Exception):
    """An answer that takes too long or is too large; the message holds nothing of it."""


def _unchanged(request: Any) -> Any:
    return request


def _stays_below(path: str) -> bool:
    """Whether the path means on the wire what it says here: HTTP libraries resolve ``..``, escaped or not."""
    plain = _PATH.fullmatch(path) and not set(path) & set("?#\\")
    return bool(plain) and not {unquote(step) for step in path[1:].split("/")} & {"", ".", ".."}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _place(headers: dict[str, str]) -> str:
    """Host and path of a Location header, in visible ASCII: a query or a user part may hold secrets."""
    location = "".join(character for character in headers.get("location", "") if "!" <= character <= "~")
    try:
        parts = urlsplit(location)
    except ValueError:
        return "an unreadable address"
    host = parts.netloc.rpartition("@")[2]
    return f"{host}{parts.path}"[:_LONGEST_LOCATION] or "no address"


def _response(call: str, status: int, headers: dict[str, str], body: bytes) -> Response:
    if not body:
        return Response(status, headers)
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media in _NO_TEXT:
        return Response(status, headers, content=body)
    try:
        return Response(status, headers, json.loads(body))
    except (ValueError, RecursionError):
        answer = Response(status, headers, text=body.decode(errors="replace"))
    if answer.ok and (media == "application/json" or media.endswith("+json")):
        message = f"{call}: the answer is said to be JSON but does not parse; it may have been cut short"
        raise NoAnswer(message)
    return answer

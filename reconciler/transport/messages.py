"""HTTP as values, and the one port through which all of it goes.

``send`` is the whole interface: the network, pacing, credentials, faults and
the sandbox are all a ``Transport`` or something around one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Method = Literal["GET", "POST", "PATCH", "DELETE", "PUT"]


@dataclass(frozen=True, slots=True)
class BodyPart:
    """One part of a multipart body. It is a file where it has a file name."""

    name: str
    content: bytes = field(repr=False)
    file_name: str = ""
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. ``path`` is relative to the API root (``/scim/v2/users``), already escaped.

    ``query`` values are plain text, escaped by whoever puts them on a wire.
    ``headers`` may hold a credential and are never shown. ``key`` is the number of
    the one key to send it with, from 0, where several are used in turn; None for any.

    The body is ``json``, a ``form`` as pairs in their order, or ``multipart``: one of them at most.
    """

    method: Method
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: object = None
    key: int | None = None
    form: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    multipart: tuple[BodyPart, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer. ``json`` is the parsed body, None where there is none or it is not JSON.

    ``text`` is the body as it came where it could not be parsed, ``content`` its
    bytes where it is no text at all. Header names are lower-case.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    text: str = ""
    content: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status says that it was done."""
        return 200 <= self.status < 300  # noqa: PLR2004 (the HTTP success range)


class Transport(Protocol):
    """Anything that answers requests.

    Raises NoAnswer where no complete answer came back, and Unreachable where
    nothing was sent and sending again would not help.
    """

    def send(self, request: Request) -> Response:
        """Send one request and return its answer, whatever its status."""
        ...


class Reader:
    """The half of a Transport that reads: all that it sends, it sends by ``get``.

    ``keys`` is how many keys the transport sends with, in turn. ``announce`` is told of many requests
    before they are made: their number, and why, with what spares them.
    """

    __slots__ = ("_get", "announce", "keys")

    def __init__(
        self, transport: Transport, keys: int = 1, announce: Callable[[int, str], None] = lambda *_: None
    ) -> None:
        def get(path: str, query: Mapping[str, str], key: int | None) -> Response:
            return transport.send(Request("GET", path, query, key=key))

        # A closure, not the transport itself: whoever holds a Reader cannot reach send.
        self._get = get
        self.keys = keys
        self.announce = announce

    def get(self, path: str, query: Mapping[str, str] | None = None, *, key: int | None = None) -> Response:
        """Read one path, with any key or with the one of this number; raises what the transport raises."""
        return self._get(path, query or {}, key)

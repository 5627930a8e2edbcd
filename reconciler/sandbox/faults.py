"""Bad days on purpose: a Transport around any other that makes chosen requests go wrong.

Terms: a *read* is a GET, everything else is a *write*. A fault before the
request means that the other side never saw it; a fault after it means that
what it asked for took place and only the answer is lost or wrong.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from reconciler.errors import NoAnswer
from reconciler.transport.messages import Request, Response, Transport


class Fault(StrEnum):
    """One way in which a request goes wrong; a request that it does not fit goes through clean."""

    RATE_LIMITED = "429, before the request"
    INTERNAL = "500, before the request"
    BAD_GATEWAY = "502 with HTML, before the request"
    UNAVAILABLE = "503, before the request"
    DELAYED = "answered, after a while"
    CUT_SHORT = "answered, and the body ends too early"
    DROPPED = "a write took place and is not answered"
    LATE_ERROR = "a write took place and is answered with 500"
    SHIFTED_ON = "a list page starts one row later, so a row is missed"
    SHIFTED_BACK = "a list page starts one row earlier, so a row repeats"
    ATTRIBUTES_LOST = "the rows of a list of users lack their extensions"
    HALF_DONE = "the first half of a bulk request took place and nothing is answered"


class CutShort(NoAnswer):
    """The body ended too early; ``response`` is what it would have been."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__("the answer was cut short")


class Dropped(NoAnswer):
    """The connection ended without an answer."""

    def __init__(self) -> None:
        super().__init__("the connection ended without an answer")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often each fault is drawn, as probabilities that sum to at most 1.

    ``consecutive`` is the most faults in a row for one and the same request
    (method, path, query and body): after as many it goes through clean, so
    that a client that tries again often enough is served. ``delay`` is in seconds.
    Raises ValueError for chances that are no probabilities.
    """

    chances: Mapping[Fault, float] = field(default_factory=dict)
    consecutive: int = 2
    delay: float = 1.0

    def __post_init__(self) -> None:
        if not all(chance >= 0 for chance in self.chances.values()) or sum(self.chances.values()) > 1 + 1e-9:
            message = "the chances of a schedule must each be 0 or more and sum to 1 at most"
            raise ValueError(message)

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Self:
        """The chances by the names of faults, as a command line says them; ValueError for a bad one."""
        names = {fault.name.lower(): fault for fault in Fault}
        chances = {}
        for name, text in texts.items():
            if name not in names:
                message = f"{name}: no such fault; there are {', '.join(names)}"
                raise ValueError(message)
            try:
                chances[names[name]] = float(text)
            except ValueError:
                message = f"{name}: must be a number from 0 to 1"
                raise ValueError(message) from None
        return cls(chances)

    def draw(self, chance: random.Random) -> Fault | None:
        """The fault for the next request, mostly None."""
        drawn = chance.random()
        for fault, share in self.chances.items():
            if drawn < share:
                return fault
            drawn -= share
        return None


class Faulty:
    """Faults by a schedule: the same seed and the same requests give the same faults.

    ``played`` lists the faults that took place, with the method and path that they hit.
    """

    def __init__(
        self,
        transport: Transport,
        seed: int,
        schedule: Schedule,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.played: list[tuple[Fault, str, str]] = []
        self._transport = transport
        self._chance = random.Random(seed)  # noqa: S311 (a schedule must repeat, not surprise)
        self._schedule = schedule
        self._sleep = sleep
        self._in_a_row: Counter[str] = Counter()

    def send(self, request: Request) -> Response:
        """Send one request, or let it go wrong; raises NoAnswer for faults that lose the answer."""
        fault = self._schedule.draw(self._chance)
        same = json.dumps([request.method, request.path, dict(request.query), request.json], sort_keys=True)
        if fault is None or not fits(fault, request) or self._in_a_row[same] >= self._schedule.consecutive:
            del self._in_a_row[same]
            return self._transport.send(request)
        self._in_a_row[same] += 1
        self.played.append((fault, request.method, request.path))
        return play(fault, self._transport, request, lambda: self._sleep(self._schedule.delay))


class Scripted:
    """Chosen faults for chosen requests, counted from 1; with ``writes`` only writes are counted.

    ``remaining`` holds the faults that have not taken place yet.
    """

    def __init__(
        self,
        transport: Transport,
        faults: Mapping[int, Fault],
        *,
        writes: bool = False,
        delay: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.remaining = dict(faults)
        self._transport = transport
        self._writes = writes
        self._pause = lambda: sleep(delay)
        self._count = 0

    def send(self, request: Request) -> Response:
        """Send one request, or let it go wrong; raises NoAnswer for faults that lose the answer."""
        if self._writes and request.method == "GET":
            return self._transport.send(request)
        self._count += 1
        if self._count not in self.remaining or not fits(self.remaining[self._count], request):
            return self._transport.send(request)
        return play(self.remaining.pop(self._count), self._transport, request, self._pause)


def fits(fault: Fault, request: Request) -> bool:
    """Whether this fault can befall this request."""
    is_list = request.method == "GET" and request.path.lower().endswith(("/users", "/groups"))
    match fault:
        case Fault.DROPPED | Fault.LATE_ERROR:
            return request.method != "GET"
        case Fault.SHIFTED_ON:
            return is_list and "filter" not in request.query
        case Fault.SHIFTED_BACK:
            return is_list and "filter" not in request.query and _start(request) > 1
        case Fault.ATTRIBUTES_LOST:
            return is_list and request.path.lower().endswith("/users")
        case Fault.HALF_DONE:
            return _first_half(request) is not None
        case _:
            return True


def play(fault: Fault, transport: Transport, request: Request, pause: Callable[[], None]) -> Response:
    """Send a request that goes wrong in this way; raises NoAnswer for faults that lose the answer."""
    if fault in _BEFORE:
        return _BEFORE[fault]
    if fault is Fault.SHIFTED_ON:
        return _shifted(transport, request, 1)
    if fault is Fault.SHIFTED_BACK:
        return _shifted(transport, request, -1)
    if fault is Fault.HALF_DONE:
        request = _first_half(request) or request
    response = transport.send(request)
    match fault:
        case Fault.DELAYED:
            pause()
        case Fault.CUT_SHORT:
            raise CutShort(response)
        case Fault.DROPPED | Fault.HALF_DONE:
            raise Dropped
        case Fault.LATE_ERROR:
            return _error(500, "Internal server error")
        case _:
            return _without_attributes(response)
    return response


def _error(status: int, detail: str) -> Response:
    return Response(status, {"content-type": "application/json"}, {"detail": detail, "status": status})


_BEFORE = {
    Fault.RATE_LIMITED: _error(429, "Too many requests"),
    Fault.INTERNAL: _error(500, "Internal server error"),
    Fault.BAD_GATEWAY: Response(
        502, {"content-type": "text/html"}, text="<html><h1>502 Bad Gateway</h1></html>"
    ),
    Fault.UNAVAILABLE: _error(503, "Service unavailable"),
}


def _first_half(request: Request) -> Request | None:
    """A bulk request with the first half of its operations; None for any other request."""
    if request.method != "POST" or not request.path.lower().endswith("/bulk"):
        return None
    fields = request.json if isinstance(request.json, dict) else {}
    key = next((name for name in fields if str(name).lower() == "operations"), "")
    rows = fields.get(key)
    if not isinstance(rows, list) or not rows[1:]:
        return None
    return replace(request, json={**fields, key: rows[: len(rows) // 2]})


def _start(request: Request) -> int:
    given = request.query.get("startIndex", "1")
    return int(given) if given.isdecimal() else 1


def _shifted(transport: Transport, request: Request, by: int) -> Response:
    """The page beside the one that was asked for, which claims to be the one that was asked for."""
    start = _start(request)
    response = transport.send(replace(request, query={**request.query, "startIndex": str(start + by)}))
    if not isinstance(response.json, dict) or "startIndex" not in response.json:
        return response
    return replace(response, json={**response.json, "startIndex": start})


def _without_attributes(response: Response) -> Response:
    if not isinstance(response.json, dict) or not isinstance(response.json.get("Resources"), list):
        return response
    rows = [
        {name: value for name, value in row.items() if not name.lower().startswith("urn:")}
        for row in response.json["Resources"]
    ]
    return replace(response, json={**response.json, "Resources": rows})

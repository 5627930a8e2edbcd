"""How fast to send, and what to send again.

*Pace*: at most so many requests start in any 60 seconds (a rolling window, so
no sleep comes before it must). A system may allow so many a minute for each key
and send neither Retry-After nor its counters, so staying below is on us. Every
attempt counts.

*Retry*: 429 says that nothing was done, so any request is sent again. A read
is sent again as well when the server failed (500, 502, 503, 504) or gave no
usable answer, and so is what its caller says may be sent twice. A write is not: it may have taken
place, so its answer goes back to the caller, who finds out by reading. What Unreachable says stays true, so
it is never tried again.

The decisions are pure functions; only ``Paced`` sleeps, on a clock it is given.
"""

import math
import re
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal

from reconciler.errors import NoAnswer, Unreachable
from reconciler.transport.clock import Clock
from reconciler.transport.messages import Method, Request, Response, Transport

_SERVER_FAILED = {
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_READS: tuple[Method, ...] = ("GET",)
_HAIR = 1e-6
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


class Window:
    """At most ``limit`` starts in any ``seconds``, counted from each start; None or 0: no limit."""

    def __init__(self, limit: int | None, seconds: float = 60) -> None:
        self.limit = limit or 0
        self.seconds = seconds
        self._starts: deque[float] = deque(maxlen=self.limit)

    def delay(self, now: float) -> float:
        """Seconds until the next start is allowed; 0 where it is allowed now."""
        if len(self._starts) < self.limit or not self.limit:
            return 0.0
        seconds = self._starts[0] + self.seconds - now
        # Rounding must not make a start a hair too early: the server may count exactly.
        return seconds + _HAIR if seconds > 0 else 0.0

    def record(self, now: float) -> None:
        """Count one start."""
        self._starts.append(now)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often, and for how long, to try. Waits are in seconds."""

    busy: int = 10
    """Attempts that may be answered with 429; then the caller gets that answer."""
    faults: int = 6
    """Attempts at a read that may fail; then the caller gets the failure."""
    longest_backoff: float = 30
    longest_asked: float = 120
    """The longest wait that a Retry-After can ask for."""


Trouble = Literal["busy", "fault"]


def trouble(
    method: Method, answer: Response | NoAnswer, harmless: Collection[Method] = _READS
) -> Trouble | None:
    """The trouble that is worth another attempt; None where there is none, or trying again is no use.

    What is sent with a ``harmless`` method may be sent twice.
    """
    if isinstance(answer, Response) and answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return "busy"
    if method not in harmless or isinstance(answer, Unreachable):
        return None
    return "fault" if isinstance(answer, NoAnswer) or answer.status in _SERVER_FAILED else None


def retry_after(answer: Response | NoAnswer, wall: float) -> float | None:
    """The seconds that a server asks to wait, from its Retry-After in seconds or as a date.

    None where there is no header, or one that says nothing of use: nonsense, zero,
    or a date in the past by the clock ``wall`` (seconds since 1970).
    """
    text = answer.headers.get("retry-after", "").strip() if isinstance(answer, Response) else ""
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        try:
            date = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall
    return seconds if seconds > 0 else None


def decide(
    kind: Trouble, attempt: int, asked: float | None, jitter: float, patience: Patience
) -> float | None:
    """The seconds to wait before the next attempt, or None where the caller gets this answer.

    ``attempt`` counts, from 1, the attempts that met this kind of trouble.
    ``asked`` is what retry_after gave, ``jitter`` is random from 0 to 1: it
    adds up to a second to what was asked, and takes up to half off the
    exponential wait (1, 2, 4, ... seconds), so that clients do not come in step.
    """
    if attempt >= (patience.busy if kind == "busy" else patience.faults):
        return None
    if asked is not None:
        return min(asked, patience.longest_asked) + jitter
    return min(2.0 ** (attempt - 1), patience.longest_backoff) * (1 - jitter / 2)


@dataclass(slots=True)
class Lane:
    """The way out with one key: its Transport, its window, and until when the server wants it to rest."""

    transport: Transport
    window: Window
    rests_until: float = -math.inf

    def delay(self, now: float) -> float:
        """Seconds until this lane may send."""
        return max(self.window.delay(now), self.rests_until - now, 0.0)


class Paced:
    """A Transport that keeps to a window and sends again what is worth it.

    ``others`` are further keys to the same system, each with its own window. A
    request takes the lane that it names, else the one that is free first: k keys
    finish in 1/k of the time, and a 429 on one lets only that one rest. ``random``
    gives numbers from 0 to 1. ``on_wait(seconds, reason)`` is called before each
    wait. ``retry_after`` says whether the last 429 named how long to wait, None
    where there was none. What is sent with a ``harmless`` method may be sent twice.

    Raises what the inner Transport raises, and Interrupted out of a wait: the
    request was not done then (a read, or a write that was never sent or was
    answered 429).
    """

    def __init__(
        self,
        transport: Transport,
        window: Window,
        clock: Clock,
        random: Callable[[], float],
        on_wait: Callable[[float, str], None] | None = None,
        patience: Patience | None = None,
        others: Sequence[tuple[Transport, Window]] = (),
        harmless: Collection[Method] = _READS,
    ) -> None:
        self._lanes = [Lane(transport, window), *(Lane(*other) for other in others)]
        self._by_key = tuple(self._lanes)
        self._clock = clock
        self._random = random
        self._on_wait = on_wait
        self._patience = patience or Patience()
        self._harmless = harmless
        self.retry_after: bool | None = None

    def send(self, request: Request) -> Response:
        """Send one request, and again where that is worth it; returns the last answer."""
        met: Counter[Trouble] = Counter()
        while True:
            lane = self._free_lane(self._lanes if request.key is None else [self._by_key[request.key]])
            answer = self._attempt(lane, request)
            kind = trouble(request.method, answer, self._harmless)
            seconds = None
            if kind:
                met[kind] += 1
                asked_for = retry_after(answer, self._clock.wall())
                if kind == "busy":
                    self.retry_after = asked_for is not None
                seconds = decide(kind, met[kind], asked_for, self._random(), self._patience)
            if seconds is None:
                if isinstance(answer, NoAnswer):
                    raise answer
                return answer
            if kind == "busy":
                lane.rests_until = self._clock.now() + seconds
            else:
                reason = f"{answer.status} from the server" if isinstance(answer, Response) else "no answer"
                self._wait(seconds, reason)

    def _attempt(self, lane: Lane, request: Request) -> Response | NoAnswer:
        try:
            return lane.transport.send(request)
        except NoAnswer as error:
            return error

    def _free_lane(self, lanes: Sequence[Lane]) -> Lane:
        """The lane that may send first, once it may; the ones used least recently come first."""
        now = self._clock.now()
        lane = min(lanes, key=lambda lane: lane.delay(now))
        delay = lane.delay(now)
        if delay > 0:
            window = lane.window
            busy = lane.rests_until - now >= delay
            pace = f"the pace of {window.limit} requests in {window.seconds:g} s"
            self._wait(delay, "429 from the server" if busy else pace)
        # A clock may wake a hair early; the start then counts from when it was due.
        lane.window.record(max(self._clock.now(), now + delay))
        self._lanes.remove(lane)
        self._lanes.append(lane)
        return lane

    def _wait(self, seconds: float, reason: str) -> None:
        if self._on_wait is not None:
            self._on_wait(seconds, reason)
        self._clock.sleep(seconds)

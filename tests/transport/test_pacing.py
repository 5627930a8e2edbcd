import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Interrupted, NoAnswer, Unreachable
from reconciler.transport.clock import SystemClock
from reconciler.transport.messages import Method, Request, Response
from reconciler.transport.pacing import (
    Paced,
    Patience,
    Trouble,
    Window,
    decide,
    retry_after,
    trouble,
)

HAIR = 1e-6
NOON = 1_700_000_000.0
METHODS: list[Method] = ["GET", "POST", "PATCH", "DELETE", "PUT"]
WRITES = METHODS[1:]
Answer = Response | NoAnswer


@dataclass
class FakeClock:
    """A clock on which only sleeping, and whoever moves it, makes time pass."""

    time: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return NOON + self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class StoppedClock(FakeClock):
    def sleep(self, seconds: float) -> None:
        message = f"stopped in a sleep of {seconds}"
        raise Interrupted(message)


class Server:
    """Answers from a list, then 200; notes when each request started. A 200 takes ``takes`` seconds."""

    def __init__(self, clock: FakeClock, answers: Iterable[Answer] = (), takes: float = 0) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.takes = takes
        self.starts: list[float] = []

    def send(self, request: Request) -> Response:  # noqa: ARG002 (the answers do not depend on it)
        self.starts.append(self.clock.time)
        answer = self.answers.pop(0) if self.answers else Response(200)
        self.clock.time += self.takes
        if isinstance(answer, NoAnswer):
            raise answer
        return answer


def paced(
    answers: Iterable[Answer] = (),
    limit: int | None = None,
    jitter: float = 0,
    clock: FakeClock | None = None,
) -> tuple[Paced, Server, FakeClock]:
    clock = clock or FakeClock()
    server = Server(clock, answers)
    return Paced(server, Window(limit), clock, lambda: jitter), server, clock


def most_in_any_minute(starts: list[float]) -> int:
    return max((sum(1 for s in starts if start <= s < start + 60 - HAIR) for start in starts), default=0)


# --- the window


def test_the_limit_may_start_at_once_and_the_next_waits_for_the_first_to_age() -> None:
    window = Window(2)
    assert window.delay(100) == 0
    window.record(100)
    window.record(110)
    assert window.delay(110) == pytest.approx(50, abs=2 * HAIR)
    assert window.delay(159) == pytest.approx(1, abs=2 * HAIR)
    assert window.delay(160) == 0
    window.record(160)
    assert window.delay(160) == pytest.approx(10, abs=2 * HAIR)


def test_rounding_never_makes_a_start_a_hair_too_early() -> None:
    window = Window(1)
    for step in range(1, 2000):
        now = step / 7
        window.record(now)
        later = now + 59.9
        assert later + window.delay(later) - now >= 60


@pytest.mark.parametrize("limit", [None, 0])
def test_no_limit_never_waits(limit: int | None) -> None:
    window = Window(limit)
    for _ in range(100):
        window.record(1)
    assert window.delay(1) == 0


@given(
    limit=st.integers(1, 6),
    origin=st.floats(0, 1e9),
    gaps=st.lists(st.one_of(st.just(0.0), st.floats(0, 90)), max_size=40),
)
def test_never_more_than_the_limit_in_any_minute_and_never_a_needless_wait(
    limit: int, origin: float, gaps: list[float]
) -> None:
    clock = FakeClock(origin)
    server = Server(clock)
    transport = Paced(server, Window(limit), clock, lambda: 1.0)
    for gap in gaps:
        clock.time += gap
        before = clock.time
        transport.send(Request("GET", "/x"))
        earlier, start = server.starts[:-1], server.starts[-1]
        if start > before:
            # It waited: then the limit was used up until this very moment.
            assert sum(1 for s in earlier if start - 60 - 2 * HAIR <= s) >= limit
    assert most_in_any_minute(server.starts) <= limit


@given(limit=st.integers(1, 60), count=st.integers(1, 200), takes=st.floats(0, 0.5))
def test_n_requests_take_no_longer_than_n_over_limit_minutes_and_their_own_time(
    limit: int, count: int, takes: float
) -> None:
    clock = FakeClock()
    server = Server(clock, takes=takes)
    transport = Paced(server, Window(limit), clock, lambda: 1.0)
    for _ in range(count):
        transport.send(Request("POST", "/x"))
    assert clock.time <= count / limit * 60 + count * takes + HAIR


def test_300_sends_at_55_a_minute_take_5_minutes() -> None:
    transport, server, clock = paced(limit=55)
    for _ in range(300):
        transport.send(Request("POST", "/x"))
    assert clock.time == pytest.approx(300)
    assert clock.time <= 300 / 55 * 60
    assert most_in_any_minute(server.starts) == 55


def test_every_attempt_counts_against_the_window() -> None:
    busy = Response(429, {"retry-after": "1"})
    transport, server, _ = paced([busy, busy], limit=2)
    transport.send(Request("POST", "/x"))
    assert server.starts == pytest.approx([0, 1, 60], abs=2 * HAIR)


def test_a_clock_that_wakes_early_cannot_squeeze_starts_together() -> None:
    class Hasty(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds * 0.999)

    transport, server, clock = paced(limit=1, clock=Hasty())
    for _ in range(50):
        transport.send(Request("GET", "/x"))
    assert clock.time == pytest.approx(49 * 60, abs=0.1)
    assert len(server.starts) == 50


# --- what is worth another attempt


@pytest.mark.parametrize("method", METHODS)
def test_429_was_not_done_and_is_always_sent_again(method: Method) -> None:
    assert trouble(method, Response(429)) == "busy"


@pytest.mark.parametrize(
    "answer", [Response(500), Response(502), Response(503), Response(504), NoAnswer("x")]
)
def test_a_failed_read_is_worth_another_attempt_and_a_failed_write_goes_back(answer: Answer) -> None:
    assert trouble("GET", answer) == "fault"
    assert [trouble(method, answer) for method in WRITES] == [None] * 4


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 409, 422, 501])
@pytest.mark.parametrize("method", METHODS)
def test_any_other_answer_is_an_answer(method: Method, status: int) -> None:
    assert trouble(method, Response(status)) is None


@pytest.mark.parametrize("method", METHODS)
def test_unreachable_stays_unreachable(method: Method) -> None:
    assert trouble(method, Unreachable("x")) is None


# --- how long


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("100000", 100_000),
        (formatdate(NOON + 90, usegmt=True), 90),
        (formatdate(NOON + 90, usegmt=False), 90),
        ("Tue, 14 Nov 2023 23:14:50 +0100", 90),
        ("", None),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("٣", None),
        (formatdate(NOON - 90, usegmt=True), None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(Response(429, {"retry-after": text}), NOON) == seconds


def test_a_date_without_a_zone_is_not_taken_for_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "XYZ-9")
        time.tzset()
        seconds = retry_after(Response(429, {"retry-after": formatdate(NOON + 90)}), NOON)
    time.tzset()
    assert seconds == 90


def test_nothing_is_asked_by_no_header_and_by_no_answer() -> None:
    assert retry_after(Response(429), NOON) is None
    assert retry_after(NoAnswer("x"), NOON) is None


@given(st.text())
def test_no_retry_after_whatever_it_holds_breaks_anything(text: str) -> None:
    seconds = retry_after(Response(429, {"retry-after": text}), NOON)
    assert seconds is None or seconds > 0


def test_without_a_word_from_the_server_waits_double_up_to_half_a_minute() -> None:
    waits = [decide("busy", attempt, None, 0, Patience()) for attempt in range(1, 11)]
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30, 30, None]


def test_reads_are_given_up_after_six_attempts() -> None:
    waits = [decide("fault", attempt, None, 0, Patience()) for attempt in range(1, 7)]
    assert waits == [1, 2, 4, 8, 16, None]


@given(
    kind=st.sampled_from(["busy", "fault"]),
    attempt=st.integers(1, 200),
    asked=st.one_of(st.none(), st.floats(0, 1e9, exclude_min=True)),
    jitter=st.floats(0, 1),
)
def test_a_wait_is_bounded_and_never_shorter_than_asked(
    kind: Trouble, attempt: int, asked: float | None, jitter: float
) -> None:
    patience = Patience(busy=500, faults=500)
    seconds = decide(kind, attempt, asked, jitter, patience)
    assert seconds is not None
    if asked is None:
        assert 0.5 <= seconds <= 30
    else:
        assert min(asked, 120) <= seconds <= 121


# --- sending


@pytest.mark.parametrize("method", METHODS)
def test_a_busy_server_is_asked_again_until_it_answers(method: Method) -> None:
    transport, server, clock = paced([Response(429), Response(429, {"retry-after": "9"}), Response(201)])
    assert transport.send(Request(method, "/x")).status == 201
    assert clock.slept == [1, 9]
    assert len(server.starts) == 3


def test_a_date_is_compared_with_the_wall_clock() -> None:
    transport, _, clock = paced([Response(429, {"retry-after": formatdate(NOON + 42, usegmt=True)})])
    transport.send(Request("POST", "/x"))
    assert clock.slept == [42]


def test_a_busy_server_is_left_alone_after_ten_attempts() -> None:
    transport, server, _ = paced([Response(429)] * 20)
    assert transport.send(Request("PATCH", "/x")).status == 429
    assert len(server.starts) == 10


def test_a_read_survives_faults_and_busy_answers_counted_apart() -> None:
    answers: list[Answer] = [
        NoAnswer("a"),
        Response(429),
        Response(503),
        NoAnswer("b"),
        Response(429),
        Response(500),
        Response(504),
    ]
    transport, server, clock = paced(answers)
    assert transport.send(Request("GET", "/x")).status == 200
    assert clock.slept == [1, 1, 2, 4, 2, 8, 16]
    assert len(server.starts) == 8


@pytest.mark.parametrize("last", [Response(502), NoAnswer("the last")])
def test_a_read_that_keeps_failing_gives_back_the_last_failure(last: Answer) -> None:
    answers: list[Answer] = [NoAnswer("first"), *[Response(500)] * 4, last]
    transport, server, _ = paced(answers)
    if isinstance(last, Response):
        assert transport.send(Request("GET", "/x")) is last
    else:
        with pytest.raises(NoAnswer, match="the last"):
            transport.send(Request("GET", "/x"))
    assert len(server.starts) == 6


@pytest.mark.parametrize("method", WRITES)
def test_an_uncertain_write_is_sent_once_and_handed_back(method: Method) -> None:
    transport, server, clock = paced([Response(503, {"retry-after": "1"}), NoAnswer("lost")])
    assert transport.send(Request(method, "/x")).status == 503
    with pytest.raises(NoAnswer, match="lost"):
        transport.send(Request(method, "/x"))
    assert len(server.starts) == 2
    assert clock.slept == []


def test_a_write_that_fails_after_a_429_is_handed_back_too() -> None:
    transport, server, _ = paced([Response(429), Response(500)])
    assert transport.send(Request("POST", "/x")).status == 500
    assert len(server.starts) == 2


def test_unreachable_is_raised_at_once() -> None:
    transport, server, _ = paced([Unreachable("no TLS")])
    with pytest.raises(Unreachable, match="no TLS"):
        transport.send(Request("GET", "/x"))
    assert len(server.starts) == 1


def test_each_wait_is_announced_with_its_reason() -> None:
    clock = FakeClock()
    server = Server(clock, [Response(429, {"retry-after": "12"}), NoAnswer("lost")])
    said: list[tuple[float, str]] = []
    transport = Paced(
        server, Window(3), clock, lambda: 0, lambda seconds, reason: said.append((seconds, reason))
    )
    transport.send(Request("GET", "/x"))
    transport.send(Request("GET", "/x"))
    assert [reason for _, reason in said] == [
        "429 from the server",
        "no answer",
        "the pace of 3 requests in 60 s",
    ]
    assert [seconds for seconds, _ in said] == pytest.approx([12, 1, 47], abs=2 * HAIR)


def test_jitter_comes_from_the_given_source() -> None:
    transport, _, clock = paced([Response(429), Response(429, {"retry-after": "5"})], jitter=1)
    transport.send(Request("POST", "/x"))
    assert clock.slept == [0.5, 6]


@pytest.mark.parametrize("answers", [[Response(429)], [NoAnswer("lost")]])
def test_a_stop_while_waiting_to_send_again_sends_nothing_more(answers: list[Answer]) -> None:
    transport, server, _ = paced(answers, clock=StoppedClock())
    with pytest.raises(Interrupted):
        transport.send(Request("GET", "/x"))
    assert len(server.starts) == 1


def test_a_stop_while_keeping_the_pace_comes_before_the_request() -> None:
    transport, server, _ = paced(limit=1, clock=StoppedClock())
    transport.send(Request("POST", "/x"))
    with pytest.raises(Interrupted):
        transport.send(Request("POST", "/x"))
    assert len(server.starts) == 1


# --- the machine's clock


def test_a_stop_that_is_set_ends_a_long_sleep_at_once() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted, match="was not sent"):
        SystemClock(stop).sleep(3600)


@pytest.mark.usefixtures("real_time")
def test_a_stop_that_comes_meanwhile_ends_a_long_sleep() -> None:
    stop = threading.Event()
    other = threading.Thread(target=stop.set)
    other.start()
    with pytest.raises(Interrupted):
        SystemClock(stop).sleep(3600)
    other.join()


@pytest.mark.parametrize("make", [SystemClock, lambda: SystemClock(threading.Event())])
def test_the_machines_clock_sleeps_and_tells_the_time(make: Callable[[], SystemClock]) -> None:
    clock = make()
    before = clock.now()
    clock.sleep(0)
    assert clock.now() >= before
    assert clock.wall() == pytest.approx(time.time(), abs=5)

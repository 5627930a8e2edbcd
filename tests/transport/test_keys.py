"""Several keys in turn: each with its own window, through a 429 of any one."""

from collections import Counter
from dataclasses import replace

import pytest
from clocks import FakeClock
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import NoAnswer
from reconciler.transport.messages import Request, Response, Transport
from reconciler.transport.pacing import Paced, Window

READ = Request("GET", "/v1/whoami")
WRITE = Request("POST", "/scim/v2/users")


class Key:
    """One key's way out: notes when it was used, and answers from a list, then 200."""

    def __init__(self, clock: FakeClock, answers: list[Response | NoAnswer] | None = None) -> None:
        self.clock = clock
        self.answers = answers or []
        self.starts: list[float] = []

    def send(self, request: Request) -> Response:  # noqa: ARG002 (the answers do not depend on it)
        self.starts.append(self.clock.now())
        answer = self.answers.pop(0) if self.answers else Response(200)
        if isinstance(answer, NoAnswer):
            raise answer
        return answer


def with_keys(keys: list[Key], limit: int, clock: FakeClock) -> Transport:
    first, *others = [(key, Window(limit)) for key in keys]
    return Paced(*first, clock, lambda: 0.0, others=others)


@given(k=st.integers(1, 6), limit=st.integers(1, 60), requests=st.integers(1, 400))
def test_k_keys_finish_in_a_kth_of_the_time(k: int, limit: int, requests: int) -> None:
    clock = FakeClock()
    keys = [Key(clock) for _ in range(k)]
    transport = with_keys(keys, limit, clock)
    for _ in range(requests):
        transport.send(WRITE)
    assert sum(len(key.starts) for key in keys) == requests
    assert clock.slept <= 60 * requests / (limit * k)
    for key in keys:
        assert all(
            later - earlier >= 60 for earlier, later in zip(key.starts, key.starts[limit:], strict=False)
        )


def test_the_keys_take_turns() -> None:
    clock = FakeClock()
    keys = [Key(clock) for _ in range(3)]
    transport = with_keys(keys, 55, clock)
    for _ in range(7):
        transport.send(READ)
    assert [len(key.starts) for key in keys] == [3, 2, 2]


@pytest.mark.parametrize("request_", [READ, WRITE])
def test_a_429_on_one_key_goes_on_with_another_at_once(request_: Request) -> None:
    clock = FakeClock()
    busy, free = Key(clock, [Response(429, {"retry-after": "20"})]), Key(clock)
    transport = with_keys([busy, free], 55, clock)
    begun = clock.now()
    assert transport.send(request_).status == 200
    assert clock.now() == begun
    for _ in range(3):
        transport.send(request_)
    assert len(busy.starts) == 1
    clock.time += 20
    transport.send(request_)
    assert len(busy.starts) == 2


def test_where_every_key_is_busy_the_first_to_be_free_is_waited_for() -> None:
    clock = FakeClock()
    keys = [Key(clock, [Response(429, {"retry-after": seconds})]) for seconds in ("30", "10")]
    waits: list[tuple[float, str]] = []
    first, *others = [(key, Window(55)) for key in keys]
    transport = Paced(*first, clock, lambda: 0.0, lambda *wait: waits.append(wait), others=others)
    assert transport.send(WRITE).status == 200
    assert waits == [(10.0, "429 from the server")]
    assert Counter(len(key.starts) for key in keys) == {1: 1, 2: 1}


def test_a_read_that_failed_on_one_key_is_tried_on_the_next() -> None:
    clock = FakeClock()
    broken, good = Key(clock, [NoAnswer("lost")]), Key(clock)
    assert with_keys([broken, good], 55, clock).send(READ).status == 200
    assert len(good.starts) == 1


def test_a_write_without_an_answer_is_sent_on_no_other_key() -> None:
    clock = FakeClock()
    broken, good = Key(clock, [NoAnswer("lost")]), Key(clock)
    with pytest.raises(NoAnswer):
        with_keys([broken, good], 55, clock).send(WRITE)
    assert good.starts == []


@given(wanted=st.lists(st.none() | st.integers(0, 2), max_size=30))
def test_a_request_that_names_its_key_goes_out_with_that_one(wanted: list[int | None]) -> None:
    clock = FakeClock()
    keys = [Key(clock) for _ in range(3)]
    transport = with_keys(keys, 55, clock)
    for key in wanted:
        before = [len(one.starts) for one in keys]
        transport.send(replace(READ, key=key))
        used = [len(one.starts) - old for one, old in zip(keys, before, strict=True)]
        assert sum(used) == 1
        assert key is None or used[key] == 1


def test_a_key_that_is_named_is_waited_for() -> None:
    clock = FakeClock()
    busy, free = Key(clock, [Response(429, {"retry-after": "20"})]), Key(clock)
    transport = with_keys([busy, free], 55, clock)
    assert transport.send(replace(READ, key=0)).status == 200
    assert (len(busy.starts), len(free.starts), clock.slept) == (2, 0, 20)

"""Faults: each one does what it says, by schedule and by script, and lets requests through in the end."""

from typing import Any

import pytest
from asking import ATTRIBUTES, ask, body, company, rows, user_id

from reconciler.errors import NoAnswer
from reconciler.sandbox.faults import CutShort, Dropped, Fault, Faulty, Schedule, Scripted, fits
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.transport.messages import Request, Response, Transport

NEW = {"userName": "new@acme.com", "displayName": "New"}


def no_sleep(_seconds: float) -> None:
    raise AssertionError


def hit(sandbox: Transport, fault: Fault) -> Scripted:
    """A transport whose first request goes wrong in this way."""
    return Scripted(sandbox, {1: fault}, sleep=no_sleep)


def made(sandbox: Sandbox) -> bool:
    return bool(sandbox.store.users_with_email("new@acme.com"))


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.RATE_LIMITED, 429),
        (Fault.INTERNAL, 500),
        (Fault.BAD_GATEWAY, 502),
        (Fault.UNAVAILABLE, 503),
    ],
)
def test_a_fault_before_the_request_keeps_it_from_taking_place(fault: Fault, status: int) -> None:
    sandbox = company()
    faulty = hit(sandbox, fault)
    response = ask(faulty, "POST", "/scim/v2/users", NEW)
    assert response.status == status
    assert (response.json is None) == (fault is Fault.BAD_GATEWAY)
    assert not made(sandbox)
    assert ask(faulty, "POST", "/scim/v2/users", NEW).status == 201


def test_a_late_error_says_500_for_a_write_that_took_place() -> None:
    sandbox = company()
    assert ask(hit(sandbox, Fault.LATE_ERROR), "POST", "/scim/v2/users", NEW).status == 500
    assert made(sandbox)


def test_a_dropped_answer_belongs_to_a_write_that_took_place() -> None:
    sandbox = company()
    with pytest.raises(Dropped, match="without an answer"):
        ask(hit(sandbox, Fault.DROPPED), "POST", "/scim/v2/users", NEW)
    assert made(sandbox)


def test_a_cut_answer_tells_what_it_would_have_been() -> None:
    sandbox = company()
    with pytest.raises(CutShort, match="cut short") as caught:
        ask(hit(sandbox, Fault.CUT_SHORT), "POST", "/scim/v2/users", NEW)
    assert made(sandbox)
    assert caught.value.response.status == 201
    with pytest.raises(NoAnswer):
        ask(hit(sandbox, Fault.CUT_SHORT), "GET", "/scim/v2/users")


def test_a_delay_sleeps_and_then_answers() -> None:
    slept: list[float] = []
    sandbox = company()
    scripted = Scripted(sandbox, {1: Fault.DELAYED}, delay=7.5, sleep=slept.append)
    assert ask(scripted, "GET", "/v1/whoami").ok
    faulty = Faulty(sandbox, 1, Schedule({Fault.DELAYED: 1.0}, delay=2.5), sleep=slept.append)
    assert ask(faulty, "GET", "/v1/whoami").ok
    assert slept == [7.5, 2.5]


def test_a_shifted_page_misses_or_repeats_a_row_and_hides_it() -> None:
    sandbox = company()
    on = body(ask(hit(sandbox, Fault.SHIFTED_ON), "GET", "/scim/v2/users", count=2))
    assert [row["userName"] for row in on["Resources"]] == ["bob@acme.com", "cleo@acme.com"]
    assert (on["startIndex"], on["totalResults"]) == (1, 3)
    back = body(ask(hit(sandbox, Fault.SHIFTED_BACK), "GET", "/scim/v2/users", count=2, startIndex=3))
    assert [row["userName"] for row in back["Resources"]] == ["bob@acme.com", "cleo@acme.com"]
    assert back["startIndex"] == 3


def test_a_list_can_lose_its_attributes() -> None:
    sandbox = company()
    lost = rows(hit(sandbox, Fault.ATTRIBUTES_LOST), "users")
    assert len(lost) == 3
    assert all(ATTRIBUTES not in row for row in lost)
    assert ATTRIBUTES in rows(sandbox, "users")[0]


@pytest.mark.parametrize("fault", [Fault.SHIFTED_ON, Fault.ATTRIBUTES_LOST])
def test_a_refused_list_stays_refused(fault: Fault) -> None:
    response = ask(hit(company(), fault), "GET", "/scim/v2/users", token="nonsense")
    assert response.status == 401


@pytest.mark.parametrize(
    ("fault", "request_", "does"),
    [
        (Fault.DROPPED, Request("GET", "/scim/v2/users"), False),
        (Fault.LATE_ERROR, Request("GET", "/scim/v2/users"), False),
        (Fault.DROPPED, Request("DELETE", "/scim/v2/users/x"), True),
        (Fault.SHIFTED_ON, Request("GET", "/scim/v2/Groups"), True),
        (Fault.SHIFTED_ON, Request("GET", "/scim/v2/users", {"filter": 'userName eq "a"'}), False),
        (Fault.SHIFTED_ON, Request("GET", "/scim/v2/users/x"), False),
        (Fault.SHIFTED_ON, Request("POST", "/scim/v2/users"), False),
        (Fault.SHIFTED_BACK, Request("GET", "/scim/v2/users"), False),
        (Fault.SHIFTED_BACK, Request("GET", "/scim/v2/users", {"startIndex": "2"}), True),
        (Fault.SHIFTED_BACK, Request("GET", "/scim/v2/users", {"startIndex": "x"}), False),
        (Fault.ATTRIBUTES_LOST, Request("GET", "/scim/v2/users"), True),
        (Fault.ATTRIBUTES_LOST, Request("GET", "/scim/v2/groups"), False),
        (Fault.RATE_LIMITED, Request("GET", "/v1/whoami"), True),
        (Fault.HALF_DONE, Request("POST", "/Bulk", json={"Operations": [{}, {}]}), True),
        (Fault.HALF_DONE, Request("POST", "/v2/bulk", json={"operations": [{}, {}]}), True),
        (Fault.HALF_DONE, Request("POST", "/Bulk", json={"Operations": [{}]}), False),
        (Fault.HALF_DONE, Request("POST", "/Bulk"), False),
        (Fault.HALF_DONE, Request("PATCH", "/Users/x", json={"Operations": [{}, {}]}), False),
    ],
)
def test_a_fault_befalls_only_what_it_fits(fault: Fault, request_: Request, *, does: bool) -> None:
    assert fits(fault, request_) is does


def test_a_script_hits_the_request_that_it_names() -> None:
    sandbox = company()
    scripted = Scripted(sandbox, {2: Fault.UNAVAILABLE, 9: Fault.INTERNAL})
    assert [ask(scripted, "GET", "/v1/whoami").status for _ in range(3)] == [200, 503, 200]
    assert scripted.remaining == {9: Fault.INTERNAL}


def test_a_script_can_count_writes_alone() -> None:
    sandbox = company()
    scripted = Scripted(sandbox, {2: Fault.LATE_ERROR}, writes=True)
    bob, cleo = user_id(sandbox, "bob@acme.com"), user_id(sandbox, "cleo@acme.com")
    assert ask(scripted, "DELETE", f"/scim/v2/users/{bob}").status == 204
    assert ask(scripted, "GET", "/v1/whoami").ok
    assert ask(scripted, "DELETE", f"/scim/v2/users/{cleo}").status == 500
    assert ask(sandbox, "GET", f"/scim/v2/users/{cleo}").status == 404


def test_a_script_passes_over_a_request_that_its_fault_does_not_fit() -> None:
    scripted = hit(company(), Fault.DROPPED)
    assert ask(scripted, "GET", "/v1/whoami").ok
    assert scripted.remaining == {1: Fault.DROPPED}


def outcomes(seed: int, requests: int = 60) -> tuple[list[object], list[tuple[Fault, str, str]]]:
    schedule = Schedule(dict.fromkeys(Fault, 0.05))
    faulty = Faulty(company(requests_per_minute=0), seed, schedule, sleep=lambda _seconds: None)
    seen: list[object] = []
    for _ in range(requests):
        try:
            seen.append(ask(faulty, "GET", "/scim/v2/users").json)
        except NoAnswer as error:
            seen.append(str(error))
    return seen, faulty.played


def test_the_same_seed_gives_the_same_faults() -> None:
    assert outcomes(1) == outcomes(1)
    assert outcomes(1)[1] != outcomes(2)[1]
    assert outcomes(1)[1][0][1:] == ("GET", "/scim/v2/users")


def test_no_chance_no_fault() -> None:
    faulty = Faulty(company(), 1, Schedule(), sleep=no_sleep)
    assert all(ask(faulty, "GET", "/v1/whoami").ok for _ in range(50))
    assert faulty.played == []


def test_a_request_gets_through_after_the_most_faults_in_a_row_whatever_comes_between() -> None:
    faulty = Faulty(company(), 1, Schedule({Fault.UNAVAILABLE: 1.0}, consecutive=2), sleep=no_sleep)
    write: dict[str, Any] = {"displayName": "G"}
    statuses = []
    for _ in range(3):
        statuses.append(ask(faulty, "POST", "/scim/v2/groups", write).status)
        statuses.append(ask(faulty, "GET", "/v1/whoami").status)
    assert statuses == [503, 503, 503, 503, 201, 200]
    assert ask(faulty, "GET", "/v1/whoami").status == 503


def test_each_fault_is_drawn_about_as_often_as_its_chance() -> None:
    schedule = Schedule({Fault.RATE_LIMITED: 0.3, Fault.INTERNAL: 0.1}, consecutive=10**6)
    faulty = Faulty(company(requests_per_minute=0), 7, schedule, sleep=no_sleep)
    seen = [ask(faulty, "GET", "/v1/whoami").status for _ in range(1000)]
    assert 250 < seen.count(429) < 350
    assert 70 < seen.count(500) < 130


@pytest.mark.parametrize("chances", [{Fault.INTERNAL: -0.1}, dict.fromkeys(Fault, 0.1)])
def test_chances_that_are_no_probabilities_are_refused(chances: dict[Fault, float]) -> None:
    with pytest.raises(ValueError, match="sum to 1 at most"):
        Schedule(chances)


def test_a_fault_wraps_any_transport() -> None:
    class Silent:
        def send(self, request: Request) -> Response:
            return Response(200, json={"path": request.path})

    assert ask(hit(Silent(), Fault.SHIFTED_ON), "GET", "/users").json == {"path": "/users"}

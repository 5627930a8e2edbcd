"""What becomes of every atom that may have taken place, and is read back."""

from dataclasses import replace
from typing import Any

import pytest
from asking import group_id, user_id
from executing import (
    ADA,
    BOB,
    CLEO,
    DAN,
    Stage,
    always,
    before,
    create_group,
    create_user,
    delete,
    on,
    people,
    staff,
    tally,
    update_group,
    update_user,
)

from reconciler.errors import NoAnswer
from reconciler.model import Live, LiveState, User, group_address, user_address
from reconciler.providers.omni.provider import Omni
from reconciler.sandbox.faults import Fault
from reconciler.transport.messages import Request, Response, Transport


class TestUnsure:
    @pytest.mark.parametrize("fault", [Fault.DROPPED, Fault.LATE_ERROR, Fault.CUT_SHORT])
    def test_a_lost_creation_that_took_place_is_done_without_a_second_one(self, fault: Fault) -> None:
        stage = Stage(answerer=on("POST", fault))
        outcomes = stage.run(create_user(DAN, name="Dan", region=("apac",)), create_group("New", [DAN]))
        assert all(outcome.endswith(" done") for outcome in outcomes)
        assert len(stage.writes) == 2
        assert stage.execution.ids[user_address(DAN)] == user_id(stage.sandbox, DAN)
        assert people(stage.sandbox).count(DAN) == 1

    def test_a_lost_group_that_was_made_is_found_by_its_name(self) -> None:
        stage = Stage(answerer=on("POST", Fault.DROPPED))
        outcomes = stage.run(create_group("New", [ADA]))
        assert all(outcome.endswith(" done") for outcome in outcomes)
        assert len(stage.writes) == 1
        assert stage.execution.ids[group_address("New")] == group_id(stage.sandbox, "New")

    @pytest.mark.parametrize("fault", [Fault.INTERNAL, Fault.BAD_GATEWAY, Fault.UNAVAILABLE])
    def test_what_did_not_take_place_is_sent_again_at_most_three_times(self, fault: Fault) -> None:
        stage = Stage(answerer=on("POST", fault, fault, fault))
        assert stage.run(create_user(DAN)) == ["+ user/dan@acme.com email done"]
        assert len(stage.writes) == 4
        assert stage.clock.slept == 1 + 2 + 4

    def test_after_three_it_has_failed_with_the_words_of_the_server(self) -> None:
        stage = Stage(answerer=always(503, "POST", words="Overloaded"))
        assert stage.run(create_user(DAN)) == [
            "+ user/dan@acme.com email failed: POST /scim/v2/users was answered 503: Overloaded"
        ]
        assert len(stage.writes) == 4
        assert people(stage.sandbox) == ["Ada@acme.com", BOB, CLEO]

    def test_only_what_is_not_true_is_sent_again(self) -> None:
        """A server that stops half-way, which the documentation does not rule out."""

        def answer(request: Request, inner: Transport) -> Response:
            if request.method == "PATCH" and len(stage.writes) == 1:
                body: Any = request.json
                first = {**body, "Operations": body["Operations"][:1]}
                inner.send(replace(request, json=first))
                return Response(500)
            return inner.send(request)

        stage = Stage(answerer=answer)
        outcomes = stage.run(update_group(stage.sandbox, "Finance", add=[BOB], rename="Money"))
        assert all(outcome.endswith(" done") for outcome in outcomes)
        again: Any = stage.writes[1].json
        assert [operation["op"] for operation in again["Operations"]] == ["add"]

    def test_an_answer_without_an_id_is_settled_by_reading(self) -> None:
        def answer(request: Request, inner: Transport) -> Response:
            response = inner.send(request)
            return Response(201, {}, {"id": "../x"}) if request.method == "POST" else response

        stage = Stage(answerer=answer)
        assert stage.run(create_user(DAN)) == ["+ user/dan@acme.com email done"]
        assert len(stage.writes) == 1

    def test_where_reading_fails_too_it_is_unsettled_and_the_others_go_on(self) -> None:
        stage = Stage(answerer=on("PATCH", NoAnswer("timed out")))
        inner = stage.answerer
        assert inner

        def answer(request: Request, transport: Transport) -> Response:
            if request.method == "GET" and len(stage.writes) == 1:
                message = "timed out as well"
                raise NoAnswer(message)
            return inner(request, transport)

        stage.answerer = answer
        outcomes = stage.run(
            update_user(stage.sandbox, ADA, name="Ada L."), update_user(stage.sandbox, BOB, name="B")
        )
        assert outcomes == [
            "+ user/ada@acme.com name unsettled: timed out; reading it back failed too: timed out as well",
            "+ user/bob@acme.com name done",
        ]
        assert stage.report.counts["failed"] == 1

    def test_too_many_requests_for_good_was_not_done_and_is_never_halved(self) -> None:
        stage = Stage(staff(2), answerer=always(429, "PATCH", words="Too many requests"))
        outcomes = stage.run(update_group(stage.sandbox, "Empty", add=people(stage.sandbox)))
        assert len(stage.writes) == 4
        assert outcomes[0] == (
            "+ group/empty members p0000@acme.com failed: PATCH /scim/v2/groups/{group/empty} "
            "was answered 429: Too many requests"
        )

    def test_too_many_requests_for_a_while_is_sent_again(self) -> None:
        stage = Stage(answerer=on("PATCH", Fault.RATE_LIMITED))
        assert stage.run(update_user(stage.sandbox, ADA, name="A")) == ["+ user/ada@acme.com name done"]

    def test_busy_also_when_reading_is_no_doubt_but_a_failure(self) -> None:
        stage = Stage(answerer=always(429, "PATCH", "GET"))
        (outcome,) = stage.run(update_user(stage.sandbox, ADA, name="A"))
        assert outcome.startswith("+ user/ada@acme.com name failed: ")
        assert "reading it back failed too: GET " in outcome


class TestReadingBack:
    def test_what_did_not_take_is_a_failure_and_said_as_such(self) -> None:
        stage = Stage(answerer=on("PATCH", Response(200, {}, {})))
        assert stage.run(update_user(stage.sandbox, ADA, name="A", region=("apac",))) == [
            "+ user/ada@acme.com name failed: answered as done, but reading it back shows that it is not",
            "+ user/ada@acme.com attributes region done",
        ]
        assert stage.log[-2:] == ["read-back not as it was answered", "end"]
        assert stage.clock.slept == 2.5

    @pytest.mark.parametrize(("lag", "slept"), [(1, 0.5), (2, 2.5)])
    def test_a_read_that_lags_behind_is_looked_at_again(self, lag: int, slept: float) -> None:
        stale: list[Response] = []

        def answer(request: Request, inner: Transport) -> Response:
            if request.method == "PATCH":
                stale.extend([inner.send(Request("GET", request.path, {}, request.headers))] * lag)
            elif stale:
                return stale.pop()
            return inner.send(request)

        stage = Stage(answerer=answer)
        assert stage.run(update_user(stage.sandbox, ADA, name="A")) == ["+ user/ada@acme.com name done"]
        assert stage.clock.slept == slept
        assert len(stage.reads) == lag + 1

    def test_where_it_fails_what_was_answered_as_done_is_unsettled(self) -> None:
        stage = Stage(answerer=always(500, "GET", words="down"))
        (outcome,) = stage.run(update_user(stage.sandbox, ADA, name="A"))
        assert outcome.startswith(
            "+ user/ada@acme.com name unsettled: answered as done, but it could not be read back: GET "
        )

    def test_many_objects_are_read_in_pages(self) -> None:
        sandbox = staff(250)
        stage = Stage(sandbox)
        stage.run(*(update_user(sandbox, email, name="New") for email in people(sandbox)))
        assert stage.report.complete
        assert len(stage.reads) == 3

    def test_somebody_else_with_the_same_address_is_not_taken_for_the_one_who_was_deleted(self) -> None:
        sandbox = staff(150)
        changes = [delete(sandbox, user_address(email)) for email in people(sandbox)]
        again = people(sandbox)[3]
        stage = Stage(sandbox, answerer=before("GET", lambda: sandbox.store.add_user(again, "New")))
        stage.run(*changes)
        assert stage.report.complete
        assert stage.execution.ids[user_address(again)] == changes[3].id

    def test_an_id_that_is_known_never_changes_whatever_a_provider_finds(self) -> None:
        class Careless(Omni):
            def look(self, *_: object) -> LiveState:
                return LiveState(users=(Live(User(BOB, name="B"), "other"),))

        stage = Stage(provider=Careless())
        change = update_user(stage.sandbox, BOB, name="B")
        stage.run(change)
        assert stage.execution.ids[change.address] == change.id

    def test_nothing_done_is_nothing_to_read(self) -> None:
        stage = Stage()
        assert stage.run() == []
        assert stage.log == ["start", "end"]
        assert stage.report.counts == tally()

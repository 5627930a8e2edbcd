"""What becomes of every atom on any day: each test is one line of what the module promises."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from asking import company, group_id, user_id
from clocks import FakeClock
from executing import (
    Answerer,
    Stage,
    create_group,
    create_user,
    delete,
    update_group,
    update_user,
)

from reconciler.changes import Removal
from reconciler.errors import Interrupted, NoAnswer, Unreachable
from reconciler.model import Live, LiveState, User, group_address, user_address
from reconciler.providers.omni.provider import Omni
from reconciler.sandbox.faults import Fault, play
from reconciler.sandbox.omni import Sandbox
from reconciler.sandbox.store import Store
from reconciler.transport.messages import Method, Request, Response, Transport

ADA, BOB, CLEO, DAN = "ada@acme.com", "bob@acme.com", "cleo@acme.com", "dan@acme.com"


def on(method: Method, *answers: Response | Fault | Exception | None, path: str = "") -> Answerer:
    """Answer the requests of one method in this way, one after the other; None, and all later, go through."""
    left = list(answers)

    def answer(request: Request, inner: Transport) -> Response:
        if request.method != method or path not in request.path or not left:
            return inner.send(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        if isinstance(given, Fault):
            return play(given, inner, request, lambda: None)
        return given or inner.send(request)

    return answer


def always(status: int, *methods: str, words: str = "no") -> Answerer:
    """Answer every request of these methods with this status."""

    def answer(request: Request, inner: Transport) -> Response:
        if request.method in methods:
            return Response(status, {}, {"detail": words, "status": status})
        return inner.send(request)

    return answer


def before(method: Method, action: Callable[[], object], nth: int = 1) -> Answerer:
    """Let something happen just before the nth request of a method arrives."""
    seen = 0

    def answer(request: Request, inner: Transport) -> Response:
        nonlocal seen
        seen += request.method == method
        if seen == nth and request.method == method:
            action()
        return inner.send(request)

    return answer


def staff(number: int, **switches: object) -> Sandbox:
    """A company of so many people without a group but the empty one."""
    people = {f"p{n:04}@acme.com": {"name": f"P{n}"} for n in range(number)}
    limits = {"requests_per_minute": 0, **switches}
    return Sandbox(Store.from_seed({"users": people, "groups": {"Empty": []}, "switches": limits}))


def people(sandbox: Sandbox) -> list[str]:
    return [user.email for user in sandbox.store.users.values()]


class TestTheJournal:
    def test_has_a_line_before_each_write_and_one_after_its_answer(self) -> None:
        stage = Stage()
        stage.run(create_user(DAN, name="Dan"), update_user(stage.sandbox, ADA, name="Ada L."))
        assert stage.log == [
            "start",
            "intent POST",
            "-> POST",
            "result POST 201",
            "intent PATCH",
            "-> PATCH",
            "result PATCH 200",
            "-> GET",
            "end",
        ]

    @pytest.mark.parametrize("line", [1, 2])
    def test_no_write_is_sent_without_its_line(self, line: int) -> None:
        stage = Stage(journal_fails_at=line)
        outcomes = stage.run(create_user(DAN))
        assert stage.writes == []
        assert outcomes == ["+ user/dan@acme.com email skipped: the disk is full"]
        assert stage.stopped == "the disk is full"
        assert stage.execution.requests == 0

    def test_what_was_sent_and_whose_answer_it_cannot_take_is_unsettled_and_nothing_follows(self) -> None:
        stage = Stage(journal_fails_at=3)
        outcomes = stage.run(create_user(DAN), create_group("New"))
        assert [request.method for request in stage.writes] == ["POST"]
        assert outcomes == [
            "+ user/dan@acme.com email unsettled: it was sent, and the journal could not take the answer",
            "+ group/new name skipped: the disk is full",
        ]

    def test_that_is_full_at_the_end_changes_no_outcome(self) -> None:
        stage = Stage(journal_fails_at=4)
        assert stage.run(create_user(DAN)) == ["+ user/dan@acme.com email done"]
        assert stage.report.complete

    def test_that_is_full_when_a_read_back_fails_does_not_hide_the_failure(self) -> None:
        stage = Stage(journal_fails_at=4, answerer=on("PATCH", Response(200, {}, {})))
        (outcome,) = stage.run(update_user(stage.sandbox, ADA, name="Ada L."))
        assert "failed: answered as done, but" in outcome
        assert stage.stopped == "the disk is full"

    def test_says_what_was_not_sent(self) -> None:
        stage = Stage(answerer=on("POST", Unreachable("no route")))
        stage.run(create_user(DAN))
        assert stage.log == ["start", "intent POST", "-> POST", "result POST", "end no route"]


class TestDone:
    def test_ids_that_were_learned_are_used(self) -> None:
        stage = Stage()
        outcomes = stage.run(create_user(DAN), create_group("New", [DAN, ADA]))
        assert all(outcome.endswith(" done") for outcome in outcomes)
        assert stage.members("New") == {DAN, "Ada@acme.com"}
        assert len(stage.writes) == 2
        assert stage.report.complete

    def test_progress_counts_operations(self) -> None:
        stage = Stage()
        stage.run(create_user(DAN), update_group(stage.sandbox, "Finance", add=[BOB], remove=[CLEO]))
        assert [(step.done, step.total, step.summary) for step in stage.steps] == [
            (1, 3, "create user dan@acme.com"),
            (2, 3, "update group Finance"),
            (3, 3, "update group Finance"),
        ]

    def test_access_is_given_before_any_is_taken_and_deletions_come_last(self) -> None:
        stage = Stage()
        stage.run(
            delete(stage.sandbox, group_address("All Staff")),
            delete(stage.sandbox, user_address(BOB)),
            update_group(stage.sandbox, "Finance", add=[BOB], remove=[CLEO]),
            update_user(stage.sandbox, ADA, name="Ada L."),
            create_group("New", [ADA]),
            create_user(DAN),
        )
        kinds = [(r.method, r.path.split("/")[3]) for r in stage.writes]
        assert kinds == [
            ("POST", "users"),
            ("POST", "groups"),
            ("PATCH", "users"),
            ("PATCH", "groups"),
            ("PATCH", "groups"),
            ("DELETE", "users"),
            ("DELETE", "groups"),
        ]

    def test_deleting_what_is_gone_already_is_done(self) -> None:
        sandbox = company()
        change = delete(sandbox, user_address(BOB))
        stage = Stage(sandbox, answerer=before("DELETE", lambda: remove_user(sandbox, BOB)))
        assert stage.run(change) == ["- user/bob@acme.com done"]


def remove_user(sandbox: Sandbox, email: str) -> None:
    sandbox.store.remove_user(sandbox.store.users[user_id(sandbox, email)])


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


class TestAlreadyThere:
    def test_the_same_is_adopted_with_its_id(self) -> None:
        sandbox = company()
        stage = Stage(sandbox, answerer=before("POST", lambda: sandbox.store.add_user("Dan@acme.com", "Dan")))
        outcomes = stage.run(create_user(DAN, name="Dan"), create_group("New", [DAN]))
        assert outcomes[:2] == ["+ user/dan@acme.com email adopted", "+ user/dan@acme.com name adopted"]
        assert stage.members("New") == {"Dan@acme.com"}
        assert stage.report.counts["adopted"] == 1
        assert stage.report.complete

    def test_other_values_wait_for_the_next_plan(self) -> None:
        sandbox = company()
        stage = Stage(sandbox, answerer=before("POST", lambda: sandbox.store.add_user(DAN, "Daniel")))
        assert stage.run(create_user(DAN, name="Dan")) == [
            "+ user/dan@acme.com email adopted",
            (
                "+ user/dan@acme.com name failed: it is there already, with something else; "
                "what differs waits for the next plan"
            ),
        ]
        assert len(stage.writes) == 1
        assert stage.report.counts["failed"] == 1

    def test_a_group_keeps_what_somebody_else_put_into_it(self) -> None:
        sandbox = company()
        stage = Stage(sandbox, answerer=before("POST", lambda: sandbox.store.add_group("new")))
        outcomes = stage.run(create_group("New", [ADA]))
        assert outcomes[0] == "+ group/new name adopted"
        assert "waits for the next plan" in outcomes[1]
        assert stage.members("new") == set()

    def test_a_group_that_is_there_gets_no_members_by_halving_either(self) -> None:
        sandbox = company()
        stage = Stage(sandbox, answerer=before("POST", lambda: self.meddle(sandbox)))
        outcomes = stage.run(create_group("New", [ADA, BOB]))
        assert outcomes[0] == "+ group/new name adopted"
        assert stage.members("New") == set()
        assert [o.partition(": ")[2] for o in outcomes[1:]] == [
            "it is there already, with something else; what differs waits for the next plan"
        ] * 2

    @staticmethod
    def meddle(sandbox: Sandbox) -> None:
        sandbox.store.add_group("New")
        remove_user(sandbox, BOB)

    def test_where_it_cannot_be_found_it_has_failed(self) -> None:
        stage = Stage(answerer=always(409, "POST", words="Taken by an embed user"))
        assert stage.run(create_user(DAN)) == [
            "+ user/dan@acme.com email failed: POST /scim/v2/users was answered 409: Taken by an embed user"
        ]
        assert len(stage.writes) == 1

    def test_where_looking_fails_it_has_failed(self) -> None:
        stage = Stage(answerer=always(409, "POST", "GET"))
        (outcome,) = stage.run(create_user(DAN))
        assert outcome.startswith(
            "+ user/dan@acme.com email failed: POST /scim/v2/users was answered 409: no;"
        )

    def test_a_second_creation_after_a_read_that_lagged_adopts_the_first(self) -> None:
        def answer(request: Request, inner: Transport) -> Response:
            if request.method == "POST" and len(stage.writes) == 1:
                inner.send(request)
                return Response(500)
            if request.method == "GET" and len(stage.reads) == 1:
                return Response(200, {}, {"totalResults": 0, "Resources": []})
            return inner.send(request)

        stage = Stage(answerer=answer)
        assert stage.run(create_user(DAN)) == ["+ user/dan@acme.com email adopted"]
        assert people(stage.sandbox).count(DAN) == 1


class TestRefused:
    def test_one_bad_member_among_fifty_does_not_stop_the_others(self) -> None:
        sandbox = staff(50)
        everyone = people(sandbox)
        change = update_group(sandbox, "Empty", add=everyone)
        stage = Stage(sandbox, answerer=before("PATCH", lambda: remove_user(sandbox, everyone[17])))
        outcomes = stage.run(change)
        failed = [outcome for outcome in outcomes if not outcome.endswith(" done")]
        (one,) = failed
        assert one.startswith(f"+ group/empty members {everyone[17]} failed: PATCH /scim/v2/groups/")
        assert "400: Bad Request: Operations.0.value.0.value: Unknown member" in one
        assert len(stage.members("Empty")) == 49
        assert len(stage.writes) <= 13

    @pytest.mark.parametrize("bad", [0, 49])
    def test_a_group_is_made_with_those_who_can_be_its_members(self, bad: int) -> None:
        sandbox = staff(50)
        everyone = people(sandbox)
        stage = Stage(sandbox, answerer=before("POST", lambda: remove_user(sandbox, everyone[bad])))
        outcomes = stage.run(create_group("New", everyone))
        assert sum(outcome.endswith(" done") for outcome in outcomes) == 50
        assert len(stage.members("New")) == 49
        assert stage.report.counts == tally(created=1, failed=1)

    def test_a_group_whose_only_member_is_refused_is_made_all_the_same(self) -> None:
        sandbox = company()
        stage = Stage(sandbox, answerer=before("POST", lambda: remove_user(sandbox, BOB)))
        outcomes = stage.run(create_group("New", [BOB]))
        assert outcomes[0] == "+ group/new name done"
        assert "Unknown member" in outcomes[1]

    def test_a_refused_name_costs_one_more_request_and_its_members_are_skipped(self) -> None:
        stage = Stage(staff(50))
        outcomes = stage.run(create_group("x" * 65, people(stage.sandbox)))
        assert len(stage.writes) == 2
        assert "at most 64 character(s)" in outcomes[0]
        assert outcomes[1].endswith(f"skipped: group/{'x' * 65} could not be created")

    def test_a_refused_rename_does_not_stop_the_memberships(self) -> None:
        stage = Stage()
        outcomes = stage.run(update_group(stage.sandbox, "Finance", add=[BOB], rename="All Staff"))
        assert "409: Group with name All Staff already exists" in outcomes[0]
        assert outcomes[1] == "+ group/finance members bob@acme.com done"

    def test_what_is_true_already_is_done_where_a_strict_server_refuses_to_say_so(self) -> None:
        sandbox = company(member_ops_strict=True)
        change = update_group(sandbox, "Finance", add=[BOB, ADA], remove=[CLEO])
        stage = Stage(sandbox)
        outcomes = stage.run(change)
        assert all(outcome.endswith(" done") for outcome in outcomes)
        assert [len(request.json["Operations"]) for request in stage.writes] == [1, 1, 1]  # type: ignore[index]

    def test_a_server_that_takes_no_more_than_a_hundred_members_at_once_gets_them_in_pieces(self) -> None:
        def answer(request: Request, inner: Transport) -> Response:
            body: Any = request.json
            if request.method == "PATCH" and len(body["Operations"][0]["value"]) > 100:
                return Response(413, text="Payload Too Large")
            return inner.send(request)

        sandbox = staff(5000)
        stage = Stage(sandbox, answerer=answer)
        stage.run(update_group(sandbox, "Empty", add=people(sandbox)))
        assert stage.report.complete
        assert len(stage.writes) == 127

    def test_who_refuses_everything_is_not_asked_a_thousand_times(self) -> None:
        sandbox = staff(1000)
        names = [f"G{n}" for n in range(20)]
        for name in names:
            sandbox.store.add_group(name)
        stage = Stage(sandbox, answerer=always(400, "PATCH", "POST"))
        stage.run(*(update_group(sandbox, name, add=people(sandbox)) for name in names))
        assert len(stage.writes) <= 60
        assert stage.report.counts == tally(failed=20)

    def test_a_group_that_somebody_deleted_meanwhile_fails_at_once(self) -> None:
        sandbox = staff(50)
        group = sandbox.store.groups[group_id(sandbox, "Empty")]
        change = update_group(sandbox, "Empty", add=people(sandbox))
        stage = Stage(sandbox, answerer=before("PATCH", lambda: sandbox.store.remove_group(group)))
        outcomes = stage.run(change)
        assert len(stage.writes) == 1
        assert outcomes[0].endswith("was answered 404: Group not found")

    def test_a_user_whom_somebody_deleted_fails_alone(self) -> None:
        sandbox = company()
        changes = update_user(sandbox, ADA, name="A"), update_user(sandbox, BOB, name="B")
        stage = Stage(sandbox, answerer=before("PATCH", lambda: remove_user(sandbox, "Ada@acme.com")))
        assert stage.run(*changes) == [
            (
                "+ user/ada@acme.com name failed: PATCH /scim/v2/users/{user/ada@acme.com} "
                "was answered 404: User not found"
            ),
            "+ user/bob@acme.com name done",
        ]

    def test_taking_access_from_somebody_who_is_gone_is_done(self) -> None:
        sandbox = company()
        change = update_user(sandbox, ADA, "deactivate", active=False)
        stage = Stage(sandbox, answerer=before("PATCH", lambda: remove_user(sandbox, "Ada@acme.com")))
        assert stage.run(change) == ["+ user/ada@acme.com active done"]

    def test_a_deletion_that_is_refused_has_failed(self) -> None:
        stage = Stage(answerer=always(400, "DELETE", words="Last admin"))
        (outcome,) = stage.run(delete(stage.sandbox, user_address(ADA)))
        assert outcome.endswith(
            "failed: DELETE /scim/v2/users/{user/ada@acme.com} was answered 400: Last admin"
        )


class TestTheCredential:
    @pytest.mark.parametrize("status", [401, 403])
    def test_refused_in_the_middle_stops_everything_at_once(self, status: int) -> None:
        words = f"PATCH /scim/v2/users/{{user/ada@acme.com}} was answered {status}: Key revoked"
        stage = Stage(answerer=always(status, "PATCH", words="Key revoked"))
        outcomes = stage.run(
            create_user(DAN),
            update_user(stage.sandbox, ADA, name="A"),
            update_user(stage.sandbox, BOB, name="B"),
        )
        assert outcomes == [
            "+ user/dan@acme.com email done",
            f"+ user/ada@acme.com name failed: {words}",
            f"+ user/bob@acme.com name skipped: {words}",
        ]
        assert stage.log[-2:] == [f"result PATCH {status}", f"end {words}"]
        assert not stage.report.complete

    def test_refused_while_looking_stops_everything_too(self) -> None:
        def answer(request: Request, inner: Transport) -> Response:
            return inner.send(request) if request.method == "POST" else Response(401)

        stage = Stage(answerer=lambda request, _: Response(401 if request.method == "GET" else 500))
        outcomes = stage.run(
            update_user(stage.sandbox, ADA, name="A"), update_user(stage.sandbox, BOB, name="B")
        )
        assert len(stage.writes) == 1
        assert "unsettled: PATCH" in outcomes[0]
        assert "skipped: GET /scim/v2/users/" in outcomes[1]
        assert stage.stopped.endswith("was answered 401")

    def test_a_host_that_cannot_be_reached_stops_everything(self) -> None:
        stage = Stage(answerer=on("POST", Unreachable("the certificate does not verify")))
        assert stage.run(create_user(DAN), create_group("New")) == [
            "+ user/dan@acme.com email skipped: the certificate does not verify",
            "+ group/new name skipped: the certificate does not verify",
        ]
        assert stage.execution.requests == 0


class TestDependents:
    def test_of_a_user_who_could_not_be_made_are_skipped_with_the_reason(self) -> None:
        stage = Stage(answerer=always(400, "POST", words="Invalid email"))
        outcomes = stage.run(create_user(DAN), update_group(stage.sandbox, "Finance", add=[DAN, BOB]))
        assert outcomes == [
            "+ user/dan@acme.com email failed: POST /scim/v2/users was answered 400: Invalid email",
            "+ group/finance members dan@acme.com skipped: user/dan@acme.com could not be created",
            "+ group/finance members bob@acme.com done",
        ]
        assert stage.report.counts == tally(updated=1, failed=1, skipped=1)

    def test_of_somebody_who_is_not_live_are_skipped(self) -> None:
        stage = Stage()
        finance = update_group(stage.sandbox, "Finance", add=["x@acme.com"])
        ghost = replace(finance, address=group_address("Ghost"))
        assert stage.run(finance, ghost) == [
            "+ group/finance members x@acme.com skipped: user/x@acme.com is not live",
            "+ group/ghost members x@acme.com skipped: group/ghost is not live",
        ]
        assert stage.writes == []

    def test_nothing_is_taken_from_a_person_to_whom_an_addition_failed(self) -> None:
        sandbox = company()
        changes = (
            update_group(sandbox, "All Staff", add=[DAN, CLEO]),
            update_group(sandbox, "Finance", remove=[DAN, CLEO]),
            update_user(sandbox, CLEO, "deactivate", active=False),
        )
        dan = sandbox.store.add_user(DAN, "Dan")
        for group in sandbox.store.groups.values():
            group.members.clear()
        stage = Stage(sandbox, answerer=self.refusing(dan.id))
        outcomes = stage.run(*changes)
        assert outcomes[1:] == [
            "+ group/all staff members cleo@acme.com done",
            (
                "- group/finance members dan@acme.com skipped: user/dan@acme.com could not be added to "
                "group/all staff, so nothing is taken away from them"
            ),
            "- group/finance members cleo@acme.com done",
            "+ user/cleo@acme.com active done",
        ]

    @staticmethod
    def refusing(ident: str) -> Answerer:
        def answer(request: Request, inner: Transport) -> Response:
            body: Any = request.json
            adds = str([op for op in (body or {}).get("Operations", ()) if op["op"] == "add"])
            return Response(400) if ident in adds else inner.send(request)

        return answer

    def test_nor_from_one_whose_addition_was_skipped(self) -> None:
        stage = Stage(answerer=always(400, "POST"))
        outcomes = stage.run(
            create_group("New", [ADA]),
            update_group(stage.sandbox, "Finance", remove=[ADA, CLEO]),
            delete(stage.sandbox, user_address(CLEO)),
        )
        assert outcomes[1:] == [
            "+ group/new members ada@acme.com skipped: group/new could not be created",
            (
                "- group/finance members ada@acme.com skipped: user/ada@acme.com could not be added to "
                "group/new, so nothing is taken away from them"
            ),
            "- group/finance members cleo@acme.com done",
            "- user/cleo@acme.com done",
        ]

    def test_nor_by_the_deletion_of_a_group_that_they_are_in(self) -> None:
        stage = Stage(answerer=always(400, "POST"))
        stage.sandbox.store.add_group("Empty")
        outcomes = stage.run(
            create_group("New Finance", [ADA]),
            delete(stage.sandbox, group_address("Finance")),
            delete(stage.sandbox, group_address("Empty")),
        )
        assert "user/ada@acme.com could not be added" in outcomes[2]
        assert [outcome.split(": ")[0] for outcome in outcomes[2:]] == [
            "- group/finance skipped",
            "- group/empty done",
        ]

    def test_nor_from_one_whose_addition_is_unsettled(self) -> None:
        stage = Stage()

        def answer(request: Request, inner: Transport) -> Response:
            if request.method == "PATCH" and len(stage.writes) == 1:
                return Response(500)
            if request.method == "GET" and len(stage.writes) == 1:
                return Response(500)
            return inner.send(request)

        stage.answerer = answer
        outcomes = stage.run(
            update_group(stage.sandbox, "Finance", add=[BOB], remove=[]),
            update_group(stage.sandbox, "All Staff", remove=[BOB]),
            delete(stage.sandbox, user_address(BOB)),
        )
        assert outcomes[0].startswith("+ group/finance members bob@acme.com unsettled: ")
        assert outcomes[1].endswith("so nothing is taken away from them")
        assert outcomes[2].endswith("so nothing is taken away from them")
        assert len(stage.writes) == 1


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


class TestInterruption:
    def test_before_a_write_leaves_it_unsent(self) -> None:
        stage = Stage()
        stage.stop = lambda: len(stage.writes) == 1
        outcomes = stage.run(create_user(DAN), create_group("New"))
        assert outcomes == [
            "+ user/dan@acme.com email done",
            "+ group/new name skipped: interrupted",
        ]
        assert stage.log[-1] == "end interrupted"
        assert stage.report.interrupted
        assert not stage.report.complete

    def test_while_waiting_to_send_leaves_it_unsent(self) -> None:
        stage = Stage(answerer=on("POST", Interrupted("stopped while waiting")))
        assert stage.run(create_user(DAN)) == ["+ user/dan@acme.com email skipped: stopped while waiting"]
        assert stage.log == ["start", "intent POST", "-> POST", "result POST", "end stopped while waiting"]

    @pytest.mark.parametrize(
        ("fault", "status"), [(Fault.DROPPED, "unsettled"), (Fault.RATE_LIMITED, "failed")]
    )
    def test_before_the_doubt_is_settled_leaves_it_so(self, fault: Fault, status: str) -> None:
        def stop(_: float) -> None:
            message = "stopped"
            raise Interrupted(message)

        stage = Stage(answerer=on("POST", fault), clock=FakeClock(on_sleep=stop))
        (outcome, other) = stage.run(create_user(DAN), create_group("New"))
        assert outcome.startswith(f"+ user/dan@acme.com email {status}: ")
        assert outcome.endswith("; interrupted before it could be read")
        assert other == "+ group/new name skipped: stopped"

    def test_while_reading_back_keeps_what_was_answered_and_is_not_complete(self) -> None:
        stage = Stage(answerer=on("GET", Interrupted("stopped")))
        assert stage.run(create_user(DAN)) == ["+ user/dan@acme.com email done"]
        assert stage.stopped == "stopped"
        assert not stage.report.complete

    def test_a_second_one_goes_through_everything(self) -> None:
        def answer(_request: Request, _inner: Transport) -> Response:
            raise KeyboardInterrupt

        stage = Stage(answerer=answer)
        with pytest.raises(KeyboardInterrupt):
            stage.run(create_user(DAN))
        assert stage.log == ["start", "intent POST", "-> POST"]


class TestTheReport:
    def test_counts_objects_by_what_became_of_them(self) -> None:
        stage = Stage()
        stage.run(
            create_user(DAN),
            update_user(stage.sandbox, ADA, name="A"),
            update_user(stage.sandbox, CLEO, "deactivate", active=False),
            delete(stage.sandbox, user_address(BOB)),
        )
        assert stage.report.counts == tally(created=1, updated=1, removed=2)

    @pytest.mark.parametrize("removal", ["revoke", "revoke, deactivate"])
    def test_a_revoked_person_is_removed_only_where_the_memberships_ended(self, removal: Removal) -> None:
        stage = Stage(answerer=always(400, "PATCH"))
        revoked = update_user(stage.sandbox, CLEO, removal)
        assert revoked.fields == ()
        stage.run(revoked, update_group(stage.sandbox, "Finance", remove=[CLEO]))
        assert stage.report.counts == tally(failed=2)

    def test_a_revoked_person_whose_memberships_ended_is_removed(self) -> None:
        stage = Stage()
        stage.run(
            update_user(stage.sandbox, CLEO, "revoke"), update_group(stage.sandbox, "Finance", remove=[CLEO])
        )
        assert stage.report.counts == tally(removed=2, updated=1)


def tally(**numbers: int) -> dict[str, int]:
    names = ("created", "updated", "removed", "unchanged", "adopted", "failed", "skipped")
    return dict.fromkeys(names, 0) | {"unchanged": 7} | numbers

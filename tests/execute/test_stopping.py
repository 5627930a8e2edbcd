"""What stops a run: a full journal, a revoked key, a person; and what the report counts then."""

import pytest
from clocks import FakeClock
from executing import (
    ADA,
    BOB,
    CLEO,
    DAN,
    Stage,
    always,
    create_group,
    create_user,
    delete,
    on,
    tally,
    update_group,
    update_user,
)

from reconciler.changes import Removal
from reconciler.errors import Interrupted, Unreachable
from reconciler.model import user_address
from reconciler.sandbox.faults import Fault
from reconciler.transport.messages import Request, Response, Transport


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

"""What becomes of every atom: what is done, there already, refused, or waits for something else."""

from dataclasses import replace
from typing import Any

import pytest
from asking import company, group_id
from executing import (
    ADA,
    BOB,
    CLEO,
    DAN,
    Answerer,
    Stage,
    always,
    before,
    create_group,
    create_user,
    delete,
    people,
    remove_user,
    staff,
    tally,
    update_group,
    update_user,
)

from reconciler.model import group_address, user_address
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.transport.messages import Request, Response, Transport


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

"""An answer may be: taken, and not done yet. That is sent once, told as such, and looked for at the end."""

import pytest
from bulky import Applied, club, deactivate, regroup, rename, still_to_do
from executing import ADA, BOB, DAN, create_group, create_user, tally

from reconciler.errors import ExitCode
from reconciler.execute.headcount import Headcount
from reconciler.model import group_address, user_address
from reconciler.transport.messages import Response
from reconciler.views.json import report_json
from reconciler.views.markdown import report_markdown
from reconciler.views.report import report_text

TAKEN = "the system has taken it, and not done it yet: the system says pending"


def taken(*rows: str) -> Applied:
    """One run in which the system takes these rows, and does the others."""
    one = Applied(club(ADA, BOB, desk=[ADA]))
    one.system.says = {row: ["pending"] for row in rows}
    return one


def test_it_is_sent_once_and_is_neither_done_nor_failed() -> None:
    one = taken(f"user/{ADA}")
    outcomes = one.run(rename(ADA, "Ada"), rename(BOB, "Bob"))
    assert outcomes == [f"+ user/{ADA} name pending: {TAKEN}", f"+ user/{BOB} name done"]
    assert len(one.system.seen) == 1
    assert one.clock.slept == 0
    assert one.report.counts == tally(updated=1, pending=1)
    assert one.report.exit_code is ExitCode.PARTIAL


def test_it_may_be_the_answer_to_a_whole_request() -> None:
    one = taken()
    one.system.whole = [Response(202)]
    outcomes = one.run(rename(ADA, "Ada"))
    assert outcomes == [
        f"+ user/{ADA} name pending: the system has taken it, and not done it yet: answered 202"
    ]
    assert one.log == ["start", "intent POST", "-> POST", "result POST 202", "-> GET", "end"]


def test_what_is_done_when_everything_is_read_back_is_done() -> None:
    one = taken(f"user/{ADA}")
    one.system.reads_until_it_is_done = 2
    outcomes = one.run(rename(ADA, "Ada"), rename(BOB, "Bob"))
    assert outcomes == [f"+ user/{ADA} name done", f"+ user/{BOB} name done"]
    assert one.log[-3:] == ["-> GET", "read-back done by now", "end"]
    assert one.report.complete


def test_where_it_cannot_be_read_back_it_is_still_pending() -> None:
    one = taken(f"user/{ADA}")
    one.system.reads_fail = True
    assert one.run(rename(ADA, "Ada")) == [f"+ user/{ADA} name pending: {TAKEN}"]


def test_every_report_says_so() -> None:
    one = taken(f"user/{ADA}")
    one.run(rename(ADA, "Ada"), rename(BOB, "Bob"))
    text = report_text(one.report)
    assert "Applied 1 of 2 changes" in text
    assert f"Pending\n  user/{ADA}  name\n    {TAKEN}\n" in text
    assert "Give the system time" in text
    assert "Run the same command again" not in text
    assert "Pending" in report_markdown(one.report)
    assert '"status": "pending"' in report_json(one.report)
    assert '"pending": 1' in report_json(one.report)


def test_a_next_plan_shows_it_again_and_nothing_else() -> None:
    one = taken(f"user/{ADA}")
    changes = (rename(ADA, "Ada"), rename(BOB, "Bob"))
    one.run(*changes)
    assert still_to_do(one.system, changes) == [changes[0]]
    one.system.catch_up()
    assert still_to_do(one.system, changes) == []


def test_what_depends_on_it_waits_for_the_next_plan() -> None:
    one = taken(f"user/{DAN}")
    outcomes = one.run(create_user(DAN), create_group("new", [ADA, DAN]))
    assert outcomes == [
        f"+ user/{DAN} email pending: {TAKEN}",
        f"+ group/new members {DAN} skipped: user/{DAN} is not created yet",
        "+ group/new name done",
        f"+ group/new members {ADA} done",
    ]
    assert one.report.counts == tally(created=1, pending=1, skipped=1)


@pytest.mark.parametrize("what", ["desk", "old"])
def test_nothing_is_taken_away_that_relies_on_it(what: str) -> None:
    """Bob is to take Ada's seat; before he has it, she keeps it, and he keeps what he has."""
    one = taken(f"group/desk+{BOB}")
    one.system.groups["old"] = {BOB}
    desk = group_address("desk")
    one.headcount = Headcount({desk: {user_address(ADA)}})
    outcomes = one.run(
        regroup("desk", add=[BOB], remove=[ADA]), regroup("old", remove=[BOB]), deactivate(BOB)
    )
    reasons = {
        "desk": f"- group/desk members {ADA} skipped: group/desk would be left without anybody: "
        f"user/{BOB} is not added yet",
        "old": f"- group/old members {BOB} skipped: user/{BOB} is not added to group/desk yet, "
        "so nothing is taken away from them",
    }
    assert reasons[what] in outcomes
    assert one.system.groups == {"desk": {ADA}, "old": {BOB}}
    assert "active" not in one.system.users[BOB]


def test_a_removal_that_is_pending_is_not_sent_again_either() -> None:
    one = taken(f"group/desk-{ADA}")
    outcomes = one.run(regroup("desk", remove=[ADA]))
    assert outcomes == [f"- group/desk members {ADA} pending: {TAKEN}"]
    assert len(one.system.seen) == 1

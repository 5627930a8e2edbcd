"""Of what no answer shows, the answer to the write decides; where that is unsure, nobody can know."""

from dataclasses import replace

import pytest
from bulky import Applied, Bulk, club, rename
from executing import ADA, CLEO, HERE, create_user

from reconciler.changes import FieldChange, Update
from reconciler.errors import ExitCode
from reconciler.model import Definition, user_address
from reconciler.transport.messages import Response

AVATAR = {"avatar": Definition("avatar", readable=False)}
SEEN = "whether it took place cannot be seen"
PATH = ("attributes", "avatar")


def draw(email: str, *more: FieldChange) -> Update:
    fields = (FieldChange(PATH, None, "a.png", unseen=True), *more)
    return Update(user_address(email), email, f"u-{email.replace('@', '-').replace('.', '-')}", fields, HERE)


def a_run(**says: list[str]) -> Applied:
    rows = {f"user/{ADA}": says.get("ada", []), f"user/{CLEO}": says.get("cleo", [])}
    return Applied(Bulk(club(ADA).users, says=rows), definitions=AVATAR)


def test_done_is_done_and_is_not_read_back() -> None:
    one = a_run()
    assert one.run(draw(ADA)) == [f"+ user/{ADA} attributes avatar done"]
    assert (one.reads, one.report.complete) == (0, True)


def test_what_is_cleared_is_done_by_the_answer_too() -> None:
    one = a_run(ada=["refused"])
    change = replace(draw(ADA), fields=(FieldChange(PATH, None, None, unseen=True),))
    assert one.run(change) == [f"- user/{ADA} attributes avatar failed: the system says refused"]


def test_after_an_unsure_answer_it_is_told_and_not_sent_again() -> None:
    one = a_run(ada=["unsure"])
    assert one.run(draw(ADA)) == [f"+ user/{ADA} attributes avatar unsettled: the system says unsure; {SEEN}"]
    assert len(one.system.seen) == 1
    assert one.report.exit_code is ExitCode.PARTIAL
    assert not one.report.complete


def test_what_was_not_done_is_sent_again() -> None:
    one = a_run(ada=["busy"])
    assert one.run(draw(ADA)) == [f"+ user/{ADA} attributes avatar done"]
    assert len(one.system.seen) == 2


def test_it_goes_along_where_the_rest_of_its_object_is_sent_again() -> None:
    one = a_run(ada=["unsure"])
    name = FieldChange(("name",), ADA, "Ada")
    assert one.run(draw(ADA, name)) == [f"+ user/{ADA} attributes avatar done", f"+ user/{ADA} name done"]
    assert len(one.system.seen) == 2


@pytest.mark.parametrize(
    ("says", "told"),
    [("lost", f"unsettled: the system says unsure; {SEEN}"), ("", "done"), ("unsure", "done")],
)
def test_of_a_creation_that_took_place_it_is_not_known(says: str, told: str) -> None:
    one = a_run(cleo=[says])
    outcomes = one.run(create_user(CLEO, avatar="c.png"))
    assert outcomes[0] == f"+ user/{CLEO} email done"
    assert outcomes[1] == f"+ user/{CLEO} attributes avatar {told}"


def test_whom_somebody_else_made_waits_for_the_next_plan() -> None:
    one = a_run()
    email, avatar = one.run(create_user(ADA, avatar="a.png"))
    assert email == f"+ user/{ADA} email adopted"
    assert avatar.startswith(f"+ user/{ADA} attributes avatar failed: it is there already")


@pytest.mark.parametrize(("number", "status"), [(2, "done"), (99, "pending")])
def test_what_was_taken_with_its_object_is_done_with_it(number: int, status: str) -> None:
    one = a_run(cleo=["pending"])
    one.system.reads_until_it_is_done = number - 1
    assert [told.split(":")[0] for told in one.run(create_user(CLEO, avatar="c.png"))] == [
        f"+ user/{CLEO} email {status}",
        f"+ user/{CLEO} attributes avatar {status}",
    ]


def test_what_was_taken_by_itself_stays_pending() -> None:
    one = a_run(ada=["pending"])
    one.system.reads_until_it_is_done = 1
    (told,) = one.run(draw(ADA))
    assert told.startswith(f"+ user/{ADA} attributes avatar pending")


def test_a_system_that_cannot_be_read_leaves_it_unsettled() -> None:
    one = a_run()
    one.system.whole, one.system.reads_fail = [Response(500)], True
    assert one.run(draw(ADA), rename(ADA, "Ada"))[0].startswith(f"+ user/{ADA} attributes avatar unsettled")

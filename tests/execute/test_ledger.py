"""What a failure keeps from being sent, and what it does not."""

import pytest
from executing import HERE

from reconciler.changes import Atom, Create, FieldChange, atoms
from reconciler.execute.headcount import Headcount
from reconciler.execute.ledger import Ledger
from reconciler.model import user_address
from reconciler.operations import Status

ADA, DAN = user_address("ada@acme.com"), user_address("dan@acme.com")
NAMED = FieldChange(("email",), None, DAN.key)
PHOTO = FieldChange(("attributes", "photo"), None, "dan.png", unseen=True)
BOSS = FieldChange(("attributes", "manager"), None, "nobody@acme.com", refers="user")
BUDDY = FieldChange(("attributes", "buddy"), None, ADA.key, refers="user")


def dan(*fields: FieldChange) -> tuple[Create, tuple[Atom, ...]]:
    change = Create(DAN, DAN.key, fields, HERE)
    return change, atoms(change)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger({ADA: "a"}, Headcount())


def made(ledger: Ledger, status: Status = "done") -> None:
    _, (named,) = dan(NAMED)
    ledger.record([named], status)
    if status == "done":
        ledger.ids[DAN] = "d"


def test_a_picture_that_failed_keeps_back_nothing_of_the_person_s(ledger: Ledger) -> None:
    _, (picture,) = dan(PHOTO)
    ledger.record([picture], "failed", "too large")
    made(ledger)
    references, _ = dan(BUDDY)
    assert ledger.sendable(references) == references


def test_a_reference_to_nobody_keeps_back_no_other(ledger: Ledger) -> None:
    made(ledger)
    references, (boss, _) = dan(BOSS, BUDDY)
    kept, _ = dan(BUDDY)
    assert ledger.sendable(references) == kept
    assert ledger.outcomes[boss].reason == "user/nobody@acme.com is not live"


@pytest.mark.parametrize(
    ("status", "reason"),
    [("failed", "could not be created"), ("pending", "is not created yet")],
)
def test_who_was_not_made_refers_to_nobody(ledger: Ledger, status: Status, reason: str) -> None:
    made(ledger, status)
    references, (buddy,) = dan(BUDDY)
    assert ledger.sendable(references) is None
    assert ledger.outcomes[buddy].reason == f"user/{DAN.key} {reason}"


def test_who_was_there_with_something_else_waits_as_a_whole_for_the_next_plan(ledger: Ledger) -> None:
    ledger.ids[DAN] = "d"
    made(ledger, "adopted")
    _, (picture,) = dan(PHOTO)
    ledger.differs([picture])
    references, (buddy,) = dan(BUDDY)
    assert ledger.sendable(references) is None
    assert ledger.outcomes[buddy].reason == f"user/{DAN.key} is there already, with something else"

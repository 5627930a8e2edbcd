import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from builders import MANDATE
from sample_plans import HOSTILE

from reconciler.changes import Atom, Update
from reconciler.errors import Place
from reconciler.model import Value, group_address, user_address
from reconciler.operations import Outcome
from reconciler.report import Report
from reconciler.views.report import report_text

GOLDEN = Path(__file__).parent / "golden"
_COUNTS = {
    "created": 3,
    "updated": 18,
    "removed": 2,
    "unchanged": 310,
    "adopted": 0,
    "failed": 0,
    "pending": 0,
    "skipped": 0,
}


ADMINS = Update(group_address("BI Admins"), "BI Admins", "g2", (), Place("groups.yaml", 3, 3))


@dataclass(frozen=True)
class Counted(Report):
    """A report whose numbers are given."""

    numbers: Mapping[str, int] = field(default_factory=lambda: _COUNTS)

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.numbers)


def counted(*outcomes: Outcome) -> Counted:
    journal = ".reconciler/runs/20260102T030405Z-1.jsonl"
    return Counted(
        "production", "20260102T030405Z-1", journal, (ADMINS,) * 23, outcomes, 310, 23, 31.4, MANDATE
    )


def user_atom(
    email: str, *path: str, live_id: str | None = "u1", before: Value = None, after: Value = "x"
) -> Atom:
    return Atom(user_address(email), live_id, path, before, after)


def edge(group: str, person: str, *, joins: bool = True) -> Atom:
    path = ("members", person)
    return Atom(group_address(group), "g1", path, None if joins else True, True if joins else None)


COMPLETE = counted(Outcome(user_atom("ada@acme.com", "name"), "done"))
PARTLY = replace(
    COMPLETE,
    numbers=_COUNTS | {"updated": 17, "adopted": 1, "failed": 3, "skipped": 2},
    outcomes=(
        Outcome(user_atom("ada@acme.com", "name"), "done"),
        Outcome(
            user_atom("bob@acme.com", "name"),
            "failed",
            f"PATCH /scim/v2/users/u7 answered 400: not a name: {HOSTILE}",
        ),
        Outcome(
            user_atom("bob@acme.com", "attributes", "region"),
            "failed",
            f"PATCH /scim/v2/users/u7 answered 400: not a name: {HOSTILE}",
        ),
        Outcome(
            user_atom("eve@acme.com", "email", live_id=None), "failed", "POST /scim/v2/users answered 422"
        ),
        Outcome(edge("Finance", "kim@acme.com", joins=False), "unsettled", "no answer"),
        Outcome(edge("Finance", "eve@acme.com"), "skipped", "user/eve@acme.com could not be created"),
        Outcome(edge("BI Admins", "eve@acme.com"), "skipped", "user/eve@acme.com could not be created"),
        Outcome(user_atom("old@acme.com", before=True, after=None), "skipped", "the user could not be read"),
    ),
    changes=(ADMINS,) * 28,
    seconds=91,
    requests=28,
)
STOPPED = replace(
    PARTLY,
    numbers=_COUNTS | {"failed": 1, "skipped": 200},
    changes=(ADMINS,) * 224,
    outcomes=PARTLY.outcomes[3:4],
    stopped="the key is not accepted any more (401)",
)
INTERRUPTED = replace(STOPPED, stopped="interrupted", interrupted=True)
PENDING = replace(
    COMPLETE,
    numbers=_COUNTS | {"updated": 17, "pending": 1},
    outcomes=(
        Outcome(user_atom("ada@acme.com", "name"), "done"),
        Outcome(
            edge("BI Admins", "kim@acme.com"),
            "pending",
            "the system has taken it, and not done it yet: queued",
        ),
    ),
)
NOTHING = replace(COMPLETE, numbers=dict.fromkeys(_COUNTS, 0), changes=(), requests=0, seconds=0.0)


@pytest.mark.parametrize("width", [None, 30])
@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("complete", COMPLETE),
        ("partly", PARTLY),
        ("pending", PENDING),
        ("stopped", STOPPED),
        ("interrupted", INTERRUPTED),
        ("nothing", NOTHING),
    ],
)
def test_reports_look_as_they_did(name: str, report: Report, width: int | None) -> None:
    path = GOLDEN / f"report.{name}.{width or 'piped'}.txt"
    text = report_text(report, width=width, color=False)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_a_complete_apply_asks_for_nothing_more() -> None:
    text = report_text(COMPLETE)
    assert text.startswith("Applied 23 changes to production in 31 s (23 writes).\n")
    assert "again" not in text


def test_a_partial_one_says_what_to_do() -> None:
    text = report_text(PARTLY)
    assert text.startswith("Applied 23 of 28 changes to production in 1 min 31 s (28 writes).\n")
    assert "Run the same command again" in text
    assert text.endswith("Journal: .reconciler/runs/20260102T030405Z-1.jsonl\n")


def test_a_shared_reason_is_given_once() -> None:
    assert report_text(PARTLY).count("user/eve@acme.com could not be created") == 1


def test_a_report_counts_what_took_place() -> None:
    report = Report("demo", "r1", "j.jsonl", (), (), 3, 0, 0.2, MANDATE)
    assert "3 unchanged" in report_text(report, color=True)

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from builders import PROTECTED, changed
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_plans import EVERY_KIND, HOSTILE, NO_CHANGES, ONE_REMOVAL, PLANS, SAMPLES, create_user

from reconciler.changes import Delete, Origins, Update
from reconciler.errors import Place, Problem
from reconciler.model import Address, user_address
from reconciler.plan import Absolute, Allow, Plan, Violation
from reconciler.views.html import plan_html
from reconciler.views.layout import cells
from reconciler.views.markdown import plan_markdown
from reconciler.views.text import plan_text, problems_text, violations_text

GOLDEN = Path(__file__).parent / "golden"
_OUR_CODES = re.compile(r"\x1b\[(0|1|2|31|32|33|1;31)m")

REMOVALS, CREATIONS = Allow("--allow-removals", 10), Allow("--allow-creations", 2)
VIOLATIONS = (
    Violation(
        "users",
        "6 of 20 users deactivated, revoked or deleted; the limit is 25%, or 5 where that is more",
        REMOVALS,
    ),
    Violation("emptied", "group/finance would lose all of its 3 members", REMOVALS),
)
ABSOLUTE = Violation(
    "protected", "user/break-glass@acme.com is protected, and would lose its access", PROTECTED
)
PROBLEMS = (
    Problem(Place("finance.yaml", 4, 5), "unknown key `member`", "did you mean `members`?"),
    Problem(Place("finance.yaml", 9, 1), "duplicate key `users`"),
    Problem(Place("target.yaml"), f"a name holds a control character: {HOSTILE}", "take it out"),
)


def refused(violations: Sequence[Violation], removals: int) -> Plan:
    """A plan with so many removals, and these reasons against it."""
    gone = [Delete(Address("group", f"{n}"), f"{n}", "id", Place("a.yaml", n, 1)) for n in range(removals)]
    allow = Allow("--allow-removals", removals)
    exact = (one if one.is_absolute else replace(one, remedy=allow) for one in violations)
    return Plan("acme", "omni", "https://acme", tuple(gone), violations=tuple(exact))


def same_as_golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [None, 80, 30])
@pytest.mark.parametrize("name", SAMPLES)
def test_plans_look_as_they_did(name: str, width: int | None) -> None:
    same_as_golden(f"{name}.{width or 'piped'}", plan_text(SAMPLES[name], width=width, color=False))


def test_a_coloured_plan_looks_as_it_did() -> None:
    text = plan_text(EVERY_KIND, width=80, color=True)
    same_as_golden("every_kind.colour", text.replace("\x1b", "ESC"))


def test_colour_changes_nothing_but_colour() -> None:
    for plan in SAMPLES.values():
        assert _OUR_CODES.sub("", plan_text(plan, width=80, color=True)) == plan_text(
            plan, width=80, color=False
        )


@pytest.mark.parametrize(
    ("name", "violations", "removals"),
    [
        ("overridable", VIOLATIONS, 14),
        ("one", VIOLATIONS[1:], 1),
        ("protected", (ABSOLUTE,), 3),
        ("mixed", (ABSOLUTE, *VIOLATIONS), 14),
    ],
)
@pytest.mark.parametrize("width", [None, 30])
def test_refusals_look_as_they_did(
    name: str, violations: Sequence[Violation], removals: int, width: int | None
) -> None:
    text = violations_text(refused(violations, removals), width=width, color=False)
    same_as_golden(f"violations.{name}.{width or 'piped'}", text)


def test_a_refusal_names_the_exact_number_unless_there_is_no_override() -> None:
    assert "--allow-removals 14\n" in violations_text(refused(VIOLATIONS, 14))
    assert "--allow-removals" not in violations_text(refused((ABSOLUTE, *VIOLATIONS), 14))


@pytest.mark.parametrize("width", [None, 30])
def test_problems_look_as_they_did(width: int | None) -> None:
    same_as_golden(f"problems.{width or 'piped'}", problems_text(PROBLEMS, width=width, color=False))


def test_one_problem_is_one() -> None:
    assert problems_text(PROBLEMS[:1]).endswith("\n1 problem in 1 file.\n")


def test_a_plan_without_changes_says_exactly_so_and_what_is_kept() -> None:
    lines = plan_text(NO_CHANGES).splitlines()
    assert "No changes." in lines
    assert "note: 1 live user and 0 live groups are not in the files: kept" in lines
    assert "note: 1 group member is not in the user list: kept" in lines


def test_removals_come_first_and_behind_a_minus_wherever_they_are() -> None:
    text = plan_text(EVERY_KIND)
    first, second = re.findall(r"^\S.*", text, flags=re.MULTILINE)[2:4]
    assert (first, second) == ("10 removals", "Additions and updates")
    taken = re.findall(r"^ *- (.*)$", text.partition("note:")[2], flags=re.MULTILINE)
    assert [line.split()[0] for line in taken] == [
        "old@acme.com",
        "legacy_flag",
        "kim@acme.com",
        "sam@acme.com",
        "user/former@acme.com",
        "active",
        "user/gone@acme.com",
        "user/guest@acme.com",
        "region",
        "user/robot@acme.com",
        "BI",
        "group/Old",
        "ada@acme.com",
        "dan@acme.com",
        "eve@acme.com",
        "robot@acme.com",
    ]


def test_every_change_names_its_place() -> None:
    text = plan_text(EVERY_KIND)
    assert all(
        re.search(f"  {re.escape(str(change.place))}$", text, re.MULTILINE) for change in EVERY_KIND.changes
    )


def test_warnings_come_before_notes() -> None:
    text = plan_text(EVERY_KIND)
    assert text.index("warning:") < text.index("note:")


@pytest.mark.parametrize(
    ("requests", "pace", "said"),
    [
        (0, 55, "0 writes, without waiting (the pace is 55 a minute)"),
        (1, 55, "1 write, without waiting (the pace is 55 a minute)"),
        (55, 55, "55 writes, without waiting (the pace is 55 a minute)"),
        (56, 55, "56 writes, about 1 min at 55 a minute"),
        (5000, 55, "5000 writes, about 1 h 30 min at 55 a minute"),
        (7, 0, "7 writes, no limit on their pace"),
    ],
)
def test_the_time_is_what_the_pace_allows(requests: int, pace: int, said: str) -> None:
    plan = replace(ONE_REMOVAL, requests=requests, requests_per_minute=pace)
    assert plan_text(plan).splitlines()[-1] == f"{said}; the reads before and after come on top"


def test_what_joins_and_leaves_a_list_is_said_also_next_to_a_single_value() -> None:
    fields = (
        changed("attributes", "a", before=("x", "y"), after=("y", "z")),
        changed("attributes", "b", before=("x",), after="x"),
        changed("attributes", "c", before="x", after=("x", "w")),
    )
    change = Update(user_address("ada@acme.com"), "ada@acme.com", "u1", fields, Place("a.yaml", 1, 1))
    text = plan_text(replace(ONE_REMOVAL, changes=(change,)))
    assert "    ~ a  [x, y] -> [y, z]  (+ z, - x)\n" in text
    assert "    ~ b  [x] -> x\n" in text
    assert "    ~ c  x -> [x, w]  (+ w)\n" in text


def _assert_harmless(text: str) -> None:
    for char in text:
        assert char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), repr(char)
    assert not re.search(r"[ ]$", text, re.MULTILINE)


@pytest.mark.usefixtures("uncounted")
@given(PLANS, st.none() | st.integers(1, 120))
def test_no_plan_holds_a_control_character_of_its_own(plan: Plan, width: int | None) -> None:
    _assert_harmless(plan_text(plan, width=width, color=False))
    _assert_harmless(_OUR_CODES.sub("", plan_text(plan, width=width, color=True)))


@pytest.mark.usefixtures("uncounted")
@given(PLANS, st.integers(16, 120))
@settings(max_examples=50)
def test_a_narrow_terminal_loses_nothing(plan: Plan, width: int) -> None:
    plan = replace(plan, violations=())  # the bar beside them stands before each row
    narrow = plan_text(plan, width=width, color=False)
    assert all(cells(row) <= width for row in narrow.splitlines())
    # A row must not begin with a command, so a terminal's width may have one spelled out.
    one, other = (re.sub(r"\s", "", text).replace(r":\x3a", "::") for text in (narrow, plan_text(plan)))
    assert one == other


@given(st.text(st.characters(), max_size=30), st.text(st.characters(), max_size=30))
def test_other_views_are_as_harmless(one: str, other: str) -> None:
    _assert_harmless(problems_text([Problem(Place(one, 1, 1), one, other)]))
    _assert_harmless(
        violations_text(refused([Violation("x", one, REMOVALS), Violation("y", other, Absolute(one))], 2))
    )


def test_a_value_of_nought_is_an_addition_in_what_a_base_explains() -> None:
    ada = user_address("ada@acme.com")
    level = Update(ada, ada.key, "u1", (changed("attributes", "level", before=1, after=0),), Place("a.yaml"))
    origins: Origins = {(ada, ("attributes", "level")): "drift"}
    assert "drift: 1 addition or update" in plan_text(
        replace(EVERY_KIND, changes=(level,), base="1a2b3c4d", origins=origins)
    )


@pytest.mark.usefixtures("uncounted")
def test_a_large_plan_is_drawn_in_full() -> None:
    fields = EVERY_KIND.changes[5].fields  # type: ignore[union-attr]
    changes = tuple(create_user(f"u{n}@acme.com", *fields, line=n) for n in range(10_000))
    plan = replace(EVERY_KIND, changes=changes)
    assert plan_text(plan, width=80, color=True).count("\n") > 60_000


@pytest.mark.parametrize(
    ("allows", "said", "options", "line"),
    [
        ([REMOVALS], "all of its 10 removals", "--allow-removals 10", "=10 digest="),
        ([CREATIONS], "all of its 2 new users", "--allow-creations 2", "=10 creations=2 digest="),
        (
            [CREATIONS, REMOVALS, REMOVALS],
            "all of its 10 removals and all of its 2 new users",
            "--allow-removals 10 --allow-creations 2",
            "=10 creations=2 digest=",
        ),
    ],
)
def test_a_refusal_names_all_that_approves_it(
    allows: list[Allow], said: str, options: str, line: str
) -> None:
    plan = replace(EVERY_KIND, violations=tuple(Violation("x", "too many", allow) for allow in allows))
    text = plan_text(plan)
    assert f"| To approve exactly this plan, {said}:\n|   {options}\n" in text
    assert f"`Reconciler-Allow: production{line}" in plan_markdown(plan)
    assert f"Reconciler-Allow: production{line}" in plan_html(plan)


def test_each_reason_why_nobody_can_approve_it_is_said_once() -> None:
    since = Violation("emptied", "nobody is left", Absolute("Nobody reviewed it."))
    plan = replace(EVERY_KIND, violations=(since, Violation("users", "too many", REMOVALS), since, ABSOLUTE))
    said = f"| Nobody reviewed it. {PROTECTED.why_not}\n| Change the files, and plan again.\n"
    assert said in plan_text(plan)
    assert "--allow" not in plan_text(plan)
    assert f"> `Nobody reviewed it. {PROTECTED.why_not}`\n" in plan_markdown(plan)
    assert f"<p>Nobody reviewed it. {PROTECTED.why_not} Change the files, and plan again.</p>" in plan_html(
        plan
    )

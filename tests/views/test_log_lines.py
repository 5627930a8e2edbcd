"""No line that is drawn is a command for GitHub's runner, whatever a plan, a problem or a report holds."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from runner import Runner, lines
from sample_plans import COMMANDS, EVERY_KIND, PLANS, TEXTS

from reconciler.changes import atoms
from reconciler.errors import Place, Problem
from reconciler.jsontext import dump_json
from reconciler.operations import Outcome
from reconciler.plan import Note, Plan
from reconciler.planning.recheck import Recheck, Rechecked
from reconciler.report import Check, Mandate, Report
from reconciler.saved import to_json
from reconciler.target.schemas import published
from reconciler.views.annotations import Command, annotations
from reconciler.views.doctor import checks_json, checks_text
from reconciler.views.html import plan_html
from reconciler.views.json import report_json
from reconciler.views.layout import cells, draw, line
from reconciler.views.markdown import failure_markdown, marker_of, plan_markdown, report_markdown
from reconciler.views.recheck import recheck_text
from reconciler.views.report import report_text
from reconciler.views.safe import label, printable, quote, unobeyed
from reconciler.views.text import plan_text, problems_text, violations_text

WIDTHS = st.none() | st.integers(16, 80)
NASTIEST = "::error::x ##[error]y"


def harmless(text: str) -> None:
    """Stricter than the runner: not even an unknown command, nor a part of one."""
    assert "##[" not in text
    assert not [row for row in lines(text) if row.lstrip().startswith("::")]
    assert Runner().read(lines(text)).obeyed == []


def hostile(plan: Plan) -> Plan:
    """With places that no strategy of plans has, since the text of a place cannot be read back with them."""
    place = Place("::set-env name=X::y.yaml", 1, 1)
    changes = tuple(replace(change, place=place) for change in plan.changes)
    return replace(plan, changes=changes, notes=(*plan.notes, Note("x", NASTIEST, place, warning=True)))


@pytest.mark.usefixtures("uncounted")
@given(PLANS, WIDTHS, st.booleans())
def test_plans(plan: Plan, width: int | None, color: bool) -> None:  # noqa: FBT001 (hypothesis passes it)
    plan = hostile(plan)
    harmless(plan_text(plan, width=width, color=color))
    harmless(violations_text(plan, width=width, color=color))
    harmless(to_json(plan))
    harmless(plan_html(plan))


@pytest.mark.usefixtures("uncounted")
@given(PLANS, st.integers(1000, 4000))
def test_plans_as_comments(plan: Plan, budget: int) -> None:
    harmless(plan_markdown(hostile(plan), budget=budget))
    assert len(plan_markdown(hostile(plan), budget=budget)) <= budget


@pytest.mark.usefixtures("uncounted")
@given(PLANS, TEXTS, TEXTS, WIDTHS)
@example(EVERY_KIND, NASTIEST, "##", None)
@example(EVERY_KIND, "", "\r::", None)
def test_reports_and_rechecks(plan: Plan, reason: str, name: str, width: int | None) -> None:
    found = [atom for change in plan.changes for atom in atoms(change)]
    outcomes = tuple(Outcome(atom, "failed", reason) for atom in found)
    mandate = Mandate(name, plan.digest, (reason,), 7, name, name, reason, (name, reason))
    report = Report(name, "run", name, plan.changes, outcomes, 3, 4, 1.5, mandate, reason)
    harmless(report_text(report, width=width))
    harmless(report_markdown(report))
    harmless(report_json(report))
    harmless(failure_markdown(marker_of(name), name, f"{reason}\n{name}", reason))
    rechecked = tuple(Rechecked(atom, "moved", reason) for atom in found)
    harmless(recheck_text(Recheck(rechecked, (), (), plan.changes), width=width))


@given(st.lists(st.builds(Problem, st.builds(Place, TEXTS), TEXTS, TEXTS), max_size=3), WIDTHS)
@example([Problem(Place("::set-env name=X::y.yaml", 1, 1), NASTIEST, NASTIEST)], None)
def test_problems(problems: list[Problem], width: int | None) -> None:
    harmless(problems_text(problems, width=width))


@given(TEXTS, TEXTS, WIDTHS)
def test_a_doctors_findings(name: str, said: str, width: int | None) -> None:
    check = Check("the pace", "failed", said, said)
    harmless(checks_text([check], name=name, where=said, width=width))
    harmless(checks_json([check], target=name, url=said))


@given(st.lists(st.builds(Problem, st.builds(Place, TEXTS, st.integers(1)), TEXTS, TEXTS), max_size=3))
@example([Problem(Place("a,b:c%3A.yaml", 2, 3), "100%\nsure", "##[error]x")])
def test_an_annotation_is_one_error_at_its_place(problems: list[Problem]) -> None:
    said = "".join(f"{one}\n" for one in annotations(problems))
    obeyed = Runner().read(lines(said)).obeyed
    assert "##[" not in said
    assert [(one.name, one.properties.get("file", ""), one.properties["line"]) for one in obeyed] == [
        ("error", printable(one.place.file), str(one.place.line)) for one in problems
    ]
    hints = [f"\nhint: {printable(one.hint)}" if one.hint else "" for one in problems]
    assert [one.data for one in obeyed] == [
        printable(one.message) + hint for one, hint in zip(problems, hints, strict=True)
    ]


@given(TEXTS, st.dictionaries(st.just("title"), TEXTS))
def test_a_command_of_ours_is_always_one(message: str, given_: dict[str, str]) -> None:
    (row,) = lines(str(Command("warning", message, given_)))
    (found,) = Runner().read([row]).obeyed
    assert found.name == "warning"


@pytest.mark.parametrize("name", published())
def test_schemas(name: str) -> None:
    harmless(published()[name])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("##[error]x", "#\\x23[error]x"),
        ("###[a] ##[b]", "##\\x23[a] #\\x23[b]"),
        ("## [", "## ["),
        ("#[", "#["),
    ],
)
def test_a_mark_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", ":\\x3aerror::x"),
        ("a\n \u3000::b\r::c", "a\n \u3000:\\x3ab\r:\\x3ac"),
        ("http://[::1]:80", "http://[::1]:80"),
        (":::", ":\\x3a:"),
    ],
)
def test_a_command_at_the_beginning_of_a_line_is_spelled_out(text: str, shown: str) -> None:
    assert unobeyed(text) == shown
    assert unobeyed(shown) == shown


@given(st.lists(COMMANDS, max_size=3))
def test_values_side_by_side_make_no_mark(values: list[str]) -> None:
    harmless(f"x {label(values[0])}" if values else "")
    harmless(f"x {quote(tuple(values))}")


def test_a_row_that_begins_with_a_command_keeps_its_width() -> None:
    rows = draw([line("a" * 16, "::error::" + "b" * 20)], width=16, color=False).splitlines()
    assert rows == ["a" * 16, "    :\\x3aerror:\\", "    x3abbbbbbbbb", "    bbbbbbbbbbb"]
    assert max(map(cells, rows)) == 16


def test_json_says_the_same_in_other_letters() -> None:
    document = {"##[error]x": ["\\##[", "###[["]}
    assert json.loads(dump_json(document)) == document
    harmless(dump_json(document))

"""Comments and summaries: within their budget, and safe whatever the names are."""

import os
import re
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from builders import MANDATE, PROTECTED, REMOVALS, changed
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_plans import COMPARED, PLANS, SAMPLES, create_user, member

from reconciler.changes import Change, Update, atoms
from reconciler.errors import Place
from reconciler.model import Address, group_address
from reconciler.operations import Outcome
from reconciler.plan import Plan, Violation
from reconciler.report import Report
from reconciler.views.fences import code, fence
from reconciler.views.markdown import (
    COMMENT,
    LEAST,
    SUMMARY,
    failure_markdown,
    marker_of,
    plan_markdown,
    report_markdown,
)

GOLDEN = Path(__file__).parent / "golden"
NASTY = st.text(st.sampled_from("`|<>@#-~*_[]()!\\\n\r\u202e\u200b :/w.abG1"), max_size=40) | st.text(
    max_size=20
)


@pytest.mark.parametrize("name", SAMPLES)
def test_comments_look_as_they_did(name: str) -> None:
    text = plan_markdown(SAMPLES[name])
    path = GOLDEN / f"{name}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def outside_of_code(text: str) -> str:
    """What GitHub reads as Markdown: without fences and code spans, as CommonMark delimits them."""
    kept: list[str] = []
    closing = ""
    for line in text.split("\n"):
        run = re.match(r"`{3,}", line)
        if closing:
            if run and run[0].startswith(closing) and not line.strip("`"):
                closing = ""
        elif run:
            closing = run[0]
        else:
            kept.append(re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", line))
    assert not closing, "a fence is not closed"
    return "\n".join(kept)


OURS = re.compile(
    r"<!-- reconciler:[^ ]* -->|</?details( open)?>|</?summary>|> \[!CAUTION\]", flags=re.MULTILINE
)


def assert_harmless(text: str) -> None:
    assert all(char.isprintable() or char in "\n\u3000" for char in text)
    rest = OURS.sub("", outside_of_code(text))
    for found in ("@", "<", "http", "www.", "](", "![", "`", "#1"):
        assert found not in rest.replace("### ", ""), (found, rest)


@given(PLANS, st.integers(LEAST, 20_000))
@settings(max_examples=80)
def test_no_name_becomes_markup_a_mention_or_a_link(plan: Plan, budget: int) -> None:
    text = plan_markdown(plan, budget=budget)
    assert len(text) <= budget
    assert text.startswith(marker_of(plan.target) + "\n")
    assert_harmless(text)


@given(NASTY)
def test_code_holds_whatever_it_is_given(text: str) -> None:
    assert_harmless(f"a {code(text)} b")
    assert_harmless(failure_markdown(marker_of(text), text, text, text, "advice"))
    assert re.fullmatch(r"<!-- reconciler:[\w.~%]* -->", marker_of(text))


def test_a_fence_is_longer_than_any_in_it() -> None:
    assert fence(["```", "x ````` y"]) == "``````\n```\nx ````` y\n``````"


@cache
def many(number: int) -> Plan:
    """A plan with so many people created, and as many who leave a group."""
    fields = [changed("attributes", f"attribute {n}", after="a value of some length") for n in range(5)]
    created: list[Change] = [create_user(f"u{n}@acme.com", *fields, line=n) for n in range(number)]
    left = [
        Update(group_address(f"g{n}"), f"g{n}", f"{n}", (member(f"u{n}@acme.com", joins=False),), Place("g"))
        for n in range(number)
    ]
    return replace(COMPARED, changes=(*created, *left))


@pytest.mark.usefixtures("uncounted")
def test_removals_stay_longest_and_what_is_cut_is_counted() -> None:
    text = plan_markdown(many(400))
    assert len(text) <= 65_536
    removals, _, others = text.partition("Gives or changes something")
    assert "Takes something away: 400 objects" in removals
    assert "-     u399@acme.com" in removals, "removals stand there in full"
    assert "lines of details left out" in others
    assert "+ user/u399@acme.com" in others
    text = plan_markdown(many(3000))
    assert len(text) <= 65_536
    removals, _, others = text.partition("Gives or changes something")
    assert re.search(r"\.\.\. and \d+ more objects", removals)
    assert "3000 lines of details left out" in removals
    assert "3000 objects more" in text or "Gives or changes something: 3000 objects" in text


def violation(message: str, *, absolute: bool = False) -> Violation:
    return Violation("x", message, PROTECTED if absolute else REMOVALS)


@pytest.mark.usefixtures("uncounted")
def test_violations_are_never_dropped_silently() -> None:
    violations = tuple(violation(f"group/{n} {'x' * 50}", absolute=n == 77) for n in range(90))
    text = plan_markdown(replace(many(3000), violations=violations))
    assert "and 70 more, 0 of them without an override" in text
    assert f"group/77 {'x' * 50}` (no override)" in text
    assert "have no override" in text


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("budget", [LEAST, 1000, 2000, 3000, 20_000, COMMENT])
@pytest.mark.parametrize("message", ["y" * 100_000, "a ``` fence", "`" * 590])
def test_however_small_the_budget_the_verdict_stands(budget: int, message: str) -> None:
    # A few of the first are all that can be shown; the others count, and need not be as long.
    long, short = ((n, message) for n in range(100)), ((n, message[:50]) for n in range(100, 10_000))
    violations = tuple(violation(f"r{n} {said}", absolute=n == 77) for n, said in chain(long, short))
    text = plan_markdown(replace(COMPARED, violations=violations), budget=budget)
    assert len(text) <= budget
    assert "Refused by a guard" in text
    assert "removals" in text
    shown = sum(text.count(f"r{n} {message[:50]}") > 0 for n in (77, *range(20)))
    left = re.search(r"and (\d+) more|(\d+) violations", text)
    assert left
    assert int(left[1] or left[2]) + (shown if left[1] else 0) == 10_000
    assert COMPARED.digest[:12] in text
    assert_harmless(text)


def test_the_override_stands_in_the_smallest_text_too() -> None:
    plan = replace(COMPARED, violations=(violation("`" * 590),))
    text = plan_markdown(plan, budget=LEAST)
    assert len(text) <= LEAST
    assert "1 violation, 0 of them without an override" in text
    assert f"`Reconciler-Allow: production=5 digest={plan.removals_digest[:12]}`" in text


def test_what_has_no_override_is_named_first() -> None:
    violations = tuple(violation(f"reason {n}", absolute=n == 25) for n in range(30))
    text = plan_markdown(replace(COMPARED, violations=violations))
    assert text.index("`reason 25` (no override)") < text.index("`reason 0`")
    assert "and 10 more, 0 of them without an override" in text


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("run", [0, 3, 60, 590, 5000])
@pytest.mark.parametrize("number", [700, 3000])
def test_no_name_can_drive_the_other_changes_out(run: int, number: int) -> None:
    plan = many(number)
    first, last = plan.changes[0], plan.changes[-1]
    named = replace(last, label="g" + "`" * run)
    text = plan_markdown(replace(plan, changes=(named, *plan.changes[1:-1], first)))
    assert len(text) <= COMMENT
    assert "~ group/g1 " in text.replace("!", "~")
    assert "more objects" in text
    assert_harmless(text)


def test_a_target_s_name_of_any_length_leaves_room() -> None:
    for name in ("é" * 60_000, "x" * 60_000, "`" * 60_000):
        plan = replace(COMPARED, target=name)
        assert marker_of(name) != marker_of(name + "x")
        for budget in (LEAST, 2000, COMMENT):
            for one in (plan, replace(plan, violations=())):
                text = plan_markdown(one, budget=budget)
                assert len(text) <= budget
                assert text.startswith(marker_of(name) + "\n")
                assert ("Refused by a guard" in text) is bool(one.violations)


@pytest.mark.usefixtures("uncounted")
def test_a_summary_fits_its_bytes_whatever_the_names_are_written_in() -> None:
    fields = [changed("attributes", f"a{n}", after="部署名\U0001f600" * 12) for n in range(6)]
    plan = replace(COMPARED, changes=tuple(create_user(f"u{n}@acme.com", *fields) for n in range(1500)))
    assert len(plan_markdown(plan, budget=SUMMARY).encode()) <= 1024 * 1024


def test_what_a_person_loses_stands_before_what_they_gain() -> None:
    ada = "ada@acme.com"
    groups = [
        Update(group_address(f"g{n}"), f"a group named {n}", f"{n}", (member(ada),), Place("g"))
        for n in range(60)
    ]
    secret = Update(group_address("s"), "Secret", "s", (member(ada, joins=False),), Place("g"))
    text = plan_markdown(replace(COMPARED, changes=(*groups, secret), base="", origins={}, violations=()))
    assert "- ada@acme.com  leaves Secret; joins 60 groups: a group named" in text.partition("By person")[2]


def test_a_person_who_only_changes_is_not_marked_as_gaining() -> None:
    zoe = Update(Address("user", "zoe"), "zoe", "1", (changed("name", before="a", after="b"),), Place("p"))
    text = plan_markdown(replace(COMPARED, changes=(zoe,), base="", origins={}, violations=()))
    assert "! zoe  changes name" in text


def test_the_override_fits_this_plan_alone() -> None:
    plan = replace(COMPARED, violations=COMPARED.violations[:1])
    assert f"> `Reconciler-Allow: production=5 digest={plan.removals_digest[:12]}`" in plan_markdown(plan)
    assert "Reconciler-Allow" not in plan_markdown(COMPARED)


def test_drift_is_called_so() -> None:
    text = plan_markdown(replace(COMPARED, included=(), violations=()), marker="<!-- here -->")
    assert text.startswith("<!-- here -->\n### Drift of `production`: 3 join, ")
    assert "76 writes" not in text
    assert "**No drift.**" in plan_markdown(replace(SAMPLES["no_changes"], included=()))


def test_a_failure_s_details_are_cut_and_counted() -> None:
    text = failure_markdown("<!-- x -->", "title", "why", "\n".join(["line " * 50] * 5000))
    assert len(text) < COMMENT
    shown = text.count("\nline ")
    assert f"... {5000 - shown} more lines: see the log" in text
    text = failure_markdown("<!-- x -->", "title", "\n".join(f"why {n}" for n in range(50)))
    assert "why 19" in text
    assert "... 30 more lines: see the log" in text


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("reason", ["because", "`" * 500, "a long reason " * 60])
@pytest.mark.parametrize("budget", [LEAST, 2000, COMMENT])
def test_a_report_holds_its_budget_and_counts_what_is_cut(reason: str, budget: int) -> None:
    changes = many(2000).changes
    outcomes = tuple(
        Outcome(one, "failed", f"{reason} {n}") for n, c in enumerate(changes) for one in atoms(c)
    )
    report = Report("production", "run", "journal.jsonl", changes, outcomes, 0, 10, 3.0, MANDATE)
    text = report_markdown(report, budget=budget)
    assert len(text) <= budget
    assert "Not all of it was applied" in text
    assert re.search(r"\.\.\. \d+ more lines: see the log", text)
    assert_harmless(text)

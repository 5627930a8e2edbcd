"""Comments and summaries: within their budget, and safe whatever the names are."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from builders import changed
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_plans import COMPARED, PLANS, SAMPLES, create_user, member

from reconciler.changes import Change, Delete, Plan, Update, Violation
from reconciler.errors import Place
from reconciler.model import Address, group_address
from reconciler.views.markdown import (
    code,
    failure_markdown,
    fence,
    marker,
    plan_markdown,
    takes_away,
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
    assert all(char.isprintable() or char == "\n" for char in text)
    rest = OURS.sub("", outside_of_code(text))
    for found in ("@", "<", "http", "www.", "](", "![", "`", "#1"):
        assert found not in rest.replace("### ", ""), (found, rest)


@given(PLANS, st.integers(1000, 20_000))
@settings(max_examples=80)
def test_no_name_becomes_markup_a_mention_or_a_link(plan: Plan, budget: int) -> None:
    text = plan_markdown(plan, budget=budget)
    assert len(text) <= budget
    assert text.startswith(marker(plan.target) + "\n")
    assert_harmless(text)


@given(NASTY)
def test_code_holds_whatever_it_is_given(text: str) -> None:
    assert_harmless(f"a {code(text)} b")
    assert_harmless(failure_markdown(marker(text), text, text, text, "advice"))
    assert re.fullmatch(r"<!-- reconciler:[\w.~%]* -->", marker(text))


def test_a_fence_is_longer_than_any_in_it() -> None:
    assert fence(["```", "x ````` y"]) == "``````\n```\nx ````` y\n``````"


def many(number: int) -> Plan:
    """A plan with so many people created, and as many who leave a group."""
    fields = [changed("attributes", f"attribute {n}", after="a value of some length") for n in range(5)]
    created: list[Change] = [create_user(f"u{n}@acme.com", *fields, line=n) for n in range(number)]
    left = [
        Update(group_address(f"g{n}"), f"g{n}", f"{n}", (member(f"u{n}@acme.com", joins=False),), Place("g"))
        for n in range(number)
    ]
    return replace(COMPARED, changes=(*created, *left))


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


def test_violations_are_never_dropped_silently() -> None:
    violations = tuple(Violation("members", f"group/{n} {'x' * 50}", overridable=n != 77) for n in range(90))
    text = plan_markdown(replace(many(3000), violations=violations))
    assert "and 70 more, 1 of them without an override" in text
    assert "have no override" in text
    huge = replace(COMPARED, violations=(Violation("x", "y" * 100_000),) * 50)
    for budget in (1000, 3000, 20_000):
        assert len(plan_markdown(huge, budget=budget)) <= budget


def test_the_override_fits_this_plan_alone() -> None:
    plan = replace(COMPARED, violations=COMPARED.violations[:1])
    assert f"> `Reconciler-Allow: production=5 digest={plan.digest[:12]}`" in plan_markdown(plan)
    assert "Reconciler-Allow" not in plan_markdown(COMPARED)


def test_drift_is_called_so() -> None:
    text = plan_markdown(replace(COMPARED, included=(), violations=()), place="<!-- here -->")
    assert text.startswith("<!-- here -->\n### Drift of `production`\n")
    assert "76 writes" not in text
    assert "**No drift.**" in plan_markdown(replace(SAMPLES["no_changes"], included=()))


def test_a_failure_s_details_are_cut_and_counted() -> None:
    text = failure_markdown("<!-- x -->", "title", "why", "\n".join(["line " * 50] * 5000))
    assert len(text) < 65_536
    assert "more lines: see the log" in text


def test_a_deletion_takes_away() -> None:
    assert takes_away(Delete(Address("group", "g"), "g", "1", Place("a")))

"""Somebody hides a change where a view does not get to: at the end of a long value, name or list."""

import re
from dataclasses import replace
from typing import Any

import pytest
from builders import changed
from hypothesis import given
from hypothesis import strategies as st
from sample_plans import ONE_REMOVAL, member

from reconciler.changes import Change, Create, FieldChange, Update
from reconciler.errors import Place
from reconciler.model import Value, group_address, user_address
from reconciler.plan import Plan, Violation
from reconciler.views.html import plan_html
from reconciler.views.markdown import plan_markdown
from reconciler.views.text import plan_text

REGIONS = tuple(f"region-{n:03}" for n in range(300))
STORY = "The quick brown fox jumps over the lazy dog. " * 200
VIEWS = {
    "text": plan_text,
    "80 columns": lambda plan: plan_text(plan, width=80),
    "30 columns": lambda plan: plan_text(plan, width=30),
    "markdown": plan_markdown,
    "html": plan_html,
}


def of(*changes: Change, **others: Any) -> Plan:
    return replace(ONE_REMOVAL, changes=changes, notes=(), **others)


def ada(*fields: FieldChange) -> Update:
    return Update(user_address("ada@acme.com"), "ada@acme.com", "u1", fields, Place("people.yaml", 2, 3))


def differing(before: Value, after: Value) -> Plan:
    return of(ada(changed("attributes", "note", before=before, after=after)))


def words(view: str, plan: Plan) -> str:
    """What a view says, whichever rows it breaks it into."""
    text = VIEWS[view](plan)
    return re.sub(r"\s+", " ", text.replace("&gt;", ">").replace("&#34;", '"'))


def within_a_glance(said: str, what: str) -> bool:
    """Whether something stands near the name of the field."""
    start = said.index(" note")
    return what in said[start : start + 300]


@pytest.mark.parametrize("view", VIEWS)
def test_one_more_in_a_long_list(view: str) -> None:
    """Somebody adds one region to three hundred, where nobody counts."""
    said = words(view, differing(REGIONS, (*REGIONS, "zz-secret")))
    assert within_a_glance(said, "(+ zz-secret)")
    said = words(view, differing((*REGIONS, "kept-out"), (*REGIONS, "let-in")))
    assert within_a_glance(said, "(+ let-in, - kept-out)")


@pytest.mark.parametrize("view", VIEWS)
def test_more_than_can_be_shown_is_counted(view: str) -> None:
    """Somebody adds forty regions, so that the one that matters is not among the first."""
    said = words(view, differing(REGIONS, (*REGIONS, *(f"new-{n}" for n in range(40)))))
    assert within_a_glance(said, "(+ 40 values: new-0, new-1, ")
    said = words(view, differing(REGIONS, REGIONS[:100]))
    assert within_a_glance(said, "(- 200 values: region-100, ")


@pytest.mark.parametrize("view", VIEWS)
def test_a_long_text_that_differs_in_its_tail(view: str) -> None:
    """Somebody changes the last word of nine thousand characters."""
    said = words(view, differing(STORY + "may read", STORY + "may write"))
    assert within_a_glance(
        said, '(from character 9005: ..." lazy dog. may read" -> ..." lazy dog. may write")'
    )
    said = words(view, differing(STORY + "a b" + STORY, STORY + "a b, c" + STORY))
    assert within_a_glance(said, 'a bThe quick brown"... -> ...')
    assert within_a_glance(said, 'a b, cThe quick brown"...)')


@pytest.mark.parametrize("view", VIEWS)
def test_a_long_text_in_a_list_that_differs_in_its_middle(view: str) -> None:
    """Somebody changes a word in the middle of one of several long texts."""
    said = words(view, differing(("x", f"{STORY}a b{STORY}"), ("x", f"{STORY}a c{STORY}")))
    assert within_a_glance(said, 'dog. a cThe quick brown"...)')


@pytest.mark.parametrize("view", VIEWS)
def test_a_text_that_changes_from_end_to_end(view: str) -> None:
    """Somebody changes the first letter as well, so that the difference itself is long."""
    said = words(view, differing("a" + STORY + "harmless", "b" + STORY + "secret"))
    assert within_a_glance(said, "(9009 characters)")
    assert within_a_glance(said, 'harmless"')
    assert within_a_glance(said, 'secret")')


def test_what_stands_around_a_change_cannot_push_it_out_of_sight() -> None:
    """Somebody surrounds the change with characters that are spelled out at length."""
    around = "\U000e0041" * 200
    said = plan_markdown(differing(f"{around}x{around}", f"{around}secret{around}"))
    assert "secret" in said.split(" -> ")[1]


@pytest.mark.parametrize("view", VIEWS)
def test_how_long_a_new_value_is(view: str) -> None:
    """Somebody creates an account with three hundred regions, one of which matters."""
    fields = (changed("attributes", "note", after=REGIONS),)
    created = Create(user_address("eve@acme.com"), "eve@acme.com", fields, Place("people.yaml", 2, 3))
    assert within_a_glance(words(view, of(created)), "(300 values)")
    assert within_a_glance(words(view, differing(REGIONS, None)), "(300 values)")


def test_a_new_text_that_is_cut_says_how_long_it_is() -> None:
    """Somebody creates an account with a text that no comment holds."""
    created = Create(user_address("e@x"), "e@x", (changed("name", after=STORY),), Place("people.yaml", 2, 3))
    assert f"... ({len(STORY) + 2} characters) ..." in plan_markdown(of(created))


# Names


@pytest.mark.parametrize("view", VIEWS)
def test_a_long_name_that_changes_at_its_end(view: str) -> None:
    """Somebody renames a group whose name is longer than a line."""
    name = "A department with a name " * 40
    renamed = changed("name", before=f"{name}readers", after=f"{name}owners")
    group = Update(group_address(f"{name}owners"), f"{name}owners", "g1", (renamed,), Place("g.yaml", 1, 1))
    said = words(view, of(group))
    assert '(from character 1001: ..."nt with a name readers" -> ..."nt with a name owners")' in said


def test_a_long_name_does_not_push_out_what_is_done() -> None:
    """Somebody gives a group a name that fills the line, and empties the group."""
    name = "x" * 5000
    fields = (member("ada@acme.com", joins=False),)
    group = Update(group_address(name), name, "g1", fields, Place("g.yaml", 7, 3))
    census = replace(ONE_REMOVAL.census, emptied=(f"group/{name}",))
    text = plan_markdown(of(group, census=census))
    assert "(5000 characters) ...xxx" in text
    assert "x  remove 1 member, which empties it  g.yaml:7:3" in text


def test_a_long_name_does_not_push_out_why_a_plan_is_refused() -> None:
    """Somebody protects, or ends the access of, a person with a name that fills the line."""
    message = f"user/{'x' * 5000}@acme.com is protected, and would be removed"
    plan = of(ada(), violations=(Violation("protected", message, overridable=False),))
    assert "xx@acme.com is protected, and would be removed`" in plan_markdown(plan)


def test_many_harmless_groups_do_not_hide_the_one_that_matters() -> None:
    """Somebody joins sixty groups, one of which is Admins: the line by person counts them."""
    groups = [
        Update(group_address(f"g{n}"), f"a group named {n}", f"{n}", (member("eve@acme.com"),), Place("g"))
        for n in range(60)
    ]
    text = plan_markdown(of(*groups))
    assert "eve@acme.com  joins 60 groups: a group named 0, " in text.partition("By person")[2]


# Whatever the values are


TEXTS = st.text(st.sampled_from('ab ,"\\\u202e\n'), min_size=0, max_size=6)
VALUES = st.one_of(
    st.none(),
    st.builds(lambda text, times, end: text * times + end, TEXTS, st.integers(0, 200), TEXTS),
    st.lists(TEXTS, max_size=60).map(lambda items: tuple(dict.fromkeys(items))),
    st.integers(),
)


@given(before=VALUES, after=VALUES)
def test_a_line_is_bounded_and_tells_what_it_leaves_out(before: Value, after: Value) -> None:
    if before == after:
        return
    (line,) = (row for row in plan_markdown(differing(before, after)).splitlines() if " note  " in row)
    assert len(line) < 1200
    for cut in re.finditer(r"\.\.\. \((\d+) characters\) \.\.\.", line):
        assert int(cut[1]) > 40

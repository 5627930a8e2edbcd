"""The first line of a plan: what it does to people, as they would say it."""

from dataclasses import replace

import pytest
from builders import changed
from hypothesis import given
from sample_plans import (
    EVERY_KIND,
    HOSTILE,
    NO_CHANGES,
    ONE_REMOVAL,
    PLANS,
    create_user,
    member,
)

from reconciler.changes import Change, Create, Delete, Update
from reconciler.errors import Place
from reconciler.model import ACTIVE, group_address, user_address
from reconciler.plan import Plan
from reconciler.views.headline import headline
from reconciler.views.html import plan_html
from reconciler.views.markdown import plan_markdown
from reconciler.views.text import plan_text

AT = Place("a.yaml", 1, 1)
CHARLES = user_address("charles@acme.com")
FINANCE = group_address("Finance")
ADA = create_user("ada@acme.com", changed("name", after="Ada Lovelace"))
LEAVES = Update(CHARLES, CHARLES.key, "u1", (changed("active", before=True, after=False),), AT, "deactivate")
BACK = Update(CHARLES, CHARLES.key, "u1", (changed("active", before=False, after=True),), AT)
RENAMED = Update(FINANCE, "Finance", "g1", (changed("name", before="Cash", after="Finance"),), AT)


def said(*changes: Change) -> str:
    return ", ".join(map(str, headline(replace(ONE_REMOVAL, changes=changes))))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ((ADA,), "Ada Lovelace joins"),
        ((create_user("ada@acme.com"),), "ada@acme.com joins"),
        ((BACK,), "charles@acme.com joins"),
        ((LEAVES,), "charles@acme.com leaves"),
        ((replace(LEAVES, removal="revoke", fields=()),), "charles@acme.com leaves"),
        ((Delete(CHARLES, CHARLES.key, "u1", AT),), "charles@acme.com leaves"),
        ((replace(BACK, fields=(changed("name", before="C", after="Charles"),)),), "Charles changes"),
        ((replace(BACK, fields=(changed("name", before="C"),)),), "charles@acme.com changes"),
        ((Update(FINANCE, "Finance", "g1", (member("ada@acme.com"),), AT),), "ada@acme.com changes"),
        ((Delete(FINANCE, "Finance", "g1", AT, ("a", "b")),), "2 change"),
        ((Delete(FINANCE, "Finance", "g1", AT),), "group Finance is deleted"),
        ((RENAMED,), "group Finance changes"),
        (
            (Create(FINANCE, "Finance", (), AT), Create(group_address("B"), "B", (), AT)),
            "2 groups are created",
        ),
        ((RENAMED, ADA), "Ada Lovelace joins"),
        (EVERY_KIND.changes, "3 join, 4 leave, 18 change"),
    ],
)
def test_it_says_who_joins_who_leaves_and_who_changes(changes: tuple[Change, ...], line: str) -> None:
    assert said(*changes) == line


def test_every_view_begins_with_it() -> None:
    plan = replace(ONE_REMOVAL, changes=(ADA, LEAVES))
    assert plan_text(plan).startswith(
        "Plan for demo: Ada Lovelace joins, charles@acme.com leaves\n(omni, https://acme.omniapp.co)\n"
    )
    assert "### Plan for `demo`: `Ada Lovelace` joins, `charles@acme.com` leaves\n" in plan_markdown(plan)
    assert "<h1>Plan for demo: Ada Lovelace joins, charles@acme.com leaves</h1>" in plan_html(plan)


def test_it_fits_a_narrow_terminal() -> None:
    rows = plan_text(replace(ONE_REMOVAL, changes=(ADA, LEAVES)), width=30).splitlines()
    assert rows[:3] == ["Plan for demo:", "  Ada Lovelace joins,", "  charles@acme.com leaves"]


def test_what_is_not_to_be_applied_is_not_in_it() -> None:
    plan = replace(
        ONE_REMOVAL,
        changes=(ADA, LEAVES),
        base="1a2b3c4d",
        origins={(ADA.address, f.path): "change" for f in ADA.fields} | {(CHARLES, ACTIVE): "drift"},
    )
    assert plan_text(plan).startswith("Plan for demo: Ada Lovelace joins\n")
    assert plan_text(replace(plan, changes=(LEAVES,))).startswith("Plan for demo: nothing to apply\n")
    drift = replace(plan, included=())
    assert plan_text(drift).startswith("Drift of demo: Ada Lovelace joins, charles@acme.com leaves\n")


def test_without_changes_there_is_none() -> None:
    assert headline(NO_CHANGES) == ()


def test_a_system_s_own_words_change_nothing_of_it() -> None:
    plan = replace(ONE_REMOVAL, changes=(LEAVES,), words={"deactivate": "ban", "deactivated": "banned"})
    assert plan_text(plan).startswith("Plan for demo: charles@acme.com leaves\n")


@pytest.mark.parametrize("name", ["3", "Bob leaves, 2", "x" * 500, HOSTILE, "**bold** `x` @everyone"])
def test_no_name_passes_for_another_clause_or_fills_the_page(name: str) -> None:
    plan = replace(ONE_REMOVAL, changes=(create_user("eve@acme.com", changed("name", after=name)),))
    first = plan_text(plan).splitlines()[0]
    assert first.endswith(" joins")
    assert len(first) < 140
    assert first.startswith('Plan for demo: "') == bool(set(",[3") & set(name))


@pytest.mark.usefixtures("uncounted")
@given(PLANS)
def test_it_is_one_line_of_bounded_length(plan: Plan) -> None:
    assert all(len(str(clause)) < 100 for clause in headline(plan))

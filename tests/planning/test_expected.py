"""Drift that is known: what it hides of a plan, and what it leaves whole."""

from dataclasses import replace

import pytest
from builders import a_group, a_user, desired, live

from reconciler.errors import Place
from reconciler.model import Address, user_address
from reconciler.plan import Plan
from reconciler.planning.expected import Expectation, without_expected
from reconciler.planning.plan import make_plan
from reconciler.planning.scope import Ending, Policy

TODAY = "2026-06-01"
ADA, BOB = user_address("ada@acme.com"), user_address("bob@acme.com")
HERE = Place("expected.yaml", 2, 3)


def expected(pattern: str, field: str = "", until: str = "2026-12-31") -> Expectation:
    return Expectation(pattern, field, until, "known", HERE)


def drift(tombstone: Ending = "deactivate") -> Plan:
    """Bob has a tombstone, and is live in two groups of which the files state the people."""
    groups = [a_group("Finance", [ADA.key]), a_group("Sales", [ADA.key])]
    wanted = desired(a_user(ADA.key), *groups, absent=[BOB])
    found = live(
        a_user(ADA.key),
        a_user(BOB.key, active=True),
        *(a_group(group.name, [ADA.key, BOB.key]) for group in groups),
    )
    plan = make_plan(wanted, found, Policy(tombstone=tombstone), target="t", provider="omni", url="").plan
    return replace(plan, included=())


def lines(plan: Plan) -> dict[str, list[str]]:
    return {
        str(change.address): [" ".join(item.path) for item in getattr(change, "fields", ())]
        for change in plan.changes
    }


def notes(plan: Plan) -> list[tuple[str, bool]]:
    return [(note.message, note.warning) for note in plan.notes if note.code == "expected"]


def test_what_is_not_expected_stays_as_it_is() -> None:
    plan = drift()
    rest = without_expected(plan, [expected("group/other")], TODAY)
    assert (rest.changes, rest.census) == (plan.changes, plan.census)
    assert notes(rest) == [
        ("group/other was expected to differ and does not: the expectation can go (known)", True)
    ]


def test_an_expected_difference_is_counted_nowhere() -> None:
    rest = without_expected(drift(), [expected("group/finance", "members")], TODAY)
    assert lines(rest) == {"group/sales": ["members bob@acme.com"], "user/bob@acme.com": ["active"]}
    assert rest.census.losses == {"group/sales": 1}
    assert notes(rest) == [("group/finance members: 1 difference expected until 2026-12-31 (known)", False)]


def test_an_expectation_hides_nothing_after_its_day() -> None:
    plan = drift()
    rest = without_expected(plan, [expected("group/*", until="2026-05-31")], TODAY)
    assert (rest.changes, rest.census) == (plan.changes, plan.census)
    assert notes(rest) == [
        ("group/* was expected to differ until 2026-05-31, which has passed (known)", True)
    ]
    assert without_expected(plan, [expected("group/*", until=TODAY)], TODAY).census.losses == {}


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["group/finance"], ["group/sales", "user/bob@acme.com"]),
        (["group/*"], []),
        (["group/finance", "group/sales"], []),
    ],
)
def test_a_revocation_goes_with_the_last_of_its_memberships(patterns: list[str], left: list[str]) -> None:
    rest = without_expected(drift("revoke"), [expected(pattern) for pattern in patterns], TODAY)
    assert [str(change.address) for change in rest.changes] == left


def test_every_difference_that_an_expectation_meets_is_counted() -> None:
    rest = without_expected(drift(), [expected("user/*"), expected("user/bob@acme.com", "active")], TODAY)
    assert Address("user", BOB.key) not in {change.address for change in rest.changes}
    assert [message.partition(" expected")[0] for message, _ in notes(rest)] == [
        "user/*: 1 difference",
        "user/bob@acme.com active: 1 difference",
    ]

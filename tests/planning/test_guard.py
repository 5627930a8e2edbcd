"""What a plan may not do: the parts that the cases do not show."""

import pytest
from builders import a_group, a_user, changed, desired, live, located
from hypothesis import given
from hypothesis import strategies as st

from reconciler.changes import Census, Plan, Update
from reconciler.model import Address
from reconciler.planning.guard import check
from reconciler.planning.plan import make_plan
from reconciler.planning.scope import Limits, Policy


def leavers(number: int, of: int, policy: Policy) -> Plan:
    people = [a_user(f"u{i}@acme.com", active=True) for i in range(of)]
    gone = [Address("user", f"u{i}@acme.com") for i in range(number)]
    state = desired(*people[number:], absent=gone)
    return make_plan(state, live(*people), policy, target="t", provider="omni", url="").plan


@pytest.mark.parametrize(
    ("number", "of", "refused"),
    [(5, 10, False), (6, 10, True), (6, 24, False), (7, 24, True), (6, 23, True), (1, 2, False)],
)
def test_more_than_the_share_and_more_than_the_floor(number: int, of: int, *, refused: bool) -> None:
    policy = Policy(limits=Limits(share=0.25, floor=5))
    codes = [violation.code for violation in check(leavers(number, of, policy), policy)]
    assert codes == (["users"] if refused else [])


@given(share=st.floats(0, 1), floor=st.integers(0, 30), of=st.integers(2, 30), data=st.data())
def test_a_refusal_is_exactly_more_than_both(share: float, floor: int, of: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, of - 1))
    policy = Policy(limits=Limits(share=share, floor=floor))
    refused = bool(check(leavers(number, of, policy), policy))
    assert refused == (number > floor and number > share * of)


def test_the_exact_number_approves_and_any_other_is_a_refusal() -> None:
    policy = Policy()
    plan = leavers(8, 10, policy)
    assert [v.code for v in check(plan, policy, allow_removals=8)] == []
    for wrong in (0, 7, 9):
        codes = [v.code for v in check(plan, policy, allow_removals=wrong)]
        assert codes == ["users", "approval"]


def test_a_wrong_number_is_refused_even_where_nothing_is_over_a_limit() -> None:
    policy = Policy()
    (violation,) = check(leavers(1, 10, policy), policy, allow_removals=2)
    assert violation.message == "--allow-removals 2 approves another plan: here it would be 1"


def test_no_number_approves_the_removal_of_what_is_protected() -> None:
    policy = Policy(protect_users=("u0@acme.com",))
    plan = leavers(1, 10, policy)
    (violation,) = check(plan, policy, allow_removals=1)
    assert (violation.code, violation.overridable) == ("protected", False)


def test_a_deletion_counts_the_memberships_that_end_with_it() -> None:
    people = [a_user(f"u{i}@acme.com", active=True) for i in range(10)]
    group = a_group("Everyone", [f"u{i}@acme.com" for i in range(10)])
    state = desired(*people, absent=[Address("group", "everyone")])
    policy = Policy()
    plan = make_plan(state, live(*people, group), policy, target="t", provider="omni", url="").plan
    assert [v.code for v in check(plan, policy)] == ["memberships", "members"]
    assert plan.counts.removals == 1


def test_a_group_is_emptied_also_by_deletions_and_not_where_somebody_stays() -> None:
    people = [a_user(f"u{i}@acme.com", active=True) for i in range(3)]
    state = desired(
        people[0],
        a_group("G", ["u0@acme.com"]),
        a_group("H"),
        from_users=["H"],
        absent=[Address("user", "u1@acme.com"), Address("user", "u2@acme.com")],
    )
    found = live(*people, a_group("G", ["u1@acme.com"]), a_group("H", ["u1@acme.com", "u2@acme.com"]))
    policy = Policy(tombstone="delete")
    plan = make_plan(state, found, policy, target="t", provider="omni", url="").plan
    assert plan.intended.census.emptied == ("group/h",)
    assert [v.code for v in check(plan, policy)] == ["emptied"]


def test_a_plan_without_removals_passes_whatever_the_limits() -> None:
    change = Update(
        Address("user", "a@acme.com"),
        "a@acme.com",
        "1",
        (changed("name", before="A", after="B"),),
        located(Address("user", "a@acme.com"), ()),
    )
    plan = Plan("t", "omni", "", (change,), Census())
    assert check(plan, Policy(limits=Limits(0, 0), protect_users=("*",))) == ()

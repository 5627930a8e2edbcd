"""What can be written on creation only is written then, and never planned for somebody who is live."""

import pytest
from builders import a_user, desired, live

from reconciler.changes import FieldChange, Update
from reconciler.errors import Invalid
from reconciler.model import Definition, User, Value, user_address
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.scope import Policy
from reconciler.planning.writable import unwritable

HIRED = Definition("hired", "date-time", written="on creation")
REGION = Definition("region")
DEFINED = {"hired": HIRED, "region": REGION}


def planned(wanted: list[User], found: list[User], policy: Policy = Policy()) -> Planned:  # noqa: B008 (frozen)
    state = live(*found, definitions=DEFINED.values())
    gone = [user_address("bob@acme.com")]
    return make_plan(desired(*wanted, absent=gone), state, policy, target="t", provider="typed", url="")


def ada(**attributes: Value) -> User:
    return a_user("ada@acme.com", attributes=attributes)


def test_for_a_new_person_it_is_in_the_creation() -> None:
    (change,) = planned([ada(hired="2024-01-31", region="x")], []).plan.changes
    assert FieldChange(("attributes", "hired"), None, "2024-01-31") in change.fields  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("stated", "now", "shown"),
    [
        ("2024-01-31", "2024-01-30", '"2024-01-30"'),
        ("2024-01-31", None, "unset"),
        (None, "2024-01-30", '"2024-01-30"'),
        ("2024-01-31T09:00:00Z", "2024-01-31T10:00:00+01:00", ""),
        (None, None, ""),
    ],
)
def test_for_a_live_one_it_is_as_it_is_or_a_problem(stated: Value, now: Value, shown: str) -> None:
    wanted = ada(hired=stated, region="new")
    made = planned([wanted], [ada(hired=now, region="old")])
    assert made.plan.changes[0].fields == (FieldChange(("attributes", "region"), "old", "new"),)  # type: ignore[union-attr]
    problems = list(unwritable(desired(wanted), made.pairing, made.definitions))
    place = "files.yaml/user/ada@acme.com/attributes/hired:1:1"
    told = f"{place}: `hired` can be written on creation only, and is {shown} now"
    assert [str(problem) for problem in problems] == (
        [f"{told} (write what it is, or remove it here)"] if shown else []
    )


def test_of_a_new_person_nothing_is_a_problem() -> None:
    wanted = ada(hired="2024-01-31")
    made = planned([wanted], [])
    assert list(unwritable(desired(wanted), made.pairing, made.definitions)) == []


def test_who_is_revoked_keeps_it() -> None:
    bob = a_user("bob@acme.com", attributes={"hired": "2020-01-01", "region": "x"})
    gone = planned(
        [ada(hired="2024-01-31", region="y")],
        [bob, ada(hired="2024-01-31", region="y")],
        Policy(tombstone="revoke"),
    ).plan
    (change,) = gone.changes
    assert isinstance(change, Update)
    assert change.fields == (FieldChange(("attributes", "region"), "x", None),)
    assert gone.census.values == 2


def test_it_cannot_be_exact() -> None:
    with pytest.raises(Invalid, match="`hired`, which cannot be cleared once it is written"):
        planned([], [], Policy(exact_attributes=frozenset({"hired"})))

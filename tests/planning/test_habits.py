"""What a system does beside what it is asked is minded in a plan: held, left out, or refused."""

from dataclasses import replace

import pytest
from builders import a_user, desired, live

from reconciler.errors import Invalid
from reconciler.model import Address, Definition, DesiredState, Habits, LiveState, User
from reconciler.plan import Plan
from reconciler.planning.plan import make_plan
from reconciler.planning.scope import Globs, Policy

NUMBER, NOTE = Definition("number"), Definition("note")
GONE = Policy(never_listed="delete")


def on(habits: Habits, *users: User) -> LiveState:
    return replace(live(*users, definitions=[NUMBER, NOTE]), habits=habits)


def planned(files: DesiredState, state: LiveState, policy: Policy = Policy()) -> Plan:  # noqa: B008 (frozen)
    return make_plan(files, state, policy, target="acme", provider="any", url="").plan


def said(plan: Plan, code: str) -> list[str]:
    return [note.message for note in plan.notes if note.code == code]


ADA = a_user("ada@acme.com", name="Ada", active=False, attributes={"number": None, "note": None})
REACTIVATES, ONE, HIDDEN = (
    Habits(updates_reactivate=True),
    Habits(sole_without="number"),
    Habits(roles_hidden=True),
)


@pytest.mark.parametrize("active", [None, False])
def test_a_change_of_an_inactive_person_is_held_where_it_would_let_them_in(active: bool | None) -> None:  # noqa: FBT001
    files = desired(a_user("ada@acme.com", name="A", active=active, attributes={"note": "x"}))
    plan = planned(files, on(REACTIVATES, ADA))
    assert plan.changes == ()
    (note,) = said(plan, "held")
    assert note.startswith("1 inactive person differs")
    assert note.endswith("ada@acme.com (name, note)")
    assert plan.census.active_users_after == 0
    assert len(planned(files, on(Habits(), ADA)).changes) == 1


def test_it_is_made_where_the_files_let_them_in() -> None:
    files = desired(a_user("ada@acme.com", name="A", active=True))
    (change,) = planned(files, on(REACTIVATES, ADA)).changes
    assert len(change.fields) == 2  # type: ignore[union-attr]
    managed = Policy(manage=frozenset({"name"}))
    assert planned(files, on(REACTIVATES, ADA), managed).changes == ()


def test_one_person_alone_may_be_without_an_attribute() -> None:
    files = desired(
        a_user("bob@acme.com"), a_user("cleo@acme.com"), a_user("dan@acme.com", attributes={"number": "4"})
    )
    taken = planned(files, on(ONE, replace(ADA, attributes={"number": None})))
    assert [change.address.key for change in taken.changes] == ["dan@acme.com"]
    assert said(taken, "held")[0].endswith("not created: bob@acme.com, cleo@acme.com")
    assert said(taken, "waiting") == []
    free = planned(files, on(ONE, replace(ADA, attributes={"number": "1"})))
    assert [change.address.key for change in free.changes] == ["bob@acme.com", "dan@acme.com"]
    unmanaged = Policy(manage=frozenset({"create", "name", "active"}))
    assert len(planned(files, on(ONE), unmanaged).changes) == 1


@pytest.mark.parametrize(
    ("glob", "active", "stops"),
    [("ada@*", True, False), ("ada@*", False, True), ("bob@acme.com", True, True), ("", True, True)],
)
def test_nobody_unlisted_goes_where_nothing_shows_who_administers(
    glob: str, *, active: bool, stops: bool
) -> None:
    others = (a_user("eve@acme.com"), a_user("zoe@acme.com", name="Zoe"))
    policy = replace(GONE, protect=Globs(user=(glob,) if glob else ()))
    files = desired(a_user("eve@acme.com"))
    state = on(HIDDEN, replace(ADA, active=active), *others)
    if stops:
        with pytest.raises(Invalid, match="away, and the system does not show who administers it"):
            planned(files, state, policy)
    else:
        assert [c.address for c in planned(files, state, policy).changes] == [Address("user", "zoe@acme.com")]
    assert len(planned(files, replace(state, habits=Habits()), policy).changes) >= 1
    assert planned(desired(a_user("zoe@acme.com")), on(HIDDEN, others[1]), policy).changes == ()
    left = replace(files, absent=frozenset({Address("user", "zoe@acme.com")}))
    assert planned(left, state, replace(policy, never_listed="keep")).changes != ()

"""Why each line is there: this change, drift or backlog."""

from dataclasses import replace

import pytest
from builders import a_group, a_user, desired, live
from hypothesis import assume, given
from sample_plans import PLANS

from reconciler.changes import Origin, atoms
from reconciler.model import Address, DesiredState, LiveState, user_address
from reconciler.plan import Plan
from reconciler.planning.guard import check
from reconciler.planning.origin import origins
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.recheck import recheck
from reconciler.planning.scope import Limits, Policy

ADA, BOB = a_user("ada@acme.com", name="Ada"), a_user("bob@acme.com", name="Bob")


def planned(wanted: DesiredState, found: LiveState, policy: Policy | None = None) -> Planned:
    return make_plan(wanted, found, policy or Policy(), target="acme", provider="omni", url="https://acme")


def told(
    head: DesiredState, base: DesiredState, applied: DesiredState | None, found: LiveState
) -> dict[str, Origin]:
    head_plan, base_plan = planned(head, found).plan, planned(base, found).plan
    applied_plan = planned(applied, found).plan if applied else None
    marked = origins(head_plan, [base_plan], [applied_plan] if applied_plan else [])
    assert marked.keys() == {(a.address, a.path) for change in head_plan.changes for a in atoms(change)}
    return {" ".join((str(address), *path)): origin for (address, path), origin in marked.items()}


def test_an_emergency_fix_is_drift_and_not_this_change() -> None:
    group = a_group("Finance", ["ada@acme.com", "bob@acme.com"])
    before = desired(ADA, BOB, group)
    after = desired(replace(ADA, name="Ada L."), BOB, group)
    # Somebody has taken bob out by hand.
    found = live(ADA, BOB, a_group("Finance", ["ada@acme.com"]))
    assert told(after, before, before, found) == {
        "user/ada@acme.com name": "change",
        "group/finance members bob@acme.com": "drift",
    }


def test_what_was_merged_and_never_applied_is_backlog() -> None:
    applied = desired(ADA)
    base = desired(ADA, BOB)
    head = desired(replace(ADA, name="Ada L."), BOB)
    expected: dict[str, Origin] = {
        "user/ada@acme.com name": "change",
        "user/bob@acme.com email": "backlog",
        "user/bob@acme.com name": "backlog",
    }
    assert told(head, base, applied, live(ADA)) == expected
    assert told(head, base, None, live(ADA)) == expected


def test_another_value_for_what_already_differs_is_this_change() -> None:
    base, head = desired(replace(ADA, name="A")), desired(replace(ADA, name="B"))
    assert told(head, base, base, live(ADA)) == {"user/ada@acme.com name": "change"}


def test_a_change_brings_along_the_creations_that_it_needs() -> None:
    base = desired(ADA, BOB, a_group("Finance"), a_group("Sales"))
    head = desired(
        ADA, BOB, a_group("Finance", ["bob@acme.com"]), a_group("Sales", ["ada@acme.com", "bob@acme.com"])
    )
    found = live(ADA, a_group("Sales", ["ada@acme.com"]))
    assert told(head, base, desired(ADA), found) == {
        "user/bob@acme.com email": "change",
        "user/bob@acme.com name": "change",
        "group/finance name": "change",
        "group/finance members bob@acme.com": "change",
        "group/sales members bob@acme.com": "change",
    }


def test_who_was_deleted_by_hand_is_not_brought_back_in_passing() -> None:
    base = desired(ADA, BOB, a_group("Finance", ["ada@acme.com"]))
    head = desired(ADA, BOB, a_group("Finance", ["ada@acme.com", "bob@acme.com"]))
    found = live(ADA, a_group("Finance", ["ada@acme.com"]))
    assert told(head, base, base, found) == {
        "user/bob@acme.com email": "drift",
        "user/bob@acme.com name": "drift",
        "group/finance members bob@acme.com": "change",
    }


def compared(head: DesiredState, base: DesiredState, found: LiveState, policy: Policy) -> Planned:
    made = planned(head, found, policy)
    before = [planned(base, found, policy).plan]
    marked = origins(made.plan, before, before)
    return replace(made, plan=replace(made.plan, base="1" * 40, origins=marked))


def test_only_this_change_is_judged_and_executed() -> None:
    policy = Policy(removals=Limits(share=0.1, floor=0))
    people = [a_user(f"u{n}@acme.com", name="N") for n in range(6)]
    everyone = [person.email for person in people]
    base = desired(*people, a_group("Finance", everyone[:1]), a_group("Sales", everyone))
    head = desired(*people, a_group("Finance", everyone[:1]), a_group("Sales", everyone[1:]))
    # Somebody has added five people by hand, and one of them leaves another group by this change.
    found = live(*people, a_group("Finance", everyone), a_group("Sales", everyone))
    fresh = compared(head, base, found, policy)
    plan = fresh.plan
    assert plan.counts.removals == 6
    assert plan.intended.counts.removals == 1
    assert plan.intended.census.losses == {"group/sales": 1}
    assert [v.code for v in check(plan.intended, policy)] == ["members"]
    assert check(plan.intended, policy, allow_removals=1) == ()
    result = recheck(plan, fresh)
    assert [str(a) for c in result.changes for a in atoms(c)] == ["group/sales members u0@acme.com"]
    assert [str(c.address) for c in result.excluded] == ["group/finance"]
    assert result.unreviewed == ()
    both = replace(plan, included=("change", "drift"))
    assert both.intended.changes == plan.changes
    assert both.intended.census.losses == plan.census.losses
    assert recheck(both, fresh).excluded == ()


def test_a_revocation_by_leaving_groups_stays_with_the_group_that_is_left() -> None:
    policy = Policy(tombstone="revoke", manage=frozenset({"name", "groups"}))
    base = desired(replace(ADA, groups=frozenset({"finance"})), a_group("Finance"), from_users=["Finance"])
    head = desired(a_group("Finance"), absent=[user_address(ADA.email)], from_users=["Finance"])
    found = live(ADA, BOB, a_group("Finance", ["ada@acme.com", "bob@acme.com"]))
    plan = compared(head, base, found, policy).plan
    assert plan.intended.counts.users_revoked == 1
    assert replace(plan, included=()).intended.counts.users_revoked == 0


def test_a_deletion_out_of_a_group_that_is_renamed_counts_for_it() -> None:
    policy = Policy(tombstone="delete", removals=Limits(share=0, floor=0))
    renamed = Address("group", "sales")
    base = desired(ADA, BOB, a_group("Sales", []), previously={renamed: ("finance",)})
    head = desired(
        ADA,
        a_group("Sales", []),
        absent=[user_address(BOB.email)],
        previously={renamed: ("finance",)},
    )
    found = live(ADA, BOB, a_group("Finance", ["ada@acme.com", "bob@acme.com"]))
    plan = replace(compared(head, base, found, policy).plan, included=("change", "drift", "backlog"))
    assert plan.census.losses == {"group/sales": 2}
    assert plan.intended.census == plan.census


@pytest.mark.usefixtures("uncounted")
@given(PLANS)
def test_the_parts_of_a_plan_are_the_plan(plan: Plan) -> None:
    assume(len({change.address for change in plan.changes}) == len(plan.changes))
    whole = replace(plan, included=("change", "drift", "backlog"))
    if plan.base and len(plan.origins) == sum(len(atoms(change)) for change in plan.changes):
        kept = {a for change in whole.intended.changes for a in atoms(change)}
        assert kept == {a for change in plan.changes for a in atoms(change)}

"""What each person gains and loses."""

from dataclasses import replace

import pytest
from builders import changed
from hypothesis import given
from sample_plans import COMPARED, EVERY_KIND, PLANS

from reconciler.changes import Delete
from reconciler.plan import Plan
from reconciler.views.people import by_person


def test_a_person_s_net_effect_is_put_together_from_all_objects() -> None:
    people = {one.key: one for one in by_person(EVERY_KIND)}
    robot, grace, guest = people["robot@acme.com"], people["grace@acme.com"], people["guest@acme.com"]
    assert (robot.account, robot.leaves, robot.loses) == ("delete", ["BI Admins", "Old Desk"], True)
    assert (grace.account, grace.joins, grace.loses) == ("create", ["Physics", "Treasury"], False)
    assert (guest.account, guest.fields) == ("revoke", [changed("attributes", "region", before=("emea",))])
    assert people["old@acme.com"].leaves == ["Treasury"]


def test_who_loses_something_comes_first() -> None:
    losing = [one.loses for one in by_person(EVERY_KIND)]
    assert losing == sorted(losing, reverse=True)


def test_each_person_knows_why() -> None:
    people = {one.key: one for one in by_person(COMPARED)}
    assert people["kim@acme.com"].origins == {"change"}
    assert people["ada@acme.com"].origins == {"change", "drift", "backlog"}
    assert people["robot@acme.com"].origins == {"change", "backlog"}


@pytest.mark.usefixtures("uncounted")
@given(PLANS)
def test_everybody_whom_a_plan_touches_is_there_once(plan: Plan) -> None:
    keys = [one.key for one in by_person(plan)]
    assert len(keys) == len(set(keys))
    touched = {c.address.key for c in plan.changes if c.address.kind == "user"}
    for change in plan.changes:
        if change.address.kind == "group":
            touched |= (
                set(change.ends)
                if isinstance(change, Delete)
                else {f.path[1] for f in change.fields if f.path[0] == "members"}
            )
    assert set(keys) == touched
    assert by_person(replace(plan, notes=())) == by_person(plan)

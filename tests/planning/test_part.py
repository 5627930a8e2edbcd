"""`--scope`: the plan is the part of the whole that is asked for; an apply leaves the rest as it was."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, get_args

import pytest
from builders import a_group, a_user, desired, live
from hypothesis import given, settings
from worlds import World, session, standing, worlds

from reconciler import workflow
from reconciler.changes import Change, Create, Update, atoms
from reconciler.model import Definition, DesiredState, LiveState, User, Value, group_address, user_address
from reconciler.plan import Plan, Scope
from reconciler.planning.guard import check
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.scope import Policy
from reconciler.planning.selection import selection
from reconciler.saved import from_json, to_json

PARTS: tuple[Scope, ...] = get_args(Scope)


def created(changes: Iterable[Change]) -> set[object]:
    return {change.address for change in changes if isinstance(change, Create)}


@settings(max_examples=30)
@given(world=worlds())
def test_the_parts_together_are_the_whole_but_for_who_was_never_listed(world: World) -> None:
    with standing(world) as (target, store):
        whole = workflow.plan(target, session(store, target))
        options = [workflow.Options(scope=(part,)) for part in PARTS]
        left = [set(workflow.plan(target, session(store, target), each).left_out) for each in options]
    listed = {user_address(email) for email in world.files["users"]}
    created_here = created(whole.plan.changes)
    for atom in set.intersection(*left):
        waits = atom.address in created_here or atom.member in created_here
        assert waits or (atom.member or atom.address) not in listed


def planned(wanted: DesiredState, found: LiveState, *scope: Scope, policy: Policy = Policy()) -> Planned:  # noqa: B008 (frozen)
    return make_plan(wanted, found, policy, scope=scope, target="acme", provider="omni", url="")


def said(made: Planned) -> list[str]:
    return [note.message for note in made.plan.notes if note.code == "scope"]


def test_what_needs_somebody_new_waits_for_the_part_that_makes_them() -> None:
    definitions = [Definition("manager", "user"), Definition("region")]
    new = a_user("new@acme.com", attributes={"region": "x"})
    ada = a_user("ada@acme.com", attributes={"manager": "new@acme.com", "region": "y"})
    wanted = desired(
        new, ada, a_group("Sales", ["new@acme.com", "ada@acme.com"]), a_group("Desk", ["ada@acme.com"])
    )
    there = a_user("ada@acme.com", attributes={"manager": None, "region": None})
    found = live(there, a_group("Sales", []), definitions=definitions)
    made = planned(wanted, found, "attributes", "memberships")
    assert [str(atom) for change in made.plan.changes for atom in atoms(change)] == [
        "user/ada@acme.com attributes region",
        "group/sales members ada@acme.com",
    ]
    left = "left out are these details: 1 of users, 1 of groups"
    waiting = "4 more wait for people or groups that these make: group/desk, user/new@acme.com"
    assert said(made) == [f"--scope attributes,memberships: {left}; {waiting}"]
    (note,) = said(planned(wanted, found, "users", "groups"))
    assert note == "--scope users,groups: left out are these details: 3 of attributes, 3 of memberships"
    assert said(planned(desired(), found, "users")) == ["--scope users: nothing is left out"]


@pytest.mark.parametrize("field", [{"written": "on creation"}, {"readable": False}])
def test_what_can_be_given_on_creation_only_goes_with_the_account(field: dict[str, Any]) -> None:
    wanted = desired(a_user("new@acme.com", attributes={"hired": "2024", "region": "x"}))
    found = live(definitions=[Definition("hired", **field), Definition("region")])
    (change,) = planned(wanted, found, "users").plan.changes
    assert [atom.path[-1] for atom in atoms(change)] == ["email", "hired"]


def leaving(**attributes: Value) -> tuple[DesiredState, LiveState]:
    people = [a_user(f"{name}@acme.com", active=True, attributes=attributes) for name in ("ada", "bob")]
    stays = User("ada@acme.com", attributes=dict.fromkeys(attributes, "new"))
    wanted = desired(stays, a_group("Sales", ["ada@acme.com"]), absent=[user_address("bob@acme.com")])
    definitions = [Definition(name) for name in attributes]
    return wanted, live(*people, a_group("Sales", ["ada@acme.com", "bob@acme.com"]), definitions=definitions)


@pytest.mark.parametrize("attributes", [{}, {"region": "old"}])
def test_leaving_belongs_to_users_with_all_that_it_takes_away(attributes: dict[str, Value]) -> None:
    wanted, found = leaving(**attributes)
    policy = Policy(tombstone="revoke")
    made = planned(wanted, found, "users", policy=policy)
    (group, person) = sorted(made.plan.changes, key=lambda change: str(change.address))
    assert [str(atom) for atom in atoms(group)] == ["group/sales members bob@acme.com"]
    assert isinstance(person, Update)
    assert (person.address.key, person.removal) == ("bob@acme.com", "revoke")
    assert made.plan.census.losses == {"group/sales": 1}
    rest = planned(wanted, found, "attributes", "memberships", "groups", policy=policy).plan
    assert {change.address.key for change in rest.changes} <= {"ada@acme.com"}


def test_who_was_never_listed_stays_in_a_part() -> None:
    wanted, found = leaving()
    policy = Policy(never_listed="delete")
    made = planned(replace(wanted, absent=frozenset()), found, "users", policy=policy)
    assert made.plan.changes == ()
    assert said(made) == ["--scope users: left out are these details: 1 of users"]


def test_who_was_never_listed_is_not_the_one_who_stays_active() -> None:
    wanted, found = leaving()
    gone = replace(wanted, users={}, groups={}, absent=frozenset({user_address("bob@acme.com")}))
    listed = replace(gone, users={"new@acme.com": a_user("new@acme.com", active=False)})
    made = planned(listed, found, "users", policy=Policy(never_listed="deactivate"))
    assert [change.address.key for change in made.plan.changes] == ["bob@acme.com"]
    assert (made.plan.census.active_users, made.plan.census.active_users_after) == (1, 0)
    assert [violation.code for violation in check(made.plan, Policy())] == ["last"]


def test_guards_judge_a_part_by_shares_of_the_whole() -> None:
    names = [f"p{n}@acme.com" for n in range(8)]
    people = [a_user(name, active=True, attributes={"a": "1"}) for name in names]
    wanted = desired(
        *(a_user(name, attributes={"a": None}) for name in names[6:]),
        a_group("Sales", names[6:]),
        absent=map(user_address, names[:6]),
    )
    found = live(*people, a_group("Sales", names), definitions=[Definition("a")])
    made = planned(wanted, found, "memberships", policy=Policy(tombstone="delete")).plan
    assert check(made, Policy()) == ()
    assert made.census.users == 8
    (violation,) = check(planned(wanted, found, "users").plan, Policy())
    assert violation.message.startswith("6 of 8 users deactivated")


def test_somebody_let_in_again_is_told_with_the_groups_that_stay_in_this_part() -> None:
    wanted = desired(a_user("ada@acme.com", active=True), a_group("Sales", []))
    found = live(a_user("ada@acme.com", active=False), a_group("Sales", ["ada@acme.com"]))
    (again,) = [n.message for n in planned(wanted, found, "users").plan.notes if n.code == "reactivated"]
    assert again == "user/ada@acme.com is let in again, with the access that these groups give: Sales"
    assert not [n for n in planned(wanted, found, "memberships").plan.notes if n.code == "reactivated"]


def test_who_can_be_given_on_creation_only_is_there_first_or_the_account_waits() -> None:
    definitions = [Definition("manager", "user", written="on creation")]
    chain = ["a@acme.com", "b@acme.com", "c@acme.com"]
    people = [
        a_user(e, attributes={"manager": boss}) for e, boss in zip(chain, [*chain[1:], None], strict=True)
    ]
    wanted, found = desired(*people, a_group("Sales", chain)), live(definitions=definitions)
    found = replace(found, groups=live(a_group("Sales", [])).groups)

    def made(*texts: str) -> Plan:
        about = {"target": "acme", "provider": "omni", "url": ""}
        return make_plan(wanted, found, Policy(), selection=selection(texts), **about).plan

    part = made("user/a@acme.com", "user/b@acme.com")
    assert part.changes == ()
    (note,) = [note.message for note in part.notes if note.code == "only"]
    waiting = ", ".join(f"user/{email}" for email in chain)
    assert note.endswith(f"; 6 more wait for people or groups that these make: {waiting}")
    assert len(made("user/*").changes) == 4


def test_where_a_part_was_read_the_floor_alone_counts() -> None:
    gone = [user_address(f"p{n}@acme.com") for n in range(6)]
    people = [a_user(f"p{n}@acme.com", active=True) for n in range(1000)]
    new = [a_user(f"new{n}@acme.com") for n in range(51)]
    wanted = desired(*people[6:], *new, absent=gone)
    made = planned(wanted, live(*people)).plan
    assert check(made, Policy()) == ()
    removals, creations = check(replace(made, partly_read=True), Policy())
    unknown = "where only a part was read, and shares of the whole are not known"
    counted = f"{unknown} (`--read everything` counts them)"
    assert removals.message == f"6 users deactivated, revoked or deleted; the limit is 5 {counted}"
    assert creations.message == f"51 users created; the limit is 50 {counted}"
    allowed = {"allow_removals": 6, "allow_creations": 51}
    assert check(replace(made, partly_read=True), Policy(), **allowed) == ()


def test_a_saved_plan_carries_what_it_is_about_under_its_seal() -> None:
    wanted, found = leaving()
    about = {"target": "acme", "provider": "omni", "url": "", "partly_read": True}
    part = make_plan(
        wanted, found, Policy(), selection=selection(["user/BOB@*", "group/S?les"]), **about
    ).plan
    text = to_json(part)
    assert from_json(text) == part
    assert from_json(text).only == ("user/BOB@*", "group/S?les")
    for other in (text.replace("user/BOB@*", "user/*"), text.replace('"partly_read": true,\n  ', "")):
        with pytest.raises(ValueError, match="edited after it was saved"):
            from_json(other)


def test_a_saved_plan_carries_its_scope_under_its_seal() -> None:
    wanted, found = leaving()
    whole, part = planned(wanted, found).plan, planned(wanted, found, "users").plan
    assert '"scope"' not in to_json(whole)
    text = to_json(part)
    assert from_json(text) == part
    with pytest.raises(ValueError, match="edited after it was saved"):
        from_json(text.replace('"scope": [\n    "users"\n  ]', '"scope": [\n    "groups"\n  ]'))
    with pytest.raises(ValueError, match="'people' is no part of a plan"):
        from_json(text.replace('"scope": [\n    "users"\n  ]', '"scope": [\n    "people"\n  ]'))


def test_a_group_that_another_part_deletes_is_not_emptied_unseen() -> None:
    gone = [user_address("bob@acme.com"), group_address("Old")]
    wanted = desired(a_user("ada@acme.com"), absent=gone)
    people = [a_user(f"{name}@acme.com", active=True) for name in ("ada", "bob")]
    found, policy = live(*people, a_group("Old", ["bob@acme.com"])), Policy(tombstone="delete")
    refused = [
        check(planned(wanted, found, *scope, policy=policy).plan, policy) for scope in ((), ("users",))
    ]
    assert [[violation.code for violation in each] for each in refused] == [[], ["emptied"]]

"""A person whom an attribute finds is that person under any login; in target.yaml it is named by `match`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import a_user, desired, live
from hypothesis import given, settings
from project import a_project
from worlds import World, renamed, session, standing

from reconciler import workflow
from reconciler.changes import Update, atoms
from reconciler.desired.export import Wish
from reconciler.errors import IncompleteRead, Invalid
from reconciler.model import Definition, Need, User
from reconciler.plan import Plan
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.scope import Policy, need
from reconciler.providers.omni.provider import Omni
from reconciler.target.settings import load_targets
from reconciler.workflow.adopt import adopt

BADGE = Definition("badge")
MANAGER = Definition("manager", "user")


def with_badges(world: World, older: dict[str, str]) -> World:
    """Everybody has a badge, in the files as live."""
    alive = {
        email: entry | {"attributes": entry.get("attributes", {}) | {"badge": email}}
        for email, entry in world.seed["users"].items()
    }
    people = {
        email: entry
        if "state" in entry
        else entry | {"attributes": entry.get("attributes", {}) | {"badge": older.get(email, email)}}
        for email, entry in world.files["users"].items()
    }
    attributes = world.seed["attributes"] | {"badge": {}}
    seed = world.seed | {"attributes": attributes, "users": alive}
    return replace(world, seed=seed, files=world.files | {"users": people})


def without_earlier_names(world: World) -> World:
    people = {
        email: {key: value for key, value in entry.items() if key != "previously"}
        for email, entry in world.files["users"].items()
    }
    target = world.target | {"match": ["badge"]}
    return replace(world, files=world.files | {"users": people}, target=target)


def changes(plan: Plan) -> list[Any]:
    return [(c.address, getattr(c, "removal", None), atoms(c)) for c in plan.changes]


@pytest.mark.usefixtures("uncounted")
@settings(max_examples=100)
@given(worded=renamed())
def test_an_attribute_finds_whom_an_earlier_name_finds(worded: tuple[World, dict[str, str]]) -> None:
    world = with_badges(*worded)
    with standing(world) as (target, store):
        told = workflow.plan(target, session(store, target)).plan
    with standing(without_earlier_names(world)) as (target, store):
        found = workflow.plan(target, session(store, target))
    assert changes(found.plan) == changes(told)
    assert found.plan.census == told.census
    assert set(found.pairing.moved) <= set(found.pairing.known_by)


def test_whoever_is_live_may_be_meant_so_of_everybody_all_is_read() -> None:
    both, ada = frozenset({"a", "badge"}), "ada@acme.com"
    wanted = need(desired(a_user(ada, attributes={"a": "1"})), Policy(match=("badge",)))
    assert wanted == Need({ada: both}, frozenset({ada}), both, all_deleted=True)


def planned(wanted: list[User], found: list[User], definitions: list[Definition]) -> Planned:
    return make_plan(
        desired(*wanted),
        replace(live(*found, definitions=definitions), logins_change=True),
        Policy(match=("badge",)),
        target="acme",
        provider="omni",
        url="",
    )


def test_who_was_not_read_completely_stops_the_plan() -> None:
    with pytest.raises(IncompleteRead, match=r"attribute badge of bob@acme\.com was not read"):
        planned([a_user("ada@acme.com", attributes={"badge": "1"})], [a_user("bob@acme.com")], [BADGE])


def test_a_reference_to_somebody_under_the_live_login_is_no_difference() -> None:
    ada = a_user("ada.new@acme.com", attributes={"badge": "1"})
    bob = a_user("bob@acme.com", attributes={"manager": "ada.new@acme.com"})
    there = [
        a_user("ada@acme.com", attributes={"badge": "1", "manager": None}),
        a_user("bob@acme.com", attributes={"badge": None, "manager": "ada@acme.com"}),
    ]
    (change,) = planned([ada, bob], there, [BADGE, MANAGER]).plan.changes
    assert isinstance(change, Update)
    assert [str(atom) for atom in atoms(change)] == ["user/ada.new@acme.com email"]


def test_a_new_login_is_sent_as_such() -> None:
    ada = a_user("ada.new@acme.com", attributes={"badge": "1"})
    there = a_user("ada@acme.com", attributes={"badge": "1"})
    made = planned([ada], [there], [BADGE]).plan
    (operation,) = Omni().translate(made.changes)
    assert operation.body == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {"userName": "ada.new@acme.com"}}],
    }


def test_the_login_is_the_last_way_to_know_somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    project = a_project(tmp_path)
    project.configure(match=["external_id", "email"])
    (target,) = load_targets(Path("desired-state"))
    assert target.policy.match == ("external_id",)
    project.configure(match=["email", "external_id"])
    with pytest.raises(Invalid, match=r"target\.yaml:[0-9]+:[0-9]+: `email` is looked for last"):
        load_targets(Path("desired-state"))


def test_an_import_leaves_out_whom_an_attribute_finds() -> None:
    seed = {
        "attributes": {"badge": {}},
        "users": {
            "ada@acme.com": {"attributes": {"badge": "1"}},
            "bob@acme.com": {"attributes": {"badge": "2"}},
        },
    }
    files = {"users": {"ada.new@acme.com": {"attributes": {"badge": "1"}}}, "groups": {}}
    with standing(World(seed, files, {"match": ["badge"]})) as (target, store):
        found = adopt(target, session(store, target), Wish())
        assert "bob@acme.com" in "".join(found.files.values())
        assert "ada@acme.com" not in "".join(found.files.values())

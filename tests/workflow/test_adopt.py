"""What is live, written as files, loads again and plans to no changes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import World, session, standing, worlds

from reconciler import workflow
from reconciler.desired.export import Export, Layout, Members, Wish
from reconciler.sandbox.omni.store import Store
from reconciler.target.settings import Target
from reconciler.workflow.adopt import adopt as adopt_live

pytestmark = pytest.mark.usefixtures("uncounted")
LAYOUTS: list[Layout] = ["one-file", "by-group", "by-user"]
MEMBERS: list[Members] = ["not-ours", "from-users", "stated"]
WISHES = st.builds(
    Wish,
    layout=st.sampled_from(LAYOUTS),
    members=st.sampled_from(MEMBERS),
    only=st.sampled_from([(), (), ("user/*",), ("group/*",), ("user/a*", "group/finance")]),
)


def write_new(store: Store, target: Target, wish: Wish) -> Export:
    found = adopt_live(target, session(store, target), wish)
    for name, text in found.files.items():
        path = target.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists()
        path.write_text(text, encoding="utf-8")
    return found


@settings(max_examples=150)
@given(world=worlds(), wish=WISHES)
def test_an_imported_tenant_plans_to_no_changes(world: World, wish: Wish) -> None:
    nothing_else = {"leavers": {"users": {"never_listed": "keep"}}, "manage": {}}
    world = replace(world, files={}, target=world.target | nothing_else)
    with standing(world) as (target, store):
        first = write_new(store, target, wish)
        plan = workflow.plan(target, session(store, target)).plan
        assert plan.changes == ()
        assert first.remarks == []
        again = write_new(store, target, wish)
        assert again.files == {}


@settings(max_examples=100)
@given(world=worlds(), wish=WISHES)
def test_an_import_beside_files_changes_nothing_that_they_plan(world: World, wish: Wish) -> None:
    target_data = world.target | {"leavers": {"users": {"never_listed": "keep"}}, "manage": {}}
    world = replace(world, target=target_data)
    with standing(world) as (target, store):
        before = workflow.plan(target, session(store, target)).plan
        write_new(store, target, wish)
        after = workflow.plan(target, session(store, target)).plan

        def changed(plan: Any) -> list[Any]:
            return [(type(c), c.address, getattr(c, "fields", ())) for c in plan.changes]

        assert changed(after) == changed(before)

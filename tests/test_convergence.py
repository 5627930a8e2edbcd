"""Whatever is live and whatever the files say: apply, and nothing is left, and nobody else was touched."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import EMBED, OUTSIDER, World, schedules, session, worlds, write

from reconciler import workflow
from reconciler.errors import IncompleteRead, NoAnswer, Refused
from reconciler.sandbox.faults import Schedule
from reconciler.sandbox.store import Store
from reconciler.settings import Target

BAD_DAYS = 40


def converge(store: Store, target: Target, faults: tuple[int, Schedule]) -> None:
    """Apply again and again through the faults, as a scheduled job would, until a run completes."""
    for day in range(BAD_DAYS):
        # The faults grow rarer, so that requests get through in the end.
        chances = {fault: chance * (1 - day / BAD_DAYS) for fault, chance in faults[1].chances.items()}
        connection = session(store, target, (faults[0] + day, replace(faults[1], chances=chances)))
        try:
            proposal = workflow.propose(target, connection)
        except (IncompleteRead, NoAnswer, Refused):
            continue
        if workflow.apply(target, connection, proposal).complete:
            return
    message = f"no run of {BAD_DAYS} was complete"
    raise AssertionError(message)


@settings(max_examples=250)
@given(world=worlds(), seed=st.integers(0, 2**32), schedule=schedules())
def test_after_an_apply_the_plan_is_empty(world: World, seed: int, schedule: Schedule) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "desired-state" / "acme"
        folder.mkdir(parents=True)
        target = write(folder, world)
        store = Store.from_seed(world.seed)
        before = store.snapshot()
        converge(store, target, (seed, schedule))
        again = workflow.plan(target, session(store, target)).plan
        assert again.changes == ()
        assert untouched(world, before, store.snapshot()) == []


def untouched(world: World, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What changed and no file, nor an exact attribute, spoke of."""
    said = []
    manage = world.target["manage"]
    for email, old in before["users"].items():
        entry = world.files["users"].get(email)
        new = after["users"].get(email)
        if email != OUTSIDER and entry is None and world.target["leavers"]["users"]["never_listed"] != "keep":
            continue
        if entry is None or email == OUTSIDER:
            if new != old:
                said.append(f"{email}: {old} became {new}")
        elif entry != {"state": "absent"} and entry.get("active") is not False:
            stated = set(entry.get("attributes", ())) if "attributes" in manage["users"] else set()
            stated |= set(manage["exact_attributes"])
            said += [
                f"{email}: {key} became {new['attributes'].get(key)}"
                for key, value in old["attributes"].items()
                if key not in stated and new["attributes"].get(key) != value
            ]
            if "name" not in entry and new["name"] != old["name"]:
                said.append(f"{email}: renamed")
    return said + _lost_members(world, before, after)


def _lost_members(world: World, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    said = []
    for name, members in before["groups"].items():
        entry = world.files["groups"].get(name)
        if entry is None and not any("previously" in g for g in world.files["groups"].values()):
            gone = {e for e in members if e != EMBED and e not in after["users"]}
            if set(members) - gone != set(after["groups"][name]):
                said.append(f"{name}: {members} became {after['groups'][name]}")
        if {OUTSIDER, EMBED} & set(members) and entry not in (None, {"state": "absent"}):
            kept = {OUTSIDER, EMBED} & set(members)
            if not kept <= set(after["groups"][name]):
                said.append(f"{name}: lost one of {kept}")
    return said


@settings(max_examples=60)
@given(world=worlds(), random=st.randoms(use_true_random=False))
def test_the_order_of_the_input_is_irrelevant(world: World, random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = [(key, shuffled(item)) for key, item in value.items()]
            random.shuffle(items)
            return dict(items)
        if isinstance(value, list):
            return random.sample(value, len(value))
        return value

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "desired-state" / "acme"
        folder.mkdir(parents=True)
        store = Store.from_seed(world.seed)
        target = write(folder, world)
        first = workflow.plan(target, session(store, target)).plan
        again = workflow.plan(target, session(store, target)).plan
        assert again.digest == first.digest
        target = write(folder, World(world.seed, shuffled(world.files), world.target))
        assert workflow.plan(target, session(store, target)).plan.digest == first.digest

"""Nobody is in two groups that exclude each other, once a plan is applied; or it is told before."""

from dataclasses import replace
from pathlib import Path

import pytest
from builders import MANDATE
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from project import a_project
from worlds import EMAILS, GROUPS, World, session, standing, worlds

from reconciler import workflow
from reconciler.errors import Invalid
from reconciler.target.settings import load_targets


def told(world: World) -> bool:
    """Whether a plan of this world says that somebody is in two of the groups."""
    with standing(world) as (target, store):
        try:
            plan = workflow.plan(target, session(store, target)).plan
        except Invalid as error:
            return "exclude each other" in str(error)
        return any(note.code == "exclusive" for note in plan.notes)


@pytest.mark.usefixtures("uncounted")
@settings(max_examples=150)
@given(
    world=worlds(),
    exclusive=st.lists(st.lists(st.sampled_from(GROUPS), min_size=2, unique=True), min_size=1, max_size=2),
)
def test_a_plan_tells_who_would_be_in_two_of_them(world: World, exclusive: list[list[str]]) -> None:
    calm = {"deactivate_revokes": False, "delete_keeps_row": False}
    world = replace(world, seed=world.seed | {"switches": world.seed["switches"] | calm})
    judged = replace(world, target=world.target | {"exclusive": exclusive})
    with standing(world) as (target, store):
        waiting = [
            email
            for email, entry in world.files["users"].items()
            if email not in world.seed["users"]
            and (entry.get("active") is False or "create" not in target.policy.manage)
        ]
        others = "create" not in target.policy.manage_groups
        unmade = [name for name in GROUPS if others and name not in world.seed["groups"]]
        # The files contradict themselves about such a person or group: nobody is in it yet.
        assume(not waiting and not unmade)
        proposal = workflow.propose(target, session(store, target))
        # What a guard refuses is held back, so that nothing can be told of the world after it.
        assume(not proposal.plan.violations)
        assert workflow.apply(target, session(store, target), proposal, MANDATE).complete
        after = store.snapshot()["groups"]
    twice = [
        email
        for email in EMAILS
        for names in exclusive
        if sum(email in after.get(name, ()) for name in names) > 1
    ]
    assert told(judged) == bool(twice)


def test_the_warning_stands_at_the_line_of_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project = a_project(tmp_path)
    project.configure(exclusive=[["Finance", "Sales"], ["Finance", "Admins"]])
    (target,) = load_targets(Path("desired-state"))
    (line,) = [n for n, text in enumerate(target_text(project.target).splitlines(), 1) if "Admins" in text]
    assert target.policy.places["exclusive", "Admins"].line == line


def target_text(folder: Path) -> str:
    return (folder / "target.yaml").read_text("utf-8")

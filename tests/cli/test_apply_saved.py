"""The command `apply` with a saved plan: what was reviewed, or nothing; and what a guard refuses."""

import json

import pytest
from asking import ask, user_id
from project import LEAVERS, MANY, PEOPLE, Project, a_project, change_live
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store

APPLY = ["apply", "--plan", "plan.json"]


@pytest.mark.usefixtures("project", "saved")
def test_a_saved_plan_is_applied_without_asking(capsys: Output) -> None:
    assert cli.run(APPLY) == 0
    assert "\nOf 6 details in the reviewed plan: 6 to do.\n" in capsys.readouterr().out


@pytest.mark.usefixtures("project", "saved")
def test_a_saved_plan_whose_changes_are_done_is_nothing_to_do(capsys: Output) -> None:
    cli.run(APPLY)
    capsys.readouterr()
    assert cli.run(APPLY) == 0
    assert capsys.readouterr().out.endswith(
        "\nOf 6 details in the reviewed plan: 6 done already.\n"
        "Only what the plan is about was read, so what else may differ was not looked for.\n\n"
        "Nothing to do, and nothing was sent.\n"
    )


@pytest.mark.usefixtures("saved")
def test_a_stale_plan_names_each_detail_and_does_nothing(project: Project, capsys: Output) -> None:
    change_live(project, ada={"name": "Countess"})
    project.write("people.yaml", PEOPLE.replace("    attributes: {region: [emea]}\n", ""))
    before = project.live()
    assert cli.run(APPLY) == ExitCode.STALE
    out, err = capsys.readouterr()
    assert "4 to do, 1 moved, 1 unwanted.\n" in out
    assert '  user/ada@acme.com name: moved, live is now "Countess", and was "Ada" at the review\n' in out
    assert "  user/cleo@acme.com attributes region: unwanted, " in out
    assert err == (
        "Error: the reviewed plan does not hold any more, so nothing was executed: plan and review again, "
        "or leave out what no longer holds with --skip-stale\n"
    )
    assert project.live() == before


@pytest.mark.usefixtures("saved")
def test_skip_stale_does_the_rest(project: Project) -> None:
    change_live(project, ada={"name": "Countess"})
    assert cli.run([*APPLY, "--skip-stale"]) == 0
    users = project.live()["users"]
    assert users["ada@acme.com"]["name"] == "Countess"
    assert users["bob@acme.com"]["active"] is False


@pytest.mark.usefixtures("saved")
def test_a_user_deleted_between_plan_and_apply_is_stale(project: Project, capsys: Output) -> None:
    omni = Sandbox(Store.open(project.target / "seed.yaml", project.root / "acme.json"))
    ask(omni, "DELETE", f"/scim/v2/users/{user_id(omni, 'ada@acme.com')}")
    assert cli.run(APPLY) == ExitCode.STALE
    assert "user/ada@acme.com name: moved, it is not there any more\n" in capsys.readouterr().out


@pytest.mark.usefixtures("saved")
def test_what_nobody_reviewed_is_listed_and_left(project: Project, capsys: Output) -> None:
    project.write("more.yaml", "users:\n  eve@acme.com: {name: Eve}\n")
    assert cli.run([*APPLY, "--read", "everything"]) == 0
    assert (
        "1 change that the files want now and nobody reviewed: left to the next plan.\n  user/eve@acme.com\n"
    ) in capsys.readouterr().out
    assert "eve@acme.com" not in project.live()["users"]


@pytest.mark.usefixtures("saved")
def test_a_part_says_that_the_files_want_something_else_by_now(project: Project, capsys: Output) -> None:
    project.write("more.yaml", "users:\n  eve@acme.com: {name: Eve}\n")
    assert cli.run(APPLY) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "so what else may differ was not looked for." in said
    assert "Not recorded as applied: the files now say something else than was reviewed" in said
    assert "eve@acme.com" not in project.live()["users"]


@pytest.mark.usefixtures("saved")
def test_a_plan_of_another_target_or_address_is_refused(project: Project, capsys: Output) -> None:
    a_project(project.root / "elsewhere", "other")
    assert cli.run([*APPLY, "--dir", "elsewhere/desired-state"]) == 1
    assert capsys.readouterr().err.startswith("plan.json: it was made for acme at https://acme.omniapp.co, ")
    project.configure(url="https://evil.omniapp.co")
    assert cli.run(APPLY) == 1
    assert "not for acme at https://evil.omniapp.co\n" in capsys.readouterr().err


# Guards


@pytest.fixture
def drastic(project: Project) -> Project:
    """A plan over the limits: all six managed users are to go."""
    project.seed(MANY)
    project.write("people.yaml", LEAVERS)
    return project


def test_a_plan_over_the_limits_is_printed_in_full_and_refused(drastic: Project, capsys: Output) -> None:
    before = drastic.live()
    assert cli.run(["plan", "--out", "plan.json"]) == ExitCode.GUARD
    out, err = capsys.readouterr()
    assert out.startswith("Plan for acme")
    assert "\nREFUSED: this plan will not be applied\n" in out
    assert out.endswith("\nSaved to plan.json.\n")
    assert err == ""
    for command in (["apply", "--auto-approve"], APPLY):
        assert cli.run(command) == ExitCode.GUARD
        out, err = capsys.readouterr()
        assert "\n|   --allow-removals 6\n" in out
        assert err == "Error: a guard refuses this plan; nothing was executed\n"
    assert drastic.live() == before


@pytest.mark.usefixtures("drastic")
def test_a_refused_plan_as_json_keeps_standard_output_clean(capsys: Output) -> None:
    assert cli.run(["plan", "--format", "json"]) == ExitCode.GUARD
    out, err = capsys.readouterr()
    assert json.loads(out)["counts"]["removals"] == 6
    assert "REFUSED" in err


def test_only_the_exact_number_approves(drastic: Project, capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve", "--allow-removals", "5"]) == ExitCode.GUARD
    assert "--allow-removals 5 does not fit" in capsys.readouterr().out
    assert cli.run(["plan", "--out", "plan.json", "--allow-removals", "6"]) == 0
    assert cli.run([*APPLY, "--allow-removals", "6"]) == 0
    assert drastic.live()["users"]["p0@acme.com"]["active"] is False


def test_limits_are_judged_on_the_saved_plan(drastic: Project) -> None:
    cli.run(["plan", "--out", "plan.json", "--allow-removals", "6"])
    done = {name: {"active": False} for name in ("p0", "p1", "p2")}
    drastic.seed({**MANY, "users": {**MANY["users"], **{f"{n}@acme.com": f for n, f in done.items()}}})
    # Only three are left to do, which would be within the floor; the plan that was reviewed is not.
    assert cli.run(APPLY) == ExitCode.GUARD
    assert cli.run([*APPLY, "--allow-removals", "6"]) == 0

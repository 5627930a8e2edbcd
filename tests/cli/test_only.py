"""The option --only of plan, apply and drift: some people and groups, and nothing else."""

import json

import pytest
from project import Project
from repository import begin, git
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode

AUTO = ["apply", "--auto-approve"]


@pytest.mark.usefixtures("project")
def test_a_plan_of_one_person_counts_what_it_leaves_out(capsys: Output) -> None:
    assert cli.run(["plan", "--only", "user/cleo@acme.com"]) == 0
    out = capsys.readouterr().out
    assert "1 user created" in out
    assert "bob@acme.com" not in out
    assert "note: --only user/cleo@acme.com: left out are these details: 2 of users\n" in out


def test_an_apply_of_some_touches_nobody_else(project: Project, capsys: Output) -> None:
    before = project.live()
    asked = ["--only", "user/ada@acme.com", "--only", "group/fin*"]
    assert cli.run([*AUTO, *asked]) == 0
    out = capsys.readouterr().out
    assert "1 more waits for people or groups that these make: user/cleo@acme.com" in " ".join(out.split())
    assert "Not recorded as applied: it was about some people and groups alone\n" in out
    after = project.live()
    assert after["users"]["ada@acme.com"]["name"] == "Ada Lovelace"
    assert after["users"]["bob@acme.com"] == before["users"]["bob@acme.com"]
    assert after["groups"] == before["groups"]
    assert cli.run(AUTO) == 0
    assert cli.run(["plan", "--detailed-exitcode"]) == 0


def test_a_saved_plan_is_about_whom_it_was_made_for(project: Project, capsys: Output) -> None:
    cli.run(["plan", "--only", "user/b*", "--out", "plan.json"])
    assert json.loads((project.root / "plan.json").read_text("utf-8"))["only"] == ["user/b*"]
    assert cli.run(["apply", "--plan", "plan.json", "--only", "user/*"]) == ExitCode.USAGE
    assert "a saved plan has its own" in capsys.readouterr().err
    assert cli.run(["apply", "--plan", "plan.json"]) == 0
    out = capsys.readouterr().out
    assert "Of 1 detail in the reviewed plan: 1 to do.\n" in out
    assert "not reviewed" not in out
    assert project.live()["users"]["bob@acme.com"]["active"] is False


def test_the_applied_revision_does_not_move(project: Project) -> None:
    begin(project)
    assert cli.run([*AUTO, "--only", "user/*", "--only", "group/*"]) == 0
    assert git(project.root, "for-each-ref", "refs/reconciler") == ""


@pytest.mark.usefixtures("project")
def test_drift_of_one_person(capsys: Output) -> None:
    assert cli.run(["drift", "--only", "group/finance"]) == 0
    assert "No drift." in capsys.readouterr().out
    assert cli.run(["drift", "--only", "user/bob@acme.com"]) == ExitCode.DRIFT
    assert "user/ada@acme.com" not in capsys.readouterr().out


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("verb", ["plan", "apply", "drift"])
def test_who_is_no_person_and_no_group_is_bad_usage(verb: str, capsys: Output) -> None:
    assert cli.run([verb, "--only", "ada@acme.com", "--only", "Group/X"]) == ExitCode.USAGE
    said = " ".join(capsys.readouterr().err.split())
    assert "--only ada@acme.com: it is neither a user, nor a group" in said
    assert "did you mean 'user/ada@acme.com'?" in said
    assert "--only Group/X: " in said


@pytest.mark.usefixtures("project")
def test_a_name_that_nobody_has_is_said(capsys: Output) -> None:
    assert cli.run(["plan", "--only", "user/adda@acme.com"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "No changes." in out
    assert (
        "--only user/adda@acme.com matches nothing in the files, and nothing live that is not ignored" in out
    )

"""The option --scope of plan, apply and drift: a part of a run, and nothing else."""

import json

import pytest
from project import Project
from repository import begin, git
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode

AUTO = ["apply", "--auto-approve"]


@pytest.mark.usefixtures("project")
def test_a_plan_of_a_part_counts_what_it_leaves_out(capsys: Output) -> None:
    assert cli.run(["plan", "--scope", "memberships"]) == 0
    out = capsys.readouterr().out
    assert "No changes." in out
    left = "left out are these details: 4 of users, 1 of attributes; 1 more waits for people or groups"
    assert f"note: --scope memberships: {left} that these make: user/cleo@acme.com\n" in out


def test_an_apply_of_a_part_touches_nothing_else(project: Project, capsys: Output) -> None:
    before = project.live()
    assert cli.run([*AUTO, "--scope", "users"]) == 0
    assert "Not recorded as applied: it was about users alone\n" in capsys.readouterr().out
    after = project.live()
    assert after["groups"] == before["groups"]
    assert after["users"]["bob@acme.com"]["active"] is False
    assert not any(after["users"]["cleo@acme.com"]["attributes"].values())
    assert cli.run([*AUTO, "--scope", "attributes , memberships"]) == 0
    assert cli.run(["plan", "--detailed-exitcode"]) == 0


def test_a_saved_plan_is_applied_with_the_scope_that_it_has(project: Project, capsys: Output) -> None:
    cli.run(["plan", "--scope", "groups,users", "--out", "plan.json"])
    assert json.loads((project.root / "plan.json").read_text("utf-8"))["scope"] == ["users", "groups"]
    before = project.live()
    assert cli.run(["apply", "--plan", "plan.json", "--scope", "users"]) == ExitCode.USAGE
    assert "a saved plan has the scope that it was made with" in capsys.readouterr().err
    assert cli.run(["apply", "--plan", "plan.json"]) == 0
    out = capsys.readouterr().out
    assert "Of 4 details in the reviewed plan: 4 to do.\n" in out
    assert "not reviewed" not in out
    assert "Not recorded as applied: it was about users and groups alone\n" in out
    assert project.live()["groups"] == before["groups"]


def test_the_applied_revision_does_not_move(project: Project) -> None:
    begin(project)
    assert cli.run([*AUTO, "--scope", "users,attributes,memberships"]) == 0
    assert git(project.root, "for-each-ref", "refs/reconciler") == ""
    # Every part is the whole.
    assert cli.run([*AUTO, "--scope", "users,attributes,memberships,groups"]) == 0
    assert git(project.root, "for-each-ref", "refs/reconciler") != ""


def test_drift_of_a_part_knows_what_is_expected_elsewhere(project: Project, capsys: Output) -> None:
    expected = "expected: [{object: user/ada@acme.com, field: name, until: 2099-12-31, reason: a wedding}]"
    (project.root / "expected.yaml").write_text(expected, encoding="utf-8")
    look = ["drift", "--expect", "expected.yaml", "--scope"]
    assert cli.run([*look, "groups"]) == 0
    out = capsys.readouterr().out
    assert "No drift." in out
    assert "note: user/ada@acme.com name: 1 difference expected until 2099-12-31 (a wedding)" in out
    assert cli.run([*look, "users"]) == ExitCode.DRIFT
    assert "user/bob@acme.com" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("verb", ["plan", "apply", "drift"])
@pytest.mark.parametrize("text", ["people", "", "users,", "Users"])
def test_what_is_no_part_is_bad_usage(verb: str, text: str, capsys: Output) -> None:
    assert cli.run([verb, "--scope", text]) == ExitCode.USAGE
    known = "--scope takes users, attributes, memberships, groups, with commas between them"
    assert known in " ".join(capsys.readouterr().err.split())

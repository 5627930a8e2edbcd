"""--only changed: what the files changed since a revision, and when that counts as applied."""

import re
from pathlib import Path

import pytest
from project import Project
from repository import applied, commit, git
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode

PEOPLE = """\
users:
  ada@acme.com: {name: Ada}
  bob@acme.com: {name: Bob}
  carl@acme.com: {name: Carl}
groups:
  Finance: {members: [ada@acme.com, bob@acme.com]}
"""
LEAVES = {"leavers": {"users": {"left_files": "deactivate"}}}
CHANGED = ["--only", "changed"]
APPLY = ["apply", "--auto-approve"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    project = applied(tmp_path, PEOPLE)
    project.configure(**LEAVES)
    commit(project.root)
    assert cli.run(APPLY) == ExitCode.OK
    return project


def write(project: Project, text: str) -> str:
    project.write("people.yaml", text)
    return commit(project.root)


def recorded(project: Project) -> str:
    return git(project.root, "rev-parse", "refs/reconciler/applied/acme")


def drifted(project: Project) -> None:
    """Somebody renames Carl there."""
    at = git(project.root, "rev-parse", "HEAD")
    project.write("people.yaml", PEOPLE.replace("name: Carl", "name: Charles"))
    assert cli.run([*APPLY, "--only", "user/carl@acme.com"]) == ExitCode.OK
    git(project.root, "checkout", "--quiet", ".")
    assert recorded(project) == at


def said(capsys: Output) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_it_is_what_the_files_changed_and_the_revision_moves(project: Project, capsys: Output) -> None:
    drifted(project)
    head = write(project, PEOPLE.replace("  bob@acme.com: {name: Bob}\n", "").replace(", bob@acme.com", ""))
    capsys.readouterr()
    assert cli.run(["plan", *CHANGED]) == ExitCode.OK
    out = said(capsys)
    assert "carl@acme.com" not in out
    assert "user/bob@acme.com" in out
    assert "drift and backlog elsewhere were not looked for" in out
    assert cli.run([*APPLY, *CHANGED, "--allow-removals", "2"]) == ExitCode.OK
    assert project.live()["users"]["bob@acme.com"]["active"] is False
    assert project.live()["users"]["carl@acme.com"]["name"] == "Charles"
    assert recorded(project) == head


def test_a_reviewed_plan_of_a_change_moves_it_where_the_base_is_what_was_applied(
    project: Project, capsys: Output
) -> None:
    drifted(project)
    (project.root / "README.md").write_text("Hello\n")
    commit(project.root)
    head = write(project, PEOPLE.replace("name: Ada", "name: Ada Lovelace"))
    assert cli.run(["plan", "--base", "HEAD~1", *CHANGED, "--out", "plan.json"]) == ExitCode.OK
    assert "will not be recorded" not in said(capsys)
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    live = project.live()["users"]
    assert (live["ada@acme.com"]["name"], live["carl@acme.com"]["name"]) == ("Ada Lovelace", "Charles")
    assert recorded(project) == head
    # Once more, as an interrupted one would be: it counts from where it counted, and all of it is recorded.
    capsys.readouterr()
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert "Not recorded" not in said(capsys)
    assert recorded(project) == head


def test_it_does_not_move_where_the_files_changed_before_the_base_too(
    project: Project, capsys: Output
) -> None:
    before = recorded(project)
    without_bob = PEOPLE.replace("  bob@acme.com: {name: Bob}\n", "").replace(", bob@acme.com", "")
    write(project, without_bob)
    head = write(project, without_bob.replace("name: Ada", "name: Ada Lovelace"))
    assert cli.run(["plan", "--base", "HEAD~1", *CHANGED, "--out", "plan.json"]) == ExitCode.OK
    why = "the files changed before .* too, since the last complete apply"
    assert re.search(why, said(capsys))
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert "Not recorded as applied: the files changed before" in said(capsys)
    assert recorded(project) == before
    assert project.live()["users"]["bob@acme.com"]["active"] is True
    assert cli.run([*APPLY, *CHANGED, "--allow-removals", "2"]) == ExitCode.OK
    assert project.live()["users"]["bob@acme.com"]["active"] is False
    assert recorded(project) == head


def test_it_does_not_move_where_target_yaml_changed(project: Project, capsys: Output) -> None:
    before = recorded(project)
    project.configure(**LEAVES, manage={"users": ["name", "active"]})
    write(project, PEOPLE.replace("name: Ada", "name: Ada Lovelace"))
    assert cli.run([*APPLY, *CHANGED]) == ExitCode.OK
    assert "Not recorded as applied: target.yaml changed since the last complete apply" in said(capsys)
    assert recorded(project) == before
    assert cli.run(APPLY) == ExitCode.OK
    assert recorded(project) == git(project.root, "rev-parse", "HEAD")


def test_it_does_not_move_where_something_waits(project: Project, capsys: Output) -> None:
    sales = PEOPLE + "  Sales: {members: from_users}\n"
    before = write(project, sales)
    assert cli.run(APPLY) == ExitCode.OK
    project.write("people.yaml", PEOPLE + "  Sales: {state: absent}\n")
    assert cli.run([*APPLY, "--only", "group/Sales"]) == ExitCode.OK
    git(project.root, "checkout", "--quiet", ".")
    head = write(project, sales.replace("name: Bob", "name: Bob, groups: [Sales]"))
    assert cli.run([*APPLY, *CHANGED]) == ExitCode.OK
    out = said(capsys)
    assert "1 more waits for people or groups that these make: group/sales" in out
    assert "some of what the files changed waits for other people or groups" in out
    assert recorded(project) == before
    assert cli.run(APPLY) == ExitCode.OK
    assert recorded(project) == head


def test_who_leaves_is_not_lost_after_an_apply_that_counted_from_later(
    project: Project, capsys: Output
) -> None:
    before = recorded(project)
    without_bob = PEOPLE.replace("  bob@acme.com: {name: Bob}\n", "").replace(", bob@acme.com", "")
    write(project, without_bob)
    assert cli.run([*APPLY, "--since", "HEAD", "--allow-removals", "1"]) == ExitCode.OK
    why = "some left the files since the last complete apply, and before it counts who left"
    assert f"Not recorded as applied: {why}" in said(capsys)
    assert recorded(project) == before
    assert cli.run([*APPLY, "--allow-removals", "1"]) == ExitCode.OK
    assert project.live()["users"]["bob@acme.com"]["active"] is False


def test_nothing_is_planned_where_nobody_knows_what_changed(project: Project, capsys: Output) -> None:
    git(project.root, "update-ref", "-d", "refs/reconciler/applied/acme")
    assert cli.run(["plan", *CHANGED]) == ExitCode.ERROR
    err = " ".join(capsys.readouterr().err.split())
    assert "--only changed: what the files changed is not known: nothing is recorded as applied yet" in err
    assert cli.run(["plan", "--base", "HEAD", *CHANGED]) == ExitCode.OK
    assert "which commit was applied last is not known" in said(capsys)
    project.write("people.yaml", "users: [")
    commit(project.root)
    write(project, PEOPLE)
    capsys.readouterr()
    assert cli.run(["plan", "--base", "HEAD~1", *CHANGED]) == ExitCode.ERROR
    assert "the files at the base do not load" in " ".join(capsys.readouterr().err.split())


def test_drift_is_not_what_the_files_changed(project: Project, capsys: Output) -> None:
    assert cli.run(["drift", *CHANGED]) == ExitCode.USAGE
    assert "--only changed goes with plan and apply" in " ".join(capsys.readouterr().err.split())
    assert project.live()

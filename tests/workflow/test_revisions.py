"""Plans that are compared with a base revision, and drift: real repositories, and an embedded sandbox."""

import json
from pathlib import Path

import pytest
from project import Project, a_project
from repository import applied, commit, git

from reconciler import cli
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]

PEOPLE = """\
users:
  ada@acme.com:
    name: Ada
  bob@acme.com:
    name: Bob
groups:
  Finance:
    members: [ada@acme.com, bob@acme.com]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return applied(tmp_path, PEOPLE)


def by_hand(project: Project) -> None:
    """Somebody takes bob out of the group in Omni, in an emergency."""
    project.write("people.yaml", PEOPLE.replace(", bob@acme.com", ""))
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    git(project.root, "checkout", "--quiet", ".")
    assert "bob@acme.com" not in project.live()["groups"]["Finance"]


def test_a_one_line_change_does_not_revert_an_emergency_fix(project: Project, capsys: Output) -> None:
    by_hand(project)
    project.write("people.yaml", PEOPLE.replace("name: Ada", "name: Ada Lovelace"))
    base = git(project.root, "rev-parse", "HEAD")
    commit(project.root)
    capsys.readouterr()
    assert cli.run(["plan", "--base", "HEAD~1", "--out", "plan.json"]) == ExitCode.OK
    said = capsys.readouterr().out
    assert f"Compared with {base[:8]}\n  this change: 1 addition or update\n  drift: 1 addition" in said
    assert "~ user/ada@acme.com  update  this change" in said
    assert "~ group/Finance  add 1 member  drift" in said
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert "1 object with drift or backlog: left alone, as was reviewed.\n" in capsys.readouterr().out
    live = project.live()
    assert live["users"]["ada@acme.com"]["name"] == "Ada Lovelace"
    assert "bob@acme.com" not in live["groups"]["Finance"]
    # The files were applied; what was left alone is drift, now and later.
    assert git(project.root, "rev-parse", "refs/reconciler/applied/acme") == git(
        project.root, "rev-parse", "HEAD"
    )
    assert cli.run(["drift"]) == ExitCode.DRIFT
    said = capsys.readouterr().out
    assert said.startswith(
        "Drift of acme: bob@acme.com changes\n"
        "(omni, https://acme.omniapp.co) against the embedded pretend system\n"
    )
    assert "drift: 1 addition" in said
    assert "the files were last applied completely as of 20" in said
    assert "in the files since 20" in said


def test_who_wants_both_includes_drift(project: Project, capsys: Output) -> None:
    by_hand(project)
    project.write("people.yaml", PEOPLE.replace("name: Ada", "name: Ada Lovelace"))
    commit(project.root)
    assert cli.run(["plan", "--base", "HEAD~1", "--include", "drift", "--out", "plan.json"]) == ExitCode.OK
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert "left alone" not in capsys.readouterr().out
    assert "bob@acme.com" in project.live()["groups"]["Finance"]
    assert cli.run(["drift"]) == ExitCode.OK
    assert "No drift.\n" in capsys.readouterr().out


def test_backlog_stays_until_it_is_included_and_the_ref_waits_for_it(project: Project) -> None:
    applied = git(project.root, "rev-parse", "HEAD")
    project.write("people.yaml", PEOPLE.replace("name: Bob", "name: Robert"))
    commit(project.root)
    project.write("more.yaml", "users: {cleo@acme.com: {name: Cleo}}\n")
    commit(project.root)
    assert cli.run(["plan", "--base", "HEAD~1", "--out", "plan.json"]) == ExitCode.OK
    plan = json.loads(Path("plan.json").read_text("utf-8"))
    assert plan["included"] == ["change"]
    assert {c["address"]: {f["origin"] for f in c["fields"]} for c in plan["changes"]} == {
        "user/cleo@acme.com": {"change"},
        "user/bob@acme.com": {"backlog"},
    }
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert project.live()["users"]["bob@acme.com"]["name"] == "Bob"
    assert git(project.root, "rev-parse", "refs/reconciler/applied/acme") == applied
    assert cli.run(["plan", "--base", "HEAD", "--include", "backlog", "--out", "plan.json"]) == ExitCode.OK
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert project.live()["users"]["bob@acme.com"]["name"] == "Robert"
    assert git(project.root, "rev-parse", "refs/reconciler/applied/acme") != applied


def test_settings_come_from_the_base_and_a_change_to_them_is_said(project: Project, capsys: Output) -> None:
    project.configure(protect={"users": ["bob@acme.com"]}, limits={"removals": {"share": 0.5, "floor": 1}})
    commit(project.root)
    project.configure(limits={"removals": {"share": 1, "floor": 100}})
    project.write("people.yaml", PEOPLE.replace("name: Bob", "state: absent").replace(", bob@acme.com", ""))
    commit(project.root)
    capsys.readouterr()
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.GUARD
    said = capsys.readouterr().out
    assert "user/bob@acme.com is protected" in said
    changed = "limits.removals.floor, limits.removals.share, protect.users"
    assert f"warning: target.yaml changes ({changed}): until the merge, the base's settings hold" in said
    assert cli.run(["plan"]) == ExitCode.OK
    # Nor does a merge lift the rule for the plan that it brings.
    assert cli.run(["plan", "--base", "HEAD~1", "--out", "plan.json"]) == ExitCode.GUARD
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.GUARD
    assert "bob@acme.com" in project.live()["groups"]["Finance"]


def test_a_stricter_rule_holds_at_once(project: Project, capsys: Output) -> None:
    project.configure(protect={"users": ["bob@acme.com"]})
    project.write("people.yaml", PEOPLE.replace("name: Bob", "active: false"))
    commit(project.root)
    capsys.readouterr()
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.GUARD
    assert "user/bob@acme.com is protected, and would be removed" in capsys.readouterr().out


def test_what_the_base_ignores_cannot_be_declared_by_letting_go_of_the_rule(
    project: Project, capsys: Output
) -> None:
    project.configure(ignore={"users": ["*@agency.example"]})
    commit(project.root)
    project.configure()
    project.write("more.yaml", "users: {guest@agency.example: {name: Guest}}\n")
    commit(project.root)
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.ERROR
    assert "guest@agency.example" in capsys.readouterr().err


def test_a_base_that_does_not_load_is_said_and_nothing_is_marked(project: Project, capsys: Output) -> None:
    project.write("people.yaml", "users: [\n")
    commit(project.root)
    project.write("people.yaml", PEOPLE.replace("name: Ada", "name: Ada Lovelace"))
    commit(project.root)
    capsys.readouterr()
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "cannot be planned, so this change cannot be told from drift and backlog" in said
    assert "An apply of this plan does this change alone." in said
    assert "drift:" not in said
    # The settings are those of the base all the same, for the plan and for its apply.
    project.configure(protect={"users": ["ada@acme.com"]})
    project.write("people.yaml", "users: [\n")
    commit(project.root)
    project.configure()
    project.write("people.yaml", PEOPLE.replace("name: Ada", "active: false"))
    commit(project.root)
    assert cli.run(["plan", "--base", "HEAD~1", "--out", "plan.json"]) == ExitCode.GUARD
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.GUARD
    assert project.live()["users"]["ada@acme.com"]["active"] is True


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("nothing", "--base nothing: there is no such revision here"),
        ("other", "--base other: it is no ancestor of HEAD"),
    ],
)
def test_a_base_that_is_none(project: Project, capsys: Output, revision: str, words: str) -> None:
    git(project.root, "checkout", "--quiet", "-b", "other")
    project.write("more.yaml", "users: {}\n")
    commit(project.root)
    git(project.root, "checkout", "--quiet", "main")
    assert cli.run(["plan", "--base", revision]) == ExitCode.ERROR
    assert words in capsys.readouterr().err


def test_a_target_that_is_new_has_no_base(project: Project, capsys: Output) -> None:
    a_project(project.root, "second")
    commit(project.root)
    assert cli.run(["plan", "second", "--base", "HEAD~1"]) == ExitCode.ERROR
    assert "what is new has no older one to compare with" in capsys.readouterr().err


def test_include_needs_a_base(capsys: Output) -> None:
    assert cli.run(["plan", "--include", "drift"]) == ExitCode.USAGE
    assert "--include goes with --base" in capsys.readouterr().err


def test_drift_of_files_that_are_not_in_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    a_project(tmp_path)
    assert cli.run(["drift"]) == ExitCode.DRIFT
    said = capsys.readouterr().out
    assert "Compared with" not in said
    assert "in the files since" not in said


# Waiting


def test_who_waits_is_named_with_the_day_and_the_nearest_live_login(project: Project, capsys: Output) -> None:
    project.configure(manage={"users": ["name", "active", "groups"]})
    project.write("people.yaml", PEOPLE.replace("  bob@acme.com:\n", "  bob@acme.org:\n", 1))
    commit(project.root)
    assert cli.run(["plan"]) == ExitCode.OK
    said = " ".join(capsys.readouterr().out.split())
    assert "waiting for the first sign-in: bob@acme.org (nearest live: bob@acme.com)" in said
    day = git(project.root, "log", "-1", "--format=%cs")
    commit_id = git(project.root, "rev-parse", "HEAD")[:8]
    assert f"waiting since {day} ({commit_id}): user/bob@acme.org" in said


# Expected drift


def expecting(project: Project, *rows: str) -> list[str]:
    path = project.root / "expected.yaml"
    path.write_text("expected:\n" + "".join(f"  - {{{row}}}\n" for row in rows))
    return ["drift", "--expect", "expected.yaml"]


def test_expected_drift_is_accepted_until_its_day(project: Project, capsys: Output) -> None:
    by_hand(project)
    capsys.readouterr()
    row = "object: group/FINANCE, field: members.bob@acme.com, until: 2099-12-31, reason: see OPS-12"
    assert cli.run(expecting(project, row)) == ExitCode.OK
    said = capsys.readouterr().out
    assert "No drift.\n" in said
    what = "group/FINANCE members.bob@acme.com: 1 difference expected until 2099-12-31 (see OPS-12)"
    assert f"note: {what}  expected.yaml:2:5" in said
    past = row.replace("2099-12-31", "2020-01-01")
    assert cli.run(expecting(project, past)) == ExitCode.DRIFT
    assert "until 2020-01-01, which has passed (see OPS-12)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "row",
    [
        "object: group/Sales, until: 2099-12-31, reason: x",
        "object: user/finance, until: 2099-12-31, reason: x",
        "object: group/Finance, field: name, until: 2099-12-31, reason: x",
        "object: group/Finance, field: members.bob, until: 2099-12-31, reason: x",
    ],
)
def test_an_expectation_that_covers_nothing_is_named(project: Project, capsys: Output, row: str) -> None:
    by_hand(project)
    assert cli.run(expecting(project, row)) == ExitCode.DRIFT
    assert "was expected to differ and does not: the expectation can go (x)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "row",
    [
        "object: group/Finance, until: 2099-12-31, reason: x",
        'object: "group/fin*", field: members, until: 2099-12-31, reason: x',
    ],
)
def test_an_expectation_may_be_about_all_of_an_object(project: Project, row: str) -> None:
    by_hand(project)
    assert cli.run(expecting(project, row)) == ExitCode.OK


def test_a_file_of_expected_drift_is_checked(project: Project, capsys: Output) -> None:
    assert cli.run(expecting(project, "object: Finance, until: tomorrow, reason: x")) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert "expected.yaml:2:6: " in said
    assert "write the day as 2026-12-31" in said
    assert "write user/ada@acme.com or group/Finance" in said


# Formats, and how much history there must be


def test_drift_and_saved_plans_come_in_every_format(project: Project, capsys: Output) -> None:
    by_hand(project)
    capsys.readouterr()
    assert cli.run(["drift", "--format", "json", "--out", "drift.json"]) == ExitCode.DRIFT
    said = capsys.readouterr().out
    assert json.loads(said) == json.loads(Path("drift.json").read_text("utf-8"))
    assert json.loads(said)["included"] == []
    assert cli.run(["drift", "--format", "markdown"]) == ExitCode.DRIFT
    assert "### Drift of `acme`" in capsys.readouterr().out
    for arguments, words in (
        (["--format", "html"], "<h1>Drift of acme, against the embedded pretend system: "),
        (["--format", "markdown", "--budget", "1000"], "### Drift of `acme`"),
        (["--format", "json"], '"target": "acme"'),
        ([], "Drift of acme: "),
    ):
        assert cli.run(["show", "drift.json", *arguments]) == ExitCode.OK
        assert words in capsys.readouterr().out
    assert cli.run(["plan", "--format", "html"]) == ExitCode.OK
    assert "<h1>Plan for acme, against the embedded pretend system: " in capsys.readouterr().out


def test_a_checkout_of_one_commit_plans_and_says_where_it_takes_more(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    project.write("people.yaml", PEOPLE.replace("name: Ada", "name: Ada Lovelace"))
    commit(project.root)
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{project.root}", str(shallow))
    monkeypatch.chdir(shallow)
    capsys.readouterr()
    assert cli.run(["validate"]) == ExitCode.OK
    assert cli.run(["plan"]) == ExitCode.OK
    assert "Ada Lovelace" in capsys.readouterr().out
    assert cli.run(["drift"]) == ExitCode.DRIFT
    for option in (["--base", "HEAD~1"], ["--since", "HEAD~1"]):
        capsys.readouterr()
        assert cli.run(["plan", *option]) == ExitCode.ERROR
        assert "this is a shallow checkout: git fetch --unshallow" in capsys.readouterr().err


def test_what_is_not_recorded_as_applied_is_said_with_the_reason(project: Project, capsys: Output) -> None:
    project.write("people.yaml", PEOPLE.replace("name: Ada", "name: Ada Lovelace"))
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    others = "Not recorded as applied: the files here are not those of the commit that is checked out\n"
    assert others in capsys.readouterr().out
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    assert capsys.readouterr().out.endswith(f"Nothing to do, and nothing was sent.\n{others}")
    commit(project.root)
    assert cli.run(["apply", "--auto-approve", "--format", "json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["unrecorded"] == ""


def test_a_repository_without_a_record_says_that_it_cannot_tell_what_left(
    project: Project, capsys: Output
) -> None:
    git(project.root, "update-ref", "-d", "refs/reconciler/applied/acme")
    assert cli.run(["plan"]) == ExitCode.OK
    said = "nothing is recorded as applied yet, so what left the files is not known: --since REV"
    assert said in " ".join(capsys.readouterr().out.split())
    assert cli.run(["plan", "--since", "HEAD"]) == ExitCode.OK
    assert "nothing is recorded" not in capsys.readouterr().out


def test_backlog_that_was_left_alone_keeps_the_record_back_and_the_apply_says_so(
    project: Project, capsys: Output
) -> None:
    project.write("people.yaml", PEOPLE.replace("name: Bob", "name: Robert"))
    commit(project.root)
    project.write("more.yaml", "users: {cleo@acme.com: {name: Cleo}}\n")
    commit(project.root)
    assert cli.run(["plan", "--base", "HEAD~1", "--out", "plan.json"]) == ExitCode.OK
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert "Not recorded as applied: backlog was not applied\n" in capsys.readouterr().out


def test_drift_of_a_target_that_nobody_committed_yet(project: Project, capsys: Output) -> None:
    other = a_project(project.root, "new")
    other.write("people.yaml", PEOPLE.replace("name: Ada", "name: Ada Lovelace"))
    assert cli.run(["drift", "new"]) == ExitCode.DRIFT
    said = " ".join(capsys.readouterr().out.split())
    assert "~ user/ada@acme.com update" in said
    assert "no commit here holds these files, so drift cannot be told from backlog" in said


def test_a_saved_plan_counts_what_left_from_where_it_was_counted(project: Project, capsys: Output) -> None:
    leavers = {"users": {"left_files": "deactivate"}}
    project.configure(leavers=leavers)
    project.write("people.yaml", PEOPLE + "  Sales: {}\n")
    older = commit(project.root)
    project.write("people.yaml", "users:\n  ada@acme.com: {name: Ada}\n")
    commit(project.root)
    command = ["plan", "--since", older, "--allow-removals", "1", "--out", "plan.json"]
    assert cli.run(command) == ExitCode.OK
    said = " ".join(capsys.readouterr().out.split())
    line = said.partition("Apply exactly this with: ")[2]
    assert line == "reconciler apply acme --allow-removals 1 --plan plan.json"
    # In between somebody records a later commit, from which bob is not seen to have left.
    git(project.root, "update-ref", "refs/reconciler/applied/acme", "HEAD")
    assert cli.run(["apply", "--plan", "plan.json", "--since", "HEAD"]) == ExitCode.ERROR
    assert f"the saved plan counts what left the files from {older[:8]}" in capsys.readouterr().err
    assert cli.run(line.split()[1:]) == ExitCode.OK
    assert project.live()["users"]["bob@acme.com"]["active"] is False


def test_a_saved_plan_that_knew_of_nothing_that_left_takes_nobody_away_later(project: Project) -> None:
    project.configure(leavers={"users": {"left_files": "deactivate"}})
    older = commit(project.root)
    project.write("people.yaml", "users:\n  ada@acme.com: {name: Ada L}\n")
    commit(project.root)
    git(project.root, "update-ref", "-d", "refs/reconciler/applied/acme")
    assert cli.run(["plan", "--out", "plan.json"]) == ExitCode.OK
    git(project.root, "update-ref", "refs/reconciler/applied/acme", older)
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    live = project.live()["users"]
    assert (live["ada@acme.com"]["name"], live["bob@acme.com"].get("active", True)) == ("Ada L", True)


def test_a_saved_plan_whose_commit_is_gone_is_refused(project: Project, capsys: Output) -> None:
    project.write("people.yaml", PEOPLE.replace("name: Bob", "name: Robert"))
    gone = commit(project.root)
    project.write("more.yaml", "users: {cleo@acme.com: {name: Cleo}}\n")
    commit(project.root)
    assert cli.run(["plan", "--since", gone, "--out", "plan.json"]) == ExitCode.OK
    git(project.root, "reset", "--quiet", "--hard", "HEAD~2")
    capsys.readouterr()
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert f"the plan counts what left the files from {gone}: it is no ancestor of HEAD" in said
    git(project.root, "reflog", "expire", "--expire=now", "--all")
    git(project.root, "gc", "--quiet", "--prune=now")
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.ERROR
    assert "there is no such revision here" in capsys.readouterr().err

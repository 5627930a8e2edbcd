"""A team's day on GitHub: pull request, review, merge, apply, a stale plan, a fork, drift."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_github import TOKEN
from project import KEY
from repository import git
from team import PEOPLE, Team, name_of, working

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.github.pulls import artifact_name

Output = pytest.CaptureFixture[str]


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    with working(tmp_path, monkeypatch) as team:
        yield team


def test_a_change_is_planned_reviewed_merged_and_applied(team: Team) -> None:
    number = team.planned(PEOPLE.replace("name: Ada", "name: Augusta"))
    assert "Ada -> Augusta" in team.comment(number)
    assert "Ada -> Augusta" in team.summary
    # After another push it is the same comment.
    team.push_again(number, PEOPLE.replace("name: Ada", "name: Ada Lovelace"))
    assert team.plan(number) == ExitCode.OK
    assert "Ada -> Ada Lovelace" in team.comment(number)
    assert "Augusta" not in team.comment(number)
    merged = team.merge(number)
    assert name_of(team) == "Ada", "a merge is no apply"
    assert team.apply(merged) == ExitCode.OK
    assert name_of(team) == "Ada Lovelace"
    assert team.applied() == merged
    assert "### Applied: `acme`" in team.comment(number, "apply acme")
    # The job again, as somebody who presses "Re-run" starts it, does nothing twice.
    writes = len(team.omni.omni.writes)
    assert team.apply(merged) == ExitCode.OK
    assert len(team.omni.omni.writes) == writes


def test_a_second_merge_goes_on_from_the_first(team: Team) -> None:
    for name in ("Augusta", "Ada Lovelace"):
        number = team.planned(PEOPLE.replace("name: Ada", f"name: {name}"))
        assert "drift" not in team.comment(number)
        assert "backlog:" not in team.comment(number)
        assert team.apply(team.merge(number)) == ExitCode.OK
        assert name_of(team) == name


def test_a_pull_request_plans_what_it_changes(team: Team) -> None:
    number = team.planned(PEOPLE.replace("name: Ada", "name: Augusta"))
    assert team.apply(team.merge(number)) == ExitCode.OK
    team.asked = ("--only", "changed")
    team.omni.by_hand("bob@acme.com", name="Somebody else")
    number = team.planned(PEOPLE.replace("name: Ada", "name: Ada L."))
    said = team.comment(number)
    assert "Augusta -> Ada L." in said
    assert "Somebody else" not in said
    assert "drift and backlog elsewhere were not looked for" in said
    merged = team.merge(number)
    assert team.apply(merged) == ExitCode.OK
    assert (name_of(team), name_of(team, "bob@acme.com")) == ("Ada L.", "Somebody else")
    assert team.applied() == merged
    # What was merged and not applied stays behind the record, whatever the next plan is about.
    stale = team.planned(PEOPLE.replace("name: Ada", "name: Ada Lovelace"))
    team.omni.by_hand("ada@acme.com", name="A.")
    assert team.apply(team.merge(stale)) == ExitCode.STALE
    number = team.planned(PEOPLE.replace("name: Ada", "name: Ada Lovelace").replace("name: Bob", "name: B"))
    assert "will not be recorded as complete: the files changed before" in team.comment(number)
    assert team.apply(team.merge(number)) == ExitCode.OK
    assert name_of(team, "bob@acme.com") == "B"
    assert team.applied() == merged


def test_a_push_without_a_pull_request_applies_nothing(team: Team, capsys: Output) -> None:
    team.write(PEOPLE.replace("name: Ada", "name: Augusta"))
    assert team.apply(team.push("main")) == ExitCode.ERROR
    assert "came without a pull request, so nothing was reviewed" in capsys.readouterr().err
    assert name_of(team) == "Ada"


def test_what_moved_since_the_review_is_applied_by_nobody(team: Team) -> None:
    number = team.planned(PEOPLE.replace("name: Ada", "name: Augusta"))
    team.omni.by_hand("ada@acme.com", name="Somebody else")
    merged = team.merge(number)
    assert team.apply(merged) == ExitCode.STALE
    assert name_of(team) == "Somebody else"
    said = team.comment(number, "apply acme")
    assert "user/ada@acme.com name: moved" in said
    assert "`Reconciler-Include: backlog`" in said
    # The next pull request shows it as backlog, and applies it where its text says so.
    number = team.planned(PEOPLE.replace("name: Ada", "name: Augusta") + "# again\n")
    assert "backlog: 1 addition or update" in team.comment(number)
    team.github.pulls[number]["body"] = "Now.\r\n\r\nReconciler-Include: backlog\r\n"
    assert team.plan(number) == ExitCode.OK
    assert team.apply(team.merge(number)) == ExitCode.OK
    assert name_of(team) == "Augusta"


def test_an_emergency_fix_survives_the_next_merge_and_is_reported(team: Team) -> None:
    number = team.planned(PEOPLE.replace("name: Ada", "name: Augusta"))
    assert team.apply(team.merge(number)) == ExitCode.OK
    team.omni.by_hand("bob@acme.com", name="Robert")
    number = team.planned(PEOPLE.replace("name: Ada", "name: Ada L."))
    assert "drift: 1 addition or update (somebody changed the live state" in team.comment(number)
    assert team.apply(team.merge(number)) == ExitCode.OK
    assert name_of(team, "bob@acme.com") == "Robert"
    # Drift becomes one issue, which is kept up to date, and closed when it is gone.
    assert team.drift() == ExitCode.OK
    assert team.drift() == ExitCode.OK
    (issue,) = team.github.issues
    assert (issue["title"], issue["state"]) == ("Drift of acme", "open")
    assert "name  Robert -> Bob" in issue["body"]
    team.omni.by_hand("bob@acme.com", name="Bob")
    assert team.drift() == ExitCode.OK
    assert issue["state"] == "closed"
    assert team.github.texts(issue["number"]) == ["The live state is as the files say again."]
    assert team.drift() == ExitCode.OK
    assert len(team.github.issues) == 1


def test_a_refused_plan_is_approved_by_a_line_for_that_plan_alone(team: Team) -> None:
    gone = PEOPLE.replace("[ada@acme.com, bob@acme.com]", "[]")
    number = team.open_pull(gone)
    assert team.plan(number) == ExitCode.GUARD
    said = team.comment(number)
    assert "Refused by a guard" in said
    (line,) = re.findall(r"`(Reconciler-Allow: acme=2 digest=[0-9a-f]{12})`", said)
    # Merged all the same, it is refused again.
    body = team.github.pulls[number]
    merged = team.merge(number)
    assert team.apply(merged) == ExitCode.GUARD
    assert "group/finance would lose every member it has (2)" in team.comment(number, "apply acme")
    # For another plan the line is worth nothing; for this one it is.
    body["body"] = line.replace("digest=", "digest=000")[:-3]
    assert team.apply(merged) == ExitCode.GUARD
    body["body"] = f"Approved by security.\n\n{line}\n"
    assert team.apply(merged) == ExitCode.OK
    assert team.omni.live()["groups"]["Finance"] == []


def test_an_approved_plan_says_so_before_its_merge(team: Team) -> None:
    number = team.open_pull(PEOPLE.replace("[ada@acme.com, bob@acme.com]", "[]"))
    assert team.plan(number) == ExitCode.GUARD
    (line,) = re.findall(r"`(Reconciler-Allow: [^`]*)`", team.comment(number))
    team.github.pulls[number]["body"] = line
    assert team.plan(number) == ExitCode.OK
    assert "Refused" not in team.comment(number)
    assert "warning: 2 removals approved by a line in the pull request's text" in team.comment(number)
    team.github.pulls[number]["body"] = "Reconciler-Allow: acme"
    assert team.plan(number) == ExitCode.ERROR
    assert "is not understood; write `Reconciler-Allow:" in team.comment(number)


def test_a_plan_of_an_untrusted_run_is_not_taken(team: Team) -> None:
    number = team.open_pull(PEOPLE.replace("name: Ada", "name: Augusta"))
    head = team.head(number)
    team.github.add_artifact(artifact_name("acme", number, head), event="pull_request")
    merged = team.merge(number)
    assert team.apply(merged) == ExitCode.ERROR
    assert f"#{number} was merged without a plan for acme" in team.comment(number, "apply acme")
    assert name_of(team) == "Ada"


def test_a_merge_that_leaves_a_target_alone_needs_no_plan_for_it(team: Team, capsys: Output) -> None:
    number = team.open_pull("Hello.\n", name="../../README.md")
    assert team.apply(team.merge(number)) == ExitCode.OK
    assert f"::warning::acme: no plan was made for #{number}" in capsys.readouterr().out


def test_settings_of_a_pull_request_do_not_hold_for_its_own_plan(team: Team) -> None:
    """Who proposes it cannot point the key elsewhere: the request still goes to the base's address."""
    evil = (team.folder / "target.yaml").read_text().replace(team.omni.url, "https://evil.omniapp.co")
    number = team.planned(evil, name="target.yaml")
    said = team.comment(number)
    assert "warning: target.yaml changes (url)" in said
    assert len(team.omni.omni.seen) > 0, "it was read from where the base says"


def test_files_that_do_not_load_replace_an_older_plan(team: Team) -> None:
    number = team.planned(PEOPLE.replace("name: Ada", "name: Augusta"))
    team.push_again(number, "users: [\n")
    assert team.plan(number) == ExitCode.ERROR
    said = team.comment(number)
    assert "`acme cannot be planned`" in said
    assert "people.yaml:" in said
    assert "Augusta" not in said


def test_an_outdated_test_merge_is_not_planned(team: Team) -> None:
    number = team.open_pull(PEOPLE.replace("name: Ada", "name: Augusta"))
    team.github.pulls[number]["head"]["sha"] = "f" * 40
    assert team.plan(number) == ExitCode.ERROR
    assert "is no merge of ffffffff" in team.comment(number)


def test_two_targets_of_one_name_in_two_folders_keep_their_artifacts_apart() -> None:
    assert artifact_name("eu/live") != artifact_name("eu-live")


def test_no_token_reaches_a_log_a_comment_or_a_journal(team: Team, capsys: Output) -> None:
    number = team.open_pull(PEOPLE.replace("name: Ada", "name: Augusta"))
    team.plan(number)
    team.apply(team.merge(number))
    said = capsys.readouterr()
    for secret in (TOKEN, KEY):
        assert secret not in said.out + said.err
        assert all(secret not in row["body"] for row in team.github.comments)
        held = [
            path for path in team.root.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()
        ]
        assert held == []


def test_a_job_about_no_pull_request_says_so(team: Team, capsys: Output) -> None:
    team.open_pull(PEOPLE.replace("name: Ada", "name: Augusta"))
    code, _ = team.job("plan", "refs/pull/1/merge", "plan", "acme", "--out-dir", str(team.root / "out"))
    assert code == ExitCode.ERROR
    assert "GITHUB_EVENT_PATH names no event of a pull request: give --pull N" in capsys.readouterr().err


def test_reads_that_take_long_are_told_in_the_log_and_in_the_plan(team: Team, capsys: Output) -> None:
    team.on_main(team.settings(requests_per_minute=5, manage={"exact_attributes": ["region"]}), "target.yaml")
    team.omni.store.behave({"list_omits_attributes": True})
    said = "3 more requests, about 1 min at 5 a minute: for 3 users the list shows no value of `region`, so"
    number = team.planned(PEOPLE.replace("name: Ada", "name: Augusta"))
    assert f"note: {said}" in capsys.readouterr().err
    assert f"reading took {said}" in team.comment(number)
    assert team.apply(team.merge(number)) == ExitCode.OK
    # An apply reads what the plan is about, which does not take long.
    assert "more requests" not in capsys.readouterr().err
    team.omni.by_hand("ada@acme.com", name="Ada")
    assert team.drift() == ExitCode.OK
    assert f"note: {said}" in capsys.readouterr().err
    assert f"reading took {said}" in team.github.issues[0]["body"]


def test_a_record_that_cannot_be_fetched_stops_the_plan_and_is_said(team: Team) -> None:
    number = team.open_pull(PEOPLE.replace("name: Ada", "name: Augusta"))
    team.lose_the_server = True
    assert team.plan(number) == ExitCode.ERROR
    assert (
        "what was applied cannot be read from the server (refs/reconciler/applied/acme): git"
        in team.comment(number)
    )


def test_a_target_that_the_pull_request_removes_is_said(team: Team) -> None:
    number = team.open_pull("users: {}\n")
    (team.folder / "target.yaml").rename(team.folder / "target.txt")
    team.push_again(number, "users: {}\n")
    assert team.plan(number) == ExitCode.ERROR
    assert "`acme cannot be planned`" in team.comment(number)


def test_a_fork_is_validated_without_a_key(team: Team, capsys: Output) -> None:
    """The other jobs do not start for a fork: see the workflow's condition."""
    team.open_pull(PEOPLE.replace("name: Ada", "nam: Augusta"))
    folder = team.clone("fork")
    git(folder, "fetch", "--quiet", "origin", "refs/pull/1/merge")
    git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    seen = len(team.omni.omni.seen)
    with team.monkeypatch.context() as patch:
        patch.chdir(folder)
        assert cli.run(["validate", "--format", "github"]) == ExitCode.ERROR
    assert "::error file=desired-state/acme/people.yaml,line=3,col=5::" in capsys.readouterr().out
    assert len(team.omni.omni.seen) == seen


def test_what_was_applied_is_said_although_its_record_cannot_be_handed_in(team: Team, capsys: Output) -> None:
    number = team.planned(PEOPLE.replace("name: Ada", "name: Augusta"))
    merged = team.merge(number)
    hook = team.origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert team.apply(merged) == ExitCode.ERROR
    assert name_of(team) == "Augusta"
    assert "### Applied: `acme`" in team.comment(number, "apply acme")
    assert "what was applied cannot be recorded on the server" in capsys.readouterr().err

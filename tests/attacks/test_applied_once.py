"""Somebody has a review applied again, too late or out of turn, or forges the record of what was applied."""

import json
from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import pytest
from repository import commit, git
from sample_plans import EVERY_KIND
from team import PEOPLE, RENAMED, Team, name_of

from reconciler.errors import ExitCode
from reconciler.github.pulls import artifact_name
from reconciler.saved import to_json

Output = pytest.CaptureFixture[str]
RECORD = "refs/reconciler/applied/acme"
"""What was applied last, as whoever can push can move it."""


def test_an_older_merge_is_not_applied_over_a_newer_one(team: Team) -> None:
    """Somebody presses "Re-run" on an apply whose change was reverted since, by another pull request."""
    first = team.planned(RENAMED)
    older = team.merge(first)
    assert team.apply(older) == ExitCode.OK
    second = team.planned(PEOPLE)
    assert team.apply(team.merge(second)) == ExitCode.OK
    assert name_of(team) == "Ada"
    assert team.apply(older) == ExitCode.STALE
    assert "which was merged after" in team.comment(first, "apply acme")
    assert name_of(team) == "Ada"


def test_a_job_that_is_run_again_does_not_do_again_what_was_done(team: Team) -> None:
    """Somebody was taken out by hand, in an emergency, and presses "Re-run" on the apply that let them in."""
    number = team.planned(RENAMED)
    merged = team.merge(number)
    assert team.apply(merged) == ExitCode.OK
    team.omni.by_hand("ada@acme.com", name="Ada")
    team.attempt = 2
    team.github.attempts = [{"name": "Apply acme", "conclusion": "success"}]
    assert team.apply(merged) == ExitCode.STALE
    assert "was applied to acme by attempt 1 of this run already" in team.comment(number, "apply acme")
    assert name_of(team) == "Ada"


@pytest.mark.parametrize("record", ["deleted", "somebody's own", "not moved"])
def test_an_overtaken_merge_is_not_applied_by_running_it_again(team: Team, record: str) -> None:
    """Somebody deletes or moves the record of what was applied, and runs an older apply once more."""
    first = team.planned(RENAMED)
    older = team.merge(first)
    second = team.open_pull(PEOPLE)
    team.merge(second)
    if record == "somebody's own":
        own = git(team.desk, "commit-tree", "HEAD^{tree}", "-p", older, "-m", "mine")
        team.send(own, "refs/heads/mallory", RECORD)
    team.attempt = 2
    team.github.attempts = [{"name": "Apply acme", "conclusion": "failure"}]
    assert team.apply(older) == ExitCode.STALE
    assert "the files of acme have changed since" in team.comment(first, "apply acme")
    assert name_of(team) == "Ada"


# The record of what was applied


def test_a_forged_record_does_not_stop_an_apply(team: Team) -> None:
    """Somebody who is to leave pushes a commit on top of the merge as what was applied."""
    number = team.planned(RENAMED)
    merged = team.merge(number)
    own = git(team.desk, "commit-tree", f"{merged}^{{tree}}", "-p", merged, "-m", "mine")
    team.send(own, "refs/heads/mallory", RECORD)
    assert team.apply(merged) == ExitCode.OK
    assert name_of(team) == "Augusta"
    assert team.applied() == merged, "and the record is put right"


def test_a_record_of_a_commit_that_nobody_has_is_said_and_put_right(team: Team, capsys: Output) -> None:
    """Somebody pushes a commit of no branch as what was applied, so that nothing is recorded any more."""
    number = team.planned(RENAMED)
    orphan = git(team.desk, "commit-tree", "HEAD^{tree}", "-m", "orphan")
    team.send(orphan, RECORD)
    merged = team.merge(number)
    assert team.apply(merged) == ExitCode.OK
    assert f"names {orphan[:8]}, which is not in this checkout" in " ".join(capsys.readouterr().out.split())
    assert team.applied() == merged


def test_a_moved_record_of_what_was_applied_is_not_believed(team: Team) -> None:
    """Somebody pushes a commit of theirs as what was applied, so that backlog counts as drift."""
    team.write(PEOPLE.replace("name: Bob", "name: Robert"))
    forged = commit(team.desk)
    team.send(forged, "refs/heads/mallory", RECORD)
    git(team.desk, "reset", "--quiet", "--hard", "HEAD~1")
    number = team.planned(RENAMED)
    assert f"names {forged[:8]}, which never was the head of this branch" in " ".join(
        team.comment(number).split()
    )
    # A commit that no branch holds is not even fetched.
    orphan = git(team.desk, "commit-tree", "HEAD^{tree}", "-m", "orphan")
    team.send(orphan, RECORD)
    assert team.plan(number) == ExitCode.OK
    assert f"names {orphan[:8]}, which is not in this checkout" in team.comment(number)


def test_the_plan_says_what_counts_as_applied_and_since_when(team: Team) -> None:
    """Nobody attacks: the reviewer is told which commit what left the files is counted from."""
    number = team.planned(RENAMED)
    assert "nothing is recorded as applied yet" in team.comment(number)
    assert team.apply(team.merge(number)) == ExitCode.OK
    number = team.planned(PEOPLE)
    assert f"({team.applied()[:8]})" in team.comment(number)
    assert "the files were last applied completely as of 20" in team.comment(number)


def test_the_record_says_on_whose_word_it_was_done(team: Team) -> None:
    """Somebody asks a year later who had access given to whom, and on whose word."""
    gone = PEOPLE.replace("[ada@acme.com, bob@acme.com]", "[]")
    number = team.open_pull(gone)
    assert team.plan(number) == ExitCode.GUARD
    line = team.comment(number).split("`Reconciler-Allow:")[1].split("`")[0]
    team.github.edit(number, f"Approved by security.\n\nReconciler-Allow:{line}\n")
    assert team.plan(number) == ExitCode.OK
    merged = team.merge(number)
    assert team.apply(merged) == ExitCode.OK
    said = " ".join(team.comment(number, "apply acme").split())
    head = team.head(number)
    assert f"Asked: #1 at {head[:8]}, opened by ada; approved by bob; merged by bob" in said
    assert "(2 removals allowed)" in said
    (journal,) = team.root.glob("job-*-apply/.reconciler/runs/*.jsonl")
    first = json.loads(journal.read_text().splitlines()[0])
    assert first["event"] == "mandate"
    about = first["about"]
    assert (about["asked"], about["approved"], about["merged"]) == ("ada", ["bob"], "bob")
    assert (about["pull"], about["head"], about["overrides"]) == (1, head, ["2 removals allowed"])
    assert len(about["digest"]) == 64
    assert "@" in about["ran"]


# Merges that nobody applied


def test_of_three_merges_at_once_the_one_that_was_cancelled_is_named(team: Team, capsys: Output) -> None:
    """Nobody attacks: GitHub keeps one waiting job, so the second of three merges is never applied."""
    files = {name: f"users: {{{name}@acme.com: {{name: {name}}}}}\n" for name in ("eve", "fay", "gil")}
    numbers = {name: team.open_pull(text, name=f"{name}.yaml") for name, text in files.items()}
    for name, number in numbers.items():
        git(team.desk, "checkout", "--quiet", f"pull-{number}")
        assert team.plan(number) == ExitCode.OK, name
    eve, _, gil = (team.merge(number) for number in numbers.values())
    assert team.apply(eve) == ExitCode.OK
    assert team.apply(gil) == ExitCode.OK
    assert f"#{numbers['fay']} was merged and never applied to acme" in capsys.readouterr().out
    said = team.comment(numbers["fay"], "apply acme")
    assert "The plan for acme was never applied" in said
    assert f"The apply of #{numbers['gil']} ran in its place" in said
    assert "Reconciler-Include: backlog" in said
    assert {"eve@acme.com", "gil@acme.com"} <= team.omni.live()["users"].keys()
    assert "fay@acme.com" not in team.omni.live()["users"]
    # Named once, and the way out works.
    comments = len(team.github.comments)
    number = team.planned(files["fay"] + "# again\n", "Reconciler-Include: backlog", name="fay.yaml")
    assert team.apply(team.merge(number)) == ExitCode.OK
    assert "fay@acme.com" in team.omni.live()["users"]
    assert len(team.github.comments) == comments + 2
    assert team.applied() == git(team.origin, "rev-parse", "main")


def overtaken(team: Team) -> tuple[int, str, str]:
    """Two merges at once, each with its plan: the number and commit of the first, the commit of the last."""
    numbers = []
    for name in ("fay", "gil"):
        numbers.append(number := team.open_pull(f"users: {{{name}@acme.com: {{}}}}\n", name=f"{name}.yaml"))
        assert team.plan(number) == ExitCode.OK
    first, last = (team.merge(number) for number in numbers)
    return numbers[0], first, last


def test_a_cancelled_merge_whose_plan_is_of_another_release_is_named(team: Team, capsys: Output) -> None:
    """Nobody attacks: after an update the reconciler cannot read the plan that was never applied."""
    number, _, last = overtaken(team)
    rewritten(team, number, format_version=1)
    assert team.apply(last) == ExitCode.OK
    assert f"#{number} was merged and never applied to acme" in capsys.readouterr().out
    assert "The plan for acme was never applied" in team.comment(number, "apply acme")


def test_a_cancelled_merge_that_wanted_nothing_is_not_named(team: Team, capsys: Output) -> None:
    """Nobody attacks: the plan had no changes, so nothing is amiss."""
    number, _, last = overtaken(team)
    plan = replace(EVERY_KIND, changes=(), origins={}, violations=(), files="0" * 64)
    rewritten(team, number, **json.loads(to_json(plan)))
    assert team.apply(last) == ExitCode.OK
    assert "never applied" not in capsys.readouterr().out


def test_a_cancelled_merge_that_fits_two_pull_requests_does_not_stop_the_next(
    team: Team, capsys: Output
) -> None:
    """Somebody opens a second pull request of the same commit: which was merged is not certain."""
    number, first, last = overtaken(team)
    other = team.github.add_pull(99, team.head(number), "", "mallory")
    other |= {key: team.github.pulls[number][key] for key in ("merge_commit_sha", "merged_at", "merged_by")}
    assert other["merge_commit_sha"] == first
    assert team.apply(last) == ExitCode.OK
    shown = capsys.readouterr()
    assert "never applied" not in shown.out
    assert "Error" not in shown.err
    assert "gil@acme.com" in team.omni.live()["users"]


def rewritten(team: Team, number: int, **changed: object) -> None:
    """The kept plan of a pull request with other values."""
    name = artifact_name("acme", number, team.head(number))
    (row,) = [row for row in team.github.artifacts if row["name"] == name]
    with ZipFile(BytesIO(row["packed"])) as archive:
        plan = json.loads(archive.read("plan.json"))
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        archive.writestr("plan.json", json.dumps(plan | changed))
    row["packed"] = made.getvalue()

"""Somebody gets a plan reviewed, and has another one applied in its place."""

import json
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from repository import git
from team import PEOPLE, RENAMED, Team, name_of

from reconciler import saved
from reconciler.errors import ExitCode
from reconciler.github.pulls import artifact_name
from reconciler.views.markdown import marker_of

Output = pytest.CaptureFixture[str]
BOTH = "Reconciler-Include: drift\n\nReconciler-Include: backlog"


def repacked(team: Team, **changed: object) -> None:
    """The newest artifact of a pull request's plan with another content, as only a flaw of GitHub's could."""
    row = team.github.artifacts[-1]
    with ZipFile(BytesIO(row["packed"])) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, str(changed.get(name.partition(".")[0], text)))
    row["packed"] = made.getvalue()


def test_a_second_pull_request_of_the_same_commit_changes_nothing(team: Team) -> None:
    """Somebody opens another one of the reviewed commit, whose text includes drift: a newer plan."""
    number = team.open_pull(RENAMED)
    team.omni.by_hand("bob@acme.com", name="Robert, in an emergency")
    assert team.plan(number) == ExitCode.OK
    other = 99
    team.github.add_pull(other, team.head(number), BOTH, "mallory")
    team.send("merging", f"refs/pull/{other}/merge")
    assert team.plan(other) == ExitCode.OK
    assert "An apply of this plan does this change, drift and backlog." in team.comment(other)
    assert team.apply(team.merge(number)) == ExitCode.OK
    assert name_of(team) == "Augusta"
    assert name_of(team, "bob@acme.com") == "Robert, in an emergency"


def test_a_merge_that_fits_two_pull_requests_is_refused(team: Team, capsys: Output) -> None:
    """Somebody has two of the same commit: the merge of one merges the other."""
    number = team.planned(RENAMED)
    other = team.github.add_pull(99, team.head(number), "", "mallory")
    merged = team.merge(number)
    other |= {
        name: team.github.pulls[number][name] for name in ("merge_commit_sha", "merged_at", "merged_by")
    }
    assert team.apply(merged) == ExitCode.ERROR
    assert "is the merge of #1 and #99, so it is not certain which" in capsys.readouterr().err
    assert name_of(team) == "Ada"


def test_a_plan_that_is_made_again_after_the_approval_is_not_applied(team: Team) -> None:
    """Somebody has the plan made anew after the approval, when there is something else to carry along."""
    number = team.planned(RENAMED, BOTH)
    team.github.review(number, "bob")
    team.omni.by_hand("bob@acme.com", name="Robert, in an emergency")
    assert team.plan(number) == ExitCode.OK
    merged = team.merge(number, approved=False)
    assert team.apply(merged) == ExitCode.GUARD
    assert name_of(team, "bob@acme.com") == "Robert, in an emergency"
    said = team.comment(number, "apply acme")
    assert "nobody did; bob approved before this plan was shown" in said
    assert "run this job again" in said
    # Who approves it as it is now has it applied.
    team.github.review(number, "bob")
    assert team.apply(merged) == ExitCode.OK
    assert name_of(team, "bob@acme.com") == "Bob"


def test_the_same_plan_made_again_needs_no_second_approval(team: Team) -> None:
    """Nobody attacks: a job that is run again says the same, and its comment stays as it was approved."""
    number = team.planned(RENAMED)
    team.github.review(number, "bob")
    assert team.plan(number) == ExitCode.OK
    assert team.apply(team.merge(number, approved=False)) == ExitCode.OK
    assert name_of(team) == "Augusta"


def test_an_artifact_that_changes_between_the_jobs_is_not_taken(team: Team, capsys: Output) -> None:
    """Somebody exchanges the artifact after it was found for the merge."""
    number = team.planned(RENAMED)
    merged = team.merge(number)
    _, said = team.job("reviewed", merged, "reviewed", "--commit", merged)
    (target,) = said["targets"]
    repacked(team, comment="another one")
    kept = ("--artifact", str(target["id"]), "--digest", target["digest"], "--pull", str(number))
    assert team.job("apply", merged, "apply", "acme", *kept)[0] == ExitCode.ERROR
    assert "is not the one that was found for the merge" in capsys.readouterr().err
    assert name_of(team) == "Ada"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"pull": {"number": 2}}, "the plan was made for #2 at"),
        ({"pull": {"head": "f" * 40}}, "the plan was made for #1 at ffffffff"),
        ({"base": "f" * 40}, "made for a merge into ffffffff, which never was the head of the branch"),
        ({"included": ["change", "drift"]}, "does not match its digest: it was edited"),
        ({"census": {"users": 9999}}, "does not match its digest: it was edited"),
        ({"since": "f" * 40}, "does not match its digest: it was edited"),
    ],
)
def test_a_plan_that_was_made_for_something_else_is_not_applied(
    team: Team, edit: dict[str, object], words: str
) -> None:
    """Somebody gets hold of the store of artifacts, and edits the plan within."""
    number = team.planned(RENAMED)
    with ZipFile(BytesIO(team.github.artifacts[-1]["packed"])) as archive:
        plan = json.loads(archive.read("plan.json"))
    for name, value in edit.items():
        plan[name] = plan[name] | value if isinstance(value, dict) else value
    if "match its digest" not in words:
        plan["digest"] = sealed(plan)
    repacked(team, plan=json.dumps(plan))
    assert team.apply(team.merge(number)) == ExitCode.ERROR
    assert words in team.comment(number, "apply acme")
    assert name_of(team) == "Ada"


def sealed(plan: dict[str, object]) -> str:
    """The digest of an edited plan, as whoever edits it would put it right."""
    return str(saved._decode_plan(plan).digest)  # noqa: SLF001 (to seal it anew, as an attacker would)


def test_a_plan_for_a_branch_that_is_not_main_is_not_applied(team: Team) -> None:
    """Somebody has it planned for a merge into a branch of theirs, and merges it into main."""
    aside = git(team.desk, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "aside")
    team.send(aside, "refs/heads/aside")
    number = team.open_pull(RENAMED)
    git(team.desk, "checkout", "--quiet", "--detach", aside)
    git(team.desk, "merge", "--quiet", "--no-ff", "--message", "into aside", team.head(number))
    team.send("HEAD", f"refs/pull/{number}/merge")
    assert team.plan(number) == ExitCode.OK
    assert team.apply(team.merge(number)) == ExitCode.ERROR
    assert f"a merge into {aside[:8]}, which never was the head" in team.comment(number, "apply acme")
    assert name_of(team) == "Ada"


def test_a_plan_of_a_later_push_does_not_count_for_an_earlier_merge(team: Team, capsys: Output) -> None:
    """Somebody pushes after the approval, and before the merge."""
    number = team.planned(RENAMED)
    team.github.review(number, "bob")
    team.push_again(number, PEOPLE.replace("name: Ada", "name: Mallory"))
    assert team.plan(number) == ExitCode.OK
    assert team.apply(team.merge(number, approved=False)) == ExitCode.GUARD
    assert "which is not the last commit" in team.comment(number, "apply acme")
    assert name_of(team) == "Ada"
    assert TOKENLESS not in capsys.readouterr().out


TOKENLESS = "ghs_"


def test_a_comment_that_shows_something_else_is_refused_and_named(team: Team) -> None:
    """Somebody who can write edits the comment, so that the reviewer sees another plan."""
    number = team.planned(PEOPLE.replace("[ada@acme.com, bob@acme.com]", "[ada@acme.com]"))
    (row,) = [row for row in team.github.comments if row["body"].startswith(marker_of("acme"))]
    shown = row["body"]
    row |= {
        "body": shown.replace("- bob@acme.com", "+ dora@acme.com"),
        "updated_at": team.github.now(),
        "editor": {"login": "mallory"},
    }
    merged = team.merge(number)
    assert team.apply(merged) == ExitCode.GUARD
    said = team.comment(number, "apply acme")
    assert f"the comment {row['html_url']} was edited" in said
    assert "last by mallory" in said
    # Put back, it counts from then on only: whoever approved had something else before their eyes.
    row |= {"body": shown, "updated_at": team.github.now()}
    assert team.apply(merged) == ExitCode.GUARD
    assert "bob approved before this plan was shown" in team.comment(number, "apply acme")
    assert team.omni.live()["groups"]["Finance"] == ["ada@acme.com", "bob@acme.com"]
    team.github.review(number, "bob")
    assert team.apply(merged) == ExitCode.OK


def test_a_comment_that_is_gone_shows_nothing(team: Team) -> None:
    """Somebody deletes the comment, so that nobody can say what was reviewed."""
    number = team.planned(RENAMED)
    merged = team.merge(number)
    team.github.comments = []
    assert team.apply(merged) == ExitCode.GUARD
    assert "the comment on #1 that showed the plan is gone" in team.comment(number, "apply acme")
    assert name_of(team) == "Ada"


def test_a_merge_is_not_planned_anew(team: Team, capsys: Output) -> None:
    """Somebody edits the text after the merge, which starts the job of the plan once more."""
    number = team.planned(RENAMED)
    merged = team.merge(number)
    shown = team.comment(number)
    assert team.plan(number) == ExitCode.ERROR
    assert "#1 is merged, so its plan stays as it was reviewed" in capsys.readouterr().err
    assert team.comment(number) == shown
    assert team.apply(merged) == ExitCode.OK


def test_a_copy_of_an_older_comment_does_not_make_an_older_plan_the_reviewed_one(team: Team) -> None:
    """Somebody has a bot post the comment of a plan with drift again, and takes the newer plan away."""
    number = team.open_pull(RENAMED, BOTH)
    team.omni.by_hand("bob@acme.com", name="Robert, in an emergency")
    assert team.plan(number) == ExitCode.OK
    with_drift = team.comment(number)
    team.github.edit(number, "")
    assert team.plan(number) == ExitCode.OK
    newer = team.github.comments[-1]
    team.github.add_comment(number, with_drift)
    team.github.review(number, "bob")
    del team.github.artifacts[-1]
    team.github.comments.remove(newer)
    assert team.apply(team.merge(number, approved=False)) == ExitCode.GUARD
    said = team.comment(number, "apply acme")
    assert "shows another plan than the one that was found" in said
    assert "Re-run all jobs" in said
    assert name_of(team, "bob@acme.com") == "Robert, in an emergency"


def test_the_settings_of_another_folder_are_not_those_of_the_base(team: Team, capsys: Output) -> None:
    """Somebody merges an example with softer settings, and makes `desired-state` a link to it."""
    lax = team.settings(github={"approvals": 0})
    example = team.desk / "examples" / "acme"
    example.mkdir(parents=True)
    (example / "target.yaml").write_text(lax)
    (example / "people.yaml").write_text(PEOPLE)
    git(team.desk, "checkout", "--quiet", "-B", "main", "origin/main")
    team.push("main")
    number = team.open_pull(PEOPLE + "# mine\n")
    git(team.desk, "rm", "-r", "--quiet", "desired-state")
    (team.desk / "desired-state").symlink_to("examples")
    (example / "people.yaml").write_text(RENAMED)
    team.github.push(number, team.push(f"pull-{number}"))
    team.test_merge(number)
    assert team.plan(number) == ExitCode.ERROR
    assert "there is a link on the path to" in capsys.readouterr().err


def test_a_change_of_the_address_is_merged_with_what_stands_beside_it(team: Team) -> None:
    """Nobody attacks: settings and people change together; the people at the old address, as it was shown."""
    moved = (team.folder / "target.yaml").read_text().replace(team.omni.url, "https://other.omniapp.co")
    number = team.open_pull(moved, name="target.yaml")
    git(team.desk, "checkout", "--quiet", f"pull-{number}")
    team.push_again(number, RENAMED)
    assert team.plan(number) == ExitCode.OK
    assert team.apply(team.merge(number)) == ExitCode.OK
    assert name_of(team) == "Augusta"


def test_a_merge_that_changes_nothing_needs_nobodys_word(team: Team) -> None:
    """Nobody attacks: a comment in a file is merged before its plan was there to be approved."""
    number = team.open_pull(PEOPLE + "# a remark\n")
    team.github.review(number, "bob")
    assert team.plan(number) == ExitCode.OK
    merged = team.merge(number, approved=False)
    assert team.apply(merged) == ExitCode.OK
    assert team.applied() == merged


def test_a_plan_that_ends_after_the_merge_is_not_shown(team: Team, capsys: Output) -> None:
    """Somebody edits the title just before the merge, so that a plan is on its way."""
    number = team.planned(RENAMED)
    shown = team.comment(number)
    team.github.review(number, "bob")
    seen = len(team.omni.omni.seen)

    def merged_meanwhile(_: object) -> None:
        if len(team.omni.omni.seen) > seen:
            team.github.pulls[number] |= {"merge_commit_sha": "c" * 40, "merged_at": team.github.now()}

    team.omni.omni.hook = merged_meanwhile
    team.omni.by_hand("bob@acme.com", name="Robert")
    assert team.plan(number) == ExitCode.ERROR
    assert "is merged, so its plan stays" in capsys.readouterr().err
    assert team.comment(number) == shown
    assert len(team.github.artifacts) == 1


def test_numbers_of_the_review_do_not_unprotect_what_is_live_now(team: Team) -> None:
    """Somebody has one of two taken out of a protected group, and takes the other one out by hand."""
    team.on_main(team.settings(protect={"groups": ["Finance"]}), "target.yaml")
    number = team.planned(PEOPLE.replace("[ada@acme.com, bob@acme.com]", "[ada@acme.com]"))
    team.omni.leaves("ada@acme.com", "Finance")
    assert team.apply(team.merge(number)) == ExitCode.GUARD
    assert "group/finance is protected, and would be emptied" in team.comment(number, "apply acme")
    assert team.omni.live()["groups"]["Finance"] == ["bob@acme.com"]


def test_no_two_plans_have_an_artifact_of_one_name() -> None:
    """Somebody calls a target so that its artifact would be that of another one's pull request."""
    targets = ("a", "a-1", "a/1", "a--1", "a%2F1", "a-1-1")
    names = {artifact_name(name, number, "a" * 40) for name in targets for number in (1, 11)}
    assert len(names) == 2 * len(targets)
    assert all(name == Path(name).name for name in names)

"""Somebody merges a change that nobody else looked at, and wants it applied."""

import pytest
from fake_github import BOT
from repository import git
from team import PEOPLE, RENAMED, Team, name_of

from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]


def refused(team: Team, number: int, words: str) -> None:
    """Merged by whoever may, it is not applied, and what is missing is said."""
    merged = team.merge(number, approved=False)
    assert team.apply(merged) == ExitCode.GUARD
    said = " ".join(team.comment(number, "apply acme").split())
    assert "must be approved by 1 person who may write and took no part in it, and nobody did" in said
    assert words in said
    assert "An approval of this very head counts also after the merge." in said
    assert name_of(team) == "Ada"
    # The way on: somebody else approves it as it is, and the job is run again.
    team.github.review(number, "carl")
    assert team.apply(merged) == ExitCode.OK
    assert name_of(team) == "Augusta"


def pushed(team: Team, number: int, who: str, wrote: str | None = None) -> None:
    """Somebody pushes a commit that changes nothing, in their own or another's name, or in nobody's ("")."""
    team.github.push(number, team.head(number), who, wrote=wrote)


def test_without_an_approval_nothing_is_applied(team: Team) -> None:
    """Somebody merges without asking anybody, as an administrator can."""
    number = team.planned(RENAMED)
    assert "applied after 1 approval by somebody else" in team.comment(number)
    refused(team, number, "nobody did.")


def test_nobody_approves_their_own(team: Team) -> None:
    """Somebody approves what they opened, from an account that GitHub would not let do so."""
    number = team.planned(RENAMED)
    team.github.review(number, "ada")
    refused(team, number, "ada opened it")


def test_a_comment_or_a_wish_for_changes_is_no_approval(team: Team) -> None:
    """Somebody has a review that says "looks good" and approves nothing."""
    number = team.planned(RENAMED)
    team.github.review(number, "bob", "COMMENTED")
    team.github.review(number, "carl", "CHANGES_REQUESTED")
    refused(team, number, "nobody did.")


@pytest.mark.parametrize("later", ["CHANGES_REQUESTED", "DISMISSED"])
def test_an_approval_that_was_taken_back_is_none(team: Team, later: str) -> None:
    """Somebody merges on an approval that its reviewer took back."""
    number = team.planned(RENAMED)
    team.github.review(number, "bob")
    team.github.review(number, "bob", later)
    refused(team, number, "nobody did.")


def test_a_remark_after_an_approval_does_not_take_it_back(team: Team) -> None:
    """Nobody attacks: a reviewer approves, and says thanks."""
    number = team.planned(RENAMED)
    team.github.review(number, "bob")
    team.github.review(number, "bob", "COMMENTED")
    assert team.apply(team.merge(number, approved=False)) == ExitCode.OK


@pytest.mark.parametrize("bot", [BOT, "renovate[bot]"])
def test_a_bot_approves_nothing(team: Team, bot: str) -> None:
    """Somebody has a workflow of theirs approve, with the job's own token."""
    number = team.planned(RENAMED)
    team.github.rights[bot] = "write"
    team.github.review(number, bot)
    refused(team, number, f"{bot} is no person")


@pytest.mark.parametrize("rights", [None, "read", "triage", "none"])
def test_who_may_only_read_approves_nothing(team: Team, rights: str | None) -> None:
    """Somebody has a friend approve, who has no say here."""
    number = team.planned(RENAMED)
    if rights:
        team.github.rights["friend"] = rights
    team.github.review(number, "friend")
    refused(team, number, "friend may not write here")


def test_who_pushed_a_commit_approves_nothing(team: Team) -> None:
    """Somebody pushes onto a colleague's branch, in that colleague's name, and approves it then."""
    number = team.planned(RENAMED)
    pushed(team, number, "mallory", wrote="ada")
    team.github.review(number, "mallory")
    refused(team, number, "mallory pushed a commit of it")


def test_who_wrote_a_commit_approves_nothing(team: Team) -> None:
    """Somebody has another account push their commit, and approves it."""
    number = team.planned(RENAMED)
    pushed(team, number, "ada", wrote="Mallory")
    team.github.review(number, "mallory")
    refused(team, number, "mallory wrote a commit of it")


def test_a_commit_of_nobody_is_known_by_who_pushed_it(team: Team) -> None:
    """Somebody pushes a commit under an address that belongs to no account."""
    number = team.planned(RENAMED)
    pushed(team, number, "mallory", wrote="")
    team.github.review(number, "mallory")
    refused(team, number, "mallory pushed a commit of it")


@pytest.mark.parametrize("answer", [(200, []), (404, {"message": "Not Found"})])
def test_where_it_is_not_known_who_pushed_one_more_must_approve(
    team: Team, answer: tuple[int, object]
) -> None:
    """Somebody pushes in another's name where the server does not tell who pushed, and approves it."""
    number = team.planned(RENAMED)
    pushed(team, number, "mallory", wrote="ada")
    team.github.answers["GET /activity"] = answer
    team.github.review(number, "mallory")
    one_more(team, number, f"since GitHub does not say who pushed {team.head(number)[:8]}")


def one_more(team: Team, number: int, why: str) -> None:
    merged = team.merge(number, approved=False)
    assert team.apply(merged) == ExitCode.GUARD
    said = " ".join(team.comment(number, "apply acme").split())
    assert "must be approved by 2 people" in said
    assert f"(one more than usual, {why})" in said
    assert name_of(team) == "Ada"
    team.github.review(number, "carl")
    assert team.apply(merged) == ExitCode.OK


def test_who_has_a_bot_push_for_them_is_not_the_only_one_to_approve(team: Team) -> None:
    """Somebody has a workflow of theirs push a commit in a colleague's name, and approves it themselves."""
    number = team.planned(RENAMED)
    pushed(team, number, BOT, wrote="ada")
    team.github.review(number, "mallory")
    one_more(team, number, "since a bot pushed a commit of it, for somebody")


def test_who_has_a_bot_open_it_is_not_the_only_one_to_approve(team: Team) -> None:
    """Somebody has a bot open what they want, and approves it themselves."""
    number = team.planned(RENAMED)
    team.github.pulls[number]["user"] = {"login": "helper[bot]", "type": "Bot"}
    team.github.review(number, "mallory")
    one_more(team, number, "since a bot opened it, for somebody")


def test_who_writes_the_line_does_not_approve_it(team: Team) -> None:
    """Somebody writes `Reconciler-Include: drift` into a colleague's harmless change, and approves that."""
    team.omni.by_hand("bob@acme.com", name="Robert, in an emergency")
    number = team.open_pull(RENAMED)
    team.github.edit(number, "Reconciler-Include: backlog", "Mallory")
    assert team.plan(number) == ExitCode.OK
    team.github.review(number, "mallory")
    refused(team, number, "mallory edited its text, which decides about the plan")


def test_a_line_that_is_taken_out_again_had_its_say(team: Team) -> None:
    """Somebody takes the line out after the plan was made with it, so that nobody asks who wrote it."""
    number = team.open_pull(RENAMED)
    team.github.edit(number, "Reconciler-Include: backlog", "mallory")
    assert team.plan(number) == ExitCode.OK
    team.github.review(number, "mallory")
    team.github.pulls[number]["body"] = ""
    refused(team, number, "mallory edited its text, which decides about the plan")


def test_a_text_that_was_edited_too_often_to_know_by_whom(team: Team) -> None:
    """Somebody hides their edit behind a hundred others."""
    number = team.open_pull(RENAMED)
    for _ in range(101):
        team.github.edit(number, "Reconciler-Include: backlog")
    assert team.plan(number) == ExitCode.OK
    assert team.apply(team.merge(number)) == ExitCode.ERROR
    assert "was edited 101 times" in team.comment(number, "apply acme")


def test_a_commit_beyond_those_that_are_listed_is_not_overlooked(team: Team) -> None:
    """Somebody hides theirs behind 250 others, of which GitHub lists no more."""
    number = team.planned(RENAMED)
    for _ in range(251):
        pushed(team, number, "ada")
    assert team.apply(team.merge(number)) == ExitCode.ERROR
    assert "has 252 commits, and GitHub lists 250 of them" in team.comment(number, "apply acme")


def test_an_approval_of_an_older_commit_is_none(team: Team) -> None:
    """Somebody pushes once more after the approval."""
    number = team.planned(RENAMED)
    team.github.review(number, "bob", commit="e" * 40)
    refused(team, number, "bob approved eeeeeeee, which is not the last commit")


def test_an_approval_before_the_plan_was_shown_is_none(team: Team) -> None:
    """Somebody has the files approved before any plan says what they do."""
    number = team.open_pull(RENAMED)
    team.github.review(number, "bob")
    assert team.plan(number) == ExitCode.OK
    refused(team, number, "bob approved before this plan was shown")


def test_a_text_that_is_edited_after_the_approval_needs_another_one(team: Team) -> None:
    """Somebody writes a line that lifts a guard into the text, when everybody has looked already."""
    number = team.open_pull(PEOPLE.replace("[ada@acme.com, bob@acme.com]", "[]"))
    assert team.plan(number) == ExitCode.GUARD
    line = team.comment(number).split("`Reconciler-Allow:")[1].split("`")[0]
    team.github.review(number, "bob")
    merged = team.merge(number, approved=False)
    team.github.edit(number, f"Reconciler-Allow:{line}")
    assert team.apply(merged) == ExitCode.GUARD
    said = team.comment(number, "apply acme")
    assert "bob approved before the text was edited, which decides about the plan" in said
    assert team.omni.live()["groups"]["Finance"]
    team.github.review(number, "bob")
    assert team.apply(merged) == ExitCode.OK


def test_a_text_without_such_lines_may_be_edited(team: Team) -> None:
    """Nobody attacks: somebody mends a typo in the text after the approval."""
    number = team.planned(RENAMED, "Plese look.")
    team.github.review(number, "bob")
    team.github.edit(number, "Please look.")
    assert team.apply(team.merge(number, approved=False)) == ExitCode.OK


def test_a_person_alone_says_so_in_the_settings(team: Team) -> None:
    """Nobody attacks: who works alone has no one to ask."""
    team.on_main(team.settings(github={"approvals": 0}), "target.yaml")
    number = team.planned(RENAMED)
    assert "applied without an approval" in team.comment(number)
    assert team.apply(team.merge(number, approved=False)) == ExitCode.OK
    assert "no approval needed" in team.comment(number, "apply acme")


def test_a_pull_request_does_not_lower_the_number_for_itself(team: Team) -> None:
    """Somebody sets the number of approvals to 0 in the very change that wants none."""
    number = team.open_pull(team.settings(github={"approvals": 0}), name="target.yaml")
    git(team.desk, "checkout", "--quiet", f"pull-{number}")
    team.push_again(number, RENAMED)
    assert team.plan(number) == ExitCode.OK
    assert "warning: target.yaml changes (github.approvals)" in team.comment(number)
    refused(team, number, "nobody did.")


def test_two_approvals_are_two_people(team: Team) -> None:
    """Somebody approves twice where two people must."""
    team.on_main(team.settings(github={"approvals": 2}), "target.yaml")
    number = team.planned(RENAMED)
    team.github.review(number, "bob")
    team.github.review(number, "Bob")
    merged = team.merge(number, approved=False)
    assert team.apply(merged) == ExitCode.GUARD
    assert "approved by 2 people who may write" in team.comment(number, "apply acme")
    assert "and 1 did (bob)" in team.comment(number, "apply acme")
    team.github.review(number, "carl")
    assert team.apply(merged) == ExitCode.OK


def test_a_larger_number_holds_at_once(team: Team) -> None:
    """Nobody attacks: a team asks for two approvals, and the change that says so needs them already."""
    number = team.open_pull(team.settings(github={"approvals": 2}), name="target.yaml")
    team.push_again(number, RENAMED)
    assert team.plan(number) == ExitCode.OK
    assert team.apply(team.merge(number)) == ExitCode.GUARD
    assert "approved by 2 people" in team.comment(number, "apply acme")

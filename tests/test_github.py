"""The REST side of GitHub, against a small one behind a socket."""

import random
from collections.abc import Iterator

import pytest
from clocks import FakeClock
from fake_github import BOT, REPOSITORY, TOKEN, FakeGitHub, serving

from reconciler.errors import ReconcilerError
from reconciler.github import GitHub, Pull, from_environment
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.network import Network
from reconciler.transport.pacing import Paced, Window

MARK = "<!-- ours -->"
PLAN = ".github/workflows/plan.yml"


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with serving() as fake:
        yield fake


@pytest.fixture
def github(fake: FakeGitHub) -> Iterator[GitHub]:
    network = Network(fake.url)
    signed = bearer(network, Secret(TOKEN))
    yield GitHub(Paced(signed, Window(None), FakeClock(), random.Random(1).random), REPOSITORY)  # noqa: S311
    network.close()


def test_a_pull_request_is_read(fake: FakeGitHub, github: GitHub) -> None:
    fake.add_pull(7, "a" * 40, "text")
    assert github.pull(7) == Pull(7, "a" * 40, "text")
    fake.pulls[7]["body"] = None
    assert github.pull(7).body == ""
    with pytest.raises(ReconcilerError, match="GET /repos/acme/access/pulls/8 with 404: Not Found; see that"):
        github.pull(8)


def test_the_pull_request_of_a_merge(fake: FakeGitHub, github: GitHub) -> None:
    commit = "c" * 40
    # One that holds the same commit and is still open, and one that was merged as it.
    fake.add_pull(1, commit)
    assert github.pull_of(commit) is None
    fake.add_pull(2, "d" * 40) | {}
    fake.pulls[2] |= {"merge_commit_sha": commit, "merged_at": "2026-01-01T00:00:00Z"}
    assert github.pull_of(commit) == Pull(2, "d" * 40, "")
    fake.pulls[2]["merged_at"] = None
    assert github.pull_of(commit) is None


def test_only_a_run_of_the_base_branch_is_trusted(fake: FakeGitHub, github: GitHub) -> None:
    assert github.reviewed_run("plan-a", PLAN) is None
    trusted = fake.add_artifact("plan-a")
    fake.add_artifact("plan-a", event="pull_request")
    fake.add_artifact("plan-a", path=".github/workflows/other.yml@main")
    fake.add_artifact("plan-ab")
    assert github.reviewed_run("plan-a", PLAN) == trusted
    newer = fake.add_artifact("plan-a", path=PLAN)
    assert github.reviewed_run("plan-a", PLAN) == newer
    fake.artifacts[-1]["expired"] = True
    assert github.reviewed_run("plan-a", PLAN) == trusted


def test_a_comment_is_updated_in_place(fake: FakeGitHub, github: GitHub) -> None:
    # A stranger's comment that begins like ours, and so many others that ours is on the second page.
    stranger = fake.add_comment(7, f"{MARK} forged", author="mallory")
    for number in range(110):
        fake.add_comment(7, f"{number}", author="ada")
    github.comment(7, MARK, f"{MARK}\none")
    assert fake.texts(7)[-1] == f"{MARK}\none"
    github.comment(7, MARK, f"{MARK}\ntwo")
    assert fake.texts(7)[-1] == f"{MARK}\ntwo"
    assert len(fake.texts(7)) == 112
    assert stranger["body"] == f"{MARK} forged"


def test_two_comments_of_a_race_become_one(fake: FakeGitHub, github: GitHub) -> None:
    first, second = fake.add_comment(7, f"{MARK}\none"), fake.add_comment(7, f"{MARK}\none")
    assert first["id"] < second["id"]
    github.comment(7, MARK, f"{MARK}\ntwo")
    assert fake.comments == [first]
    assert first["body"] == f"{MARK}\ntwo"


def test_a_deleted_account_wrote_no_comment_of_ours(fake: FakeGitHub, github: GitHub) -> None:
    fake.add_comment(7, f"{MARK}\none")["user"] = None
    fake.add_comment(7, "")["body"] = None
    github.comment(7, MARK, f"{MARK}\ntwo")
    assert len(fake.comments) == 3


def test_one_issue_is_opened_updated_and_closed(fake: FakeGitHub, github: GitHub) -> None:
    github.close_issue("drift", MARK, "gone")
    assert fake.issues == []
    github.issue("drift", MARK, "Drift", f"{MARK}\none")
    (issue,) = fake.issues
    issue["body"] = f"{MARK}\r\none"
    github.issue("drift", MARK, "Drift", f"{MARK}\none")
    assert issue["body"] == f"{MARK}\r\none", "the same text is not written again"
    github.issue("drift", MARK, "Drift of a", f"{MARK}\ntwo")
    assert (issue["title"], issue["body"]) == ("Drift of a", f"{MARK}\ntwo")
    github.close_issue("drift", MARK, "gone")
    assert (issue["state"], fake.texts(issue["number"])) == ("closed", ["gone"])
    github.issue("drift", MARK, "Drift", f"{MARK}\nthree")
    assert [row["state"] for row in fake.issues] == ["closed", "open"]


def test_what_is_too_long_is_never_sent(fake: FakeGitHub, github: GitHub) -> None:
    with pytest.raises(ValueError, match="a text of 65549 characters for GitHub, which takes 65536"):
        github.comment(7, MARK, MARK + "x" * 65_536)
    with pytest.raises(ValueError, match="begins with <!-- ours -->"):
        github.comment(7, MARK, "x")
    assert fake.asked == []


def test_a_bad_moment_passes(fake: FakeGitHub, github: GitHub) -> None:
    fake.add_pull(7, "a" * 40)
    fake.fails = [502, 429, 503]
    assert github.pull(7).number == 7
    fake.fails = [429]
    github.comment(7, MARK, MARK)
    assert fake.texts(7) == [MARK]


def test_a_refusal_says_what_to_look_at(fake: FakeGitHub, github: GitHub) -> None:
    fake.fails = [403]
    with pytest.raises(ReconcilerError, match="403: not now; see that the job has the permissions"):
        github.pull(7)


def test_the_environment_of_a_job(fake: FakeGitHub) -> None:
    fake.add_pull(7, "a" * 40)
    fake.add_comment(7, f"{MARK}\none", author="ada")
    environ = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": f"{fake.url}/"}
    assert from_environment(environ).pull(7).number == 7
    own = from_environment(environ | {"RECONCILER_GITHUB_AUTHOR": "ada"})
    own.comment(7, MARK, f"{MARK}\ntwo")
    assert fake.texts(7) == [f"{MARK}\ntwo"]
    assert BOT != "ada"
    for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN"):
        with pytest.raises(ReconcilerError, match=f"{name} is not set"):
            from_environment(environ | {name: " "})
    with pytest.raises(ReconcilerError, match="https only"):
        from_environment(environ | {"GITHUB_API_URL": "http://api.github.com"})
    with pytest.raises(ReconcilerError, match="GITHUB_TOKEN holds a space") as caught:
        from_environment(environ | {"GITHUB_TOKEN": "a b"})
    assert "a b" not in str(caught.value)

"""Pull requests and the artifacts of their plans, against a small GitHub behind a socket."""

from io import BytesIO
from zipfile import ZipFile

import pytest
from fake_github import FakeGitHub

from reconciler.errors import ReconcilerError
from reconciler.github.api import GitHub
from reconciler.github.pulls import PLAN_WORKFLOW as PLAN
from reconciler.github.pulls import Pull, kept_plan, pull, pull_of, unpacked


def number_of(github: GitHub, commit: str) -> int | None:
    found = pull_of(github, commit)
    return found.number if found else None


def kept(github: GitHub) -> int | None:
    found = kept_plan(github, "plan-a")
    return found.id if found else None


def test_a_pull_request_is_read(fake: FakeGitHub, github: GitHub) -> None:
    fake.add_pull(7, "a" * 40, "text")
    assert pull(github, 7) == Pull(7, "a" * 40, "text", "ada", "pull-7", 1)
    fake.pulls[7]["body"] = None
    assert pull(github, 7).body == ""
    with pytest.raises(ReconcilerError, match="GET /repos/acme/access/pulls/8 with 404: Not Found; see that"):
        pull(github, 8)


def test_the_pull_request_of_a_merge(fake: FakeGitHub, github: GitHub) -> None:
    commit = "c" * 40
    # One that holds the same commit and is still open, and one that was merged as it.
    fake.add_pull(1, commit)
    assert pull_of(github, commit) is None
    fake.add_pull(2, "d" * 40)
    fake.pulls[2] |= {"merge_commit_sha": commit, "merged_at": "2026-01-01T00:00:00Z"}
    assert number_of(github, commit) == 2
    # One whose last commit it is, as after a merge that was only a step, was merged as another.
    fake.pulls[1] |= {"merge_commit_sha": "e" * 40, "merged_at": "2026-01-02T00:00:00Z"}
    assert number_of(github, commit) == 2
    fake.pulls[2]["merged_at"] = None
    assert pull_of(github, commit) is None


def test_the_pull_request_of_a_merge_is_found_behind_many_others(fake: FakeGitHub, github: GitHub) -> None:
    commit = "c" * 40
    for number in range(1, 121):
        fake.add_pull(number, commit)
    fake.pulls[120] |= {"merge_commit_sha": commit, "merged_at": "2026-01-01T00:00:00Z"}
    assert number_of(github, commit) == 120


@pytest.mark.parametrize("commit", ["", "main", "c" * 39, "c" * 41, "C" * 40, "../issues"])
def test_what_is_no_commit_is_not_asked_for(fake: FakeGitHub, github: GitHub, commit: str) -> None:
    with pytest.raises(ReconcilerError, match="is not the full name of a commit"):
        pull_of(github, commit)
    assert fake.asked == []


def test_only_a_run_of_the_base_branch_is_trusted(fake: FakeGitHub, github: GitHub) -> None:
    assert kept(github) is None
    trusted = fake.add_artifact("plan-a")
    fake.add_artifact("plan-a", event="pull_request")
    fake.add_artifact("plan-a", path=".github/workflows/other.yml@main")
    fake.add_artifact("plan-ab")
    assert kept(github) == trusted
    newer = fake.add_artifact("plan-a", path=PLAN)
    assert kept(github) == newer
    fake.artifacts[-1]["expired"] = True
    assert kept(github) == trusted
    # The listing does not always know the run, and the run may be gone.
    fake.add_artifact("plan-a")
    fake.artifacts[-1]["workflow_run"] = None
    assert kept(github) == trusted


def test_the_newest_of_two_artifacts_of_one_second(fake: FakeGitHub, github: GitHub) -> None:
    fake.add_artifact("plan-a")
    newer = fake.add_artifact("plan-a")
    for row in fake.artifacts:
        row["created_at"] = "2026-01-01T00:00:00Z"
    assert kept(github) == newer


def test_a_run_is_found_behind_many_that_are_not_trusted(fake: FakeGitHub, github: GitHub) -> None:
    trusted = fake.add_artifact("plan-a")
    for _ in range(105):
        fake.add_artifact("plan-a", path=".github/workflows/forged.yml")
    assert kept(github) == trusted


def test_a_merge_that_fits_two_is_refused(fake: FakeGitHub, github: GitHub) -> None:
    commit = "c" * 40
    for number in (1, 2):
        fake.add_pull(number, commit)
        fake.pulls[number] |= {"merge_commit_sha": commit, "merged_at": "2026-01-01T00:00:00Z"}
    with pytest.raises(ReconcilerError, match="cccccccc is the merge of #1 and #2, so it is not certain"):
        pull_of(github, commit)


def a_zip(**files: bytes) -> bytes:
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    "packed", [b"", b"PK", a_zip(other=b""), a_zip(plan=b"\xff"), a_zip(plan=b"x" * 9000)[:-40]]
)
def test_an_artifact_that_is_none_is_said(packed: bytes) -> None:
    with pytest.raises(ReconcilerError, match="the artifact is not that of a plan"):
        unpacked(packed, "plan")


def test_an_artifact_that_is_too_large_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unpacked(a_zip(plan=b"abc"), "plan") == ["abc"]
    monkeypatch.setattr("reconciler.github.pulls._LARGEST", 2)
    with pytest.raises(ReconcilerError, match="too large"):
        unpacked(a_zip(plan=b"abc"), "plan")

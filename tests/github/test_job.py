"""What a job is told by its environment, and what it hands on."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from reconciler.errors import ReconcilerError
from reconciler.github import job


@pytest.fixture(autouse=True)
def _outside_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("EVENT_PATH", "SERVER_URL", "REPOSITORY", "TRIGGERING_ACTOR", "ACTOR", "RUN_ID", "RUN_ATTEMPT"),
        *("REF", "TOKEN", "STEP_SUMMARY", "OUTPUT"),
    ):
        monkeypatch.delenv(f"GITHUB_{name}", raising=False)


def test_outside_of_a_job_nothing_is_known_and_nothing_written() -> None:
    assert (job.repository_address(), job.ran_by(), job.branch(), job.git_header()) == ("", "", "", "")
    assert job.attempt() == ("", 1)
    job.summarize("nobody reads it")
    job.output("nobody", "reads it")


@pytest.mark.parametrize("event", [None, "", "[]", "{}", '{"pull_request": null}', '{"pull_request": {}}'])
def test_an_event_of_something_else_asks_for_the_number(
    event: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "event.json"
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))
    if event is not None:
        path.write_text(event)
    with pytest.raises(ReconcilerError, match="names no event of a pull request: give --pull N"):
        job.event_number()


def test_a_run_is_told_by_whoever_started_it_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/access")
    monkeypatch.setenv("GITHUB_ACTOR", "ada")
    assert job.ran_by() == "", "without a run"
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    assert job.ran_by() == "ada, https://github.com/acme/access/actions/runs/7"
    monkeypatch.setenv("GITHUB_TRIGGERING_ACTOR", "bob")
    assert job.ran_by() == "bob, https://github.com/acme/access/actions/runs/7"


@pytest.mark.parametrize(("number", "attempt"), [("3", 3), ("", 1), ("many", 1)])
def test_an_attempt_that_is_no_number_is_the_first(
    number: str, attempt: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", number)
    assert job.attempt() == ("7", attempt)


def test_the_token_goes_to_the_jobs_own_server_and_over_https_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_opens-nothing")
    basic = b64encode(b"x-access-token:ghs_opens-nothing").decode()
    assert job.git_header() == f"https://github.com/ AUTHORIZATION: basic {basic}"
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://git.acme.com")
    assert job.git_header() == f"https://git.acme.com/ AUTHORIZATION: basic {basic}"
    monkeypatch.setenv("GITHUB_SERVER_URL", "http://git.acme.com")
    with pytest.raises(ReconcilerError, match="does not begin with https://") as caught:
        job.git_header()
    assert basic not in str(caught.value)


def test_what_is_handed_on_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(path))
    job.output("pull", 7)
    job.output("targets", [{"name": "a\nb"}])
    assert [line.split("=", 1) for line in path.read_text().splitlines()] == [
        ["pull", "7"],
        ["targets", json.dumps([{"name": "a\nb"}])],
    ]

"""The command `doctor --github`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_github import REPOSITORY, TOKEN, FakeGitHub, serving
from fake_settings import (
    NO_RIGHTS,
    NOT_FOUND,
    answered,
    well_set,
)
from github_settings import (
    Answers,
    diagnosed,
    environment,
    only_classic,
    unreviewed,
)

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.views.doctor import checks_text


@pytest.fixture
def github(top: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    monkeypatch.chdir(top)
    with serving() as fake:
        fake.answers = {f"GET {path}": answered(well_set(), path) for path in well_set()}
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        yield fake


def doctor(*arguments: str) -> int:
    return cli.run(["doctor", "--github", *arguments])


def test_the_command_reads_settings_and_needs_no_key(
    github: FakeGitHub, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(top.rglob("*"))
    assert doctor() == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith(f"Doctor for {REPOSITORY} (its settings on GitHub)\n\nok      repository ")
    assert out.endswith("27 checks: 27 ok.\n")
    assert {line.split()[0] for line in github.asked} == {"GET"}
    assert sorted(top.rglob("*")) == before


def test_the_command_fails_where_a_setting_does(
    github: FakeGitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    github.answers["GET /actions/permissions"] = (200, {"enabled": False})
    assert doctor("--format", "json") == ExitCode.ERROR
    document = json.loads(capsys.readouterr().out)
    assert (document["format_version"], document["repository"]) == (1, REPOSITORY)
    (failed,) = [row for row in document["checks"] if row["status"] == "failed"]
    assert failed["name"] == "actions"
    del github.answers["GET /actions/permissions"]
    assert doctor() == ExitCode.OK


def test_a_repository_that_is_not_there_is_one_clear_line(
    github: FakeGitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    github.answers.clear()
    assert doctor() == ExitCode.ERROR
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--probe"], ["acme"], ["-v"]])
def test_it_is_not_mixed_with_the_targets_systems(github: FakeGitHub, arguments: list[str]) -> None:
    assert doctor(*arguments) == ExitCode.USAGE
    assert github.asked == []


def badly_set() -> Answers:
    answers = well_set()
    environment(answers, "omni-plan").update(deployment_branch_policy=None)
    unreviewed(answers, visibility="public")
    only_classic(answers, NOT_FOUND)
    answers["/actions/secrets"]["secrets"].append({"name": "OMNI_API_KEY"})
    answers["/actions/permissions/workflow"] = NO_RIGHTS
    return answers


@pytest.mark.parametrize("width", [30, 80])
def test_it_is_pleasant_to_read_at_any_width(top: Path, width: int) -> None:
    checks = list(diagnosed(top, badly_set()).values())
    text = checks_text(checks, name=REPOSITORY, where="its settings on GitHub", width=width)
    path = Path(__file__).parent / f"settings.{width}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= width

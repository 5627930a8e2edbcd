"""What no answer shows, from the files in git to what a system holds; commands, and a real repository."""

from pathlib import Path
from typing import Any

import pytest
from project import Project, a_project
from repository import begin, commit, git
from typed import Typed

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.model import Definition
from reconciler.providers.omni.kind import OmniKind
from reconciler.providers.registry import KINDS

Output = pytest.CaptureFixture[str]
PEOPLE = """\
users:
  ada@acme.com:
    name: Ada
    attributes: {region: [a.png]}
  cleo@acme.com:
    name: Cleo
    attributes: {region: [c.png]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose system shows nobody's `region`."""
    monkeypatch.chdir(tmp_path)
    provider, kind = Typed({"region": Definition("region", multiple=True, readable=False)}), OmniKind()
    monkeypatch.setattr(kind, "provider", lambda _settings, _quirks: provider, raising=False)
    monkeypatch.setitem(KINDS, "omni", kind)
    project = a_project(tmp_path)
    project.write("people.yaml", PEOPLE)
    begin(project)
    return project


def held(project: Project) -> dict[str, Any]:
    users = project.live()["users"]
    return {key.partition("@")[0]: user.get("attributes", {}).get("region") for key, user in users.items()}


def test_it_is_sent_on_creation_and_where_git_says_something_else(project: Project, capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "`region` of 1 live user cannot be seen, not sent (what was applied last is not known; " in said
    assert held(project) == {"ada": ["apac"], "bob": None, "cleo": ["c.png"], "dora": None}
    assert cli.run(["plan", "--detailed-exitcode"]) == ExitCode.OK
    assert "cannot be seen" not in capsys.readouterr().out
    project.write("people.yaml", PEOPLE.replace("a.png", "b.png"))
    commit(project.root)
    assert cli.run(["drift"]) == ExitCode.OK
    assert "region" not in capsys.readouterr().out
    assert cli.run(["plan", "--base", "HEAD~1", "--out", "plan.json"]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "~ user/ada@acme.com  update  this change" in said
    assert "~ region  (cannot be seen) -> [b.png]" in said
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert held(project)["ada"] == ["b.png"]
    assert cli.run(["plan", "--detailed-exitcode"]) == ExitCode.OK
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert "Of 1 detail in the reviewed plan: 1 done already." in capsys.readouterr().out


def test_until_it_is_recorded_the_next_plan_sends_it_again(project: Project, capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    project.write("people.yaml", PEOPLE.replace("a.png", "b.png"))
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    assert "Not recorded as applied: the files here are not those of the commit" in capsys.readouterr().out
    assert cli.run(["plan", "--detailed-exitcode"]) == ExitCode.CHANGES
    commit(project.root)
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    assert cli.run(["plan", "--detailed-exitcode"]) == ExitCode.OK


def test_who_asks_for_it_has_it_sent_again(project: Project, capsys: Output) -> None:
    project.write("people.yaml", PEOPLE.partition("  cleo")[0])
    assert cli.run(["plan", "--resend", "region", "--out", "plan.json"]) == ExitCode.OK
    assert "~ region  (cannot be seen) -> [a.png]" in capsys.readouterr().out
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert held(project)["ada"] == ["a.png"]
    assert cli.run(["apply", "--resend", "region", "--auto-approve"]) == ExitCode.OK
    assert "~ region  (cannot be seen) -> [a.png]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["plan", "--resend", "title"], ExitCode.ERROR, "--resend title: no user of the files states it"),
        (
            ["apply", "--resend", "region", "--plan", "plan.json"],
            ExitCode.USAGE,
            "the plan says what is sent",
        ),
    ],
)
def test_what_cannot_be_sent_again_is_said(
    project: Project, capsys: Output, arguments: list[str], code: ExitCode, told: str
) -> None:
    assert project
    assert cli.run(arguments) == code
    assert told in capsys.readouterr().err


def test_a_run_that_was_never_recorded_sends_it_to_whom_it_had_made(project: Project) -> None:
    assert cli.run(["plan", "--out", "plan.json"]) == ExitCode.OK
    # What an apply that was killed would leave: the account, and nothing else.
    seed = project.live()
    seed["users"]["cleo@acme.com"] = {"name": "Cleo"}
    project.seed(seed)
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert held(project)["cleo"] == ["c.png"]


def test_import_writes_none_of_it(project: Project) -> None:
    git(project.root, "rm", "--quiet", "desired-state/acme/people.yaml")
    assert cli.run(["import", "acme"]) == ExitCode.OK
    written = "".join(path.read_text() for path in project.target.glob("*.yaml"))
    assert "ada@acme.com" in written
    assert "region:" not in written

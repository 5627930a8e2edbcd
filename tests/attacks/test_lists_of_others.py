"""Somebody writes a list of another tool, or says how it is read, to learn or keep what is not theirs."""

from pathlib import Path
from typing import Any

import pytest
from project import LIVE, Project
from repository import begin

from reconciler import cli
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]
SECRET = "omni_osk_of-the-whole-tenant"
LISTED = {"type": "csv", "login": "email"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A target without people of its own, whose lists a story writes."""
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    project.seed(LIVE)
    return project


def sources(project: Project, *entries: dict[str, Any], **settings: object) -> None:
    project.configure(sources=list(entries), **settings)


# What is hidden


@pytest.mark.parametrize(
    "path", [".env", "../../desired-state/acme/.env", ".h/people.csv", "lnk.csv", "way/people.csv"]
)
@pytest.mark.parametrize("key", ["path", "groups_file", "files"])
def test_what_is_hidden_is_no_list_and_no_shared_file(
    project: Project, capsys: Output, path: str, key: str
) -> None:
    """Somebody names a file of secrets as a list, so that a plan or a problem shows what is in it."""
    project.write(".env", f"email,{SECRET}\n{SECRET},{SECRET}\n")
    (project.target / ".h").mkdir()
    project.write(".h/people.csv", f"email,{SECRET}\n{SECRET},{SECRET}\n")
    (project.target / "lnk.csv").symlink_to(".env")
    (project.target / "way").symlink_to(".h")
    project.write("people.csv", "email\nada@acme.com\n")
    if key == "files":
        project.configure(files=[path])
    else:
        sources(project, {**LISTED, "path": "people.csv"} | {key: path})
    begin(project)
    for command in (["validate"], ["plan"], ["plan", "--since", "HEAD"]):
        assert cli.run(command) == ExitCode.ERROR
        said = capsys.readouterr()
        assert f"`{path}` is hidden, and what is hidden is never read" in said.err
        assert SECRET not in said.out + said.err


def test_who_converts_a_file_of_their_own_may_keep_it_where_they_like(
    project: Project, capsys: Output
) -> None:
    """Nobody attacks here: what the command line names is the caller's choice."""
    (project.root / ".mine").mkdir()
    (project.root / ".mine" / "people.csv").write_text("userName,displayName\nada@acme.com,Ada\n")
    project.configure()
    assert cli.run(["convert", ".mine/people.csv", "--like", "omni-user-manager"]) == ExitCode.OK
    assert "ada@acme.com" in capsys.readouterr().out

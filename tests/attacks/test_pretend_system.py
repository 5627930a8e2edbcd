"""Somebody has a plan against a pretend system reviewed, and means another one to be applied."""

import json
from pathlib import Path

import pytest
from project import Project, a_project, served

from reconciler import cli
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]
SAID = "against the embedded pretend system"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A target whose settings say `sandbox:`, under the address of the real system."""
    monkeypatch.chdir(tmp_path)
    return a_project(tmp_path)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("shape", ["text", "markdown", "html"])
@pytest.mark.parametrize("command", ["plan", "drift"])
def test_no_view_hides_that_the_system_is_a_pretend_one(capsys: Output, command: str, shape: str) -> None:
    """Somebody adds `sandbox:` to target.yaml, and shows the plan as one of the real system."""
    cli.run([command, "--format", shape])
    assert SAID in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_the_smallest_comment_says_it_too(capsys: Output) -> None:
    """Somebody makes a plan so large that a comment holds only its verdict."""
    assert cli.run(["plan", "--out", "plan.json"]) == ExitCode.OK
    capsys.readouterr()
    assert cli.run(["show", "plan.json", "--format", "markdown", "--budget", "1000"]) == ExitCode.OK
    assert SAID in capsys.readouterr().out


@pytest.mark.parametrize("shape", ["text", "markdown", "html"])
def test_a_real_system_is_not_called_a_pretend_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output, shape: str
) -> None:
    """Somebody reads a plan of the real system, and takes it for a try."""
    monkeypatch.chdir(tmp_path)
    with served(tmp_path) as project:
        for name, value in project.environ.items():
            monkeypatch.setenv(name, value)
        assert cli.run(["plan", "--format", shape]) == ExitCode.OK
    assert SAID not in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_the_saved_plan_says_so_under_its_seal(capsys: Output) -> None:
    """Somebody edits the saved plan, so that it reads like one of the real system."""
    assert cli.run(["plan", "--out", "plan.json"]) == ExitCode.OK
    saved = json.loads(Path("plan.json").read_text())
    assert saved["sandbox"] is True
    Path("plan.json").write_text(json.dumps(saved | {"sandbox": False}))
    assert cli.run(["show", "plan.json"]) == ExitCode.ERROR
    assert "it does not match its digest" in capsys.readouterr().err


def test_what_was_reviewed_of_a_pretend_system_is_not_applied_to_a_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """Somebody has a plan of the pretend system approved, and takes `sandbox:` out before the apply."""
    monkeypatch.chdir(tmp_path)
    with served(tmp_path) as project:
        for name, value in project.environ.items():
            monkeypatch.setenv(name, value)
        settings = json.loads((project.target / "target.yaml").read_text())
        pretend = settings | {"sandbox": {"seed": "seed.yaml", "state": "../../state.json"}}
        project.write("target.yaml", json.dumps(pretend))
        project.seed({"attributes": {"region": {"multiple_values": True}}, "users": {}})
        assert cli.run(["plan", "--out", "plan.json"]) == ExitCode.OK
        project.write("target.yaml", json.dumps(settings))
        (project.target / "seed.yaml").unlink()
        capsys.readouterr()
        assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.ERROR
        assert f"the plan was made {SAID}" in capsys.readouterr().err
        assert project.omni.writes == []

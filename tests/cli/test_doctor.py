"""The command `doctor`."""

import json

import pytest
from project import Project
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode


def test_doctor_says_how_things_are(project: Project, capsys: Output) -> None:
    assert cli.run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "credential" in out
    assert cli.run(["doctor", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == "acme"
    assert project.target.exists()


def test_a_probe_needs_permission_and_a_yes(project: Project, capsys: Output) -> None:
    before = project.live()
    assert cli.run(["doctor", "--probe"]) == ExitCode.GUARD
    assert "probe: true" in capsys.readouterr().err
    settings = json.loads((project.target / "target.yaml").read_text())
    project.write("target.yaml", json.dumps(settings | {"probe": True}))
    assert cli.run(["doctor", "--probe"]) == ExitCode.ERROR
    assert "there is no terminal to ask at" in capsys.readouterr().err
    assert not (project.target / "quirks.yaml").exists()
    assert cli.run(["doctor", "--probe", "--yes"]) == 0
    assert "quirks.yaml: from now on it is used. Commit it." in capsys.readouterr().out
    assert (project.target / "quirks.yaml").read_text().startswith("#")
    after = project.live()
    assert (after["users"], after["groups"]) == (before["users"], before["groups"])
    assert cli.run(["validate"]) == 0


@pytest.mark.parametrize("arguments", [["--yes"], ["--probe", "--format", "json"]])
def test_options_of_a_probe_that_do_not_fit(arguments: list[str], project: Project, capsys: Output) -> None:
    assert cli.run(["doctor", *arguments]) == ExitCode.USAGE
    assert "Error: --" in capsys.readouterr().err
    assert project.target.exists()

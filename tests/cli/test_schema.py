"""The command `schema`."""

import json
from pathlib import Path

from project import Project
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode


def test_schemas_are_listed_printed_and_written(project: Project, capsys: Output) -> None:
    assert cli.run(["schema"]) == 0
    names = capsys.readouterr().out.split()
    assert {"target", "desired-state", "plan"} <= set(names)
    assert cli.run(["schema", "target"]) == 0
    assert json.loads(capsys.readouterr().out)["title"]
    assert cli.run(["schema", "--write", "a folder"]) == 0
    assert sorted(p.name for p in Path("a folder").iterdir()) == sorted(f"{n}.schema.json" for n in names)
    assert cli.run(["schema", "nope"]) == ExitCode.USAGE
    assert "there is no schema 'nope'; there are: desired-state" in capsys.readouterr().err
    assert project.target.exists()

"""The small project, on this disk and behind a socket, as the command meets it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Project, Served, a_project, served
from screen import Output

from reconciler import cli


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The small project with an embedded sandbox, with its folder as the working directory."""
    monkeypatch.chdir(tmp_path)
    return a_project(tmp_path)


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The small project against a real socket, with the environment that it needs."""
    monkeypatch.chdir(tmp_path)
    with served(tmp_path) as project:
        for name, value in project.environ.items():
            monkeypatch.setenv(name, value)
        yield project


@pytest.fixture
def saved(project: Project, capsys: Output) -> Path:
    """A reviewed plan."""
    assert cli.run(["plan", "--out", "plan.json"]) == 0
    capsys.readouterr()
    return project.root / "plan.json"


@pytest.fixture
def two(project: Project) -> Project:
    """A second target, called other."""
    return a_project(project.root, "other")

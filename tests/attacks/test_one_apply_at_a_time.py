"""Two people, or two jobs, apply to one system at the same moment, from wherever they stand."""

import os
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from project import Served, a_project, served

from reconciler import cli, lock, workflow
from reconciler.errors import ExitCode
from reconciler.target.settings import load_targets

Output = pytest.CaptureFixture[str]
APPLY = ["apply", "--auto-approve"]


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A clone of the repository, and a system behind a socket."""
    (tmp_path / "first").mkdir()
    with served(tmp_path / "first") as project:
        for name, value in project.environ.items():
            monkeypatch.setenv(name, value)
        yield project


def held_by_the_first(first: Served, monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> int:
    """What a second apply exits with, started elsewhere while one from the first clone runs."""
    monkeypatch.chdir(first.root)
    (target,) = load_targets(Path("desired-state"))
    with workflow.locked(target):
        monkeypatch.chdir(elsewhere)
        folder = elsewhere / "desired-state"
        return cli.run([*APPLY, "--dir", str(folder if folder.exists() else first.root / "desired-state")])


@pytest.mark.parametrize("spelled", ["{}", "{}/", "{}/api/v1"])
def test_from_another_clone(
    first: Served, monkeypatch: pytest.MonkeyPatch, capsys: Output, spelled: str
) -> None:
    """Somebody applies from a clone of their own, which spells folder and address otherwise."""
    second = first.root.parent / "second"
    copytree(first.root / "desired-state" / "acme", second / "desired-state" / "renamed")
    text = (second / "desired-state/renamed/target.yaml").read_text()
    (second / "desired-state/renamed/target.yaml").write_text(
        text.replace(first.url, spelled.format(first.url))
    )
    assert held_by_the_first(first, monkeypatch, second) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert f"another apply is running on renamed (process {os.getpid()} on " in said
    assert first.omni.seen == []


def test_from_another_working_directory(
    first: Served, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """Somebody applies the very same files from another folder."""
    (first.root / "sub").mkdir()
    assert held_by_the_first(first, monkeypatch, first.root / "sub") == ExitCode.ERROR
    assert "another apply is running on acme" in capsys.readouterr().err
    assert first.omni.seen == []


def test_two_systems_do_not_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people try the example, each in a folder of their own, at the same address."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        a_project(tmp_path / name)
    (target,) = load_targets(tmp_path / "one" / "desired-state")
    monkeypatch.chdir(tmp_path / "two")
    with workflow.locked(target):
        assert cli.run(APPLY) == ExitCode.OK


@pytest.mark.parametrize("trap", ["a link", "a file", "open to all", "of somebody else", "a link inside"])
def test_a_folder_that_another_user_laid_is_not_used(
    first: Served, monkeypatch: pytest.MonkeyPatch, capsys: Output, trap: str
) -> None:
    """Another user of the machine makes the folder of the locks first, to lift the lock."""
    shared = first.root.parent / "shared"
    shared.mkdir()
    monkeypatch.setattr(lock, "SHARED", shared)
    precious = first.root / "precious"
    precious.write_text("what nobody may overwrite\n")
    monkeypatch.chdir(first.root)
    (target,) = load_targets(Path("desired-state"))
    folder = lock.place(target.kind, target.url).parent
    match trap:
        case "a link":
            folder.symlink_to(first.root)
        case "a file":
            folder.write_text("")
        case "open to all":
            folder.mkdir()
            folder.chmod(0o777)
        case "of somebody else":
            folder.mkdir(mode=0o700)
            me = os.getuid()
            monkeypatch.setattr(os, "getuid", lambda: me + 1)
            folder.rename(lock.place(target.kind, target.url).parent)
        case "a link inside":
            folder.mkdir(mode=0o700)
            lock.place(target.kind, target.url).with_suffix(".holder").symlink_to(precious)
    assert cli.run(APPLY) == ExitCode.ERROR
    assert "the lock that keeps two applies apart cannot be written" in capsys.readouterr().err
    assert precious.read_text() == "what nobody may overwrite\n"
    assert first.omni.seen == []

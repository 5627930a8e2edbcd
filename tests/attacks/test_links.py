"""Somebody commits a symbolic link for a file or folder, to bring in or overwrite what is elsewhere."""

from pathlib import Path

import pytest
from project import Project, a_project
from repository import begin, commit

from reconciler import cli
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]
READING = (["validate"], ["targets"], ["plan"], ["drift"], ["apply", "--auto-approve"])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A repository, and beside it a folder that is none of its business."""
    root = tmp_path / "repository"
    root.mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(root)
    project = a_project(root)
    begin(project)
    return project


def moved_out(project: Project, path: Path) -> None:
    """Put a link in the place of a file or folder, and what was there outside of the repository."""
    away = project.root.parent / "elsewhere" / path.name
    path.rename(away)
    path.symlink_to(away)


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("name", ["target.yaml", "quirks.yaml"])
def test_settings_from_outside_of_the_target_are_refused(
    project: Project, capsys: Output, command: list[str], name: str
) -> None:
    """Somebody lets `target.yaml` or `quirks.yaml` be a file that nobody reviews."""
    project.write("quirks.yaml", "found_at: 2026-01-01T00:00:00Z\n")
    moved_out(project, project.target / name)
    assert cli.run(command) == ExitCode.ERROR
    said = capsys.readouterr()
    assert f"desired-state/acme/{name}: this is a link that leads out of the target's folder" in said.err
    assert not (project.root / "acme.json").exists()


@pytest.mark.parametrize("name", ["target.yaml", "quirks.yaml"])
@pytest.mark.parametrize("where", ["../gone.yaml", "/gone.yaml"])
def test_settings_that_lead_out_to_nothing_are_refused(
    project: Project, capsys: Output, name: str, where: str
) -> None:
    """Somebody commits a link whose end another job makes later."""
    (project.target / name).unlink(missing_ok=True)
    (project.target / name).symlink_to(where)
    assert cli.run(["validate"]) == ExitCode.ERROR
    assert f"{name}: this is a link that leads out of the target's folder" in capsys.readouterr().err


def test_settings_that_were_a_link_at_the_base_are_refused(project: Project, capsys: Output) -> None:
    """Somebody merged the link before; the settings of the base come from wherever it leads to."""
    moved_out(project, project.target / "target.yaml")
    commit(project.root)
    (project.target / "target.yaml").unlink()
    project.configure()
    commit(project.root)
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.ERROR
    assert "this is a link that leads out of the target's folder" in capsys.readouterr().err


def test_a_link_within_the_target_is_a_way_to_share_settings(project: Project) -> None:
    """Nobody attacks here: what is reviewed with the target may be linked to."""
    (project.target / "target.yaml").rename(project.target / "settings.txt")
    (project.target / "target.yaml").symlink_to("settings.txt")
    assert cli.run(["validate"]) == ExitCode.OK


# The folder of all targets


@pytest.mark.parametrize("command", READING)
def test_a_desired_state_outside_of_the_repository_is_refused(
    project: Project, capsys: Output, command: list[str]
) -> None:
    """Somebody lets all files come from a folder that another job can write to."""
    moved_out(project, project.root / "desired-state")
    assert cli.run(command) == ExitCode.ERROR
    assert "desired-state: this leads out of the repository, through a link" in capsys.readouterr().err
    assert not (project.root / "acme.json").exists()


def test_a_folder_on_the_way_to_the_desired_state_is_no_way_out_either(
    project: Project, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody links the folder above it instead, and lets the command run deeper in the repository."""
    (project.root / "deep").mkdir()
    moved_out(project, project.root / "desired-state")
    (project.root / "state").symlink_to(project.root.parent / "elsewhere")
    assert cli.run(["validate", "--dir", "state/desired-state"]) == ExitCode.ERROR
    assert "state/desired-state: this leads out of the repository" in capsys.readouterr().err
    monkeypatch.chdir(project.root / "deep")
    assert cli.run(["validate", "--dir", "../state/desired-state"]) == ExitCode.ERROR
    assert "this leads out of the repository" in capsys.readouterr().err


def test_without_a_repository_the_working_directory_is_what_must_not_be_left(
    project: Project, capsys: Output
) -> None:
    """Somebody hands over an archive of the files, with a link in it."""
    (project.root / ".git").rename(project.root.parent / "elsewhere" / "git")
    moved_out(project, project.root / "desired-state")
    assert cli.run(["validate"]) == ExitCode.ERROR
    assert "this leads out of the working directory" in capsys.readouterr().err


def test_who_runs_the_command_may_name_any_folder(project: Project) -> None:
    """Nobody attacks here: a path elsewhere on the command line is that person's own choice."""
    moved_out(project, project.root / "desired-state")
    assert cli.run(["validate", "--dir", str(project.root.parent / "elsewhere/desired-state")]) == ExitCode.OK
    assert cli.run(["validate", "--dir", "../elsewhere/desired-state"]) == ExitCode.OK
    (project.root / "desired-state").unlink()
    (project.root.parent / "elsewhere" / "desired-state").rename(project.root / "files")
    (project.root / "desired-state").symlink_to("files")
    assert cli.run(["validate"]) == ExitCode.OK


# The folder of the journals


def refused(project: Project, capsys: Output) -> str:
    """What an apply says that does nothing; the file that the link leads to is as it was."""
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.ERROR
    assert not (project.root / "acme.json").exists(), "something was sent"
    return capsys.readouterr().err


@pytest.mark.parametrize("place", [".reconciler", ".reconciler/runs"])
@pytest.mark.parametrize("exists", [True, False])
def test_nothing_is_written_through_a_link(
    project: Project, capsys: Output, place: str, *, exists: bool
) -> None:
    """Somebody commits the folder of the journals as a link to somewhere else."""
    elsewhere = project.root.parent / "elsewhere"
    link = project.root / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere if exists else elsewhere / "gone")
    said = refused(project, capsys)
    assert f"{place} is a symbolic link" in said
    assert not list(elsewhere.iterdir())


def test_a_journal_folder_elsewhere_may_lie_behind_links_but_be_none(
    project: Project, capsys: Output
) -> None:
    """Somebody names a folder outside of the repository whose end another user of the machine can move."""
    away = project.root.parent / "elsewhere"
    (project.root.parent / "behind").symlink_to(away)
    project.configure(journal=str(project.root.parent / "behind"))
    assert "behind is a symbolic link" in refused(project, capsys)
    project.configure(journal=str(project.root.parent / "behind" / "runs"))
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    assert list((away / "runs").glob("acme-*.jsonl"))

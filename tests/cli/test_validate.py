"""The command `validate`."""

import os
from pathlib import Path
from typing import Any

import pytest
from project import Project, Served
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode


@pytest.mark.usefixtures("project")
def test_validate(capsys: Output) -> None:
    assert cli.run(["validate"]) == 0
    assert capsys.readouterr() == ("acme: 2 users, 1 group, 1 to be gone. Valid.\n", "")


def test_what_no_system_of_the_kind_can_hold_is_said_without_asking_one(
    remote: Served, capsys: Output
) -> None:
    remote.write("people.yaml", f"groups:\n  {'x' * 65}: {{members: []}}\n")
    assert cli.run(["validate"]) == 1
    _, err = capsys.readouterr()
    assert "people.yaml:2:3: the name has 65 characters, and a group of Omni at most 64" in err
    assert remote.omni.seen == []


def make_utf16(folder: Path) -> None:
    (folder / "people.yaml").write_bytes("users: {}\n".encode("utf-16"))


def make_bomb(folder: Path) -> None:
    (folder / "people.yaml").write_text("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")


def make_unreadable(folder: Path) -> None:
    (folder / "people.yaml").unlink()
    (folder / "people.yaml").symlink_to("nothing.yaml")


def make_pipe(folder: Path) -> None:
    (folder / "people.yaml").unlink()
    os.mkfifo(folder / "people.yaml")


def make_empty_target(folder: Path) -> None:
    (folder / "target.yaml").write_text("")


@pytest.mark.parametrize("spoil", [make_utf16, make_bomb, make_unreadable, make_pipe, make_empty_target])
@pytest.mark.parametrize("command", ["validate", "plan", "apply"])
def test_a_bad_file_is_named_and_nothing_is_asked_of_omni(
    remote: Served, capsys: Output, spoil: Any, command: str
) -> None:
    spoil(remote.target)
    assert cli.run([command]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("desired-state/acme/")
    assert err.endswith("file.\n")
    assert remote.omni.seen == []


def test_problems_become_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "desired-state" / "a"
    folder.mkdir(parents=True)
    (folder / "target.yaml").write_text("kind: omni\nurl: https://acme.omniapp.co\nkeys: [{env: K}]\n")
    (folder / "x,y.yaml").write_text("users:\n  ada@acme.com: {nam: '100%'}\n")
    assert cli.run(["validate", "--format", "github"]) == ExitCode.ERROR
    said = capsys.readouterr()
    assert said.err == ""
    where = "file=desired-state/a/x%2Cy.yaml,line=2,col=18"
    assert said.out == f"::error {where}::unknown field `nam`%0Ahint: did you mean `name`?\n"
    (folder / "x,y.yaml").write_text("users: {}\n")
    assert cli.run(["validate", "--format", "github"]) == ExitCode.OK
    assert capsys.readouterr().out == "a: 0 users, 0 groups. Valid.\n"
    (folder / "target.yaml").write_text("kind: omni\n")
    assert cli.run(["validate", "--format", "github"]) == ExitCode.ERROR
    assert "::error file=desired-state/a/target.yaml,line=1,col=1::" in capsys.readouterr().out


# What lies there and is read by nothing


def test_validate_names_once_what_is_read_by_nothing(project: Project, capsys: Output) -> None:
    outside = project.root / "outside.yaml"
    outside.write_text("users: {}\n")
    away = project.root / "away"
    away.mkdir()
    (project.target / ".hidden.yaml").write_text("users: {}\n")
    (project.target / ".git").mkdir()
    (project.target / "people.csv").write_text("email\n")
    (project.target / "a\x1b[31mb.txt").write_text("")
    (project.target / "old.yaml.bak").write_text("")
    (project.target / "linked.yaml").symlink_to(outside)
    (project.target / "folder").symlink_to(away)
    (project.target / "again.yaml").symlink_to("people.yaml")
    (project.target.parent / "notes.txt").write_text("")
    (project.target.parent / "stray").mkdir()
    (project.target.parent / "stray" / "more.yaml").write_text("users: {}\n")
    assert cli.run(["validate"]) == 0
    out, err = capsys.readouterr()
    assert out == "acme: 2 users, 1 group, 1 to be gone. Valid.\n"
    assert err.splitlines() == [
        "note: desired-state/notes.txt: read by nothing: it is in no target's folder",
        "note: desired-state/stray/more.yaml: read by nothing: it is in no target's folder",
        "note: desired-state/acme/.git: read by nothing: hidden",
        "note: desired-state/acme/.hidden.yaml: read by nothing: hidden",
        "note: desired-state/acme/a\ufffd[31mb.txt: read by nothing: its name does not end in .yaml or .yml",
        "note: desired-state/acme/folder: read by nothing: a link to a folder",
        "note: desired-state/acme/linked.yaml: read by nothing: a link that leads out of the target's folder",
        "note: desired-state/acme/old.yaml.bak: read by nothing: its name does not end in .yaml or .yml",
        "note: desired-state/acme/people.csv: read by nothing: its name does not end in .yaml or .yml",
    ]


@pytest.mark.usefixtures("project")
def test_validate_has_nothing_to_name_where_all_is_read(capsys: Output) -> None:
    assert cli.run(["validate"]) == 0
    assert capsys.readouterr().err == ""


def test_a_file_that_an_attribute_names_is_not_told_as_read_by_nothing(
    project: Project, capsys: Output
) -> None:
    project.write("people.yaml", "users:\n  ada@acme.com: {attributes: {avatar: ada.png}}\n")
    project.write("ada.png", "")
    project.write("other.png", "")
    assert cli.run(["validate"]) == ExitCode.OK
    said = capsys.readouterr().err
    assert "other.png: read by nothing" in said
    assert "ada.png" not in said

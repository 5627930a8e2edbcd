"""The command `fmt`."""

from pathlib import Path

import pytest
from project import Project
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode

UNTIDY = (
    "groups:\r\n  Sales: {}\r\n  Finance: {members: from_users}   # money\r\n\r\n"
    "users:\r\n  bob@acme.com: {}\r\n"
)
TIDY = (
    "users:\r\n  bob@acme.com: {}\r\n\r\n"
    "groups:\r\n  Finance: {members: from_users}   # money\r\n  Sales: {}\r\n"
)


def test_files_are_put_in_order(project: Project, capsys: Output) -> None:
    people = project.target / "people.yaml"
    people.write_bytes(UNTIDY.encode())
    people.chmod(0o640)
    assert cli.run(["fmt", "--check"]) == ExitCode.ERROR
    assert capsys.readouterr().out == (
        "desired-state/acme/people.yaml: is not in order\n"
        "1 file. Put them in order with: reconciler fmt acme\n"
    )
    assert people.read_bytes() == UNTIDY.encode()
    assert cli.run(["fmt"]) == 0
    assert capsys.readouterr().out == "desired-state/acme/people.yaml: put in order\n"
    assert people.read_bytes() == TIDY.encode()
    assert people.stat().st_mode & 0o777 == 0o640
    assert cli.run(["fmt", "--check"]) == 0
    assert capsys.readouterr().out == "acme: every file is in order.\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_in_order_keeps_its_line_ends(project: Project, capsys: Output, end: str) -> None:
    tidy = TIDY.replace("\r\n", end).encode()
    (project.target / "people.yaml").write_bytes(tidy)
    assert cli.run(["fmt", "--check"]) == 0, capsys.readouterr().out
    assert cli.run(["fmt"]) == 0
    assert (project.target / "people.yaml").read_bytes() == tidy


def test_mixed_line_ends_become_those_of_the_first_line(project: Project) -> None:
    (project.target / "people.yaml").write_bytes(b"users:\r\n  bob@acme.com: {}\n")
    assert cli.run(["fmt"]) == 0
    assert (project.target / "people.yaml").read_bytes() == b"users:\r\n  bob@acme.com: {}\r\n"


def test_files_with_problems_are_not_touched(project: Project, capsys: Output) -> None:
    text = "users:\n  ada@acme.com: {nme: x}\n"
    project.write("people.yaml", text)
    assert cli.run(["fmt"]) == ExitCode.ERROR
    assert "unknown field `nme`" in capsys.readouterr().err
    assert (project.target / "people.yaml").read_text() == text


def test_the_demo_is_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    assert cli.run(["fmt", "--check", "demo"]) == 0

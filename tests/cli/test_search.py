"""`reconciler search`: by the server where it can, else here; it says which."""

import json

import pytest
from project import Project, Served
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode

HINT = "; --contains looks for a part of a login or name"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "found", "said"),
    [
        (["users", "ADA@acme.com"], ["ada@acme.com"], "1 user found; the server searched\n"),
        (["users", "a@", "--contains"], ["ada@acme.com", "dora@acme.com"], "2 users found; searched here"),
        (["users", "ADA", "--contains", "--limit", "9"], ["ada@acme.com"], "1 user found; searched here, in"),
        (["users", "acme", "--contains", "--limit", "1"], ["ada@acme.com"], "3 users found, 1 shown; "),
        (
            ["users", "--filter", 'userName co "dora"'],
            ["dora@acme.com"],
            "1 user found; the server searched\n",
        ),
        (["groups", "Finance"], ["Finance"], "1 group found; the server searched\n"),
        (
            ["groups", "fin", "--contains", "--limit", "5"],
            ["Finance"],
            "1 group found; searched here, in the list of",
        ),
    ],
)
def test_who_is_found_and_who_searched(
    capsys: Output, arguments: list[str], found: list[str], said: str
) -> None:
    assert cli.run(["search", *arguments]) == 0
    out, err = capsys.readouterr()
    assert [row.get("login", row["name"]) for row in json.loads(out)] == found
    assert err.startswith(said)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["users", "eve"], f"no user found; the server searched{HINT}\n"),
        (["groups", "eve", "--contains"], "no group found; searched here, in the list of all groups\n"),
    ],
)
def test_nobody_found_is_a_line_and_exit_1(capsys: Output, arguments: list[str], said: str) -> None:
    assert cli.run(["search", *arguments]) == ExitCode.ERROR
    out, err = capsys.readouterr()
    assert (json.loads(out), err) == ([], said)


def test_a_login_is_one_request(remote: Served) -> None:
    assert cli.run(["search", "users", "ada@acme.com"]) == 0
    assert len(remote.omni.seen) == 1


def test_a_filter_that_the_server_refuses_is_told_in_its_words(remote: Served, capsys: Output) -> None:
    assert cli.run(["search", "users", "--filter", 'name eq "x"']) == ExitCode.ERROR
    assert "was answered 400" in capsys.readouterr().err
    assert len(remote.omni.seen) == 1


@pytest.mark.parametrize(
    "arguments", [["users"], ["users", "x", "--filter", "y"], ["users", "--filter", "y", "--contains"]]
)
def test_one_thing_is_searched_for(project: Project, capsys: Output, arguments: list[str]) -> None:
    assert project.target.is_dir()
    assert cli.run(["search", *arguments]) == ExitCode.USAGE
    assert "give a TEXT to search for" in capsys.readouterr().err

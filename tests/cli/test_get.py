"""`reconciler get`: who and what is live, as a table for people and as JSON for programs."""

import json
import sys

import pytest
from project import LIVE, Project, Served, change_live
from sample_plans import HOSTILE
from screen import Output, Terminal

from reconciler import cli
from reconciler.errors import ExitCode

EMBED = {"embed_users": {"guest@x.co": {"name": "Guest", "external_id": "V-1", "entity": "shop"}}}
GROUPS = {"Finance": ["ada@acme.com", "bob@acme.com", "guest@x.co"], "Nobody": []}


@pytest.fixture
def asked(project: Project) -> Project:
    """The small project with somebody of no user list, and a group without members."""
    project.seed({**LIVE, **EMBED, "groups": GROUPS})
    return project


def answered(capsys: Output, *command: str, code: int = 0) -> object:
    """The JSON that a command prints where nobody asked for another format."""
    assert cli.run(command) == code
    return json.loads(capsys.readouterr().out)


def at_terminal(monkeypatch: pytest.MonkeyPatch, *command: str, columns: int = 100) -> str:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli.run(command) == 0
    return screen.getvalue()


@pytest.mark.usefixtures("asked")
def test_users_are_a_list(capsys: Output) -> None:
    users = answered(capsys, "get", "users")
    assert isinstance(users, list)
    assert [user["login"] for user in users] == ["ada@acme.com", "bob@acme.com", "dora@acme.com"]
    assert set(users[0]) == {"login", "id", "name", "active", "groups"}
    with_values = answered(capsys, "get", "users", "--attributes")
    assert isinstance(with_values, list)
    assert [user["attributes"] for user in with_values] == [{"region": ["apac"]}, {}, {}]


@pytest.mark.usefixtures("asked")
def test_one_user_is_an_object_and_attributes_are_their_values(capsys: Output) -> None:
    user = answered(capsys, "get", "user", "ada@acme.com")
    assert isinstance(user, dict)
    assert (user["name"], user["groups"]) == ("Ada", ["Finance"])
    assert answered(capsys, "get", "user", user["id"]) == user
    assert answered(capsys, "get", "user", "Ada", "--attributes") == {"region": ["apac"]}
    assert answered(capsys, "get", "user", "bob@acme.com", "--attributes") == {}


@pytest.mark.usefixtures("asked")
def test_groups_and_their_members(capsys: Output) -> None:
    assert [set(group) for group in answered(capsys, "get", "groups")] == [{"name", "id"}] * 2  # type: ignore[attr-defined]
    assert cli.run(["get", "groups", "--members"]) == 0
    out, err = capsys.readouterr()
    assert [group["members"] for group in json.loads(out)] == [["ada@acme.com", "bob@acme.com"], []]
    assert err == "note: not named, since no list of users has them: 1 member\n"
    group = answered(capsys, "get", "group", "finance")
    assert isinstance(group, dict)
    assert set(group) == {"name", "id"}
    assert [m["login"] for m in answered(capsys, "get", "group", group["id"], "--members")] == [  # type: ignore[attr-defined]
        "ada@acme.com",
        "bob@acme.com",
    ]
    assert answered(capsys, "get", "group", "Nobody", "--members") == []


def test_a_login_costs_one_request_that_only_reads(remote: Served) -> None:
    assert cli.run(["get", "user", "ada@acme.com"]) == 0
    (request,) = remote.omni.seen
    assert (request.method, request.query["filter"]) == ("GET", 'userName eq "ada@acme.com"')


@pytest.mark.usefixtures("asked")
def test_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    table = at_terminal(monkeypatch, "get", "users", "--attributes")
    heading, ada, region, *_, last = table.splitlines()
    assert heading.split() == ["LOGIN", "NAME", "ACTIVE", "ID", "GROUPS"]
    assert ada.split()[:3] == ["ada@acme.com", "Ada", "true"]
    assert (region, last) == ("    region  [apac]", "3 users")
    assert "    and 1 member of no user list\n" in at_terminal(monkeypatch, "get", "groups", "--members")
    assert at_terminal(monkeypatch, "get", "group", "Nobody", "--members") == "[]\n"
    assert at_terminal(monkeypatch, "get", "user", "dora@acme.com", "--attributes") == "{}\n"
    assert "\nregion " in at_terminal(monkeypatch, "get", "attributes")
    assert at_terminal(monkeypatch, "get", "user", "Ada", "--format", "json").startswith("{")
    assert "Finance" in at_terminal(monkeypatch, "get", "group", "Finance")
    assert "2 members" in at_terminal(monkeypatch, "get", "group", "Finance", "--members")
    assert "region  [apac]" in at_terminal(monkeypatch, "get", "user", "Ada", "--attributes")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("what", [["users", "--attributes"], ["groups", "--members"], ["attributes"]])
def test_hostile_names_fit_a_narrow_terminal_and_move_no_cursor(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: Output, what: list[str]
) -> None:
    change_live(project, ada={"name": HOSTILE, "attributes": {"region": [HOSTILE]}})
    table = at_terminal(monkeypatch, "get", *what, columns=30)
    assert max(map(len, table.splitlines())) <= 30
    assert "\x1b[2J" not in table
    assert cli.run(["get", *what]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["user", "eve@acme.com"], "Error: there is no user with the login, id or name `eve@acme.com`\n"),
        (["group", "\x1b[2J"], "Error: there is no group with the name or id `\\x1b[2J`\n"),
    ],
)
def test_nobody_found_is_a_line_and_exit_1(capsys: Output, arguments: list[str], said: str) -> None:
    assert cli.run(["get", *arguments]) == ExitCode.ERROR
    out, err = capsys.readouterr()
    assert out == ""
    assert err == said


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["user"], "say which user: a login, a name or an id"),
        (["users", "ada"], "all users are shown: leave out 'ada', or say user"),
        (["attributes", "region"], "all attributes are shown: leave out 'region' (see"),
        (["users", "--members"], "--members goes with groups and group"),
        (["group", "Finance", "--attributes"], "--attributes goes with users and user"),
        (["everybody"], "everybody"),
    ],
)
def test_what_does_not_go_together_is_bad_usage(capsys: Output, arguments: list[str], said: str) -> None:
    assert cli.run(["get", *arguments]) == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_of_several_targets_one_must_be_named(two: Project, capsys: Output) -> None:
    assert cli.run(["get", "users"]) == ExitCode.USAGE
    said = "get without --target needs exactly one target; name one of: acme, other"
    assert said in capsys.readouterr().err
    two.seed({**LIVE, "users": {}, "groups": {}, "keys": {"sandbox": {}}})
    assert answered(capsys, "get", "users", "--target", "other") == []

    assert cli.run(["get", "users", "--target", "nowhere"]) == ExitCode.ERROR

"""`reconciler export`: files of the shapes that lists of people have elsewhere."""

import csv
import io
import json
import sys
from typing import Any

import pytest
from asking import ATTRIBUTES
from project import LIVE, Project, change_live
from screen import Output, Terminal

from reconciler import cli
from reconciler.desired.cells import undone
from reconciler.errors import ExitCode


def exported(capsys: Output, *command: str) -> str:
    assert cli.run(["export", *command]) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_users_as_scim_lists_them(capsys: Output) -> None:
    text = exported(capsys, "users")
    whole: dict[str, Any] = json.loads(text)
    assert text.isascii()
    assert (whole["totalResults"], whole["itemsPerPage"], whole["startIndex"]) == (3, 3, 1)
    ada, *_, dora = whole["Resources"]
    assert ada | {"id": "", "groups": []} == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ATTRIBUTES],
        "id": "",
        "userName": "ada@acme.com",
        "displayName": "Ada",
        "active": True,
        "emails": [{"primary": True, "value": "ada@acme.com"}],
        "groups": [],
        ATTRIBUTES: {"region": ["apac"]},
    }
    assert [set(group) for group in ada["groups"]] == [{"display", "value"}]
    assert ATTRIBUTES not in dora
    assert json.loads(exported(capsys, "users", "--format", "json")) == whole["Resources"]


@pytest.mark.usefixtures("project")
def test_groups_name_their_members_by_id(capsys: Output) -> None:
    people = {row["userName"]: row["id"] for row in json.loads(exported(capsys, "users", "--format", "json"))}
    (group,) = json.loads(exported(capsys, "groups", "--format", "json"))
    assert group["members"] == [
        {"display": email, "value": people[email]} for email in ("ada@acme.com", "bob@acme.com")
    ]
    assert json.loads(exported(capsys, "groups"))["Resources"] == [group]
    (row,) = csv.DictReader(io.StringIO(exported(capsys, "groups", "--format", "csv")))
    assert (row["id"], row["displayName"]) == (group["id"], "Finance")
    assert json.loads(row["members"]) == [people["ada@acme.com"], people["bob@acme.com"]]


def test_a_table_has_five_columns_and_runs_nothing(project: Project, capsys: Output) -> None:
    formula = '=HYPERLINK("https://evil.example","Ada")'
    change_live(project, ada={"name": formula}, bob={"active": False})
    text = exported(capsys, "users", "--format", "csv")
    ada, bob, _ = csv.DictReader(io.StringIO(text))
    assert list(ada) == ["id", "userName", "displayName", "active", "email"]
    assert ada["displayName"] == f"'{formula}"
    assert undone(ada["displayName"]) == formula
    assert (bob["active"], bob["email"]) == ("False", "bob@acme.com")


def test_a_file_is_whole_and_for_its_owner(project: Project, capsys: Output) -> None:
    shown = exported(capsys, "users", "--format", "csv")
    assert exported(capsys, "users", "--format", "csv", "--out", "people.csv") == ""
    path = project.root / "people.csv"
    assert path.read_text("utf-8") == shown
    assert path.stat().st_mode & 0o777 == 0o600
    assert cli.run(["export", "users", "--out", str(project.target / "all.yaml")]) == ExitCode.USAGE
    assert "would be read as desired state" in capsys.readouterr().err


def test_members_of_no_user_list_are_counted(project: Project, capsys: Output) -> None:
    guest = {"guest@x.co": {"name": "Guest", "external_id": "V-1", "entity": "shop"}}
    project.seed({**LIVE, "embed_users": guest, "groups": {"Guests": ["guest@x.co"]}})
    assert cli.run(["export", "groups"]) == 0
    assert capsys.readouterr().err == "note: not named, since no list of users has them: 1 member\n"


def test_a_terminal_is_not_written_to_by_names(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    change_live(project, ada={"name": "\x1b[2J"})
    monkeypatch.setattr(sys, "stdout", screen := Terminal())
    assert cli.run(["export", "users", "--format", "csv"]) == 0
    assert '"\\x1b[2J"' in screen.getvalue()


def test_what_only_the_system_sets_is_left_out(project: Project, capsys: Output) -> None:
    project.seed({**LIVE, "switches": {"requests_per_minute": 0, "builtins": "booleans"}})
    assert cli.run(["get", "user", "ada@acme.com", "--attributes"]) == 0
    assert "omni_" in capsys.readouterr().out
    assert "omni_" not in exported(capsys, "users")

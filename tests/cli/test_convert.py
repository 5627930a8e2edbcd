"""`reconciler convert`: lists of other tools as YAML, for good."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import Project
from screen import Output

from reconciler import cli
from reconciler.desired.format import format_text
from reconciler.errors import ExitCode

OLD = Path(__file__).parents[1] / "old_exports"
SEED: dict[str, Any] = yaml.safe_load((OLD / "seed.yaml").read_text("utf-8"))
LIKE = ("--like", "omni-user-manager")
ROLES = {"column": "role", "map": {"admin": "BI Admins", "analyst": "Analysts"}}
HR = {"type": "csv", "path": "hr.csv", "login": "email", "fields": {"name": "name"}, "groups": [ROLES]}
FROM_USERS = "groups: {Analysts: {members: from_users}, BI Admins: {members: from_users}}\n"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """One target, whose system is what the recorded exports were taken from."""
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    project.seed(SEED)
    project.configure()
    return project


def converted(capsys: Output, *command: str) -> tuple[str, list[str]]:
    """The YAML, and what was said beside it."""
    assert cli.run(["convert", *command]) == 0
    said = capsys.readouterr()
    assert format_text(said.out, "x") == said.out
    return said.out, said.err.splitlines()


def refused(capsys: Output, *command: str, code: ExitCode = ExitCode.ERROR) -> list[str]:
    assert cli.run(["convert", *command]) == code
    said = capsys.readouterr()
    assert said.out == ""
    return said.err.splitlines()


def plan(capsys: Output) -> str:
    assert cli.run(["plan"]) == 0
    return capsys.readouterr().out


def planned(capsys: Output) -> object:
    """What a plan changes, wherever the files say it."""
    assert cli.run(["plan", "--format", "json"]) == 0
    changes = json.loads(capsys.readouterr().out)["changes"]
    assert changes
    return [{**change, "place": None} for change in changes]


def test_an_export_of_the_old_tool_becomes_yaml_that_changes_nothing(
    company: Project, capsys: Output
) -> None:
    text, said = converted(capsys, str(OLD / "users.json"), *LIKE)
    assert text == (
        "users:\n"
        "  ada@acme.com:\n"
        "    name: Ada Lovelace\n"
        "    active: true\n"
        "    groups: [Analysts, BI Admins]\n"
        "    attributes:\n"
        "      region: [emea, apac]\n"
        "      department: Data\n"
        "      level: '3'\n"
        "  bob@acme.com:\n"
        "    name: Bob, B.\n"
        "    active: false\n"
        "    groups: [Analysts]\n"
        "    attributes:\n"
        "      department: '0420'\n"
        "  eve@acme.com:\n"
        "    name: Eve\n"
        "    active: true\n"
        "    groups: []\n"
        "\n"
        "groups:\n"
        "  Analysts:\n"
        "    members: from_users\n"
        "  BI Admins:\n"
        "    members: from_users\n"
    )
    assert said == ["note: `omni_user_timezone` of 3 people is left out, since the system may set it itself"]
    company.write("people.yaml", text)
    assert "No changes" in plan(capsys)


def test_with_its_list_of_groups_the_groups_name_their_members(company: Project, capsys: Output) -> None:
    files = ("--groups-file", str(OLD / "groups.json"))
    text, _ = converted(capsys, str(OLD / "users.json"), *files, *LIKE)
    assert yaml.safe_load(text)["groups"] == {
        "Analysts": {"members": ["ada@acme.com", "bob@acme.com"]},
        "BI Admins": {"members": ["ada@acme.com"]},
        "Nobody": {"members": []},
    }
    company.write("people.yaml", text)
    assert "No changes" in plan(capsys)


def test_several_lists_become_one_file_and_a_person_in_two_is_one(company: Project, capsys: Output) -> None:
    company.write("a.csv", "userName,displayName\nada@acme.com,Ada\n")
    company.write("b.csv", "userName,active\nADA@acme.com,false\n")
    both = [str(company.target / name) for name in ("a.csv", "b.csv")]
    assert converted(capsys, *both, *LIKE)[0] == "users:\n  ada@acme.com:\n    name: Ada\n    active: false\n"
    company.write("b.csv", "userName,displayName\nada@acme.com,A\n")
    assert "`name` of user `ada@acme.com` is stated twice" in refused(capsys, *both, *LIKE)[0]


# Who leaves


def test_rows_that_delete_are_tombstones_and_empty_cells_clear(company: Project, capsys: Output) -> None:
    company.write("bulk.csv", "op,email,display_name,cc\nupsert,ada@acme.com,Ada,\ndelete,Eve@acme.com,,\n")
    text, _ = converted(capsys, str(company.target / "bulk.csv"), "--like", "omni-sdk")
    assert text == (
        "users:\n  ada@acme.com:\n    name: Ada\n    attributes:\n      cc: null\n"
        "  eve@acme.com:\n    state: absent\n"
    )


def test_a_list_of_ids_is_one_of_leavers_once_the_target_was_asked(company: Project, capsys: Output) -> None:
    ids = {row["userName"]: row["id"] for row in json.loads((OLD / "users.json").read_text())["Resources"]}
    path = company.target / "gone.json"
    path.write_text(json.dumps({"user_ids": [ids["eve@acme.com"], "nobody"]}))
    leavers = (str(path), *LIKE, "--as", "leavers")
    assert "convert --live FILE` asks whose they are" in "".join(refused(capsys, *leavers))
    assert refused(capsys, *leavers, "--live")[:2] == [
        f"{path}:1:1: this row names nobody but by the id `nobody`",
        "    hint: nobody who is live has this id: take it out",
    ]
    path.write_text(json.dumps([ids["eve@acme.com"]]))
    assert converted(capsys, *leavers, "--live") == ("users:\n  eve@acme.com:\n    state: absent\n", [])


def test_ids_of_members_and_of_groups_are_asked_for(company: Project, capsys: Output) -> None:
    people = json.loads((OLD / "users.json").read_text())["Resources"]
    ada, bob, _ = (person["id"] for person in people)
    company.write("users.csv", "id,userName\nx,eve@acme.com\n")
    company.write("groups.csv", f'name,members\nNobody,"[{ada}, x]"\nAnalysts,[{bob}]\n')
    lists = (str(company.target / "users.csv"), "--groups-file", str(company.target / "groups.csv"), *LIKE)
    assert "is no id of the list of people" in refused(capsys, *lists)[0]
    text, _ = converted(capsys, *lists, "--live")
    assert yaml.safe_load(text)["groups"] == {
        "Analysts": {"members": ["bob@acme.com"]},
        "Nobody": {"members": ["ada@acme.com", "eve@acme.com"]},
    }
    for person in people:
        person["groups"] = [{"value": group["value"]} for group in person["groups"]]
    company.write("users.json", json.dumps(people))
    listed = (str(company.target / "users.json"), *LIKE)
    assert "a group has no name (`display`) here" in refused(capsys, *listed)[0]
    assert yaml.safe_load(converted(capsys, *listed, "--live")[0])["users"]["ada@acme.com"]["groups"] == [
        "Analysts",
        "BI Admins",
    ]


# A list that `sources` names


def test_a_list_of_a_target_is_read_as_its_sources_say(company: Project, capsys: Output) -> None:
    company.configure(sources=[HR])
    company.write("groups.yaml", FROM_USERS)
    company.write("hr.csv", "email,name,role\nbob@acme.com,Robert,admin\nnew@acme.com,No,analyst\n")
    before = planned(capsys)
    text, said = converted(capsys, "desired-state/acme/hr.csv")
    # The groups stand in the files already.
    assert text == (
        "users:\n"
        "  bob@acme.com:\n"
        "    name: Robert\n"
        "    groups: [BI Admins]\n"
        "  new@acme.com:\n"
        "    name: 'No'\n"
        "    groups: [Analysts]\n"
    )
    assert said == []
    company.configure()
    company.write("people.yaml", text)
    assert planned(capsys) == before


def test_groups_of_which_the_list_says_nothing_stay_where_the_target_is_asked(
    company: Project, capsys: Output
) -> None:
    company.configure(sources=[{**HR, "groups": [{"column": "role", "map": {"boss": "Nobody"}}]}])
    company.write("groups.yaml", f"{FROM_USERS.strip()[:-1]}, Nobody: {{members: from_users}}}}\n")
    company.write("hr.csv", "email,name,role\nada@acme.com,Ada Lovelace,boss\neve@acme.com,Eve,\n")
    before = planned(capsys)
    text, said = converted(capsys, "desired-state/acme/hr.csv")
    assert yaml.safe_load(text)["users"]["ada@acme.com"]["groups"] == ["Nobody"]
    assert said == [
        (
            "note: of 1 person the list does not say whether they are in `Analysts`, `BI Admins`; "
            "in YAML their `groups` say that, too: --live writes those that they are in"
        )
    ]
    text, said = converted(capsys, "desired-state/acme/hr.csv", "--live")
    assert yaml.safe_load(text)["users"] == {
        "ada@acme.com": {"name": "Ada Lovelace", "groups": ["Analysts", "BI Admins", "Nobody"]},
        "eve@acme.com": {"name": "Eve"},
    }
    assert said == []
    company.configure()
    company.write("people.yaml", text)
    assert planned(capsys) == before


def test_who_stands_in_the_files_too_is_told(company: Project, capsys: Output) -> None:
    company.configure(sources=[HR])
    company.write("people.yaml", FROM_USERS + "users: {eve@acme.com: {state: absent}, ada@acme.com: {}}\n")
    company.write("hr.csv", "email,name,role\nada@acme.com,Ada,admin\nEve@acme.com,Eve,\n")
    text, said = converted(capsys, "desired-state/acme/hr.csv")
    assert "eve@acme.com" not in text
    file = "desired-state/acme/people.yaml"
    assert said == [
        f"note: user/ada@acme.com is declared at {file}:2:40, too: put both entries together",
        f"note: user/eve@acme.com is left out, since its tombstone at {file}:2:9 counts",
    ]


def test_a_bad_row_is_a_problem_even_where_a_plan_leaves_it_out(company: Project, capsys: Output) -> None:
    company.configure(sources=[{**HR, "bad_rows": "skip"}])
    company.write("hr.csv", "email,name,role\nada,Ada,admin\nbob@acme.com,Bob,[a\n")
    said = refused(capsys, "desired-state/acme/hr.csv")
    assert [line.partition(": ")[0] for line in said if not line.startswith(" ")][:2] == [
        "desired-state/acme/hr.csv:2:email",
        "desired-state/acme/hr.csv:3:role",
    ]


# Where it goes


def test_no_file_is_replaced_without_being_asked(company: Project, capsys: Output) -> None:
    path = company.target / "people.yaml"
    command = [str(OLD / "users.csv"), *LIKE, "--out", str(path)]
    assert cli.run(["convert", *command]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"wrote {path}: 3 users, 0 groups."
    before = path.read_text("utf-8")
    path.write_text("users: {}\n")
    assert "is there already" in refused(capsys, *command, code=ExitCode.USAGE)[0]
    assert path.read_text("utf-8") == "users: {}\n"
    assert cli.run(["convert", *command, "--overwrite"]) == 0
    assert path.read_text("utf-8") == before
    capsys.readouterr()
    assert cli.run(["fmt", "--check"]) == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["x.csv"], "no target's `sources` name x.csv"),
        (["x.csv", "--dir", "nowhere"], "no target's `sources` name x.csv"),
        (["x.csv", "--as", "leavers"], "--groups-file and --as need --like"),
        (["x.csv", "y.csv", *LIKE, "--groups-file", "g.csv"], "needs exactly one FILE"),
        (["x.csv", *LIKE, "--out", "x.txt"], "let it end in .yaml"),
    ],
)
@pytest.mark.usefixtures("company")
def test_what_cannot_be_meant_is_said(capsys: Output, command: list[str], said: str) -> None:
    assert said in refused(capsys, *command, code=ExitCode.USAGE)[0]


def test_of_several_targets_one_is_named(company: Project, capsys: Output) -> None:
    other = Project(company.root / "x", "beta")
    other.configure()
    (company.root / "x/desired-state/beta").rename(company.root / "desired-state/beta")
    command = [str(OLD / "users.csv"), *LIKE, "--live"]
    assert "name one with --target: acme, beta" in refused(capsys, *command, code=ExitCode.USAGE)[0]
    assert converted(capsys, *command, "--target", "acme")[0].startswith("users:\n")
    sources = [{**HR, "path": "../shared/hr.csv"}]
    (company.root / "desired-state/shared").mkdir()
    (company.root / "desired-state/shared/hr.csv").write_text("email,name,role\n")
    company.configure(sources=sources)
    target = company.root / "desired-state/beta/target.yaml"
    target.write_text(json.dumps({**json.loads(target.read_text()), "sources": sources}))
    path = "desired-state/shared/hr.csv"
    assert "these do: acme, beta; see --target" in refused(capsys, path, code=ExitCode.USAGE)[0]
    text, said = converted(capsys, path, "--target", "acme")
    assert yaml.safe_load(text) == yaml.safe_load(FROM_USERS)
    assert said == []


def test_a_list_that_is_not_there_or_says_nothing(company: Project, capsys: Output) -> None:
    assert "cannot be read" in refused(capsys, "none.csv", *LIKE)[0]
    assert "no mapping is called `omni-um`" in refused(capsys, "none.csv", "--like", "omni-um")[0]
    company.write("hr.csv", "userName,displayName\n")
    assert cli.run(["convert", str(company.target / "hr.csv"), *LIKE]) == 0
    assert capsys.readouterr().err == "note: the lists say nothing, so there is nothing to write\n"

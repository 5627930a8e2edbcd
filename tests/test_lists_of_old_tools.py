"""The lists of the tools that people come from: read as they are, without the faults of those tools."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from listing import line, problems_of
from project import Project
from screen import Output
from worlds import session

from reconciler import cli, workflow
from reconciler.errors import ExitCode
from reconciler.plan import Plan
from reconciler.sandbox.omni.store import Store
from reconciler.target.settings import load_targets

OLD = Path(__file__).parent / "old_exports"
SEED: dict[str, Any] = yaml.safe_load((OLD / "seed.yaml").read_text("utf-8"))
MANAGER, SDK = "omni-user-manager", "omni-sdk"
FROM_USERS = "groups: {Analysts: {members: from_users}, BI Admins: {members: from_users}}\n"
README = """\
id,userName,displayName,active,emails,userAttributes
user-id,user@example.com,User Name,true,{"primary": true, "value": "user@example.com"},{"region": ["a", "b"]}
"""


class Company:
    """One target with one source, and what is live: that of the recorded exports."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        self.live: dict[str, Any] = json.loads(json.dumps(SEED))

    def put(self, name: str, text: str) -> None:
        self.project.write(name, text)

    def export(self, name: str) -> None:
        self.put(name, (OLD / name).read_text("utf-8"))

    def plan(self, like: str = MANAGER, type_: str = "csv", **source: object) -> Plan:
        self.project.seed(self.live)
        path = source.pop("path", f"users.{type_}")
        settings = source.pop("settings", {})
        assert isinstance(settings, dict)
        self.project.configure(sources=[{"type": type_, "path": path, "like": like, **source}], **settings)
        (target,) = load_targets(self.project.root / "desired-state")
        return workflow.plan(target, session(self.store(), target)).plan

    def store(self) -> Store:
        return Store.from_seed(self.live)

    def problems(self, *like: str, **source: object) -> list[str]:
        return problems_of(lambda: self.plan(*like, **source))


def said(plan: Plan) -> list[str]:
    return [
        f"{change.address} {line(field)}"
        for change in plan.changes
        for field in getattr(change, "fields", ())
    ]


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.chdir(tmp_path)
    return Company(tmp_path)


# Exports of the old tool, as it wrote them


def test_its_export_of_users_as_json_changes_nothing(company: Company) -> None:
    company.export("users.json")
    company.put("groups.yaml", FROM_USERS)
    plan = company.plan(type_="json")
    assert plan.changes == ()
    # The ids are those that are live.
    assert [note.message for note in plan.notes if note.code != "caller"] == [
        (
            "this list decides the groups that its rows name, and no other (Analysts, BI Admins): "
            "in a group that no row names any more, people stay"
        ),
        "lists state `omni_user_timezone` of 3 people, which the system sets itself: left alone",
    ]


def test_its_exports_of_users_and_of_groups_change_nothing(company: Company) -> None:
    company.export("users.json")
    company.export("groups.json")
    plan = company.plan(type_="json", groups_file="groups.json")
    assert plan.changes == ()
    assert plan.census.groups == 3


def test_its_export_of_users_as_csv_changes_nothing(company: Company) -> None:
    company.export("users.csv")
    plan = company.plan()
    assert plan.changes == ()
    assert plan.census.users == 3


def test_as_a_bare_array_too(company: Company) -> None:
    company.put("users.json", json.dumps(json.loads((OLD / "users.json").read_text())["Resources"]))
    company.put("groups.yaml", FROM_USERS)
    assert company.plan(type_="json").changes == ()


def test_an_id_that_differs_from_the_live_one_is_a_warning(company: Company) -> None:
    company.put("users.csv", "id,userName,displayName\nx,ada@acme.com,Ada Lovelace\n")
    (note,) = [note for note in company.plan().notes if note.code == "id"]
    assert note.warning
    assert str(note.place) == "desired-state/acme/users.csv:2:userName"
    assert "user/ada@acme.com" in note.message


def test_the_columns_are_those_of_its_code_and_of_its_readme(company: Company) -> None:
    attributes = '"{""department"": ""Ops"", ""omni_user_timezone"": null}"'
    for header in (
        "id,userName,displayName,active,email,userAttributes",
        "id,userName,name,active,emails,userAttributes",
    ):
        company.put("users.csv", f"{header}\nx,eve@acme.com,Evelyn,TRUE,eve@acme.com,{attributes}\n")
        assert said(company.plan()) == [
            "user/eve@acme.com name: Eve -> Evelyn",
            "user/eve@acme.com attributes.department: None -> Ops",
        ]
    company.put("users.csv", "userName,displayNme\neve@acme.com,E\n")
    assert company.problems() == [
        "users.csv:1:displayNme: the column `displayNme` is not known (did you mean `displayName`?)"
    ]


def test_the_sample_of_its_readme_fails_at_its_line_and_says_how_to_mend_it(company: Company) -> None:
    company.put("users.csv", README)
    (problem,) = company.problems()
    assert problem.startswith(
        "users.csv:2:1: this row has 8 cells, and the header 6 (JSON in a cell stands in quotes"
    )


def test_members_of_groups_are_ids_of_the_list_or_addresses(company: Company) -> None:
    company.put("users.csv", "id,userName\nu1,ada@acme.com\nu2,eve@acme.com\nu2,bob@acme.com\n")
    rows = [("g1", "Nobody", '["u1", "bob@acme.com"]'), ("g2", "Analysts", "[u1]"), ("g3", "BI Admins", "[]")]
    company.put("groups.csv", table(("id", "name", "members"), *rows))
    assert said(company.plan(groups_file="groups.csv")) == [
        "group/nobody members.ada@acme.com: None -> True",
        "group/nobody members.bob@acme.com: None -> True",
        "group/analysts members.bob@acme.com: True -> None",
        "group/bi admins members.ada@acme.com: True -> None",
    ]
    company.put("groups.csv", table(("id", "name", "members"), ("g1", "Nobody", "[u7, u2]")))
    hint = "(ids are the system's own: `reconciler convert --live FILE` asks whose they are)"
    assert company.problems(groups_file="groups.csv") == [
        f"groups.csv:2:members: the member `u2` is the id of several people {hint}",
        f"groups.csv:2:members: the member `u7` is no id of the list of people {hint}",
    ]


def test_a_list_of_people_that_cannot_be_read_is_told_once(company: Company) -> None:
    company.put("groups.csv", table(("id", "name", "members"), ("g1", "Nobody", "[u1]")))
    for people in ("id,userName,nme\nu1,ada@acme.com,A\n", "id,userName\nu1,ada@acme.com,A\n"):
        company.put("users.csv", people)
        assert [line.partition(":")[0] for line in company.problems(groups_file="groups.csv")] == [
            "users.csv"
        ]


def table(*rows: tuple[str, ...]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def test_a_group_is_named_twice_and_a_disagreement_is_a_problem(company: Company) -> None:
    people = json.loads((OLD / "users.json").read_text())
    people["Resources"][1]["groups"][0]["display"] = "Analysten"
    company.put("users.json", json.dumps(people, indent=2))
    company.put("groups.yaml", FROM_USERS)
    assert "the id `2u4jZme6` is of the group `Analysten` here, and of `Analysts` before" in "".join(
        company.problems(type_="json")
    )


# Our exports


EXPORTS = {
    "users.json": ("users", "scim-json"),
    "users.csv": ("users", "csv"),
    "groups.json": ("groups", "json"),
    "groups.csv": ("groups", "csv"),
}


def exported(company: Company, name: str, capsys: Output) -> str:
    company.project.seed(company.live)
    company.project.configure()
    what, shape = EXPORTS[name]
    assert cli.run(["export", what, "--format", shape]) == 0
    return capsys.readouterr().out


def test_the_old_tool_read_our_exports_as_they_are_meant(company: Company, capsys: Output) -> None:
    """Recorded: these very bytes were given to its readers, which said what stands beside them."""
    for name in EXPORTS:
        assert exported(company, name, capsys) == (OLD / "ours" / name).read_text("utf-8"), name
    read = json.loads((OLD / "ours" / "read_by_it.json").read_text("utf-8"))
    assert read["json"] == [
        {
            **{key: person[key] for key in ("userName", "displayName", "active")},
            "groups": sorted(group["value"] for group in person["groups"]),
            "attributes": {
                name: value
                for name, value in person["urn:omni:params:1.0:UserAttribute"].items()
                if value is not None
            },
        }
        for person in json.loads((OLD / "users.json").read_text("utf-8"))["Resources"]
    ]
    without = [{key: person[key] for key in person if key != "attributes"} for person in read["json"]]
    assert read["csv"] == without


@pytest.mark.parametrize(
    ("type_", "groups"), [("json", ""), ("json", "groups.json"), ("csv", ""), ("csv", "groups.csv")]
)
def test_our_exports_change_nothing(company: Company, capsys: Output, type_: str, groups: str) -> None:
    company.live["users"]["eve@acme.com"]["name"] = "=1+1"
    company.live["groups"]["'-x"] = ["eve@acme.com"]
    company.put(f"users.{type_}", exported(company, f"users.{type_}", capsys))
    beside: dict[str, object] = {}
    if groups:
        company.put(groups, exported(company, groups, capsys))
        beside["groups_file"] = groups
    elif type_ == "json":
        names = company.live["groups"]
        company.put(
            "groups.yaml", json.dumps({"groups": {name: {"members": "from_users"} for name in names}})
        )
    plan = company.plan(type_=type_, **beside)
    assert plan.changes == ()
    assert (plan.census.users, plan.census.groups) == (3, 0 if (type_, groups) == ("csv", "") else 4)


# Leavers


LEAVERS = {
    "csv": "id,userName,displayName,active,email\nx,eve@acme.com,Eve,True,eve@acme.com\n",
    "json": '["eve@acme.com"]',
}


@pytest.mark.parametrize("type_", ["csv", "json"])
def test_a_list_is_one_of_leavers_where_it_says_so(company: Company, type_: str) -> None:
    company.put(f"users.{type_}", LEAVERS[type_])
    plan = company.plan(MANAGER, type_, **{"as": "leavers"})
    assert said(plan) == ["user/eve@acme.com active: True -> False"]
    assert said(company.plan(MANAGER, type_)) == []
    gone = {"leavers": {"users": {"tombstone": "delete"}}}
    (change,) = company.plan(MANAGER, type_, **{"as": "leavers", "settings": gone}).changes
    assert type(change).__name__ == "Delete"


@pytest.mark.parametrize(
    ("type_", "text"),
    [("csv", "id\nabc\n"), ("json", '["abc"]'), ("json", '{"user_ids": ["abc"]}')],
)
def test_a_list_of_ids_alone_points_to_what_finds_who_they_are(
    company: Company, type_: str, text: str
) -> None:
    company.put(f"users.{type_}", text)
    (problem,) = company.problems(MANAGER, type_, **{"as": "leavers"})
    assert "by the id `abc`" in problem
    assert "convert --live" in problem


# The bulk script of the SDK


def test_its_rows_are_upserts_and_tombstones(company: Company) -> None:
    company.put(
        "users.csv",
        "op,email,display_name,region,department,level\n"
        'upsert,ada@acme.com,Ada Lovelace,"[emea, latam]",,007\n'
        "delete,eve@acme.com,,,,\n",
    )
    plan = company.plan(SDK)
    assert said(plan) == [
        "user/ada@acme.com attributes.department: Data -> None",
        "user/ada@acme.com attributes.level: 3 -> 7",
        "user/ada@acme.com attributes.region: ('apac', 'emea') -> ('emea', 'latam')",
        "user/eve@acme.com active: True -> False",
    ]
    # An empty cell clears, as its script did, and that counts among the removals.
    assert plan.counts.removals == 2


def test_anything_else_in_op_and_a_column_before_the_name_are_problems(company: Company) -> None:
    company.put("users.csv", "op,email,display_name\nupdate,ada@acme.com,Ada\n,bob@acme.com,B\n")
    assert company.problems(SDK) == [
        "users.csv:2:op: `op` must be `upsert` or `delete`, not the text `update`",
        "users.csv:3:op: `op` must be `upsert` or `delete`, not the text ``",
    ]
    company.put("users.csv", "op,email,region,display_name\nupsert,ada@acme.com,[a],Ada\n")
    assert company.problems(SDK) == [
        (
            "users.csv:1:region: the column `region` is not known "
            "(a column for an attribute stands behind `display_name`)"
        )
    ]


def test_own_attributes_that_are_true_or_false_are_no_problem(company: Company) -> None:
    company.live["switches"] = {**SEED["switches"], "builtins": "booleans"}
    people = json.loads((OLD / "users.json").read_text())
    for person in people["Resources"]:
        own = {"omni_is_org_admin": False, "omni_allows_personal_content": True}
        person["urn:omni:params:1.0:UserAttribute"] |= own
    company.put("users.json", json.dumps(people))
    company.put("groups.yaml", FROM_USERS)
    assert company.plan(type_="json").changes == ()


def test_own_attributes_of_the_system_follow_the_instance(company: Company) -> None:
    company.put(
        "users.csv", "op,email,display_name,omni_user_timezone\nupsert,eve@acme.com,Eve,Europe/Rome\n"
    )
    assert said(company.plan(SDK)) == []
    company.put("users.csv", "op,email,display_name\nupsert,eve@acme.com,Eve\n")
    company.put("people.yaml", "users: {eve@acme.com: {attributes: {omni_user_timezone: Europe/Rome}}}\n")
    assert "omni_user_timezone" in company.problems(SDK)[0]


# What the old tools got wrong


def test_a_list_without_groups_empties_no_group(company: Company) -> None:
    """`--mode groups` put an empty list of members into every group, also those that no file named."""
    company.export("users.csv")
    company.put("groups.csv", table(("id", "name", "members"), ("g", "Nobody", '["eve@acme.com"]')))
    assert said(company.plan(groups_file="groups.csv")) == ["group/nobody members.eve@acme.com: None -> True"]


def test_a_list_clears_no_attribute_that_it_does_not_name(company: Company) -> None:
    """`--mode attributes` sent what was listed in place of everything."""
    company.put(
        "users.csv",
        table(("userName", "userAttributes"), ("ada@acme.com", '{"level": 4}'), ("bob@acme.com", "")),
    )
    assert said(company.plan()) == ["user/ada@acme.com attributes.level: 3 -> 4"]


def test_another_name_in_a_list_is_a_change(company: Company) -> None:
    """`update-user-attributes` said that it wrote displayName and active, and wrote neither."""
    company.put("users.csv", "userName,displayName,active\neve@acme.com,Evelyn,False\n")
    assert said(company.plan()) == [
        "user/eve@acme.com name: Eve -> Evelyn",
        "user/eve@acme.com active: True -> False",
    ]


def test_a_list_that_cannot_be_read_is_a_failure(company: Company, capsys: Output) -> None:
    """What could not be read was a warning, and a failure ended with 0."""
    company.put("users.csv", table(("userName", "userAttributes"), ("ada@acme.com", "{not json}")))
    company.problems()
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.ERROR
    assert "users.csv:2:userAttributes" in capsys.readouterr().err


def test_what_is_null_and_not_there_is_no_change(company: Company) -> None:
    """A null for an attribute without a value was sent in every run."""
    company.put("users.csv", table(("userName", "userAttributes"), ("eve@acme.com", '{"department": null}')))
    assert said(company.plan()) == []

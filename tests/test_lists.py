"""Lists of other tools as desired state: from a file beside target.yaml to a plan, and what it applies."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from listing import line, problems_of
from project import KEY, Project
from repository import begin, commit, git
from screen import Output
from worlds import session

from reconciler import cli, workflow
from reconciler.errors import ExitCode
from reconciler.plan import Plan
from reconciler.planning.plan import Planned
from reconciler.sandbox.omni.store import Store
from reconciler.target.at_base import at_base
from reconciler.target.settings import Target, load_targets

GROUPS = """\
groups:
  BI Admins: {members: from_users}
  Analysts: {members: from_users}
  Everyone: {members: from_users}
"""
OUT = ["../..", "../nothing"]
ADMINS, EVERYONE = "group/bi admins members", "group/everyone members"
LIVE: dict[str, Any] = {
    "switches": {"requests_per_minute": 0},
    "attributes": {
        "region": {"multiple_values": True},
        "department": {},
        "cc": {},
        "level": {"type": "Number"},
    },
    "users": {
        "ada@acme.com": {"name": "Ada"},
        "bob@acme.com": {"name": "Bob"},
        "eve@acme.com": {"name": "Eve"},
    },
    "groups": {
        "BI Admins": ["bob@acme.com", "eve@acme.com"],
        "Analysts": ["bob@acme.com"],
        "Everyone": [],
        "Finance": ["ada@acme.com"],
    },
    "keys": {"sandbox": {}, KEY: {}},
}
ROLES = {"column": "role", "map": {"admin": "BI Admins", "analyst": "Analysts"}, "otherwise": "Everyone"}
HR = {
    "type": "csv",
    "path": "lists/hr.csv",
    "login": "email",
    "fields": {"name": "full_name", "attributes.department": "department", "attributes.cc": "cc"},
    "groups": [ROLES],
}


class Company:
    """One target, with the sources that a test gives it, and what is live."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        self.live = dict(LIVE)
        self.project.write("groups.yaml", GROUPS)

    def write(self, text: str | bytes, name: str = "hr.csv") -> None:
        path = self.project.target / "lists" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def target(self, *sources: Mapping[str, Any], **settings: object) -> Target:
        self.project.seed(self.live)
        self.project.configure(sources=list(sources), **settings)
        (target,) = load_targets(self.project.root / "desired-state")
        return target

    def planned(self, *sources: Mapping[str, Any], **settings: object) -> Planned:
        target = self.target(*sources, **settings)
        return workflow.plan(target, session(Store.from_seed(self.live), target))

    def plan(self, *sources: Mapping[str, Any], **settings: object) -> Plan:
        return self.planned(*sources, **settings).plan

    def changes(self, *sources: Mapping[str, Any], **settings: object) -> list[str]:
        return said(self.plan(*sources, **settings))

    def problems(self, *sources: Mapping[str, Any], **settings: object) -> list[str]:
        return problems_of(lambda: self.plan(*sources, **settings))


def said(plan: Plan) -> list[str]:
    """Every field that changes, as one line."""
    return [
        f"{type(change).__name__} {change.address} {line(field)}"
        for change in plan.changes
        for field in getattr(change, "fields", ())
    ]


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.chdir(tmp_path)
    return Company(tmp_path)


def test_a_table_of_people_is_desired_state(company: Company) -> None:
    company.write("email,full_name,department,cc,role\nada@acme.com,Ada L.,Data,0420,admin\n")
    plan = company.plan(HR)
    assert said(plan) == [
        "Update user/ada@acme.com name: Ada -> Ada L.",
        "Update user/ada@acme.com attributes.cc: None -> 0420",
        "Update user/ada@acme.com attributes.department: None -> Data",
        "Update group/bi admins members.ada@acme.com: None -> True",
    ]
    (person, _) = plan.changes
    assert str(person.place) == "desired-state/acme/lists/hr.csv:2:email"


def test_it_may_stand_beside_all_targets_and_no_further(company: Company) -> None:
    shared = company.project.target.parent / "shared"
    shared.mkdir()
    (shared / "hr.csv").write_text("email,full_name,department,cc,role\nada@acme.com,Ada L.,,,\n")
    (shared / "more.yaml").write_text("users: {bob@acme.com: {name: Robert}}\n")
    assert company.changes({**HR, "path": "../shared/hr.csv"}, files=["../shared"]) == [
        "Update user/ada@acme.com name: Ada -> Ada L.",
        "Update user/bob@acme.com name: Bob -> Robert",
    ]
    (company.project.root / "secret.csv").write_text("email\n")
    (shared / "linked.csv").symlink_to(company.project.root / "secret.csv")
    paths = ("../../secret.csv", "../shared/linked.csv", "../shared/none.csv")
    sources = [{**HR, "path": path} for path in paths]
    assert [line.partition(": ")[2].partition(" (")[0] for line in company.problems(*sources, files=OUT)] == [
        "`../../secret.csv` leads out of the folder that all targets are in",
        "`../shared/linked.csv` leads out of the folder that all targets are in",
        "`../..` leads out of the folder that all targets are in",
        "`../nothing` is not there",
        "this cannot be read: No such file or directory",
    ]


# The groups that a row decides


def test_a_mapping_decides_every_group_that_it_can_name_and_no_other(company: Company) -> None:
    company.project.write("more.yaml", "groups: {Finance: {members: from_users}}\n")
    company.write("email,full_name,department,cc,role\nbob@acme.com,,,,intern\nada@acme.com,,,,ANALYST\n")
    assert company.changes(HR) == [
        "Update group/analysts members.ada@acme.com: None -> True",
        "Update group/analysts members.bob@acme.com: True -> None",
        f"Update {EVERYONE}.bob@acme.com: None -> True",
        f"Update {ADMINS}.bob@acme.com: True -> None",
    ]


def test_the_last_admin_who_loses_the_role_loses_the_group(company: Company) -> None:
    company.live["groups"] = {**LIVE["groups"], "BI Admins": ["bob@acme.com"], "Analysts": []}
    company.write("email,full_name,department,cc,role\nbob@acme.com,,,,nobody\n")
    assert f"Update {ADMINS}.bob@acme.com: True -> None" in company.changes(HR)


def test_an_empty_cell_is_left_alone_or_says_no_role(company: Company) -> None:
    company.live["users"] = {**LIVE["users"], "bob@acme.com": {"name": "Bob", "attributes": {"cc": "1"}}}
    company.write("email,full_name,department,cc,role\nbob@acme.com,,,,\n")
    assert company.changes(HR) == []
    plan = company.plan({**HR, "empty": "clear"})
    assert said(plan) == [
        "Update user/bob@acme.com attributes.cc: 1 -> None",
        f"Update {EVERYONE}.bob@acme.com: None -> True",
        "Update group/analysts members.bob@acme.com: True -> None",
        f"Update {ADMINS}.bob@acme.com: True -> None",
    ]
    assert plan.counts.removals == 3


def test_a_bare_column_speaks_for_the_groups_that_are_said(company: Company) -> None:
    rule = {"column": "teams", "decides": ["BI Admins", "Analysts"]}
    company.write('email,teams\nada@acme.com,"[analysts, Finance]"\nbob@acme.com,Analysts\neve@acme.com,\n')
    source = {"type": "csv", "path": "lists/hr.csv", "login": "email", "groups": [rule]}
    assert company.changes(source) == [
        "Update group/analysts members.ada@acme.com: None -> True",
        f"Update {ADMINS}.bob@acme.com: True -> None",
    ]


def test_groups_that_nobody_declares_are_told_together_as_yaml(company: Company) -> None:
    (company.project.target / "groups.yaml").unlink()
    company.project.write("other.yaml", "groups: {Analysts: {}}\n")
    company.write("email,full_name,department,cc,role\nada@acme.com,,,,admin\n")
    assert company.problems(HR) == [
        (
            "target.yaml:1:142: 2 groups that this list can name are not declared in any file "
            '(declare them: groups: {"BI Admins": {members: from_users}, "Everyone": {members: from_users}})'
        ),
        (
            "target.yaml:1:142: the members of `Analysts` are not managed: "
            "desired-state/acme/other.yaml:1:10 states none (write `members: from_users` there)"
        ),
    ]


# Who stands in two places


def test_a_person_may_stand_in_a_list_and_in_yaml_while_no_field_is_stated_twice(company: Company) -> None:
    company.project.write("people.yaml", "users:\n  ada@acme.com:\n    attributes: {level: 3}\n")
    company.write("email,full_name,department,cc,role\nADA@acme.com,Ada L.,Data,,admin\n")
    plan = company.plan(HR)
    assert len(said(plan)) == 4
    company.project.write(
        "people.yaml",
        "users:\n  ada@acme.com:\n    name: A\n    groups: []\n    attributes: {department: X}\n",
    )
    assert company.problems(HR) == [
        (
            "lists/hr.csv:2:department: `department` of user `ADA@acme.com` is stated twice; "
            "first at desired-state/acme/people.yaml:5:18 (state it in one place)"
        ),
        (
            "lists/hr.csv:2:full_name: `name` of user `ADA@acme.com` is stated twice; "
            "first at desired-state/acme/people.yaml:3:5 (state it in one place)"
        ),
        (
            "lists/hr.csv:2:role: `groups` of user `ADA@acme.com` is stated twice; "
            "first at desired-state/acme/people.yaml:4:5 (state it in one place)"
        ),
    ]


def test_a_tombstone_in_yaml_counts_before_a_row(company: Company) -> None:
    company.project.write("people.yaml", "users: {eve@acme.com: {state: absent}, bob@acme.com: {}}\n")
    company.write("email,full_name,department,cc,role\neve@acme.com,Eve,Data,1,admin\n")
    plan = company.plan(HR)
    assert said(plan) == ["Update user/eve@acme.com active: True -> False"]
    (note,) = [note for note in plan.notes if note.code == "list"]
    assert note.warning
    assert str(note.place) == "desired-state/acme/lists/hr.csv:2:email"
    assert "its tombstone at desired-state/acme/people.yaml:1:9 counts" in note.message


def test_the_same_person_twice_in_a_list_is_a_problem_with_both_lines(company: Company) -> None:
    company.write("email,full_name,department,cc,role\nada@acme.com,A,,,\n\nAda@acme.com,B,,,\n")
    assert company.problems(HR) == [
        (
            "lists/hr.csv:4:email: `Ada@acme.com` stands in two rows; "
            "first at desired-state/acme/lists/hr.csv:2:email (keep one of them)"
        )
    ]


LEAVERS = {"type": "csv", "path": "lists/gone.csv", "login": "email", "as": "leavers"}


@pytest.mark.parametrize("bad_rows", ["stop", "skip"])
def test_who_stands_twice_among_the_leavers_leaves(company: Company, bad_rows: str) -> None:
    company.write("email,why\nbob@acme.com,moved\nBob@acme.com,\n", "gone.csv")
    plan = company.plan({**LEAVERS, "bad_rows": bad_rows})
    assert "Update user/bob@acme.com active: True -> False" in said(plan)
    assert not plan.left_out_rows


def test_who_is_deleted_twice_leaves_and_who_is_kept_as_well_is_a_problem(company: Company) -> None:
    source = {"type": "csv", "path": "lists/hr.csv", "login": "email", "op": "op", "fields": {"name": "name"}}
    company.write("op,email,name\ndelete,bob@acme.com,B\ndelete,bob@acme.com,\n")
    assert "Update user/bob@acme.com active: True -> False" in company.changes(source)
    for first, second in (("delete", "upsert"), ("upsert", "delete")):
        company.write(f"op,email,name\n{first},bob@acme.com,B\n{second},bob@acme.com,B\n")
        (problem,) = company.problems(source)
        assert problem.startswith("lists/hr.csv:3:email: `bob@acme.com` stands in two rows")


def test_two_lists_may_speak_of_one_person_and_of_different_groups(company: Company) -> None:
    company.write("email,full_name,department,cc,role\nada@acme.com,,Data,,\n")
    company.write("login;team\nada@acme.com;Analysts\n", "teams.csv")
    teams = {
        "type": "csv",
        "path": "lists/teams.csv",
        "login": "login",
        "groups": [{"column": "team", "decides": ["Analysts"]}],
    }
    plan = company.plan(HR, teams)
    assert said(plan) == [
        "Update user/ada@acme.com attributes.department: None -> Data",
        "Update group/analysts members.ada@acme.com: None -> True",
    ]


# Bad rows, and lists that were cut short


def test_every_problem_of_every_row_is_told_in_one_run(company: Company) -> None:
    company.project.write("people.yaml", "users: {x@y: {nam: X}}\n")
    company.write(
        "email,full_name,department,cc,role,active\n"
        "ada@acme.com,Ada,Data,[1,admin,yes\n"
        "not an address,Bob,,,,\n"
        ",Nobody,,,,\n"
        "eve@acme.com,Eve\n"
        'bob@acme.com,"Bob\n\nB.",,,,true\n'
    )
    source = {**HR, "fields": {**HR["fields"], "active": "active"}}
    lines = company.problems(source)
    assert [line.partition(" (")[0] for line in lines] == [
        "lists/hr.csv:2:active: `active` must be true or false, not the text `yes`",
        "lists/hr.csv:2:cc: the list is not closed",
        "lists/hr.csv:3:email: a name in `users` cannot be the text `not an address`",
        "lists/hr.csv:4:email: this row does not say who it is",
        "lists/hr.csv:5:1: this row has 2 cells, and the header 6",
        "lists/hr.csv:6:full_name: the text holds a line break",
        "people.yaml:1:15: unknown field `nam`",
    ]


def test_a_bad_row_can_be_left_out_and_then_nobody_counts_as_gone(company: Company) -> None:
    company.write(
        "email,full_name,department,cc,role\nada@acme.com,Ada L.,,,\nbob,B,,,\neve@acme.com,E,[,,\n"
    )
    never = {"users": {"never_listed": "deactivate"}}
    plan = company.plan({**HR, "bad_rows": "skip"}, leavers=never)
    assert said(plan) == ["Update user/ada@acme.com name: Ada -> Ada L."]
    skipped = [note for note in plan.notes if note.code == "skipped"]
    assert [str(note.place).rpartition("/")[2] for note in skipped] == [
        "hr.csv:3:email",
        "hr.csv:4:department",
        "None",
    ]
    assert skipped[1].message == 'this row is left out: the list is not closed (write a list as [a, "b, c"])'


def test_a_list_with_too_few_rows_plans_nothing(company: Company) -> None:
    company.write("email,full_name,department,cc,role\nada@acme.com,A,,,\n")
    assert company.problems({**HR, "min_rows": 2}) == [
        (
            "lists/hr.csv:1:1: the list has 1 rows, and `min_rows` says that it has 2 at least "
            "(was it cut short? else lower `min_rows`)"
        )
    ]


def test_a_row_that_was_left_out_is_exit_code_6_and_nothing_is_recorded(
    company: Company, capsys: Output
) -> None:
    company.write("email,full_name,department,cc,role\nada@acme.com,Ada L.,,,\nbob,B,,,\n")
    company.target({**HR, "bad_rows": "skip"})
    begin(company.project)
    for command in (["validate"], ["plan"], ["drift"], ["apply", "--auto-approve"]):
        assert cli.run(command) == ExitCode.PARTIAL, command
        said_of = capsys.readouterr()
        assert "hr.csv:3:email" in said_of.out + said_of.err
    assert company.project.live()["users"]["ada@acme.com"]["name"] == "Ada L."
    assert "refs/reconciler" not in git(company.project.root, "for-each-ref")


def test_a_refusal_of_a_guard_counts_before_a_row_that_was_left_out(company: Company) -> None:
    company.write("email\nada@acme.com\nbob@acme.com\nnobody\n", "gone.csv")
    company.target({**LEAVERS, "bad_rows": "skip"}, limits={"removals": {"share": 0.1, "floor": 1}})
    assert cli.run(["plan"]) == ExitCode.GUARD
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.GUARD


def test_a_list_is_no_stray_file_and_no_output_takes_its_place(company: Company, capsys: Output) -> None:
    shared = company.project.target.parent / "shared"
    shared.mkdir()
    (shared / "hr.csv").write_text("email,full_name,department,cc,role\nada@acme.com,Ada L.,,,\n")
    (shared / "more.yaml").write_text("users:\n    bob@acme.com:\n        name: Robert\n")
    (shared / "notes.txt").write_text("")
    company.target({**HR, "path": "../shared/hr.csv"}, files=["../shared"])
    assert cli.run(["validate"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "note: desired-state/shared/notes.txt: read by nothing: it is in no target's folder"
    ]
    assert cli.run(["plan", "--out", "desired-state/shared/hr.csv"]) == ExitCode.USAGE
    assert cli.run(["fmt"]) == 0
    assert "more.yaml: put in order" in capsys.readouterr().out


def test_a_list_that_a_change_proposes_is_part_of_its_plan(company: Company) -> None:
    company.target()
    begin(company.project)
    company.write("email,full_name,department,cc,role\nada@acme.com,Ada L.,,,\n")
    target = at_base(company.target(HR), "HEAD")
    assert target.pending == ()
    store = Store.from_seed(company.live)
    plan = workflow.plan(target, session(store, target), workflow.Options(base="HEAD")).plan
    assert said(plan) == ["Update user/ada@acme.com name: Ada -> Ada L."]
    assert set(plan.origins.values()) == {"change"}


def test_what_git_ignores_is_told_and_is_in_every_revision_as_it_is_today(company: Company) -> None:
    company.write("email,full_name,department,cc,role\nada@acme.com,Ada L.,,,\neve@acme.com,E,,,\n")
    target = company.target(HR, leavers={"users": {"left_files": "deactivate"}})
    begin(company.project)
    git(company.project.root, "rm", "--quiet", "--cached", "desired-state/acme/lists/hr.csv")
    (company.project.root / ".gitignore").write_text("lists/\n")
    commit(company.project.root)
    company.write("email,full_name,department,cc,role\nada@acme.com,Ada L.,,,\n")
    store = Store.from_seed(company.live)
    plan = workflow.plan(target, session(store, target), workflow.Options("HEAD", "HEAD")).plan
    assert said(plan) == ["Update user/ada@acme.com name: Ada -> Ada L."]
    assert set(plan.origins.values()) == {"backlog"}
    assert [note.message for note in plan.notes if note.code == "list"] == [
        (
            "whoever leaves a list that git ignores is not noticed; "
            "only such lists declare 1 of the people and groups"
        )
    ]


def test_a_row_that_no_system_of_the_kind_can_hold_is_left_out_too(company: Company) -> None:
    company.write(
        json.dumps([{"email": "ada@acme.com", "cc": True}, {"email": "eve@acme.com", "cc": 1}]), "hr.json"
    )
    source = {"type": "json", "path": "lists/hr.json", "login": "email", "fields": {"attributes.cc": "cc"}}
    assert company.problems(source)[0].startswith("lists/hr.json:1:cc: `cc` must be text")
    plan = company.plan({**source, "bad_rows": "skip"})
    assert said(plan) == ["Update user/eve@acme.com attributes.cc: None -> 1"]
    assert next(str(note.place) for note in plan.notes if note.code == "skipped").endswith("hr.json:1:cc")

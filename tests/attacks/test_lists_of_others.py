"""Somebody writes a list of another tool, or says how it is read, to learn or keep what is not theirs."""

import json
from pathlib import Path
from typing import Any

import pytest
from project import LIVE, Project
from repository import begin, commit

from reconciler import cli
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]
SECRET = "omni_osk_of-the-whole-tenant"
LISTED = {"type": "csv", "login": "email"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A target without people of its own, whose lists a story writes."""
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    project.seed(LIVE)
    return project


def sources(project: Project, *entries: dict[str, Any], **settings: object) -> None:
    project.configure(sources=list(entries), **settings)


# What is hidden


@pytest.mark.parametrize(
    "path", [".env", "../../desired-state/acme/.env", ".h/people.csv", "lnk.csv", "way/people.csv"]
)
@pytest.mark.parametrize("key", ["path", "groups_file", "files"])
def test_what_is_hidden_is_no_list_and_no_shared_file(
    project: Project, capsys: Output, path: str, key: str
) -> None:
    """Somebody names a file of secrets as a list, so that a plan or a problem shows what is in it."""
    project.write(".env", f"email,{SECRET}\n{SECRET},{SECRET}\n")
    (project.target / ".h").mkdir()
    project.write(".h/people.csv", f"email,{SECRET}\n{SECRET},{SECRET}\n")
    (project.target / "lnk.csv").symlink_to(".env")
    (project.target / "way").symlink_to(".h")
    project.write("people.csv", "email\nada@acme.com\n")
    if key == "files":
        project.configure(files=[path])
    else:
        sources(project, {**LISTED, "path": "people.csv"} | {key: path})
    begin(project)
    for command in (["validate"], ["plan"], ["plan", "--since", "HEAD"]):
        assert cli.run(command) == ExitCode.ERROR
        said = capsys.readouterr()
        assert f"`{path}` is hidden, and what is hidden is never read" in said.err
        assert SECRET not in said.out + said.err


def test_who_converts_a_file_of_their_own_may_keep_it_where_they_like(
    project: Project, capsys: Output
) -> None:
    """Nobody attacks here: what the command line names is the caller's choice."""
    (project.root / ".mine").mkdir()
    (project.root / ".mine" / "people.csv").write_text("userName,displayName\nada@acme.com,Ada\n")
    project.configure()
    assert cli.run(["convert", ".mine/people.csv", "--like", "omni-user-manager"]) == ExitCode.OK
    assert "ada@acme.com" in capsys.readouterr().out


# What a row does not say


OLD: dict[str, Any] = {"type": "json", "path": "users.json", "like": "omni-user-manager"}


@pytest.mark.parametrize("members", ["null", "0", "false", '""', "{}", "missing"])
@pytest.mark.parametrize("bad_rows", ["stop", "skip"])
def test_a_group_without_a_list_of_members_is_not_emptied(
    project: Project, capsys: Output, members: str, bad_rows: str
) -> None:
    """Somebody has a tool write nothing where the members were, so that everybody loses the group."""
    project.write("users.json", '[{"id": "u1", "userName": "ada@acme.com"}]')
    record = '{"displayName": "Finance"}'
    if members != "missing":
        record = f'{{"displayName": "Finance", "members": {members}}}'
    project.write("groups.json", f'[{record}, {{"displayName": "Other", "members": []}}]')
    sources(project, {**OLD, "groups_file": "groups.json", "bad_rows": bad_rows})
    assert cli.run(["plan"]) == (ExitCode.ERROR if bad_rows == "stop" else ExitCode.PARTIAL)
    said = capsys.readouterr()
    assert "members must be a list of texts" in said.out + said.err
    assert "group/Finance" not in said.out


def test_a_group_keeps_the_member_whose_own_row_was_left_out(project: Project, capsys: Output) -> None:
    """Somebody spoils the row of a colleague, who then is missing among the members as well."""
    project.write("users.json", '[{"id": "u1", "userName": "ada@acme.com"}, {"id": "u2", "userName": "bob"}]')
    project.write("groups.json", '[{"displayName": "Finance", "members": ["u1", "u2"]}]')
    sources(project, {**OLD, "groups_file": "groups.json", "bad_rows": "skip"})
    assert cli.run(["plan"]) == ExitCode.PARTIAL
    assert "group/Finance" not in capsys.readouterr().out


@pytest.mark.parametrize("attributes", ['"{\\"region\\": [\\"emea\\"]}"', '{"region": ["emea"]}'])
def test_attributes_that_are_text_are_read_as_json(project: Project, capsys: Output, attributes: str) -> None:
    """Somebody has the attributes written as text, as the tool does in a table, so that they are lost."""
    project.write("users.json", f'[{{"userName": "ada@acme.com", "userAttributes": {attributes}}}]')
    sources(project, OLD)
    assert cli.run(["plan"]) == ExitCode.OK
    assert "emea" in capsys.readouterr().out


@pytest.mark.parametrize("attributes", ['"[1]"', "[1]", "0", "false", '"x"', '"{\\"a\\": 1, \\"a\\": 2}"'])
def test_attributes_that_are_no_object_are_a_problem(
    project: Project, capsys: Output, attributes: str
) -> None:
    """Somebody writes something else where the attributes were, so that nothing is checked."""
    project.write("users.json", f'[{{"userName": "ada@acme.com", "userAttributes": {attributes}}}]')
    sources(project, OLD)
    assert cli.run(["plan"]) == ExitCode.ERROR
    assert "users.json:1:userAttributes: " in capsys.readouterr().err


def test_who_is_the_last_in_a_group_leaves_it_where_the_target_says_what_is_decided(
    project: Project, capsys: Output
) -> None:
    """Somebody is the last one of a group, which no row names any more once they are to leave it."""
    project.write("groups.yaml", "groups: {Finance: {members: from_users}}\n")
    rows = [{"userName": f"{name}@acme.com", "groups": []} for name in ("ada", "bob")]
    project.write("users.json", json.dumps(rows))
    sources(project, OLD)
    cli.run(["plan"])
    said = " ".join(capsys.readouterr().out.split())
    assert "this list decides the groups that its rows name, and no other (none)" in said
    assert "group/Finance" not in said
    sources(project, {**OLD, "groups": [{"column": "groups", "decides": ["Finance"]}]})
    cli.run(["plan"])
    assert "group/Finance" in capsys.readouterr().out


# Limits and settings of a list


HR: dict[str, Any] = {**LISTED, "path": "hr.csv", "fields": {"name": "name"}}


def test_a_pull_request_lowers_no_limit_of_a_list(project: Project, capsys: Output) -> None:
    """Somebody cuts a list short, and lowers `min_rows` in the same pull request."""
    project.write("hr.csv", "email,name\nada@acme.com,Ada\nbob@acme.com,Bob\n")
    sources(project, {**HR, "min_rows": 2})
    begin(project)
    project.write("hr.csv", "email,name\nada@acme.com,Ada\n")
    sources(project, {**HR, "path": "./hr.csv", "min_rows": 0})
    commit(project.root)
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.ERROR
    assert "`min_rows` says that it has 2 at least" in capsys.readouterr().err
    assert cli.run(["plan"]) == ExitCode.OK


def test_a_plan_names_what_a_pull_request_changes_about_a_list(project: Project, capsys: Output) -> None:
    """Somebody has another column say who a row is about, and hopes that nobody reads target.yaml."""
    project.write("hr.csv", "email,name,boss\nada@acme.com,Ada,dora@acme.com\n")
    project.write("other.csv", "email\nada@acme.com\n")
    sources(project, HR, {**LISTED, "path": "other.csv"})
    begin(project)
    project.write("more.csv", "email\nada@acme.com\n")
    sources(project, {**HR, "login": "boss", "bad_rows": "skip"}, {**LISTED, "path": "more.csv"}, files=["."])
    commit(project.root)
    assert cli.run(["plan", "--base", "HEAD~1", "--format", "json"]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "(files; hr.csv: bad_rows, login; more.csv: new; other.csv: gone)" in said
    assert cli.run(["plan", "--base", "HEAD", "--format", "json"]) == ExitCode.OK
    assert "reads other files and lists" not in capsys.readouterr().out


@pytest.mark.parametrize("row", ["nobody,N", ",N", "only", 'eve@acme.com,"a\nb"'])
def test_rows_that_are_left_out_make_no_list_long_enough(project: Project, capsys: Output, row: str) -> None:
    """Somebody cuts a list short, and fills it up with rows that are left out."""
    project.write("hr.csv", f"email,name\nada@acme.com,Ada\n{row}\n")
    sources(project, {**HR, "min_rows": 2, "bad_rows": "skip"})
    assert cli.run(["plan"]) == ExitCode.ERROR
    assert "the list has 1 rows, and `min_rows` says that it has 2" in capsys.readouterr().err
    sources(project, {**HR, "min_rows": 1, "bad_rows": "skip"})
    assert cli.run(["plan"]) == ExitCode.PARTIAL


# Lists that are to keep a job busy: each of these took minutes to hours


@pytest.mark.usefixtures("uncounted")
def test_a_key_that_is_written_twice_among_many_is_found_at_once(project: Project, capsys: Output) -> None:
    """Somebody writes an object with very many keys, of which the last is there twice."""
    keys = ", ".join(f'"k{n}": 0' for n in range(200_000))
    project.write("users.json", f'[{{{keys}, "k199999": 1}}]')
    sources(project, {"type": "json", "path": "users.json", "login": "email"})
    assert cli.run(["validate"]) == ExitCode.ERROR
    assert "`k199999` is written twice" in capsys.readouterr().err


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize(("names", "told"), [("c{n}", "2 cells"), ("same", "more than 10000 problems")])
def test_a_header_of_very_many_columns_is_read_at_once(
    project: Project, capsys: Output, names: str, told: str
) -> None:
    """Somebody writes a table that is all header."""
    header = ",".join(names.format(n=n) for n in range(200_000))
    project.write("hr.csv", f"email,{header}\nada@acme.com,\n")
    sources(project, {**LISTED, "path": "hr.csv"})
    assert cli.run(["validate"]) == ExitCode.ERROR
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("uncounted")
def test_a_large_row_that_many_problems_name_is_read_again_once(project: Project, capsys: Output) -> None:
    """Somebody writes one row with very many fields, and very many rows that say the same of this person."""
    fields = ", ".join(f'"k{n}": 0' for n in range(50_000))
    again = '{"email": "ada@acme.com"}'
    project.write("users.json", f'[{{{fields}, "email": "ada@acme.com"}},\n{", ".join([again] * 11_000)}]')
    sources(project, {"type": "json", "path": "users.json", "login": "email"})
    assert cli.run(["validate"]) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert "stands in two rows; first at desired-state/acme/users.json:1:email" in said
    assert "more than 10000 problems" in said

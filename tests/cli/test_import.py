"""The command `import`."""

import pytest
from project import LIVE, Project
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode


def test_an_import_into_an_empty_target_plans_to_no_changes(project: Project, capsys: Output) -> None:
    (project.target / "people.yaml").unlink()
    assert cli.run(["import", "acme", "--members", "from-users"]) == 0
    out = capsys.readouterr().out
    assert out == (
        "wrote desired-state/acme/imported.yaml\n"
        "3 users, 1 group. See that nothing would change: reconciler plan acme\n"
    )
    assert cli.run(["plan", "--detailed-exitcode"]) == 0
    assert "No changes." in capsys.readouterr().out
    assert cli.run(["import", "acme"]) == 0
    assert capsys.readouterr().out == "Nothing that is live and asked for is missing in the files.\n"


def test_an_import_beside_files_adds_new_files_and_touches_none(project: Project, capsys: Output) -> None:
    project.write("imported.yaml", "users: {}\n")
    before = {path: path.read_bytes() for path in project.target.iterdir()}
    assert cli.run(["import", "acme", "--only", "user/dora*"]) == 0
    assert "wrote desired-state/acme/imported-2.yaml\n1 user, 0 groups." in capsys.readouterr().out
    new = {path.name for path in project.target.iterdir()} - {path.name for path in before}
    assert new == {"imported-2.yaml"}
    assert {path: path.read_bytes() for path in before} == before
    assert (project.target / "imported-2.yaml").read_text() == (
        "users:\n  dora@acme.com:\n    name: Dora\n    active: true\n    groups: []\n"
    )


def test_an_import_names_the_schema_where_one_lies_above(project: Project) -> None:
    assert cli.run(["schema", "--write", "schemas"]) == 0
    (project.target / "people.yaml").unlink()
    assert cli.run(["import", "acme", "--layout", "by-user"]) == 0
    first = (project.target / "users" / "ada@acme.com.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../../schemas/desired-state.schema.json"
    assert cli.run(["validate"]) == 0


def test_what_an_import_cannot_say_is_told(project: Project, capsys: Output) -> None:
    (project.target / "people.yaml").unlink()
    project.seed({"users": {"ada@acme.com": {"name": "A\x1b[31mda"}}, "groups": {"x": [], "X": []}})
    assert cli.run(["import", "acme"]) == 0
    err = capsys.readouterr().err
    assert "note: group/x: left out, since 2 live groups have this name" in err
    assert "note: user/ada@acme.com: left out in part, since" in err
    assert "\x1b" not in err


def test_who_is_live_under_a_name_that_no_file_may_have_is_left_out(project: Project, capsys: Output) -> None:
    (project.target / "people.yaml").unlink()
    project.seed({"users": {"ada": {"name": "Ada"}, "bob@acme.com": {}}, "groups": {"x" * 65: ["ada"]}})
    assert cli.run(["import", "acme", "--members", "stated"]) == 0
    err = capsys.readouterr().err
    assert "note: user/ada: left out, since a name in `users` cannot be the text `ada`" in err
    assert f"note: group/{'x' * 65}: left out, since the name has 65 characters" in err
    assert "ada" not in (project.target / "imported.yaml").read_text()
    assert cli.run(["validate"]) == 0


def test_an_import_that_cannot_write_leaves_nothing_behind(project: Project, capsys: Output) -> None:
    (project.target / "people.yaml").unlink()
    (project.target / "users").write_text("in the way")
    assert cli.run(["import", "acme", "--layout", "by-user"]) == ExitCode.ERROR
    assert "it cannot be written" in capsys.readouterr().err
    assert sorted(path.name for path in project.target.iterdir()) == ["seed.yaml", "target.yaml", "users"]


# What an import does not do


@pytest.mark.parametrize("layout", ["one-file", "by-group", "by-user"])
@pytest.mark.parametrize("name", ["Target", "target", "TARGET", "\uff34arget", "Quirks", ".", "users"])
def test_an_import_writes_no_settings_whatever_a_group_is_called(
    project: Project, layout: str, name: str
) -> None:
    (project.target / "people.yaml").unlink()
    before = {path: path.read_bytes() for path in project.target.iterdir()}
    project.seed(LIVE | {"groups": {name: ["ada@acme.com"]}})
    before[project.target / "seed.yaml"] = (project.target / "seed.yaml").read_bytes()
    assert cli.run(["import", "acme", "--layout", layout, "--members", "stated"]) == 0
    assert {path: path.read_bytes() for path in before} == before
    assert [path.name for path in project.target.rglob("target.yaml")] == ["target.yaml"]
    assert not list(project.target.rglob("quirks.yaml"))
    assert cli.run(["plan", "--detailed-exitcode"]) == 0


def test_an_import_says_what_it_did_not_do_and_why(project: Project, capsys: Output) -> None:
    people = {"eve@vendor.example": {}, "ada@acme.com": {}, "dora@acme.com": {}, "finn@acme.com": {}}
    project.seed({"users": people, "groups": {"okta-all": [], "Finance": [], "Sales": []}})
    project.configure(
        ignore={"users": ["*@vendor.example"], "groups": ["okta-*"]}, manage={"users": ["name", "groups"]}
    )
    only = ["--only", "user/d*", "--only", "group/*", "--only", "user/zoe*"]
    assert cli.run(["import", "acme", *only]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "note: 1 user and 1 group are ignored by this target: left out",
        "note: 1 user and 1 group are in the files already: not touched",
        "note: 1 user and 0 groups are not asked for by --only: left out",
        "note: --only user/zoe* matches nothing that is live and not ignored",
        "note: `active`, `attributes`: left out, since this target does not manage them",
        "note: the members of the groups are left out: --members from-users or stated writes them",
    ]


@pytest.mark.usefixtures("project")
def test_an_import_of_nothing_does_not_say_that_all_is_there(capsys: Output) -> None:
    assert cli.run(["import", "acme", "--only", "user/zoe*"]) == 0
    out, err = capsys.readouterr()
    assert out == "Nothing that is live and asked for is missing in the files.\n"
    assert "note: --only user/zoe* matches nothing that is live" in err

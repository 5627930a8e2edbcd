"""import, schema and --since, through the command."""

import json
import subprocess
from pathlib import Path

import pytest
from project import LIVE, Project, a_project

from reconciler import cli
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@acme.com", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return a_project(tmp_path)


@pytest.fixture
def committed(project: Project) -> Project:
    """The project in a repository, applied, and committed."""
    (project.root / ".gitignore").write_text(".reconciler/\nacme.json\n")
    git("init", "--quiet", "--initial-branch=main")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    return project


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


def test_an_import_that_cannot_write_leaves_nothing_behind(project: Project, capsys: Output) -> None:
    (project.target / "people.yaml").unlink()
    (project.target / "users").write_text("in the way")
    assert cli.run(["import", "acme", "--layout", "by-user"]) == ExitCode.ERROR
    assert "it cannot be written" in capsys.readouterr().err
    assert sorted(path.name for path in project.target.iterdir()) == ["seed.yaml", "target.yaml", "users"]


def test_schemas_are_listed_printed_and_written(project: Project, capsys: Output) -> None:
    assert cli.run(["schema"]) == 0
    names = capsys.readouterr().out.split()
    assert {"target", "desired-state", "plan"} <= set(names)
    assert cli.run(["schema", "target"]) == 0
    assert json.loads(capsys.readouterr().out)["title"]
    assert cli.run(["schema", "--write", "a folder"]) == 0
    assert sorted(p.name for p in Path("a folder").iterdir()) == sorted(f"{n}.schema.json" for n in names)
    assert cli.run(["schema", "nope"]) == ExitCode.USAGE
    assert "there is no schema 'nope'; there are: desired-state" in capsys.readouterr().err
    assert project.target.exists()


def test_what_left_the_files_is_named_and_kept_until_the_target_says_otherwise(
    committed: Project, capsys: Output
) -> None:
    committed.write("people.yaml", "users:\n  ada@acme.com: {name: Ada}\n")
    assert cli.run(["plan", "--since", "HEAD"]) == 0
    out = capsys.readouterr().out
    assert "note: 1 left the files and are kept: group/finance" in out
    settings = json.loads((committed.target / "target.yaml").read_text())
    leavers = {"groups": {"left_files": "delete"}, "users": {"left_files": "delete"}}
    committed.write("target.yaml", json.dumps(settings | {"leavers": leavers}))
    assert cli.run(["plan", "--since", "HEAD", "--detailed-exitcode"]) == ExitCode.CHANGES
    assert "- group/Finance  delete" in capsys.readouterr().out
    assert cli.run(["plan", "--since", "nothing"]) == ExitCode.ERROR
    assert "--since nothing: there is no such revision here" in capsys.readouterr().err


def test_a_complete_apply_from_a_clean_checkout_is_the_next_since(committed: Project, capsys: Output) -> None:
    applied = "refs/reconciler/applied/acme"
    assert cli.run(["apply", "--auto-approve"]) == 0
    assert git("rev-parse", applied) == git("rev-parse", "HEAD")
    committed.write("people.yaml", "users:\n  ada@acme.com: {name: Ada Lovelace}\n")
    capsys.readouterr()
    assert cli.run(["apply", "--auto-approve"]) == 0
    said = capsys.readouterr().out
    assert "2 left the files and are kept: group/finance, user/cleo@acme.com" in said
    first = git("rev-parse", "HEAD")
    assert git("rev-parse", applied) == first
    git("commit", "--quiet", "--all", "--message", "two")
    assert cli.run(["apply", "--auto-approve"]) == 0
    assert git("rev-parse", applied) == git("rev-parse", "HEAD") != first


def test_an_applied_revision_that_cannot_be_read_from_here_is_left_out(
    committed: Project, capsys: Output
) -> None:
    git("checkout", "--quiet", "-b", "other")
    git("commit", "--quiet", "--allow-empty", "--message", "elsewhere")
    git("update-ref", "refs/reconciler/applied/acme", "HEAD")
    git("checkout", "--quiet", "main")
    committed.write("people.yaml", "users:\n  ada@acme.com: {name: Ada}\n")
    assert cli.run(["plan"]) == 0
    assert "left the files" not in capsys.readouterr().out


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
    monkeypatch.chdir(Path(__file__).parents[1])
    assert cli.run(["fmt", "--check", "demo"]) == 0


def test_doctor_says_how_things_are(project: Project, capsys: Output) -> None:
    assert cli.run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "credential" in out
    assert cli.run(["doctor", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == "acme"
    assert project.target.exists()


def test_a_probe_needs_permission_and_a_yes(project: Project, capsys: Output) -> None:
    before = project.live()
    assert cli.run(["doctor", "--probe"]) == ExitCode.GUARD
    assert "probe: true" in capsys.readouterr().err
    settings = json.loads((project.target / "target.yaml").read_text())
    project.write("target.yaml", json.dumps(settings | {"probe": True}))
    assert cli.run(["doctor", "--probe"]) == ExitCode.ERROR
    assert "there is no terminal to ask at" in capsys.readouterr().err
    assert not (project.target / "quirks.yaml").exists()
    assert cli.run(["doctor", "--probe", "--yes"]) == 0
    assert "quirks.yaml: from now on it is used. Commit it." in capsys.readouterr().out
    assert (project.target / "quirks.yaml").read_text().startswith("#")
    after = project.live()
    assert (after["users"], after["groups"]) == (before["users"], before["groups"])
    assert cli.run(["validate"]) == 0


@pytest.mark.parametrize("arguments", [["--yes"], ["--probe", "--format", "json"]])
def test_options_of_a_probe_that_do_not_fit(arguments: list[str], project: Project, capsys: Output) -> None:
    assert cli.run(["doctor", *arguments]) == ExitCode.USAGE
    assert "Error: --" in capsys.readouterr().err
    assert project.target.exists()


# Where it is run, and how a target is named


@pytest.mark.parametrize("name", ["acme", "acme/", "desired-state/acme", "./desired-state/acme/", "{}/acme"])
def test_a_target_may_be_given_as_the_path_of_its_folder(project: Project, capsys: Output, name: str) -> None:
    assert cli.run(["validate", name.format(project.target.parent)]) == 0
    assert capsys.readouterr().out.startswith("acme: ")


def test_a_target_given_twice_in_two_spellings_is_meant_once(project: Project, capsys: Output) -> None:
    assert cli.run(["validate", "acme", "desired-state/acme", str(project.target)]) == 0
    assert capsys.readouterr().out.count("Valid.") == 1


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "name", ["desired-state", "desired-state/acm", "..", "desired-state/acme/people.yaml", ""]
)
def test_a_path_that_is_no_target_is_named_with_those_there_are(capsys: Output, name: str) -> None:
    assert cli.run(["validate", name]) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert "there is no such target" in err
    assert "known are: acme" in err


@pytest.mark.parametrize(
    ("below", "way"), [("docs", "../desired-state"), ("desired-state", "."), ("desired-state/acme", "..")]
)
def test_from_a_subfolder_the_error_says_where_to_run(
    project: Project, capsys: Output, monkeypatch: pytest.MonkeyPatch, below: str, way: str
) -> None:
    (project.root / below).mkdir(exist_ok=True)
    monkeypatch.chdir(project.root / below)
    assert cli.run(["plan"]) == ExitCode.ERROR
    assert capsys.readouterr().err.startswith(
        "desired-state: there is no such folder here\n"
        f"    hint: run this in {project.root}, or give --dir {way}\n"
    )
    assert cli.run(["validate", "--dir", way]) == 0


def test_where_no_folder_above_has_it_the_error_names_the_option(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["plan"]) == ExitCode.ERROR
    assert "hint: run this where that folder is, or name it with --dir\n" in capsys.readouterr().err


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


# What an output may not overwrite


OUTS = [
    "desired-state/acme/people.yaml",
    "desired-state/acme/target.yaml",
    "desired-state/acme/new.yml",
    "desired-state/acme/seed.yaml",
    "desired-state/acme/sub/../quirks.yaml",
    "desired-state/other/target.yaml",
    "desired-state/acme/linked.txt",
    "through/people.yaml",
]


@pytest.mark.parametrize("command", ["plan", "drift"])
@pytest.mark.parametrize("out", OUTS)
def test_an_output_overwrites_no_desired_state(
    project: Project, capsys: Output, command: str, out: str
) -> None:
    Path("through").symlink_to("desired-state/acme")
    (project.target / "sub").mkdir()
    (project.target / "linked.txt").write_text("{}\n")
    (project.target / "linked.yaml").symlink_to("linked.txt")
    before = {path: path.read_bytes() for path in project.target.rglob("*.yaml")}
    assert cli.run([command, "acme", "--out", out]) == ExitCode.USAGE
    assert f"--out {out} would be read as desired state" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in project.target.rglob("*.yaml")} == before
    assert (project.target / "linked.txt").read_text() == "{}\n"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("out", ["plan.json", "plan.yaml", "desired-state/acme/plan.json"])
def test_an_output_elsewhere_is_written(out: str) -> None:
    assert cli.run(["plan", "--out", out]) == 0
    assert Path(out).exists()
    assert cli.run(["validate"]) == 0


# Omni's own attributes: the instance decides


OMNIS = LIVE | {"attributes": {"region": {"multiple_values": True}, "omni_floor": {}}}


def test_an_attribute_of_omni_that_the_instance_lets_be_written_is_written(project: Project) -> None:
    project.seed(OMNIS)
    project.write("people.yaml", "users:\n  ada@acme.com: {attributes: {omni_floor: '3'}}\n")
    project.configure(manage={"exact_attributes": ["omni_floor"]})
    assert cli.run(["apply", "--auto-approve"]) == 0
    assert project.live()["users"]["ada@acme.com"]["attributes"]["omni_floor"] == "3"
    assert cli.run(["plan", "--detailed-exitcode"]) == 0


def test_an_attribute_that_omni_sets_itself_is_refused_with_its_place(
    project: Project, capsys: Output
) -> None:
    project.seed(OMNIS)
    project.write(
        "people.yaml", "users:\n  ada@acme.com: {attributes: {omni_user_timezone: UTC, omni_flor: '3'}}\n"
    )
    assert cli.run(["validate"]) == 0
    assert cli.run(["plan"]) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert "people.yaml:2:31: `omni_user_timezone` is a system attribute, which Omni sets itself" in err
    assert "Omni has no user attribute `omni_flor`\n    hint: did you mean `omni_floor`?" in err


def test_an_exact_attribute_that_omni_sets_itself_is_refused(project: Project, capsys: Output) -> None:
    project.configure(manage={"exact_attributes": ["omni_user_timezone"]})
    assert cli.run(["plan"]) == ExitCode.ERROR
    said = "`exact_attributes` names `omni_user_timezone`, which the system sets itself"
    assert said in capsys.readouterr().err


# How a group's name is spelled


def test_the_capitals_of_a_group_are_corrected_and_nothing_else(project: Project, capsys: Output) -> None:
    project.seed(LIVE | {"groups": {"fiNance": ["ada@acme.com"]}})
    project.write("people.yaml", "groups:\n  Finance: {}\n")
    assert cli.run(["plan", "--out", "plan.json"]) == 0
    assert "~ name  fiNance -> Finance" in capsys.readouterr().out
    assert cli.run(["apply", "--plan", "plan.json"]) == 0
    assert project.live()["groups"] == {"Finance": ["ada@acme.com"]}
    assert cli.run(["plan", "--detailed-exitcode"]) == 0


def test_a_name_that_looks_the_same_is_no_change(project: Project) -> None:
    project.seed({"groups": {"Cafe\u0301": []}})
    project.write("people.yaml", "groups:\n  Caf\u00e9: {}\n")
    assert cli.run(["plan", "--detailed-exitcode"]) == 0


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

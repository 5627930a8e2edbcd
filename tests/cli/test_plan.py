"""The command `plan`."""

import json
from pathlib import Path

import pytest
from project import LIVE, Project
from repository import begin, git
from screen import PLAN, Output, files

from reconciler import cli
from reconciler.errors import ExitCode


def test_plan(project: Project, capsys: Output) -> None:
    assert cli.run(["plan"]) == 0
    assert capsys.readouterr() == (PLAN, "")
    assert not (project.root / "acme.json").exists()


def test_the_hint_names_another_folder(project: Project, capsys: Output) -> None:
    (project.root / "desired-state").rename(project.root / "people")
    assert cli.run(["plan", "--dir", "people", "--out", "p.json"]) == 0
    assert "reconciler apply acme --dir people --plan p.json\n" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_plan_as_json(capsys: Output) -> None:
    assert cli.run(["plan", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["counts"]["removals"] == 1
    assert err == ""


def test_a_group_of_five_thousand_is_planned_edge_by_edge(project: Project, capsys: Output) -> None:
    people = {f"p{n}@acme.com": {"name": "P"} for n in range(5000)}
    project.seed({**LIVE, "users": {**LIVE["users"], **people}, "groups": {"Finance": [*people]}})
    project.write(
        "people.yaml", "groups:\n  Finance:\n    members:\n" + "".join(f"    - {e}\n" for e in [*people][1:])
    )
    assert cli.run(["plan", "--format", "json"]) == 0
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert change["fields"] == [{"path": ["members", "p0@acme.com"], "before": True, "after": None}]


# Where a plan is saved


@pytest.mark.parametrize(
    ("path", "words"), [("/dev/null/p.json", "Not a directory"), (".", "Is a directory")]
)
@pytest.mark.usefixtures("project")
def test_a_plan_that_cannot_be_saved_says_so(capsys: Output, path: str, words: str) -> None:
    assert cli.run(["plan", "--out", path]) == 1
    assert capsys.readouterr().err.startswith(f"{path}: the plan cannot be saved: {words}\n")
    assert files() == ["desired-state"]


@pytest.mark.usefixtures("project")
def test_a_pipe_or_device_is_written_to_and_not_replaced() -> None:
    assert cli.run(["plan", "--out", "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.usefixtures("project")
def test_a_saved_plan_is_for_its_owner_alone_and_replaces_the_older_one_whole() -> None:
    Path("plan.json").write_text("old")
    assert cli.run(["plan", "--out", "plan.json"]) == 0
    assert Path("plan.json").stat().st_mode & 0o077 == 0
    assert files() == ["desired-state", "plan.json"]


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


def test_the_files_of_an_artifact_overwrite_none_either(project: Project, capsys: Output) -> None:
    (project.target / "plan.json").write_text("{}\n")
    (project.target / "linked.yaml").symlink_to("plan.json")
    arguments = ["github", "plan", "acme", "--pull", "1", "--out-dir", "desired-state/acme"]
    assert cli.run(arguments) == ExitCode.USAGE
    said = "--out-dir desired-state/acme/plan.json would be read as desired state"
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("out", ["plan.json", "plan.yaml", "desired-state/acme/plan.json"])
def test_an_output_elsewhere_is_written(out: str) -> None:
    assert cli.run(["plan", "--out", out]) == 0
    assert Path(out).exists()
    assert cli.run(["validate"]) == 0


# What was applied last


@pytest.fixture
def committed(project: Project) -> Project:
    """The project in a repository."""
    begin(project)
    return project


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
    assert git(committed.root, "rev-parse", applied) == git(committed.root, "rev-parse", "HEAD")
    committed.write("people.yaml", "users:\n  ada@acme.com: {name: Ada Lovelace}\n")
    capsys.readouterr()
    assert cli.run(["apply", "--auto-approve"]) == 0
    said = capsys.readouterr().out
    assert "2 left the files and are kept: group/finance, user/cleo@acme.com" in said
    first = git(committed.root, "rev-parse", "HEAD")
    assert git(committed.root, "rev-parse", applied) == first
    git(committed.root, "commit", "--quiet", "--all", "--message", "two")
    assert cli.run(["apply", "--auto-approve"]) == 0
    assert git(committed.root, "rev-parse", applied) == git(committed.root, "rev-parse", "HEAD") != first


def test_an_applied_revision_that_cannot_be_read_from_here_is_left_out(
    committed: Project, capsys: Output
) -> None:
    git(committed.root, "checkout", "--quiet", "-b", "other")
    git(committed.root, "commit", "--quiet", "--allow-empty", "--message", "elsewhere")
    git(committed.root, "update-ref", "refs/reconciler/applied/acme", "HEAD")
    git(committed.root, "checkout", "--quiet", "main")
    committed.write("people.yaml", "users:\n  ada@acme.com: {name: Ada}\n")
    assert cli.run(["plan"]) == 0
    assert "left the files" not in capsys.readouterr().out


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


@pytest.mark.parametrize("command", ["validate", "plan"])
@pytest.mark.parametrize("managed", [["groups", "attributes"], ["groups"]])
def test_a_bare_boolean_is_no_value_in_omni(
    project: Project, capsys: Output, command: str, managed: list[str]
) -> None:
    project.configure(manage={"users": managed})
    project.write("people.yaml", "users:\n  ada@acme.com: {attributes: {region: true}}\n")
    assert cli.run([command]) == 1
    said = "`region` must be text, a number or a list, not true"
    assert f"people.yaml:2:31: {said}\n" in capsys.readouterr().err

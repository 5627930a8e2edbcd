"""Which targets a command is about: how they are named, several at once, and the command `targets`."""

import json
from pathlib import Path

import pytest
from project import LEAVERS, MANY, Project, a_project
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.github.pulls import artifact_name
from reconciler.report import Report


def test_targets_make_a_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("eu/live", "us"):
        folder = tmp_path / "desired-state" / name
        folder.mkdir(parents=True)
        (folder / "target.yaml").write_text("kind: omni\nurl: https://acme.omniapp.co\nkeys: [{env: K}]\n")
    assert cli.run(["targets", "--json"]) == ExitCode.OK
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == [
        {
            "name": name,
            "kind": "omni",
            "url": "https://acme.omniapp.co",
            "folder": f"desired-state/{name}",
            "artifact": artifact_name(name),
        }
        for name in ("eu/live", "us")
    ]
    assert artifact_name("eu/live") == "reconciler-plan-eu%2Flive"


# How a target is named


@pytest.mark.usefixtures("project")
def test_a_target_may_be_named_twice_and_with_the_slash_of_a_completion(capsys: Output) -> None:
    assert cli.run(["validate", "acme/", "acme"]) == 0
    assert capsys.readouterr().out.count("acme") == 1


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


@pytest.mark.usefixtures("project")
def test_an_unknown_target_is_named_with_those_there_are(capsys: Output) -> None:
    assert cli.run(["plan", "acne"]) == 1
    assert capsys.readouterr().err.startswith(
        "desired-state/acne: there is no such target\n    hint: known are: acme\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [["plan", "--out", "x"], ["plan", "--allow-removals", "3"], ["apply", "--plan", "x"]],
)
def test_options_for_one_target_need_one(project: Project, arguments: list[str], capsys: Output) -> None:
    a_project(project.root, "other")
    assert cli.run(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err == (
        f"Error: {arguments[1]} needs exactly one target; name one of: acme, other (see: reconciler --help)\n"
    )


# Where it is run


def test_a_missing_or_empty_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["plan"]) == 1
    assert capsys.readouterr().err.startswith("desired-state: there is no such folder here\n")
    Path("desired-state").mkdir()
    assert cli.run(["plan"]) == 1
    assert capsys.readouterr().err.startswith("desired-state: no folder here holds a target.yaml\n")
    assert cli.run(["plan", "nobody"]) == 1


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


# Several targets


@pytest.mark.usefixtures("two")
def test_plans_of_several_targets_follow_each_other(capsys: Output) -> None:
    assert cli.run(["plan"]) == 0
    assert "come on top\n\nPlan for other" in capsys.readouterr().out
    assert cli.run(["plan", "--format", "json"]) == 0
    assert [plan["target"] for plan in json.loads(capsys.readouterr().out)] == ["acme", "other"]
    assert cli.run(["plan", "other", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == "other"


@pytest.mark.usefixtures("two")
def test_reports_of_several_targets_are_one_json_document(capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve", "--format", "json"]) == 0
    assert [report["target"] for report in json.loads(capsys.readouterr().out)] == ["acme", "other"]


def test_one_target_that_fails_does_not_stop_the_other_and_the_gravest_code_wins(
    two: Project, capsys: Output
) -> None:
    two.seed({"nonsense": 1})
    assert cli.run(["plan", "--detailed-exitcode", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    assert [plan["target"] for plan in json.loads(out)] == ["acme"]
    assert err.startswith("Error: other: ")
    assert cli.run(["plan", "acme", "--detailed-exitcode"]) == ExitCode.CHANGES
    two.seed(MANY)
    two.write("people.yaml", LEAVERS)
    assert cli.run(["plan", "--detailed-exitcode"]) == ExitCode.GUARD


@pytest.mark.usefixtures("two")
def test_an_interrupted_apply_does_not_go_on_with_the_next_target(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Report, "exit_code", property(lambda _: ExitCode.INTERRUPTED))
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.INTERRUPTED
    assert "other" not in capsys.readouterr().out

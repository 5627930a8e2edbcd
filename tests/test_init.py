"""A repository's beginning, and the workflows that are this project's own."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler import cli
from reconciler.desired.schema import texts
from reconciler.errors import ExitCode
from reconciler.planning.scope import Policy
from reconciler.starter.write import WORKFLOWS, artifact, workflow
from reconciler.target.settings import load_targets

TOP = Path(__file__).parents[1]
OURS = (
    "python -m pip install --require-hashes --requirement requirements.lock\n"
    "python -m pip install --no-deps --no-build-isolation ."
)
HASHES = "python -m pip install --require-hashes --requirement requirements.txt"
Output = pytest.CaptureFixture[str]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_this_project_runs_on_the_workflows_that_it_gives_away(name: str) -> None:
    assert (TOP / ".github" / "workflows" / f"{name}.yml").read_text("utf-8") == workflow(name, OURS)


@pytest.mark.parametrize("name", WORKFLOWS)
@given(st.text(st.characters(blacklist_categories=["C", "Z"], whitelist_characters=" \n")))
@example("pip install 'a: b' # c\nif true; then\n  echo {}\nfi")
def test_an_installation_of_any_kind_fits_in(name: str, text: str) -> None:
    install = "\n".join(line.rstrip() for line in f"- {text}".rstrip().split("\n"))
    jobs = yaml.safe_load(workflow(name, install))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"] if step.get("name") == "Install"]
    assert len(steps) == len(jobs)
    assert {step["run"] for step in steps} == {install + "\n"}


def test_the_job_with_the_key_executes_nothing_of_the_pull_request() -> None:
    jobs = yaml.safe_load(workflow("plan", "true"))["jobs"]
    keyed = {name for name, job in jobs.items() if "OMNI_API_KEY" in json.dumps(job)}
    assert keyed == {"plan"}
    # Only the first checkout, of the base branch, is there when something is installed.
    steps = jobs["plan"]["steps"]
    checkouts = [n for n, step in enumerate(steps) if step.get("uses", "").startswith("actions/checkout")]
    (install,) = [n for n, step in enumerate(steps) if step.get("name") == "Install"]
    assert "ref" not in steps[checkouts[0]]["with"]
    assert checkouts[0] < install < checkouts[1]
    assert steps[checkouts[1]]["with"]["path"] == "proposed"
    runs = [step["run"] for step in steps[checkouts[1] :] if "run" in step]
    assert runs == ['reconciler github plan "$TARGET" --out-dir "$RUNNER_TEMP/plan"']


def test_a_fork_meets_no_secret() -> None:
    text = yaml.safe_load(workflow("plan", "true"))
    jobs = text["jobs"]
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert own in jobs["targets"]["if"]
    assert jobs["plan"]["needs"] == "targets"
    validate = jobs["validate"]
    assert validate["if"] == "github.event_name == 'pull_request'"
    assert validate["permissions"] == {"contents": "read"}
    assert "secrets" not in json.dumps(validate)
    assert "environment" not in validate


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_job_asks_for_the_rights_that_it_needs_alone(name: str) -> None:
    text = yaml.safe_load(workflow(name, "true"))
    assert text["permissions"] == {}
    for job in text["jobs"].values():
        rights = {right for right, level in job["permissions"].items() if level == "write"}
        assert rights <= {"contents", "issues", "pull-requests"}
        assert "contents" not in rights or "refs/reconciler/applied" in workflow(name, "true")
        uses = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one) for one in uses)


@pytest.mark.parametrize("name", [*WORKFLOWS, "ci"])
def test_no_text_of_a_stranger_becomes_part_of_a_script(name: str) -> None:
    jobs = yaml.safe_load((TOP / ".github" / "workflows" / f"{name}.yml").read_text("utf-8"))["jobs"]
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert scripts
    assert all("${{" not in script for script in scripts)


def test_a_repository_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitignore").write_text("node_modules")
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "drift.yml").write_text("mine")
    arguments = ["init", "live", "--url", "https://acme.omniapp.co/api/v1/", "--install", HASHES]
    assert cli.run(arguments) == ExitCode.OK
    said = capsys.readouterr().out
    assert "wrote .github/workflows/plan.yml\n" in said
    assert "kept .github/workflows/drift.yml\n" in said
    assert "added to .gitignore\n" in said
    assert "reconciler import live" in said
    assert (tmp_path / ".github/workflows/drift.yml").read_text() == "mine"
    assert (tmp_path / ".gitignore").read_text() == "node_modules\n.env\n.reconciler/\n"
    assert cli.run(["validate"]) == ExitCode.OK
    assert capsys.readouterr().out == "live: 0 users, 0 groups. Valid.\n"
    assert cli.run(["targets"]) == ExitCode.OK
    assert capsys.readouterr().out == "live  omni  https://acme.omniapp.co\n"
    assert cli.run(arguments) == ExitCode.OK
    assert {line.split()[0] for line in capsys.readouterr().out.split("\n\n")[0].splitlines()} == {"kept"}
    for path in (tmp_path / "desired-state" / "live").iterdir():
        schema = path.parent / path.read_text().splitlines()[0].partition("=")[2]
        assert schema.resolve().is_file(), path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--url https://acme.omniapp.co"),
        (["--url", "acme"], "acme"),
        (["../up", "--url", "https://acme.omniapp.co"], "a target's name is a folder's"),
    ],
)
def test_what_init_cannot_use(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["init", "--install", HASHES, *arguments]) == ExitCode.USAGE
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_first_target_names_every_limit_with_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["init", "--install", HASHES, "--url", "https://acme.omniapp.co"]) == ExitCode.OK
    (target,) = load_targets(Path("desired-state"))
    limits = json.loads(texts()["target"])["properties"]["limits"]["properties"]
    assert target.settings["limits"] == {
        kind: {name: one["default"] for name, one in said["properties"].items()}
        for kind, said in limits.items()
    }
    assert (target.policy.limits, target.policy.creations) == (Policy().limits, Policy().creations)


def test_a_disk_that_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schemas").write_text("a file")
    assert cli.run(["init", "--install", HASHES, "--url", "https://acme.omniapp.co"]) == ExitCode.ERROR
    assert "cannot be written" in capsys.readouterr().err


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
            "artifact": artifact(name),
        }
        for name in ("eu/live", "us")
    ]
    assert artifact("eu/live") == "reconciler-plan-eu%2Flive"


def test_problems_become_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "desired-state" / "a"
    folder.mkdir(parents=True)
    (folder / "target.yaml").write_text("kind: omni\nurl: https://acme.omniapp.co\nkeys: [{env: K}]\n")
    (folder / "x,y.yaml").write_text("users:\n  ada@acme.com: {nam: '100%'}\n")
    assert cli.run(["validate", "--format", "github"]) == ExitCode.ERROR
    said = capsys.readouterr()
    assert said.err == ""
    where = "file=desired-state/a/x%2Cy.yaml,line=2,col=18"
    assert said.out == f"::error {where}::unknown field `nam`%0Ahint: did you mean `name`?\n"
    (folder / "x,y.yaml").write_text("users: {}\n")
    assert cli.run(["validate", "--format", "github"]) == ExitCode.OK
    assert capsys.readouterr().out == "a: 0 users, 0 groups. Valid.\n"
    (folder / "target.yaml").write_text("kind: omni\n")
    assert cli.run(["validate", "--format", "github"]) == ExitCode.ERROR
    assert "::error file=desired-state/a/target.yaml,line=1,col=1::" in capsys.readouterr().out

"""The workflows that `init` writes, and that are this project's own."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from starting import a_wish

from reconciler.starter.write import WORKFLOWS, workflow

TOP = Path(__file__).parents[1]
OURS = (
    "python -m pip install --require-hashes --requirement requirements.lock\n"
    "python -m pip install --no-deps --no-build-isolation ."
)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_this_project_runs_on_the_workflows_that_it_gives_away(name: str) -> None:
    assert (TOP / ".github" / "workflows" / f"{name}.yml").read_text("utf-8") == workflow(
        name, a_wish(OURS, "demo")
    )


@pytest.mark.parametrize("name", WORKFLOWS)
@given(st.text(st.characters(blacklist_categories=["C", "Z"], whitelist_characters=" \n")))
@example("pip install 'a: b' # c\nif true; then\n  echo {}\nfi")
def test_an_installation_of_any_kind_fits_in(name: str, text: str) -> None:
    install = "\n".join(line.rstrip() for line in f"- {text}".rstrip().split("\n"))
    jobs = yaml.safe_load(workflow(name, a_wish(install)))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"] if step.get("name") == "Install"]
    assert len(steps) == len(jobs)
    assert {step["run"] for step in steps} == {install + "\n"}


def test_the_job_with_the_key_executes_nothing_of_the_pull_request() -> None:
    jobs = yaml.safe_load(workflow("plan", a_wish()))["jobs"]
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
    text = yaml.safe_load(workflow("plan", a_wish()))
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
    text = yaml.safe_load(workflow(name, a_wish()))
    assert text["permissions"] == {}
    for job in text["jobs"].values():
        rights = {right for right, level in job["permissions"].items() if level == "write"}
        assert rights <= {"contents", "issues", "pull-requests"}
        assert "contents" not in rights or "refs/reconciler/applied" in workflow(name, a_wish())
        uses = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one) for one in uses)


@pytest.mark.parametrize("name", [*WORKFLOWS, "ci"])
def test_no_text_of_a_stranger_becomes_part_of_a_script(name: str) -> None:
    jobs = yaml.safe_load((TOP / ".github" / "workflows" / f"{name}.yml").read_text("utf-8"))["jobs"]
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert scripts
    assert all("${{" not in script for script in scripts)

"""Somebody writes a workflow command where it will be printed in a job of GitHub's, for the runner to obey.

Every command of ours is a process of its own here, with two pipes, as in a step of a job. What it prints is
given to a model of the runner, in many orders of the lines of both pipes, and once as if no line stopped it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from project import LIVE, Project, Served, a_project, served
from repository import begin
from runner import Obeyed, obeyed, unstopped

import reconciler
from reconciler.errors import ExitCode
from reconciler.transport.messages import Request, Response

ROOT = Path(reconciler.__file__).parents[1]
ANYWHERE = "##[error]owned"
BEGINNING = "::set-env name=PATH::owned"
LINES = f"no\n{BEGINNING}\r\u3000::add-mask::a\r\n{ANYWHERE}"


@dataclass(frozen=True)
class Step:
    """What one command of a step left."""

    code: int
    out: str
    err: str

    @property
    def obeyed(self) -> list[Obeyed]:
        """What the runner obeys, which must not depend on the order in which it reads."""
        first, *others = obeyed(self.out, self.err)
        assert all(other == first for other in others)
        assert unstopped(self.out, self.err) == first
        return first


def step(project: Project, *arguments: str, **environ: str) -> Step:
    """Run the command as a job does."""
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(project.root)}
    given = project.environ if isinstance(project, Served) else {}
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=project.root,
        env={**plain, "PYTHONDONTWRITEBYTECODE": "1", "GITHUB_ACTIONS": "true", **given, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Step(done.returncode, done.stdout.decode(), done.stderr.decode())


def nothing_obeyed(done: Step, *codes: int) -> None:
    """Also see that the command did what it was to, and that the attack got as far as its output."""
    assert done.obeyed == []
    assert done.code in codes, (done.out, done.err)
    assert "owned" in done.out + done.err


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return a_project(tmp_path)


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Served]:
    people = {
        "ada@acme.com": {"name": ANYWHERE, "attributes": {"region": [ANYWHERE, "##", "["]}},
        "bob@acme.com": {"name": BEGINNING},
        "dora@acme.com": {"name": "Dora"},
    }
    groups = {ANYWHERE: ["ada@acme.com"], BEGINNING: ["bob@acme.com"], "Finance": ["bob@acme.com"]}
    with served(tmp_path, {**LIVE, "users": people, "groups": groups}) as project:
        yield project


FILES = (f"{ANYWHERE}.yaml", f"{BEGINNING}.yaml", "\u3000::add-path::x.yaml", f"a\n{BEGINNING}.yaml")


def test_files_that_are_called_like_commands(project: Project) -> None:
    """Somebody commits files with such names: what is in them is said at their names."""
    for number, name in enumerate(FILES):
        project.write(name, f"users:\n      p{number}@acme.com:\n            name: P\n")
    nothing_obeyed(step(project, "fmt", "--check"), 1)
    nothing_obeyed(step(project, "apply", "--auto-approve"), 0)
    nothing_obeyed(step(project, "fmt"), 0)
    for number, name in enumerate(FILES):
        project.write(name, f"users:\n  p{number}@acme.com: {{nam: P}}\n")
    nothing_obeyed(step(project, "validate"), 1)
    nothing_obeyed(step(project, "plan"), 1)


def test_annotations_are_ours_alone(project: Project) -> None:
    """Somebody hopes that a problem in a file called like a command becomes more than its annotation."""
    for number, name in enumerate(FILES):
        project.write(name, f"users:\n  p{number}@acme.com:\n    '{ANYWHERE}': '{BEGINNING}'\n")
    project.write("quite, plain: 100%.yaml", f"users:\n  q@acme.com: {{active: '{BEGINNING}'}}\n")
    done = step(project, "validate", "--format", "github")
    assert done.code == ExitCode.ERROR
    assert "##[" not in done.out
    assert {one.name for one in done.obeyed} == {"error"}
    (found,) = (one for one in done.obeyed if "plain" in one.properties["file"])
    assert found.properties == {
        "file": "desired-state/acme/quite, plain: 100%.yaml",
        "line": "2",
        "col": "16",
    }
    assert BEGINNING in found.data


def test_an_annotation_is_obeyed_beside_targets_that_are_fine(project: Project) -> None:
    """Nobody attacks: the texts about other targets stop the commands, and an annotation resumes them."""
    for name in ("a", "z"):
        a_project(project.root, name)
    project.write("people.yaml", "users:\n  ada@acme.com: {nam: x}\n")
    done = step(project, "validate", "--format", "github")
    (found,) = done.obeyed
    assert (found.name, found.data) == ("error", "unknown field `nam`\nhint: did you mean `name`?")
    assert done.out.count("Valid.") == 2
    assert done.out.count("::stop-commands::") == 2


@pytest.fixture
def planned(remote: Served) -> Served:
    """Its files name new people and groups like commands, too."""
    people: dict[str, Any] = {
        "ada@acme.com": {"name": f"A {ANYWHERE}", "attributes": {"region": [BEGINNING, "##", ANYWHERE]}},
        "cleo@acme.com": {"name": BEGINNING, "groups": [f"New {ANYWHERE}", f"{BEGINNING} new"]},
    }
    groups = {f"New {ANYWHERE}": {"members": "from_users"}, f"{BEGINNING} new": {"members": "from_users"}}
    remote.write("people.yaml", json.dumps({"users": people, "groups": groups}))
    return remote


@pytest.mark.parametrize("shape", ["text", "json", "markdown", "html"])
def test_values_and_names_of_groups(planned: Served, shape: str) -> None:
    """Somebody is called like a command, in the files and at the system, and so are groups."""
    nothing_obeyed(step(planned, "plan", "--format", shape), 0)
    nothing_obeyed(step(planned, "drift", "--format", shape), 3)


def test_a_plan_under_a_name_like_a_command(planned: Served) -> None:
    """Somebody has a workflow save the plan as such a file, and apply it when it is stale."""
    nothing_obeyed(step(planned, "plan", "--out", BEGINNING), 0)
    nothing_obeyed(step(planned, "show", BEGINNING), 0)
    planned.by_hand("ada@acme.com", name=f"B {ANYWHERE}")
    nothing_obeyed(step(planned, "apply", "--plan", BEGINNING), 5)
    nothing_obeyed(step(planned, "apply", "--auto-approve", "-v"), 0)


def test_what_is_live_is_imported(remote: Served) -> None:
    """Somebody at the system renames a group like a command, and waits for an import."""
    done = step(remote, "import", "acme", "--layout", "by-group", "--members", "stated")
    assert (done.code, done.obeyed) == (0, [])
    assert (remote.root / "desired-state" / "acme" / "groups").exists() or "wrote" in done.out


def test_folders_of_targets(project: Project) -> None:
    """Somebody adds targets whose folders are called like commands."""
    for name in (ANYWHERE, BEGINNING, f"a\n{BEGINNING}"):
        a_project(project.root, name)
    for command in ("validate", "plan", "targets", "fmt"):
        nothing_obeyed(step(project, command), 0, 1, 3)
    annotated = step(project, "validate", "--format", "github")
    assert {one.name for one in annotated.obeyed} <= {"error"}


ANSWERS: dict[str, Response] = {
    "an error": Response(400, {}, {"detail": LINES, "error": BEGINNING, "message": ANYWHERE}),
    "a failure": Response(500, {"retry-after": "0.001"}, None, LINES),
    "a refusal": Response(401, {"www-authenticate": ANYWHERE}, {"detail": LINES, "scimType": ANYWHERE}),
    "another shape": Response(
        200, {}, {"Resources": [{"id": ANYWHERE, "userName": LINES}], "totalResults": 1}
    ),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_of_a_hostile_server(remote: Served, answer: str) -> None:
    """Who has taken the system over, or only its address, answers with commands."""
    remote.omni.hook = lambda _: ANSWERS[answer]
    for command in (("plan", "-v"), ("doctor",))[: 2 if answer == "an error" else 1]:
        done = step(remote, *command)
        assert (done.code, done.obeyed) == (1, [])
        assert "owned" in done.out + done.err or answer == "another shape"


def test_answers_to_what_is_written(remote: Served) -> None:
    """The system reads well and answers every write with commands."""

    def hook(request: Request) -> Response | None:
        return None if request.method == "GET" else ANSWERS["an error"]

    remote.omni.hook = hook
    nothing_obeyed(step(remote, "apply", "--auto-approve"), 1, 6)
    nothing_obeyed(step(remote, "apply", "--auto-approve", "--format", "json"), 1, 6)


@pytest.mark.parametrize(
    "before",
    [(), ("plan",), ("plan", "--format"), ("show",), ("validate", "--dir"), ("plan", "--out"), ("schema",)],
)
def test_arguments(project: Project, before: tuple[str, ...]) -> None:
    """A workflow hands over what somebody typed, as an argument."""
    nothing_obeyed(step(project, *before, f"{BEGINNING} {ANYWHERE}\n{BEGINNING}\r{ANYWHERE}"), 0, 1, 64)


@pytest.mark.parametrize("option", ["--since", "--base"])
def test_revisions(project: Project, option: str) -> None:
    """A workflow hands over a revision that somebody named, and git repeats it in its error."""
    begin(project)
    nothing_obeyed(step(project, "plan", option, f"{BEGINNING} {ANYWHERE}\n{BEGINNING}"), 1)


@pytest.mark.parametrize(
    "text",
    [
        LINES,
        json.dumps({"format_version": LINES}),
        json.dumps({"format_version": 1, ANYWHERE: LINES, "created_at": LINES}),
        json.dumps({"format_version": 1, "changes": [{"action": LINES, "address": LINES, "place": "a:1:1"}]}),
    ],
)
def test_files_that_are_no_plans(project: Project, text: str) -> None:
    """Somebody puts something else in the place of the reviewed plan."""
    name = BEGINNING
    (project.root / name).write_text(text)
    nothing_obeyed(step(project, "show", name), 1)


@pytest.mark.parametrize("text", [ANYWHERE, f"'{BEGINNING}", f"OMNI_API_KEY='{LINES}'"])
def test_secrets(project: Project, text: str) -> None:
    """Somebody writes commands into .env, where only settings are meant."""
    (project.root / ".env").write_text(f"{text}\n")
    project.configure(url="http://127.0.0.1:1", keys=[{"env": "OMNI_API_KEY"}])
    done = step(project, "plan")
    assert (done.code, done.obeyed) == (1, [])
    assert done.err


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": ANYWHERE},
        {"url": f"https://{ANYWHERE}"},
        {ANYWHERE: LINES},
        {"keys": [{"file": f"/nowhere/{BEGINNING}"}], "url": "https://acme.omniapp.co"},
        {"ignore": {"users": [LINES]}, "leavers": BEGINNING},
    ],
)
def test_settings(project: Project, settings: dict[str, object]) -> None:
    """Somebody writes commands into target.yaml."""
    project.configure(**settings)
    nothing_obeyed(step(project, "plan"), 1)


def test_nothing_of_the_guard_is_in_data(project: Project) -> None:
    """Nobody attacks: workflows capture data, which must be the same in a job and outside of one."""
    step(project, "plan", "--out", "plan.json")
    for command in (
        ("targets", "--json"),
        ("--version",),
        ("show", "plan.json", "--format", "markdown"),
        ("doctor", "--format", "json"),
    ):
        inside, outside = step(project, *command), step(project, *command, GITHUB_ACTIONS="")
        assert inside == outside
        assert inside.out
        assert inside.obeyed == []


def test_completion_is_a_script_in_a_job_too(project: Project) -> None:
    """Nobody attacks: a job that builds an image installs the completion."""
    given = {"_RECONCILER_COMPLETE": "source_zsh"}
    inside, outside = step(project, **given), step(project, **given, GITHUB_ACTIONS="")
    assert inside == outside
    assert "reconciler" in inside.out


def test_a_plan_in_a_file_is_a_clean_file(project: Project) -> None:
    """Nobody attacks: a job keeps the plan as text, without a line that is for the runner."""
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(project.root)}
    for job in ("true", ""):
        with (project.root / f"plan{job}.txt").open("w") as file:
            subprocess.run(
                [sys.executable, "-m", "reconciler", "plan"],
                cwd=project.root,
                env={**plain, "GITHUB_ACTIONS": job},
                stdout=file,
                check=True,
            )
    text = (project.root / "plantrue.txt").read_text()
    assert text == (project.root / "plan.txt").read_text()
    assert text.startswith("Plan for acme")

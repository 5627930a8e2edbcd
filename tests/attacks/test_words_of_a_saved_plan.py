"""Somebody edits the words and names of a saved plan, with a fresh digest, to have another deed approved."""

import json
from pathlib import Path
from typing import Any

import pytest
from project import Project, a_project

from reconciler import cli, saved
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]
FILES = {"users": {"ada@acme.com": {"state": "absent"}}, "groups": {"Finance": {"state": "absent"}}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A plan is saved that deletes a person and a group."""
    monkeypatch.chdir(tmp_path)
    made = a_project(tmp_path)
    made.configure(leavers={"users": {"tombstone": "delete"}, "groups": {"tombstone": "delete"}})
    people: dict[str, Any] = {f"{name}@acme.com": {} for name in ("ada", "bob", "robot")}
    made.seed({"users": people, "groups": {"Finance": ["bob@acme.com"], "Staff": []}})
    made.write("people.yaml", json.dumps(FILES))
    assert cli.run(["plan", "--out", "plan.json", "--allow-removals", "2"]) == ExitCode.OK
    return made


def doctored(**changed: object) -> None:
    """The saved plan with another content, sealed anew as whoever edits it would."""
    path = Path("plan.json")
    document = json.loads(path.read_text()) | changed
    plan = saved._decode_plan(document)  # noqa: SLF001 (to seal it anew, as an attacker would)
    path.write_text(saved.to_json(plan))


def applied(project: Project, capsys: Output) -> str:
    """What its application is refused with; nothing is changed."""
    before = project.live()
    capsys.readouterr()
    assert cli.run(["apply", "acme", "--plan", "plan.json", "--allow-removals", "2"]) != ExitCode.OK
    assert project.live() == before
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


@pytest.mark.parametrize(
    "lie", [{"words": {"delete": "update", "deleted": "updated"}}, {"provider": "harmless"}], ids=str
)
def test_a_deletion_is_called_an_update(project: Project, capsys: Output, lie: dict[str, Any]) -> None:
    """Somebody has the plan say *update* where it deletes, or that it is of a system with such words."""
    doctored(**{"words": {"delete": "update", "deleted": "updated"}} | lie)
    capsys.readouterr()
    assert cli.run(["show", "plan.json"]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "user/ada@acme.com  delete" in said
    assert "updated" not in said
    assert "the plan calls what it does as no plan for Omni does" in applied(project, capsys)


@pytest.mark.parametrize(
    ("address", "called"), [("user/ada@acme.com", "mallory@acme.com"), ("group/finance", "Staff")]
)
def test_somebody_else_is_named(project: Project, capsys: Output, address: str, called: str) -> None:
    """Somebody has the plan show another name beside the one that it is applied to."""
    changes = json.loads(Path("plan.json").read_text())["changes"]
    doctored(changes=[each | {"label": called} if each["address"] == address else each for each in changes])
    capsys.readouterr()
    assert cli.run(["show", "plan.json"]) == ExitCode.ERROR
    assert f"it calls {address} '{called}', which is another name" in capsys.readouterr().err
    assert "which is another name" in applied(project, capsys)


def test_another_name_is_declared_an_older_one(project: Project, capsys: Output) -> None:
    """Somebody has the plan say as well that the other name is one of the group's own."""
    document = json.loads(Path("plan.json").read_text())
    changes = [
        each | {"label": "Staff"} if each["address"] == "group/finance" else each
        for each in document["changes"]
    ]
    doctored(changes=changes, census=document["census"] | {"aliases": {"group/finance": ["staff"]}})
    assert "it is called Finance now, and was Staff" in applied(project, capsys)

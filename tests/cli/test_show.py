"""The command `show`, and what a saved plan must be to be read."""

import json
from pathlib import Path
from typing import Any

import pytest
from screen import PLAN, Output, files

from reconciler import cli


@pytest.mark.usefixtures("project")
def test_plan_with_out_saves_and_show_prints_it_again(capsys: Output) -> None:
    assert cli.run(["plan", "acme", "--out", "a plan.json"]) == 0
    saved = "\nSaved to a plan.json. Apply exactly this with: reconciler apply acme --plan 'a plan.json'\n"
    assert capsys.readouterr().out == PLAN + saved
    assert files() == ["a plan.json", "desired-state"]
    assert cli.run(["show", "a plan.json"]) == 0
    assert capsys.readouterr().out == PLAN
    assert cli.run(["show", "--format", "json", "a plan.json"]) == 0
    assert capsys.readouterr().out == Path("a plan.json").read_text(encoding="utf-8")


APPLY = ["apply", "--plan", "plan.json"]


def edited(document: dict[str, Any]) -> str:
    document["changes"][0]["label"] = "mallory@acme.com"
    return json.dumps(document)


def of_another_release(document: dict[str, Any]) -> str:
    return json.dumps(document | {"format_version": 99})


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (edited, "it does not match its digest: it was edited after it was saved; plan again"),
        (of_another_release, "its format_version is 99; this release reads 3: plan again"),
        (lambda document: json.dumps(document)[:200], "it is not JSON: "),
        (lambda _: "[]", "it is not a saved plan"),
        (lambda _: "", "it is not JSON: "),
    ],
)
@pytest.mark.parametrize("command", [APPLY, ["show", "plan.json"]])
@pytest.mark.usefixtures("project")
def test_a_plan_that_was_spoilt_is_refused(
    saved: Path, capsys: Output, spoil: Any, reason: str, command: list[str]
) -> None:
    saved.write_text(spoil(json.loads(saved.read_text())))
    assert cli.run(command) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f"plan.json: {reason}")
    assert out == ""


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
@pytest.mark.usefixtures("project")
def test_a_plan_that_cannot_be_read_is_refused(capsys: Output, content: bytes | None) -> None:
    if content is not None:
        Path("plan.json").write_bytes(content)
    assert cli.run(APPLY) == 1
    why = "it is not text" if content else "No such file or directory"
    assert capsys.readouterr().err.startswith(f"plan.json: the plan cannot be read: {why}\n")

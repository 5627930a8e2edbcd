"""What `make demo` shows: two systems in one repository, a plan for each, and then nothing differs."""

from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
from book import TOP
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    copytree(TOP / "desired-state", "desired-state", ignore=ignore_patterns(".reconciler"))


def test_one_command_plans_both_and_each_has_a_plan_of_its_own(capsys: Output) -> None:
    assert cli.run(["validate"]) == ExitCode.OK
    assert cli.run(["plan", "--detailed-exitcode"]) == ExitCode.CHANGES
    shown = capsys.readouterr().out
    assert [line.partition(":")[0] for line in shown.splitlines() if line.startswith("Plan for ")] == [
        "Plan for demo",
        "Plan for directory",
    ]


@pytest.mark.parametrize("target", ["demo", "directory"])
def test_each_is_applied_as_reviewed(capsys: Output, target: str) -> None:
    assert cli.run(["plan", target, "--out", "plan.json"]) == ExitCode.OK
    assert cli.run(["apply", target, "--plan", "plan.json"]) == ExitCode.OK
    capsys.readouterr()
    assert cli.run(["plan", target, "--detailed-exitcode"]) == ExitCode.OK
    assert "No changes." in capsys.readouterr().out


def test_files_of_both_are_in_order() -> None:
    assert cli.run(["fmt", "--check"]) == ExitCode.OK

"""How the command is called: bad usage, help, bugs, and its exit code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from project import KEY
from screen import Output

from reconciler import cli, workflow
from reconciler.errors import ExitCode


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "--zz"], "Error: No such option: --zz (see: reconciler plan --help)"),
        (["plam"], "Error: No such command 'plam'. Did you mean 'plan'? (see: reconciler --help)"),
        (["plan", "--out"], "Error: Option '--out' requires an argument (see: reconciler --help)"),
        (["plan", "--allow-removals", "x"], "Error: Invalid value for '--allow-removals': "),
        (["plan", "--allow-removals", "-1"], "Error: Invalid value for '--allow-removals': "),
        (["plan", "--format", "yaml"], "Error: Invalid value for '--format': "),
        (["show"], "Error: Missing argument 'PLAN' (see: reconciler show --help)"),
        (["apply", "--skip-stale"], "Error: --skip-stale goes with --plan (see: reconciler --help)"),
        (
            ["sandbox", "serve", "seed.yaml", "--kind", "omnI"],
            "Error: there is no kind of system called 'omnI'; known are: omni",
        ),
        (["sandbox", "serve", "seed.yaml", "--port", "70000"], "Error: Invalid value for '--port': "),
        *(
            (["sandbox", "serve", "seed.yaml", *arguments], f"Error: {message}")
            for arguments, message in (
                (["--switch", "page_cap"], "--switch: page_cap: write NAME=VALUE"),
                (["--switch", "page_cap=x"], "--switch: page_cap: must be a whole number from 0"),
                (["--switch", "page_cap=-1"], "--switch: page_cap: must be a whole number from 0"),
                (["--switch", "shows_defaults=1"], "--switch: shows_defaults: must be true or false"),
                (["--switch", "page_cup=1"], "--switch: page_cup: no such switch; there are requests_per_"),
                (["--switch", "page_cap=1", "--switch", "page_cap=1"], "--switch: page_cap: given twice"),
                (["--fault", "dropped"], "--fault: dropped: write NAME=VALUE"),
                (
                    ["--fault", "drooped=0.1"],
                    "--fault: drooped: no such fault; there are rate_limited, inter",
                ),
                (["--fault", "dropped=ten"], "--fault: dropped: must be a number from 0 to 1"),
                (
                    ["--fault", "dropped=2"],
                    "--fault: the chances of a schedule must each be 0 or more and sum to",
                ),
                (["--fault", "dropped=nan"], "--fault: the chances of a schedule must each be 0 or more and"),
            )
        ),
        ([], "Usage: reconciler [OPTIONS] COMMAND [ARGS]..."),
        (["sandbox"], "Usage: reconciler sandbox [OPTIONS] COMMAND [ARGS]..."),
    ],
)
def test_bad_usage_is_64(arguments: list[str], message: str, capsys: Output) -> None:
    assert cli.run(arguments) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)


def test_the_release(capsys: Output) -> None:
    assert cli.run(["--version"]) == 0
    assert re.fullmatch(r"reconciler \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_the_console_script_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["reconciler", "plam"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == ExitCode.USAGE


def test_help_imports_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys\nfrom reconciler import cli\ncode = cli.run(['--help'])\n"
        "heavy = {'requests', 'jsonschema', 'fastjsonschema', 'deepdiff', 'yaml', 'rich', 'dotenv'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)), code)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True
    )
    assert result.stdout.endswith("LOADED [] 0\n")


@pytest.mark.usefixtures("project")
def test_ctrl_c_while_reading_is_130(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "plan", interrupted)
    assert cli.run(["plan"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr() == ("", "Interrupted.\n")


def test_ctrl_c_outside_of_any_command_is_130(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    assert cli.run(["plan"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "Interrupted.\n"


# Bugs


@pytest.mark.usefixtures("remote")
def test_a_bug_is_one_line_and_a_log_without_a_key(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = f"it holds {KEY}"
        raise RuntimeError(message)

    monkeypatch.setattr(workflow, "plan", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cli.run(["plan"]) == ExitCode.BUG
    out, err = capsys.readouterr()
    (log,) = tmp_path.glob("reconciler-bug-*.log")
    assert (out, err) == (
        "",
        f"This is a bug in reconciler, and not your fault. The details are in {log}\n",
    )
    text = log.read_text(encoding="utf-8")
    assert "RuntimeError: it holds [key]\n" in text
    assert KEY not in text


@pytest.mark.usefixtures("project")
def test_a_bug_without_room_for_a_log_is_told_in_full(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "validate", lambda _: 1 // 0)
    monkeypatch.setattr("tempfile.tempdir", "/dev/null")
    assert cli.run(["validate"]) == ExitCode.BUG
    assert "ZeroDivisionError" in capsys.readouterr().err

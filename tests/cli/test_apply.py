"""The command `apply`, without a saved plan."""

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Project, Served
from screen import PLAN, Output, Terminal, at_a_terminal, plain

from reconciler import cli, workflow
from reconciler.errors import ExitCode
from reconciler.target.settings import load_targets
from reconciler.transport.messages import Request, Response


def test_apply(project: Project, capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve"]) == 0
    out, err = capsys.readouterr()
    assert plain(out) == (
        PLAN + "\nApplied 4 changes to acme in 0 s (4 writes).\n  1 created, 2 updated, 1 removed\n\n"
        f"Run by: {workflow.ran_by()}, plan DIGEST\n"
        "Journal: .reconciler/runs/acme-RUN.jsonl\n"
    )
    assert err == (
        "[1/4] create user cleo@acme.com\n[2/4] update user ada@acme.com\n"
        "[3/4] update group Finance\n[4/4] update user bob@acme.com\n"
    )
    assert project.live()["users"]["ada@acme.com"]["name"] == "Ada Lovelace"
    assert cli.run(["plan", "--detailed-exitcode"]) == 0
    assert "\nNo changes.\n" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_apply_as_json_prints_only_the_report_on_standard_output(capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert report["counts"]["created"] == 1
    assert Path(report["journal"]).is_file()
    assert err.startswith(PLAN)


def test_apply_with_nothing_to_do_says_so_and_writes_no_journal(project: Project, capsys: Output) -> None:
    cli.run(["apply", "--auto-approve"])
    (journal,) = project.runs.glob("*.jsonl")
    capsys.readouterr()
    assert cli.run(["apply"]) == 0
    assert capsys.readouterr().out.endswith("\nNothing to do, and nothing was sent.\n")
    assert cli.run(["apply", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["journal"], report["counts"]["unchanged"]) == ("", 4)
    assert list(project.runs.glob("*.jsonl")) == [journal]


# Approval


NO_TERMINAL = (
    "Error: there is no terminal to ask at, so nothing was executed: "
    "give --auto-approve, or a reviewed plan with --plan FILE\n"
)


def test_without_a_terminal_an_apply_needs_approval(
    project: Project, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project.live()
    assert cli.run(["apply"]) == 1
    assert capsys.readouterr() == (PLAN + "\n", NO_TERMINAL)
    monkeypatch.setattr(sys, "stdin", None)
    assert cli.run(["apply"]) == 1
    assert capsys.readouterr().err == NO_TERMINAL
    assert project.live() == before
    assert not list(project.runs.glob("*.jsonl"))


def test_a_yes_at_a_terminal_applies(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = at_a_terminal(monkeypatch, "yes\n")
    assert cli.run(["apply"]) == 0
    assert "Apply these 4 changes to acme? Only 'yes' is a yes: " in screen.getvalue()
    assert project.live()["users"]["bob@acme.com"]["active"] is False


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "no\n", "\n", "", "yes please\n"])
def test_anything_but_yes_and_also_ctrl_d_is_a_no(
    project: Project, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    before = project.live()
    screen = at_a_terminal(monkeypatch, answer)
    assert cli.run(["apply"]) == 1
    assert screen.getvalue().endswith("Error: not approved; nothing was executed\n")
    assert screen.getvalue().count("\nError") == (answer == "")
    assert project.live() == before


def test_ctrl_c_at_the_prompt_interrupts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(Terminal):
        def readline(self, *_: object) -> str:
            raise KeyboardInterrupt

    screen = at_a_terminal(monkeypatch, "")
    monkeypatch.setattr(sys, "stdin", Impatient())
    assert cli.run(["apply"]) == ExitCode.INTERRUPTED
    assert screen.getvalue().endswith("Interrupted.\n")
    assert not list(project.runs.glob("*.jsonl"))


def test_one_change_is_asked_for_in_the_singular(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("people.yaml", "users:\n  ada@acme.com: {name: Ada L.}\n")
    screen = at_a_terminal(monkeypatch, "no\n")
    assert cli.run(["apply"]) == 1
    assert "Apply this change to acme? " in screen.getvalue()


# Signals


def interrupt_at_first_write(remote: Served, times: int = 1, number: int = signal.SIGINT) -> None:
    """Have the person (or the system) ask to stop while the first write is at the server."""

    def hook(request: Request) -> None:
        if request.method != "GET" and not any(seen.method != "GET" for seen in remote.omni.seen[:-1]):
            for _ in range(times):
                os.kill(os.getpid(), number)

    remote.omni.hook = hook


@pytest.fixture
def heard(number: int) -> Iterator[None]:
    """Nobody ignores the signal, as nohup does, and a shell for what runs in its background."""
    before = signal.signal(number, signal.default_int_handler)
    yield
    signal.signal(number, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_finishes_the_request_in_flight(
    remote: Served, capfd: pytest.CaptureFixture[str], number: int
) -> None:
    before = signal.getsignal(number)
    interrupt_at_first_write(remote, number=number)
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.INTERRUPTED
    assert signal.getsignal(number) is before
    out, err = capfd.readouterr()
    assert "\nStopping after the request in flight; once more stops at once.\n" in err
    assert "Interrupted: applied" in out
    assert [entry["event"] for entry in remote.journal()] == [
        "mandate",
        "target",
        "start",
        "intent",
        "result",
        "end",
    ]
    assert "cleo@acme.com" in remote.live()["users"]
    remote.omni.hook = lambda _: None
    assert cli.run(["apply", "--auto-approve"]) == 0
    assert cli.run(["plan", "--detailed-exitcode"]) == 0


def test_a_signal_that_was_ignored_stays_ignored(remote: Served) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interrupt_at_first_write(remote, number=signal.SIGHUP)
        assert cli.run(["apply", "--auto-approve"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


# Lock, journal and other disks


@pytest.mark.usefixtures("project")
def test_a_second_apply_says_who_holds_the_lock(capsys: Output) -> None:
    (target,) = load_targets(Path("desired-state"))
    with workflow.locked(target):
        assert cli.run(["apply", "--auto-approve"]) == 1
    _, err = capsys.readouterr()
    assert re.fullmatch(
        rf"Error: another apply is running on acme \(process {os.getpid()} on .+, since .+ UTC\); "
        r"wait for it to end\n",
        err,
    )
    assert cli.run(["apply", "--auto-approve"]) == 0


@pytest.mark.parametrize("journal", ["people.yaml", "/dev/null/runs"])
def test_a_journal_folder_that_cannot_be_made_stops_before_any_request(
    remote: Served, capsys: Output, journal: str
) -> None:
    remote.configure(url=remote.url, journal=str(remote.target / journal))
    assert cli.run(["apply", "--auto-approve"]) == 1
    assert (
        "nothing is sent without it; make room, or set `journal:` in target.yaml" in capsys.readouterr().err
    )
    assert remote.omni.seen == []


def test_the_journal_goes_where_it_is_told(project: Project) -> None:
    project.configure(journal="logs")
    assert cli.run(["apply", "--auto-approve"]) == 0
    assert list((project.root / "logs").glob("*.jsonl"))
    assert not project.runs.exists()


def test_a_sandbox_whose_state_cannot_be_written_says_so(project: Project, capsys: Output) -> None:
    project.configure(sandbox={"seed": "seed.yaml", "state": "target.yaml/state.json"})
    assert cli.run(["apply", "--auto-approve"]) == 1
    assert "Stopped: the pretend Omni cannot write its state file: " in capsys.readouterr().out


# Bad days


def test_some_refused_is_6_and_the_neighbours_are_done(remote: Served, capsys: Output) -> None:
    remote.omni.hook = lambda request: (
        Response(400, json={"detail": "No more seats", "status": 400}) if request.method == "POST" else None
    )
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.PARTIAL
    out, _ = capsys.readouterr()
    assert "No more seats" in out
    assert remote.live()["users"]["ada@acme.com"]["name"] == "Ada Lovelace"
    # Nothing is taken from anybody else because of it, and the plan knows what is left.
    remote.omni.hook = lambda _: None
    assert cli.run(["apply", "--auto-approve"]) == 0


def test_a_key_that_is_revoked_before_the_first_write_is_1_and_stops(remote: Served, capsys: Output) -> None:
    remote.omni.hook = lambda request: (
        Response(401, json={"detail": "Missing or invalid API key", "status": 401})
        if request.method != "GET"
        else None
    )
    assert cli.run(["apply", "--auto-approve"]) == 1
    assert len(remote.omni.writes) == 1
    assert "Stopped: " in capsys.readouterr().out

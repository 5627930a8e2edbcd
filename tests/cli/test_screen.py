"""What a person sees: encodings, colours, width, and how far it is."""

import io
import json
import re
import sys

import pytest
from project import KEY, Project, Served, change_live
from sample_plans import HOSTILE
from screen import Output, Terminal, at_a_terminal

from reconciler import cli
from reconciler.errors import ExitCode


def test_text_that_an_encoding_lacks_is_escaped(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("people.yaml", "users:\n  ada@acme.com: {name: Åda}\n")
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert cli.run(["plan"]) == 0
    assert b"Ada -> \\xc5da\n" in raw.getvalue()


@pytest.mark.usefixtures("project")
def test_closed_streams_are_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.run(["plan", "--detailed-exitcode"]) == ExitCode.CHANGES
    for stream in (sys.stdout, sys.stderr):
        stream.close()


def test_hostile_text_moves_no_cursor(project: Project, capsys: Output) -> None:
    change_live(project, ada={"name": HOSTILE})
    assert cli.run(["plan"]) == 0
    out, _ = capsys.readouterr()
    assert "\\x1b[2J" in out
    assert "\x1b" not in out
    project.write("people.yaml", f"users:\n  ada@acme.com: {{name: {json.dumps(HOSTILE)}}}\n")
    assert cli.run(["validate"]) == 1
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_colours_and_width_follow_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")

    def printed() -> str:
        screen = Terminal()
        monkeypatch.setattr(sys, "stdout", screen)
        assert cli.run(["plan"]) == 0
        return screen.getvalue()

    coloured = printed()
    assert "\x1b[" in coloured
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", row)) for row in coloured.splitlines()) <= 30
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in printed()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in printed()


def test_verbose_shows_each_request_and_never_a_key(remote: Served, capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve", "-v"]) == 0
    out, err = capsys.readouterr()
    assert KEY not in out + err
    requests = [row for row in err.splitlines() if row.startswith("  ")]
    assert len(requests) == len(remote.omni.seen)
    assert all(re.fullmatch(r"  (GET|POST|PATCH|DELETE) /\S+ \d{3} \d+ ms", row) for row in requests)


@pytest.mark.usefixtures("remote")
def test_a_terminal_shows_that_it_reads_and_how_far_an_apply_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = at_a_terminal(monkeypatch, "yes\n")
    assert cli.run(["apply"]) == 0
    text = screen.getvalue()
    assert text.startswith("\rReading: 0 requests\x1b[K\rReading: 1 request\x1b[K\rReading: 2 requests\x1b[K")
    assert "\r\x1b[KApply these" in text
    assert "4/4" in text


@pytest.mark.usefixtures("remote")
def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen = at_a_terminal(monkeypatch, "yes\n")
    assert cli.run(["apply"]) == 0
    assert "[4/4] update user bob@acme.com\n" in screen.getvalue()
    assert "\x1b" not in screen.getvalue()
    assert "\r" not in screen.getvalue()

"""What leaves the process: for people, for programs, and for GitHub's runner."""

import io
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner import Runner, lines, obeyed
from sample_plans import COMMANDS

from reconciler.cli import console
from reconciler.cli.streams import Door
from reconciler.target.session import Session
from reconciler.transport.clock import Stop
from reconciler.views.annotations import Command

OURS = Command("error", "no", {"file": "a.yaml"})
Streams = tuple[io.StringIO, io.StringIO]


def in_a_job(monkeypatch: pytest.MonkeyPatch) -> Streams:
    """The two streams of a step in a job of GitHub's."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    return prepared(monkeypatch)


def prepared(monkeypatch: pytest.MonkeyPatch) -> Streams:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    console.prepare()
    return out, err


def names(streams: Streams) -> list[str]:
    """What the runner obeys, the same in whatever order it reads the lines."""
    out, err = streams
    found = {tuple(one.name for one in order) for order in obeyed(out.getvalue(), err.getvalue())}
    (only,) = found
    return list(only)


def test_text_for_people_stands_between_a_stop_and_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    job = in_a_job(monkeypatch)
    console.say("one")
    console.say("two")
    console.complain("three")
    console.finish()
    out, err = (stream.getvalue() for stream in job)
    assert re.fullmatch(r"::stop-commands::([0-9a-f]{32})\none\ntwo\n::\1::\n", out)
    assert err == out.replace("one\ntwo", "three")


def test_each_run_has_its_own_token(monkeypatch: pytest.MonkeyPatch) -> None:
    job = in_a_job(monkeypatch)
    for _ in range(2):
        console.say("one")
        console.prepare()
    (first, _, second, _) = job[0].getvalue().splitlines()
    assert first != second


def test_nothing_is_stopped_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    job = in_a_job(monkeypatch)
    console.finish()
    assert (job[0].getvalue(), job[1].getvalue()) == ("", "")


def test_outside_of_github_there_are_no_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = prepared(monkeypatch)
    console.say("one ##[error]x\n::error::y")
    console.finish()
    assert out.getvalue() == "one #\\x23[error]x\n:\\x3aerror::y\n"


def test_a_file_stays_clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with (tmp_path / "plan.txt").open("w+", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdout", file)
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        console.prepare()
        console.complain("beside")
        console.say("one")
        console.command(OURS)
        console.finish()
        assert (tmp_path / "plan.txt").read_text() == "one\n::error file=a.yaml::no\n"


def test_data_leaves_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    job = in_a_job(monkeypatch)
    console.emit('{"a": "::error::b"}')
    assert job[0].getvalue() == '{"a": "::error::b"}\n'


def test_even_data_is_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    job = in_a_job(monkeypatch)
    console.emit("::error::x\n##[error]y")
    assert names(job) == []


def test_commands_of_ours_are_obeyed_between_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    job = in_a_job(monkeypatch)
    console.say("one")
    console.command(OURS)
    console.say("::error::two")
    console.command(OURS)
    console.command(OURS)
    console.finish()
    assert names(job) == ["error", "error", "error"]


def test_a_command_is_obeyed_after_the_other_stream_has_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    job = in_a_job(monkeypatch)
    console.complain("one")
    console.command(OURS)
    out, err = (stream.getvalue() for stream in job)
    assert [one.name for one in Runner().read([*lines(err), *lines(out)]).obeyed] == ["error"]
    assert [one.name for one in Runner().read([*lines(err)[:2], *lines(out)]).obeyed] == ["error"]


def test_a_command_begins_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    job = in_a_job(monkeypatch)
    console.write(sys.stdout, "Only 'yes' is a yes: ")
    console.command(OURS)
    sys.stdout.write("a part of a line")
    console.finish()
    console.command(OURS)
    assert names(job) == ["error", "error"]
    sys.stdout.write("a part of a line")
    console.say("the rest")
    console.finish()
    assert names(job) == ["error", "error"]


@given(st.lists(st.tuples(st.sampled_from(["say", "complain", "emit", "write"]), COMMANDS), max_size=6))
def test_no_text_is_a_command_however_it_is_cut(parts: list[tuple[str, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        streams = in_a_job(patch)
        # The last one as a library writes, which knows of no doors.
        ways = (console.say, console.complain, console.emit, sys.stdout.write)
        deeds = dict(zip(("say", "complain", "emit", "write"), ways, strict=True))
        for deed, text in parts:
            deeds[deed](text)
        console.finish()
        assert names(streams) == []
        for stream in streams:
            text = stream.getvalue()
            assert "##[" not in text
            own = r"::(stop-commands::)?[0-9a-f]{32}(::)?"
            rows = [row.lstrip() for row in lines(text)]
            assert not [row for row in rows if row.startswith("::") and not re.fullmatch(own, row)]


def test_a_door_is_a_stream_like_the_one_behind_it() -> None:
    stream = io.StringIO()
    door = Door(stream, "")
    assert door.write("##[") == 3
    assert not door.isatty()
    assert stream.getvalue() == "#\\x23["


class Interrupted(io.StringIO):
    """A pipe that takes half of a text when somebody presses Ctrl-C."""

    def write(self, text: str, /) -> int:
        middle = len(text) // 2
        os.write(2, text[:middle].encode())
        os.kill(os.getpid(), signal.SIGINT)
        os.write(2, text[middle:].encode())
        return len(text)


def test_a_notice_never_cuts_a_line_in_two(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", Interrupted())
    session = Session(cast("Any", None), Stop(), lambda _: None)
    with console.stoppable(session):
        console.complain("the words of a server ::error::x y and what follows")
    said = capfd.readouterr().err
    assert said.endswith("follows\n\nStopping after the request in flight; once more stops at once.\n")
    assert Runner().read(lines(said)).obeyed == []

"""Streams that break, waits worth telling, and what a person sees meanwhile."""

import os
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from screen import Output, Terminal

from reconciler.cli import console
from reconciler.errors import ReconcilerError
from reconciler.execute.execution import Progress
from reconciler.target.session import Session
from reconciler.transport.clock import Stop


def a_screen(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error as a terminal of 40 columns."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    return screen


def test_a_reader_that_has_left_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123 (a descriptor)
        monkeypatch.setattr(sys, "stdout", stream)
        for _ in range(3):
            console.say("something")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_the_output_is_an_error_and_under_the_progress_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(ReconcilerError, match="standard output cannot be written: No space left on dev"):
            console.say("something")
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        console.complain("something")


def test_only_waits_that_a_person_notices_are_told(capsys: Output) -> None:
    watch = console.Watch(verbose=False)
    watch.on_wait(0.9, "the pace")
    watch.on_request("GET /v1/whoami 200 3 ms")
    watch.on_wait(12.4, "429 from the server")
    assert capsys.readouterr() == ("", "  waiting 12 s: 429 from the server\n")


def test_a_wait_while_reading_stands_in_the_line_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    watch = console.Watch(verbose=False)
    with watch.reading():
        watch.on_request("GET /v1/whoami 200 3 ms")
        watch.on_wait(54, "the pace of 55 requests in 60 s")
    assert screen.getvalue() == (
        "\rReading: 0 requests\x1b[K\rReading: 1 request\x1b[K"
        "\rReading: 1 request, waiting 54 s, the p\x1b[K\r\x1b[K"
    )
    assert max(len(row) for row in screen.getvalue().replace("\x1b[K", "").split("\r")) < 40


def test_verbose_requests_are_lines_and_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    watch = console.Watch(verbose=True)
    with watch.reading():
        watch.on_request("GET /\x1b[2J 200 3 ms")
    assert screen.getvalue() == "  GET /\\x1b[2J 200 3 ms\n"


def applying(watch: console.Watch, summary: str) -> None:
    """One operation of 62 is done; a request is sent, and then there is a wait."""
    target = cast("Any", SimpleNamespace(requests_per_minute=60))
    with console.progress(target) as on_progress:
        on_progress(Progress(1, 62, summary))
        watch.on_request("PATCH /scim/v2/users/7 200 3 ms")
        watch.on_wait(54, "the pace of 60 requests in 60 s")


def test_how_far_an_apply_is_stands_in_a_line_that_fits_and_disappears(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = a_screen(monkeypatch)
    monkeypatch.setenv("COLUMNS", "30")
    applying(console.Watch(verbose=False), "update")
    assert screen.getvalue() == (
        "\rApplying: 1/62, 1:01 left, up\x1b[K\rApplying: 1/62, 1:01 left, up\x1b[K\r\x1b[K"
    )


def test_wide_characters_do_not_break_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    applying(console.Watch(verbose=False), "update 東京東京東京東京")
    assert "left, update 東京\x1b[K" in screen.getvalue()


def test_verbose_requests_stand_above_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    applying(console.Watch(verbose=True), "update")
    done = "\rApplying: 1/62, 1:01 left, update"
    assert screen.getvalue() == (
        f"{done}\x1b[K\r\x1b[K  PATCH /scim/v2/users/7 200 3 ms\n{done}\x1b[K"
        f"{done}, waiting 54 s, the pace of 60 requests in 60 \x1b[K\r\x1b[K"
    )


def test_without_a_terminal_each_step_is_a_line(capsys: Output) -> None:
    applying(console.Watch(verbose=False), "update")
    assert capsys.readouterr().err == ("[1/62] update\n  waiting 54 s: the pace of 60 requests in 60 s\n")


def session() -> Session:
    return Session(cast("Any", None), Stop(), lambda _: None)


def test_the_second_signal_stops_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    connection = session()

    def twice() -> None:
        with console.stoppable(connection):
            os.kill(os.getpid(), signal.SIGINT)
            assert connection.stop.is_set()
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        twice()
    assert capfd.readouterr().err == (
        "\nStopping after the request in flight; once more stops at once.\n"
        "Stopped at once: the last request may have taken place. A new plan shows what remains.\n"
    )


def test_a_signal_inside_of_a_wait_does_not_hang() -> None:
    connection = session()
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    with console.stoppable(connection):
        timer.start()
        assert connection.stop.wait(10)
    timer.join()

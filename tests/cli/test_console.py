"""Streams that break, and signals."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.cli import console
from reconciler.errors import ReconcilerError
from reconciler.target.session import Session
from reconciler.transport.clock import Stop


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

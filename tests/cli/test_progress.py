"""How far a command is: what a person sees meanwhile, and which waits are worth telling."""

import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest
from screen import Output, Terminal

from reconciler.cli.progress import Watch, applying, forecast
from reconciler.execute.execution import Progress


def a_screen(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error as a terminal of 40 columns."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    return screen


def test_only_waits_that_a_person_notices_are_told(capsys: Output) -> None:
    watch = Watch(verbose=False)
    watch.on_wait(0.9, "the pace")
    watch.on_request("GET /v1/whoami 200 3 ms")
    watch.on_wait(12.4, "429 from the server")
    assert capsys.readouterr() == ("", "  waiting 12 s: 429 from the server\n")


def test_a_wait_while_reading_stands_in_the_line_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    watch = Watch(verbose=False)
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
    watch = Watch(verbose=True)
    with watch.reading():
        watch.on_request("GET /\x1b[2J 200 3 ms")
    assert screen.getvalue() == "  GET /\\x1b[2J 200 3 ms\n"


def half_way(watch: Watch, summary: str) -> None:
    """One operation of 62 is done; a request is sent, and then there is a wait."""
    target = cast("Any", SimpleNamespace(requests_per_minute=60))
    with applying(target) as on_progress:
        on_progress(Progress(1, 62, summary))
        watch.on_request("PATCH /scim/v2/users/7 200 3 ms")
        watch.on_wait(54, "the pace of 60 requests in 60 s")


def test_how_far_an_apply_is_stands_in_a_line_that_fits_and_disappears(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = a_screen(monkeypatch)
    monkeypatch.setenv("COLUMNS", "30")
    half_way(Watch(verbose=False), "update")
    assert screen.getvalue() == (
        "\rApplying: 1/62, 1:01 left, up\x1b[K\rApplying: 1/62, 1:01 left, up\x1b[K\r\x1b[K"
    )


def test_wide_characters_do_not_break_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    half_way(Watch(verbose=False), "update 東京東京東京東京")
    assert "left, update 東京\x1b[K" in screen.getvalue()


def test_verbose_requests_stand_above_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    half_way(Watch(verbose=True), "update")
    done = "\rApplying: 1/62, 1:01 left, update"
    assert screen.getvalue() == (
        f"{done}\x1b[K\r\x1b[K  PATCH /scim/v2/users/7 200 3 ms\n{done}\x1b[K"
        f"{done}, waiting 54 s, the pace of 60 requests in 60 \x1b[K\r\x1b[K"
    )


def test_a_forecast_fits_a_narrow_terminal_and_stays_above_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    monkeypatch.setenv("COLUMNS", "30")
    watch = Watch(verbose=False)
    with watch.reading():
        forecast("1200 more requests, about 21 min at 55 a minute: for \x1b[2J reasons")
    assert screen.getvalue() == (
        "\rReading: 0 requests\x1b[K\r\x1b[K"
        "note: 1200 more requests,\n    about 21 min at 55 a\n    minute: for \\x1b[2J\n    reasons\n"
        "\rReading: 0 requests\x1b[K\r\x1b[K"
    )


def test_without_a_terminal_each_step_is_a_line(capsys: Output) -> None:
    half_way(Watch(verbose=False), "update")
    assert capsys.readouterr().err == ("[1/62] update\n  waiting 54 s: the pace of 60 requests in 60 s\n")

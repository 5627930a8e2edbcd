import json
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.changes import Atom
from reconciler.errors import JournalFailed
from reconciler.journal import Journal
from reconciler.model import group_address, user_address

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
ATOM = Atom(user_address("ada@acme.com"), "u1", ("attributes", "region"), None, ("emea",))
EDGE = Atom(group_address("Finance"), "g1", ("members", "bob@acme.com"), before=True, after=None)


def journal(folder: Path, run: str = "acme-1") -> Journal:
    return Journal(folder, run, lambda: NOON)


def lines(book: Journal) -> list[dict[str, Any]]:
    return [json.loads(line) for line in book.path.read_bytes().splitlines()]


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """A disk that takes no more than so many bytes of any one file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_each_event_is_one_line_of_json(tmp_path: Path) -> None:
    with journal(tmp_path / "runs") as book:
        book.write("start", detail="2 changes")
        book.write("intent", covers=[ATOM, EDGE], method="PATCH", path="/scim/v2/users/u1")
        book.write("result", covers=[ATOM], method="PATCH", path="/scim/v2/users/u1", status=200)
    assert book.path == tmp_path / "runs" / "acme-1.jsonl"
    assert [line["event"] for line in lines(book)] == ["start", "intent", "result"]
    assert lines(book)[1] == {
        "seq": 2,
        "at": "2026-01-02T12:00:00.123+00:00",
        "run": "acme-1",
        "event": "intent",
        "covers": ["+ user/ada@acme.com attributes region", "- group/finance members bob@acme.com"],
        "method": "PATCH",
        "path": "/scim/v2/users/u1",
        "status": None,
        "detail": "",
    }


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    with journal(tmp_path) as book:
        assert stat.S_IMODE(book.path.stat().st_mode) == 0o600


def test_a_line_is_on_the_disk_when_write_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(book.path.read_bytes())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with journal(tmp_path) as book:
        book.write("start")
        book.write("end")
    assert [data.count(b"\n") for data in synced] == [1, 2]


def test_a_run_never_writes_into_the_journal_of_another(tmp_path: Path) -> None:
    with journal(tmp_path) as book:
        book.write("start")
    with pytest.raises(JournalFailed, match="File exists"):
        journal(tmp_path)
    assert len(lines(book)) == 1


def test_a_folder_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(JournalFailed) as failed:
        journal(tmp_path / "runs")
    assert str(failed.value) == (
        f"{tmp_path}/runs: the journal cannot be written (File exists), and nothing is sent "
        "without it; make room, or set `journal:` in target.yaml to another folder"
    )


def test_a_full_disk_is_an_error_and_what_was_written_before_stays_whole(tmp_path: Path) -> None:
    with journal(tmp_path) as book:
        book.write("start")
        size = book.path.stat().st_size
        with room_for(size + 10), pytest.raises(JournalFailed, match="cannot be written"):
            book.write("intent", covers=[ATOM])
        assert book.path.stat().st_size == size + 10
        assert json.loads(book.path.read_bytes()[:size])["event"] == "start"


def test_nothing_is_written_after_a_line_that_was_cut_even_when_there_is_room_again(tmp_path: Path) -> None:
    with journal(tmp_path) as book:
        book.write("start")
        size = book.path.stat().st_size
        with room_for(size + 10), pytest.raises(JournalFailed):
            book.write("intent", covers=[ATOM])
        with pytest.raises(JournalFailed):
            book.write("end")
        assert book.path.stat().st_size == size + 10


@pytest.mark.parametrize(
    "hostile",
    [
        "a\nb",
        "a\r\nb",
        "a\u2028b\u2029c\x85d\x0be\x0c",
        "\x1b[31mred\x1b[0m",
        "\x9b31m",
        "\u202egpj.exe",
        "half \ud800 a pair",
        '"},{"event":"end"',
        "\x00",
    ],
)
def test_hostile_text_stays_one_line_and_moves_no_cursor(tmp_path: Path, hostile: str) -> None:
    edge = Atom(group_address("X"), None, ("members", hostile), None, after=True)
    with journal(tmp_path) as book:
        book.write("intent", covers=[edge], detail=hostile)
    text = book.path.read_bytes().decode("ascii")
    assert len(text.splitlines()) == 1
    assert text[:-1].isprintable()
    assert lines(book)[0]["detail"] == hostile

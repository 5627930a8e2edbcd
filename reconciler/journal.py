"""What was about to be sent, and what came of it: one JSON line each, on disk before the next step.

The journal is evidence, not state: an interrupted apply resumes by reading the
system again. A line that was cut by a full disk or a kill is the last one, and
everything before it is whole.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from reconciler.changes import Atom
from reconciler.errors import JournalFailed
from reconciler.jsontext import spelled_json
from reconciler.links import follow_none

Event = Literal["mandate", "target", "start", "intent", "result", "part", "read-back", "end"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. ``at`` is RFC 3339 in UTC; ``covers`` the atoms that a request makes true, as text.

    ``about`` is the mandate, in the line of that event: who asked, and who approved; in that of the target
    where it is, and which commit was applied last. ``sent`` has, by live id and attribute, what was sent of
    what no answer shows, and can be told: the digest of a file, say.
    """

    seq: int
    at: str
    run: str
    event: Event
    covers: tuple[str, ...] = ()
    method: str = ""
    path: str = ""
    status: int | None = None
    detail: str = ""
    about: Mapping[str, object] | None = None
    sent: Mapping[str, Mapping[str, str]] | None = None


class Journal:
    """An append-only file of entries. Every method raises JournalFailed where the disk does not take it."""

    def __init__(self, folder: Path, run: str, now: Callable[[], datetime]) -> None:
        self.path = folder / f"{run}.jsonl"
        self._run = run
        self._now = now
        self._seq = 0
        self._failure: JournalFailed | None = None
        make_folder(folder)
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except OSError as error:
            raise _failed(self.path, error) from None

    def write(
        self,
        event: Event,
        *,
        covers: Iterable[Atom] = (),
        method: str = "",
        path: str = "",
        status: int | None = None,
        detail: str = "",
        about: Mapping[str, object] | None = None,
        sent: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Put one line on the disk: once this returns, the line outlives the process.

        After a line that was cut short nothing more is written.
        """
        if self._failure:
            raise self._failure
        self._seq += 1
        at = self._now().isoformat(timespec="milliseconds")
        named = tuple(f"{'-' if atom.after is None else '+'} {atom}" for atom in covers)
        entry = asdict(
            Entry(self._seq, at, self._run, event, named, method, path, status, detail, about, sent or None)
        )
        entry = {name: value for name, value in entry.items() if value is not None or name == "status"}
        # Everything beyond ASCII is escaped, so no text from outside can break a line or move a cursor.
        data = spelled_json(json.dumps(entry, separators=(",", ":"))).encode("ascii") + b"\n"
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError as error:
            self._failure = _failed(self.path, error)
            raise self._failure from None

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def make_folder(folder: Path) -> None:
    """Make the folder of the journals; raises JournalFailed where that fails, or a link leads to it."""
    try:
        follow_none(folder / "a journal")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(folder, error) from None


def _failed(path: Path, error: OSError) -> JournalFailed:
    return JournalFailed(
        f"{path}: the journal cannot be written ({error.strerror}), and nothing is sent without it; "
        "make room, or set `journal:` in target.yaml to another folder"
    )

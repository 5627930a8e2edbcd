"""The process's two streams. No line that is printed is a command for GitHub's runner, except our own.

The runner reads both streams of a step side by side. It obeys ``##[command]``
anywhere in a line, and ``::command::`` at its beginning (GitHub docs: Workflow
commands; actions/runner, ``ActionCommandManager``). So there are three ways out,
and each goes through a door that spells such a text out, whoever writes it:

* ``say`` and ``complain`` are for people. In a job of GitHub's, where their text
  goes to the log, it also stands between ``::stop-commands::`` and its token;
* ``emit`` is for programs: what it is given leaves as it is, since JSON, HTML and
  Markdown are made so that there is nothing to spell out in them;
* ``command`` alone prints a command.

Nobody knows in which order the runner reads the two: what was written to one may be
read while the other is stopped, or after it was resumed. So both have the same token,
which leaves the commands resumed in any order. Nothing is safe by the token alone.
"""

import os
import stat
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO, cast

from reconciler.errors import ReconcilerError
from reconciler.views.safe import unobeyed

if TYPE_CHECKING:
    from reconciler.views.annotations import Command

_LONGEST_BEGINNING = 2
"""Characters of a command that an earlier text may have left at the end of its line: ``##`` or ``:``."""


class Door:
    """A stream's only way out. ``token`` resumes the commands; it is empty where no log of GitHub's is."""

    def __init__(self, stream: TextIO, token: str) -> None:
        self.stream = stream
        self._token = token
        self._stopped = False
        self._line = ""

    def write(self, text: str) -> int:
        """Write a text, which may be a part of a line."""
        self.stream.write(self.spelled(text))
        return len(text)

    def spelled(self, text: str) -> str:
        """What is written for a text: no command, not even together with what stands on its line already."""
        shown = unobeyed(text)
        joined = self._line + shown[:_LONGEST_BEGINNING]
        if shown and unobeyed(joined) != joined:
            shown = f"\\x{ord(shown[0]):02x}{shown[1:]}"
        line = (self._line + shown).replace("\r", "\n").rpartition("\n")[2]
        # Of what stands before the last few characters it matters only whether a line has begun with it.
        begun = "x" if line[:-_LONGEST_BEGINNING].strip() else ""
        self._line = begun + line[-_LONGEST_BEGINNING:]
        return shown

    def stopping(self) -> str:
        """The line that stops commands, where it is needed."""
        return self._switched(f"::stop-commands::{self._token}\n", stopped=True)

    def resuming(self, *, anyway: bool = False) -> str:
        """The line that resumes them, where it is needed, or ``anyway``."""
        return self._switched(f"::{self._token}::\n", stopped=False, anyway=anyway)

    def _switched(self, line: str, *, stopped: bool, anyway: bool = False) -> str:
        if not self._token or (self._stopped is stopped and not anyway):
            return ""
        self._stopped = stopped
        return self.line_end() + line

    def line_end(self) -> str:
        """The end of the line that somebody has begun, if any: a command needs the beginning of one."""
        begun, self._line = self._line, ""
        return "\n" if begun else ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Notices:
    """What a signal handler wants to say waits while a line is being written."""

    def __init__(self) -> None:
        self.writing = False
        self.waiting: list[str] = []


_notices = _Notices()


def prepare() -> None:
    """Make the streams fit for any text: what an encoding lacks is escaped, a closed one is /dev/null."""
    token = os.urandom(16).hex() if os.environ.get("GITHUB_ACTIONS") == "true" else ""
    # Python has None where the caller closed a stream.
    sys.stdout = _guarded(sys.stdout or _devnull(), token)
    sys.stderr = _guarded(sys.stderr or _devnull(), token)


def _guarded(stream: TextIO, token: str) -> TextIO:
    stream = stream.stream if isinstance(stream, Door) else stream
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return cast("TextIO", Door(stream, "" if _is_file(stream) else token))


def _is_file(stream: TextIO) -> bool:
    with suppress(OSError, ValueError):
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    return False


def _devnull() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 (it is a stream of the process, open to its end)


def say(text: str) -> None:
    """Print to standard output, for people; raises ReconcilerError where it cannot be written."""
    write(sys.stdout, text + "\n")


def complain(text: str) -> None:
    """Print to standard error, which nobody may be reading any more."""
    write(sys.stderr, text + "\n")


def write(stream: TextIO, text: str) -> None:
    """Print for people, at once; raises as ``say`` does."""
    _send(stream, stream.stopping() + stream.spelled(text) if isinstance(stream, Door) else text)


def emit(text: str) -> None:
    """Print to standard output what a program reads; raises as ``say`` does."""
    _send(sys.stdout, sys.stdout.spelled(text + "\n") if isinstance(sys.stdout, Door) else text + "\n")


def command(wanted: "Command") -> None:
    """Have GitHub's runner do something: the only way to; raises as ``say`` does."""
    stopped = _resume(sys.stderr)
    before = ""
    if isinstance(sys.stdout, Door):
        # Resumed here, too, where only the other stream has stopped it, and in one piece: the streams race.
        before = sys.stdout.resuming(anyway=stopped) or sys.stdout.line_end()
    _send(sys.stdout, f"{before}{wanted}\n")


def finish() -> None:
    """Let the runner obey again: what follows in its step is none of our business."""
    for stream in (sys.stderr, sys.stdout):
        _resume(stream)


def _resume(stream: TextIO) -> bool:
    line = stream.resuming() if isinstance(stream, Door) else ""
    if line:
        # A full disk under the output has been told before.
        with suppress(ReconcilerError):
            _send(stream, line)
    return bool(line)


def interject(text: str) -> None:
    """Say something from within a signal handler: at once, or after the text that is being written."""
    if _notices.writing:
        _notices.waiting.append(text)
        return
    # Not through sys.stderr, whose buffer the handler may have found in any state.
    with suppress(OSError):
        os.write(2, f"\n{text}\n".encode())


def _send(stream: TextIO, text: str) -> None:
    """Write at once. A reader that is gone (``| head -1``) is no error, and a full disk is."""
    raw = stream.stream if isinstance(stream, Door) else stream
    _notices.writing = True
    try:
        raw.write(text)
        raw.flush()
    except OSError as error:
        # What remains in the buffer must go somewhere, or Python complains about it again at exit.
        with suppress(OSError), open(os.devnull, "wb") as null:  # noqa: PTH123 (a device, for its descriptor)
            os.dup2(null.fileno(), raw.fileno())
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            message = f"standard output cannot be written: {error.strerror}"
            raise ReconcilerError(message) from None
    finally:
        _notices.writing = False
        while _notices.waiting:
            interject(_notices.waiting.pop(0))

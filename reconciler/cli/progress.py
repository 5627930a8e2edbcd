"""How far the command is, on standard error: one line drawn again and again, or lines without a terminal."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from reconciler.cli.streams import complain, write

if TYPE_CHECKING:
    from reconciler.execute.execution import Progress
    from reconciler.target.session import Session
    from reconciler.target.settings import Target


class _Line:
    """The last line of a terminal, drawn again and again; it disappears at the end.

    Both reading and applying are shown in it. What stays is printed above it.
    """

    def __init__(self) -> None:
        self.text: str | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Have it while this goes on; it is drawn where there is a text for it."""
        try:
            yield
        finally:
            self._clear()
            self.text = None

    def draw(self, text: str, wait: str = "") -> None:
        """Draw it anew, cut to the width of the terminal."""
        self.text = text
        write(sys.stderr, f"\r{_fitting(', '.join(filter(None, (text, wait))))}\x1b[K")

    def above(self, text: str) -> None:
        """Print a line that stays, above it where it is there."""
        self._clear()
        complain(text)
        if self.text is not None:
            self.draw(self.text)

    def _clear(self) -> None:
        if self.text is not None:
            write(sys.stderr, "\r\x1b[K")


_line = _Line()


def _fitting(text: str) -> str:
    from reconciler.views.layout import cells

    room = shutil.get_terminal_size().columns - 1
    text = text[:room]
    while cells(text) > room:
        text = text[:-1]
    return text


@contextmanager
def applying(target: "Target") -> "Iterator[Callable[[Progress], None]]":
    """How far an apply is: one line that is drawn again on a terminal, plain lines elsewhere."""
    from reconciler.views.safe import printable

    def redraw(at: "Progress") -> None:
        seconds = (at.total - at.done) * 60 / target.requests_per_minute
        time_left = f"{seconds // 60:.0f}:{seconds % 60:02.0f} left"
        _line.draw(f"Applying: {at.done}/{at.total}, {time_left}, {printable(at.summary)}")

    def tell(at: "Progress") -> None:
        complain(f"[{at.done}/{at.total}] {printable(at.summary)}")

    with _line.kept():
        yield redraw if _can_redraw() else tell


def forecast(text: str) -> None:
    """Say how many reads are about to begin, and how long they will take."""
    from reconciler.cli.console import look
    from reconciler.views.layout import draw, line
    from reconciler.views.safe import printable

    _line.above(draw([line("note:", printable(text))], **look(sys.stderr)).rstrip("\n"))


class Watch:
    """What a person sees of the requests: each with ``-v``, every wait, and their number during a read.

    Many reads are told before they begin.
    """

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._counts = False
        self._requests = 0

    def connect(self, target: "Target") -> "AbstractContextManager[Session]":
        """Connect to a target, and show what is sent to it."""
        from reconciler.target.session import connect

        return connect(target, on_request=self.on_request, on_wait=self.on_wait, on_many=forecast)

    def on_request(self, line: str) -> None:
        """Show a request that was sent."""
        from reconciler.views.safe import printable

        self._requests += 1
        if self._verbose:
            _line.above(f"  {printable(line)}")
        if self._counts:
            self._redraw()

    def on_wait(self, seconds: float, reason: str) -> None:
        """Show a wait that a person would notice."""
        if seconds < 1:
            return
        if _line.text is None:
            complain(f"  waiting {seconds:.0f} s: {reason}")
        else:
            _line.draw(_line.text, f"waiting {seconds:.0f} s, {reason}")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count the requests in the line, on a terminal."""
        self._counts = _can_redraw() and not self._verbose
        with _line.kept():
            if self._counts:
                self._redraw()
            try:
                yield
            finally:
                self._counts = False

    def _redraw(self) -> None:
        _line.draw(f"Reading: {self._requests} request{'' if self._requests == 1 else 's'}")


def _can_redraw() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

"""Lines of styled parts, laid out for a terminal of any width, or for none.

A line is a row of parts. Where it fits, it is one row. Where it does not, each
part moves to the next row as a whole if it fits there, and is broken between
words, and in the end inside one, if it does not. Nothing is ever cut off.
Without a width nothing is wrapped, so that the output greps well. No row is a
command for GitHub's runner.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from reconciler.views.safe import COMMAND_AT_LINE_BEGIN

Style = Literal["", "add", "change", "remove", "strong", "dim", "alarm"]

_SGR: dict[Style, str] = {
    "add": "32",
    "change": "33",
    "remove": "31",
    "strong": "1",
    "dim": "2",
    "alarm": "1;31",
}
_NARROWEST = 16
"""Terminals narrower than this are treated as this wide."""
_ROOMY = 60
"""On narrower terminals columns need not line up: there is no room for it."""
_COLUMN_GAP = 2


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of one line: plain text without line breaks; ``gap`` blanks stand before it."""

    text: str
    style: Style = ""
    gap: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """Parts in a row. ``hang`` is the column at which further rows begin; ``bar`` stands before every row."""

    parts: tuple[Part, ...] = ()
    indent: int = 0
    hang: int = 4
    bar: Part | None = None


BLANK = Line()


def line(*parts: Part | str, indent: int = 0, hang: int = 4, bar: Part | None = None) -> Line:
    """A line of these parts, without blanks around each; plain text stands for an unstyled part."""
    styled = (Part(part) if isinstance(part, str) else part for part in parts)
    bare = (
        part if part.text == (text := part.text.strip(" ")) else replace(part, text=text) for part in styled
    )
    return Line(tuple(part for part in bare if part.text), indent, hang, bar)


def draw(lines: Iterable[Line], *, width: int | None, color: bool) -> str:
    """All lines as text. ``width`` is in columns, None for no terminal; ``color`` allows SGR codes."""
    rows: list[str] = []
    for item in lines:
        if not item.parts:
            rows.append(_paint(item.bar, color=color) if item.bar else "")
            continue
        rows.extend("".join(_paint(part, color=color) for part in row) for row in _rows(item, width))
    return "\n".join(rows) + "\n"


def _rows(item: Line, width: int | None) -> list[list[Part]]:
    rows = _laid_out(item, width)
    if not any(_obeyed(row) for row in rows):
        return rows
    # Before the wrapping, since the spelling is wider.
    parts = tuple(replace(part, text=part.text.replace("::", ":\\x3a")) for part in item.parts)
    return _laid_out(replace(item, parts=parts), width)


def _obeyed(row: list[Part]) -> bool:
    return bool(COMMAND_AT_LINE_BEGIN.match("".join(part.text for part in row)))


def _laid_out(item: Line, width: int | None) -> list[list[Part]]:
    return [_whole(item)] if width is None else list(_wrapped(item, max(width, _NARROWEST)))


def cells(text: str) -> int:
    """The number of terminal columns that the text takes."""
    return len(text) if text.isascii() else sum(_cell(char) for char in text)


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _paint(part: Part, *, color: bool) -> str:
    blanks = " " * part.gap
    if not color or not part.style:
        return blanks + part.text
    return f"{blanks}\x1b[{_SGR[part.style]}m{part.text}\x1b[0m"


def _whole(item: Line) -> list[Part]:
    first, *others = item.parts
    bar = [item.bar] if item.bar else []
    gap = item.indent + (1 if bar else 0)
    return [*bar, Part(first.text, first.style, gap), *others]


def _wrapped(item: Line, width: int) -> Iterator[list[Part]]:
    if width < _ROOMY:
        item = replace(item, parts=tuple(replace(p, gap=min(p.gap, _COLUMN_GAP)) for p in item.parts))
    whole = _whole(item)
    if sum(part.gap + cells(part.text) for part in whole) <= width:
        yield whole
        return
    bar = [item.bar] if item.bar else []
    margin = 2 if bar else 0
    first = min(item.indent, width // 4) + margin
    hang = min(item.hang, width // 4) + margin
    rows = _Rows(width, first, hang)
    for part in item.parts:
        rows.put(part)
    for row in rows.rows:
        yield [*bar, Part(row[0].text, row[0].style, row[0].gap - len(bar)), *row[1:]]


class _Rows:
    """Rows being filled from the left."""

    def __init__(self, width: int, first: int, hang: int) -> None:
        self.width, self.hang = width, hang
        self.rows: list[list[Part]] = [[]]
        self.start = self.used = first

    def put(self, part: Part) -> None:
        """Put a part on this row, on the next, or on as many as it takes."""
        size = cells(part.text)
        gap = part.gap if self.rows[-1] else 0
        if self.used + gap + size <= self.width:
            self._append(part.text, part.style, gap, size)
        elif self._moves() and self.hang + size <= self.width:
            self._next_row()
            self._append(part.text, part.style, 0, size)
        else:
            self._put_words(part.text, part.style, gap)

    def _put_words(self, text: str, style: Style, gap: int) -> None:
        for word in text.split(" "):
            if not word:
                gap += 1
                continue
            if self.used + gap + cells(word) > self.width and (self._moves() or gap > _COLUMN_GAP):
                self._next_row()
                gap = 0
            rest = word
            while self.used + gap + cells(rest) > self.width:
                head = _head(rest, self.width - self.used - gap)
                self._append(head, style, gap, cells(head))
                rest = rest[len(head) :]
                self._next_row()
                gap = 0
            self._append(rest, style, gap, cells(rest))
            gap = 1

    def _moves(self) -> bool:
        """Whether the row holds enough to stand alone: a sign stays with what it is about."""
        return self.used > self.start + 1

    def _append(self, text: str, style: Style, gap: int, size: int) -> None:
        lead = self.start if not self.rows[-1] else gap
        self.rows[-1].append(Part(text, style, lead))
        self.used += gap + size

    def _next_row(self) -> None:
        self.rows.append([])
        self.start = self.used = self.hang


def _head(text: str, room: int) -> str:
    """As much of a text that is too long as fits into so many columns; marks stay with their letter."""
    used = index = 0
    while (used := used + _cell(text[index])) <= room:
        index += 1
    return text[:index]

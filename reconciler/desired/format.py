"""A desired-state file put in order: its lines are moved and indented, never written anew.

The parser says where each section, entry and field begins and ends; what is
between two of them, the comments above the second included, moves as a block.
So every comment, quote and number comes out as it was spelled.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.desired import documents, pyyaml
from reconciler.errors import Invalid
from reconciler.model import STATED, Kind, group_key, user_key

SECTIONS: Final = ("defaults", "users", "groups")
ENTRY_FIELDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    kind: (*names, "previously", "state") for kind, names in STATED.items()
}

_INDENT: Final = 2
_BLOCK_STYLES: Final = ("|", ">")
_DASH: Final = re.compile(r" *-[ \t]+")

Keys = tuple[str, ...]


def format_text(text: str, file: str) -> str:
    """The text of a desired-state file in order and spacing; ``file`` is its name in places.

    Sections, entries and fields come in one order, indented by 2; comments
    move with what they stand above. What the file says is the same before and
    after, and formatting it again changes nothing. The order of unknown
    sections and fields is kept. Raises Invalid where the text cannot be read;
    what the schema thinks of it is another question.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    document = documents.parse(text.encode(errors="surrogateescape"), file)
    if document.problems:
        raise Invalid(document.problems)
    result = _Layout(text).arranged()
    if _spelled(documents.parse(result.encode(), file).data) != _spelled(document.data):
        message = f"formatting {file} would change what it says"
        raise AssertionError(message)
    return result


def with_line_ends_of(original: bytes, text: str) -> str:
    """The text with the line ends that a file's first line has: those of Windows, or those of Unix."""
    return text.replace("\n", "\r\n") if original.partition(b"\n")[0].endswith(b"\r") else text


def _spelled(data: object) -> str:
    return json.dumps(data, sort_keys=True)


@dataclass(frozen=True, slots=True)
class _Item:
    """A key or a dash: its line, what it names ("" for a dash), its value's node."""

    line: int
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class _Block:
    """An item ready to be moved: the comments and blank lines above it, and its own lines."""

    name: str
    above: list[str]
    body: list[str]


class _Layout:
    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._root = pyyaml.compose(text)
        self._begun: set[int] = set()  # lines that begin inside of brackets, quotes or a plain text
        self._open: set[int] = set()  # lines that end inside of a text: blanks there can be part of it
        if self._root:
            self._look_inside(self._root)

    def arranged(self) -> str:
        items = self._items(self._root) if self._root else []
        if not items:
            return _joined([self._trimmed(at) for at in range(len(self._lines))])
        start, end = 0, len(self._lines)
        for at in range(items[0].line):
            if self._lines[at].startswith("---"):
                start = at + 1
        for at in range(self._last(items[-1].value) + 1, end):
            if self._lines[at].startswith("..."):
                end = at
                break
        before = self._between(0, start, 0)
        return _joined([*before, *self._collection(items, (), start, end), *self._between(end, None, 0)])

    # What is where

    def _items(self, node: Any) -> list[_Item]:
        """The items of a block collection, each of which begins a line; else none."""
        if node.id == "scalar" or node.flow_style:
            return []
        items = []
        for part in node.value:
            key, value = part if node.id == "mapping" else (part, part)
            before = self._lines[key.start_mark.line][: key.start_mark.column]
            if before.strip(" ") if node.id == "mapping" else not _DASH.fullmatch(before):
                return []
            items.append(_Item(key.start_mark.line, key.value if node.id == "mapping" else "", value))
        return items

    def _look_inside(self, node: Any) -> None:
        """Note the lines that begin or end inside of a value: what may be done to them depends on it."""
        start, end = node.start_mark.line, node.end_mark.line
        if node.id != "scalar":
            for part in node.value:
                for inner in part if node.id == "mapping" else (part,):
                    self._look_inside(inner)
            if node.flow_style:
                self._begun.update(range(start + 1, end + 1))
        elif node.style in _BLOCK_STYLES:
            self._open.update(range(start + 1, self._last(node) + 1))
        else:
            self._begun.update(range(start + 1, end + 1))
            self._open.update(range(start, end))

    def _last(self, node: Any) -> int:
        """The last line of a value, without the blank lines and comments that follow it."""
        while node.id != "scalar" and not node.flow_style:
            node = node.value[-1][1] if node.id == "mapping" else node.value[-1]
        last: int = node.end_mark.line
        if node.id == "scalar" and node.style in _BLOCK_STYLES:
            last -= last > node.start_mark.line and not node.end_mark.column
            while last > node.start_mark.line and not self._lines[last].strip(" \t"):
                last -= 1
        return last

    # How it comes out

    def _collection(self, items: Sequence[_Item], path: Keys, start: int, end: int) -> list[str]:
        """The lines from ``start`` to ``end``, which hold these items, in order."""
        column = _width(self._lines[items[0].line])
        indent = len(path) * _INDENT
        blocks = []
        above = start
        for item, after in zip(items, [*(item.line for item in items[1:]), end], strict=True):
            cut = self._cut(self._last(item.value) + 1, after, column)
            body = self._body(item, path, cut, indent - column)
            blocks.append(_Block(item.name, self._between(above, item.line, indent), body))
            above = cut
        head, blocks[0] = _without_head(blocks[0], is_file=not path)
        rank = _rank(path)
        if rank:
            blocks.sort(key=rank)
        first = blocks[0].above
        lines = [*head, *([""] if head and head[-1] and not path and any(first) else [])]
        for block in blocks:
            lines += _above(block.above, is_first=block is blocks[0], is_section=not path)
            lines += block.body
        return [*lines, *_without_last_blank(self._between(above, end, indent))]

    def _body(self, item: _Item, path: Keys, cut: int, shift: int) -> list[str]:
        """The lines of an item, with those below it that are indented more than it."""
        indent = len(path) * _INDENT
        head = " " * indent + self._trimmed(item.line).lstrip(" ")
        inner = self._items(item.value) if path or item.name in SECTIONS else []
        if inner and inner[0].line > item.line and item.name:
            return [head, *self._collection(inner, (*path, item.name), item.line + 1, cut)]
        last = self._last(item.value)
        rest = [self._shifted(at, shift, indent) for at in range(item.line + 1, cut)]
        value, below = rest[: last - item.line], rest[last - item.line :]
        return [head, *value, *_collapsed(below)]

    def _cut(self, start: int, end: int, column: int) -> int:
        """Where the lines between two items cease to belong to the first: at a comment not indented more."""
        cut = next(
            (at for at in range(start, end) if self._trimmed(at) and _width(self._lines[at]) <= column), end
        )
        while cut > start and not self._trimmed(cut - 1):
            cut -= 1
        return cut

    def _between(self, start: int, end: int | None, indent: int) -> list[str]:
        """Comments and blank lines; of several blank lines, one."""
        texts = [line.strip(" \t") for line in self._lines[start:end]]
        return _collapsed([" " * indent + text if text else "" for text in texts])

    def _shifted(self, at: int, shift: int, indent: int) -> str:
        """A line below an item, moved with it; one that continues a value is indented more than the item."""
        line = self._trimmed(at)
        if not line.strip(" \t"):
            return ""
        return " " * max(_width(line) + shift, indent + 1 if at in self._begun else 0) + line.lstrip(" ")

    def _trimmed(self, at: int) -> str:
        return self._lines[at] if at in self._open else self._lines[at].rstrip(" \t")


def _width(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _joined(lines: Sequence[str]) -> str:
    text = "\n".join(lines).strip("\n")
    return text + "\n" if text else ""


def _collapsed(lines: Sequence[str]) -> list[str]:
    return [line for at, line in enumerate(lines) if line or at == 0 or lines[at - 1]]


def _without_last_blank(lines: list[str]) -> list[str]:
    return lines[:-1] if lines and not lines[-1] else lines


def _without_head(block: _Block, *, is_file: bool) -> tuple[list[str], _Block]:
    """The comments that stay on top, up to the last blank line; a file's own also without one."""
    above = block.above[1:] if block.above and not block.above[0] else block.above
    blanks = [at for at, line in enumerate(above) if not line]
    size = blanks[-1] + 1 if blanks else len(above) * is_file
    return above[:size], _Block(block.name, above[size:], block.body)


def _above(lines: list[str], *, is_first: bool, is_section: bool) -> list[str]:
    text = lines[1:] if lines and not lines[0] else lines
    if is_first:
        return text
    return ["", *text] if is_section else lines


def _rank(path: Keys) -> Callable[[_Block], Any] | None:
    """The order of the items at a path; None where it is the author's."""
    match path:
        case ():
            return _by_position(SECTIONS)
        case ("users",):
            return lambda block: user_key(block.name)
        case ("groups",):
            return lambda block: group_key(block.name)
        case ("users", _) | ("defaults", "users"):
            return _by_position(ENTRY_FIELDS["user"])
        case ("groups", _):
            return _by_position(ENTRY_FIELDS["group"])
        case _:
            return None


def _by_position(names: Sequence[str]) -> Callable[[_Block], int]:
    return lambda block: names.index(block.name) if block.name in names else len(names)

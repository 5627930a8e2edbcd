"""The bytes of a list as rows: a table (CSV) or records (JSON), and the place of each cell.

This is the only module that knows the csv module. Every row is a mapping from
the names of the columns; what is wrong with a row as such stands beside it.
"""

import csv
import io
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from reconciler.desired.lists.cells import NotJson, read_json
from reconciler.desired.lists.columns import Type
from reconciler.desired.text import MAX_PROBLEMS, clip, decode, fault_in, too_many
from reconciler.errors import Place, Problem

_DELIMITERS: Final = (",", ";", "\t")
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DASHES: Final = re.compile(r"[\s_-]+")
_LIST_KEYS: Final = ("Resources", "user_ids")
"""In an object: the keys under which the records can stand."""

Row = Mapping[str, Any]


@dataclass(slots=True)
class Table:
    """The rows of a list.

    ``names`` are the columns that are there, ``rows`` each row that could be read with its number;
    ``total`` counts all. ``problems`` are those of the list as a whole, ``bad`` those of rows.
    ``line_of`` finds the line of a row, or of a field in it.
    """

    file: str
    names: Sequence[str] = ()
    rows: list[tuple[int, Row]] = field(default_factory=list)
    total: int = 0
    problems: list[Problem] = field(default_factory=list)
    bad: list[Problem] = field(default_factory=list)
    line_of: Callable[[int, str], int] = lambda _row, _name: 1
    is_text: bool = True

    def place(self, row: int, name: str = "") -> Place:
        """The place of a cell of a row."""
        return Place(self.file, self.line_of(row, name), 0, clip(name).replace(":", "."))

    def find(self, aliases: Sequence[str]) -> str:
        """The first of these columns that is there, in any capitals and with any dashes; empty for none."""
        if exact := next((name for name in aliases if name in self.names), ""):
            return exact
        there = {spelled(name): name for name in reversed(self.names)}
        return next((there[spelled(name)] for name in aliases if spelled(name) in there), "")


def spelled(name: str) -> str:
    """The name of a column without what people write in many ways: capitals, blanks and dashes."""
    return _DASHES.sub("", name.casefold())


def read_table(raw: bytes, file: str, type_: Type) -> Table:
    """The rows of a file; no problem is raised, all are in the answer."""
    text, problems = decode(raw, file, is_yaml=False)
    if problems:
        return Table(file, problems=problems)
    return _read_csv(text, file) if type_ == "csv" else _read_json(text, file)


# Tables


def _read_csv(text: str, file: str) -> Table:
    lines: list[int] = []
    table = Table(file, line_of=lambda row, _: lines[row])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    begins = 1
    try:
        for cells in reader:
            if not any(cells) or not any(map(str.strip, cells)):
                pass
            elif not table.names:
                table.names = _header(cells, table, begins)
                if table.problems:
                    break
            else:
                lines.append(begins)
                _add_row(table, cells)
                if len(table.bad) >= MAX_PROBLEMS:
                    table.problems.append(too_many(table.bad[-1].place))
                    break
            begins = reader.line_num + 1
    except csv.Error as error:
        table.problems.append(Problem(Place(file, begins), *_say_csv(str(error))))
    if not table.names and not table.problems:
        table.problems.append(Problem(Place(file, 1), "the list is empty", "begin with a line of headers"))
    return table


def _delimiter(text: str) -> str:
    """What parts the header into the most columns."""

    def columns(delimiter: str) -> int:
        try:
            return len(next(csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=delimiter), []))
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=columns)


def _header(cells: Sequence[str], table: Table, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    while not names[-1]:
        names.pop()
    before: set[str] = set()
    for name in names:
        place = Place(table.file, line, 0, clip(name).replace(":", "."))
        if fault := fault_in(name):
            table.problems.append(Problem(place, *fault))
        elif name and name in before:
            table.problems.append(
                Problem(place, f"two columns are called `{clip(name)}`", "rename one of them")
            )
        before.add(name)
        if len(table.problems) >= MAX_PROBLEMS:
            table.problems.append(too_many(place))
            break
    return names


def _add_row(table: Table, cells: list[str]) -> None:
    number, width = table.total, len(table.names)
    table.total += 1
    extra = len(cells) - width
    if extra > 0 and not any(map(str.strip, cells[width:])):
        extra = 0
    if extra:
        table.bad.append(Problem(table.place(number), *_say_width(cells, width)))
    else:
        table.rows.append((number, dict(zip(table.names, cells, strict=False))))


def _say_width(cells: Sequence[str], width: int) -> tuple[str, str]:
    message = f"this row has {len(cells)} cells, and the header {width}"
    if len(cells) > width and any(cell.lstrip()[:1] in ("{", "[") for cell in cells):
        return message, 'JSON in a cell stands in quotes, with its own quotes doubled: "{""a"": ""b""}"'
    if len(cells) > width:
        return message, "put a cell that holds a comma in quotes"
    return message, "fill the row up with empty cells; is it cut off?"


def _say_csv(error: str) -> tuple[str, str]:
    if "unexpected end" in error:
        return "a quote is opened in this row and never closed", "close it"
    if "field larger" in error:
        return "a cell of this row is too long", "close a quote that is open, or shorten it"
    return "something follows a closed quote in this row", "double each quote inside a cell that is in quotes"


# Records


def _read_json(text: str, file: str) -> Table:
    starts: list[tuple[int, int]] = []  # where each row begins: its line, and the index into the text

    @cache  # a row is read again once, however many problems name it
    def lines_of(row: int) -> Mapping[str, int]:
        line, counted_to = starts[row]
        lines: dict[str, int] = {}
        for key, at in _keys(text, counted_to):
            line, counted_to = line + text.count("\n", counted_to, at), at
            lines[key] = line
        return lines

    def line_of(row: int, name: str) -> int:
        line, at = starts[row]
        return lines_of(row).get(name, line) if name and text[at] == "{" else line

    table = Table(file, line_of=line_of, is_text=False)
    names: dict[str, None] = {}
    line, counted_to = 1, 0
    try:
        for at, item in _records(text):
            line, counted_to = line + text.count("\n", counted_to, at), at
            starts.append((line, at))
            row = item if isinstance(item, dict) else {"": item}
            names.update(dict.fromkeys(row))
            table.rows.append((table.total, row))
            table.total += 1
    except NotJson as error:
        place = Place(
            file, text.count("\n", 0, error.index) + 1, error.index - text.rfind("\n", 0, error.index)
        )
        table.problems.append(Problem(place, f"this is not JSON: {error}", _HINT_FOR_JSON))
    table.names = tuple(names)
    return table


_HINT_FOR_JSON: Final = (
    "write it as a JSON encoder would: names and texts in double quotes, no comma at the end"
)


def _records(text: str) -> Iterator[tuple[int, Any]]:
    """Each record with where it begins: of an array, or of the one in an object; raises NotJson."""
    at = _skip(text, 0)
    if text[at : at + 1] == "[":
        at = yield from _items(text, at)
    elif text[at : at + 1] == "{":
        at = yield from _in_object(text, at)
    else:
        message = "it begins neither with `[` nor with an object that has `Resources`"
        raise NotJson(message, at)
    if (after := _skip(text, at)) < len(text):
        message = "something follows after the end"
        raise NotJson(message, after)


def _in_object(text: str, at: int) -> Generator[tuple[int, Any], None, int]:
    """The records of an object's list; returns where the object ends."""
    lists, begin, at = 0, at, _skip(text, at + 1)
    while text[at : at + 1] != "}":
        key, at = _key(text, at)
        if key in _LIST_KEYS and text[at : at + 1] == "[":
            lists += 1
            at = yield from _items(text, at)
        else:
            _, at = read_json(text, at)
        at = _next(text, at, "}")
    if lists != 1:
        message = f"the object has {'no' if not lists else 'more than one'} list called `Resources`"
        raise NotJson(message, begin)
    return at + 1


def _items(text: str, at: int) -> Generator[tuple[int, Any], None, int]:
    """The items of an array; returns where it ends."""
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        item, end = read_json(text, at)
        yield at, item
        at = _next(text, end, "]")
    return at + 1


def _keys(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Each key of an object that was read before, with where it begins."""
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, value_at = _key(text, at)
        yield key, at
        at = _next(text, read_json(text, value_at)[1], "}")


def _key(text: str, at: int) -> tuple[str, int]:
    """The key that begins here, and where its value does; raises NotJson."""
    key, end = read_json(text, at)
    colon = _skip(text, end)
    if not isinstance(key, str) or text[colon : colon + 1] != ":":
        message = "a key in quotes and a `:` are missing"
        raise NotJson(message, at)
    return key, _skip(text, colon + 1)


def _next(text: str, at: int, end: str) -> int:
    """Where the next item begins after the one that ended, or the end of all; raises NotJson."""
    at = _skip(text, at)
    if text[at : at + 1] == end:
        return at
    after = _skip(text, at + 1)
    if text[at : at + 1] != "," or text[after : after + 1] == end:
        message = f"a comma or `{end}` is missing" if text[at : at + 1] != "," else "a comma before the end"
        raise NotJson(message, at)
    return after


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at

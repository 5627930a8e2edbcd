"""Bytes to text, and the wording for what a YAML parser cannot read. Pure, and knows no parser."""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Final

from reconciler.errors import Place, Problem

MAX_BYTES: Final = 32 * 1024 * 1024

MAX_PROBLEMS: Final = 10_000
"""The most problems that are reported of one file; after them it is not read any further."""

# Every control character (Unicode category Cc), the two separators (Zl, Zp) that some parsers and editors
# take for the end of a line, and half characters, which no encoding can write.
CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# What may not stand in a file even between values; a byte order mark is fine at the very beginning only.
_UNREADABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

# A lone carriage return ends a line for YAML, but not on most screens: what follows it could pass for a
# comment. A line that begins with "%" is a directive; the parser compares every two of them.
_FAULT: Final = re.compile(_UNREADABLE.pattern + r"|\r(?!\n)|^%", re.MULTILINE)
_FAULT_IN_LIST: Final = re.compile(_UNREADABLE.pattern + r"|\r(?!\n)")

SHORT: Final = 30
"""Characters of a text that cannot hold too many accents."""

_MOST_ACCENTS: Final = SHORT  # in a row, as Unicode's Stream-Safe Text Format has it
_CLIP: Final = 60

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(raw: bytes, file: str, *, is_yaml: bool = True) -> tuple[str, list[Problem]]:
    """Read UTF-8, with or without a byte order mark, up to 32 MiB.

    Characters that no file should hold are problems, and so are directives of YAML;
    another character stands for each of them in the text, so that every other
    place stays right. Where nothing can be read the text is empty.
    """
    if len(raw) > MAX_BYTES:
        return "", [too_large(file)]
    if encoding := _other_encoding(raw):
        hint = f"save it as UTF-8: iconv -f {encoding} -t UTF-8 OLD > NEW"
        return "", [Problem(Place(file), f"the file is {encoding}, not UTF-8", hint)]
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"the byte 0x{raw[error.start]:02x} is not UTF-8"
        hint = "if the file is Latin-1 or Windows-1252: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
        return "", [Problem(place, message, hint)]
    if not ("\r" in text or "%" in text or _UNREADABLE.search(text)):
        return text, []
    fault = _FAULT if is_yaml else _FAULT_IN_LIST
    problems = list(islice(_faults(text, file, fault), MAX_PROBLEMS + 1))
    if len(problems) > MAX_PROBLEMS:
        return "", [*problems[:MAX_PROBLEMS], too_many(problems[-1].place)]
    return fault.sub(lambda match: "#" if match[0] == "%" else "\ufffd", text), problems


def _faults(text: str, file: str, fault: re.Pattern[str]) -> Iterator[Problem]:
    line, line_start, counted_to = 1, 0, 0
    for match in fault.finditer(text):
        at = match.start()
        line += text.count("\n", counted_to, at)
        line_start = text.rfind("\n", counted_to, at) + 1 or line_start
        counted_to = at
        yield Problem(Place(file, line, at - line_start + 1), *_say_fault(match[0]))


def _say_fault(fault: str) -> tuple[str, str]:
    if fault == "%":
        return "directives are not supported", "remove the line that begins with `%`"
    if fault == "\r":
        return (
            "a carriage return without a line feed",
            "end the line with LF or CRLF, or remove it",
        )
    return f"{name_of(fault)} is not allowed in a file", "remove it"


def too_large(file: str) -> Problem:
    """The problem of a file that is over the limit."""
    limit = MAX_BYTES // 2**20
    return Problem(Place(file), f"the file is larger than {limit} MiB", "split it into several files")


def _other_encoding(raw: bytes) -> str:
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    start = raw[:4]
    if start.count(0) == 3:  # noqa: PLR2004  an ASCII character in UTF-32 has three zero bytes
        return "UTF-32"
    return "UTF-16" if len(start) > 1 and 0 in start[:2] and start[:2] != b"\0\0" else ""


def too_few(file: str, rows: int, least: int) -> Problem:
    """The problem of a list that has fewer rows than target.yaml says, without those that are left out."""
    message = f"the list has {rows} rows, and `min_rows` says that it has {least} at least"
    return Problem(Place(file, 1), message, "was it cut short? else lower `min_rows`")


def too_many(place: Place) -> Problem:
    """The problem that stands for all further ones of a file."""
    return Problem(place, f"this file has more than {MAX_PROBLEMS} problems", "correct these first")


def clip(text: str) -> str:
    """Text fit for a message: short, and without what would disturb a terminal."""
    text = CONTROL.sub("\ufffd", text[: _CLIP + 1])
    return text if len(text) <= _CLIP else f"{text[: _CLIP - 1]}…"


def is_stacked(text: str) -> bool:
    """Whether more accents follow each other than any language has: normalising takes the square of that."""
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > _MOST_ACCENTS:
            return True
    return False


def fault_in(text: str) -> tuple[str, str] | None:
    """What is wrong with a text as a value, and what to do; None where nothing is."""
    if text.isprintable() and len(text) <= SHORT:
        return None
    if control := CONTROL.search(text):
        return f"the text holds {name_of(control[0])}", "write plain text on one line"
    if not text.isascii() and is_stacked(text):
        return "the text holds more accents in a row than any language", "remove them"
    return None


def name_of(character: str) -> str:
    """A control character in words that a terminal can show."""
    words = {"\n": "a line break", "\r": "a line break", "\t": "a tab", "\ufeff": "a byte order mark"}
    return words.get(character) or f"the invisible character U+{ord(character):04X}"


_QUOTE: Final = "write text that holds special characters in quotes"
_INDENT: Final = "fields of one object begin in the same column; indent with spaces"

# What libyaml and PyYAML say, in part, and what to tell a person: message, hint, and whether the place is
# where the unfinished thing begins. The first that fits speaks.
_SYNTAX: Final = (
    ("escape", "this escape is not known in double quotes", "use 'single quotes'", False),
    ("hex", "this escape is not complete", "use 'single quotes'", False),
    ("quoted scalar", "a quote is opened here and never closed", "close it", True),
    ("scanning an alias", "text that begins with `*` must be quoted", 'write "*..."', True),
    ("scanning an anchor", "text that begins with `&` must be quoted", 'write "&..."', True),
    (
        "tag handle",
        "tags are not supported",
        'remove it, or write text that begins with `!` as "!..."',
        False,
    ),
    ("tab", "a tab is used to indent", "indent with spaces", False),
    ("'\\t'", "a tab is used to indent", "indent with spaces", False),
    ("cannot start any token", "a value cannot begin with this character", _QUOTE, False),
    ("mapping values are not allowed", "a `:` where no field can begin", f"{_QUOTE}; {_INDENT}", False),
    (
        "sequence entries are not allowed",
        "a list cannot begin here",
        "put each `- item` on its own line",
        False,
    ),
    ("expected ':'", "this line is no field: it has no `:`", 'write "name: value"', True),
    ("flow sequence", "a `[` is not closed, or a comma is missing", "close it with `]`", True),
    ("flow mapping", "a `{` is not closed, or a comma is missing", "close it with `}`", True),
    ("block scalar", "a block of text is not written like this", "write the text on one line", True),
    ("node content", "a value is missing here", f"write one, close every bracket; {_QUOTE}", False),
    ("document start", "the file goes on after its end", _INDENT, False),
    ("block", "this line does not fit the lines above it", _INDENT, False),
)


def explain(complaint: str, character: str) -> tuple[str, str, bool]:
    """Plain words for a parser's complaint: message, hint, and whether to name where the thing began."""
    if character == "\t":
        complaint = "a tab"
    for part, message, hint, at_start in _SYNTAX:
        if part in complaint:
            return message, hint, at_start
    return f"this is not YAML: {complaint.strip()}", _QUOTE, False

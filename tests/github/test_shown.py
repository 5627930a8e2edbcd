"""How long a text takes to read, whatever stands in it."""

import re
import time
from contextlib import suppress

import pytest

from reconciler.errors import ReconcilerError
from reconciler.github.shown import shown_lines

LONGEST = 65_536
"""Characters of a pull request's text (GitHub: "body is too long (maximum is 65536 characters)")."""

WANTED = re.compile("Wanted:")
REPEATED = (
    *(">", "- ", "1. ", "* > ", "[\n", "*\n", "> a\n", "> - > - a\n", "- - - - - - - -\n", "\t\n", " "),
    *("```\n", "`", "<!--\n", "<!-- -->\n", "<!", "<?\n\n", "<a a=b\n", "--!>", "<https://a>\n"),
    *("[a]: b '\n", "# #", "|-|\n", "\r", "\0", "Wanted: a\n", "```\nWanted: a\n```\n", "Wanted:"),
)
SLOWEST = 4.0
"""Seconds of a processor, which others use as well: alone, it takes an eighth of this."""


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("piece", REPEATED)
def test_a_hostile_text_takes_no_longer_than_its_size_warrants(piece: str) -> None:
    text = "Wanted: c\n\n" + piece * (LONGEST // len(piece)) + "\n\nWanted: b"
    began = time.process_time()
    with suppress(ReconcilerError):
        shown_lines(text, WANTED)
    assert time.process_time() - began < SLOWEST


def test_a_text_without_such_a_line_is_not_parsed() -> None:
    assert shown_lines("> " * LONGEST + "Unwanted: a", WANTED) == []


def test_lines_come_as_they_stand() -> None:
    assert shown_lines("Wanted: a \n\n```\nWanted: b\n```\n\nWanted:\tc", WANTED) == [
        "Wanted: a",
        "Wanted:\tc",
    ]

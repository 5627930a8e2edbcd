"""Cells of a table that no spreadsheet runs: ``harmless`` when we write one, ``undone`` when we read one.

A spreadsheet takes a cell for a formula by how it begins (OWASP: CSV injection). An
apostrophe before it makes it text. Where another character than ours parts the cells, a cell of
ours is several: so each semicolon, tab and line break is taken for one that begins a cell. Whatever
begins with apostrophes and then so gets one more, so that undoing takes back exactly what was done.
"""

import re
from typing import Final

_BEGINS: Final = "(?:\\A|(?<=[;\t\r\n]))"
_RUN: Final = "(?=['\"]*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"
"""How a cell goes on that would be run, or one that was made harmless; full-width signs count as well."""

_RUNS: Final = re.compile(f"{_BEGINS}{_RUN}")
_MADE: Final = re.compile(f"{_BEGINS}'{_RUN}")


def harmless(cell: str) -> str:
    """The text as a cell that is shown and not run."""
    return _RUNS.sub("'", cell)


def undone(cell: str) -> str:
    """The text that ``harmless`` was given; what it would not have changed stays as it is."""
    return _MADE.sub("", cell)

"""Cells of a table that no spreadsheet runs: ``harmless`` when we write one, ``undone`` when we read one.

A spreadsheet takes a cell for a formula by how it begins (OWASP: CSV injection). An
apostrophe before it makes it text. Whatever begins with apostrophes and then so gets one
more, so that undoing takes back exactly what was done.
"""

import re
from typing import Final

_RUN: Final = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that would be run, or one that was made harmless; full-width signs count as well."""


def harmless(cell: str) -> str:
    """The text as a cell that is shown and not run."""
    return f"'{cell}" if _RUN.match(cell) else cell


def undone(cell: str) -> str:
    """The text that ``harmless`` was given; what it would not have changed stays as it is."""
    return cell[1:] if cell.startswith("'") and _RUN.match(cell) else cell

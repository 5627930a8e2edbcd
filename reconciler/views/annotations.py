"""Problems as GitHub Actions' workflow commands, which it shows at the lines they are about.

Source: GitHub docs, "Workflow commands for GitHub Actions": ``::error
file=...,line=...,col=...,title=...::message``; in the message ``%``, CR and LF
are escaped, in properties ``:`` and ``,`` as well.
"""

from collections.abc import Iterable

from reconciler.errors import Problem
from reconciler.views.safe import printable


def annotations(problems: Iterable[Problem]) -> str:
    """One workflow command for each problem, with the hint as its second line."""
    return "".join(f"{_annotation(problem)}\n" for problem in problems)


def _annotation(problem: Problem) -> str:
    place = problem.place
    # Without a line the annotation stands at the top of the file.
    where = {"file": place.file, "line": str(place.line or 1), "col": str(place.column or 1)}
    said = ",".join(f"{key}={_escaped(value, ',:')}" for key, value in where.items())
    hint = f"%0Ahint: {_escaped(problem.hint)}" if problem.hint else ""
    return f"::error {said}::{_escaped(problem.message)}{hint}"


def _escaped(text: str, also: str = "") -> str:
    """What is not printable, line breaks among it, stands as its code; so do the given characters."""
    return "".join(f"%{ord(char):02X}" if char in f"%{also}" else char for char in printable(text))

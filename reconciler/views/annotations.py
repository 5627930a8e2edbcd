"""Workflow commands of GitHub Actions, and problems as those that it shows at the lines they are about.

Source: GitHub docs, "Workflow commands for GitHub Actions": ``::error
file=...,line=...,col=...,title=...::message``; in the message ``%``, CR and LF
are escaped, in properties ``:`` and ``,`` as well.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconciler.errors import Problem
from reconciler.views.safe import printable


@dataclass(frozen=True, slots=True)
class Command:
    """One workflow command, whose text is its line, without the end. ``message`` may have several lines."""

    name: Literal["error", "warning"]
    message: str
    properties: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        given = ",".join(f"{key}={_escaped(value, ',:')}" for key, value in self.properties.items())
        message = "%0A".join(_escaped(line) for line in self.message.split("\n"))
        return f"::{self.name}{' ' if given else ''}{given}::{message}"


def annotations(problems: Iterable[Problem]) -> Iterator[Command]:
    """One command for each problem, with the hint as its second line."""
    for problem in problems:
        place = problem.place
        # Without a line the annotation stands at the top of the file.
        where = {"file": place.file, "line": str(place.line or 1), "col": str(place.column or 1)}
        hint = f"\nhint: {printable(problem.hint)}" if problem.hint else ""
        yield Command("error", f"{printable(problem.message)}{hint}", where)


def _escaped(text: str, also: str = "") -> str:
    """What is not printable stands as its code; so do the given characters."""
    return "".join(f"%{ord(char):02X}" if char in f"%{also}" else char for char in printable(text))

"""Text from anywhere in GitHub's Markdown: code spans and fences of code that nothing inside can close.

In them GitHub looks for no markup, mention, reference or link (GitHub docs: Basic
writing and formatting syntax). A span or fence is longer than any run of backticks
in it, and no line is a command for GitHub's runner.
"""

import re
from collections.abc import Sequence

from reconciler.views.layout import Line
from reconciler.views.safe import printable, shortened, unobeyed

LONGEST_LINE = 600
LONGEST_PART = 240
"""Characters of a name, of a value, of what differs, of a place: of each part of an object's lines."""


def code(text: str) -> str:
    """The text as a code span, clipped to what a line should hold."""
    shown = shortened(printable(text), LONGEST_LINE) or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fence(lines: Sequence[str], language: str = "") -> str:
    """The lines as a block of code."""
    ticks = "`" * _ticks(lines)
    return "\n".join((ticks + language, *lines, ticks))


def fence_that_fits(
    lines: Sequence[str], room: int, note: str, language: str = "", *, hidden: int = 0
) -> str:
    """A block of code of at most ``room`` characters, with as many lines as fit.

    ``note`` says how many do not, and counts ``hidden`` more lines that nobody gave. The empty
    text where not even the note fits.
    """
    room -= len(fence([note.format(len(lines) + hidden)], language))
    if room < 0:
        return ""
    ticks = 3
    fitting: list[str] = []
    for line in lines:
        longer = max(_ticks([line]) - ticks, 0)
        room -= len(line) + 1 + 2 * longer
        if room < 0:
            break
        ticks += longer
        fitting.append(line)
    hidden += len(lines) - len(fitting)
    return fence([*fitting, *([note.format(hidden)] if hidden else [])], language)


def _ticks(lines: Sequence[str]) -> int:
    """How long a fence must be, so that nothing in the lines closes it."""
    return max((len(run) for line in lines for run in re.findall("`{3,}", line)), default=2) + 1


def row(text: str) -> str:
    """A line of a fence, cut to what it should hold."""
    return shortened(unobeyed(text), LONGEST_LINE)


def diff_row(line: Line) -> str:
    """A line of a fence of ``diff``, where the first character colours it."""
    text = plain_row(line, LONGEST_PART)
    sign = text[:1] if text[1:2] == " " else ""
    return unobeyed(f"{sign.replace('~', '!')}{' ' * line.indent}{text[len(sign) :]}")


def plain_row(line: Line, longest: int = LONGEST_LINE) -> str:
    """A line as one text, each part of which has so many characters; none can push another out of sight."""
    return "".join(f"{' ' * part.gap}{shortened(part.text, longest)}" for part in line.parts).strip()

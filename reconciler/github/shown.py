"""Which lines of a Markdown text its reader surely sees on GitHub's page.

A line is seen where it stands in a paragraph at the top level, and nothing above
it can hide it. In CommonMark (spec 0.31: fenced code blocks, HTML blocks) three
things can: code between fences, HTML, and a comment. GitHub adds math between
``$$``. A paragraph at the left edge between two empty lines is in no list,
quotation, footnote or table.

A parser finds paragraphs, fences and comments. Another parser may find more of
them than ours: at a tag, or at a fence with blanks before it, which may belong to
a list or to the page. Above a line that counts, both are refused. What stands
below a line cannot hide it, since GitHub takes styles and scripts out
(github/markup: README).
"""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_END = re.compile(r"\r\n?|\n")
_COMMENT = re.compile(r"<!--(?!-?>)(?:(?!--!?>).)*-->[ \t]*\n?", re.DOTALL)
"""A comment and nothing else, which ends where Markdown ends it (WHATWG HTML: comment start state)."""
_LONGEST = 120
_ANYWHERE = (
    ("a control character", re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\ufeff]")),
    ("what may begin math", re.compile(r"\$\$")),
)
_IN_THE_OPEN = (
    ("what may be a tag or a comment", re.compile(r"<(?!https?://[^\s<>]*>)[a-z/!?]", re.IGNORECASE)),
    ("a code fence with blanks before it", re.compile(r"\A {1,3}(?:```|~~~)")),
)


@dataclass(frozen=True, slots=True)
class _Page:
    """The lines of a text, and what the parser takes them for, by their numbers from 0."""

    lines: Sequence[str]
    examples: frozenset[int]
    """In code between fences, or in a comment."""
    sure: frozenset[int]
    """The same, where it is certain: at the left edge and the top level."""
    paragraphs: frozenset[int]
    """In a paragraph at the top level."""

    def is_gap(self, at: int) -> bool:
        """Whether no paragraph goes on over this line: it is empty, a sure example, or beyond the text."""
        return at in self.sure or not "".join(self.lines[at : at + 1]).strip(" \t")


def shown_lines(text: str, wanted: re.Pattern[str]) -> list[str]:
    """The lines that match from their beginning, without blanks around them; examples are left out.

    Raises ReconcilerError for a line that is neither surely seen nor surely an
    example. Raises it as well for what stands above a line that is seen, and may hide it.
    """
    lines = _END.split(text)
    matching = {at for at, line in enumerate(lines) if wanted.match(line)}
    if not matching:
        return []
    page = _read(text, lines)
    shown = matching - page.examples
    for at in sorted(shown):
        _check_paragraph(page, shown, at)
    for at in range(max(shown, default=-1) + 1):
        _check_doubts(page, at)
    return [lines[at].strip() for at in sorted(shown)]


def refused(line: str, why: str) -> ReconcilerError:
    """The error about a line of the text, which is cut where it is long."""
    return ReconcilerError(f"the pull request's line {line.strip(' ')[:_LONGEST]!r} {why}")


def _check_paragraph(page: _Page, shown: AbstractSet[int], at: int) -> None:
    line = page.lines[at]
    if line[:1] == " " or not (at - 1 in shown or page.is_gap(at - 1)):
        raise refused(line, "must begin its line, with an empty line before it")
    if not (at + 1 in shown or page.is_gap(at + 1)):
        raise refused(line, "must be a paragraph of its own: put an empty line after it")
    if at not in page.paragraphs:
        raise refused(line, "may be a part of something that hides it: put it at the top of the text")


def _check_doubts(page: _Page, at: int) -> None:
    for name, doubt in _ANYWHERE if at in page.sure else _ANYWHERE + _IN_THE_OPEN:
        if match := doubt.search(page.lines[at]):
            why = f"has {name}, and may hide a Reconciler line below it: put that one at the top of the text"
            raise refused(page.lines[at][match.start() :], why)


def _read(text: str, lines: Sequence[str]) -> _Page:
    examples: set[int] = set()
    sure: set[int] = set()
    paragraphs: set[int] = set()
    for token in _parser().parse(text):
        rows = range(*token.map) if token.map else range(0)
        is_top = not token.level
        if token.type == "paragraph_open" and is_top:
            paragraphs.update(rows)
        elif token.type == "fence" or (token.type == "html_block" and _COMMENT.fullmatch(token.content)):
            examples.update(rows)
            if is_top and lines[rows[0]][0] in "`~<":
                sure.update(rows)
    return _Page(lines, frozenset(examples), frozenset(sure), frozenset(paragraphs))


@cache
def _parser() -> "MarkdownIt":
    """It finds blocks alone. Links are not looked for: the lines of a link's title are no paragraph."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 (only a text with such a line pays for its import)

    return MarkdownIt("commonmark").disable(["reference", "inline", "text_join"])

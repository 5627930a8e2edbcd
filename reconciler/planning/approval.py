"""What a pull request's text says about its plan: lines as git's trailers are.

``Reconciler-Allow: production=37 digest=ab12cd34ef56`` approves the one plan
with this digest although it goes over the limits; 37 is the exact number of its
removals. ``Reconciler-Include: drift`` (or ``backlog``) has it applied as well.

A line counts where a reader of the page sees it as one: not inside an HTML
comment, which a template may hold as an example, nor in code or a quotation. It
begins a paragraph, and its line: anything else may be a part of what the page
never shows, as the title of a link, and is refused. (CommonMark spec 0.31: HTML
blocks, fenced code blocks, link reference definitions.)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.changes import Origin
from reconciler.errors import ReconcilerError

DIGEST_DIGITS = 12
"""Hex digits of a digest that name a plan: nobody finds a second plan with the same ones by chance."""

_HIDDEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<![a-z].*?(?:>|\Z)"
    r"|<(pre|script|style|textarea)(?=[\s>]).*?(?:</\1>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_MARK = "\0"
"""Stands for what was hidden."""
_OPENS = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_CLOSES = re.compile(r" {0,3}(`{3,}|~{3,})\s*")
_EMPTY = re.compile(rf"\s*| {{0,3}}{_MARK}\s*")
_LINE = re.compile(r"( {0,3})Reconciler-(Allow|Include):(.*)", re.IGNORECASE)
_LONGEST = 120
_ALLOW = re.compile(rf"(\S+)=([0-9]{{1,9}})\s+digest=([0-9a-f]{{{DIGEST_DIGITS},64}})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Override:
    """The approval of one plan: its number of removals, and how its digest begins."""

    removals: int
    digest: str


def overrides(text: str) -> dict[str, Override]:
    """The approvals by target; raises ReconcilerError for a line that is not understood, or said twice."""
    found: dict[str, Override] = {}
    for line, said in _lines(text, "allow"):
        match = _ALLOW.fullmatch(said)
        if not match:
            raise _misunderstood(line, "Reconciler-Allow: production=37 digest=ab12cd34ef56")
        target, override = match[1], Override(int(match[2]), match[3].lower())
        if found.setdefault(target, override) != override:
            message = f"the pull request's text approves two plans for {target}: leave one line"
            raise ReconcilerError(message)
    return found


def inclusions(text: str) -> tuple[Origin, ...]:
    """What is to be applied with this change; raises ReconcilerError for a line that is not understood."""
    found: dict[Origin, None] = {}
    for line, said in _lines(text, "include"):
        for word in re.split(r"[\s,]+", said.lower()):
            match word:
                case "drift" | "backlog":
                    found[word] = None
                case _:
                    raise _misunderstood(line, "Reconciler-Include: drift")
    return tuple(found)


def _lines(text: str, wanted: str) -> Iterator[tuple[str, str]]:
    """Every line of this name, as it stands, and what it says."""
    fence = ""
    is_start = True
    shown = _HIDDEN.sub(_MARK, text.replace(_MARK, ""))
    for line in re.split(r"\r\n?|\n", shown):
        if fence:
            closing = _CLOSES.fullmatch(line)
            if closing and closing[1].startswith(fence):
                fence, is_start = "", True
        elif opening := _OPENS.match(line):
            fence = opening[1]
        elif match := _LINE.fullmatch(line.rstrip()):
            if match[2].lower() == wanted:
                if match[1] or not is_start:
                    raise _refused(line, "must begin its line, with an empty line before it")
                yield line.strip(), match[3].strip()
        else:
            is_start = bool(_EMPTY.fullmatch(line))


def _misunderstood(line: str, example: str) -> ReconcilerError:
    return _refused(line, f"is not understood; write `{example}`")


def _refused(line: str, why: str) -> ReconcilerError:
    return ReconcilerError(f"the pull request's line {line.strip()[:_LONGEST]!r} {why}")

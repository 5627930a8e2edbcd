"""What a pull request's text says about its plan: lines as git's trailers are.

``Reconciler-Allow: production=37 digest=ab12cd34ef56`` approves the one plan
with this digest although it goes over the limits; 37 is the exact number of its
removals. ``Reconciler-Include: drift`` (or ``backlog``) has it applied as well.

A line counts where a reader sees it as one: not inside an HTML comment, which a
template may hold as an example, nor in a fence of code or in a quotation.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.changes import Origin
from reconciler.errors import ReconcilerError

DIGEST_DIGITS = 12
"""Hex digits of a digest that name a plan: nobody finds a second plan with the same ones by chance."""

_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_LINE = re.compile(r" {0,3}Reconciler-(Allow|Include):(.*)", re.IGNORECASE)
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
    for line in _COMMENT.sub("", text.replace("\r\n", "\n")).split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
        elif mark:
            fence = mark[1]
        elif (match := _LINE.fullmatch(line.rstrip())) and match[1].lower() == wanted:
            yield line.strip(), match[2].strip()


def _misunderstood(line: str, example: str) -> ReconcilerError:
    return ReconcilerError(f"the pull request's line {line!r} is not understood; write `{example}`")

"""The lines of a pull request's text that have a say in its plan, written as git's trailers are.

``Reconciler-Allow: production=37 digest=ab12cd34ef56`` lets the one plan with this
digest go over the limits; 37 is the exact number of its removals. Where too many users
are created, ``creations=120`` stands before the digest, with their exact number.
``Reconciler-Include: drift`` (or ``backlog``) has that applied as well.

A line counts where a reader of the page surely sees it. An example in code or in a
comment, as a template may hold one, says nothing. What is in doubt is refused.
"""

import re

from reconciler.changes import Origin
from reconciler.errors import ReconcilerError
from reconciler.github.shown import refused, shown_lines
from reconciler.planning.allowance import DIGEST_DIGITS, Allowance

_LINE = re.compile(r" {0,3}Reconciler-(Allow|Include):", re.IGNORECASE | re.ASCII)
_ALLOW = re.compile(
    rf"([^\s<>\[\]`\\&$~*|]+)=([0-9]{{1,9}})(?:\s+creations=([0-9]{{1,9}}))?\s+digest=([0-9a-f]{{{DIGEST_DIGITS},64}})",
    re.IGNORECASE | re.ASCII,
)
"""A target's name has no character by which Markdown could hide the next line."""


def allowances(text: str) -> dict[str, Allowance]:
    """What the text allows, by target; raises ReconcilerError for a line in doubt, odd, or said twice."""
    by_target: dict[str, Allowance] = {}
    for target, allowance in _read(text)[0]:
        if by_target.setdefault(target, allowance) != allowance:
            message = f"the pull request's text approves two plans for {target}: leave one line"
            raise ReconcilerError(message)
    return by_target


def inclusions(text: str) -> tuple[Origin, ...]:
    """What is to be applied too; raises ReconcilerError for a line in doubt, or not understood."""
    return tuple(dict.fromkeys(_read(text)[1]))


def holds_lines(text: str) -> bool:
    """Whether any line counts, of either kind; raises ReconcilerError for one not understood, or in doubt."""
    return any(_read(text))


def _read(text: str) -> tuple[list[tuple[str, Allowance]], list[Origin]]:
    """Every line of both kinds. One that is not understood is refused: it could hide the next one."""
    given: list[tuple[str, Allowance]] = []
    origins: list[Origin] = []
    for line in shown_lines(text, _LINE):
        name, _, value = line.partition(":")
        if name.lower().endswith("allow"):
            given.append(_allowance(line, value.strip()))
        else:
            origins += (_origin(line, word) for word in re.split(r"[\s,]+", value.strip().lower()))
    return given, origins


def _allowance(line: str, value: str) -> tuple[str, Allowance]:
    match = _ALLOW.fullmatch(value)
    if not match:
        raise _misunderstood(line, "Reconciler-Allow: production=37 digest=ab12cd34ef56")
    creations = None if match[3] is None else int(match[3])
    return match[1], Allowance(int(match[2]), match[4].lower(), creations)


def _origin(line: str, word: str) -> Origin:
    match word:
        case "drift" | "backlog":
            return word
        case _:
            raise _misunderstood(line, "Reconciler-Include: drift")


def _misunderstood(line: str, example: str) -> ReconcilerError:
    return refused(line, f"is not understood; write `{example}`")

"""What a pull request's text says about its plan: lines as git's trailers are.

``Reconciler-Allow: production=37 digest=ab12cd34ef56`` approves the one plan
with this digest although it goes over the limits; 37 is the exact number of its
removals. Where too many users are created, ``creations=120`` before the digest is their
exact number. ``Reconciler-Include: drift`` (or ``backlog``) has it applied as well.

A line counts where a reader of the page surely sees it. An example in code or in
a comment, which a template may hold, says nothing; what is in doubt is refused.
"""

import re
from dataclasses import dataclass

from reconciler.changes import Origin
from reconciler.errors import ReconcilerError
from reconciler.plan import CREATIONS, Plan
from reconciler.planning.shown import refused, shown_lines

DIGEST_DIGITS = 12
"""Hex digits of a digest that name a plan: nobody finds a second plan with the same ones by chance."""

_LINE = re.compile(r" {0,3}Reconciler-(Allow|Include):", re.IGNORECASE | re.ASCII)
_ALLOW = re.compile(
    rf"([^\s<>\[\]`\\&$~*|]+)=([0-9]{{1,9}})(?:\s+creations=([0-9]{{1,9}}))?\s+digest=([0-9a-f]{{{DIGEST_DIGITS},64}})",
    re.IGNORECASE | re.ASCII,
)
"""A target's name holds nothing that Markdown may begin something with that hides the next line."""


@dataclass(frozen=True, slots=True)
class Override:
    """The approval of one plan: its numbers of removals and of new users, and how its digest begins.

    ``creations`` is None where nothing is said of them.
    """

    removals: int
    digest: str
    creations: int | None = None

    def line(self, target: str) -> str:
        """The line that says so."""
        creations = "" if self.creations is None else f" creations={self.creations}"
        return f"Reconciler-Allow: {target}={self.removals}{creations} digest={self.digest}"


def needed(plan: Plan) -> Override | None:
    """The approval that a refused plan needs; None where something in it has no override."""
    if not all(violation.overridable for violation in plan.violations):
        return None
    counts = plan.intended.counts
    over = any(violation.code == CREATIONS for violation in plan.violations)
    digest = plan.removals_digest[:DIGEST_DIGITS]
    return Override(counts.removals, digest, counts.users_created if over else None)


def overrides(text: str) -> dict[str, Override]:
    """The approvals by target; raises ReconcilerError for a line in doubt, not understood, or said twice."""
    found: dict[str, Override] = {}
    for target, override in _read(text)[0]:
        if found.setdefault(target, override) != override:
            message = f"the pull request's text approves two plans for {target}: leave one line"
            raise ReconcilerError(message)
    return found


def inclusions(text: str) -> tuple[Origin, ...]:
    """What is to be applied too; raises ReconcilerError for a line in doubt, or not understood."""
    return tuple(dict.fromkeys(_read(text)[1]))


def holds_lines(text: str) -> bool:
    """Whether any line counts, of either kind; raises ReconcilerError for one not understood, or in doubt."""
    return any(_read(text))


def _read(text: str) -> tuple[list[tuple[str, Override]], list[Origin]]:
    """All that the text says. Every line is understood: of two in one paragraph, one could hide the other."""
    approvals: list[tuple[str, Override]] = []
    origins: list[Origin] = []
    for line in shown_lines(text, _LINE):
        name, _, said = line.partition(":")
        if name.lower().endswith("allow"):
            approvals.append(_approval(line, said.strip()))
        else:
            origins += (_origin(line, word) for word in re.split(r"[\s,]+", said.strip().lower()))
    return approvals, origins


def _approval(line: str, said: str) -> tuple[str, Override]:
    match = _ALLOW.fullmatch(said)
    if not match:
        raise _misunderstood(line, "Reconciler-Allow: production=37 digest=ab12cd34ef56")
    creations = None if match[3] is None else int(match[3])
    return match[1], Override(int(match[2]), match[4].lower(), creations)


def _origin(line: str, word: str) -> Origin:
    match word:
        case "drift" | "backlog":
            return word
        case _:
            raise _misunderstood(line, "Reconciler-Include: drift")


def _misunderstood(line: str, example: str) -> ReconcilerError:
    return refused(line, f"is not understood; write `{example}`")

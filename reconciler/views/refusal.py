"""Why guards refuse a plan, and what lets it through, in words."""

from collections.abc import Iterable, Iterator

from reconciler.plan import Absolute, Allow, Option, Plan
from reconciler.planning.allowance import remedies
from reconciler.report import number_of
from reconciler.views.layout import Line, Part, line
from reconciler.views.safe import printable

_ALLOWED: dict[Option, str] = {"--allow-removals": "removal", "--allow-creations": "new user"}
"""What an option allows so many of."""


def violations(plan: Plan) -> Iterator[Line]:
    """Why a plan is refused, and how to go on."""
    bar = Part("|", "alarm", 0)
    absolute = [violation for violation in plan.violations if violation.is_absolute]
    yield line(Part("REFUSED:", "alarm"), Part("this plan will not be applied", "strong"), hang=2)
    yield Line(bar=bar)
    for violation in plan.violations:
        is_mixed = len(absolute) < len(plan.violations)
        mark = " (no override)" if violation.is_absolute and is_mixed else ""
        yield line(Part("-", "alarm"), printable(violation.message) + mark, hang=2, bar=bar)
    yield Line(bar=bar)
    if absolute:
        yield line(printable(why_absolute(plan)), hang=0, bar=bar)
        yield line("Change the files, and plan again.", hang=0, bar=bar)
    else:
        allows = remedies(plan)
        yield line(f"To approve exactly this plan, {all_of(allows)}:", hang=0, bar=bar)
        yield line(Part(" ".join(map(str, allows)), "strong"), indent=2, bar=bar)


def why_absolute(plan: Plan) -> str:
    """Why nothing lets a refused plan through, in sentences; empty where something does."""
    remedies = (violation.remedy for violation in plan.violations)
    return " ".join(dict.fromkeys(each.why_not for each in remedies if isinstance(each, Absolute)))


def all_of(allows: Iterable[Allow]) -> str:
    """What is allowed, as all that a plan has of it: "all of its 3 removals and its only new user"."""
    return " and ".join(_all_of(each.number, _ALLOWED[each.option]) for each in allows)


def _all_of(number: int, noun: str) -> str:
    return f"its only {noun}" if number == 1 else f"all of its {number} {noun}s"


def numbers_of(allows: Iterable[Allow]) -> str:
    """What is allowed, in numbers: "3 removals and 1 new user"."""
    return " and ".join(number_of(each.number, _ALLOWED[each.option]) for each in allows)

"""A plan, its guards' verdict, and problems, for a person at a terminal or in a log."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.errors import Problem
from reconciler.plan import Plan
from reconciler.report import number_of
from reconciler.views.headline import headline
from reconciler.views.layout import BLANK, Line, Part, draw, line
from reconciler.views.lines import (
    PRETEND,
    TITLES,
    asked,
    block,
    by_origin,
    effort,
    kept,
    note_line,
    notes_of,
    summary,
)
from reconciler.views.refusal import violations
from reconciler.views.safe import label, printable


def plan_text(plan: Plan, *, width: int | None = None, color: bool = False) -> str:
    """A plan. ``width`` is the terminal's, in columns; None where there is none: nothing is wrapped."""
    return draw(_plan(plan), width=width, color=color)


def violations_text(plan: Plan, *, width: int | None = None, color: bool = False) -> str:
    """Why the plan is refused, and how to go on."""
    return draw(violations(plan), width=width, color=color)


def problems_text(problems: Sequence[Problem], *, width: int | None = None, color: bool = False) -> str:
    """Every problem with its place, and what to do about it."""
    return draw(_problems(problems), width=width, color=color)


def _plan(plan: Plan) -> Iterator[Line]:
    yield from _title(plan)
    yield BLANK
    if plan.changes:
        yield from summary(plan.counts, plan.census, plan.words)
        if plan.base:
            yield from by_origin(plan)
    else:
        yield line("No changes." if plan.included else "No drift.")
    yield from asked(plan)
    yield BLANK
    for note in notes_of(plan):
        yield note_line(note)
    yield from kept(plan)
    for change in plan.changes:
        yield BLANK
        yield from block(change, plan)
    if plan.changes and plan.included:
        yield BLANK
        yield line(effort(plan.requests, plan.requests_per_minute), hang=2)
    if plan.violations:
        yield BLANK
        yield from violations(plan)


def _title(plan: Plan) -> Iterator[Line]:
    title = f"{TITLES[bool(plan.included)]} {label(plan.target)}"
    system = (f"({label(plan.provider)},", f"{label(plan.url)})")
    pretend = Part(PRETEND if plan.sandbox else "", "change")
    if clauses := headline(plan):
        *others, last = (Part(str(clause), clause.style) for clause in clauses)
        commas = (replace(part, text=f"{part.text},") for part in others)
        yield line(Part(f"{title}:", "strong"), *commas, last, hang=2)
        yield line(*system, pretend, hang=2)
    else:
        yield line(Part(title, "strong"), *system, pretend, hang=2)


def _problems(problems: Sequence[Problem]) -> Iterator[Line]:
    for problem in problems:
        place = Part(f"{printable(str(problem.place))}:", "strong")
        yield line(place, printable(problem.message), hang=4)
        if problem.hint:
            yield line("hint:", printable(problem.hint), indent=4, hang=6)
    files = len({problem.place.file for problem in problems})
    yield line(Part(f"{number_of(len(problems), 'problem')} in {number_of(files, 'file')}.", "strong"))

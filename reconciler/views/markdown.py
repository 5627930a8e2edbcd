"""A plan, a report or a failure as a comment on a pull request, or the summary of a job, on GitHub.

Whatever comes from outside stands in a code span or a fence of code (see ``fences``), and
nothing in it is invisible.

A text has a budget of characters. What is taken away comes first, and gives way last: whole
objects with their lines, then one line for each object, then as many of these as fit. What is
left out is counted. What the guards say and the numbers always stand.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote

from reconciler.changes import Change, takes_away
from reconciler.plan import Plan
from reconciler.planning.allowance import DIGEST_DIGITS, needed
from reconciler.report import Report, number_of
from reconciler.views.differences import counted
from reconciler.views.fences import LONGEST_PART, code, diff_row, fence, fence_that_fits, plain_row, row
from reconciler.views.headline import headline
from reconciler.views.lines import (
    PRETEND,
    TITLES,
    asked,
    block,
    by_origin,
    effort,
    field_name,
    kept,
    note_line,
    notes_of,
    summary,
)
from reconciler.views.people import Person, by_person
from reconciler.views.refusal import all_of, why_absolute
from reconciler.views.report import report_text
from reconciler.views.safe import label, printable, short_commit, shortened, unobeyed

COMMENT = 65_536
"""Characters that a comment or an issue may have (GitHub docs: REST API endpoints for issue comments)."""
SUMMARY = 260_000
"""Characters for a step's summary: 1 MiB holds them whatever they are, and a larger one fails the
step (GitHub docs: Workflow commands). A character takes up to 4 bytes."""
LEAST = 1000
"""The smallest budget. In it a text says whether a guard refuses the plan, and gives the numbers."""

_LONGEST_NAME = 60
_LONGEST_MARKER = 200
_MOST = (20, 5, 1)
"""How many violations, and how many notes, stand there at most: the first number that fits the budget."""
_WHY = 20
_LOG = "... {} more lines: see the log"
_COUNTED = 120
"""Characters of a section that says no more than how many objects there are."""


def marker_of(about: str) -> str:
    """A comment that nobody sees, by which a text is found again."""
    name = quote(about, safe="", errors="surrogatepass").replace("-", "%2D")
    if len(name) > _LONGEST_MARKER:
        name = hashlib.sha256(name.encode()).hexdigest()
    return f"<!-- reconciler:{name} -->"


def plan_markdown(plan: Plan, *, budget: int = COMMENT, marker: str = "", run: str = "") -> str:
    """The plan in at most ``budget`` characters; it begins with ``marker``, else with its target's marker.

    ``run`` is the address of the checks whose artifacts hold plan.html and plan.json, where there is
    one. It is the same for every run, so that the same plan is no new comment.
    """
    marker = marker or marker_of(plan.target)
    for most in _MOST:
        head = "\n".join((marker, *_head(plan, most), ""))
        foot = "\n".join(_foot(plan, most, run))
        room = budget - len(head) - len(foot) - 2
        if room >= 2 * _COUNTED:
            return "\n".join((head, *_sections(plan, room), foot))
    return _least(plan, budget, marker, run)


def _sections(plan: Plan, room: int) -> Iterator[str]:
    """What is taken away, what else changes, and the same by person: as much of it as there is room for."""
    removals = [change for change in plan.changes if takes_away(change)]
    others = [change for change in plan.changes if not takes_away(change)]
    if removals:
        section = _objects("Takes something away", removals, plan, room - _COUNTED)
        room -= len(section) + 1
        yield section
    if others:
        section = _objects("Gives or changes something", others, plan, room)
        room -= len(section) + 1
        yield section
    if (people := by_person(plan)) and (section := _people(people, room - 1)):
        yield section


def failure_markdown(marker: str, title: str, message: str, details: str = "", advice: str = "") -> str:
    """What stopped a job, for a comment; ``details`` are lines of text, shown as they are."""
    why = [row(printable(line)) for line in message.splitlines()]
    shown = [row(printable(line)) for line in details.splitlines()]
    reasons = fence_that_fits(why[:_WHY], COMMENT, _LOG, hidden=len(why[_WHY:]))
    paragraphs = [f"{marker}\n### {code(title)}", reasons]
    paragraphs += [fence_that_fits(shown, COMMENT // 2, _LOG)] if shown else []
    paragraphs += [advice] if advice else []
    return "\n\n".join(paragraphs) + "\n"


def report_markdown(report: Report, *, budget: int = COMMENT) -> str:
    """How an apply went: what was done, and what failed or was skipped, each with its reason."""
    lines = [row(line) for line in report_text(report).splitlines()]
    title = "Applied" if report.complete else "Not all of it was applied"
    head = f"### {title}: {code(report.target)}\n\n"
    return head + fence_that_fits(lines, budget - len(head) - 1, _LOG) + "\n"


def _head(plan: Plan, most: int) -> Iterator[str]:
    yield _title(plan, plan.target) + _clauses(plan)
    yield ""
    if not plan.changes:
        yield "**No changes.**" if plan.included else "**No drift.**"
    else:
        yield fence([diff_row(line) for line in summary(plan.counts, plan.census, plan.words)], "diff")
    if plan.violations:
        yield ""
        yield from _refusal(plan, most)
    compared = by_origin(plan) if plan.base and plan.changes else ()
    if rows := [diff_row(line) for line in (*compared, *asked(plan))]:
        yield ""
        yield fence(rows)


def _title(plan: Plan, name: str) -> str:
    pretend = f", {PRETEND}" if plan.sandbox else ""
    return f"### {TITLES[bool(plan.included)]} {code(name)}{pretend}"


def _clauses(plan: Plan) -> str:
    """How the first line goes on: names in spans, what becomes of them in plain text."""
    clauses = (str(replace(c, who=code(c.who)) if c.named else c) for c in headline(plan))
    return f": {', '.join(clauses)}" if plan.changes else ""


def _refusal(plan: Plan, most: int) -> Iterator[str]:
    violations = sorted(plan.violations, key=lambda violation: not violation.is_absolute)
    yield "> [!CAUTION]"
    yield "> **Refused by a guard: this plan will not be applied.**"
    yield ">"
    for violation in violations[:most]:
        mark = " (no override)" if violation.is_absolute else ""
        yield f"> - {code(violation.message)}{mark}"
    if more := violations[most:]:
        absolute = sum(violation.is_absolute for violation in more)
        yield f"> - and {len(more)} more, {absolute} of them without an override"
    yield ">"
    for line in _way_on(plan):
        yield f"> {line}"


def _way_on(plan: Plan) -> Iterator[str]:
    if allowance := needed(plan):
        what = all_of(allowance.allows)
        yield f"To approve exactly this plan, {what}, write this line into the pull request's text:"
        yield code(allowance.line(plan.target))
    else:
        yield code(why_absolute(plan))


def _foot(plan: Plan, most: int, run: str) -> Iterator[str]:
    notes = notes_of(plan)
    rows = [plain_row(line) for line in (*map(note_line, notes[:most]), *kept(plan))]
    if len(notes) > most:
        rows.append(f"... and {number_of(len(notes) - most, 'more note')}")
    yield ""
    yield fence([unobeyed(text) for text in rows])
    yield ""
    if plan.changes and plan.included:
        yield f"{effort(plan.requests, plan.requests_per_minute)}."
    yield _where(plan, run)
    yield ""


def _where(plan: Plan, run: str) -> str:
    where = f"the artifacts of [the checks]({run})" if run else "the artifacts"
    head = f" for {code(short_commit(plan.pull.head))}" if plan.pull else ""
    return (
        f"Digest {code(plan.digest[:DIGEST_DIGITS])}{head}. All of it, by object and by person: "
        f"`plan.html` among {where}."
    )


def _objects(title: str, changes: Sequence[Change], plan: Plan, room: int) -> str:
    """The objects with their lines, else a line for each, else their number, which takes _COUNTED at most."""
    blocks = [[diff_row(line) for line in block(change, plan)] for change in changes]
    heading = f"{title}: {number_of(len(changes), 'object')}"
    opening = f"\n<details open>\n<summary>{heading}</summary>\n\n"
    closing = "\n\n</details>\n"
    room -= len(opening) + len(closing)
    whole = fence([line for lines in blocks for line in (*lines, "")][:-1], "diff")
    if len(whole) <= room:
        return opening + whole + closing
    hidden = sum(len(lines) - 1 for lines in blocks)
    remark = f"\n\n{number_of(hidden, 'line')} of details left out: see the plan among the artifacts."
    note, first_lines = "... and {} more objects", [lines[0] for lines in blocks]
    if listed := fence_that_fits(first_lines, room - len(remark), note, "diff"):
        return opening + listed + remark + closing
    return f"\n{heading}, all of them left out: see the plan among the artifacts.\n"


def _people(people: Sequence[Person], room: int) -> str:
    """Everybody in a line, as many as fit; the empty text where not even their number does."""
    number = "1 person" if len(people) == 1 else f"{len(people)} people"
    opening = f"\n<details>\n<summary>By person: {number}</summary>\n\n"
    closing = "\n\n</details>\n"
    lines = [unobeyed(_person(person)) for person in people]
    listed = fence_that_fits(lines, room - len(opening) - len(closing), "... and {} more", "diff")
    return opening + listed + closing if listed else ""


def _person(person: Person) -> str:
    parts: list[str] = [person.deed] if person.deed else []
    for verb, names, noun in (
        ("leaves", map(label, person.leaves), "group"),
        ("joins", map(label, person.joins), "group"),
        ("changes", (field_name(f.path) for f in person.fields), "field"),
    ):
        if listed := counted(tuple(names), noun):
            parts.append(f"{verb} {listed}")
    sign = "-" if person.loses else "+" if person.account or person.joins else "!"
    who = (label(person.key), *([person.known] if person.known else []))
    return f"{sign} {' '.join(shortened(part, LONGEST_PART) for part in who)}  {'; '.join(parts)}"


def _least(plan: Plan, budget: int, marker: str, run: str) -> str:
    """Where not even the numbers fit: whether it is refused, in the fewest words."""
    name = shortened(printable(plan.target), _LONGEST_NAME)
    removals = number_of(plan.counts.removals, "removal")
    numbers = f"{removals} in {number_of(len(plan.changes), 'object')}, too many to list here."
    lines = [marker, _title(plan, name), ""]
    if plan.violations:
        absolute = sum(violation.is_absolute for violation in plan.violations)
        number = number_of(len(plan.violations), "violation")
        lines += [f"**Refused by a guard:** {number}, {absolute} of them without an override.", ""]
    ways = (*_way_on(plan), "") if plan.violations else ()
    texts = [
        "\n".join((*lines, *way, numbers, _where(plan, address), ""))
        for way, address in ((ways, run), (ways, ""), ((), ""))
    ]
    return next((text for text in texts if len(text) <= budget), texts[-1])

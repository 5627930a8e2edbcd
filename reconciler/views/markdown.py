"""A plan as a comment on a pull request, or the summary of a job, on GitHub.

Whatever comes from outside stands in a code span or a fence of code, where
GitHub looks for no markup, mention, reference or link (GitHub docs: Basic
writing and formatting syntax); a span or fence is longer than any run of
backticks in it, and nothing in it is invisible.

A text has a budget of characters. What is taken away comes first, and gives way
last: whole objects with their lines, then one line for each object, then as many
of these as fit. What is left out is counted. The guards' verdict and the numbers
always stand.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from reconciler.changes import Change, Delete, Plan, Update
from reconciler.planning.approval import DIGEST_DIGITS
from reconciler.report import Report
from reconciler.views.layout import Line
from reconciler.views.lines import (
    TITLES,
    block,
    by_origin,
    effort,
    field_name,
    kept,
    note_line,
    number_of,
    summary,
)
from reconciler.views.people import Person, by_person
from reconciler.views.report import report_text
from reconciler.views.safe import label, printable

COMMENT = 65_536
"""Characters that a comment may have (GitHub docs: REST API endpoints for issue comments)."""
SUMMARY = 1_000_000
"""Characters for a step's summary, which may have 1 MiB (GitHub docs: Workflow commands)."""

_LONGEST_LINE = 600
_VIOLATIONS = 20
_NOTES = 20
_LEAST_FOR_A_SECTION = 200


def marker(about: str) -> str:
    """A comment that nobody sees, by which a text is found again."""
    return f"<!-- reconciler:{quote(about, safe='', errors='replace').replace('-', '%2D')} -->"


def code(text: str) -> str:
    """The text as a code span, clipped to what a line should hold."""
    shown = _clipped(printable(text)) or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fence(lines: Sequence[str], language: str = "") -> str:
    """The lines as a block of code."""
    longest = max((len(run) for line in lines for run in re.findall("`{3,}", line)), default=2)
    ticks = "`" * (longest + 1)
    return "\n".join((ticks + language, *lines, ticks))


def plan_markdown(plan: Plan, *, budget: int = COMMENT, place: str = "", run: str = "") -> str:
    """The plan in at most ``budget`` characters; it begins with ``place``, else with its target's marker.

    ``run`` is the address of the run that keeps plan.html and plan.json, where there is one.
    """
    head = "\n".join((place or marker(plan.target), *_head(plan), ""))
    foot = "\n".join(_foot(plan, run))
    room = budget - len(head) - len(foot) - 2
    sections: list[str] = []
    removals = [change for change in plan.changes if takes_away(change)]
    others = [change for change in plan.changes if not takes_away(change)]
    for title, changes in (("Takes something away", removals), ("Gives or changes something", others)):
        if changes and room > _LEAST_FOR_A_SECTION:
            said = _objects(title, changes, plan, room)
            sections.append(said)
            room -= len(said) + 1
        elif changes:
            said = f"\n{number_of(len(changes), 'object')} more: see the plan among the artifacts.\n"
            sections.append(said)
            room -= len(said) + 1
    people = by_person(plan)
    if people and room > _LEAST_FOR_A_SECTION:
        sections.append(_people(people, room))
    text = "\n".join((head, *sections, foot))
    return text if len(text) <= budget else _cut(head, budget)


def takes_away(change: Change) -> bool:
    """Whether somebody loses something by this change."""
    if isinstance(change, Delete) or (isinstance(change, Update) and change.removal):
        return True
    return any(f.after is None or (f.path == ("active",) and f.after is False) for f in change.fields)


def failure_markdown(place: str, title: str, message: str, details: str = "", advice: str = "") -> str:
    """What stopped a job, for a comment; ``details`` are lines of text, shown as they are."""
    shown = [_clipped(printable(line)) for line in details.splitlines()]
    while sum(map(len, shown)) > COMMENT // 2:
        shown = [*shown[: len(shown) // 2], f"... {len(shown) - len(shown) // 2} more lines: see the log"]
    why = fence([_clipped(printable(line)) for line in message.splitlines()[:_VIOLATIONS]])
    said = [place, f"### {code(title)}", "", why]
    said += ["", fence(shown)] if shown else []
    said += ["", advice] if advice else []
    return "\n".join([*said, ""])


def report_markdown(report: Report, *, budget: int = COMMENT) -> str:
    """How an apply went: what was done, and what failed or was skipped, each with its reason."""
    lines = [_clipped(line) for line in report_text(report).splitlines()]
    title = "Applied" if report.complete else "Not all of it was applied"
    head = f"### {title}: {code(report.target)}\n\n"
    kept_lines, left = _fitting(lines, budget - len(head) - 100)
    return head + fence([*kept_lines, *([f"... {left} more lines: see the log"] if left else [])]) + "\n"


def _head(plan: Plan) -> Iterator[str]:
    yield f"### {TITLES[bool(plan.included)]} {code(plan.target)}"
    yield ""
    if not plan.changes:
        yield "**No changes.**" if plan.included else "**No drift.**"
    else:
        yield fence([_diff(one) for one in summary(plan.counts, plan.census)], "diff")
    if plan.violations:
        yield ""
        yield from _refusal(plan)
    if plan.base and plan.changes:
        yield ""
        yield fence([_diff(one) for one in by_origin(plan)])


def _refusal(plan: Plan) -> Iterator[str]:
    yield "> [!CAUTION]"
    yield "> **Refused by a guard: this plan will not be applied.**"
    yield ">"
    for violation in plan.violations[:_VIOLATIONS]:
        override = "" if violation.overridable else " (no override)"
        yield f"> - {code(violation.message)}{override}"
    if more := plan.violations[_VIOLATIONS:]:
        absolute = sum(not one.overridable for one in more)
        yield f"> - and {len(more)} more, {absolute} of them without an override"
    yield ">"
    if all(violation.overridable for violation in plan.violations):
        removals = plan.intended.counts.removals
        what = "its only removal" if removals == 1 else f"all of its {removals} removals"
        line = f"Reconciler-Allow: {plan.target}={removals} digest={plan.digest[:DIGEST_DIGITS]}"
        yield f"> To approve exactly this plan, {what}, write this line into the pull request's text:"
        yield f"> {code(line)}"
    else:
        yield "> Protected users and groups, and the user whom the key belongs to, have no override."


def _foot(plan: Plan, run: str) -> Iterator[str]:
    said = sorted(plan.notes, key=lambda one: not one.warning)
    notes = [_plain(note_line(one)) for one in said[:_NOTES]] + [_plain(one) for one in kept(plan.census)]
    if len(said) > _NOTES:
        notes.append(f"... and {len(said) - _NOTES} more notes")
    yield ""
    yield fence([_clipped(one) for one in notes])
    yield ""
    if plan.changes and plan.included:
        yield f"{effort(plan.requests, plan.requests_per_minute)}."
    where = f"[this run's artifacts]({run}#artifacts)" if run else "the artifacts"
    yield (
        f"Digest {code(plan.digest[:DIGEST_DIGITS])}. All of it, by object and by person: "
        f"`plan.html` among {where}."
    )
    yield ""


def _objects(title: str, changes: Sequence[Change], plan: Plan, room: int) -> str:
    blocks = [[_diff(one) for one in block(change, plan)] for change in changes]
    opening = f"\n<details open>\n<summary>{title}: {number_of(len(changes), 'object')}</summary>\n\n"
    closing = "\n\n</details>\n"
    room -= len(opening) + len(closing) + 200
    whole = [line for one in blocks for line in (*one, "")][:-1]
    if sum(len(line) + 1 for line in whole) <= room:
        return opening + fence(whole, "diff") + closing
    first, left = _fitting([one[0] for one in blocks], room)
    note = [f"... and {number_of(left, 'more object')}"] if left else []
    hidden = sum(len(one) - 1 for one in blocks)
    said = f"\n\n{number_of(hidden, 'line')} of details left out: see the plan among the artifacts."
    return opening + fence([*first, *note], "diff") + said + closing


def _people(people: Sequence[Person], room: int) -> str:
    lines = [_clipped(_person(one)) for one in people]
    opening = f"\n<details>\n<summary>By person: {number_of(len(people), 'person')}</summary>\n\n".replace(
        "persons", "people"
    )
    closing = "\n\n</details>\n"
    first, left = _fitting(lines, room - len(opening) - len(closing) - 100)
    more = [f"... and {left} more"] if left else []
    return opening + fence([*first, *more], "diff") + closing


def _person(one: Person) -> str:
    parts: list[str] = [one.account] if one.account else []
    parts += [f"joins {', '.join(map(label, one.joins))}"] if one.joins else []
    parts += [f"leaves {', '.join(map(label, one.leaves))}"] if one.leaves else []
    parts += [f"changes {', '.join(field_name(f.path) for f in one.fields)}"] if one.fields else []
    sign = "-" if one.loses else "+"
    return f"{sign} {label(one.key)}  {'; '.join(parts)}"


def _fitting(lines: Sequence[str], room: int) -> tuple[list[str], int]:
    """As many lines as fit, and how many do not."""
    fitting: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        fitting.append(line)
    return fitting, len(lines) - len(fitting)


def _cut(head: str, budget: int) -> str:
    """Where not even the numbers fit: their beginning, in one fence that is closed."""
    note = "\n\n(cut: see the plan among the artifacts)\n"
    first, _, rest = head.partition("\n")
    room = budget - len(first) - len(note) - 20
    shown = [line for line in rest.splitlines() if "```" not in line]
    kept_lines, _ = _fitting(shown, room)
    return f"{first}\n{fence(kept_lines)}{note}"


def _diff(line: Line) -> str:
    """A line for a fence of ``diff``, where the first character colours it."""
    text = _plain(line)
    sign = text[:1] if text[1:2] == " " else ""
    return _clipped(f"{sign.replace('~', '!')}{' ' * line.indent}{text[len(sign) :]}")


def _plain(line: Line) -> str:
    return "".join(f"{' ' * part.gap}{part.text}" for part in line.parts).strip()


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}... ({len(text)} characters)"

"""A plan as a comment on a pull request, or the summary of a job, on GitHub.

Whatever comes from outside stands in a code span or a fence of code, where
GitHub looks for no markup, mention, reference or link (GitHub docs: Basic
writing and formatting syntax); a span or fence is longer than any run of
backticks in it, and nothing in it is invisible. No line is a command for
GitHub's runner, in whose log the text may be printed.

A text has a budget of characters. What is taken away comes first, and gives way
last: whole objects with their lines, then one line for each object, then as many
of these as fit. What is left out is counted. The guards' verdict and the numbers
always stand.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from reconciler.changes import Change, Delete, Update
from reconciler.plan import Plan
from reconciler.planning.approval import DIGEST_DIGITS, needed
from reconciler.report import Report
from reconciler.views.differences import counted
from reconciler.views.layout import Line
from reconciler.views.lines import (
    PRETEND,
    TITLES,
    approved,
    asked,
    block,
    by_origin,
    effort,
    field_name,
    kept,
    no_override,
    note_line,
    number_of,
    summary,
)
from reconciler.views.people import Person, by_person
from reconciler.views.report import report_text
from reconciler.views.safe import label, printable, shortened, unobeyed

COMMENT = 65_536
"""Characters that a comment may have (GitHub docs: REST API endpoints for issue comments)."""
SUMMARY = 260_000
"""Characters for a step's summary: 1 MiB holds them whatever they are, and a larger one fails the
step (GitHub docs: Workflow commands). A character takes up to 4 bytes."""
LEAST = 1000
"""The smallest budget in which the verdict and the numbers always stand."""

_LONGEST_LINE = 600
_LONGEST_PART = 240
"""Characters of a name, of a value, of what differs, of a place: of each part of an object's lines."""
_LONGEST_NAME = 60
_LONGEST_MARKER = 200
_SHOWN = (20, 5, 1)
"""How many violations, and how many notes, stand there at most: the first number that fits the budget."""
_WHY = 20
_SHORT_COMMIT = 8
_LOG = "... {} more lines: see the log"
_COUNTED = 120
"""Characters that a section takes of which only the number of objects is said."""


def marker(about: str) -> str:
    """A comment that nobody sees, by which a text is found again."""
    name = quote(about, safe="", errors="surrogatepass").replace("-", "%2D")
    if len(name) > _LONGEST_MARKER:
        name = hashlib.sha256(name.encode()).hexdigest()
    return f"<!-- reconciler:{name} -->"


def code(text: str) -> str:
    """The text as a code span, clipped to what a line should hold."""
    shown = shortened(printable(text), _LONGEST_LINE) or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fence(lines: Sequence[str], language: str = "") -> str:
    """The lines as a block of code."""
    ticks = "`" * _ticks(lines)
    return "\n".join((ticks + language, *lines, ticks))


def _ticks(lines: Sequence[str]) -> int:
    """How long a fence must be, so that nothing in the lines closes it."""
    return max((len(run) for line in lines for run in re.findall("`{3,}", line)), default=2) + 1


def plan_markdown(plan: Plan, *, budget: int = COMMENT, place: str = "", run: str = "") -> str:
    """The plan in at most ``budget`` characters; it begins with ``place``, else with its target's marker.

    ``run`` is the address of the runs that keep plan.html and plan.json, where there is one. It is
    the same in every run: what says the same is not written again.
    """
    place = place or marker(plan.target)
    for shown in _SHOWN:
        head = "\n".join((place, *_head(plan, shown), ""))
        foot = "\n".join(_foot(plan, shown, run))
        room = budget - len(head) - len(foot) - 2
        if room >= 2 * _COUNTED:
            return "\n".join((head, *_sections(plan, room), foot))
    return _least(plan, budget, place, run)


def _sections(plan: Plan, room: int) -> Iterator[str]:
    """What is taken away, what else changes, and the same by person: as much of it as there is room for."""
    removals = [change for change in plan.changes if takes_away(change)]
    others = [change for change in plan.changes if not takes_away(change)]
    if removals:
        said = _objects("Takes something away", removals, plan, room - _COUNTED)
        room -= len(said) + 1
        yield said
    if others:
        said = _objects("Gives or changes something", others, plan, room)
        room -= len(said) + 1
        yield said
    if (people := by_person(plan)) and (said := _people(people, room - 1)):
        yield said


def takes_away(change: Change) -> bool:
    """Whether somebody loses something by this change."""
    if isinstance(change, Delete) or (isinstance(change, Update) and change.removal):
        return True
    return any(f.after is None or (f.path == ("active",) and f.after is False) for f in change.fields)


def failure_markdown(place: str, title: str, message: str, details: str = "", advice: str = "") -> str:
    """What stopped a job, for a comment; ``details`` are lines of text, shown as they are."""
    why = [_row(printable(line)) for line in message.splitlines()]
    shown = [_row(printable(line)) for line in details.splitlines()]
    said = [place, f"### {code(title)}", "", _fenced(why[:_WHY], COMMENT, _LOG, left=len(why[_WHY:]))]
    said += ["", _fenced(shown, COMMENT // 2, _LOG)] if shown else []
    said += ["", advice] if advice else []
    return "\n".join([*said, ""])


def report_markdown(report: Report, *, budget: int = COMMENT) -> str:
    """How an apply went: what was done, and what failed or was skipped, each with its reason."""
    lines = [_row(line) for line in report_text(report).splitlines()]
    title = "Applied" if report.complete else "Not all of it was applied"
    head = f"### {title}: {code(report.target)}\n\n"
    return head + _fenced(lines, budget - len(head) - 1, _LOG) + "\n"


def _head(plan: Plan, shown: int) -> Iterator[str]:
    yield _title(plan, plan.target)
    yield ""
    if not plan.changes:
        yield "**No changes.**" if plan.included else "**No drift.**"
    else:
        yield fence([_diff(one) for one in summary(plan.counts, plan.census)], "diff")
    if plan.violations:
        yield ""
        yield from _refusal(plan, shown)
    compared = by_origin(plan) if plan.base and plan.changes else ()
    if said := [_diff(one) for one in (*compared, *asked(plan))]:
        yield ""
        yield fence(said)


def _title(plan: Plan, name: str) -> str:
    pretend = f", {PRETEND}" if plan.sandbox else ""
    return f"### {TITLES[bool(plan.included)]} {code(name)}{pretend}"


def _refusal(plan: Plan, shown: int) -> Iterator[str]:
    violations = sorted(plan.violations, key=lambda one: one.overridable)
    yield "> [!CAUTION]"
    yield "> **Refused by a guard: this plan will not be applied.**"
    yield ">"
    for violation in violations[:shown]:
        override = "" if violation.overridable else " (no override)"
        yield f"> - {code(violation.message)}{override}"
    if more := violations[shown:]:
        absolute = sum(not one.overridable for one in more)
        yield f"> - and {len(more)} more, {absolute} of them without an override"
    yield ">"
    for line in _way_on(plan):
        yield f"> {line}"


def _way_on(plan: Plan) -> Iterator[str]:
    if approval := needed(plan):
        what = approved(approval)
        yield f"To approve exactly this plan, {what}, write this line into the pull request's text:"
        yield code(approval.line(plan.target))
    else:
        yield no_override(plan)


def _foot(plan: Plan, shown: int, run: str) -> Iterator[str]:
    said = sorted(plan.notes, key=lambda one: not one.warning)
    notes = [_plain(note_line(one)) for one in said[:shown]] + [_plain(one) for one in kept(plan.census)]
    if len(said) > shown:
        notes.append(f"... and {number_of(len(said) - shown, 'more note')}")
    yield ""
    yield fence([unobeyed(one) for one in notes])
    yield ""
    if plan.changes and plan.included:
        yield f"{effort(plan.requests, plan.requests_per_minute)}."
    yield _where(plan, run)
    yield ""


def _where(plan: Plan, run: str) -> str:
    where = f"the artifacts of [the checks]({run})" if run else "the artifacts"
    head = f" for {code(plan.pull.head[:_SHORT_COMMIT])}" if plan.pull else ""
    return (
        f"Digest {code(plan.digest[:DIGEST_DIGITS])}{head}. All of it, by object and by person: "
        f"`plan.html` among {where}."
    )


def _objects(title: str, changes: Sequence[Change], plan: Plan, room: int) -> str:
    """The objects with their lines, else a line for each, else their number, which takes _COUNTED at most."""
    blocks = [[_diff(one) for one in block(change, plan)] for change in changes]
    counted = f"{title}: {number_of(len(changes), 'object')}"
    opening = f"\n<details open>\n<summary>{counted}</summary>\n\n"
    closing = "\n\n</details>\n"
    room -= len(opening) + len(closing)
    whole = fence([line for one in blocks for line in (*one, "")][:-1], "diff")
    if len(whole) <= room:
        return opening + whole + closing
    hidden = sum(len(one) - 1 for one in blocks)
    said = f"\n\n{number_of(hidden, 'line')} of details left out: see the plan among the artifacts."
    note = "... and {} more objects"
    if listed := _fenced([one[0] for one in blocks], room - len(said), note, "diff"):
        return opening + listed + said + closing
    return f"\n{counted}, all of them left out: see the plan among the artifacts.\n"


def _people(people: Sequence[Person], room: int) -> str:
    """Everybody in a line, as many as fit; the empty text where not even their number does."""
    number = "1 person" if len(people) == 1 else f"{len(people)} people"
    opening = f"\n<details>\n<summary>By person: {number}</summary>\n\n"
    closing = "\n\n</details>\n"
    lines = [unobeyed(_person(one)) for one in people]
    listed = _fenced(lines, room - len(opening) - len(closing), "... and {} more", "diff")
    return opening + listed + closing if listed else ""


def _person(one: Person) -> str:
    parts: list[str] = [one.account] if one.account else []
    for verb, names, noun in (
        ("leaves", map(label, one.leaves), "group"),
        ("joins", map(label, one.joins), "group"),
        ("changes", (field_name(f.path) for f in one.fields), "field"),
    ):
        if said := counted(tuple(names), noun):
            parts.append(f"{verb} {said}")
    sign = "-" if one.loses else "+" if one.account or one.joins else "!"
    return f"{sign} {shortened(label(one.key), _LONGEST_PART)}  {'; '.join(parts)}"


def _fenced(lines: Sequence[str], room: int, note: str, language: str = "", *, left: int = 0) -> str:
    """A block of code with as many lines as fit; ``note`` says how many do not, with ``left`` more of them.

    The empty text where not even the note fits.
    """
    room -= len(fence([note.format(len(lines) + left)], language))
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
    left += len(lines) - len(fitting)
    return fence([*fitting, *([note.format(left)] if left else [])], language)


def _least(plan: Plan, budget: int, place: str, run: str) -> str:
    """Where not even the numbers fit: the verdict alone, in the fewest words."""
    name = shortened(printable(plan.target), _LONGEST_NAME)
    removals = number_of(plan.counts.removals, "removal")
    numbers = f"{removals} in {number_of(len(plan.changes), 'object')}, too many to list here."
    said = [place, _title(plan, name), ""]
    if found := len(plan.violations):
        absolute = sum(not one.overridable for one in plan.violations)
        number = number_of(found, "violation")
        said += [f"**Refused by a guard:** {number}, {absolute} of them without an override.", ""]
    ways = (*_way_on(plan), "") if found else ()
    texts = [
        "\n".join((*said, *way, numbers, _where(plan, address), ""))
        for way, address in ((ways, run), (ways, ""), ((), ""))
    ]
    return next((text for text in texts if len(text) <= budget), texts[-1])


def _diff(line: Line) -> str:
    """A line for a fence of ``diff``, where the first character colours it."""
    text = _plain(line, _LONGEST_PART)
    sign = text[:1] if text[1:2] == " " else ""
    return unobeyed(f"{sign.replace('~', '!')}{' ' * line.indent}{text[len(sign) :]}")


def _row(text: str) -> str:
    """A line of a fence, cut to what it should hold."""
    return shortened(unobeyed(text), _LONGEST_LINE)


def _plain(line: Line, longest: int = _LONGEST_LINE) -> str:
    """A line as one text, each part of which has so many characters; none can push another out of sight."""
    return "".join(f"{' ' * part.gap}{shortened(part.text, longest)}" for part in line.parts).strip()

"""A plan in lines of styled parts: the wording that every view shares.

``+`` creates or adds, ``~`` changes, ``-`` takes away. What is taken away comes
first in the summary and stands behind a ``-`` wherever it appears, so that
``grep -E '^ *-'`` finds all of it.
"""

from collections.abc import Iterator, Sequence

from reconciler.changes import Change, Counts, Create, Delete, FieldChange, Origin, Update, atoms, count
from reconciler.model import FieldPath
from reconciler.plan import CREATIONS, Census, Note, Plan
from reconciler.planning.approval import Override
from reconciler.views.differences import joins, long_difference
from reconciler.views.layout import Line, Part, Style, cells, line
from reconciler.views.safe import label, printable, quote

_NAME_COLUMN = 24
"""The widest name that a field's value still lines up behind."""

_REMOVALS = (
    ("users_deactivated", "user", "deactivated"),
    ("users_revoked", "user", "revoked"),
    ("users_deleted", "user", "deleted"),
    ("groups_deleted", "group", "deleted"),
    ("memberships_removed", "membership", "removed"),
    ("values_cleared", "attribute value", "cleared"),
)
_ADDITIONS: tuple[tuple[str, str, str, str], ...] = (
    ("users_created", "+", "user", "created"),
    ("groups_created", "+", "group", "created"),
    ("memberships_added", "+", "membership", "added"),
    ("users_updated", "~", "user", "updated"),
    ("groups_updated", "~", "group", "updated"),
    ("values_set", "~", "attribute value", "set"),
)
TITLES = {True: "Plan for", False: "Drift of"}
"""What a plan is called, by whether any of it is to be applied."""
PRETEND = "against the embedded pretend system"
"""What stands beside the title of a plan whose system is the sandbox in this process."""
ORIGINS: dict[Origin, str] = {"change": "this change", "drift": "drift", "backlog": "backlog"}
"""How each origin is called."""
EXPLAINED: dict[Origin, str] = {
    "change": "",
    "drift": "(somebody changed the live state: applying this reverts it)",
    "backlog": "(merged earlier, never applied)",
}
"""What each origin means for a reader; the first needs no words."""
_SHORT_COMMIT = 8
_BARE = Part("")

_STYLES: dict[str, Style] = {"+": "add", "~": "change", "-": "remove"}
_OWN_FIELDS = frozenset({"email", "name", "active"})


def summary(counts: Counts, census: Census) -> Iterator[Line]:
    """How much changes, by kind: removals first."""
    if counts.removals:
        yield line(Part(number_of(counts.removals, "removal"), "remove"))
        for attribute, noun, done in _REMOVALS:
            if number := getattr(counts, attribute):
                yield line(Part(f"- {number_of(number, noun)} {done}", "remove"), indent=2)
        ended = sum(census.losses.values()) - counts.memberships_removed
        if ended > 0:
            text = f"({number_of(ended, 'more membership')} {_verb(ended, 'end')} with what is deleted)"
            yield line(text, indent=4)
    else:
        yield line("No removals")
    additions = [(sign, getattr(counts, name), noun, done) for name, sign, noun, done in _ADDITIONS]
    if any(number for _, number, _, _ in additions):
        yield line("Additions and updates")
        for sign, number, noun, done in additions:
            if number:
                yield line(Part(f"{sign} {number_of(number, noun)} {done}", _STYLES[sign]), indent=2)


def by_origin(plan: Plan) -> Iterator[Line]:
    """How much of it is this change, drift and backlog."""
    yield line(f"Compared with {label(plan.base[:_SHORT_COMMIT])}")
    for origin, what in ORIGINS.items():
        part = plan.only(origin)
        removals = count(part).removals
        others = sum(atom.after not in (None, False) for change in part for atom in atoms(change))
        gives = "1 addition or update" if others == 1 else f"{others} additions and updates"
        said = [number_of(removals, "removal")] if removals else []
        if others:
            said.append(gives)
        if said:
            meaning = Part(EXPLAINED[origin], "dim")
            yield line(Part(f"{what}:", "strong"), ", ".join(said), meaning, indent=2)
    if plan.included:
        yield line("An apply of this plan does", _listed([ORIGINS[one] for one in plan.included]), indent=2)


def asked(plan: Plan) -> Iterator[Line]:
    """The pull request that it is for, and what an apply waits for."""
    if plan.pull:
        needed = plan.pull.approvals
        number = "1 approval" if needed == 1 else f"{needed} approvals"
        waits = f"applied after {number} by somebody else" if needed else "applied without an approval"
        head = printable(plan.pull.head[:_SHORT_COMMIT])
        yield line(f"For #{plan.pull.number} at {head}, {waits}", hang=2)


def _listed(words: Sequence[str]) -> str:
    return f"{words[0]} alone." if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}."


def note_line(note: Note) -> Line:
    """One note of the plan."""
    kind = Part("warning:", "change") if note.warning else Part("note:", "dim")
    place = Part(printable(str(note.place)) if note.place else "", "dim", 2)
    return line(kind, Part(printable(note.message)), place, hang=2)


def kept(census: Census) -> Iterator[Line]:
    """What is live and not in the files, and stays."""
    users, groups = census.unlisted_users, census.unlisted_groups
    kept = ": kept" if users + groups else ""
    text = f"{number_of(users, 'live user')} and {number_of(groups, 'live group')} are not in the files{kept}"
    yield line(Part("note:", "dim"), text, hang=2)
    if number := census.kept_members:
        verb = "is" if number == 1 else "are"
        text = f"{number_of(number, 'group member')} {verb} not in the user list: kept"
        yield line(Part("note:", "dim"), text, hang=2)


def block(change: Change, plan: Plan) -> Iterator[Line]:
    """One object: what happens to it, and each of its fields and memberships that changes."""
    sign = sign_of(change)
    origins = {plan.origins.get((atom.address, atom.path)) for atom in atoms(change)}
    # An object of one origin is marked once; else each of its lines is.
    common = _mark(origins.pop()) if len(origins) == 1 else _BARE
    yield line(
        Part(sign, _STYLES[sign]),
        Part(f"{change.address.kind}/{label(change.label)}", "strong"),
        Part(deed(change, plan.census), _STYLES[sign], 2),
        common,
        Part(printable(str(change.place)), "dim", 2),
        hang=2,
    )
    if isinstance(change, Delete):
        for name in change.ends:
            yield line(Part("-", "remove"), label(name), indent=4, hang=6)
        return
    said = ("email",) if change.address.kind == "user" else ("name",)
    own = [
        f
        for f in change.fields
        if f.path[0] != "members" and not (f.path == said and f.before is None and f.after == change.label)
    ]
    column = max((size for f in own if (size := cells(field_name(f.path))) <= _NAME_COLUMN), default=0)
    marks = {f.path: _mark(plan.origins.get((change.address, f.path))) for f in change.fields if origins}
    for item in own:
        yield _field(item, column, marks.get(item.path, _BARE))
    for item in change.fields:
        if item.path[0] == "members":
            sign = "+" if item.after else "-"
            mark = marks.get(item.path, _BARE)
            yield line(Part(sign, _STYLES[sign]), label(item.path[1]), mark, indent=4, hang=6)


def _mark(origin: Origin | None) -> Part:
    return Part(ORIGINS[origin] if origin else "", "dim" if origin == "change" else "change", 2)


def sign_of(change: Change) -> str:
    """``+``, ``~`` or ``-`` for a whole object."""
    match change:
        case Create():
            return "+"
        case Update(removal=None):
            return "~"
        case _:
            return "-"


def deed(change: Change, census: Census) -> str:
    """What happens to the object, in a few words."""
    match change:
        case Delete():
            ended = len(change.ends)
            if change.address.kind == "user":
                return f"delete, out of {number_of(ended, 'group')}" if ended else "delete"
            return f"delete, {number_of(ended, 'member')} {_verb(ended, 'lose')} it" if ended else "delete"
        case Update(removal="revoke", fields=()):
            return "revoke, by leaving groups"
        case Update(removal=str(removal)):
            return removal
        case Create():
            deeds = ["create"]
        case _:
            renamed = change.address.kind == "group" and ("name",) in {f.path for f in change.fields}
            deeds = ["rename"] if renamed else []
    edges = [f.after for f in change.fields if f.path[0] == "members"]
    added = sum(after is not None for after in edges)
    if added:
        deeds.append(f"add {number_of(added, 'member')}")
    if removed := len(edges) - added:
        emptied = ", which empties it" if not added and str(change.address) in census.emptied else ""
        deeds.append(f"remove {number_of(removed, 'member')}{emptied}")
    return ", ".join(deeds) or "update"


def _field(item: FieldChange, column: int, mark: Part) -> Line:
    name = field_name(item.path)
    gap = max(column - cells(name), 0) + 2
    hang = 6 + column + 2
    first = long_difference(item.before, item.after)
    # Where the whole values are long, what differs stands before them.
    values = 2 if first else gap
    if item.before is None:
        return line(
            Part("+", "add"),
            name,
            Part(first, gap=gap),
            Part(quote(item.after), gap=values),
            mark,
            indent=4,
            hang=hang,
        )
    gone = item.after is None or (item.path == ("active",) and item.after is False)
    sign = "-" if gone else "~"
    return line(
        Part(sign, _STYLES[sign]),
        name,
        Part(first, gap=gap),
        Part(quote(item.before), gap=values),
        Part(f"-> {quote(item.after)}", "remove" if gone else ""),
        Part("" if first else joins(item.before, item.after), "dim", 2),
        mark,
        indent=4,
        hang=hang,
    )


def field_name(path: FieldPath) -> str:
    """A field's name as the files have it; in full where an attribute is called like a field."""
    last = label(path[-1])
    return f"attributes.{last}" if len(path) > 1 and last in _OWN_FIELDS else last


def effort(requests: int, pace: int) -> str:
    """How many writes, and how long they take; ``pace`` is in requests a minute, 0 for none."""
    writes = number_of(requests, "write")
    beside = "; the reads before and after come on top"
    if not pace:
        return f"{writes}, no limit on their pace{beside}"
    minutes = (requests - 1) // pace if requests else 0
    if not minutes:
        return f"{writes}, without waiting (the pace is {pace} a minute){beside}"
    hours, rest = divmod(minutes, 60)
    time = f"{hours} h {rest} min" if hours else f"{rest} min"
    return f"{writes}, about {time} at {pace} a minute{beside}"


def violations(plan: Plan) -> Iterator[Line]:
    """Why a plan is refused, and how to go on."""
    bar = Part("|", "alarm", 0)
    absolute = [violation for violation in plan.violations if not violation.overridable]
    yield line(Part("REFUSED:", "alarm"), Part("this plan will not be applied", "strong"), hang=2)
    yield Line(bar=bar)
    for violation in plan.violations:
        mixed = len(absolute) < len(plan.violations)
        mark = " (no override)" if not violation.overridable and mixed else ""
        yield line(Part("-", "alarm"), printable(violation.message) + mark, hang=2, bar=bar)
    yield Line(bar=bar)
    if absolute:
        yield line(no_override(plan), hang=0, bar=bar)
        yield line("Change the files, and plan again.", hang=0, bar=bar)
    else:
        options, what = _approving(plan)
        yield line(f"To approve exactly this plan, {what}:", hang=0, bar=bar)
        yield line(Part(options, "strong"), indent=2, bar=bar)


def no_override(plan: Plan) -> str:
    """Why a refused plan can be approved by nobody."""
    absolute = {violation.code for violation in plan.violations if not violation.overridable}
    if absolute <= {"emptied", "last"}:
        return "What came about since the review was approved by nobody, and has no override."
    return "Protected users and groups, and the users whom the keys belong to, have no override."


def _approving(plan: Plan) -> tuple[str, str]:
    """The options that approve a plan, and what they approve."""
    counts, codes = plan.intended.counts, {violation.code for violation in plan.violations}
    needed = []
    if codes - {CREATIONS}:
        needed.append(("--allow-removals", counts.removals, "removal"))
    if CREATIONS in codes:
        needed.append(("--allow-creations", counts.users_created, "new user"))
    options = " ".join(f"{option} {number}" for option, number, _ in needed)
    return options, " and ".join(_all_of(number, noun) for _, number, noun in needed)


def approved(approval: Override) -> str:
    """What a line in a pull request's text approves, in words."""
    new = approval.creations
    said = [_all_of(approval.removals, "removal")] if approval.removals or new is None else []
    return " and ".join([*said, *([] if new is None else [_all_of(new, "new user")])])


def _all_of(number: int, noun: str) -> str:
    return f"its only {noun}" if number == 1 else f"all of its {number} {noun}s"


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def number_of(number: int, noun: str) -> str:
    """The number with its noun, in the plural where that is due."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

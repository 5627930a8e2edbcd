"""A plan in lines of styled parts: the wording that every view shares.

``+`` creates or adds, ``~`` changes, ``-`` takes away. What is taken away comes
first in the summary and stands behind a ``-`` wherever it appears, so that
``grep -E '^ *-'`` finds all of it.
"""

from collections.abc import Iterator, Mapping, Sequence

from reconciler.changes import (
    Change,
    Counts,
    Create,
    Delete,
    FieldChange,
    Origin,
    Update,
    atoms,
    count,
    ends_access,
    is_removal,
    only_names,
    renamed_from,
)
from reconciler.model import ACTIVE, NAMED_BY, PLAIN, Address, FieldPath
from reconciler.plan import Census, Note, Plan
from reconciler.report import number_of, time_for
from reconciler.views.differences import joins, long_difference
from reconciler.views.layout import Line, Part, Style, cells, line
from reconciler.views.safe import label, printable, quote, short_commit

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
_BARE = Part("")

_STYLES: dict[str, Style] = {"+": "add", "~": "change", "-": "remove"}
_OWN_FIELDS = frozenset({*NAMED_BY["user"], *PLAIN["user"]})


def called(words: Mapping[str, str], ours: str) -> str:
    """What the people of a system say for one of our words, or for several with commas between them."""
    return ", ".join(printable(words[word]) if word in words else word for word in ours.split(", "))


def live_login(plan: Plan, *people: Address) -> str:
    """What these people are called live, behind the names of the files; empty where they are called so."""
    logins = [label(plan.called[str(each)]) for each in people if str(each) in plan.called]
    return f"(live {', '.join(logins)})" if logins else ""


def summary(counts: Counts, census: Census, words: Mapping[str, str]) -> Iterator[Line]:
    """How much changes, by kind: removals first."""
    if counts.removals:
        yield line(Part(number_of(counts.removals, "removal"), "remove"))
        for attribute, noun, done in _REMOVALS:
            if number := getattr(counts, attribute):
                said = called(words, done) if noun == "user" else done
                yield line(Part(f"- {number_of(number, noun)} {said}", "remove"), indent=2)
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
    yield line(f"Compared with {short_commit(plan.base)}")
    for origin, what in ORIGINS.items():
        part = plan.of_origin(origin)
        removals = count(part).removals
        others = sum(not is_removal(atom) for change in part for atom in atoms(change))
        gives = "1 addition or update" if others == 1 else f"{others} additions and updates"
        numbers = [number_of(removals, "removal")] if removals else []
        numbers += [gives] if others else []
        if numbers:
            meaning = Part(EXPLAINED[origin], "dim")
            yield line(Part(f"{what}:", "strong"), ", ".join(numbers), meaning, indent=2)
    if plan.included:
        yield line(
            "An apply of this plan does", _listed([ORIGINS[origin] for origin in plan.included]), indent=2
        )


def asked(plan: Plan) -> Iterator[Line]:
    """The pull request that it is for, and what an apply waits for."""
    if plan.pull:
        needed = plan.pull.approvals
        number = "1 approval" if needed == 1 else f"{needed} approvals"
        waits = f"applied after {number} by somebody else" if needed else "applied without an approval"
        yield line(f"For #{plan.pull.number} at {short_commit(plan.pull.head)}, {waits}", hang=2)


def _listed(words: Sequence[str]) -> str:
    return f"{words[0]} alone." if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}."


def notes_of(plan: Plan) -> list[Note]:
    """The notes of a plan as every view shows them: warnings first."""
    return sorted(plan.notes, key=lambda note: not note.warning)


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
        Part(live_login(plan, change.address), "change"),
        Part(deed(change, plan), _STYLES[sign], 2),
        common,
        Part(printable(str(change.place)), "dim", 2),
        hang=2,
    )
    if isinstance(change, Delete):
        for name in change.ends:
            live = live_login(plan, Address("user", name)) if change.address.kind == "group" else ""
            yield line(Part("-", "remove"), label(name), Part(live, "change"), indent=4, hang=6)
        return
    own = [f for f in change.fields if f.path[0] != "members" and not only_names(change, f)]
    column = max((size for f in own if (size := cells(field_name(f.path))) <= _NAME_COLUMN), default=0)
    marks = {f.path: _mark(plan.origins.get((change.address, f.path))) for f in change.fields if origins}
    for item in own:
        yield _field(item, column, Part(live_login(plan, *item.names), "change"), marks.get(item.path, _BARE))
    for item in change.fields:
        if item.path[0] == "members":
            sign, mark = sign_of_field(item), marks.get(item.path, _BARE)
            known = Part(live_login(plan, Address("user", item.path[1])), "change")
            yield line(Part(sign, _STYLES[sign]), label(item.path[1]), known, mark, indent=4, hang=6)


def _mark(origin: Origin | None) -> Part:
    return Part(ORIGINS[origin] if origin else "", "dim" if origin == "change" else "change", 2)


def sign_of(change: Change) -> str:
    """``+``, ``~`` or ``-`` for a whole object."""
    if ends_access(change):
        return "-"
    return "+" if isinstance(change, Create) else "~"


def sign_of_field(item: FieldChange) -> str:
    """``+``, ``~`` or ``-`` for one field or membership."""
    if item.before is None and not item.unseen:
        return "+"
    return "-" if is_removal(item) else "~"


def deed(change: Change, plan: Plan) -> str:
    """What happens to the object, in a few words."""
    match change:
        case Delete():
            ended = len(change.ends)
            if change.address.kind == "user":
                delete = called(plan.words, "delete")
                return f"{delete}, out of {number_of(ended, 'group')}" if ended else delete
            return f"delete, {number_of(ended, 'member')} {_verb(ended, 'lose')} it" if ended else "delete"
        case Update(removal="revoke", fields=()):
            return "revoke, by leaving groups"
        case Update(removal=str(removal)):
            return called(plan.words, removal)
        case Create():
            deeds = ["create"]
        case _:
            deeds = ["rename"] if renamed_from(change) is not None else []
            if "reactivate" in plan.words and any((f.path, f.after) == (ACTIVE, True) for f in change.fields):
                deeds.append(called(plan.words, "reactivate"))
    edges = [f.after for f in change.fields if f.path[0] == "members"]
    added = sum(after is not None for after in edges)
    if added:
        deeds.append(f"add {number_of(added, 'member')}")
    if removed := len(edges) - added:
        emptied = ", which empties it" if not added and str(change.address) in plan.census.emptied else ""
        deeds.append(f"remove {number_of(removed, 'member')}{emptied}")
    return ", ".join(deeds) or "update"


def _field(item: FieldChange, column: int, *marks: Part) -> Line:
    name = field_name(item.path)
    gap = max(column - cells(name), 0) + 2
    hang = 6 + column + 2
    first = long_difference(item.before, item.after)
    # Where the whole values are long, what differs stands before them.
    values = 2 if first else gap
    if item.before is None and not item.unseen:
        return line(
            Part("+", "add"),
            name,
            Part(first, gap=gap),
            Part(quote(item.after), gap=values),
            *marks,
            indent=4,
            hang=hang,
        )
    sign = sign_of_field(item)
    return line(
        Part(sign, _STYLES[sign]),
        name,
        Part(first, gap=gap),
        Part(before_of(item), gap=values),
        Part(f"-> {quote(item.after)}", "remove" if sign == "-" else ""),
        Part("" if first or item.unseen else joins(item.before, item.after), "dim", 2),
        *marks,
        indent=4,
        hang=hang,
    )


def before_of(item: FieldChange) -> str:
    """What a field has now, as a reader is told it."""
    return "(cannot be seen)" if item.unseen else quote(item.before)


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
    time = time_for(requests, pace)
    if not time:
        return f"{writes}, without waiting (the pace is {pace} a minute){beside}"
    return f"{writes}, about {time} at {pace} a minute{beside}"


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb

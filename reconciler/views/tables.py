"""What is live, as tables for a terminal of any width: answers to quick questions."""

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model import Definition, Group, Live, LiveState, User, user_key
from reconciler.report import number_of
from reconciler.views.layout import Line, Part, Style, cells, draw, line
from reconciler.views.records import group_names, groups_of, stated
from reconciler.views.safe import label, quote

_ROOMY = 60
"""On narrower terminals a row is wrapped, so a heading above the columns would lead astray."""
_NOTHING = "-"

Row = Sequence[str]


def users_table(live: LiveState, *, width: int | None = None, color: bool = False) -> str:
    """A row for each user, and beneath it the attributes, where they are known."""
    names = group_names(live)
    rows = [_user(user, names) for user in live.users]
    below = [_attributes(user.resource) for user in live.users]
    heading = ("LOGIN", "NAME", "ACTIVE", "ID", "GROUPS")
    return _table(heading, rows, below, "user", width=width, color=color)


def groups_table(live: LiveState, *, members: bool, width: int | None = None, color: bool = False) -> str:
    """A row for each group with the number of its members, where it is known; beneath it who they are."""
    counted = any(group.resource.members is not None for group in live.groups)
    rows = [_group(group, live, counted=counted) for group in live.groups]
    below = [_members(group, live) if members else [] for group in live.groups]
    heading = ("NAME", "ID", "MEMBERS") if counted else ("NAME", "ID")
    return _table(heading, rows, below, "group", width=width, color=color)


def members_table(live: LiveState, *, width: int | None = None, color: bool = False) -> str:
    """The people in the first of the groups, a row each; `[]` where there is nobody."""
    inside = live.groups[0].resource.members or frozenset()
    found = [user for user in live.users if user_key(user.resource.email) in inside]
    if not found:
        return "[]\n"
    rows = [(label(user.resource.email), _text(user.resource.name), label(user.id)) for user in found]
    return _table(("LOGIN", "NAME", "ID"), rows, [], "member", width=width, color=color)


def attributes_table(user: User, *, width: int | None = None, color: bool = False) -> str:
    """A row for each attribute that a user has; `{}` where there is none."""
    rows = [(label(name), quote(value)) for name, value in sorted(stated(user).items())]
    return _table(("NAME", "VALUE"), rows, [], "attribute", width=width, color=color) if rows else "{}\n"


def definitions_table(
    known: Mapping[str, Definition], *, width: int | None = None, color: bool = False
) -> str:
    """A row for each attribute that the system knows: its type, one value or several, when it is written.

    What is required, has a choice of values or is never shown has that in a last column, if any has.
    """
    rows: list[Row] = [
        (
            label(each.name),
            each.type,
            "several" if each.multiple else "one",
            each.written,
            _NOTHING if each.default in (None, ()) else quote(each.default),
            _more(each),
        )
        for _, each in sorted(known.items())
    ]
    heading: Row = ("NAME", "TYPE", "VALUES", "WRITTEN", "DEFAULT", "MORE")
    if not any(row[-1] for row in rows):
        heading, rows = heading[:-1], [row[:-1] for row in rows]
    return _table(heading, rows, [], "attribute", width=width, color=color)


def _more(each: Definition) -> str:
    """What else is to be known of an attribute before it is written."""
    said = ["required"] if each.required else []
    said += [f"one of {', '.join(map(label, each.choices))}"] if each.choices else []
    said += [] if each.readable else ["never shown"]
    return "; ".join(said)


def _user(user: Live[User], names: Mapping[str, str]) -> Row:
    known = user.resource
    inside = groups_of(known, names)
    active = _NOTHING if known.active is None else quote(known.active)
    told = "not told" if inside is None else ", ".join(map(label, inside)) or _NOTHING
    return label(known.email), _text(known.name), active, label(user.id), told


def _attributes(user: User) -> list[Line]:
    found = sorted(stated(user).items())
    column = max((cells(label(name)) for name, _ in found), default=0) + 2
    return [
        line(Part(label(name), "dim"), Part(quote(value), gap=column - cells(label(name))), indent=4, hang=6)
        for name, value in found
    ]


def _group(group: Live[Group], live: LiveState, *, counted: bool) -> Row:
    number = len(group.resource.members or ()) + live.foreign.get(group.id, 0)
    return label(group.resource.name), label(group.id), *((str(number),) if counted else ())


def _members(group: Live[Group], live: LiveState) -> list[Line]:
    lines = [line(label(member), indent=4, hang=6) for member in sorted(group.resource.members or ())]
    if others := live.foreign.get(group.id, 0):
        lines.append(
            line(Part(f"and {number_of(others, 'member')} of no user list", "dim"), indent=4, hang=6)
        )
    return lines


def _text(name: str | None) -> str:
    return label(name) if name else _NOTHING


def _table(
    heading: Row,
    rows: Sequence[Row],
    below: Sequence[Sequence[Line]],
    noun: str,
    *,
    width: int | None,
    color: bool,
) -> str:
    """The rows in columns, each with the lines that belong beneath it, and their number at the end."""
    shown = [heading, *rows] if width is None or width >= _ROOMY else rows
    columns = [max(map(cells, column), default=0) + 2 for column in zip(*shown, strict=True)]

    def lines() -> Iterator[Line]:
        if shown is not rows:
            yield _row(heading, columns, "dim")
        for index, row in enumerate(rows):
            yield _row(row, columns)
            yield from below[index] if below else ()
        yield line(number_of(len(rows), noun))

    return draw(lines(), width=width, color=color)


def _row(row: Row, columns: Sequence[int], style: Style = "") -> Line:
    first, *others = row
    gaps = [size - cells(text) for text, size in zip(row, columns, strict=True)]
    parts = [Part(text, style, gap) for text, gap in zip(others, gaps[:-1], strict=True)]
    return line(Part(first, style or "strong"), *parts, hang=2)

"""One list of another tool as desired state: its rows as the entries that YAML would hold.

    bytes -> rows (tables) -> entries (rows, groups) -> Document, checked by the schema of YAML

Nothing is raised: every problem is in the document, with the row and the column
where it is. What only a list has (ids, which groups its rows decide) is its
``listing``; all else is the document's data, as it would be in YAML.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from reconciler.desired import schema
from reconciler.desired.documents import Document, Listing
from reconciler.desired.lists.columns import ATTRIBUTES, PREFIX, Columns, Type
from reconciler.desired.lists.groups import Groups
from reconciler.desired.lists.rows import LiveIds, People
from reconciler.desired.lists.tables import Table, read_table, spelled
from reconciler.desired.sources import ENTRY_LEVELS, Source, Steps
from reconciler.desired.text import clip, too_few
from reconciler.errors import Place, Problem
from reconciler.model import Address, group_key, user_key

_MOST_NAMED: Final = 5
_NO_ROWS: Final = "this list has no rows, so nobody counts as left or never listed in this plan"
_CUT_SHORT: Final = "was it cut short? else take it out of `sources`"

File = tuple[bytes, str]
"""The bytes of a file, and its name in places."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to read one list: an entry of ``sources`` in target.yaml, which stands at ``place``.

    ``required`` are columns that must be there. ``tracked`` is False where git ignores the list. ``live``
    are the ids of the system, where it was asked.
    """

    columns: Columns
    type: Type
    place: Place
    leavers: bool = False
    skip: bool = False
    min_rows: int = 0
    required: tuple[str, ...] = ()
    tracked: bool = True
    live: LiveIds | None = None


def read(wanted: Wanted, users: File, groups: File | None = None) -> Document:
    """The desired state that a list of people, and one of groups beside it, describe."""
    table = read_table(*users, wanted.type)
    table.problems += _against_columns(table, wanted)
    if table.total < wanted.min_rows and not table.problems:
        table.problems.append(too_few(table.file, table.total, wanted.min_rows))
    people = People(table, wanted.columns, leavers=wanted.leavers, live=wanted.live)
    if not table.problems:
        people.read()
    tables = [table]
    lists = None
    if groups:
        tables.append(second := read_table(*groups, wanted.type))
        lists = Groups(second, wanted.columns, people)
        lists.read()
    return _document(wanted, tables, people, lists)


def _document(wanted: Wanted, tables: list[Table], people: People, groups: Groups | None) -> Document:
    places = _RowPlaces(tables, people, groups)
    document = Document(
        places, {"users": people.entries}, listing=_listing(wanted, tables[0], people, groups)
    )
    if groups:
        document.data["groups"] = groups.entries
    bad = {("users", login) for login in people.bad} | {
        ("groups", name) for name in (groups.bad if groups else ())
    }
    document.problems = [problem for table in tables for problem in table.bad]
    document.damaged |= bad
    schema.check(document, "desired-state")
    if wanted.skip and document.listing:
        document.listing.skipped += document.problems
        document.problems = []
        for section, name in document.damaged:
            document.data.get(str(section), {}).pop(name, None)
        document.damaged = set()
        if len(people.entries) < wanted.min_rows and not tables[0].problems:
            tables[0].problems.append(too_few(tables[0].file, len(people.entries), wanted.min_rows))
    whole = [problem for table in tables for problem in table.problems]
    document.problems += whole
    document.whole = document.whole and not whole
    return document


def _listing(wanted: Wanted, table: Table, people: People, groups: Groups | None) -> Listing:
    listing = Listing(
        wanted.place,
        tracked=wanted.tracked,
        follows=wanted.columns.follows,
        skips=wanted.skip,
        min_rows=wanted.min_rows,
    )
    for login, given in people.ids.items():
        listing.ids[Address("user", user_key(login))] = given
    for name, given in groups.ids.items() if groups else ():
        listing.ids[Address("group", group_key(name))] = given
    listing.decides |= {user_key(login): people.decided(ruled) for login, ruled in people.ruled.items()}
    for _, rule in people.rules:
        for key, name in (rule.decides or {}).items():
            listing.groups.setdefault(key, (name, wanted.place))
    for key, (name, row) in people.groups.items():
        columns = [column for column, _ in people.rules if column]
        listing.groups[key] = (name, table.place(row, columns[0] if len(columns) == 1 else ""))
    if any(column and rule.decides is None for column, rule in people.rules):
        listing.remarks.append(_bare(wanted.place, people))
    if not table.total and not wanted.leavers:
        listing.empty = True
        listing.remarks.append(Problem(Place(table.file, 1), _NO_ROWS, _CUT_SHORT))
    return listing


def _bare(place: Place, people: People) -> Problem:
    """What a reader should know of a list whose rows alone say which groups it speaks for."""
    names = sorted(name for name, _ in people.groups.values())
    shown = ", ".join(map(clip, names[:_MOST_NAMED]))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    message = f"this list decides the groups that its rows name, and no other ({shown or 'none'}{more})"
    return Problem(place, message, "in a group that no row names any more, people stay")


def _against_columns(table: Table, wanted: Wanted) -> Iterator[Problem]:
    """What is wrong with the columns of a list."""
    columns = wanted.columns
    if table.problems or not table.total:
        return
    head = Place(table.file, 1)
    named = [name for name in table.names if name]
    if (
        not table.find(columns.login)
        and "" not in table.names
        and not (wanted.leavers and table.find(columns.id))
    ):
        expected = " or ".join(f"`{name}`" for name in columns.login) or "none: write `login: COLUMN`"
        yield Problem(
            head, f"no column says who a row is about; expected is {expected}", _near(columns.login, named)
        )
    for name in wanted.required:
        if not table.find((name,)) and name not in columns.login:
            yield Problem(head, f"there is no column `{clip(name)}`", _near((name,), named))
    if columns.strict:
        yield from _unknown(table, columns, named)


def _unknown(table: Table, columns: Columns, named: list[str]) -> Iterator[Problem]:
    known = {spelled(name): name for name in columns.known}
    rest_after = table.find(columns.rest_after)
    behind = frozenset(named[named.index(rest_after) + 1 :] if rest_after in named else ())
    for name in named:
        if spelled(name) in known or name in behind or name.startswith(columns.starting):
            continue
        place = Place(table.file, 1, 0, clip(name).replace(":", "."))
        message = f"the column `{clip(name)}` is not known"
        if columns.rest_after and rest_after:
            yield Problem(place, message, f"a column for an attribute stands behind `{clip(rest_after)}`")
        else:
            yield Problem(place, message, _near((name,), list(known.values())))


def _near(names: tuple[str, ...], there: list[str]) -> str:
    """What to do where none of these columns is there."""
    low = {spelled(name): name for name in there}
    near = [low[found[0]] for name in names if (found := get_close_matches(spelled(name), low, 1))]
    if near:
        return f"did you mean `{clip(near[0])}`?"
    return f"there are: {', '.join(clip(name) for name in there) or 'none'}"


class _RowPlaces(Source):
    """Where the entries of a list stand: the row, with the name of the column."""

    def __init__(self, tables: list[Table], people: People, groups: Groups | None) -> None:
        super().__init__(tables[0].file, "", lambda _: ())
        self._tables = {"users": tables[0], "groups": tables[-1]}
        self._rows = {"users": people.row_of, "groups": groups.row_of if groups else {}}
        self._people = people
        self._groups = groups

    def entry(self, steps: Steps) -> Place | None:
        """The place of a person or a group."""
        return self.find(steps) if len(steps) == ENTRY_LEVELS else None

    def find(self, steps: Steps, *, first: bool = False) -> Place | None:  # noqa: ARG002 (of YAML)
        """The place of the cell that states a field; None where no column does."""
        section, name = (*map(str, steps), "", "")[:2]
        row = self._rows.get(section, {}).get(name)
        if row is None:
            return None
        column = self._column(section, steps[2:])
        return None if column is None else self._tables[section].place(row, column)

    def _column(self, section: str, path: Steps) -> str | None:
        if section == "groups":
            lists = self._groups
            columns = {"": lists.name_column, "members": lists.members_column} if lists else {}
            return columns.get(str(path[0]) if path else "")
        if not path:
            return self._people.login_column
        if path[0] == "groups":
            return self._column_of_group(path[1:])
        own = f"{PREFIX}{path[1]}" if path[0] == ATTRIBUTES and path[1:] else ""
        return self._people.column_of.get(own) or self._people.column_of.get(str(path[0])) or None

    def _column_of_group(self, path: Steps) -> str | None:
        """The column that decides a group, else the first of those for groups."""
        columns = [(column, rule) for column, rule in self._people.rules if column]
        for column, rule in columns:
            if path and str(path[0]) in (rule.decides or ()):
                return column
        return columns[0][0] if columns else None

"""The rows of a list of people as entries, such as YAML would hold, by login."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.desired.lists import cells
from reconciler.desired.lists.columns import ATTRIBUTES, PREFIX, Columns, GroupRule
from reconciler.desired.lists.tables import Row, Table
from reconciler.desired.text import MAX_PROBLEMS, clip, fault_in, too_many
from reconciler.errors import Problem
from reconciler.model import group_key, user_key

Entry = dict[str, Any]

NOBODY_SAYS_WHO: Final = "ids are the system's own: `reconciler convert --live FILE` asks whose they are"
NOBODY_LIVE: Final = "nobody who is live has this id: take it out"
_GONE: Final[Entry] = {"state": "absent"}
_HINTS: Final = {
    ATTRIBUTES: 'write JSON: {"region": ["emea"]}',
    PREFIX: 'write a list as [a, "b, c"]',
}


@dataclass(frozen=True, slots=True)
class LiveIds:
    """What the system says of its ids: the login of each user's, and the name of each group's."""

    users: Mapping[str, str]
    groups: Mapping[str, str]


class BadCell(ValueError):
    """What is wrong with one cell, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class People:
    """What the rows of one list say of people; ``read`` fills it.

    ``entries`` is by login as it is written first. ``row_of`` has the row of each, ``ids`` the id that
    the list gives, ``ruled`` which rules for groups speak of the person, ``groups`` every group that
    a row names with its first row. ``bad`` are the logins of rows that have a problem. ``by_id`` is
    the login of each id, None where several people have it. ``live`` are the ids of the system, where
    it was asked.
    """

    def __init__(self, table: Table, columns: Columns, *, leavers: bool, live: LiveIds | None = None) -> None:
        self.live = live
        self.entries: dict[str, Entry] = {}
        self.row_of: dict[str, int] = {}
        self.ids: dict[str, str] = {}
        self.by_id: dict[str, str | None] = {}
        self.ruled: dict[str, tuple[int, ...]] = {}
        self.groups: dict[str, tuple[str, int]] = {}
        self.bad: set[str] = set()
        self.login_column = table.find(columns.login)
        self.column_of = {name: table.find(aliases) for name, aliases in columns.fields.items()}
        self.rules = [(table.find(rule.column), rule) for rule in columns.groups]
        self._table = table
        self._columns = columns
        self._leavers = leavers
        self._op, self._id = table.find(columns.op), table.find(columns.id)
        self._logins: dict[str, str] = {}
        self._displays: dict[str, str] = {}
        self._decided: dict[tuple[int, ...], frozenset[str]] = {}
        self._add_rest(table, columns)
        # Whole attributes come first, so that a column of its own counts before them.
        self._fields = sorted(
            ((name, column) for name, column in self.column_of.items() if column),
            key=lambda field: field[0] != ATTRIBUTES,
        )

    def _add_rest(self, table: Table, columns: Columns) -> None:
        if last := table.find(columns.rest_after):
            taken = {table.find((name,)) for name in columns.known}
            behind = table.names[list(table.names).index(last) + 1 :]
            self.column_of |= {f"{PREFIX}{name}": name for name in behind if name and name not in taken}
        self.column_of |= {
            f"{PREFIX}{name}": name for name in table.names if name.startswith(columns.starting)
        }

    def read(self) -> None:
        """Read every row; problems are added to the table's."""
        for number, row in self._table.rows:
            if len(self._table.bad) >= MAX_PROBLEMS:
                self._table.problems.append(too_many(self._table.bad[-1].place))
                break
            login = self._login(number, row)
            if not login:
                continue
            if (first := self._logins.setdefault(user_key(login), login)) in self.entries:
                self._again(number, row, first, login)
                continue
            self.row_of[login] = number
            self.entries[login] = {}
            self.entries[login] = self._entry(number, row, login)

    def _again(self, number: int, row: Row, first: str, login: str) -> None:
        """A further row about somebody; one that ends their access once more adds nothing."""
        if self.entries[first] == _GONE and (self._leavers or self._said_op(row) == "delete"):
            return
        before = self._table.place(self.row_of[first], self.login_column)
        message = f"`{clip(login)}` stands in two rows; first at {before}"
        self._refuse(number, self.login_column, first, BadCell(message, "keep one of them"))

    def _login(self, number: int, row: Row) -> str:
        """Who a row is about; empty where that cannot be read."""
        try:
            login = _person(self._raw(row, self.login_column or ""), is_cell=self._table.is_text)
            given = self._raw(row, self._id) if self._id else None
            if not self.login_column and "@" not in login:
                given, login = given or login, ""  # a bare text that is no address is an id
            login = login or self.live_login(given)
            if not login:
                raise self._nobody(given)
            if fault := fault_in(login):
                raise BadCell(*fault)
        except ValueError as error:
            self._refuse(number, self.login_column, "", error)
            return ""
        if isinstance(given, str) and given:
            self.ids[login] = given
            before = self.by_id.get(given, login)
            self.by_id[given] = before if before and user_key(before) == user_key(login) else None
        return login

    def live_login(self, given: object) -> str:
        """Who has this id in the system, where it was asked; empty for nobody."""
        return self.live.users.get(str(given), "") if self.live else ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was wrong with the list or with any of its rows."""
        return not self._table.problems and not self._table.bad

    @property
    def hint_for_id(self) -> str:
        """What to do about an id that nobody is known by."""
        return NOBODY_LIVE if self.live else NOBODY_SAYS_WHO

    def _nobody(self, given: object) -> BadCell:
        if given or self._leavers:
            message = f"this row names nobody but by the id `{clip(str(given or ''))}`"
            return BadCell(message, self.hint_for_id)
        return BadCell("this row does not say who it is", "fill the cell in, or remove the row")

    def _raw(self, row: Row, column: str) -> Any:
        raw = row.get(column)
        return cells.plain(raw) if self._table.is_text and raw is not None else raw

    def _entry(self, number: int, row: Row, login: str) -> Entry:
        if self._leavers or (self._op and self._is_deleted(number, row, login)):
            return dict(_GONE)
        entry: Entry = {}
        attributes: Entry = {}
        for name, column in self._fields:
            raw = self._raw(row, column)
            if raw is None or raw == "":
                if self._columns.clears and name.startswith(PREFIX):
                    attributes[name[len(PREFIX) :]] = None
                continue
            try:
                value = self._value(name, raw)
            except ValueError as error:
                hint = _HINTS.get(name, _HINTS[PREFIX])
                self._refuse(number, column, login, BadCell(str(error), getattr(error, "hint", hint)))
                continue
            if name == ATTRIBUTES:
                attributes |= value
            elif name.startswith(PREFIX):
                attributes[name[len(PREFIX) :]] = value
            else:
                entry[name] = value
        if attributes:
            entry[ATTRIBUTES] = attributes
        self._add_groups(number, row, login, entry)
        return entry

    def _value(self, name: str, raw: Any) -> Any:
        """The value of a field; raises ValueError."""
        value = raw
        if name == "active" and isinstance(raw, str):
            value = cells.truth(raw)
        elif name == ATTRIBUTES:
            value = _object(raw)
        elif (sign := self._columns.split.get(name)) and isinstance(raw, str):
            value = [item for each in raw.split(sign) if (item := each.strip())]
        elif self._table.is_text and name != "name":
            value = cells.value(raw)
        if fault := _fault(value):
            raise BadCell(*fault)
        return value

    def _said_op(self, row: Row) -> str:
        return str(self._raw(row, self._op) or "").lower() if self._op else ""

    def _is_deleted(self, number: int, row: Row, login: str) -> bool:
        op = self._said_op(row)
        if op not in ("upsert", "delete"):
            message = f"`{clip(self._op)}` must be `upsert` or `delete`, not the text `{clip(op)}`"
            self._refuse(number, self._op, login, BadCell(message))
        return op == "delete"

    # Groups

    def _add_groups(self, number: int, row: Row, login: str, entry: Entry) -> None:
        named: list[str] = []
        ruled: list[int] = []
        for at, (column, rule) in enumerate(self.rules):
            raw = self._raw(row, column) if column else None
            if (raw is None or raw == "") and not self._columns.clears:
                continue
            try:
                named += self._groups(number, raw, rule)
                ruled.append(at)
            except ValueError as error:
                hint = getattr(error, "hint", _HINTS[PREFIX])
                self._refuse(number, column, login, BadCell(str(error), hint))
        if ruled:
            self.ruled[login] = tuple(ruled)
            entry["groups"] = list({group_key(name): name for name in named}.values())

    def _groups(self, number: int, raw: Any, rule: GroupRule) -> Sequence[str]:
        """The groups that a cell stands for; raises ValueError."""
        if raw is None or raw == "":
            values = []
        elif isinstance(raw, str):
            values = cells.values(raw) if self._table.is_text else [raw]
        elif isinstance(raw, list):
            values = [self._display(item) for item in raw]
        else:
            message = "groups must be a list"
            raise BadCell(message)
        if fault := _fault(values):
            raise BadCell(*fault)
        found = rule.groups_for(values)
        for name in found:
            self.groups.setdefault(group_key(name), (name, number))
        return found

    def _display(self, item: Any) -> str:
        """The name of a group; a record has an id beside it, which must always be that group's."""
        if isinstance(item, str):
            return item
        name, given = (item.get("display"), item.get("value")) if isinstance(item, dict) else (None, None)
        name = name or (self.live.groups.get(str(given)) if self.live else None)
        if not isinstance(name, str) or not name:
            message = "a group has no name (`display`) here"
            raise BadCell(message, self.hint_for_id)
        if isinstance(given, str) and self._displays.setdefault(given, name) != name:
            before = clip(self._displays[given])
            message = f"the id `{clip(given)}` is of the group `{clip(name)}` here, and of `{before}` before"
            raise BadCell(message, "correct one of them")
        return name

    def decided(self, ruled: tuple[int, ...]) -> frozenset[str]:
        """The keys of the groups that these rules speak about, once all is read."""
        if ruled not in self._decided:
            every = [self.rules[at][1].decides for at in ruled]
            named = self.groups if None in every else ()
            stated = {key for keys in every for key in keys or ()}
            self._decided[ruled] = frozenset(stated.union(named))
        return self._decided[ruled]

    def _refuse(self, number: int, column: str, login: str, error: ValueError) -> None:
        place = self._table.place(number, column)
        self._table.bad.append(Problem(place, str(error), getattr(error, "hint", "")))
        if login:
            self.bad.add(login)


def _person(raw: Any, *, is_cell: bool) -> str:
    """The login in a value: text, or the address of ``{"primary": ..., "value": ...}``; raises ValueError."""
    if is_cell and isinstance(raw, str) and raw[:1] in ("{", "["):
        raw = cells.strict_json(raw)
    if isinstance(raw, list):
        first = next((one for one in raw if isinstance(one, dict) and one.get("primary") is True), None)
        raw = first or next(iter(raw), None)
    if isinstance(raw, dict):
        raw = raw.get("value")
    if raw is not None and not isinstance(raw, str):
        message = "a person is named by text"
        raise BadCell(message)
    return (raw or "").strip()


def _object(raw: Any) -> Mapping[str, Any]:
    """All attributes, which a cell and some JSON hold as text; raises ValueError."""
    found = cells.strict_json(raw) if isinstance(raw, str) else raw
    if not isinstance(found, dict):
        message = "attributes must be an object"
        raise BadCell(message, _HINTS[ATTRIBUTES])
    return found


def _fault(value: Any) -> tuple[str, str] | None:
    """What is wrong with the texts in a value; None where nothing is."""
    if isinstance(value, str):
        return fault_in(value)
    inside: Sequence[Any] = ()
    if isinstance(value, list):
        inside = value
    elif isinstance(value, dict):
        inside = [*value, *value.values()]
    return next(filter(None, map(_fault, inside)), None)

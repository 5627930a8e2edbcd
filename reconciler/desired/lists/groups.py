"""The rows of a list of groups as entries: each states exactly its members."""

from typing import Any

from reconciler.desired.lists import cells
from reconciler.desired.lists.columns import Columns
from reconciler.desired.lists.rows import Entry, People
from reconciler.desired.lists.tables import Table
from reconciler.desired.text import MAX_PROBLEMS, clip, fault_in, too_many
from reconciler.errors import Place, Problem
from reconciler.model import group_key, user_key


class Groups:
    """What the rows of one list say of groups; ``read`` fills it. ``bad`` names rows with a problem."""

    def __init__(self, table: Table, columns: Columns, people: People) -> None:
        self.entries: dict[str, Entry] = {}
        self.row_of: dict[str, int] = {}
        self.ids: dict[str, str] = {}
        self.bad: set[str] = set()
        self.name_column, self._id, self.members_column = (
            table.find(columns.group.get(name, ())) for name in ("name", "id", "members")
        )
        self._names: dict[str, str] = {}
        self._table = table
        self._people = people
        self._logins = {user_key(login) for login in people.entries}

    def read(self) -> None:
        """Read every row; problems are added to the table's."""
        for what, column in (("name", self.name_column), ("members", self.members_column)):
            if not column and self._table.total:
                there = ", ".join(clip(name) for name in self._table.names)
                message = f"no column says the {what} of a group"
                self._table.problems.append(
                    Problem(Place(self._table.file, 1), message, f"there are: {there}")
                )
        for number, row in self._table.rows if not self._table.problems else ():
            if len(self._table.bad) >= MAX_PROBLEMS:
                self._table.problems.append(too_many(self._table.bad[-1].place))
                break
            self._read_row(number, row)

    def _read_row(self, number: int, row: Any) -> None:
        name = row.get(self.name_column)
        name = name if isinstance(name, str) else ""
        name = cells.plain(name) if self._table.is_text else name
        fault = fault_in(name) if name else ("this row does not name a group", "fill the cell in")
        if fault:
            self._refuse(number, self.name_column, "", *fault)
            return
        if (first := self._names.setdefault(group_key(name), name)) in self.entries:
            before = self._table.place(self.row_of[first], self.name_column)
            message = f"`{clip(name)}` stands in two rows; first at {before}"
            self._refuse(number, self.name_column, first, message, "keep one of them")
            return
        self.row_of[name] = number
        if self._id and isinstance(given := row.get(self._id), str) and given:
            self.ids[name] = given
        try:
            members = _listed(row.get(self.members_column), is_cell=self._table.is_text)
        except ValueError as error:
            self._refuse(number, self.members_column, name, str(error), 'write ["ada@acme.com"]')
            members = []
        found = [self._member(number, name, member) for member in members]
        self.entries[name] = {"members": list(dict.fromkeys(filter(None, found)))}

    def _member(self, number: int, name: str, member: str) -> str:
        """The login of a member: an id of the list of people, where that has ids, or a login itself."""
        known = self._people.by_id.get(member) or self._people.live_login(member)
        if known:
            return known
        if user_key(member) in self._logins or "@" in member:
            return member
        if not self._people.is_whole:
            self.bad.add(name)  # the row that has this id may be one that could not be read
            return ""
        if not self._people.by_id:
            return member
        why = (
            "is the id of several people"
            if member in self._people.by_id
            else "is no id of the list of people"
        )
        message = f"the member `{clip(member)}` {why}"
        self._refuse(number, self.members_column, name, message, self._people.hint_for_id)
        return ""

    def _refuse(self, number: int, column: str, name: str, message: str, hint: str) -> None:
        self._table.bad.append(Problem(self._table.place(number, column), message, hint))
        if name:
            self.bad.add(name)


def _listed(raw: Any, *, is_cell: bool) -> list[str]:
    """The members that a value names; raises ValueError."""
    if is_cell:
        text = cells.plain(raw or "")
        return cells.values(text) if text else []
    items = (
        raw if isinstance(raw, list) else [raw]
    )  # none at all is no list either: it says nothing of members
    found = [item.get("value") if isinstance(item, dict) else item for item in items]
    texts = [item for item in found if isinstance(item, str)]
    if items is not raw or len(texts) < len(found):
        message = "members must be a list of texts"
        raise ValueError(message)
    return texts

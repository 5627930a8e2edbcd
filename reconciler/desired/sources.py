"""Where things are written: the place of any value of a file, found on demand."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any, Final

from reconciler.errors import Place

ENTRY_LEVELS: Final = 2
"""Sections (``users``) and the entries in them (``ada@acme.com``): their places are always known."""

Steps = tuple[str | int, ...]
"""The path to a value inside a document: keys of mappings, positions in lists."""

Walk = Callable[[str], Iterable[tuple[Steps, Any, str]]]
"""Every key and list item of a YAML text: the steps to it, its mark, its text."""

_Marks = dict[Steps, list[tuple[Place, str]]]


class Source:
    """The text of one file and where its entries begin, so that the place of any value can be found."""

    def __init__(self, file: str, text: str, walk: Walk) -> None:
        self.file = file
        self._text = text
        self._walk = walk
        # Line and column from 1, and the index into the text, of each key of the first two levels.
        self._starts: dict[Steps, tuple[int, int, int]] = {}
        self._order: list[int] = []  # all those indexes, of what is written twice too; they only grow
        self._last: tuple[Steps, _Marks] = ((), {})
        self._list: tuple[Steps, _Marks, Callable[[str], str], dict[str, Place]] | None = None

    def begin(self, steps: Steps, mark: Any) -> None:
        """Remember where an entry's key stands; of one that is written twice, the last."""
        if steps == self._last[0]:
            self._last = ((), {})
        self._starts[steps] = (mark.line + 1, mark.column + 1, mark.index)
        self._order.append(mark.index)

    def reach(self, mark: Any) -> None:
        """Remember that the last entry ends here."""
        self._order.append(mark.index)

    def entry(self, steps: Steps) -> Place | None:
        """The place of a section or of an entry in one; None for anything else."""
        start = self._starts.get(steps)
        return Place(self.file, start[0], start[1]) if start else None

    def find(self, steps: Steps, *, first: bool = False) -> Place | None:
        """The place of a field's key or of a list's item; None where it is not written.

        Of a key that is written twice, the last is meant unless ``first``.
        """
        if entry := self.entry(steps):
            return entry
        marks = self._marks(steps).get(steps)
        return marks[0 if first else -1][0] if marks else None

    def nearest(self, steps: Steps) -> Place:
        """The place of a value, or of the innermost thing around it that is written."""
        for length in range(len(steps), 0, -1):
            if place := self.find(steps[:length]):
                return place
        return Place(self.file, 1, 1)

    def find_item(self, steps: Steps, key_of: Callable[[str], str], key: str) -> Place | None:
        """The place of the first text in a list that has this key; None where there is none.

        The list that was asked about last is kept by key: often all its items are asked for in turn.
        """
        marks = self._marks(steps)
        if not self._list or self._list[0] != steps or self._list[1] is not marks or self._list[2] != key_of:
            items: dict[str, Place] = {}
            position = 0
            while written := marks.get((*steps, position)):
                items.setdefault(key_of(written[-1][1]), written[-1][0])
                position += 1
            self._list = (steps, marks, key_of, items)
        return self._list[3].get(key)

    def _marks(self, steps: Steps) -> _Marks:
        """Every place inside the entry around a value: only that entry's lines are read again."""
        entry = steps[:ENTRY_LEVELS] if steps[:ENTRY_LEVELS] in self._starts else steps[:1]
        if entry not in self._starts:
            return {}
        if self._last[0] != entry:
            self._last = (entry, self._read_again(entry))
        return self._last[1]

    def _read_again(self, entry: Steps) -> _Marks:
        line, column, start = self._starts[entry]
        after = bisect_right(self._order, start)
        end = self._order[after] if after < len(self._order) else len(self._text)
        before = self._text[start - column + 1 : start]
        text = (before if before.strip(" \t") == "?" else " " * (column - 1)) + self._text[start:end]
        marks: _Marks = {}
        for steps, mark, value in self._walk(text):
            place = Place(self.file, mark.line + line, mark.column + 1)
            marks.setdefault((*entry[:-1], *steps), []).append((place, value))
        return marks

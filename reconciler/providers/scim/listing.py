"""A whole list of a SCIM server, page by page: everything or nothing.

No single way of paging is safe on all servers: one repeats page 1 past the end, one ignores ``count``,
one reports the page's size as the total. So a listing advances by what was received, and collects by id.
It is complete where the number of distinct ids is the total that every page named, if that is known to
count the whole list. Where that is not recorded, a first page with fewer rows than its total shows that it
counts more than the page, and the page past the total that there is nothing beyond: some totals have a
ceiling. Else it goes on to an empty page. Where the server gives cursors (RFC 9865), it is complete where
none is left.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from reconciler.errors import IncompleteRead, Refused
from reconciler.model import Kind
from reconciler.providers.scim.codec import Page
from reconciler.providers.scim.dialect import Dialect

_RESTARTS = 2
_MOST = 5_000_000
_BAD = 400
"""What a cursor that has ended is answered with (RFC 9865, 2.1)."""


class Identified(Protocol):
    """Something with an id."""

    @property
    def id(self) -> str:
        """The id."""
        ...


Row = TypeVar("Row", bound=Identified)


class Pages(Protocol):
    """What answers with one page."""

    @property
    def dialect(self) -> Dialect:
        """How the server differs from others."""
        ...

    def page(self, kind: Kind, query: Mapping[str, str]) -> Page:
        """One page of the users or groups."""
        ...


class _Moved(Exception):
    """The list changed between two pages: somebody is changing the directory right now."""


def listed(
    server: Pages, kind: Kind, parse: Callable[[object], Row], which: Mapping[str, str] | None = None
) -> dict[str, Row]:
    """All of them by id, or those ``which`` a query names.

    Raises IncompleteRead where that cannot be certain, and what ``page`` raises.
    """
    for _ in range(_RESTARTS + 1):
        try:
            return _listed_once(server, kind, parse, which or {})
        except _Moved as moved:
            reason = str(moved)
    message = f"{reason}, {_RESTARTS + 1} times in a row: somebody is changing them now; try again later"
    raise IncompleteRead(message)


def _listed_once(
    server: Pages, kind: Kind, parse: Callable[[object], Row], which: Mapping[str, str]
) -> dict[str, Row]:
    path, dialect = server.dialect.path(kind), server.dialect
    rows: dict[str, Row] = {}
    total = _Total(kind, whole=dialect.totals == "whole", judged=dialect.totals != "unknown")
    cursor = "" if dialect.cursors else None
    while total.lacks(len(rows)):
        place = {"startIndex": str(len(rows) + 1)} if cursor is None else {"cursor": cursor}
        query = {**which, **count(dialect), **place}
        listing = _page(server, kind, query, cursor)
        total.heed(listing)
        if not listing.rows:
            break
        found = [parse(row) for row in listing.rows]
        if rows and all(row.id in rows for row in found) and _is_past(server, kind, len(rows), total):
            break
        total.go_on(len(rows))
        for row in found:
            if row.id in rows:
                message = (
                    f"GET {path} listed the {kind} with the id {row.id} twice, so another may be missing"
                )
                raise IncompleteRead(message)
            rows[row.id] = row
        if len(rows) > _MOST:
            message = f"GET {path} goes on after {len(rows)} {kind}s: no directory has so many"
            raise IncompleteRead(message)
        if cursor is not None and not listing.cursor:
            break
        cursor = listing.cursor or cursor
    if total.whole and len(rows) != total.first:
        message = f"GET {path} listed {len(rows)} {kind}s of the {total.first} that it counts"
        raise IncompleteRead(message)
    return rows


def count(dialect: Dialect, number: int | None = None) -> dict[str, str]:
    """The part of a query that asks for so many rows, or for a page."""
    return {"count": str(number or dialect.page)} if dialect.counts else {}


class _Total:
    """How many there are, as the pages say, and whether that is known to count the whole list."""

    def __init__(self, kind: Kind, *, whole: bool, judged: bool) -> None:
        self._kind = kind
        self.whole = whole
        self._recorded = whole
        self._judged = judged
        self.first: int | None = None

    def heed(self, listing: Page) -> None:
        """Take in what a page says; raises _Moved where it says another number than the first did."""
        if self.first is None:
            self.first = listing.total
            self.whole = self.whole or (not self._judged and listing.total > len(listing.rows) > 0)
        elif self.whole and listing.total != self.first:
            numbers = f"from {self.first} to {listing.total}"
            message = f"the number of {self._kind}s changed {numbers} while they were read"
            raise _Moved(message)

    def lacks(self, number: int) -> bool:
        """Whether there may be more than so many, or are fewer; only past a recorded total nobody looks."""
        return not self._recorded or self.first is None or number < self.first

    def go_on(self, number: int) -> None:
        """More rows came after so many: a total that is reached by then counts no whole list."""
        if not self._recorded and self.first is not None and number >= self.first:
            self.whole, self._judged = False, True


def _page(server: Pages, kind: Kind, query: Mapping[str, str], cursor: str | None) -> Page:
    try:
        return server.page(kind, query)
    except Refused as error:
        if cursor and error.status == _BAD:
            message = f"the list of {kind}s took longer than its cursor lived ({error})"
            raise _Moved(message) from None
        raise


def _is_past(server: Pages, kind: Kind, number: int, total: _Total) -> bool:
    """Whether a page that repeats is the one past the end; raises IncompleteRead where nothing tells."""
    if not total.whole:
        _prove(server, kind, number)
    return not total.whole or number == total.first


def _prove(server: Pages, kind: Kind, number: int) -> None:
    """See that a list of which a page repeats has so many rows; raises IncompleteRead."""
    asked = server.page(kind, count(server.dialect, 1))
    if asked.total != number or len(asked.rows) >= number:
        path = server.dialect.path(kind)
        message = (
            f"GET {path} gave the same {kind}s again in place of the next page, and names no total that "
            "counts all of them, so whether there are more is not known"
        )
        raise IncompleteRead(message)

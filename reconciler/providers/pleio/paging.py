"""Everybody on a site, page by page, although a page may leave people out.

The next page holds whoever was made after the one that the cursor names. Of several people who
were made at one moment, those who did not fit on a page are on none: the next begins behind that
moment. And no answer says how many there are.

So the cursor is never the last one on a page, but the last one who was made before that moment:
the next page begins with everybody of it, once more. A page is the last one where it holds fewer people
than the server can be seen to put on one. Where a whole page was made at one moment, it is asked for
again and larger; where the server does not make it larger, nobody can know who is missing, and the
read is refused.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reconciler.errors import BadAnswer, IncompleteRead
from reconciler.operations import is_id
from reconciler.providers.pleio.answers import refusal
from reconciler.transport.messages import Reader

PATH = "/users"
PAGE = 500
"""People on a page, as the published client asks for them; the server's code has no maximum."""
_LARGEST = 64 * PAGE
_USUAL = 100
"""People on a page where nobody asks for more (server source); no server has a lower maximum."""
_TRIES = 3

Row = Mapping[str, Any]


class _Moved(Exception):
    """The one whom the cursor names is gone."""


def everybody(reader: Reader, page: int = PAGE) -> list[Row]:
    """Every row, each person once, by so many on a page.

    Raises IncompleteRead, BadAnswer, Refused or NoAnswer.
    """
    for _ in range(_TRIES):
        try:
            return list(_walk(reader, page).values())
        except _Moved:
            continue
    message = "people were removed while they were read, again and again: try later"
    raise IncompleteRead(message)


def _walk(reader: Reader, limit: int) -> dict[str, Row]:
    found: dict[str, Row] = {}
    cursor, longest = "", 0
    while page := _page(reader, cursor, limit):
        found |= {row["guid"]: row for row in page}
        is_short = len(page) < limit
        earlier = _before_the_last_moment(page)
        if is_short and (len(page) < longest or _is_last(reader, page, earlier)):
            break
        longest = max(longest, len(page))
        if earlier:
            cursor = earlier
        elif not is_short and limit < _LARGEST:
            limit *= 2
        else:
            moment = page[-1]["time_created"]
            message = (
                f"{len(page)} people or more were made at one moment ({moment}), and the site shows no more "
                "than that on a page: who is missing cannot be known"
            )
            raise IncompleteRead(message)
    return found


def _is_last(reader: Reader, page: list[Row], earlier: str) -> bool:
    """Whether nobody comes after these few, where no longer page was seen to compare theirs with.

    It is asked from before their last moment, where there is such a cursor: behind the last of them
    nobody shows who else was made at that moment.
    """
    seen = {row["guid"] for row in page}
    return len(page) < _USUAL and all(
        row["guid"] in seen for row in _page(reader, earlier or page[-1]["guid"], PAGE)
    )


def _page(reader: Reader, cursor: str, limit: int) -> list[Row]:
    query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
    response = reader.get(PATH, query)
    if cursor and response.status == 404:  # noqa: PLR2004 (its code for a cursor that nobody has)
        raise _Moved
    if not response.ok:
        raise refusal("GET", PATH, response)
    rows = response.json.get("users") if isinstance(response.json, Mapping) else None
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        message = f"GET {PATH} was answered with something that is not a list of people"
        raise BadAnswer(message)
    made = [_moment(row) for row in rows]
    if made != sorted(made):
        message = "the people on a page are not in the order of their creation, so pages cannot be trusted"
        raise IncompleteRead(message)
    return rows


def _is_row(row: object) -> bool:
    """Whether a row says all that must be known: whoever is banned, above all, must be seen to be."""
    return (
        isinstance(row, Mapping)
        and is_id(row.get("guid"))
        and all(isinstance(row.get(name), str) for name in ("email", "time_created"))
        and isinstance(row.get("is_banned"), bool)
        and isinstance(row.get("profile") or {}, Mapping)
    )


def _moment(row: Row) -> datetime:
    try:
        moment = datetime.fromisoformat(row["time_created"])
    except ValueError:
        message = f"GET {PATH}: the time of creation {row['time_created']!r} is no time"
        raise BadAnswer(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _before_the_last_moment(page: list[Row]) -> str:
    """The id of the last one who was made before those at the end of a page; empty where nobody was."""
    last = page[-1]["time_created"]
    return next((row["guid"] for row in reversed(page) if row["time_created"] != last), "")

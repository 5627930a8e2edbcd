"""Find out how a directory behaves where it does not say: by questions alone, nothing is made.

Asked are at most two rows of the list of users, and a filter for one of them. An answer that is not
certain is "not known".
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from reconciler.errors import BadAnswer, CredentialRefused, Refused
from reconciler.journal import Journal
from reconciler.model import Address, user_key
from reconciler.providers.base import Provider
from reconciler.providers.kind import Connection
from reconciler.providers.scim.codec import user_row
from reconciler.providers.scim.discovery import discover
from reconciler.providers.scim.listing import count
from reconciler.providers.scim.quirks import Quirks
from reconciler.providers.scim.reader import ScimReader
from reconciler.report import Finding
from reconciler.transport.messages import Reader

_NOBODY: Final = "nobody-at-all@probe.invalid"


class ScimProbe:
    """The probe for ``kind: scim``."""

    def names(self) -> tuple[Address, ...]:
        """No scratch object is made."""
        return ()

    def announcement(self, name: str, url: str) -> str:
        """What a probe is about to do, for the person who is asked first."""
        return f"A probe of {name} asks {url} about its lists, in about 8 requests. It writes nothing."

    def begin(
        self,
        provider: Provider,  # noqa: ARG002 (what is known of the server is what is asked about)
        connection: Connection,
        journal: Journal,  # noqa: ARG002 (nothing is written)
        token: str,  # noqa: ARG002 (nothing is named)
    ) -> "Questions":
        """The questions of one run; nothing is sent yet."""
        return Questions(Reader(connection.transport))


class Questions:
    """One run; there is nothing that it could leave behind."""

    removed: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def remove_leftovers(self) -> None:
        """There are none."""

    def clean(self) -> None:
        """Nothing was made."""

    def findings(self) -> Iterator[Finding]:
        """Every question with its answer; raises where no more can be asked."""
        server = ScimReader(self._reader, Quirks().of(discover(self._reader, {}).dialect))
        yield from _lists(server)
        yield _filters(server)
        yield Finding("patch", None, "whether PATCH works is found out by a write alone")
        yield Finding("etags", None, "whether versions are heeded is found out by a write alone")
        yield Finding("media", None, "which media type it takes is found out by a write alone")
        yield Finding("members", None, "whether a group shows all its members no question tells")


def _lists(server: ScimReader) -> Iterator[Finding]:
    """Whether a number of rows may be asked for, and what a total counts: one row, and the one after it."""
    try:
        first = server.page("user", count(server.dialect, 1))
    except CredentialRefused:
        raise
    except (Refused, BadAnswer) as error:
        yield Finding("totals", None, "no single row could be asked for")
        server.page("user", {})
        yield Finding(
            "count", value=False, how=f"a list with a count was refused, without one it was not: {error}"
        )
        return
    yield _totals(server, first.total, list(first.rows))
    yield Finding("count", value=True, how="a list that was asked for one row was answered")


def _totals(server: ScimReader, total: int, rows: list[object]) -> Finding:
    if total > len(rows) > 0:
        how = f"a page of {len(rows)} names a total of {total}"
        if past(server, total, rows):
            return Finding("totals", "page", f"{how}, and more users follow it")
        return Finding("totals", "whole", how)
    after = server.page("user", {**count(server.dialect, 1), "startIndex": str(len(rows) + 1)})
    if after.rows and list(after.rows) != rows:
        return Finding(
            "totals", "page", f"a page of {len(rows)} names a total of {total}, and more users follow"
        )
    return Finding(
        "totals", None, f"a page of {len(rows)} names a total of {total}, and no more users follow"
    )


def past(server: ScimReader, total: int, rows: list[object]) -> bool:
    """Whether there is somebody past the total, who is not the first again."""
    past = list(server.page("user", {**count(server.dialect, 1), "startIndex": str(total + 1)}).rows)
    return bool(past) and past != rows


def _filters(server: ScimReader) -> Finding:
    """Whether a filter finds the one whom it names, and nobody where there is nobody."""
    some = server.page("user", count(server.dialect, 1)).rows
    if not some:
        return Finding("filters", None, "there is no user to look for")
    login = user_row(some[0], server.dialect).live.resource.email
    try:
        found = [_logins(server, each) for each in (login, _NOBODY)]
    except CredentialRefused:
        raise
    except Refused as error:
        return Finding("filters", value=False, how=f"a filter was refused: {error}")
    works = found == [[user_key(login)], []]
    how = "a filter finds whom it names, and nobody else" if works else "a filter finds others than it names"
    return Finding("filters", value=works, how=how)


def _logins(server: ScimReader, login: str) -> list[str]:
    query = {"filter": f"userName eq {json.dumps(login, ensure_ascii=False)}", **count(server.dialect, 2)}
    rows: Any = server.page("user", query).rows
    return [user_key(user_row(row, server.dialect).live.resource.email) for row in rows]

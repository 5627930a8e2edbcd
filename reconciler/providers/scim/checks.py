"""What a doctor asks of a directory: what it says of itself, what may be read, whether totals are whole."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from math import ceil
from typing import Any, Final

from reconciler.model import Kind
from reconciler.providers.checks import KEY_HINT, tried
from reconciler.providers.kind import Reading
from reconciler.providers.scim.codec import words
from reconciler.providers.scim.discovery import CONFIG, SCHEMAS, Discovery, discover
from reconciler.providers.scim.listing import count
from reconciler.providers.scim.probe import past
from reconciler.providers.scim.quirks import Quirks
from reconciler.providers.scim.reader import ScimReader
from reconciler.report import Check, number_of
from reconciler.transport.messages import Reader, Response

_FORBIDDEN: Final = (401, 403)
_SERVER: Final = 500
_FROM: Final[Mapping[bool, str]] = {
    True: "it describes its users itself",
    False: "the RFC's own schemas hold",
}


class ScimChecks:
    """The checks for ``kind: scim``."""

    greeting = CONFIG
    names = ("key", "attributes", "abilities", "users", "groups", "totals", "pace")
    description = ""
    quirks = tuple(field.name for field in fields(Quirks) if field.name != "found_at")

    def key(self, greeted: Response) -> Check:
        """Whether the directory lets this key in."""
        if greeted.status in _FORBIDDEN:
            said = f"GET {CONFIG} was answered {greeted.status}: {words(greeted)}"
            return Check("key", "failed", said, KEY_HINT)
        if greeted.status >= _SERVER:
            said = f"GET {CONFIG} was answered {greeted.status}: {words(greeted)}"
            return Check("key", "unknown", said, "try again")
        return Check("key", "ok", "sent; whose it is no directory says")

    def checks(self, greeted: Response, reader: Reader, reading: Reading) -> Iterator[Check]:
        """What the directory says of itself, what may be read, and how long a complete read takes."""
        known: list[Discovery] = []
        quirks, totals = Quirks(**reading.quirks), dict[str, int]()

        def server() -> ScimReader:
            if not known:
                known.append(discover(reader, {}))
            return ScimReader(reader, quirks.of(known[0].dialect))

        def described() -> Check:
            server()
            number = number_of(len(known[0].shape.slots), "attribute")
            return Check("attributes", "ok", f"{number} have a name; {_FROM[SCHEMAS in known[0].told]}")

        def counted(kind: Kind) -> Callable[[], Check]:
            def counts() -> Check:
                answer = server().page(kind, count(server().dialect, 1))
                totals[kind] = answer.total
                return Check(f"{kind}s", "ok", f"may be read; {number_of(answer.total, kind)} counted")

            return counts

        yield self.key(greeted)
        yield tried("attributes", described)
        yield tried("abilities", lambda: _abilities(server()))
        yield tried("users", counted("user"), KEY_HINT)
        yield tried("groups", counted("group"), KEY_HINT)
        yield tried("totals", lambda: _totals(server()))
        yield _pace(reading, totals, server().dialect.page if known else 1)

    def described(self, answer: Response) -> Check:
        """A directory describes itself below its own address, which the checks have read."""
        raise NotImplementedError

    def advice(self, quirks: Mapping[str, Any]) -> str:
        """What to mind where a directory has these quirks."""
        if quirks.get("patch") is False:
            return "whole users and groups are written, each after a fresh read"
        return ""


def _abilities(server: ScimReader) -> Check:
    """What is done otherwise, since the directory cannot do it."""
    dialect = server.dialect
    can = {"PATCH": dialect.patches, "filters": dialect.filters, "ETags": dialect.versions}
    said = ", ".join(f"{name} {'yes' if able else 'no'}" for name, able in can.items())
    paging = "cursors" if dialect.cursors else "numbers"
    return Check("abilities", "ok", f"{said}; pages by {paging}, of {dialect.page} rows at most")


def _totals(server: ScimReader) -> Check:
    """Whether a total counts the whole list: asked for one row, and for the one after it."""
    asked = server.page("user", count(server.dialect, 1))
    if asked.total > len(asked.rows) > 0 and past(server, asked.total, list(asked.rows)):
        todo = "every list is read to an empty page; `--probe` records it in quirks.yaml"
        return Check("totals", "ok", "they count no further than a ceiling", todo)
    if asked.total > len(asked.rows) > 0:
        return Check("totals", "ok", "they count the whole list; `--probe` records it in quirks.yaml")
    after = server.page("user", {**count(server.dialect, 1), "startIndex": str(len(asked.rows) + 1)})
    if after.rows and after.rows != asked.rows:
        todo = "every list is read to an empty page; `--probe` records it in quirks.yaml"
        return Check("totals", "warning", "they count the page alone", todo)
    return Check("totals", "unknown", "too few users to tell; every list is read to an empty page")


def _pace(reading: Reading, totals: Mapping[str, int], page: int) -> Check:
    rate = reading.requests_per_minute * reading.keys
    if len(totals) < len(("users", "groups")):
        return Check(
            "pace", "unknown", f"{number_of(rate, 'request')} a minute; how long a read takes is not known"
        )
    least = 3 + sum(max(1, ceil(total / page)) for total in totals.values())
    minutes = (least - 1) // rate
    takes = f"{number_of(least, 'request')} ({f'about {minutes} min' if minutes else 'at once'})"
    return Check("pace", "ok", f"{number_of(rate, 'request')} a minute: a complete read takes {takes}")

"""What a doctor asks of an instance of Omni: whose key it is, what it may read, how long a read takes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from math import ceil
from typing import Any

from reconciler.model import Kind
from reconciler.providers.checks import KEY_HINT, tried
from reconciler.providers.kind import Reading
from reconciler.providers.omni import specification
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.omni.provider import DEFINITIONS, WHOAMI, read_definitions
from reconciler.providers.omni.quirks import Quirks
from reconciler.providers.scim.codec import words
from reconciler.providers.scim.reader import ScimReader
from reconciler.report import Check, Health, number_of, time_for
from reconciler.transport.messages import Reader, Response

_DEFINITIONS_HINT = "leave attributes out of `manage.users`, or give the key that right"
_MISSING = 404
_SERVER = 500
_FORBIDDEN = (401, 403)


class OmniChecks:
    """The checks for ``kind: omni``."""

    greeting = WHOAMI
    names = ("key", "users", "groups", "attributes", "pace")
    description = specification.PATH
    quirks = tuple(field.name for field in fields(Quirks) if field.name != "found_at")

    def key(self, greeted: Response) -> Check:
        """Its kind and scope (Omni docs: get current identity and permissions)."""
        if greeted.status == _MISSING:
            said = "this instance does not say of which kind it is (it has no /v1/whoami)"
            return Check("key", "unknown", said, "see below whether it may read users and groups")
        if not greeted.ok:
            status: Health = "unknown" if greeted.status >= _SERVER else "failed"
            todo = KEY_HINT if greeted.status in _FORBIDDEN else "try again"
            return Check("key", status, f"GET {WHOAMI} was answered {greeted.status}: {words(greeted)}", todo)
        body = greeted.json if isinstance(greeted.json, Mapping) else {}
        role = body.get("orgRole")
        as_role = f", as {role}" if isinstance(role, str) else ""
        if body.get("keyScope") == "organization":
            return Check("key", "ok", f"an organization key{as_role}")
        if body.get("keyScope") == "user":
            return Check("key", "failed", f"the key of one user{as_role}", f"{OMNI.key_hint}.")
        return Check("key", "unknown", f"GET {WHOAMI} does not say of which kind it is")

    def checks(self, greeted: Response, reader: Reader, reading: Reading) -> Iterator[Check]:
        """Whose key it is, what it may read, and how long a complete read takes."""
        server, totals = ScimReader(reader, OMNI), dict[str, int]()

        def count(kind: Kind) -> Callable[[], Check]:
            def counted() -> Check:
                total = totals[kind] = server.page(kind, {"count": "1"}).total
                return Check(f"{kind}s", "ok", f"may be read; there {_are(total)} {number_of(total, kind)}")

            return counted

        yield self.key(greeted)
        yield tried("users", count("user"), KEY_HINT)
        yield tried("groups", count("group"), KEY_HINT)
        yield tried("attributes", lambda: _definitions(server), _DEFINITIONS_HINT)
        yield _pace(reading, Quirks(**reading.quirks), totals)

    def described(self, answer: Response) -> Check:
        """The instance's description of itself, beside its API."""
        name = self.description.strip("/")
        operations = specification.described(answer.json) if answer.ok else frozenset()
        if not operations:
            return Check(name, "unknown", "not served here")
        if missing := specification.lacking(operations):
            todo = "it may lag behind the service: a plan shows whether these work"
            return Check(name, "unknown", f"served, and does not mention {', '.join(missing)}", todo)
        said = f"served: {number_of(len(operations), 'operation')}, all that is used here among them"
        return Check(name, "ok", said)

    def advice(self, quirks: Mapping[str, Any]) -> str:
        """What to mind where an instance has these quirks."""
        if quirks.get("deactivation") == "revokes" or quirks.get("deactivation_reversible") is False:
            return "deactivating a user cannot be undone here"
        return ""


def _definitions(server: ScimReader) -> Check:
    definitions = read_definitions(server.get(DEFINITIONS)).values()
    system = sum(definition.system for definition in definitions)
    number = number_of(len(definitions), "definition")
    return Check("attributes", "ok", f"may be read; {number}, {system} of them Omni's own")


def _pace(reading: Reading, quirks: Quirks, totals: Mapping[str, int]) -> Check:
    """How long a complete read takes: at best, and where each user must be read by id."""
    keys, rate = reading.keys, reading.requests_per_minute * reading.keys
    each = f" for each of {keys} keys" if keys > 1 else ""
    pace = f"{number_of(reading.requests_per_minute, 'request')} a minute{each}"
    if len(totals) < len(("users", "groups")):
        return Check("pace", "unknown", f"{pace}; how long a read takes is not known")
    pages = sum(max(1, ceil(total / OMNI.page)) for total in totals.values())
    # Each key is asked once whose it is.
    least = keys + len((DEFINITIONS,)) + pages
    summary = f"{pace}: a complete read takes {_effort(least, rate)}"
    singles = 0 if quirks.lists_carry_attributes else min(reading.attributes(), totals["user"])
    if not singles:
        return Check("pace", "ok", summary)
    most = _effort(least + singles, rate)
    doubtful = quirks.lists_carry_attributes is None
    todo = "a probe may find that the longer one is not needed: see quirks" if doubtful else ""
    return Check("pace", "ok", f"{summary}, or up to {most} where lists do not show attributes", todo)


def _effort(requests: int, pace: int) -> str:
    time = time_for(requests, pace)
    return f"{number_of(requests, 'request')} ({f'about {time}' if time else 'at once'})"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"

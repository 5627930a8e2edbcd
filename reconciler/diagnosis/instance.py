"""One instance as it answers: is it there, is the key good, what may it read, how long a read takes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import ceil

from reconciler.diagnosis.checks import KEY_HINT, failed, not_asked, tried
from reconciler.errors import Interrupted, Invalid, NoAnswer, ReconcilerError
from reconciler.model import Kind
from reconciler.planning.scope import need
from reconciler.providers.omni import specification
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.omni.provider import DEFINITIONS, WHOAMI, read_definitions
from reconciler.providers.scim.codec import words
from reconciler.providers.scim.provider import ScimReader
from reconciler.report import Check, Health
from reconciler.target.session import connect
from reconciler.target.settings import Target
from reconciler.transport.messages import Reader, Response
from reconciler.transport.pacing import Patience
from reconciler.views.lines import number_of

PATIENCE = Patience(faults=1)
"""A doctor says soon that nothing answers; a plan waits longer."""
_CLOCK = 60
"""Seconds that two clocks may differ."""
_DEFINITIONS_HINT = "leave attributes out of `manage.users`, or give the key that right"
_MISSING = 404
_SERVER = 500
_FORBIDDEN = (401, 403)


def examine(target: Target, reader: Reader, *, wall: Callable[[], float] = time.time) -> list[Check]:
    """Check the instance, read only: does it answer, is the key good, what may it read.

    ``wall`` is our clock, in seconds since 1970. Raises Interrupted, and nothing else.
    """
    try:
        whoami = reader.get(WHOAMI)
    except Interrupted:
        raise
    except NoAnswer as error:
        return [failed("reach", error), *not_asked("nothing answers")]
    server = ScimReader(reader, OMNI)
    totals: dict[str, int] = {}

    def count(kind: Kind) -> Check:
        total = totals[kind] = server.page(kind, {"count": "1"}).total
        return Check(f"{kind}s", "ok", f"may be read; there {_are(total)} {number_of(total, kind)}")

    return [
        Check("reach", "ok", f"{target.url} answers" if not target.sandbox else "a sandbox in this process"),
        _tls(target),
        _clock(whoami, wall()),
        _key(whoami),
        tried("users", lambda: count("user"), KEY_HINT),
        tried("groups", lambda: count("group"), KEY_HINT),
        tried("attributes", lambda: _definitions(server), _DEFINITIONS_HINT),
        _pace(target, totals),
    ]


def _definitions(server: ScimReader) -> Check:
    definitions = read_definitions(server.get(DEFINITIONS)).values()
    system = sum(definition.system for definition in definitions)
    number = number_of(len(definitions), "definition")
    return Check("attributes", "ok", f"may be read; {number}, {system} of them Omni's own")


def _tls(target: Target) -> Check:
    if target.sandbox:
        return Check("TLS", "ok", "none is needed: nothing leaves this process")
    if target.url.startswith("http:"):
        return Check("TLS", "ok", "none is needed: plain http to this machine only")
    return Check("TLS", "ok", "the certificate verifies")


def _clock(response: Response, wall: float) -> Check:
    """Our clock against the Date header of an answer."""
    try:
        date = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return Check("clock", "unknown", "the answers have no date to compare with")
    theirs = date if date.tzinfo else date.replace(tzinfo=UTC)
    ahead = round(wall - theirs.timestamp())
    if abs(ahead) <= _CLOCK:
        return Check("clock", "ok", "agrees with the server's within a minute")
    side = "ahead of" if ahead > 0 else "behind"
    said = f"this machine's is {_span(abs(ahead))} {side} the server's"
    return Check("clock", "failed", said, "set the clock: certificates and the times in journals need it")


def _key(response: Response) -> Check:
    """Its kind and scope (Omni docs: get current identity and permissions)."""
    if response.status == _MISSING:
        said = "this instance does not say of which kind it is (it has no /v1/whoami)"
        return Check("key", "unknown", said, "see below whether it may read users and groups")
    if not response.ok:
        status: Health = "unknown" if response.status >= _SERVER else "failed"
        todo = KEY_HINT if response.status in _FORBIDDEN else "try again"
        return Check("key", status, f"GET {WHOAMI} was answered {response.status}: {words(response)}", todo)
    body = response.json if isinstance(response.json, Mapping) else {}
    role = body.get("orgRole")
    as_role = f", as {role}" if isinstance(role, str) else ""
    if body.get("keyScope") == "organization":
        return Check("key", "ok", f"an organization key{as_role}")
    if body.get("keyScope") == "user":
        return Check("key", "failed", f"the key of one user{as_role}", f"{OMNI.key_hint}.")
    return Check("key", "unknown", f"GET {WHOAMI} does not say of which kind it is")


def further_key(target: Target, number: int, on_request: Callable[[str], None] | None) -> Check:
    """The kind of the second key, the third and so on, each asked by itself."""
    name, alone = f"key {number}", replace(target, keys=target.keys[number - 1 : number])

    def asked() -> Check:
        with connect(alone, on_request=on_request, patience=PATIENCE) as session:
            return replace(_key(Reader(session.transport).get(WHOAMI)), name=name)

    return tried(name, asked)


def _pace(target: Target, totals: Mapping[str, int]) -> Check:
    """How long a complete read takes: at best, and where each user must be read by id."""
    keys = max(1, len(target.keys))
    rate = target.requests_per_minute * keys
    each = f" for each of {keys} keys" if keys > 1 else ""
    pace = f"{number_of(target.requests_per_minute, 'request')} a minute{each}"
    if len(totals) < len(("users", "groups")):
        return Check("pace", "unknown", f"{pace}; how long a read takes is not known")
    pages = sum(max(1, ceil(total / OMNI.page)) for total in totals.values())
    # Each key is asked once whose it is.
    least = keys + len((DEFINITIONS,)) + pages
    summary = f"{pace}: a complete read takes {_effort(least, rate)}"
    singles = 0 if target.quirks.lists_carry_attributes else min(_with_attributes(target), totals["user"])
    if not singles:
        return Check("pace", "ok", summary)
    most = _effort(least + singles, rate)
    doubtful = target.quirks.lists_carry_attributes is None
    todo = "a probe may find that the longer one is not needed: see quirks" if doubtful else ""
    return Check("pace", "ok", f"{summary}, or up to {most} where lists do not show attributes", todo)


def _with_attributes(target: Target) -> int:
    try:
        desired = target.load()
    except Invalid:
        return 0
    return len(need(desired, target.policy).attributes)


def _effort(requests: int, pace: int) -> str:
    minutes = (requests - 1) // pace
    return f"{number_of(requests, 'request')} ({f'about {minutes} min' if minutes else 'at once'})"


def specification_check(target: Target, on_request: Callable[[str], None] | None) -> Check:
    """The instance's description of itself, beside its API (seen live at ``<login URL>/openapi.json``)."""
    name = specification.PATH.strip("/")
    if target.sandbox:
        return Check(name, "unknown", "a sandbox in this process serves none")
    try:
        with connect(target, on_request=on_request, patience=PATIENCE, below_api=False) as session:
            response = Reader(session.transport).get(specification.PATH)
    except ReconcilerError:
        return Check(name, "unknown", "not asked, since nothing answers")
    operations = specification.described(response.json) if response.ok else frozenset()
    if not operations:
        return Check(name, "unknown", "not served here")
    if missing := specification.lacking(operations):
        todo = "it may lag behind the service: a plan shows whether these work"
        return Check(name, "unknown", f"served, and does not mention {', '.join(missing)}", todo)
    said = f"served: {number_of(len(operations), 'operation')}, all that is used here among them"
    return Check(name, "ok", said)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _span(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"

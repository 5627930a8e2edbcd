"""One instance as it answers: is it there, do the clocks agree, and what its kind asks of it."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime

from reconciler.errors import Interrupted, Invalid, NoAnswer, ReconcilerError
from reconciler.planning.scope import need
from reconciler.providers.checks import failed, not_asked, tried
from reconciler.providers.kind import Examiner, Reading
from reconciler.report import Check
from reconciler.target.session import connect
from reconciler.target.settings import Target
from reconciler.transport.messages import Reader, Response
from reconciler.transport.pacing import Patience

PATIENCE = Patience(faults=1)
"""A doctor says soon that nothing answers; a plan waits longer."""
_CLOCK = 60
"""Seconds that two clocks may differ."""


def examine(target: Target, reader: Reader, *, wall: Callable[[], float] = time.time) -> list[Check]:
    """Check the instance, read only: does it answer, and what its kind wants to know.

    ``wall`` is our clock, in seconds since 1970. Raises Interrupted, and nothing else.
    """
    examiner = target.system.examiner()
    try:
        greeted = reader.get(examiner.greeting)
    except Interrupted:
        raise
    except NoAnswer as error:
        return [failed("reach", error), *not_asked("nothing answers", answered(examiner))]
    reading = Reading(
        max(1, len(target.credentials)),
        target.requests_per_minute,
        target.quirks,
        lambda: _with_attributes(target),
    )
    return [
        Check("reach", "ok", f"{target.url} answers" if not target.sandbox else "a sandbox in this process"),
        _tls(target),
        _clock(greeted, wall()),
        *examiner.checks(greeted, reader, reading),
    ]


def answered(examiner: Examiner) -> tuple[str, ...]:
    """The checks that come after an answer."""
    return ("TLS", "clock", *examiner.names)


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


def further_key(target: Target, number: int, on_request: Callable[[str], None] | None) -> Check:
    """Whose the second key is, the third and so on, each asked by itself."""
    name, alone = f"key {number}", replace(target, credentials=target.credentials[number - 1 : number])
    examiner = target.system.examiner()

    def asked() -> Check:
        with connect(alone, on_request=on_request, patience=PATIENCE) as session:
            greeted = Reader(session.transport).get(examiner.greeting)
        return replace(examiner.key(greeted), name=name)

    return tried(name, asked)


def _with_attributes(target: Target) -> int:
    try:
        desired = target.load()
    except Invalid:
        return 0
    return len(need(desired, target.policy).attributes)


def description_check(target: Target, on_request: Callable[[str], None] | None) -> Check:
    """The instance's description of itself, beside its API."""
    examiner = target.system.examiner()
    name = examiner.description.strip("/")
    if target.sandbox:
        return Check(name, "unknown", "a sandbox in this process serves none")
    try:
        with connect(target, on_request=on_request, patience=PATIENCE, below_api=False) as session:
            return examiner.described(Reader(session.transport).get(examiner.description))
    except ReconcilerError:
        return Check(name, "unknown", "not asked, since nothing answers")


def _span(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"

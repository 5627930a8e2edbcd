"""Whether everything is in place to work on a target: each thing looked at, and what to do about it.

Nothing here can write. Whatever fails on the way, the network included, is a
line of its own; only a person who stops it ends it early.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from pathlib import Path
from typing import Literal

from reconciler.errors import (
    BadAnswer,
    ExitCode,
    Interrupted,
    Invalid,
    NoAnswer,
    NotAccepted,
    ReconcilerError,
)
from reconciler.planning.scope import need
from reconciler.providers.omni import specification
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.omni.provider import DEFINITIONS, WHOAMI, read_definitions
from reconciler.providers.quirks import Quirks
from reconciler.providers.scim.codec import words
from reconciler.providers.scim.provider import ScimReader
from reconciler.target.credentials import dot_env, environment, resolve_keys
from reconciler.target.session import connect
from reconciler.target.settings import Target
from reconciler.transport.messages import Reader, Response
from reconciler.transport.pacing import Patience
from reconciler.views.lines import number_of

Status = Literal["ok", "failed", "unknown"]

_PATIENCE = Patience(faults=1)
"""A doctor says at once that nobody answers; a plan is more patient."""
_CLOCK = 60
"""Seconds that two clocks may differ."""
_OLD = 180
"""Days after which a system may well behave otherwise than a probe found."""
_MISSING = 404
_SERVER = 500
_FORBIDDEN = (401, 403)
_READS = ("clock", "key", "users", "groups", "attributes", "pace")
_KEY_HINT = "check that the key is complete, still enabled, and of this very instance"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``todo`` is empty where there is nothing to do."""

    name: str
    status: Status
    said: str
    todo: str = ""


def exit_code(checks: list[Check]) -> ExitCode:
    """ERROR where anything failed; what is not known fails nothing."""
    return ExitCode.ERROR if any(check.status == "failed" for check in checks) else ExitCode.OK


def diagnose(
    target: Target,
    *,
    on_request: Callable[[str], None] | None = None,
    on_wait: Callable[[float, str], None] | None = None,
) -> list[Check]:
    """Look at the files, the environment, the connection and the instance; raises nothing but bugs."""
    checks = [_tried("files", lambda: _files(target)), _tried(".env", _dot_env), _credential(target)]
    if checks[-1].status == "ok":
        try:
            first = replace(target, keys=target.keys[:1])
            with connect(first, on_request=on_request, on_wait=on_wait, patience=_PATIENCE) as session:
                checks += examine(target, Reader(session.transport))
        except ReconcilerError as error:
            checks += [_failed("reach", error), *_not_asked("nothing answers")]
        checks += [_further_key(target, n, on_request) for n in range(2, len(target.keys) + 1)]
        checks.append(_specification(target, on_request))
    else:
        checks += _not_asked("there is no key", ("reach", "TLS", *_READS, specification.PATH.strip("/")))
    return [*checks, _quirks(target, time.time())]


def examine(target: Target, reader: Reader, *, wall: Callable[[], float] = time.time) -> list[Check]:
    """Ask the instance, read only: is it there, is the key good, what may it read. Raises Interrupted alone.

    ``wall`` is our clock, in seconds since 1970.
    """
    try:
        whoami = reader.get(WHOAMI)
    except Interrupted:
        raise
    except NoAnswer as error:
        return [_failed("reach", error), *_not_asked("nothing answers")]
    server = ScimReader(reader, OMNI)
    totals: dict[str, int] = {}

    def count(kind: str) -> Check:
        body = server.get(OMNI.path(kind), {"count": "1"})
        total = body.get("totalResults") if isinstance(body, Mapping) else None
        if isinstance(total, bool) or not isinstance(total, int):
            message = f"GET {OMNI.path(kind)} was answered with something that is not a SCIM list"
            raise BadAnswer(message)
        totals[kind] = total
        return Check(f"{kind}s", "ok", f"may be read; there {_are(total)} {number_of(total, kind)}")

    def definitions() -> Check:
        found = read_definitions(server.get(DEFINITIONS)).values()
        system = sum(each.system for each in found)
        said = f"may be read; {number_of(len(found), 'definition')}, {system} of them Omni's own"
        return Check("attributes", "ok", said)

    return [
        Check("reach", "ok", f"{target.url} answers" if not target.sandbox else "a sandbox in this process"),
        _tls(target),
        _clock(whoami, wall()),
        _key(whoami),
        _tried("users", lambda: count("user"), _KEY_HINT),
        _tried("groups", lambda: count("group"), _KEY_HINT),
        _tried(
            "attributes", definitions, "leave attributes out of `manage.users`, or give the key that right"
        ),
        _pace(target, totals),
    ]


def _tried(name: str, check: Callable[[], Check], todo: str = "") -> Check:
    try:
        return check()
    except Interrupted:
        raise
    except ReconcilerError as error:
        return _failed(name, error, todo)


def _failed(name: str, error: ReconcilerError, todo: str = "") -> Check:
    if isinstance(error, NotAccepted):
        todo = _KEY_HINT
    if not isinstance(error, Invalid):
        return Check(name, "failed", str(error), todo)
    first, number = error.problems[0], len(error.problems)
    more = f" (and {number_of(number - 1, 'more problem')})" if number > 1 else ""
    return Check(name, "failed", f"{first.place}: {first.message}{more}", first.hint or todo)


def _not_asked(why: str, names: tuple[str, ...] = ("TLS", *_READS)) -> list[Check]:
    return [Check(name, "unknown", f"not asked, since {why}") for name in names]


def _files(target: Target) -> Check:
    state = target.load()
    declared = f"{number_of(len(state.users), 'user')} and {number_of(len(state.groups), 'group')} declared"
    return Check("files", "ok", declared)


def _dot_env() -> Check:
    if os.environ.get("CI"):
        return Check(".env", "ok", "not read here: CI is set, and a pull request can write such a file")
    if not Path(".env").exists():
        return Check(".env", "ok", "there is none here")
    dot_env(Path())
    return Check(".env", "ok", "is read here; its values win over the environment")


def _credential(target: Target) -> Check:
    if target.sandbox:
        return Check("credential", "ok", "none is needed: a sandbox in this process")

    def found() -> Check:
        secrets, written = resolve_keys(target, environment(Path())), dot_env(Path())
        pairs = zip(target.keys, secrets, strict=True)
        names = [_source(reference.get("env", ""), secret.name, written) for reference, secret in pairs]
        return Check("credential", "ok", f"found in {' and '.join(names)}")

    return _tried("credential", found)


def _source(variable: str, name: str, written: Mapping[str, str]) -> str:
    """Where a key came from; of two places that have one, which won."""
    if variable not in written:
        return name
    beaten = ", which wins over the environment variable" if os.environ.get(variable, "").strip() else ""
    return f".env as {variable}{beaten}"


def _tls(target: Target) -> Check:
    if target.sandbox:
        return Check("TLS", "ok", "none is needed: nothing leaves this process")
    if target.url.startswith("http:"):
        return Check("TLS", "ok", "none is needed: plain http to this machine only")
    return Check("TLS", "ok", "the certificate verifies")


def _clock(response: Response, wall: float) -> Check:
    """Ours against the Date header of an answer."""
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
        said = "of which kind it is, this instance does not say (it has no /v1/whoami)"
        return Check("key", "unknown", said, "see below whether it may read users and groups")
    if not response.ok:
        status: Status = "unknown" if response.status >= _SERVER else "failed"
        todo = _KEY_HINT if response.status in _FORBIDDEN else "try again"
        return Check("key", status, f"GET {WHOAMI} was answered {response.status}: {words(response)}", todo)
    body = response.json if isinstance(response.json, Mapping) else {}
    role = body.get("orgRole")
    as_role = f", as {role}" if isinstance(role, str) else ""
    if body.get("keyScope") == "organization":
        return Check("key", "ok", f"an organization key{as_role}")
    if body.get("keyScope") == "user":
        return Check("key", "failed", f"the key of one user{as_role}", f"{OMNI.key_hint}.")
    return Check("key", "unknown", f"GET {WHOAMI} does not say of which kind it is")


def _further_key(target: Target, number: int, on_request: Callable[[str], None] | None) -> Check:
    """The kind of the second key, the third and so on, each asked by itself."""
    name, alone = f"key {number}", replace(target, keys=target.keys[number - 1 : number])

    def asked() -> Check:
        with connect(alone, on_request=on_request, patience=_PATIENCE) as session:
            return replace(_key(Reader(session.transport).get(WHOAMI)), name=name)

    return _tried(name, asked)


def _pace(target: Target, totals: Mapping[str, int]) -> Check:
    """How long one complete read takes, at best, and where each user must be read by id."""
    keys = max(1, len(target.keys))
    rate = target.requests_per_minute * keys
    each = f" for each of {keys} keys" if keys > 1 else ""
    pace = f"{number_of(target.requests_per_minute, 'request')} a minute{each}"
    if len(totals) < len(("users", "groups")):
        return Check("pace", "unknown", f"{pace}; how long a read takes is not known")
    pages = sum(max(1, ceil(total / OMNI.page)) for total in totals.values())
    # Whose each key is is asked with that key.
    least = keys + len((DEFINITIONS,)) + pages
    said = f"{pace}: a complete read takes {_effort(least, rate)}"
    singles = 0 if target.quirks.lists_carry_attributes else min(_with_attributes(target), totals["user"])
    if not singles:
        return Check("pace", "ok", said)
    most = _effort(least + singles, rate)
    doubtful = target.quirks.lists_carry_attributes is None
    todo = "a probe may find that the longer one is not needed: see quirks" if doubtful else ""
    return Check("pace", "ok", f"{said}, or up to {most} where lists do not show attributes", todo)


def _with_attributes(target: Target) -> int:
    try:
        desired = target.load()
    except Invalid:
        return 0
    return len(need(desired, target.policy).attributes)


def _effort(requests: int, pace: int) -> str:
    minutes = (requests - 1) // pace
    return f"{number_of(requests, 'request')} ({f'about {minutes} min' if minutes else 'at once'})"


def _specification(target: Target, on_request: Callable[[str], None] | None) -> Check:
    """The instance's description of itself, beside its API (seen live at ``<login URL>/openapi.json``)."""
    name = specification.PATH.strip("/")
    if target.sandbox:
        return Check(name, "unknown", "a sandbox in this process serves none")
    try:
        with connect(target, on_request=on_request, patience=_PATIENCE, below_api=False) as session:
            response = Reader(session.transport).get(specification.PATH)
    except ReconcilerError:
        return Check(name, "unknown", "not asked, since nothing answers")
    operations = specification.described(response.json) if response.ok else frozenset()
    if not operations:
        return Check(name, "unknown", "not served here")
    if missing := specification.lacking(operations):
        todo = "it may lag behind the service; a plan shows whether it works"
        return Check(name, "unknown", f"served, and does not mention {', '.join(missing)}", todo)
    said = f"served: {number_of(len(operations), 'operation')}, all that is used here among them"
    return Check(name, "ok", said)


def _quirks(target: Target, now: float) -> Check:
    found: Quirks = target.quirks
    if not found.found_at:
        said = "no quirks.yaml: the client is careful, and may read users one by one for their attributes"
        todo = f"where it is not production: reconciler doctor {target.name} --probe"
        return Check("quirks", "unknown", said, todo)
    try:
        days = int((now - datetime.fromisoformat(found.found_at).timestamp()) // 86400)
    except ValueError:
        return Check("quirks", "failed", f"quirks.yaml: {found.found_at} is no date", "probe again")
    age = "today" if days < 1 else f"{number_of(days, 'day')} ago"
    values = {
        name: value for name, value in asdict(found).items() if name != "found_at" and value is not None
    }
    said = f"found {age}: " + (
        ", ".join(f"{k} {_word(v)}" for k, v in values.items()) or "nothing for certain"
    )
    if days > _OLD:
        return Check("quirks", "unknown", said, "probe again: this is old, and the instance may have changed")
    return Check("quirks", "ok", said, _advice(found))


def _advice(found: Quirks) -> str:
    if found.deactivation == "revokes" or found.deactivation_reversible is False:
        return "mind that deactivating a user cannot be taken back here"
    return ""


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _span(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"

"""Whether everything is in place to work on a target: a check for each thing, and what to do about it.

Nothing here can write. Whatever fails, the network included, is a check of its own;
only a person who stops it ends it early.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from reconciler.diagnosis.instance import PATIENCE, answered, description_check, examine, further_key
from reconciler.errors import (
    ExitCode,
    ReconcilerError,
)
from reconciler.providers.checks import failed, not_asked, tried
from reconciler.report import Check, Health, number_of
from reconciler.target.credentials import dot_env, environment, key_names, resolve
from reconciler.target.session import connect
from reconciler.target.settings import Target
from reconciler.transport import jwt
from reconciler.transport.auth import Secret
from reconciler.transport.hosts import ALLOWED_HOSTS, bound_to
from reconciler.transport.messages import Reader
from reconciler.transport.oauth import Token

_DAY = 86400
_SOON = 30
"""Days before its end from which a key should be replaced."""
_OLD = 180
"""Days after which a probe should be repeated: the system may behave differently by then."""


def exit_code(checks: list[Check]) -> ExitCode:
    """ERROR where anything failed; what is not known fails nothing."""
    return ExitCode.ERROR if any(check.status == "failed" for check in checks) else ExitCode.OK


def diagnose(
    target: Target,
    *,
    on_request: Callable[[str], None] | None = None,
    on_wait: Callable[[float, str], None] | None = None,
) -> list[Check]:
    """Check the files, the environment, the connection and the instance; raises nothing but bugs."""
    examiner = target.system.examiner()
    checks = [tried("files", lambda: _files(target)), tried(".env", _dot_env)]
    checks.append(_credential(target, time.time()))
    if checks[-1].status == "ok":
        try:
            first = replace(target, credentials=target.credentials[:1])
            with connect(first, on_request=on_request, on_wait=on_wait, patience=PATIENCE) as session:
                checks += examine(target, Reader(session.transport))
                checks += [_token(token) for token in session.tokens()]
        except ReconcilerError as error:
            checks += [failed("reach", error), *not_asked("nothing answers", answered(examiner))]
        checks += [further_key(target, n, on_request) for n in range(2, len(target.credentials) + 1)]
        if examiner.description:
            checks.append(description_check(target, on_request))
    else:
        beside = filter(None, [examiner.description.strip("/")])
        checks += not_asked("there is no key", ("reach", *answered(examiner), *beside))
    return [*checks, *([_quirks(target, time.time())] if examiner.quirks else [])]


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


def _credential(target: Target, now: float) -> Check:
    if target.sandbox:
        return Check("credential", "ok", "none is needed: a sandbox in this process")

    def found() -> Check:
        found, written = resolve(target, environment(Path())), dot_env(Path())
        names = [
            _source(one.secrets[part].get("env", ""), secret.name, written)
            for one, secrets in zip(target.credentials, found, strict=True)
            for part, secret in secrets.items()
        ]
        health, when, todo = _ends([secret for secrets in found for secret in secrets.values()], now)
        return Check("credential", health, f"found in {' and '.join(names)}{_bound(target)}; {when}", todo)

    return tried("credential", found)


def _ends(secrets: Sequence[Secret], now: float) -> tuple[Health, str, str]:
    """When keys end, as far as they say so themselves, and what to do about the first that does."""
    known = [(end, secret) for secret in secrets if (end := jwt.ends(secret))]
    if not known:
        return "ok", f"nothing tells when {'it ends' if len(secrets) == 1 else 'they end'}", ""
    end, secret = min(known, key=lambda one: one[0])
    days = int((end - now) // _DAY)
    day = f"{datetime.fromtimestamp(end, UTC):%-d %B %Y}"
    todo = f"make another key, and put it into {secret.name}"
    it = "it" if len(secrets) == 1 else f"the first that says so, {secret.name},"
    if end <= now:
        return "failed", f"{it} ended on {day}", todo
    scopes = f", with the scopes {' '.join(sorted(said))}" if (said := jwt.scopes(secret)) else ""
    when = f"{it} ends on {day}, in {number_of(days, 'day')}{scopes}"
    return ("warning", when, todo) if days <= _SOON else ("ok", when, "")


def _token(token: Token) -> Check:
    """For how long a token is good that was got for a client, and what it may do."""
    good = "it does not say for how long it is good"
    if token.lasts is not None:
        good = f"good for {number_of(round(token.lasts), 'second')}, and renewed before it ends"
    scopes = " ".join(sorted(token.scopes or jwt.scopes(token.secret)))
    return Check("token", "ok", f"{good}; {f'its scopes: {scopes}' if scopes else 'its scopes are not told'}")


def _bound(target: Target) -> str:
    """Where the environment says that these keys may go, and nowhere else."""
    allowed = os.environ.get(ALLOWED_HOSTS)
    hosts = dict.fromkeys(host for key in key_names(target) for host in bound_to(key, allowed))
    return f", for {' and '.join(hosts)} alone" if hosts else ""


def _source(variable: str, name: str, written: Mapping[str, str]) -> str:
    """Where a key came from, and which place won where two have one."""
    if variable not in written:
        return name
    beaten = ", which wins over the environment variable" if os.environ.get(variable, "").strip() else ""
    return f".env as {variable}{beaten}"


def _quirks(target: Target, now: float) -> Check:
    quirks, examiner = target.quirks, target.system.examiner()
    found_at = quirks.get("found_at", "")
    if not found_at:
        summary = "no quirks.yaml: the client is careful, and may read users one by one for their attributes"
        todo = f"where it is not production: reconciler doctor {target.name} --probe"
        return Check("quirks", "unknown", summary, todo)
    try:
        days = int((now - datetime.fromisoformat(found_at).timestamp()) // _DAY)
    except ValueError:
        return Check("quirks", "failed", f"quirks.yaml: {found_at} is no date", "probe again")
    age = "today" if days < 1 else f"{number_of(days, 'day')} ago"
    values = {name: quirks[name] for name in examiner.quirks if name in quirks}
    summary = f"found {age}: " + (
        ", ".join(f"{k} {_word(v)}" for k, v in values.items()) or "nothing for certain"
    )
    if days > _OLD:
        return Check(
            "quirks", "unknown", summary, "probe again: this is old, and the instance may have changed"
        )
    return Check("quirks", "ok", summary, examiner.advice(quirks))


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

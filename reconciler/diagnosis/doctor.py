"""Whether everything is in place to work on a target: a check for each thing, and what to do about it.

Nothing here can write. Whatever fails, the network included, is a check of its own;
only a person who stops it ends it early.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from reconciler.diagnosis.instance import PATIENCE, answered, description_check, examine, further_key
from reconciler.errors import (
    ExitCode,
    ReconcilerError,
)
from reconciler.providers.checks import failed, not_asked, tried
from reconciler.report import Check, number_of
from reconciler.target.credentials import dot_env, environment, key_names, resolve
from reconciler.target.session import connect
from reconciler.target.settings import Target
from reconciler.transport.hosts import ALLOWED_HOSTS, bound_to
from reconciler.transport.messages import Reader

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
    checks = [tried("files", lambda: _files(target)), tried(".env", _dot_env), _credential(target)]
    if checks[-1].status == "ok":
        try:
            first = replace(target, credentials=target.credentials[:1])
            with connect(first, on_request=on_request, on_wait=on_wait, patience=PATIENCE) as session:
                checks += examine(target, Reader(session.transport))
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


def _credential(target: Target) -> Check:
    if target.sandbox:
        return Check("credential", "ok", "none is needed: a sandbox in this process")

    def found() -> Check:
        found, written = resolve(target, environment(Path())), dot_env(Path())
        names = [
            _source(one.secrets[part].get("env", ""), secret.name, written)
            for one, secrets in zip(target.credentials, found, strict=True)
            for part, secret in secrets.items()
        ]
        return Check("credential", "ok", f"found in {' and '.join(names)}{_bound(target)}")

    return tried("credential", found)


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
        days = int((now - datetime.fromisoformat(found_at).timestamp()) // 86400)
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

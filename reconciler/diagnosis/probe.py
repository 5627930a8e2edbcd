"""Find out with scratch objects how one instance behaves where public documents do not say.

A probe makes one user and one or two groups, changes them, reads what became of
them, and removes them (see ``scratch``). It runs only where target.yaml says
``probe: true``, which production must not say, and never where the target ignores
or protects names like those it would make. An answer that is not certain is "not
known".
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from reconciler.diagnosis.scratch import DOMAIN, MARK, Scratch, ScratchObject, group_name, user_name
from reconciler.errors import GuardRefused, Interrupted, ReconcilerError, Refused
from reconciler.journal import Journal
from reconciler.model import Definition, Value, group_address, user_address
from reconciler.providers.omni.provider import DEFINITIONS, read_definitions
from reconciler.providers.omni.quirks import Quirks
from reconciler.providers.scim.codec import UserRow
from reconciler.report import Finding, Probed
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.views.safe import printable

_NO_VALUE = (None, "", ())
_QUESTIONS = tuple(field.name for field in fields(Quirks) if field.name != "found_at")


def check_allowed(target: Target) -> None:
    """Raise GuardRefused unless target.yaml lets scratch objects be made here."""
    if not target.probe:
        message = (
            f"{target.name} may not be probed, since {target.place} does not say `probe: true`; "
            "add that only where it is not production"
        )
        raise GuardRefused(message)
    for address in (user_address(user_name("0" * 8)), group_address(group_name("0" * 8))):
        if target.policy.ignore.match(address) or target.policy.protect.match(address):
            message = (
                f"{target.name} may not be probed, since {target.place} ignores or protects "
                f"names like {address.key}"
            )
            raise GuardRefused(message)


def announcement(target: Target) -> str:
    """What a probe is about to do, for the person who is asked first."""
    return (
        f"A probe of {target.name} makes a user {user_name('...')} and one or two groups {group_name('...')} "
        f"at {target.url}, changes them, and removes them again, in about 35 requests. Nothing else is "
        "touched. Whether Omni sends an invitation to a new user is not documented; mail to "
        f"{DOMAIN} reaches nobody."
    )


def probe(target: Target, session: Session, *, token: str = "") -> Probed:
    """Find out how the instance behaves; what goes wrong on the way is in the answer.

    ``token`` are the eight hex digits of the names, random where it is empty.
    The caller holds the target's lock. Raises GuardRefused where the target may
    not be probed, and JournalFailed where the journal cannot be opened: nothing
    was sent then.
    """
    check_allowed(target)
    findings: list[Finding] = []
    stopped, interrupted = "", False
    run = f"{target.name.replace('/', '-')}-probe-{_now():%Y%m%dT%H%M%S.%fZ}"
    with Journal(target.journal, run, _now) as journal:
        scratch = Scratch(target, session, journal, token or secrets.token_hex(4))
        journal.write("start", detail="probe")
        try:
            try:
                scratch.remove_leftovers()
                for finding in _findings(scratch):
                    findings.append(finding)  # noqa: PERF402 (what was found before an error is kept)
            finally:
                scratch.clean()
        except (Interrupted, KeyboardInterrupt):
            stopped, interrupted = "interrupted", True
        except ReconcilerError as error:
            stopped = str(error)
        with suppress(ReconcilerError):
            journal.write("end", detail="; ".join(filter(None, (stopped, *scratch.remaining))))
    return Probed(
        findings=tuple(findings),
        removed=tuple(scratch.removed),
        remaining=tuple(scratch.remaining),
        journal=str(journal.path),
        found_at=f"{_now():%Y-%m-%dT%H:%M:%SZ}",
        stopped=stopped,
        interrupted=interrupted,
    )


def quirks_of(probed: Probed) -> dict[str, Any]:
    """The findings as quirks.yaml holds them: what is not known is not in it."""
    known = {finding.name: finding.value for finding in probed.findings if finding.value is not None}
    return {"found_at": probed.found_at, **known}


def quirks_yaml(target: Target, probed: Probed) -> str:
    """The text of the target's ``quirks.yaml``: what is known as fields, what is not as remarks."""
    up = "../" * (target.name.count("/") + 2)
    lines = [
        f"# yaml-language-server: $schema={up}schemas/quirks.schema.json",
        f"# How {target.url} behaves where its documentation does not say: found out with scratch",
        f"# objects, which are removed again, by `reconciler doctor {printable(target.name)} --probe`.",
        "# What is not here is not known, and the client is careful about it.",
        f"found_at: {probed.found_at}",
    ]
    for finding in probed.findings:
        value = "not known" if finding.value is None else str(finding.value).lower()
        mark = "# " if finding.value is None else ""
        lines += ["", f"# {printable(finding.how)}", f"{mark}{finding.name}: {value}"]
    return "\n".join(lines) + "\n"


def _findings(scratch: Scratch) -> Iterator[Finding]:
    """Every question with its answer; raises where no more can be asked: a refused key, a silent read."""
    user, user_answer = scratch.make("user", user_name(scratch.token))
    group, group_answer = scratch.make("group", group_name(scratch.token))
    why = f"no scratch object to ask with: {(group_answer if user else user_answer).message}"
    unanswered = dict.fromkeys(_QUESTIONS)
    for finding in _answers(scratch, user, group):
        del unanswered[finding.name]
        yield finding
    yield from (Finding(name, None, why) for name in unanswered)


def _answers(scratch: Scratch, user: ScratchObject | None, group: ScratchObject | None) -> Iterator[Finding]:
    if user:
        definitions = _definitions(scratch)
        yield _defaults(scratch, user, definitions)
        yield _lists(scratch, user, definitions)
    if user and group:
        yield _members(scratch, user, group)
    if group:
        yield _case(scratch, group)
    if user:
        yield from _deactivation(scratch, user)
    yield _retry_after(scratch.session.retry_after())


def _definitions(scratch: Scratch) -> dict[str, Definition]:
    """Those that can be written, by name; none where the key may not read them."""
    try:
        definitions = read_definitions(scratch.server.get(DEFINITIONS))
    except Refused:
        return {}
    return {name: each for name, each in sorted(definitions.items()) if not each.system}


def _defaults(scratch: Scratch, user: ScratchObject, definitions: Mapping[str, Definition]) -> Finding:
    name = next((name for name, each in definitions.items() if each.default not in _NO_VALUE), None)
    row = scratch.user(user)
    if name is None or row is None:
        return Finding("shows_defaults", None, "no attribute is known to have a default that could be shown")
    shown = _attribute(row, name) not in _NO_VALUE
    how = f"a new user was {'' if shown else 'not '}shown with the default of {name}"
    return Finding("shows_defaults", shown, how)


def _lists(scratch: Scratch, user: ScratchObject, definitions: Mapping[str, Definition]) -> Finding:
    ask = "lists_carry_attributes"
    name = next((name for name, each in definitions.items() if each.type == "String"), None)
    if name is None:
        return Finding(ask, None, "no text attribute is known that could be set")
    value: Value = (MARK,) if definitions[name].multiple else MARK
    answer = scratch.change(user, ("attributes", name), None, value)
    row = scratch.user(user)
    if row is None or _attribute(row, name) != value:
        return Finding(ask, None, f"the attribute {name} could not be set {answer.message}".rstrip())
    rows = scratch.listed(user)
    if any(row and _attribute(row, name) != value for row in rows):
        return Finding(ask, value=False, how=f"a list lacked the attribute {name}, which GET by id had")
    if rows[0] is None:
        return Finding(ask, None, "the scratch user was neither on the first page of the list nor at its end")
    return Finding(ask, value=True, how=f"the lists had the attribute {name}, as GET by id had")


def _members(scratch: Scratch, user: ScratchObject, group: ScratchObject) -> Finding:
    ask, edge = "member_ops_idempotent", ("members", user.address.key)
    scratch.change(group, edge, None, after=True)
    if user.id not in scratch.members(group):
        return Finding(ask, None, "the scratch user did not become a member of the scratch group")
    again = scratch.change(group, edge, None, after=True)
    taken = scratch.change(group, edge, True, None)  # noqa: FBT003 (the value of a membership)
    gone = scratch.change(group, edge, True, None)  # noqa: FBT003 (the value of a membership)
    if {again.verdict, taken.verdict, gone.verdict} == {"done"}:
        return Finding(
            ask, value=True, how="a member was added twice and removed twice, and nothing was refused"
        )
    refused = next((answer for answer in (again, gone) if answer.verdict == "refused"), None)
    if refused and taken.verdict == "done":
        return Finding(ask, value=False, how=f"a repeated operation was refused: {refused.message}")
    unclear = next(answer.message for answer in (again, taken, gone) if answer.verdict != "done")
    return Finding(ask, None, f"not every operation was answered clearly: {unclear}")


def _case(scratch: Scratch, group: ScratchObject) -> Finding:
    ask = "group_names_case_sensitive"
    twin, answer = scratch.make("group", group.label.upper())
    if twin:
        return Finding(ask, value=True, how="a second group with the same name in capitals was made")
    if answer.verdict == "exists":
        return Finding(ask, value=False, how=f"the same name in capitals was refused: {answer.message}")
    return Finding(ask, None, f"the same name in capitals was not answered clearly: {answer.message}")


def _deactivation(scratch: Scratch, user: ScratchObject) -> list[Finding]:
    ask, ask_back = "deactivation", "deactivation_reversible"
    plain_before, _ = scratch.listed(user)
    off = scratch.change(user, ("active",), before=True, after=False)
    row = scratch.user(user)
    if row and row.live.resource.active is not False:
        how = f"active: false did not take {off.message}".rstrip()
        return [Finding(ask, None, how), Finding(ask_back, None, how)]
    if row is None:
        finding = Finding(ask, "revokes", "after active: false, GET by id was answered 404")
    else:
        plain, filtered = scratch.listed(user)
        if plain if plain_before else filtered:
            finding = Finding(ask, "flag", "after active: false, the user was still listed, as not active")
        else:
            finding = Finding(
                ask, "hides", "after active: false, GET by id had the user, and the list had not"
            )
    on = scratch.change(user, ("active",), before=False, after=True)
    row = scratch.user(user)
    if row and row.live.resource.active:
        how = "active: true brought the user back under the same id"
        return [finding, Finding(ask_back, value=True, how=how)]
    how = f"active: true did not bring the user back {on.message}".rstrip()
    return [finding, Finding(ask_back, None if on.verdict in ("unsure", "busy") else False, how)]


def _retry_after(seen: bool | None) -> Finding:  # noqa: FBT001 (what was seen)
    how = "no request of this probe was answered 429" if seen is None else "seen on an answer 429"
    return Finding("retry_after", seen, how)


def _attribute(row: UserRow, name: str) -> Value:
    return (row.live.resource.attributes or {}).get(name)


def _now() -> datetime:
    return datetime.now(UTC)

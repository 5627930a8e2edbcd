"""A probe: find out with scratch objects how one instance behaves where public documents do not say.

What is made, changed and asked is the kind's; here is what holds for each. It runs
only where target.yaml says ``probe: true``, which production must not say, and never
where the target ignores or protects names like those it would make.
"""

import secrets
from contextlib import suppress
from datetime import UTC, datetime

from reconciler.errors import GuardRefused, Interrupted, ReconcilerError
from reconciler.journal import Journal
from reconciler.providers.kind import Probe
from reconciler.report import Finding, Probed
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.views.safe import printable


def check_allowed(target: Target) -> None:
    """Raise GuardRefused unless its kind has a probe, and target.yaml lets scratch objects be made here."""
    if not target.probe:
        message = (
            f"{target.name} may not be probed, since {target.place} does not say `probe: true`; "
            "add that only where it is not production"
        )
        raise GuardRefused(message)
    for address in _kind(target).names():
        if target.policy.ignore.match(address) or target.policy.protect.match(address):
            message = (
                f"{target.name} may not be probed, since {target.place} ignores or protects "
                f"names like {address.key}"
            )
            raise GuardRefused(message)


def announcement(target: Target) -> str:
    """What a probe is about to do, for the person who is asked first."""
    return _kind(target).announcement(target.name, target.url)


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
        scratch = _kind(target).begin(target.provider, session, journal, token or secrets.token_hex(4))
        journal.write("start", detail="probe")
        try:
            try:
                scratch.remove_leftovers()
                for finding in scratch.findings():
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


def quirks_yaml(target: Target, probed: Probed) -> str:
    """The text of the target's ``quirks.yaml``: what is known as fields, what is not as remarks."""
    up = "../" * (target.name.count("/") + 2)
    lines = [
        f"# yaml-language-server: $schema={up}schemas/quirks-{target.kind}.schema.json",
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


def _kind(target: Target) -> Probe:
    """The probe of this kind of system; raises GuardRefused where it has none."""
    probe = target.system.probe()
    if probe is None:
        message = f"{target.name} cannot be probed: there is no probe for {target.system.title}"
        raise GuardRefused(message)
    return probe


def _now() -> datetime:
    return datetime.now(UTC)

"""An apply report, for a person at a terminal or in a log."""

from collections.abc import Iterable, Iterator, Mapping

from reconciler.changes import Atom
from reconciler.model import Address
from reconciler.operations import Outcome, Status
from reconciler.planning.allowance import DIGEST_DIGITS
from reconciler.report import Mandate, Report, number_of
from reconciler.views.layout import BLANK, Line, Part, Style, draw, line
from reconciler.views.lines import field_name
from reconciler.views.safe import label, printable, short_commit


def report_text(report: Report, *, width: int | None = None, color: bool = False) -> str:
    """What an apply did, what failed and why, and what to do next."""
    return draw(_report(report), width=width, color=color)


def _report(report: Report) -> Iterator[Line]:
    counts = report.counts
    total = len(report.changes)
    done = total - counts["failed"] - counts["pending"] - counts["skipped"]
    took = f"in {_seconds(report.seconds)} ({number_of(report.requests, 'write')})."
    changes = f"{done} of {number_of(total, 'change')}" if done < total else number_of(total, "change")
    verb = "Interrupted: applied" if report.interrupted else "Applied"
    style: Style = "strong" if done == total else "alarm"
    yield line(Part(verb, style), f"{changes} to {label(report.target)} {took}", hang=2)
    tally = ", ".join(f"{number} {key}" for key, number in counts.items() if number)
    if tally:
        yield line(tally, indent=2)
    if report.stopped and not report.interrupted:
        yield line(Part("Stopped:", "alarm"), printable(report.stopped), indent=2)
    names = {change.address: change.label for change in report.changes}
    yield from _outcomes("Failed", "failed", report.outcomes, names)
    yield from _outcomes("Sent, but not known whether it took place", "unsettled", report.outcomes, names)
    yield from _outcomes("Pending", "pending", report.outcomes, names)
    yield from _outcomes("Skipped", "skipped", report.outcomes, names)
    yield BLANK
    if counts["pending"]:
        advice = "Give the system time, and plan again: what it does not show as under way is sent once more."
        yield line(advice, hang=2)
    if counts["failed"] or counts["skipped"]:
        yield line("Run the same command again: what is done is not done twice.", hang=2)
    if report.unrecorded:
        yield line("Not recorded as applied:", printable(report.unrecorded), hang=2)
    if report.unlogged:
        yield line("Not in the system's own log:", printable(report.unlogged), hang=2)
    yield from _mandate(report.mandate)
    yield line("Journal:", printable(report.journal), hang=2)


def _mandate(mandate: Mandate) -> Iterator[Line]:
    if mandate.pull is not None:
        head = short_commit(mandate.head)
        parts = [f"#{mandate.pull} at {head}, opened by {printable(mandate.asked)}"]
        approved = ", ".join(map(printable, mandate.approved))
        parts += [f"approved by {approved}"] if approved else ["no approval needed"]
        parts += [f"merged by {printable(mandate.merged)}"] if mandate.merged else []
        yield line("Asked:", "; ".join(parts), hang=2)
    overrides = f" ({', '.join(map(printable, mandate.overrides))})" if mandate.overrides else ""
    plan = f"plan {mandate.digest[:DIGEST_DIGITS]}"
    yield line("Run by:", f"{printable(mandate.ran)}, {plan}{overrides}", hang=2)


def _outcomes(
    heading: str, status: Status, outcomes: Iterable[Outcome], names: Mapping[Address, str]
) -> Iterator[Line]:
    """Objects with the parts concerned, and the reason once beneath those that share it."""
    reasons: dict[str, dict[Address, list[str]]] = {}
    for outcome in outcomes:
        if outcome.status == status:
            objects = reasons.setdefault(outcome.reason, {})
            objects.setdefault(outcome.atom.address, []).append(_part(outcome.atom))
    if not reasons:
        return
    yield BLANK
    yield line(Part(heading, "change" if status in ("pending", "skipped") else "remove"))
    for reason, objects in reasons.items():
        for address, parts in objects.items():
            name = Part(f"{address.kind}/{label(names.get(address, address.key))}", "strong")
            yield line(name, Part(", ".join(parts), gap=2), indent=2, hang=6)
        yield line(printable(reason), indent=4, hang=6)


def _part(atom: Atom) -> str:
    """The part of an object that an atom is about."""
    if atom.path == ():
        return "delete"
    if atom.member:
        return f"{'+' if atom.after else '-'} {label(atom.member.key)}"
    return field_name(atom.path)


def _seconds(seconds: float) -> str:
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

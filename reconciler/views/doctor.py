"""What a doctor and a probe found, for a person at a terminal or for programs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from reconciler.jsontext import dump_json
from reconciler.report import Check, Health, Probed, number_of
from reconciler.views.layout import BLANK, Line, Part, Style, cells, draw, line
from reconciler.views.safe import label, printable

FORMAT_VERSION = 1

_SHOWN: Mapping[Health, tuple[str, Style]] = {
    "ok": ("ok", "add"),
    "failed": ("FAILED", "alarm"),
    "warning": ("warning", "change"),
    "unknown": ("unknown", "change"),
}
_STATUS_COLUMN = 8
_WIDEST_NAME = 24
_NARROW_COLUMN = 14
"""Beside a wider column of names the next column has too little room to wrap in."""


def checks_text(
    checks: Sequence[Check], *, name: str, where: str, width: int | None = None, color: bool = False
) -> str:
    """One line for each check, with what to do beneath it; ``name`` and ``where`` say what was looked at."""
    return draw(_checks(checks, name, where), width=width, color=color)


def checks_json(checks: Sequence[Check], **about: str) -> str:
    """The checks as JSON text; ``about`` says what was looked at, as a target and its url."""
    rows = [{"name": c.name, "status": c.status, "said": c.said, "todo": c.todo} for c in checks]
    return dump_json({"format_version": FORMAT_VERSION, **about, "checks": rows})


def probed_text(probed: Probed, *, width: int | None = None, color: bool = False) -> str:
    """What a probe found, how, and whether anything of it is left."""
    return draw(_probed(probed), width=width, color=color)


def _checks(checks: Sequence[Check], name: str, where: str) -> Iterator[Line]:
    yield line(Part(f"Doctor for {label(name)}", "strong"), f"({label(where)})", hang=2)
    yield BLANK
    names = [printable(check.name) for check in checks]
    column = min(max(map(cells, names), default=0), _WIDEST_NAME) + 2
    hang = _STATUS_COLUMN + (column if column <= _NARROW_COLUMN else 0)
    for check, shown in zip(checks, names, strict=True):
        word, style = _SHOWN[check.status]
        yield line(
            Part(word, style),
            Part(shown, "strong", _STATUS_COLUMN - len(word)),
            Part(printable(check.said), gap=max(column - cells(shown), 2)),
            hang=hang,
        )
        if check.todo:
            yield line(Part("->", "dim"), printable(check.todo), indent=hang, hang=hang + 3)
    counts = Counter(check.status for check in checks)
    tally = ", ".join(f"{counts[status]} {status}" for status in _SHOWN if counts[status])
    yield BLANK
    yield line(f"{number_of(len(checks), 'check')}: {tally or 'none'}.")


def _probed(probed: Probed) -> Iterator[Line]:
    for name in probed.removed:
        yield line("Removed, left by an earlier probe:", printable(name), hang=2)
    column = max((cells(finding.name) for finding in probed.findings), default=0) + 2
    for finding in probed.findings:
        value = "not known" if finding.value is None else str(finding.value).lower()
        style: Style = "change" if finding.value is None else "add"
        yield line(Part(finding.name, "strong"), Part(value, style, column - cells(finding.name)))
        yield line(printable(finding.how), indent=4, hang=4)
    if probed.stopped:
        yield line(Part("Stopped:", "alarm"), printable(probed.stopped))
    for name in probed.remaining:
        yield line(Part("STILL THERE:", "alarm"), printable(name))
    if probed.remaining:
        yield line("The next probe looks for these first. Or remove them by hand.", hang=2)
    else:
        yield line("Everything that was made is removed again.", hang=2)
    yield line("Journal:", printable(probed.journal), hang=2)

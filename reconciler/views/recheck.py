"""What of a reviewed plan still holds, for a terminal."""

from collections import Counter
from collections.abc import Iterator

from reconciler.planning.recheck import Recheck, Rechecked, Standing
from reconciler.report import number_of
from reconciler.views.layout import Line, draw, line
from reconciler.views.safe import printable

_NAMES: dict[Standing, str] = {
    "done": "done already",
    "to do": "to do",
    "moved": "moved",
    "unwanted": "unwanted",
}


def recheck_text(recheck: Recheck, *, width: int | None = None, color: bool = False) -> str:
    """How many reviewed details are done, to do, or hold no longer (each named), and what nobody reviewed."""
    return draw(_lines(recheck), width=width, color=color)


def _lines(recheck: Recheck) -> Iterator[Line]:
    counts = Counter(item.standing for item in recheck.rechecked)
    tally = ", ".join(f"{counts[standing]} {name}" for standing, name in _NAMES.items() if counts[standing])
    yield line(
        f"Of {number_of(len(recheck.rechecked), 'detail')} in the reviewed plan: {tally or 'nothing to do'}."
    )
    for item in recheck.stale:
        yield line(_stale(item), indent=2)
    if recheck.excluded:
        objects = number_of(len(recheck.excluded), "object")
        yield line(f"{objects} with drift or backlog: left alone, as was reviewed.")
    if recheck.unreviewed:
        yield line(
            f"{number_of(len(recheck.unreviewed), 'change')} that the files want now and nobody reviewed: "
            "left to the next plan."
        )
        for change in recheck.unreviewed:
            yield line(printable(str(change.address)), indent=2)
    if recheck.part:
        yield line("Only what the plan is about was read, so what else may differ was not looked for.")


def _stale(item: Rechecked) -> str:
    return f"{printable(str(item.atom))}: {item.standing}, {printable(item.reason)}"

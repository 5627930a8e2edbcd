"""What of a reviewed plan still holds, for a terminal."""

from collections import Counter
from collections.abc import Iterator

from reconciler.planning.review import Judged, Review, Verdict
from reconciler.views.layout import Line, draw, line
from reconciler.views.lines import number_of
from reconciler.views.safe import printable

_NAMES: dict[Verdict, str] = {
    "done": "done already",
    "to do": "to do",
    "moved": "moved",
    "unwanted": "unwanted",
}


def review_text(review: Review, *, width: int | None = None, color: bool = False) -> str:
    """How many reviewed details are done, to do, or hold no longer (each named), and what nobody reviewed."""
    return draw(_lines(review), width=width, color=color)


def _lines(review: Review) -> Iterator[Line]:
    counts = Counter(item.verdict for item in review.judged)
    said = ", ".join(f"{counts[verdict]} {name}" for verdict, name in _NAMES.items() if counts[verdict])
    yield line(
        f"Of {number_of(len(review.judged), 'detail')} in the reviewed plan: {said or 'nothing to do'}."
    )
    for item in review.stale:
        yield line(_stale(item), indent=2)
    if review.left:
        yield line(
            f"{number_of(len(review.left), 'object')} with drift or backlog: left alone, as was reviewed."
        )
    if review.unreviewed:
        yield line(
            f"{number_of(len(review.unreviewed), 'change')} that the files want now and nobody reviewed: "
            "left to the next plan."
        )
        for change in review.unreviewed:
            yield line(printable(str(change.address)), indent=2)


def _stale(item: Judged) -> str:
    return f"{printable(str(item.atom))}: {item.verdict}, {printable(item.reason)}"

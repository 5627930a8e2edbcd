"""Since when the files say something, by git."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from reconciler.desired.history import blame
from reconciler.errors import Place
from reconciler.git import Revision
from reconciler.plan import Note

_MOST_NAMED = 5
"""Objects that a note about one revision names; beyond that they are counted."""


def since_when(folder: Path, found: Mapping[str, Place], what: str) -> list[Note]:
    """A note for each revision that wrote what was ``found``, by name: its day, and the names."""
    by_revision: dict[Revision, list[str]] = defaultdict(list)
    lines = blame(folder, {Path(place.file) for place in found.values()})
    for name, place in found.items():
        if revision := _revision(lines, place):
            by_revision[revision].append(name)
    notes = []
    for revision, names in sorted(by_revision.items(), key=lambda item: item[0].day):
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        message = f"{what} since {revision}: {', '.join(names[:_MOST_NAMED])}{more}"
        notes.append(Note("since", message))
    return notes


def _revision(lines: Mapping[Path, Mapping[int, Revision]], place: Place) -> Revision | None:
    return lines.get(Path(place.file), {}).get(place.line)

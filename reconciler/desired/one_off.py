"""What a one-off run is made from: settings and files that somebody names, in no target's folder."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.desired.attached import Attached
from reconciler.desired.content import printable
from reconciler.desired.documents import Document, parse
from reconciler.desired.files import Shape, read_document, without_collector
from reconciler.desired.joining import Rules
from reconciler.desired.named import Reach, lists
from reconciler.desired.schema import check
from reconciler.desired.sources import Source, Steps
from reconciler.desired.whole import whole
from reconciler.errors import Place, Problem
from reconciler.model import DesiredState

COMMAND_LINE = Place("command line")
_OF_LISTS = {".csv": "csv", ".json": "json"}
_OF_YAML = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Asked:
    """The settings of a one-off run, with its lists in ``sources``, and the YAML files beside them."""

    settings: Document
    files: tuple[Path, ...] = ()

    def load(self, rules: Rules, reach: Reach) -> DesiredState:
        """Read and check all files; raises Invalid with every problem."""
        problems: list[Problem] = []
        with without_collector():
            documents = [read_document(path, printable(path), "desired-state") for path in self.files]
            documents += lists(Path(), self.settings, reach, problems)
            state = whole(self.settings, documents, self.settings.data, rules, problems, COMMAND_LINE)
        return replace(state, attached=Attached(Path(), ""))


def type_of(path: Path) -> str:
    """What a file is by its ending: ``csv``, ``json`` or ``yaml``; empty for any other."""
    ending = path.suffix.lower()
    return _OF_LISTS.get(ending, "yaml" if ending in _OF_YAML else "")


def asked(
    text: str, paths: Sequence[Path], like: str | None, groups_file: Path | None, shape: Shape
) -> Asked:
    """A one-off run by the text of a target.yaml and some files; the document carries its problems."""
    listed = [path for path in paths if type_of(path) != "yaml"]
    more = {"like": like} if like else {}
    more |= {"groups_file": _relative(groups_file)} if groups_file else {}
    entries = [{"type": type_of(path), "path": _relative(path), **more} for path in listed]
    places: dict[Steps, Place] = {("url",): Place("--url"), ("kind",): Place("--kind")}
    for at, path in enumerate(listed):
        places["sources", at] = Place(f"--source {printable(path)}")
        places["sources", at, "like"] = Place("--like")
        places["sources", at, "groups_file"] = Place("--groups-file")
    settings = Document(Options(places), {**parse(text.encode(), "").data, "sources": entries})
    check(settings, shape(settings.data))
    return Asked(settings, tuple(path for path in paths if type_of(path) == "yaml"))


def _relative(path: Path) -> str:
    """The path from the working directory, as ``sources`` writes paths."""
    return Path(os.path.relpath(path) if path.is_absolute() else path).as_posix()


class Options(Source):
    """Where settings stand that no file holds: each at its option of the command line."""

    def __init__(self, places: Mapping[Steps, Place]) -> None:
        super().__init__("", "", lambda _: ())
        self._places = places

    def nearest(self, steps: Steps) -> Place:
        """The option of a value, or of the innermost thing around it that has one."""
        found = (self._places.get(steps[:length]) for length in range(len(steps), 0, -1))
        return next((place for place in found if place), COMMAND_LINE)

"""The folders and files that hold desired state: found, read, and checked all together.

A target is a folder that holds ``target.yaml``; every other YAML file below it
is part of its desired state. Hidden files and folders (``.git``, ``.reconciler``)
are skipped, and so are links that lead out of the folder: a plan is made only
from what was reviewed. Each real file is read once.
"""

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.desired import schema
from reconciler.desired.attached import Attached
from reconciler.desired.content import content, printable, shown, unreadable
from reconciler.desired.documents import Document, parse
from reconciler.desired.joining import Rules
from reconciler.desired.named import Reach, least_rows, listed, lists, named, shared
from reconciler.desired.whole import whole
from reconciler.errors import Invalid, Place, Problem
from reconciler.links import stay_inside
from reconciler.model import DesiredState

TARGET_FILE = "target.yaml"
QUIRKS_FILE = "quirks.yaml"
"""In a target's folder: what a probe of the instance found out; no desired state."""
_SUFFIXES = (".yaml", ".yml")


def find_targets(root: Path) -> dict[str, Path]:
    """The targets below a folder, by name, in order; a target's name is its path from there.

    Raises Invalid where there are none, where the folder cannot be read, or where
    a link leads out of the repository.
    """
    if not os.path.lexists(root):
        raise Invalid([_not_here(root)])
    stay_inside(root, shown(root))
    problems: list[Problem] = []
    targets: dict[str, Path] = {}
    for folder, folders, files in _walk(root, shown(root), problems):
        if TARGET_FILE in files or TARGET_FILE in folders:
            targets[folder.relative_to(root).as_posix() if folder != root else root.resolve().name] = folder
            folders.clear()
    if not targets and not problems:
        hint = f"create a folder for each target, with a {TARGET_FILE} in it"
        problems.append(Problem(Place(shown(root)), f"no folder here holds a {TARGET_FILE}", hint))
    if problems:
        raise Invalid(problems)
    return targets


def _not_here(root: Path) -> Problem:
    """The problem of a folder that is not there; its hint names a folder above that has it."""
    above = next((folder for folder in Path.cwd().parents if (folder / root).is_dir()), None)
    hint = "run this where that folder is, or name it with --dir"
    if above and not root.is_absolute():
        way = Path(os.path.relpath(above / root))
        hint = f"run this in {printable(above)}, or give --dir {printable(way)}"
    return Problem(Place(shown(root)), "there is no such folder here", hint)


Shape = Callable[[Mapping[str, Any]], schema.Schema]
"""Which schema a file must pass, by its data."""


def read_target_file(folder: Path, shown_as: str, shape: Shape) -> Document:
    """``target.yaml``, checked by the schema that fits it; the document carries its problems."""
    with without_collector():
        return _read_target(folder, shown_as or shown(folder), shape)


def settings_of(folder: Path) -> dict[str, Any]:
    """The data of ``target.yaml``, checked in what all kinds of system share; raises Invalid."""
    target = _read_target(folder, shown(folder))
    if target.problems:
        raise Invalid(target.problems)
    return target.data


def read_quirks(folder: Path, shown_as: str, own: schema.Schema) -> Document | None:
    """A target's ``quirks.yaml``, checked; None where there is none. The document carries its problems."""
    path = folder / QUIRKS_FILE
    if not os.path.lexists(path):
        return None
    return read_document(path, f"{shown_as or shown(folder)}/{QUIRKS_FILE}", own, inside=folder)


def load(
    folder: Path,
    *,
    shown_as: str = "",
    settings: Mapping[str, Any] | None = None,
    rules: Rules = lambda _: (),
    reach: Reach = Reach(),  # noqa: B008 (frozen)
) -> DesiredState:
    """The desired state that all files of a target describe together.

    The sandbox's seed file, which ``target.yaml`` names, is no desired state. Places begin with
    ``shown_as``, else with the folder as seen from the working directory. ``settings`` replace the
    data of the folder's own ``target.yaml``, but for what that names beside the folder: desired
    state is as proposed, with the higher ``min_rows`` of both. ``rules`` says what no system of the
    kind can hold, ``reach`` what may be named.
    Raises Invalid with every problem of every file, ``target.yaml`` included.
    """
    name = shown_as or shown(folder)
    problems: list[Problem] = []
    with without_collector():
        target = _read_target(folder, name)
        settings = target.data if settings is None else settings
        skipped: set[str] = set()
        if seed := settings.get("sandbox", {}).get("seed"):
            skipped.add(_real(folder / seed))
        documents = list(_documents(folder, name, skipped, problems))
        for path, shown_path in shared(folder, target, reach, problems):
            documents += _documents(path, shown_path, skipped, problems)
        documents += lists(folder, target, reach, problems, least=least_rows(settings))
        state = whole(target, documents, settings, rules, problems, Place(target.source.file))
    return replace(state, attached=Attached(folder, name))


def _documents(folder: Path, name: str, skipped: set[str], problems: list[Problem]) -> Iterator[Document]:
    """Every desired-state file at or below a path, each real file once."""
    for path in _find_files(folder, name, problems):
        if _real(path) not in skipped:
            skipped.add(_real(path))
            yield read_document(path, _below(folder, name, path), "desired-state")


def _below(folder: Path, name: str, path: Path) -> str:
    """How to show a path that is at or below a folder, which is shown as ``name``."""
    return name if path == folder else f"{name}/{printable(path.relative_to(folder))}"


def desired_files(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """The desired-state files of a target that loads: the path of each, the path to show, and its text."""
    data = settings_of(folder)
    skipped = set()
    if seed := data.get("sandbox", {}).get("seed"):
        skipped.add(_real(folder / seed))
    for start in (folder, *(Path(os.path.normpath(folder / path)) for path in data.get("files", ()))):
        for path in _find_files(start, "", []):
            if _real(path) not in skipped:
                skipped.add(_real(path))
                yield path, _below(start, shown(start), path), path.read_text("utf-8-sig")


def unread(folder: Path, others: Iterable[Path] = ()) -> Iterator[tuple[str, str]]:
    """The files in a target's folder that nothing reads: the path to show, and why.

    ``others`` are files that something else reads, such as a sandbox's seed.
    """
    inside, read = Path(_real(folder)), {_real(path) for path in (*_find_files(folder, "", []), *others)}
    read |= {_real(folder / name) for name in (TARGET_FILE, QUIRKS_FILE)} | _named(folder)
    for where, folders, names in os.walk(folder):
        for item in sorted((*folders, *names)):
            path = Path(where) / item
            if _real(path) not in read and (why := _unread_because(path, inside, is_folder=item in folders)):
                yield shown(path), why
        folders[:] = [item for item in folders if not item.startswith(".")]


def _unread_because(path: Path, inside: Path, *, is_folder: bool) -> str:
    if path.name.startswith("."):
        return "hidden"
    if is_folder:
        return "a link to a folder" if path.is_symlink() else ""
    if path.suffix.lower() not in _SUFFIXES:
        return "its name does not end in .yaml or .yml"
    return "" if Path(_real(path)).is_relative_to(inside) else "a link that leads out of the target's folder"


def strays(root: Path) -> Iterator[str]:
    """The files below the root that are in no target's folder, by the path to show."""
    targets = set(find_targets(root).values())
    read = {path for folder in targets for path in _named(folder)}
    for where, folders, names in _walk(root, "", []):
        folders[:] = [item for item in folders if where / item not in targets]
        if where not in targets:
            yield from (shown(where / item) for item in names if _real(where / item) not in read)


def is_read(path: Path, root: Path) -> bool:
    """Whether a file at this path is, or would be, desired state of a target below ``root``."""
    # Writing would replace a link at the end of the path, not the file behind it.
    real = Path(_real(path.parent)) / path.name
    if not real.is_relative_to(_real(root)):
        return False
    folders = find_targets(root).values()
    read = {_real(path) for folder in folders for path in _find_files(folder, "", [])}
    read |= {path for folder in folders for path in _named(folder)}
    return real.suffix.lower() in _SUFFIXES or str(real) in read


def _named(folder: Path) -> set[str]:
    """The real path of every file that a target names beside its own YAML; none where it has problems."""
    try:
        data = settings_of(folder)
    except Invalid:
        return set()
    return {_real(path) for name in named(data) for path in _find_files(folder / name, "", [])} | {
        _real(folder / name) for name in listed(data)
    }


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _walk(root: Path, name: str, problems: list[Problem]) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Every folder that is not hidden, in order, with the names of its folders and files."""

    def failed(error: OSError) -> None:
        path = Path(error.filename)
        inside = printable(path.relative_to(root))
        problems.append(unreadable(name if inside == "." else f"{name}/{inside}", error))

    for folder, folders, files in os.walk(root, onerror=failed):
        folders[:] = sorted(item for item in folders if not item.startswith("."))
        yield Path(folder), folders, sorted(item for item in files if not item.startswith("."))


def _find_files(root: Path, name: str, problems: list[Problem]) -> Iterator[Path]:
    """The YAML files below a target's folder that belong to it, but for its target file; a file is itself."""
    inside = Path(_real(root))
    if inside.is_file():
        yield root
    for folder, _, files in _walk(root, name, problems):
        for item in files:
            path = folder / item
            if item == QUIRKS_FILE and folder == root:
                continue
            if item == TARGET_FILE:
                if folder != root:
                    place = Place(f"{name}/{printable(path.relative_to(root))}")
                    hint = "move that folder out of this one"
                    problems.append(Problem(place, "a target inside another target's folder", hint))
            elif path.suffix.lower() in _SUFFIXES and Path(_real(path)).is_relative_to(inside):
                yield path


def _read_target(folder: Path, name: str, shape: Shape | None = None) -> Document:
    """``target.yaml``; without a ``shape`` only what all kinds of system share is checked."""
    return read_document(folder / TARGET_FILE, f"{name}/{TARGET_FILE}", shape or "target", inside=folder)


def read_document(
    path: Path, name: str, shape: schema.Schema | schema.Name | Shape, *, inside: Path | None = None
) -> Document:
    """One file, parsed and checked; the document carries its problems.

    With ``inside``, a link that leads out of that folder is a problem.
    """
    found = content(path, name, inside=inside)
    document = parse(b"" if isinstance(found, Problem) else found, name)
    if isinstance(found, Problem):
        document.refuse((), found)
    else:
        schema.check(document, shape(document.data) if callable(shape) else shape)
    return document


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause the garbage collector, which took half the time of a load and a third of a plan's.

    Both make many values and no cycles. Afterwards these values count as old, or the
    next collection would go through all of them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
            gc.unfreeze()
            gc.enable()

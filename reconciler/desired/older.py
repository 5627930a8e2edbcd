"""A target's folder as it was at an older git revision.

Older files are read from git's objects, byte for byte. What a ``.gitattributes``
leaves out, rewrites or filters changes nothing here, and the work tree is not
touched.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reconciler import git
from reconciler.desired import files
from reconciler.desired.attached import Attached
from reconciler.desired.content import content
from reconciler.desired.named import Reach, ignored, named
from reconciler.desired.text import MAX_BYTES
from reconciler.errors import GitFailed, Invalid, Place, Problem
from reconciler.git import Entry, Repository
from reconciler.links import pass_no_link
from reconciler.model import DesiredState


@dataclass(frozen=True, slots=True)
class Then:
    """A copy of a target's folder as it was at a revision, and how to show it in places."""

    folder: Path
    shown_as: str
    reach: Reach

    def load(self, settings: Mapping[str, Any] | None = None) -> DesiredState:
        """Its desired state, also by other ``settings`` than its own; raises Invalid as any load."""
        state = files.load(self.folder, shown_as=self.shown_as, settings=settings, reach=self.reach)
        return replace(state, attached=Attached(self.folder, self.shown_as).kept())


def load_at(
    folder: Path,
    revision: str,
    option: str = "--since",
    reach: Reach = Reach(),  # noqa: B008 (frozen)
) -> DesiredState:
    """The desired state of a target's folder at a revision.

    Raises Invalid as ``at`` does, and where the files do not load.
    """
    with at(folder, revision, option, reach) as then:
        return then.load()


def commit_of(folder: Path, revision: str, option: str) -> str:
    """The full name of a commit; raises Invalid, at the option that named it, for an unknown one."""
    return named_commit(_repository(folder, option, revision), revision, option)


@contextmanager
def at(
    folder: Path,
    revision: str,
    option: str,
    reach: Reach = Reach(),  # noqa: B008 (frozen)
) -> Iterator[Then]:
    """A target's folder as it was at a revision, with what it names beside it.

    A list that git ignores is in no revision: the one of today stands for it. Raises Invalid
    where there is no such revision, where it is no ancestor of HEAD, or where it
    does not have the folder.
    """
    place = Place(f"{option} {revision}")
    repository = _repository(folder, option, revision)
    name = named_commit(repository, revision, option)
    with _placed(place):
        if not repository.is_ancestor(name, "HEAD"):
            hint = f"name a revision that this checkout was built on{shallow(repository)}"
            raise Invalid([Problem(place, "it is no ancestor of HEAD", hint)])
        inside = repository.inside(folder)
        entries = repository.entries(name, inside)
        if not entries:
            message = "the target's folder was not there at that revision"
            hint = "name a later revision; what is new has no older one to compare with"
            raise Invalid([Problem(place, message, hint)])
        with TemporaryDirectory(prefix="reconciler-") as scratch:
            way = os.path.relpath(folder, reach.root or folder)
            copy = Path(scratch, way)
            _write(repository, entries, Path(scratch), copy)
            unseen = _write_named(repository, name, folder, Path(scratch), reach)
            beside = replace(reach, root=Path(scratch), ignored=unseen)
            yield Then(copy, f"{name[:8]}:{inside or '.'}", beside)


def _write_named(
    repository: Repository, commit: str, folder: Path, scratch: Path, reach: Reach
) -> frozenset[str]:
    """Write what the target.yaml of a copy names beside its folder; returns the lists that git ignores."""
    root = reach.root or folder
    way = os.path.relpath(folder, root)
    try:
        data = files.settings_of(scratch / way)
    except Invalid:
        return frozenset()  # who loads the copy is told why
    unseen = ignored(folder, data)
    for path in dict.fromkeys(named(data)):
        there = os.path.normpath(Path(way, path))
        if there.startswith((os.pardir, os.sep)) or os.path.lexists(scratch / there):
            continue
        inside = f"{repository.inside(root)}/{there}".lstrip("/")
        _write(repository, repository.entries(commit, inside), scratch, scratch / there)
        if path in unseen and isinstance(today := content(folder / path, path, inside=root), bytes):
            with suppress(OSError):  # a link was on its way then: who loads the copy is told so
                _write_file(scratch, scratch / there, today, len(today))
    return unseen


def _write(repository: Repository, entries: list[Entry], scratch: Path, below: Path) -> None:
    """Write the entries as files below a folder of the scratch one. Links come last: none is passed.

    Hidden files are left out, since nothing reads them. A file that is too large
    to be read has its size and no content.
    """
    visible = [entry for entry in entries if not any(step.startswith(".") for step in entry.path.parts)]
    readable = [entry for entry in visible if entry.size <= MAX_BYTES]
    contents = dict(zip(readable, repository.contents([entry.id for entry in readable]), strict=True))
    for entry in sorted(visible, key=lambda entry: entry.is_link):
        try:
            _write_entry(scratch, below / entry.path, entry, contents.get(entry, b""))
        except (OSError, ValueError) as error:
            message = f"{entry.path} of that revision cannot be written to a temporary folder: {error}"
            raise GitFailed(message) from None


def _write_entry(scratch: Path, path: Path, entry: Entry, content: bytes) -> None:
    if not entry.is_link:
        _write_file(scratch, path, content, entry.size)
        return
    pass_no_link(scratch, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.fsdecode(content))


def _write_file(scratch: Path, path: Path, content: bytes, size: int) -> None:
    """Write a new file, and through no link: links of what was written before may be there by now."""
    pass_no_link(scratch, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
        file.truncate(size)


def _repository(folder: Path, option: str, revision: str) -> Repository:
    place = Place(f"{option} {revision}")
    with _placed(place):
        repository = git.find(folder)
    if repository is None:
        message = "this is no git repository, so it has no revisions"
        raise Invalid([Problem(place, message, "leave that option out, or work in a clone")])
    return repository


def named_commit(repository: Repository, revision: str, option: str) -> str:
    """The full name of a commit of a repository; raises Invalid as ``commit_of``."""
    place = Place(f"{option} {revision}")
    with _placed(place):
        name = repository.commit(revision)
    if name is None:
        hint = f"name a commit, a tag or a branch{shallow(repository)}"
        raise Invalid([Problem(place, "there is no such revision here", hint)])
    return name


def shallow(repository: Repository) -> str:
    """What to do in a checkout that lacks older commits; empty where it has them all."""
    if not repository.is_shallow:
        return ""
    return "; this is a shallow checkout: git fetch --unshallow, or in a workflow fetch-depth: 0"


@contextmanager
def _placed(place: Place) -> Iterator[None]:
    """Raise what git could not do as Invalid, at the place of the option that asked for it."""
    try:
        yield
    except GitFailed as error:
        raise Invalid([Problem(place, str(error))]) from None

"""What the files said at an older git revision, and which revision was applied last.

Older files are read from git's objects, byte for byte. What a ``.gitattributes``
leaves out, rewrites or filters changes nothing here, and the work tree is not
touched.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from reconciler import git
from reconciler.desired import files
from reconciler.desired.attached import Attached, are_in
from reconciler.desired.content import content
from reconciler.desired.named import Reach, ignored, named
from reconciler.desired.text import MAX_BYTES
from reconciler.errors import GitFailed, Invalid, Place, Problem
from reconciler.git import Entry, Repository, Revision
from reconciler.links import pass_no_link
from reconciler.model import Address, DesiredState

REFS = "refs/reconciler/applied"
"""Below it one ref for each target names the commit that was last applied completely."""


def departed_since(now: DesiredState, before: DesiredState) -> Mapping[Address, Place]:
    """The objects that ``before`` declared and ``now`` does not name any more, with their old places.

    Tombstones of ``before`` do not count, and what has a tombstone now is named. An
    older name of a declared object is that object. What only lists declared that git
    ignores may have been anything then.
    """
    gone = before.declared - before.lists.untracked - now.named
    return {address: before.locate(address, ()) for address in sorted(gone)}


def with_departed(now: DesiredState, before: DesiredState | None) -> DesiredState:
    """The desired state with what has departed from the files since ``before``; nothing where that is None.

    What departed keeps its older names, since its account may be live under one of
    them. An older name that the files still name as a member is not kept.
    """
    if before is None:
        return now
    departed = departed_since(now, before)
    members = {Address("user", key) for key in now.members}
    older = {
        address: tuple(key for key in before.previously[address] if Address(address.kind, key) not in members)
        for address in departed
        if address in before.previously
    }
    return replace(now, departed=departed, previously={**older, **now.previously})


@dataclass(frozen=True, slots=True)
class Then:
    """A copy of a target's folder as it was at a revision, and how to show it in places."""

    folder: Path
    shown_as: str
    reach: Reach

    def load(self) -> DesiredState:
        """Its desired state; raises Invalid where the files do not load."""
        state = files.load(self.folder, shown_as=self.shown_as, reach=self.reach)
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
    return _commit_of(_repository(folder, option, revision), revision, option)


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
    name = _commit_of(repository, revision, option)
    with _placed(place):
        if not repository.is_ancestor(name, "HEAD"):
            hint = f"name a revision that this checkout was built on{_shallow(repository)}"
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


@dataclass(frozen=True, slots=True)
class Applied:
    """The commit that was last applied, with its day, the desired state of its files, and its target.yaml.

    Where none counts, ``why`` says why a recorded one does not, or cannot be read.
    ``is_first`` says that there is a repository, and that it has no record yet.
    """

    revision: Revision | None = None
    state: DesiredState | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    is_first: bool = False


def applied(
    folder: Path,
    target: str,
    line: str = "HEAD",
    reach: Reach = Reach(),  # noqa: B008 (frozen)
) -> Applied:
    """What was last applied completely to a target.

    Whoever can push can move the ref that records it. So it counts only among the
    first parents of ``line``, which are what the branch itself once was. A record
    that cannot be read stops nobody from planning, so this raises nothing.
    """
    name = f"{REFS}/{target}"
    try:
        repository = git.find(folder)
        if repository is None:
            return Applied()
        commit = repository.commit(name)
        if commit is None:
            why = _why_none(repository, folder, target)
            return Applied(why=why, is_first=not why)
        if commit not in repository.first_parents(line):
            why = f"{name} names {commit[:8]}, which never was the head of this branch"
            return Applied(why=f"{why}{_shallow(repository)}")
        with at(folder, commit, name, reach) as then:
            settings = files.settings_of(then.folder)
            return Applied(Revision(commit, repository.day(commit)), then.load(), settings)
    except (GitFailed, Invalid) as error:
        return Applied(why=str(error).partition("\n")[0])


def _why_none(repository: Repository, folder: Path, target: str) -> str:
    """Why a target's record cannot be read here; empty where it has none yet."""
    recorded = repository.refs(REFS)
    name = f"{REFS}/{target}"
    if commit := recorded.get(name):
        return f"{name} names {commit[:8]}, which is not in this repository{_shallow(repository)}"
    if repository.is_shallow:
        return f"{name} is not here{_shallow(repository)}, and: git fetch origin '+{REFS}/*:{REFS}/*'"
    root = folder.resolve().parents[len(PurePosixPath(target).parts) - 1]
    others = [ref.removeprefix(f"{REFS}/") for ref in recorded]
    if gone := [other for other in others if not (root / other / files.TARGET_FILE).exists()]:
        return (
            f"{name} is not here, and {', '.join(gone)} is recorded and has no folder any more. If this "
            "is that target, renamed, what left its files before is not known; the next complete apply "
            f"records it anew. Delete the older record with: git update-ref -d {REFS}/{gone[0]}"
        )
    return ""


def record_applied(
    folder: Path,
    target: str,
    reach: Reach = Reach(),  # noqa: B008 (frozen)
    attached: Iterable[str] = (),
) -> str:
    """Record HEAD as applied, where its files are the ones in the work tree; returns why it is not recorded.

    ``attached`` are the values of attributes that are files.

    Returns "" where it is recorded, and where there is no git to record it in.
    """
    try:
        repository = git.find(folder)
        if repository is None:
            return ""
        with at(folder, "HEAD", "HEAD", reach) as committed:
            unseen = committed.reach.ignored or frozenset()
            same = files.texts(committed.folder, unseen) == files.texts(folder, unseen)
            if not same or not are_in(committed.folder, attached):
                return "the files here are not those of the commit that is checked out"
        repository.set_ref(f"{REFS}/{target}", _commit_of(repository, "HEAD", "HEAD"))
    except GitFailed as error:
        return str(error)
    except Invalid as error:
        return f"of the commit that is checked out: {error.problems[0].message}"
    return ""


def head(folder: Path) -> str | None:
    """The commit that is checked out; None without git, or where that commit does not have the folder."""
    try:
        repository = git.find(folder)
        commit = repository.commit("HEAD") if repository else None
        return (
            commit
            if repository and commit and repository.entries(commit, repository.inside(folder))
            else None
        )
    except GitFailed:
        return None


def blame(folder: Path, paths: Iterable[Path]) -> dict[Path, dict[int, Revision]]:
    """By file and line, the revision that wrote it last; without files that are not as committed."""
    try:
        repository = git.find(folder)
        newest = repository.commit("HEAD") if repository else None
        if not repository or not newest:
            return {}
        return {path: lines for path in paths if (lines := _blamed(repository, newest, path))}
    except GitFailed:
        return {}


def _blamed(repository: Repository, commit: str, path: Path) -> dict[int, Revision]:
    real = path.resolve()
    if not real.is_file() or not real.is_relative_to(repository.top):
        return {}
    inside = repository.inside(real.parent)
    entry = next((e for e in repository.entries(commit, inside) if str(e.path) == real.name), None)
    committed = next(repository.contents([entry.id])) if entry else None
    if committed is None or _with_unix_ends(committed) != _with_unix_ends(real.read_bytes()):
        return {}
    return repository.blame(commit, f"{inside}/{real.name}".lstrip("/"))


def _with_unix_ends(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


def _repository(folder: Path, option: str, revision: str) -> Repository:
    place = Place(f"{option} {revision}")
    with _placed(place):
        repository = git.find(folder)
    if repository is None:
        message = "this is no git repository, so it has no revisions"
        raise Invalid([Problem(place, message, "leave that option out, or work in a clone")])
    return repository


def _commit_of(repository: Repository, revision: str, option: str) -> str:
    place = Place(f"{option} {revision}")
    with _placed(place):
        name = repository.commit(revision)
    if name is None:
        hint = f"name a commit, a tag or a branch{_shallow(repository)}"
        raise Invalid([Problem(place, "there is no such revision here", hint)])
    return name


def _shallow(repository: Repository) -> str:
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

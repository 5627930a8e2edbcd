"""What the files said at an older git revision, and which revision was applied last.

Older files are read out of git's own objects, byte for byte: what a
``.gitattributes`` leaves out, rewrites or filters changes nothing here, and
nothing in the work tree is touched.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from reconciler import git
from reconciler.desired import files
from reconciler.desired.text import MAX_BYTES
from reconciler.errors import GitFailed, Invalid, Place, Problem
from reconciler.git import Entry, Repository, Revision
from reconciler.model import Address, DesiredState

REFS = "refs/reconciler/applied"
"""Where it stands which commit was last applied completely, by target."""


def left_since(now: DesiredState, then: DesiredState) -> Mapping[Address, Place]:
    """What ``then`` declared and ``now`` does not speak of any more, with the place where it stood.

    Tombstones do not count, neither then nor now, and an older name of a
    declared object is that object.
    """
    declared = {Address("user", key) for key in now.users} | {Address("group", key) for key in now.groups}
    spoken_of = declared | now.absent
    spoken_of |= {Address(a.kind, key) for a, older in now.previously.items() for key in older}
    before = {Address("user", key) for key in then.users} | {Address("group", key) for key in then.groups}
    return {address: then.locate(address, ()) for address in sorted(before - spoken_of)}


def with_left(now: DesiredState, then: DesiredState | None) -> DesiredState:
    """The desired state with what left the files since then; None knows of nothing that left.

    What left keeps the older names that it had, since its account may be live under
    one; but for an older name that the files still name as a member.
    """
    if then is None:
        return now
    left = left_since(now, then)
    members = {Address("user", key) for key in now.members}
    older = {
        address: tuple(key for key in then.previously[address] if Address(address.kind, key) not in members)
        for address in left
        if address in then.previously
    }
    return replace(now, left=left, previously={**older, **now.previously})


def load_at(folder: Path, revision: str, option: str = "--since") -> DesiredState:
    """The desired state of a target's folder at a revision.

    Raises Invalid as ``at`` does, and where the files do not load.
    """
    with at(folder, revision, option) as (scratch, shown_as):
        return files.load(scratch, shown_as=shown_as)


def commit_of(folder: Path, revision: str, option: str) -> str:
    """The full name of a commit; raises Invalid, placed at the option that named it, where there is none."""
    return _commit_of(_repository(folder, option, revision), revision, option)


@contextmanager
def at(folder: Path, revision: str, option: str) -> Iterator[tuple[Path, str]]:
    """A target's folder as it was at a revision, an ancestor of HEAD, and how to show it in places.

    Raises Invalid where there is no such revision, where it is no ancestor, or
    where the folder was not there.
    """
    asked = Place(f"{option} {revision}")
    repository = _repository(folder, option, revision)
    name = _commit_of(repository, revision, option)
    with _placed(asked):
        if not repository.is_ancestor(name, "HEAD"):
            hint = f"name a revision that this checkout was built on{_shallow(repository)}"
            raise Invalid([Problem(asked, "it is no ancestor of HEAD", hint)])
        inside = repository.inside(folder)
        found = repository.entries(name, inside)
        if not found:
            message = "the target's folder was not there at that revision"
            hint = "name a later revision; what is new has no older one to compare with"
            raise Invalid([Problem(asked, message, hint)])
        with TemporaryDirectory(prefix="reconciler-") as scratch:
            _write(repository, found, Path(scratch))
            yield Path(scratch), f"{name[:8]}:{inside or '.'}"


def _write(repository: Repository, found: list[Entry], scratch: Path) -> None:
    """Lay the entries out as files. Links come last, so that nothing is ever written through one.

    What is hidden is read by nothing. What is too large is only as long as it was.
    """
    shown = [entry for entry in found if not any(step.startswith(".") for step in entry.path.parts)]
    read = [entry for entry in shown if entry.size <= MAX_BYTES]
    held = dict(zip(read, repository.contents([entry.id for entry in read]), strict=True))
    for entry in sorted(shown, key=lambda entry: entry.is_link):
        try:
            _lay_out(scratch / entry.path, entry, held.get(entry, b""))
        except (OSError, ValueError) as error:
            message = f"{entry.path} of that revision cannot be laid out: {error}"
            raise GitFailed(message) from None


def _lay_out(path: Path, entry: Entry, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.is_link:
        path.symlink_to(os.fsdecode(content))
        return
    with path.open("xb") as file:
        file.write(content)
        file.truncate(entry.size)


@dataclass(frozen=True, slots=True)
class Applied:
    """Which commit counts as applied last, with its day and the files of then.

    ``why`` says why none counts although one is recorded, or why that is not known.
    ``is_first`` says that there is a repository, and that it holds no record yet.
    """

    revision: Revision | None = None
    state: DesiredState | None = None
    why: str = ""
    is_first: bool = False


def applied(folder: Path, target: str, line: str = "HEAD") -> Applied:
    """What was last applied completely to a target, as far as it can be believed.

    Whoever can push can move that ref. So it counts only on the line of first
    parents of ``line``: among what was once the branch itself. Where it cannot be
    read from here nobody is kept from planning.
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
        return Applied(Revision(commit, repository.day(commit)), load_at(folder, commit, name))
    except (GitFailed, Invalid) as error:
        return Applied(why=str(error).partition("\n")[0])


def _why_none(repository: Repository, folder: Path, target: str) -> str:
    """Why a record that there may be cannot be read here; empty where there is none."""
    recorded = repository.refs(REFS)
    name = f"{REFS}/{target}"
    if commit := recorded.get(name):
        return f"{name} names {commit[:8]}, which is not in this repository{_shallow(repository)}"
    if repository.is_shallow:
        return f"{name} is not here{_shallow(repository)}, and: git fetch origin '+{REFS}/*:{REFS}/*'"
    root = folder.resolve().parents[len(PurePosixPath(target).parts) - 1]
    others = [one.removeprefix(f"{REFS}/") for one in recorded]
    if gone := [one for one in others if not (root / one / files.TARGET_FILE).exists()]:
        return (
            f"{name} is not here, and {', '.join(gone)} is recorded and has no folder any more. Where this "
            "is that target, renamed, what left its files before is not known; the next complete apply "
            f"records it anew. Delete the older record with: git update-ref -d {REFS}/{gone[0]}"
        )
    return ""


def record_applied(folder: Path, target: str) -> str:
    """Record HEAD as applied where it holds just the files that are here, else say why it is not recorded.

    Empty where it is, and where there is no git to record it in.
    """
    try:
        repository = git.find(folder)
        if repository is None:
            return ""
        with at(folder, "HEAD", "HEAD") as (committed, _):
            if files.texts(committed) != files.texts(folder):
                return "the files here are not those of the commit that is checked out"
        repository.set_ref(f"{REFS}/{target}", _commit_of(repository, "HEAD", "HEAD"))
    except GitFailed as error:
        return str(error)
    except Invalid as error:
        return f"of the commit that is checked out: {error.problems[0].message}"
    return ""


def head(folder: Path) -> str | None:
    """The commit that is checked out; None where there is none that holds the folder, or no git."""
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
    """By file and line, the revision that wrote it last; a file that is not as committed is left out."""
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
    asked = Place(f"{option} {revision}")
    with _placed(asked):
        found = git.find(folder)
    if found is None:
        message = "this is no git repository, so it has no revisions"
        raise Invalid([Problem(asked, message, "leave that option out, or work in a clone")])
    return found


def _commit_of(repository: Repository, revision: str, option: str) -> str:
    asked = Place(f"{option} {revision}")
    with _placed(asked):
        name = repository.commit(revision)
    if name is None:
        hint = f"name a commit, a tag or a branch{_shallow(repository)}"
        raise Invalid([Problem(asked, "there is no such revision here", hint)])
    return name


def _shallow(repository: Repository) -> str:
    if not repository.is_shallow:
        return ""
    return "; this is a shallow checkout: git fetch --unshallow, or in a workflow fetch-depth: 0"


@contextmanager
def _placed(asked: Place) -> Iterator[None]:
    """What git could not do, as a problem of the option that asked for it."""
    try:
        yield
    except GitFailed as error:
        raise Invalid([Problem(asked, str(error))]) from None

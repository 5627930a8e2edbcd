"""What left the files since an older revision, and which revision was applied last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from reconciler import git
from reconciler.desired import files
from reconciler.desired.attached import are_in
from reconciler.desired.named import Reach
from reconciler.desired.older import at, named_commit, shallow
from reconciler.errors import GitFailed, Invalid, Place
from reconciler.git import Repository, Revision
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
            return Applied(why=f"{why}{shallow(repository)}")
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
        return f"{name} names {commit[:8]}, which is not in this repository{shallow(repository)}"
    if repository.is_shallow:
        return f"{name} is not here{shallow(repository)}, and: git fetch origin '+{REFS}/*:{REFS}/*'"
    root = folder.resolve().parents[len(PurePosixPath(target).parts) - 1]
    others = [ref.removeprefix(f"{REFS}/") for ref in recorded]
    if gone := [other for other in others if not (root / other / files.TARGET_FILE).exists()]:
        return (
            f"{name} is not here, and {', '.join(gone)} is recorded and has no folder any more. If this "
            "is that target, renamed, what left its files before is not known; the next complete apply "
            f"records it anew. Delete the older record with: git update-ref -d {REFS}/{gone[0]}"
        )
    return ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the files of a target said when they were read, and the commit that was checked out before.

    ``settings`` are those that they were read by, ``own`` the data of the target.yaml that lay beside them.
    """

    commit: str
    state: DesiredState
    settings: Mapping[str, Any]
    own: Mapping[str, Any]


def record_applied(
    folder: Path,
    target: str,
    loaded: Loaded,
    reach: Reach = Reach(),  # noqa: B008 (frozen)
    attached: Iterable[str] = (),
) -> str:
    """Record the commit that was read as applied; returns why it is not recorded.

    Only where it is checked out still, and says what was read: what lies in the work tree by
    now, nobody planned. ``attached`` are the values of attributes that are files.

    Returns "" where it is recorded, and where there is no git to record it in.
    """
    try:
        repository = git.find(folder)
        if repository is None:
            return ""
        head = named_commit(repository, "HEAD", "HEAD")
        if head != loaded.commit:
            read = loaded.commit[:8] or "no commit"
            return f"{head[:8]} is checked out now, and the files were read at {read}"
        with at(folder, head, "HEAD", reach) as then:
            own = files.settings_of(then.folder)
            same = loaded.own == own and _said(loaded.state) == _said(then.load(loaded.settings))
            if not same or not are_in(then.folder, attached):
                return "the files here are not those of the commit that is checked out"
        repository.set_ref(f"{REFS}/{target}", head)
    except GitFailed as error:
        return str(error)
    except Invalid as error:
        return f"of the commit that is checked out: {error.problems[0].message}"
    return ""


def _said(state: DesiredState) -> DesiredState:
    """The same, without what only tells of places."""
    return replace(state, lists=replace(state.lists, skipped=(), remarks=()))


def checked_out(folder: Path) -> str:
    """The commit that is checked out; empty where git knows none."""
    try:
        repository = git.find(folder)
        return (repository.commit("HEAD") if repository else None) or ""
    except GitFailed:
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

"""A repository on this disk: its commits, files and refs, read by git and written to by a ref alone.

What others may write is data here, never configuration. A folder that looks
like a repository is none: the nearest ``.git`` above the working directory
counts, which no commit can hold, and its place is named to every command. Only
``remote_refs`` and ``push`` speak to a server, from an empty repository of their
own: not even the configuration of the real one decides where to and how.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from reconciler.errors import GitFailed
from reconciler.git.process import PROTOCOLS, Done, authorized, output, run

_ENTRY = re.compile(r"([0-7]{6}) ([a-z]+) ([0-9a-f]+) +([0-9]+|-)\t(.*)", re.DOTALL)
_BLAMED = re.compile(r"([0-9a-f]{40,64}) [0-9]+ ([0-9]+)( [0-9]+)?")
_FOREIGN = re.compile(r"dubious ownership|unsafe repository")
_LINK, _REGULAR = "120000", frozenset({"100644", "100755"})


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit and the day it was made, in UTC."""

    commit: str
    day: str

    def __str__(self) -> str:
        return f"{self.day} ({self.commit[:8]})"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a link of a tree. ``path`` is below the folder that was asked for, ``size`` in bytes."""

    path: PurePosixPath
    id: str
    size: int
    is_link: bool


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on this disk. Every method raises GitFailed where git is missing, hangs, or breaks."""

    top: Path
    directory: Path
    is_shallow: bool

    def inside(self, folder: Path) -> str:
        """A folder's path from the top, with slashes; the empty text for the top itself.

        Raises GitFailed where a link on the path leads elsewhere: a revision has a folder
        under its written path.
        """
        written = Path(os.path.abspath(folder))  # noqa: PTH100 (resolve would follow the very links)
        above = next((path for path in (written, *written.parents) if path.resolve() == self.top), None)
        if above is None or self.top / written.relative_to(above) != folder.resolve():
            message = (
                f"there is a link on the path to {folder}, and where it led at that revision is not known"
            )
            raise GitFailed(message)
        inside = written.relative_to(above).as_posix()
        return "" if inside == "." else inside

    def same(self, first: str, second: str, folder: str) -> bool:
        """Whether a folder holds the same in two commits; False where one of them is not here."""
        commits = (first, second)
        trees = [self._run("rev-parse", "--verify", "--quiet", f"{commit}:{folder}") for commit in commits]
        known = all(self.commit(commit) for commit in commits)
        return known and trees[0].stdout == trees[1].stdout

    def commit(self, revision: str) -> str | None:
        """The full name of a commit; None where the revision names none."""
        if "\0" in revision:
            return None
        done = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return None if done.returncode else done.stdout.decode().strip()

    def refs(self, below: str) -> dict[str, str]:
        """The refs below a prefix with the commit of each, which this repository may not have."""
        lines = os.fsdecode(self._output("for-each-ref", "--format=%(refname) %(objectname)", below))
        rows: Iterator[list[str]] = (line.rsplit(" ", 1) for line in lines.splitlines())
        return dict(rows)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether one commit is the other, or among its ancestors."""
        return self._run("merge-base", "--is-ancestor", older, newer).returncode == 0

    def first_parents(self, newest: str) -> list[str]:
        """A commit and the line of its first parents, newest first: what the branch itself once was."""
        return self._output("rev-list", "--first-parent", newest, "--").decode().split()

    def day(self, commit: str) -> str:
        """The day on which a commit was made, in UTC."""
        return _day(int(self._output("rev-list", "--no-walk", "--timestamp", commit, "--").split()[0]))

    def set_ref(self, name: str, commit: str) -> None:
        """Set a ref to a commit."""
        self._output("update-ref", "--no-deref", name, commit)

    def entries(self, commit: str, folder: str) -> list[Entry]:
        """Every file and link below a folder of a commit, without those of submodules."""
        where = [folder] if folder else []
        listed = self._output("ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *where)
        return [
            Entry(PurePosixPath(path).relative_to(folder), name, int(size), is_link=mode == _LINK)
            for mode, kind, name, size, path in map(_entry, listed.split(b"\0")[:-1])
            if kind == "blob" and (mode in _REGULAR or mode == _LINK)
        ]

    def ignored(self, paths: Iterable[Path]) -> set[Path]:
        """Those of these files in the work tree that git is told to ignore; what is tracked is not."""
        asked = {f"{self.inside(path.parent)}/{path.name}".lstrip("/"): path for path in paths}
        which = ("--others", "--ignored", "--exclude-standard", "--full-name")
        found = os.fsdecode(self._output("ls-files", "-z", *which, "--", *asked)).split("\0")
        return {asked[path] for path in found if path in asked}

    def contents(self, ids: Iterable[str]) -> Iterator[bytes]:
        """The bytes of each of these blobs, in their order."""
        blobs = list(ids)
        batch = memoryview(self._output("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs)))
        for blob in blobs:
            header, _, _ = bytes(batch[:200]).partition(b"\n")
            name, _, size = header.decode().partition(" blob ")
            if name != blob or not size:
                message = (
                    f"the object {blob[:8]} is not here: this is a partial clone, or one that is damaged"
                )
                raise GitFailed(message)
            start, length = len(header) + 1, int(size)
            yield bytes(batch[start : start + length])
            batch = batch[start + length + 1 :]

    def blame(self, commit: str, path: str) -> dict[int, Revision]:
        """By line of a file in a commit, from 1, the revision that wrote it last."""
        lines: dict[int, Revision] = {}
        name, number = "", 0
        blamed = self._output("blame", "--line-porcelain", "--no-textconv", commit, "--", path)
        for line in blamed.decode(errors="replace").splitlines():
            if entry := _BLAMED.fullmatch(line):
                name, number = entry[1], int(entry[2])
            elif line.startswith("committer-time "):
                lines[number] = Revision(name, _day(int(line.split()[1])))
        return lines

    def remote_refs(self, pattern: str, header: str = "") -> dict[str, str]:
        """The refs of the server that this was cloned from, with the commit of each.

        ``header`` is what the server accepts the caller by, as ``ADDRESS name: value``.
        """
        listed = self._remote(header, "ls-remote", "--quiet", "--refs", self._origin(), pattern)
        rows = (line.split("\t", 1) for line in listed.decode(errors="replace").splitlines())
        return {row[1]: row[0] for row in rows if len(row) > 1}

    def push(self, commit: str, ref: str, header: str = "") -> None:
        """Set a ref of the server to a commit, whatever it names now."""
        options = ("--quiet", "--force", "--no-verify", "--no-recurse-submodules", "--no-signed")
        self._remote(header, "push", *options, self._origin(), f"{commit}:{ref}")

    def _origin(self) -> str:
        done = self._run("config", "--local", "--get", "remote.origin.url")
        url = done.stdout.decode(errors="replace").strip()
        if not url or url.startswith("-"):
            message = "this checkout has no remote `origin` that git could ask"
            raise GitFailed(message)
        return url

    def _remote(self, header: str, command: str, *arguments: str) -> bytes:
        """Speak to a server from an empty repository, which borrows only the objects of this one."""
        common = self._output("rev-parse", "--git-common-dir").decode(errors="surrogateescape").strip()
        real = (self.top / common).resolve()
        environ = {"GIT_ALLOW_PROTOCOL": PROTOCOLS, **authorized(header)}
        with TemporaryDirectory(prefix="reconciler-") as scratch:
            own = ("--git-dir", scratch)
            output("init", run(("init", "--quiet", "--bare", "--template=", scratch), Path(scratch)))
            if self.is_shallow:
                shutil.copyfile(real / "shallow", Path(scratch) / "shallow")
            environ["GIT_OBJECT_DIRECTORY"] = str(real / "objects")
            done = run((*own, command, *arguments), Path(scratch), environ, server=True)
            return output(command, done)

    def _run(self, *arguments: str, stdin: str = "") -> Done:
        where = ("--git-dir", str(self.directory), "--work-tree", str(self.top))
        return run((*where, *arguments), self.top, stdin=stdin)

    def _output(self, *arguments: str, stdin: str = "") -> bytes:
        return output(arguments[0], self._run(*arguments, stdin=stdin))


_NOT_IN_A_REF = (
    ("a blank or a control character", re.compile(r"[\0- \x7f]")),
    ("one of ~ ^ : ? * [ and \\", re.compile(r"[~^:?*\[\\]")),
    ("two dots in a row", re.compile(r"\.\.")),
    ("@{", re.compile(r"@\{")),
    ("a part that is empty or begins with a dot", re.compile(r"(\A|/)(\.|/|\Z)")),
    ("a part that ends with .lock", re.compile(r"\.lock(/|\Z)")),
    ("a dot at its end", re.compile(r"\.\Z")),
)


def fault_in_ref(name: str) -> str:
    """What keeps a ref from ending with this name, in a few words; empty where nothing does.

    (git docs: git-check-ref-format.)
    """
    return next((what for what, pattern in _NOT_IN_A_REF if pattern.search(name)), "")


def find(folder: Path) -> Repository | None:
    """The repository that a folder belongs to; None where there is none.

    Where the folder is below the working directory, the repository of the working
    directory counts: a repository inside of it, such as a submodule, does not.
    Raises GitFailed where git is missing, or does not trust the repository's owner.
    """
    real, here = folder.resolve(), Path.cwd().resolve()
    tops = [*_tops(here)] if real.is_relative_to(here) else []
    top = next(iter((*tops, *_tops(real))), None)
    if top is None:
        return None
    environ = {"GIT_CEILING_DIRECTORIES": str(top.parent)}
    asked = ("rev-parse", "--absolute-git-dir", "--is-shallow-repository", "--show-toplevel")
    done = run(asked, top, environ, own_settings=True)
    if _FOREIGN.search(done.stderr.decode(errors="replace")):
        message = (
            f"{top} belongs to another user, and git does not trust what others may have put there; "
            f"if you trust them: git config --global --add safe.directory {top}"
        )
        raise GitFailed(message)
    directory, shallow, shown = output("rev-parse", done).decode(errors="surrogateescape").splitlines()
    if Path(shown).resolve() != top or Path(directory).resolve() != _git_dir(top):
        message = f"{top / '.git'} is not the repository of that folder: {directory} is"
        raise GitFailed(message)
    return Repository(top, Path(directory), shallow == "true")


def _tops(folder: Path) -> Iterator[Path]:
    return (path for path in (folder, *folder.parents) if os.path.lexists(path / ".git"))


def _git_dir(top: Path) -> Path:
    """Where ``.git`` is, or what it names (git docs: gitrepository-layout)."""
    path = top / ".git"
    if path.is_dir():
        return path.resolve()
    _, _, named = path.read_text("utf-8", errors="surrogateescape").partition("gitdir:")
    return (top / named.strip()).resolve()


def _entry(line: bytes) -> tuple[str, ...]:
    match = _ENTRY.fullmatch(os.fsdecode(line))
    if not match:
        message = "git ls-tree answers with something that is no entry of a tree"
        raise GitFailed(message)
    return match.groups()


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"

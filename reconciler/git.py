"""The one door to git: nothing of the environment or of a tree is in force.

What others may write is data here, never configuration. A folder that looks
like a repository is none: the nearest ``.git`` above the working directory
counts, which no commit can hold, and its place is named to every command. Of
the environment git gets what it needs to run, so neither a key nor a ``GIT_DIR``
of a hook reaches it. No hook, pager, editor, file monitor or filter is run, no
configuration but the repository's own is read, and nothing is fetched unasked:
only ``remote`` speaks to a server, from an empty repository of its own, so that
not even the real one's configuration has a say in where to and through what.
(git docs: git-config, safe.bareRepository; git; gitattributes.)
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from reconciler.errors import GitFailed

_PATIENCE = 60
"""Seconds that git may take to look at objects on this disk."""
_REMOTE_PATIENCE = 120
"""Seconds that git may take to reach a server."""

_NOTHING_OF_A_TREE = {
    "safe.bareRepository": "explicit",
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "",
    "core.attributesFile": os.devnull,
    "blame.ignoreRevsFile": "",
    "protocol.allow": "never",
}
_ALWAYS = ("--no-pager", "--literal-pathspecs")
_FIXED = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
}
_NO_CONFIG = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
_KEPT = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "USERNAME", "XDG_CONFIG_HOME", "SUDO_UID", "TMPDIR", "TEMP", "TMP"),
        *("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "HOMEDRIVE", "HOMEPATH"),
        *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA"),
    }
)
"""What git gets of the environment: a list of what it needs, since no list of secrets is ever complete."""
_KEPT_FOR_A_SERVER = _KEPT | {
    *("SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"),
    *("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"),
}
_PROTOCOLS = "https:ssh:file"

_ENTRY = re.compile(r"([0-7]{6}) ([a-z]+) ([0-9a-f]+) +([0-9]+|-)\t(.*)", re.DOTALL)
_BLAMED = re.compile(r"([0-9a-f]{40,64}) [0-9]+ ([0-9]+)( [0-9]+)?")
_FOREIGN = re.compile(r"dubious ownership|unsafe repository")
_LINK, _REGULAR = "120000", frozenset({"100644", "100755"})

_Done = subprocess.CompletedProcess[bytes]


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

        Raises GitFailed where a link on the way leads elsewhere: a revision knows a folder
        by the path as it is written.
        """
        written = Path(os.path.abspath(folder))  # noqa: PTH100 (resolve would follow the very links)
        above = next((one for one in (written, *written.parents) if one.resolve() == self.top), None)
        if above is None or written.relative_to(above) != folder.resolve().relative_to(self.top):
            message = f"there is a link on the way to {folder}, and what it led to once is not known"
            raise GitFailed(message)
        path = written.relative_to(above).as_posix()
        return "" if path == "." else path

    def same(self, one: str, other: str, folder: str) -> bool:
        """Whether a folder holds the same in two commits; where one of them is not here it does not."""
        trees = [
            self._ask("rev-parse", "--verify", "--quiet", f"{commit}:{folder}") for commit in (one, other)
        ]
        known = all(self.commit(commit) for commit in (one, other))
        return known and trees[0].stdout == trees[1].stdout

    def commit(self, revision: str) -> str | None:
        """The full name of a commit; None where the revision names none."""
        if "\0" in revision:
            return None
        found = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return None if found.returncode else found.stdout.decode().strip()

    def refs(self, below: str) -> dict[str, str]:
        """The refs below a prefix with what each names, whether or not that is here."""
        told = self._told("for-each-ref", "--format=%(refname) %(objectname)", below)
        rows: Iterator[list[str]] = (line.rsplit(" ", 1) for line in os.fsdecode(told).splitlines())
        return dict(rows)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether one commit is the other, or among its ancestors."""
        return self._ask("merge-base", "--is-ancestor", older, newer).returncode == 0

    def first_parents(self, newest: str) -> list[str]:
        """A commit and what it was merged into, one after the other: the line that its first parents make."""
        return self._told("rev-list", "--first-parent", newest, "--").decode().split()

    def day(self, commit: str) -> str:
        """The day on which a commit was made, in UTC."""
        return _day(int(self._told("rev-list", "--no-walk", "--timestamp", commit, "--").split()[0]))

    def set_ref(self, name: str, commit: str) -> None:
        """Have a ref name a commit."""
        self._told("update-ref", "--no-deref", name, commit)

    def entries(self, commit: str, folder: str) -> list[Entry]:
        """Every file and link below a folder of a commit; what a submodule holds is not known here."""
        where = [folder] if folder else []
        listed = self._told("ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *where)
        return [
            Entry(PurePosixPath(path).relative_to(folder), name, int(size), is_link=mode == _LINK)
            for mode, kind, name, size, path in map(_entry, listed.split(b"\0")[:-1])
            if kind == "blob" and (mode in _REGULAR or mode == _LINK)
        ]

    def contents(self, ids: Iterable[str]) -> Iterator[bytes]:
        """What each of these blobs holds, byte for byte, in their order."""
        asked = list(ids)
        rest = memoryview(self._told("cat-file", "--batch", stdin="".join(f"{one}\n" for one in asked)))
        for one in asked:
            header, _, _ = bytes(rest[:200]).partition(b"\n")
            name, _, size = header.decode().partition(" blob ")
            if name != one or not size:
                message = f"the object {one[:8]} is not here: this is a partial clone, or one that is damaged"
                raise GitFailed(message)
            start, length = len(header) + 1, int(size)
            yield bytes(rest[start : start + length])
            rest = rest[start + length + 1 :]

    def blame(self, commit: str, path: str) -> dict[int, Revision]:
        """By line of a file in a commit, the revision that wrote it last."""
        lines: dict[int, Revision] = {}
        name, number = "", 0
        said = self._told("blame", "--line-porcelain", "--no-textconv", commit, "--", path)
        for line in said.decode(errors="replace").splitlines():
            if entry := _BLAMED.fullmatch(line):
                name, number = entry[1], int(entry[2])
            elif line.startswith("committer-time "):
                lines[number] = Revision(name, _day(int(line.split()[1])))
        return lines

    def remote_refs(self, pattern: str, header: str = "") -> dict[str, str]:
        """The refs of the server that this was cloned from, with the commit of each; ``header`` opens it."""
        said = self._remote(header, "ls-remote", "--quiet", "--refs", self._origin(), pattern)
        rows = (line.split("\t", 1) for line in said.decode(errors="replace").splitlines())
        return {row[1]: row[0] for row in rows if len(row) > 1}

    def push(self, commit: str, ref: str, header: str = "") -> None:
        """Have a ref of the server name a commit, whatever it names now."""
        options = ("--quiet", "--force", "--no-verify", "--no-recurse-submodules", "--no-signed")
        self._remote(header, "push", *options, self._origin(), f"{commit}:{ref}")

    def _origin(self) -> str:
        found = self._ask("config", "--local", "--get", "remote.origin.url")
        url = found.stdout.decode(errors="replace").strip()
        if not url or url.startswith("-"):
            message = "this checkout has no remote `origin` that git could ask"
            raise GitFailed(message)
        return url

    def _remote(self, header: str, command: str, *arguments: str) -> bytes:
        """Speak to a server out of an empty repository, which borrows nothing but the objects of this one."""
        common = self._told("rev-parse", "--git-common-dir").decode(errors="surrogateescape").strip()
        real = (self.top / common).resolve()
        environ = {"GIT_ALLOW_PROTOCOL": _PROTOCOLS, **_authorized(header)}
        with TemporaryDirectory(prefix="reconciler-") as scratch:
            own = ("--git-dir", scratch)
            _succeeded("init", _run(("init", "--quiet", "--bare", "--template=", scratch), Path(scratch)))
            if self.is_shallow:
                shutil.copyfile(real / "shallow", Path(scratch) / "shallow")
            environ["GIT_OBJECT_DIRECTORY"] = str(real / "objects")
            done = _run((*own, command, *arguments), Path(scratch), environ, server=True)
            return _succeeded(command, done)

    def _ask(self, *arguments: str, stdin: str = "") -> _Done:
        places = ("--git-dir", str(self.directory), "--work-tree", str(self.top))
        return _run((*places, *arguments), self.top, stdin=stdin)

    def _told(self, *arguments: str, stdin: str = "") -> bytes:
        return _succeeded(arguments[0], self._ask(*arguments, stdin=stdin))


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
    """What keeps a name from being the end of a ref's, in a few words; empty where nothing does.

    (git docs: git-check-ref-format.)
    """
    return next((what for what, pattern in _NOT_IN_A_REF if pattern.search(name)), "")


def find(folder: Path) -> Repository | None:
    """The repository that a folder belongs to; None where there is none.

    It is that of the working directory where the folder lies below it: what a
    tree nests in itself, a submodule among it, is no repository of ours. Raises
    GitFailed where git is missing, or does not trust who owns the repository.
    """
    real, here = folder.resolve(), Path.cwd().resolve()
    tops = [*_tops(here)] if real.is_relative_to(here) else []
    top = next((one for one in (*tops, *_tops(real))), None)
    if top is None:
        return None
    environ = {"GIT_CEILING_DIRECTORIES": str(top.parent)}
    asked = ("rev-parse", "--absolute-git-dir", "--is-shallow-repository", "--show-toplevel")
    done = _run(asked, top, environ, own_settings=True)
    if _FOREIGN.search(done.stderr.decode(errors="replace")):
        message = (
            f"{top} belongs to another user, and git does not trust what others may have put there: "
            f"where you do, say so with: git config --global --add safe.directory {top}"
        )
        raise GitFailed(message)
    directory, shallow, shown = _succeeded("rev-parse", done).decode(errors="surrogateescape").splitlines()
    if Path(shown).resolve() != top or Path(directory).resolve() != _git_dir(top):
        message = f"{top / '.git'} is not the repository of that folder: {directory} is"
        raise GitFailed(message)
    return Repository(top, Path(directory), shallow == "true")


def _tops(folder: Path) -> Iterator[Path]:
    return (one for one in (folder, *folder.parents) if os.path.lexists(one / ".git"))


def _git_dir(top: Path) -> Path:
    """Where ``.git`` is, or what it names (git docs: gitrepository-layout)."""
    path = top / ".git"
    if path.is_dir():
        return path.resolve()
    _, _, named = path.read_text("utf-8", errors="surrogateescape").partition("gitdir:")
    return (top / named.strip()).resolve()


def _run(
    arguments: tuple[str, ...],
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    *,
    stdin: str = "",
    server: bool = False,
    own_settings: bool = False,
) -> _Done:
    """Run git and wait for its end; the person's and the machine's settings are read where asked for."""
    path = _path(cwd)
    program = shutil.which("git", path=path)
    if program is None:
        message = "git is not installed"
        raise GitFailed(message)
    kept = _KEPT_FOR_A_SERVER if server else _KEPT
    given = {name: value for name, value in os.environ.items() if name.upper() in kept}
    plain = {} if server or own_settings else _NO_CONFIG
    settings = [part for pair in _NOTHING_OF_A_TREE.items() for part in ("-c", "=".join(pair))]
    patience = _REMOTE_PATIENCE if server else _PATIENCE
    try:
        return subprocess.run(  # noqa: S603 (no shell; the arguments are ours)
            (program, *_ALWAYS, *settings, *arguments),
            cwd=cwd,
            env={**given, "PATH": path, **_FIXED, **plain, **(environ or {})},
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=patience,
        )
    except OSError as error:
        message = f"git cannot be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        message = f"git did not end within {patience} s"
    raise GitFailed(message)


def _path(folder: Path) -> str:
    """Where programs are looked for: never in the working directory, nor in the tree itself."""
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(
        one for one in places if Path(one).is_absolute() and not Path(one).resolve().is_relative_to(folder)
    )


def _succeeded(command: str, done: _Done) -> bytes:
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        message = f"git {command} did not work: {said or f'it ended with {done.returncode}'}"
        raise GitFailed(message)
    return done.stdout


def _authorized(header: str) -> dict[str, str]:
    """A header, as ``ADDRESS name: value``, for requests below that address.

    It goes by the environment: others on the machine can read arguments.
    """
    if not header:
        return {}
    address, _, value = header.partition(" ")
    pairs = {f"http.{address}.extraheader": value, "http.followRedirects": "false"}
    named = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, what) in enumerate(pairs.items()):
        named |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": what}
    return named


def _entry(line: bytes) -> tuple[str, ...]:
    match = _ENTRY.fullmatch(os.fsdecode(line))
    if not match:
        message = "git ls-tree answers with something that is no entry of a tree"
        raise GitFailed(message)
    return match.groups()


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"

"""What the files said at an older git revision, and which revision was applied last.

Git is asked as a process: it reads the repository's own objects, so nothing in
the work tree is touched.
"""

import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from reconciler.desired import files
from reconciler.errors import Invalid, Place, Problem, ReconcilerError
from reconciler.model import Address, DesiredState

_APPLIED = "refs/reconciler/applied"
_PATIENCE = 60
"""Seconds that git may take; it only looks at objects of this repository."""


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


def load_at(folder: Path, revision: str) -> DesiredState:
    """The desired state of a target's folder at a revision.

    Raises Invalid as ``at`` does, and where the files do not load.
    """
    with at(folder, revision, "--since") as (scratch, shown_as):
        return files.load(scratch, shown_as=shown_as)


def commit_of(folder: Path, revision: str, option: str) -> str:
    """The full name of a commit; raises Invalid, placed at the option that named it, where there is none."""
    asked = Place(f"{option} {revision}")
    found = _git(
        folder, asked, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    return found.decode().strip()


@contextmanager
def at(folder: Path, revision: str, option: str) -> Iterator[tuple[Path, str]]:
    """A target's folder as it was at a revision, an ancestor of HEAD, and how to show it in places.

    Raises Invalid where there is no such revision, where it is no ancestor, or
    where the folder was not there.
    """
    asked = Place(f"{option} {revision}")
    name = commit_of(folder, revision, option)
    _git(folder, asked, "merge-base", "--is-ancestor", name, "HEAD")
    inside = _git(folder, asked, "rev-parse", "--show-prefix").decode().strip()
    packed = _git(folder, asked, "archive", "--format=tar", name, ".")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with tarfile.open(fileobj=BytesIO(packed)) as archive:
                archive.extractall(scratch, filter="data")
        except tarfile.TarError as error:
            message = f"{inside or '.'} cannot be unpacked: {error}"
            raise Invalid([Problem(asked, message)]) from None
        yield Path(scratch), f"{name[:8]}:{inside.rstrip('/') or '.'}"


def load_applied(folder: Path, target: str) -> DesiredState | None:
    """What the files said when they were last applied completely.

    None where no such revision is recorded, or where it cannot be read from here:
    another branch, or files of an older release, must not keep anybody from planning.
    """
    applied = last_applied(folder, target)
    with suppress(Invalid):
        return load_at(folder, applied) if applied else None
    return None


def with_left(now: DesiredState, then: DesiredState | None) -> DesiredState:
    """The desired state with what left the files since then; None knows of nothing that left."""
    return replace(now, left=left_since(now, then)) if then else now


def last_applied(folder: Path, target: str) -> str | None:
    """The revision that was last applied completely, None where none is recorded (or there is no git)."""
    found = _run(folder, "rev-parse", "--verify", "--quiet", f"{_APPLIED}/{target}^{{commit}}")
    return found.stdout.decode().strip() if found and found.returncode == 0 else None


def record_applied(folder: Path, target: str) -> bool:
    """Record HEAD as applied where the checkout of the folder is clean; whether it was."""
    status = _run(folder, "status", "--porcelain", "--untracked-files=all", "--", ".")
    if status is None or status.returncode or status.stdout.strip():
        return False
    moved = _run(folder, "update-ref", f"{_APPLIED}/{target}", "HEAD")
    return moved is not None and moved.returncode == 0


def head(folder: Path) -> str | None:
    """The commit that is checked out; None where there is none, or no git."""
    found = _run(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    return found.stdout.decode().strip() if found and found.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit and the day it was made, in UTC."""

    commit: str
    day: str

    def __str__(self) -> str:
        return f"{self.day} ({self.commit[:8]})"


def blame(folder: Path, paths: Iterable[Path]) -> dict[Path, dict[int, Revision]]:
    """By file and line, the revision that wrote it last; what is not committed is left out."""
    found: dict[Path, dict[int, Revision]] = {}
    for path in paths:
        answer = _run(folder, "blame", "--line-porcelain", "--", str(path.absolute()))
        if answer is None or answer.returncode:
            continue
        lines: dict[int, Revision] = {}
        commit, number = "", 0
        for line in answer.stdout.decode(errors="replace").splitlines():
            if entry := _BLAMED.fullmatch(line):
                commit, number = entry[1], int(entry[2])
            elif line.startswith("committer-time ") and commit.strip("0"):
                made = datetime.fromtimestamp(int(line.split()[1]), UTC)
                lines[number] = Revision(commit, f"{made:%Y-%m-%d}")
        found[path] = lines
    return found


_BLAMED = re.compile(r"([0-9a-f]{40,64}) [0-9]+ ([0-9]+)( [0-9]+)?")

_MEANINGS = {
    "rev-parse": (
        "there is no such revision here",
        "name a commit, a tag or a branch; a shallow checkout may not hold it (git fetch --unshallow)",
    ),
    "merge-base": (
        "it is no ancestor of HEAD",
        "name a revision that this checkout was built on; a shallow checkout may not tell",
    ),
    "archive": (
        "the target's folder was not there at that revision",
        "name a later revision; what is new has no older one to compare with",
    ),
}


def _git(folder: Path, asked: Place, *arguments: str) -> bytes:
    found = _run(folder, *arguments)
    if found is None:
        raise Invalid([Problem(asked, "git is not installed", "install git, or leave that option out")])
    if found.returncode:
        message, hint = _MEANINGS[arguments[0]]
        raise Invalid([Problem(asked, message, hint)])
    return found.stdout


def _run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes] | None":
    command = ["git", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=_PATIENCE)  # noqa: S603 (no shell)
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired:
        message = f"git {arguments[0]} did not end within {_PATIENCE} s"
        raise ReconcilerError(message) from None

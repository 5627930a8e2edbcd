"""What the files said at an older git revision, and which revision was applied last.

Git is asked as a process: it reads the repository's own objects, so nothing in
the work tree is touched.
"""

import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from reconciler.desired import files
from reconciler.errors import Invalid, Place, Problem
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
    """The desired state of a target's folder at a revision, an ancestor of HEAD.

    Raises Invalid where there is no such revision, where it is no ancestor,
    where the folder was not there, or where its files do not load.
    """
    asked = Place(f"--since {revision}")
    commit = _git(
        folder, asked, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    name = commit.decode().strip()
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
        return files.load(Path(scratch), shown_as=f"{name[:8]}:{inside.rstrip('/') or '.'}")


def with_left(now: DesiredState, folder: Path, target: str, revision: str | None) -> DesiredState:
    """The desired state with what left the files since a revision; raises Invalid as ``load_at`` does.

    Without a revision it is the one that was last applied completely, where one
    is recorded and can be read from here; else nothing is known to have left.
    """
    if revision is not None:
        return replace(now, left=left_since(now, load_at(folder, revision)))
    applied = last_applied(folder, target)
    # Another branch, or files of an older release, must not keep anybody from planning.
    with suppress(Invalid):
        if applied:
            return replace(now, left=left_since(now, load_at(folder, applied)))
    return now


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


_MEANINGS = {
    "rev-parse": (
        "there is no such revision here",
        "name a commit, a tag or a branch; a shallow checkout may not hold it (git fetch --unshallow)",
    ),
    "merge-base": (
        "it is no ancestor of HEAD",
        "name a revision that this checkout was built on; a shallow checkout may not tell",
    ),
    "archive": ("the target's folder was not there at that revision", "name a later revision"),
}


def _git(folder: Path, asked: Place, *arguments: str) -> bytes:
    found = _run(folder, *arguments)
    if found is None:
        raise Invalid([Problem(asked, "git is not installed", "install git, or leave --since out")])
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

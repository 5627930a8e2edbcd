"""One apply at a time for each system on a machine, by a lock that a dead process does not hold."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname

from filelock import FileLock, Timeout

from reconciler.errors import Locked, ReconcilerError
from reconciler.links import follow_none

SHARED = Path("/tmp")  # noqa: S108 (each user has a folder of their own there, which is looked at first)
"""Where every process of a user finds the locks. No variable moves it, or two applies would not meet."""
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def place(kind: str, where: str) -> Path:
    """The lock of one system, whatever a target is called and wherever its files are.

    ``where`` is its address, or the file that a pretend one keeps its state in.
    """
    name = hashlib.sha256(f"{kind} {where}".encode(errors="surrogateescape")).hexdigest()
    return SHARED.resolve() / f"reconciler-{os.getuid()}" / f"{name}.lock"


@contextmanager
def held(path: Path, name: str) -> Iterator[None]:
    """Hold a lock file; raises Locked where somebody else does, with who. ``name`` is the target's."""
    # Beside the lock file, which some releases of filelock empty when they try it.
    holder = path.with_suffix(".holder")
    lock = FileLock(path, timeout=0)
    try:
        _own_folder(path.parent)
        for written in (path, holder):
            follow_none(written)
        lock.acquire()
    except Timeout:
        who = holder.read_text(encoding="utf-8", errors="replace") if holder.exists() else "not known by whom"
        message = f"another apply is running on {name} ({who}); wait for it to end"
        raise Locked(message) from None
    except OSError as error:
        message = (
            f"{path}: the lock that keeps two applies apart cannot be written ({error.strerror}), so nothing "
            "was sent; make room, or remove what is in its place"
        )
        raise ReconcilerError(message) from None
    try:
        with suppress(OSError), open(holder, "w", encoding="utf-8", opener=_no_link) as file:
            file.write(f"process {os.getpid()} on {gethostname()}, since {datetime.now(UTC):%F %T} UTC")
        yield
    finally:
        lock.release()


def _own_folder(folder: Path) -> None:
    """Make the folder, or raise OSError where it is not the user's alone: others could lift the lock."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & _OTHERS:
        raise PermissionError(0, f"{folder} is not a folder of yours alone")


def _no_link(path: str, flags: int) -> int:
    """Open a file that may have become a link since it was looked at."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o644)

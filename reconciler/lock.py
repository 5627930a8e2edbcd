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
"""Where every process of a user finds the locks; no variable moves it, so two applies find the same one."""
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def lock_file(kind: str, where: str) -> Path:
    """The lock file of one system, the same for all targets that configure it.

    ``where`` is the system's address, or the state file of a pretend system.
    """
    name = hashlib.sha256(f"{kind} {where}".encode(errors="surrogateescape")).hexdigest()
    return SHARED.resolve() / f"reconciler-{os.getuid()}" / f"{name}.lock"


@contextmanager
def held(path: Path, name: str) -> Iterator[None]:
    """Hold a lock file; ``name`` is the target's, for messages.

    Raises Locked, which says who holds it, where another process does, and
    ReconcilerError where the file cannot be written.
    """
    # Beside the lock file, which some releases of filelock empty when they try it.
    holder = path.with_suffix(".holder")
    lock = FileLock(path, timeout=0)
    try:
        _own_folder(path.parent)
        for file_path in (path, holder):
            follow_none(file_path)
        lock.acquire()
    except Timeout:
        who = (
            holder.read_text(encoding="utf-8", errors="replace")
            if holder.exists()
            else "by whom is not known"
        )
        message = f"another apply is running on {name} ({who}); wait for it to end"
        raise Locked(message) from None
    except OSError as error:
        message = (
            f"{path}: the lock against a second apply cannot be written ({error.strerror}), so nothing "
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
    """Make the folder; raises OSError where others can write to it, since they could remove the lock."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & _OTHERS:
        raise PermissionError(0, f"{folder} is not a folder of yours alone")


def _no_link(path: str, flags: int) -> int:
    """Open a file, but no link: it may have become one since it was checked."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o644)

"""One apply at a time for each target, by a lock that a dead process does not hold."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname

from filelock import FileLock, Timeout

from reconciler.errors import Locked, ReconcilerError
from reconciler.links import follow_none


@contextmanager
def held(path: Path, name: str) -> Iterator[None]:
    """Hold a lock file; raises Locked where somebody else does, with who. ``name`` is the target's."""
    # Beside the lock file, which some releases of filelock empty when they try it.
    holder = path.with_suffix(".holder")
    lock = FileLock(path, timeout=0)
    try:
        for written in (path, holder):
            follow_none(written)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        who = holder.read_text(encoding="utf-8", errors="replace") if holder.exists() else "not known by whom"
        message = f"another apply is running on {name} ({who}); wait for it to end"
        raise Locked(message) from None
    except OSError as error:
        message = (
            f"{path}: the lock that keeps two applies apart cannot be written ({error.strerror}), so nothing "
            "was sent; make room, or set `journal:` in target.yaml to another folder"
        )
        raise ReconcilerError(message) from None
    try:
        with suppress(OSError), open(holder, "w", encoding="utf-8", opener=_no_link) as file:
            file.write(f"process {os.getpid()} on {gethostname()}, since {datetime.now(UTC):%F %T} UTC")
        yield
    finally:
        lock.release()


def _no_link(path: str, flags: int) -> int:
    """Open a file that may have become a link since it was looked at."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o644)

"""The bytes of one file that desired state is read from, or the problem that keeps them."""

import os
import stat
from pathlib import Path

from reconciler.desired.text import CONTROL, MAX_BYTES, too_large
from reconciler.errors import Place, Problem
from reconciler.links import leads_out


def content(path: Path, name: str, *, inside: Path | None = None, whose: str = "target") -> bytes | Problem:
    """The bytes of a regular file of at most 32 MiB; ``name`` is its name in places.

    With ``inside``, a link that leads out of that folder, which is ``whose`` folder, is a problem.
    """
    try:
        if inside and leads_out(path, inside):
            message = f"this is a link that leads out of the {whose}'s folder"
            return Problem(Place(name), message, "put the file itself in its place")
        if not stat.S_ISREG((status := path.stat()).st_mode):
            return Problem(Place(name), "this is no regular file", "put a text file in its place")
        if status.st_size > MAX_BYTES:
            return too_large(name)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        return unreadable(name, error)


def unreadable(name: str, error: OSError) -> Problem:
    """The problem of a file or folder that cannot be read."""
    hint = "check that it is there and that you may read it"
    return Problem(Place(name), f"this cannot be read: {error.strerror}", hint)


def shown(path: Path) -> str:
    """A path as a person in the working directory would write it, where it is below that."""
    absolute, here = path.absolute(), Path.cwd()
    return printable(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def printable(path: Path) -> str:
    """A path as text that every terminal can show."""
    text = os.fsencode(path.as_posix()).decode(errors="replace")
    return CONTROL.sub("\ufffd", text)

"""Where symbolic links lead: git keeps them like files, and whoever commits one names any place at all."""

import errno
import os
from pathlib import Path

from reconciler.errors import Invalid, Place, Problem


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a path that is written below a folder is really somewhere else."""
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def stay_inside(root: Path, shown: str) -> None:
    """Raise Invalid where a folder that is written as one of the repository is really elsewhere.

    The repository is that of the working directory; without one this directory counts. What is written as
    elsewhere is the choice of the person who wrote it.
    """
    here = Path.cwd()
    repository = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), None)
    inside = repository or here
    if Path(os.path.abspath(root)).is_relative_to(inside) and leads_out(root, inside):  # noqa: PTH100 (as written)
        what = "repository" if repository else "working directory"
        message = f"this leads out of the {what}, through a link"
        hint = "put a folder in the link's place, or name the folder that it leads to with --dir"
        raise Invalid([Problem(Place(shown), message, hint)])


def follow_none(path: Path) -> None:
    """Raise OSError where a link stands on the way to a file: below the working directory, else at its end.

    Elsewhere only the file and its folder must be none: the links above are the machine's own.
    """
    absolute, here = path.absolute(), Path.cwd()
    written = [step for step in reversed(absolute.parents) if here in step.parents] or [absolute.parent]
    for step in (*written, absolute):
        if step.is_symlink():
            name = step.relative_to(here) if here in step.parents else step
            raise OSError(errno.ELOOP, f"{name} is a symbolic link: remove it")

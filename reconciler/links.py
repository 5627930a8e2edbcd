"""Where symbolic links lead. Git stores them like files, and whoever commits one can point it anywhere."""

import errno
import os
from pathlib import Path

from reconciler.errors import Invalid, Place, Problem


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a path that is written below a folder is really somewhere else."""
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def stay_inside(root: Path, shown: str) -> None:
    """Raise Invalid where a path inside the repository leads, through a link, to a folder outside of it.

    The repository is that of the working directory; without one the working
    directory counts. A path that is written as outside is its writer's choice.
    ``shown`` is the path as the problem shows it.
    """
    working_directory = Path.cwd()
    repository = next(
        (folder for folder in (working_directory, *working_directory.parents) if (folder / ".git").exists()),
        None,
    )
    inside = repository or working_directory
    if Path(os.path.abspath(root)).is_relative_to(inside) and leads_out(root, inside):  # noqa: PTH100 (as written)
        what = "repository" if repository else "working directory"
        message = f"this leads out of the {what}, through a link"
        hint = "put a folder in the link's place, or name the folder that it leads to with --dir"
        raise Invalid([Problem(Place(shown), message, hint)])


def follow_none(path: Path) -> None:
    """Raise OSError where a symbolic link is on the path to a file.

    Below the working directory no step of the path may be one. Elsewhere only the
    file and its folder are checked: links above them are the machine's own.
    """
    absolute, working_directory = path.absolute(), Path.cwd()
    steps = [step for step in reversed(absolute.parents) if working_directory in step.parents] or [
        absolute.parent
    ]
    for step in (*steps, absolute):
        if step.is_symlink():
            name = step.relative_to(working_directory) if working_directory in step.parents else step
            raise OSError(errno.ELOOP, f"{name} is a symbolic link: remove it")

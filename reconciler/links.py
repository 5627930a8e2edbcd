"""Where symbolic links lead. Git stores them like files, and whoever commits one can point it anywhere."""

import errno
import os
from pathlib import Path

from reconciler.errors import Invalid, Place, Problem


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a path that is written below a folder is really somewhere else."""
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def is_hidden(path: Path, folder: Path) -> bool:
    """Whether a path from a folder on, or the real one behind it, has a hidden step, such as ``.git``."""
    written = Path(os.path.relpath(path, folder)).parts
    real = Path(os.path.relpath(os.path.realpath(path), os.path.realpath(folder))).parts
    return any(step.startswith(".") and step != os.pardir for step in (*written, *real))


def stay_inside(root: Path, shown: str) -> None:
    """Raise Invalid where a path inside the repository leads, through a link, to a folder outside of it.

    The repository is that of the working directory; without one the working
    directory counts. A path that is written as outside is its writer's choice.
    ``shown`` is the path as the problem shows it.
    """
    if what := left_through_link(root):
        message = f"this leads out of the {what}, through a link"
        hint = "put a folder in the link's place, or name the folder that it leads to with --dir"
        raise Invalid([Problem(Place(shown), message, hint)])


def left_through_link(path: Path) -> str:
    """What a path leaves through a link: "repository" or "working directory"; empty where it leaves none.

    The repository is that of the working directory; without one the working directory counts. A path
    that is written as outside leaves nothing.
    """
    repository = _repository(Path.cwd())
    inside = repository or Path.cwd()
    if Path(os.path.abspath(path)).is_relative_to(inside) and leads_out(path, inside):  # noqa: PTH100 (as written)
        return "repository" if repository else "working directory"
    return ""


def is_elsewhere(path: Path, folder: Path) -> bool:
    """Whether a path that a file of this folder names is really outside of the folder's repository.

    That is the working directory's, where the folder lies in it. Without a repository nobody
    proposes files to anybody, so only a link out of the working directory counts.
    """
    repository = _repository(Path.cwd())
    if repository is None or leads_out(folder, repository):
        repository = _repository(Path(os.path.realpath(folder)).parent)
    return leads_out(path, repository) if repository else bool(left_through_link(path))


def _repository(folder: Path) -> Path | None:
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)


def stay_below(folder: Path, path: Path) -> None:
    """Raise OSError where a file to be written below a folder would really be elsewhere."""
    if leads_out(path, folder):
        raise OSError(errno.ELOOP, f"a link on the way leads out of {folder.resolve().name}")


def pass_no_link(folder: Path, path: Path) -> None:
    """Raise OSError where a path below a folder has a link among its steps, wherever that leads."""
    if os.path.realpath(path) != os.path.join(os.path.realpath(folder), path.relative_to(folder)):  # noqa: PTH118
        raise OSError(errno.ELOOP, "a link is on the way")


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

"""The files with which a team begins: workflows, schemas, and a folder for its first target.

They are the very files that this project runs itself on, with another way to
install; what is there already is never touched.
"""

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path
from textwrap import indent
from urllib.parse import quote

from reconciler.errors import ReconcilerError

WORKFLOWS = ("plan", "apply", "drift")
_IGNORED = (".env", ".reconciler/")


def artifact(target: str, number: int | None = None, head: str = "") -> str:
    """What the artifact with a target's plan is called; no slash may stand in it.

    The workflow puts the pull request's number and its head behind it.
    """
    about = "" if number is None else f"-{number}-{head}"
    return f"reconciler-plan-{quote(target, safe='')}{about}"


def how_installed() -> str:
    """The command that installs the same release as the one that runs; raises ReconcilerError where none can.

    Never a guess: the name alone may belong to somebody else's package on an
    index, and what is installed is what gets the key. Source: PEP 610.
    """
    try:
        installed = distribution("reconciler")
    except PackageNotFoundError:
        installed = None
    if installed:
        origin = json.loads(installed.read_text("direct_url.json") or "{}")
        if not origin:
            return f"python -m pip install reconciler=={installed.version}"
        if commit := origin.get("vcs_info", {}).get("commit_id"):
            return f'python -m pip install "reconciler @ git+{origin["url"]}@{commit}"'
    message = "it is not known how a workflow can install this release: say so with --install"
    raise ReconcilerError(message)


def workflow(name: str, install: str) -> str:
    """The text of one workflow."""
    return _text(f"{name}.yml").replace("@INSTALL@", indent(install, " " * 10).strip())


def starter(target: str, url: str, install: str, schemas: dict[str, str]) -> Iterator[tuple[Path, str]]:
    """Every file with its path below the repository's top."""
    for name in WORKFLOWS:
        yield Path(".github/workflows") / f"{name}.yml", workflow(name, install)
    for name, text in schemas.items():
        yield Path("schemas") / f"{name}.schema.json", text
    folder = Path("desired-state") / target
    yield folder / "target.yaml", _text("target.yaml").replace("@URL@", url)
    yield folder / "people.yaml", _text("people.yaml").replace("@TARGET@", target)


def write(root: Path, wanted: Iterator[tuple[Path, str]]) -> Iterator[tuple[str, Path]]:
    """Write what is not there yet; yields ("wrote" | "kept" | "added to", path) for each file.

    Raises ReconcilerError where the disk refuses.
    """
    for name, text in wanted:
        path = root / name
        if path.exists():
            yield "kept", name
            continue
        _save(path, text)
        yield "wrote", name
    path = root / ".gitignore"
    before = path.read_text("utf-8") if path.exists() else ""
    if missing := [line for line in _IGNORED if line not in before.splitlines()]:
        between = "" if before.endswith("\n") or not before else "\n"
        _save(path, before + between + "".join(f"{line}\n" for line in missing))
        yield ("added to" if before else "wrote"), Path(".gitignore")
    else:
        yield "kept", Path(".gitignore")


def _save(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise ReconcilerError(message) from None


def _text(name: str) -> str:
    return (files("reconciler.starter") / name).read_text("utf-8")

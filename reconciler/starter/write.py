"""The files that a new team starts with: workflows, schemas, and a folder for its first target.

This project uses the same files itself, but for the way to install. A file that
exists is never changed, but for the lines that .gitignore lacks.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from textwrap import indent

from reconciler.errors import ReconcilerError
from reconciler.links import stay_below
from reconciler.starter.owners import code_owners, owners_file

WORKFLOWS = ("plan", "apply", "drift")
MANY = 5000
"""With more people than this a pull request plans what it changes, and each night everything is compared."""
FOR_MANY = (
    "A pull request plans what it changes (--only changed), and drift compares everything every night. "
    "Apply the whole once before the first one, and after each change of target.yaml: reconciler apply."
)
_IGNORED = (".env", ".reconciler/")
_ALONE = "github: {approvals: 0}                # you work alone; without this somebody else must approve"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a team starts with: a target's name and its target.yaml, how a workflow installs, and who reviews.

    ``kind`` is the target's, ``host`` is where its keys may go, with a port where that is no usual one,
    and ``variables`` are the environment variables that hold them. ``owners`` are separated by blanks,
    as CODEOWNERS takes them; empty where they are not known yet. ``alone`` is a team of one: no owners,
    no approvals. ``people`` is about how many there are in the system.
    """

    target: str
    settings: str
    install: str
    kind: str
    variables: tuple[str, ...]
    host: str
    owners: str = ""
    alone: bool = False
    people: int = 0

    @property
    def are_many(self) -> bool:
        """Whether reading everybody takes too long for each pull request."""
        return self.people > MANY

    @property
    def keys(self) -> list[str]:
        """The line of a workflow for each key: it has a value in the jobs of this target alone."""
        mine = f"matrix.target.name == '{self.target}'"
        return [f"{name}: ${{{{ {mine} && secrets.{name} || '' }}}}" for name in self.variables]

    @property
    def hosts(self) -> str:
        """What binds each key to the host."""
        return ",".join(f"{name}={self.host}" for name in self.variables)


def workflow(name: str, wish: Wish) -> str:
    """The text of one workflow."""
    lines = indent(wish.install, " " * 10).strip()
    text = _text(f"{name}.yml").replace("@KIND@", wish.kind).replace("@HOSTS@", wish.hosts)
    text = text.replace("@ONLY@", " --only changed" if wish.are_many else "")
    text = text.replace("@DAYS@", "*" if wish.are_many else "1-5")
    return text.replace("@KEYS@", indent("\n".join(wish.keys), " " * 10).strip()).replace("@INSTALL@", lines)


def starter(root: Path, wish: Wish, schemas: dict[str, str]) -> Iterator[tuple[Path, str]]:
    """Every file with its path below the repository's top, ``root``."""
    for name in WORKFLOWS:
        yield Path(".github/workflows") / f"{name}.yml", workflow(name, wish)
    if not wish.alone:
        yield owners_file(root), code_owners(wish.owners)
    for name, text in schemas.items():
        yield Path("schemas") / f"{name}.schema.json", text
    folder = Path("desired-state") / wish.target
    yield folder / "target.yaml", wish.settings + (f"{_ALONE}\n" if wish.alone else "")
    yield folder / "people.yaml", _text("people.yaml").replace("@TARGET@", wish.target)


def remark(wish: Wish, existing: Collection[Path]) -> str:
    """What a person must still know or do about reviews; ``existing`` are files that were kept."""
    if wish.alone:
        path = Path("desired-state") / wish.target / "target.yaml"
        if path in existing:
            return f"{path.as_posix()} was kept: write `github: {{approvals: 0}}` into it."
        return (
            f"You work alone: by `github: {{approvals: 0}}` in {path.as_posix()} a merge is applied "
            "though nobody else approved it, so whoever gets into your account can change access. "
            "When a second person joins, remove that line, and run `reconciler init` with --owners."
        )
    if theirs := [path.as_posix() for path in existing if path.name == "CODEOWNERS"]:
        return (
            f"{theirs[0]} was kept: see that its last lines name owners for /.github/, for what a workflow "
            "installs, and for each target.yaml and quirks.yaml."
        )
    if not wish.owners:
        return ".github/CODEOWNERS names nobody yet, so nobody's review is asked for: see its top."
    return (
        f".github/CODEOWNERS names {wish.owners} for everything: "
        "put a wider team at /desired-state/ where you have one."
    )


def missing_keys(root: Path, wish: Wish) -> str:
    """What to write into workflows that were kept and do not know this target; empty where all know it."""
    paths = [Path(".github/workflows") / f"{name}.yml" for name in WORKFLOWS]
    lacking = [
        path.as_posix()
        for path in paths
        if not all(line in (root / path).read_text("utf-8") for line in (*wish.keys, wish.hosts))
    ]
    if not lacking:
        return ""
    lines = "".join(f"    {line}\n" for line in wish.keys)
    return (
        f"{', '.join(lacking)}: the jobs of {wish.target} get no key yet. Beside TARGET write\n\n{lines}\n"
        f"and add {wish.hosts} to RECONCILER_ALLOWED_HOSTS there, after a comma. A name that is there "
        "already is another target's: give this one a variable of its own, in its target.yaml too."
    )


def write(root: Path, wanted: Iterator[tuple[Path, str]]) -> Iterator[tuple[str, Path]]:
    """Write what is not there yet; yields ("wrote" | "kept" | "added to", path) for each file.

    Raises ReconcilerError where the disk refuses, or where a link leads out of ``root``.
    """
    for name, text in wanted:
        path = root / name
        if path.exists():
            yield "kept", name
            continue
        _save(root, name, text)
        yield "wrote", name
    path = root / ".gitignore"
    before = path.read_text("utf-8") if path.exists() else ""
    if missing := [line for line in _IGNORED if line not in before.splitlines()]:
        between = "" if before.endswith("\n") or not before else "\n"
        _save(root, Path(".gitignore"), before + between + "".join(f"{line}\n" for line in missing))
        yield ("added to" if before else "wrote"), Path(".gitignore")
    else:
        yield "kept", Path(".gitignore")


def _save(root: Path, name: Path, text: str) -> None:
    path = root / name
    try:
        stay_below(root, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise ReconcilerError(message) from None


def _text(name: str) -> str:
    return (files("reconciler.starter") / name).read_text("utf-8")

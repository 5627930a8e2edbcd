"""How a workflow installs the reconciler: always so that the content is pinned, never by a name alone.

Whatever is installed in the job that holds the key can use the key, and a name on
an index belongs to whoever registers it. So a command is written only where it
holds a commit or a hash: of the release that runs, or one given by hand.
"""

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from itertools import groupby
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from reconciler.errors import ReconcilerError

DISTRIBUTION = "access-reconciler"
BY_HASHES = "python -m pip install --require-hashes --requirement requirements.txt"
PINS = (
    "`--require-hashes`, a commit's full hash (`@` and 40 or 64 digits), a hash (`sha256=` or `sha256:`), "
    "or `uv sync --locked` or `--frozen`"
)

# What a shell, YAML and pip all take as it stands; no user information, no query, no fragment.
_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._+~-]+)+/?")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PIN = re.compile(r"@([0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-f])|sha256[=:][0-9a-f]{64}(?![0-9a-f])")
_INSTALLS = re.compile(r"\b(install|sync|uvx|pipx)\b")
_LOCKED = frozenset({"--locked", "--frozen"})
_LOCK = (
    "python -m uv pip compile - --universal --python-version 3.11 "
    "--generate-hashes --output-file requirements.txt"
)
_CREDENTIAL = re.compile(r"https?://[^/@\s$]+@")


class Unpinned(ReconcilerError):
    """Nothing known here pins what a workflow would install; the shell ``commands`` make a pin."""

    def __init__(self, message: str, commands: Sequence[str]) -> None:
        self.commands = tuple(commands)
        super().__init__(message)


def how_installed() -> str:
    """The command that installs the very release that runs; raises Unpinned where no commit or hash is known.

    Source: PEP 610 (direct_url.json); pip documentation, "VCS Support" and "Hash-checking Mode".
    """
    try:
        installed = distribution(DISTRIBUTION)
    except PackageNotFoundError:
        return _refuse("from a folder", _wheel(str(Path(__file__).parents[2])))
    match _origin(installed):
        case None:
            return _refuse("by its name alone", f"echo {DISTRIBUTION}=={installed.version} | {_LOCK}")
        case {"subdirectory": _}:
            pass
        case {"url": str(url), "vcs_info": {"vcs": "git", "commit_id": str(commit)}} if _URL.fullmatch(
            url
        ) and _COMMIT.fullmatch(commit):
            return f'python -m pip install "{DISTRIBUTION} @ git+{url}@{commit}"'
        case {"url": str(url), "archive_info": {"hashes": {"sha256": str(digest)}}} if _URL.fullmatch(
            url
        ) and _SHA256.fullmatch(digest):
            return f'python -m pip install "{DISTRIBUTION} @ {url}#sha256={digest}"'
        case {"url": str(url)} if url.startswith("file:"):
            return _refuse("from this machine", _wheel(unquote(urlsplit(url).path)))
    # The address is not shown: it may hold a credential.
    return _refuse("from an address that no workflow may hold", _wheel("FOLDER-OF-THE-RECONCILER"))


def what_is_wrong(command: str) -> str:
    """Why a command given by hand cannot become a workflow's; empty where it can.

    It looks for mistakes, not for tricks: whoever gives it may write any workflow.
    """
    if not all(line.isprintable() for line in command.split("\n")):
        return "it holds a character that cannot be seen; blanks and ends of lines are fine"
    if "${{" in command:
        return "it holds an expression of GitHub Actions, whose value would become part of a script"
    if _CREDENTIAL.search(command):
        return "it holds a credential in an address, and everybody reads a workflow"
    try:
        commands = list(_commands(command))
    except ValueError:
        return "it is not a command: a quotation mark or a backslash is left open"
    if any(word.startswith("#") for words in commands for word in words):
        return "it holds a comment; remove it"
    return _what_is_unpinned(commands)


def _what_is_unpinned(commands: Sequence[Sequence[str]]) -> str:
    for words in commands:
        if _INSTALLS.search(" ".join(words)) and not _fixed(words):
            return f"`{' '.join(words)}` does not pin all that it installs; what pins is {PINS}"
    if not any(_pins(words) for words in commands):
        return f"nothing in it pins what is installed; what pins is {PINS}"
    return ""


def _commands(text: str) -> Iterator[list[str]]:
    """The words of each command, as a shell takes them apart; raises ValueError for an open quotation."""
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars=";&|()<>\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " ", True, ""
    for separates, words in groupby(lexer, lambda word: not word.strip(";&|()<>\n")):
        if not separates:
            yield list(words)


def _pins(words: Sequence[str]) -> bool:
    locked = "uv" in words and not _LOCKED.isdisjoint(words)
    return locked or "--require-hashes" in words or any(_PIN.search(word) for word in words)


def _fixed(words: Sequence[str]) -> bool:
    """Whether everything that a command installs is pinned, or is in the repository itself."""
    if "--require-hashes" in words:
        return True
    if "sync" in words:
        return _pins(words)
    start = words.index("install") + 1 if "install" in words else 0
    arguments = [word for word in words[start:] if not word.startswith("-")]
    inside = {"--no-deps", "--no-build-isolation"} <= set(words)
    return bool(arguments) and all(
        _PIN.search(word) or (inside and word.startswith((".", "/"))) for word in arguments
    )


def _origin(installed: Distribution) -> object:
    try:
        return json.loads(installed.read_text("direct_url.json") or "null")
    except ValueError:
        return {}


def _wheel(folder: str) -> str:
    """Commands that take a wheel into the repository, and its hash with those of all that it needs."""
    name = DISTRIBUTION.replace("-", "_")
    return (
        f"python -m pip wheel --no-deps --wheel-dir vendor {shlex.quote(folder)}\n"
        f"echo ./vendor/{name}-*.whl | {_LOCK}"
    )


def _refuse(how: str, commands: str) -> NoReturn:
    message = f"the reconciler was installed {how}, which pins nothing that a workflow could install"
    raise Unpinned(message, ["python -m pip install uv", *commands.split("\n")])

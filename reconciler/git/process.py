"""Git as a process, in which neither the environment nor a tree decides anything.

Git gets the variables that it needs to run and no other, so neither a key nor a
``GIT_DIR`` of a hook reaches it. It runs no hook, pager, editor, file monitor or
filter, reads no configuration but the repository's own, and fetches nothing
unasked. (git docs: git-config, safe.bareRepository; git; gitattributes.)
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import GitFailed

_PATIENCE = 60
"""Seconds that git may take to read objects on this disk."""
_REMOTE_PATIENCE = 120
"""Seconds that git may take to reach a server."""

_NOTHING_OF_A_TREE = {
    "safe.bareRepository": "explicit",
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "",
    "core.attributesFile": os.devnull,
    "blame.ignoreRevsFile": "",
    "protocol.allow": "never",
}
_ALWAYS = ("--no-pager", "--literal-pathspecs")
_FIXED = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
}
_NO_CONFIG = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
_KEPT = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "USERNAME", "XDG_CONFIG_HOME", "SUDO_UID", "TMPDIR", "TEMP", "TMP"),
        *("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "HOMEDRIVE", "HOMEPATH"),
        *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA"),
    }
)
"""What git gets of the environment: a list of what it needs, since no list of secrets is ever complete."""
_KEPT_FOR_A_SERVER = _KEPT | {
    *("SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"),
    *("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"),
}
PROTOCOLS = "https:ssh:file"
"""What git may reach a server by: no protocol that runs a program named in a URL."""


Done = subprocess.CompletedProcess[bytes]


def run(
    arguments: tuple[str, ...],
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    *,
    stdin: str = "",
    server: bool = False,
    own_settings: bool = False,
) -> Done:
    """Run git, wait for its end, and return what it wrote and its exit status.

    ``server`` lets it reach a server; ``own_settings`` lets it read the
    configuration of the person and of the machine. Raises GitFailed where git is
    missing, cannot be run, or takes too long.
    """
    path = _search_path(cwd)
    program = shutil.which("git", path=path)
    if program is None:
        message = "git is not installed"
        raise GitFailed(message)
    wanted = _KEPT_FOR_A_SERVER if server else _KEPT
    kept = {name: value for name, value in os.environ.items() if name.upper() in wanted}
    no_config = {} if server or own_settings else _NO_CONFIG
    settings = [part for pair in _NOTHING_OF_A_TREE.items() for part in ("-c", "=".join(pair))]
    patience = _REMOTE_PATIENCE if server else _PATIENCE
    try:
        return subprocess.run(  # noqa: S603 (no shell; the arguments are ours)
            (program, *_ALWAYS, *settings, *arguments),
            cwd=cwd,
            env={**kept, "PATH": path, **_FIXED, **no_config, **(environ or {})},
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=patience,
        )
    except OSError as error:
        message = f"git cannot be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        message = f"git did not end within {patience} s"
    raise GitFailed(message)


def _search_path(folder: Path) -> str:
    """The folders in which git is searched: never the working directory, nor one of the tree itself."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(
        text
        for text in folders
        if Path(text).is_absolute() and not Path(text).resolve().is_relative_to(folder)
    )


def output(command: str, done: Done) -> bytes:
    """What a command of git wrote; raises GitFailed where it did not succeed."""
    if done.returncode:
        reason = " ".join(done.stderr.decode(errors="replace").split())
        message = f"git {command} did not work: {reason or f'it ended with {done.returncode}'}"
        raise GitFailed(message)
    return done.stdout


def authorized(header: str) -> dict[str, str]:
    """The variables that add a header, as ``ADDRESS name: value``, to requests below that address.

    The environment carries it, since others on the machine can read arguments.
    """
    if not header:
        return {}
    address, _, value = header.partition(" ")
    settings = {f"http.{address}.extraheader": value, "http.followRedirects": "false"}
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, setting) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": setting}
    return variables

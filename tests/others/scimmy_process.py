"""scimmy behind express, of other authors, as a process: installed once for all tests from its lock file.

Where node or npm is not there, or the registry does not answer, the tests say that they were skipped.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

KEY = "a-token-that-opens-nothing"
_HERE = Path(__file__).parent / "scimmy"
_PINNED = ("package.json", "package-lock.json")
_KEPT = Path(__file__).parents[2] / ".venv" / "others"
_NPM = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=20000")


@cache
def installed() -> Path | str:
    """The folder with the server and all that it needs, or why there is none; it is tried once."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return "scimmy runs on node, which is not there, or without npm"
    digest = sha256(b"".join((_HERE / name).read_bytes() for name in _PINNED)).hexdigest()[:16]
    folder = _KEPT / f"scimmy-{digest}"
    _KEPT.mkdir(parents=True, exist_ok=True)
    # One process installs, the others wait for it.
    with (_KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists() and not _install(npm, folder):
            return "scimmy is not installed: the npm registry does not answer, or not with what is pinned"
        shutil.copy(_HERE / "server.mjs", folder)
    return folder


def _install(npm: str, folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in _PINNED:
        shutil.copy(_HERE / name, folder)
    try:
        subprocess.run([npm, *_NPM], cwd=folder, check=True, capture_output=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    (folder / "whole").touch()
    return True


@contextmanager
def running(*options: str) -> Iterator[str]:
    """The server as a process, with an empty directory; yields the address of its API, or skips the test."""
    folder = installed()
    if isinstance(folder, str):
        pytest.skip(folder)
    environ = {"PATH": os.environ["PATH"]}
    with subprocess.Popen(
        ["node", "server.mjs", KEY, *options],
        cwd=folder,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/scim"
        process.stdin.close()

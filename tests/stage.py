"""A stage for the book: a folder, a pretend Omni behind a socket, and what a command prints there."""

import io
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from book import TOP
from project import KEY, Hooked
from repository import IDENTITY

from reconciler import cli
from reconciler.sandbox.omni.instance import SITE, Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.sandbox.server import serve
from reconciler.transport.clock import SystemClock
from reconciler.transport.messages import Response

SCENES = TOP / "tests" / "docs" / "scenes"
ADDRESS = "https://acme.omniapp.co"
SAMPLES = (
    (r"http://127\.0\.0\.1:\d+", ADDRESS),
    (r"127\.0\.0\.1:\d+", "acme.omniapp.co"),
    (r"\b\d{8}T\d{6}\.\d{6}Z", "20260302T081500.000000Z"),
    (r"\b20[2-8]\d-\d\d-\d\d\b", "2026-03-02"),
    (r"(?<=plan |gest=)[0-9a-f]{12}\b", "3f9d62c01b7a"),
    (r"\b[0-9a-f]{64}\b", "3f9d62c01b7a" + "41e0" * 13),
    (r'"at": ?"[^"]+"', '"at": "2026-03-02T08:15:00.000+00:00"'),
    (r'(?<="ran": ")[^"]+', "ada"),
    (r"\b[0-9a-f]{40}\b", "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
    (r"(?<![-\w])(?!3f9d62c01b7a)[0-9a-f]{12}\b", "9c1185a5c5e9"),
    (r"(?<=Compared with )[0-9a-f]{8}\b|(?<=changed since )[0-9a-f]{8}\b", "9c1185a5"),
    (r"(?<=\()[0-9a-f]{8}(?=[,)])", "9c1185a5"),
    (r"(?<=waiting )\d+ s:", "5 s:"),
    (r"\bin \d+ s\b", "in 1 s"),
    (r"\b\d+ ms\b", "84 ms"),
    (r"(?<=Run by: )[^,\n]+", "ada"),
)
"""What differs from run to run or from machine to machine, and what stands in the book for it."""

LIVE = {
    "switches": {"requests_per_minute": 0},
    "users": {"robot@acme.com": {"name": "Service account of the key"}},
    "keys": {KEY: {"owner": "robot@acme.com"}},
}
"""Of the pretend Omni, where a scene says nothing else."""


class Stage:
    """The folder of one scene, and what is live in it."""

    def __init__(self, folder: Path, scene: str, monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack) -> None:
        folder.mkdir()
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.code = 0
        said = yaml.safe_load((SCENES / f"{scene}.yaml").read_text("utf-8"))
        self.git = bool(said.get("git"))
        self.store = Store.from_seed(LIVE | said.get("live", {}))
        self.omni = Hooked(Sandbox(self.store))
        server = cleanup.enter_context(serve(self.omni, SITE))
        self.url = server.url
        monkeypatch.chdir(folder)
        monkeypatch.setattr(SystemClock, "sleep", lambda *_: None)
        if said.get("reachable", True):
            monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", self.url.removeprefix("http://"))
        for name in said.get("keys", ["OMNI_API_KEY"]):
            monkeypatch.setenv(name, KEY)
        for name in said.get("copy", ()):
            shutil.copytree(TOP / name, folder / name, ignore=shutil.ignore_patterns(".reconciler"))
        for name, text in said.get("files", {}).items():
            self.write(name, text)
        if self.git:
            for command in (
                "git init --quiet --initial-branch=main",
                "git add .",
                "git commit --quiet -m Begin",
            ):
                self.run(command)
        for command in said.get("run", ()):
            self.run(command)

    def write(self, name: str, text: str) -> None:
        """Put a file into the folder; for the address of the book stands the one of the pretend Omni."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(ADDRESS, self.url) if path.name == "target.yaml" else text, "utf-8")

    def down(self, when: str) -> None:
        """Let Omni be out of order: ``now``, or ``after N`` more writes; ``over``: it is well again."""
        word, _, number = when.partition(" ")
        most = {"now": -1, "over": math.inf}.get(word) or len(self.omni.writes) + int(number)
        self.omni.hook = lambda _: Response(503) if len(self.omni.writes) > most else None

    def by_hand(self, user: str, leaves: str = "", joins: str = "", **changes: object) -> None:
        """What somebody does at Omni's own pages."""
        (found,) = self.store.users_with_email(user)
        for name, value in changes.items():
            setattr(found, name, value)
        groups = {group.name: group for group in self.store.groups.values()}
        if leaves:
            self.store.leave(groups[leaves], found)
        if joins:
            self.store.join(groups[joins], found)
        self.store.touch(found)

    def run(self, command: str) -> str:
        """What a command prints, on both streams; a shell runs what is not ours."""
        if command == "echo $?":
            return f"{self.code}\n"
        if command.startswith("export "):
            self.monkeypatch.setenv(*command.removeprefix("export ").split("=", 1))
            return ""
        if command.startswith("reconciler ") and not set(command) & set("|>&;"):
            return self._ours(shlex.split(command.replace(ADDRESS, self.url), comments=True)[1:])
        command = re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", command)
        command = re.sub(r"^git ", f"git {shlex.join(IDENTITY)} ", command)
        done = subprocess.run(
            ["bash", "-c", command],
            env=os.environ | {"LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        self.code = done.returncode
        return done.stdout + done.stderr

    def _ours(self, arguments: list[str]) -> str:
        screen = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", screen)
            patch.setattr(sys, "stderr", screen)
            self.code = cli.run(arguments)
        screen.seek(0)
        return screen.read()


def published(text: str) -> str:
    """An output as the book prints it."""
    for pattern, sample in SAMPLES:
        text = re.sub(pattern, sample, text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).strip("\n")

"""A plan with every kind of change, applied by real processes to a system behind a socket, and killed.

Terms: a *run* is one process of the command. A *trial* is a run that is killed
at one point, and then, for each of two copies of what it left behind (the
folder with its journal, and the directory), a run that ends the work, once as
it was reviewed and once planned afresh, and a run that plans again. What was reviewed is
applied after reading everything, or what the plan is about: the points take turns.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from tenant import FILES, KEY, LITTLE, LITTLE_SETTINGS, SEED, SETTINGS

from reconciler import workflow
from reconciler.sandbox.faults import Dropped
from reconciler.sandbox.omni.instance import SITE, Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.sandbox.pretend import Site
from reconciler.sandbox.server import serve
from reconciler.target.settings import load_targets
from reconciler.transport.messages import Request, Response

TIMEOUT = 60
"""Seconds that a run may take before it counts as hung."""

How = Literal["saved", "part", "fresh"]
"""As it was reviewed, after reading everything or what the plan is about; or planned afresh."""
Effect = tuple[str, str, str]
"""Method, path and body of a write that took place."""


class System(Protocol):
    """A pretend system with all that is live in it."""

    def send(self, request: Request) -> Response:
        """Answer one request."""
        ...

    def told(self, request: Request) -> list[object]:
        """What a write says of each object."""
        ...

    def to_json(self) -> Any:
        """All of it, to begin from again."""
        ...

    def snapshot(self) -> Any:
        """What is live, for people."""
        ...

    @property
    def serial(self) -> int:
        """How many writes took place."""
        ...


@dataclass(frozen=True)
class Tenant:
    """What a project is about: a system as it is at first, and what the files want of it.

    ``opened`` makes the system of a seed, or of what ``to_json`` gave. ``also`` is what the
    command must be told beside its arguments (see sabotage.py). ``is_slow`` says that some of what
    it takes may not be done yet at the end of a run. ``path`` is what follows the host in its address.
    """

    opened: Callable[[Mapping[str, Any]], System]
    seed: Mapping[str, Any]
    settings: Mapping[str, Any]
    files: str
    site: Site
    also: Mapping[str, object] | None = None
    is_slow: bool = False
    path: str = ""


class PretendOmni(Store):
    """The store of a pretend Omni, which answers as one."""

    @classmethod
    def opened(cls, data: Mapping[str, Any]) -> "PretendOmni":
        """One over a seed, or over what was kept."""
        if "serial" not in data:
            return cls.from_seed(data)
        found = cls()
        found.load_json(data)
        return found

    def send(self, request: Request) -> Response:
        """Answer one request."""
        return Sandbox(self).send(request)

    def told(self, request: Request) -> list[object]:
        """A request is about one object."""
        return [request.json]


OMNI = Tenant(PretendOmni.opened, SEED, SETTINGS, FILES, SITE)
LITTLE_OMNI = replace(OMNI, settings=LITTLE_SETTINGS, files=LITTLE)


@dataclass
class Front:
    """What stands before the pretend Omni: it knows every write, and does as a trial wants it.

    ``on_write(number, process)`` is called for each write, counted from 1 since
    the last start of a process, and calls ``process`` to have it done. ``took``
    and ``refused`` are what became of the writes since the last begin.
    """

    tenant: Tenant
    switches: Mapping[str, object] = field(default_factory=dict)
    store: System = field(init=False)
    on_write: Callable[[int, Callable[[], Response]], Response] = lambda _, process: process()
    on_read: Callable[[], None] = lambda: None
    received: list[tuple[str, str]] = field(default_factory=list)
    took: list[Effect] = field(default_factory=list)
    refused: list[Effect] = field(default_factory=list)

    def begin(self, state: str | None = None) -> None:
        """Put what is live back to the seed, or to a state that was kept, and forget all hooks."""
        seed = self.tenant.seed
        if state is not None:
            seed = json.loads(state)
        elif self.switches:
            seed = {**seed, "switches": seed["switches"] | self.switches}
        self.store = self.tenant.opened(seed)
        self.took, self.refused = [], []
        self.calm()

    def calm(self) -> None:
        """Forget all hooks."""
        self.on_write, self.on_read = (lambda _, process: process()), (lambda: None)

    @property
    def state(self) -> str:
        """All that is live, to begin from again."""
        return json.dumps(self.store.to_json())

    def send(self, request: Request) -> Response:
        """Answer one request."""
        if request.method == "GET":
            self.on_read()
            return self.store.send(request)
        self.received.append((request.method, request.path))
        return self.on_write(len(self.received), lambda: self._process(request))

    def _process(self, request: Request) -> Response:
        response = self.store.send(request)
        for said in self.store.told(request):
            effect = (request.method, request.path, json.dumps(said, sort_keys=True))
            (self.took if response.ok else self.refused).append(effect)
        return response


@dataclass(frozen=True)
class Run:
    """How a process ended; ``code`` is negative where a signal ended it."""

    code: int
    out: str
    err: str


class Arena:
    """A project whose target is the server at ``url``; ``plan`` is the saved plan of all its changes."""

    def __init__(self, root: Path, url: str, front: Front) -> None:
        self.root, self.url, self.front, self.tenant = root, url, front, front.tenant
        self.files, self.plan, self.runs = root / "desired-state", root / "plan.json", 0
        target = self.files / "acme"
        target.mkdir(parents=True)
        (target / "target.yaml").write_text(
            json.dumps({**self.tenant.settings, "url": url + self.tenant.path}), encoding="utf-8"
        )
        (target / "all.yaml").write_text(self.tenant.files, encoding="utf-8")
        front.begin()
        made = self.run(root, "plan", "acme", "--out", str(self.plan))
        assert made.code == 0, made

    def start(
        self, folder: Path, *arguments: str, wrong: Mapping[str, object] | None = None
    ) -> subprocess.Popen[str]:
        """Start the command in a folder; with ``wrong``, in a world that went wrong (see sabotage.py)."""
        self.runs += 1
        self.front.received = []
        host = self.url.removeprefix("http://")
        told = {**(self.tenant.also or {}), **(wrong or {})} or None
        return command(folder, *arguments, "--dir", str(self.files), wrong=told, allowed=host)

    def run(self, folder: Path, *arguments: str, wrong: Mapping[str, object] | None = None) -> Run:
        """Start the command and see it to its end."""
        return finish(self.start(folder, *arguments, wrong=wrong))

    def apply(self, folder: Path, how: How = "saved", wrong: Mapping[str, object] | None = None) -> Run:
        """Apply the saved plan in one of two ways, or a fresh one."""
        return self.run(folder, "apply", "acme", *self.way(how), wrong=wrong)

    def start_apply(self, folder: Path, how: How = "saved") -> subprocess.Popen[str]:
        """Start such an apply, and leave it running."""
        return self.start(folder, "apply", "acme", *self.way(how))

    def way(self, how: How) -> tuple[str, ...]:
        """The arguments that approve."""
        if how == "fresh":
            return ("--auto-approve",)
        return ("--plan", str(self.plan), "--read", "part" if how == "part" else "everything")

    def folder(self, name: str) -> Path:
        """A new folder to run in, whose journals and lock are its own."""
        path = self.root / name
        path.mkdir(parents=True)
        return path


def command(
    folder: Path, *arguments: str, wrong: Mapping[str, object] | None = None, allowed: str = ""
) -> subprocess.Popen[str]:
    """Start the command as a process of its own, with nothing of our environment."""
    script = ["-P", str(Path(__file__).with_name("sabotage.py")), json.dumps(wrong)]
    return subprocess.Popen(
        [sys.executable, *(["-m", "reconciler"] if wrong is None else script), *arguments],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "OMNI_API_KEY": KEY,
            "TOY_WORD": KEY,
            "SCIM_TOKEN": KEY,
            "RECONCILER_ALLOWED_HOSTS": allowed,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def under_way(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A run that something is done to meanwhile; it is over at the end of the block, however that ends."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def finish(process: subprocess.Popen[str]) -> Run:
    """Wait for a run; raises TimeoutExpired, and ends it, where it hangs."""
    with under_way(process):
        out, err = process.communicate(timeout=TIMEOUT)
    return Run(process.returncode, out, err)


@contextmanager
def arena(root: Path, switches: Mapping[str, object] | None = None, tenant: Tenant = OMNI) -> Iterator[Arena]:
    """A pretend system on loopback, which behaves as the switches say, with a project below ``root``."""
    front = Front(tenant, switches or {})
    with serve(front, tenant.site) as server:
        yield Arena(root, server.url, front)


def journals(folder: Path) -> list[Path]:
    """The journals in a folder, in the order of their runs."""
    return sorted((folder / ".reconciler" / "runs").glob("*.jsonl"))


def entries(journal: Path, *, whole: bool = True) -> list[dict[str, Any]]:
    """Every line of a journal; unless it is to be ``whole``, the very last one may have been cut."""
    *lines, rest = journal.read_text(encoding="ascii").split("\n")
    assert not (whole and rest), f"{journal} ends within a line"
    rows = [json.loads(line) for line in lines]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    return rows


def assert_evidence(journal: Path, received: Sequence[tuple[str, str]]) -> None:
    """Whatever reached the server stands in the journal, in the same order, and at most one more does."""
    rows = entries(journal, whole=False)
    intents = [(row["method"], row["path"]) for row in rows if row["event"] == "intent"]
    assert intents[: len(received)] == list(received)
    assert len(intents) <= len(received) + 1


def assert_free(arena: "Arena", folder: Path) -> None:
    """Nobody holds the lock."""
    (target,) = load_targets(arena.files)
    with workflow.locked(replace(target, journal=folder / target.journal)):
        pass


@dataclass(frozen=True, order=True)
class Kill:
    """Where a run is killed: at a write that the server receives, or at a line of the journal.

    A write: ``before`` it is done, ``after`` it is done and before it is
    answered, or once it is ``answered``. A line: ``before`` it is written, when
    ``half`` of it is, or ``after`` it is on the disk.
    """

    what: Literal["write", "line"]
    number: int
    moment: Literal["before", "half", "after", "answered"]


@dataclass(frozen=True)
class Untroubled:
    """What a run does that nothing happens to: its writes, the size of its journal, what is live then."""

    writes: int
    took: list[Effect]
    lines: list[int]
    live: dict[str, Any]
    serial: int

    def kills(self) -> list[Kill]:
        """Every point at which such a run can be killed."""
        return [
            *(Kill("write", n + 1, at) for n in range(self.writes) for at in ("before", "after", "answered")),
            *(Kill("line", n + 1, at) for n in range(len(self.lines)) for at in ("before", "half", "after")),
        ]


def untroubled(arena: Arena, name: str = "untroubled", how: How = "saved") -> Untroubled:
    """Apply everything, with nothing in the way."""
    folder, front = arena.folder(name), arena.front
    front.begin()
    run = arena.apply(folder, how)
    assert run.code == 0, run
    (journal,) = journals(folder)
    assert [row["event"] for row in entries(journal)][-1] == "end"
    sizes = [len(line) for line in journal.read_bytes().splitlines(keepends=True)]
    return Untroubled(
        len(front.received), list(front.took), sizes, front.store.snapshot(), front.store.serial
    )


def killed(arena: Arena, folder: Path, kill: Kill, how: How) -> Run:
    """An apply that dies at this point."""
    if kill.what == "line":
        return arena.apply(folder, how, {"line": kill.number, "moment": kill.moment})
    process = arena.start_apply(folder, how)

    def on_write(number: int, done: Callable[[], Response]) -> Response:
        if number != kill.number:
            return done()
        if kill.moment == "answered":
            # The answer is on its way; where the kill finds the process differs from one write to the next.
            threading.Timer(number % 4 / 1000, process.kill).start()
            return done()
        if kill.moment == "after":
            done()
        process.kill()
        raise Dropped

    arena.front.on_write = on_write
    return finish(process)


def trial(arena: Arena, clean: Untroubled, kill: Kill) -> None:
    """Kill a run, end its work in both ways, and see that all of it was done once, and nothing else."""
    front, top = arena.front, arena.folder(f"{kill.what}-{kill.number}-{kill.moment}")
    base = top / "killed"
    base.mkdir()
    front.begin()
    reviewed: tuple[How, How] = ("saved", "part") if (kill.number // 2) % 2 else ("part", "saved")
    run = killed(arena, base, kill, reviewed[0] if kill.number % 2 else "fresh")
    assert run.code == -9, run
    (journal,) = journals(base)
    assert_evidence(journal, front.received)
    assert_free(arena, base)
    state, took, refused = front.state, front.took, front.refused
    for how in (reviewed[kill.moment in ("before", "answered")], "fresh"):
        folder = shutil.copytree(base, top / how)
        front.begin(state)
        front.took, front.refused = list(took), list(refused)
        run = arena.apply(folder, how)
        if arena.tenant.is_slow and "Pending\n" in run.out:
            run = arena.apply(folder, how)
        assert run.code == 0, run
        assert_settled(arena, folder, clean)
        # A run that had nothing left to do has no journal.
        first, *second = journals(folder)
        assert first.read_bytes() == journal.read_bytes()
        assert {entries(each)[-1]["event"] for each in second} <= {"end"}
    shutil.rmtree(top)


def assert_settled(arena: Arena, folder: Path, clean: Untroubled) -> None:
    """A new plan is empty, every write took place once, and what is live is what it is to be."""
    front = arena.front
    assert front.refused == []
    assert Counter(front.took) == Counter(clean.took)
    assert front.store.snapshot() == clean.live
    assert_free(arena, folder)
    run = arena.run(folder, "plan", "acme", "--detailed-exitcode")
    assert run.code == 0, run

"""One measurement for each call, in a process of its own; the numbers go to standard output as JSON.

A process for each, since the peak of memory is one of the process, and since
what lies around in memory makes Python's garbage collector, and so a plain
``yaml.load``, slower.
"""

import gc
import json
import random
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import company
import yaml

from reconciler import workflow
from reconciler.sandbox.omni import Sandbox
from reconciler.sandbox.store import Store
from reconciler.settings import Session, Target, load_targets
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Request, Response, Transport
from reconciler.transport.pacing import Paced, Window

TARGET = "kind: omni\nurl: https://acme.omniapp.co\nkeys: [{env: OMNI_API_KEY}]\nrequests_per_minute: 60\n"
WRITES = 300
LIMIT = 60
ANSWER_TIMES = (0.0, 0.1, 0.15, 0.3, 1 / 3)
"""Seconds for one answer; sums of some of them round, and that must not make a start come too early."""


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Seconds since the start."""
        return self.time

    def wall(self) -> float:
        """The same; nothing here compares it with a date."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds


class Counting:
    """A Transport that counts what passes, and remembers when the last write was answered."""

    def __init__(self, inner: Transport, clock: Clock, answer_time: float) -> None:
        self._inner = inner
        self._clock = clock
        self._answer_time = answer_time
        self.methods: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.last_write = 0.0

    def send(self, request: Request) -> Response:
        """Pass one request on."""
        self._clock.sleep(self._answer_time)
        response = self._inner.send(request)
        self.methods["read" if request.method == "GET" else "write"] += 1
        self.statuses[response.status] += 1
        if request.method != "GET":
            self.last_write = self._clock.now()
        return response

    def take(self) -> Counter[str]:
        """What was counted since the last time."""
        taken, self.methods = self.methods, Counter()
        return taken


def make(folder: Path, size: str) -> dict[str, Any]:
    """Write the company's files, in one and in a hundred, and the sandbox's seed."""
    made = company.make(int(size))
    for number in (1, 100):
        target = folder / f"in-{number}" / "acme"
        target.mkdir(parents=True)
        (target / "target.yaml").write_text(TARGET, "utf-8")
        for index, text in enumerate(made.files(number)):
            (target / f"people-{index:03}.yaml").write_text(text, "utf-8")
    (folder / "seed.json").write_text(json.dumps(made.seed()), "utf-8")
    return asdict(made.least())


def load(root: Path, rounds: str) -> dict[str, float]:
    """Seconds to validate a folder, and for a plain yaml.load of the same files: the best of each."""
    target = _target(root)
    paths = sorted(root.rglob("*.yaml"))

    def plain() -> object:
        return [yaml.load(path.read_text("utf-8"), yaml.CSafeLoader) for path in paths]

    def uncollected() -> object:
        gc.disable()
        try:
            return plain()
        finally:
            gc.enable()

    best: dict[str, float] = {}
    for _ in range(int(rounds)):
        for name, work in (
            ("plain", plain),
            ("validate", lambda: workflow.validate(target)),
            ("uncollected", uncollected),
        ):
            best[name] = min(best.get(name, 1e9), _seconds(work))
    return best


def validate(root: Path) -> dict[str, float]:
    """The peak of memory, in MB, of a process that only validates; and what it had before."""
    target, before = _target(root), _peak()
    seconds = _seconds(lambda: workflow.validate(target))
    return {"seconds": seconds, "before": before, "peak": _peak()}


def plan(root: Path, seed: str, rounds: str) -> dict[str, float]:
    """Plan, apply and plan again; seconds of the first plan, and requests of each step."""
    target, clock = _target(root), Clock()
    store = Store.from_seed(json.loads(Path(seed).read_bytes()))
    counting, session = _session(store, clock)
    gc.collect()
    before = _peak()
    seconds = min(_seconds(lambda: workflow.plan(target, session)) for _ in range(int(rounds)))
    peak = _peak()
    counting.take()
    proposal = workflow.propose(target, session)
    reads = counting.take()
    assert not proposal.violations, proposal.violations
    apply_seconds = _seconds(lambda: _apply(target, session, proposal))
    applied = counting.take()
    left = workflow.plan(target, session).plan.changes
    assert not left, f"{len(left)} changes are left after the apply"
    return {
        "seconds": seconds,
        "before": before,
        "peak": peak,
        "reads": reads["read"],
        "writes": reads["write"] + applied["write"],
        "read_back": applied["read"],
        "apply": apply_seconds,
        "changes": len(proposal.plan.changes),
    }


def pace(folder: Path) -> dict[str, float]:
    """Seconds for 300 writes under a limit that the sandbox enforces, with the reads before them.

    The longest of several runs, which differ in how long one answer takes.
    """
    acme = folder / "pace" / "acme"
    acme.mkdir(parents=True)
    emails = [f"person.{number:06}@acme.com" for number in range(WRITES)]
    seed = {
        "switches": {"requests_per_minute": LIMIT},
        "users": {email: {"name": "Before"} for email in emails},
    }
    (acme / "target.yaml").write_text(TARGET, "utf-8")
    text = "users:\n" + "".join(f"  {email}: {{name: After}}\n" for email in emails)
    (acme / "people.yaml").write_text(text, "utf-8")
    target = _target(acme.parent)
    longest, busy = 0.0, 0
    for answer_time in ANSWER_TIMES:
        clock = Clock()
        counting, session = _session(Store.from_seed(seed), clock, LIMIT, answer_time)
        _apply(target, session, workflow.propose(target, session))
        busy += counting.statuses[429]
        longest = max(longest, counting.last_write)
    return {"seconds": longest, "busy": busy}


def _target(root: Path) -> Target:
    (target,) = load_targets(root)
    return replace(target, journal=root.parent / "runs")


def _session(
    store: Store, clock: Clock, limit: int = 0, answer_time: float = 0.0
) -> tuple[Counting, Session]:
    """A connection to a store, with what counts its requests next to the store."""
    counting = Counting(Sandbox(store, clock=clock.now), clock, answer_time)
    paced = Paced(bearer(counting, Secret("sandbox")), Window(limit), clock, random.Random(1).random)  # noqa: S311
    return counting, Session(paced, threading.Event(), clock.sleep)


def _apply(target: Target, session: Session, proposal: workflow.Proposal) -> None:
    report = workflow.apply(target, session, proposal)
    assert report.complete, report.counts


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    started = time.perf_counter()
    result = work()
    taken = time.perf_counter() - started
    del result
    return taken


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    step, where, *rest = sys.argv[1:]
    steps: dict[str, Callable[..., Any]] = {
        each.__name__: each for each in (make, load, validate, plan, pace)
    }
    print(json.dumps(steps[step](Path(where), *rest)))

"""One measurement for each call, in a process of its own; the numbers go to standard output as JSON.

A process for each, since the peak of memory is one of the process, and since
what lies around in memory makes Python's garbage collector, and so a plain
``yaml.load``, slower.
"""

import cProfile
import gc
import json
import random
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from math import ceil
from pathlib import Path
from typing import Any

import company
import site_of_pleio
import yaml
import zone

from reconciler import workflow
from reconciler.report import Mandate
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.sandbox.scim.instance import Sandbox as SomeSandbox
from reconciler.sandbox.scim.store import Store as SomeDirectory
from reconciler.target.session import Session, connect
from reconciler.target.settings import Target, load_targets
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Request, Response, Transport
from reconciler.transport.pacing import Paced, Window
from reconciler.views.html import plan_html
from reconciler.views.markdown import plan_markdown
from reconciler.views.text import plan_text

TARGET = "kind: omni\nurl: https://acme.omniapp.co\nkeys: [{env: OMNI_API_KEY}]\nrequests_per_minute: 60\n"
DIRECTORY = "kind: scim\nurl: https://directory.example/scim/v2\nkeys: [{env: SCIM_TOKEN}]\n"
EMBEDDED = (
    "kind: omni\nurl: https://acme.omniapp.co\nsandbox: {seed: seed.yaml, state: .reconciler/sandbox.json}\n"
)
_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@acme.com")
LIMIT = 60
MINUTE = 60.0
ANSWER_TIMES = (0.0, 0.1, 0.15, 0.2, 0.3, 1 / 3)
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


def make(folder: Path, size: str, *numbers: str) -> dict[str, Any]:
    """Write the company's files, cut into each of these numbers of files, and the sandbox's seed."""
    made = company.make(int(size))
    for number in map(int, numbers):
        _write(made, folder / f"in-{number}" / "acme", TARGET, number)
    (folder / "seed.json").write_text(json.dumps(made.seed()), "utf-8")
    return asdict(made.least())


def table(folder: Path, size: str) -> dict[str, float]:
    """Write the company's people as a table, and their groups as YAML."""
    made = company.make(int(size))
    target = folder / "in-table" / "acme"
    target.mkdir(parents=True)
    (target / "target.yaml").write_text(f"{TARGET}sources: {json.dumps([made.source()])}\n", "utf-8")
    (target / "people.csv").write_text(made.table(), "utf-8")
    (target / "groups.yaml").write_text("".join(made.files(1)).partition("users:\n")[0], "utf-8")
    return {}


def newcomers(folder: Path, size: str) -> dict[str, Any]:
    """Write files of people who are all new to an empty sandbox, and as many TXT records for octoDNS."""
    made = company.newcomers(int(size))
    acme = folder / "ours" / "acme"
    _write(made, acme, EMBEDDED, 1)
    (acme / "seed.yaml").write_text(json.dumps(made.seed()), "utf-8")
    zone.write(folder / "theirs", int(size))
    return {}


def _write(made: company.Company, target: Path, target_yaml: str, number: int) -> None:
    target.mkdir(parents=True)
    (target / "target.yaml").write_text(target_yaml, "utf-8")
    for index, text in enumerate(made.files(number)):
        (target / f"people-{index:03}.yaml").write_text(text, "utf-8")


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
            best[name] = min(best.get(name, 1e9), _times(work)[0])
    return best


def validate(root: Path, rounds: str) -> dict[str, float]:
    """How long it takes to validate, and the memory of a process that does only that."""
    target = _target(root)
    return _best(lambda: workflow.validate(target), rounds)


def plan(root: Path, seed: str, rounds: str) -> dict[str, float]:
    """How long it takes to plan, with the reading of the files and the sandbox's answers, and the memory."""
    target = _target(root)
    _, session = _session(Store.from_seed(json.loads(Path(seed).read_bytes())), Clock())
    return _best(lambda: workflow.plan(target, session), rounds)


def calls(root: Path, seed: str) -> dict[str, int]:
    """How many functions are called, Python's own too, to validate and to plan: no machine moves that."""
    target = _target(root)
    _, session = _session(Store.from_seed(json.loads(Path(seed).read_bytes())), Clock())
    # What is made once, at the first use, is no part of it.
    workflow.plan(target, session)
    with cProfile.Profile() as profile:
        workflow.validate(target)
        workflow.plan(target, session)
    return {"calls": sum(entry.callcount for entry in profile.getstats())}


def requests(root: Path, seed: str) -> dict[str, int]:
    """Plan, apply, and make sure that nothing is left; the requests of each step."""
    target = _target(root)
    counting, session = _session(Store.from_seed(json.loads(Path(seed).read_bytes())), Clock())
    return _counted(target, counting, session)


def _counted(target: Target, counting: Counting, session: Session) -> dict[str, int]:
    """The requests of a plan and its apply; raises AssertionError where anything is left."""
    proposal = workflow.propose(target, session)
    planned = counting.take()
    assert not proposal.plan.violations, proposal.plan.violations
    _apply(target, session, proposal)
    applied = counting.take()
    left = workflow.plan(target, session).plan.changes
    assert not left, f"{len(left)} changes are left after the apply"
    return {
        "reads": planned["read"],
        "writes": planned["write"] + applied["write"],
        "read_back": applied["read"],
    }


def directory(folder: Path, users: str) -> dict[str, int]:
    """Plan and apply what two in a hundred people differ in, in a directory that speaks SCIM."""
    acme = folder / f"directory-{users}" / "acme"
    acme.mkdir(parents=True)
    emails = [f"person.{number:06}@acme.com" for number in range(int(users))]
    seed = {"users": {email: {"displayName": "Name", "title": "Before"} for email in emails}}
    (acme / "target.yaml").write_text(DIRECTORY, "utf-8")
    titles = [(email, "Before" if number % 50 else "After") for number, email in enumerate(emails)]
    text = "users:\n" + "".join(f"  {one}: {{attributes: {{title: {title}}}}}\n" for one, title in titles)
    (acme / "people.yaml").write_text(text, "utf-8")
    target, clock = _target(acme.parent), Clock()
    store = SomeDirectory.from_seed(seed)
    counting = Counting(SomeSandbox(store, clock=clock.now), clock, 0.0)
    paced = Paced(bearer(counting, Secret("sandbox")), Window(0), clock, random.Random(1).random)  # noqa: S311 (no secret)
    return _counted(target, counting, Session(paced, threading.Event(), clock.sleep))


def little(folder: Path, size: str, what: str) -> dict[str, float]:
    """Requests and seconds to plan and apply one change in files that git keeps, where little is read."""
    live = company.make(int(size)).live
    acme = folder / f"little-{size}-{what}" / "desired-state" / "acme"
    _write(company.Company(live, live), acme, TARGET, 1)
    for command in (("init", "-q"), ("add", "."), (*_AUTHOR, "commit", "-qm", "As it is live.")):
        subprocess.run(["git", *command], cwd=acme, check=True)  # noqa: S603, S607 (commands from here)
    made = company.with_one_change(live, what)
    (acme / "people-000.yaml").write_text(next(made.files(1)), "utf-8")
    target = _target(acme.parent)
    counting, session = _session(Store.from_seed(made.seed()), Clock())
    began = time.perf_counter()
    saved = workflow.plan(target, session, workflow.Options(base="HEAD", only=("changed",))).plan
    planned, plan_seconds = counting.take(), time.perf_counter() - began
    began = time.perf_counter()
    _apply(target, session, workflow.propose(target, session, saved=saved))
    applied = counting.take()
    assert applied["write"], "nothing was written"
    return {
        "lists": ceil(len(live.groups) / company.PAGE),
        "plan": planned.total(),
        "plan_seconds": plan_seconds,
        "apply": applied.total(),
        "apply_seconds": time.perf_counter() - began,
    }


def views(company: Path) -> dict[str, float]:
    """Seconds for each view of a plan in which everybody changes."""
    target = _target(company / "ours")
    with connect(target) as session:
        drawn = workflow.plan(target, session).plan
    return {
        "changes": len(drawn.changes),
        "text": _times(lambda: plan_text(drawn, width=80, color=True))[0],
        "markdown": _times(lambda: plan_markdown(drawn))[0],
        "html": _times(lambda: plan_html(drawn))[0],
    }


def pace(folder: Path, writes: str, keys: str) -> dict[str, float]:
    """Seconds for so many writes under a limit that the sandbox enforces, with the reads before them.

    The longest of several runs, which differ in how long one answer takes. One
    request is sent at a time, so several keys help as long as an answer comes
    within their share of the limit; runs in which it would not are left out.
    """
    acme = folder / f"pace-{writes}-{keys}" / "acme"
    acme.mkdir(parents=True)
    emails = [f"person.{number:06}@acme.com" for number in range(int(writes))]
    seed = {
        "switches": {"requests_per_minute": LIMIT},
        "users": {email: {"name": "Before"} for email in emails},
        "keys": {f"key-{number}": {} for number in range(int(keys))},
    }
    (acme / "target.yaml").write_text(TARGET, "utf-8")
    text = "users:\n" + "".join(f"  {email}: {{name: After}}\n" for email in emails)
    (acme / "people.yaml").write_text(text, "utf-8")
    target = _target(acme.parent)
    longest, busy = 0.0, 0
    for answer_time in ANSWER_TIMES:
        if answer_time * LIMIT * int(keys) > MINUTE:
            continue
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
    """A connection to a store by all of its keys, with what counts its requests next to the store."""
    counting = Counting(Sandbox(store, clock=clock.now), clock, answer_time)
    first, *others = [(bearer(counting, Secret(token)), Window(limit)) for token in store.keys]
    paced = Paced(*first, clock, random.Random(1).random, others=others)  # noqa: S311 (no secret)
    return counting, Session(paced, threading.Event(), clock.sleep)


def _apply(target: Target, session: Session, proposal: workflow.Proposal) -> None:
    report = workflow.apply(target, session, proposal, Mandate("bench", proposal.plan.digest))
    assert report.complete, report.counts


def _times(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of this process alone."""
    gc.collect()
    started, busy = time.perf_counter(), time.process_time()
    result = work()
    taken = time.perf_counter() - started, time.process_time() - busy
    del result
    return taken


def _best(work: Callable[[], object], rounds: str) -> dict[str, float]:
    """The shortest of the rounds in either time, and the memory before and at the peak, in MB."""
    gc.collect()
    before = _peak()
    times = [_times(work) for _ in range(int(rounds))]
    seconds, processor = map(min, zip(*times, strict=True))
    return {"seconds": seconds, "processor": processor, "before": before, "peak": _peak()}


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    step, where, *rest = sys.argv[1:]
    steps: dict[str, Callable[..., Any]] = {
        each.__name__: each
        for each in (
            make,
            table,
            newcomers,
            load,
            validate,
            plan,
            calls,
            requests,
            directory,
            little,
            views,
            pace,
        )
    }
    steps["night"] = site_of_pleio.night
    print(json.dumps(steps[step](Path(where), *rest)))

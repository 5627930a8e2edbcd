"""What the workflows of a checkout say: on which branches they run, and which job gets which secrets.

They are read as strictly as every other file. A value that this refuses, such as an
anchor, is missing from the data; a job that cannot be read is named.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.desired.documents import parse
from reconciler.starter.write import WORKFLOWS

FOLDER = ".github/workflows"
_SECRET = re.compile(r"secrets\.([A-Za-z_]\w*)", re.ASCII)
_OWN = "GITHUB_TOKEN"
_LIMITED = ("push", "pull_request", "pull_request_target")
"""The events that ``branches`` may limit (GitHub docs: Events that trigger workflows)."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job: the environment that it names, empty without one, and the secrets that it reads."""

    name: str
    environment: str
    secrets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Workflow:
    """One file: its jobs, and the branches by the event that they limit.

    ``unread`` says why the file, or a part of it, cannot be checked, else "";
    ``exists`` is False where there is no such file.
    """

    file: str
    branches: Mapping[str, tuple[str, ...]]
    jobs: tuple[Job, ...]
    unread: str = ""
    exists: bool = True


def read_workflows(top: Path) -> list[Workflow]:
    """The workflows that `reconciler init` writes, as the checkout has them."""
    return [_read(top / FOLDER / f"{name}.yml") for name in WORKFLOWS]


def _read(path: Path) -> Workflow:
    try:
        raw = path.read_bytes()
    except OSError as error:
        why = "" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        return Workflow(path.name, {}, (), why, exists=bool(why))
    data = parse(raw, path.name).data
    jobs = data.get("jobs")
    if not isinstance(jobs, dict) or not jobs:
        return Workflow(path.name, {}, (), "has no jobs that can be read")
    by_name = {name: _job(name, job) for name, job in jobs.items()}
    unread = ", ".join(name for name, job in by_name.items() if job is None)
    why = f"has something that cannot be checked, in the job {unread}" if unread else ""
    return Workflow(path.name, dict(_branches(data.get("on"))), tuple(filter(None, by_name.values())), why)


def _branches(events: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    for event, limits in events.items() if isinstance(events, dict) else ():
        named = limits.get("branches") if isinstance(limits, dict) else None
        if event in _LIMITED and named is not None:
            yield event, tuple(str(each) for each in (named if isinstance(named, list) else [named]))


def _job(name: str, job: object) -> Job | None:
    """A job; None where its environment is not a plain text, by itself or under ``name``."""
    if not isinstance(job, dict):
        return None
    named: Any = job.get("environment", "")
    environment = named.get("name") if isinstance(named, dict) else named
    if not isinstance(environment, str) or "${{" in environment:
        return None
    return Job(name, environment, frozenset(_secrets(job)) - {_OWN})


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from _SECRET.findall(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _secrets(inner)

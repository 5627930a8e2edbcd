"""``target.yaml`` and the environment, as one wired target.

Credentials are named in the file and resolved last, when a connection is made:
nothing before that can hold one. Where a key may be sent is decided by the
process's own environment alone, never by a file that a pull request can write.
"""

import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from reconciler.desired import files
from reconciler.errors import Invalid, Place, Problem
from reconciler.model import DesiredState
from reconciler.planning.scope import Limits, Policy
from reconciler.providers.base import Provider
from reconciler.providers.registry import PROVIDERS
from reconciler.sandbox.omni import Sandbox
from reconciler.sandbox.seed import DEFAULT_TOKEN
from reconciler.sandbox.store import Store
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.hosts import ALLOWED_HOSTS, api_root, check_host
from reconciler.transport.logged import Logged
from reconciler.transport.messages import Transport
from reconciler.transport.network import Network
from reconciler.transport.pacing import Paced, SystemClock, Window

PACE = 55
"""Requests in any 60 seconds where target.yaml names no other number; Omni's documented limit is 60."""


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one target: the transport, how to stop it, and how to wait without holding that up."""

    transport: Transport
    stop: threading.Event
    wait: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Target:
    """One configured system. ``key`` is a reference to the credential, never the credential.

    ``journal`` is the folder of the run journals; ``sandbox`` the seed and the
    state file of an embedded pretend system, None for a real one.
    """

    name: str
    folder: Path
    kind: str
    url: str
    policy: Policy
    requests_per_minute: int
    journal: Path
    key: Mapping[str, str]
    sandbox: tuple[Path, Path] | None

    @property
    def provider(self) -> Provider:
        """The code for this kind of system."""
        return PROVIDERS[self.kind]()

    @property
    def place(self) -> Place:
        """Where the target is configured."""
        return Place(files.shown(self.folder / "target.yaml"))

    def load(self) -> DesiredState:
        """Read and check the files; raises Invalid with every problem of every file."""
        return files.load(self.folder)


def load_targets(root: Path, names: Sequence[str] = ()) -> list[Target]:
    """The named targets below ``root``, or all of them; raises Invalid with every problem."""
    folders = files.find_targets(root)
    unknown = [name for name in names if name not in folders]
    problems = [
        Problem(
            Place(str(root / name)), "there is no such target", f"known are: {', '.join(folders) or 'none'}"
        )
        for name in unknown
    ]
    targets = []
    for name in [name for name in names if name in folders] or ([] if names else folders):
        try:
            targets.append(_target(name, folders[name]))
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(problems)
    return targets


def _target(name: str, folder: Path) -> Target:
    data, locate = files.load_target_file(folder)
    try:
        root = api_root(data["url"])
    except ValueError as error:
        raise Invalid([Problem(locate(("url",)), str(error))]) from None
    sandbox = data.get("sandbox")
    return Target(
        name=name,
        folder=folder,
        kind=data["kind"],
        url=root.removesuffix("/api"),
        policy=_policy(data),
        requests_per_minute=data.get("requests_per_minute", PACE),
        journal=Path(data.get("journal", ".reconciler/runs")),
        key=data.get("keys", [{}])[0],
        sandbox=(folder / sandbox["seed"], folder / sandbox["state"]) if sandbox else None,
    )


def _policy(data: Mapping[str, Any]) -> Policy:
    plain = Policy()
    manage, ignore, protect = data.get("manage", {}), data.get("ignore", {}), data.get("protect", {})
    leavers = data.get("leavers", {})
    users, removals = leavers.get("users", {}), data.get("limits", {}).get("removals", {})
    return Policy(
        manage=frozenset(manage.get("users", plain.manage)),
        exact_attributes=frozenset(manage.get("exact_attributes", ())),
        ignore_users=tuple(ignore.get("users", ())),
        ignore_groups=tuple(ignore.get("groups", ())),
        protect_users=tuple(protect.get("users", ())),
        protect_groups=tuple(protect.get("groups", ())),
        tombstone=users.get("tombstone", plain.tombstone),
        left_users=users.get("left_files", plain.left_users),
        left_groups=leavers.get("groups", {}).get("left_files", plain.left_groups),
        never_listed=users.get("never_listed", plain.never_listed),
        limits=Limits(**removals),
    )


def environment(folder: Path) -> dict[str, str]:
    """The process's environment with ``.env`` over it, as omni-user-manager has it.

    Where ``CI`` is set the file is not read, since a pull request can write it.
    """
    if os.environ.get("CI"):
        return dict(os.environ)
    values = dotenv_values(folder / ".env", interpolate=False)
    return {**os.environ, **{key: value for key, value in values.items() if value is not None}}


def resolve_key(target: Target, environ: Mapping[str, str]) -> Secret:
    """Fetch the credential that target.yaml refers to; raises Invalid where there is none."""
    if name := target.key.get("env"):
        value = environ.get(name, "")
        origin = f"the environment variable {name}"
        hint = f"export {name}=..., or write it into .env, which git must ignore"
    else:
        path = Path(target.key["file"])
        origin, hint = f"the key file {path}", "write the key into it"
        try:
            value = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise Invalid([Problem(target.place, f"{origin} cannot be read: {reason}", hint)]) from None
    if not value.strip():
        raise Invalid([Problem(target.place, f"{origin} is not set, or is empty", hint)])
    try:
        return Secret(value.strip(), origin)
    except ValueError as error:
        raise Invalid([Problem(target.place, str(error))]) from None


@contextmanager
def connect(
    target: Target,
    *,
    on_request: Callable[[str], None] | None = None,
    on_wait: Callable[[float, str], None] | None = None,
) -> Iterator[Session]:
    """Wire the transport of one target, innermost first: network or sandbox, log, credential, pace."""
    stop = threading.Event()
    clock = SystemClock(stop)
    with _base(target) as (base, key):
        logged = Logged(base, on_request) if on_request else base
        window = Window(target.requests_per_minute)
        paced = Paced(bearer(logged, key), window, clock, random.random, on_wait)
        yield Session(paced, stop, clock.sleep)


@contextmanager
def _base(target: Target) -> Iterator[tuple[Transport, Secret]]:
    """The network, or the embedded sandbox, and the credential for it."""
    if target.sandbox:
        seed, state = target.sandbox
        try:
            store = Store.open(seed, state)
        except (ValueError, OSError) as error:
            raise Invalid([Problem(Place(files.shown(seed)), str(error))]) from None
        yield Sandbox(store), Secret(DEFAULT_TOKEN)
        return
    root = api_root(target.url)
    check_host(root, os.environ.get(ALLOWED_HOSTS))
    network = Network(root)
    try:
        yield network, resolve_key(target, environment(Path()))
    finally:
        network.close()

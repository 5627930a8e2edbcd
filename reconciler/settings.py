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
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from reconciler import git
from reconciler.desired import files, history
from reconciler.errors import Invalid, Place, Problem, ReconcilerError, Unreachable
from reconciler.model import DesiredState
from reconciler.planning.scope import Limits, Policy, combined, stricter
from reconciler.providers.base import Provider
from reconciler.providers.quirks import NO_QUIRKS, Quirks
from reconciler.providers.registry import PROVIDERS
from reconciler.sandbox.omni import Sandbox
from reconciler.sandbox.seed import DEFAULT_TOKEN
from reconciler.sandbox.store import Store
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.hosts import ALLOWED_HOSTS, api_root, check_host
from reconciler.transport.logged import Logged
from reconciler.transport.messages import Reader, Request, Response, Transport
from reconciler.transport.network import Network
from reconciler.transport.pacing import Paced, Patience, SystemClock, Window

_LARGEST = 64 * 1024
"""Characters that are read of a key file or of .env; beyond that it is another kind of file."""

PACE = 55
"""Requests in any 60 seconds where target.yaml names no other number; Omni's documented limit is 60."""


class Stop(threading.Event):
    """The wish to stop, which a signal handler may set at any moment.

    A plain Event holds a lock for a moment inside of ``wait``; a handler that
    calls ``set`` just then waits for that lock forever.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_set = False
        self._until_set = threading.Lock()
        self._until_set.acquire()

    def is_set(self) -> bool:
        """Whether to stop."""
        return self._is_set

    def set(self) -> None:
        """Stop, from now on."""
        if not self._is_set:
            self._is_set = True
            self._until_set.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it, for so many seconds at most; returns whether to stop."""
        if self._until_set.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
            self._until_set.release()
        return self._is_set


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one target: the transport, how to stop it, and how to wait without holding that up.

    ``retry_after`` says whether a 429 of this session named how long to wait, None where none was met.
    ``keys`` is how many the transport sends with.
    """

    transport: Transport
    stop: threading.Event
    wait: Callable[[float], None]
    retry_after: Callable[[], bool | None] = lambda: None
    keys: int = 1

    @property
    def reader(self) -> Reader:
        """The half of it that cannot write."""
        return Reader(self.transport, self.keys)


@dataclass(frozen=True, slots=True)
class Target:
    """One configured system. ``keys`` are references to its credentials, never a credential.

    ``journal`` is the folder of the run journals; ``sandbox`` the seed and the
    state file of an embedded pretend system, None for a real one. ``probe`` says
    whether scratch objects may be made there; ``quirks`` what a probe found out.
    ``approvals`` is how many people must approve a pull request before it is applied.
    ``settings`` is the data of target.yaml. Where the settings of a base revision
    hold, ``pending`` names those that the folder's own files change, ``policy`` is
    the stricter of both, and ``base_policy`` the base's alone.
    """

    name: str
    folder: Path
    kind: str
    url: str
    policy: Policy
    requests_per_minute: int
    journal: Path
    keys: tuple[Mapping[str, str], ...]
    sandbox: tuple[Path, Path] | None
    probe: bool = False
    quirks: Quirks = NO_QUIRKS
    approvals: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    base_policy: Policy | None = None

    @property
    def provider(self) -> Provider:
        """The code for this kind of system."""
        return PROVIDERS[self.kind](self.quirks)

    @property
    def place(self) -> Place:
        """Where the target is configured."""
        return Place(files.shown(self.folder / "target.yaml"))

    def load(self) -> DesiredState:
        """Read and check the files; raises Invalid with every problem of every file."""
        return files.load(self.folder, settings=self.settings)


def at_base(target: Target, revision: str) -> Target:
    """The target with the settings, and the quirks, of a base revision: a change to them is only pending.

    Who proposes a change of the files can so not lift a limit, unprotect a user
    or point the key elsewhere in the same breath. Where the change is stricter
    about what is ours and what may be taken away, it holds at once. Raises Invalid where the
    revision cannot be read, or had no such target.
    """
    with history.at(target.folder, revision, "--base") as (scratch, shown_as):
        base = _target(target.name, target.folder, scratch, shown_as)
    now, then = _flat(target.settings), _flat(base.settings)
    changed = sorted(key for key in now.keys() | then.keys() if now.get(key) != then.get(key))
    if target.quirks != base.quirks:
        changed.append("quirks.yaml")
    both = stricter(base.policy, target.policy)
    ignore = {"users": both.ignore_users, "groups": both.ignore_groups}
    return replace(
        base,
        policy=both,
        base_policy=base.policy,
        settings={**base.settings, "ignore": ignore},
        pending=tuple(changed),
        approvals=max(base.approvals, target.approvals),
    )


def _flat(data: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return flat


def load_targets(root: Path, names: Sequence[str] = ()) -> list[Target]:
    """The named targets below ``root``, or all of them; raises Invalid with every problem."""
    folders = files.find_targets(root)
    # Twice named is meant once.
    names = tuple(dict.fromkeys(_named(name, folders) for name in names))
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
            _check_name(name, folders[name])
            targets.append(_target(name, folders[name]))
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(problems)
    return targets


def _check_name(name: str, folder: Path) -> None:
    """What was applied last is kept in a ref of git, which has the target's name."""
    if fault := git.fault_in_ref(name):
        message = f"a target cannot be called {name!r}: it has {fault}, which git allows in no ref"
        raise Invalid([Problem(Place(files.shown(folder)), message, "rename its folder")])


def _named(text: str, folders: Mapping[str, Path]) -> str:
    """The name of the target that a person means, who may give the path of its folder."""
    name = text.rstrip("/")
    paths = {os.path.abspath(folder): known for known, folder in folders.items()}  # noqa: PTH100 (as written)
    return name if name in folders else paths.get(os.path.abspath(text), text)  # noqa: PTH100 (likewise)


def _target(name: str, folder: Path, read_from: Path | None = None, shown_as: str = "") -> Target:
    """One target; its settings may be read from another copy of its folder."""
    data, locate = files.load_target_file(read_from or folder, shown_as)
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
        keys=tuple(data.get("keys", ())),
        sandbox=(folder / sandbox["seed"], folder / sandbox["state"]) if sandbox else None,
        probe=data.get("probe", False),
        quirks=Quirks(**files.load_quirks(read_from or folder, shown_as)),
        approvals=data.get("github", {}).get("approvals", 1),
        settings=data,
    )


def _policy(data: Mapping[str, Any]) -> Policy:
    plain = Policy()
    manage, ignore, protect = data.get("manage", {}), data.get("ignore", {}), data.get("protect", {})
    leavers = data.get("leavers", {})
    users, limits = leavers.get("users", {}), data.get("limits", {})
    return Policy(
        manage=frozenset(manage.get("users", plain.manage)),
        exact_attributes=frozenset(manage.get("exact_attributes", ())),
        ignore_users=tuple(ignore.get("users", ())),
        ignore_groups=tuple(ignore.get("groups", ())),
        protect_users=tuple(protect.get("users", ())),
        protect_groups=tuple(protect.get("groups", ())),
        tombstone=combined(users.get("tombstone", plain.tombstone)),
        left_users=combined(users.get("left_files", plain.left_users)),
        left_groups=leavers.get("groups", {}).get("left_files", plain.left_groups),
        never_listed=combined(users.get("never_listed", plain.never_listed)),
        limits=_limits(plain.limits, limits.get("removals", {})),
        creations=_limits(plain.creations, limits.get("creations", {})),
    )


def _limits(plain: Limits, said: Mapping[str, Any]) -> Limits:
    # In a file `1.0` is text, since no canonical number ends in a zero.
    return Limits(float(said.get("share", plain.share)), said.get("floor", plain.floor))


def environment(folder: Path) -> dict[str, str]:
    """The process's environment with ``.env`` over it, as omni-user-manager has it; raises as ``dot_env``."""
    return {**os.environ, **dot_env(folder)}


def dot_env(folder: Path) -> dict[str, str]:
    """What the ``.env`` of a folder sets; an empty value sets nothing.

    Where ``CI`` is set the file is not read, since a pull request can write it.
    Raises Invalid where it cannot be read, or is no file: a pipe would never end.
    """
    path = folder / ".env"
    if _in_ci() or not path.exists():
        return {}
    if not path.is_file():
        message = f"{path} cannot be read: it is no regular file"
        raise Invalid([Problem(Place(str(path)), message, "put a text file in its place, or remove it")])
    values = dotenv_values(stream=StringIO(_read(path, Place(str(path)), str(path))), interpolate=False)
    return {key: value for key, value in values.items() if value and value.strip()}


def _in_ci() -> bool:
    return bool(os.environ.get("CI"))


def resolve_keys(target: Target, environ: Mapping[str, str]) -> list[Secret]:
    """Fetch the credentials that target.yaml refers to; raises Invalid where one is missing or twice."""
    keys = [_resolve(target, reference, environ) for reference in target.keys]
    if len({key.reveal() for key in keys}) < len(keys):
        message = "two of the keys are the same one, which does not make it faster"
        raise Invalid([Problem(target.place, message, "make another organization API key, or leave one out")])
    return keys


def _resolve(target: Target, reference: Mapping[str, str], environ: Mapping[str, str]) -> Secret:
    if name := reference.get("env"):
        value = environ.get(name, "")
        origin = f"the environment variable {name}"
        hint = f"export {name}=..., or write it into .env, which git must ignore"
        if _in_ci():
            hint = "hand it to this step of the job, from its secrets"
    else:
        path = Path(reference["file"])
        origin, hint = f"the key file {path}", "write the key into it"
        value = _read(path, target.place, origin)
    if not value.strip():
        raise Invalid([Problem(target.place, f"{origin} is not set, or is empty", hint)])
    try:
        return Secret(value.strip(), origin)
    except ValueError as error:
        raise Invalid([Problem(target.place, str(error))]) from None


def _read(path: Path, place: Place, what: str) -> str:
    """The text of a small file; raises Invalid at ``place`` where ``what`` cannot be read."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(_LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "check that it is there and that you may read it"
        raise Invalid([Problem(place, f"{what} cannot be read: {reason}", hint)]) from None


@contextmanager
def connect(
    target: Target,
    *,
    on_request: Callable[[str], None] | None = None,
    on_wait: Callable[[float, str], None] | None = None,
    patience: Patience | None = None,
    below_api: bool = True,
) -> Iterator[Session]:
    """Wire the transport of one target, innermost first: network or sandbox, log, credentials, pace.

    ``below_api=False`` reaches what the instance serves beside its API, as its own description.
    """
    stop = Stop()
    clock = SystemClock(stop)
    with _base(target, below_api=below_api) as (base, keys):
        logged = Logged(base, on_request) if on_request else base
        first, *others = [(bearer(logged, key), Window(target.requests_per_minute)) for key in keys]
        paced = Paced(*first, clock, random.random, on_wait, patience, others)
        yield Session(paced, stop, clock.sleep, lambda: paced.retry_after, len(keys))


@contextmanager
def _base(target: Target, *, below_api: bool) -> Iterator[tuple[Transport, list[Secret]]]:
    """The network, or the embedded sandbox, and the credentials for it."""
    if target.sandbox:
        seed, state = target.sandbox
        yield _Embedded(Sandbox(open_sandbox(seed, state))), [Secret(DEFAULT_TOKEN)]
        return
    root = api_root(target.url)
    check_host(root, os.environ.get(ALLOWED_HOSTS))
    network = Network(root if below_api else target.url)
    try:
        yield network, resolve_keys(target, environment(Path()))
    finally:
        network.close()


class _Embedded:
    """A sandbox inside this process: what its file cannot take has not taken place."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def send(self, request: Request) -> Response:
        """Send one request; raises Unreachable where the state file cannot be written."""
        try:
            return self._sandbox.send(request)
        except OSError as error:
            message = f"the pretend Omni cannot write its state file: {error.strerror}"
            raise Unreachable(message) from None


def open_sandbox(seed: Path, state: Path | None) -> Store:
    """The state of a pretend Omni; raises ReconcilerError where its files do not hold what they should."""
    try:
        return Store.open(seed, state)
    except ValueError as error:
        raise ReconcilerError(str(error)) from None

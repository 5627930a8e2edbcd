"""A connection to one target, wired in one place: network or sandbox, log, credentials, pace."""

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import ReconcilerError, Unreachable
from reconciler.sandbox.omni import Sandbox
from reconciler.sandbox.seed import DEFAULT_TOKEN
from reconciler.sandbox.store import Store
from reconciler.target.credentials import environment, resolve_keys
from reconciler.target.settings import Target
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.hosts import ALLOWED_HOSTS, api_root, check_host
from reconciler.transport.logged import Logged
from reconciler.transport.messages import Reader, Request, Response, Transport
from reconciler.transport.network import Network
from reconciler.transport.pacing import Paced, Patience, SystemClock, Window


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

"""A connection to one target, and the only place where one is wired: network or sandbox, log, keys, pace."""

import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Invalid, Problem, ReconcilerError, Unreachable
from reconciler.providers.kind import Kind
from reconciler.report import number_of, time_for
from reconciler.sandbox.pretend import Pretend
from reconciler.target.credentials import environment, key_names, resolve
from reconciler.target.settings import Target
from reconciler.transport.auth import Secret, hidden
from reconciler.transport.clock import Stop, SystemClock
from reconciler.transport.hosts import ALLOWED_HOSTS, api_root, check_host
from reconciler.transport.logged import Logged
from reconciler.transport.messages import Reader, Request, Response, Transport
from reconciler.transport.network import Network
from reconciler.transport.pacing import Paced, Patience, Window

_NOTICED = 30
"""Reads of fewer seconds are not told beforehand."""


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one target.

    ``stop`` ends every wait of the transport, and ``wait``, which sleeps for so many
    seconds. ``retry_after`` says whether the last 429 named how long to wait, None
    where there was none. ``keys`` is how many keys the transport sends with. ``announce`` is told of
    many reads before they are made, as ``Reader`` says it.
    """

    transport: Transport
    stop: threading.Event
    wait: Callable[[float], None]
    retry_after: Callable[[], bool | None] = lambda: None
    keys: int = 1
    announce: Callable[[int, str], None] = lambda *_: None

    @property
    def reader(self) -> Reader:
        """The half of the transport that cannot write."""
        return Reader(self.transport, self.keys, self.announce)


@contextmanager
def connect(
    target: Target,
    *,
    on_request: Callable[[str], None] | None = None,
    on_wait: Callable[[float, str], None] | None = None,
    on_many: Callable[[str], None] = lambda _: None,
    patience: Patience | None = None,
    below_api: bool = True,
) -> Iterator[Session]:
    """Connect to one target: network or sandbox, then log, credentials and pace around it.

    ``on_request`` is told of each request in one line, ``on_wait`` of each wait with
    its seconds and the reason, ``on_many`` in one line of reads that will take half a minute
    or more, before they begin. With ``below_api=False`` paths start at the host
    itself: an instance's own description is not below its API. Raises Invalid,
    Unreachable or ReconcilerError where the target cannot be connected to.
    """
    stop = Stop()
    clock = SystemClock(stop)
    with _base(target, below_api=below_api) as (base, keys):
        logged = Logged(base, on_request) if on_request else base
        first, *others = [(_let_in(target, logged, key), Window(target.requests_per_minute)) for key in keys]
        paced = Paced(*first, clock, random.random, on_wait, patience, others)
        announce = _forecast(target.requests_per_minute * len(keys), on_many)
        yield Session(paced, stop, clock.sleep, lambda: paced.retry_after, len(keys), announce)


def _forecast(pace: int, tell: Callable[[str], None]) -> Callable[[int, str], None]:
    """Tells how long many reads take at a pace, in requests a minute, where a person would notice."""

    def announce(requests: int, why: str) -> None:
        if requests * 60 >= pace * _NOTICED:
            time = f"about {time_for(requests, pace) or '1 min'} at {pace} a minute"
            tell(f"{number_of(requests, 'more request')}, {time}: {why}")

    return announce


def _let_in(target: Target, transport: Transport, secrets: Mapping[str, Secret]) -> Transport:
    """The transport with one credential, which is in nothing that comes back."""
    try:
        return hidden(target.system.authorise(transport, secrets, target.own), secrets.values())
    except ValueError as error:
        raise Invalid([Problem(target.place, str(error))]) from None


@contextmanager
def _base(target: Target, *, below_api: bool) -> Iterator[tuple[Transport, list[dict[str, Secret]]]]:
    """The network, or the embedded sandbox, and the credentials for it."""
    if target.sandbox:
        seed, state = target.sandbox
        pretend = open_sandbox(target.system, seed, state)
        secrets = {part: Secret(secret) for part, secret in pretend.secrets.items()}
        yield _Embedded(pretend.transport, target.system.title), [secrets]
        return
    hosts = target.system.hosts(target.own)
    root = api_root(target.url, hosts)
    check_host(root, os.environ.get(ALLOWED_HOSTS), hosts, key_names(target))
    network = Network(root if below_api else target.url)
    try:
        yield network, resolve(target, environment(Path()))
    finally:
        network.close()


class _Embedded:
    """A sandbox inside this process: a write that its state file cannot hold was not done."""

    def __init__(self, sandbox: Transport, title: str) -> None:
        self._sandbox = sandbox
        self._title = title

    def send(self, request: Request) -> Response:
        """Send one request; raises Unreachable where the state file cannot be written."""
        try:
            return self._sandbox.send(request)
        except OSError as error:
            message = f"the pretend {self._title} cannot write its state file: {error.strerror}"
            raise Unreachable(message) from None


def open_sandbox(kind: Kind, seed: Path, state: Path | None) -> Pretend:
    """A pretend system of this kind; raises ReconcilerError where its files are not valid."""
    try:
        return kind.open_sandbox(seed, state)
    except ValueError as error:
        raise ReconcilerError(str(error)) from None

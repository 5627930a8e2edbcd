"""A connection to one target, and the only place where one is wired: network or sandbox, log, keys, pace."""

import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.errors import Invalid, Problem, ReconcilerError, Unreachable
from reconciler.providers.kind import Kind
from reconciler.report import number_of, time_for
from reconciler.sandbox.pretend import Pretend
from reconciler.target.credentials import doors, environment, resolve
from reconciler.target.settings import Target
from reconciler.transport.auth import Secret, hidden
from reconciler.transport.clock import Clock, Stop, SystemClock
from reconciler.transport.hosts import ALLOWED_HOSTS, api_root, check_hosts
from reconciler.transport.logged import Logged
from reconciler.transport.media import with_media
from reconciler.transport.messages import Reader, Request, Response, Transport
from reconciler.transport.network import Network
from reconciler.transport.oauth import LARGEST_ANSWER, Grant, Token, Tokens, client, with_tokens
from reconciler.transport.pacing import Paced, Patience, Window

_NOTICED = 30
"""Reads of fewer seconds are not told beforehand."""


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one target.

    ``stop`` ends every wait of the transport, and ``wait``, which sleeps for so many
    seconds. ``retry_after`` says whether the last 429 named how long to wait, None
    where there was none. ``keys`` is how many keys the transport sends with. ``announce`` is told of
    many reads before they are made, as ``Reader`` says it. ``tokens`` are those that were got for the keys.
    """

    transport: Transport
    stop: threading.Event
    wait: Callable[[float], None]
    retry_after: Callable[[], bool | None] = lambda: None
    keys: int = 1
    announce: Callable[[int, str], None] = lambda *_: None
    tokens: Callable[[], Sequence[Token]] = tuple

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
    with ExitStack() as until_then:
        base, ways = _base(target, until_then, below_api=below_api)
        base = with_media(base, target.system.media(target.quirks))
        wiring = _Wiring(target, until_then, clock, on_request, on_wait, patience)
        first, *others = [(wiring.let_in(base, *way), Window(target.requests_per_minute)) for way in ways]
        paced = Paced(*first, clock, random.random, on_wait, patience, others)
        announce = _forecast(target.requests_per_minute * len(ways), on_many)
        yield Session(paced, stop, clock.sleep, lambda: paced.retry_after, len(ways), announce, wiring.held)


def _forecast(pace: int, tell: Callable[[str], None]) -> Callable[[int, str], None]:
    """Tells how long many reads take at a pace, in requests a minute, where a person would notice."""

    def announce(requests: int, why: str) -> None:
        if requests * 60 >= pace * _NOTICED:
            time = f"about {time_for(requests, pace) or '1 min'} at {pace} a minute"
            tell(f"{number_of(requests, 'more request')}, {time}: {why}")

    return announce


@dataclass(slots=True)
class _Wiring:
    """What stands around the network of one connection; ``tokens`` are those that its credentials get."""

    target: Target
    until_then: ExitStack
    clock: Clock
    on_request: Callable[[str], None] | None
    on_wait: Callable[[float, str], None] | None
    patience: Patience | None
    tokens: list[Tokens] = field(default_factory=list)

    def held(self) -> list[Token]:
        """Every token that is held."""
        return [token for tokens in self.tokens for token in tokens.kept]

    def let_in(self, base: Transport, secrets: Mapping[str, Secret], grant: Grant | None) -> Transport:
        """The transport with one credential, which is in nothing that comes back."""
        transport, target = self._logged(base), self.target
        if grant:
            self.tokens.append(self._tokens(grant, secrets))
            # The id is no secret: who is called so in the system must not be taken out of what is read.
            return hidden(with_tokens(transport, self.tokens[-1], grant.scopes), [secrets["secret"]])
        try:
            return hidden(target.system.authorise(transport, secrets, target.own), secrets.values())
        except ValueError as error:
            raise Invalid([Problem(target.place, str(error))]) from None

    def _tokens(self, grant: Grant, secrets: Mapping[str, Secret]) -> Tokens:
        """What gets tokens. It has no pace, and to ask twice does no harm."""
        path = urlsplit(grant.url).path
        network = Network(grant.url.removesuffix(path), largest=LARGEST_ANSWER, returns_redirects=True)
        self.until_then.callback(network.close)
        asking = client(self._logged(network), secrets["id"], secrets["secret"])
        unpaced = Window(None)
        patient = Paced(
            asking, unpaced, self.clock, random.random, self.on_wait, self.patience, harmless=["POST"]
        )
        return Tokens(patient, grant.url, self.clock.now)

    def _logged(self, transport: Transport) -> Transport:
        return Logged(transport, self.on_request) if self.on_request else transport


_Way = tuple[Mapping[str, Secret], Grant | None]


def _base(target: Target, until_then: ExitStack, *, below_api: bool) -> tuple[Transport, list[_Way]]:
    """The network, or the embedded sandbox, and the ways in."""
    if target.sandbox:
        seed, state = target.sandbox
        pretend = open_sandbox(target.system, seed, state)
        secrets = {part: Secret(secret) for part, secret in pretend.secrets.items()}
        return _Embedded(pretend.transport, target.system.title), [(secrets, None)]
    hosts = target.system.hosts(target.own)
    root = api_root(target.url, hosts)
    check_hosts(doors(target, root), os.environ.get(ALLOWED_HOSTS), hosts)
    network = Network(root if below_api else target.url)
    until_then.callback(network.close)
    grants = [one.grant for one in target.credentials]
    return network, list(zip(resolve(target, environment(Path())), grants, strict=True))


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

"""Tokens for a client's id and secret: OAuth2 client credentials (RFC 6749, section 4.4).

A token is asked for where a request first needs its scopes, and kept until shortly before it ends. A
system that refuses one (401) has done nothing, so the request is sent once more, with a new one. The
secret goes to the token's address alone, and no token goes there.

Whatever goes wrong here, the request itself was not sent: that is Unreachable, with what to do.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from urllib.parse import quote_plus, urlsplit

from reconciler.errors import NoAnswer, Unreachable
from reconciler.transport.auth import Secret, bearer, hidden, with_headers
from reconciler.transport.messages import Request, Response, Transport

LARGEST_ANSWER = 256 * 1024
"""In bytes, of an address that gives tokens."""
_LONGEST_TOKEN = 32 * 1024
_BEFORE_ITS_END = 30.0
"""Seconds: a token that ends sooner may end on its way."""
_LONGEST_LIFE = 10 * 365 * 86400
_SECONDS = re.compile(r"[0-9]{1,10}")
_LATER = {HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)}
_ELSEWHERE = range(300, 400)
_HINTS = {
    "invalid_request": "",
    "invalid_client": "check the id and the secret",
    "invalid_grant": "",
    "invalid_scope": "check `scopes`, and what this client may ask for",
    "unauthorized_client": "let this client use client credentials",
    "unsupported_grant_type": "it gives no tokens for client credentials",
}
"""The codes of RFC 6749, section 5.2. No other word of such an answer is shown: it may repeat the secret."""

Scopes = Callable[[Request], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Grant:
    """Where an id and a secret get tokens, and which scopes a request needs."""

    url: str
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class Token:
    """One token with the scopes that it has, and the seconds for which it is good; None: not told.

    ``renewed_at`` is when another one is got, in time.
    """

    secret: Secret
    scopes: frozenset[str]
    lasts: float | None = None
    renewed_at: float | None = None

    def is_good(self, now: float) -> bool:
        """Whether it can still be sent."""
        return self.renewed_at is None or now < self.renewed_at


@dataclass(slots=True)
class Tokens:
    """The tokens of one client, one for each set of scopes. Several threads may ask at once.

    ``transport`` leads to the host of ``url``; ``now`` gives seconds that never go back.
    """

    transport: Transport
    url: str
    now: Callable[[], float]
    _kept: dict[frozenset[str], Token] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def kept(self) -> list[Token]:
        """Every token that is held, by the order of their scopes."""
        return [self._kept[scopes] for scopes in sorted(self._kept, key=sorted)]

    def get(self, scopes: frozenset[str], instead_of: Token | None = None) -> Token:
        """A token for these scopes, and another one than one that was refused; raises Unreachable."""
        with self._lock:
            token = self._kept.get(scopes)
            if token is None or token is instead_of or not token.is_good(self.now()):
                token = self._kept[scopes] = self._ask(scopes)
            return token

    def _ask(self, scopes: frozenset[str]) -> Token:
        asked_at = self.now()
        wanted = (("scope", " ".join(sorted(scopes))),) if scopes else ()
        form = (("grant_type", "client_credentials"), *wanted)
        try:
            response = self.transport.send(Request("POST", urlsplit(self.url).path, form=form))
            secret, granted, lasts = _granted(response, scopes)
        except NoAnswer as error:
            message = f"no token from {self.url}, so nothing else was sent: {error}"
            raise Unreachable(message) from None
        renewed_at = None if lasts is None else asked_at + lasts - min(_BEFORE_ITS_END, lasts / 2)
        return Token(secret, granted, lasts, renewed_at)


def client(transport: Transport, name: Secret, secret: Secret) -> Transport:
    """A Transport that sends each request as this client (RFC 6749, section 2.3.1).

    Both are encoded as in a form, and so may hold any character.
    """
    pair = f"{quote_plus(name.reveal())}:{quote_plus(secret.reveal())}"
    basic = Secret(b64encode(pair.encode()).decode(), f"{name.name} with {secret.name}")
    headers = {"Authorization": f"Basic {basic.reveal()}"}
    return hidden(with_headers(transport, headers), [name, secret, basic])


def with_tokens(transport: Transport, tokens: Tokens, scopes: Scopes) -> Transport:
    """A Transport that sends each request with a token for the scopes that it needs."""
    return _WithTokens(transport, tokens, scopes)


class _WithTokens:
    def __init__(self, transport: Transport, tokens: Tokens, scopes: Scopes) -> None:
        self._transport = transport
        self._tokens = tokens
        self._scopes = scopes

    def send(self, request: Request) -> Response:
        """Send one request; raises Unreachable without a token, and what the inner Transport raises."""
        scopes = self._scopes(request)
        token = self._tokens.get(scopes)
        answer = bearer(self._transport, token.secret).send(request)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        another = self._tokens.get(scopes, instead_of=token)
        return bearer(self._transport, another.secret).send(request)


def _granted(response: Response, asked: frozenset[str]) -> tuple[Secret, frozenset[str], float | None]:
    """The token of an answer, its scopes, and for how long it is good; raises Unreachable."""
    body = response.json if isinstance(response.json, Mapping) else {}
    if not response.ok:
        raise Unreachable(_refusal(response.status, body))
    text, kind = body.get("access_token"), body.get("token_type")
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_TOKEN:
        message = "the answer is no JSON that holds an access_token; check `token_url`"
        raise Unreachable(message)
    if not isinstance(kind, str) or kind.lower() != "bearer":
        message = "the answer's token_type is not Bearer, and no other is known here"
        raise Unreachable(message)
    granted = _scopes_of(body, asked)
    if missing := asked - granted:
        message = (
            f"it lacks the scope {', '.join(sorted(missing))}, which was asked for; "
            "let this client have it, or leave it out of `scopes`"
        )
        raise Unreachable(message)
    try:
        return Secret(text, "the access token"), granted, _lasts(body.get("expires_in"))
    except ValueError:
        message = "the access_token holds a character that no token can hold"
        raise Unreachable(message) from None


def _scopes_of(body: Mapping[str, object], asked: frozenset[str]) -> frozenset[str]:
    """What was granted: all that was asked for where nothing is said (RFC 6749, section 5.1)."""
    said = body.get("scope")
    if isinstance(said, list):
        return frozenset(map(str, said))
    return frozenset(said.split()) if isinstance(said, str) else asked


def _lasts(said: object) -> float | None:
    """The seconds that a token is good for; None where none are told, or nonsense."""
    if isinstance(said, str) and _SECONDS.fullmatch(said):
        said = int(said)
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not 0 <= said <= _LONGEST_LIFE:
        return None
    return float(said)


def _refusal(status: int, body: Mapping[str, object]) -> str:
    if status in _ELSEWHERE:
        why = "which is not followed, since the secret would go along"
        return (
            f"it answers with a redirect ({status}), {why}; give `token_url` the address where it really is"
        )
    code = body.get("error")
    said = code if isinstance(code, str) and code in _HINTS else ""
    other = "try again" if status in _LATER else "check `token_url`, the id and the secret"
    return f"it was refused with {status}{f' ({said})' if said else ''}; {_HINTS.get(said) or other}"

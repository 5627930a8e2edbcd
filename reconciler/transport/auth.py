"""Keys: kept out of sight, added to requests, and taken out of what comes back."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from reconciler.errors import NoAnswer, Unreachable
from reconciler.transport.messages import Request, Response, Transport

_HIDDEN = "[key]"
_FIRST_FAILURE = 400
_SHORTEST = 12
"""Characters; a shorter key may be an ordinary word, as a pretend system's is. Real keys are longer."""
_ESCAPED = frozenset("\\'\"")
"""Characters that ``repr`` shows escaped."""

_issued: set[str] = set()
"""Every key of this process, to take them out of the log of a bug."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key that shows only its name: neither repr, str nor format give it away.

    ``name`` is where it came from (an environment variable, say), for messages. Raises
    ValueError, which does not show the key, where it is empty or holds
    anything but visible ASCII characters.
    """

    _value: str
    name: str = "the key"

    def __post_init__(self) -> None:
        problem = ""
        if not self._value:
            problem = "is empty"
        elif any(not "!" <= character <= "~" for character in self._value):
            problem = (
                "holds a space, a line break or another character that no key has: "
                "give the key alone, without 'Bearer' and without quotes"
            )
        if problem:
            message = f"{self.name} {problem}"
            raise ValueError(message)
        _issued.add(self._value)

    def __repr__(self) -> str:
        return f"<secret {self.name}>"

    def reveal(self) -> str:
        """The key itself, for the one header that needs it."""
        return self._value


def scrub(text: str, secrets: Iterable[Secret]) -> str:
    """The text without any of the keys, also in the escaped form of a URL."""
    keys = {secret.reveal() for secret in secrets}
    # The longest first: one key may begin with another.
    for key in sorted(keys | {quote(key, safe="") for key in keys}, key=len, reverse=True):
        text = text.replace(key, _HIDDEN)
    return text


def scrub_all(text: str) -> str:
    """The text without any key that this process has held."""
    return scrub(text, [Secret(key) for key in _issued])


def bearer(transport: Transport, secret: Secret) -> Transport:
    """A Transport that sends each request with this key, and takes it out of what comes back."""
    return hidden(with_key(transport, secret), [secret])


def with_key(transport: Transport, secret: Secret) -> Transport:
    """A Transport that sends each request with this key as its bearer (RFC 6750)."""
    return with_headers(transport, {"Authorization": f"Bearer {secret.reveal()}"})


def with_pair(transport: Transport, user: Secret, password: Secret) -> Transport:
    """A Transport that sends each request with this name and password (RFC 7617).

    What is sent in their place is taken out of what comes back. Raises ValueError for a name with a colon.
    """
    if ":" in user.reveal():
        message = f"{user.name} holds a colon, which no name may"
        raise ValueError(message)
    pair = b64encode(f"{user.reveal()}:{password.reveal()}".encode()).decode()
    encoded = Secret(pair, f"{user.name} with {password.name}")
    return hidden(with_headers(transport, {"Authorization": f"Basic {pair}"}), [encoded])


def with_headers(transport: Transport, headers: Mapping[str, str]) -> Transport:
    """A Transport that sends each request with these headers."""
    return _WithHeaders(transport, headers)


def hidden(transport: Transport, secrets: Iterable[Secret]) -> Transport:
    """A Transport that takes these secrets out of what comes back.

    Servers and proxies may repeat one, in an answer or in the reason for a NoAnswer.
    """
    return _Hidden(transport, tuple(secrets))


class _WithHeaders:
    def __init__(self, transport: Transport, headers: Mapping[str, str]) -> None:
        self._transport = transport
        self._headers = headers

    def send(self, request: Request) -> Response:
        """Send one request with the headers; raises what the inner Transport raises."""
        return self._transport.send(replace(request, headers={**request.headers, **self._headers}))


class _Hidden:
    def __init__(self, transport: Transport, secrets: Sequence[Secret]) -> None:
        self._transport = transport
        self._secrets = secrets

    def send(self, request: Request) -> Response:
        """Send one request; raises what the inner Transport raises."""
        try:
            response = self._transport.send(request)
        except NoAnswer as error:
            kind = Unreachable if isinstance(error, Unreachable) else NoAnswer
            raise kind(scrub(str(error), self._secrets)) from None
        if response.status < _FIRST_FAILURE and not self._repeated(response):
            return response
        return Response(
            response.status,
            {name: scrub(value, self._secrets) for name, value in response.headers.items()},
            _scrub_json(response.json, self._secrets),
            scrub(response.text, self._secrets),
        )

    def _repeated(self, response: Response) -> bool:
        """Whether an answer may hold a secret: a search of its text, which is fast for a long one."""
        keys = [key for key in (secret.reveal() for secret in self._secrets) if len(key) >= _SHORTEST]
        if not keys:
            return False
        shown = repr((response.headers, response.json, response.text))
        return any(
            not _ESCAPED.isdisjoint(key) or key in shown or quote(key, safe="") in shown for key in keys
        )


def _scrub_json(value: object, secrets: Sequence[Secret]) -> object:
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, list):
        return [_scrub_json(item, secrets) for item in value]
    if isinstance(value, dict):
        return {scrub(str(name), secrets): _scrub_json(item, secrets) for name, item in value.items()}
    return value

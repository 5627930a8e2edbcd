"""Keys: kept out of sight, added to requests, and taken out of what comes back."""

from collections.abc import Iterable
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
    """A Transport that sends each request with this key, and takes it out of what comes back.

    Servers and proxies may repeat a key, in an answer or in the reason for a NoAnswer.
    """
    return _Bearer(transport, secret)


class _Bearer:
    def __init__(self, transport: Transport, secret: Secret) -> None:
        self._transport = transport
        self._secret = secret

    def send(self, request: Request) -> Response:
        """Send one request with the Authorization header; raises what the inner Transport raises."""
        headers = {**request.headers, "Authorization": f"Bearer {self._secret.reveal()}"}
        try:
            response = self._transport.send(replace(request, headers=headers))
        except NoAnswer as error:
            kind = Unreachable if isinstance(error, Unreachable) else NoAnswer
            raise kind(scrub(str(error), [self._secret])) from None
        if response.status < _FIRST_FAILURE and not self._repeated(response):
            return response
        return Response(
            response.status,
            {name: scrub(value, [self._secret]) for name, value in response.headers.items()},
            _scrub_json(response.json, self._secret),
            scrub(response.text, [self._secret]),
        )

    def _repeated(self, response: Response) -> bool:
        """Whether an answer may hold the key: one search of its text, which is fast for a long one."""
        key = self._secret.reveal()
        if len(key) < _SHORTEST:
            return False
        shown = repr((response.headers, response.json, response.text))
        return not _ESCAPED.isdisjoint(key) or key in shown or quote(key, safe="") in shown


def _scrub_json(value: object, secret: Secret) -> object:
    if isinstance(value, str):
        return scrub(value, [secret])
    if isinstance(value, list):
        return [_scrub_json(item, secret) for item in value]
    if isinstance(value, dict):
        return {scrub(str(name), [secret]): _scrub_json(item, secret) for name, item in value.items()}
    return value

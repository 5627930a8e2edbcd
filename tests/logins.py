"""A server that gives tokens for an id and a secret, and a system that takes them."""

from base64 import b64decode
from dataclasses import replace
from urllib.parse import unquote_plus

from reconciler.errors import NoAnswer
from reconciler.transport.clock import Clock
from reconciler.transport.messages import Request, Response, Transport

ID, SECRET = "s6BhdRkqt3", "gX1fBat3bV+very/secret"


class Login:
    """A server that gives tokens: each a new one, for so many seconds, with what it was asked for."""

    def __init__(self, clock: Clock, lasts: object = 3600, **says: object) -> None:
        self.clock = clock
        self.client = ID
        self.says = {"token_type": "Bearer", "expires_in": lasts, **says}
        self.good: dict[str, tuple[float, str]] = {}
        self.asked: list[Request] = []
        self.instead: list[Response | NoAnswer] = []

    def send(self, request: Request) -> Response:
        self.asked.append(request)
        if self.instead:
            return _given(self.instead.pop(0))
        pair = b64decode(_signed(request, "Basic")).decode().split(":")
        form = dict(request.form)
        if [unquote_plus(text) for text in pair] != [self.client, SECRET]:
            return Response(401, {}, {"error": "invalid_client"})
        assert (request.method, request.path, form.pop("grant_type")) == (
            *("POST", "/oauth2/token"),
            "client_credentials",
        )
        token = f"token-number-{len(self.asked)}"
        scope = form.pop("scope", "")
        assert form == {}
        lasts = self.says["expires_in"]
        ends = self.clock.now() + (lasts if type(lasts) is int and lasts >= 0 else 1e9)
        self.good[token] = (ends, scope)
        said = {"access_token": token, **self.says}
        return Response(200, {}, {name: value for name, value in said.items() if value is not None})


def _signed(request: Request, scheme: str) -> str:
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["authorization"].startswith(f"{scheme} ")
    return headers["authorization"].removeprefix(f"{scheme} ")


def _given(answer: Response | NoAnswer) -> Response:
    if isinstance(answer, NoAnswer):
        raise answer
    return answer


class Api:
    """A system that takes the tokens of a login while they are good, and notes what was done.

    ``behind`` is what it hands requests on to, with a key of its own.
    """

    def __init__(self, login: Login, behind: Transport | None = None, key: str = "") -> None:
        self.login = login
        self.behind = behind
        self.key = key
        self.done: list[tuple[str, str]] = []
        self.refused = 0
        self.echoes = False
        self.takes = True

    def send(self, request: Request) -> Response:
        token = _signed(request, "Bearer")
        ends, scope = self.login.good.get(token, (0.0, ""))
        if self.login.clock.now() >= ends or not self.takes:
            self.refused += 1
            return Response(401, {}, {"detail": f"{token} is no good"})
        self.done.append((request.method, scope))
        if self.behind:
            headers = {**request.headers, "authorization": f"Bearer {self.key}"}
            return self.behind.send(replace(request, headers=headers))
        return Response(200, {}, {"you sent": token} if self.echoes else {"id": "1"})

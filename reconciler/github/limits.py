"""How GitHub says that too much was asked, in the words that pacing understands."""

import random
from dataclasses import replace
from http import HTTPStatus

from reconciler.transport.messages import Request, Response, Transport
from reconciler.transport.pacing import Clock, Paced, Patience, Window

_PATIENCE = Patience(busy=4, longest_asked=600)
_MINUTE = 60.0


def patient(transport: Transport, clock: Clock) -> Transport:
    """A Transport that waits where GitHub asks for it, and reads what fails again; at most half an hour."""
    return Paced(_Limits(transport, clock), Window(None), clock, random.random, patience=_PATIENCE)


class _Limits:
    """Says 429 and how long to wait wherever GitHub means it, which may come as 403, or without a time."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock

    def send(self, request: Request) -> Response:
        """Send one request; raises what the inner Transport raises."""
        response = self._transport.send(request)
        seconds = _limited(response, self._clock.wall())
        if seconds is None:
            return response
        headers = {**response.headers, "retry-after": f"{seconds:.0f}"}
        return replace(response, status=HTTPStatus.TOO_MANY_REQUESTS.value, headers=headers)


def _limited(response: Response, wall: float) -> float | None:
    """The seconds to wait where a rate limit was met (GitHub docs: Best practices for using the REST API).

    What Retry-After says; else until x-ratelimit-reset, in seconds since 1970,
    where nothing remains; else a minute. None where no limit was met.
    """
    if response.status not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return None
    after, reset = (response.headers.get(name, "") for name in ("retry-after", "x-ratelimit-reset"))
    if after.isdecimal():
        return float(after)
    if response.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(float(reset) - wall, 1.0)
    is_limit = response.status == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in said_by(response).lower()
    return _MINUTE if is_limit else None


def said_by(response: Response) -> str:
    """GitHub's own words in an answer, empty where it says nothing."""
    return str(response.json.get("message", "")) if isinstance(response.json, dict) else ""

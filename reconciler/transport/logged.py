"""One line for each request, for ``-v``; it is around the network itself, so every attempt shows."""

import time
from collections.abc import Callable
from urllib.parse import quote, urlencode

from reconciler.errors import NoAnswer, Unreachable
from reconciler.transport.messages import Request, Response, Transport

_READABLE = ' "@:/+'


class Logged:
    """A Transport that logs what is sent and how long the answer took.

    Each line is ``METHOD path?query status milliseconds`` and holds no header,
    no body and no text of an error, so no key. The query is escaped, so it cannot
    move a cursor. ``now`` gives seconds.
    """

    def __init__(
        self, transport: Transport, log: Callable[[str], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._transport = transport
        self._log = log
        self._now = now

    def send(self, request: Request) -> Response:
        """Send one request and log it; raises what the inner Transport raises."""
        start = self._now()
        result = "failed"
        try:
            response = self._transport.send(request)
            result = str(response.status)
        except Unreachable:
            result = "refused"
            raise
        except NoAnswer:
            result = "no answer"
            raise
        finally:
            query = f"?{urlencode(request.query, safe=_READABLE, quote_via=quote)}" if request.query else ""
            milliseconds = round((self._now() - start) * 1000)
            self._log(f"{request.method} {quote(request.path, safe='/%')}{query} {result} {milliseconds} ms")
        return response

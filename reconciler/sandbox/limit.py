"""A limit on requests in any 60 seconds, for each credential."""

from collections import deque
from collections.abc import Callable

_WINDOW_SECONDS = 60.0


class Limit:
    """Counts the requests of each credential; ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._recent: dict[str, deque[float]] = {}

    def wait(self, credential: str, limit: int) -> float:
        """Zero, and the request is counted; or the seconds until one more is allowed. 0 is no limit."""
        if not limit:
            return 0.0
        now = self._clock()
        recent = self._recent.setdefault(credential, deque())
        while recent and recent[0] <= now - _WINDOW_SECONDS:
            recent.popleft()
        if len(recent) >= limit:
            return recent[0] + _WINDOW_SECONDS - now
        recent.append(now)
        return 0.0

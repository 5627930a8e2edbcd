"""Time, and the wish to stop, which ends every wait."""

import threading
import time
from typing import Protocol

from reconciler.errors import Interrupted


class Clock(Protocol):
    """Time as a Transport needs it; a test brings its own."""

    def now(self) -> float:
        """Seconds that never go back, from any start."""
        ...

    def wall(self) -> float:
        """Seconds since 1970, to compare with the dates that servers send."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass; raises Interrupted as soon as a person asks to stop."""
        ...


class Stop(threading.Event):
    """A person's wish to stop, which a signal handler may set at any moment.

    A plain Event holds a lock for a moment inside ``wait``. A handler that calls
    ``set`` in that moment waits for the lock forever.
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
        """Wait for so many seconds, or until it is set; returns whether to stop."""
        if self._until_set.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
            self._until_set.release()
        return self._is_set


class SystemClock:
    """The machine's clock. ``stop``, once set, ends every sleep with Interrupted."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop or Stop()

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Sleep; raises Interrupted when ``stop`` is set, before or meanwhile."""
        if self._stop.wait(seconds):
            message = "stopped while waiting to send; what was waiting was not sent"
            raise Interrupted(message)

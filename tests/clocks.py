"""Time that passes only when a test, or a sleep, says so."""

from collections.abc import Callable


class FakeClock:
    def __init__(self, on_sleep: Callable[[float], None] = lambda _: None) -> None:
        self.time = 1000.0
        self.slept = 0.0
        self._on_sleep = on_sleep

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return 1_800_000_000 + self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept += seconds
        self._on_sleep(seconds)

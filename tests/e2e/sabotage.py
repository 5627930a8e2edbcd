"""The ``reconciler`` command in a world that went wrong: run as ``python sabotage.py JSON ARGUMENTS...``.

Only what surrounds the command is changed, never what it does. The JSON is an
object with any of these:

* ``line``, ``moment``: die by SIGKILL at this line of the journal, counted from 1:
  ``before`` it is written, when ``half`` of it is, or ``after`` it is on the disk;
* ``served``, ``moment``: die by SIGKILL at this write that a sandbox is asked for,
  ``before`` it is done, or ``after`` it is done and before it is answered;
* ``room``: no file can grow beyond so many bytes, as on a disk that is full;
* ``clock``: seconds by which the wall clock jumps at each look, in turn;
* ``hurry``: waits, and the timeouts of the network, are shorter by this factor;
* ``machine``: locks are kept below this folder, as on a machine of its own;
* ``toy``: there is one more kind of system, that of ``providers/toy.py``.
"""

import datetime as dt
import itertools
import json
import os
import resource
import runpy
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, Self

# ruff: noqa: PLC0415 (what the command imports must be sabotaged before it is imported)


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def die_at_line(number: int, moment: str) -> None:
    opened, written, synced = os.open, os.write, os.fsync
    journals: set[int] = set()
    lines = itertools.count(1)
    dying: list[int] = []

    def open_(path: Any, *args: Any, **kwargs: Any) -> int:
        file = opened(path, *args, **kwargs)
        if Path(os.fsdecode(path)).suffix == ".jsonl":
            journals.add(file)
        return file

    def write(file: int, data: bytes) -> int:
        if file in journals and next(lines) == number:
            if moment == "before":
                die()
            if moment == "half":
                written(file, data[: len(data) // 2])
                die()
            dying.append(file)
        return written(file, data)

    def fsync(file: int) -> None:
        synced(file)
        if file in dying:
            die()

    os.open, os.write, os.fsync = open_, write, fsync  # type: ignore[assignment]


def die_while_serving(number: int, moment: str) -> None:
    from reconciler.sandbox.omni.instance import Sandbox

    send = Sandbox.send
    writes = itertools.count(1)

    def dying(self: Sandbox, request: Any) -> Any:
        last = request.method != "GET" and next(writes) == number
        if last and moment == "before":
            die()
        response = send(self, request)
        if last:
            die()
        return response

    Sandbox.send = dying  # type: ignore[method-assign]


def fill_the_disk(room: int) -> None:
    # What is written beyond the limit is then an error, and no signal.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))


def unsettle_the_clock(jumps: Sequence[float]) -> None:
    real = time.time
    turns = itertools.cycle(jumps)

    class Jumping(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Self:
            return super().now(tz) + dt.timedelta(seconds=next(turns))

    time.time = lambda: real() + next(turns)
    dt.datetime = Jumping  # type: ignore[misc]


def hurry(factor: float) -> None:
    from reconciler.transport.clock import SystemClock
    from reconciler.transport.network import Network

    sleep = SystemClock.sleep

    def sleep_less(self: SystemClock, seconds: float) -> None:
        sleep(self, seconds / factor)

    SystemClock.sleep = sleep_less  # type: ignore[method-assign]
    defaults: Any = Network.__init__.__kwdefaults__
    connect, read = defaults["timeout"]
    defaults.update(timeout=(connect / factor, read / factor), deadline=defaults["deadline"] / factor)


def move_to(machine: str) -> None:
    from reconciler import lock

    lock.SHARED = Path(machine)


def add_the_toy() -> None:
    sys.path.append(str(Path(__file__).parents[1]))
    from providers.toy import Toy

    from reconciler.providers import registry

    registry.KINDS["toy"] = Toy()  # type: ignore[index]


def main(given: str, *arguments: str) -> None:
    wrong = json.loads(given)
    if "line" in wrong:
        die_at_line(wrong["line"], wrong["moment"])
    if "served" in wrong:
        die_while_serving(wrong["served"], wrong["moment"])
    if "room" in wrong:
        fill_the_disk(wrong["room"])
    if "clock" in wrong:
        unsettle_the_clock(wrong["clock"])
    if "hurry" in wrong:
        hurry(wrong["hurry"])
    if "machine" in wrong:
        move_to(wrong["machine"])
    if "toy" in wrong:
        add_the_toy()
    sys.argv[1:] = arguments
    runpy.run_module("reconciler", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])

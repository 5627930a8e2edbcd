"""How fast, and with how few requests: measured in one run, as ratios where a machine's speed would count.

``bench.py`` prints a table and exits 1 where a bar is not met; ``--markdown``
prints it for the README, ``--users`` takes another number of people.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
RECONCILER = Path(sys.executable).with_name("reconciler")
ROUNDS = 3
STARTS = 10
WRITES_IN = 300.0
"""Seconds that 300 writes take at 60 a minute."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``met`` is None where there is no bar."""

    what: str
    measured: str
    bar: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """The last cell."""
        return {True: "ok", False: "over", None: ""}[self.met]


def ratio(what: str, part: float, whole: float, bar: float | None = None) -> Row:
    """A line for one duration as a multiple of another."""
    measured = f"{part / whole:.2f}x ({part:.2f} s / {whole:.2f} s)"
    if bar is None:
        return Row(what, measured)
    return Row(what, measured, f"at most {bar:.2f}x", part <= bar * whole)


def exactly(what: str, number: float, least: float) -> Row:
    """A line for a number of requests that must be the least possible one."""
    return Row(what, f"{number / least:.2f}x ({number:g} of {least:g})", "1.00x", number == least)


def measure(step: str, *arguments: object) -> dict[str, Any]:
    """Run one measurement in a process of its own.

    This process imports and holds next to nothing: a child begins with the
    memory of its parent, and that would be its peak.
    """
    command = [sys.executable, str(HERE / "measure.py"), step, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 (our own script)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def timed(*arguments: str) -> float:
    """Seconds of one run of the ``reconciler`` command, from start to end."""
    started = time.perf_counter()
    subprocess.run([RECONCILER, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 (our own command)
    return time.perf_counter() - started


def rows(folder: Path, users: int) -> Iterator[Row]:
    """Measure everything, in order."""
    least = measure("make", folder, users)
    plain = 0.0
    for number, named in ((1, "1 file"), (100, "100 files")):
        root = folder / f"in-{number}"
        load = measure("load", root, ROUNDS)
        plain = plain or load["plain"]
        yield ratio(f"validate, {named}, against a plain yaml.load", load["validate"], load["plain"], 1.5)
        yield ratio("  the same with the garbage collector off for it", load["validate"], load["uncollected"])
        process = min(timed("validate", "--dir", str(root)) for _ in range(ROUNDS))
        yield Row("  the whole process `reconciler validate`", f"{process:.2f} s")
    found = measure("validate", folder / "in-1")
    yield Row("validate, 1 file, peak memory", f"{found['peak']:.0f} MB ({found['before']:.0f} MB before)")
    found = measure("plan", folder / "in-1", folder / "seed.json", ROUNDS)
    yield ratio("plan with the sandbox, against the yaml.load of 1 file", found["seconds"], plain)
    yield Row(
        "  peak memory", f"{found['peak']:.0f} MB ({found['before']:.0f} MB before, the sandbox's data)"
    )
    yield exactly("requests to read, of the least possible", found["reads"], least["reads"])
    yield exactly("requests to write, of the least possible", found["writes"], least["writes"])
    yield Row("  requests to read back, counted apart", f"{found['read_back']}")
    found = measure("pace", folder)
    yield ratio("300 writes at 60 a minute, against 300/60 min", found["seconds"], WRITES_IN, 1.05)
    yield Row("  answered with 429", f"{found['busy']}", "0", found["busy"] == 0)
    starts = [timed("--help") for _ in range(STARTS)]
    measured = f"{min(starts):.2f} s (median of {STARTS}: {median(starts):.2f} s)"
    yield Row("the whole process `reconciler --help`", measured, "at most 0.30 s", min(starts) <= 0.3)  # noqa: PLR2004 (the bar)


def main() -> int:
    """Measure, print, and say whether every bar is met."""
    parser = argparse.ArgumentParser(description="Measure the reconciler.")
    parser.add_argument("--markdown", action="store_true", help="print the table for the README")
    parser.add_argument("--users", type=int, default=10_000, help="how many people (10000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = list(rows(Path(folder), options.users))
    cells = [(row.what, row.measured, row.bar, row.verdict) for row in table]
    show(options.users, cells, markdown=options.markdown)
    return int(any(row.met is False for row in table))


def show(users: int, cells: list[tuple[str, str, str, str]], *, markdown: bool) -> None:
    """Print the table, and the machine by its cores and its Python."""
    head = (f"{users:,} users, 2 % changed", "measured", "bar", "")
    if markdown:
        for line in (head, ("---",) * len(head), *cells):
            print(f"| {' | '.join(line)} |")
        print()
    else:
        widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
        for line in (head, tuple("-" * width for width in widths), *cells):
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}")


if __name__ == "__main__":
    sys.exit(main())

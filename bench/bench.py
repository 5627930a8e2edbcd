"""How fast, and with how few requests: measured in one run, as ratios where a machine's speed would count.

``bench.py`` prints a table, and exits 1 where a bar is not met that a busy machine
cannot move: numbers of requests and of calls, memory, and time that is only counted.
A bar on time by the clock is shown as met or over, and fails nothing. ``--markdown``
prints what stands in docs/speed.md between ``<!-- bench -->`` and its end,
``--users`` takes another number of people. Where
several runs are measured, the best one counts, and the highest peak of memory.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
RECONCILER = Path(sys.executable).with_name("reconciler")
OCTODNS = Path(sys.prefix) / "octodns" / "bin" / "octodns-sync"
ROUNDS = 3
TURNS = 4
ROUNDS_OF_A_TURN = 2
STARTS = 10
MOST_SECONDS = 40
MOST_MEMORY = 1000
MOST_TO_DRAW = 5
MOST_GROWTH = 10.5
"""Ten times the users; what grows faster than they do would show here."""
LITTLE = {
    "line": "one line",
    "membership": "one membership",
    "move": "one move to another group",
    "leaver": "one leaver",
}
MOST_FOR_LITTLE = {"plan": 12, "apply": 8}
"""Requests that one change may take, with one key, however many people there are; a move is two changes.

Where groups count, all of them are listed too: another may have the name of one in other capitals."""
MOST_TO_START = 0.3
MANY_WRITES = 1200
WRITES_IN = 300.0
"""Seconds that 300 writes take at 60 a minute."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``met`` is None without a bar, ``noisy`` where a busy machine moves it."""

    what: str
    measured: str
    bar: str = ""
    met: bool | None = None
    noisy: bool = False

    @property
    def verdict(self) -> str:
        """The last cell."""
        return {True: "ok", False: "over", None: ""}[self.met]

    @property
    def fails(self) -> bool:
        """Whether the bar is not met, and no noise can be why."""
        return self.met is False and not self.noisy


def ratio(what: str, part: float, whole: float, bar: float | None = None) -> Row:
    """A line for one duration by the clock as a multiple of another."""
    measured = f"{part / whole:.2f}x ({part:.2f} s / {whole:.2f} s)"
    if bar is None:
        return Row(what, measured)
    return Row(what, measured, f"at most {bar:.2f}x", part <= bar * whole, noisy=True)


def counted(what: str, part: float, whole: float, bar: float) -> Row:
    """A line for a duration, as a multiple of another, on a clock that only passes when somebody waits."""
    return replace(ratio(what, part, whole, bar), noisy=False)


def below(what: str, part: float, whole: float) -> Row:
    """A line for a duration that is to be the shorter one."""
    return replace(ratio(what, part, whole), bar="below 1.00x", met=part < whole, noisy=True)


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


def timed(*command: str | Path, says: str = "") -> float:
    """Seconds of one whole process, from start to end; what it says must hold the given words."""
    started = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603 (commands from here)
    taken = time.perf_counter() - started
    assert says.encode() in done.stdout, f"{command[0]} did not say {says!r}"
    return taken


def rows(folder: Path, users: int) -> Iterator[Row]:
    """Measure everything, in order."""
    sizes = (users // 10, users, users * 10)
    least = {size: measure("make", folder / f"{size}", size, 1, 100) for size in sizes}
    yield from loads(folder / f"{users}", users)
    yield from growth(folder, sizes)
    yield from tables(folder, sizes[-1])
    yield from against_octodns(folder / "newcomers", users)
    yield from views(folder / "newcomers")
    yield from requests(folder / f"{users}", users, least[users])
    yield from directory(folder, users)
    yield from night(folder / "site", users)
    yield from little(folder, sizes)
    yield from pace(folder)
    starts = [timed(RECONCILER, "--help") for _ in range(STARTS)]
    measured = f"{min(starts):.2f} s (median of {STARTS}: {median(starts):.2f} s)"
    what = "the whole process `reconciler --help`"
    yield Row(what, measured, f"at most {MOST_TO_START:.2f} s", min(starts) <= MOST_TO_START, noisy=True)


def loads(folder: Path, users: int) -> Iterator[Row]:
    """Validating, against what only parses the same files."""
    for number, named in ((1, "1 file"), (100, "100 files")):
        root = folder / f"in-{number}"
        load = measure("load", root, ROUNDS)
        what = f"validate {users:,} users in {named}, against a plain yaml.load"
        yield ratio(what, load["validate"], load["plain"], 1.5)
        yield ratio("  the same with the garbage collector off for it", load["validate"], load["uncollected"])
        process = min(timed(RECONCILER, "validate", "--dir", root) for _ in range(ROUNDS))
        yield Row("  the whole process `reconciler validate`", f"{process:.2f} s")


def growth(folder: Path, sizes: tuple[int, int, int]) -> Iterator[Row]:
    """Validating and planning at each size, and from the second to the third.

    The sizes take turns, so that a busy minute of the machine meets them all.
    """
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(TURNS):
        for size in sizes:
            root, seed = folder / f"{size}" / "in-1", folder / f"{size}" / "seed.json"
            found.setdefault(("validate", size), []).append(measure("validate", root, ROUNDS_OF_A_TURN))
            found.setdefault(("plan", size), []).append(measure("plan", root, seed, ROUNDS_OF_A_TURN))

    def best(step: str, size: int, what: str) -> float:
        return min(each[what] for each in found[step, size])

    def both(size: int, what: str) -> float:
        return best("validate", size, what) + best("plan", size, what)

    def highest(step: str, size: int) -> float:
        return max(each["peak"] for each in found[step, size])

    for size in sizes:
        for step in ("validate", "plan"):
            memory = f"{highest(step, size):.0f} MB, {best(step, size, 'before'):.0f} of them before"
            yield Row(f"{step} {size:,} users", f"{best(step, size, 'seconds'):.2f} s, {memory}")
    _, small, large = sizes
    seconds = both(large, "seconds")
    yield Row(
        f"validate and plan {large:,} users",
        f"{seconds:.1f} s",
        f"under {MOST_SECONDS} s",
        seconds < MOST_SECONDS,
        noisy=True,
    )
    peak = max(highest("validate", large), highest("plan", large))
    yield Row("  peak memory", f"{peak:.0f} MB", f"under {MOST_MEMORY} MB", peak < MOST_MEMORY)
    calls = {
        size: measure("calls", folder / f"{size}" / "in-1", folder / f"{size}" / "seed.json")
        for size in (small, large)
    }
    more, fewer = calls[large]["calls"], calls[small]["calls"]
    grown = f"{more / fewer:.2f}x ({more:,} / {fewer:,})"
    what = f"  growth from {small:,} users, in calls of functions"
    yield Row(what, grown, f"at most {MOST_GROWTH:.2f}x", more <= MOST_GROWTH * fewer)
    yield ratio("  the same in processor time", both(large, "processor"), both(small, "processor"))
    yield ratio("  the same by the clock", seconds, both(small, "seconds"))


def tables(folder: Path, size: int) -> Iterator[Row]:
    """Validating people in a table, against the same people in YAML; the two take turns."""
    measure("table", folder / f"{size}", size)
    rows_, yaml = [], []
    for _ in range(TURNS):
        rows_.append(measure("validate", folder / f"{size}" / "in-table", 1))
        yaml.append(measure("validate", folder / f"{size}" / "in-1", 1))
    least = [min(each["seconds"] for each in found) for found in (rows_, yaml)]
    yield ratio(f"validate {size:,} rows of a table, against the same people in YAML", *least, 1.5)
    peak = max(each["peak"] for each in rows_)
    yield Row("  peak memory", f"{peak:.0f} MB", f"under {MOST_MEMORY} MB", peak < MOST_MEMORY)


def against_octodns(folder: Path, size: int) -> Iterator[Row]:
    """Everything from files to a printed plan, as one process each; the two take turns."""
    measure("newcomers", folder, size)
    command = (RECONCILER, "plan", "--dir", folder / "ours")
    ours, theirs, validate = [], [], []
    for _ in range(ROUNDS):
        theirs.append(
            timed(OCTODNS, "--config-file", folder / "theirs" / "config.yaml", says=f"Creates={size},")
        )
        ours.append(timed(*command, says=f"{size} users created"))
        validate.append(timed(RECONCILER, "validate", "--dir", folder / "ours", says="Valid."))
    what = f"plan {size:,} new users, against octoDNS with as many TXT records"
    yield below(what, min(ours), min(theirs))
    # A plan validates by itself; who validates in a process of its own as well does it twice.
    both = f"{(min(ours) + min(validate)) / min(theirs):.2f}x ({min(ours) + min(validate):.2f} s)"
    yield Row("  with a `reconciler validate` of its own before it", both)


def views(folder: Path) -> Iterator[Row]:
    """Drawing one plan for each kind of reader."""
    found = measure("views", folder)
    for name in ("text", "markdown", "html"):
        what = f"draw {found['changes']:,.0f} changes as {name}"
        yield Row(
            what, f"{found[name]:.2f} s", f"under {MOST_TO_DRAW} s", found[name] < MOST_TO_DRAW, noisy=True
        )


def requests(folder: Path, users: int, least: dict[str, int]) -> Iterator[Row]:
    """What a plan and its apply ask of the system."""
    found = measure("requests", folder / "in-1", folder / "seed.json")
    yield exactly(f"requests to read {users:,} users, of the least possible", found["reads"], least["reads"])
    yield exactly("  to write what differs, of the least possible", found["writes"], least["writes"])
    yield Row("  to read back, counted apart", f"{found['read_back']}")


def directory(folder: Path, users: int) -> Iterator[Row]:
    """What a plan and its apply ask of any directory that speaks SCIM."""
    found = measure("directory", folder, users)
    # What it is, every page of users, the one past them, and whether there is a group; a page has 100 rows.
    least = 3 + ceil(users / 100) + 1 + 1
    yield exactly(f"requests to read {users:,} users by SCIM, of the least possible", found["reads"], least)
    yield exactly("  to write 2 % of them, of the least possible", found["writes"], ceil(users / 50))
    yield Row("  to read back, counted apart", f"{found['read_back']}")


def night(folder: Path, users: int) -> Iterator[Row]:
    """What a list of a Pleio site asks of it every night; its old client sent everybody, every time."""
    found = measure("night", folder, users)
    what = f"requests to read {users:,} people of a Pleio site, of the least possible"
    yield exactly(what, found["reads"], found["least_reads"])
    yield exactly(
        "  to write the 1 % that differs, of the least possible", found["writes"], found["least_writes"]
    )
    yield Row("  to read back, counted apart", f"{found['read_back']}")


def little(folder: Path, sizes: tuple[int, int, int]) -> Iterator[Row]:
    """One change in a company of each size: only what it takes is read."""
    for what, named in LITTLE.items():
        found = {size: measure("little", folder, size, what) for size in sizes}
        for step, command in (("plan", "plan --only changed"), ("apply", "apply --plan")):
            numbers = {size: int(each[step]) for size, each in found.items()}
            seconds = ", ".join(f"{found[size][f'{step}_seconds']:.1f}" for size in sizes)
            measured = f"{', '.join(map(str, numbers.values()))} requests; {seconds} s"
            most = MOST_FOR_LITTLE[step] + 2 * (what == "move")
            lists = (step, what) != ("apply", "line")
            yield Row(
                f"`{command}` of {named}, {', '.join(f'{size:,}' for size in sizes)} users",
                measured,
                f"at most {most} requests{', and the list of groups' if lists else ''}",
                all(number <= most + lists * found[size]["lists"] for size, number in numbers.items()),
            )


def pace(folder: Path) -> Iterator[Row]:
    """What the limit allows, on a clock that only passes when somebody waits."""
    found = measure("pace", folder, 300, 1)
    yield counted("300 writes at 60 a minute, against 300/60 min", found["seconds"], WRITES_IN, 1.05)
    yield Row("  answered with 429", f"{found['busy']}", "0", found["busy"] == 0)
    by_keys = {keys: measure("pace", folder, MANY_WRITES, keys) for keys in (1, 2, 4)}
    for keys, found in by_keys.items():
        what = f"{MANY_WRITES:,} writes with {keys} keys, against 1 key"
        if keys > 1:
            yield counted(what, found["seconds"], by_keys[1]["seconds"], 1.1 / keys)
    busy = sum(found["busy"] for found in by_keys.values())
    yield Row("  answered with 429", f"{busy}", "0", busy == 0)


def main() -> int:
    """Measure, print, and say whether every bar is met that noise cannot move."""
    parser = argparse.ArgumentParser(description="Measure the reconciler.")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/speed.md")
    parser.add_argument(
        "--users",
        type=int,
        default=10_000,
        help="how many people (10000); a tenth and ten times as many, too",
    )
    options = parser.parse_args()
    if not OCTODNS.exists():
        parser.error(f"{OCTODNS} is not there: `make bench` sets it up")
    with tempfile.TemporaryDirectory() as folder:
        table = list(rows(Path(folder), options.users))
    cells = [(row.what, row.measured, row.bar, row.verdict) for row in table]
    show(cells, markdown=options.markdown)
    return int(any(row.fails for row in table))


def show(cells: list[tuple[str, str, str, str]], *, markdown: bool) -> None:
    """Print the table, and the machine by its cores and its Python."""
    head = ("what", "measured", "bar", "")
    if markdown:
        cells = [(re.sub("^  ", "· ", what), *rest) for what, *rest in cells]
        for line in (head, ("---",) * len(head), *cells):
            print(f"| {' | '.join(line)} |")
        print()
    else:
        widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
        for line in (head, tuple("-" * width for width in widths), *cells):
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    memory = "Memory is the highest of a process; at first it holds Python, and for a plan the pretend Omni."
    print(f"One run on {machine}, where 2 % of the users had changed. {memory}")


if __name__ == "__main__":
    sys.exit(main())

"""What GitHub's runner makes of the output of a step: which lines it obeys, and which it shows.

A model of the runner's own code (actions/runner: ``ProcessInvoker``, ``OutputManager``,
``ActionCommand`` and ``ActionCommandManager``). The two streams of a step are read side by side
and their lines handled one after the other by one manager. Names of commands count without case.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

KNOWN = frozenset(
    {
        *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice"),
        *("internal-set-repo-path", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands"),
        "warning",
    }
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_V2 = re.compile(r"::(?P<name>[^ ]*?)(?P<given> .*?)?::(?P<data>.*)", re.DOTALL)
_V1 = re.compile(r"##\[(?P<name>[^] ]*)(?P<given> [^]]*)?\](?P<data>.*)", re.DOTALL)


@dataclass(frozen=True)
class Obeyed:
    """A command that the runner has done."""

    name: str
    data: str
    properties: Mapping[str, str] = field(default_factory=dict)


def lines(text: str) -> list[str]:
    """As .NET's StreamReader.ReadLine has them: a lone carriage return ends a line, too."""
    found = _LINE_END.split(text)
    return found if found[-1] else found[:-1]


class Runner:
    """One step's command manager; ``obeyed`` is what it has done so far."""

    def __init__(self) -> None:
        self.obeyed: list[Obeyed] = []
        self.token: str | None = None

    def read(self, rows: Iterable[str]) -> "Runner":
        """Handle these lines, in order."""
        for row in rows:
            self._line(row)
        return self

    def _line(self, row: str) -> None:
        found = self._parsed(row)
        if found is None:
            return
        if self.token is not None:
            if found.name.lower() == self.token:
                self.token = None
        elif found.name.lower() == "stop-commands":
            assert found.data.lower() not in KNOWN | {"", "pause-logging"}, "the runner refuses this token"
            self.token = found.data.lower()
        else:
            self.obeyed.append(found)

    def _parsed(self, row: str) -> Obeyed | None:
        for found, between, escaped in (
            (_V2.match(row.lstrip()), ",", {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}),
            (_V1.search(row), ";", {"%3B": ";", "%0D": "\r", "%0A": "\n", "%5D": "]"}),
        ):
            if found and self._known(found["name"]):
                given = [pair.partition("=") for pair in (found["given"] or "").strip().split(between)]
                properties = {name: _unescaped(value, escaped) for name, _, value in given if value}
                return Obeyed(found["name"], _unescaped(found["data"], escaped), properties)
        return None

    def _known(self, name: str) -> bool:
        return name.lower() in KNOWN or (self.token is not None and name.lower() == self.token)


def _unescaped(text: str, escaped: Mapping[str, str]) -> str:
    for code, char in escaped.items():
        text = text.replace(code, char)
    return text.replace("%25", "%")


def interleaved(out: str, err: str, most: int = 400) -> Iterator[list[str]]:
    """The lines of both streams in every order that the runner may read them in, or ``most`` of these orders.

    The first are the two in which one stream is read whole before the other.
    """
    one, other = lines(out), lines(err)
    yield [*one, *other]
    yield [*other, *one]
    places = combinations(range(len(one) + len(other)), len(other))
    for _, chosen in zip(range(most), places, strict=False):
        yield _merged(one, other, frozenset(chosen))


def _merged(one: list[str], other: list[str], chosen: frozenset[int]) -> list[str]:
    ours, theirs = iter(one), iter(other)
    return [next(theirs) if at in chosen else next(ours) for at in range(len(one) + len(other))]


def obeyed(out: str, err: str) -> list[list[Obeyed]]:
    """What the runner obeys, for each order of the lines; it ends by obeying again, for the step goes on."""
    found = []
    for order in interleaved(out, err):
        runner = Runner().read(order)
        assert runner.token is None, "commands are never resumed"
        found.append(runner.obeyed)
    return found


def unstopped(out: str, err: str) -> list[Obeyed]:
    """What the runner would obey if nothing had ever stopped it: the worst that a race can do."""
    found = Runner()
    for row in [*lines(out), *lines(err)]:
        found.read([row])
        found.token = None
    return found.obeyed

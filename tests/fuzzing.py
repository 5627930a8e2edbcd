"""Mutated files against the reader: each gives clear problems or an exact parse, never a traceback or a hang.

Input number n of a seed is always the same bytes, so a failure is looked at again with::

    python tests/fuzzing.py --only n

Run as a script it goes through many inputs in two processes, prints what it
saw, and exits 1 where something failed or the time was up before the end.
"""

import argparse
import faulthandler
import json
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from reconciler.desired import documents, files, pyyaml
from reconciler.desired.format import format_text
from reconciler.desired.text import CONTROL, MAX_PROBLEMS
from reconciler.errors import Invalid, Problem
from reconciler.model import Address, DesiredState
from reconciler.target.settings import read_target

SLOWEST = 2.0
"""Seconds of a processor that one input may take."""

_LONGEST_MESSAGE = 400
_CHUNK = 250
_HUNG_AFTER = 120.0
_MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)

TARGET = """\
kind: omni
url: https://acme.omniapp.co
keys: [{env: OMNI_API_KEY}]
ignore: {users: ["*@vendor.example"], groups: ["okta-*"]}
"""

PEOPLE = (
    """\
# yaml-language-server: $schema=../../schemas/desired-state.schema.json
defaults:                           # for the users of this file only
  users:
    active: true
    attributes: {region: [emea]}

users:
  ada@acme.com:
    name: Ada Lovelace
    groups: [BI Admins]
    attributes:
      region: [emea, apac]
      cost_center: 0420             # text stays text
      legacy_flag: null
  # gone since spring
  former.contractor@acme.com:
    state: absent

groups:
  Finance:
    members: [ada@acme.com]
  BI Admins:
    members: from_users
  All Staff: {}
  Treasury:
    previously: [Cash Desk]
""",
    """\
groups:
  Analysts: {members: from_users}
  "Sales: EMEA":
    members:
      - Grace@Acme.com
      # and
      - 'tim@acme.com'
users:
    grace@acme.com:
        active: false
        attributes: {quota: 2500000, share: 0.25, "no": [no, 012, 1e5, .5], text: "a\\tb"}
        groups: []
    zoë@acme.com: {name: "Zoë \\u00e9", groups: [analysts], previously: [zoe@acme.com]}
""",
    """\
---
users:
  ? alan@acme.com
  : name: >-
      Alan
      Turing
    attributes:
      note: |-
        one line
      long: plain text
        over two lines
  {}: x
...
""",
    "users: {a@b: {attributes: {k: [1, -2.5, '', \"x\", true]}}, c@d: {state: absent}}\n",
    "groups:\n- a\n- b\n",
    "",
)

TARGETS = (
    TARGET,
    """\
# yaml-language-server: $schema=../../schemas/target.schema.json
kind: omni
url: https://acme.omniapp.co/api/v1
keys:
  - env: OMNI_API_KEY
  - file: /run/secrets/omni
requests_per_minute: 55
manage:
  users: [create, name, active, groups, attributes]
  exact_attributes: [region, cost_center]
leavers:
  users:
    tombstone: deactivate
    left_files: keep
  groups: {tombstone: delete, left_files: keep}
limits:
  removals: {share: 0.25, floor: 5}
protect:
  users: [break-glass@acme.com]
journal: .reconciler/runs
""",
    """\
kind: omni
url: http://127.0.0.1:8080
sandbox:
  seed: seed.yaml
  state: .reconciler/sandbox.json
""",
)

SNIPPETS = (
    *tuple(
        snippet.encode("utf-8", "surrogatepass")
        for snippet in (
            *(
                "&a ",
                "*a",
                "!t ",
                "!!str ",
                "!<x%1b> ",
                "!%0A ",
                "<<: ",
                "%YAML 1.2\n",
                "%TAG ! x\n",
                "\n---\n",
                "\n...\n",
            ),
            *(
                "? ",
                ": ",
                ":",
                "- ",
                "-",
                ", ",
                "[",
                "]",
                "{",
                "}",
                "#",
                " # ",
                "|",
                "|-",
                ">+2",
                "'",
                '"',
                "\\",
                "`",
                "@",
                "=",
            ),
            *(
                "\t",
                "\r",
                "\r\n",
                "\n",
                "\n\n",
                " ",
                "    ",
                "\x00",
                "\x01",
                "\x1b[31m",
                "\x7f",
                "\x85",
                "\xa0",
                "\u2028",
                "\u202e",
            ),
            *("\ufeff", "\ufffe", "�", "�", "́" * 40, "é", "İ", "ß", "\u200d", "👩", "\U0010ffff", "漢字"),
            *(
                "~",
                "null",
                "Null",
                "true",
                "True",
                "no",
                "0",
                "-0",
                "-0.0",
                "0420",
                "0x1f",
                "0o7",
                "1_000",
                "1e999",
                ".inf",
                ".nan",
            ),
            *(
                "9" * 300,
                "9" * 301,
                "9" * 5000,
                "1." + "0" * 30 + "1",
                "-1.5",
                "2024-01-01",
                "12:30",
                "9007199254740993",
            ),
            *(
                '"\\0"',
                '"\\x07"',
                '"\\ud800"',
                '"\\U00110000"',
                '"\\N"',
                '"\\_"',
                '"\\q"',
                '"a\\\n  b"',
                "'a\n\n b'",
                '""',
                "''",
            ),
            *(
                "users:\n",
                "groups:\n",
                "defaults:\n",
                "members: from_users",
                "state: absent",
                "previously: [x@y]",
                "{}",
                "[]",
            ),
            *(
                "a: &a [*a]\n",
                "a: {b: {c: {d: {e: {f: g}}}}}\n",
                "x" * 1100 + ": 1\n",
                "[" * 30,
                "{a: " * 30,
                "- " * 30,
            ),
        )
    ),
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xff\xfe",
    b"\x00a",
)

Mutation = Callable[[random.Random, bytes], bytes]


def _flip(rng: random.Random, raw: bytes) -> bytes:
    at = rng.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]


def _cut(rng: random.Random, raw: bytes) -> bytes:
    return raw[: rng.randrange(len(raw))]


def _remove(rng: random.Random, raw: bytes) -> bytes:
    at = rng.randrange(len(raw))
    return raw[:at] + raw[at + rng.randint(1, 20) :]


def _repeat(rng: random.Random, raw: bytes) -> bytes:
    at, length = rng.randrange(len(raw)), rng.randint(1, 60)
    return raw[: at + length] + raw[at : at + length] * rng.choice((1, 2, 50)) + raw[at + length :]


def _insert(rng: random.Random, raw: bytes) -> bytes:
    at = rng.randrange(len(raw))
    return raw[:at] + rng.choice(SNIPPETS) + raw[at:]


def _insert_in_line(rng: random.Random, raw: bytes) -> bytes:
    """Put a snippet where a token begins: at most places in a file it would only be part of a word."""
    places = [
        at for at in range(1, len(raw)) if raw[at - 1 : at] in b" \n[{,:" and raw[at : at + 1] not in b" \n"
    ]
    at = rng.choice(places or [0])
    return raw[:at] + rng.choice(SNIPPETS) + raw[at:]


def _replace_value(rng: random.Random, raw: bytes) -> bytes:
    lines = raw.split(b"\n")
    at = rng.randrange(len(lines))
    key, colon, _ = lines[at].partition(b": ")
    lines[at] = key + (colon or b": ") + rng.choice(SNIPPETS)
    return b"\n".join(lines)


def _lines(change: Callable[[random.Random, list[bytes]], None]) -> Mutation:
    def mutate(rng: random.Random, raw: bytes) -> bytes:
        lines = raw.split(b"\n")
        change(rng, lines)
        return b"\n".join(lines)

    return mutate


def _indent(rng: random.Random, lines: list[bytes]) -> None:
    at = rng.randrange(len(lines))
    for index in range(at, min(len(lines), at + rng.choice((1, 1, 3)))):
        line = lines[index]
        lines[index] = rng.choice(
            (b" " + line, b"  " + line, b"\t" + line, line[1:], line[2:], line.lstrip())
        )


def _swap(rng: random.Random, lines: list[bytes]) -> None:
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]


def _copy_line(rng: random.Random, lines: list[bytes]) -> None:
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))


def _drop_line(rng: random.Random, lines: list[bytes]) -> None:
    del lines[rng.randrange(len(lines))]


def _join_lines(rng: random.Random, lines: list[bytes]) -> None:
    at = rng.randrange(len(lines))
    lines[at : at + 2] = [b"".join(lines[at : at + 2])]


def _comment(rng: random.Random, lines: list[bytes]) -> None:
    at = rng.randrange(len(lines))
    lines[at] = rng.choice(
        (lines[at] + b" # said", b"# " + lines[at], b"  # above\n" + lines[at], b"\n" + lines[at])
    )


def _shuffle(rng: random.Random, lines: list[bytes]) -> None:
    rng.shuffle(lines)


def _splice(rng: random.Random, raw: bytes) -> bytes:
    other = rng.choice((*PEOPLE, *TARGETS)).encode().split(b"\n")
    lines = raw.split(b"\n")
    at, start = rng.randrange(len(lines)), rng.randrange(len(other))
    return b"\n".join(lines[:at] + other[start : start + rng.randint(1, 8)] + lines[at:])


def _endings(rng: random.Random, raw: bytes) -> bytes:
    return raw.replace(b"\n", rng.choice((b"\r\n", b"\r\n", b"\r", b"\n\n", b" \n", b"\t\n")))


def _encode(rng: random.Random, raw: bytes) -> bytes:
    text = raw.decode(errors="replace")
    return text.encode(rng.choice(("utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1")), "replace")


def _nest(rng: random.Random, raw: bytes) -> bytes:
    opening, closing = rng.choice(((b"[", b"]"), (b"{a: ", b"}"), (b"? ", b""), (b"- ", b"")))
    depth = rng.choice((3, 15, 19, 25, 200, 3000))
    lines = raw.split(b"\n")
    at = rng.randrange(len(lines))
    lines[at] = lines[at].partition(b":")[0] + b": " + opening * depth + b"x" + closing * depth
    return b"\n".join(lines)


def _quote(rng: random.Random, raw: bytes) -> bytes:
    words = raw.split(b" ")
    at = rng.randrange(len(words))
    mark = rng.choice((b'"', b"'", b"|\n", b">\n"))
    words[at] = mark + words[at] + (mark if len(mark) == 1 else b"")
    return b" ".join(words)


MUTATIONS: tuple[Mutation, ...] = (
    *(
        _flip,
        _cut,
        _remove,
        _repeat,
        _insert,
        _insert_in_line,
        _insert_in_line,
        _replace_value,
        _replace_value,
    ),
    *map(
        _lines, (_indent, _indent, _swap, _copy_line, _drop_line, _join_lines, _comment, _comment, _shuffle)
    ),
    *(_splice, _endings, _encode, _nest, _quote),
)


def mutated(seed: int, number: int) -> tuple[bool, bytes]:
    """One input: whether it is a target.yaml, and its bytes."""
    rng = random.Random(f"{seed}/{number}")  # noqa: S311 (chance that can be repeated is the point)
    is_target = rng.random() < 0.25
    raw = rng.choice(TARGETS if is_target else PEOPLE).encode()
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        raw = rng.choice(MUTATIONS)(rng, raw or b"\n")
    return is_target, raw


@dataclass
class Seen:
    """What became of the inputs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, -1)

    def add(self, other: "Seen") -> None:
        self.outcomes += other.outcomes
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)


def examine(folder: Path, *, is_target: bool, raw: bytes) -> str:
    """Load a folder with this file in it: how that ended. Raises AssertionError where that was wrong."""
    name = "t/target.yaml" if is_target else "t/people.yaml"
    folder = folder / ("settings" if is_target else "people")
    if not folder.exists():
        folder.mkdir()
        (folder / "people.yaml").write_text(PEOPLE[0])
        (folder / "target.yaml").write_text(TARGET)
    (folder / name[2:]).write_bytes(raw)
    text = raw.decode(errors="replace").removeprefix("\ufeff")
    document = documents.parse(raw, name)
    if not document.problems:
        _check_exact(document, text)
        _check_formatted(text, document)
    try:
        if is_target:
            read_target("t", folder, shown_as="t")
        state = files.load(folder, shown_as="t")
    except Invalid as error:
        problems = error.problems
    else:
        assert not document.problems
        if not is_target:
            _check_places(state, document, text)
        return "loaded"
    assert 0 < len(problems) <= MAX_PROBLEMS + 1
    for problem in problems:
        _check_problem(problem, name, text)
    return "refused by the schema or the build" if not document.problems else "refused by the reader"


def _check_problem(problem: Problem, name: str, text: str) -> None:
    for said in (problem.place.file, problem.message, problem.hint):
        assert not CONTROL.search(said), f"a control character in {said!r}"
    assert problem.message.strip()
    assert " None" not in problem.message, problem
    assert len(str(problem)) <= _LONGEST_MESSAGE, f"{len(str(problem))} characters"
    if problem.place.file != name:
        assert problem.place.file in {"t/target.yaml", "t/people.yaml"}
    elif not problem.place.line:
        assert "UTF-" in problem.message
    else:
        lines = text.split("\n")
        assert 1 <= problem.place.line <= len(lines), f"{problem} of {len(lines)} lines"
        width = len(lines[problem.place.line - 1])
        assert 1 <= problem.place.column <= width + 1, f"{problem} of {width} characters"


def _check_exact(document: documents.Document, text: str) -> None:
    """Compare with two other readings: of what is written when the data is dumped, and PyYAML's in Python."""
    again = documents.parse(pyyaml.dump(document.data).encode(), "again")
    assert not again.problems, again.problems
    assert repr(again.data) == repr(document.data)
    try:
        other = yaml.load(text, yaml.BaseLoader)  # noqa: S506 (it makes nothing but text)
    except yaml.YAMLError:
        return
    assert (other or {}) == _as_texts(document.data), f"{other!r} is not {document.data!r}"


def _check_formatted(text: str, document: documents.Document) -> None:
    """Format it: it says the same, has the same lines, and is not changed again."""
    result = format_text(text, "formatted")
    again = documents.parse(result.encode(), "formatted")
    assert json.dumps(again.data, sort_keys=True) == json.dumps(document.data, sort_keys=True)
    assert format_text(result, "formatted") == result
    lines = [
        Counter(line.strip(" \t\r") for line in written.split("\n") if line.strip(" \t\r"))
        for written in (text, result)
    ]
    assert lines[0] == lines[1]


def _as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_texts(item) for item in value]
    return value if isinstance(value, str) else json.dumps(value)


def _check_places(state: DesiredState, document: documents.Document, text: str) -> None:
    lines = text.split("\n")
    for key, user in state.users.items():
        asked = [((), user.email), *((("attributes", name), name) for name in user.attributes or ())]
        for path, name in asked:
            place = state.locate(Address("user", key), path)
            written = lines[place.line - 1][place.column - 1 :]
            assert written[:1] in "\"'" or written.startswith(name), f"{name} is not at {place}"
    assert document.whole


Each = Callable[[Path, int, int], str]
"""Examines one input, in a folder for it, by seed and number: how that ended."""


def each_file(folder: Path, seed: int, number: int) -> str:
    """Examine one file of YAML."""
    is_target, raw = mutated(seed, number)
    return examine(folder, is_target=is_target, raw=raw)


def run(numbers: Sequence[int], seed: int, each: Each = each_file) -> Seen:
    """Examine these inputs one after the other; ends the process, with a traceback, where that hangs."""
    seen = Seen()
    faulthandler.dump_traceback_later(_HUNG_AFTER, exit=True)
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        for number in numbers:
            began = time.process_time()
            try:
                seen.outcomes[each(Path(name), seed, number)] += 1
            except Exception as error:  # noqa: BLE001 (whatever it is, it is a finding)
                seen.failures.append(
                    f"input {number}: {''.join(traceback.format_exception(error, limit=-2))}"
                )
            took = time.process_time() - began
            seen.slowest = max(seen.slowest, (took, number))
            if took > SLOWEST:
                seen.failures.append(f"input {number}: took {took:.1f} s")
    faulthandler.cancel_dump_traceback_later()
    return seen


def main(each: Each = each_file, raw_of: Callable[[int, int], bytes] = lambda *of: mutated(*of)[1]) -> int:
    parser = argparse.ArgumentParser(description="Fuzz the reader of the files.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--only", type=int, help="examine this input alone")
    asked = parser.parse_args()
    if asked.only is not None:
        sys.stdout.write(f"{raw_of(asked.seed, asked.only).decode(errors='backslashreplace')}\n")
        found = run([asked.only], asked.seed, each)
        sys.stdout.write(f"{dict(found.outcomes)} {found.failures} {found.slowest[0]:.3f} s\n")
        return bool(found.failures)
    began = time.monotonic()
    seen = Seen()
    chunks = [range(at, min(at + _CHUNK, asked.inputs)) for at in range(0, asked.inputs, _CHUNK)]
    with ProcessPoolExecutor(2) as pool:
        for part in pool.map(partial(run, seed=asked.seed, each=each), chunks):
            seen.add(part)
            if time.monotonic() - began > asked.seconds:
                pool.shutdown(cancel_futures=True)
                break
    done = seen.outcomes.total() + len({failure.split(":")[0] for failure in seen.failures})
    took, number = seen.slowest
    lines = [f"{count:>7} {outcome}" for outcome, count in seen.outcomes.most_common()]
    lines += [f"{len(seen.failures):>7} failures", *seen.failures[:20]]
    lines.append(f"{done} of {asked.inputs} inputs of seed {asked.seed} in {time.monotonic() - began:.0f} s;")
    lines.append(f"the slowest, input {number}, took {took:.3f} s of processor time")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(seen.failures) or done < asked.inputs)


if __name__ == "__main__":
    sys.exit(main())

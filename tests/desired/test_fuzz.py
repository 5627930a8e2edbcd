import time
from collections.abc import Callable
from pathlib import Path

import fuzzing
import fuzzing_lists
import pytest

from reconciler.desired import files
from reconciler.errors import Invalid


@pytest.mark.usefixtures("uncounted")
def test_mutated_files_are_refused_clearly_or_read_exactly() -> None:
    seen = fuzzing.run(range(2000), seed=0)
    assert seen.failures == []
    assert seen.outcomes.total() == 2000
    assert len(seen.outcomes) == 3


@pytest.mark.usefixtures("uncounted")
def test_mutated_lists_are_refused_clearly_or_read_exactly() -> None:
    seen = fuzzing.run(range(1000), 0, fuzzing_lists.each_list)
    assert seen.failures == []
    assert seen.outcomes.total() == 1000
    assert len(seen.outcomes) == 4


def test_a_failure_is_told_with_the_number_of_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path, *, is_target: bool, raw: bytes) -> str:
        raise KeyError(folder, is_target, raw)

    monkeypatch.setattr(fuzzing, "examine", fail)
    monkeypatch.setattr(fuzzing, "SLOWEST", -1.0)
    told = fuzzing.run([7], seed=0).failures
    assert [line[:8] for line in told] == ["input 7:"] * 2


def lines(line: Callable[[int], str], number: int) -> str:
    return "".join(map(line, range(number)))


MEMBERS = ",".join(f"u{at}@x" for at in range(4000))
HOSTILE = {
    "control characters": "\x01" * 300_000,
    "control characters, each on its line": "\x01\n" * 200_000,
    "carriage returns": "a: b\r" * 100_000,
    "directives": lines("%TAG !a{}! x\n".format, 30_000) + "---\nusers: {}\n",
    "brackets": "users: " + "[" * 300_000,
    "braces": "{a: " * 100_000,
    "explicit keys": "? " * 100_000,
    "dashes": "- " * 100_000,
    "aliases": "users: [" + "*a," * 50_000 + "]",
    "anchors": "users:\n" + lines("  u{0}@x: &a{0} {{}}\n".format, 20_000),
    "comments": "# x\n" * 500_000,
    "a long line": "users: {a@x: {name: " + "x" * 2_000_000 + "}}\n",
    "a long key": "x" * 2_000_000 + ": 1\n",
    "a text of many lines": "users:\n  a@x:\n    name: x\n" + "     y\n" * 200_000,
    "accents": "users: {a@x: {groups: [a" + "\u0315\u0300" * 60_000 + "]}}\n",
    "a user, again and again": "users:\n" + "  a@x: {name: x}\n" * 30_000,
    "a field, again and again": "users:\n  a@x:\n" + "    name: x\n" * 30_000,
    "users and fields, twice each": "users:\n"
    + lines("  u{0}@x:\n    name: x\n    name: y\n  u{0}@x: {{}}\n".format, 3000),
    "bad names": "users:\n" + lines("  u{}: {{}}\n".format, 20_000),
    "one bad name": "users:\n  bad: {}\n" + lines("  u{}@x: {{attributes: {{a: [b]}}}}\n".format, 10_000),
    "unknown groups like the known": "groups:\n"
    + lines("  Group {} of us: {{members: from_users}}\n".format, 1000)
    + "users:\n"
    + lines("  u{0}@x: {{groups: [Groups {0} of us]}}\n".format, 3000),
    "a user of many unknown groups": "users: {a@x: {groups: [" + lines("g{},".format, 10_000) + "]}}\n",
    "users of a group that states its members": f"groups: {{G: {{members: [{MEMBERS}]}}}}\nusers:\n"
    + lines("  u{}@x: {{groups: [G]}}\n".format, 4000),
    "members to be absent": f"groups: {{G: {{members: [{MEMBERS}]}}}}\nusers:\n"
    + lines("  u{}@x: {{state: absent}}\n".format, 4000),
}
HOSTILE_TARGETS = {
    "a long address": "url: https://" + "a" * 100_000 + "#",
    "items of several types": "manage: {users: [" + lines("{0},a{0},[{0}],".format, 3000) + "]}",
    "globs": "ignore: {users: [" + lines('"*{}*a*b*",'.format, 3000) + "]}",
}


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("name", [*HOSTILE, *HOSTILE_TARGETS])
def test_a_hostile_file_takes_no_longer_than_its_size_warrants(tmp_path: Path, name: str) -> None:
    target = HOSTILE_TARGETS.get(name)
    head = "kind: omni\nkeys: [{env: K}]\n" + (
        "" if target and "url:" in target else "url: https://a.omniapp.co\n"
    )
    (tmp_path / "target.yaml").write_text(head + (target or ""), "utf-8", newline="")
    (tmp_path / "people.yaml").write_text(HOSTILE.get(name, ""), "utf-8", newline="")
    began = time.process_time()
    try:
        files.load(tmp_path)
    except Invalid as error:
        assert error.problems  # noqa: PT017 (some of these files are valid)
    assert time.process_time() - began < fuzzing.SLOWEST * 2

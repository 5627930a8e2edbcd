"""The page of commands and the commands agree, and nothing in the book names one that there is not."""

import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from book import DOCS, PAGES, TOP, rows_of

from reconciler import cli
from reconciler.errors import ExitCode

Commands = dict[tuple[str, ...], set[str]]

OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


@cache
def commands() -> Commands:
    """Every command with its options, groups followed into their own commands."""
    found: Commands = {(): _options(_help())}
    groups: list[tuple[str, ...]] = [()]
    while groups:
        group = groups.pop()
        for name in re.findall(
            r"^  ([a-z][a-z-]*)", _help(*group).partition("\nCommands:\n")[2], re.MULTILINE
        ):
            text = _help(*group, name)
            if "\nCommands:\n" in text:
                groups.append((*group, name))
            else:
                found[*group, name] = _options(text)
    assert ("sandbox", "serve") in found
    return found


def _options(text: str) -> set[str]:
    lines = text.partition("\nOptions:\n")[2].splitlines()
    return {
        option for line in lines if line.startswith("  -") for option in OPTION.findall(line.split("  ")[1])
    }


def _help(*command: str) -> str:
    with redirect_stdout(StringIO()) as screen:
        cli.run([*command, "--help"])
    return screen.getvalue()


def test_every_command_is_documented() -> None:
    listed = [
        tuple(word for word in row[0].strip("`").split()[1:] if word.islower()) for row in table_of_commands()
    ]
    assert sorted(listed) == sorted(set(commands()) - {()})


def test_every_option_is_documented_with_its_commands() -> None:
    there = {" ".join(name) or "reconciler": options for name, options in commands().items()}
    documented: dict[str, set[str]] = {name: set() for name in there}
    for cell, of, _ in table_of_options():
        for name in there if of == "all" else of.split(", "):
            documented[name] |= set(OPTION.findall(cell))
    assert documented == there


def table_of_commands() -> list[list[str]]:
    return [row for row in rows_of(DOCS / "commands.md") if row[0].startswith("`reconciler ")]


def table_of_options() -> list[list[str]]:
    return [row for row in rows_of(DOCS / "commands.md") if row[0].startswith("`-")]


def test_the_exit_codes_are_documented() -> None:
    rows = [int(row[0]) for row in rows_of(DOCS / "commands.md") if row[0].isdigit()]
    assert rows == sorted(ExitCode)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_what_a_page_has_you_type_can_be_typed(page: Path) -> None:
    groups = {name[:1]: set[str]() for name in commands() if len(name) > 1}
    wrong = [
        shown
        for shown, words, options in _typed(page.read_text("utf-8"))
        if not any(
            words[: len(name)] == name and options <= given and (name or not words)
            for name, given in (commands() | {group: set() for group in groups}).items()
        )
    ]
    assert wrong == []


def _typed(text: str) -> Iterator[tuple[str, tuple[str, ...], set[str]]]:
    """Each command line in code: what stands there, its words, and its options."""
    code = re.findall(r"`(reconciler [^`]+)`", text)
    code += re.findall(r"^(?:\$ |.* && )?(reconciler .*)$", text, re.MULTILINE)
    for line in code:
        shown = re.split(r"  +#| [|>] | && ", line)[0]
        bare = re.sub(r"'[^']*'", "TEXT", shown)
        words = tuple(word for word in bare.split()[1:] if not word.startswith("-"))
        yield shown, words, {word.partition("=")[0] for word in OPTION.findall(bare)}

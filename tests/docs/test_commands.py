"""The page of commands and the commands agree, and nothing in the book names one that there is not."""

import ast
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from book import DOCS, PAGES, TOP, Fence, parts, rows_of

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.starter import install

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
    for names, cell in documented_options():
        for name in there if names == "all" else names.split(", "):
            documented[name] |= set(OPTION.findall(cell))
    assert documented == there


def table_of_commands() -> list[list[str]]:
    return [row for row in rows_of(DOCS / "commands.md") if row[0].startswith("`reconciler ")]


def documented_options() -> Iterator[tuple[str, str]]:
    """The commands and the options of each row: of a command by its heading, of several by a cell."""
    text = (DOCS / "commands.md").read_text("utf-8")
    for section in text.split("\n### ")[1:]:
        heading = section.partition("\n")[0]
        for cell, *cells in re.findall(r"^\| (`-.+?) \| (.+?)(?: \| (.+))? \|$", section, re.MULTILINE):
            yield (cells[0] if heading == "Every command" else heading), cell


def test_a_team_is_shown_how_to_pin_what_its_workflows_install() -> None:
    """The page shows what `init` itself says of a clone, so that requirements.txt is there in time."""
    (shown, then, *_) = [part.text for part in parts(DOCS / "team.md") if isinstance(part, Fence)]
    with pytest.raises(install.Unpinned) as refused:
        install.how_installed()
    clone = shlex.quote(str(TOP))
    assert shown.splitlines() == [line.replace(clone, "../reconciler") for line in refused.value.commands]
    assert f"--install '{install.BY_HASHES}'\n" in then


@pytest.mark.parametrize(
    ("pull", "drift", "mailed"),
    [
        ("exit 0", "echo 'No changes.'; exit 0", ""),
        ("exit 0", "echo 'Drift of production'; exit 3", "Drift of production\n"),
        ("exit 0", "echo 'Error: no key' >&2; exit 1", "\nError: no key\n"),
        ("echo 'not possible' >&2; exit 1", "echo 'Drift of production'; exit 3", "not possible\n"),
    ],
)
def test_cron_mails_the_drift_of_today_or_what_failed(
    pull: str, drift: str, mailed: str, tmp_path: Path
) -> None:
    (line,) = re.findall(r"^17 5 \* \* 1-5  (.+)$", (DOCS / "elsewhere.md").read_text("utf-8"), re.MULTILINE)
    for name, text in (("git", pull), ("reconciler", drift)):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", line.replace("/srv/access", shlex.quote(str(tmp_path)))],
        env={"PATH": f"{tmp_path}:{os.defpath}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout + done.stderr == mailed


def test_the_environment_variables_are_documented() -> None:
    text = (DOCS / "commands.md").read_text("utf-8").partition("\n## Environment variables\n")[2]
    rows = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    documented = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(documented) == sorted(variables() | READ_BY_OTHERS)


READ_BY_OTHERS = {"OMNI_API_KEY", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "NO_PROXY"}
"""What a target.yaml names, and what requests reads."""
VARIABLE = re.compile(r"[A-Z]+(_[A-Z]+)*")


def variables() -> set[str]:
    """What the code asks the environment for: by a text, by a constant, or by an option of typer.

    What stands in the room of git is the environment that git gets.
    """
    files = [file for file in (TOP / "reconciler").rglob("*.py") if file.parent.name != "git"]
    trees = [ast.parse(file.read_text("utf-8")) for file in files]
    constants = {
        target.id: node.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.keyword) and node.arg == "envvar":
            found |= texts(node.value)
        elif isinstance(node, ast.expr) and asks(node):
            found |= texts(node)
            named = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
            found |= {text for name in named if name in constants for text in texts(constants[name])}
    return {name for name in found if VARIABLE.fullmatch(name)}


def asks(node: ast.expr) -> bool:
    """Whether it is an expression that mentions ``environ`` anywhere."""
    return any(
        (isinstance(part, ast.Name) and part.id == "environ")
        or (isinstance(part, ast.Attribute) and part.attr == "environ")
        for part in ast.walk(node)
    )


def texts(node: ast.AST) -> set[str]:
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


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

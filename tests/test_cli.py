"""Every command and option is documented."""

import re
from pathlib import Path

from screen import Output

from reconciler import cli


def test_every_command_and_option_is_documented(capsys: Output) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    missing = []
    for command in _commands(capsys):
        cli.run([*command, "--help"])
        text = capsys.readouterr().out
        name = " ".join(("reconciler", *command))
        missing += [name] if name not in readme else []
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - {"--help"}
        missing += [f"{name} {option}" for option in sorted(options) if option not in readme]
    assert missing == []


def _commands(capsys: Output) -> list[tuple[str, ...]]:
    """Every command, groups followed into their own commands."""
    found: list[tuple[str, ...]] = []
    groups: list[tuple[str, ...]] = [()]
    while groups:
        group = groups.pop()
        cli.run([*group, "--help"])
        listed = capsys.readouterr().out.partition("\nCommands:\n")[2]
        for name in re.findall(r"^  ([a-z][a-z-]*)", listed, re.MULTILINE):
            cli.run([*group, name, "--help"])
            has_more = "\nCommands:\n" in capsys.readouterr().out
            (groups if has_more else found).append((*group, name))
    assert ("sandbox", "serve") in found
    return found

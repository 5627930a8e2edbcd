"""The page for those who come from another tool: what it says to type instead is typed."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from book import DOCS, rows_of
from stage import Stage

from reconciler.errors import ExitCode

PAGE = DOCS / "migrating.md"
COMMAND = re.compile(r"`(reconciler [^`]+)`")
OLD = {
    *("sync", "get-user-by-id", "search-users", "get-user-attributes", "get-group-by-id", "search-groups"),
    *("get-group-members", "create-users", "update-user-attributes", "delete-user", "delete-users"),
    *("export-users-json", "export-users-csv", "export-groups-json", "get-user-history", "get-group-history"),
}
"""Every command of omni-user-manager 0.2.4."""


def commands() -> Iterator[str]:
    """Every command in the second column of a table, once."""
    yield from dict.fromkeys(found for row in rows_of(PAGE) for found in COMMAND.findall(row[1]))


def test_every_command_of_the_old_tool_has_its_row() -> None:
    named = {word for row in rows_of(PAGE) for word in re.findall(r"`([a-z-]+)[ `]", row[0])}
    assert OLD - named == set()


def test_what_is_to_be_typed_instead_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as cleanup:
        stage = Stage(tmp_path / "here", "migrating", monkeypatch, cleanup)
        ids = {"ID": next(iter(stage.store.users)), "GROUP": next(iter(stage.store.groups))}
        codes = {}
        for command in commands():
            typed = re.sub(r"\b(ID|GROUP)\b", lambda found: ids[found[0]], command)
            asks = " apply" in typed and "--auto-approve" not in typed
            stage.run(f"{typed} --auto-approve" if asks else typed)
            codes[command] = stage.code
        assert stage.store.users_with_email("ada@acme.com")[0].name == "Ada Lovelace"
    assert len(codes) > len(OLD)
    assert {command: code for command, code in codes.items() if code != ExitCode.OK} == {}

"""What the commands that ask share: one target, read only, and a table for people or JSON for programs."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from reconciler.cli import console, progress
from reconciler.cli.app import for_each
from reconciler.cli.formats import Format
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.model import Kind, LiveState
    from reconciler.target.settings import Target
    from reconciler.transport.messages import Reader


class Objects(StrEnum):
    """What a system has lists of."""

    USERS = "users"
    GROUPS = "groups"


What = Annotated[Objects, typer.Argument(metavar="WHAT", help="users or groups.")]
OneTarget = Annotated[
    str | None,
    typer.Option("--target", metavar="TARGET", help="Which target; needed where there are several."),
]
AnswerShape = Annotated[
    Format | None,
    typer.Option("--format", help="How to print; without it, a table on a terminal and else JSON."),
]


def ask_one(verb: str, target: str | None, root: Path, action: "Callable[[Target], ExitCode]") -> ExitCode:
    """Do it for the one target that is meant; raises BadUsage where it is not clear which."""
    named = [target] if target is not None else None
    return for_each(root, named, action, only_one={f"{verb} without --target": True})


@contextmanager
def reading(target: "Target", *, verbose: bool) -> "Iterator[Reader]":
    """What reads this target, and nothing that writes."""
    watch = progress.Watch(verbose=verbose)
    with watch.connect(target) as session, watch.reading():
        yield session.reader


def show(shape: Format | None, document: object, table: Callable[..., str]) -> None:
    """Print an answer: the document as JSON, or the table as wide as the terminal."""
    from reconciler.jsontext import dump_json

    match shape or (Format.TEXT if sys.stdout.isatty() else Format.JSON):
        case Format.JSON:
            console.emit(dump_json(document).rstrip("\n"))
        case Format.TEXT:
            console.say(table(**console.look(sys.stdout)).rstrip("\n"))
        case _ as never:  # pragma: no cover (mypy proves that there is no other format)
            assert_never(never)


def show_found(shape: Format | None, kind: "Kind", live: "LiveState", *, members: bool = False) -> None:
    """Print users or groups."""
    from functools import partial

    from reconciler.views import records, tables

    if kind == "user":
        show(shape, records.users(live), partial(tables.users_table, live))
    else:
        document = records.groups(live, members=members)
        show(shape, document, partial(tables.groups_table, live, members=members))
    if members:
        note_foreign(live)


def note_foreign(live: "LiveState") -> None:
    """Say that groups have members who are in no list of users."""
    from reconciler.report import number_of

    if others := sum(live.foreign.get(group.id, 0) for group in live.groups):
        console.complain(f"note: not named, since no list of users has them: {number_of(others, 'member')}")

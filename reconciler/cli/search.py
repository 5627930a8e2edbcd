"""Find people or groups by what they are called."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.answers import AnswerShape, Objects, OneTarget, What, ask_one, reading, show_found
from reconciler.cli.app import DESIRED_STATE, BadUsage, Root, Verbose
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.model import Kind, LiveState
    from reconciler.target.settings import Target
    from reconciler.workflow.questions import Found


def search(
    what: What,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="A login, or the name of a group.")
    ] = None,
    target_name: OneTarget = None,
    root: Root = DESIRED_STATE,
    contains: Annotated[
        bool, typer.Option("--contains", help="TEXT is a part of the login or name, in any case.")
    ] = False,
    expression: Annotated[
        str | None,
        typer.Option("--filter", metavar="EXPR", help="In place of TEXT: a filter that the system answers."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Show so many at most.")
    ] = None,
    shape: AnswerShape = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Find people or groups; says whether the server searched, or we in the list of all.

    Exit code 1 where nobody is found. The system is only read.
    """
    from reconciler.workflow import questions

    if (text is None) is (expression is None) or (contains and text is None):
        message = "give a TEXT to search for, with or without --contains, or a --filter"
        raise BadUsage(message)
    kind: Kind = "user" if what is Objects.USERS else "group"

    def answer(target: "Target") -> ExitCode:
        with reading(target, verbose=verbose) as reader:
            if text is None:
                found = questions.filtered(target.provider, reader, kind, expression or "")
            else:
                found = questions.search(target.provider, reader, kind, text, contains=contains)
        show_found(shape, kind, _first(found.live, kind, limit))
        return _say(found, kind, limit, contains=contains)

    return ask_one("search", target_name, root, answer)


def _first(live: "LiveState", kind: "Kind", limit: int | None) -> "LiveState":
    if kind == "user":
        return replace(live, users=live.users[:limit])
    return replace(live, groups=live.groups[:limit])


def _say(found: "Found", kind: "Kind", limit: int | None, *, contains: bool) -> ExitCode:
    """Say on standard error how many were found, and who searched."""
    from reconciler.report import number_of

    total = len(found.live.users if kind == "user" else found.live.groups)
    who = {"server": "the server searched", "client": f"searched here, in the list of all {kind}s"}[found.by]
    if not total:
        hint = "" if contains or found.by == "client" else "; --contains looks for a part of a login or name"
        console.complain(f"no {kind} found; {who}{hint}")
        return ExitCode.ERROR
    shown = f", {limit} shown" if limit and limit < total else ""
    console.complain(f"{number_of(total, kind)} found{shown}; {who}")
    return ExitCode.OK

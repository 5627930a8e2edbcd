"""Write who is live into a file for other tools."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from reconciler.cli import console
from reconciler.cli.answers import Objects, OneTarget, What, ask_one, note_foreign, reading
from reconciler.cli.app import DESIRED_STATE, Root, Verbose, check_out
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.model import LiveState
    from reconciler.target.settings import Target


class ExportFormat(StrEnum):
    """In which shape."""

    SCIM_JSON = "scim-json"
    JSON = "json"
    CSV = "csv"


def export(
    what: What,
    target_name: OneTarget = None,
    root: Root = DESIRED_STATE,
    shape: Annotated[
        ExportFormat, typer.Option("--format", help="A list of SCIM's, a bare list, or a table.")
    ] = ExportFormat.SCIM_JSON,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there, for its owner alone.")
    ] = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Write who is live into a file for other tools; the system is only read.

    To write what is live as desired state, see `import`.
    """
    from reconciler.workflow import questions

    check_out(out, root)

    def answer(target: "Target") -> ExitCode:
        with_attributes = what is Objects.USERS and shape is not ExportFormat.CSV
        with reading(target, verbose=verbose) as reader:
            live = questions.everything(target.provider, reader, attributes=with_attributes)
        text = _text(live, what, shape, questions.extension(target.provider))
        if out:
            console.save(out, text, "the export")
        else:
            _print(text)
        if what is Objects.GROUPS:
            note_foreign(live)
        return ExitCode.OK

    return ask_one("export", target_name, root, answer)


def _text(live: "LiveState", what: Objects, shape: ExportFormat, extension: str) -> str:
    from reconciler.views import exports

    users = what is Objects.USERS
    rows = exports.user_rows(live, extension) if users else exports.group_rows(live)
    match shape:
        case ExportFormat.SCIM_JSON:
            return exports.as_json(exports.listed(rows))
        case ExportFormat.JSON:
            return exports.as_json(rows)
        case ExportFormat.CSV:
            return exports.users_csv(rows) if users else exports.groups_csv(rows)
        case _:  # pragma: no cover (mypy proves that there is no other format)
            assert_never(shape)


def _print(text: str) -> None:
    """For a program as it is; on a terminal with what is not visible spelled out."""
    from reconciler.views.safe import printable

    if sys.stdout.isatty():
        console.say("\n".join(map(printable, text.rstrip("\n").split("\n"))))
    else:
        console.emit(text.rstrip("\n"))

"""Check the files."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from reconciler.cli import console
from reconciler.cli.app import (
    DESIRED_STATE,
    Root,
    Targets,
    for_each,
)
from reconciler.cli.formats import ProblemFormat
from reconciler.errors import ExitCode, Invalid

if TYPE_CHECKING:
    from reconciler.target.settings import Target


def validate(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    shape: Annotated[
        ProblemFormat, typer.Option("--format", help="With github, problems are annotations of the lines.")
    ] = ProblemFormat.TEXT,
) -> ExitCode:
    """Check the files; needs neither network nor key.

    Every problem of every file is reported in one run, with its place.
    """
    from reconciler import workflow
    from reconciler.desired.attached import named_in
    from reconciler.desired.files import strays, unread
    from reconciler.report import number_of
    from reconciler.views.safe import printable

    if not targets and root.is_dir():
        _name_unread((path, "it is in no target's folder") for path in strays(root))

    def check(target: "Target") -> ExitCode:
        state = workflow.validate(target)
        users, groups = number_of(len(state.users), "user"), number_of(len(state.groups), "group")
        others, named = unread(target.folder, target.sandbox or ()), named_in(state)
        _name_unread((path, why) for path, why in others if path.rpartition("/")[2] not in named)
        gone = f", {len(state.absent)} to be gone" if state.absent else ""
        for problem in (*state.lists.skipped, *state.lists.remarks):
            console.complain(f"note: {printable(str(problem))}")
        console.say(f"{target.name}: {users}, {groups}{gone}. Valid.")
        return ExitCode.PARTIAL if state.lists.skipped else ExitCode.OK

    match shape:
        case ProblemFormat.TEXT:
            return for_each(root, targets, check)
        case ProblemFormat.GITHUB:
            return _annotated(
                lambda: for_each(root, targets, lambda target: _annotated(lambda: check(target)))
            )
        case _:  # pragma: no cover (mypy proves that there is no other format)
            assert_never(shape)


def _name_unread(files: Iterable[tuple[str, str]]) -> None:
    """Say what lies there and is read by nothing."""
    from reconciler.views.safe import printable

    for path, why in files:
        console.complain(f"note: {printable(path)}: read by nothing: {why}")


def _annotated(work: Callable[[], ExitCode]) -> ExitCode:
    """Do it; problems become annotations."""
    from reconciler.views.annotations import annotations

    try:
        return work()
    except Invalid as error:
        for annotation in annotations(error.problems):
            console.command(annotation)
        return error.exit_code

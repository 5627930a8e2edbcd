"""What differs between the files and the live state, without a wish to change it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.app import (
    DESIRED_STATE,
    Expect,
    PlanFormat,
    PlanShape,
    Root,
    Targets,
    Verbose,
    check_out,
    for_each,
)
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.target.settings import Target


def drift(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    expect: Expect = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Save it as a plan.")] = None,
    shape: PlanShape = PlanFormat.TEXT,
    verbose: Verbose = False,
) -> ExitCode:
    """Show where the live state differs from the files, and exit 3 where it does.

    Writes nothing anywhere. Where the files are in git it tells drift (somebody changed the live state)
    from backlog (merged, never applied), and since when the files say so.
    """
    from datetime import UTC, datetime

    from reconciler.saved import to_json
    from reconciler.target.session import connect
    from reconciler.workflow.drift import drift as find_drift
    from reconciler.workflow.drift import load_expectations

    check_out(out, root)
    expectations = load_expectations(expect) if expect else []
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    documents: list[str] = []

    def one(target: "Target") -> ExitCode:
        watch = console.Watch(verbose=verbose)
        with (
            connect(target, on_request=watch.on_request, on_wait=watch.on_wait) as session,
            watch.reading(),
        ):
            found = find_drift(target, session, expectations, today)
        if out:
            console.save(out, to_json(found))
        if shape is PlanFormat.JSON:
            documents.append(to_json(found))
        else:
            console.show(found, shape)
        return ExitCode.DRIFT if found.changes else ExitCode.OK

    only_one = {"--out": out, "--expect": expect}
    return for_each(root, targets, one, only_one=only_one, documents=documents, gap=shape is PlanFormat.TEXT)

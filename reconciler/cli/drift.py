"""What differs between the files and the live state, without a wish to change it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from reconciler.cli import console, progress
from reconciler.cli.app import (
    DESIRED_STATE,
    BadUsage,
    Expect,
    HowMuch,
    Only,
    PlanShape,
    Read,
    Root,
    ScopeText,
    Targets,
    Verbose,
    check_out,
    for_each,
    only_of,
    scope_of,
)
from reconciler.cli.formats import PlanFormat
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.target.settings import Target


def drift(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    expect: Expect = None,
    scope: ScopeText = None,
    only: Only = None,
    read: Read = HowMuch.PART,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Save it as a plan.")] = None,
    shape: PlanShape = PlanFormat.TEXT,
    verbose: Verbose = False,
) -> ExitCode:
    """Show where the live state differs from the files, and exit 3 where it does.

    The system is only read; --out saves a plan. Where the files are in git it tells drift (somebody changed
    the live state) from backlog (merged, never applied), and since when the files say so.
    """
    from datetime import UTC, datetime

    from reconciler.planning.selection import CHANGED
    from reconciler.saved import to_json
    from reconciler.workflow.drift import drift as find_drift
    from reconciler.workflow.drift import load_expectations
    from reconciler.workflow.options import Options

    if only == [CHANGED]:
        message = "--only changed goes with plan and apply: drift is about the files as they are merged"
        raise BadUsage(message)
    options = Options(scope=scope_of(scope), only=only_of(only), read=read.value)
    check_out(out, root)
    expectations = load_expectations(expect) if expect else []
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    documents: list[str] = []

    def drift_of(target: "Target") -> ExitCode:
        watch = progress.Watch(verbose=verbose)
        with (
            watch.connect(target) as session,
            watch.reading(),
        ):
            plan = find_drift(target, session, expectations, today, options)
        if out:
            console.save(out, to_json(plan))
        match shape:
            case PlanFormat.JSON:
                documents.append(to_json(plan))
            case PlanFormat.TEXT | PlanFormat.MARKDOWN | PlanFormat.HTML:
                console.show(plan, shape)
            case _:  # pragma: no cover (mypy proves that there is no other format)
                assert_never(shape)
        if plan.left_out_rows:
            return ExitCode.PARTIAL
        return ExitCode.DRIFT if plan.changes else ExitCode.OK

    only_one = {"--out": out, "--expect": expect}
    return for_each(
        root, targets, drift_of, only_one=only_one, documents=documents, gap=shape is PlanFormat.TEXT
    )

"""Print a saved plan again."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.app import PlanShape
from reconciler.cli.formats import PlanFormat
from reconciler.errors import ExitCode


def show(
    file: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan saved with --out.")],
    shape: PlanShape = PlanFormat.TEXT,
    budget: Annotated[
        int | None,
        typer.Option(
            "--budget",
            metavar="N",
            min=1000,
            help="The most characters, for --format markdown; else as many as a comment takes.",
        ),
    ] = None,
) -> ExitCode:
    """Print a saved plan again."""
    from reconciler.providers.registry import KINDS
    from reconciler.saved import load_plan

    plan = load_plan(str(file), console.read(file))
    # Words of a file may call a deletion what they like.
    words = KINDS[plan.provider].words if plan.provider in KINDS else {}
    console.show(replace(plan, words=words), shape, budget)
    return ExitCode.OK

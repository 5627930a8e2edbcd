"""The steps of the GitHub workflows; see ``reconciler.github.steps``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console, progress
from reconciler.cli.app import DESIRED_STATE, Expect, Include, Only, Root, check_out, only_of
from reconciler.errors import ExitCode, ReconcilerError

if TYPE_CHECKING:
    from reconciler.report import Mandate, Report
    from reconciler.target.session import Session
    from reconciler.target.settings import Target
    from reconciler.workflow import Proposal

github = typer.Typer(
    help="The steps of the GitHub workflows that `reconciler init` writes.",
    no_args_is_help=True,
)

TargetName = Annotated[str, typer.Argument(metavar="TARGET", help="Which target.")]
PullNumber = Annotated[
    int | None,
    typer.Option("--pull", metavar="N", help="The pull request's number; else the one of the job's event."),
]


@github.command("plan")
def plan_pull_request(
    target: TargetName,
    out_dir: Annotated[
        Path, typer.Option("--out-dir", metavar="DIR", help="Where plan.json and plan.html go.")
    ],
    root: Root = DESIRED_STATE,
    pull: PullNumber = None,
    include: Include = None,
    only: Only = None,
) -> ExitCode:
    """Plan a pull request's test merge, and say so in its comment.

    Reads GITHUB_REPOSITORY, GITHUB_TOKEN and GITHUB_EVENT_PATH.
    """
    from reconciler.github import job, reviewed, steps
    from reconciler.github.api import from_environment
    from reconciler.workflow.options import Options

    for name in reviewed.ARTIFACT:
        check_out(out_dir / name, root, "--out-dir")
    number = job.event_number() if pull is None else pull
    options = Options(include=tuple(origin.value for origin in include or ()), only=only_of(only))
    plan = steps.plan_pull(from_environment(), root, target, number, options, out_dir, progress.forecast)
    console.show(plan)
    return ExitCode.GUARD if plan.violations else ExitCode.OK


@github.command("reviewed")
def find_reviewed(
    root: Root = DESIRED_STATE,
    commit: Annotated[
        str, typer.Option("--commit", metavar="SHA", envvar="GITHUB_SHA", help="The merge.")
    ] = "",
) -> ExitCode:
    """Find the pull request of a merge, and the plans that were made for it.

    Hands `pull` and `targets` to the next steps of the job.
    """
    from dataclasses import asdict

    from reconciler.github import job, reviewed
    from reconciler.github.api import from_environment
    from reconciler.target.settings import load_targets
    from reconciler.views.annotations import Command

    targets = load_targets(root)
    merged, plans = reviewed.find(from_environment(), commit, targets)
    job.output("pull", merged.number)
    job.output("targets", [asdict(plan) for plan in plans])
    for name in sorted({target.name for target in targets} - {plan.name for plan in plans}):
        message = f"{name}: no plan was made for #{merged.number}, so nothing is applied there"
        console.command(Command("warning", message))
    return ExitCode.OK


@github.command("apply")
def apply_pull_request(
    target: TargetName,
    artifact: Annotated[
        int,
        typer.Option("--artifact", metavar="ID", help="The artifact with the plan, as `reviewed` found it."),
    ],
    digest: Annotated[
        str, typer.Option("--digest", metavar="SHA256", help="Of the artifact, as `reviewed` found it.")
    ],
    root: Root = DESIRED_STATE,
    pull: PullNumber = None,
) -> ExitCode:
    """Apply a merged pull request's plan, and say there how it went.

    Only what was reviewed: this very plan, shown unedited, and approved since by somebody else.
    What moved since the review is applied by nobody: exit 5, and the comment says what to do.
    """
    from reconciler import workflow
    from reconciler.github import applied, job, pulls, steps
    from reconciler.github.api import from_environment
    from reconciler.views.report import report_text

    def execute(based: "Target", session: "Session", proposal: "Proposal", mandate: "Mandate") -> "Report":
        console.show_proposal(proposal, skip_stale=False, out=sys.stdout)
        with console.stoppable(session), progress.applying(based) as on_progress:
            return workflow.apply(based, session, proposal, mandate, on_progress=on_progress)

    service, loaded = from_environment(), _load(root, target)
    number = job.event_number() if pull is None else pull
    try:
        report = steps.apply_reviewed(service, loaded, number, (artifact, digest), execute, progress.forecast)
        code = report.exit_code
        console.say(report_text(report, **console.look(sys.stdout)).rstrip("\n"))
    except ReconcilerError as error:
        code = console.failed(error)
    try:
        for other in applied.name_unapplied(service, loaded, pulls.pull(service, number)):
            console.say(f"#{other} was merged and never applied to {loaded.name}: said there.")
    except ReconcilerError as error:
        # What was applied stays so; that something else was not is named by the next apply.
        console.failed(error)
    return code


@github.command("drift")
def drift_issue(target: TargetName, root: Root = DESIRED_STATE, expect: Expect = None) -> ExitCode:
    """Compare, and keep one issue for the target: opened, updated, and closed when the drift is gone."""
    from datetime import UTC, datetime

    from reconciler.github import steps
    from reconciler.github.api import from_environment
    from reconciler.workflow.drift import load_expectations

    known = load_expectations(expect) if expect else []
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    console.show(steps.report_drift(from_environment(), _load(root, target), known, today, progress.forecast))
    return ExitCode.OK


def _load(root: Path, name: str) -> "Target":
    from reconciler.target.settings import load_targets

    (loaded,) = load_targets(root, [name])
    return loaded

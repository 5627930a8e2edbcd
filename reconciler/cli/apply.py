"""Do what was planned, and nothing else."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from reconciler.cli import console, progress
from reconciler.cli.app import (
    DESIRED_STATE,
    AllowCreations,
    AllowRemovals,
    BadUsage,
    HowMuch,
    Only,
    Read,
    Resend,
    Root,
    ScopeText,
    Shape,
    Since,
    Targets,
    Verbose,
    for_each,
    lifted,
    only_of,
    scope_of,
)
from reconciler.cli.formats import Format
from reconciler.cli.one_off import GroupsFile, Like, OfKind, Sources, Url, read_options
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.report import Report
    from reconciler.target.settings import Target


def apply(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    file: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Execute this reviewed plan, and only it.")
    ] = None,
    skip_stale: Annotated[
        bool, typer.Option("--skip-stale", help="Leave out reviewed changes that no longer hold.")
    ] = False,
    auto_approve: Annotated[bool, typer.Option("--auto-approve", help="Do not ask.")] = False,
    allow_removals: AllowRemovals = None,
    allow_creations: AllowCreations = None,
    since: Since = None,
    resend: Resend = None,
    scope: ScopeText = None,
    only: Only = None,
    read: Read = HowMuch.PART,
    url: Url = None,
    kind: OfKind = None,
    source: Sources = None,
    like: Like = None,
    groups_file: GroupsFile = None,
    shape: Shape = Format.TEXT,
    verbose: Verbose = False,
) -> ExitCode:
    """Plan again, show it, ask, and do it.

    With --plan, what was reviewed is done and nothing else, without asking.
    """
    from reconciler import workflow
    from reconciler.report import Mandate
    from reconciler.saved import load_plan
    from reconciler.target.at_base import at_base
    from reconciler.views.json import report_json

    if skip_stale and not file:
        message = "--skip-stale goes with --plan"
        raise BadUsage(message)
    if resend and file:
        message = "--resend goes without --plan: the plan says what is sent again"
        raise BadUsage(message)
    if scope is not None and file:
        message = "--scope goes without --plan: a saved plan has the scope that it was made with"
        raise BadUsage(message)
    if only and file:
        message = "--only goes without --plan: a saved plan has its own"
        raise BadUsage(message)
    options = workflow.Options(
        since, resend=tuple(resend or ()), scope=scope_of(scope), only=only_of(only), read=read.value
    )
    one_off = read_options(url, kind, source, like, groups_file)
    one_off.check_alone({"TARGET": targets, "--dir": root, "--since": since}, options.only)
    documents: list[str] = []

    def apply_to(target: "Target") -> ExitCode:
        saved = load_plan(str(file), console.read(file), target.name, target.url) if file else None
        if saved and saved.base and not target.asked:
            target = at_base(target, saved.base)
        watch = progress.Watch(verbose=verbose)
        with (
            workflow.locked(target),
            watch.connect(target) as session,
        ):
            with watch.reading():
                proposal = workflow.propose(
                    target,
                    session,
                    options,
                    saved=saved,
                    allow_removals=allow_removals,
                    allow_creations=allow_creations,
                )
            out = sys.stderr if shape is Format.JSON else sys.stdout
            console.show_proposal(proposal, skip_stale=skip_stale, out=out)
            if proposal.changes and not (auto_approve or file):
                console.ask(target, len(proposal.changes))
            given = (*lifted(allow_removals, allow_creations), *(["--skip-stale"] if skip_stale else []))
            mandate = Mandate(workflow.ran_by(), proposal.plan.digest, given)
            with console.stoppable(session), progress.applying(target) as on_progress:
                report = workflow.apply(target, session, proposal, mandate, on_progress=on_progress)
            report = replace(report, unrecorded=workflow.record(target, proposal, report))
        match shape:
            case Format.JSON:
                documents.append(report_json(report))
            case Format.TEXT:
                _say(report)
            case _:  # pragma: no cover (mypy proves that there is no other format)
                assert_never(shape)
        return report.exit_code

    only_one = {
        "--plan": file,
        "--allow-removals": allow_removals,
        "--allow-creations": allow_creations,
        "--resend": resend,
    }
    return for_each(
        root,
        targets,
        apply_to,
        only_one=only_one,
        documents=documents,
        gap=shape is Format.TEXT,
        one_off=one_off.target,
    )


def _say(report: "Report") -> None:
    from reconciler.views.report import report_text
    from reconciler.views.safe import printable

    if report.changes:
        console.say(report_text(report, **console.look(sys.stdout)).rstrip("\n"))
        return
    console.say("Nothing to do, and nothing was sent.")
    if report.unrecorded:
        console.say(f"Not recorded as applied: {printable(report.unrecorded)}")

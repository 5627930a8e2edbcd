"""From files to a plan, and from a plan to its application: validate, plan, show, apply."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler import console
from reconciler.cli.app import (
    DESIRED_STATE,
    AllowRemovals,
    BadUsage,
    Format,
    Root,
    Shape,
    Since,
    Targets,
    Verbose,
    app,
    for_each,
)
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.settings import Target


@app.command()
def validate(targets: Targets = None, root: Root = DESIRED_STATE) -> ExitCode:
    """Check the files; needs neither network nor key.

    Every problem of every file is reported in one run, with its place.
    """
    from reconciler import workflow
    from reconciler.views.text import number_of

    def one(target: "Target") -> ExitCode:
        state = workflow.validate(target)
        users, groups = number_of(len(state.users), "user"), number_of(len(state.groups), "group")
        gone = f", {len(state.absent)} to be gone" if state.absent else ""
        console.say(f"{target.name}: {users}, {groups}{gone}. Valid.")
        return ExitCode.OK

    return for_each(root, targets, one)


@app.command()
def plan(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Save the plan, to be applied as reviewed.")
    ] = None,
    shape: Shape = Format.TEXT,
    allow_removals: AllowRemovals = None,
    since: Since = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 where there are changes.")
    ] = False,
    verbose: Verbose = False,
) -> ExitCode:
    """Show what would change; writes nothing anywhere."""
    from reconciler import workflow
    from reconciler.saved import to_json
    from reconciler.settings import connect

    documents: list[str] = []

    def one(target: "Target") -> ExitCode:
        watch = console.Watch(verbose=verbose)
        with (
            connect(target, on_request=watch.on_request, on_wait=watch.on_wait) as session,
            watch.reading(),
        ):
            made = workflow.judge(workflow.plan(target, session, since).plan, target, allow_removals)
        if out:
            console.save(out, to_json(made))
        if shape is Format.JSON:
            documents.append(to_json(made))
            console.show_violations(made, sys.stderr)
        else:
            console.show(made)
            if out:
                how = "" if made.violations else f" {_how_to_apply(target, root, out)}"
                console.say(f"\nSaved to {out}.{how}")
        if made.violations:
            return ExitCode.GUARD
        return ExitCode.CHANGES if detailed_exitcode and made.changes else ExitCode.OK

    only_one = {"--out": out, "--allow-removals": allow_removals}
    return for_each(root, targets, one, only_one=only_one, documents=documents, gap=shape is Format.TEXT)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan saved with --out.")],
    shape: Shape = Format.TEXT,
) -> ExitCode:
    """Print a saved plan again."""
    from reconciler import workflow
    from reconciler.saved import to_json

    saved = workflow.load_plan(str(file), console.read(file))
    if shape is Format.JSON:
        console.say(to_json(saved).rstrip("\n"))
    else:
        console.show(saved)
    return ExitCode.OK


@app.command()
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
    since: Since = None,
    shape: Shape = Format.TEXT,
    verbose: Verbose = False,
) -> ExitCode:
    """Plan again, show it, ask, and do it.

    With --plan, what was reviewed is done and nothing else, without asking.
    """
    from reconciler import workflow
    from reconciler.settings import connect
    from reconciler.views.json import report_json
    from reconciler.views.report import report_text

    if skip_stale and not file:
        message = "--skip-stale goes with --plan"
        raise BadUsage(message)
    documents: list[str] = []

    def one(target: "Target") -> ExitCode:
        saved = workflow.load_plan(str(file), console.read(file), target) if file else None
        watch = console.Watch(verbose=verbose)
        with (
            workflow.locked(target),
            connect(target, on_request=watch.on_request, on_wait=watch.on_wait) as session,
        ):
            with watch.reading():
                proposal = workflow.propose(
                    target, session, saved=saved, allow_removals=allow_removals, since=since
                )
            out = sys.stderr if shape is Format.JSON else sys.stdout
            console.show_proposal(proposal, skip_stale=skip_stale, out=out)
            if proposal.changes and not (auto_approve or file):
                console.ask(target, len(proposal.changes))
            with console.stoppable(session), console.progress(target) as on_progress:
                report = workflow.apply(target, session, proposal, on_progress=on_progress)
            workflow.record(target, proposal, report)
        if shape is Format.JSON:
            documents.append(report_json(report))
        elif proposal.changes:
            console.say(report_text(report, **console.look(sys.stdout)).rstrip("\n"))
        else:
            console.say("Nothing to do, and nothing was sent.")
        return workflow.exit_code(report)

    only_one = {"--plan": file, "--allow-removals": allow_removals}
    return for_each(root, targets, one, only_one=only_one, documents=documents, gap=shape is Format.TEXT)


def _how_to_apply(target: "Target", root: Path, plan: Path) -> str:
    where = () if root == DESIRED_STATE else ("--dir", str(root))
    command = ("reconciler", "apply", target.name, *where, "--plan", str(plan))
    return f"Apply exactly this with: {shlex.join(command)}"

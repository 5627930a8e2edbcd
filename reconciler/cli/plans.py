"""From files to a plan, and from a plan to its application: validate, plan, show, apply."""

import shlex
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler import console
from reconciler.cli.app import (
    DESIRED_STATE,
    AllowCreations,
    AllowRemovals,
    BadUsage,
    Base,
    Format,
    Include,
    PlanFormat,
    PlanShape,
    Root,
    Shape,
    Since,
    Targets,
    Verbose,
    app,
    check_out,
    for_each,
)
from reconciler.errors import ExitCode, Invalid

if TYPE_CHECKING:
    from reconciler.settings import Target


class ProblemFormat(StrEnum):
    """How to print problems."""

    TEXT = "text"
    GITHUB = "github"


@app.command()
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
    from reconciler.desired.files import strays, unread
    from reconciler.views.lines import number_of

    if not targets and root.is_dir():
        _name_unread((path, "it is in no target's folder") for path in strays(root))

    def one(target: "Target") -> ExitCode:
        state = workflow.validate(target)
        users, groups = number_of(len(state.users), "user"), number_of(len(state.groups), "group")
        _name_unread(unread(target.folder, target.sandbox or ()))
        gone = f", {len(state.absent)} to be gone" if state.absent else ""
        console.say(f"{target.name}: {users}, {groups}{gone}. Valid.")
        return ExitCode.OK

    if shape is ProblemFormat.TEXT:
        return for_each(root, targets, one)
    return _annotated(lambda: for_each(root, targets, lambda target: _annotated(lambda: one(target))))


def _name_unread(found: Iterable[tuple[str, str]]) -> None:
    """Say what lies there and is read by nothing."""
    from reconciler.views.safe import printable

    for path, why in found:
        console.complain(f"note: {printable(path)}: read by nothing: {why}")


def _annotated(work: Callable[[], ExitCode]) -> ExitCode:
    """Do it; problems become annotations."""
    from reconciler.views.annotations import annotations

    try:
        return work()
    except Invalid as error:
        for one in annotations(error.problems):
            console.command(one)
        return error.exit_code


@app.command("targets")
def list_targets(
    root: Root = DESIRED_STATE,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a list of objects, as a matrix of jobs takes it.")
    ] = False,
) -> ExitCode:
    """List the targets."""
    import json

    from reconciler.saved import spelled_json
    from reconciler.settings import load_targets
    from reconciler.starter.write import artifact

    rows = [
        {
            "name": target.name,
            "kind": target.kind,
            "url": target.url,
            "folder": target.folder.as_posix(),
            "artifact": artifact(target.name),
        }
        for target in load_targets(root)
    ]
    if as_json:
        console.emit(spelled_json(json.dumps(rows)))
    else:
        for row in rows:
            console.say(f"{row['name']}  {row['kind']}  {row['url']}")
    return ExitCode.OK


@app.command()
def plan(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Save the plan, to be applied as reviewed.")
    ] = None,
    shape: PlanShape = PlanFormat.TEXT,
    allow_removals: AllowRemovals = None,
    allow_creations: AllowCreations = None,
    since: Since = None,
    base: Base = None,
    include: Include = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 where there are changes.")
    ] = False,
    verbose: Verbose = False,
) -> ExitCode:
    """Show what would change; writes nothing anywhere."""
    from reconciler import workflow
    from reconciler.saved import to_json
    from reconciler.settings import at_base, connect

    if include and base is None:
        message = "--include goes with --base"
        raise BadUsage(message)
    check_out(out, root)
    documents: list[str] = []

    def one(target: "Target") -> ExitCode:
        target = target if base is None else at_base(target, base)
        watch = console.Watch(verbose=verbose)
        with (
            connect(target, on_request=watch.on_request, on_wait=watch.on_wait) as session,
            watch.reading(),
        ):
            found = workflow.plan(target, session, since, base, [o.value for o in include or ()])
        made = workflow.judge(found.plan, target, allow_removals, allow_creations)
        if out:
            console.save(out, to_json(made))
        if shape is PlanFormat.JSON:
            documents.append(to_json(made))
            console.show_violations(made, sys.stderr)
        else:
            console.show(made, shape)
            if out and shape is PlanFormat.TEXT:
                lifted = _lifted(allow_removals, allow_creations)
                how = "" if made.violations else f" {_how_to_apply(target, root, out, lifted)}"
                console.say(f"\nSaved to {out}.{how}")
        if made.violations:
            return ExitCode.GUARD
        return ExitCode.CHANGES if detailed_exitcode and made.changes else ExitCode.OK

    only_one = {
        "--out": out,
        "--allow-removals": allow_removals,
        "--allow-creations": allow_creations,
    }
    return for_each(root, targets, one, only_one=only_one, documents=documents, gap=shape is PlanFormat.TEXT)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan saved with --out.")],
    shape: PlanShape = PlanFormat.TEXT,
    budget: Annotated[
        int,
        typer.Option("--budget", metavar="N", min=1000, help="The most characters, for --format markdown."),
    ] = 65_536,
) -> ExitCode:
    """Print a saved plan again."""
    from reconciler.saved import load_plan

    console.show(load_plan(str(file), console.read(file)), shape, budget)
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
    allow_creations: AllowCreations = None,
    since: Since = None,
    shape: Shape = Format.TEXT,
    verbose: Verbose = False,
) -> ExitCode:
    """Plan again, show it, ask, and do it.

    With --plan, what was reviewed is done and nothing else, without asking.
    """
    from reconciler import workflow
    from reconciler.report import Mandate
    from reconciler.saved import load_plan
    from reconciler.settings import at_base, connect
    from reconciler.views.json import report_json
    from reconciler.views.report import report_text
    from reconciler.views.safe import printable

    if skip_stale and not file:
        message = "--skip-stale goes with --plan"
        raise BadUsage(message)
    documents: list[str] = []

    def one(target: "Target") -> ExitCode:
        saved = load_plan(str(file), console.read(file), target.name, target.url) if file else None
        if saved and saved.base:
            target = at_base(target, saved.base)
        watch = console.Watch(verbose=verbose)
        with (
            workflow.locked(target),
            connect(target, on_request=watch.on_request, on_wait=watch.on_wait) as session,
        ):
            with watch.reading():
                proposal = workflow.propose(
                    target,
                    session,
                    saved=saved,
                    allow_removals=allow_removals,
                    allow_creations=allow_creations,
                    since=since,
                )
            out = sys.stderr if shape is Format.JSON else sys.stdout
            console.show_proposal(proposal, skip_stale=skip_stale, out=out)
            if proposal.changes and not (auto_approve or file):
                console.ask(target, len(proposal.changes))
            lifted = (*_lifted(allow_removals, allow_creations), *(["--skip-stale"] if skip_stale else []))
            mandate = Mandate(workflow.ran_by(), proposal.plan.digest, lifted)
            with console.stoppable(session), console.progress(target) as on_progress:
                report = workflow.apply(target, session, proposal, mandate, on_progress=on_progress)
            report = replace(report, unrecorded=workflow.record(target, proposal, report))
        if shape is Format.JSON:
            documents.append(report_json(report))
        elif proposal.changes:
            console.say(report_text(report, **console.look(sys.stdout)).rstrip("\n"))
        else:
            console.say("Nothing to do, and nothing was sent.")
            if report.unrecorded:
                console.say(f"Not recorded as applied: {printable(report.unrecorded)}")
        return report.exit_code

    only_one = {
        "--plan": file,
        "--allow-removals": allow_removals,
        "--allow-creations": allow_creations,
    }
    return for_each(root, targets, one, only_one=only_one, documents=documents, gap=shape is Format.TEXT)


def _lifted(removals: int | None, creations: int | None) -> tuple[str, ...]:
    """The options that lift a limit for one plan, as they were given."""
    given = {"--allow-removals": removals, "--allow-creations": creations}
    return tuple(f"{option} {number}" for option, number in given.items() if number is not None)


def _how_to_apply(target: "Target", root: Path, plan: Path, lifted: Iterable[str]) -> str:
    where = () if root == DESIRED_STATE else ("--dir", str(root))
    options = (part for one in lifted for part in one.split())
    command = ("reconciler", "apply", target.name, *where, *options, "--plan", str(plan))
    return f"Apply exactly this with: {shlex.join(command)}"

"""Show what would change."""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from reconciler.cli import console, progress
from reconciler.cli.app import (
    DESIRED_STATE,
    AllowCreations,
    AllowRemovals,
    BadUsage,
    Base,
    HowMuch,
    Include,
    Only,
    PlanShape,
    Read,
    Resend,
    Root,
    ScopeText,
    Since,
    Targets,
    Verbose,
    check_out,
    for_each,
    lifted,
    only_of,
    scope_of,
)
from reconciler.cli.formats import PlanFormat
from reconciler.cli.one_off import GroupsFile, Like, OfKind, Sources, Url, read_options
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.target.settings import Target


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
    resend: Resend = None,
    scope: ScopeText = None,
    only: Only = None,
    read: Read = HowMuch.PART,
    url: Url = None,
    kind: OfKind = None,
    source: Sources = None,
    like: Like = None,
    groups_file: GroupsFile = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 where there are changes.")
    ] = False,
    verbose: Verbose = False,
) -> ExitCode:
    """Show what would change. The system is only read; --out saves the plan."""
    from reconciler import workflow
    from reconciler.saved import to_json
    from reconciler.target.at_base import at_base

    if include and base is None:
        message = "--include goes with --base"
        raise BadUsage(message)
    options = workflow.Options(
        since,
        base,
        tuple(origin.value for origin in include or ()),
        resend=tuple(resend or ()),
        scope=scope_of(scope),
        only=only_of(only),
        read=read.value,
    )
    one_off = read_options(url, kind, source, like, groups_file)
    one_off.check_alone({"TARGET": targets, "--dir": root, "--since": since, "--base": base}, options.only)
    check_out(out, root, sources=one_off.files)
    documents: list[str] = []

    def plan_for(target: "Target") -> ExitCode:
        target = target if base is None else at_base(target, base)
        watch = progress.Watch(verbose=verbose)
        with (
            watch.connect(target) as session,
            watch.reading(),
        ):
            planned = workflow.plan(target, session, options)
        judged = workflow.guarded(planned.plan, target, allow_removals, allow_creations)
        if out:
            console.save(out, to_json(judged))
        match shape:
            case PlanFormat.JSON:
                documents.append(to_json(judged))
                console.show_violations(judged, sys.stderr)
            case PlanFormat.MARKDOWN | PlanFormat.HTML:
                console.show(judged, shape)
            case PlanFormat.TEXT:
                console.show(judged, shape)
                if out:
                    given = lifted(allow_removals, allow_creations)
                    how = (
                        ""
                        if judged.violations
                        else f" {_how_to_apply(one_off.words or _named(target, root), out, given)}"
                    )
                    console.say(f"\nSaved to {out}.{how}")
            case _:  # pragma: no cover (mypy proves that there is no other format)
                assert_never(shape)
        if judged.violations:
            return ExitCode.GUARD
        if judged.left_out_rows:
            return ExitCode.PARTIAL
        return ExitCode.CHANGES if detailed_exitcode and judged.changes else ExitCode.OK

    only_one = {
        "--out": out,
        "--allow-removals": allow_removals,
        "--allow-creations": allow_creations,
        "--resend": resend,
    }
    return for_each(
        root,
        targets,
        plan_for,
        only_one=only_one,
        documents=documents,
        gap=shape is PlanFormat.TEXT,
        one_off=one_off.target,
    )


def _named(target: "Target", root: Path) -> tuple[str, ...]:
    where = () if root == DESIRED_STATE else ("--dir", str(root))
    return (target.name, *where)


def _how_to_apply(named: Iterable[str], plan: Path, given: Iterable[str]) -> str:
    options = (part for option in given for part in option.split())
    command = ("reconciler", "apply", *named, *options, "--plan", str(plan))
    return f"Apply exactly this with: {shlex.join(command)}"

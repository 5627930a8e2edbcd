"""See whether everything is as it must be."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from reconciler.cli import console, progress
from reconciler.cli.app import DESIRED_STATE, BadUsage, Root, Shape, Targets, Verbose, for_each
from reconciler.cli.formats import Format
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.report import Check
    from reconciler.target.settings import Target


def doctor(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    probe: Annotated[
        bool, typer.Option("--probe", help="Find out with scratch objects what no document says; asks first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --probe: do not ask.")] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Look at the repository's own settings on GitHub instead.")
    ] = False,
    shape: Shape = Format.TEXT,
    verbose: Verbose = False,
) -> ExitCode:
    """Check credential, reach, rights and pace; writes nothing.

    With --probe, what an instance does is found out by doing it, with objects
    that are removed again; target.yaml must allow it with `probe: true`.

    With --github, what guards the merges and the key: environments, rules,
    CODEOWNERS and what workflows may do. Reads GITHUB_REPOSITORY and GITHUB_TOKEN.
    """
    from reconciler.diagnosis.doctor import diagnose, exit_code

    if yes and not probe:
        message = "--yes goes with --probe"
        raise BadUsage(message)
    if probe and shape is Format.JSON:
        message = "--format json is not for --probe"
        raise BadUsage(message)
    if github and (probe or targets or verbose):
        message = "--github looks at the repository, for all targets: give --dir and --format alone with it"
        raise BadUsage(message)
    if github:
        return _repository(root, shape)
    documents: list[str] = []

    def look_at(target: "Target") -> ExitCode:
        watch = progress.Watch(verbose=verbose)
        if probe:
            return _probe(target, watch, yes=yes)
        checks = diagnose(target, on_request=watch.on_request, on_wait=watch.on_wait)
        text = _drawn(checks, shape, target.name, target.url, {"target": target.name, "url": target.url})
        if shape is Format.TEXT:
            console.say(text)
        else:
            documents.append(text)
        return exit_code(checks)

    return for_each(root, targets, look_at, documents=documents, gap=shape is Format.TEXT)


def _repository(root: Path, shape: Format) -> ExitCode:
    from reconciler.diagnosis.doctor import exit_code
    from reconciler.github.api import from_environment
    from reconciler.github.settings.checks import diagnose_repository
    from reconciler.target.settings import load_targets

    service, name = from_environment(), os.environ["GITHUB_REPOSITORY"].strip()
    checks = diagnose_repository(service, root, load_targets(root))
    tell = console.say if shape is Format.TEXT else console.emit
    tell(_drawn(checks, shape, name, "its settings on GitHub", {"repository": name}))
    return exit_code(checks)


def _drawn(checks: Sequence["Check"], shape: Format, name: str, where: str, about: Mapping[str, str]) -> str:
    """The checks in one of their formats; ``about`` says in JSON what was looked at."""
    from reconciler.views.doctor import checks_json, checks_text

    match shape:
        case Format.TEXT:
            return checks_text(checks, name=name, where=where, **console.look(sys.stdout)).rstrip("\n")
        case Format.JSON:
            return checks_json(checks, **about).rstrip("\n")
        case _:  # pragma: no cover (mypy proves that there is no other format)
            assert_never(shape)


def _probe(target: "Target", watch: progress.Watch, *, yes: bool) -> ExitCode:
    from reconciler import workflow
    from reconciler.diagnosis import probe
    from reconciler.views.doctor import probed_text

    probe.check_allowed(target)
    console.say(probe.announcement(target).rstrip("\n"))
    if not yes:
        console.confirm(f"Make these at {target.name}?", "give --yes")
    with (
        workflow.locked(target),
        watch.connect(target) as session,
        console.stoppable(session),
    ):
        probed = probe.probe(target, session)
    console.say(probed_text(probed, **console.look(sys.stdout)).rstrip("\n"))
    if not probed.stopped:
        path = target.folder / "quirks.yaml"
        console.save(path, probe.quirks_yaml(target, probed), "what was found", 0o644)
        console.say(f"\nSaved to {path}: from now on it is used. Commit it.")
    return probed.exit_code

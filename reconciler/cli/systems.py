"""The system at the other end: is it as it must be; and a pretend one to serve."""

import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from reconciler import console
from reconciler.cli.app import DESIRED_STATE, BadUsage, Format, Root, Shape, Targets, Verbose, app, for_each
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.sandbox.faults import Fault, Faulty, Schedule
from reconciler.sandbox.switches import Switches, from_texts

if TYPE_CHECKING:
    from reconciler.settings import Target

T = TypeVar("T")


@app.command()
def doctor(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    probe: Annotated[
        bool, typer.Option("--probe", help="Find out, with scratch objects, what nobody tells; asks first.")
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
    from reconciler.doctor import diagnose, exit_code
    from reconciler.views.doctor import checks_json, checks_text

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

    def one(target: "Target") -> ExitCode:
        watch = console.Watch(verbose=verbose)
        if probe:
            return _probe(target, watch, yes=yes)
        checks = diagnose(target, on_request=watch.on_request, on_wait=watch.on_wait)
        if shape is Format.JSON:
            documents.append(checks_json(checks, target=target.name, url=target.url))
        else:
            look = console.look(sys.stdout)
            console.say(checks_text(checks, name=target.name, where=target.url, **look).rstrip("\n"))
        return exit_code(checks)

    return for_each(root, targets, one, documents=documents, gap=shape is Format.TEXT)


def _repository(root: Path, shape: Format) -> ExitCode:
    from reconciler.doctor import exit_code
    from reconciler.github.api import from_environment
    from reconciler.github.repository import diagnose
    from reconciler.settings import load_targets
    from reconciler.views.doctor import checks_json, checks_text

    service, name = from_environment(), os.environ["GITHUB_REPOSITORY"].strip()
    checks = diagnose(service, root, load_targets(root))
    if shape is Format.JSON:
        console.say(checks_json(checks, repository=name).rstrip("\n"))
    else:
        look = console.look(sys.stdout)
        console.say(checks_text(checks, name=name, where="its settings on GitHub", **look).rstrip("\n"))
    return exit_code(checks)


def _probe(target: "Target", watch: console.Watch, *, yes: bool) -> ExitCode:
    from reconciler import probe, workflow
    from reconciler.settings import connect
    from reconciler.views.doctor import probed_text

    probe.check_allowed(target)
    console.say(probe.announcement(target).rstrip("\n"))
    if not yes:
        console.confirm(f"Make these at {target.name}?", "give --yes")
    with (
        workflow.locked(target),
        connect(target, on_request=watch.on_request, on_wait=watch.on_wait) as session,
        console.stoppable(session),
    ):
        probed = probe.probe(target, session)
    console.say(probed_text(probed, **console.look(sys.stdout)).rstrip("\n"))
    if not probed.stopped:
        path = target.folder / "quirks.yaml"
        console.save(path, probe.quirks_yaml(target, probed), "what was found", 0o644)
        console.say(f"\nSaved to {path}: from now on it is used. Commit it.")
    return probed.exit_code


_SWITCHES = ", ".join(field.name for field in fields(Switches))
_FAULTS = ", ".join(fault.name.lower() for fault in Fault)


def _how_to_use(url: str, kinds: dict[str, str]) -> Iterator[str]:
    """What a person types to use a pretend Omni, whose keys and their kinds these are."""
    from reconciler.views.safe import printable

    token = next((token for token, kind in kinds.items() if kind == "organization"), None)
    if token is None:
        yield f"A pretend Omni is at {url}, until Ctrl-C."
        yield "This seed has no organization key: add one under `keys`."
        return
    host = url.removeprefix("http://")
    yield f"A pretend Omni is at {url}, until Ctrl-C. To use it, set `url: {url}` and"
    yield "`keys: [{env: OMNI_API_KEY}]` in target.yaml, and in another terminal:"
    yield f"  export RECONCILER_ALLOWED_HOSTS={host} OMNI_API_KEY={printable(shlex.quote(token))}"


sandbox_app = typer.Typer(help="A pretend Omni, to try everything without an account.", no_args_is_help=True)
app.add_typer(sandbox_app, name="sandbox")


@sandbox_app.command("serve")
def sandbox_serve(
    seed: Annotated[Path, typer.Argument(metavar="SEED", help="A YAML file with what is live at first.")],
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FILE", help="Keep what changes in this file.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8080,
    switch: Annotated[
        list[str] | None,
        typer.Option("--switch", metavar="NAME=VALUE", help=f"Behave so, this once. Names: {_SWITCHES}."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="NAME=SHARE",
            help=f"Let this share of requests go wrong, as 0.1. Names: {_FAULTS}.",
        ),
    ] = None,
) -> ExitCode:
    """Serve a pretend Omni on loopback, until Ctrl-C.

    --switch and --fault may be repeated. A request that has gone wrong twice in
    a row goes through; the same requests meet the same faults every time.
    """
    from reconciler.sandbox.omni import Sandbox
    from reconciler.sandbox.server import serve
    from reconciler.settings import open_sandbox

    schedule, switches = _said("--fault", fault, Schedule.from_texts), _said("--switch", switch, from_texts)
    store = open_sandbox(seed, state)
    store.behave(switches)
    try:
        server = serve(Faulty(Sandbox(store), 0, schedule), port)
    except OSError as error:
        message = f"port {port} cannot be used: {error.strerror}; choose another with --port"
        raise ReconcilerError(message) from None
    with server:
        for line in _how_to_use(server.url, {token: key.kind for token, key in store.keys.items()}):
            console.say(line)
        try:
            server.wait()
        except KeyboardInterrupt:
            console.say("Stopped.")
    return ExitCode.OK


def _said(option: str, given: list[str] | None, understand: Callable[[dict[str, str]], T]) -> T:
    """What an option that is repeated as NAME=VALUE says; raises BadUsage where it cannot be understood."""
    try:
        return understand(_pairs(given or ()))
    except ValueError as error:
        message = f"{option}: {error}"
        raise BadUsage(message) from None


def _pairs(given: Iterable[str]) -> dict[str, str]:
    said: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name in said:
            message = f"{name}: {'given twice' if equals else 'write NAME=VALUE'}"
            raise ValueError(message)
        said[name] = value
    return said

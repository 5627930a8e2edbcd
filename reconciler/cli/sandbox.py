"""A pretend system to serve."""

import shlex
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from reconciler.cli import console
from reconciler.cli.app import BadUsage, KindName, kind_named
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.providers.registry import DEFAULT, KINDS
from reconciler.sandbox.faults import Fault, Faulty, Schedule

if TYPE_CHECKING:
    from reconciler.providers.kind import Kind
    from reconciler.sandbox.pretend import Pretend

T = TypeVar("T")
_SWITCHES = ", ".join(dict.fromkeys(chain.from_iterable(kind.switches for kind in KINDS.values())))
_FAULTS = ", ".join(fault.name.lower() for fault in Fault)


def _how_to_use(url: str, kind: "Kind", pretend: "Pretend") -> Iterator[str]:
    """What a person types to use a pretend system."""
    from reconciler.views.safe import printable

    host = url.removeprefix("http://")
    url += pretend.site.written
    if not pretend.offered:
        yield f"A pretend {kind.title} is at {url}, until Ctrl-C."
        yield pretend.lacking
        return
    yield f"A pretend {kind.title} is at {url}, until Ctrl-C. To use it, set `url: {url}` and"
    yield f"`{kind.credential}` in target.yaml, and in another terminal:"
    offered = pretend.offered.items()
    set_to = (f"{kind.variables[part]}={printable(shlex.quote(secret))}" for part, secret in offered)
    yield f"  export RECONCILER_ALLOWED_HOSTS={host} {' '.join(set_to)}"


sandbox = typer.Typer(help="A pretend system, to try everything without an account.", no_args_is_help=True)


@sandbox.command("serve")
def serve_sandbox(
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
    kind: KindName = DEFAULT,
) -> ExitCode:
    """Serve a pretend system on loopback, until Ctrl-C.

    --switch and --fault may be repeated. A request that has gone wrong twice in
    a row goes through; the same requests meet the same faults every time.
    """
    from reconciler.sandbox.server import serve
    from reconciler.target.session import open_sandbox

    system = kind_named(kind)
    schedule, switches = (
        _understood("--fault", fault, Schedule.from_texts),
        _understood("--switch", switch, system.switched),
    )
    pretend = open_sandbox(system, seed, state)
    pretend.behave(switches)
    try:
        server = serve(Faulty(pretend.transport, 0, schedule), pretend.site, port)
    except OSError as error:
        message = f"port {port} cannot be used: {error.strerror}; choose another with --port"
        raise ReconcilerError(message) from None
    with server:
        for line in _how_to_use(server.url, system, pretend):
            console.say(line)
        try:
            server.wait()
        except KeyboardInterrupt:
            console.say("Stopped.")
    return ExitCode.OK


def _understood(option: str, given: list[str] | None, understand: Callable[[dict[str, str]], T]) -> T:
    """What an option that is repeated as NAME=VALUE says; raises BadUsage where it cannot be understood."""
    try:
        return understand(_pairs(given or ()))
    except ValueError as error:
        message = f"{option}: {error}"
        raise BadUsage(message) from None


def _pairs(given: Iterable[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name in values:
            message = f"{name}: {'given twice' if equals else 'write NAME=VALUE'}"
            raise ValueError(message)
        values[name] = value
    return values

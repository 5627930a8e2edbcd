"""The system at the other end: a pretend one to serve."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler import console
from reconciler.cli.app import app
from reconciler.errors import ExitCode, ReconcilerError

sandbox_app = typer.Typer(help="A pretend Omni, to try everything without an account.", no_args_is_help=True)
app.add_typer(sandbox_app, name="sandbox")


@sandbox_app.command("serve")
def sandbox_serve(
    seed: Annotated[Path, typer.Argument(metavar="SEED", help="A YAML file with what is live at first.")],
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FILE", help="Keep what changes in this file.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8080,
) -> ExitCode:
    """Serve a pretend Omni on loopback, until Ctrl-C."""
    from reconciler.sandbox.omni import Sandbox
    from reconciler.sandbox.seed import DEFAULT_TOKEN
    from reconciler.sandbox.server import serve
    from reconciler.settings import open_sandbox

    store = open_sandbox(seed, state)
    try:
        server = serve(Sandbox(store), port)
    except OSError as error:
        message = f"port {port} cannot be used: {error.strerror}; choose another with --port"
        raise ReconcilerError(message) from None
    with server:
        console.say(
            f"A pretend Omni is at {server.url}, until Ctrl-C. To use it, set `url: {server.url}` and"
        )
        console.say("`keys: [{env: OMNI_API_KEY}]` in target.yaml, and in another terminal:")
        host = server.url.removeprefix("http://")
        console.say(f"  export RECONCILER_ALLOWED_HOSTS={host} OMNI_API_KEY={DEFAULT_TOKEN}")
        try:
            server.wait()
        except KeyboardInterrupt:
            console.say("Stopped.")
    return ExitCode.OK

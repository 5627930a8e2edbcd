"""The ``reconciler`` command: arguments in, text and an exit code out. It decides nothing."""

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import typer

from reconciler.cli import (
    apply,
    console,
    convert,
    doctor,
    drift,
    export,
    fmt,
    get,
    github,
    import_,
    init,
    plan,
    sandbox,
    schema,
    search,
    show,
    targets,
    validate,
)
from reconciler.cli.app import app
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.views.safe import printable

_VERBS: dict[str, Callable[..., ExitCode]] = {
    "validate": validate.validate,
    "targets": targets.list_targets,
    "plan": plan.plan,
    "show": show.show,
    "apply": apply.apply,
    "drift": drift.drift,
    "get": get.get,
    "search": search.search,
    "export": export.export,
    "convert": convert.convert,
    "init": init.init,
    "import": import_.import_,
    "fmt": fmt.fmt,
    "schema": schema.schema,
    "doctor": doctor.doctor,
}
for name, verb in _VERBS.items():
    app.command(name)(verb)
app.add_typer(github.github, name="github")
app.add_typer(sandbox.sandbox, name="sandbox")


def main() -> NoReturn:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every error becomes a line and a code here."""
    console.prepare()
    try:
        return int(app(args=arguments, prog_name="reconciler", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _misused(error)
    except KeyboardInterrupt:
        console.complain("Interrupted.")
        return ExitCode.INTERRUPTED
    except ReconcilerError as error:
        return console.failed(error)
    except Exception:  # noqa: BLE001 (the one place that turns a bug into a line, a log and a code)
        return console.bug()
    finally:
        console.finish()


def _misused(error: typer.TyperException) -> ExitCode:
    message = error.format_message()
    if message.startswith("Usage:"):
        console.complain(message)
    else:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "reconciler"
        console.complain(f"Error: {printable(message.rstrip('.'))} (see: {command} --help)")
    return ExitCode.USAGE

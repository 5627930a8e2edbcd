"""The ``reconciler`` command: arguments in, text and an exit code out. It decides nothing.

Whatever a command does not need is imported inside it, so that ``--help`` and
completion answer at once.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from reconciler import console
from reconciler.errors import ExitCode, Invalid, Place, Problem, ReconcilerError, gravest

if TYPE_CHECKING:
    from reconciler.settings import Session, Target

app = typer.Typer(
    help="People and access of Omni Analytics: declared in git, reviewed as a plan, applied as reviewed.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sandbox_app = typer.Typer(help="A pretend Omni, to try everything without an account.", no_args_is_help=True)
app.add_typer(sandbox_app, name="sandbox")


class Format(StrEnum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


Targets = Annotated[
    list[str] | None, typer.Argument(metavar="[TARGET]...", help="Which targets; without any, all of them.")
]
Root = Annotated[
    Path, typer.Option("--dir", metavar="DIR", help="The folder with one folder for each target.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show each request: method, path, status, ms.")
]
Shape = Annotated[Format, typer.Option("--format", help="How to print.")]
AllowRemovals = Annotated[
    int | None,
    typer.Option(
        "--allow-removals",
        metavar="N",
        min=0,
        help="Approve a plan over the limits: N is the exact number of its removals.",
    ),
]

DESIRED_STATE = Path("desired-state")


@app.command()
def validate(targets: Targets = None, root: Root = DESIRED_STATE) -> ExitCode:
    """Check the files, without network or key: every problem in one run."""
    from reconciler import workflow

    def one(target: "Target") -> ExitCode:
        state = workflow.validate(target)
        gone = f", {len(state.absent)} to be gone" if state.absent else ""
        console.say(
            f"{target.name}: {_number(state.users, 'user')}, {_number(state.groups, 'group')}{gone}. Valid."
        )
        return ExitCode.OK

    return _for_each(root, targets, one)


@app.command()
def plan(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Save the plan, to be applied as reviewed.")
    ] = None,
    shape: Shape = Format.TEXT,
    allow_removals: AllowRemovals = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 where there are changes.")
    ] = False,
    verbose: Verbose = False,
) -> ExitCode:
    """Show what would change at each target. Nothing is written."""
    from reconciler import workflow
    from reconciler.changes import to_json
    from reconciler.planning.guard import check

    documents = []

    def one(target: "Target") -> ExitCode:
        with _session(target, verbose=verbose) as session:
            made = workflow.plan(target, session).plan
        violations = check(made, target.policy, allow_removals=allow_removals)
        if out:
            console.save(out, to_json(made))
        if shape is Format.JSON:
            documents.append(to_json(made).rstrip("\n"))
            console.show_violations(made, violations, sys.stderr)
        else:
            console.show(made)
            console.show_violations(made, violations, sys.stdout)
            if out:
                console.say(
                    f"\nSaved to {out}. Apply exactly this with: reconciler apply {target.name} --plan {out}"
                )
        if violations:
            return ExitCode.GUARD
        return ExitCode.CHANGES if detailed_exitcode and made.changes else ExitCode.OK

    code = _for_each(root, targets, one, exactly_one={"--out": out, "--allow-removals": allow_removals})
    if documents:
        console.say(documents[0] if len(documents) == 1 else "[\n" + ",\n".join(documents) + "\n]")
    return code


@app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan saved with --out.")],
    shape: Shape = Format.TEXT,
) -> ExitCode:
    """Print a saved plan again."""
    from reconciler import workflow
    from reconciler.changes import to_json

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
    shape: Shape = Format.TEXT,
    verbose: Verbose = False,
) -> ExitCode:
    """Plan again, show it, ask, and do it; with --plan, do what was reviewed and nothing else."""
    from reconciler import workflow
    from reconciler.views.json import report_json
    from reconciler.views.report import report_text

    if skip_stale and not file:
        message = "--skip-stale goes with --plan"
        raise typer.BadParameter(message)

    def one(target: "Target") -> ExitCode:
        saved = workflow.load_plan(str(file), console.read(file), target) if file else None
        with workflow.locked(target), _session(target, verbose=verbose) as session:
            proposal = workflow.propose(target, session, saved=saved, allow_removals=allow_removals)
            out = sys.stderr if shape is Format.JSON else sys.stdout
            console.show_proposal(proposal, skip_stale=skip_stale, out=out)
            if proposal.changes and not (auto_approve or file):
                console.ask(target, len(proposal.changes))
            with console.stoppable(session), console.progress(target) as on_progress:
                report = workflow.apply(target, session, proposal, on_progress=on_progress)

        if shape is Format.JSON:
            console.say(report_json(report).rstrip("\n"))
        else:
            console.say(report_text(report, **console.look(sys.stdout)).rstrip("\n"))
        return workflow.exit_code(report)

    return _for_each(root, targets, one, exactly_one={"--plan": file, "--allow-removals": allow_removals})


@sandbox_app.command("serve")
def sandbox_serve(
    seed: Annotated[Path, typer.Argument(metavar="SEED", help="A YAML file with what is live at first.")],
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FILE", help="Keep what changes in this file.")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 8080,
) -> ExitCode:
    """Serve a pretend Omni on loopback, until Ctrl-C."""
    from reconciler.sandbox.omni import Sandbox
    from reconciler.sandbox.seed import DEFAULT_TOKEN
    from reconciler.sandbox.server import serve
    from reconciler.sandbox.store import Store

    try:
        server = serve(Sandbox(Store.open(seed, state)), port)
    except (ValueError, OSError) as error:
        raise Invalid([Problem(Place(str(seed)), str(error))]) from None
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


def main() -> NoReturn:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every error becomes a line and a code here."""
    try:
        return int(app(args=arguments, prog_name="reconciler", standalone_mode=False) or 0)
    except typer.TyperException as error:
        console.complain(error.format_message())
        return ExitCode.USAGE
    except (typer.Abort, KeyboardInterrupt):
        console.complain("Interrupted.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left; Python must not complain about it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR
    except ReconcilerError as error:
        return console.failed(error)
    except Exception:  # noqa: BLE001 (the one place that turns a bug into a line, a log and a code)
        return console.bug()


def _for_each(
    root: Path,
    names: Sequence[str] | None,
    action: "Callable[[Target], ExitCode]",
    exactly_one: dict[str, object] | None = None,
) -> ExitCode:
    """Do the same for every target; one that fails does not stop the others, and the gravest code wins."""
    from reconciler.settings import load_targets

    targets = load_targets(root, names or ())
    given = [option for option, value in (exactly_one or {}).items() if value is not None]
    if given and len(targets) != 1:
        message = f"{given[0]} needs exactly one target; name one of: {', '.join(t.name for t in targets)}"
        raise typer.BadParameter(message)
    codes = []
    for target in targets:
        try:
            codes.append(action(target))
        except ReconcilerError as error:
            codes.append(console.failed(error))
    return gravest(codes)


@contextmanager
def _session(target: "Target", *, verbose: bool) -> "Iterator[Session]":
    from reconciler.settings import connect
    from reconciler.views.safe import printable

    def on_request(line: str) -> None:
        console.complain(f"  {printable(line)}")

    def on_wait(seconds: float, reason: str) -> None:
        console.complain(f"  waiting {seconds:.0f} s: {reason}")

    with connect(target, on_request=on_request if verbose else None, on_wait=on_wait) as session:
        yield session


def _number(items: Sized, noun: str) -> str:
    return f"1 {noun}" if len(items) == 1 else f"{len(items)} {noun}s"

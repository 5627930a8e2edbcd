"""What the command shows and asks: streams, colours, progress, signals, and an error as one line.

No command's logic is here. Views are imported where they are used, so that
``--help`` answers at once.
"""

import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypedDict

from reconciler.errors import ExitCode, GuardRefused, Invalid, Place, Problem, ReconcilerError, Stale

if TYPE_CHECKING:
    from reconciler.changes import Plan
    from reconciler.execute import Progress
    from reconciler.planning.guard import Violation
    from reconciler.settings import Session, Target
    from reconciler.workflow import Proposal


class Look(TypedDict):
    """How a stream wants its text; see ``views.text``."""

    width: int | None
    color: bool


def say(text: str) -> None:
    """Print to standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Print to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def failed(error: ReconcilerError) -> ExitCode:
    """Say what stopped a command, and return its code."""
    from reconciler.views import safe, text

    if isinstance(error, Invalid):
        complain(text.problems_text(error.problems, **look(sys.stderr)).rstrip("\n"))
    else:
        complain(f"Error: {safe.printable(str(error))}")
    return error.exit_code


def bug() -> ExitCode:
    """Write the traceback at hand into a log file, and say where that is."""
    from reconciler.transport.auth import scrub_all

    with tempfile.NamedTemporaryFile(
        "w",
        prefix="reconciler-bug-",
        suffix=".log",
        delete=False,
        encoding="utf-8",
        errors="backslashreplace",
    ) as log:
        log.write(scrub_all(traceback.format_exc()))
    complain(f"This is a bug in reconciler, and not your fault. The details are in {log.name}")
    return ExitCode.BUG


def show(plan: "Plan", out: TextIO | None = None) -> None:
    """Print a plan, to standard output unless told otherwise."""
    from reconciler.views.text import plan_text

    stream = out or sys.stdout
    stream.write(plan_text(plan, **look(stream)))
    stream.flush()


def show_violations(plan: "Plan", violations: "Sequence[Violation]", out: TextIO) -> None:
    """Print why a plan is refused, where it is."""
    from reconciler.views.text import violations_text

    if violations:
        out.write("\n" + violations_text(violations, removals=plan.counts.removals, **look(out)))
        out.flush()


def show_proposal(proposal: "Proposal", *, skip_stale: bool, out: TextIO) -> None:
    """Show what is about to be done; raises GuardRefused or Stale where it may not be."""
    from reconciler.views.review import review_text

    show(proposal.plan, out)
    if proposal.review:
        out.write("\n" + review_text(proposal.review, **look(out)))
    if proposal.violations:
        show_violations(proposal.plan, proposal.violations, out)
        message = "a guard refuses this plan; nothing was executed"
        raise GuardRefused(message)
    if proposal.review and proposal.review.stale and not skip_stale:
        message = (
            "the reviewed plan does not hold any more, so nothing was executed: plan and review again, "
            "or leave out what no longer holds with --skip-stale"
        )
        raise Stale(message)
    out.write("\n")
    out.flush()


def ask(target: "Target", changes: int) -> None:
    """Have a person approve; raises ReconcilerError where nobody can, or nobody does."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        message = "there is no terminal to ask at: give --auto-approve, or a reviewed plan with --plan FILE"
        raise ReconcilerError(message)
    what = "this change" if changes == 1 else f"these {changes} changes"
    answer = input(f"Apply {what} to {target.name}? Only 'yes' is a yes: ")
    if answer.strip() != "yes":
        message = "not approved; nothing was executed"
        raise ReconcilerError(message)


@contextmanager
def stoppable(session: "Session") -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM) finish the request in flight, and the second stop at once."""

    def handle(_number: int, _frame: object) -> None:
        if session.stop.is_set():
            raise KeyboardInterrupt
        session.stop.set()
        complain("\nStopping after the request in flight; once more stops at once.")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def progress(target: "Target") -> "Iterator[Callable[[Progress], None]]":
    """A bar on a terminal, plain lines elsewhere; both on standard error."""
    from reconciler.views.safe import printable

    def left(progress: "Progress") -> str:
        seconds = (progress.total - progress.done) * 60 / target.requests_per_minute
        return f"{seconds // 60:.0f}:{seconds % 60:02.0f} left"

    if not sys.stderr.isatty():
        yield lambda p: complain(f"[{p.done}/{p.total}] {printable(p.summary)}")
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda p: bar.update(
            task, completed=p.done, total=p.total, description=f"{left(p)}  {printable(p.summary)}"
        )


def look(stream: TextIO) -> Look:
    """How wide a stream is, None where it is no terminal, and whether it takes colours."""
    if not stream.isatty():
        return {"width": None, "color": False}
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return {"width": shutil.get_terminal_size().columns, "color": not plain}


def save(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as new:
            new.write(text)
        Path(new.name).replace(path)
    except OSError as error:
        raise Invalid([Problem(Place(str(path)), f"the plan cannot be saved: {error.strerror}")]) from None


def read(path: Path) -> str:
    """The text of a saved plan; raises Invalid where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Invalid([Problem(Place(str(path)), f"the plan cannot be read: {reason}")]) from None

"""What the command shows and asks: streams, colours, prompts, signals, and an error as one line.

No command's logic is here. Views are imported where they are used, so that
``--help`` answers at once. Output that nobody reads any more never stops an
apply half-way: what was approved is done to its end, and journalled. All output
goes through ``streams``.
"""

import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypedDict, assert_never

from reconciler.cli.formats import PlanFormat
from reconciler.cli.streams import command, complain, emit, finish, interject, prepare, say, write
from reconciler.errors import ExitCode, Invalid, Place, Problem, ReconcilerError, Stale

if TYPE_CHECKING:
    from reconciler.plan import Plan
    from reconciler.target.session import Session
    from reconciler.target.settings import Target
    from reconciler.workflow import Proposal

__all__ = ["command", "complain", "emit", "finish", "prepare", "say", "write"]
"""The streams' functions, which every command uses from here, beside those of this module."""


class Terminal(TypedDict):
    """How a stream wants its text; see ``views.text``."""

    width: int | None
    color: bool


def failed(error: ReconcilerError, about: str = "") -> ExitCode:
    """Say what stopped a command, ``about`` which target where there are several; returns the exit code."""
    from reconciler.views import safe, text

    if isinstance(error, Invalid):
        complain(text.problems_text(error.problems, **look(sys.stderr)).rstrip("\n"))
    else:
        complain(f"Error: {about}{': ' if about else ''}{safe.printable(str(error))}")
    return error.exit_code


def bug() -> ExitCode:
    """Write the traceback at hand into a log file, and say where that is."""
    from reconciler.transport.auth import scrub_all

    text = f"Python {sys.version} on {sys.platform}\n{traceback.format_exc()}"
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="reconciler-bug-",
            suffix=".log",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as log:
            log.write(scrub_all(text))
        where = f"The details are in {log.name}"
    except OSError:
        where = f"No log file can be written, so here are the details:\n{scrub_all(text)}"
    complain(f"This is a bug in reconciler, and not your fault. {where}")
    return ExitCode.BUG


def show(plan: "Plan", shape: PlanFormat = PlanFormat.TEXT, budget: int | None = None) -> None:
    """Print a plan to standard output."""
    tell = say if shape is PlanFormat.TEXT else emit
    tell(drawn(plan, shape, budget).rstrip("\n"))


def drawn(plan: "Plan", shape: PlanFormat, budget: int | None) -> str:
    """A plan in one of its formats; ``budget`` is the most characters of Markdown, None a comment's."""
    match shape:
        case PlanFormat.TEXT:
            from reconciler.views.text import plan_text

            return plan_text(plan, **look(sys.stdout))
        case PlanFormat.JSON:
            from reconciler.saved import to_json

            return to_json(plan)
        case PlanFormat.MARKDOWN:
            from reconciler.views.markdown import COMMENT, plan_markdown

            return plan_markdown(plan, budget=budget or COMMENT)
        case PlanFormat.HTML:
            from reconciler.views.html import plan_html

            return plan_html(plan)
        case _:  # pragma: no cover (mypy proves that there is no other format)
            assert_never(shape)


def show_violations(plan: "Plan", out: TextIO) -> None:
    """Print why a plan is refused, where it is."""
    from reconciler.views.text import violations_text

    if plan.violations:
        write(out, "\n" + violations_text(plan, **look(out)))


def show_proposal(proposal: "Proposal", *, skip_stale: bool, out: TextIO) -> None:
    """Show what is about to be done; raises GuardRefused or Stale where it may not be."""
    from reconciler.views.recheck import recheck_text
    from reconciler.views.text import plan_text

    write(out, plan_text(proposal.plan, **look(out)))
    if proposal.recheck:
        write(out, "\n" + recheck_text(proposal.recheck, **look(out)))
    proposal.check()
    if proposal.recheck and proposal.recheck.stale and not skip_stale:
        message = (
            "the reviewed plan does not hold any more, so nothing was executed: plan and review again, "
            "or leave out what no longer holds with --skip-stale"
        )
        raise Stale(message)
    write(out, "\n")


def ask(target: "Target", changes: int) -> None:
    """Have a person approve an apply; raises as ``confirm`` does."""
    what = "this change" if changes == 1 else f"these {changes} changes"
    confirm(f"Apply {what} to {target.name}?", "give --auto-approve, or a reviewed plan with --plan FILE")


def confirm(question: str, otherwise: str) -> None:
    """Have a person say yes; raises ReconcilerError where nobody can (then ``otherwise``), or nobody does."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        message = f"there is no terminal to ask at, so nothing was executed: {otherwise}"
        raise ReconcilerError(message)
    # Standard error, since standard output may be a report for programs.
    write(sys.stderr, f"{question} Only 'yes' is a yes: ")
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        complain("")
    if answer.strip() != "yes":
        message = "not approved; nothing was executed"
        raise ReconcilerError(message)


@contextmanager
def stoppable(session: "Session") -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM, or a terminal that closes) finish the request in flight.

    The second stops at once.
    """

    def handle(_number: int, _frame: object) -> None:
        if session.stop.is_set():
            raise KeyboardInterrupt
        session.stop.set()
        interject("Stopping after the request in flight; once more stops at once.")

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # A signal that whoever started us ignores, as nohup does, stays ignored.
    before = {n: signal.signal(n, handle) for n in numbers if signal.getsignal(n) != signal.SIG_IGN}
    try:
        yield
    except KeyboardInterrupt:
        complain("Stopped at once: the last request may have taken place. A new plan shows what remains.")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def look(stream: TextIO) -> Terminal:
    """How wide a stream is, None where it is no terminal, and whether it takes colours."""
    if not stream.isatty():
        return {"width": None, "color": False}
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return {"width": shutil.get_terminal_size().columns, "color": not plain}


def save(path: Path, text: str, what: str = "the plan", mode: int = 0o600) -> None:
    """Write a file whole or not at all; raises Invalid where that fails. A plan is for its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            # A device or a pipe is written to, never replaced by a file.
            path.write_text(text, encoding="utf-8", newline="")
            return
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".reconciler-") as folder:
            draft = Path(folder) / path.name
            draft.touch(mode=mode)
            draft.write_text(text, encoding="utf-8", newline="")
            draft.replace(path)
    except OSError as error:
        # What mkdir says of a file in the place of a folder.
        reason = "Not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise Invalid([Problem(Place(str(path)), f"{what} cannot be saved: {reason}")]) from None


def read(path: Path) -> str:
    """The text of a saved plan; raises Invalid where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Invalid([Problem(Place(str(path)), f"the plan cannot be read: {reason}")]) from None

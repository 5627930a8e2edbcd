"""The command's root, what its commands share, and doing the same for every target.

Whatever a command does not need is imported inside it, so that ``--help`` and
completion answer at once.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from reconciler.cli import console
from reconciler.cli.formats import Format, PlanFormat
from reconciler.errors import ExitCode, ReconcilerError, gravest

if TYPE_CHECKING:
    from reconciler.plan import Scope
    from reconciler.providers.kind import Kind
    from reconciler.target.settings import Target

app = typer.Typer(
    help="People and access of Omni Analytics: declared in git, reviewed as a plan, applied as reviewed.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class HowMuch(StrEnum):
    """How much a run reads."""

    PART = "part"
    EVERYTHING = "everything"


class Origin(StrEnum):
    """What an apply of a plan with a base may include beside this change."""

    DRIFT = "drift"
    BACKLOG = "backlog"


Targets = Annotated[
    list[str] | None, typer.Argument(metavar="TARGET", help="Which targets; without any, all of them.")
]
Root = Annotated[
    Path, typer.Option("--dir", metavar="DIR", help="The folder with one folder for each target.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show each request: method, path, status, ms.")
]
Shape = Annotated[Format, typer.Option("--format", help="How to print.")]
KindName = Annotated[str, typer.Option("--kind", metavar="KIND", help="Which kind of system it is.")]
PlanShape = Annotated[PlanFormat, typer.Option("--format", help="How to print.")]
AllowRemovals = Annotated[
    int | None,
    typer.Option(
        "--allow-removals",
        metavar="N",
        min=0,
        help="Approve a plan over the limits: N is the exact number of its removals.",
    ),
]
AllowCreations = Annotated[
    int | None,
    typer.Option(
        "--allow-creations",
        metavar="N",
        min=0,
        help="Approve a plan that creates too many users: N is their exact number.",
    ),
]

Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="REV",
        help="What left the files since this git revision loses access as `leavers` says; "
        "by default since the last apply.",
    ),
]

Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="REV",
        help="Tell this change from drift and backlog, by the files at this git revision; "
        "its target.yaml holds, too.",
    ),
]
Include = Annotated[
    list[Origin] | None,
    typer.Option("--include", help="With --base: apply drift, or backlog, with this change."),
]

Resend = Annotated[
    list[str] | None,
    typer.Option(
        "--resend",
        metavar="NAME",
        help="Send this attribute of everybody again, since no answer shows what is there; may be repeated.",
    ),
]

ScopeText = Annotated[
    str | None,
    typer.Option(
        "--scope",
        metavar="PARTS",
        help="This part alone, or several with commas: users, attributes, memberships, groups.",
    ),
]

Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="ADDRESS|GLOB",
        help="These people and groups alone, as 'user/ada@acme.com' or 'group/Fin*'; may be repeated.",
    ),
]

Read = Annotated[
    HowMuch,
    typer.Option("--read", help="What it takes, where the system can be asked so, or everything."),
]

Expect = Annotated[
    Path | None, typer.Option("--expect", metavar="FILE", help="Accept the drift that this file names.")
]

DESIRED_STATE = Path("desired-state")


class BadUsage(typer.TyperException):
    """Arguments that are fine one by one and not together."""


def scope_of(text: str | None) -> "tuple[Scope, ...]":
    """The parts that ``--scope`` names, none for all of them; raises BadUsage for what is no part."""
    from reconciler.plan import Scope

    parts: tuple[Scope, ...] = get_args(Scope)
    given = [] if text is None else [part.strip() for part in text.split(",")]
    for part in given:
        if part not in parts:
            message = f"--scope takes {', '.join(parts)}, with commas between them, and not {part!r}"
            raise BadUsage(message)
    # All parts are the whole.
    return () if set(given) == set(parts) else tuple(part for part in parts if part in given)


def only_of(texts: Sequence[str] | None) -> tuple[str, ...]:
    """What ``--only`` names; raises BadUsage, with what to write, where a text names no one."""
    from reconciler.errors import Invalid
    from reconciler.planning.selection import selection

    try:
        return selection(texts or ()).texts
    except Invalid as error:
        raise BadUsage("; ".join(f"{p.place}: {p.message} ({p.hint})" for p in error.problems)) from None


def kind_named(name: str) -> "Kind":
    """The kind of system of that name; raises BadUsage where there is none."""
    from reconciler.providers.registry import KINDS

    if name not in KINDS:
        message = f"there is no kind of system called {name!r}; known are: {', '.join(KINDS)}"
        raise BadUsage(message)
    return KINDS[name]


def check_out(out: Path | None, root: Path, option: str = "--out", sources: Sequence[Path] = ()) -> None:
    """Raise BadUsage where an output would overwrite, or become, desired state, or leave through a link.

    ``sources`` are the files of a one-off run, which needs no ``root``.
    """
    from reconciler.desired.files import is_read

    if out and any(out.resolve() == source.resolve() for source in sources):
        message = f"{option} {out} would overwrite a source: choose another name"
        raise BadUsage(message)
    if out and (root.exists() or not sources) and is_read(out, root):
        message = f"{option} {out} would be read as desired state: choose another ending, or another folder"
        raise BadUsage(message)
    if out:
        check_link(out, option)


def check_link(out: Path, option: str = "--out") -> None:
    """Raise BadUsage where an output would leave the repository through a link."""
    from reconciler.links import left_through_link

    # A link at the end is replaced itself.
    if what := left_through_link(out.parent):
        message = f"{option} {out} leads out of the {what}, through a link: name the folder that it leads to"
        raise BadUsage(message)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 (typer hands a flag over like this)
    if wanted:
        from importlib.metadata import version

        console.emit(f"reconciler {version('access-reconciler')}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the release.")
    ] = False,
) -> None:
    """Declare people and access of Omni in git; review the plan; apply it as reviewed."""


def for_each(
    root: Path,
    names: Sequence[str] | None,
    action: "Callable[[Target], ExitCode]",
    *,
    only_one: Mapping[str, object] | None = None,
    documents: Sequence[str] = (),
    gap: bool = False,
    one_off: "Target | None" = None,
) -> ExitCode:
    """Do the same for every target; one that fails does not stop the others, and the gravest code wins.

    ``only_one`` are options that need exactly one target. ``documents`` is what
    the actions leave as JSON: printed at the end, as a list where there are
    several targets. With ``gap`` there is an empty line between two of them. A ``one_off``
    target stands in place of those of files.
    """
    from reconciler.target.settings import load_targets

    targets = [one_off] if one_off else load_targets(root, names or ())
    given = [option for option, value in (only_one or {}).items() if value is not None]
    if given and len(targets) != 1:
        message = f"{given[0]} needs exactly one target; name one of: {', '.join(t.name for t in targets)}"
        raise BadUsage(message)
    codes: list[ExitCode] = []
    try:
        for index, target in enumerate(targets):
            if index and gap:
                console.say("")
            try:
                codes.append(action(target))
            except ReconcilerError as error:
                codes.append(console.failed(error, target.name if len(targets) > 1 else ""))
            except KeyboardInterrupt:
                console.complain("Interrupted.")
                codes.append(ExitCode.INTERRUPTED)
            if codes[-1] == ExitCode.INTERRUPTED:
                break
    finally:
        if documents:
            texts = [text.rstrip("\n") for text in documents]
            console.emit(texts[0] if len(targets) == 1 else "[\n" + ",\n".join(texts) + "\n]")
    return gravest(codes)


def lifted(removals: int | None, creations: int | None) -> tuple[str, ...]:
    """The options that lift a limit for one plan, as they were given."""
    from reconciler.plan import Allow, Option

    given: dict[Option, int | None] = {"--allow-removals": removals, "--allow-creations": creations}
    return tuple(str(Allow(option, number)) for option, number in given.items() if number is not None)

"""Write lists of other tools as YAML."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.answers import OneTarget, reading
from reconciler.cli.app import DESIRED_STATE, BadUsage, KindName, Root, Verbose, check_link, kind_named
from reconciler.errors import ExitCode
from reconciler.providers.registry import DEFAULT

if TYPE_CHECKING:
    from reconciler.desired.convert import Converted
    from reconciler.model import LiveState
    from reconciler.target.settings import Target


class As(StrEnum):
    """What else a list can be than one of people."""

    LEAVERS = "leavers"


def convert(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="The lists, CSV or JSON.")],
    target_name: OneTarget = None,
    root: Root = DESIRED_STATE,
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="TOOL", help="Which tool's lists; else as `sources` maps them."),
    ] = None,
    groups_file: Annotated[
        Path | None, typer.Option("--groups-file", metavar="FILE", help="With --like: the list of groups.")
    ] = None,
    as_: Annotated[As | None, typer.Option("--as", help="With --like: everybody listed is to go.")] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the target whose the ids are, and who is in which group.")
    ] = False,
    kind_name: KindName = DEFAULT,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --out: replace a file that is there.")
    ] = False,
    verbose: Verbose = False,
) -> ExitCode:
    """Write lists of other tools as YAML, in order and with every problem told.

    A list that `sources` of a target names is read as it says there, any other one by --like.
    """
    from reconciler.workflow import convert as work

    _check_out(out, overwrite=overwrite)
    options = {"like": like, "groups_file": groups_file and str(groups_file), "as": as_ and as_.value}
    given = {name: value for name, value in options.items() if value is not None}
    if like is None and given:
        message = "--groups-file and --as need --like: without it a list is what `sources` says"
        raise BadUsage(message)
    if groups_file and len(files) > 1:
        message = "--groups-file needs exactly one FILE, which is the list of people beside it"
        raise BadUsage(message)
    if like is None:
        target, paths = _naming(root, target_name, files)
        converted = work.convert_sources(target, paths, _asked(target, live=live, verbose=verbose))
    else:
        of = _only(root, target_name) if live or target_name else None
        system = of.system if of else kind_named(kind_name)
        entries = [{"type": _type(file), "path": str(file), **given} for file in files]
        seen = _asked(of, live=live, verbose=verbose) if of else None
        converted = work.convert_files(entries, system.likes, of.rules if of else system.rules, of, seen)
    _write(converted, out)
    return ExitCode.OK


def _check_out(out: Path | None, *, overwrite: bool) -> None:
    if out is None:
        return
    if out.suffix.lower() not in (".yaml", ".yml"):
        message = f"--out {out} would not be read as desired state: let it end in .yaml"
        raise BadUsage(message)
    check_link(out)
    if out.exists() and not overwrite:
        message = f"--out {out} is there already: choose another name, or replace it with --overwrite"
        raise BadUsage(message)


def _type(file: Path) -> str:
    return "json" if file.suffix.lower() == ".json" else "csv"


def _only(root: Path, name: str | None) -> "Target":
    """The one target that is meant."""
    from reconciler.target.settings import load_targets

    targets = load_targets(root, [name] if name else ())
    if len(targets) > 1:
        names = ", ".join(target.name for target in targets)
        message = f"convert needs exactly one target here; name one with --target: {names}"
        raise BadUsage(message)
    return targets[0]


def _naming(root: Path, name: str | None, files: list[Path]) -> "tuple[Target, list[str]]":
    """The target whose `sources` name these files, and the paths as they stand there."""
    from reconciler.target.settings import load_targets
    from reconciler.workflow.convert import named_by

    targets = load_targets(root, [name] if name else ()) if name or root.is_dir() else []
    for file in files:
        if not any(named_by(target, [file]) for target in targets):
            message = f"no target's `sources` name {file}: say with --like which tool's list it is"
            raise BadUsage(message)
    naming = [target for target in targets if all(named_by(target, [file]) for file in files)]
    if len(naming) != 1:
        names = ", ".join(target.name for target in naming) or "none"
        message = f"one target must name all of these lists, and these do: {names}; see --target"
        raise BadUsage(message)
    return naming[0], named_by(naming[0], files)


def _asked(target: "Target", *, live: bool, verbose: bool) -> "LiveState | None":
    from reconciler.workflow.convert import look

    if not live:
        return None
    with reading(target, verbose=verbose) as reader:
        return look(target.provider, reader)


def _write(converted: "Converted", out: Path | None) -> None:
    from reconciler.report import number_of
    from reconciler.views.safe import printable

    for remark in converted.remarks:
        console.complain(f"note: {printable(remark)}")
    if not converted.text:
        console.complain("note: the lists say nothing, so there is nothing to write")
    elif out is None:
        console.emit(converted.text.rstrip("\n"))
    else:
        console.save(out, converted.text, "the YAML", 0o644)
        users, groups = number_of(converted.users, "user"), number_of(converted.groups, "group")
        console.say(f"wrote {printable(str(out))}: {users}, {groups}.")
        console.say("Take the lists out of `sources`, and see that nothing else changes: reconciler plan")

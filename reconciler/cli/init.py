"""Begin a repository."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.app import BadUsage, KindName, kind_named
from reconciler.errors import ExitCode
from reconciler.providers.registry import DEFAULT

if TYPE_CHECKING:
    from reconciler.starter.write import Wish

_TARGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def init(
    target_name: Annotated[
        str, typer.Argument(metavar="TARGET", help="What to call the first target.")
    ] = "production",
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Its address, which begins with https://.")
    ] = "",
    install: Annotated[
        str,
        typer.Option(
            "--install",
            metavar="COMMAND",
            help="How a workflow installs reconciler, pinned by hashes or a commit; else as this one was.",
        ),
    ] = "",
    owners: Annotated[
        str | None,
        typer.Option(
            "--owners", metavar="OWNERS", help="Who reviews, as '@acme/security'; several by blanks."
        ),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option("--alone", help="For a person who works alone: no owners, and no approvals needed."),
    ] = False,
    kind: KindName = DEFAULT,
    people: Annotated[
        int,
        typer.Option(
            "--people",
            metavar="N",
            min=0,
            help="About how many people there are; with more than 5000 a pull request plans what it changes.",
        ),
    ] = 0,
) -> ExitCode:
    """Begin a repository: workflows and their owners, schemas for the editor, a folder for the first target.

    Nothing that is there is touched.
    """
    from reconciler.starter.install import Unpinned
    from reconciler.starter.owners import owners_of
    from reconciler.starter.write import FOR_MANY, Wish, missing_keys, remark, starter, write
    from reconciler.target.schemas import published
    from reconciler.transport.hosts import api_root, goes_unasked

    system = kind_named(kind)
    hosts = system.hosts({"url": url})
    if not url:
        message = f"init needs the address of your {system.title}: --url {hosts.example}"
        raise BadUsage(message)
    if not _TARGET_NAME.fullmatch(target_name):
        message = f"a target's name is a folder's: letters, digits, `.`, `_` and `-`; not {target_name!r}"
        raise BadUsage(message)
    if alone and owners is not None:
        message = "--alone has no owners: leave out --owners, or --alone"
        raise BadUsage(message)
    try:
        address = api_root(url, hosts).removesuffix(hosts.api[0])
        names = "" if owners is None else owners_of(owners)
    except ValueError as error:
        raise BadUsage(str(error)) from None
    try:
        line = _install_line(install)
    except Unpinned as error:
        code = console.failed(error)
        console.complain(_how_to_pin(error.commands))
        return code
    settings, variables = system.first_target(address), tuple(system.variables.values())
    host = address.partition("://")[2].partition("/")[0]
    wish, kept = Wish(target_name, settings, line, kind, variables, host, names, alone, people), []
    for deed, path in write(Path(), starter(Path(), wish, published())):
        console.say(f"{deed} {path.as_posix()}")
        if deed == "kept":
            kept.append(path)
    console.say(f"\n{remark(wish, kept)}")
    if wish.are_many:
        console.say(f"\n{FOR_MANY}")
    if lacking := missing_keys(Path(), wish):
        console.say(f"\n{lacking}\n")
    console.say(_next(wish, unasked=goes_unasked(address, hosts)))
    return ExitCode.OK


def _next(wish: "Wish", *, unasked: bool) -> str:
    """What to do now that the files are written; ``unasked``: a key goes there without being told."""
    from reconciler.transport.hosts import ALLOWED_HOSTS

    to_set = [f"{variable}=..." for variable in wish.variables]
    if not unasked:
        to_set.append(f"{ALLOWED_HOSTS}={wish.hosts}")
    return (
        f"Next: export {' '.join(to_set)}, then `reconciler doctor {wish.target}`, "
        f"`reconciler import {wish.target}`, and a pull request."
    )


def _install_line(install: str) -> str:
    """What a workflow installs by; raises BadUsage for a line that pins nothing, Unpinned without any."""
    from reconciler.starter.install import how_installed, what_is_wrong
    from reconciler.views.safe import printable

    if wrong := what_is_wrong(install) if install else "":
        message = f"--install cannot be used: {printable(wrong)}"
        raise BadUsage(message)
    return install or how_installed()


def _how_to_pin(commands: Sequence[str]) -> str:
    from reconciler.starter.install import BY_HASHES
    from reconciler.views.safe import printable

    lines = "".join(f"    {printable(command)}\n" for command in commands)
    return (
        "Nothing is written. Take the hashes of all that a workflow installs into the repository:\n\n"
        f"{lines}\nand say beside what you said: --install '{BY_HASHES}'"
    )

"""Files as files: put them in order, write what is live, and the schemas for an editor."""

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler import console
from reconciler.cli.app import DESIRED_STATE, BadUsage, Root, Targets, Verbose, app, for_each
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.settings import Target


_TARGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Layout(StrEnum):
    """Into which files an import goes."""

    ONE_FILE = "one-file"
    BY_GROUP = "by-group"
    BY_USER = "by-user"


class Members(StrEnum):
    """Who states the members of imported groups."""

    NOT_OURS = "not-ours"
    FROM_USERS = "from-users"
    STATED = "stated"


@app.command()
def init(
    target_name: Annotated[
        str, typer.Argument(metavar="TARGET", help="What to call the first target.")
    ] = "production",
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Its address, as https://acme.omniapp.co.")
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
) -> ExitCode:
    """Begin a repository: workflows and their owners, schemas for the editor, a folder for the first target.

    Nothing that is there is touched.
    """
    from reconciler.desired.schema import texts
    from reconciler.starter.owners import owners_of
    from reconciler.starter.write import Wish, remark, starter, write
    from reconciler.transport.hosts import api_root

    if not url:
        message = "init needs the address of your Omni: --url https://acme.omniapp.co"
        raise BadUsage(message)
    if not _TARGET_NAME.fullmatch(target_name):
        message = f"a target's name is a folder's: letters, digits, `.`, `_` and `-`; not {target_name!r}"
        raise BadUsage(message)
    if alone and owners is not None:
        message = "--alone has no owners: leave out --owners, or --alone"
        raise BadUsage(message)
    try:
        address = api_root(url).removesuffix("/api")
        names = "" if owners is None else owners_of(owners)
    except ValueError as error:
        raise BadUsage(str(error)) from None
    line = _install_line(install)
    if not line:
        return ExitCode.ERROR
    wish, kept = Wish(target_name, address, line, names, alone), []
    for deed, path in write(Path(), starter(Path(), wish, texts())):
        console.say(f"{deed} {path.as_posix()}")
        if deed == "kept":
            kept.append(path)
    console.say(f"\n{remark(wish, kept)}")
    console.say(
        f"Next: export OMNI_API_KEY=..., then `reconciler doctor {target_name}`, "
        f"`reconciler import {target_name}`, and a pull request."
    )
    return ExitCode.OK


def _install_line(install: str) -> str:
    """What a workflow installs by; empty, and everything is said, where nothing pins it."""
    from reconciler.starter.install import BY_HASHES, Unpinned, how_installed, what_is_wrong
    from reconciler.views.safe import printable

    if wrong := what_is_wrong(install) if install else "":
        message = f"--install cannot be used: {printable(wrong)}"
        raise BadUsage(message)
    try:
        return install or how_installed()
    except Unpinned as error:
        console.failed(error)
        commands = "".join(f"    {printable(command)}\n" for command in error.commands)
        console.complain(
            "Nothing is written. Take the hashes of all that a workflow installs into the repository:\n\n"
            f"{commands}\nand say beside what you said: --install '{BY_HASHES}'"
        )
        return ""


@app.command("import")
def import_(
    target_name: Annotated[str, typer.Argument(metavar="TARGET", help="The target to write files for.")],
    root: Root = DESIRED_STATE,
    layout: Annotated[Layout, typer.Option("--layout", help="Into which files.")] = Layout.ONE_FILE,
    members: Annotated[
        Members,
        typer.Option("--members", help="Who states the members of the groups; by default that is left open."),
    ] = Members.NOT_OURS,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GLOB", help="Only these, as 'user/*@acme.com'; may be repeated."),
    ] = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Write what is live and not in the files yet into new files.

    No file that is there is touched, and what is written plans to no changes.
    """
    from reconciler.adopt import adopt, write
    from reconciler.desired.export import Wish
    from reconciler.settings import connect
    from reconciler.views.lines import number_of
    from reconciler.views.safe import printable

    def one(target: "Target") -> ExitCode:
        watch = console.Watch(verbose=verbose)
        with (
            connect(target, on_request=watch.on_request, on_wait=watch.on_wait) as session,
            watch.reading(),
        ):
            found = adopt(target, session, Wish(layout.value, members.value, tuple(only or ())))
        for remark in (*found.remarks, *found.left_out):
            console.complain(f"note: {printable(remark)}")
        written = write(target, found)
        if not written:
            console.say("Nothing that is live and asked for is missing in the files.")
            return ExitCode.OK
        for path in written:
            console.say(f"wrote {printable(str(path))}")
        users, groups = number_of(found.users, "user"), number_of(found.groups, "group")
        console.say(f"{users}, {groups}. See that nothing would change: reconciler plan {target.name}")
        return ExitCode.OK

    return for_each(root, [target_name], one)


@app.command()
def fmt(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 where a file is not in order.")
    ] = False,
) -> ExitCode:
    """Put the files in order and spacing; comments, line ends and meaning are kept."""
    from reconciler.desired.files import sources
    from reconciler.desired.format import format_text, with_line_ends_of
    from reconciler.views.lines import number_of
    from reconciler.views.safe import printable

    def one(target: "Target") -> ExitCode:
        target.load()
        changed = []
        for path, name, text in sources(target.folder):
            found = path.read_bytes()
            formatted = with_line_ends_of(found, format_text(text, name))
            if formatted.encode() != found:
                changed.append(name)
                if not check:
                    console.save(path, formatted, "the file", path.stat().st_mode & 0o777)
        verb = "is not in order" if check else "put in order"
        for name in changed:
            console.say(f"{printable(name)}: {verb}")
        if not changed:
            console.say(f"{target.name}: every file is in order.")
        elif check:
            console.say(
                f"{number_of(len(changed), 'file')}. Put them in order with: reconciler fmt {target.name}"
            )
        return ExitCode.ERROR if check and changed else ExitCode.OK

    return for_each(root, targets, one)


@app.command()
def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which one to print; without, their names.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Write all of them into this folder.")
    ] = None,
) -> ExitCode:
    """Print the JSON Schemas, or write them where an editor finds them."""
    from reconciler.desired.schema import texts

    known = texts()
    if name is not None and name not in known:
        message = f"there is no schema {name!r}; there are: {', '.join(known)}"
        raise BadUsage(message)
    if write:
        for each, text in known.items():
            console.save(write / f"{each}.schema.json", text, "the schema", 0o644)
        console.say(f"wrote {len(known)} schemas into {write}")
    else:
        console.emit("\n".join(known) if name is None else known[name].rstrip("\n"))
    return ExitCode.OK

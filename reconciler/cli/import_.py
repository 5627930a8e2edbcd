"""Write down what is live."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console, progress
from reconciler.cli.app import DESIRED_STATE, Root, Verbose, for_each
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.target.settings import Target


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
    from reconciler.desired.export import Wish
    from reconciler.report import number_of
    from reconciler.views.safe import printable
    from reconciler.workflow.adopt import adopt, write

    def import_from(target: "Target") -> ExitCode:
        watch = progress.Watch(verbose=verbose)
        with (
            watch.connect(target) as session,
            watch.reading(),
        ):
            export = adopt(target, session, Wish(layout.value, members.value, tuple(only or ())))
        for remark in (*export.remarks, *export.left_out):
            console.complain(f"note: {printable(remark)}")
        written = write(target, export)
        if not written:
            console.say("Nothing that is live and asked for is missing in the files.")
            return ExitCode.OK
        for path in written:
            console.say(f"wrote {printable(str(path))}")
        users, groups = number_of(export.users, "user"), number_of(export.groups, "group")
        console.say(f"{users}, {groups}. See that nothing would change: reconciler plan {target.name}")
        return ExitCode.OK

    return for_each(root, [target_name], import_from)

"""Put the files in order."""

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.app import DESIRED_STATE, Root, Targets, for_each
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.target.settings import Target


def fmt(
    targets: Targets = None,
    root: Root = DESIRED_STATE,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 where a file is not in order.")
    ] = False,
) -> ExitCode:
    """Put the files in order and spacing; comments, line ends and meaning are kept."""
    from reconciler.desired.files import desired_files
    from reconciler.desired.format import format_text, with_line_ends_of
    from reconciler.report import number_of
    from reconciler.views.safe import printable

    def put_in_order(target: "Target") -> ExitCode:
        target.load()
        changed = []
        for path, name, text in desired_files(target.folder):
            before = path.read_bytes()
            formatted = with_line_ends_of(before, format_text(text, name))
            if formatted.encode() != before:
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

    return for_each(root, targets, put_in_order)

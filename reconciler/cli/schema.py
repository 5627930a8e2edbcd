"""The JSON Schemas, for an editor."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.app import BadUsage
from reconciler.errors import ExitCode


def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which one to print; without, their names.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Write all of them into this folder.")
    ] = None,
) -> ExitCode:
    """Print the JSON Schemas, or write them where an editor finds them."""
    from reconciler.target.schemas import published

    known = published()
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

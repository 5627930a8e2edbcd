"""List the targets."""

from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.app import (
    DESIRED_STATE,
    Root,
)
from reconciler.errors import ExitCode


def list_targets(
    root: Root = DESIRED_STATE,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a list of objects, as a matrix of jobs takes it.")
    ] = False,
) -> ExitCode:
    """List the targets."""
    import json

    from reconciler.github.pulls import artifact_name
    from reconciler.jsontext import spelled_json
    from reconciler.target.settings import load_targets

    rows = [
        {
            "name": target.name,
            "kind": target.kind,
            "url": target.url,
            "folder": target.folder.as_posix(),
            "artifact": artifact_name(target.name),
        }
        for target in load_targets(root)
    ]
    if as_json:
        console.emit(spelled_json(json.dumps(rows)))
    else:
        for row in rows:
            console.say(f"{row['name']}  {row['kind']}  {row['url']}")
    return ExitCode.OK

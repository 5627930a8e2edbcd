"""Adopt a living tenant: what is live, as files beside those that are there."""

import os
from dataclasses import replace
from itertools import count
from pathlib import Path

from reconciler.desired.export import Export, Wish, export
from reconciler.desired.files import shown
from reconciler.errors import Invalid, Place, Problem
from reconciler.model import Live, Need, User
from reconciler.planning.diff import Definitions, canonical
from reconciler.planning.scope import ours
from reconciler.settings import Session, Target


def adopt(target: Target, session: Session, wish: Wish) -> Export:
    """Read everything and say what of it the files do not declare yet; raises what a read raises.

    Nothing is written: the texts are in what comes back. Fields that the target
    does not manage are left out.
    """
    present = target.load()
    live = ours(target.provider.read(session.reader, Need(everything=True)), target.policy)
    definitions = live.definitions or {}
    users = tuple(_canonical(user, definitions) for user in live.users)
    fields = wish.fields & target.policy.manage
    return export(replace(live, users=users), present, replace(wish, fields=fields))


def write(target: Target, found: Export) -> list[Path]:
    """Write the texts into new files of the target's folder, and return their paths.

    A name that is taken gets a number, so no file that exists is touched.
    Raises Invalid where a file cannot be written; what was written by then is removed.
    """
    written: list[Path] = []
    try:
        for name, text in found.files.items():
            path = _free(target.folder / name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(_modeline(path) + text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise Invalid([Problem(Place(shown(path)), f"it cannot be written: {error.strerror}")]) from None
    return [Path(shown(path)) for path in written]


def _free(path: Path) -> Path:
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return path if not path.exists() else next(other for other in numbered if not other.exists())


def _modeline(path: Path) -> str:
    """What tells an editor where the schema is, where it lies above the file."""
    for folder in path.absolute().parents:
        found = folder / "schemas" / "desired-state.schema.json"
        if found.is_file():
            return f"# yaml-language-server: $schema={os.path.relpath(found, path.absolute().parent)}\n"
    return ""


def _canonical(user: Live[User], definitions: Definitions) -> Live[User]:
    attributes = {
        key: canonical(value, definitions[key])
        for key, value in (user.resource.attributes or {}).items()
        if key in definitions and not definitions[key].system
    }
    return replace(user, resource=replace(user.resource, attributes=attributes))

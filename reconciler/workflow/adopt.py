"""Adopt a living tenant: what is live, as files beside those that are there."""

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import count
from pathlib import Path

from reconciler.desired.export import Export, Wish, export, spoken_of
from reconciler.desired.files import shown
from reconciler.errors import Invalid, Place, Problem
from reconciler.model import Address, Live, LiveState, Need, User, group_address, user_address
from reconciler.planning.diff import Definitions, canonical
from reconciler.planning.scope import ours
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.views.lines import number_of


def adopt(target: Target, session: Session, wish: Wish) -> Export:
    """Read everything and say what of it the files do not declare yet; raises what a read raises.

    Nothing is written: the texts are in what comes back. Fields that the target
    does not manage are left out.
    """
    present = target.load()
    everything = target.provider.read(session.reader, Need(everything=True))
    live = ours(everything, target.policy)
    definitions = live.definitions or {}
    users = tuple(_canonical(user, definitions) for user in live.users)
    fields = wish.fields & target.policy.manage
    found = export(replace(live, users=users), present, replace(wish, fields=fields))
    found.left_out += _left_out(_addresses(everything), _addresses(live), spoken_of(present), wish)
    if unmanaged := sorted(wish.fields - fields):
        names = ", ".join(f"`{name}`" for name in unmanaged)
        found.left_out.append(f"{names}: left out, since this target does not manage them")
    if found.groups and wish.members == "not-ours":
        found.left_out.append(
            "the members of the groups are left out: --members from-users or stated writes them"
        )
    return found


def _left_out(
    everything: AbstractSet[Address], ours: AbstractSet[Address], known: AbstractSet[Address], wish: Wish
) -> Iterator[str]:
    """What is live and not written, and why: nothing is passed over in silence."""
    unasked = {address for address in ours - known if not wish.wants(address)}
    for which, why in (
        (everything - ours, "ignored by this target: left out"),
        (ours & known, "in the files already: not touched"),
        (unasked, "not asked for by --only: left out"),
    ):
        if which:
            users = sum(address.kind == "user" for address in which)
            groups = len(which) - users
            yield f"{number_of(users, 'user')} and {number_of(groups, 'group')} are {why}"
    for glob in wish.only:
        if not any(replace(wish, only=(glob,)).wants(address) for address in ours):
            yield f"--only {glob} matches nothing that is live and not ignored"


def _addresses(live: LiveState) -> AbstractSet[Address]:
    users = {user_address(user.resource.email) for user in live.users}
    return users | {group_address(group.resource.name) for group in live.groups}


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

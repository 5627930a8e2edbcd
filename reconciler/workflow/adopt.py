"""Adopt a living tenant: what is live, as files beside those that are there."""

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import count
from pathlib import Path

from reconciler.desired.content import shown
from reconciler.desired.export import Export, Wish, export
from reconciler.errors import Invalid, Place, Problem
from reconciler.links import stay_below
from reconciler.model import (
    KEY_OF,
    Address,
    Definition,
    DesiredState,
    Group,
    Live,
    LiveState,
    Need,
    User,
    Value,
    address_of,
)
from reconciler.planning.diff import Definitions
from reconciler.planning.identity import recognise, with_live_logins
from reconciler.planning.scope import ours
from reconciler.report import number_of
from reconciler.target.session import Session
from reconciler.target.settings import Target
from reconciler.values import canonical


def adopt(target: Target, session: Session, wish: Wish) -> Export:
    """Read everything live, and export what the files do not declare yet; raises what a read raises.

    Nothing is written: the result holds the texts. Fields that the target does not
    manage are left out.
    """
    present = target.load()
    everything = target.provider.read(session.reader, Need(everything=True))
    live = ours(everything, target.policy)
    present = with_live_logins(present, recognise(present, everything, live, target.policy))
    definitions = live.definitions or {}
    known = _addresses(everything)
    users = tuple(_canonical(user, definitions, known) for user in live.users)
    fields = wish.fields & target.policy.manage
    unfit = _unfit(target, live)
    sayable = replace(
        live,
        users=tuple(user for user in users if str(address_of(user.resource)) not in unfit),
        groups=tuple(group for group in live.groups if str(address_of(group.resource)) not in unfit),
    )
    exported = export(sayable, present, replace(wish, fields=fields))
    exported.remarks += [f"{address}: left out, since {why}" for address, why in sorted(unfit.items())]
    exported.left_out += _left_out(_addresses(everything), _addresses(live), present.named, wish)
    if unmanaged := sorted(wish.fields - fields):
        names = ", ".join(f"`{name}`" for name in unmanaged)
        exported.left_out.append(f"{names}: left out, since this target does not manage them")
    are_shown = any(group.resource.members is not None for group in live.groups)
    if exported.groups and are_shown and wish.members == "not-ours":
        exported.left_out.append(
            "the members of the groups are left out: --members from-users or stated writes them"
        )
    return exported


def _unfit(target: Target, live: LiveState) -> dict[str, str]:
    """What is live under a name that the kind's own rules would refuse in a file, with the reason."""
    named = DesiredState(
        users={address_of(user.resource).key: User(user.resource.email) for user in live.users},
        groups={address_of(group.resource).key: Group(group.resource.name) for group in live.groups},
        locate=lambda address, _: Place(str(address)),
    )
    return {problem.place.file: problem.message for problem in target.system.rules(named)}


def _left_out(
    everything: AbstractSet[Address], ours: AbstractSet[Address], in_files: AbstractSet[Address], wish: Wish
) -> Iterator[str]:
    """What is live and is not written, with the reason."""
    unasked = {address for address in ours - in_files if not wish.wants(address)}
    for which, why in (
        (everything - ours, "ignored by this target: left out"),
        (ours & in_files, "in the files already: not touched"),
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
    return {address_of(each.resource) for each in live.objects}


def write(target: Target, exported: Export) -> list[Path]:
    """Write the texts into new files of the target's folder, and return their paths.

    A name that is taken gets a number, so no existing file is touched. Raises
    Invalid where a file cannot be written, after removing those written before.
    """
    paths: list[Path] = []
    try:
        for name, text in exported.files.items():
            path = _free(target.folder / name)
            stay_below(target.folder, path)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                paths.append(path)
                file.write(_modeline(path) + text)
    except OSError as error:
        for path in paths:
            path.unlink(missing_ok=True)
        raise Invalid([Problem(Place(shown(path)), f"it cannot be written: {error.strerror}")]) from None
    return [Path(shown(path)) for path in paths]


def _free(path: Path) -> Path:
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return path if not path.exists() else next(other for other in numbered if not other.exists())


def _modeline(path: Path) -> str:
    """The comment that tells an editor where the schema is; empty where no folder above has it."""
    for folder in path.absolute().parents:
        schema = folder / "schemas" / "desired-state.schema.json"
        if schema.is_file():
            return f"# yaml-language-server: $schema={os.path.relpath(schema, path.absolute().parent)}\n"
    return ""


def _canonical(user: Live[User], definitions: Definitions, known: AbstractSet[Address]) -> Live[User]:
    """The user with what can be written back, in one spelling."""
    attributes = {
        key: canonical(value, definitions[key])
        for key, value in (user.resource.attributes or {}).items()
        if key in definitions and _can_be_said(value, definitions[key], known)
    }
    return replace(user, resource=replace(user.resource, attributes=attributes))


def _can_be_said(value: Value, definition: Definition, known: AbstractSet[Address]) -> bool:
    """Whether a file may state this: no value of the system's own, no two for one, and nobody unknown."""
    if definition.system or definition.type == "file":
        return False
    items = value if isinstance(value, tuple) else (value,)
    if len(items) > 1 and not definition.multiple:
        return False
    kind = definition.refers
    return kind is None or all(not item or Address(kind, KEY_OF[kind](str(item))) in known for item in items)

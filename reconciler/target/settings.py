"""target.yaml as a value: one configured system, and what may be done to it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler import git
from reconciler.desired import files, history
from reconciler.errors import Invalid, Place, Problem
from reconciler.model import DesiredState
from reconciler.planning.scope import Limits, Policy, combined, stricter
from reconciler.providers.base import Provider
from reconciler.providers.quirks import NO_QUIRKS, Quirks
from reconciler.providers.registry import PROVIDERS
from reconciler.transport.hosts import api_root

PACE = 55
"""Requests in any 60 seconds where target.yaml names no other number; Omni's documented limit is 60."""


@dataclass(frozen=True, slots=True)
class Target:
    """One configured system. ``keys`` are references to its credentials, never a credential.

    ``journal`` is the folder of the run journals; ``sandbox`` the seed and the
    state file of an embedded pretend system, None for a real one. ``probe`` says
    whether scratch objects may be made there; ``quirks`` what a probe found out.
    ``approvals`` is how many people must approve a pull request before it is applied.
    ``settings`` is the data of target.yaml. Where the settings of a base revision
    hold, ``pending`` names those that the folder's own files change, ``policy`` is
    the stricter of both, and ``base_policy`` the base's alone.
    """

    name: str
    folder: Path
    kind: str
    url: str
    policy: Policy
    requests_per_minute: int
    journal: Path
    keys: tuple[Mapping[str, str], ...]
    sandbox: tuple[Path, Path] | None
    probe: bool = False
    quirks: Quirks = NO_QUIRKS
    approvals: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    base_policy: Policy | None = None

    @property
    def provider(self) -> Provider:
        """The code for this kind of system."""
        return PROVIDERS[self.kind](self.quirks)

    @property
    def place(self) -> Place:
        """Where the target is configured."""
        return Place(files.shown(self.folder / "target.yaml"))

    def load(self) -> DesiredState:
        """Read and check the files; raises Invalid with every problem of every file."""
        return files.load(self.folder, settings=self.settings)


def at_base(target: Target, revision: str) -> Target:
    """The target with the settings, and the quirks, of a base revision: a change to them is only pending.

    Who proposes a change of the files can so not lift a limit, unprotect a user
    or point the key elsewhere in the same breath. Where the change is stricter
    about what is ours and what may be taken away, it holds at once. Raises Invalid where the
    revision cannot be read, or had no such target.
    """
    with history.at(target.folder, revision, "--base") as (scratch, shown_as):
        base = _target(target.name, target.folder, scratch, shown_as)
    now, then = _flat(target.settings), _flat(base.settings)
    changed = sorted(key for key in now.keys() | then.keys() if now.get(key) != then.get(key))
    if target.quirks != base.quirks:
        changed.append("quirks.yaml")
    both = stricter(base.policy, target.policy)
    ignore = {"users": both.ignore_users, "groups": both.ignore_groups}
    return replace(
        base,
        policy=both,
        base_policy=base.policy,
        settings={**base.settings, "ignore": ignore},
        pending=tuple(changed),
        approvals=max(base.approvals, target.approvals),
    )


def _flat(data: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return flat


def load_targets(root: Path, names: Sequence[str] = ()) -> list[Target]:
    """The named targets below ``root``, or all of them; raises Invalid with every problem."""
    folders = files.find_targets(root)
    # Twice named is meant once.
    names = tuple(dict.fromkeys(_named(name, folders) for name in names))
    unknown = [name for name in names if name not in folders]
    problems = [
        Problem(
            Place(str(root / name)), "there is no such target", f"known are: {', '.join(folders) or 'none'}"
        )
        for name in unknown
    ]
    targets = []
    for name in [name for name in names if name in folders] or ([] if names else folders):
        try:
            _check_name(name, folders[name])
            targets.append(_target(name, folders[name]))
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(problems)
    return targets


def _check_name(name: str, folder: Path) -> None:
    """What was applied last is kept in a ref of git, which has the target's name."""
    if fault := git.fault_in_ref(name):
        message = f"a target cannot be called {name!r}: it has {fault}, which git allows in no ref"
        raise Invalid([Problem(Place(files.shown(folder)), message, "rename its folder")])


def _named(text: str, folders: Mapping[str, Path]) -> str:
    """The name of the target that a person means, who may give the path of its folder."""
    name = text.rstrip("/")
    paths = {os.path.abspath(folder): known for known, folder in folders.items()}  # noqa: PTH100 (as written)
    return name if name in folders else paths.get(os.path.abspath(text), text)  # noqa: PTH100 (likewise)


def _target(name: str, folder: Path, read_from: Path | None = None, shown_as: str = "") -> Target:
    """One target; its settings may be read from another copy of its folder."""
    data, locate = files.load_target_file(read_from or folder, shown_as)
    try:
        root = api_root(data["url"])
    except ValueError as error:
        raise Invalid([Problem(locate(("url",)), str(error))]) from None
    sandbox = data.get("sandbox")
    return Target(
        name=name,
        folder=folder,
        kind=data["kind"],
        url=root.removesuffix("/api"),
        policy=_policy(data),
        requests_per_minute=data.get("requests_per_minute", PACE),
        journal=Path(data.get("journal", ".reconciler/runs")),
        keys=tuple(data.get("keys", ())),
        sandbox=(folder / sandbox["seed"], folder / sandbox["state"]) if sandbox else None,
        probe=data.get("probe", False),
        quirks=Quirks(**files.load_quirks(read_from or folder, shown_as)),
        approvals=data.get("github", {}).get("approvals", 1),
        settings=data,
    )


def _policy(data: Mapping[str, Any]) -> Policy:
    plain = Policy()
    manage, ignore, protect = data.get("manage", {}), data.get("ignore", {}), data.get("protect", {})
    leavers = data.get("leavers", {})
    users, limits = leavers.get("users", {}), data.get("limits", {})
    return Policy(
        manage=frozenset(manage.get("users", plain.manage)),
        exact_attributes=frozenset(manage.get("exact_attributes", ())),
        ignore_users=tuple(ignore.get("users", ())),
        ignore_groups=tuple(ignore.get("groups", ())),
        protect_users=tuple(protect.get("users", ())),
        protect_groups=tuple(protect.get("groups", ())),
        tombstone=combined(users.get("tombstone", plain.tombstone)),
        left_users=combined(users.get("left_files", plain.left_users)),
        left_groups=leavers.get("groups", {}).get("left_files", plain.left_groups),
        never_listed=combined(users.get("never_listed", plain.never_listed)),
        limits=_limits(plain.limits, limits.get("removals", {})),
        creations=_limits(plain.creations, limits.get("creations", {})),
    )


def _limits(plain: Limits, said: Mapping[str, Any]) -> Limits:
    # In a file `1.0` is text, since no canonical number ends in a zero.
    return Limits(float(said.get("share", plain.share)), said.get("floor", plain.floor))

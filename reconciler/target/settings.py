"""target.yaml as values: a Target, which is one configured system, and the Policy of what may be done to it.

It reads from top to bottom: ``load_targets`` finds the folders, ``read_target``
makes a Target of one, ``_policy`` its Policy.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler import git
from reconciler.desired import files
from reconciler.desired.content import shown
from reconciler.desired.documents import Document
from reconciler.desired.named import Reach, named
from reconciler.desired.one_off import COMMAND_LINE, Asked
from reconciler.desired.sources import Source
from reconciler.desired.text import clip
from reconciler.errors import Invalid, Place, Problem
from reconciler.links import is_elsewhere
from reconciler.model import DesiredState
from reconciler.planning.exclusive import contradictions
from reconciler.planning.scope import Globs, Limits, Policy, combined
from reconciler.providers.base import Provider
from reconciler.providers.kind import Credential, Kind
from reconciler.providers.registry import KINDS
from reconciler.target.abilities import default_policy, impossible
from reconciler.target.schemas import own_settings, quirks_schema, target_schema
from reconciler.transport.hosts import api_root

ONE_OFF = "one-off"
"""What a one-off run is called, in place of the name of a target."""


@dataclass(frozen=True, slots=True)
class Target:
    """One configured system.

    ``credentials`` say where its secrets are, never a secret. ``journal`` is
    the folder of the run journals. ``sandbox`` is the seed and the state file of an
    embedded pretend system, None for a real one. ``probe`` says whether scratch
    objects may be made there, ``quirks`` what a probe found out. ``approvals`` is
    how many people must approve a pull request before it is applied. ``settings``
    is the data of target.yaml. ``root`` is the folder that all targets are in. ``asked`` is what
    a one-off run is made from: no folder holds such a target, and nothing of it is recorded in git.

    Under a base revision, ``policy`` is the stricter of ``base_policy`` (the base's) and ``own_policy``
    (that of the folder's own files), ``pending`` names the settings that differ, and
    ``proposed`` what differs of the files and lists that it names.
    """

    name: str
    folder: Path
    kind: str
    url: str
    policy: Policy
    requests_per_minute: int
    journal: Path
    credentials: tuple[Credential, ...]
    sandbox: tuple[Path, Path] | None
    probe: bool = False
    quirks: Mapping[str, Any] = field(default_factory=dict)
    approvals: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    proposed: tuple[str, ...] = ()
    base_policy: Policy | None = None
    own_policy: Policy | None = None
    root: Path | None = None
    asked: Asked | None = None

    @property
    def provider(self) -> Provider:
        """The code for this kind of system."""
        return self.system.provider(self.own, self.quirks)

    @property
    def own(self) -> Mapping[str, Any]:
        """The settings that are those of its kind alone."""
        return own_settings(self.system, self.settings)

    @property
    def system(self) -> Kind:
        """The kind of system, to ask what differs between kinds."""
        return KINDS[self.kind]

    @property
    def reach(self) -> Reach:
        """What its files may name beside its own folder; who names files one by one may name any."""
        if self.asked:
            return Reach(Path("/"), self.system.likes, ignored=frozenset(), hidden=True)
        return Reach(self.root, self.system.likes)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its folder, and what its target.yaml names beside it."""
        return (self.folder, *(Path(os.path.normpath(self.folder / path)) for path in named(self.settings)))

    @property
    def place(self) -> Place:
        """Where the target is configured."""
        if self.asked:
            return COMMAND_LINE
        return Place(shown(self.folder / "target.yaml"))

    def load(self) -> DesiredState:
        """Read and check the files, by the rules of the kind too; raises Invalid with every problem."""
        if self.asked:
            return self.asked.load(self.rules, self.reach)
        return files.load(self.folder, settings=self.settings, rules=self.rules, reach=self.reach)

    def rules(self, state: DesiredState) -> list[Problem]:
        """What the files cannot mean: to this kind of system, or by the settings."""
        return [*self.system.rules(state), *contradictions(state, self.policy)]


def load_targets(root: Path, names: Sequence[str] = ()) -> list[Target]:
    """The named targets below ``root``, or all of them; raises Invalid with every problem."""
    folders = files.find_targets(root)
    wanted = list(dict.fromkeys(_name_meant(name, folders) for name in names)) if names else list(folders)
    problems = [_unknown(root, name, folders) for name in wanted if name not in folders]
    targets = []
    for name in (name for name in wanted if name in folders):
        try:
            _check_name(name, folders[name])
            targets.append(replace(read_target(name, folders[name]), root=root))
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(problems)
    return targets


def _name_meant(text: str, folders: Mapping[str, Path]) -> str:
    """The name of the target that a person means, who may give the path of its folder."""
    name = text.rstrip("/")
    names = {os.path.abspath(folder): name for name, folder in folders.items()}  # noqa: PTH100 (as written)
    return name if name in folders else names.get(os.path.abspath(text), text)  # noqa: PTH100 (likewise)


def _unknown(root: Path, name: str, folders: Mapping[str, Path]) -> Problem:
    hint = f"known are: {', '.join(folders) or 'none'}"
    return Problem(Place(str(root / name)), "there is no such target", hint)


def _check_name(name: str, folder: Path) -> None:
    """Raise Invalid for a name that no ref of git can have, where one records what was applied.

    Nor may it be that of one-off runs: they would take a plan of that target for their own.
    """
    if name == ONE_OFF:
        message = f"a target cannot be called {name!r}: one-off runs are called so"
        raise Invalid([Problem(Place(shown(folder)), message, "rename its folder")])
    if fault := git.fault_in_ref(name):
        message = f"a target cannot be called {name!r}: it has {fault}, which git allows in no ref"
        raise Invalid([Problem(Place(shown(folder)), message, "rename its folder")])


def read_target(name: str, folder: Path, read_from: Path | None = None, shown_as: str = "") -> Target:
    """A target from its target.yaml and quirks.yaml; raises Invalid with every problem of them.

    ``read_from`` is another copy of its folder to read them from, ``shown_as`` how
    that is shown in places.
    """
    here = read_from or folder
    document = files.read_target_file(here, shown_as, target_schema)
    quirks = files.read_quirks(here, shown_as, quirks_schema(_kind(document)))
    return made(name, folder, document, quirks)


def made(name: str, folder: Path, document: Document, quirks: Document | None = None) -> Target:
    """A target from its documents, checked by their schemas; raises Invalid with every problem of them."""
    kind, data, source = _kind(document), document.data, document.source
    problems = [*document.problems, *impossible(kind, data, source), *(quirks.problems if quirks else ())]
    if problems:
        raise Invalid(problems)
    return _target(name, folder, data, source, quirks.data if quirks else {})


def _kind(document: Document) -> Kind:
    kind = KINDS.get(document.data.get("kind", ""))
    if not kind:
        raise Invalid([*document.problems, *_no_such_kind(document.data, document.source)])
    return kind


def _no_such_kind(data: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    """What is wrong with the kind that is named; one that is missing or is no text has been told."""
    if "kind" in data:
        known = " or ".join(f"`{kind}`" for kind in KINDS)
        message = f"`kind` must be {known}, not the text `{clip(data['kind'])}`"
        yield Problem(source.nearest(("kind",)), message)


def _target(
    name: str, folder: Path, data: Mapping[str, Any], source: Source, quirks: Mapping[str, Any]
) -> Target:
    kind = KINDS[data["kind"]]
    own, sandbox = own_settings(kind, data), data.get("sandbox")
    try:
        hosts = kind.hosts(own)
        root = api_root(kind.address(own), hosts)
    except ValueError as error:
        raise Invalid([Problem(source.nearest(("url",)), str(error))]) from None
    try:
        credentials = tuple(kind.credentials(own))
    except ValueError as error:
        place = source.nearest(("credential", "client_credentials", "token_url"))
        raise Invalid([Problem(place, str(error))]) from None
    return Target(
        name=name,
        folder=folder,
        kind=data["kind"],
        url=root.removesuffix(hosts.api[0]),
        policy=_policy(data, source, default_policy(kind)),
        requests_per_minute=data.get("requests_per_minute", kind.pace),
        journal=Path(data.get("journal", ".reconciler/runs")),
        credentials=credentials,
        sandbox=_sandbox(folder, sandbox, source) if sandbox else None,
        probe=data.get("probe", False),
        quirks=quirks,
        approvals=data.get("github", {}).get("approvals", 1),
        settings=data,
    )


def _sandbox(folder: Path, data: Mapping[str, str], source: Source) -> tuple[Path, Path]:
    """The seed and the state file; raises Invalid where one of them is not a file of the repository."""
    seed, state = (folder / data[name] for name in ("seed", "state"))
    hint = "name a file below the target's folder, such as .reconciler/sandbox.json"
    problems = [
        Problem(source.nearest(("sandbox", name)), f"`{name}` leads out of the repository", hint)
        for name, path in (("seed", seed), ("state", state))
        if is_elsewhere(path, folder)
    ]
    if problems:
        raise Invalid(problems)
    return seed, state


def _policy(data: Mapping[str, Any], source: Source, default: Policy) -> Policy:
    manage, leavers = data.get("manage", {}), data.get("leavers", {})
    users, limits = leavers.get("users", {}), data.get("limits", {})
    return Policy(
        manage=frozenset(manage.get("users", default.manage)),
        manage_groups=_managed_groups(manage, default),
        exact_attributes=frozenset(manage.get("exact_attributes", ())),
        match=_match(data, source),
        exclusive=tuple(map(tuple, data.get("exclusive", ()))),
        ignore=_globs(data.get("ignore", {})),
        protect=_globs(data.get("protect", {})),
        tombstone=combined(users.get("tombstone", default.tombstone)),
        left_users=combined(users.get("left_files", default.left_users)),
        left_groups=leavers.get("groups", {}).get("left_files", default.left_groups),
        never_listed=combined(users.get("never_listed", default.never_listed)),
        removals=_limits(default.removals, limits.get("removals", {})),
        creations=_limits(default.creations, limits.get("creations", {})),
        places=_places(data, source),
    )


def _managed_groups(manage: Mapping[str, Any], default: Policy) -> frozenset[str]:
    """What the files decide of groups; who leaves users' groups to others means lists of members, too."""
    if "groups" in manage:
        return frozenset(manage["groups"])
    lists = "groups" in manage.get("users", default.manage)
    return default.manage_groups if lists else default.manage_groups - {"members"}


def _match(data: Mapping[str, Any], source: Source) -> tuple[str, ...]:
    """The attributes that tell who is meant; raises Invalid where the login is not the last way to tell."""
    names: Sequence[str] = data.get("match", ())
    if "email" in names[:-1]:
        place = source.nearest(("match", names.index("email")))
        raise Invalid([Problem(place, "`email` is looked for last, after every attribute", "write it last")])
    return tuple(name for name in names if name != "email")


def _places(data: Mapping[str, Any], source: Source) -> dict[tuple[str, str], Place]:
    """Where each name of ``protect``, ``ignore``, ``match`` and ``exclusive`` stands."""
    places = {("match", name): source.find_item(("match",), str, name) for name in data.get("match", ())}
    places |= {
        ("exclusive", name): source.find_item(("exclusive", number), str, name)
        for number, names in enumerate(data.get("exclusive", ()))
        for name in names
    }
    places |= {
        (f"{setting}.{section}", glob): source.find_item((setting, section), str, glob)
        for setting in ("protect", "ignore")
        for section, globs in data.get(setting, {}).items()
        for glob in globs
    }
    return {name: place for name, place in places.items() if place}


def _globs(data: Mapping[str, Any]) -> Globs:
    return Globs(tuple(data.get("users", ())), tuple(data.get("groups", ())))


def _limits(default: Limits, data: Mapping[str, Any]) -> Limits:
    # In a file `1.0` is text, since no canonical number ends in a zero.
    return Limits(float(data.get("share", default.share)), data.get("floor", default.floor))

"""A one-off run: a system and files that options name, in place of the targets of a repository."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.app import DESIRED_STATE, BadUsage, kind_named
from reconciler.errors import Invalid

if TYPE_CHECKING:
    from reconciler.target.settings import Target

Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="A one-off run against this system, without a repository."),
]
OfKind = Annotated[
    str | None, typer.Option("--kind", metavar="KIND", help="With --url: which kind of system it is.")
]
Sources = Annotated[
    list[Path] | None,
    typer.Option(
        "--source", metavar="FILE", help="With --url: a list, CSV or JSON, or YAML; may be repeated."
    ),
]
Like = Annotated[
    str | None, typer.Option("--like", metavar="TOOL", help="With --url: which tool's lists they are.")
]
GroupsFile = Annotated[
    Path | None,
    typer.Option("--groups-file", metavar="FILE", help="With --like: the list of groups beside the list."),
]

_EXAMPLE = "--url https://... --kind KIND --source users.csv --like TOOL"


@dataclass(frozen=True, slots=True)
class OneOff:
    """The target of a one-off run, its ``files``, and the ``words`` of the command line that name it.

    Without a ``target`` the run is about those of a repository.
    """

    target: "Target | None" = None
    files: Sequence[Path] = ()
    words: Sequence[str] = ()

    def check_alone(self, given: Mapping[str, object], only: Sequence[str]) -> None:
        """Raise BadUsage where something is given that only the targets of a repository have."""
        given = {**given, "--only changed": True if "changed" in only else None}
        for option, value in given.items():
            if self.target and value is not None and value != DESIRED_STATE:
                message = f"{option} goes without --url: a one-off run has no repository, and no targets"
                raise BadUsage(message)


def read_options(
    url: str | None,
    kind: str | None,
    sources: Sequence[Path] | None,
    like: str | None,
    groups_file: Path | None,
) -> OneOff:
    """What these options name; raises BadUsage, and Invalid for what they name."""
    from reconciler.target.one_off import one_off

    given = {"--url": url, "--kind": kind, "--source": sources, "--like": like, "--groups-file": groups_file}
    if all(value is None for value in given.values()):
        return OneOff()
    if url is None or kind is None or not sources:
        lacking = next(option for option, value in given.items() if not value)
        message = f"a one-off run needs {lacking}, too: {_EXAMPLE}"
        raise BadUsage(message)
    kind_named(kind)
    _check_lists(sources, like, groups_file)
    files = [*sources, *([groups_file] if groups_file else [])]
    target = one_off(kind, url, sources, like, groups_file)
    _warn_of_others(target)
    return OneOff(target, files, _words(given))


def _warn_of_others(target: "Target") -> None:
    """Say which target here looks after the same system: somebody may count on its settings."""
    from reconciler.desired.files import find_targets
    from reconciler.target.settings import load_targets
    from reconciler.views.safe import printable

    names: list[str] = []
    with suppress(Invalid):
        names += find_targets(DESIRED_STATE)
    for name in names:
        shown = f"{printable(name)} in {DESIRED_STATE}"
        try:
            (other,) = load_targets(DESIRED_STATE, (name,))
        except Invalid:
            console.complain(
                f"warning: {shown} cannot be read: where it looks after this system, "
                "its settings do not hold in a one-off run"
            )
            continue
        if (other.kind, other.url) == (target.kind, target.url):
            console.complain(
                f"warning: {shown} looks after this system: its "
                "`protect`, `ignore`, `manage` and `limits` do not hold in a one-off run"
            )


def _check_lists(sources: Sequence[Path], like: str | None, groups_file: Path | None) -> None:
    """Raise BadUsage where it is not clear how a file is to be read."""
    from reconciler.desired.one_off import type_of

    types = {path: type_of(path) for path in sources}
    for path, kind in types.items():
        if not kind:
            message = (
                f"--source {path} does not end in .csv, .json, .yaml or .yml, so what it is is not known"
            )
            raise BadUsage(message)
    lists = [path for path, kind in types.items() if kind != "yaml"]
    if lists and like is None:
        message = f"--source {lists[0]} needs --like TOOL, which says what its columns mean"
        raise BadUsage(message)
    if groups_file and len(lists) != 1:
        message = "--groups-file needs exactly one list, which is that of people beside it"
        raise BadUsage(message)


def _words(given: Mapping[str, object]) -> list[str]:
    """The options, as they are typed again."""
    words = []
    for option, value in given.items():
        for one in value if isinstance(value, list) else [value]:
            words += [option, str(one)] if one is not None else []
    return words

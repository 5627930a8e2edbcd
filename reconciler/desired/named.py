"""What a target names beside its own folder: YAML that several targets share, and lists of other tools.

Paths begin at the target's folder and stay below the folder that all targets
are in, so that what is reviewed there is all that a plan is made from.
"""

import os
import posixpath
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reconciler import git
from reconciler.desired.content import content
from reconciler.desired.documents import Document
from reconciler.desired.lists.columns import Likes, columns_of
from reconciler.desired.lists.read import Wanted, read
from reconciler.desired.lists.rows import LiveIds
from reconciler.desired.sources import Source
from reconciler.desired.text import clip
from reconciler.errors import GitFailed, Place, Problem
from reconciler.links import is_hidden


@dataclass(frozen=True, slots=True)
class Reach:
    """What the files of a target may name.

    ``root`` is the folder that all targets are in; without one it is the target's own. ``likes`` are the
    mappings that ship with its kind. ``ignored`` are the lists that git ignores, by their paths from
    the target's folder; with None git is asked. With ``hidden`` names that begin with a dot may be on the
    way, as where the caller names a file of theirs.
    """

    root: Path | None = None
    likes: Likes = field(default_factory=dict)
    ignored: frozenset[str] | None = None
    hidden: bool = False

    def inside(self, folder: Path, path: str) -> bool:
        """Whether a path from the target's folder stays below the root, links included."""
        root, there = self.root or folder, folder / path
        lexical = Path(os.path.abspath(there)).is_relative_to(os.path.abspath(root))  # noqa: PTH100 (as written)
        return lexical and Path(os.path.realpath(there)).is_relative_to(os.path.realpath(root))

    def at(self, folder: Path, copy: Path) -> "Reach":
        """The same for a copy of the target's folder, that has its root above it in the same way."""
        root = Path(os.path.normpath(copy / os.path.relpath(self.root or folder, folder)))
        return replace(self, root=root)


def named(data: Mapping[str, Any]) -> Iterator[str]:
    """Every path that the data of a target.yaml names: files and folders of YAML, and lists."""
    yield from data.get("files", ())
    yield from listed(data)


def listed(data: Mapping[str, Any]) -> Iterator[str]:
    """The path of every list."""
    for entry in data.get("sources", ()):
        yield entry["path"]
        if "groups_file" in entry:
            yield entry["groups_file"]


def least_rows(data: Mapping[str, Any]) -> dict[str, int]:
    """How many rows each list must have, by its path, where the data of a target.yaml says so."""
    least: dict[str, int] = {}
    for entry in data.get("sources", ()):
        path = posixpath.normpath(entry["path"])
        least[path] = max(least.get(path, 0), entry.get("min_rows", 0))
    return least


def ignored(folder: Path, data: Mapping[str, Any]) -> frozenset[str]:
    """The lists of a target that git ignores, since they hold what nobody wants in a repository."""
    paths = {path: folder / path for path in listed(data)}
    with suppress(GitFailed):
        if paths and (repository := git.find(folder)):
            found = repository.ignored(paths.values())
            return frozenset(path for path, there in paths.items() if there in found)
    return frozenset()


def shared(
    folder: Path, target: Document, reach: Reach, problems: list[Problem]
) -> Iterator[tuple[Path, str]]:
    """Each path of ``files`` that can be read, and how to show it."""
    for at, path in enumerate(target.data.get("files", ())):
        place = target.source.nearest(("files", at))
        if problem := _against(folder, place, reach, path):
            problems.append(problem)
        elif not (folder / path).exists():
            hint = "correct the path: it begins at the target's folder"
            problems.append(Problem(place, f"`{clip(path)}` is not there", hint))
        else:
            yield folder / path, _shown(target.source, path)


def lists(
    folder: Path,
    target: Document,
    reach: Reach,
    problems: list[Problem],
    *,
    only: Container[str] | None = None,
    live: LiveIds | None = None,
    least: Mapping[str, int] | None = None,
) -> Iterator[Document]:
    """The document of every list that can be read; ``target`` is that of target.yaml.

    ``only`` are the paths of those that are asked for, ``live`` the ids of the system, where it was asked.
    ``least`` is what ``least_rows`` tells of the settings that hold.
    """
    git_ignores = ignored(folder, target.data) if reach.ignored is None else reach.ignored
    for at, entry in enumerate(target.data.get("sources", ())):
        if only is not None and entry["path"] not in only:
            continue
        like, problem = _like(reach.likes, entry, target.source, at)
        if said := [
            *_against_paths(folder, target.source, at, entry, reach),
            *([problem] if problem else ()),
        ]:
            problems += said
            continue
        place = target.source.nearest(("sources", at, "path"))
        wanted = _wanted(entry, like, place, tracked=entry["path"] not in git_ignores, live=live)
        at_least = (least or {}).get(posixpath.normpath(entry["path"]), 0)
        found = list(_contents(folder, target.source, entry, reach))
        problems += [raw for raw, _ in found if isinstance(raw, Problem)]
        readable = [(raw, name) for raw, name in found if isinstance(raw, bytes)]
        if len(readable) == len(found):
            yield read(replace(wanted, min_rows=max(wanted.min_rows, at_least)), *readable)


def _against_paths(
    folder: Path, source: Source, at: int, entry: Mapping[str, Any], reach: Reach
) -> Iterator[Problem]:
    """What is wrong with the paths of one list, before anything is read there."""
    for key in ("path", "groups_file"):
        if key in entry and (
            problem := _against(folder, source.nearest(("sources", at, key)), reach, entry[key])
        ):
            yield problem


def _contents(
    folder: Path, source: Source, entry: Mapping[str, Any], reach: Reach
) -> Iterator[tuple[bytes | Problem, str]]:
    """The bytes of a list, and of the one of groups beside it, each with its name in places."""
    for path in filter(None, (entry["path"], entry.get("groups_file"))):
        name = _shown(source, path)
        yield content(folder / path, name, inside=reach.root or folder), name


def _wanted(
    entry: Mapping[str, Any],
    like: Mapping[str, Any],
    place: Place,
    *,
    tracked: bool,
    live: LiveIds | None,
) -> Wanted:
    own: list[Any] = [entry.get("login"), entry.get("op"), *entry.get("fields", {}).values()]
    own += [rule["column"] for rule in entry.get("groups", ())]
    return Wanted(
        columns_of(entry, like),
        entry["type"],
        place,
        leavers=entry.get("as") == "leavers",
        skip=entry.get("bad_rows") == "skip",
        min_rows=entry.get("min_rows", 0),
        required=tuple(dict.fromkeys(name for name in own if name)),
        tracked=tracked,
        live=live,
    )


def _like(
    likes: Likes, entry: Mapping[str, Any], source: Source, at: int
) -> tuple[Mapping[str, Any], Problem | None]:
    """The data of the mapping that an entry names, or what is wrong with the name."""
    name = entry.get("like")
    if name is None:
        return {}, None
    place = source.nearest(("sources", at, "like"))
    if name not in likes:
        near: Sequence[str] = get_close_matches(name, likes, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(likes) or 'none'}"
        return {}, Problem(place, f"no mapping is called `{clip(name)}` for this kind of system", hint)
    if entry["type"] not in likes[name]:
        hint = f"it is for: {', '.join(likes[name])}"
        return {}, Problem(place, f"`{name}` is no mapping of a list of type {entry['type']}", hint)
    return likes[name][entry["type"]], None


def _against(folder: Path, place: Place, reach: Reach, path: str) -> Problem | None:
    """What is wrong with a path, before anything is read there."""
    if not reach.inside(folder, path):
        message = f"`{clip(path)}` leads out of the folder that all targets are in"
        return Problem(place, message, "put it below that folder; the path begins at the target's own")
    if not reach.hidden and is_hidden(folder / path, reach.root or folder):
        message = f"`{clip(path)}` is hidden, and what is hidden is never read"
        return Problem(place, message, "put it where no name on its path begins with a dot")
    return None


def _shown(source: Source, path: str) -> str:
    """How to show a path from the folder of this target.yaml."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(source.file), path))

"""Lists of other tools as YAML: those that a target names, or any that a mapping of its kind reads."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.desired.convert import Converted, Now, convert
from reconciler.desired.documents import Document
from reconciler.desired.files import desired_files, read_document, read_target_file
from reconciler.desired.joining import Rules
from reconciler.desired.lists.columns import Likes
from reconciler.desired.lists.rows import LiveIds
from reconciler.desired.named import Reach, lists
from reconciler.desired.one_off import Options
from reconciler.errors import Invalid, Problem
from reconciler.model import LiveState, user_key
from reconciler.providers.base import Provider
from reconciler.target.schemas import target_schema
from reconciler.target.settings import Target
from reconciler.transport.messages import Reader
from reconciler.workflow import questions

Entries = Sequence[Mapping[str, Any]]
"""Lists as ``sources`` in target.yaml names them, with paths from the working directory."""


def look(provider: Provider, reader: Reader) -> LiveState:
    """All that a conversion asks of the system; raises what a read raises."""
    live = questions.everything(provider, reader)
    return LiveState(live.users, live.groups, questions.definitions(provider, reader))


def named_by(target: Target, files: Sequence[Path]) -> list[str]:
    """The paths, as the target's `sources` writes them, that are these files."""
    wanted = {os.path.realpath(file) for file in files}
    paths = [entry["path"] for entry in target.settings.get("sources", ())]
    return [path for path in paths if os.path.realpath(target.folder / path) in wanted]


def convert_sources(target: Target, paths: Sequence[str], live: LiveState | None = None) -> Converted:
    """The lists at these paths of a target's ``sources``, as YAML; raises Invalid with every problem."""
    problems: list[Problem] = []
    document = read_target_file(target.folder, "", target_schema)
    found = list(lists(target.folder, document, target.reach, problems, only=set(paths), live=_ids(live)))
    return _converted(found, problems, target, target.rules, live)


def convert_files(
    entries: Entries, likes: Likes, rules: Rules, target: Target | None = None, live: LiveState | None = None
) -> Converted:
    """These lists as YAML, for a target where one is named; raises Invalid with every problem."""
    problems: list[Problem] = []
    reach = Reach(Path("/"), likes, ignored=frozenset(), hidden=True)
    document = Document(Options({}), {"sources": entries})
    found = list(lists(Path(), document, reach, problems, live=_ids(live)))
    return _converted(found, problems, target, rules, live)


def _converted(
    found: Sequence[Document],
    problems: list[Problem],
    target: Target | None,
    rules: Rules,
    live: LiveState | None,
) -> Converted:
    beside = [
        read_document(path, name, "desired-state")
        for path, name, _ in (desired_files(target.folder) if target else ())
    ]
    if problems:
        raise Invalid([*problems, *(problem for document in found for problem in document.problems)])
    return convert(found, beside, rules, _now(live) if live else None)


def _ids(live: LiveState | None) -> LiveIds | None:
    if live is None:
        return None
    return LiveIds(
        {user.id: user.resource.email for user in live.users},
        {group.id: group.resource.name for group in live.groups},
    )


def _now(live: LiveState) -> Now:
    groups = {user_key(user.resource.email): user.resource.groups or frozenset() for user in live.users}
    definitions = live.definitions or {}
    writable = {name for name, definition in definitions.items() if not definition.system}
    return Now(lambda key: groups.get(key, frozenset()), writable)

"""A target under the settings of a base revision: who proposes a change cannot lift a limit by it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.desired.older import at
from reconciler.desired.text import clip
from reconciler.planning.scope import stricter
from reconciler.target.settings import Target, read_target


def at_base(target: Target, revision: str) -> Target:
    """The target with the settings and the quirks of a base revision.

    What the folder's own files change about them is only pending, so nobody can
    lift a limit, unprotect a user or send the key elsewhere by the very change
    that profits from it. A change to a stricter rule about what is ours and what
    may be taken away holds at once. Raises Invalid where the revision cannot be
    read, or had no such target.
    """
    with at(target.folder, revision, "--base") as then:
        base = read_target(target.name, target.folder, then.folder, then.shown_as)
    own, old = _flat(_settings(target)), _flat(_settings(base))
    changed = sorted(key for key in own.keys() | old.keys() if own.get(key) != old.get(key))
    if target.quirks != base.quirks:
        changed.append("quirks.yaml")
    both = stricter(base.policy, target.policy)
    ignore = {"users": both.ignore.user, "groups": both.ignore.group}
    return replace(
        base,
        root=target.root,
        policy=both,
        base_policy=base.policy,
        own_policy=target.policy,
        settings={**base.settings, "ignore": ignore},
        pending=tuple(changed),
        proposed=tuple(_named_otherwise(target.settings, base.settings)),
        approvals=max(base.approvals, target.approvals),
    )


def _settings(target: Target) -> dict[str, Any]:
    """The settings of a target; what it names as desired state is proposed like any other file."""
    return {key: value for key, value in target.settings.items() if key not in ("files", "sources")}


def _named_otherwise(own: Mapping[str, Any], base: Mapping[str, Any]) -> Iterator[str]:
    """What differs of the files and lists that are named: each list by its path, with the settings of it."""
    if own.get("files", []) != base.get("files", []):
        yield "files"
    old, new = (_lists(data) for data in (base, own))
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path, []), new.get(path, [])
        keys = {key for entry in (*before, *after) for key in entry}
        differ = sorted(key for key in keys if [e.get(key) for e in before] != [e.get(key) for e in after])
        if differ:
            what = ", ".join(differ) if before and after else "new" if after else "gone"
            yield f"{clip(path)}: {what}"


def _lists(data: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in data.get("sources", ()):
        found.setdefault(entry["path"], []).append(entry)
    return found


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their path: ``limits.removals.share``."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat

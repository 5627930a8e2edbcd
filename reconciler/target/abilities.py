"""What target.yaml may not ask of a kind of system, since no system of that kind can do it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.desired.sources import Source
from reconciler.errors import Problem
from reconciler.planning.scope import Policy
from reconciler.providers.kind import Ability, Kind

_OF_GROUPS: Mapping[str, Ability] = {"create": "create groups", "name": "rename groups", "members": "groups"}
"""The ability that each part of a group takes; to list its members takes what a person's groups take."""


def default_policy(kind: Kind) -> Policy:
    """What holds where target.yaml says nothing: all that can be managed, and the gentlest ways."""
    policy = Policy()
    of_groups = frozenset(part for part in policy.manage_groups if _OF_GROUPS[part] not in kind.cannot)
    return replace(policy, manage=policy.manage - kind.cannot.keys(), manage_groups=of_groups)


def impossible(kind: Kind, data: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    """Every setting that asks for what cannot be, at its line."""
    for steps, asked in _asked(data):
        for what, why in kind.cannot.items():
            if word := asked.get(what):
                place = source.find_item(steps, str, word) or source.nearest(steps)
                advice = "leave it out of" if steps[0] == "manage" else "write another way in"
                message = f"`{word}` is not possible in {kind.title}: {why}"
                yield Problem(place, message, f"{advice} `{'.'.join(steps)}`")


def _asked(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, str]]]:
    """Each setting that asks for abilities, and the word by which it asks for each."""
    manage, leavers = data.get("manage", {}), data.get("leavers", {})
    yield ("manage", "users"), _themselves(manage.get("users", ()))
    yield ("manage", "groups"), {_OF_GROUPS[part]: part for part in manage.get("groups", ())}
    yield (
        ("manage", "exact_attributes"),
        _themselves(["exact_attributes"] if manage.get("exact_attributes") else []),
    )
    # It holds where it is not written, too.
    users = {"tombstone": Policy().tombstone, **leavers.get("users", {})}
    for name, ways in users.items():
        yield ("leavers", "users", name), _themselves([ways] if isinstance(ways, str) else ways)
    deletes = leavers.get("groups", {}).get("left_files") == "delete"
    yield ("leavers", "groups", "left_files"), _themselves(["delete groups"] if deletes else [])


def _themselves(words: Sequence[str]) -> Mapping[str, str]:
    return {word: word for word in words}

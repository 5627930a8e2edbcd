"""What target.yaml may not ask of a kind of system, since no system of that kind can do it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.desired.sources import Source
from reconciler.errors import Problem
from reconciler.planning.scope import Policy
from reconciler.providers.kind import Kind


def default_policy(kind: Kind) -> Policy:
    """What holds where target.yaml says nothing: all that can be managed, and the gentlest ways."""
    policy = Policy()
    return replace(policy, manage=policy.manage - kind.cannot.keys())


def impossible(kind: Kind, data: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    """Every setting that asks for what cannot be, at its line."""
    for steps, asked in _asked(data):
        for what, why in kind.cannot.items():
            if what in asked:
                place = source.find_item(steps, str, what) or source.nearest(steps)
                advice = "leave it out of" if steps[0] == "manage" else "write another way in"
                message = f"`{what}` is not possible in {kind.title}: {why}"
                yield Problem(place, message, f"{advice} `{'.'.join(steps)}`")


def _asked(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Sequence[str]]]:
    """Each setting that asks for abilities, and which."""
    manage, leavers = data.get("manage", {}), data.get("leavers", {})
    yield ("manage", "users"), manage.get("users", ())
    yield ("manage", "exact_attributes"), ["exact_attributes"] if manage.get("exact_attributes") else []
    # It holds where it is not written, too.
    users = {"tombstone": Policy().tombstone, **leavers.get("users", {})}
    for name, ways in users.items():
        yield ("leavers", "users", name), [ways] if isinstance(ways, str) else ways
    deletes = leavers.get("groups", {}).get("left_files") == "delete"
    yield ("leavers", "groups", "left_files"), ["delete groups"] if deletes else []

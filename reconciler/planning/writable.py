"""What can be written to somebody who is live already: some attributes take a value on creation only."""

import json
from collections.abc import Iterator

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState, FieldPath
from reconciler.planning.diff import Definitions, same, user_facts
from reconciler.planning.match import Pairing
from reconciler.values import canonical


def fixed(definitions: Definitions) -> frozenset[FieldPath]:
    """The fields of a live user that can neither be given another value nor be cleared, or not be seen."""
    return frozenset(
        ("attributes", name)
        for name, each in definitions.items()
        if each.written != "always" or not each.readable
    )


def unwritable(desired: DesiredState, pairing: Pairing, definitions: Definitions) -> Iterator[Problem]:
    """What the files state of live users, differs, and could be written on their creation only."""
    on_creation = {
        name: each for name, each in definitions.items() if each.written == "on creation" and each.readable
    }
    for key in sorted(desired.users) if on_creation else ():
        address, stated = Address("user", key), desired.users[key].attributes or {}
        if (live := pairing.users.get(address)) is None:
            continue
        facts = user_facts(live.resource, definitions)
        for name in sorted(on_creation.keys() & stated):
            path, wanted = ("attributes", name), canonical(stated[name], on_creation[name])
            now = facts.get(path)
            if not same(path, now, wanted, definitions):
                shown = "unset" if now is None else json.dumps(now, ensure_ascii=False)
                message = f"`{name}` can be written on creation only, and is {shown} now"
                yield Problem(desired.locate(address, path), message, "write what it is, or remove it here")

"""Where a login and an attribute that tells who is who speak of different people: then nothing is planned."""

import json
from collections.abc import Iterator

from reconciler.errors import Problem
from reconciler.model import Address, Definition, DesiredState, Live, LiveState, User, Value, address_of
from reconciler.planning.diff import Definitions
from reconciler.planning.match import Pairing
from reconciler.planning.scope import Policy
from reconciler.values import canonical, identity


def contradictions(
    desired: DesiredState, everything: LiveState, pairing: Pairing, policy: Policy
) -> Iterator[Problem]:
    """Whose login finds somebody with another number, and who would be created beside who has theirs."""
    definitions = everything.definitions or {}
    creates = "create" in policy.manage
    holders = {
        name: {
            identity(value, each): live for live in everything.users if (value := _of(live.resource, each))
        }
        for name, each in definitions.items()
        if each.unique
    }
    for key, user in sorted(desired.users.items()):
        address = Address("user", key)
        if (live := pairing.users.get(address)) is not None:
            yield from _someone_else(desired, address, user, live, definitions, policy)
        elif creates and user.active is not False:
            for name, known in holders.items():
                value = _of(user, definitions[name])
                if value is not None and (holder := known.get(identity(value, definitions[name]))):
                    yield _taken(desired, address, name, value, holder)


def _of(user: User, definition: Definition) -> Value:
    return canonical((user.attributes or {}).get(definition.name), definition)


def _someone_else(
    desired: DesiredState,
    address: Address,
    user: User,
    live: Live[User],
    definitions: Definitions,
    policy: Policy,
) -> Iterator[Problem]:
    """What tells one person from all others, and is another than that of the account with this login.

    It counts where ``match`` names it, and for whoever is protected. What nobody has yet may be given.
    """
    is_protected = policy.protect.match(address) or policy.protect.match(address_of(live.resource))
    for name, definition in definitions.items():
        if not definition.unique or not (is_protected or name in policy.match):
            continue
        stated, there = _of(user, definition), _of(live.resource, definition)
        if None in (stated, there) or identity(stated, definition) == identity(there, definition):
            continue
        message = (
            f"{address} has the `{name}` {_shown(stated)}, and {live.resource.email} (id {live.id}) has "
            f"{_shown(there)}: two different people"
        )
        hint = f"correct one of them; if one person got another, take `{name}` out of `match` for one apply"
        if is_protected:
            hint = f"correct it here; `{name}` of somebody protected is changed in the system alone"
        yield Problem(desired.locate(address, ("attributes", name)), message, hint)


def _taken(desired: DesiredState, address: Address, name: str, value: Value, holder: Live[User]) -> Problem:
    who = f"{holder.resource.email} (id {holder.id})"
    message = f"{address} is not live, and {who} has its `{name}` {_shown(value)}"
    hint = f"write `match: [{name}]` in target.yaml, if they are one person; else correct one of them"
    return Problem(desired.locate(address, ("attributes", name)), message, hint)


def _shown(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)

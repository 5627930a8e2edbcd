"""What the files changed between two revisions: everybody and everything of which they say otherwise now.

It is found without the live state, and must hold for any: whatever the files of now want and the older
ones did not is about one of these. Beside the entries that differ, entered or left, these are

* who left the files earlier, and was spared for a reason that holds no more (see ``leavers``);
* whom a reference names whose account depends on what the files say, and who refers to them;
* who is to be gone already, where the files state an attribute that they did not: a revocation clears it.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from reconciler.model import Address, DesiredState, Value, user_key


def changed(then: DesiredState, now: DesiredState) -> frozenset[Address]:
    """The people and groups of which the files say otherwise than they did."""
    spared_then, spared_now = _Spared(then), _Spared(now)
    found = {
        address
        for address in then.declared | then.absent | now.declared | now.absent
        if _said(then, address) != _said(now, address)
    }
    found |= {
        a for a in now.departed if a not in then.departed or spared_then.holds(a) != spared_now.holds(a)
    }
    if not _stated(now) <= _stated(then):
        found |= {a for a in now.absent | now.departed.keys() if a.kind == "user"}
    return frozenset(found | set(_referring(now, set(_waking(then, now)))))


def _said(state: DesiredState, address: Address) -> object:
    """All that one state says of an object by itself."""
    key = address.key
    own = state.users.get(key) if address.kind == "user" else state.groups.get(key)
    from_users = address.kind == "group" and key in state.from_users
    decides = state.lists.decides.get(key) if address.kind == "user" else None
    return own, address in state.absent, state.previously.get(address), from_users, decides


class _Spared:
    """Who would have left the files and is kept by what they say elsewhere."""

    def __init__(self, state: DesiredState) -> None:
        self._members = state.members
        self._everybody = not state.lists.tell_all or not (state.users or state.groups)

    def holds(self, address: Address) -> bool:
        return self._everybody or (address.kind == "user" and address.key in self._members)


def _stated(state: DesiredState) -> AbstractSet[str]:
    """The attributes that anybody states."""
    return {name for user in state.users.values() for name in user.attributes or ()}


def _waking(then: DesiredState, now: DesiredState) -> Iterator[str]:
    """The people whom the files do not let have an account in one of the states alone."""
    for key in then.users.keys() & now.users.keys():
        if (then.users[key].active is False) != (now.users[key].active is False):
            yield key


def _referring(state: DesiredState, people: AbstractSet[str]) -> Iterator[Address]:
    """The people of whom a value is the login of one of these, be it a reference or not."""
    for key, user in state.users.items() if people else ():
        if any(_names(value, people) for value in (user.attributes or {}).values()):
            yield Address("user", key)


def _names(value: Value, people: AbstractSet[str]) -> bool:
    items = value if isinstance(value, tuple) else (value,)
    return any(isinstance(item, str) and user_key(item) in people for item in items)

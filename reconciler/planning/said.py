"""Whether files and settings say the same as at another time: a digest of all that a plan follows from."""

import hashlib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass

from reconciler.model import DesiredState, User
from reconciler.planning.scope import Policy


def digest_of(desired: DesiredState, policy: Policy) -> str:
    """SHA-256, in hex, of what the files state and what the settings make of it; places do not count."""
    sha = hashlib.sha256()
    for line in _lines(desired, policy):
        sha.update(line.encode(errors="surrogatepass"))
        sha.update(b"\n")
    return sha.hexdigest()


def _lines(desired: DesiredState, policy: Policy) -> Iterator[str]:
    for key in sorted(desired.users):
        yield _person(key, desired.users[key])
    lists = desired.lists
    departed = frozenset(desired.departed)
    said = (desired.groups, desired.absent, desired.from_users, desired.previously, departed)
    yield from map(_plain, (*said, lists.decides, lists.follows, lists.untracked, policy))
    yield str(len(lists.skipped))


def _person(key: str, user: User) -> str:
    groups = None if user.groups is None else sorted(user.groups)
    stated = (user.attributes or {}).items()
    several = {name: sorted(map(repr, value)) for name, value in stated if isinstance(value, tuple)}
    attributes = None if user.attributes is None else sorted({**user.attributes, **several}.items())
    return repr((key, user.email, user.name, user.active, groups, attributes))


def _plain(value: object) -> str:
    """A value as text that is the same for equal values, in whatever order they hold what they hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain({f.name: getattr(value, f.name) for f in fields(value) if f.compare})
    if isinstance(value, Mapping):
        return "{" + ", ".join(sorted(f"{_plain(k)}: {_plain(v)}" for k, v in value.items())) + "}"
    if isinstance(value, AbstractSet):
        return "{" + ", ".join(sorted(map(_plain, value))) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(sorted(map(_plain, value))) + ")"
    return repr(value)

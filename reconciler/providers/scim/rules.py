"""What no directory can hold, told from the files alone."""

from collections.abc import Iterator

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState

_SECRET = "password"  # noqa: S105 (the name of an attribute)


def rules(desired: DesiredState) -> Iterator[Problem]:
    """Passwords: a file in git is no place for one, and nothing could ever compare it."""
    for key, user in sorted(desired.users.items()):
        for name in user.attributes or ():
            if name.lower() == _SECRET or name.lower().endswith(f":{_SECRET}"):
                place = desired.locate(Address("user", key), ("attributes", name))
                yield Problem(
                    place, f"`{name}` is never written from files", "remove it, and change it there"
                )

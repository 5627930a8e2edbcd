"""What no directory can hold, told from the files alone."""

import re
from collections.abc import Iterator
from typing import Final

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState

_SECRET: Final = "password"  # noqa: S105 (the name of an attribute)
_LAST: Final = re.compile(r"[.:]")


def rules(desired: DesiredState) -> Iterator[Problem]:
    """Passwords: a file in git is no place for one, and nothing could ever compare it."""
    for key, user in sorted(desired.users.items()):
        for name in user.attributes or ():
            if _LAST.split(name.lower())[-1] == _SECRET:
                place = desired.locate(Address("user", key), ("attributes", name))
                yield Problem(
                    place, f"`{name}` is never written from files", "remove it, and change it there"
                )

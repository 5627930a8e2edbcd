"""What no instance of Omni can hold, told from the files alone."""

from collections.abc import Iterator

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState
from reconciler.providers.fitting import bare_boolean

_LONGEST_NAME = 64
"""Characters in the name of a group (Omni docs: create user group)."""


def rules(desired: DesiredState) -> Iterator[Problem]:
    """Names of groups that are too long, and attributes that are true or false: Omni has no such type."""
    for key, group in sorted(desired.groups.items()):
        if len(group.name) > _LONGEST_NAME:
            message = (
                f"the name has {len(group.name)} characters, and a group of Omni at most {_LONGEST_NAME}"
            )
            yield Problem(desired.locate(Address("group", key), ()), message, "shorten it")
    for key, user in sorted(desired.users.items()):
        for name, value in (user.attributes or {}).items():
            if complaint := bare_boolean(name, value):
                yield Problem(desired.locate(Address("user", key), ("attributes", name)), *complaint)

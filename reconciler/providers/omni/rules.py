"""What no instance of Omni can hold, told from the files alone."""

from collections.abc import Iterator

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState

_LONGEST_NAME = 64
"""Characters in the name of a group (Omni docs: create user group)."""


def rules(desired: DesiredState) -> Iterator[Problem]:
    """Names that are too long."""
    for key, group in sorted(desired.groups.items()):
        if len(group.name) > _LONGEST_NAME:
            message = (
                f"the name has {len(group.name)} characters, and a group of Omni at most {_LONGEST_NAME}"
            )
            yield Problem(desired.locate(Address("group", key), ()), message, "shorten it")

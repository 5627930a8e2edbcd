"""The state of one pretend directory, with a file under it where there is one."""

from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.scim import seed as seeds
from reconciler.sandbox.scim.directory import Directory
from reconciler.sandbox.scim.switches import Switches
from reconciler.sandbox.store import Stored


class Store(Directory, Stored[Switches]):
    """What one pretend directory holds, kept in ``path`` where there is one."""

    switch_type = Switches

    def fill(self, seed: Mapping[str, object]) -> None:
        """Put a seed into an empty store; raises ValueError that names the key with the mistake."""
        seeds.fill(self, seed)

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """Users and groups in the form of a seed, without ids and times: for comparing."""
        return seeds.snapshot(self)

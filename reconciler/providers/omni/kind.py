"""Omni as a kind of system: its hosts, its pace, and whom to ask for everything else.

What a question needs is imported when it is asked, so that ``--help`` and ``validate`` answer at once.
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from reconciler.providers.kind import Ability, Credential
from reconciler.sandbox.omni.switches import Switches
from reconciler.sandbox.switching import from_texts
from reconciler.transport.hosts import Hosts
from reconciler.transport.media import JSON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from reconciler.errors import Problem
    from reconciler.model import DesiredState
    from reconciler.providers.base import Provider
    from reconciler.providers.kind import Examiner, Likes, Probe
    from reconciler.sandbox.pretend import Pretend
    from reconciler.transport.auth import Secret
    from reconciler.transport.messages import Transport


# Its own domains are those that its command line client lists (exploreomni/cli, internal/config).
_HOSTS = Hosts(
    owner="Omni",
    suffixes=(
        ".omniapp.co",
        ".exploreomni.dev",
        ".thundersalmon.com",
        ".embed-omniapp.co",
        ".embed-exploreomni.dev",
        ".embed-thundersalmon.com",
    ),
    example="https://acme.omniapp.co",
    api=("/api", "/api/v1"),
)


class OmniKind:
    """What shared code asks of ``kind: omni``."""

    title = "Omni"
    # 60 a minute are allowed for each key, and neither Retry-After nor counters are sent (Omni docs).
    pace = 55
    variables: Mapping[str, str] = MappingProxyType({"key": "OMNI_API_KEY"})
    credential = "keys: [{env: OMNI_API_KEY}]"
    words: Mapping[str, str] = MappingProxyType({})
    cannot: Mapping[Ability, str] = MappingProxyType({})
    switches: Sequence[str] = tuple(field.name for field in fields(Switches))

    def first_target(self, url: str) -> str:
        """The target.yaml that `init` writes, with every limit and its default."""
        return _text("target.yaml").replace("@URL@", url)

    def schema(self, name: Literal["target", "quirks"]) -> Mapping[str, Any]:
        """Its own fields of target.yaml or of quirks.yaml."""
        return _schema(name)

    def hosts(self, settings: Mapping[str, Any]) -> Hosts:  # noqa: ARG002 (they are the same for all)
        """Where a key may go."""
        return _HOSTS

    def address(self, settings: Mapping[str, Any]) -> str:
        """The address of the instance."""
        return str(settings["url"])

    def credentials(self, settings: Mapping[str, Any]) -> Sequence[Credential]:
        """One for each key."""
        return [Credential({"key": reference}) for reference in settings.get("keys", ())]

    def media(self, quirks: Mapping[str, Any]) -> str:  # noqa: ARG002 (it is the same for all)
        """JSON as such."""
        return JSON

    def authorise(
        self,
        transport: Transport,
        secrets: Mapping[str, Secret],
        settings: Mapping[str, Any],  # noqa: ARG002 (a key needs nothing beside it)
    ) -> Transport:
        """Send an organization API key with each request (Omni docs: API authentication)."""
        from reconciler.transport.auth import with_key

        return with_key(transport, secrets["key"])

    def switched(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        """What switches say; raises ValueError with the name of a bad one."""
        return from_texts(Switches, texts)

    def open_sandbox(self, seed: Path, state: Path | None) -> Pretend:
        """A pretend Omni; raises ValueError where its files are not valid."""
        from reconciler.sandbox.omni.instance import open_pretend

        return open_pretend(seed, state)

    @property
    def likes(self) -> Likes:
        """The lists of omni-user-manager, and of the bulk script of Omni's Python SDK."""
        import json
        from importlib.resources import files

        found: Likes = json.loads((files("reconciler.providers.omni") / "likes.json").read_text("utf-8"))
        return found

    def rules(self, desired: DesiredState) -> Iterator[Problem]:
        """What no instance can hold, told from the files alone."""
        from reconciler.providers.omni.rules import rules

        return rules(desired)

    def examiner(self) -> Examiner:
        """What a doctor asks."""
        from reconciler.providers.omni.checks import OmniChecks

        return OmniChecks()

    def probe(self) -> Probe | None:
        """What finds out with scratch objects what no document tells."""
        from reconciler.providers.omni.probe import OmniProbe

        return OmniProbe()

    def provider(
        self,
        settings: Mapping[str, Any],  # noqa: ARG002 (none of them changes how it is read)
        quirks: Mapping[str, Any],
    ) -> Provider:
        """The provider, as far as the quirks of an instance are known."""
        from reconciler.providers.omni.provider import Omni
        from reconciler.providers.omni.quirks import Quirks

        return Omni(Quirks(**quirks))


@cache
def _schema(name: Literal["target", "quirks"]) -> Mapping[str, Any]:
    read: dict[str, Any] = json.loads(_text(f"{name}.schema.json"))
    return read


def _text(name: str) -> str:
    return (files("reconciler.providers.omni") / name).read_text("utf-8")

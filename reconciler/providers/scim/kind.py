"""Any SCIM 2.0 directory as a kind of system.

What a question needs is imported when it is asked, so that ``--help`` and ``validate`` answer at once.
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from reconciler.sandbox.scim.switches import Switches
from reconciler.sandbox.switching import from_texts
from reconciler.transport.hosts import Hosts
from reconciler.transport.media import JSON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from reconciler.errors import Problem
    from reconciler.model import DesiredState
    from reconciler.providers.base import Provider
    from reconciler.providers.kind import Ability, Credential, Examiner, Likes, Probe
    from reconciler.sandbox.pretend import Pretend
    from reconciler.transport.auth import Secret
    from reconciler.transport.messages import Transport

_MEDIA = "application/scim+json"
# No domain is every directory's: where a credential may go, the environment alone says.
_HOSTS = Hosts(owner="the directory", suffixes=(), example="https://directory.example/scim/v2", any_path=True)


class ScimKind:
    """What shared code asks of ``kind: scim``."""

    title = "SCIM directory"
    pace = 120
    variables: Mapping[str, str] = MappingProxyType({"key": "SCIM_TOKEN"})
    credential = "keys: [{env: SCIM_TOKEN}]"
    words: Mapping[str, str] = MappingProxyType({})
    cannot: Mapping[Ability, str] = MappingProxyType({})
    likes: Likes = MappingProxyType({})
    switches: Sequence[str] = tuple(field.name for field in fields(Switches))

    def first_target(self, url: str) -> str:
        """The target.yaml that `init` writes, with every limit and its default."""
        return _text("target.yaml").replace("@URL@", url)

    def schema(self, name: Literal["target", "quirks"]) -> Mapping[str, Any]:
        """Its own fields of target.yaml or of quirks.yaml."""
        return _schema(name)

    def hosts(self, settings: Mapping[str, Any]) -> Hosts:  # noqa: ARG002 (they are the same for all)
        """Where a token may go: nowhere, but for what the environment names."""
        return _HOSTS

    def address(self, settings: Mapping[str, Any]) -> str:
        """The base address of the directory."""
        return str(settings["url"])

    def credentials(self, settings: Mapping[str, Any]) -> Sequence[Credential]:
        """One for each token, or the one that gets tokens."""
        from reconciler.providers import ways_in

        return ways_in.credentials(settings)

    def media(self, quirks: Mapping[str, Any]) -> str:
        """SCIM's own, which alone every server must take (RFC 7644, 3.1 and 8.1)."""
        return JSON if quirks.get("media") == "json" else _MEDIA

    def authorise(
        self,
        transport: Transport,
        secrets: Mapping[str, Secret],
        settings: Mapping[str, Any],  # noqa: ARG002 (a token needs nothing beside it)
    ) -> Transport:
        """Send a token with each request (RFC 6750)."""
        from reconciler.transport.auth import with_key

        return with_key(transport, secrets["key"])

    def switched(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        """What switches say; raises ValueError with the name of a bad one."""
        return from_texts(Switches, texts)

    def open_sandbox(self, seed: Path, state: Path | None) -> Pretend:
        """A pretend directory; raises ValueError where its files are not valid."""
        from reconciler.sandbox.scim.instance import open_pretend

        return open_pretend(seed, state)

    def rules(self, desired: DesiredState) -> Iterator[Problem]:
        """What no directory can hold, told from the files alone."""
        from reconciler.providers.scim.rules import rules

        return rules(desired)

    def examiner(self) -> Examiner:
        """What a doctor asks."""
        from reconciler.providers.scim.checks import ScimChecks

        return ScimChecks()

    def probe(self) -> Probe | None:
        """What finds out by questions how its lists behave."""
        from reconciler.providers.scim.probe import ScimProbe

        return ScimProbe()

    def provider(self, settings: Mapping[str, Any], quirks: Mapping[str, Any]) -> Provider:
        """The provider, by its extensions and as far as the quirks of a server are known."""
        from reconciler.providers.scim.provider import Scim
        from reconciler.providers.scim.quirks import Quirks

        return Scim(settings.get("extensions", {}), Quirks(**quirks), bulk=settings.get("bulk", "auto"))


@cache
def _schema(name: Literal["target", "quirks"]) -> Mapping[str, Any]:
    own: dict[str, Any] = json.loads(_text(f"{name}.schema.json"))
    if name == "quirks":
        return own
    from reconciler.providers import ways_in

    shared = ways_in.fields()
    return {**shared, **own, "properties": {**shared["properties"], **own["properties"]}}


def _text(name: str) -> str:
    return (files("reconciler.providers.scim") / name).read_text("utf-8")

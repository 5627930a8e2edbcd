"""Pleio as a kind of system: its hosts, its token, and whom to ask for everything else.

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
from reconciler.sandbox.pleio.switches import Switches
from reconciler.sandbox.switching import from_texts
from reconciler.transport.hosts import Hosts
from reconciler.transport.media import JSON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from reconciler.errors import Problem
    from reconciler.model import DesiredState
    from reconciler.providers.base import Provider
    from reconciler.providers.kind import Examiner, Likes
    from reconciler.sandbox.pretend import Pretend
    from reconciler.transport.auth import Secret
    from reconciler.transport.messages import Transport

_HOSTS = Hosts(
    owner="Pleio", suffixes=(".pleio.nl",), example="https://acme.pleio.nl", api=("/profile_sync_api",)
)
_HIDDEN = "a site never shows who is in a group"


class PleioKind:
    """What shared code asks of ``kind: pleio``."""

    title = "Pleio"
    pace = 300
    variables: Mapping[str, str] = MappingProxyType({"key": "API_SECRET"})
    credential = "keys: [{env: API_SECRET}]"
    words: Mapping[str, str] = MappingProxyType(
        {"deactivate": "ban", "deactivated": "banned", "reactivate": "unban"}
    )
    cannot: Mapping[Ability, str] = MappingProxyType(
        {
            "groups": f"{_HIDDEN}; `joins` among a person's attributes adds them to some",
            "create groups": _HIDDEN,
            "rename groups": _HIDDEN,
            "delete groups": _HIDDEN,
            "revoke": f"{_HIDDEN}, and it never clears an external_id; ban or delete the person",
        }
    )
    switches: Sequence[str] = tuple(field.name for field in fields(Switches))

    def first_target(self, url: str) -> str:
        """The target.yaml that `init` writes."""
        return _text("target.yaml").replace("@URL@", url)

    def schema(self, name: Literal["target", "quirks"]) -> Mapping[str, Any]:
        """Its own fields of target.yaml or of quirks.yaml."""
        return _json(f"{name}.schema.json")

    def hosts(self, settings: Mapping[str, Any]) -> Hosts:  # noqa: ARG002 (they are the same for all)
        """Where a token may go."""
        return _HOSTS

    def address(self, settings: Mapping[str, Any]) -> str:
        """The address of the site."""
        return str(settings["url"])

    def credentials(self, settings: Mapping[str, Any]) -> Sequence[Credential]:
        """The one token of a site."""
        return [Credential({"key": reference}) for reference in settings.get("keys", ())]

    def media(self, quirks: Mapping[str, Any]) -> str:  # noqa: ARG002 (it is the same for all)
        """JSON as such."""
        return JSON

    def authorise(
        self,
        transport: Transport,
        secrets: Mapping[str, Secret],
        settings: Mapping[str, Any],  # noqa: ARG002 (a token needs nothing beside it)
    ) -> Transport:
        """Send the token with each request."""
        from reconciler.transport.auth import with_key

        return with_key(transport, secrets["key"])

    def switched(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        """What switches say; raises ValueError with the name of a bad one."""
        return from_texts(Switches, texts)

    def open_sandbox(self, seed: Path, state: Path | None) -> Pretend:
        """A pretend site; raises ValueError where its files are not valid."""
        from reconciler.sandbox.pleio.instance import open_pretend

        return open_pretend(seed, state)

    @property
    def likes(self) -> Likes:
        """The list of pleio-profile-sync-client."""
        return _json("likes.json")

    def rules(self, desired: DesiredState) -> Iterator[Problem]:
        """What no site can hold, told from the files alone."""
        from reconciler.providers.pleio.rules import rules

        return rules(desired)

    def examiner(self) -> Examiner:
        """What a doctor asks."""
        from reconciler.providers.pleio.checks import PleioChecks

        return PleioChecks()

    def probe(self) -> None:
        """None: scratch people would get mail, and could not be removed without a trace."""
        return

    def provider(self, settings: Mapping[str, Any], quirks: Mapping[str, Any]) -> Provider:
        """The provider, as far as the quirks of a site are known."""
        from reconciler.providers.pleio.provider import Pleio

        return Pleio(
            settings.get("groups_by_name", {}),
            lax=quirks.get("creates_without_external_id") is True,
            logs=settings.get("report", {}).get("site_log") is True,
        )


@cache
def _json(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(_text(name))
    return read


def _text(name: str) -> str:
    return (files("reconciler.providers.pleio") / name).read_text("utf-8")

"""The usual ways in, for the kinds that have no other: bearer tokens, and OAuth2 client credentials.

``fields`` is what target.yaml may say of them, ``credentials`` what it says.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from reconciler.providers.kind import Credential
from reconciler.transport.hosts import Hosts, api_root
from reconciler.transport.oauth import Grant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.transport.messages import Request
    from reconciler.transport.oauth import Scopes

_TOKENS = Hosts("", (), "https://directory.example/oauth2/token", any_path=True)


@cache
def fields() -> Mapping[str, Any]:
    """A JSON Schema of ``keys`` and ``credential``, of which one must be there without a sandbox."""
    text = (files("reconciler.providers") / "ways_in.schema.json").read_text("utf-8")
    read: dict[str, Any] = json.loads(text)
    return read


def credentials(settings: Mapping[str, Any], scopes: Scopes | None = None) -> Sequence[Credential]:
    """One for each key, or the one that gets tokens; raises ValueError for two ways or a bad address.

    ``scopes`` says which a request needs, where the kind knows; else those that are written.
    """
    found = [Credential({"key": reference}) for reference in settings.get("keys", ())]
    if found and "credential" in settings:
        message = "`keys` and `credential` are two ways in; leave one of them out"
        raise ValueError(message)
    if stated := settings.get("credential", {}).get("client_credentials"):
        grant = Grant(api_root(stated["token_url"], _TOKENS), scopes or _always(stated.get("scopes", ())))
        found.append(Credential({part: stated[part] for part in ("id", "secret")}, grant))
    return found


def _always(scopes: Sequence[str]) -> Scopes:
    asked = frozenset(scopes)

    def every(request: Request) -> frozenset[str]:  # noqa: ARG001 (all need the same)
        return asked

    return every

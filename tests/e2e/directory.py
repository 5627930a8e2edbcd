"""A living directory that speaks SCIM, and files that ask it for one change of every kind."""

from collections.abc import Mapping
from typing import Any

from campaign import Tenant

from reconciler.sandbox.scim.instance import SITE, Sandbox
from reconciler.sandbox.scim.store import Store
from reconciler.transport.messages import Request, Response

BADGE = "urn:acme:params:scim:schemas:extension:badge:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SEED: dict[str, Any] = {
    "switches": {},
    "extensions": {BADGE: {"attributes": {"badge": {}, "tags": {"multi_valued": True}}}},
    "users": {
        "ada@acme.com": {"displayName": "Ada", "emails": [{"type": "home", "value": "a@home.example"}]},
        "bob@acme.com": {"displayName": "Bob"},
        "cleo@acme.com": {"displayName": "Cleo", BADGE: {"tags": ["north"]}},
        "old-name@acme.com": {"displayName": "Eve"},
        "unlisted@acme.com": {"displayName": "Nobody speaks of me"},
    },
    "groups": {
        "Finance": ["ada@acme.com", "bob@acme.com"],
        "Interns": [],
        "Cash Desk": ["cleo@acme.com", "Interns"],
        "Old Project": ["unlisted@acme.com"],
    },
    "tokens": ["sandbox"],
}
FILES = """\
users:
  ada@acme.com:
    name: Ada Lovelace
    attributes: {name.givenName: Ada, emails.work: ada@acme.com, enterprise.manager: nina@acme.com}
  bob@acme.com: {state: absent}
  cleo@acme.com:
    active: false
    attributes: {acme.tags: null, acme.badge: "0042"}
  eve@acme.com: {previously: [old-name@acme.com]}
  nina@acme.com:
    name: Nina
    attributes: {emails.work: nina@acme.com, enterprise.manager: otto@acme.com}
  otto@acme.com:
    attributes: {enterprise.manager: nina@acme.com}
groups:
  Finance: {members: [ada@acme.com, nina@acme.com]}
  Treasury: {previously: [Cash Desk], members: [cleo@acme.com, eve@acme.com]}
  Night Shift: {members: [nina@acme.com, unlisted@acme.com]}
  Old Project: {state: absent}
"""
SETTINGS: dict[str, Any] = {
    "kind": "scim",
    "keys": [{"env": "SCIM_TOKEN"}],
    "extensions": {"acme": BADGE},
    "requests_per_minute": 500,
    "leavers": {"users": {"tombstone": "delete"}},
    "limits": {"removals": {"share": 1, "floor": 20}},
}


class PretendDirectory(Store):
    """The store of a pretend directory, which answers as one."""

    def send(self, request: Request) -> Response:
        """Answer one request."""
        return Sandbox(self).send(request)

    def told(self, request: Request) -> list[object]:
        """A request is about one object."""
        return [request.json]


def opened(data: Mapping[str, Any]) -> PretendDirectory:
    if "serial" not in data:
        return PretendDirectory.from_seed(data)
    found = PretendDirectory()
    found.load_json(data)
    return found


DIRECTORY = Tenant(opened, SEED, SETTINGS, FILES, SITE, path="/scim/v2")

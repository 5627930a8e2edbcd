"""A living Pleio site, and files that ask it for one change of every kind that a read shows."""

from collections.abc import Mapping
from typing import Any

from campaign import Tenant

from reconciler.sandbox.pleio.instance import PretendPleio, site_of
from reconciler.sandbox.pleio.site import PleioSite
from reconciler.transport.messages import Request, Response

SEED: dict[str, Any] = {
    "profile_fields": ["occupation", "phone"],
    "users": {
        "beheer@acme.nl": {"name": "Beheer", "external_id": "1", "admin": True},
        "piet@acme.nl": {"name": "Piet", "external_id": "2", "profile": {"phone": "06"}},
        "oud@acme.nl": {"name": "Unlisted", "external_id": "3"},
        "weg@acme.nl": {"name": "Gone", "external_id": "4"},
        "terug@acme.nl": {"name": "Back", "external_id": "5", "banned": True},
        "dicht@acme.nl": {"name": "Banned", "external_id": "6", "banned": True},
        "ook@acme.nl": {"name": "Both", "external_id": "7"},
    },
}
FILES = """\
users:
  jan@acme.nl:
    name: Jan
    attributes: {external_id: "4711", profile.occupation: Adviseur}
  kim@acme.nl: {name: Kim, attributes: {external_id: "4712"}}
  pieter@acme.nl:
    name: Pieter
    attributes: {external_id: "2", profile.phone: null, profile.occupation: Docent}
  weg@acme.nl: {state: absent}
  terug@acme.nl: {name: Terug, active: true}
  dicht@acme.nl: {name: Somebody else}
  ook@acme.nl: {name: Ook, active: false}
"""
SETTINGS: dict[str, Any] = {
    "kind": "pleio",
    "keys": [{"env": "OMNI_API_KEY"}],
    "requests_per_minute": 500,
    "match": ["external_id"],
    "leavers": {"users": {"tombstone": "delete", "never_listed": "deactivate"}},
    "limits": {"removals": {"share": 1, "floor": 20}},
    "protect": {"users": ["beheer@acme.nl"]},
}


class LivingSite(PleioSite):
    """The site, with what a trial asks of a system."""

    def send(self, request: Request) -> Response:
        """Answer one request."""
        return PretendPleio(self).send(request)

    def told(self, request: Request) -> list[object]:
        """A request is about one person."""
        return [request.json]


def opened(data: Mapping[str, Any]) -> LivingSite:
    """One over a seed, or over what was kept."""
    if "serial" not in data:
        return LivingSite.from_seed(data)
    found = LivingSite()
    found.load_json(data)
    return found


SITE = Tenant(opened, SEED, SETTINGS, FILES, site_of(PleioSite()))

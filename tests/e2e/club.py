"""The living toy, and files that ask it for one change of every kind that it can do."""

from collections.abc import Mapping
from typing import Any

from campaign import Tenant
from providers.toy_system import Club

from reconciler.sandbox.pretend import Site
from reconciler.transport.messages import Request

SEED: dict[str, Any] = {
    "slow": 2,
    "users": {
        "ada@acme.com": {"name": "Ada", "region": ["apac"], "code": "old"},
        "bob@acme.com": {"name": "Bob"},
        "cleo@acme.com": {"name": "Cleo"},
        "unlisted@acme.com": {"name": "Nobody speaks of me", "level": 7},
    },
    "groups": {"Typists": {}, "Old Project": {}, "Book Club": {}},
}
FILES = """\
users:
  ada@acme.com:
    name: Ada Lovelace
    attributes: {region: [emea], level: 3, code: null, manager: cleo@acme.com}
  bob@acme.com: {state: absent}
  cleo@acme.com: {active: true}
  dora@acme.com:
    attributes: {badge: new}
  nina@acme.com:
    name: Nina
    attributes: {member: true, since: 2024-01-31, manager: ada@acme.com}
groups:
  Readers: {}
  Writers: {previously: [Typists]}
  Old Project: {state: absent}
"""
SETTINGS: dict[str, Any] = {
    "kind": "toy",
    "word": {"env": "TOY_WORD"},
    "requests_per_minute": 500,
    "limits": {"removals": {"share": 1, "floor": 20}},
}


class PretendClub(Club):
    """The club, with what a trial asks of a system."""

    def told(self, request: Request) -> list[object]:
        """A request is about an object in each of its rows."""
        rows: dict[str, dict[str, str]] = {}
        for part in request.multipart:
            number, _, name = part.name.partition(".")
            rows.setdefault(number, {})[name] = part.content.decode()
        return list(rows.values())

    def to_json(self) -> Any:
        return self.state

    def snapshot(self) -> Any:
        """Ids depend on when something was worked off."""
        return {thing["called"]: thing for thing in self.state["things"].values()}

    @property
    def serial(self) -> int:
        serial: int = self.state["serial"]
        return serial


def opened(data: Mapping[str, Any]) -> PretendClub:
    return PretendClub(data)


CLUB = Tenant(opened, SEED, SETTINGS, FILES, Site(), {"toy": True}, is_slow=True)

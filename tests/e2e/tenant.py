"""A living tenant, and files that ask it for one change of every kind, beside much that is not theirs."""

from typing import Any

KEY = "sandbox"

SEED: dict[str, Any] = {
    "switches": {"requests_per_minute": 0},
    "attributes": {"region": {"multiple_values": True}, "quota": {"type": "Number"}, "flag": {}, "cost": {}},
    "users": {
        "ada@acme.com": {"name": "Ada", "attributes": {"region": ["apac"], "flag": "old", "cost": "0420"}},
        "bob@acme.com": {"name": "Bob"},
        "cleo@acme.com": {"name": "Cleo"},
        "dan@acme.com": {"name": "Dan"},
        "eve@acme.com": {"name": "Eve", "active": False},
        "unlisted@acme.com": {"name": "Nobody speaks of me", "attributes": {"region": ["emea"]}},
        "agent@vendor.example": {"name": "Ignored", "attributes": {"flag": "theirs"}},
        "break-glass@acme.com": {"name": "Protected"},
        "robot@acme.com": {"name": "Owner of the key"},
    },
    "embed_users": {
        "embed-1@acme.embed-exploreomni.co": {
            "name": "V",
            "external_id": "v-1",
            "entity": "shop",
            "email": None,
        }
    },
    "groups": {
        "Finance": ["ada@acme.com", "bob@acme.com", "agent@vendor.example"],
        "BI Admins": ["dan@acme.com", "cleo@acme.com", "unlisted@acme.com", "break-glass@acme.com"],
        "Cash Desk": ["cleo@acme.com", "embed-1@acme.embed-exploreomni.co"],
        "Depot": ["unlisted@acme.com"],
        "Old Project": ["dan@acme.com", "unlisted@acme.com"],
        "All Staff": ["ada@acme.com", "unlisted@acme.com", "agent@vendor.example"],
        "Book Club": ["cleo@acme.com"],
        "okta-everyone": ["ada@acme.com"],
    },
    "keys": {KEY: {"kind": "organization", "owner": "robot@acme.com"}},
}

FILES = """\
users:
  ada@acme.com:
    name: Ada Lovelace
    groups: [BI Admins]
    attributes: {region: [emea, apac], quota: 5, flag: null}
  bob@acme.com:
    state: absent
  cleo@acme.com:
    name: Cleo
    groups: []
  dan@acme.com:
    active: false
  eve@acme.com:
    active: true
  nina@acme.com:
    name: Nina
    groups: [BI Admins]
    attributes: {region: [amer]}
groups:
  Finance: {members: [nina@acme.com, ada@acme.com]}
  BI Admins: {members: from_users}
  Treasury:
    previously: [Cash Desk]
    members: [cleo@acme.com, eve@acme.com]
  Warehouse: {previously: [Depot]}
  Night Shift: {members: [nina@acme.com, unlisted@acme.com]}
  Old Project: {state: absent}
  All Staff: {}
"""

SETTINGS: dict[str, Any] = {
    "kind": "omni",
    "keys": [{"env": "OMNI_API_KEY"}],
    "requests_per_minute": 500,
    "manage": {"exact_attributes": ["cost"]},
    "ignore": {"users": ["*@vendor.example"], "groups": ["okta-*"]},
    "leavers": {"users": {"tombstone": "delete"}},
    "limits": {"removals": {"share": 1, "floor": 20}},
    "protect": {"users": ["break-glass@acme.com"]},
}

LITTLE = """\
users:
  ada@acme.com: {name: Ada Lovelace, attributes: {cost: 0420}}
  cleo@acme.com: {name: Cleo}
  dan@acme.com: {state: absent}
groups:
  Finance: {members: [ada@acme.com, cleo@acme.com]}
"""
"""Files that ask for little, so that an apply of it need not read everything."""

LITTLE_SETTINGS = {**SETTINGS, "leavers": {"users": {"tombstone": "deactivate"}}}

METHODS = [
    "POST",
    "POST",
    "PATCH",
    "PATCH",
    "PATCH",
    "PATCH",
    "PATCH",
    "PATCH",
    "PATCH",
    "DELETE",
    "PATCH",
    "DELETE",
]
"""The writes of the whole plan, in order."""

PEOPLE_AFTER: dict[str, tuple[str, bool, dict[str, object]]] = {
    "ada@acme.com": ("Ada Lovelace", True, {"region": ["apac", "emea"], "quota": "5"}),
    "cleo@acme.com": ("Cleo", True, {}),
    "dan@acme.com": ("Dan", False, {}),
    "eve@acme.com": ("Eve", True, {}),
    "nina@acme.com": ("Nina", True, {"region": ["amer"]}),
    "unlisted@acme.com": ("Nobody speaks of me", True, {"region": ["emea"]}),
    "agent@vendor.example": ("Ignored", True, {"flag": "theirs"}),
    "break-glass@acme.com": ("Protected", True, {}),
    "robot@acme.com": ("Owner of the key", True, {}),
}

GROUPS_AFTER = {
    "Finance": ["ada@acme.com", "agent@vendor.example", "nina@acme.com"],
    "BI Admins": [
        "ada@acme.com",
        "break-glass@acme.com",
        "dan@acme.com",
        "nina@acme.com",
        "unlisted@acme.com",
    ],
    "Treasury": ["cleo@acme.com", "embed-1@acme.embed-exploreomni.co", "eve@acme.com"],
    "Warehouse": ["unlisted@acme.com"],
    "Night Shift": ["nina@acme.com", "unlisted@acme.com"],
    "All Staff": ["ada@acme.com", "agent@vendor.example", "unlisted@acme.com"],
    "Book Club": ["cleo@acme.com"],
    "okta-everyone": ["ada@acme.com"],
}

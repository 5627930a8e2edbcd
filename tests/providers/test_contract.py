"""The stories that every provider must pass, told to Omni in the sandbox."""

import pytest
from providers.contract import STORIES, System, tell

from reconciler.providers.omni.provider import Omni
from reconciler.sandbox.omni import Sandbox
from reconciler.sandbox.store import Store
from reconciler.transport.auth import Secret, bearer

SEED = {
    "switches": {"requests_per_minute": 0},
    "attributes": {"region": {"multiple_values": True}, "level": {"type": "Number"}, "code": {"later": True}},
    "users": {"zoe@acme.com": {"name": "Zoe", "attributes": {"code": "z"}}},
    "embed_users": {"guest@acme.com": {"name": "Guest", "external_id": "g", "entity": "shop"}},
    "groups": {"Others": ["zoe@acme.com", "guest@acme.com"]},
}
READS = 4
"""Who the key is, the definitions, one page of users and one of groups."""


@pytest.mark.parametrize("story", STORIES)
def test_omni_tells(story: str) -> None:
    sandbox = bearer(Sandbox(Store.from_seed(SEED)), Secret("sandbox"))
    tell(System(Omni(), sandbox, READS), STORIES[story])

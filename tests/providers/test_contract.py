"""The stories that every provider must pass, told to Omni in the sandbox, and to a system unlike it."""

import pytest
from providers.contract import STORIES, System, answers, tell
from providers.toy_provider import ToyProvider
from providers.toy_system import KEY, Club

from reconciler.providers.omni.provider import Omni
from reconciler.providers.pleio.provider import Pleio
from reconciler.providers.scim.provider import Scim
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.sandbox.pleio.instance import PretendPleio
from reconciler.sandbox.pleio.site import PleioSite
from reconciler.sandbox.scim import store as scim
from reconciler.sandbox.scim.instance import Sandbox as Directory
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
GROUPS = 3
"""As many groups as there are at most in a story; where rows lack the members, each is one more read."""


@pytest.mark.parametrize(("omits", "more"), [("off", 0), ("list", GROUPS), ("empty", GROUPS)])
@pytest.mark.parametrize("story", STORIES)
def test_omni_tells(story: str, omits: str, more: int) -> None:
    seed = SEED | {"switches": {"requests_per_minute": 0, "omits_members": omits}}
    sandbox = bearer(Sandbox(Store.from_seed(seed)), Secret("sandbox"))
    tell(System(Omni(), sandbox, READS + more), STORIES[story])


BADGE = "urn:acme:params:scim:schemas:extension:badge:2.0:User"
DIRECTORY = {
    "extensions": {
        BADGE: {
            "attributes": {
                "region": {"multi_valued": True, "case_exact": True},
                "level": {"type": "integer"},
                "code": {"case_exact": True},
            }
        }
    },
    "users": {"zoe@acme.com": {"displayName": "Zoe", BADGE: {"code": "z"}}},
    "groups": {"Guests": [], "Others": ["zoe@acme.com", "Guests"]},
}
NAMES = {name: f"acme.{name}" for name in ("region", "level", "code")}
MANNERS: list[dict[str, object]] = [
    {},
    {"discovery": "credential", "errors": "html", "create_answer": "200"},
    {"patch": "off"},
    {"patch": "off", "put_answer": "204", "spelling": "lower", "empty_members": "list"},
    {"filters": "refused_400", "etags": "off"},
    {"filters": "refused_501", "sorting": "refused", "omits_meta": True},
    {"filters": "ignored", "etags": "required"},
    {"totals": "page", "page_cap": 2},
    {"totals": "missing", "page_cap": 1, "omits_empty_resources": True},
    {"page_cap": 1},
    {"paging": "cursor", "page_cap": 1},
    {"paging": "both", "page_cap": 2},
    {"members": "by_id"},
    {"member_form": "ref", "patch_answer": "204"},
    {"member_form": "value", "user_groups": "off", "empty_members": "list"},
    {"user_groups": "direct", "deleted_references_stay": True},
    {"spelling": "upper", "active_as_text": True, "odd_ids": True},
    {"undocumented": True, "unknown_attributes": "ignored", "patch_lower_case": True},
    {"patch_needs_path": True, "unique_group_names": True, "errors": "no_type"},
    {"create_answer": "empty"},
]
LISTED = 40
"""More requests than any of these directories needs for a read."""


@pytest.mark.parametrize("manner", MANNERS, ids=str)
@pytest.mark.parametrize("story", STORIES)
def test_any_directory_tells(story: str, manner: dict[str, object]) -> None:
    sandbox = bearer(Directory(scim.Store.from_seed(DIRECTORY | {"switches": manner})), Secret("sandbox"))
    tell(System(Scim({"acme": BADGE}), sandbox, LISTED, names=NAMES), STORIES[story])


IN_BULK: list[dict[str, object]] = [
    {},
    {"bulk_status": "object", "bulk_response": "text", "bulk_answer_key": "operations"},
    {"bulk_status": "number", "bulk_ids_in_location": True, "etags": "required"},
    {"bulk_max_operations": 2, "bulk_users_first": True, "bulk_references": "literal"},
    {"bulk_max_payload": 1_500, "bulk_references": "users"},
    {"bulk_methods": "no_delete", "etags": "off"},
]


@pytest.mark.parametrize("manner", IN_BULK, ids=str)
@pytest.mark.parametrize("story", STORIES)
def test_any_directory_that_takes_many_at_once_tells(story: str, manner: dict[str, object]) -> None:
    switches = {"bulk": "on", **manner}
    sandbox = bearer(Directory(scim.Store.from_seed(DIRECTORY | {"switches": switches})), Secret("sandbox"))
    tell(System(Scim({"acme": BADGE}), sandbox, LISTED, takes_many=True, names=NAMES), STORIES[story])


CLUB = {"users": {"zoe@acme.com": {"name": "Zoe", "code": "z"}}, "groups": {"Others": {}}}


@pytest.mark.parametrize("slow", [0, 1])
@pytest.mark.parametrize("story", ["people", "groups", "leaving"])
def test_so_does_a_system_that_is_neither_scim_nor_omni(story: str, slow: int) -> None:
    club = bearer(Club(CLUB | {"slow": slow}), Secret(KEY))
    system = System(ToyProvider(), club, reads=1, takes_many=True, shows_members=False)
    tell(system, STORIES[story])


PROFILE = {name: f"profile.{name}" for name in ("region", "level", "code")}
SITE = {
    "profile_fields": [*PROFILE],
    "users": {"zoe@acme.com": {"name": "Zoe", "profile": {"code": "z"}}},
}


@pytest.mark.parametrize("made_at_once", [1, 7])
@pytest.mark.parametrize("unknown_guid", ["500", "404"])
@pytest.mark.parametrize("story", ["people", "leaving"])
def test_pleio_tells(story: str, unknown_guid: str, made_at_once: int) -> None:
    """Nobody of a story has a number of another system, so the site must take that."""
    lax = {"external_id_optional": True, "made_at_once": made_at_once, "unknown_guid": unknown_guid}
    site = bearer(PretendPleio(PleioSite.from_seed(SITE | {"switches": lax})), Secret("sandbox"))
    tell(
        System(Pleio({}, lax=True), site, reads=2, has_groups=False, one_text=True, names=PROFILE),
        STORIES[story],
    )


@pytest.mark.parametrize("omits_attributes", [False, True])
def test_omni_answers(*, omits_attributes: bool) -> None:
    seed = SEED | {"switches": {"requests_per_minute": 0, "list_omits_attributes": omits_attributes}}
    answers(System(Omni(), bearer(Sandbox(Store.from_seed(seed)), Secret("sandbox")), READS))


@pytest.mark.parametrize(
    "manner", [{}, {"filters": "ignored"}, {"filters": "refused_501"}, {"member_form": "ref"}], ids=str
)
def test_any_directory_answers(manner: dict[str, object]) -> None:
    sandbox = bearer(Directory(scim.Store.from_seed(DIRECTORY | {"switches": manner})), Secret("sandbox"))
    answers(System(Scim({"acme": BADGE}), sandbox, LISTED, names=NAMES))

"""Some people and groups of a SCIM server are read as a complete read would find them, or not at all."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from asking import company, group_id, user_id

from reconciler.model import Asked, LiveState, Need, group_address, user_address
from reconciler.providers.omni.provider import Omni
from reconciler.providers.omni.quirks import NO_QUIRKS, Quirks
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Reader, Request, Response, Transport

ADA, BOB, CLEO = "ada@acme.com", "bob@acme.com", "cleo@acme.com"
FINANCE = {"finance": "Finance"}


class Counted:
    """A server that remembers what it was asked for."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.asked: list[str] = []

    def send(self, request: Request) -> Response:
        self.asked.append(f"{request.path.removeprefix('/scim/v2/')} {request.query.get('filter', '')}")
        return self.inner.send(request)


class Heedless(Counted):
    """A server that ignores filters on users."""

    def send(self, request: Request) -> Response:
        filtered = "users" in request.path and "filter" in request.query
        return super().send(replace(request, query={}) if filtered else request)


def some(
    server: Transport, asked: Asked, need: Need | None = None, quirks: Quirks = NO_QUIRKS
) -> LiveState | None:
    return Omni(quirks).read_some(Reader(bearer(server, Secret("sandbox"))), asked, need or Need())


def called(state: LiveState | None) -> Mapping[str, str]:
    assert state
    return {user.resource.email: user.id for user in state.users}


def members(state: LiveState | None) -> Mapping[str, frozenset[str] | None]:
    assert state
    return {group.resource.name: group.resource.members for group in state.groups}


@pytest.fixture
def acme() -> Sandbox:
    return company()


def test_a_person_is_whom_a_filter_lists_and_nobody_else_is_said_to_be_missing(acme: Sandbox) -> None:
    state = some(acme, Asked(frozenset({ADA, "nobody@acme.com"})))
    assert called(state) == {"Ada@acme.com": user_id(acme, "Ada@acme.com")}
    assert state
    assert state.asked
    assert user_address("nobody@acme.com") in state.asked
    assert user_address(BOB) not in state.asked


def test_members_who_were_not_asked_for_are_unread_and_no_strangers(acme: Sandbox) -> None:
    state = some(acme, Asked(frozenset({ADA}), FINANCE))
    finance = group_id(acme, "Finance")
    assert members(state) == {"Finance": frozenset({ADA})}
    assert state
    assert len(state.unread[finance]) == 2
    assert state.foreign == {}


def test_an_id_of_nobody_in_the_list_is_foreign_and_any_other_leads_to_a_login(acme: Sandbox) -> None:
    finance = group_id(acme, "Finance")
    first = some(acme, Asked(frozenset({ADA}), FINANCE))
    assert first
    state = some(acme, Asked(frozenset({ADA}), FINANCE, strangers=frozenset(first.unread[finance])))
    assert members(state) == {"Finance": frozenset({ADA, CLEO})}
    assert state
    assert (state.foreign, state.unread) == ({finance: 1}, {})


def test_who_has_another_login_by_now_is_found_by_the_id(acme: Sandbox) -> None:
    ids = {user_address("old@acme.com"): user_id(acme, CLEO)}
    state = some(acme, Asked(frozenset({"old@acme.com"}), ids=ids))
    assert called(state) == {CLEO: user_id(acme, CLEO)}
    assert state
    assert state.asked
    assert user_address(CLEO) in state.asked


def test_whom_lists_hide_is_not_live_though_the_id_answers() -> None:
    acme = company(deactivate_hides=True)
    bob = next(user.id for user in acme.store.users.values() if user.email == BOB)
    assert called(some(acme, Asked(frozenset({BOB}), ids={user_address(BOB): bob}))) == {}


def test_a_group_in_other_capitals_is_found_though_the_filter_minds_them() -> None:
    acme = company(group_names_case_sensitive=True)
    assert members(some(acme, Asked(groups={"finance": "FINANCE"}))) == {"Finance": frozenset()}
    assert members(some(acme, Asked(groups={"sales": "Sales"}))) == {}


def test_of_somebody_every_group_is_read_where_all_of_them_count(acme: Sandbox) -> None:
    state = some(acme, Asked(frozenset({CLEO}), with_groups=frozenset({CLEO})))
    assert members(state) == {"Finance": frozenset({CLEO}), "All Staff": frozenset({CLEO})}
    assert state
    assert state.asked
    assert group_address("All Staff") in state.asked


def test_attributes_are_read_by_id_where_the_list_does_not_show_them() -> None:
    acme = company(list_omits_attributes=True)
    need = Need({ADA: frozenset({"team"})})
    state = some(acme, Asked(frozenset({ADA})), need)
    assert state
    (ada,) = state.users
    assert ada.resource.attributes
    assert ada.resource.attributes["team"] == "red"
    assert state.definitions


@pytest.mark.parametrize(
    "asked",
    [Asked(frozenset({"jörg@acme.com"})), Asked(groups={"käse": "Käse"})],
    ids=["a login", "a name"],
)
def test_what_is_not_ascii_is_left_to_a_complete_read(acme: Sandbox, asked: Asked) -> None:
    assert some(acme, asked) is None


def test_so_is_a_server_that_ignores_filters(acme: Sandbox) -> None:
    assert some(Heedless(acme), Asked(frozenset({ADA}))) is None


def test_so_are_two_accounts_that_a_page_does_not_hold() -> None:
    acme = company(page_cap=1)
    acme.store.add_user("ADA@acme.com", "Another")
    assert some(acme, Asked(frozenset({ADA}))) is None
    acme.store.switches = replace(acme.store.switches, page_cap=100)
    assert len(called(some(acme, Asked(frozenset({ADA}))))) == 2


def test_so_are_people_and_groups_that_contradict_each_other() -> None:
    acme = company(truncate_members="everywhere", member_cap=0)
    assert some(acme, Asked(frozenset({ADA}), FINANCE)) is None


def test_so_is_what_takes_more_requests_than_everything(acme: Sandbox) -> None:
    many = frozenset(f"person.{number}@acme.com" for number in range(30))
    server = Counted(acme)
    assert some(server, Asked(many)) is None
    assert server.asked == ["users "]
    assert some(Counted(acme), Asked(many, out_of=2000)) is None
    assert some(Counted(acme), Asked(many, out_of=5000)) is not None


def test_a_group_whose_name_differs_in_capitals_is_found_though_the_id_is_known() -> None:
    """A complete read refuses both; a part must not take one of them for the one that is meant."""
    acme = company(group_names_case_sensitive=True)
    acme.store.add_group("FINANCE")
    known = {group_address("Finance"): group_id(acme, "Finance")}
    assert members(some(acme, Asked(groups=FINANCE, ids=known))).keys() == {"Finance", "FINANCE"}
    assert members(some(acme, Asked(groups=FINANCE))).keys() == {"Finance", "FINANCE"}


@pytest.mark.parametrize(
    ("quirks", "listed"), [(NO_QUIRKS, ["groups "]), (Quirks(group_names_case_sensitive=False), [])]
)
def test_one_person_and_one_group_take_three_requests_and_the_list_of_groups(
    acme: Sandbox, quirks: Quirks, listed: list[str]
) -> None:
    """The list is spared where a probe found that no two groups differ in capitals alone."""
    server, finance = Counted(acme), group_id(acme, "Finance")
    some(server, Asked(frozenset({ADA}), FINANCE, ids={group_address("Finance"): finance}), quirks=quirks)
    person = 'users userName eq "ada@acme.com"'
    assert server.asked == [person, f"groups/{finance} ", *listed, "/v1/whoami "]

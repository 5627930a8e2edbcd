"""A directory of any manner is read completely, or not at all."""

from dataclasses import replace
from typing import Any

import pytest
from builders import a_group, a_user, desired
from hypothesis import given, settings
from hypothesis import strategies as st
from providers.scim.directories import ADA, BADGE, CROWD, ENTERPRISE, GRACE, SEED, ZOE, Directory

from reconciler.errors import BadAnswer, CredentialRefused, IncompleteRead, Refused
from reconciler.model import user_address
from reconciler.planning.scope import Policy
from reconciler.providers.scim.checks import _totals
from reconciler.providers.scim.discovery import BASE
from reconciler.providers.scim.probe import _lists
from reconciler.providers.scim.quirks import Quirks
from reconciler.providers.scim.reader import ScimReader
from reconciler.transport.messages import Reader, Request, Response


def paths(directory: Directory) -> list[str]:
    return [request.path for request in directory.sent]


@pytest.mark.parametrize("totals", ["right", "page", "missing"])
@pytest.mark.parametrize("cap", [1, 50, 60, 119, 120, 500])
def test_everybody_is_read_whatever_the_total_counts(totals: str, cap: int) -> None:
    directory = Directory({"totals": totals, "page_cap": cap}, CROWD)
    live = directory.read(desired())
    assert len(live.users) == 120
    assert [len(group.resource.members or ()) for group in live.groups] == [120, 1]


@pytest.mark.parametrize(
    ("switches", "quirks", "lists"),
    [
        ({"page_cap": 50}, Quirks(), 4 + 2),
        ({"page_cap": 500}, Quirks(), 2 + 2),
        ({"page_cap": 500}, Quirks(totals="whole"), 1 + 1),
        ({"page_cap": 50, "totals": "page"}, Quirks(totals="page"), 4 + 2),
    ],
)
def test_a_read_makes_no_more_requests_than_its_proof_takes(
    switches: dict[str, object], quirks: Quirks, lists: int
) -> None:
    directory = Directory(switches, CROWD, quirks)
    directory.read(desired())
    assert paths(directory)[:3] == ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"]
    assert len(directory.sent) == 3 + lists


class Ceiling(Directory):
    """A directory whose totals count to a number at most."""

    most = 10

    def send(self, request: Request) -> Response:
        answer = super().send(request)
        body: Any = answer.json
        if isinstance(body, dict) and "totalResults" in body:
            body = {**body, "totalResults": min(self.most, body["totalResults"])}
        return replace(answer, json=body)


@pytest.mark.parametrize("cap", [1, 5, 7, 9, 10, 11, 119, 500])
def test_a_total_that_has_a_ceiling_counts_no_whole_list(cap: int) -> None:
    assert len(Ceiling({"page_cap": cap}, CROWD).read(desired()).users) == 120
    with pytest.raises(IncompleteRead, match="names no total that counts all of them"):
        Ceiling({"page_cap": cap, "repeats_past_end": True}, CROWD).read(desired())


def test_a_total_that_is_recorded_is_trusted_and_one_with_a_ceiling_is_never_recorded() -> None:
    told = Ceiling({"page_cap": 5}, CROWD)
    (finding,) = [each for each in _lists(ScimReader(Reader(told), BASE)) if each.name == "totals"]
    assert finding.value == "page"
    assert _totals(ScimReader(Reader(told), BASE)).said == "they count no further than a ceiling"
    plain = Directory({"page_cap": 5}, CROWD)
    (finding,) = [each for each in _lists(ScimReader(Reader(plain), BASE)) if each.name == "totals"]
    assert finding.value == "whole"


@pytest.mark.parametrize("paging", ["cursor", "both"])
@pytest.mark.parametrize("expired", [0, 1])
def test_cursors_are_followed_to_the_end(paging: str, expired: int) -> None:
    directory = Directory({"paging": paging, "page_cap": 50, "expired_cursors": expired}, CROWD)
    assert len(directory.read(desired()).users) == 120


def test_cursors_that_always_expire_stop_it() -> None:
    with pytest.raises(IncompleteRead, match="took longer than its cursor lived"):
        Directory({"paging": "cursor", "page_cap": 50, "expired_cursors": 99}, CROWD).read(desired())


def test_a_page_that_repeats_stops_it_unless_the_total_is_proven() -> None:
    few = {"users": {name: {} for name in "abc"}}
    live = Directory({"ignores_start_index": True}, few).read(desired())
    assert len(live.users) == 3
    with pytest.raises(IncompleteRead, match="twice, so another may be missing"):
        Directory({"ignores_start_index": True, "page_cap": 50}, CROWD).read(desired())
    with pytest.raises(IncompleteRead, match="gave the same users again"):
        Directory({"ignores_start_index": True, "page_cap": 50, "totals": "page"}, CROWD).read(desired())


def test_a_count_that_is_refused_need_not_be_sent() -> None:
    switches = {"count_refused": True, "page_cap": 50}
    with pytest.raises(Refused):
        Directory(switches, CROWD).read(desired())
    assert len(Directory(switches, CROWD, Quirks(count=False)).read(desired()).users) == 120


@pytest.mark.parametrize(
    "switches",
    [
        {"members": "by_id"},
        {"members": "by_id", "user_groups": "off"},
        {"member_form": "ref", "spelling": "upper"},
        {"empty_members": "list", "omits_meta": True},
        {"user_groups": "direct", "spelling": "lower"},
        {"discovery": "missing"},
        {"undocumented": True, "times": "offset"},
        {"active_as_text": True, "etags": "unannounced"},
    ],
    ids=str,
)
def test_the_same_is_read_from_directories_of_every_manner(switches: dict[str, object]) -> None:
    plain, other = Directory(seed=SEED), Directory(switches, SEED)
    one, two = (directory.read(desired()) for directory in (plain, other))

    def said(live: Any) -> Any:
        names = ("emails.work", "name.givenName", "enterprise.manager", "addresses.work.locality")
        users = {
            user.resource.email: (
                user.resource.name,
                user.resource.active,
                {name: (user.resource.attributes or {}).get(name) for name in names},
            )
            for user in live.users
        }
        return users, {group.resource.name: group.resource.members for group in live.groups}

    assert said(one) == said(two)
    assert said(one)[0][ADA][2]["enterprise.manager"] == GRACE


def test_members_that_nothing_shows_are_not_taken_for_nobody() -> None:
    directory = Directory({"members": "hidden"}, CROWD)
    with pytest.raises(IncompleteRead, match="contradict each other"):
        directory.read(desired())


def test_members_that_are_cut_short_are_found_out_by_what_the_users_say() -> None:
    with pytest.raises(IncompleteRead, match="contradict each other"):
        Directory({"members": "capped", "member_cap": 100}, CROWD).read(desired())


def test_groups_in_groups_contradict_nothing_and_are_kept() -> None:
    seed = {**SEED, "groups": {"Inner": [ADA], "Outer": [ZOE, "Inner"], "Outermost": ["Outer"]}}
    for shown in ("all", "direct", "off"):
        directory = Directory({"user_groups": shown}, seed)
        live = directory.read(desired())
        members = {group.resource.name: group.resource.members for group in live.groups}
        assert members == {"Inner": {ADA}, "Outer": {ZOE}, "Outermost": set()}
        directory.converges(desired(a_group("Outer", [GRACE])))
        assert directory.holds["groups"]["Outer"] == sorted([GRACE, "Inner"])


def test_a_membership_through_a_group_need_not_say_so() -> None:
    def between(request: Request) -> Response | None:
        if request.method != "GET" or not request.path.startswith("/Users"):
            return None
        answer = directory.inner.send(request)
        body: Any = answer.json
        for user in body.get("Resources", [body]):
            for group in user.get("groups", ()):
                group.pop("type", None)
        return answer

    seed = {**SEED, "groups": {"Inner": [ADA], "Outer": ["Inner"], "Outermost": ["Outer"]}}
    directory = Directory({"user_groups": "all"}, seed, between=between)
    live = directory.read(desired())
    assert {group.resource.name: group.resource.members for group in live.groups} == {
        "Inner": {ADA},
        "Outer": set(),
        "Outermost": set(),
    }


def test_members_that_are_logins_stop_it() -> None:
    def between(request: Request) -> Response | None:
        answer = directory.inner.send(request)
        body: Any = answer.json
        if request.path.startswith("/Groups"):
            for group in body.get("Resources", ()):
                group["members"] = [{"value": ADA}]
        if request.path.startswith("/Users"):
            for user in body.get("Resources", ()):
                user.pop("groups", None)
        return answer

    directory = Directory(between=between)
    with pytest.raises(IncompleteRead, match="names its members by login"):
        directory.read(desired())


@pytest.mark.parametrize("filters", ["on", "ignored", "refused_400", "refused_501"])
def test_somebody_who_was_made_unawares_is_found_whatever_filters_do(filters: str) -> None:
    def between(request: Request) -> Response | None:
        if request.method == "POST" and request.path == "/Users":
            assert directory.inner.send(request).ok
            return Response(503)
        return None

    many = {**SEED, "users": {**SEED["users"], **CROWD["users"]}}
    directory = Directory({"filters": filters}, many, between=between)
    (outcome,) = directory.apply(desired(a_user("new@acme.com")))
    assert outcome.status == "done"
    assert [request.method for request in directory.writes] == ["POST"]


def test_a_person_whose_list_row_lags_is_not_made_twice() -> None:
    directory = Directory({"list_lag": 2})
    directory.apply(desired(a_user("new@acme.com", name="N")))
    assert sum(request.method == "POST" for request in directory.writes) == 1


@pytest.mark.parametrize("accepted", ["later", "never"])
def test_what_is_taken_and_not_done_is_pending(accepted: str) -> None:
    directory = Directory({"accepted": accepted})
    outcomes = directory.apply(desired(a_user("new@acme.com")))
    assert {outcome.status for outcome in outcomes} <= {"pending", "done"}
    assert len(directory.writes) == 1


def test_a_refused_token_is_told_as_such() -> None:
    for switches in ({}, {"bad_token_403": True}):
        directory = Directory(switches)
        directory.inner = directory.sandbox
        with pytest.raises(CredentialRefused):
            directory.read(desired())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
NAMES = ("Resources", "id", "attributes", "name", "type", "subAttributes", "endpoint", "schema", "pagination")
HOSTILE = st.recursive(
    JSON,
    lambda inner: st.dictionaries(st.sampled_from(NAMES), inner, max_size=5) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=80)
@given(config=HOSTILE, types=HOSTILE, schemas=HOSTILE)
def test_a_server_may_say_anything_of_itself(config: Any, types: Any, schemas: Any) -> None:
    said = {"/ServiceProviderConfig": config, "/ResourceTypes": types, "/Schemas": schemas}

    def between(request: Request) -> Response | None:
        assert "://" not in request.path
        assert ".." not in request.path.split("/")
        return Response(200, {}, said[request.path]) if request.path in said else None

    directory = Directory(between=between)
    try:
        directory.read(desired())
    except (BadAnswer, Refused, IncompleteRead):
        return


@pytest.mark.parametrize(
    "endpoint", ["https://evil.example/Users", "/../admin", "//evil.example", "/Users?x=1", "/a%2fb", 7, ""]
)
def test_no_endpoint_leads_elsewhere(endpoint: object) -> None:
    types = [{"id": "User", "endpoint": endpoint, "schema": "urn:ietf:params:scim:schemas:core:2.0:User"}]

    def between(request: Request) -> Response | None:
        return Response(200, {}, types) if request.path == "/ResourceTypes" else None

    directory = Directory(between=between)
    assert len(directory.read(desired()).users) == 3
    assert {path for path in paths(directory) if path.startswith("/User")} == {"/Users"}


def test_ids_that_lead_elsewhere_stop_it() -> None:
    def between(request: Request) -> Response | None:
        if request.path != "/Users":
            return None
        body: Any = directory.inner.send(request).json
        body["Resources"][0]["id"] = "x/../../Groups/1"
        return Response(200, {}, body)

    directory = Directory(between=between)
    with pytest.raises(BadAnswer, match="which no id of a directory looks like"):
        directory.read(desired())


def test_a_deleted_person_may_stay_a_member_and_a_manager() -> None:
    directory = Directory({"deleted_references_stay": True})
    directory.converges(desired(absent=[user_address(GRACE), user_address(ZOE)]), Policy(tombstone="delete"))
    live = directory.read(desired())
    (ada,) = live.users
    assert (ada.resource.attributes or {})["enterprise.manager"]
    directory.converges(desired(a_user(ADA, attributes={"enterprise.manager": None})))
    assert "manager" not in directory.holds["users"][ADA][ENTERPRISE]
    assert BADGE not in directory.holds["users"][ADA]

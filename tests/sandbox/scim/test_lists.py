"""Lists: pages, order, searches, cursors; and what a directory says of itself."""

from typing import Any

import pytest
from asking_scim import BADGE, ask, body, company, refusal, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.sandbox.scim.core import ENTERPRISE_URN, GROUP_URN, USER_URN
from reconciler.sandbox.scim.instance import Sandbox
from reconciler.sandbox.scim.listing import SEARCH_REQUEST
from reconciler.sandbox.scim.store import Store
from reconciler.transport.messages import Request


def many(number: int, **switches: object) -> Sandbox:
    users: dict[str, Any] = {f"user-{index}": {} for index in range(number)}
    return Sandbox(Store.from_seed({"users": users, "switches": switches}), clock=lambda: 0.0)


def listed(sandbox: Sandbox, **query: str | int) -> dict[str, Any]:
    return body(ask(sandbox, "GET", "/Users", **query))


def test_a_list_is_paged_from_one() -> None:
    sandbox = many(5)
    page = listed(sandbox, startIndex=2, count=2)
    assert [row["userName"] for row in page.pop("Resources")] == ["user-1", "user-2"]
    assert page == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 5,
        "startIndex": 2,
        "itemsPerPage": 2,
    }
    for start, count, expected in ((0, 1, 1), (-3, 9, 5), (5, 9, 1), (6, 9, 0), (1, 0, 0), (1, -1, 0)):
        page = listed(sandbox, startIndex=start, count=count)
        assert (len(page["Resources"]), page["totalResults"]) == (expected, 5)
    assert refusal(ask(sandbox, "GET", "/Users", count="many")) == "invalidValue"


def test_a_page_is_no_longer_than_the_cap() -> None:
    sandbox = many(5, page_cap=3)
    assert len(listed(sandbox)["Resources"]) == len(listed(sandbox, count=99)["Resources"]) == 3


def test_a_list_is_sorted_with_those_without_a_value_last() -> None:
    sandbox = company()

    def order(**query: str) -> list[str]:
        return [row["userName"][:3] for row in rows(sandbox, **query)]

    assert order(sortBy="displayName") == ["Ada", "bob", "gra"]
    assert order(sortBy="DISPLAYNAME", sortOrder="descending") == ["gra", "bob", "Ada"]
    assert order(sortBy="externalId") == ["gra", "Ada", "bob"]
    assert order(sortBy="emails.value")[0] == order(sortBy=f"{ENTERPRISE_URN}:department")[0] == "Ada"
    assert order(sortBy="emails", sortOrder="descending")[-1] == "Ada"
    assert refusal(ask(sandbox, "GET", "/Users", sortBy="colour")) == "invalidPath"
    assert refusal(ask(sandbox, "GET", "/Users", sortBy="a b")) == "invalidPath"
    assert refusal(ask(sandbox, "GET", "/Users", sortOrder="up")) == "invalidValue"


def test_numbers_and_times_are_sorted_as_such() -> None:
    values = {
        "a": (10, "2026-01-01T00:00:00+02:00"),
        "b": (9, "2026-01-01T00:00:00Z"),
        "c": (-1, "2025-12-31T23:00:00Z"),
    }
    extension = {"attributes": {"level": {"type": "integer"}, "since": {"type": "dateTime"}}}
    users = {name: {BADGE: {"level": level, "since": since}} for name, (level, since) in values.items()}
    sandbox = Sandbox(Store.from_seed({"extensions": {BADGE: extension}, "users": users}))
    for path, order in (("level", "cba"), ("since", "acb")):
        assert "".join(row["userName"] for row in rows(sandbox, sortBy=f"{BADGE}:{path}")) == order


def test_a_list_shows_what_was_asked_for() -> None:
    sandbox = company()
    assert [row.keys() for row in rows(sandbox, attributes="userName")] == [{"schemas", "id", "userName"}] * 3
    assert all("members" not in row for row in rows(sandbox, "Groups", excludedAttributes="members"))


def test_a_search_says_in_its_body_what_a_list_says_in_its_url() -> None:
    sandbox = company()
    asked = {
        "schemas": [SEARCH_REQUEST],
        "filter": "active eq true",
        "attributes": ["userName", "displayName"],
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 1,
        "count": 1,
    }
    found = body(ask(sandbox, "POST", "/Users/.search", asked))
    assert (found["totalResults"], found["itemsPerPage"]) == (2, 1)
    assert found["Resources"][0].keys() == {"schemas", "id", "userName", "displayName"}
    assert found["Resources"][0]["userName"] == "grace@acme.com"
    assert body(ask(sandbox, "POST", "/Groups/.search", {"schemas": [SEARCH_REQUEST]}))["totalResults"] == 3
    assert body(ask(sandbox, "POST", "/.search", {"schemas": [SEARCH_REQUEST]}))["totalResults"] == 6
    assert refusal(ask(sandbox, "POST", "/Users/.search", {"filter": "id pr"})) == "invalidSyntax"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.integers(1, 5), st.sampled_from(["cursor", "both"]))
def test_cursors_lead_through_everybody_once(number: int, count: int, paging: str) -> None:
    sandbox = many(number, paging=paging)
    found: list[str] = []
    page = listed(sandbox, cursor="", count=count)
    while True:
        assert "startIndex" not in page
        found += [row["userName"] for row in page["Resources"]]
        if "nextCursor" not in page:
            break
        page = listed(sandbox, cursor=page["nextCursor"], count=count)
    assert found == [f"user-{index}" for index in range(number)]


def test_a_cursor_is_good_for_its_own_query_alone() -> None:
    sandbox = many(5, paging="cursor", expired_cursors=1)
    cursor = listed(sandbox, count=2)["nextCursor"]
    assert refusal(ask(sandbox, "GET", "/Users", cursor="none")) == "invalidCursor"
    assert refusal(ask(sandbox, "GET", "/Users", cursor=cursor, filter="id pr")) == "invalidCursor"
    assert refusal(ask(sandbox, "GET", "/Users", startIndex=2)) == "invalidValue"
    assert refusal(ask(sandbox, "GET", "/Users", cursor=cursor)) == "expiredCursor"
    assert len(listed(sandbox, cursor=cursor)["Resources"]) == 3


def test_a_directory_without_cursors_ignores_one() -> None:
    assert listed(many(3), cursor="", count=2)["startIndex"] == 1
    assert listed(many(3, paging="both"), count=2)["startIndex"] == 1


def test_discovery_tells_what_there_is() -> None:
    sandbox = company()
    config = body(ask(sandbox, "GET", "/ServiceProviderConfig"))
    said = {name: part["supported"] for name, part in config.items() if "supported" in part}
    assert said == {
        "patch": True,
        "bulk": False,
        "filter": True,
        "changePassword": True,
        "sort": True,
        "etag": True,
    }
    kinds = body(ask(sandbox, "GET", "/ResourceTypes"))["Resources"]
    assert [(kind["endpoint"], kind["schema"]) for kind in kinds] == [
        ("/Users", USER_URN),
        ("/Groups", GROUP_URN),
    ]
    assert kinds[0]["schemaExtensions"] == [
        {"schema": ENTERPRISE_URN, "required": False},
        {"schema": BADGE, "required": False},
    ]
    assert body(ask(sandbox, "GET", "/ResourceTypes/User")) == kinds[0]
    badge = body(ask(sandbox, "GET", f"/Schemas/{BADGE}"))
    found = {attribute["name"]: attribute for attribute in badge["attributes"]}
    assert found["born"]["mutability"] == "immutable"
    assert (found["pin"]["mutability"], found["pin"]["returned"]) == ("writeOnly", "never")
    assert found["tags"]["multiValued"] is True
    assert [sub["name"] for sub in found["desk"]["subAttributes"]] == ["floor", "room"]


def test_discovery_is_open_to_all_takes_no_filter_and_is_read_only() -> None:
    sandbox = company()
    assert sandbox.send(Request("GET", "/Schemas")).status == 200
    assert ask(sandbox, "GET", "/Schemas", filter="id pr").status == 403
    assert ask(sandbox, "DELETE", "/Schemas").status == 405
    for path in ("/Schemas/none", "/ResourceTypes/None", "/ServiceProviderConfig/x", "/Schemas/a/b"):
        assert refusal(ask(sandbox, "GET", path), 404) == ""


@pytest.mark.parametrize(
    ("paging", "index", "default"), [("cursor", False, "cursor"), ("both", True, "index")]
)
def test_discovery_tells_how_lists_are_paged(paging: str, index: object, default: str) -> None:
    config = body(ask(company(paging=paging, page_cap=7), "GET", "/ServiceProviderConfig"))
    assert config["pagination"] == {
        "cursor": True,
        "index": index,
        "defaultPaginationMethod": default,
        "defaultPageSize": 7,
        "maxPageSize": 7,
        "cursorTimeout": 3600,
    }
    assert "pagination" not in body(ask(company(), "GET", "/ServiceProviderConfig"))

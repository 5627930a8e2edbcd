"""Quick questions: what they cost, whom they find, and that any kind of system answers them."""

from collections.abc import Mapping
from typing import Any

import pytest
from asking import ATTRIBUTES, company
from bulky import BulkProvider, club
from project import Hooked

from reconciler.errors import BadAnswer, CredentialRefused, IncompleteRead, ReconcilerError
from reconciler.model import Definition, LiveState
from reconciler.providers.base import Provider
from reconciler.providers.omni.provider import Omni
from reconciler.providers.omni.quirks import Quirks
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Reader, Request, Response
from reconciler.workflow import questions

OMNI = Omni()
BULK: Provider = BulkProvider()
"""It lists all, and cannot be asked for less."""


class Asked:
    """A company's pretend Omni, and what it was asked."""

    def __init__(self, **switches: object) -> None:
        self.hooked = Hooked(company(requests_per_minute=0, **switches))
        self.reader = Reader(bearer(self.hooked, Secret("sandbox")))

    @property
    def paths(self) -> list[str]:
        return [request.path.removeprefix("/scim/v2") for request in self.hooked.seen]


def logins(live: LiveState) -> list[str]:
    return [user.resource.email for user in live.users]


# What it costs


@pytest.mark.parametrize("login", ["ada@acme.com", "Ada@ACME.com"])
def test_a_user_by_login_costs_one_filtered_request(login: str) -> None:
    asked = Asked()
    live = questions.user(OMNI, asked.reader, login)
    assert logins(live) == ["Ada@acme.com"]
    assert live.users[0].resource.groups == {"finance", "all staff"}
    assert [group.resource.name for group in live.groups] == ["Finance", "All Staff"]
    (request,) = asked.hooked.seen
    assert request.query["filter"] == f'userName eq "{login}"'


def test_attributes_that_a_list_hides_cost_one_request_more() -> None:
    asked = Asked(list_omits_attributes=True)
    assert questions.user(OMNI, asked.reader, "ada@acme.com").users[0].resource.attributes is None
    live = questions.user(OMNI, asked.reader, "ada@acme.com", attributes=True)
    assert (live.users[0].resource.attributes or {})["team"] == "red"
    assert len(asked.paths) == 3


def test_attributes_of_a_list_that_carries_them_cost_none() -> None:
    asked = Asked(extension_nulls=False)
    live = questions.user(
        Omni(Quirks(lists_carry_attributes=True)), asked.reader, "cleo@acme.com", attributes=True
    )
    assert live.users[0].resource.attributes is not None
    assert len(asked.paths) == 1


def test_a_group_by_name_costs_one_request_and_its_members_a_whole_read() -> None:
    asked = Asked()
    live = questions.group(OMNI, asked.reader, "Finance")
    assert [group.resource.name for group in live.groups] == ["Finance"]
    assert asked.paths == ["/groups"]
    live = questions.group(OMNI, asked.reader, "Finance", members=True)
    assert live.groups[0].resource.members == {"ada@acme.com", "cleo@acme.com"}
    assert sum(live.foreign.values()) == 1


def test_definitions_cost_one_request() -> None:
    asked = Asked()
    assert questions.definitions(OMNI, asked.reader)["region"].multiple
    assert asked.paths == ["/v1/user-attributes"]


# Whom it finds


def test_a_user_is_found_by_id_and_by_name() -> None:
    asked = Asked()
    live_id = questions.user(OMNI, asked.reader, "bob@acme.com").users[0].id
    assert logins(questions.user(OMNI, asked.reader, live_id)) == ["bob@acme.com"]
    assert logins(questions.user(OMNI, asked.reader, "BOB")) == ["bob@acme.com"]


def test_a_group_is_found_by_id_and_in_any_case() -> None:
    asked = Asked()
    live_id = questions.group(OMNI, asked.reader, "Finance").groups[0].id
    for text in (live_id, "fiNANCE"):
        assert questions.group(OMNI, asked.reader, text).groups[0].resource.name == "Finance"
        assert questions.group(OMNI, asked.reader, text, members=True).groups[0].id == live_id


@pytest.mark.parametrize("text", ["eve@acme.com", "Eve", "../groups", "", 'a" or userName co "'])
def test_nobody_found_is_said(text: str) -> None:
    with pytest.raises(ReconcilerError, match="there is no user with the login, id or name"):
        questions.user(OMNI, Asked().reader, text)
    with pytest.raises(ReconcilerError, match="there is no group with the name or id"):
        questions.group(OMNI, Asked().reader, text, members=True)


def test_a_name_of_two_people_names_both() -> None:
    system = club("ada@acme.com", "bob@acme.com")
    for person in system.users.values():
        person["name"] = "Sam"
    with pytest.raises(ReconcilerError, match=r"2 users are called `Sam`: ada@acme\.com .+, bob@acme\.com"):
        questions.user(BULK, Reader(system), "Sam")


# Who searches


def test_a_login_is_searched_by_the_server_and_a_part_of_one_here() -> None:
    asked = Asked()
    found = questions.search(OMNI, asked.reader, "user", "cleo@acme.com")
    assert (logins(found.live), found.by, len(asked.paths)) == (["cleo@acme.com"], "server", 1)
    found = questions.search(OMNI, asked.reader, "user", "LEO", contains=True)
    assert (logins(found.live), found.by) == (["cleo@acme.com"], "client")
    found = questions.search(OMNI, asked.reader, "group", "staff", contains=True)
    assert [group.resource.name for group in found.live.groups] == ["All Staff"]


def test_a_filter_is_the_servers_over_all_its_pages() -> None:
    asked = Asked(page_cap=1)
    found = questions.filtered(OMNI, asked.reader, "user", 'userName co "acme"')
    assert (len(found.live.users), found.by, len(asked.paths)) == (3, "server", 3)
    assert questions.filtered(OMNI, asked.reader, "user", 'userName eq "x"').live.users == ()


# Servers that behave otherwise


def ada(**more: object) -> dict[str, Any]:
    return {"id": "a1", "userName": "ada@acme.com", "displayName": "Ada", "active": True, **more}


def reader(answer: Mapping[str, Response]) -> Reader:
    class Fixed:
        def send(self, request: Request) -> Response:
            return answer.get(request.path.removeprefix("/scim/v2"), Response(404))

    return Reader(Fixed())


def page(*rows: object, total: int | None = None) -> Response:
    return Response(200, {}, {"totalResults": len(rows) if total is None else total, "Resources": [*rows]})


def test_a_server_that_ignores_the_filter_is_read_whole() -> None:
    others = [ada(id=f"p{n}", userName=f"p{n}@acme.com") for n in range(3)]
    ignoring = reader({"/users": page(*others, total=3), "/groups": page()})
    with pytest.raises(ReconcilerError, match="there is no user"):
        questions.user(OMNI, ignoring, "ada@acme.com")
    short = reader({"/users": page(*others, total=4), "/groups": page()})
    with pytest.raises(IncompleteRead):
        questions.user(OMNI, short, "ada@acme.com")


@pytest.mark.parametrize("groups", [None, [{"value": "g1"}]])
def test_groups_that_a_row_does_not_name_are_not_known(groups: object) -> None:
    live = questions.user(OMNI, reader({"/users": page(ada(groups=groups))}), "ada@acme.com")
    assert live.users[0].resource.groups is None


def test_a_text_that_no_id_looks_like_is_nobodys_id() -> None:
    said = {"/users": page(), "/users/Ada": Response(400, text="not a UUID"), "/groups": page()}
    with pytest.raises(ReconcilerError, match="there is no user"):
        questions.user(OMNI, reader(said), "Ada")
    with pytest.raises(CredentialRefused, match="403: no"):
        questions.user(OMNI, reader(said | {"/users/Ada": Response(403, text="no")}), "Ada")
    with pytest.raises(BadAnswer):
        questions.user(OMNI, reader(said | {"/users/Ada": Response(200, {}, [])}), "Ada")


def test_who_is_removed_meanwhile_is_no_half_answer() -> None:
    with pytest.raises(IncompleteRead, match="was removed while it was read"):
        questions.user(OMNI, reader({"/users": page(ada())}), "ada@acme.com", attributes=True)
    with pytest.raises(IncompleteRead, match="changed while they were read: 1 of 2"):
        questions.filtered(OMNI, reader({"/users": page(ada(), total=2)}), "user", "x")


# A kind of system that cannot be asked


def test_a_kind_without_filters_lists() -> None:
    system = club("ada@acme.com", "bob@acme.com", Finance=["ada@acme.com"])
    bulk = Reader(system)
    live = questions.user(BULK, bulk, "ada@acme.com", attributes=True)
    assert live.users[0].resource.groups == {"finance"}
    assert questions.group(BULK, bulk, "Finance").groups[0].resource.members == {"ada@acme.com"}
    assert questions.search(BULK, bulk, "user", "bob@acme.com").by == "client"
    assert questions.definitions(BULK, bulk) == {}
    assert questions.extension(BULK) == ""
    assert questions.extension(OMNI) == ATTRIBUTES
    with pytest.raises(ReconcilerError, match="this system takes no filter"):
        questions.filtered(BULK, bulk, "user", "x")


def test_a_definition_is_told_by_a_whole_read_where_that_is_all() -> None:
    class Listing:
        def read(self, *_: object) -> LiveState:
            return LiveState(definitions={"team": Definition("team")})

    assert set(questions.definitions(Listing(), Reader(club()))) == {"team"}  # type: ignore[arg-type]

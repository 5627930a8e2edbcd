"""A group in a group is never taken for the person who has the same id."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from builders import a_group, desired
from hypothesis import given
from hypothesis import strategies as st
from providers.scim.directories import ADA, GRACE, ZOE, Directory

from reconciler.errors import IncompleteRead
from reconciler.providers.scim.codec import group_row
from reconciler.transport.messages import Request, Response

SEED: dict[str, Any] = {
    "users": {ADA: {"id": "1"}, GRACE: {"id": "2"}, ZOE: {"id": "5"}},
    "groups": {"Inner": {"members": [GRACE], "id": "g5"}, "Team": {"members": [ADA, "Inner"], "id": "9"}},
}


@dataclass
class Numbered(Directory):
    """A directory in which a user and a group have the id 5."""

    def send(self, request: Request) -> Response:
        response = super().send(request)
        if response.json is None or request.method != "GET":
            return response
        text = json.dumps(response.json).replace('"g5"', '"5"').replace("Groups/g5", "Groups/5")
        return Response(response.status, response.headers, json.loads(text), response.text)


@pytest.mark.parametrize("form", ["plain", "display", "ref"])
@pytest.mark.parametrize("shown", ["off", "all"])
def test_what_is_told_apart_is_kept_apart(form: str, shown: str) -> None:
    directory = Numbered({"user_groups": shown, "member_form": form}, SEED)
    live = directory.read(desired())
    members = {group.resource.name: group.resource.members for group in live.groups}
    assert members == {"Inner": {GRACE}, "Team": {ADA}}
    assert directory.plan(desired(a_group("Team", [ADA]))).plan.changes == ()
    directory.converges(desired(a_group("Team", [GRACE])))
    assert directory.holds["groups"]["Team"] == ["Inner", GRACE]


def test_what_nothing_tells_apart_stops_the_plan_by_name() -> None:
    with pytest.raises(
        IncompleteRead, match="'Team' has a member with the id 5, which a user and a group have"
    ):
        Numbered({"user_groups": "off", "member_form": "value"}, SEED).read(desired())


@given(
    kind=st.sampled_from(["Group", "group", "GROUP"]),
    address=st.sampled_from(["https://a.example/v2/Groups/5", "../groups/5/", "Groups/5"]),
)
def test_a_type_or_an_address_tells_a_group(kind: str, address: str) -> None:
    for member in ({"value": "5", "type": kind}, {"value": "5", "$ref": address}, {"$ref": address}):
        row = group_row({"id": "9", "displayName": "Team", "members": [member, {"value": "1"}]})
        assert (row.members, row.nested) == ({"1"}, {"5"})
    row = group_row({"id": "9", "displayName": "Team", "members": [{"value": "5", "type": "User"}]})
    assert (row.members, row.nested) == ({"5"}, frozenset())

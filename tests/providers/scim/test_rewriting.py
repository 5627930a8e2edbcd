"""A whole user or group that is written loses nothing, or is refused by name."""

from typing import Any

import pytest
from builders import a_group, a_user, desired
from providers.scim.directories import ADA, BADGE, ENTERPRISE, SEED, ZOE, Directory, without_secrets

from reconciler.model import DesiredState, group_address
from reconciler.providers.scim.quirks import Quirks
from reconciler.transport.messages import Request, Response

CORES = "urn:ietf:params:scim:schemas:core:2.0:"
POLICY = "urn:acme:params:scim:schemas:extension:policy:2.0:Group"
RENAMED = desired(a_group("Crew"), previously={group_address("Crew"): ("others",)})


def types(*, extensions: bool) -> dict[str, Any]:
    named = {"User": [ENTERPRISE, BADGE], "Group": [POLICY]}
    rows = [
        {"id": name, "endpoint": f"/{name}s", "schema": CORES + name}
        | ({"schemaExtensions": [{"schema": urn} for urn in urns]} if extensions else {})
        for name, urns in named.items()
    ]
    return {"totalResults": 2, "Resources": rows}


ANSWERS = {
    "none": Response(404, {}),
    "no extensions": Response(200, {}, types(extensions=False)),
    "all": Response(200, {}, types(extensions=True)),
}


def with_policy(**policy: object) -> dict[str, Any]:
    seed = without_secrets()
    extensions = {**seed["extensions"], POLICY: {"resource": "Group", "attributes": {"policy": policy}}}
    groups = {"Others": {"members": [ZOE], POLICY: {"policy": "allow"}}}
    return {**seed, "extensions": extensions, "groups": groups}


def with_certificates(parts: dict[str, Any], held: dict[str, Any], **how: object) -> dict[str, Any]:
    certs = {"type": "complex", "multi_valued": True, "sub_attributes": parts, **how}
    users = {**SEED["users"], ADA: {BADGE: {"badge": "1", "certs": [held]}}}
    return {"extensions": {BADGE: {"attributes": {"badge": {}, "certs": certs}}}, "users": users}


def refused(directory: Directory, files: DesiredState, why: str) -> None:
    before = directory.holds
    (outcome,) = directory.apply(files)
    assert (outcome.status, directory.writes) == ("failed", [])
    assert why in outcome.reason
    assert directory.holds == before


@pytest.mark.parametrize("said", ANSWERS)
def test_what_the_server_does_not_say_of_a_user_stays(said: str) -> None:
    def between(request: Request) -> Response | None:
        return ANSWERS[said] if request.path == "/ResourceTypes" else None

    directory = Directory({"patch": "off"}, with_policy(), between=between)
    before = directory.holds["users"][ADA]
    directory.converges(desired(a_user(ADA, attributes={"title": "Dr"})))
    assert directory.holds["users"][ADA] == {**before, "title": "Dr"}


@pytest.mark.parametrize("said", ANSWERS)
def test_what_the_server_does_not_say_of_a_group_stays(said: str) -> None:
    def between(request: Request) -> Response | None:
        return ANSWERS[said] if request.path == "/ResourceTypes" else None

    directory = Directory({"patch": "off"}, with_policy(), between=between)
    directory.converges(desired(a_group("Others", [ADA, ZOE])))
    answer: Any = directory.inner.send(Request("GET", "/Groups")).json
    (others,) = answer["Resources"]
    assert others[POLICY] == {"policy": "allow"}
    assert set(directory.holds["groups"]["Others"]) == {ADA, ZOE}


def test_a_core_attribute_that_the_schemas_leave_out_stays() -> None:
    def between(request: Request) -> Response | None:
        if request.path != "/Schemas":
            return None
        answer: Any = directory.inner.send(request)
        for row in answer.json["Resources"]:
            row["attributes"] = [each for each in row["attributes"] if each["name"] != "nickName"]
        return answer

    seed = without_secrets()
    seed["users"] = {**seed["users"], ADA: {**seed["users"][ADA], "nickName": "Countess"}}
    directory = Directory({"patch": "off"}, seed, between=between)
    directory.converges(desired(a_user(ADA, attributes={"title": "Dr"})))
    assert directory.holds["users"][ADA]["nickName"] == "Countess"


@pytest.mark.parametrize("said", ANSWERS)
@pytest.mark.parametrize(
    ("parts", "held", "how", "lost"),
    [
        ({"value": {}, "type": {}}, {"value": "C", "type": "x"}, {"returned": "request"}, "acme.certs"),
        ({"data": {}}, {"data": "C"}, {"returned": "request"}, "acme.certs"),
        ({"data": {"returned": "never"}}, {"data": "C"}, {}, "acme.certs.data"),
        ({"data": {"mutability": "writeOnly", "returned": "never"}}, {"data": "C"}, {}, "acme.certs.data"),
    ],
)
@pytest.mark.parametrize("capitals", [False, True])
def test_a_user_of_whom_anything_is_not_shown_is_never_written_as_a_whole(
    said: str, parts: Any, held: Any, how: dict[str, str], lost: str, *, capitals: bool
) -> None:
    def between(request: Request) -> Response | None:
        if request.path == "/ResourceTypes":
            return ANSWERS[said]
        if request.path == "/Schemas" and capitals:
            answer: Any = directory.inner.send(request)
            shout(answer.json)
            return answer
        return None

    directory = Directory({"patch": "off"}, with_certificates(parts, held, **how), between=between)
    name = lost if said != "no extensions" else lost.replace("acme.", f"{BADGE}:")
    refused(directory, desired(a_user(ADA, attributes={"title": "Dr"})), f"no answer shows: {name}")


def shout(data: Any) -> None:
    """Write the two words that say whether a value is shown in capitals."""
    for row in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        shout(row)
    if isinstance(data, dict):
        data |= {key: str(data[key]).upper() for key in ("mutability", "returned") if key in data}


@pytest.mark.parametrize("said", ANSWERS)
@pytest.mark.parametrize("returned", ["request", "never"])
def test_nor_is_a_group(said: str, returned: str) -> None:
    def between(request: Request) -> Response | None:
        return ANSWERS[said] if request.path == "/ResourceTypes" else None

    directory = Directory({"patch": "off"}, with_policy(returned=returned), between=between)
    refused(directory, desired(a_group("Others", [ADA, ZOE])), f"no answer shows: {POLICY}:policy")


class TestMembers:
    @staticmethod
    def crowd(number: int, **switches: object) -> Directory:
        people = {f"p{each:02}@acme.com": {"active": each < 15} for each in range(number)}
        seed = without_secrets({**SEED, "users": people, "groups": {"Others": sorted(people)}})
        return Directory({"patch": "off", **switches}, seed)

    @pytest.mark.parametrize("shown", [0, 1, 20, 29, 30])
    @pytest.mark.parametrize("empty", ["absent", "list"])
    def test_a_group_is_not_written_as_a_whole_where_nothing_tells_that_it_is_whole(
        self, shown: int, empty: str
    ) -> None:
        how = {"members": "capped", "member_cap": shown} if shown else {"members": "hidden"}
        directory = self.crowd(30, user_groups="off", empty_members=empty, **how)
        refused(directory, RENAMED, "write `members: shown` in quirks.yaml")

    def test_nor_where_not_every_member_is_a_user_whom_the_lists_show(self) -> None:
        directory = self.crowd(30, members="capped", member_cap=20, deactivate_hides=True)
        refused(directory, RENAMED, "write `members: shown` in quirks.yaml")

    @pytest.mark.parametrize("told", ["off", "all"])
    def test_it_is_where_a_quirk_or_the_users_say_so(self, told: str) -> None:
        directory = self.crowd(130, user_groups=told)
        directory.quirks = Quirks(members="shown" if told == "off" else None)
        directory.__post_init__()
        before = directory.holds["groups"]["Others"]
        directory.converges(RENAMED)
        assert directory.holds["groups"] == {"Crew": before}

"""Many changes in one request, and what becomes of each of them."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from builders import a_group, a_user, desired
from providers.scim.directories import ADA, GRACE, SEED, ZOE, Directory
from providers.scim.in_bulk import BULK, InBulk

from reconciler.errors import NoAnswer
from reconciler.model import DesiredState, user_address
from reconciler.operations import stages
from reconciler.planning.scope import Policy
from reconciler.providers.base import informed
from reconciler.providers.scim.bulk import Wanted
from reconciler.transport.messages import Request, Response

DELETE = Policy(tombstone="delete")
MANNERS: list[dict[str, Any]] = [
    {},
    {"status": "number", "operations": "operations"},
    {"status": "object", "response": "text"},
    {"status": "words", "named": False},
]


@dataclass
class Bulky(Directory):
    """A pretend directory that has bulk, which ``bulk`` says how it is used."""

    manner: dict[str, Any] = field(default_factory=dict)
    bulk: Wanted = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.box = InBulk(self.inner, **self.manner)
        self.inner = self.box
        self.provider = replace(self.provider, bulk=self.bulk)

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.writes]


def crowd(number: int, **user: Any) -> DesiredState:
    return desired(*(a_user(f"p{each:03}@acme.com", **user) for each in range(number)))


@pytest.mark.parametrize("manner", MANNERS, ids=str)
def test_as_many_as_there_are_are_made_changed_and_deleted_a_hundred_in_a_request(
    manner: dict[str, Any],
) -> None:
    directory = Bulky(manner=manner)
    for files, policy in (
        (crowd(250, name="One"), Policy()),
        (crowd(250, name="Two"), Policy()),
        (desired(absent=[user_address(f"p{each:03}@acme.com") for each in range(250)]), DELETE),
    ):
        directory.converges(files, policy)
        assert directory.paths == [f"POST {BULK}"] * 3
    assert directory.holds["users"].keys() == SEED["users"].keys()


def test_a_plan_counts_the_requests_that_an_apply_sends() -> None:
    directory = Bulky()
    files = desired(*crowd(150).users.values(), a_group("One"), a_group("Two"))
    planned = directory.plan(files)
    provider = informed(directory.provider, planned.everything, files)
    counted = sum(len(provider.translate(part)) for part in stages(planned.plan.changes))
    directory.converges(files)
    assert counted == len(directory.writes) == 4


@pytest.mark.parametrize(
    ("announced", "bulk", "requests"),
    [
        ({"supported": True, "maxOperations": 20}, "auto", 2),
        ({"supported": True, "maxOperations": 20}, "never", 40),
        ({"supported": True, "maxOperations": 20}, {"size": 10}, 4),
        ({"supported": True, "maxOperations": 10}, {"size": 30}, 4),
        ({"supported": True, "maxOperations": 1}, "auto", 40),
        ({"supported": False, "maxOperations": 20}, "auto", 40),
        ({"supported": False}, {"size": 20}, 40),
        ({}, "auto", 40),
        ({}, {"size": 20}, 2),
    ],
)
def test_how_many_go_in_one_request_is_what_the_server_says_and_no_more_than_is_wanted(
    announced: dict[str, object], bulk: Wanted, requests: int
) -> None:
    directory = Bulky(manner={"announced": announced}, bulk=bulk)
    directory.converges(crowd(40))
    assert len(directory.writes) == requests


@pytest.mark.parametrize("name", ["a", "ä", "\U0001f600", '"'])
def test_a_request_is_no_longer_than_the_server_says(name: str) -> None:
    directory = Bulky(manner={"announced": {"supported": True, "maxPayloadSize": 20_000}})
    directory.converges(crowd(60, attributes={"title": name * 300}))
    assert max(directory.box.sizes) <= 20_000
    assert len(directory.box.sizes) >= 2
    assert len(directory.writes) < 60


def test_what_is_longer_than_a_request_may_be_goes_alone() -> None:
    directory = Bulky(manner={"announced": {"supported": True, "maxPayloadSize": 3_000}})
    big = a_user("big@acme.com", attributes={"title": "x" * 5_000})
    directory.converges(desired(a_user("a@acme.com"), a_user("b@acme.com"), big))
    assert directory.paths == [f"POST {BULK}", "POST /Users"]


@pytest.mark.parametrize("most", [3_000, 300])
@pytest.mark.parametrize("name", ["One", "Two"])
def test_what_is_too_much_after_all_goes_in_halves(most: int, name: str) -> None:
    directory = Bulky(manner={"most": most})
    directory.converges(crowd(40, name="One"))
    directory.converges(crowd(40, name=name))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 501])
def test_where_it_is_refused_as_a_whole_each_goes_alone(status: int) -> None:
    directory = Bulky(manner={"refuses": status})
    directory.converges(crowd(10, name="One"))
    directory.converges(crowd(10, name="Two"))


def test_a_part_that_is_refused_has_failed_alone() -> None:
    directory = Bulky()
    directory.box.says["p003@acme.com"] = Response(403, {}, {"status": "403", "detail": "no more seats"})
    outcomes = directory.apply(crowd(10))
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    assert {outcome.atom.address for outcome in failed} == {user_address("p003@acme.com")}
    assert {outcome.status for outcome in outcomes} == {"done", "failed"}
    assert "no more seats" in failed[0].reason
    assert directory.paths == [f"POST {BULK}"]


def test_a_part_that_is_there_already_is_found_and_used() -> None:
    directory = Bulky()
    person = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "p003@acme.com"}

    def meanwhile() -> None:
        directory.box.before_part = lambda: None
        assert directory.box.inner.send(Request("POST", "/Users", json=person)).ok

    directory.box.before_part = meanwhile
    outcomes = directory.apply(crowd(10))
    assert [o.atom.address.key for o in outcomes if o.status == "adopted"] == ["p003@acme.com"]
    assert {o.status for o in outcomes} == {"done", "adopted"}


@pytest.mark.parametrize("point", [0, 1, 7, 18])
def test_a_request_that_is_lost_half_way_is_settled_by_reading(point: int) -> None:
    directory = Bulky(manner={"lost_after": point})
    directory.converges(crowd(20, name="One"))
    directory.box.lost_after = point
    directory.converges(crowd(20, name="Two"))
    assert len([one for one in directory.holds["users"] if one.startswith("p0")]) == 20
    first, second = ([row["path"] for row in _rows(one)] for one in directory.writes[:2])
    assert second == first[point:]


@pytest.mark.parametrize("point", [0, 1, 10, 19, 23])
def test_killed_between_two_parts_the_next_apply_converges(point: int) -> None:
    directory = Bulky()
    files = desired(*crowd(20, name="One").users.values(), a_group("One", ["p001@acme.com", "p002@acme.com"]))
    parts = 0

    def kill() -> None:
        nonlocal parts
        parts += 1
        if parts == point + 1:
            raise KeyboardInterrupt

    directory.box.before_part = kill
    if point < 20:
        with pytest.raises(KeyboardInterrupt):
            directory.apply(files)
    directory.box.before_part = lambda: None
    directory.converges(files)


def test_what_the_answer_does_not_speak_of_is_read() -> None:
    directory = Bulky(manner={"silent_on": frozenset({"2", "5"})})
    directory.converges(crowd(10))
    assert directory.paths == [f"POST {BULK}"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"Operations": {}},
        {"Operations": [7, None, "x"]},
        {"Operations": [{"bulkId": "1", "status": "200"}] * 2},
        {"Operations": [{"bulkId": "1", "method": "POST"}, {"bulkId": "2", "status": {"code": [200]}}]},
        {"Operations": [{"bulkId": "1", "method": "PUT", "status": "200"}, {"bulkId": "2", "status": True}]},
    ],
)
def test_an_answer_that_says_nothing_certain_is_no_claim(body: object) -> None:
    directory = Bulky()
    first = [Response(200, {}, body)]
    directory.between = lambda request: first.pop() if first and request.path == BULK else None
    directory.converges(crowd(2))
    assert len(directory.writes) == 2


def test_where_the_server_sees_no_operation_in_it_each_goes_alone() -> None:
    directory = Bulky()

    def between(request: Request) -> Response | None:
        return Response(200, {}, {"Operations": []}) if request.path == BULK else None

    directory.between = between
    directory.converges(crowd(4, name="One"))
    directory.converges(crowd(4, name="Two"))


@pytest.mark.parametrize(
    "row",
    [
        {"response": {"id": "other"}, "location": "https://directory.example/scim/v2/Users/one"},
        {"location": "https://directory.example/scim/v2/Groups/one"},
        {"location": 7},
        {"response": "{"},
        {},
    ],
)
def test_a_creation_without_one_certain_id_is_looked_for_by_its_name(row: dict[str, object]) -> None:
    directory = Bulky()
    pending = [True]

    def between(request: Request) -> Response | None:
        if request.path != BULK or not pending:
            return None
        pending.clear()
        assert directory.box.send(request).ok
        rows = [{"method": "POST", "bulkId": str(number), "status": "201", **row} for number in (1, 2)]
        return Response(200, {}, {"Operations": rows})

    directory.between = between
    directory.converges(desired(*crowd(2).users.values(), a_group("New", ["p000@acme.com"])))
    assert directory.paths == [f"POST {BULK}", "POST /Groups"]
    assert directory.holds["groups"]["New"] == ["p000@acme.com"]


def test_a_whole_answer_in_parts_that_says_it_is_refused_is_read_first() -> None:
    """Some of it may have taken place."""
    directory = Bulky()
    first = [Response(400, {}, {"Operations": [{"bulkId": "1", "status": "201"}]})]

    def between(request: Request) -> Response | None:
        if request.path != BULK or not first:
            return None
        assert directory.box.send(request).ok
        return first.pop()

    directory.between = between
    directory.converges(crowd(3))
    assert directory.paths == [f"POST {BULK}"]


def test_versions_go_with_each_part_and_what_moved_is_left_alone() -> None:
    directory = Bulky({"etags": "on"})
    files = desired(a_user(ADA, name="New"), a_user(GRACE, name="New"), a_user(ZOE, name="New"))
    moved = [True]

    def between(request: Request) -> Response | None:
        if request.path == BULK and moved:
            moved.clear()
            (row,) = [row for row in _rows(request) if row["data"]["Operations"][0]["value"] == "New"][:1]
            other = {"op": "replace", "path": "displayName", "value": "Theirs"}
            body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [other]}
            assert directory.box.inner.send(Request("PATCH", row["path"], json=body)).ok
        return None

    directory.between = between
    outcomes = directory.apply(files)
    assert all("version" in row for row in _rows(directory.writes[0]))
    assert [outcome.status for outcome in outcomes].count("failed") == 1
    assert directory.holds["users"][ADA]["displayName"] == "Theirs"
    assert directory.holds["users"][ZOE]["displayName"] == "New"


def test_the_version_that_a_part_tells_goes_with_the_next_write() -> None:
    directory = Bulky({"etags": "required", "patch_answer": "resource"})
    start = desired(a_user(ADA), a_user(GRACE), a_group("A", [ADA]), a_group("B", [ADA]))
    directory.converges(start)
    directory.converges(desired(a_user(ADA), a_user(GRACE), a_group("A", [GRACE]), a_group("B", [GRACE])))
    assert directory.paths == [f"POST {BULK}"] * 2


def test_groups_are_made_by_themselves_and_changed_together() -> None:
    """A name may be that of two groups: what is under way when it is sent again would make both."""
    directory = Bulky()
    directory.converges(desired(a_user(ADA), a_group("A"), a_group("B")))
    assert directory.paths == ["POST /Groups"] * 2
    directory.converges(desired(a_user(ADA), a_group("A", [ADA]), a_group("B", [ADA])))
    assert directory.paths == [f"POST {BULK}"]


@pytest.mark.parametrize("text", ["bulkId:1", "BULKID:2"])
def test_a_text_that_a_server_would_take_for_a_reference_goes_alone(text: str) -> None:
    directory = Bulky()
    odd = a_user("odd@acme.com", attributes={"title": text})
    directory.converges(desired(a_user("a@acme.com"), a_user("b@acme.com"), odd))
    assert directory.paths == [f"POST {BULK}", "POST /Users"]


@pytest.mark.parametrize("switches", [{"odd_ids": True}, {"patch": "off"}])
def test_what_has_an_id_of_an_odd_form_or_is_written_whole_goes_alone(switches: dict[str, object]) -> None:
    seed = {key: value for key, value in SEED.items() if key != "extensions"}
    directory = Bulky(switches, seed)
    directory.converges(desired(a_user(GRACE, name="New"), a_user(ZOE, name="New")))
    assert BULK not in "".join(directory.paths)


def test_nothing_is_told_to_stop_at_a_failure() -> None:
    directory = Bulky()
    directory.converges(crowd(3))
    assert "failOnErrors" not in json.dumps(directory.writes[0].json)


def test_a_silent_server_is_asked_no_more() -> None:
    directory = Bulky()

    def between(request: Request) -> Response | None:
        if request.path != BULK:
            return None
        message = "timed out"
        raise NoAnswer(message)

    directory.between = between
    outcomes = directory.apply(crowd(5))
    assert {outcome.status for outcome in outcomes} == {"failed"}
    assert len(directory.writes) == 4


def _rows(request: Request) -> list[dict[str, Any]]:
    body: Any = request.json
    return list(body["Operations"])


def test_a_server_that_looks_for_the_operations_under_another_name_gets_each_alone() -> None:
    directory = Directory({"bulk": "on", "bulk_request_key": "operations"})
    directory.converges(crowd(5, name="One"))
    directory.converges(crowd(5, name="Two"))

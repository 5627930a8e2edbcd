"""Bulk in the pretend directory (RFC 7644 section 3.7), and each manner of a real server in it."""

from typing import Any

import pytest
from asking_scim import a_group, a_user, ask, body, company, get, ident, op, place, refusal

from reconciler.sandbox.scim.core import ENTERPRISE_URN
from reconciler.sandbox.scim.envelope import PATCH_OP
from reconciler.sandbox.scim.instance import Sandbox
from reconciler.sandbox.scim.job import BULK_REQUEST
from reconciler.transport.messages import Response

Row = dict[str, Any]
CONFIG = "/ServiceProviderConfig"


def post(bulk_id: str, data: Row) -> Row:
    path = "/Users" if "userName" in data else "/Groups"
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def patched(path: str, *operations: Row, **more: str) -> Row:
    return {
        "method": "PATCH",
        "path": path,
        "data": {"schemas": [PATCH_OP], "Operations": [*operations]},
        **more,
    }


def sent(sandbox: Sandbox, *parts: Row, key: str = "Operations", **more: object) -> Response:
    return ask(sandbox, "POST", "/Bulk", {"schemas": [BULK_REQUEST], key: [*parts], **more})


def done(sandbox: Sandbox, *parts: Row, **more: Any) -> list[Row]:
    """The rows of the answer."""
    answer = body(sent(sandbox, *parts, **more))
    assert answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    rows: list[Row] = answer["Operations"]
    return rows


def statuses(rows: list[Row]) -> list[str]:
    return [row["status"] for row in rows]


def member(bulk_id: str) -> Row:
    return {"value": f"bulkId:{bulk_id}"}


def names_in(sandbox: Sandbox, group: str) -> list[str]:
    found: list[str] = sandbox.store.snapshot()["groups"][group]
    return found


def on(**switches: object) -> Sandbox:
    return company(bulk="on", **switches)


def test_bulk_is_off_and_announced_so_until_it_is_switched_on() -> None:
    off = {"supported": False, "maxOperations": 0, "maxPayloadSize": 0}
    assert body(ask(company(), "GET", CONFIG))["bulk"] == off
    assert refusal(sent(company(), post("a", a_user())), 501) == ""
    sandbox = on(bulk_max_operations=7, bulk_max_payload=999)
    limits = {"supported": True, "maxOperations": 7, "maxPayloadSize": 999}
    assert body(ask(sandbox, "GET", CONFIG))["bulk"] == limits
    assert refusal(ask(sandbox, "GET", "/Bulk"), 405) == ""


def test_each_method_does_what_the_single_request_does() -> None:
    sandbox = on()
    ada, bob, empty = (place(sandbox, name) for name in ("Ada@acme.com", "bob@acme.com", "Empty"))
    rows = done(
        sandbox,
        post("new", a_user()),
        {"method": "PUT", "path": ada, "bulkId": "put", "data": a_user("Ada@acme.com", title="Dr")},
        patched(empty, op("replace", "displayName", "Full")),
        {"method": "DELETE", "path": bob},
    )
    assert statuses(rows) == ["201", "200", "200", "204"]
    assert [row["method"] for row in rows] == ["POST", "PUT", "PATCH", "DELETE"]
    assert [row.get("bulkId") for row in rows] == ["new", "put", None, None]
    new = get(sandbox, "new@acme.com")
    assert rows[0]["response"] == new
    assert (rows[0]["location"], rows[0]["version"]) == (new["meta"]["location"], new["meta"]["version"])
    assert [row["location"].endswith(path) for row, path in zip(rows[1:], (ada, empty, bob), strict=True)]
    assert rows[3].keys() == {"method", "location", "status"}
    assert get(sandbox, "Ada@acme.com")["title"] == "Dr"
    assert "Full" in sandbox.store.snapshot()["groups"]
    assert ask(sandbox, "GET", bob).status == 404


def test_a_failure_is_told_where_it_happened_and_the_rest_is_done() -> None:
    sandbox = on()
    rows = done(
        sandbox,
        post("taken", a_user("bob@acme.com")),
        {"method": "DELETE", "path": "/Users/nobody"},
        {"method": "DELETE", "path": "/Nothing/x"},
        {"method": "POST", "path": "/Users/.search", "bulkId": "s", "data": {}},
        post("new", a_user()),
    )
    assert statuses(rows) == ["409", "404", "404", "405", "201"]
    assert rows[0]["response"]["scimType"] == "uniqueness"
    assert "location" not in rows[0]
    assert rows[1]["location"].endswith("/Users/nobody")


def test_what_comes_after_the_last_error_is_absent() -> None:
    sandbox = on()
    gone = {"method": "DELETE", "path": "/Users/nobody"}
    parts = (gone, post("a", a_user("a")), gone, post("b", a_user("b")))
    assert statuses(done(sandbox, *parts, failOnErrors=1)) == ["404"]
    assert statuses(done(sandbox, *parts, failOnErrors=2)) == ["404", "201", "404"]
    assert not sandbox.store.labelled("User", "b")


def test_a_version_is_heeded() -> None:
    sandbox = on()
    bob = place(sandbox, "bob@acme.com")
    version = get(sandbox, "bob@acme.com")["meta"]["version"]
    title = op("add", "title", "Dr")
    rows = done(sandbox, patched(bob, title, version='W/"0"'), patched(bob, title, version=version))
    assert statuses(rows) == ["412", "200"]
    assert statuses(done(on(etags="required"), {"method": "DELETE", "path": bob})) == ["428"]
    unversioned = on(etags="off")
    rows = done(unversioned, patched(place(unversioned, "bob@acme.com"), title, version='W/"0"'))
    assert statuses(rows) == ["200"]
    assert "version" not in rows[0]


def test_references_are_resolved_wherever_they_point() -> None:
    sandbox = on(odd_ids=True)
    rows = done(
        sandbox,
        post("g", a_group("Outer", members=[member("in"), member("u")])),
        post("in", a_group("Inner", members=[member("u")])),
        patched(place(sandbox, "Empty"), op("add", "members", [member("u")])),
        post("v", a_user("v@acme.com", **{ENTERPRISE_URN: {"manager": member("u")}})),
        post("u", a_user("u@acme.com")),
    )
    assert sorted(statuses(rows)) == ["200", "201", "201", "201", "201"]
    assert names_in(sandbox, "Outer") == ["Inner", "u@acme.com"]
    assert names_in(sandbox, "Inner") == names_in(sandbox, "Empty") == ["u@acme.com"]
    manager = get(sandbox, "v@acme.com")[ENTERPRISE_URN]["manager"]["value"]
    assert manager == ident(sandbox, "u@acme.com")


def test_a_reference_to_what_was_not_made_fails() -> None:
    sandbox = on()
    rows = done(
        sandbox,
        post("bob", a_user("bob@acme.com")),
        post("g", a_group("G", members=[member("bob")])),
        post("h", a_group("H", members=[member("nobody")])),
    )
    assert statuses(rows) == ["409", "409", "409"]
    assert sandbox.store.snapshot() == company().store.snapshot()


@pytest.mark.parametrize(
    ("switch", "users", "groups"),
    [("resolved", "201", "201"), ("users", "201", "400"), ("literal", "400", "400")],
)
def test_references_may_be_resolved_for_users_or_for_nothing(switch: str, users: str, groups: str) -> None:
    sandbox = on(bulk_references=switch)
    rows = done(
        sandbox,
        post("u", a_user("u@acme.com")),
        post("g", a_group("G")),
        post("a", a_group("A", members=[member("u")])),
        post("b", a_group("B", members=[member("g")])),
    )
    assert statuses(rows) == ["201", "201", users, groups]


def test_a_circle_is_closed_or_refused() -> None:
    circle = (
        post("a", a_group("A", members=[member("b"), member("self")])),
        post("b", a_group("B", members=[member("a")])),
        post("self", a_group("Self", members=[member("self")])),
    )
    for more in ({}, {"etags": "required"}, {"bulk_methods": "no_put"}):
        sandbox = on(**more)
        assert statuses(done(sandbox, *circle)) == ["201", "201", "201"]
        assert [sorted(names_in(sandbox, name)) for name in ("A", "B", "Self")] == [
            ["B", "Self"],
            ["A"],
            ["Self"],
        ]
    sandbox = on(bulk_circular="refused")
    assert set(statuses(done(sandbox, *circle))) == {"409"}
    assert sandbox.store.snapshot() == company().store.snapshot()

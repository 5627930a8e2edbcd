"""Bulk in the pretend directory (RFC 7644 section 3.7), and each manner of a real server in it."""

import json
from typing import Any

import pytest
from asking_scim import COMPANY, a_group, a_user, ask, body, company, get, ident, op, place, refusal
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.sandbox.faults import Dropped, Fault, Scripted
from reconciler.sandbox.scim.core import ENTERPRISE_URN
from reconciler.sandbox.scim.envelope import PATCH_OP
from reconciler.sandbox.scim.instance import Sandbox
from reconciler.sandbox.scim.job import BULK_REQUEST
from reconciler.sandbox.scim.tokens import TOKEN_PATH
from reconciler.transport.messages import Request, Response

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


def test_users_may_be_resolved_once_in_a_patch() -> None:
    for switch, status in (("resolved", "200"), ("users", "400")):
        sandbox = on(bulk_references=switch)
        add = [op("add", "members", [member(name)]) for name in "uv"]
        twice = patched(place(sandbox, "Empty"), *add)
        once = patched(place(sandbox, "Staff"), op("add", "members", [member("u"), member("v")]))
        users = [post(name, a_user(name)) for name in "uv"]
        assert statuses(done(sandbox, *users, twice, once)) == ["201", "201", status, "200"]
        assert names_in(sandbox, "Staff") == ["Analysts", "grace@acme.com", "u", "v"]


def test_a_reference_to_a_user_that_failed_is_refused_or_stays() -> None:
    for switch, status in (("resolved", "409"), ("users", "400")):
        sandbox = on(bulk_references=switch)
        parts = (post("u", a_user("bob@acme.com")), post("g", a_group("G", members=[member("u")])))
        assert statuses(done(sandbox, *parts)) == ["409", status]


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


def test_a_circle_that_stays_open_was_never_begun() -> None:
    sandbox = on(unique_group_names=True)
    rows = done(
        sandbox,
        post("a", a_group("A", members=[member("b")])),
        post("b", a_group("Staff", members=[member("a")])),
        failOnErrors=1,
    )
    assert statuses(rows) == ["409", "409"]
    assert sandbox.store.snapshot() == company().store.snapshot()


def test_a_request_over_a_limit_is_refused_with_the_limit() -> None:
    sandbox = on(bulk_max_operations=2, bulk_max_payload=2000)
    many = sent(sandbox, *(post(name, a_user(name)) for name in "abc"))
    assert refusal(many, 413) == ""
    assert "maxOperations (2)" in body(many, 413)["detail"]
    big = sent(sandbox, post("a", a_user("a", title="é" * 400)))
    assert "maxPayloadSize (2000)" in body(big, 413)["detail"]
    said = {"schemas": [BULK_REQUEST], "Operations": [post("a", a_user("a"))]}
    assert refusal(ask(sandbox, "POST", "/Bulk", said, {"Content-Length": "2001"}), 413) == ""
    assert sandbox.store.snapshot() == company().store.snapshot()
    assert statuses(done(sandbox, post("a", a_user("a")), post("b", a_user("b")))) == ["201", "201"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"schemas": []}, "invalidSyntax"),
        ({"schemas": None}, "invalidSyntax"),
        ({"Operations": []}, "invalidSyntax"),
        ({"Operations": {}}, "invalidSyntax"),
        ({"Operations": ["x"]}, "invalidSyntax"),
        ({"Operations": [{"path": "/Users"}]}, "invalidSyntax"),
        ({"Operations": [{"method": "GET", "path": "/Users"}]}, "invalidSyntax"),
        ({"Operations": [{"method": "POST", "bulkId": "a"}]}, "invalidSyntax"),
        ({"Operations": [{"method": "POST", "path": "Users", "bulkId": "a"}]}, "invalidSyntax"),
        ({"Operations": [{"method": "POST", "path": "/Users"}]}, "invalidValue"),
        ({"Operations": [{"method": "DELETE", "path": "/Users/a", "version": 1}]}, "invalidValue"),
        ({"Operations": [{"method": "DELETE", "path": "/Users/a", "bulkId": "x"}] * 2}, "invalidValue"),
        ({"failOnErrors": 0}, "invalidValue"),
        ({"failOnErrors": True}, "invalidValue"),
        ({"failOnErrors": "1"}, "invalidValue"),
    ],
    ids=str,
)
def test_what_is_no_bulk_request_is_refused_whole(change: Row, kind: str) -> None:
    sandbox = on()
    whole = {"schemas": [BULK_REQUEST], "Operations": [post("a", a_user("a"))]}
    assert refusal(ask(sandbox, "POST", "/Bulk", whole | change)) == kind
    assert sandbox.store.snapshot() == company().store.snapshot()


def test_a_status_is_text_a_number_or_an_object() -> None:
    for switch, created in (("text", "201"), ("number", 201), ("object", {"code": 201})):
        assert done(on(bulk_status=switch), post("a", a_user()))[0]["status"] == created


def test_a_response_is_json_or_text_that_holds_it() -> None:
    parts = (post("a", a_user()), post("b", a_user()))
    plain = [row["response"] for row in done(on(bulk_response="object"), *parts)]
    texts = [row["response"] for row in done(on(bulk_response="text"), *parts)]
    assert [json.loads(text) for text in texts] == plain


def test_an_id_may_stand_in_the_location_alone() -> None:
    sandbox = on(bulk_ids_in_location=True)
    made, failed = done(sandbox, post("a", a_user()), post("b", a_user()))
    assert made.keys() == {"method", "bulkId", "location", "version", "status"}
    assert made["location"].rpartition("/")[2] == ident(sandbox, "new@acme.com")
    assert failed["response"]["scimType"] == "uniqueness"


def test_the_key_of_the_list_may_be_in_lower_case() -> None:
    part = post("a", a_user())
    assert "operations" in body(sent(on(bulk_answer_key="operations"), part))
    for switch, taken in (
        ("Operations", {"Operations"}),
        ("operations", {"operations"}),
        ("either", {"Operations", "operations"}),
    ):
        for key in ("Operations", "operations"):
            assert sent(on(bulk_request_key=switch), part, key=key).ok == (key in taken)


def test_users_may_come_first() -> None:
    parts = (post("g", a_group("G")), post("u", a_user()), post("h", a_group("H")), post("v", a_user("v")))
    for switch, order in ((False, ["g", "u", "h", "v"]), (True, ["u", "v", "g", "h"])):
        assert [row["bulkId"] for row in done(on(bulk_users_first=switch), *parts)] == order


def test_a_method_may_be_refused() -> None:
    for switch, expected in (
        ("all", ["200", "204"]),
        ("no_put", ["405", "204"]),
        ("no_delete", ["200", "405"]),
    ):
        sandbox = on(bulk_methods=switch)
        put = {"method": "PUT", "path": place(sandbox, "bob@acme.com"), "data": a_user("bob@acme.com")}
        remove = {"method": "DELETE", "path": place(sandbox, "Empty")}
        assert statuses(done(sandbox, put, remove)) == expected


def test_the_manners_of_single_requests_hold_in_bulk() -> None:
    sandbox = on(create_answer="empty", patch_answer="204")
    bob = place(sandbox, "bob@acme.com")
    rows = done(sandbox, post("a", a_user()), patched(bob, op("add", "title", "Dr")))
    assert statuses(rows) == ["201", "204"]
    assert not any("response" in row for row in rows)
    assert rows[1]["version"] == get(sandbox, "bob@acme.com")["meta"]["version"]
    later = done(on(accepted="later"), post("a", a_user()), post("g", a_group(members=[member("a")])))
    assert statuses(later) == ["202", "409"]
    assert "response" not in done(on(errors="empty"), {"method": "DELETE", "path": "/Users/x"})[0]


def test_a_token_does_in_bulk_what_its_scopes_hold() -> None:
    sandbox = on()
    form = {"grant_type": "client_credentials", "client_id": "robot", "client_secret": "s e/c:r"}
    asked = Request("POST", TOKEN_PATH, form=(*form.items(), ("scope", "groups")))
    bearer = {"Authorization": f"Bearer {body(sandbox.send(asked))['access_token']}"}
    whole = {"schemas": [BULK_REQUEST], "Operations": [post("u", a_user()), post("g", a_group())]}
    assert statuses(body(ask(sandbox, "POST", "/Bulk", whole, bearer))["Operations"]) == ["403", "201"]
    assert ask(sandbox, "POST", "/Bulk", whole, {"Authorization": "Bearer x"}).status == 401


def test_half_of_a_bulk_request_may_be_done_and_nothing_answered() -> None:
    sandbox = on()
    faulty = Scripted(sandbox, {1: Fault.HALF_DONE})
    whole = {"schemas": [BULK_REQUEST], "Operations": [post(name, a_user(name)) for name in "abc"]}
    with pytest.raises(Dropped):
        ask(faulty, "POST", "/Bulk", whole)
    assert [bool(sandbox.store.labelled("User", name)) for name in "abc"] == [True, False, False]
    assert statuses(body(ask(faulty, "POST", "/Bulk", whole))["Operations"]) == ["409", "201", "201"]


NAMED = st.sampled_from(["Ada@acme.com", "bob@acme.com", "n0", "n1", "Staff", "Empty", "Nobody"])
MEMBERS = st.lists(st.sampled_from(["p0", "p1", "p2", "bob@acme.com"]), max_size=3, unique=True)
STEPS = st.lists(
    st.tuples(st.sampled_from(["user", "group", "put", "patch", "delete"]), NAMED, MEMBERS),
    min_size=1,
    max_size=7,
)


def operation(sandbox: Sandbox, number: int, step: tuple[str, str, list[str]]) -> Row:
    """One step as an operation that refers to nobody whom a later one creates."""
    what, name, wanted = step
    path = place(sandbox, name) if name in (*COMPANY["users"], *COMPANY["groups"]) else "/Users/nobody"
    known = [f"p{earlier}" for earlier in range(number)]
    members = [member(each) for each in wanted if each in known]
    match what:
        case "user":
            return post(f"p{number}", a_user(name))
        case "group":
            return post(f"p{number}", a_group(name, members=members))
        case "put":
            return {"method": "PUT", "path": path, "data": a_user(name, title="Dr")}
        case "patch":
            return patched(path, op("add", "members", [*members, {"value": ident(sandbox, "bob@acme.com")}]))
    return {"method": "DELETE", "path": path}


def one_by_one(sandbox: Sandbox, parts: list[Row]) -> list[int]:
    """The same as single requests, each with the ids that the earlier ones gave."""
    found, made = [], dict[str, str]()
    for part in parts:
        text = json.dumps(part.get("data"))
        for name, value in made.items():
            text = text.replace(f'"bulkId:{name}"', json.dumps(value))
        if "bulkId:" in text:
            found.append(409)
            continue
        response = ask(sandbox, part["method"], part["path"], json.loads(text))
        found.append(response.status)
        if response.status == 201:
            made[part["bulkId"]] = body(response, 201)["id"]
    return found


@settings(max_examples=120, deadline=None)
@given(STEPS, st.sampled_from([{}, {"odd_ids": True}, {"patch_answer": "204"}]))
@example([("user", "n0", []), ("group", "n1", ["p0"]), ("patch", "Empty", ["p0", "p1"])], {"odd_ids": True})
def test_bulk_does_what_the_same_single_requests_do(
    steps: list[tuple[str, str, list[str]]], manner: Row
) -> None:
    together, apart = (on(unique_group_names=True, **manner) for _ in range(2))
    parts = [operation(together, number, step) for number, step in enumerate(steps)]
    assert [int(row["status"]) for row in done(together, *parts)] == one_by_one(apart, parts)
    assert together.store.to_json() == apart.store.to_json()


EDGES = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=10)


@settings(max_examples=120, deadline=None)
@given(EDGES, st.permutations(range(5)))
def test_any_references_are_resolved_in_any_order(edges: set[tuple[int, int]], order: list[int]) -> None:
    sandbox = on()
    groups = {
        outer: post(
            str(outer), a_group(f"G{outer}", members=[member(str(b)) for a, b in sorted(edges) if a == outer])
        )
        for outer in range(5)
    }
    rows = done(sandbox, *(groups[number] for number in order))
    assert statuses(rows) == ["201"] * 5
    for outer in range(5):
        assert sorted(names_in(sandbox, f"G{outer}")) == [f"G{b}" for a, b in sorted(edges) if a == outer]
    for row in rows:
        assert row["version"] == get(sandbox, f"G{row['bulkId']}")["meta"]["version"]


JSON: Any = st.recursive(
    st.sampled_from([None, True, -1, 1, "", "x", "bulkId:a", "/Users", "/Groups/x", "POST", "DELETE"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "members", "Operations", "schemas"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]) | JSON, "path": JSON},
            optional={"bulkId": st.sampled_from(["a", "b", "c"]) | JSON, "version": JSON, "data": JSON},
        ),
        max_size=3,
    ),
    st.sampled_from(["resolved", "users", "literal"]),
)
def test_any_bulk_request_is_answered(parts: list[Row], references: str) -> None:
    assert sent(on(bulk_references=references), *parts).status in (200, 400)

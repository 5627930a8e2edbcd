"""Whatever is sent, the pretend directory answers: with a resource or a refusal, never with a traceback."""

from typing import Any

from asking_scim import BADGE, COMPANY, ask, company, ident, place
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.sandbox.scim.core import ENTERPRISE_URN, GROUP_URN, USER_URN
from reconciler.sandbox.scim.envelope import PATCH_OP
from reconciler.sandbox.scim.store import Store

NAMES = st.sampled_from(
    [
        *("schemas", "id", "userName", "displayName", "name", "name.givenName", "active", "emails", "groups"),
        *("emails.value", "value", "type", "primary", "members", "meta", "password", "givenName", "none"),
        *(BADGE, f"{BADGE}:tags", f"{BADGE}:desk.floor", ENTERPRISE_URN, f"{ENTERPRISE_URN}:manager", "tags"),
        *(
            'emails[type eq "work"]',
            'emails[type eq "work"].value',
            "members[value pr]",
            f"{BADGE}:desk",
            "desk",
        ),
        *(
            f'{BADGE}:tags[value eq "red"]',
            "manager",
            "Operations",
            "op",
            "path",
            "$ref",
            "",
            "urn:",
            "a[",
            "[",
        ),
        *(USER_URN, f"{USER_URN}:userName", "emails[primary eq true].primary", 'name[givenName eq "Ada"]'),
    ]
)
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(allow_nan=False),
    st.sampled_from(["", "x", "work", "Ada@acme.com"]),
)
JSON: Any = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
)
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "remove"])}, optional={"path": NAMES, "value": JSON}
    ),
    min_size=1,
    max_size=3,
)
LABELS = st.sampled_from(["Ada@acme.com", "bob@acme.com", "Analysts"])
MANNERS = st.sampled_from(
    [
        {},
        {"unknown_attributes": "ignored", "filter_add_creates": True, "removes_by_value": True},
        {"put_merges": True, "takes_boolean_texts": True, "member_display_required": True},
    ]
)


def empty_parts(value: Any) -> int:
    """How many parts of a value are none at all."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (value in (None, [], {})) + sum(empty_parts(each) for each in inner)


def whole(store: Store) -> None:
    """What is held fits the schemas, and comes back from the state file as it is."""
    again = Store()
    again.load_json(store.to_json())
    assert again.to_json() == store.to_json()
    for kind in store.records.values():
        for record in kind.values():
            assert store.label(record)
            assert empty_parts(record.values) == 0
            for member in record.values.get("members", ()):
                assert store.record(member["value"]) is not None


@settings(max_examples=200, deadline=None)
@given(MANNERS, LABELS, OPERATIONS)
@example({}, "Ada@acme.com", [{"op": "add", "path": f"{ENTERPRISE_URN}:manager", "value": {"$ref": "x"}}])
@example({}, "bob@acme.com", [{"op": "add", "path": f"{ENTERPRISE_URN}:manager", "value": {"$ref": "x"}}])
def test_any_patch_is_answered(manner: dict[str, object], label: str, operations: list[Any]) -> None:
    sandbox = company(**manner)
    before = sandbox.store.to_json()
    sent = {"schemas": [PATCH_OP], "Operations": operations}
    response = ask(sandbox, "PATCH", place(sandbox, label), sent)
    assert response.status in (200, 400, 409, 501)
    if response.status > 299:
        assert sandbox.store.to_json() == before
    whole(sandbox.store)


@settings(max_examples=120, deadline=None)
@given(MANNERS, LABELS, st.sampled_from(["POST", "PUT"]), JSON)
def test_any_body_is_answered(manner: dict[str, object], label: str, method: Any, extra: Any) -> None:
    sandbox = company(**manner)
    group = label == "Analysts"
    sent = {"schemas": [GROUP_URN if group else USER_URN, *([] if group else [BADGE, ENTERPRISE_URN])]}
    sent |= {"displayName" if group else "userName": "some"} | (extra if isinstance(extra, dict) else {})
    path = place(sandbox, label) if method == "PUT" else f"/{'Groups' if group else 'Users'}"
    assert ask(sandbox, method, path, sent).status in (200, 201, 400, 409)
    assert ask(sandbox, method, path, extra).status in (200, 201, 400, 409)
    whole(sandbox.store)


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(["/Users", "/Groups", "/Schemas"]),
    st.dictionaries(
        st.sampled_from(
            ["filter", "attributes", "excludedAttributes", "sortBy", "startIndex", "count", "cursor"]
        ),
        NAMES
        | st.sampled_from(["1", "-1", "id pr", 'userName eq "x"', f'{BADGE}:tags[value eq "red"]'])
        | st.text(max_size=5),
        max_size=4,
    ),
)
def test_any_query_is_answered(path: str, query: dict[str, str]) -> None:
    sandbox = company(paging="both")
    assert ask(sandbox, "GET", path, **query).status in (200, 400, 403)
    assert ask(sandbox, "GET", place(sandbox, "Ada@acme.com"), **query).status in (200, 400)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=12))
def test_any_path_is_answered(path: str) -> None:
    sandbox = company()
    for place_ in (f"/{path}", f"/Users/{path}", f"{place(sandbox, 'bob@acme.com')}{path}"):
        assert ask(sandbox, "GET", place_).status in (200, 404, 501)
    assert ident(sandbox, "bob@acme.com") in sandbox.store.records["User"]
    assert len(sandbox.store.records["User"]) == len(COMPANY["users"])

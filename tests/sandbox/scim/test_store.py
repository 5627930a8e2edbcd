"""The seed, the state file, and what a directory keeps in step."""

import json
from pathlib import Path
from typing import Any

import pytest
from asking_scim import (
    BADGE,
    COMPANY,
    a_group,
    a_user,
    ask,
    body,
    company,
    create,
    get,
    ident,
    op,
    patch,
    place,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.sandbox.scim.core import ENTERPRISE_URN, USER_URN
from reconciler.sandbox.scim.instance import Sandbox, open_pretend
from reconciler.sandbox.scim.store import Store
from reconciler.transport.messages import Request


def test_a_seed_becomes_users_and_groups_and_is_told_again() -> None:
    snapshot = Store.from_seed(COMPANY).snapshot()
    ada = dict(COMPANY["users"]["Ada@acme.com"])
    assert snapshot["users"]["Ada@acme.com"] == {**ada, "active": True}
    assert snapshot["users"]["bob@acme.com"] == {"displayName": "Bob", "active": False}
    assert snapshot["groups"] == {
        "Analysts": ["Ada@acme.com", "bob@acme.com"],
        "Staff": ["Analysts", "grace@acme.com"],
        "Empty": [],
    }
    again = Store.from_seed({"extensions": COMPANY["extensions"], **snapshot})
    assert again.snapshot() == snapshot


def test_a_seed_may_give_ids_and_two_may_manage_each_other() -> None:
    store = Store.from_seed(
        {
            "users": {
                "a": {"id": "1/2 é", ENTERPRISE_URN: {"manager": {"value": "B"}}},
                "b": {ENTERPRISE_URN: {"manager": {"value": "a"}}},
            },
            "groups": {"G": {"members": ["a"], "externalId": "7"}},
        }
    )
    assert store.records["User"]["1/2 é"].values["userName"] == "a"
    assert store.snapshot()["users"]["b"][ENTERPRISE_URN] == {"manager": {"value": "a"}}
    assert store.labelled("Group", "g")[0].values["externalId"] == "7"


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ([], "the seed: must be a mapping"),
        ({"people": {}}, "the seed.people: no such key; there are switches, extensions"),
        ({"switches": {"page_cap": -1}}, "switches.page_cap: must be a whole number from 0"),
        ({"extensions": {"badge": {}}}, "extensions.badge: a schema is named by a URN"),
        ({"extensions": {USER_URN: {}}}, f"extensions.{USER_URN}: the directory has this one already"),
        (
            {"extensions": {"urn:x": {"resource": "Role"}}},
            "extensions.urn:x.resource: must be one of User, Group",
        ),
        (
            {"extensions": {"urn:x": {"attributes": {"a": {"type": "text"}}}}},
            "extensions.urn:x.a.type: must be one of string",
        ),
        (
            {"extensions": {"urn:x": {"attributes": {"a": {"canonical_values": "b"}}}}},
            "extensions.urn:x.a.canonical_values: must be a list",
        ),
        ({"users": {"a": {"colour": "red"}}}, "users.a: there is no attribute colour"),
        ({"users": {"a": {"userName": "b"}}}, "users.a.userName: it is said by the key above it"),
        ({"users": {"a": {"active": "yes"}}}, "users.a: active: must be of type boolean"),
        ({"users": {"a": {}, "A": {}}}, "users.A: A exists already"),
        ({"users": {"a": {"id": "1"}, "b": {"id": "1"}}}, "users.b.id: '1' stands twice"),
        ({"users": {"a": {"id": 1}}}, "users.a.id: must be text"),
        (
            {"users": {"a": {ENTERPRISE_URN: {"manager": {"value": "b"}}}}},
            "users.a.manager: 'b' is not under",
        ),
        ({"groups": {"G": ["a"]}}, "groups.G: 'a' is neither under `users` nor under `groups`"),
        ({"groups": {"G": "a"}}, "groups.G: must be a mapping"),
        ({"groups": {"G": {"members": "a"}}}, "groups.G: must be a list"),
        ({"tokens": "a"}, "tokens: must be a list"),
        ({"tokens": [1]}, "tokens: must be text"),
        ({"clients": {"a": {}}}, "clients.a.secret: must be text"),
        ({"clients": {"a": {"secret": "b", "scopes": "c"}}}, "clients.a.scopes: must be a list"),
    ],
)
def test_a_mistake_in_a_seed_is_named(seed: Any, message: str) -> None:
    with pytest.raises(ValueError, match="^" + message.replace(".", r"\.")):
        Store.from_seed(seed)


def test_the_state_survives_in_its_file(tmp_path: Path) -> None:
    seed, state = tmp_path / "seed.yaml", tmp_path / "state.json"
    seed.write_text(json.dumps(COMPANY), encoding="utf-8")
    pretend = open_pretend(seed, state)
    assert (pretend.offered, pretend.secrets["key"]) == ({"key": "sandbox"}, "sandbox")
    pretend.behave({"totals": "page"})
    sent = Request("POST", "/Users", {}, {"Authorization": "Bearer sandbox"}, a_user(title="Dr"))
    made = body(pretend.transport.send(sent), 201)
    again = Store.open(seed, state)
    assert again.switches.totals == "right"
    assert again.snapshot()["users"]["new@acme.com"] == {"active": True, "title": "Dr"}
    reopened = Sandbox(again)
    assert get(reopened, "new@acme.com") == made
    assert body(create(reopened, a_group()), 201)["id"] not in {made["id"], *again.records["User"]}
    assert [group["display"] for group in get(reopened, "Ada@acme.com")["groups"]] == ["Analysts", "Staff"]


def test_a_seed_without_a_token_says_what_is_missing(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("tokens: []\n", encoding="utf-8")
    pretend = open_pretend(seed, None)
    assert (pretend.offered, pretend.lacking) == ({}, "This seed has no token: add one under `tokens`.")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"serial": 1}'])
def test_a_corrupt_state_file_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    state = tmp_path / "state.json"
    state.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="remove it to start from the seed again"):
        Store.open(tmp_path / "seed.yaml", state)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
VALUES = st.lists(
    st.fixed_dictionaries(
        {"value": TEXTS}, optional={"display": TEXTS, "type": st.sampled_from(["work", "home"])}
    ),
    min_size=1,
    max_size=3,
)
USERS = st.fixed_dictionaries(
    {"userName": TEXTS},
    optional={
        "displayName": TEXTS,
        "externalId": TEXTS,
        "title": TEXTS,
        "active": st.booleans(),
        "name": st.dictionaries(st.sampled_from(["givenName", "familyName"]), TEXTS, min_size=1),
        "emails": VALUES,
        "phoneNumbers": VALUES,
        ENTERPRISE_URN: st.dictionaries(st.sampled_from(["department", "division"]), TEXTS, min_size=1),
        BADGE: st.fixed_dictionaries(
            {"badge": TEXTS},
            optional={"level": st.integers(-(2**31), 2**31), "tags": st.lists(TEXTS, min_size=1, max_size=3)},
        ),
    },
)


@settings(max_examples=80, deadline=None)
@given(USERS)
def test_what_is_put_is_what_is_got(user: dict[str, Any]) -> None:
    sandbox = company()
    sent = {"schemas": [USER_URN, *(key for key in user if ":" in key)], **user}
    put = body(ask(sandbox, "PUT", place(sandbox, "bob@acme.com"), sent))
    found = get(sandbox, user["userName"])
    assert found == put
    assert sorted(found["schemas"]) == sorted(sent["schemas"])
    assert {name: found[name] for name in user} == user
    assert found.keys() - sent.keys() <= {"id", "meta", "groups", "active"}
    assert body(ask(sandbox, "PUT", place(sandbox, user["userName"]), found)) == found


PEOPLE = ("Ada@acme.com", "bob@acme.com", "grace@acme.com", "Staff")
EDGES = st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.sampled_from(PEOPLE)), max_size=12)


@settings(max_examples=40, deadline=None)
@given(EDGES)
def test_members_are_those_of_a_set_and_both_sides_agree(edges: list[tuple[str, str]]) -> None:
    sandbox = company()
    model: set[str] = set()
    for verb, name in edges:
        value = ident(sandbox, name)
        if verb == "add":
            patch(sandbox, "Empty", op("add", "members", [{"value": value}]))
            model.add(name)
        else:
            patch(sandbox, "Empty", op("remove", f'members[value eq "{value}"]'))
            model.discard(name)
    assert set(sandbox.store.snapshot()["groups"]["Empty"]) == model
    for name in PEOPLE[:3]:
        groups = get(sandbox, name).get("groups", [])
        direct = [group["display"] for group in groups if group["type"] == "direct"]
        assert ("Empty" in direct) == (name in model)


def test_the_same_requests_leave_the_same_directory() -> None:
    left = []
    for _ in range(2):
        sandbox = company()
        create(sandbox, a_user())
        patch(sandbox, "Staff", op("remove", "members"))
        ask(sandbox, "DELETE", place(sandbox, "bob@acme.com"))
        left.append(sandbox.store.to_json())
    assert left[0] == left[1]

"""Users and embed users: what is shown, and what each write does."""

from typing import Any

import pytest
from asking import ATTRIBUTES, COMPANY, PATCH_OP, ask, body, company, detail, group_id, patch, rows, user_id
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.omni.rules import is_address
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store

REPLACE_ACTIVE = {"op": "replace", "path": "active", "value": False}


def get(sandbox: Sandbox, email: str) -> dict[str, Any]:
    return body(ask(sandbox, "GET", f"/scim/v2/users/{user_id(sandbox, email)}"))


def form_a(**values: object) -> dict[str, object]:
    return {"op": "replace", "value": {ATTRIBUTES: values}}


def test_a_user_is_shown_as_the_documentation_has_it() -> None:
    sandbox = company(extension_nulls=False)
    ada = user_id(sandbox, "Ada@acme.com")
    assert get(sandbox, "Ada@acme.com") == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ATTRIBUTES],
        "id": ada,
        "userName": "Ada@acme.com",
        "displayName": "Ada",
        "active": True,
        "emails": [{"primary": True, "value": "Ada@acme.com"}],
        "groups": [
            {"display": "Finance", "value": group_id(sandbox, "Finance")},
            {"display": "All Staff", "value": group_id(sandbox, "All Staff")},
        ],
        "meta": {
            "resourceType": "User",
            "created": "2026-01-01T00:00:04.000Z",
            "lastModified": "2026-01-01T00:00:04.000Z",
        },
        ATTRIBUTES: {"region": ["apac"], "team": "red"},
    }


def test_a_user_without_values_has_no_extension() -> None:
    cleo = get(company(extension_nulls=False), "cleo@acme.com")
    assert ATTRIBUTES not in cleo
    assert cleo["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User"]


def test_who_has_signed_in_is_shown_with_the_time_of_it() -> None:
    login = "urn:omni:params:scim:schemas:extension:user:2.0"
    seed = COMPANY | {
        "users": COMPANY["users"] | {"dan@acme.com": {"last_login": "2026-01-31T09:30:00.000Z"}}
    }
    sandbox = Sandbox(Store.from_seed({**seed, "switches": {"extension_nulls": False}}))
    dan = get(sandbox, "dan@acme.com")
    assert dan[login] == {"lastLogin": "2026-01-31T09:30:00.000Z"}
    assert dan["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User", login]
    assert rows(sandbox, "users")[3] == dan
    assert login not in get(sandbox, "Ada@acme.com")


def test_an_attribute_defined_later_is_null_unless_switched_off() -> None:
    assert get(company(), "cleo@acme.com")[ATTRIBUTES] == {"nickname": None}
    assert ATTRIBUTES not in get(company(extension_nulls=False), "cleo@acme.com")
    sandbox = company()
    made = ask(sandbox, "POST", "/scim/v2/users", {"userName": "new@acme.com", "displayName": "New"})
    assert ATTRIBUTES not in body(made, 201)


def test_list_rows_lack_the_attributes_with_the_switch_and_get_by_id_has_them() -> None:
    full, bare = company(list_omits_attributes=False), company(list_omits_attributes=True)
    assert rows(full, "users")[0] == get(full, "Ada@acme.com")
    assert ATTRIBUTES not in rows(bare, "users", filter='userName eq "ada@acme.com"')[0]
    assert get(bare, "Ada@acme.com")[ATTRIBUTES]["team"] == "red"


def test_defaults_are_shown_with_the_switch_where_there_is_no_own_value() -> None:
    shown = get(company(shows_defaults=True, extension_nulls=False), "Ada@acme.com")[ATTRIBUTES]
    assert shown == {"region": ["apac"], "team": "red", "limit": "10"}
    assert "limit" not in get(company(), "Ada@acme.com")[ATTRIBUTES]


@pytest.mark.parametrize(
    ("builtins", "shown"),
    [
        ("none", {}),
        ("booleans", {"omni_is_org_admin": False, "omni_allows_personal_content": True}),
        ("timezone_null", {"omni_user_timezone": None}),
    ],
)
def test_the_payload_may_hold_system_attributes(builtins: str, shown: dict[str, object]) -> None:
    extension = get(company(builtins=builtins), "cleo@acme.com")[ATTRIBUTES]
    assert extension == {**shown, "nickname": None}


def test_answers_never_share_anything_with_the_state() -> None:
    sandbox = company()
    row = get(sandbox, "Ada@acme.com")
    row[ATTRIBUTES]["region"].append("moon")
    row["groups"].clear()
    assert get(sandbox, "Ada@acme.com")[ATTRIBUTES]["region"] == ["apac"]
    assert len(get(sandbox, "Ada@acme.com")["groups"]) == 2


def test_requests_never_share_anything_with_the_state() -> None:
    sandbox = company()
    value = ["emea"]
    patch(sandbox, "users", user_id(sandbox, "cleo@acme.com"), form_a(region=value))
    value.append("moon")
    assert get(sandbox, "cleo@acme.com")[ATTRIBUTES]["region"] == ["emea"]


@pytest.mark.parametrize(
    ("filter_text", "found"),
    [
        ('userName eq "ada@acme.com"', ["Ada@acme.com"]),
        ('USERNAME EQ "ADA@ACME.COM"', ["Ada@acme.com"]),
        ('userName eq "acme.com"', []),
        ('userName co "ACME"', ["Ada@acme.com", "bob@acme.com", "cleo@acme.com"]),
        ('userName co "leo@"', ["cleo@acme.com"]),
        (r'userName eq "\u0062ob@acme.com"', ["bob@acme.com"]),
    ],
)
def test_users_are_filtered_by_e_mail_without_case(filter_text: str, found: list[str]) -> None:
    assert [row["userName"] for row in rows(company(), "users", filter=filter_text)] == found


def test_two_users_whose_e_mails_differ_in_case_are_both_found() -> None:
    store = Store.from_seed({"users": {"ada@x.co": {}, "ADA@x.co": {}}})
    assert len(rows(Sandbox(store), "users", filter='userName eq "Ada@x.co"')) == 2


def test_a_created_user_is_active_and_keeps_the_case_of_the_e_mail() -> None:
    sandbox = company()
    request = {"userName": "Dan@Acme.com", "displayName": "Dan", ATTRIBUTES: {"limit": 7, "team": None}}
    made = body(ask(sandbox, "POST", "/scim/v2/users", request), 201)
    assert (made["userName"], made["active"], made[ATTRIBUTES]) == ("Dan@Acme.com", True, {"limit": "7"})
    assert rows(sandbox, "users")[-1] == made == get(sandbox, "Dan@Acme.com")


def test_a_user_may_be_created_inactive_and_with_the_usual_extras() -> None:
    request = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "dan@acme.com",
        "displayName": "Dan",
        "active": False,
        "emails": [{"primary": True, "value": "dan@acme.com"}],
    }
    assert body(ask(company(), "POST", "/scim/v2/users", request), 201)["active"] is False


@pytest.mark.parametrize(
    ("request_body", "words"),
    [
        (None, "Bad Request: body: Required"),
        ([], "Bad Request: body: Expected object"),
        ({"displayName": "A"}, "Bad Request: userName: Required"),
        ({"userName": "a@b.co"}, "Bad Request: displayName: Required"),
        ({"userName": "a@b.co", "displayName": ""}, "Bad Request: displayName: Required"),
        ({"userName": 7, "displayName": "A"}, "Bad Request: userName: Expected string"),
        ({"userName": "ab", "displayName": "A"}, "Bad Request: userName: Invalid email"),
        *(
            (
                {"userName": "a@b.co", "displayName": "A", "active": odd},
                "Bad Request: active: Expected boolean",
            )
            for odd in ("yes", "", "1", 1, None)
        ),
        (
            {"userName": "a@b.co", "displayName": "A", ATTRIBUTES: []},
            f"Bad Request: {ATTRIBUTES}: Expected object",
        ),
    ],
)
def test_a_user_that_is_not_whole_is_not_created(request_body: object, words: str) -> None:
    sandbox = company()
    assert detail(ask(sandbox, "POST", "/scim/v2/users", request_body), 400) == words
    assert len(rows(sandbox, "users")) == 3


ADDRESSES = (
    "ada@acme.com",
    "o'brien+x@sub.acme.co",
    "ada@localhost",
    "a.b@c.d",
    "!#$%&'*+-/=?^_`{|}~@acme.com",
    "user@xn--mnchen-3ya.de",
    "jörg@münchen.de",
    "用户@例子.广告",
    "अजय@डाटा.भारत",
)
NO_ADDRESSES = (
    *("ada", "@", "a@", "@b", "a b@acme.com", "ada@acme com", "ada@acme.com ", "ada@@acme.com", "a@b@c.co"),
    *(".ada@acme.com", "ada.@acme.com", "a..b@acme.com", "ada@.acme.com", "ada@acme.com.", "ada@acme..com"),
    *(
        "ada.@acme..com",
        "<ada@acme.com>",
        "mailto:ada@acme.com",
        "ada@acme.com,",
        "ada@acme.com;",
        "ada@acme\n",
    ),
    *('"ada"@acme.com', "a\\b@acme.com", "(ada)@acme.com", "ada@[10.0.0.1]"),
)


def takes(email: str) -> bool:
    """Whether a user can be made under this address."""
    response = ask(
        Sandbox(Store.from_seed({})), "POST", "/scim/v2/users", {"userName": email, "displayName": "A"}
    )
    if response.status != 201:
        assert detail(response, 400) == f"Bad Request: userName: {'Invalid email' if email else 'Required'}"
    return response.ok


@pytest.mark.parametrize("email", ADDRESSES)
def test_an_address_that_people_have_is_taken(email: str) -> None:
    assert takes(email)
    assert is_address(email)


@pytest.mark.parametrize("email", NO_ADDRESSES)
def test_what_is_no_address_is_refused(email: str) -> None:
    assert not takes(email)
    assert not is_address(email)


@given(
    st.lists(st.sampled_from(["a", "é", ".", "@", "-", "'", '"', ",", " ", "\n", "\u3000", "[", "\\"])).map(
        "".join
    )
)
def test_the_files_and_the_sandbox_have_the_same_rule_for_addresses(email: str) -> None:
    assert is_address(email) == takes(email)


@pytest.mark.parametrize(
    ("active", "shown"), [("True", True), ("false", False), ("FALSE", False), (True, True)]
)
def test_a_created_user_is_as_active_as_the_request_says(active: object, *, shown: bool) -> None:
    request = {"userName": "dan@acme.com", "displayName": "Dan", "active": active}
    assert body(ask(company(), "POST", "/scim/v2/users", request), 201)["active"] is shown
    ignoring = company(create_ignores_active=True)
    assert body(ask(ignoring, "POST", "/scim/v2/users", request), 201)["active"] is True


def test_an_e_mail_that_is_taken_in_any_case_is_409() -> None:
    request = {"userName": "ADA@ACME.COM", "displayName": "Ada"}
    assert "already exists" in detail(ask(company(), "POST", "/scim/v2/users", request), 409)


@pytest.mark.parametrize(
    "operation",
    [
        form_a(team="blue"),
        {"op": "Replace", "path": f"{ATTRIBUTES}:team", "value": "blue"},
        {"op": "add", "path": f"{ATTRIBUTES}:team", "value": "blue"},
    ],
)
def test_the_attribute_forms_a_and_b_merge(operation: object) -> None:
    sandbox = company(extension_nulls=False)
    answer = body(patch(sandbox, "users", user_id(sandbox, "Ada@acme.com"), operation))
    assert answer[ATTRIBUTES] == {"region": ["apac"], "team": "blue"}
    assert answer == get(sandbox, "Ada@acme.com")
    assert answer["meta"]["lastModified"] > answer["meta"]["created"]


@pytest.mark.parametrize(
    "operation",
    [
        form_a(team=None),
        {"op": "replace", "path": f"{ATTRIBUTES}:team", "value": None},
        {"op": "remove", "path": f"{ATTRIBUTES}:team"},
        {"op": "Remove", "path": f"{ATTRIBUTES}:team", "value": "whatever"},
    ],
)
def test_null_and_remove_clear_an_attribute(operation: object) -> None:
    sandbox = company(extension_nulls=False)
    answer = body(patch(sandbox, "users", user_id(sandbox, "Ada@acme.com"), operation))
    assert answer[ATTRIBUTES] == {"region": ["apac"]}
    assert patch(sandbox, "users", answer["id"], operation).ok


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": f"{ATTRIBUTES}.team", "value": "blue"},
        {"op": "replace", "path": ATTRIBUTES, "value": {"team": "blue"}},
    ],
)
def test_the_attribute_forms_c_and_d_need_the_switch(operation: object) -> None:
    sandbox = company()
    ada = user_id(sandbox, "Ada@acme.com")
    assert "Unsupported" in detail(patch(sandbox, "users", ada, operation), 400)
    lenient = company(accept_all_patch_forms=True)
    assert body(patch(lenient, "users", ada, operation))[ATTRIBUTES]["team"] == "blue"


def test_an_unknown_or_system_attribute_is_ignored_or_refused_by_the_switch() -> None:
    sandbox = company(extension_nulls=False)
    ada = user_id(sandbox, "Ada@acme.com")
    for name in ("colour", "omni_user_timezone"):
        assert name not in body(patch(sandbox, "users", ada, form_a(**{name: "x"})))[ATTRIBUTES]
        strict = company(unknown_attribute_400=True)
        words = detail(patch(strict, "users", ada, form_a(**{name: "x"})), 400)
        assert words.endswith(f"{name}: Unknown user attribute")


def test_a_value_of_the_wrong_type_is_400() -> None:
    sandbox = company()
    words = detail(patch(sandbox, "users", user_id(sandbox, "Ada@acme.com"), form_a(team=["a"])), 400)
    assert words.endswith("team: Expected string, received array")


def test_name_and_active_are_patched_with_and_without_a_path() -> None:
    sandbox = company()
    cleo = user_id(sandbox, "cleo@acme.com")
    whole = {"op": "replace", "value": {"displayName": "C", "active": False, ATTRIBUTES: {"team": "red"}}}
    answer = body(patch(sandbox, "users", cleo, whole))
    assert (answer["displayName"], answer["active"], answer[ATTRIBUTES]["team"]) == ("C", False, "red")
    answer = body(
        patch(
            sandbox,
            "users",
            cleo,
            {"op": "replace", "path": "displayName", "value": "Cleo"},
            {"op": "add", "path": "active", "value": True},
            {"op": "replace", "path": "userName", "value": "CLEO@acme.com"},
        )
    )
    assert (answer["displayName"], answer["active"], answer["userName"]) == ("Cleo", True, "cleo@acme.com")


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "active", "value": "False"},
        {"op": "replace", "path": "displayName", "value": ""},
        {"op": "replace", "path": "groups", "value": []},
        {"op": "replace", "path": "userName", "value": "other@acme.com"},
        {"op": "replace", "path": "userName", "value": 7},
        {"op": "replace", "value": {"nickName": "x"}},
        {"op": "replace", "value": "x"},
        {"op": "remove", "path": "displayName"},
    ],
)
def test_a_patch_is_all_or_nothing(operation: object) -> None:
    sandbox = company()
    before = sandbox.store.to_json()
    ada = user_id(sandbox, "Ada@acme.com")
    first = {"op": "replace", "path": "displayName", "value": "Changed"}
    assert detail(patch(sandbox, "users", ada, first, operation), 400).startswith(
        "Bad Request: Operations.1."
    )
    assert sandbox.store.to_json() == before


@pytest.mark.parametrize(
    ("envelope", "words"),
    [
        (None, "Bad Request: body: Required"),
        ({}, "Bad Request: schemas: Required"),
        (
            {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]},
            f"Bad Request: schemas: Expected {PATCH_OP}",
        ),
        ({"schemas": [PATCH_OP]}, "Bad Request: Operations: Required"),
        (
            {"schemas": [PATCH_OP], "Operations": []},
            "Bad Request: Operations: Array must contain at least 1 element(s)",
        ),
        ({"schemas": [PATCH_OP], "Operations": ["x"]}, "Bad Request: Operations: Expected object"),
        (
            {"schemas": [PATCH_OP], "Operations": [{"op": "REPLACE", "value": {}}]},
            "Bad Request: Operations.0.op: Expected one of add, Add, replace, Replace, remove, Remove",
        ),
        (
            {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": 1, "value": 1}]},
            "Bad Request: Operations.0.path: Expected string",
        ),
        (
            {"schemas": [PATCH_OP], "Operations": [{"op": "remove"}]},
            "Bad Request: Operations.0.path: Required",
        ),
        (
            {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "active"}]},
            "Bad Request: Operations.0.value: Required",
        ),
    ],
)
def test_a_patch_without_its_envelope_is_400(envelope: object, words: str) -> None:
    sandbox = company()
    ada = user_id(sandbox, "Ada@acme.com")
    assert detail(ask(sandbox, "PATCH", f"/scim/v2/users/{ada}", envelope), 400) == words


def test_put_replaces_and_reactivates() -> None:
    sandbox = company(extension_nulls=False)
    bob = user_id(sandbox, "bob@acme.com")
    answer = body(ask(sandbox, "PUT", f"/scim/v2/users/{bob}", {"userName": "BOB@acme.com"}))
    assert (answer["userName"], answer["displayName"], answer["active"]) == ("bob@acme.com",) * 2 + (True,)
    ada = user_id(sandbox, "Ada@acme.com")
    request = {"userName": "ada@acme.com", "displayName": "A", "active": False, ATTRIBUTES: {"limit": 3}}
    answer = body(ask(sandbox, "PUT", f"/scim/v2/users/{ada}", request))
    assert (answer["displayName"], answer["active"], answer[ATTRIBUTES]) == ("A", False, {"limit": "3"})


def test_put_merges_with_the_switch() -> None:
    sandbox = company(legacy_put_merge=True, extension_nulls=False)
    bob, ada = user_id(sandbox, "bob@acme.com"), user_id(sandbox, "Ada@acme.com")
    answer = body(ask(sandbox, "PUT", f"/scim/v2/users/{bob}", {"userName": "bob@acme.com"}))
    assert (answer["displayName"], answer["active"]) == ("Bob", False)
    request = {"userName": "ada@acme.com", ATTRIBUTES: {"limit": 3}}
    answer = body(ask(sandbox, "PUT", f"/scim/v2/users/{ada}", request))
    assert answer[ATTRIBUTES] == {"region": ["apac"], "team": "red", "limit": "3"}


def test_put_cannot_change_the_e_mail() -> None:
    sandbox = company()
    ada = user_id(sandbox, "Ada@acme.com")
    answer = ask(sandbox, "PUT", f"/scim/v2/users/{ada}", {"userName": "other@acme.com"})
    assert detail(answer, 400) == "Bad Request: userName: Must match the existing userName"


def test_a_deleted_user_is_gone_and_the_e_mail_is_free() -> None:
    sandbox = company()
    ada = user_id(sandbox, "Ada@acme.com")
    response = ask(sandbox, "DELETE", f"/scim/v2/users/{ada}")
    assert (response.status, response.json, response.text) == (204, None, "")
    assert ask(sandbox, "GET", f"/scim/v2/users/{ada}").status == 404
    assert ada not in {row["id"] for row in rows(sandbox, "users")}
    assert rows(sandbox, "users", filter='userName eq "ada@acme.com"') == []
    assert all(member["value"] != ada for group in rows(sandbox, "groups") for member in group["members"])
    again = ask(sandbox, "POST", "/scim/v2/users", {"userName": "ada@acme.com", "displayName": "Ada"})
    assert body(again, 201)["id"] != ada


def test_lists_keep_the_row_of_a_deleted_user_with_the_switch() -> None:
    sandbox = company(delete_keeps_row=True)
    ada = user_id(sandbox, "Ada@acme.com")
    ask(sandbox, "DELETE", f"/scim/v2/users/{ada}")
    row = next(row for row in rows(sandbox, "users") if row["id"] == ada)
    assert (row["active"], row["groups"]) == (False, [])
    assert ask(sandbox, "GET", f"/scim/v2/users/{ada}").status == 404
    assert rows(sandbox, "users", filter='userName co "ada@"') == []
    assert ask(sandbox, "DELETE", f"/scim/v2/users/{ada}").status == 404


def test_deactivating_keeps_the_user_and_the_memberships() -> None:
    sandbox = company(deactivate_revokes=False, deactivate_hides=False)
    ada = user_id(sandbox, "Ada@acme.com")
    assert body(patch(sandbox, "users", ada, REPLACE_ACTIVE))["active"] is False
    assert len(get(sandbox, "Ada@acme.com")["groups"]) == 2
    assert ada in {row["id"] for row in rows(sandbox, "users")}


def test_deactivating_deletes_with_the_switch_but_not_who_is_inactive_already() -> None:
    sandbox = company(deactivate_revokes=True)
    ada, bob = user_id(sandbox, "Ada@acme.com"), user_id(sandbox, "bob@acme.com")
    assert body(patch(sandbox, "users", ada, REPLACE_ACTIVE))["active"] is False
    assert ask(sandbox, "GET", f"/scim/v2/users/{ada}").status == 404
    assert patch(sandbox, "users", bob, REPLACE_ACTIVE).ok
    assert ask(sandbox, "GET", f"/scim/v2/users/{bob}").ok


def test_lists_hide_inactive_users_with_the_switch() -> None:
    sandbox = company(deactivate_hides=True)
    assert [row["userName"] for row in rows(sandbox, "users")] == ["Ada@acme.com", "cleo@acme.com"]
    assert rows(sandbox, "users", filter='userName eq "bob@acme.com"') == []
    assert get(sandbox, "bob@acme.com")["active"] is False
    taken = ask(sandbox, "POST", "/scim/v2/users", {"userName": "bob@acme.com", "displayName": "B"})
    assert taken.status == 409


def test_embed_users_are_listed_apart() -> None:
    sandbox = company()
    (guest,) = rows(sandbox, "embed/users")
    assert guest["id"] not in {row["id"] for row in rows(sandbox, "users")}
    assert (guest["embedExternalId"], guest["embedEntity"], guest["embedEmail"]) == ("V-1", "shop", None)
    assert [group["display"] for group in guest["groups"]] == ["Finance"]
    assert body(ask(sandbox, "GET", f"/scim/v2/embed/users/{guest['id']}")) == guest
    assert ask(sandbox, "GET", f"/scim/v2/users/{guest['id']}").status == 404


@pytest.mark.parametrize(
    ("filter_text", "count"),
    [
        ('embedExternalId eq "V-1"', 1),
        ('embedExternalId eq "v-1"', 0),
        ('embedExternalId co "V"', 1),
        ('userName eq "EMBED-1@x.co"', 1),
        ('userName co "nobody"', 0),
    ],
)
def test_embed_users_are_filtered_by_external_id_with_case_and_by_name_without(
    filter_text: str, count: int
) -> None:
    assert len(rows(company(), "embed/users", filter=filter_text)) == count


def test_a_deleted_embed_user_leaves_the_groups() -> None:
    sandbox = company()
    guest = user_id(sandbox, "embed-1@x.co")
    assert ask(sandbox, "DELETE", f"/scim/v2/embed/users/{guest}").status == 204
    assert rows(sandbox, "embed/users") == []
    assert len(rows(sandbox, "groups")[0]["members"]) == 2


def test_the_same_requests_give_the_same_answers() -> None:
    def story(sandbox: Sandbox) -> list[object]:
        made = ask(sandbox, "POST", "/scim/v2/users", {"userName": "d@acme.com", "displayName": "D"})
        return [made.json, rows(sandbox, "users"), rows(sandbox, "groups")]

    assert story(company()) == story(Sandbox(Store.from_seed(COMPANY)))

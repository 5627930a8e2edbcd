from typing import Any

import pytest

from reconciler.errors import BadAnswer, CredentialRefused, Refused
from reconciler.model import User, Value
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.scim.codec import (
    GroupRow,
    UserRow,
    group_row,
    live_group,
    refusal,
    user_row,
    value,
    words,
)
from reconciler.transport.messages import Response

URN = OMNI.attributes
USER: dict[str, Any] = {
    "id": "4f-A_9",
    "userName": "Ada@acme.com",
    "displayName": "Ada",
    "active": True,
    "groups": [{"display": "Finance", "value": "mEhXj6ZI"}],
    URN: {"region": ["emea"], "level": 3, "ratio": 1.5, "admin": True, "none": None, "code": "x"},
}
GROUP: dict[str, Any] = {
    "id": "nPpX8Hw-",
    "displayName": "Finance",
    "members": [{"display": "Ada@acme.com", "value": "4f-A_9"}],
}


def user(**changes: Any) -> UserRow:
    return user_row({**USER, **changes}, OMNI)


def test_a_user_has_all_that_the_row_says() -> None:
    row = user()
    attributes: dict[str, Value] = {
        "region": ("emea",),
        "level": 3,
        "ratio": 1.5,
        "admin": True,
        "none": None,
        "code": "x",
    }
    assert row.live.resource == User("Ada@acme.com", "Ada", active=True, attributes=attributes)
    assert row.id == "4f-A_9"
    assert row.groups == ("mEhXj6ZI",)


def test_what_the_row_does_not_say_is_not_known() -> None:
    row = user_row({"id": "u1", "userName": "a@b.co"}, OMNI)
    assert row.live.resource == User("a@b.co", attributes={})
    assert row.groups is None


@pytest.mark.parametrize("key", ["displayName", "active", URN, "groups"])
def test_null_is_nothing(key: str) -> None:
    row = user(**{key: None})
    assert row.live.resource.email == "Ada@acme.com"


def test_more_attributes_can_be_added_to_what_is_known() -> None:
    row = user().with_attributes({"late": None})
    attributes = row.live.resource.attributes
    assert attributes is not None
    assert attributes["late"] is None
    assert attributes["code"] == "x"
    assert user().with_attributes({}) == user()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": None}, "a user came without 'id'"),
        ({"id": ""}, "a user came without 'id'"),
        ({"id": 7}, "a user came without 'id'"),
        ({"id": " x"}, "a user came with the id ' x', which no id of a directory looks like"),
        ({"id": "../groups"}, "a user came with the id '../groups', which no id of a directory looks like"),
        ({"userName": None}, "a user 4f-A_9 came without 'userName'"),
        ({"userName": ["x"]}, "a user 4f-A_9 came without 'userName'"),
        ({"displayName": 5}, "the user 4f-A_9 came with int as 'displayName', not str"),
        ({"active": "true"}, "the user 4f-A_9 came with str as 'active', not bool"),
        ({"active": 1}, "the user 4f-A_9 came with int as 'active', not bool"),
        ({URN: ["region"]}, f"the user 4f-A_9 came with list as '{URN}', not dict"),
        ({"groups": {"value": "x"}}, "a list of groups came as dict"),
        ({"groups": ["x"]}, "a group came as str, not as an object"),
        ({"groups": [{"display": "x"}]}, "a group came without 'value'"),
    ],
)
def test_a_user_of_another_shape_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadAnswer) as bad:
        user(**changes)
    assert str(bad.value) == message


@pytest.mark.parametrize("row", [None, [], "x", 5, True])
def test_a_row_that_is_no_object_is_refused(row: object) -> None:
    kind = type(row).__name__
    with pytest.raises(BadAnswer, match=f"a user came as {kind}, not as an object"):
        user_row(row, OMNI)
    with pytest.raises(BadAnswer, match=f"a group came as {kind}, not as an object"):
        group_row(row)


def test_a_group_has_its_members_by_id() -> None:
    assert group_row(GROUP) == GroupRow("nPpX8Hw-", "Finance", frozenset({"4f-A_9"}))
    assert group_row(GROUP | {"members": None}).members == frozenset()
    assert group_row(GROUP | {"members": []}).members == frozenset()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": None}, "a group came without 'id'"),
        ({"id": "a\nb"}, "a group came with the id 'a\\nb', which no id of a directory looks like"),
        ({"displayName": ""}, "a group nPpX8Hw- came without 'displayName'"),
        ({"members": "ada"}, "a list of members came as str"),
        ({"members": [None]}, "a member came as NoneType, not as an object"),
        ({"members": [{}]}, "a member came without 'value'"),
    ],
)
def test_a_group_of_another_shape_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadAnswer) as bad:
        group_row(GROUP | changes)
    assert str(bad.value) == message


def test_a_group_without_its_members_says_so() -> None:
    row = {key: item for key, item in GROUP.items() if key != "members"}
    assert group_row(row) == GroupRow("nPpX8Hw-", "Finance", frozenset(), tells_members=False)
    assert group_row(GROUP | {"members": None}).tells_members


def test_members_that_cannot_be_named_are_no_members_by_name() -> None:
    row = GroupRow("g", "Finance", frozenset({"u1", "embed"}))
    assert live_group(row, {"u1": "ada@acme.com", "u2": "bob@acme.com"}).resource.members == frozenset(
        {"ada@acme.com"}
    )


@pytest.mark.parametrize(
    ("found", "read"),
    [
        ("x", "x"),
        ("", ""),
        (5, 5),
        (1.5, 1.5),
        (True, True),
        (None, None),
        ([], ()),
        (["a", 1, None, {"b": 1}], ("a", 1)),
        ({"a": 1}, None),
    ],
)
def test_values_are_read_as_they_come(found: object, read: object) -> None:
    assert value(found) == read


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "Bad Request: userName: Required", "status": 400}, "Bad Request: userName: Required"),
        ({"error": "conflict", "message": "It is taken"}, "It is taken"),
        ({"error": "It is taken"}, "It is taken"),
        ({"error": {"code": "x", "message": "It is taken"}}, "It is taken"),
        ({"errors": ["one", "two"]}, "one; two"),
        ({"errors": [{"message": "one"}, {"detail": "two"}, {}, 5]}, "one; two"),
        ({"title": "Not found"}, "Not found"),
        ({"detail": "", "message": "Not found"}, "Not found"),
        ({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": "No", "status": "4"}, "No"),
        ("just text", "just text"),
        (["a", "b"], "a; b"),
        ({"code": 7}, '{"code": 7}'),
        ({}, "{}"),
        (False, "false"),
    ],
)
def test_an_error_of_every_known_shape_gives_its_words(body: object, said: str) -> None:
    assert words(Response(400, {}, body)) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("Too many\n  requests\u2028now", "Too many requests now"),
        ("<!DOCTYPE html><html>...", "an HTML page, not JSON"),
        (" <HTML><h1>502 Bad Gateway", "an HTML page, not JSON"),
        ("x" * 301, "x" * 297 + "..."),
        ("x" * 300, "x" * 300),
    ],
)
def test_other_text_becomes_one_line_that_is_not_too_long(text: str, said: str) -> None:
    assert words(Response(500, {}, None, text)) == said


def test_a_refusal_is_one_line_with_status_method_path_and_words() -> None:
    error = refusal("PATCH", "/scim/v2/users/u1", Response(400, {}, {"detail": "a\nb"}), OMNI)
    assert type(error) is Refused
    assert str(error) == "PATCH /scim/v2/users/u1 was answered 400: a b"
    assert str(refusal("GET", "/x", Response(502), OMNI)) == "GET /x was answered 502"


@pytest.mark.parametrize(
    ("status", "said"), [(401, "Missing or invalid API key"), (403, "Invalid bearer token")]
)
def test_401_and_403_are_about_the_credential(status: int, said: str) -> None:
    error = refusal("GET", "/x", Response(status, {}, {"detail": said, "status": status}), OMNI)
    assert isinstance(error, CredentialRefused)
    assert str(error) == f"GET /x was answered {status}: {said}"


def test_a_personal_token_gets_told_which_key_is_needed() -> None:
    said = "User-scoped API keys are not allowed to access the SCIM API."
    error = refusal("GET", "/scim/v2/users", Response(403, {}, {"detail": said}), OMNI)
    assert str(error) == (
        f"GET /scim/v2/users was answered 403: {said} This key belongs to a user. Users and groups need an "
        "organization API key, which an Organization Admin makes in Omni's settings under API keys"
    )

"""Who is let in: bearer tokens, and those that the token endpoint gives out."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

import pytest
from asking_scim import a_user, ask, body, company, refusal

from reconciler.sandbox.scim.instance import Sandbox
from reconciler.sandbox.scim.tokens import TOKEN_PATH
from reconciler.transport.messages import Request, Response

ROBOT = {"client_id": "robot", "client_secret": "s e/c:r"}
BASIC = {"Authorization": "Basic " + b64encode(b"robot:" + quote_plus("s e/c:r").encode()).decode()}


def grant(sandbox: Sandbox, headers: dict[str, str] | None = None, **form: str) -> Response:
    fields = {"grant_type": "client_credentials", **form}
    return sandbox.send(Request("POST", TOKEN_PATH, {}, headers or {}, form=tuple(fields.items())))


def token(sandbox: Sandbox, **form: str) -> str:
    return str(body(grant(sandbox, **ROBOT, **form))["access_token"])


def using(sandbox: Sandbox, given: str, path: str = "/Users") -> Response:
    return sandbox.send(Request("GET", path, headers={"authorization": f"bearer {given}"}))


def error(response: Response, status: int) -> str:
    found = body(response, status)
    assert found.keys() == {"error"}
    assert response.headers["cache-control"] == "no-store"
    return str(found["error"])


def test_who_has_no_token_is_told_how_to_show_one() -> None:
    sandbox = company()
    for headers in (
        {},
        {"Authorization": "Bearer none"},
        {"Authorization": "Basic sandbox"},
        {"Authorization": "sandbox"},
    ):
        response = sandbox.send(Request("POST", "/Users", headers=headers, json=a_user()))
        assert refusal(response, 401) == ""
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert ask(sandbox, "GET", "/Users").status == 200


def test_an_unknown_token_may_be_forbidden() -> None:
    sandbox = company(bad_token_403=True)
    assert using(sandbox, "none").status == 403
    assert sandbox.send(Request("GET", "/Users")).status == 401


@pytest.mark.parametrize(("headers", "form"), [(BASIC, {}), ({}, ROBOT)], ids=["basic", "form"])
def test_a_client_gets_a_token_that_opens_the_directory(
    headers: dict[str, str], form: dict[str, str]
) -> None:
    sandbox = company()
    response = grant(sandbox, headers, scope="users groups", **form)
    granted = body(response)
    assert response.headers["cache-control"] == "no-store"
    assert granted.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (granted["token_type"], granted["expires_in"], granted["scope"]) == (
        "Bearer",
        3600,
        "users groups",
    )
    assert using(sandbox, granted["access_token"]).status == 200
    assert len({token(sandbox) for _ in range(3)}) == 3


@pytest.mark.parametrize(
    ("form", "status", "expected"),
    [
        ({"client_id": "robot", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody", "client_secret": ""}, 401, "invalid_client"),
        ({}, 401, "invalid_client"),
        ({**ROBOT, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({**ROBOT, "scope": "users roles"}, 400, "invalid_scope"),
    ],
    ids=str,
)
def test_who_may_not_have_a_token_is_told_why(form: dict[str, str], status: int, expected: str) -> None:
    assert error(grant(company(), **form), status) == expected


@pytest.mark.parametrize("header", ["Basic none", "Basic cm9ib3Q=", "Bearer sandbox", "Basic \u00e9"])
def test_a_header_that_names_no_client_is_refused(header: str) -> None:
    response = grant(company(), {"Authorization": header})
    assert error(response, 401) == "invalid_client"
    assert response.headers["www-authenticate"].startswith("Basic")


def test_a_request_for_a_token_is_a_form_that_says_each_thing_once() -> None:
    sandbox = company()
    for request, status in (
        (Request("GET", TOKEN_PATH), 405),
        (Request("POST", TOKEN_PATH, form=tuple(ROBOT.items())), 400),
        (Request("POST", TOKEN_PATH, form=(*ROBOT.items(), ("scope", "a"), ("scope", "b"))), 400),
        (Request("POST", TOKEN_PATH, headers=BASIC, form=tuple(ROBOT.items())), 400),
    ):
        assert error(sandbox.send(request), status) == "invalid_request"


def test_a_client_may_have_to_say_who_it_is_in_one_way() -> None:
    for switch, by_header, by_form in (("basic", 200, 401), ("form", 401, 200)):
        sandbox = company(oauth_auth=switch)
        assert grant(sandbox, BASIC).status == by_header
        assert grant(sandbox, **ROBOT).status == by_form


def test_a_token_opens_what_its_scope_says() -> None:
    sandbox = company()
    for scope, users, groups in (("users", 200, 403), ("groups", 403, 200), ("", 200, 200)):
        given = token(sandbox, scope=scope)
        assert using(sandbox, given, "/Users").status == users
        response = using(sandbox, given, "/Groups")
        assert response.status == groups
        assert ("insufficient_scope" in response.headers.get("www-authenticate", "")) is (groups == 403)


def test_a_scope_may_be_narrower_than_asked_and_not_said() -> None:
    for switch, said in (("asked", "users groups"), ("narrower", "users"), ("unsaid", None)):
        sandbox = company(oauth_scope=switch)
        granted = body(grant(sandbox, **ROBOT, scope="users groups"))
        assert granted.get("scope") == said
        assert using(sandbox, granted["access_token"], "/Groups").status == (
            200 if switch == "asked" else 403
        )


def test_a_token_ends_when_it_said() -> None:
    now = [0.0]
    sandbox = company(clock=lambda: now[0], oauth_lifetime=60)
    given = token(sandbox)
    for moment, status in ((59.0, 200), (60.0, 401)):
        now[0] = moment
        assert using(sandbox, given).status == status
    assert using(sandbox, token(sandbox)).status == 200


def test_a_token_may_end_early() -> None:
    sandbox = company(oauth_ends_after=2)
    given = token(sandbox)
    assert [using(sandbox, given).status for _ in range(3)] == [200, 200, 401]
    assert ask(sandbox, "GET", "/Users").status == 200


def test_how_long_a_token_lasts_may_be_said_as_text_or_not() -> None:
    said: dict[str, Any] = {
        switch: body(grant(company(oauth_expires_in=switch), **ROBOT)).get("expires_in")
        for switch in ("number", "text", "absent")
    }
    assert said == {"number": 3600, "text": "3600", "absent": None}

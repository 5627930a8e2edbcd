"""Tokens for an id and a secret: got once, kept, renewed in time, and in nothing that is shown."""

import json
import threading
import traceback
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import pytest
from clocks import FakeClock
from hypothesis import given
from hypothesis import strategies as st
from logins import ID, SECRET, Api, Login

from reconciler.errors import NoAnswer, Unreachable
from reconciler.transport.auth import Secret
from reconciler.transport.messages import Request, Response
from reconciler.transport.oauth import Tokens, client, with_tokens
from reconciler.transport.pacing import Paced, Window

URL = "https://login.example/oauth2/token"
READ, WRITE = Request("GET", "/Users"), Request("POST", "/Users", json={"userName": "ada"})


def wired(
    login: Login, api: Api, scopes: Callable[[Request], frozenset[str]] = lambda _: frozenset({"users"})
) -> Any:
    asking = client(login, Secret(ID, "CLIENT_ID"), Secret(SECRET, "CLIENT_SECRET"))
    return with_tokens(api, Tokens(asking, URL, login.clock.now), scopes)


@pytest.fixture
def login() -> Login:
    return Login(FakeClock())


@pytest.fixture
def api(login: Login) -> Api:
    return Api(login)


def test_one_token_serves_every_request(login: Login, api: Api) -> None:
    transport = wired(login, api)
    for request in (READ, WRITE, READ):
        assert transport.send(request).status == 200
    assert (len(login.asked), api.done) == (1, [("GET", "users"), ("POST", "users"), ("GET", "users")])


def test_each_set_of_scopes_has_a_token_of_its_own_and_a_read_never_asks_to_write(
    login: Login, api: Api
) -> None:
    def scopes(request: Request) -> frozenset[str]:
        return frozenset({"view"} if request.method == "GET" else {"view", "edit"})

    transport = wired(login, api, scopes)
    transport.send(READ)
    assert [dict(one.form)["scope"] for one in login.asked] == ["view"]
    for request in (WRITE, READ, WRITE):
        transport.send(request)
    assert [dict(one.form)["scope"] for one in login.asked] == ["view", "edit view"]
    assert api.done == [("GET", "view"), ("POST", "edit view"), ("GET", "view"), ("POST", "edit view")]


def test_without_scopes_none_are_asked_for(login: Login, api: Api) -> None:
    wired(login, api, lambda _: frozenset()).send(READ)
    assert login.asked[0].form == (("grant_type", "client_credentials"),)


@given(lasts=st.integers(0, 7200), waits=st.lists(st.integers(0, 4000), max_size=20))
def test_a_token_that_ends_is_never_sent_and_none_is_got_too_soon(lasts: int, waits: list[int]) -> None:
    login = Login(FakeClock(), lasts)
    api = Api(login)
    transport = wired(login, api)
    for seconds in waits:
        login.clock.time += seconds
        transport.send(READ)
    if lasts:
        assert (api.refused, len(api.done)) == (0, len(waits))
    if lasts > 60:
        kept = lasts - 30
        ages = [0, *waits[1:]]
        expected, age = 0, float("inf")
        for wait in ages[: len(waits)]:
            age += wait
            if age >= kept:
                expected, age = expected + 1, 0
        assert len(login.asked) == expected


@pytest.mark.parametrize("said", [None, True, "soon", -1, float("nan"), 1e300, {}, "9" * 400])
def test_where_no_end_is_told_a_token_serves_until_it_is_refused(said: object) -> None:
    login = Login(FakeClock(), said)
    transport = wired(login, Api(login))
    for _ in range(3):
        login.clock.time += 100_000
        transport.send(READ)
    assert len(login.asked) == 1


def test_seconds_as_text_are_seconds() -> None:
    login = Login(FakeClock(), "3600")
    transport = wired(login, Api(login))
    transport.send(READ)
    login.clock.time += 3590
    transport.send(READ)
    assert len(login.asked) == 2


@pytest.mark.parametrize("request_", [READ, WRITE])
def test_a_token_that_is_refused_is_replaced_once_and_the_request_done_once(
    login: Login, api: Api, request_: Request
) -> None:
    transport = wired(login, api)
    transport.send(READ)
    login.good.clear()
    api.done.clear()
    assert transport.send(request_).status == 200
    assert (len(login.asked), api.refused, api.done) == (2, 1, [(request_.method, "users")])


def test_a_system_that_refuses_every_token_gets_two_and_its_answer_is_handed_on(
    login: Login, api: Api
) -> None:
    api.takes = False
    answer = wired(login, api).send(WRITE)
    assert answer == Response(401, {}, {"detail": "[key] is no good"})
    assert (len(login.asked), api.refused) == (2, 2)


def test_several_threads_get_one_token_between_them() -> None:
    login = Login(FakeClock())
    api = Api(login)
    transport, start = wired(login, api), threading.Barrier(8)

    def ask(_: int) -> int:
        start.wait()
        return int(transport.send(READ).status)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [200] * 8
        assert len(login.asked) == 1
        login.good.clear()
        assert list(pool.map(ask, range(8))) == [200] * 8
        assert len(login.asked) == 2


@given(text=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=20, max_size=40))
def test_an_id_and_a_secret_may_hold_any_visible_character(text: str) -> None:
    sent: list[Request] = []

    class Wire:
        def send(self, request: Request) -> Response:
            sent.append(request)
            return Response(204)

    client(Wire(), Secret(text), Secret(text[::-1])).send(Request("POST", "/token"))
    name, secret = b64decode(sent[0].headers["Authorization"].removeprefix("Basic ")).decode().split(":")
    assert (unquote_plus(name), unquote_plus(secret)) == (text, text[::-1])


NO_TOKEN = f"no token from {URL}, so nothing else was sent: "


def refused(login: Login, api: Api, *answers: Response | NoAnswer) -> str:
    login.instead += answers
    with pytest.raises(Unreachable) as caught:
        wired(login, api).send(WRITE)
    shown = "".join(traceback.format_exception(caught.value))
    for secret in (SECRET, "token-number", login.asked[0].headers["Authorization"].partition(" ")[2]):
        assert secret not in shown
    assert (api.done, api.refused) == ([], 0)
    said = str(caught.value)
    assert said.startswith(NO_TOKEN)
    return said.removeprefix(NO_TOKEN)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": f"no {ID} with {SECRET}"},
            "it was refused with 401 (invalid_client); check the id and the secret",
        ),
        (
            400,
            {"error": "invalid_scope"},
            "it was refused with 400 (invalid_scope); check `scopes`, and what this client may ask for",
        ),
        (
            400,
            {"error": "unauthorized_client"},
            "it was refused with 400 (unauthorized_client); let this client use client credentials",
        ),
        (
            400,
            {"error": "unsupported_grant_type"},
            "it was refused with 400 (unsupported_grant_type); it gives no tokens for client credentials",
        ),
        (
            400,
            {"error": "invalid_grant"},
            "it was refused with 400 (invalid_grant); check `token_url`, the id and the secret",
        ),
        (
            302,
            None,
            (
                "it answers with a redirect (302), which is not followed, since the secret would go along; "
                "give `token_url` the address where it really is"
            ),
        ),
        (404, None, "it was refused with 404; check `token_url`, the id and the secret"),
        (403, ["no"], "it was refused with 403; check `token_url`, the id and the secret"),
        (400, {"error": {"a": 1}}, "it was refused with 400; check `token_url`, the id and the secret"),
        (503, {"error": "x" * 500}, "it was refused with 503; try again"),
        (429, None, "it was refused with 429; try again"),
        (200, None, "the answer is no JSON that holds an access_token; check `token_url`"),
        (200, {"access_token": 7}, "the answer is no JSON that holds an access_token; check `token_url`"),
        (200, {"access_token": ""}, "the answer is no JSON that holds an access_token; check `token_url`"),
        (
            200,
            {"access_token": "t" * 40_000, "token_type": "bearer"},
            "the answer is no JSON that holds an access_token; check `token_url`",
        ),
        (
            200,
            {"access_token": "token-number-1"},
            "the answer's token_type is not Bearer, and no other is known here",
        ),
        (
            200,
            {"access_token": "token-number-1", "token_type": "mac"},
            "the answer's token_type is not Bearer, and no other is known here",
        ),
        (
            200,
            {"access_token": "token-number-1\r\nX-Evil: 1", "token_type": "bearer"},
            "the access_token holds a character that no token can hold",
        ),
    ],
)
def test_no_token_means_that_nothing_is_sent_and_why(
    login: Login, api: Api, status: int, body: object, said: str
) -> None:
    assert refused(login, api, Response(status, {}, body)) == said


@pytest.mark.parametrize("field", ["error", "error_description", "error_uri", "token_type", "scope"])
@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize(
    "spelled",
    [
        lambda text: text,
        quote_plus,
        lambda text: quote_plus(text).lower(),
        lambda text: text.replace("/", "\\/"),
        lambda text: "".join(f"&#{ord(each)};" for each in text),
        lambda text: text[::-1],
        lambda text: text[:6],
    ],
)
def test_no_words_of_an_address_that_gives_tokens_are_shown(
    login: Login, api: Api, field: str, status: int, spelled: Callable[[str], str]
) -> None:
    words = spelled(SECRET)
    body = {"access_token": "t", "token_type": "bearer", "scope": "other", field: f"{words} {words}"}
    assert words not in refused(login, api, Response(status, {"location": words}, body))


def test_an_address_without_an_answer_is_told(login: Login, api: Api) -> None:
    said = refused(login, api, NoAnswer("POST /oauth2/token: login.example refuses the connection"))
    assert said == "POST /oauth2/token: login.example refuses the connection"


@pytest.mark.parametrize("granted", ["users", ["users"], "users other", ""])
def test_a_token_with_less_than_was_asked_for_names_what_is_missing(granted: object) -> None:
    login = Login(FakeClock(), scope=granted)
    api = Api(login)
    with pytest.raises(Unreachable) as caught:
        wired(login, api, lambda _: frozenset({"users", "groups", "roles"})).send(READ)
    missing = "groups, roles" if granted else "groups, roles, users"
    assert str(caught.value) == (
        f"{NO_TOKEN}it lacks the scope {missing}, which was asked for; "
        "let this client have it, or leave it out of `scopes`"
    )
    assert api.done == []


@pytest.mark.parametrize("granted", ["users", "more users", ["users"]])
def test_a_token_with_all_or_more_will_do(granted: object) -> None:
    login = Login(FakeClock(), scope=granted, token_type="bEaReR")
    assert wired(login, Api(login)).send(READ).status == 200


def test_what_repeats_a_token_comes_back_without_it(login: Login, api: Api) -> None:
    api.echoes = True
    assert wired(login, api).send(READ) == Response(200, {}, {"you sent": "[key]"})


def test_the_secret_is_in_no_text_of_what_holds_it(login: Login, api: Api) -> None:
    asking = client(login, Secret(ID), Secret(SECRET))
    tokens = Tokens(asking, URL, login.clock.now)
    transport = with_tokens(api, tokens, lambda _: frozenset())
    transport.send(READ)
    shown = repr((tokens, transport, tokens.kept, vars(transport)))
    assert SECRET not in shown
    assert "token-number" not in shown


def test_a_login_that_is_busy_or_fails_is_asked_again(login: Login, api: Api) -> None:
    login.instead += [Response(429), Response(503), NoAnswer("lost")]
    asking = client(login, Secret(ID), Secret(SECRET))
    patient = Paced(asking, Window(None), login.clock, lambda: 0.0, harmless=("POST",))
    tokens = Tokens(patient, URL, login.clock.now)
    assert with_tokens(api, tokens, lambda _: frozenset({"users"})).send(WRITE).status == 200
    assert (len(login.asked), len(api.done)) == (4, 1)
    assert login.clock.slept > 0


def test_the_form_is_what_the_standard_says(login: Login, api: Api) -> None:
    wired(login, api, lambda _: frozenset({"b:c", "a"})).send(READ)
    (asked,) = login.asked
    assert asked.form == (("grant_type", "client_credentials"), ("scope", "a b:c"))
    assert asked.json is None
    assert quote_plus(SECRET) not in json.dumps([asked.path, dict(asked.query)])

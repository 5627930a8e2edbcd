import copy
import traceback
from urllib.parse import quote

import pytest

from reconciler.errors import NoAnswer, Unreachable
from reconciler.transport.auth import Secret, bearer, scrub, scrub_all
from reconciler.transport.messages import Request, Response

KEY = "omni_osk_s3cr3t+/="
ESCAPED = "omni_osk_s3cr3t%2B%2F%3D"


class Replies:
    """A Transport that gives one reply, or raises it, and remembers what it was sent."""

    def __init__(self, reply: Response | NoAnswer) -> None:
        self.reply = reply
        self.sent: list[Request] = []

    def send(self, request: Request) -> Response:
        self.sent.append(request)
        if isinstance(self.reply, NoAnswer):
            raise self.reply
        return self.reply


def test_a_secret_shows_its_name_and_never_itself() -> None:
    secret = Secret(KEY, "OMNI_API_KEY")
    shown = f"{secret} {secret!r} {secret!s} {[secret]} {copy.copy(secret)} %s" % secret
    assert KEY not in shown
    assert "<secret OMNI_API_KEY>" in shown
    assert secret.reveal() == KEY


@pytest.mark.parametrize(
    "key",
    [
        "hunter2 ",
        " hunter2",
        "hunter2\n",
        "hun\tter2",
        "hunter2\x00",
        "hunter2\u00a0",
        "hünter2",
        "Bearer hunter2",
    ],
)
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match="OMNI_API_KEY holds a space, a line break or another") as caught:
        Secret(key, "OMNI_API_KEY")
    assert "nter2" not in str(caught.value)


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="OMNI_API_KEY is empty"):
        Secret("", "OMNI_API_KEY")


def test_scrub_takes_out_every_key_also_escaped_and_the_longest_first() -> None:
    secrets = [Secret("abc"), Secret("abcdef"), Secret(KEY)]
    assert scrub(f"abcdef abc {KEY} {ESCAPED} ab", secrets) == "[key] [key] [key] [key] ab"


def test_scrub_all_takes_out_every_key_that_was_ever_held() -> None:
    Secret("held-and-forgotten")
    assert scrub_all("x held-and-forgotten y") == "x [key] y"


def test_scrub_without_keys_changes_nothing() -> None:
    assert scrub("abc", []) == "abc"


def test_bearer_adds_the_header_and_keeps_the_rest() -> None:
    inner = Replies(Response(200, json={"id": "1"}))
    request = Request("POST", "/x", {"q": "1"}, {"X-Trace": "7"}, {"a": 1})
    assert bearer(inner, Secret(KEY)).send(request) is inner.reply
    sent = inner.sent[0]
    assert sent.headers == {"X-Trace": "7", "Authorization": f"Bearer {KEY}"}
    assert (sent.method, sent.path, sent.query, sent.json) == ("POST", "/x", {"q": "1"}, {"a": 1})
    assert KEY not in repr(sent)
    assert request.headers == {"X-Trace": "7"}


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_a_refusal_that_repeats_the_key_comes_back_without_it(status: int) -> None:
    body = {
        "detail": f"Invalid bearer token {KEY}",
        "errors": [{KEY: [f"x{KEY}", 5, None, True]}],
        "status": status,
    }
    inner = Replies(Response(status, {"www-authenticate": f"Bearer {KEY}"}, body, f"<p>{ESCAPED}</p>"))
    answer = bearer(inner, Secret(KEY)).send(Request("GET", "/x"))
    assert answer == Response(
        status,
        {"www-authenticate": "Bearer [key]"},
        {
            "detail": "Invalid bearer token [key]",
            "errors": [{"[key]": ["x[key]", 5, None, True]}],
            "status": status,
        },
        "<p>[key]</p>",
    )


@pytest.mark.parametrize("key", [KEY, "a'key\"with\\all-of-them"])
@pytest.mark.parametrize("where", ["header", "value", "name", "text", "escaped"])
def test_a_success_that_repeats_the_key_comes_back_without_it(key: str, where: str) -> None:
    said = {
        "header": Response(200, {"x-echo": key}, {"id": "1"}),
        "value": Response(201, json={"Resources": [{"displayName": f"by {key}"}]}),
        "name": Response(200, json={"seen": {key: True}}),
        "text": Response(200, text=f"<p>{key}</p>"),
        "escaped": Response(200, json=[quote(key, safe="")]),
    }[where]
    answer = bearer(Replies(said), Secret(key)).send(Request("GET", "/x"))
    shown = str((answer.headers, answer.json, answer.text))
    assert "[key]" in shown
    assert key not in shown
    assert quote(key, safe="") not in shown


def test_a_key_that_may_be_a_word_leaves_what_people_are_called_alone() -> None:
    inner = Replies(Response(200, json={"userName": "sandbox@acme.com"}))
    assert bearer(inner, Secret("sandbox")).send(Request("GET", "/x")) is inner.reply


@pytest.mark.parametrize("kind", [NoAnswer, Unreachable])
def test_a_failure_stays_of_its_kind_and_loses_the_key(kind: type[NoAnswer]) -> None:
    inner = Replies(kind(f"GET /x: redirected to evil.com/{KEY}"))
    with pytest.raises(NoAnswer) as caught:
        bearer(inner, Secret(KEY)).send(Request("GET", "/x"))
    assert type(caught.value) is kind
    assert str(caught.value) == "GET /x: redirected to evil.com/[key]"
    assert KEY not in "".join(traceback.format_exception(caught.value))

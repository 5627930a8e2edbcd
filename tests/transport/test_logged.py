import itertools

import pytest

from reconciler.errors import NoAnswer, Unreachable
from reconciler.transport.logged import Logged
from reconciler.transport.messages import BodyPart, Request, Response

KEY = "omni_osk_s3cr3t"


class Replies:
    def __init__(self, reply: Response | BaseException) -> None:
        self.reply = reply

    def send(self, request: Request) -> Response:  # noqa: ARG002 (every request gets the one reply)
        if isinstance(self.reply, BaseException):
            raise self.reply
        return self.reply


def logged(reply: Response | BaseException) -> tuple[Logged, list[str]]:
    lines: list[str] = []
    ticks = itertools.count(step=0.123)
    return Logged(Replies(reply), lines.append, lambda: next(ticks)), lines


def test_a_request_is_one_line_with_method_path_query_status_and_milliseconds() -> None:
    transport, lines = logged(Response(200, json={"x": "body"}))
    query = {"count": "100", "filter": 'userName eq "ada@acme.com"'}
    request = Request("GET", "/scim/v2/users/%2F", query, {"Authorization": f"Bearer {KEY}"}, {"x": "y"})
    assert transport.send(request) == Response(200, json={"x": "body"})
    assert lines == ['GET /scim/v2/users/%2F?count=100&filter=userName eq "ada@acme.com" 200 123 ms']


def test_nothing_of_a_body_is_logged() -> None:
    transport, lines = logged(Response(200))
    transport.send(Request("POST", "/x", form=(("password", KEY),)))
    transport.send(Request("POST", "/x", multipart=(BodyPart("file", KEY.encode(), KEY, KEY),)))
    assert lines == ["POST /x 200 123 ms"] * 2


def test_what_stands_in_a_path_or_query_cannot_move_the_cursor() -> None:
    transport, lines = logged(Response(404))
    transport.send(Request("GET", "/x\x1b[2J\n", {"filter": "\x1b[31m\r\n\u202e&a=b"}))
    assert lines == ["GET /x%1B%5B2J%0A?filter=%1B%5B31m%0D%0A%E2%80%AE%26a%3Db 404 123 ms"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NoAnswer(f"leaks {KEY}"), "DELETE /x no answer 123 ms"),
        (Unreachable(f"leaks {KEY}"), "DELETE /x refused 123 ms"),
        (KeyboardInterrupt(), "DELETE /x failed 123 ms"),
    ],
)
def test_a_failure_is_logged_without_its_text_and_goes_on(error: BaseException, line: str) -> None:
    transport, lines = logged(error)
    with pytest.raises(type(error)):
        transport.send(Request("DELETE", "/x"))
    assert lines == [line]


def test_the_clock_is_the_machines_where_none_is_given() -> None:
    lines: list[str] = []
    Logged(Replies(Response(204)), lines.append).send(Request("GET", "/x"))
    assert len(lines) == 1

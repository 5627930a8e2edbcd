import pytest

from reconciler.errors import NoAnswer
from reconciler.transport.messages import Reader, Request, Response


class Echo:
    """A Transport that answers with what it was asked."""

    def send(self, request: Request) -> Response:
        if request.path == "/lost":
            message = "lost"
            raise NoAnswer(message)
        return Response(200, json=[request.method, request.path, dict(request.query), request.json])


@pytest.mark.parametrize(
    ("status", "ok"), [(199, False), (200, True), (204, True), (299, True), (300, False), (404, False)]
)
def test_an_answer_is_ok_in_the_two_hundreds(status: int, *, ok: bool) -> None:
    assert Response(status).ok is ok


def test_a_reader_gets_and_raises_what_its_transport_raises() -> None:
    reader = Reader(Echo())
    assert reader.get("/x").json == ["GET", "/x", {}, None]
    assert reader.get("/x", {"count": "1"}).json == ["GET", "/x", {"count": "1"}, None]
    with pytest.raises(NoAnswer, match="lost"):
        reader.get("/lost")


def test_a_reader_has_no_way_to_write() -> None:
    reader = Reader(Echo())
    assert [name for name in dir(reader) if not name.startswith("_")] == ["announce", "get", "keys"]
    with pytest.raises(AttributeError):
        reader.send = Echo().send  # type: ignore[attr-defined]


def test_a_request_does_not_show_its_headers() -> None:
    assert "s3cr3t" not in repr(Request("GET", "/x", headers={"Authorization": "Bearer s3cr3t"}))

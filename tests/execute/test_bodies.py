"""A made-up system that takes a form and a file: from the change to the bytes on the wire."""

from collections.abc import Iterator, Mapping, Sequence
from email import message_from_bytes
from urllib.parse import parse_qsl

import pytest
from bulky import BulkProvider
from clocks import FakeClock
from executing import ADA, DAN, Notebook, create_group, create_user
from wire import Server, running

from reconciler.changes import Atom, Change, atoms
from reconciler.execute.execution import Execution
from reconciler.execute.headcount import Headcount
from reconciler.model import Address, Group, Live, LiveState, User, user_address
from reconciler.operations import Body, Field, Form, Multipart, Operation, Ref
from reconciler.providers.base import Answer
from reconciler.transport.messages import Reader, Response
from reconciler.transport.network import Network

PICTURE = b"\x89PNG\r\n\xff"


class Paper(BulkProvider):
    """Makes a person by a file, and a group by a form that names each member."""

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        return [Operation(atoms(c), "POST", (f"{c.address.kind}s",), _body(c), c.label) for c in changes]

    def receive(self, operation: Operation, response: Response) -> Answer:
        return Answer("done", {operation.covers[0].address: response.text})

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:  # noqa: ARG002
        users = (Live(User(DAN), "p7"), Live(User(ADA), "p1"))
        return LiveState(users, (Live(Group("New", frozenset({ADA, DAN})), "g1"),))


def _body(change: Change) -> Body:
    if change.address.kind == "user":
        return Multipart((Field("login", change.label), Field("picture", PICTURE, "a.png", "image/png")))
    people = [atom.member for atom in atoms(change) if atom.member]
    return Form((("name", change.label), *(("member", Ref(person)) for person in people)))


@pytest.fixture
def server() -> Iterator[Server]:
    yield from running(Server())


def test_a_file_is_sent_and_a_form_with_the_id_that_came_back(
    server: Server,
) -> None:
    server.reply(201, "p7")
    server.reply(201, "g1")
    log: list[str] = []
    network = Network(server.root)
    execution = Execution(
        provider=Paper(),
        transport=network,
        journal=Notebook(log),
        ids={user_address(ADA): "p1"},
        definitions={},
        stop=lambda: False,
        wait=FakeClock().sleep,
        on_progress=lambda _: None,
        headcount=Headcount(),
    )
    assert execution.run([create_user(DAN), create_group("New", [ADA, DAN])]) == ""
    network.close()
    assert {outcome.status for outcome in execution.outcomes.values()} == {"done"}

    file, form = server.seen
    head = f"Content-Type: {file.headers['content-type']}\r\n\r\n".encode()
    login, picture = message_from_bytes(head + file.body).get_payload()
    assert login.get_payload() == DAN  # type: ignore[union-attr]
    assert picture.get_filename() == "a.png"  # type: ignore[union-attr]
    assert PICTURE in file.body
    assert parse_qsl(form.body.decode()) == [("name", "New"), ("member", "p1"), ("member", "p7")]
    assert log == ["start", *["intent POST", "result POST 201"] * 2, "end"]

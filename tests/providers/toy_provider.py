"""The provider for the club: changes as rows of one request, what it says of each row as a verdict."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from reconciler import model
from reconciler.changes import Atom, Change, Create, Delete, atoms, fields_of
from reconciler.errors import NotAccepted, Problem, Refused
from reconciler.model import NAMED_BY, Address, Definition, DesiredState, Live, LiveState, Need
from reconciler.operations import Content, Field, Multipart, Operation, Ref
from reconciler.providers.base import Answer, Part, Verdict
from reconciler.providers.fitting import misfits
from reconciler.transport.messages import Reader, Response

ATTRIBUTES = {
    "region": Definition("region", multiple=True),
    "level": Definition("level", "number"),
    "code": Definition("code"),
    "member": Definition("member", "boolean"),
    "since": Definition("since", "date-time"),
    "manager": Definition("manager", "user"),
    "badge": Definition("badge", written="on creation"),
    "pin": Definition("pin", readable=False),
    "photo": Definition("photo", "file", readable=False),
}
PATHS = {"called": NAMED_BY["user"], "name": ("name",), "active": ("active",), "gone": ()}
ROWS: Mapping[str, Verdict] = {"ok": "done", "queued": "pending", "there": "exists", "unknown": "refused"}
STATUSES: Mapping[int, Verdict] = {200: "untried", 401: "credential", 429: "busy"}


class ToyProvider:
    def read(self, reader: Reader, need: Need) -> LiveState:  # noqa: ARG002 (one answer holds everything)
        answer = reader.get("/all")
        if not answer.ok:
            message = f"GET /all was answered {answer.status}"
            raise NotAccepted(message) if answer.status == 401 else Refused(message)
        body: Any = answer.json
        things, rows = body["things"], body["things"].items()
        return LiveState(
            tuple(_user(one, row, things) for one, row in rows if row["kind"] == "user"),
            tuple(Live(model.Group(row["called"]), one) for one, row in rows if row["kind"] == "group"),
            ATTRIBUTES,
            under_way=tuple(fact for row in body["queue"] for fact in _under_way(row)),
        )

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:  # noqa: ARG002
        return self.read(reader, Need())

    def audit(self, desired: DesiredState, live: LiveState) -> list[Problem]:  # noqa: ARG002 (all clubs are alike)
        return misfits(desired, ATTRIBUTES, "Toy")

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        covers = tuple(atom for change in changes for atom in atoms(change))
        parts = tuple(part for number, change in enumerate(changes) for part in _row(number, change))
        return (
            [Operation(covers, "POST", ("rows",), Multipart(parts), f"{len(changes)} rows")] if parts else []
        )

    def receive(self, operation: Operation, response: Response) -> Answer:
        rows: Any = response.json if response.ok else ()
        by_row = zip(groupby(operation.covers, lambda atom: atom.address), rows, strict=False)
        parts = tuple(
            Part(tuple(of), ROWS[row["verdict"]], {one: row["id"]} if "id" in row else {}, row["verdict"])
            for (one, of), row in by_row
        )
        verdict = STATUSES.get(response.status, "unsure")
        return Answer(verdict, {}, f"POST /rows was answered {response.status}", parts)


def _user(one: str, row: Mapping[str, Any], things: Mapping[str, Any]) -> Live[model.User]:
    values = {name: _value(row.get(name)) for name, each in ATTRIBUTES.items() if each.readable}
    values["manager"] = things.get(values["manager"], {}).get("called")
    return Live(model.User(row["called"], row.get("name"), row.get("active", True), None, values), one)


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _under_way(row: Mapping[str, Any]) -> Iterator[model.UnderWay]:
    one = row["id"] if "id" in row else model.user_address(row["called"])
    for name in row.keys() - {"id", "kind"}:
        yield model.UnderWay(one, PATHS.get(name, ("attributes", name)), _value(row[name]))


def _row(number: int, change: Change) -> Iterator[Field]:
    kind = change.address.kind
    makes = isinstance(change, Create) and any(f.path == NAMED_BY[kind] for f in change.fields)
    row: dict[str, str | Ref | Content] = {}
    row |= {"kind": f'"{kind}"'} if makes else {"id": Ref(change.address, '"{}"')}
    row |= {"gone": "null"} if isinstance(change, Delete) else {}
    for field in fields_of(change):
        name = "called" if field.path == NAMED_BY[kind] else field.path[-1]
        text = Content(str(field.after)) if name == "photo" and field.after else json.dumps(field.after)
        row[name] = next((Ref(each, '"{}"') for each in field.names), text)
    for name, content in row.items():
        yield Field(f"{number}.{name}", content, "a.png" if isinstance(content, Content) else "")

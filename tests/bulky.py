"""A made-up system that takes many changes in one request and answers each by itself, and its provider.

There is one write, ``POST /bulk``, whatever it is for, and one read, ``GET /all``. It knows no
SCIM: a thing is found by its name (``user/ada@acme.com``), and a membership is a row of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from clocks import FakeClock
from executing import HERE, Notebook, Recorder, Run

from reconciler.changes import Atom, Change, FieldChange, Update, atoms, narrow
from reconciler.errors import NoAnswer, Problem
from reconciler.execute.execution import Execution
from reconciler.execute.headcount import Headcount
from reconciler.model import (
    ACTIVE,
    NAMED_BY,
    Address,
    Definition,
    DesiredState,
    Group,
    Live,
    LiveState,
    Need,
    User,
    address_of,
    group_address,
    user_address,
)
from reconciler.operations import Json, Operation, Ref
from reconciler.planning.diff import facts_of, holds
from reconciler.providers.base import Answer, Part, Verdict
from reconciler.transport.messages import Reader, Request, Response

Row = tuple[Atom, ...]


@dataclass
class Bulk:
    """The system. ``says`` has what to answer to a row instead of doing it, one after the other."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    says: dict[str, list[str]] = field(default_factory=dict)
    errors_until_it_stops: int = 0
    """After so many rows in a request that went wrong the rest is not tried; 0 for never."""
    whole: list[Response | Exception] = field(default_factory=list)
    """Answers to a request as a whole, none of whose rows is looked at."""
    later: list[dict[str, Any]] = field(default_factory=list)
    """What was taken, and is not done yet."""
    seen: list[list[str]] = field(default_factory=list)
    reads_until_it_is_done: int = 1_000
    reads_fail: bool = False
    before_row: Callable[[str], object] = lambda _: None

    def send(self, request: Request) -> Response:
        """Answer one request."""
        if request.method == "GET":
            if self.reads_fail:
                message = "timed out"
                raise NoAnswer(message)
            self.reads_until_it_is_done -= 1
            if self.reads_until_it_is_done <= 0:
                self.catch_up()
            groups = {name: sorted(members) for name, members in self.groups.items()}
            return Response(200, {}, {"users": self.users, "groups": groups})
        body: Any = request.json
        self.seen.append([row["name"] for row in body["rows"]])
        if self.whole:
            answer = self.whole.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return Response(200, {}, list(self._answers(body["rows"])))

    def catch_up(self) -> None:
        """Do what was taken."""
        while self.later:
            self._do(self.later.pop(0))

    def _answers(self, rows: Sequence[Any]) -> Iterator[dict[str, Any]]:
        errors = 0
        for row in rows:
            if self.errors_until_it_stops and errors >= self.errors_until_it_stops:
                return
            self.before_row(row["name"])
            verdict = (self.says.get(row["name"]) or [""]).pop(0) or self._do(row)
            if verdict == "pending":
                self.later.append(row)
            elif verdict == "lost":
                self._do(row)
                verdict = "unsure"
            errors += verdict not in ("done", "pending")
            if verdict == "done":
                learned = {"id": _id(*row["at"].split("/", 1))} if row["new"] else {}
                yield {"verdict": verdict, "words": "", **learned}
            else:
                yield {"verdict": verdict, "words": f"the system says {verdict}"}

    def _do(self, row: Mapping[str, Any]) -> str:
        kind, name = row["at"].split("/", 1)
        things: dict[str, Any] = self.users if kind == "user" else self.groups
        if row["new"]:
            if name in things:
                return "exists"
            things[name] = {} if kind == "user" else set()
        elif name not in things:
            return "refused"
        if row["gone"]:
            del things[name]
        if row["member"]:
            person = next((email for email in self.users if _id("user", email) == row["member"]), None)
            if person is None:
                return "refused"
            (things[name].add if row["joins"] else things[name].discard)(person)
        elif kind == "user" and not row["gone"]:
            things[name].update(row["fields"])
        return "done"


class BulkProvider:
    """Says changes as rows of one request for each stage, and reads one verdict for each row."""

    def read(self, reader: Reader, need: Need) -> LiveState:  # noqa: ARG002 (the protocol)
        body: Any = reader.get("/all").json
        users = tuple(
            Live(User(key, row.get("name"), row.get("active", True)), _id("user", key))
            for key, row in body["users"].items()
        )
        groups = tuple(
            Live(Group(name, frozenset(people)), _id("group", name))
            for name, people in body["groups"].items()
        )
        return LiveState(users, groups)

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:  # noqa: ARG002
        return self.read(reader, Need())

    def audit(self, desired: DesiredState, live: LiveState) -> list[Problem]:  # noqa: ARG002
        return []

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        covers = tuple(atom for change in changes for atom in atoms(change))
        rows: list[Json] = [_row(row) for row in rows_of(covers)]
        summary = f"{len(rows)} rows"
        return [Operation(covers, "POST", ("bulk",), {"rows": rows}, summary)] if covers else []

    def receive(self, operation: Operation, response: Response) -> Answer:
        if response.json is None:
            verdicts: dict[int, Verdict] = {
                400: "refused",
                409: "exists",
                429: "busy",
                202: "pending",
                501: "unsupported",
            }
            return Answer(verdicts.get(response.status, "unsure"), message=f"answered {response.status}")
        said: Any = response.json
        rows = zip(rows_of(operation.covers), said, strict=False)
        parts = tuple(Part(row, one["verdict"], _learned(row, one), one["words"]) for row, one in rows)
        return Answer("untried", message="the system stopped before it", parts=parts)


def _learned(row: Row, said: Mapping[str, Any]) -> dict[Address, str]:
    return {row[0].address: said["id"]} if "id" in said else {}


def rows_of(covers: Iterable[Atom]) -> list[Row]:
    """The atoms of each row: a membership by itself, all else of one object together."""
    rows: dict[tuple[Address, Address | None], list[Atom]] = {}
    for atom in covers:
        rows.setdefault((atom.address, atom.member), []).append(atom)
    return list(map(tuple, rows.values()))


def name_of(row: Row) -> str:
    """What a row is called, in what the system says and in ``says``."""
    member = f"{'+' if row[0].after else '-'}{row[0].member.key}" if row[0].member else ""
    return f"{row[0].address}{member}"


def _row(row: Row) -> Json:
    first = row[0]
    return {
        "name": name_of(row),
        "at": str(first.address),
        "new": any(atom.id is None and atom.path == NAMED_BY[first.address.kind] for atom in row),
        "gone": first.path == (),
        "member": Ref(first.member) if first.member else None,
        "joins": bool(first.after),
        "fields": {a.path[0]: a.after if isinstance(a.after, bool) else str(a.after) for a in row if a.path},
    }


def _id(kind: str, name: str) -> str:
    """The id of a thing, which holds letters, digits and dashes only."""
    return f"{kind[0]}-" + "".join(letter if letter.isalnum() else "-" for letter in name)


@dataclass
class Applied(Run):
    """One run over changes, and what came of it."""

    system: Bulk
    journal_fails_at: int | None = None
    headcount: Headcount = field(default_factory=Headcount)
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    log: list[str] = field(default_factory=list)

    def run(self, *changes: Change) -> list[str]:
        """Execute, and return what became of each atom, in words."""
        self.recorder = Recorder(self.system, self.log, None)
        self.execution = Execution(
            provider=BulkProvider(),
            transport=self.recorder,
            journal=Notebook(self.log, self.journal_fails_at),
            ids=ids_of(self.system),
            definitions=self.definitions,
            stop=lambda: False,
            wait=self.clock.sleep,
            on_progress=lambda _: None,
            headcount=self.headcount,
        )
        return self.done(changes)

    @property
    def reads(self) -> int:
        return sum(request.method == "GET" for request in self.recorder.sent)


def ids_of(system: Bulk) -> dict[Address, str]:
    """Every live id, as a plan hands it to its execution."""
    people = {user_address(email): _id("user", email) for email in system.users}
    return people | {group_address(name): _id("group", name) for name in system.groups}


def club(*emails: str, **groups: Iterable[str]) -> Bulk:
    """A system with these people and groups."""
    return Bulk(
        {email: {"name": email} for email in emails}, {name: set(who) for name, who in groups.items()}
    )


def rename(email: str, name: str) -> Update:
    """Give a person another name."""
    return _update(user_address(email), email, FieldChange(("name",), email, name))


def deactivate(email: str) -> Update:
    """End a person's access."""
    change = _update(user_address(email), email, FieldChange(ACTIVE, before=True, after=False))
    return replace(change, removal="deactivate")


def regroup(name: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Update:
    """Change who is in a group."""
    joins = (FieldChange(("members", person), None, after=True) for person in add)
    leaves = (FieldChange(("members", person), before=True, after=None) for person in remove)
    return _update(group_address(name), name, *joins, *leaves)


def _update(address: Address, label: str, *fields: FieldChange) -> Update:
    return Update(address, label, _id(address.kind, label), fields, HERE)


def still_to_do(system: Bulk, changes: Iterable[Change]) -> list[Change]:
    """What a next plan would find: the changes without what is true by now, with the ids that are known."""
    live = BulkProvider().read(Reader(system), Need())
    facts = {address_of(one.resource): facts_of(one.resource, {}) for one in live.objects}
    return [
        part
        for change in changes
        if (part := narrow(change, [a for a in atoms(change) if not holds(a, facts.get(a.address), {})]))
    ]

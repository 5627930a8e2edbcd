"""Running changes against a pretend Omni, with everything that happens in one list."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from asking import company, user_id
from builders import MANDATE
from clocks import FakeClock

from reconciler.changes import Atom, Change, Create, Delete, FieldChange, Removal, Update, atoms
from reconciler.errors import JournalFailed, Place
from reconciler.execute.execution import Execution, Progress
from reconciler.execute.headcount import Headcount
from reconciler.journal import Event, Journal
from reconciler.model import Address, Definition, Value, group_address, user_address, user_key
from reconciler.operations import Outcome
from reconciler.providers.base import Provider
from reconciler.providers.omni.provider import Omni
from reconciler.report import Report
from reconciler.sandbox.faults import Fault, play
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Method, Request, Response, Transport

HERE = Place("people.yaml", 1, 1)
REGION = Definition("region", multiple=True, default=("emea",))
Answerer = Callable[[Request, Transport], Response]


class Notebook(Journal):
    """A journal that writes into the list that everything else writes into, until it is full."""

    def __init__(self, log: list[str], fails_at: int | None = None) -> None:
        self.log = log
        self.lines = 0
        self.fails_at = fails_at

    def write(
        self,
        event: Event,
        *,
        covers: Iterable[Atom] = (),  # noqa: ARG002 (the signature of a journal)
        method: str = "",
        path: str = "",  # noqa: ARG002 (the signature of a journal)
        status: int | None = None,
        detail: str = "",
        about: Mapping[str, object] | None = None,  # noqa: ARG002 (the signature of a journal)
        sent: Mapping[str, Mapping[str, str]] | None = None,  # noqa: ARG002 (the signature of a journal)
    ) -> None:
        self.lines += 1
        if self.fails_at is not None and self.lines >= self.fails_at:
            message = "the disk is full"
            raise JournalFailed(message)
        words = (event, method, str(status or ""), detail if event in ("end", "read-back") else "")
        self.log.append(" ".join(word for word in words if word))


class Recorder:
    """A Transport that notes what goes through it; ``answerer`` may answer in the other's place."""

    def __init__(self, inner: Transport, log: list[str], answerer: Answerer | None) -> None:
        self.inner, self.log, self.answerer = inner, log, answerer
        self.sent: list[Request] = []

    def send(self, request: Request) -> Response:
        self.sent.append(request)
        self.log.append(f"-> {request.method}")
        return self.answerer(request, self.inner) if self.answerer else self.inner.send(request)


class Run:
    """One execution, and what came of it."""

    execution: Execution
    changes: tuple[Change, ...] = ()
    stopped: str = ""

    def done(self, changes: tuple[Change, ...]) -> list[str]:
        """Execute, and return what became of each atom, in words."""
        self.changes = changes
        self.stopped = self.execution.run(changes)
        assert set(self.execution.outcomes) == {atom for change in changes for atom in atoms(change)}
        return [said(outcome) for outcome in self.execution.outcomes.values()]

    @property
    def report(self) -> Report:
        return Report(
            target="acme",
            run="run",
            journal="run.jsonl",
            changes=self.changes,
            outcomes=tuple(self.execution.outcomes.values()),
            unchanged=7,
            requests=self.execution.requests,
            seconds=1.0,
            mandate=MANDATE,
            stopped=self.stopped,
            interrupted=self.execution.stop(),
        )


@dataclass
class Stage(Run):
    """A sandbox, and one run over it. ``answerer`` stands between; ``stop`` is asked before each write."""

    sandbox: Sandbox = field(default_factory=company)
    answerer: Answerer | None = None
    stop: Callable[[], bool] = lambda: False
    journal_fails_at: int | None = None
    provider: Provider = field(default_factory=Omni)
    headcount: Headcount = field(default_factory=Headcount)
    clock: FakeClock = field(default_factory=FakeClock)
    log: list[str] = field(default_factory=list)
    steps: list[Progress] = field(default_factory=list)

    def run(self, *changes: Change) -> list[str]:
        """Execute, and return what became of each atom, in words."""
        self.recorder = Recorder(bearer(self.sandbox, Secret("sandbox")), self.log, self.answerer)
        self.execution = Execution(
            provider=self.provider,
            transport=self.recorder,
            journal=Notebook(self.log, self.journal_fails_at),
            ids=ids_of(self.sandbox),
            definitions={"region": REGION},
            stop=self.stop,
            wait=self.clock.sleep,
            on_progress=self.steps.append,
            headcount=self.headcount,
        )
        return self.done(changes)

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.recorder.sent if request.method != "GET"]

    @property
    def reads(self) -> list[Request]:
        return [request for request in self.recorder.sent if request.method == "GET"]

    def members(self, name: str) -> set[str]:
        return set(self.sandbox.store.snapshot()["groups"][name])


def said(outcome: Outcome) -> str:
    sign = "-" if outcome.atom.after is None else "+"
    reason = f": {outcome.reason}" if outcome.reason else ""
    return f"{sign} {outcome.atom} {outcome.status}{reason}"


def ids_of(sandbox: Sandbox) -> dict[Address, str]:
    """Every live id, as a plan hands it to its execution."""
    people = {user_address(user.email): user.id for user in sandbox.store.users.values()}
    return people | {group_address(group.name): group.id for group in sandbox.store.groups.values()}


def create_user(email: str, /, **fields: Value) -> Create:
    return Create(user_address(email), email, (_set("email", email), *_fields(fields)), HERE)


def update_user(sandbox: Sandbox, email: str, /, removal: Removal | None = None, **fields: Value) -> Update:
    address = user_address(email)
    return Update(address, email, ids_of(sandbox)[address], _fields(fields), HERE, removal)


def create_group(name: str, members: Iterable[str] = ()) -> Create:
    return Create(group_address(name), name, (_set("name", name), *_edges(members)), HERE)


def update_group(
    sandbox: Sandbox, name: str, add: Iterable[str] = (), remove: Iterable[str] = (), rename: str = ""
) -> Update:
    """Where ``rename`` is given, the address is still that of the old name, which changes nothing here."""
    address = group_address(name)
    named = (FieldChange(("name",), name, rename),) if rename else ()
    gone = tuple(FieldChange(("members", person), before=True, after=None) for person in remove)
    return Update(address, name, ids_of(sandbox)[address], (*named, *_edges(add), *gone), HERE)


def delete(sandbox: Sandbox, address: Address) -> Delete:
    live_id, store = ids_of(sandbox)[address], sandbox.store
    members = store.groups[live_id].members if address.kind == "group" else ()
    ends = tuple(sorted(user_key(store.member(one).email) for one in members))
    return Delete(address, address.key, live_id, HERE, ends)


def _edges(people: Iterable[str]) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(("members", person), None, after=True) for person in people)


def _set(name: str, value: Value) -> FieldChange:
    return FieldChange((name,), None, value)


def _fields(given: Mapping[str, Value]) -> tuple[FieldChange, ...]:
    own = ("name", "active")
    return tuple(FieldChange((k,) if k in own else ("attributes", k), None, v) for k, v in given.items())


ADA, BOB, CLEO, DAN = "ada@acme.com", "bob@acme.com", "cleo@acme.com", "dan@acme.com"


def on(method: Method, *answers: Response | Fault | Exception | None, path: str = "") -> Answerer:
    """Answer the requests of one method in this way, one after the other; None, and all later, go through."""
    left = list(answers)

    def answer(request: Request, inner: Transport) -> Response:
        if request.method != method or path not in request.path or not left:
            return inner.send(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        if isinstance(given, Fault):
            return play(given, inner, request, lambda: None)
        return given or inner.send(request)

    return answer


def always(status: int, *methods: str, words: str = "no") -> Answerer:
    """Answer every request of these methods with this status."""

    def answer(request: Request, inner: Transport) -> Response:
        if request.method in methods:
            return Response(status, {}, {"detail": words, "status": status})
        return inner.send(request)

    return answer


def before(method: Method, action: Callable[[], object], nth: int = 1) -> Answerer:
    """Let something happen just before the nth request of a method arrives."""
    seen = 0

    def answer(request: Request, inner: Transport) -> Response:
        nonlocal seen
        seen += request.method == method
        if seen == nth and request.method == method:
            action()
        return inner.send(request)

    return answer


def staff(number: int, **switches: object) -> Sandbox:
    """A company of so many people without a group but the empty one."""
    people = {f"p{n:04}@acme.com": {"name": f"P{n}"} for n in range(number)}
    limits = {"requests_per_minute": 0, **switches}
    return Sandbox(Store.from_seed({"users": people, "groups": {"Empty": []}, "switches": limits}))


def people(sandbox: Sandbox) -> list[str]:
    """The addresses of everybody who is there."""
    return [user.email for user in sandbox.store.users.values()]


def remove_user(sandbox: Sandbox, email: str) -> None:
    """Have somebody delete a person by hand."""
    sandbox.store.remove_user(sandbox.store.users[user_id(sandbox, email)])


def tally(**numbers: int) -> dict[str, int]:
    """The counts of a report: seven objects unchanged, these, and nothing else."""
    names = ("created", "updated", "removed", "unchanged", "adopted", "failed", "pending", "skipped")
    return dict.fromkeys(names, 0) | {"unchanged": 7} | numbers

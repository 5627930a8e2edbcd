"""A picture, from a file in git to the bytes of a request: sent once, and again where it is another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from builders import MANDATE
from project import LIVE, Project, a_project
from repository import begin, commit, git
from typed import Typed
from worlds import session

from reconciler import workflow
from reconciler.changes import Change, atoms, fields_of, narrow
from reconciler.errors import Invalid
from reconciler.model import Address, Definition
from reconciler.operations import Content, Field, Multipart, Operation, Ref
from reconciler.providers.base import Answer
from reconciler.providers.omni.kind import OmniKind
from reconciler.providers.registry import KINDS
from reconciler.sandbox.omni.store import Store
from reconciler.saved import from_json, to_json
from reconciler.target.at_base import at_base
from reconciler.target.session import Session
from reconciler.target.settings import Target, load_targets
from reconciler.transport.messages import Request, Response, Transport

PATH = ("attributes", "avatar")
PEOPLE = """\
users:
  ada@acme.com: {name: Ada, attributes: {avatar: pictures/ada.png}}
  cleo@acme.com: {name: Cleo, attributes: {avatar: pictures/cleo.png}}
"""


class Pictures(Typed):
    """A provider that uploads a picture by a request of its own."""

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        found = []
        for change in changes:
            picture = [atom for atom in atoms(change) if atom.path == PATH]
            rest = [atom for atom in atoms(change) if atom.path != PATH]
            found += super().translate([part]) if (part := narrow(change, rest)) else []
            for atom in picture:
                body = Multipart((Field("avatar", Content(str(atom.after)), "a.png"),))
                found.append(Operation((atom,), "POST", ("pictures", Ref(change.address)), body, "a picture"))
        return found

    def receive(self, operation: Operation, response: Response) -> Answer:
        return Answer("done") if operation.path[0] == "pictures" else super().receive(operation, response)


@dataclass
class World:
    """A project in git, and a system that keeps what is uploaded."""

    project: Project
    target: Target
    store: Store
    uploaded: list[bytes] = field(default_factory=list)
    before_upload: Callable[[], object] = lambda: None

    def send(self, request: Request, inner: Transport) -> Response:
        if request.path.startswith("/pictures/"):
            self.uploaded.append(request.multipart[0].content)
            return Response(200)
        if request.method == "POST":
            self.before_upload()
        return inner.send(request)

    @property
    def wire(self) -> Session:
        return session(self.store, self.target, around=lambda inner: Around(self, inner))

    def apply(self, saved: str = "") -> list[str]:
        """Apply and record; returns what is not done."""
        proposal = workflow.propose(self.target, self.wire, saved=from_json(saved) if saved else None)
        assert not (proposal.recheck and proposal.recheck.stale)
        report = workflow.apply(self.target, self.wire, proposal, MANDATE)
        self.unrecorded = workflow.record(self.target, proposal, report)
        return [
            f"{each.atom} {each.status}: {each.reason}" for each in report.outcomes if each.status != "done"
        ]

    def planned(self) -> Mapping[str, object]:
        changes = workflow.plan(self.target, self.wire).plan.changes
        return {
            str(change.address): f.after for change in changes for f in fields_of(change) if f.path == PATH
        }

    def draw(self, name: str, picture: bytes) -> None:
        (self.project.target / "pictures" / f"{name}.png").write_bytes(picture)


@dataclass
class Around:
    world: World
    inner: Transport

    def send(self, request: Request) -> Response:
        return self.world.send(request, self.inner)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    project = a_project(tmp_path)
    provider, kind = Pictures({"avatar": Definition("avatar", "file", readable=False)}), OmniKind()
    monkeypatch.setattr(kind, "provider", lambda _settings, _quirks: provider, raising=False)
    monkeypatch.setitem(KINDS, "omni", kind)
    project.write("people.yaml", PEOPLE)
    (project.target / "pictures").mkdir()
    (target,) = load_targets(project.root / "desired-state")
    world = World(project, target, Store.from_seed(LIVE))
    world.draw("ada", b"ada")
    world.draw("cleo", b"cleo")
    begin(project)
    return world


def test_bytes_are_sent_once_and_again_where_others_are_in_the_file(world: World) -> None:
    assert world.apply() == []
    assert (world.uploaded, world.unrecorded) == ([b"cleo"], "")
    assert world.planned() == {}
    world.draw("ada", b"ada, older")
    assert list(world.planned()) == ["user/ada@acme.com"]
    assert world.apply() == []
    assert world.uploaded[1:] == [b"ada, older"]
    assert world.unrecorded == "the files here are not those of the commit that is checked out"
    commit(world.project.root)
    assert world.apply() == []
    assert world.planned() == {}


def test_a_file_that_only_moved_is_the_same(world: World) -> None:
    assert world.apply() == []
    git(world.project.root, "mv", "desired-state/acme/pictures/ada.png", "desired-state/acme/ada.png")
    world.project.write("people.yaml", PEOPLE.replace("pictures/ada.png", "ada.png"))
    assert world.planned() == {}


def test_a_plan_for_a_pull_request_tells_what_it_changes_from_what_was_merged(world: World) -> None:
    assert world.apply() == []
    world.draw("ada", b"merged")
    base = commit(world.project.root)
    world.draw("cleo", b"proposed")
    commit(world.project.root)
    plan = workflow.plan(at_base(world.target, base), world.wire, workflow.Options(base=base)).plan
    assert {address.key: origin for (address, path), origin in plan.origins.items() if path == PATH} == {
        "ada@acme.com": "backlog",
        "cleo@acme.com": "change",
    }


def test_what_changed_since_the_review_is_refused_for_that_one(world: World) -> None:
    saved = to_json(workflow.plan(world.target, world.wire).plan)
    world.draw("cleo", b"swapped")
    proposal = workflow.propose(world.target, world.wire, saved=from_json(saved))
    assert proposal.recheck
    (stale,) = proposal.recheck.stale
    assert (stale.atom.path, stale.standing) == (PATH, "moved")
    assert Address("user", "cleo@acme.com") in {change.address for change in proposal.changes}


def test_what_changes_while_it_is_applied_is_not_sent(world: World) -> None:
    world.before_upload = lambda: world.draw("cleo", b"swapped")
    assert world.apply() == [
        (
            "user/cleo@acme.com attributes avatar failed: "
            "the file 'pictures/cleo.png' has changed since the review"
        )
    ]
    assert (world.uploaded, world.unrecorded) == ([], "not everything was done")


def test_who_could_not_be_made_gets_no_picture(world: World) -> None:
    store, target = world.store, world.target
    refusing = replace(world, before_upload=lambda: None)

    class Refusing:
        def __init__(self, inner: Transport) -> None:
            self.inner = inner

        def send(self, request: Request) -> Response:
            if request.method == "POST" and "pictures" not in request.path:
                return Response(400, json={"detail": "no"})
            return refusing.send(request, self.inner)

    wire = session(store, target, around=Refusing)
    report = workflow.apply(target, wire, workflow.propose(target, wire), MANDATE)
    told = {each.atom.path[-1]: (each.status, each.reason) for each in report.outcomes}
    assert told["avatar"] == ("skipped", "user/cleo@acme.com could not be created")
    assert refusing.uploaded == []


@pytest.mark.parametrize("stated", ["pictures/none.png", "../../../secret.png"])
def test_a_file_that_is_not_there_is_a_problem_at_its_line(world: World, stated: str) -> None:
    world.project.write("people.yaml", PEOPLE.replace("pictures/ada.png", stated))
    with pytest.raises(Invalid) as caught:
        workflow.plan(world.target, world.wire)
    (problem,) = caught.value.problems
    assert str(problem.place) == "desired-state/acme/people.yaml:2:42"
    assert problem.message.startswith("`avatar`: ")

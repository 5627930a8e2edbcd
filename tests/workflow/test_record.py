"""The applied revision: whatever happened before, nobody who left the files is lost when it moves."""

import json
import tempfile
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from builders import MANDATE
from hypothesis import given, settings
from hypothesis import strategies as st
from repository import commit, git
from worlds import forced, session

from reconciler import workflow
from reconciler.errors import Invalid
from reconciler.plan import Scope
from reconciler.sandbox.omni.store import Store
from reconciler.saved import from_json, to_json
from reconciler.target.at_base import at_base
from reconciler.target.settings import Target, load_targets
from reconciler.transport.messages import Request, Response, Transport

PEOPLE = tuple(f"{name}@acme.com" for name in ("ada", "bob", "carl"))
CHANGED = ("changed",)
RECORD = "refs/reconciler/applied/acme"


@dataclass(frozen=True)
class Failing:
    """A system that takes no change of some people."""

    inner: Transport
    ids: AbstractSet[str]

    def send(self, request: Request) -> Response:
        said = request.path + json.dumps(request.json)
        if request.method != "GET" and any(one in said for one in self.ids):
            return Response(400, {}, {"detail": "not today"})
        return self.inner.send(request)


@dataclass(frozen=True)
class Files:
    """A commit: the declared people with their names, who is named as a member, and whether in any group."""

    people: dict[str, str]
    members: tuple[str, ...]
    group: bool = True


@dataclass(frozen=True)
class Run:
    """An apply: of a reviewed plan or not, of a part or not; some may fail, a commit may come meanwhile."""

    only: tuple[str, ...] = ()
    scope: tuple[Scope, ...] = ()
    reviewed: bool = False
    since: str | None = None
    failing: frozenset[str] = frozenset()
    meanwhile: Files | None = None


@dataclass(frozen=True)
class ByHand:
    """Somebody changes a person there."""

    email: str
    change: dict[str, Any]


_DECLARED = [PEOPLE, *([e for e in PEOPLE if e != one] for one in PEOPLE), PEOPLE[:1], ()]
_FILES = st.builds(
    lambda people, name, members, group: Files(dict.fromkeys(people, name), members, group),
    st.sampled_from(_DECLARED),
    st.sampled_from("AB"),
    st.sampled_from([(), (), PEOPLE[1:2], PEOPLE[2:]]),
    st.sampled_from([True, True, False]),
)
_PARTS: list[Run] = [
    *(Run(only=CHANGED), Run(only=CHANGED, reviewed=True), Run(only=CHANGED, scope=("memberships",))),
    *(Run(only=("user/ada@acme.com",)), Run(only=("group/*", "user/b*"), reviewed=True)),
    *(Run(scope=("users",)), Run(since="HEAD"), Run(only=CHANGED, since="HEAD~1")),
]
_WHOLE = [Run(), Run(reviewed=True)]
_RUNS = st.builds(
    lambda run, failing, files: run and replace(run, failing=frozenset(failing), meanwhile=files),
    st.sampled_from([None, None, None, *_WHOLE, *_PARTS]),
    st.sampled_from([(), (), (), *((one,) for one in PEOPLE)]),
    st.none() | st.none() | _FILES,
)
_BY_HAND = st.sampled_from(
    [None, None, *(ByHand(email, {"active": on}) for email in PEOPLE for on in (True, False))]
)
_CHAPTERS = st.tuples(_FILES, _BY_HAND, _RUNS)
HISTORIES = st.lists(_CHAPTERS, min_size=2, max_size=4).map(
    lambda chapters: [step for chapter in chapters for step in chapter if step]
)
"""Commits, each with what may come after it: somebody's hand, and an apply."""


class History:
    """A repository with one target, the system, and what its record said each time that it moved."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "desired-state" / "acme"
        self.folder.mkdir(parents=True)
        target = {
            "kind": "omni",
            "url": "https://acme.omniapp.co",
            "keys": [{"env": "KEY"}],
            "leavers": {"users": {"left_files": "deactivate"}},
        }
        (self.folder / "target.yaml").write_text(json.dumps(target))
        people = {email: {"name": "A", "active": True} for email in PEOPLE}
        self.store = Store.from_seed({"users": people, "groups": {"Desk": [*PEOPLE]}})
        self.ids = {email: self.store.users_with_email(email)[0].id for email in PEOPLE}
        self.by_commit: dict[str, Files] = {}
        self.why = ""
        git(root, "init", "--quiet", "--initial-branch=main")
        (root / ".gitignore").write_text("runs/\n")
        self.write(Files(dict.fromkeys(PEOPLE, "A"), ()))
        self.run(Run())

    @property
    def recorded(self) -> str:
        return git(self.root, "for-each-ref", "--format=%(objectname)", RECORD)

    def write(self, files: Files) -> None:
        groups = {"Desk": {"members": list(files.members)}} if files.group else {}
        document = {"users": {e: {"name": n} for e, n in files.people.items()}, "groups": groups}
        (self.folder / "all.yaml").write_text(json.dumps(document))
        (self.root / "count").write_text(str(len(self.by_commit)))
        self.by_commit[commit(self.root)] = files

    def by_hand(self, step: ByHand) -> None:
        row = self.store.users[self.ids[step.email]]
        for name, value in step.change.items():
            setattr(row, name, value)

    def target(self) -> Target:
        (target,) = load_targets(self.root / "desired-state")
        return target

    def run(self, run: Run) -> None:
        try:
            self._run(run)
        except Invalid:
            # What cannot be planned is not applied.
            return

    def _run(self, run: Run) -> None:
        options = workflow.Options(run.since, scope=run.scope, only=run.only)
        target, saved = self.target(), None
        ids = {self.ids[email] for email in run.failing}
        connect = partial(session, self.store, around=lambda inner: Failing(inner, ids))
        if run.reviewed:
            based = workflow.Options(run.since, "HEAD~1", scope=run.scope, only=run.only)
            target = at_base(target, "HEAD~1")
            saved = from_json(to_json(workflow.plan(target, connect(target), based).plan))
            options = workflow.Options()
        proposal = workflow.propose(target, connect(target), options, saved=saved)
        planned, before = git(self.root, "rev-parse", "HEAD"), self.recorded
        report = workflow.apply(target, connect(target), forced(proposal), MANDATE)
        if run.meanwhile:
            self.write(run.meanwhile)
        why = self.why = workflow.record(target, proposal, report)
        assert self.recorded == (before if why else planned)
        if before and not why:
            self.check(self.by_commit[before], self.by_commit[self.recorded])

    def check(self, then: Files, now: Files) -> None:
        """Whoever was declared as of the older record and is not now has no access."""
        for email in then.people.keys() - now.people.keys():
            assert not self.store.users[self.ids[email]].active, f"{email} left, and is lost"


@pytest.mark.usefixtures("uncounted")
@settings(max_examples=30, deadline=None)
@given(steps=HISTORIES)
def test_who_left_the_files_is_never_lost(steps: Sequence[Files | Run | ByHand]) -> None:
    with tempfile.TemporaryDirectory() as name:
        history = History(Path(name))
        (*_, last) = (step for step in steps if isinstance(step, Files))
        for step in (*steps, Run(only=CHANGED), Run(), replace(last, members=(), group=True), Run()):
            match step:
                case Files():
                    history.write(step)
                case Run():
                    history.run(step)
                case ByHand():
                    history.by_hand(step)
        # The last run is whole, nothing failed, and nobody who left is spared.
        assert history.recorded == git(history.root, "rev-parse", "HEAD")


@pytest.mark.usefixtures("uncounted")
def test_a_commit_during_an_apply_is_left_to_the_next_one(tmp_path: Path) -> None:
    """As where somebody pulls while it runs: nobody planned what left the files in that commit."""
    history = History(tmp_path)
    before = history.recorded
    history.write(Files(dict.fromkeys(PEOPLE, "B"), ()))
    history.run(Run(meanwhile=Files(dict.fromkeys(PEOPLE[:2], "B"), ())))
    assert history.recorded == before
    history.run(Run())
    assert not history.store.users[history.ids["carl@acme.com"]].active
    assert history.recorded == git(history.root, "rev-parse", "HEAD")


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("run", [Run(), Run(only=CHANGED), Run(reviewed=True)])
@pytest.mark.parametrize(
    "kept", [Files({PEOPLE[0]: "B", PEOPLE[2]: "B"}, PEOPLE[1:2]), Files({}, (), group=False)]
)
def test_who_left_and_is_spared_goes_when_nothing_spares_them(tmp_path: Path, kept: Files, run: Run) -> None:
    """A group still names bob as a member, or the files declare nothing for the time of one commit."""
    history = History(tmp_path)
    before = history.recorded
    history.write(kept)
    history.run(run)
    assert history.recorded == before
    assert "user/bob@acme.com" in history.why
    history.write(Files({PEOPLE[0]: "B", PEOPLE[2]: "B"}, ()))
    history.run(Run())
    assert not history.store.users[history.ids["bob@acme.com"]].active
    assert history.recorded == git(history.root, "rev-parse", "HEAD")

"""The library's face: a desired state made in code, quick to import, and errors with the server's words."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from builders import MANDATE
from project import LIVE, Hooked, Project, a_project
from worlds import session

from reconciler import workflow
from reconciler.errors import CredentialRefused, Interrupted, Invalid, Locked, NotAccepted, Refused
from reconciler.sandbox.omni.store import Store
from reconciler.transport.messages import Response
from reconciler.workflow import DesiredState, Group, Options, Target, User, desired_state, user_address

HEAVY = (
    "requests",
    "urllib3",
    "typer",
    "rich",
    "deepdiff",
    "jsonschema",
    "fastjsonschema",
    "jinja2",
    "markdown_it",
)


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A target whose own file is not valid, since nothing is to read it."""
    monkeypatch.chdir(tmp_path)
    project: Project = a_project(tmp_path)
    project.write("people.yaml", "users: {nobody reads this}\n")
    (found,) = workflow.load_targets(tmp_path / "desired-state")
    return found


def wanted(**more: User) -> DesiredState:
    return desired_state(
        [
            User("ada@acme.com", "Ada Lovelace"),
            User("cleo@acme.com", "Cleo", groups=frozenset({"Finance"}), attributes={"region": ("emea",)}),
            *more.values(),
        ],
        [Group("Finance")],
        from_users=["Finance"],
        absent=[user_address("bob@acme.com")],
    )


def test_a_state_made_in_code_is_planned_applied_and_then_there_is_nothing_to_do(target: Target) -> None:
    store = Store.from_seed(LIVE)
    wire = session(store, target)
    plan = workflow.plan(target, wire, desired=wanted()).plan
    assert [str(change.address) for change in plan.changes] == [
        "user/cleo@acme.com",
        "user/ada@acme.com",
        "group/finance",
        "user/bob@acme.com",
    ]
    places = {str(change.address): str(change.place) for change in plan.changes}
    assert places["user/ada@acme.com"] == "desired.users['ada@acme.com']"
    assert places["user/bob@acme.com"] == "desired.users['bob@acme.com']"
    (note,) = [note for note in plan.notes if note.code == "applied"]
    assert (note.message, note.warning) == (
        "the desired state was made in code, so what left it is not known",
        False,
    )
    proposal = workflow.propose(target, wire, desired=wanted())
    assert proposal.plan.violations == ()
    report = workflow.apply(target, wire, proposal, MANDATE)
    assert report.complete
    assert workflow.record(target, proposal, report) == "the desired state was made in code"
    assert workflow.plan(target, wire, desired=wanted()).plan.changes == ()


def test_it_is_valid_without_network_and_key(target: Target) -> None:
    state = workflow.validate(target, wanted())
    assert state.users["cleo@acme.com"].groups == {"finance"}
    assert workflow.validate(target, state) == state


def test_a_saved_plan_of_it_is_rechecked_against_it(target: Target) -> None:
    wire = session(Store.from_seed(LIVE), target)
    saved = workflow.plan(target, wire, desired=wanted()).plan
    proposal = workflow.propose(target, wire, saved=saved, desired=wanted())
    assert proposal.recheck is not None
    assert not proposal.recheck.stale
    assert proposal.loaded is None


def test_what_files_may_not_say_code_may_not_either(target: Target) -> None:
    wire = session(Store.from_seed(LIVE), target)
    bad = {
        "long": User("dora@acme.com", active=None, attributes={"vip": True}),
        "unknown": User("eve@acme.com", groups=frozenset({"Finanse"})),
    }
    with pytest.raises(Invalid) as raised:
        workflow.plan(target, wire, desired=wanted(unknown=bad["unknown"]))
    (problem,) = raised.value.problems
    assert str(problem) == (
        "desired.users['eve@acme.com'].groups['finanse']: group `Finanse` is not declared in any file "
        "(did you mean `Finance`?)"
    )
    with pytest.raises(Invalid) as raised:
        workflow.validate(target, wanted(long=bad["long"]))
    assert str(raised.value).startswith("desired.users['dora@acme.com'].attributes['vip']: ")


@pytest.mark.parametrize("revisions", [Options("HEAD"), Options(base="HEAD"), Options(only=("changed",))])
def test_it_has_no_revisions(target: Target, revisions: Options) -> None:
    wire = session(Store.from_seed(LIVE), target)
    with pytest.raises(ValueError, match="made in code has no revisions"):
        workflow.plan(target, wire, revisions, desired=wanted())


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Refused), (401, NotAccepted), (403, CredentialRefused), (500, Refused)]
)
def test_a_refusal_has_the_status_and_the_servers_words(
    target: Target, status: int, kind: type[Refused]
) -> None:
    def refuse(inner: object) -> Hooked:
        return Hooked(inner, lambda _: Response(status, {}, {"detail": "not today"}))  # type: ignore[arg-type]

    with pytest.raises(kind) as raised:
        workflow.plan(target, session(Store.from_seed(LIVE), target, around=refuse), desired=wanted())
    assert (raised.value.status, raised.value.words) == (status, "not today")


def test_an_import_of_the_library_loads_nothing_heavy() -> None:
    code = "import sys, reconciler.workflow; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert [name for name in HEAVY if name in done.stdout.split()] == []


# Threads, as the page says


def test_several_targets_are_planned_in_several_threads(target: Target) -> None:
    def planned(_: int) -> str:
        return workflow.plan(target, session(Store.from_seed(LIVE), target), desired=wanted()).plan.digest

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(planned, range(8)))) == 1


def test_two_applies_of_one_target_are_kept_apart_in_threads(target: Target) -> None:
    def second() -> None:
        with workflow.locked(target):
            pass  # pragma: no cover (it raises)

    with workflow.locked(target), ThreadPoolExecutor(1) as pool, pytest.raises(Locked):
        pool.submit(second).result()


@pytest.mark.usefixtures("real_time")
def test_any_thread_can_stop_a_session(target: Target) -> None:
    with workflow.connect(target) as wire, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wire.wait, 3_600)
        wire.stop.set()
        with pytest.raises(Interrupted):
            waiting.result(timeout=60)

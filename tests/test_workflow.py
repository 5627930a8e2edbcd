"""Two states in, HTTP out: the library's face, without the command."""

import multiprocessing
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import MANDATE
from project import LIVE, Hooked, Project, a_project
from worlds import session

from reconciler import workflow
from reconciler.errors import ExitCode, GuardRefused, Invalid, JournalFailed, Locked
from reconciler.lock import lock_file
from reconciler.planning.scope import Limits
from reconciler.report import Report
from reconciler.sandbox.omni.store import Store
from reconciler.saved import load_plan, to_json
from reconciler.target.settings import Target, load_targets
from reconciler.transport.messages import Transport
from reconciler.views.recheck import recheck_text

if TYPE_CHECKING:
    from reconciler.target.session import Session

EVERYTHING = workflow.Options(read="everything")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return a_project(tmp_path)


@pytest.fixture
def target(project: Project) -> Target:
    (target,) = load_targets(project.root / "desired-state")
    return target


@pytest.fixture
def store() -> Store:
    return Store.from_seed(LIVE)


class Wire:
    """A session on a store, with what went over it."""

    def __init__(self, store: Store, target: Target) -> None:
        self.hooked: Hooked | None = None
        self.session: Session = session(store, target, around=self._around)

    def _around(self, inner: Transport) -> Transport:
        self.hooked = Hooked(inner)
        return self.hooked

    @property
    def writes(self) -> list[str]:
        assert self.hooked
        return [f"{request.method} {request.path.rpartition('/')[0]}" for request in self.hooked.writes]


@pytest.fixture
def wire(store: Store, target: Target) -> Wire:
    return Wire(store, target)


def test_a_plan_only_reads(target: Target, wire: Wire) -> None:
    planned = workflow.plan(target, wire.session)
    assert wire.hooked
    assert wire.writes == []
    assert (planned.plan.requests, planned.plan.requests_per_minute) == (4, 55)
    assert planned.plan.digest == workflow.plan(target, wire.session).plan.digest


SETTINGS = """\
kind: omni
url: https://acme.omniapp.co
keys: [{env: OMNI_API_KEY}]
protect:
  users:
    - ada@acme.com
    - nobody@acme.com
ignore: {groups: [okta-*, "gone"]}
"""


def test_a_name_that_matches_nobody_has_its_line_outside_of_the_digest(
    project: Project, store: Store
) -> None:
    digests = set()
    (project.target / "seed.yaml").unlink()
    for before in ("", "# one line more\n"):
        project.write("target.yaml", before + SETTINGS)
        (target,) = load_targets(Path("desired-state"))
        plan = workflow.plan(target, session(store, target)).plan
        lines = bool(before)
        assert [str(note.place) for note in plan.notes if note.code == "unmatched"] == [
            f"desired-state/acme/target.yaml:{7 + lines}:7",
            f"desired-state/acme/target.yaml:{8 + lines}:19",
            f"desired-state/acme/target.yaml:{8 + lines}:27",
        ]
        digests.add((plan.digest, plan.removals_digest))
    assert len(digests) == 1


def test_an_apply_sends_what_the_plan_said_and_then_there_is_nothing_left(
    target: Target, wire: Wire, store: Store
) -> None:
    proposal = workflow.propose(target, wire.session)
    report = workflow.apply(target, wire.session, proposal, MANDATE)
    assert wire.writes == [
        "POST /scim/v2",
        "PATCH /scim/v2/users",
        "PATCH /scim/v2/groups",
        "PATCH /scim/v2/users",
    ]
    assert report.complete
    assert report.exit_code is ExitCode.OK
    assert report.counts == {
        "created": 1,
        "updated": 2,
        "removed": 1,
        "unchanged": 0,
        "adopted": 0,
        "failed": 0,
        "pending": 0,
        "skipped": 0,
    }
    assert workflow.plan(target, wire.session).plan.changes == ()
    assert store.snapshot()["users"]["dora@acme.com"]["name"] == "Dora"


def test_with_nothing_to_do_no_journal_is_needed(target: Target, wire: Wire) -> None:
    workflow.apply(target, wire.session, workflow.propose(target, wire.session), MANDATE)
    nowhere = replace(target, journal=Path("/dev/null"))
    report = workflow.apply(nowhere, wire.session, workflow.propose(nowhere, wire.session), MANDATE)
    assert (report.complete, report.journal, report.unchanged) == (True, "", 4)


def test_what_a_guard_refuses_is_executed_by_nobody(target: Target, wire: Wire) -> None:
    strict = replace(target, policy=replace(target.policy, removals=Limits(0.0, 0)))
    proposal = workflow.propose(strict, wire.session)
    assert proposal.plan.violations
    with pytest.raises(GuardRefused, match="a guard refuses this plan; nothing was executed"):
        workflow.apply(strict, wire.session, proposal, MANDATE)
    # Nor what is left of it.
    with pytest.raises(GuardRefused):
        workflow.apply(strict, wire.session, replace(proposal, changes=()), MANDATE)
    assert wire.writes == []
    assert not target.journal.exists()
    number = proposal.plan.counts.removals
    assert workflow.apply(
        strict, wire.session, workflow.propose(strict, wire.session, allow_removals=number), MANDATE
    ).complete


def test_without_a_journal_nothing_is_sent(target: Target, wire: Wire) -> None:
    nowhere = replace(target, journal=Path("/dev/null"))
    proposal = workflow.propose(nowhere, wire.session)
    with pytest.raises(JournalFailed):
        workflow.apply(nowhere, wire.session, proposal, MANDATE)
    assert wire.writes == []


def test_problems_of_the_reading_and_of_the_planning_come_together(project: Project, wire: Wire) -> None:
    project.write(
        "people.yaml",
        "users:\n  ada@acme.com:\n    attributes: {nonsense: 1}\n"
        "groups:\n  Finance: {members: [nobody@acme.com]}\n",
    )
    (target,) = load_targets(project.root / "desired-state")
    with pytest.raises(Invalid) as caught:
        workflow.plan(target, wire.session)
    assert [str(problem.place) for problem in caught.value.problems] == [
        "desired-state/acme/people.yaml:3:18",
        "desired-state/acme/people.yaml:5:23",
    ]
    project.write("people.yaml", "users:\n  ada@acme.com:\n    attributes: {nonsense: 1}\n")
    with pytest.raises(Invalid, match="nonsense"):
        workflow.plan(target, wire.session)


def test_a_saved_plan_narrows_what_is_done(project: Project, target: Target, wire: Wire) -> None:
    saved = load_plan("plan.json", to_json(workflow.plan(target, wire.session).plan), target.name, target.url)
    project.write("more.yaml", "users:\n  eve@acme.com: {}\n")
    proposal = workflow.propose(target, wire.session, EVERYTHING, saved=saved)
    assert proposal.plan == saved
    assert proposal.recheck
    assert [str(change.address) for change in proposal.recheck.unreviewed] == ["user/eve@acme.com"]
    assert [str(change.address) for change in proposal.changes] == [
        str(change.address) for change in saved.changes
    ]


def test_what_a_saved_plan_is_not_about_is_not_looked_for_and_nothing_says_so(
    project: Project, target: Target, wire: Wire
) -> None:
    saved = workflow.plan(target, wire.session).plan
    project.write("more.yaml", "users:\n  eve@acme.com: {}\n")
    proposal = workflow.propose(target, wire.session, saved=saved)
    assert proposal.is_part
    assert proposal.recheck
    assert proposal.recheck.unreviewed == ()
    assert "what else may differ was not looked for" in recheck_text(proposal.recheck)
    assert proposal.changes == workflow.propose(target, wire.session, EVERYTHING, saved=saved).changes


# How an apply ended


def report(*statuses: str, stopped: str = "", interrupted: bool = False) -> Report:
    class Outcome:
        def __init__(self, status: str) -> None:
            self.status = status

    outcomes: Any = tuple(Outcome(status) for status in statuses)
    return Report("acme", "run", "", (), outcomes, 0, 0, 0.0, MANDATE, stopped, interrupted)


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (report(), ExitCode.OK),
        (report("done", "adopted"), ExitCode.OK),
        (report("done", "failed"), ExitCode.PARTIAL),
        (report("failed"), ExitCode.PARTIAL),
        (report("done", "pending"), ExitCode.PARTIAL),
        (report("pending"), ExitCode.PARTIAL),
        (report("unsettled", stopped="the disk is full"), ExitCode.PARTIAL),
        (report("failed", "skipped", stopped="the key is not accepted"), ExitCode.ERROR),
        (report("done", "skipped", stopped="the key is not accepted"), ExitCode.PARTIAL),
        (report("done", "skipped", stopped="interrupted", interrupted=True), ExitCode.INTERRUPTED),
        # Asked to stop when all was sent, and it could not be read back any more.
        (report("done", stopped="stopped while waiting", interrupted=True), ExitCode.INTERRUPTED),
        # Asked to stop when there was nothing left to stop.
        (report("done", interrupted=True), ExitCode.OK),
    ],
)
def test_the_exit_code_says_how_an_apply_ended(ended: Report, code: ExitCode) -> None:
    assert ended.exit_code is code


# The lock


def test_the_lock_is_held_once_and_let_go_of(target: Target) -> None:
    with (
        workflow.locked(target),
        pytest.raises(Locked, match=rf"acme \(process {os.getpid()} on .*, since .* UTC\); wait"),
        workflow.locked(target),
    ):
        pass
    with workflow.locked(target):
        pass


def test_a_failure_lets_go_of_the_lock(target: Target) -> None:
    with pytest.raises(ZeroDivisionError), workflow.locked(target):
        1 / 0  # noqa: B018 (it is there to fail)
    with workflow.locked(target):
        pass


def test_a_holder_that_cannot_be_named_holds_it_still(target: Target) -> None:
    with workflow.locked(target):
        assert target.sandbox
        lock_file(target.kind, str(target.sandbox[1].resolve())).with_suffix(".holder").unlink()
        with pytest.raises(Locked, match=re.escape("(by whom is not known)")), workflow.locked(target):
            pass


def hold(target: Target, ready: Any) -> None:
    with workflow.locked(target):
        ready.set()
        signal.pause()


def test_a_dead_process_holds_nothing(target: Target) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    other = context.Process(target=hold, args=(replace(target, journal=target.journal.absolute()), ready))
    other.start()
    try:
        assert ready.wait(20)
        with pytest.raises(Locked, match=f"process {other.pid} "), workflow.locked(target):
            pass
    finally:
        other.kill()
        other.join(20)
        other.close()
    with workflow.locked(target):
        pass


@pytest.mark.usefixtures("project")
def test_two_targets_do_not_wait_for_each_other(target: Target) -> None:
    other = replace(target, name="other/nested", sandbox=None)
    with workflow.locked(target), workflow.locked(other):
        pass


@pytest.mark.parametrize("journal", ["/dev/null", "/dev/null/runs"])
def test_a_journal_folder_that_cannot_be_made_is_said_before_anything_is_read(
    target: Target, journal: str
) -> None:
    nowhere = replace(target, journal=Path(journal))
    with (
        pytest.raises(JournalFailed, match=r"the journal cannot be written \(.*set `journal:`"),
        workflow.locked(nowhere),
    ):
        pass


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []

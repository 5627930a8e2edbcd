"""From files to a plan of a system that knows its attributes, and to what it holds then."""

from collections.abc import Callable
from pathlib import Path

import pytest
from builders import MANDATE
from project import LIVE, Hooked, Project, a_project
from typed import Typed
from worlds import session

from reconciler import workflow
from reconciler.errors import Invalid
from reconciler.model import Definition
from reconciler.providers.omni.kind import OmniKind
from reconciler.providers.registry import KINDS
from reconciler.sandbox.omni.store import Store
from reconciler.target.settings import Target, load_targets
from reconciler.transport.messages import Request, Response

Knows = Callable[..., Target]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return a_project(tmp_path)


@pytest.fixture
def knows(project: Project, monkeypatch: pytest.MonkeyPatch) -> Knows:
    """The target, of a system that knows these attributes."""

    def target(*definitions: Definition) -> Target:
        provider = Typed({each.name: each for each in definitions})
        kind = OmniKind()
        monkeypatch.setattr(kind, "provider", lambda _settings, _quirks: provider, raising=False)
        monkeypatch.setitem(KINDS, "omni", kind)
        (found,) = load_targets(project.root / "desired-state")
        return found

    return target


def test_what_takes_a_value_on_creation_only_is_written_then_and_stays(
    project: Project, knows: Knows
) -> None:
    store = Store.from_seed(LIVE)
    target = knows(Definition("region", multiple=True, written="on creation"))
    wire = session(store, target)
    report = workflow.apply(target, wire, workflow.propose(target, wire), MANDATE)
    assert report.complete
    assert store.snapshot()["users"]["cleo@acme.com"]["attributes"] == {"region": ["emea"]}
    assert workflow.plan(target, wire).plan.changes == ()
    project.write("more.yaml", "users:\n  dora@acme.com: {attributes: {region: [apac]}}\n")
    with pytest.raises(Invalid) as caught:
        workflow.plan(target, wire)
    (problem,) = caught.value.problems
    assert str(problem.place) == "desired-state/acme/more.yaml:2:32"
    assert problem.message == "`region` can be written on creation only, and is unset now"


def test_case_decides_nothing_where_the_system_says_so(project: Project, knows: Knows) -> None:
    wire = session(Store.from_seed(LIVE), knows())
    project.write("people.yaml", "users:\n  ada@acme.com: {attributes: {region: [APAC]}}\n")
    exact, loose = Definition("region", multiple=True), Definition("region", multiple=True, exact_case=False)
    assert workflow.plan(knows(exact), wire).plan.counts.values_set == 1
    assert workflow.plan(knows(loose), wire).plan.changes == ()


def test_a_reference_to_nobody_is_a_problem_at_its_line(project: Project, knows: Knows) -> None:
    text = "users:\n  ada@acme.com:\n    attributes:\n      region: [dora@acme.com, nobody@acme.com]\n"
    project.write("people.yaml", text)
    target = knows(Definition("region", "user", multiple=True))
    with pytest.raises(Invalid) as caught:
        workflow.plan(target, session(Store.from_seed(LIVE), target))
    (problem,) = caught.value.problems
    assert str(problem.place) == "desired-state/acme/people.yaml:4:7"
    assert problem.message.startswith("`region` names 'nobody@acme.com', which is no user")


def test_a_reference_to_somebody_who_is_ignored_is_set(project: Project, knows: Knows) -> None:
    project.configure(ignore={"users": ["dora@acme.com"]})
    project.write("people.yaml", "users:\n  ada@acme.com: {attributes: {region: [dora@acme.com]}}\n")
    store, target = Store.from_seed(LIVE), knows(Definition("region", "user", multiple=True))
    wire = session(store, target)
    assert workflow.apply(target, wire, workflow.propose(target, wire), MANDATE).complete
    dora = next(user.id for user in store.users.values() if user.email == "dora@acme.com")
    assert store.snapshot()["users"]["ada@acme.com"]["attributes"]["region"] == [dora]
    assert workflow.plan(target, wire).plan.changes == ()


CYCLE = """\
users:
  ann@acme.com: {attributes: {region: [ben@acme.com, dora@acme.com]}}
  ben@acme.com: {attributes: {region: [ann@acme.com]}}
"""


def test_two_new_people_who_refer_to_each_other_are_made_first(project: Project, knows: Knows) -> None:
    project.write("people.yaml", CYCLE)
    store, target = Store.from_seed(LIVE), knows(Definition("region", "user", multiple=True))
    wire = session(store, target)
    proposal = workflow.propose(target, wire)
    report = workflow.apply(target, wire, proposal, MANDATE)
    assert (report.complete, report.counts["created"], report.counts["updated"]) == (True, 2, 0)
    held = store.snapshot()["users"]
    assert len(held["ann@acme.com"]["attributes"]["region"]) == 2
    assert "ann@acme.com" not in held["ben@acme.com"]["attributes"]["region"]
    assert workflow.plan(target, wire).plan.changes == ()


def test_one_that_is_written_on_creation_only_is_in_the_creation(project: Project, knows: Knows) -> None:
    project.write("people.yaml", CYCLE.replace("region: [ann@acme.com]", "region: [dora@acme.com]"))
    store = Store.from_seed(LIVE)
    target = knows(Definition("region", "user", multiple=True, written="on creation"))
    asked: list[str] = []

    def note(request: Request) -> Response | None:
        asked.append(f"{request.method} {request.json}" if request.method != "GET" else "")
        return None

    wire = session(store, target, around=lambda inner: Hooked(inner, note))
    report = workflow.apply(target, wire, workflow.propose(target, wire), MANDATE)
    assert report.complete
    posts = [text for text in asked if text]
    assert [text.partition("@")[0].rpartition("'")[2] for text in posts] == ["ben", "ann"]
    assert workflow.plan(target, wire).plan.changes == ()


def test_who_refers_on_creation_to_somebody_who_could_not_be_made_is_not_made(
    project: Project, knows: Knows
) -> None:
    project.write("people.yaml", CYCLE.replace("region: [ann@acme.com]", "region: [dora@acme.com]"))
    store = Store.from_seed(LIVE)
    target = knows(Definition("region", "user", multiple=True, written="on creation"))

    def refuse(request: Request) -> Response | None:
        is_ben = request.method == "POST" and "'ben@acme.com'" in str(request.json)
        return Response(400, json={"detail": "no"}) if is_ben else None

    wire = session(store, target, around=lambda inner: Hooked(inner, refuse))
    report = workflow.apply(target, wire, workflow.propose(target, wire), MANDATE)
    assert {each.reason for each in report.outcomes if each.status == "skipped"} == {
        "user/ben@acme.com could not be created"
    }
    assert "ann@acme.com" not in store.snapshot()["users"]


def test_a_reference_to_somebody_who_could_not_be_made_waits(project: Project, knows: Knows) -> None:
    project.write("people.yaml", CYCLE)
    store, target = Store.from_seed(LIVE), knows(Definition("region", "user", multiple=True))

    def refuse(request: Request) -> Response | None:
        is_ben = request.method == "POST" and "ben@acme.com" in str(request.json)
        return Response(400, json={"detail": "no"}) if is_ben else None

    wire = session(store, target, around=lambda inner: Hooked(inner, refuse))
    report = workflow.apply(target, wire, workflow.propose(target, wire), MANDATE)
    reasons = {str(each.atom): each.reason for each in report.outcomes if each.status == "skipped"}
    assert reasons == {
        "user/ann@acme.com attributes region": "user/ben@acme.com could not be created",
        "user/ben@acme.com attributes region": "user/ben@acme.com could not be created",
    }
    assert "region" not in store.snapshot()["users"]["ann@acme.com"].get("attributes", {})

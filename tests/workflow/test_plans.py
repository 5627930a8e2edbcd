"""From files to a plan of a system that knows its attributes, and to what it holds then."""

from collections.abc import Callable
from pathlib import Path

import pytest
from builders import MANDATE
from project import LIVE, Project, a_project
from typed import Typed
from worlds import session

from reconciler import workflow
from reconciler.errors import Invalid
from reconciler.model import Definition
from reconciler.providers.omni.kind import OmniKind
from reconciler.providers.registry import KINDS
from reconciler.sandbox.omni.store import Store
from reconciler.target.settings import Target, load_targets

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
        monkeypatch.setattr(kind, "provider", lambda _quirks: provider, raising=False)
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

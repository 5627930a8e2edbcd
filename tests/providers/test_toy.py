"""A system that is neither SCIM nor Omni passes everything, and no line of shared code knows it.

What every provider and every plan must pass is told in `test_contract.py`, `test_convergence.py` and
`e2e/test_kill.py`; here is every command of the program.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from executing import Notebook, create_user, said
from project import Hooked, Project
from providers.toy_provider import ATTRIBUTES, ToyProvider
from providers.toy_system import KEY, Club
from repository import begin
from screen import Output

from reconciler import cli
from reconciler.changes import FieldChange
from reconciler.errors import ExitCode, FileUnusable
from reconciler.execute.execution import Execution
from reconciler.execute.headcount import Headcount
from reconciler.model import Definition
from reconciler.providers.registry import KINDS
from reconciler.sandbox.pretend import Site
from reconciler.sandbox.server import serve
from reconciler.target.settings import load_targets
from reconciler.transport.auth import Secret, with_key

pytestmark = pytest.mark.usefixtures("toy")
PEOPLE = """\
users:
  ada:
    name: Ada Lovelace
    attributes: {region: [emea, apac], level: 3, manager: cleo}
  bob: {state: absent}
  cleo:
    name: Cleo
    attributes: {member: true, since: 2024-01-31, pin: "0420", photo: cleo.png}
  dora:
    attributes: {badge: new}
groups:
  Readers: {}
  Writers: {previously: [Typists]}
"""
LIVE: dict[str, Any] = {
    "users": {
        "ada": {"name": "Ada", "region": ["apac"]},
        "bob": {"name": "Bob"},
        "zoe": {"name": "Zoe", "active": False},
    },
    "groups": {"Typists": {}, "Others": {}},
}
PICTURE = bytes(range(256))


@pytest.fixture
def club() -> Club:
    return Club(LIVE)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, club: Club) -> Iterator[Project]:
    """The club behind a socket, and something to do of every kind, in git."""
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    with serve(Hooked(club), Site()) as server:
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", server.url.removeprefix("http://"))
        monkeypatch.setenv("TOY_WORD", KEY)
        (project.target / "cleo.png").write_bytes(PICTURE)
        project.write("people.yaml", PEOPLE)
        project.write("target.yaml", f"kind: toy\nurl: {server.url}\nword: {{env: TOY_WORD}}\n")
        begin(project)
        yield project


def things(club: Club) -> dict[str, dict[str, Any]]:
    found = {thing["called"]: dict(thing) for thing in club.state["things"].values()}
    return {
        name: {key: thing[key] for key in thing.keys() - {"kind", "called"}} for name, thing in found.items()
    }


def ran(capsys: Output, *arguments: str, code: ExitCode = ExitCode.OK) -> str:
    assert cli.run(arguments) == code, "".join(capsys.readouterr())
    return "".join(capsys.readouterr())


@pytest.mark.usefixtures("project")
def test_it_is_validated_planned_applied_and_then_nothing_differs(club: Club, capsys: Output) -> None:
    assert "acme: 3 users, 2 groups" in ran(capsys, "validate")
    shown = ran(capsys, "plan", "--out", "plan.json")
    assert "  - 1 user barred\n" in shown
    assert "- user/bob  bar" in shown
    assert ran(capsys, "show", "plan.json") in shown
    done = ran(capsys, "apply", "--plan", "plan.json")
    assert "3 created, 2 updated, 1 removed" in done
    cleo = next(one for one, thing in club.state["things"].items() if thing["called"] == "cleo")
    assert things(club) == {
        "ada": {
            "name": "Ada Lovelace",
            "region": ["apac", "emea"],
            "level": 3,
            "manager": cleo,
        },
        "bob": {"name": "Bob", "active": False},
        "cleo": {
            "name": "Cleo",
            "member": True,
            "since": "2024-01-31",
            "pin": "0420",
            "photo": PICTURE.decode("latin-1"),
        },
        "dora": {"badge": "new"},
        "zoe": {"name": "Zoe", "active": False},
        "Writers": {},
        "Others": {},
        "Readers": {},
    }
    assert "No changes." in ran(capsys, "plan", "--detailed-exitcode")
    assert "No drift." in ran(capsys, "drift")


@pytest.mark.usefixtures("project")
def test_what_is_under_way_is_told_and_not_sent_again(club: Club, capsys: Output) -> None:
    club.state["slow"] = 7
    partly = ran(capsys, "apply", "--auto-approve", code=ExitCode.PARTIAL)
    assert "Pending\n" in partly
    waiting = [row for _, row in club.state["queue"]]
    assert [row.keys() - {"id", "kind"} for row in waiting] == [{"called", "badge"}, {"active"}]
    shown = ran(capsys, "plan", "--detailed-exitcode", code=ExitCode.CHANGES)
    assert "note: 3 details are under way in Toy already, and not sent again: user/dora, user/bob" in shown
    again = ran(capsys, "apply", "--auto-approve", code=ExitCode.PARTIAL)
    assert "the system has taken it before, and not done it yet" in again
    assert "(0 writes)" in again
    assert [row for _, row in club.state["queue"]] == waiting
    assert "(0 writes)" in ran(capsys, "apply", "--auto-approve")
    assert "No changes." in ran(capsys, "plan", "--detailed-exitcode")


def test_drift_import_and_doctor(project: Project, club: Club, capsys: Output) -> None:
    ran(capsys, "apply", "--auto-approve")
    for thing in club.state["things"].values():
        thing["level"] = 9
    assert "~ level  3 -> 9" in ran(capsys, "drift", code=ExitCode.DRIFT).replace("9 -> 3", "3 -> 9")
    assert "1 user, 1 group." in ran(capsys, "import", "acme")
    assert (project.target / "imported.yaml").read_text() == (
        "users:\n  zoe:\n    name: Zoe\n    active: false\n    attributes:\n      level: 9\n"
        "groups:\n  Others: {}\n"
    )
    assert "ok      key         GET /all was answered 200" in ran(capsys, "doctor")
    assert "quirks" not in ran(capsys, "doctor")


def test_what_nobody_can_see_is_not_claimed(project: Project, capsys: Output) -> None:
    ran(capsys, "apply", "--auto-approve")
    told = ran(capsys, "import", "acme", "--members", "stated")
    assert "group/others: its members are not stated, since the system does not show them" in told
    assert "members" not in (project.target / "imported.yaml").read_text()
    project.write("imported.yaml", "users: {zoe: {active: true}}\n")
    shown = ran(capsys, "plan")
    assert (
        "user/zoe is let in again, with the access that their groups give, which Toy does not show" in shown
    )


@pytest.mark.usefixtures("project")
def test_no_answer_claims_that_nobody_is_in_a_group(capsys: Output) -> None:
    assert '"groups"' not in ran(capsys, "get", "users")
    assert "members" not in ran(capsys, "get", "groups", "--members")
    assert "does not show who is in a group" in ran(
        capsys, "get", "group", "Typists", "--members", code=ExitCode.ERROR
    )
    assert "members" not in ran(capsys, "export", "groups")
    assert '"Typists",""\n' in ran(capsys, "export", "groups", "--format", "csv")
    assert '"groups"' not in ran(capsys, "export", "users")


def test_a_picture_that_changed_holds_up_nobody_else(club: Club) -> None:
    def content(value: str) -> bytes:
        message = f"{value} has changed"
        raise FileUnusable(message)

    execution = Execution(
        provider=ToyProvider(),
        transport=with_key(club, Secret(KEY)),
        journal=Notebook([]),
        ids={},
        definitions=ATTRIBUTES,
        stop=lambda: False,
        wait=lambda _: None,
        on_progress=lambda _: None,
        headcount=Headcount(),
        content=content,
    )
    photo = FieldChange(("attributes", "photo"), None, "dan.png sha256:0", unseen=True)
    execution.run(
        [create_user("cleo"), replace(create_user("dan"), fields=(*create_user("dan").fields, photo))]
    )
    assert [said(outcome) for outcome in execution.outcomes.values()] == [
        "+ user/cleo email done: ok",
        "+ user/dan email failed: dan.png sha256:0 has changed",
        "+ user/dan attributes photo failed: dan.png sha256:0 has changed",
    ]


# What an addition touches


def test_a_new_attribute_touches_its_providers_folder_alone(
    project: Project, club: Club, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """One line in the table of the provider: from YAML to a saved plan, a request, and back."""
    text = PEOPLE.replace("level: 3", "level: 3, shoes: 41")
    project.write("people.yaml", text)
    assert "Toy has no user attribute `shoes`" in ran(capsys, "plan", code=ExitCode.ERROR)
    monkeypatch.setitem(ATTRIBUTES, "shoes", Definition("shoes", "number"))
    assert "+ shoes    41" in ran(capsys, "plan", "--out", "plan.json")
    ran(capsys, "apply", "--plan", "plan.json")
    assert things(club)["ada"]["shoes"] == 41
    assert "No changes." in ran(capsys, "plan", "--detailed-exitcode")
    project.write("people.yaml", text.replace("shoes: 41", "shoes: null"))
    assert "- shoes  41" in ran(capsys, "plan")
    assert cli.run(["import", "acme", "--only", "user/*"]) == ExitCode.OK


def test_a_new_system_touches_its_folder_and_a_line() -> None:
    """The toy's line is in `conftest.py`. Each part of it is small, and no other code has its name."""
    assert KINDS.keys() == {"omni", "pleio", "scim", "toy"}
    parts = sorted(Path(__file__).parent.glob("toy*.py"))
    assert [part.name for part in parts] == ["toy.py", "toy_provider.py", "toy_system.py"]
    for part in parts:
        assert len(part.read_text("utf-8").splitlines()) < 100, part
    package = Path(cli.__file__).parents[1]
    own = re.compile(r"\btoy", re.IGNORECASE)
    assert [path.name for path in package.rglob("*.py") if own.search(path.read_text("utf-8"))] == []


def test_what_it_cannot_hold_is_told_at_its_line(project: Project, capsys: Output) -> None:
    project.write(
        "people.yaml",
        "users: {ada: {groups: [A]}}\ngroups:\n  A: {members: from_users}\n  B: {members: [ada]}\n",
    )
    err = ran(capsys, "validate", code=ExitCode.ERROR)
    assert "people.yaml:1:15: Toy shows nobody who is in a group" in err
    assert "people.yaml:3:" in err
    assert "people.yaml:4:" in err


def test_it_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    install = "pip install --require-hashes --requirement r.txt"
    options = ("--install", install, "--alone", "--url", "https://club.toy.example")
    assert "Next: export TOY_WORD=..." in ran(capsys, "init", "--kind", "toy", *options)
    (target,) = load_targets(Path("desired-state"))
    assert (target.kind, target.requests_per_minute) == ("toy", 300)

"""The whole way against servers that others wrote: what the files say is there, and then nothing differs."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from others.scim2 import BADGE, KEY, Scim2Server
from others.scimmy_process import running
from project import Hooked, Project
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.sandbox.pretend import Site
from reconciler.sandbox.server import serve
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Request
from reconciler.transport.network import Network

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

FIRST = """\
users:
  ada@acme.com:
    name: Ada Lovelace
    active: true
    groups: [Analysts, Readers]
    attributes:
      name.givenName: Ada
      name.familyName: Lovelace
      emails.work: ada@acme.com
      emails.home: ada@home.example
      phoneNumbers.work: "+49 30 1"
      title: Countess
      addresses.work.locality: London
      enterprise.department: R&D
      enterprise.manager: grace@acme.com
      acme.badge: 0042
      acme.tags: [red, blue]
      acme.level: 3
      acme.weight: 1.5
      acme.trusted: true
      acme.since: 2024-01-31T09:00:00Z
  grace@acme.com:
    name: Grace Hopper
    groups: [Readers]
    attributes:
      enterprise.manager: ada@acme.com
      profileUrl: https://acme.example/grace
  bob:
    name: Bob "the \\\\ Builder"
    groups: []
groups:
  Analysts: {members: from_users}
  Readers: {members: from_users}
  Empty: {members: []}
"""
SECOND = """\
users:
  ada@acme.com:
    name: Augusta Ada King
    groups: [Engineers]
    attributes:
      name.givenName: Augusta Ada
      emails.work: augusta@acme.com
      emails.home: null
      phoneNumbers.work: "+44 20 1"
      phoneNumbers.mobile: "+44 70 2"
      title: null
      addresses.work.locality: Ockham
      enterprise.department: Engines
      enterprise.manager: null
      acme.badge: null
      acme.tags: [blue, green]
      acme.level: 4
      acme.weight: null
      acme.trusted: false
      acme.since: 2025-02-28T09:00:00Z
  hopper@acme.com:
    previously: [grace@acme.com]
    name: Grace Hopper
    groups: [Engineers, Readers]
    attributes:
      enterprise.manager: ada@acme.com
  bob: {name: Bob, active: false}
groups:
  Engineers: {previously: [Analysts], members: from_users}
  Readers: {members: from_users}
  Empty: {state: absent}
"""
THIRD = """\
users:
  ada@acme.com: {name: Augusta Ada King}
  hopper@acme.com: {name: Grace Hopper}
  bob: {state: absent}
"""


@dataclass
class Other:
    """A server of others behind its address, and how to look what it holds."""

    url: str
    read: Callable[[str, str], Any]

    def people(self) -> dict[str, dict[str, Any]]:
        return {one["userName"]: one for one in self._all("/Users")}

    def members(self) -> dict[str, set[str]]:
        """Who is in each group, by userName."""
        called = {one["id"]: one["userName"] for one in self._all("/Users")}
        return {
            one["displayName"]: {called[member["value"]] for member in one.get("members", ())}
            for one in self._all("/Groups")
        }

    def _all(self, path: str) -> list[dict[str, Any]]:
        """Every page until nothing is new: past its end scimmy begins again, and no total is believed."""
        found: dict[str, dict[str, Any]] = {}
        while True:
            page = self.read(path, str(len(found) + 1)).get("Resources", [])
            new = {one["id"]: one for one in page if one["id"] not in found}
            if not new:
                return [*found.values()]
            found |= new


def in_process(until_then: ExitStack, **manner: Any) -> str:
    return until_then.enter_context(serve(Hooked(Scim2Server(**manner)), Site("/v2"))).url + "/v2"


MANNERS: Mapping[str, Callable[[ExitStack], str]] = {
    "scim2-server": in_process,
    "scim2-server without versions": lambda stack: in_process(stack, etag={"supported": False}),
    "scim2-server without bulk": lambda stack: in_process(stack, bulk={"supported": False}),
    "scim2-server with bulk of two": lambda stack: in_process(stack, bulk={"maxOperations": 2}),
    "scim2-server with short bulk": lambda stack: in_process(stack, bulk={"maxPayloadSize": 1500}),
    "scim2-server without PATCH": lambda stack: in_process(stack, patch={"supported": False}),
    "scim2-server with pages of two": lambda stack: in_process(stack, filter={"maxResults": 2}),
    "scim2-server with wrong totals": lambda stack: in_process(
        stack, wrong_totals=True, filter={"maxResults": 2}
    ),
    "scim2-server without filters": lambda stack: in_process(stack, filter={"supported": False}),
    "scimmy": lambda stack: stack.enter_context(running("pages")),
}


@pytest.fixture(params=MANNERS)
def other(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Other]:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as until_then:
        url = MANNERS[request.param](until_then)
        network = Network(url)
        until_then.callback(network.close)
        let_in = bearer(network, Secret(KEY))
        monkeypatch.setenv("SCIM_TOKEN", KEY)
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", url.split("/")[2])
        yield Other(url, lambda path, start: let_in.send(Request("GET", path, {"startIndex": start})).json)


@pytest.fixture
def project(tmp_path: Path, other: Other) -> Project:
    project = Project(tmp_path)
    settings = {"kind": "scim", "url": other.url, "keys": [{"env": "SCIM_TOKEN"}], "limits": LIMITS}
    project.write("target.yaml", json.dumps(settings | {"extensions": {"acme": BADGE}}))
    # Both show all members of a group, so one may be written as a whole.
    project.write("quirks.yaml", "found_at: 2026-11-22T00:00:00Z\nmembers: shown\n")
    return project


LIMITS = {"removals": {"share": 1, "floor": 50}}


def ran(capsys: Output, *arguments: str, code: ExitCode = ExitCode.OK) -> str:
    assert cli.run(arguments) == code, "".join(capsys.readouterr())
    return "".join(capsys.readouterr())


def settled(project: Project, capsys: Output, people: str) -> str:
    """Apply the files as reviewed; the next plan has nothing to do."""
    project.write("people.yaml", people)
    planned = ran(capsys, "plan", "--out", "plan.json")
    done = ran(capsys, "apply", "--plan", "plan.json")
    assert "No changes." in ran(capsys, "plan", "--detailed-exitcode")
    return planned + done


def test_people_come_change_and_go(project: Project, other: Other, capsys: Output) -> None:
    settled(project, capsys, FIRST)
    people = other.people()
    ada, grace = people["ada@acme.com"], people["grace@acme.com"]
    assert ada["displayName"] == "Ada Lovelace"
    assert ada["name"] == {"givenName": "Ada", "familyName": "Lovelace"}
    assert {(one["type"], one["value"]) for one in ada["emails"]} == {
        ("work", "ada@acme.com"),
        ("home", "ada@home.example"),
    }
    assert [(one["type"], one["value"]) for one in ada["phoneNumbers"]] == [("work", "+49 30 1")]
    assert [(one["type"], one["locality"]) for one in ada["addresses"]] == [("work", "London")]
    assert ada[ENTERPRISE]["department"] == "R&D"
    badge = ada[BADGE]
    assert (badge["badge"], badge["level"], badge["weight"], badge["trusted"]) == ("0042", 3, 1.5, True)
    assert badge["since"].startswith("2024-01-31T09:00:00")
    assert sorted(badge["tags"]) == ["blue", "red"]
    assert ada[ENTERPRISE]["manager"]["value"] == grace["id"]
    assert grace[ENTERPRISE]["manager"]["value"] == ada["id"]
    assert other.members() == {
        "Analysts": {"ada@acme.com"},
        "Readers": {"ada@acme.com", "grace@acme.com"},
        "Empty": set(),
    }

    settled(project, capsys, SECOND)
    people = other.people()
    assert people.keys() == {"ada@acme.com", "hopper@acme.com", "bob"}
    ada = people["ada@acme.com"]
    assert people["hopper@acme.com"]["id"] == grace["id"]
    assert people["bob"]["active"] is False
    assert (ada["displayName"], ada.get("title")) == ("Augusta Ada King", None)
    assert ada["name"] == {"givenName": "Augusta Ada", "familyName": "Lovelace"}
    assert [(one["type"], one["value"]) for one in ada["emails"]] == [("work", "augusta@acme.com")]
    assert {(one["type"], one["value"]) for one in ada["phoneNumbers"]} == {
        ("work", "+44 20 1"),
        ("mobile", "+44 70 2"),
    }
    assert ada[ENTERPRISE]["department"] == "Engines"
    assert ada[BADGE]["level"] == 4
    assert ada[BADGE]["trusted"] is False
    assert ada[BADGE]["since"].startswith("2025-02-28T09:00:00")
    assert sorted(ada[BADGE]["tags"]) == ["blue", "green"]
    assert not ada[BADGE].get("badge")
    assert not ada[BADGE].get("weight")
    assert not ada[ENTERPRISE].get("manager")
    assert other.members() == {
        "Engineers": {"ada@acme.com", "hopper@acme.com"},
        "Readers": {"hopper@acme.com"},
    }

    settings = json.loads((project.target / "target.yaml").read_text())
    leavers = {"users": {"tombstone": "delete"}}
    project.write("target.yaml", json.dumps(settings | {"leavers": leavers}))
    settled(project, capsys, THIRD)
    assert other.people().keys() == {"ada@acme.com", "hopper@acme.com"}


def test_a_server_that_begins_each_page_anew_stops_the_plan_before_anything_is_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """Express 5 hands startIndex and count over as text, and scimmy ignores both: it shows 20 people."""
    monkeypatch.chdir(tmp_path)
    with running() as url:
        network = Network(url)
        let_in = bearer(network, Secret(KEY))
        for number in range(25):
            person = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"p{number}"}
            assert let_in.send(Request("POST", "/Users", json=person)).ok
        network.close()
        monkeypatch.setenv("SCIM_TOKEN", KEY)
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", url.split("/")[2])
        project = Project(tmp_path)
        project.write(
            "target.yaml", json.dumps({"kind": "scim", "url": url, "keys": [{"env": "SCIM_TOKEN"}]})
        )
        project.write("people.yaml", "users: {p24: {name: Last}}")
        said = ran(capsys, "plan", code=ExitCode.ERROR)
        assert "listed the user with the id userName-1 twice, so another may be missing" in said

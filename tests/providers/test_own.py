"""A kind of system with fields, ways in and limits of its own, which shared code asks for and never names."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema
import pytest
from project import LIVE, Hooked, Project, a_project
from screen import Output

from reconciler import cli
from reconciler.changes import Delete, FieldChange, Update
from reconciler.errors import ExitCode, Invalid, Place
from reconciler.model import ACTIVE, user_address
from reconciler.plan import Plan
from reconciler.providers import registry
from reconciler.providers.kind import Ability, Credential
from reconciler.providers.omni.kind import OmniKind
from reconciler.providers.omni.provider import Omni
from reconciler.sandbox.omni.instance import SITE, Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.sandbox.server import serve
from reconciler.saved import from_json, to_json
from reconciler.target.schemas import published
from reconciler.target.settings import load_targets
from reconciler.transport.auth import Secret, with_pair
from reconciler.transport.hosts import Hosts
from reconciler.transport.messages import Request, Response, Transport
from reconciler.views.text import plan_text

PASSWORD = "opens-nothing-at-all"
REFERENCE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["env"],
    "writeOnly": True,
    "properties": {"env": {"type": "string", "minLength": 1, "writeOnly": True}},
}
OWN: Mapping[str, Any] = {
    "required": ["organization"],
    "properties": {
        "organization": {
            "description": "Its name in the address.",
            "type": "string",
            "pattern": "^[a-z]+$",
            "patternErrorMessage": "write its name as in the address",
        },
        "region": {"description": "Where it is.", "type": "string", "enum": ["eu", "us"]},
        "login": {
            "description": "Where its name and password are.",
            "type": "object",
            "additionalProperties": False,
            "writeOnly": True,
            "errorMessage": "name where they are: {user: {env: ACME_USER}, password: {env: ACME_PASSWORD}}",
            "properties": {"user": REFERENCE, "password": REFERENCE},
        },
    },
}
QUIRKS: Mapping[str, Any] = {"properties": {"slow": {"description": "Whether.", "type": "boolean"}}}


class Acme(OmniKind):
    """A vendor whose address follows from the organization's name, and who asks for a name and a password."""

    title = "Acme"
    variables: Mapping[str, str] = MappingProxyType({"user": "ACME_USER", "password": "ACME_PASSWORD"})
    port = 0
    asked: Mapping[str, Any] = MappingProxyType({})

    def schema(self, name: str) -> Mapping[str, Any]:
        return OWN if name == "target" else QUIRKS

    def hosts(self, settings: Mapping[str, Any]) -> Hosts:
        region = settings.get("region", "eu")
        return Hosts("Acme", (f".{region}.acme.example",), "https://globex.eu.acme.example", ("/api",))

    def address(self, settings: Mapping[str, Any]) -> str:
        if self.port:
            return f"http://127.0.0.1:{self.port}"
        return f"https://{settings['organization']}.{settings.get('region', 'eu')}.acme.example"

    def credentials(self, settings: Mapping[str, Any]) -> Sequence[Credential]:
        return [Credential(settings["login"])] if "login" in settings else []

    def authorise(
        self, transport: Transport, secrets: Mapping[str, Secret], settings: Mapping[str, Any]
    ) -> Transport:
        assert settings["organization"] == "globex"
        return with_pair(transport, secrets["user"], secrets["password"])

    def provider(self, settings: Mapping[str, Any], quirks: Mapping[str, Any]) -> Omni:
        self.asked = {**settings, **quirks}
        return Omni()


SETTINGS = """\
kind: acme
organization: globex
login: {user: {env: ACME_USER}, password: {env: ACME_PASSWORD}}
requests_per_minute: 500
"""


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Acme:
    kind = Acme()
    monkeypatch.setitem(registry.KINDS, "acme", kind)  # type: ignore[arg-type]
    return kind


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, acme: Acme) -> Project:
    monkeypatch.chdir(tmp_path)
    assert acme.title == "Acme"
    project = Project(tmp_path)
    project.write("target.yaml", SETTINGS)
    project.write("people.yaml", "users: {ada@acme.com: {name: Ada Lovelace}}\n")
    return project


def test_its_own_fields_reach_it_and_the_address_follows_from_them(project: Project, acme: Acme) -> None:
    project.write("quirks.yaml", "found_at: 2026-07-01T12:00:00Z\nslow: true\n")
    (target,) = load_targets(Path("desired-state"))
    assert target.url == "https://globex.eu.acme.example"
    assert target.own.keys() == {"organization", "login"}
    assert target.provider
    assert acme.asked["organization"] == "globex"
    assert acme.asked["slow"] is True


def problems() -> list[str]:
    with pytest.raises(Invalid) as caught:
        load_targets(Path("desired-state"))
    told = (str(problem).removeprefix("desired-state/acme/") for problem in sorted(caught.value.problems))
    return [re.sub(r"(?<=write true or false).*|(?<=where they are).*", ")", line) for line in told]


def test_what_is_wrong_with_its_own_fields_is_told_with_all_the_rest(project: Project) -> None:
    project.write("target.yaml", "kind: acme\norganisation: globex\nregion: uk\nprobe: 1\nlogn: x\n")
    assert problems() == [
        "target.yaml:1:1: `organization` is missing (add it)",
        "target.yaml:2:1: unknown field `organisation` (did you mean `organization`?)",
        "target.yaml:3:1: `region` must be `eu` or `us`, not the text `uk`",
        "target.yaml:4:1: `probe` must be true or false, not the number 1 (write true or false)",
        "target.yaml:5:1: unknown field `logn` (name where they are)",
    ]
    project.write("target.yaml", "kind: acme\nurl: https://globex.eu.acme.example\norganization: X\n")
    assert problems() == [
        "target.yaml:2:1: unknown field `url` (did you mean `journal`?)",
        "target.yaml:3:1: `organization` cannot be the text `X` (write its name as in the address)",
    ]


def test_a_secret_that_stands_in_its_own_field_is_not_shown(project: Project) -> None:
    project.write("target.yaml", f"kind: acme\norganization: globex\nlogin: {PASSWORD}\n")
    (problem,) = problems()
    assert problem == "target.yaml:3:1: `login` must be fields (name where they are)"


def test_another_kinds_fields_are_unknown_to_it_and_so_are_its_quirks(project: Project) -> None:
    project.write("target.yaml", SETTINGS + "keys: [{env: K}]\n")
    assert problems()[0].startswith("target.yaml:5:1: unknown field `keys`")
    project.write("target.yaml", SETTINGS)
    project.write("quirks.yaml", "found_at: 2026-07-01T12:00:00Z\nretry_after: true\n")
    assert problems() == ["quirks.yaml:2:1: unknown field `retry_after` (known here: found_at, slow)"]


def test_the_schemas_for_an_editor_have_a_branch_for_it(acme: Acme) -> None:
    texts = published()
    assert {"target-acme", "quirks-acme", "target-omni", "quirks-omni"} <= texts.keys()
    assert list(json.loads(texts["target-acme"])["properties"])[:2] == ["kind", "organization"]
    assert [way["then"]["$ref"] for way in json.loads(texts["target"])["allOf"]] == [
        "target-omni.schema.json",
        "target-pleio.schema.json",
        "target-scim.schema.json",
        "target-acme.schema.json",
    ]
    assert acme.title in texts["target-acme"]


@pytest.mark.usefixtures("project")
def test_a_name_and_a_password_let_it_in_and_show_up_nowhere(
    acme: Acme, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    pair, another = (base64.b64encode(f"{user}:{PASSWORD}".encode()).decode() for user in ("robot", "nobody"))

    def answer(request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Basic {pair}":
            return Response(401, text=f"not {request.headers.get('authorization')} with {PASSWORD}")
        request.headers["authorization"] = "Bearer sandbox"  # type: ignore[index]
        return None

    with serve(Hooked(Sandbox(Store.from_seed(LIVE)), answer), SITE) as server:
        acme.port = int(server.url.rpartition(":")[2])
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", server.url.removeprefix("http://"))
        monkeypatch.setenv("ACME_USER", "robot")
        monkeypatch.setenv("ACME_PASSWORD", PASSWORD)
        assert cli.run(["plan", "-v"]) == ExitCode.OK
        shown = "".join(capsys.readouterr())
        assert "Ada -> Ada Lovelace" in shown
        assert cli.run(["doctor"]) == ExitCode.OK
        told = "".join(capsys.readouterr())
        assert (
            "found in the environment variable ACME_USER and the environment variable ACME_PASSWORD" in told
        )
        monkeypatch.setenv("ACME_USER", "nobody")
        assert cli.run(["plan", "-v"]) == ExitCode.ERROR
        refused = "".join(capsys.readouterr())
        monkeypatch.setenv("ACME_USER", "a:b")
        assert cli.run(["plan"]) == ExitCode.ERROR
        assert "the environment variable ACME_USER holds a colon" in capsys.readouterr().err
    everything = shown + told + refused
    assert PASSWORD not in everything
    assert pair not in everything
    assert another not in everything
    assert "not Basic [key] with [key]" in refused


class Pleasant(OmniKind):
    """A system whose people say ban, which cannot read memberships, and cannot delete groups."""

    title = "Pleasant"
    words: Mapping[str, str] = MappingProxyType(
        {
            "deactivate": "ban",
            "deactivated": "banned",
            "reactivate": "unban",
            "delete": "delete (anonymises for ever)",
            "deleted": "deleted (anonymised for ever)",
        }
    )
    cannot: Mapping[Ability, str] = MappingProxyType(
        {
            "groups": "memberships cannot be read",
            "revoke": "memberships cannot be read",
            "exact_attributes": "what is not there cannot be told from what is empty",
            "rename groups": "their names are fixed",
            "delete groups": "they belong to their owners",
        }
    )


@pytest.fixture
def pleasant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setitem(registry.KINDS, "pleasant", Pleasant())  # type: ignore[arg-type]
    monkeypatch.chdir(tmp_path)
    project = a_project(tmp_path)
    project.configure(kind="pleasant")
    return project


def test_what_no_system_of_a_kind_can_do_is_refused_where_it_is_asked_for(pleasant: Project) -> None:
    settings = (pleasant.target / "target.yaml").read_text()
    (target,) = load_targets(Path("desired-state"))
    assert target.policy.manage == {"create", "name", "active", "attributes"}
    assert target.policy.manage_groups == {"create"}
    pleasant.write(
        "target.yaml",
        f"{settings[:-1]},\n"
        '"manage": {"users": ["name",\n "groups"], "exact_attributes":\n ["region"],\n"groups": ["create",\n'
        '"name",\n"members"]},\n'
        '"leavers": {"users": {"tombstone":\n ["revoke",\n "deactivate"],\n "never_listed": "revoke"},\n'
        '"groups": {"left_files": "delete"}},\n'
        '"probe": 1}\n',
    )
    assert [line.partition(" (")[0].replace(" is not possible in Pleasant", "") for line in problems()] == [
        "target.yaml:3:2: `groups`: memberships cannot be read",
        "target.yaml:3:13: `exact_attributes`: what is not there cannot be told from what is empty",
        "target.yaml:6:1: `name`: their names are fixed",
        "target.yaml:7:1: `members`: memberships cannot be read",
        "target.yaml:9:3: `revoke`: memberships cannot be read",
        "target.yaml:11:2: `revoke`: memberships cannot be read",
        "target.yaml:12:12: `delete groups`: they belong to their owners",
        "target.yaml:13:1: `probe` must be true or false, not the number 1",
    ]
    assert problems()[0].endswith("(leave it out of `manage.users`)")
    assert problems()[4].endswith("(write another way in `leavers.users.tombstone`)")


def test_where_nobody_can_be_deactivated_a_target_says_what_else_a_tombstone_does(
    pleasant: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pleasant, "cannot", {"deactivate": "an account has no such state"})
    (problem,) = problems()
    assert "`deactivate` is not possible in Pleasant: an account has no such state" in problem
    pleasant.configure(kind="pleasant", leavers={"users": {"tombstone": "delete"}})
    assert load_targets(Path("desired-state"))


@pytest.mark.usefixtures("pleasant")
def test_every_view_of_a_plan_says_it_in_the_words_of_its_people(capsys: Output) -> None:
    assert cli.run(["plan", "--out", "plan.json", "--format", "json"]) == ExitCode.OK
    jsonschema.validate(json.loads(capsys.readouterr().out), json.loads(published()["plan"]))
    for shape in ("text", "markdown", "html"):
        assert cli.run(["show", "plan.json", "--format", shape]) == ExitCode.OK
        shown = capsys.readouterr().out
        assert "1 user banned" in shown
        assert re.search(r"user/bob@acme.com.*\bban\b", shown, re.DOTALL)
        assert "deactivate" not in shown.partition("<style>")[0]
    # Of a kind that is not known here nobody can tell whether these are its words.
    registry.KINDS.pop("pleasant")  # type: ignore[attr-defined]
    assert cli.run(["show", "plan.json"]) == ExitCode.OK
    assert "1 user deactivated" in capsys.readouterr().out


def test_a_plan_says_who_comes_back_and_who_goes_for_ever() -> None:
    words = Pleasant.words
    place, active = Place("f"), FieldChange(ACTIVE, before=False, after=True)
    back = Update(user_address("a@x.co"), "a@x.co", "1", (active,), place)
    gone = Delete(user_address("b@x.co"), "b@x.co", "2", place, ends=("Finance",))
    plan = Plan("acme", "pleasant", "", (back, gone), words=words)
    text = plan_text(plan)
    assert "user/a@x.co  unban" in text
    assert "user/b@x.co  delete (anonymises for ever), out of 1 group" in text
    assert from_json(to_json(plan)) == plan
    assert from_json(to_json(plan)).words == words
    assert plan.digest != replace(plan, words={"delete": "keep"}).digest

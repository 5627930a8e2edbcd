"""A directory that is let into by client credentials, over the wire, by its own token endpoint."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anywhere import ran
from project import Hooked, Project
from screen import Output

from reconciler.errors import ExitCode
from reconciler.sandbox.scim.instance import SITE, Sandbox
from reconciler.sandbox.scim.store import Store
from reconciler.sandbox.server import serve
from reconciler.transport.messages import Request

SECRET = "no:word%that+opens/anything"
SEED: dict[str, Any] = {
    "users": {"ada@acme.com": {"displayName": "Ada"}},
    "groups": {"Readers": ["ada@acme.com"]},
    "clients": {"git:ops": {"secret": SECRET, "scopes": ["users", "groups"]}},
}
PEOPLE = """\
users:
  ada@acme.com: {name: Ada Lovelace, groups: [Readers]}
  bob@acme.com: {name: Bob, groups: [Readers]}
groups:
  Readers: {members: from_users}
"""


class Directory(Project):
    def __init__(self, root: Path, url: str, seen: list[Request], store: Store) -> None:
        super().__init__(root)
        self.url, self.seen, self.store = url, seen, store
        self.says()

    def says(self, **client: object) -> None:
        references = {"id": {"env": "CLIENT_ID"}, "secret": {"env": "CLIENT_SECRET"}}
        stated = {"token_url": f"{self.url}/oauth2/token", **references, "scopes": ["users", "groups"]}
        settings = {"kind": "scim", "url": f"{self.url}/scim/v2"}
        self.write(
            "target.yaml",
            json.dumps({**settings, "credential": {"client_credentials": {**stated, **client}}}),
        )

    @property
    def tokens(self) -> int:
        """How often a token was asked for."""
        return sum(request.path == "/oauth2/token" for request in self.seen)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    monkeypatch.chdir(tmp_path)
    store = Store.from_seed(SEED)
    hooked = Hooked(Sandbox(store))
    with serve(hooked, SITE) as server:
        directory = Directory(tmp_path, server.url, hooked.seen, store)
        directory.write("people.yaml", PEOPLE)
        monkeypatch.setenv("CLIENT_ID", "git:ops")
        monkeypatch.setenv("CLIENT_SECRET", SECRET)
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", server.url.removeprefix("http://"))
        yield directory


@pytest.mark.parametrize(
    ("switches", "most"),
    [
        ({}, 1),
        ({"oauth_expires_in": "text"}, 1),
        ({"oauth_expires_in": "absent"}, 1),
        ({"oauth_scope": "asked"}, 1),
        ({"oauth_auth": "basic"}, 1),
        ({"oauth_lifetime": 40}, 1),
        ({"oauth_ends_after": 3}, 9),
        ({"media": "scim", "content_type_required": True}, 1),
    ],
)
def test_it_is_planned_and_applied(
    directory: Directory, capsys: Output, switches: dict[str, object], most: int
) -> None:
    directory.store.behave(switches)
    done = ran(capsys, "apply", "--auto-approve")
    assert "1 created, 2 updated" in done or "1 created, 1 updated" in done
    assert 1 <= directory.tokens <= most
    held = directory.store.snapshot()
    assert held["groups"] == {"Readers": ["ada@acme.com", "bob@acme.com"]}
    assert "No changes." in ran(capsys, "plan", "--detailed-exitcode")


def test_a_narrower_token_is_refused_and_what_is_missing_named(directory: Directory, capsys: Output) -> None:
    directory.store.behave({"oauth_scope": "narrower"})
    said = ran(capsys, "plan", code=ExitCode.ERROR)
    assert "which was asked for; let this client have it, or leave it out of `scopes`" in said
    assert {request.path for request in directory.seen} == {"/oauth2/token"}


def test_a_scope_that_the_client_may_not_have_is_refused(directory: Directory, capsys: Output) -> None:
    directory.says(scopes=["users", "groups", "roles"])
    said = ran(capsys, "plan", code=ExitCode.ERROR)
    assert "it was refused with 400 (invalid_scope); check `scopes`" in said


def test_without_scopes_the_server_chooses(directory: Directory, capsys: Output) -> None:
    directory.says(scopes=[])
    assert "scopes" in ran(capsys, "plan", code=ExitCode.ERROR)
    settings = json.loads((directory.target / "target.yaml").read_text())
    del settings["credential"]["client_credentials"]["scopes"]
    directory.write("target.yaml", json.dumps(settings))
    ran(capsys, "plan")
    told = " ".join(ran(capsys, "doctor").split())
    assert "its scopes: groups users" in told


def test_a_directory_that_wants_the_secret_in_the_body_says_no(directory: Directory, capsys: Output) -> None:
    directory.store.behave({"oauth_auth": "form"})
    said = ran(capsys, "plan", code=ExitCode.ERROR)
    assert "it was refused with 401 (invalid_client)" in said

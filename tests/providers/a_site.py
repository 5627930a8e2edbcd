"""A project about a pretend Pleio site behind a socket, for tests of the command."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from project import Hooked, Project
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.sandbox.pleio.instance import PretendPleio, site_of
from reconciler.sandbox.pleio.site import Person, PleioSite
from reconciler.sandbox.server import serve
from reconciler.transport.messages import Request, Response

DOCENTEN = "57979220-0000-4000-8000-000000000001"
SEED: dict[str, Any] = {
    "profile_fields": ["occupation", "phone"],
    "groups": {DOCENTEN: {"name": "Docenten", "welcome": True}},
    "users": {
        "beheer@acme.nl": {"name": "Beheer", "external_id": "1", "admin": True},
        "piet@acme.nl": {"name": "Piet", "external_id": "E2", "profile": {"phone": "06"}},
        "ban@acme.nl": {"name": "Banned", "external_id": "E3", "banned": True},
    },
}
JPEG = b"\xff\xd8\xff\xe0 a picture"


class Place:
    """A project, the site that it is about, and the command."""

    def __init__(self, project: Project, site: PleioSite, url: str, capsys: Output) -> None:
        self.project, self.site, self.url, self.capsys = project, site, url, capsys
        self.settings(protect={"users": ["beheer@acme.nl"]})

    def settings(self, **more: object) -> None:
        base = {"kind": "pleio", "url": self.url, "keys": [{"env": "API_SECRET"}], "match": ["external_id"]}
        self.project.write(
            "target.yaml", json.dumps(base | {"groups_by_name": {"Docenten": DOCENTEN}} | more)
        )

    def files(self, text: str) -> None:
        self.project.write("people.yaml", text)

    def run(self, *arguments: str, code: ExitCode = ExitCode.OK) -> str:
        found = cli.run(arguments)
        said = "".join(self.capsys.readouterr())
        assert found == code, said
        return said

    def plan(self, code: ExitCode = ExitCode.OK) -> str:
        return self.run("plan", code=code)

    def apply(self, *arguments: str, code: ExitCode = ExitCode.OK) -> str:
        return self.run("apply", "--auto-approve", *arguments, code=code)

    def person(self, email: str) -> Person:
        (found,) = (person for person in self.site.listed() if person.email == email)
        return found

    def settled(self) -> None:
        assert "No changes." in self.plan()


@contextmanager
def a_place(
    project: Project, seed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: Output, hook: list[Any]
) -> Iterator[Place]:
    """The project, and its site; what is in ``hook`` answers in its place."""
    site = PleioSite.from_seed(SEED | seed)
    pretend = PretendPleio(site)

    class Front:
        def send(self, asked: Request) -> Response:
            return hook[0](asked, pretend) if hook else pretend.send(asked)

    with serve(Hooked(Front()), site_of(site)) as server:
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", server.url.removeprefix("http://"))
        monkeypatch.setenv("API_SECRET", "sandbox")
        yield Place(project, site, server.url, capsys)

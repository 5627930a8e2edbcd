"""A target of a kind without hosts of its own; its system and the login that gives tokens are served."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from clocks import FakeClock
from logins import ID, SECRET, Api, Login
from project import Hooked, Project
from providers.toy import Toy
from providers.toy_system import KEY, Club
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.providers import registry, ways_in
from reconciler.providers.kind import Credential
from reconciler.sandbox.pretend import Site
from reconciler.sandbox.server import serve
from reconciler.transport.hosts import Hosts


class Anywhere(Toy):
    """A kind that has no hosts of its own, and the usual ways in."""

    def schema(self, name: str) -> Mapping[str, Any]:
        own = {"url": {"type": "string"}, **ways_in.fields()["properties"]}
        return {**ways_in.fields(), "required": ["url"], "properties": own} if name == "target" else {}

    def hosts(self, settings: Mapping[str, Any]) -> Hosts:  # noqa: ARG002 (any)
        return Hosts("a club", (), "https://club.example/rows", any_path=True)

    def credentials(self, settings: Mapping[str, Any]) -> Sequence[Credential]:
        return ways_in.credentials(settings)


class Place(Project):
    """A target whose system and whose login are behind sockets of their own."""

    def __init__(self, root: Path, login: Hooked, api: Hooked, urls: tuple[str, str]) -> None:
        super().__init__(root)
        self.login, self.api = login, api
        self.login_url, self.url = urls

    @property
    def hosts(self) -> list[str]:
        return [url.removeprefix("http://") for url in (self.url, self.login_url)]

    def says(self, **client: object) -> None:
        """What target.yaml says of the client."""
        references = {"id": {"env": "CLIENT_ID"}, "secret": {"env": "CLIENT_SECRET"}}
        stated = {"token_url": f"{self.login_url}/oauth2/token", **references, "scopes": ["rows"], **client}
        self.configure(kind="anywhere", credential={"client_credentials": stated})

    def configure(self, **settings: object) -> None:
        self.write("target.yaml", json.dumps({"url": self.url, **settings}))


@contextmanager
def a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The target, with two people to write to an empty system, and the secrets in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry.KINDS, "anywhere", Anywhere())  # type: ignore[arg-type]
    login = Login(FakeClock())
    login_door, door = Hooked(login), Hooked(Api(login, Club({"users": {"ada": {"name": "Ada"}}}), KEY))
    with ExitStack() as until_then:
        urls = [until_then.enter_context(serve(each, Site())).url for each in (login_door, door)]
        place = Place(tmp_path, login_door, door, (urls[0], urls[1]))
        monkeypatch.setenv("CLIENT_ID", ID)
        monkeypatch.setenv("CLIENT_SECRET", SECRET)
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", ",".join(place.hosts))
        place.says()
        place.write("people.yaml", "users: {ada: {name: Ada Lovelace}, bob: {}}\n")
        yield place


def ran(capsys: Output, *arguments: str, code: ExitCode = ExitCode.OK) -> str:
    assert cli.run(arguments) == code, "".join(capsys.readouterr())
    shown = capsys.readouterr()
    return shown.out + shown.err

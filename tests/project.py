"""A whole project in a folder: one target, its files, and what is live, for tests of the command."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.sandbox.omni.instance import SITE, Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.sandbox.server import serve
from reconciler.transport.messages import Request, Response, Transport

KEY = "omni_osk_a-key-that-opens-nothing"

PEOPLE = """\
users:
  ada@acme.com:
    name: Ada Lovelace
  bob@acme.com:
    state: absent
  cleo@acme.com:
    name: Cleo
    groups: [Finance]
    attributes: {region: [emea]}
groups:
  Finance: {members: from_users}
"""

LIVE: dict[str, Any] = {
    "switches": {"requests_per_minute": 0},
    "attributes": {"region": {"multiple_values": True}},
    "users": {
        "ada@acme.com": {"name": "Ada", "attributes": {"region": ["apac"]}},
        "bob@acme.com": {"name": "Bob"},
        "dora@acme.com": {"name": "Dora"},
    },
    "groups": {"Finance": ["ada@acme.com", "bob@acme.com"]},
    "keys": {"sandbox": {}, KEY: {}, "mine": {"kind": "personal", "owner": "ada@acme.com"}},
}

MANY: dict[str, Any] = {
    **LIVE,
    "users": {**LIVE["users"], **{f"p{n}@acme.com": {"name": "P"} for n in range(10)}},
    "groups": {},
}
LEAVERS = "users:\n" + "".join(f"  p{n}@acme.com: {{state: absent}}\n" for n in range(6))
"""A plan over the limits: all six managed users are to go."""


class Project:
    """A folder with ``desired-state/``; ``target`` is the target's folder in it."""

    def __init__(self, root: Path, name: str = "acme") -> None:
        self.root = root
        self.name = name
        self.target = root / "desired-state" / name
        self.target.mkdir(parents=True)
        self.runs = root / ".reconciler" / "runs"

    def configure(self, **settings: object) -> None:
        """Write target.yaml; without ``url`` it is one with an embedded sandbox."""
        base: dict[str, object] = {"kind": "omni", "url": "https://acme.omniapp.co"}
        if "url" in settings:
            (self.target / "seed.yaml").unlink(missing_ok=True)
            base |= {"keys": [{"env": "OMNI_API_KEY"}], "requests_per_minute": 500}
        else:
            base["sandbox"] = {"seed": "seed.yaml", "state": f"../../{self.name}.json"}
        self.write("target.yaml", json.dumps(base | settings))

    def write(self, name: str, text: str) -> None:
        """Write one file of the target."""
        (self.target / name).write_text(text, encoding="utf-8")

    def seed(self, seed: Mapping[str, object]) -> None:
        """Say what is live at first."""
        self.write("seed.yaml", json.dumps(seed))

    def live(self) -> dict[str, Any]:
        """What is live now in the embedded sandbox, in the form of a seed."""
        return Store.open(self.target / "seed.yaml", self.root / f"{self.name}.json").snapshot()

    def journal(self) -> list[dict[str, Any]]:
        """Every entry of the newest run."""
        newest = max(self.runs.glob("*.jsonl"))
        return [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]


def a_project(root: Path, name: str = "acme") -> Project:
    """A small project whose first plan has one change of each kind, against an embedded sandbox."""
    project = Project(root, name)
    project.configure()
    project.seed(LIVE)
    project.write("people.yaml", PEOPLE)
    return project


def change_live(project: Project, **users: dict[str, Any]) -> None:
    """Have somebody change people in Omni itself."""
    seed: dict[str, Any] = {**LIVE, "users": {**LIVE["users"]}}
    for name, fields in users.items():
        seed["users"][f"{name}@acme.com"] = {**LIVE["users"].get(f"{name}@acme.com", {}), **fields}
    project.seed(seed)


class Hooked:
    """A Transport that shows each request to a hook first, which may answer in place of what is behind it."""

    def __init__(self, inner: Transport, hook: Callable[[Request], Response | None] = lambda _: None) -> None:
        self.inner = inner
        self.hook = hook
        self.seen: list[Request] = []

    def send(self, request: Request) -> Response:
        self.seen.append(request)
        return self.hook(request) or self.inner.send(request)

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.seen if request.method != "GET"]


class Served(Project):
    """A project whose target is a pretend Omni behind a socket; ``omni`` is in front of that."""

    def __init__(self, root: Path, url: str, store: Store, omni: Hooked) -> None:
        super().__init__(root)
        self.url = url
        self.host = url.removeprefix("http://")
        self.store = store
        self.omni = omni
        self.environ = {"OMNI_API_KEY": KEY, "RECONCILER_ALLOWED_HOSTS": self.host}
        self.configure(url=url)
        self.write("people.yaml", PEOPLE)

    def live(self) -> dict[str, Any]:
        return self.store.snapshot()

    def by_hand(self, email: str, **changes: object) -> None:
        """Change a person as somebody at Omni's own pages would: no client sees it."""
        (user,) = self.store.users_with_email(email)
        for name, value in changes.items():
            setattr(user, name, value)
        self.store.touch(user)

    def leaves(self, email: str, group: str) -> None:
        """Take a person out of a group, as somebody at Omni's own pages would."""
        (person,) = self.store.users_with_email(email)
        (found,) = [one for one in self.store.groups.values() if one.name == group]
        self.store.leave(found, person)


@contextmanager
def served(root: Path, seed: Mapping[str, object] = LIVE) -> Iterator[Served]:
    """The small project against a real socket."""
    store = Store.from_seed(seed)
    omni = Hooked(Sandbox(store))
    with serve(omni, SITE) as server:
        yield Served(root, server.url, store, omni)

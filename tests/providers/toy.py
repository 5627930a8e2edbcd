"""A kind of system that is neither SCIM nor Omni, whole: shared code copes with it, and knows nothing of it.

Every stage is one request with a row for each change, and each row is answered by itself. Some rows
are done later, and a read shows which. Nothing shows who is in a group, so the files cannot say it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from providers.toy_provider import ToyProvider
from providers.toy_system import opened

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState
from reconciler.providers import registry
from reconciler.providers.checks import KEY_HINT
from reconciler.providers.kind import Reading
from reconciler.report import Check
from reconciler.sandbox.pretend import Pretend
from reconciler.transport.hosts import Hosts
from reconciler.transport.messages import Reader, Response


class ToyChecks:
    """What a doctor asks."""

    greeting = "/all"
    names = ("key",)
    description = ""
    quirks = ()

    def key(self, greeted: Response) -> Check:
        if greeted.ok:
            return Check("key", "ok", "opens the club")
        return Check("key", "failed", f"GET /all was answered {greeted.status}", KEY_HINT)

    def checks(self, greeted: Response, reader: Reader, reading: Reading) -> Iterator[Check]:  # noqa: ARG002
        yield self.key(greeted)

    def described(self, answer: Response) -> Check:
        raise NotImplementedError

    def advice(self, quirks: Mapping[str, Any]) -> str:  # noqa: ARG002 (it has none)
        return ""


class Toy:
    """What shared code asks of ``kind: toy``."""

    title = "Toy"
    hosts = Hosts(owner="Toy", suffixes=(".toy.example",), example="https://club.toy.example")
    pace = 300
    variable = "TOY_KEY"
    switches = ("slow", "stops")

    def first_target(self, url: str) -> str:
        managed = "manage: {users: [create, name, active, attributes]}"
        return f"kind: toy\nurl: {url}\nkeys: [{{env: TOY_KEY}}]\n{managed}\n"

    def switched(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        if unknown := texts.keys() - set(self.switches):
            message = f"{min(unknown)}: there is no such switch"
            raise ValueError(message)
        return {name: int(text) for name, text in texts.items()}

    def open_sandbox(self, seed: Path, state: Path | None) -> Pretend:
        return opened(seed, state)

    def rules(self, desired: DesiredState) -> Iterator[Problem]:
        """Nobody can see who is in a group, so no file may say it."""
        said = "Toy shows nobody who is in a group", "leave it out"
        for key, user in sorted(desired.users.items()):
            if user.groups is not None:
                yield Problem(desired.locate(Address("user", key), ("groups",)), *said)
        for key, group in sorted(desired.groups.items()):
            if group.members is not None or key in desired.from_users:
                yield Problem(desired.locate(Address("group", key), ("members",)), *said)

    def examiner(self) -> ToyChecks:
        return ToyChecks()

    def probe(self) -> None:
        return None

    def provider(self, quirks: Mapping[str, Any]) -> ToyProvider:  # noqa: ARG002 (it has none)
        return ToyProvider()


def register() -> None:
    """Add the one line that a kind needs."""
    registry.KINDS["toy"] = Toy()  # type: ignore[index]

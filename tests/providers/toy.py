"""A kind of system that is neither SCIM nor Omni, whole: shared code copes with it, and knows nothing of it.

Every stage is one request with a row for each change, and each row is answered by itself. Some rows
are done later, and a read shows which. Nothing shows who is in a group, so the files cannot say it.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from providers.toy_provider import ToyProvider
from providers.toy_system import opened

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState
from reconciler.providers.checks import KEY_HINT
from reconciler.providers.kind import Ability, Credential, Likes, Reading
from reconciler.report import Check
from reconciler.sandbox.pretend import Pretend
from reconciler.transport.auth import Secret, with_key
from reconciler.transport.hosts import Hosts
from reconciler.transport.messages import Reader, Response, Transport

REFERENCE = {"type": "object", "additionalProperties": False, "properties": {"env": {"type": "string"}}}
FIELDS = {"url": {"type": "string"}, "word": REFERENCE | {"writeOnly": True}}


class ToyChecks:
    """What a doctor asks."""

    greeting, names, description, quirks = "/all", ("key",), "", ()

    def key(self, greeted: Response) -> Check:
        said = f"GET /all was answered {greeted.status}"
        return Check("key", "ok" if greeted.ok else "failed", said, "" if greeted.ok else KEY_HINT)

    def checks(self, greeted: Response, reader: Reader, reading: Reading) -> Iterator[Check]:  # noqa: ARG002
        yield self.key(greeted)

    def described(self, answer: Response) -> Check:
        raise NotImplementedError

    def advice(self, quirks: Mapping[str, Any]) -> str:
        raise NotImplementedError


class Toy:
    """What shared code asks of ``kind: toy``."""

    title, pace = "Toy", 300
    words: Mapping[str, str] = {"deactivate": "bar", "deactivated": "barred", "reactivate": "let in"}
    cannot: Mapping[Ability, str] = {"groups": "it shows nobody who is in one"}
    variables: Mapping[str, str] = {"word": "TOY_WORD"}
    credential, switches = "word: {env: TOY_WORD}", ("slow", "stops")
    likes: Likes = {}  # noqa: RUF012 (nobody writes to it)

    def schema(self, name: Literal["target", "quirks"]) -> Mapping[str, Any]:
        return {"required": ["url"], "properties": FIELDS} if name == "target" else {"properties": {}}

    def hosts(self, settings: Mapping[str, Any]) -> Hosts:  # noqa: ARG002 (they are the same for all)
        return Hosts("Toy", (".toy.example",), "https://club.toy.example")

    def address(self, settings: Mapping[str, Any]) -> str:
        return str(settings["url"])

    def credentials(self, settings: Mapping[str, Any]) -> Sequence[Credential]:
        return [Credential({"word": settings["word"]})] if "word" in settings else []

    def media(self, quirks: Mapping[str, Any]) -> str:  # noqa: ARG002 (it is the same for all)
        return "application/json"

    def authorise(self, transport: Transport, secrets: Mapping[str, Secret], _: object) -> Transport:
        return with_key(transport, secrets["word"])

    def first_target(self, url: str) -> str:
        return f"kind: toy\nurl: {url}\n{self.credential}\n"

    def switched(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        return {name: int(text) for name, text in texts.items()}

    def open_sandbox(self, seed: Path, state: Path | None) -> Pretend:
        return opened(seed, state)

    def rules(self, desired: DesiredState) -> Iterator[Problem]:
        said = "Toy shows nobody who is in a group", "leave it out"
        for key in sorted(key for key, user in desired.users.items() if user.groups is not None):
            yield Problem(desired.locate(Address("user", key), ("groups",)), *said)
        for key, group in sorted(desired.groups.items()):
            if group.members is not None or key in desired.from_users:
                yield Problem(desired.locate(Address("group", key), ("members",)), *said)

    def examiner(self) -> ToyChecks:
        return ToyChecks()

    def probe(self) -> None:
        return None

    def provider(self, settings: Mapping[str, Any], quirks: Mapping[str, Any]) -> ToyProvider:  # noqa: ARG002
        return ToyProvider()

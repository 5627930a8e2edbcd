"""What a pretend site holds: people, profile fields, groups, the mails that it sent, and its log."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from reconciler.sandbox.pleio.switches import Switches
from reconciler.sandbox.seeding import flag, mapping, text
from reconciler.sandbox.store import Stored
from reconciler.sandbox.switching import from_mapping

TOKEN = "sandbox"  # noqa: S105 (it opens a pretend site only)
DELETED = "Verwijderde gebruiker"
"""What somebody is called once they are deleted; the lists leave out whoever is called so."""
_FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_TOP = ("switches", "token", "profile_fields", "users", "groups")
_USER = ("name", "external_id", "banned", "profile", "admin", "groups")


@dataclass(slots=True)
class Person:
    """One account. ``picture`` is the size of what was uploaded, in bytes; ``made`` counts creations."""

    guid: str
    made: int
    name: str
    email: str
    external_id: str | None = None
    banned: bool = False
    ban_reason: str = ""
    admin: bool = False
    profile: dict[str, str] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    picture: int = 0
    pictures: int = 0
    updated: int = 0


class PleioSite(Stored[Switches]):
    """The state of one pretend site, in memory or in a file."""

    switch_type = Switches

    def __init__(self) -> None:
        self.serial = 0
        self.switches = Switches()
        self.token = TOKEN
        self.fields: list[str] = []
        self.people: dict[str, Person] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.mails: list[dict[str, str]] = []
        self.log: list[dict[str, str]] = []

    def fill(self, seed: Mapping[str, object]) -> None:
        """Put a seed into an empty site; raises ValueError that names the key with the mistake."""
        parts = mapping(seed, "the seed", _TOP)
        try:
            self.switches = from_mapping(Switches, mapping(parts.get("switches", {}), "switches"))
        except ValueError as error:
            message = f"switches.{error}"
            raise ValueError(message) from None
        self.token = text(parts.get("token", TOKEN), "token")
        self.fields = [text(name, "profile_fields") for name in parts.get("profile_fields", ())]
        for guid, row in mapping(parts.get("groups", {}), "groups").items():
            given = mapping(row, f"groups.{guid}", ("name", "automatic", "welcome"))
            self.groups[guid] = {"name": guid, "automatic": False, "welcome": False, **given}
        for email, row in mapping(parts.get("users", {}), "users").items():
            self._seed_person(email, mapping(row, f"users.{email}", _USER))

    def _seed_person(self, email: str, row: Mapping[str, Any]) -> None:
        where = f"users.{email}"
        name = text(row.get("name", email), f"{where}.name")
        person = self.add(name, email, text(row.get("external_id"), f"{where}.external_id", optional=True))
        person.banned = flag(row.get("banned", False), f"{where}.banned")
        person.admin = flag(row.get("admin", False), f"{where}.admin")
        for key, value in mapping(row.get("profile", {}), f"{where}.profile").items():
            if key not in self.fields:
                message = f"{where}.profile.{key}: not under `profile_fields`, so nobody can have it"
                raise ValueError(message)
            person.profile[key] = str(value)
        person.groups = list(row.get("groups", ()))

    def load_json(self, data: Any) -> None:
        """Take what to_json gave."""
        self.serial, self.token, self.fields = data["serial"], data["token"], data["fields"]
        self.switches = from_mapping(Switches, data["switches"])
        self.people = {guid: Person(**row) for guid, row in data["people"].items()}
        self.groups, self.mails, self.log = data["groups"], data["mails"], data["log"]

    def data(self) -> dict[str, object]:
        """Everything but the switches."""
        people = {guid: asdict(person) for guid, person in self.people.items()}
        parts = {"groups": self.groups, "mails": self.mails, "log": self.log}
        return {"serial": self.serial, "token": self.token, "fields": self.fields, "people": people, **parts}

    def snapshot(self) -> dict[str, Any]:
        """Who is there, and what the site sent and logged, without ids: for comparing."""
        users = {
            person.email: {
                "name": person.name,
                "external_id": person.external_id,
                "active": not person.banned,
                "attributes": {f"profile.{key}": value for key, value in person.profile.items() if value},
                "groups": sorted(person.groups),
                "picture": person.picture,
            }
            for person in self.listed()
        }
        return {"users": users, "groups": {}}

    # What requests do

    def tick(self) -> int:
        """Count a write."""
        self.serial += 1
        return self.serial

    def add(self, name: str, email: str, external_id: str | None) -> Person:
        """A new person, whose id follows from how many there were."""
        made = len(self.people) + 1
        person = Person(str(uuid5(NAMESPACE_URL, str(made))), made, name, email, external_id)
        person.updated = self.tick()
        self.people[person.guid] = person
        return person

    def listed(self) -> Iterator[Person]:
        """Everybody whom a list shows."""
        return (person for person in self.people.values() if person.name != DELETED)

    def created(self, person: Person) -> datetime:
        """When somebody was made."""
        return _FIRST_DAY + timedelta(minutes=(person.made - 1) // max(1, self.switches.made_at_once))

    def holder(self, what: str, value: str | None) -> Person | None:
        """The first who has this value of ``email`` or ``external_id``, in any case; deleted people count."""
        wanted = value.lower() if value else None
        found = ((getattr(person, what), person) for person in self.people.values())
        return next((one for has, one in found if (has.lower() if has else None) == wanted), None)

    def join(self, person: Person, guid: str) -> None:
        """Make somebody a plain member of a group; who is in it stays as they are."""
        if guid in self.groups and guid not in person.groups:
            person.groups.append(guid)
            if self.groups[guid]["welcome"]:
                self.mail(person, f"Welcome to {self.groups[guid]['name']}")

    def mail(self, person: Person, subject: str) -> None:
        """Send a mail, into the outbox."""
        if self.switches.mails:
            self.mails.append({"to": person.email, "subject": subject})

    def remove(self, person: Person) -> None:
        """Make somebody anonymous for ever."""
        person.email, person.name, person.external_id = f"{person.guid}@deleted", DELETED, None
        person.profile, person.groups, person.picture, person.admin = {}, [], 0, False
        self.tick()

"""A company of any size, as it is live and as its files want it: the same for the same size, always.

Each person has the shape ``{name, active, 3 groups, 4 attributes}``; two in a
hundred differ from the live directory in one way or another.
"""

import csv
import io
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from math import ceil
from typing import Any

PAGE = 100
"""The most rows of one page (Omni docs: list users)."""

DEFINITIONS: dict[str, dict[str, Any]] = {
    "region": {"multiple_values": True},
    "department": {},
    "cost_center": {},
    "level": {"type": "Number"},
}
_REGIONS = ("amer", "apac", "emea", "latam")
_DEPARTMENTS = ("Engineering", "Finance", "Marketing", "Operations", "Sales")
_FIRST = ("Ada", "Bo", "Chiara", "Dmitri", "Elif", "Femi", "Grace", "Hana", "Ines", "João")
_LAST = ("Adeyemi", "Berg", "Costa", "Dąbrowski", "Eriksen", "Fischer", "García", "Haddad", "Ito", "Jones")


@dataclass(frozen=True, slots=True)
class Person:
    """One user; ``groups`` are three names."""

    name: str
    active: bool
    groups: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Directory:
    """People by e-mail, and the names of all groups."""

    people: Mapping[str, Person]
    groups: tuple[str, ...]

    def members(self) -> dict[str, set[str]]:
        """Who is in each group."""
        found: dict[str, set[str]] = {name: set() for name in self.groups}
        for email, person in self.people.items():
            for name in person.groups:
                found[name].add(email)
        return found


@dataclass(frozen=True, slots=True)
class Least:
    """The fewest requests that can do it."""

    reads: int
    writes: int


@dataclass(frozen=True, slots=True)
class Company:
    """What is live, and what the files want; ``renamed`` maps a group's new name to its old one."""

    live: Directory
    desired: Directory
    renamed: Mapping[str, str] = field(default_factory=dict)

    def least(self) -> Least:
        """The fewest requests, from the two directories alone: nothing of the reconciler is asked.

        To read: each page of users and of groups once, the attribute
        definitions, and whose key it is. To write: one request for a user who
        is new or has any other field; no request can write two users. Members
        are written through their group: one request takes all adds of a group
        and one all its removals, since access is given before any is taken.
        A new group takes its first members along, and a new name travels with
        either; only a rename without any change of members costs one itself.
        """
        live, now = self.live, self.desired
        users = sum(
            email not in live.people or _fields(live.people[email]) != _fields(person)
            for email, person in now.people.items()
        )
        before, after = live.members(), now.members()
        groups = 0
        for name, members in after.items():
            had = before.get(self.renamed.get(name, name))
            if had is None:
                groups += 1
            else:
                groups += max(bool(members - had) + bool(had - members), name in self.renamed)
        return Least(ceil(len(live.people) / PAGE) + ceil(len(live.groups) / PAGE) + 2, users + groups)

    def seed(self) -> dict[str, Any]:
        """The live directory as a seed of the sandbox, without its rate limit."""
        return {
            "switches": {"requests_per_minute": 0},
            "attributes": DEFINITIONS,
            "users": {
                email: {"name": p.name, "active": p.active, "attributes": dict(p.attributes)}
                for email, p in self.live.people.items()
            },
            "groups": {name: sorted(members) for name, members in self.live.members().items()},
        }

    def files(self, number: int) -> Iterator[str]:
        """The desired state as YAML, cut into so many files."""
        people, groups = list(self.desired.people.items()), list(self.desired.groups)
        for index in range(number):
            share = slice(index * len(people) // number, (index + 1) * len(people) // number)
            names = slice(index * len(groups) // number, (index + 1) * len(groups) // number)
            yield "".join(
                [
                    "groups:\n" if groups[names] else "",
                    *map(self._group_yaml, groups[names]),
                    "users:\n",
                    *(_user_yaml(email, person) for email, person in people[share]),
                ]
            )

    def table(self) -> str:
        """The same people as a table; the files have the groups."""
        columns = ("login", "name", "active", "groups", *DEFINITIONS)
        written = io.StringIO()
        writer = csv.writer(written)
        writer.writerow(columns)
        for email, person in self.desired.people.items():
            lists = (f"[{', '.join(names)}]" for names in (person.groups, person.attributes["region"]))
            groups, region = lists
            values = {**person.attributes, "region": region}
            active = "true" if person.active else "false"
            writer.writerow([email, person.name, active, groups, *(values[name] for name in DEFINITIONS)])
        return written.getvalue()

    def source(self) -> dict[str, Any]:
        """What says how to read the table."""
        return {
            "type": "csv",
            "path": "people.csv",
            "login": "login",
            "fields": {
                "name": "name",
                "active": "active",
                **{f"attributes.{name}": name for name in DEFINITIONS},
            },
            "groups": [{"column": "groups", "decides": list(self.desired.groups)}],
        }

    def _group_yaml(self, name: str) -> str:
        earlier = f"    previously: [{self.renamed[name]}]\n" if name in self.renamed else ""
        return f"  {name}:\n    members: from_users\n{earlier}"


def make(size: int) -> Company:
    """A company of so many live people; one group for every 40 of them."""
    rng = random.Random(size)  # noqa: S311 (the same company each time)
    groups = tuple(f"Team {number:04}" for number in range(max(8, size // 40)))
    live = Directory({f"person.{n:06}@acme.com": _person(rng, n, groups) for n in range(size)}, groups)
    people = dict(live.people)
    fresh = "Team new"
    share = max(1, size // 200)
    changed = iter(rng.sample(sorted(people), 3 * share))
    for email in islice(changed, share):
        attributes = people[email].attributes
        people[email] = replace(
            people[email], attributes={**attributes, "level": attributes["level"] + 1, "region": ["emea"]}
        )
    for turn, email in enumerate(islice(changed, share)):
        one = people[email]
        people[email] = (
            replace(one, name=f"{one.name} Jr") if turn % 2 else replace(one, active=not one.active)
        )
    for turn, email in enumerate(changed):
        stays, goes = people[email].groups[:2], people[email].groups[2]
        joins = fresh if turn % 5 == 0 else rng.choice([g for g in groups if g not in {*stays, goes}])
        people[email] = replace(people[email], groups=(*stays, joins))
    for number in range(size, size + share):
        people[f"person.{number:06}@acme.com"] = replace(_person(rng, number, groups), active=True)
    renamed = {"Team renamed": groups[0], "Team renamed too": groups[1]}
    new_name = {old: new for new, old in renamed.items()}
    people = {
        email: replace(person, groups=tuple(new_name.get(g, g) for g in person.groups))
        for email, person in people.items()
    }
    return Company(live, Directory(people, (*(new_name.get(g, g) for g in groups), fresh)), renamed)


def with_one_change(live: Directory, what: str) -> Company:
    """The company as it is live, but for one line, one membership, one move or one leaver."""
    email, person = next((email, person) for email, person in live.people.items() if person.active)
    match what:
        case "line":
            level = person.attributes["level"] + 1
            person = replace(person, attributes={**person.attributes, "level": level})
        case "membership" | "move":
            other = next(name for name in live.groups if name not in person.groups)
            person = replace(person, groups=(*person.groups[: 2 if what == "move" else 3], other))
        case _:
            person = replace(person, active=False)
    return Company(live, replace(live, people={**live.people, email: person}))


def newcomers(size: int) -> Company:
    """So many active people of whom nobody is live yet, nor any of their groups."""
    later = make(size).live
    people = {email: replace(person, active=True) for email, person in later.people.items()}
    return Company(Directory({}, ()), Directory(people, later.groups))


def _person(rng: random.Random, number: int, groups: tuple[str, ...]) -> Person:
    attributes = {
        "region": sorted(rng.sample(_REGIONS, rng.randint(1, 2))),
        "department": rng.choice(_DEPARTMENTS),
        "cost_center": f"{rng.randrange(10_000):04}",
        "level": rng.randint(1, 9),
    }
    name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)} {number}"
    return Person(name, rng.random() < 0.95, tuple(rng.sample(groups, 3)), attributes)  # noqa: PLR2004 (19 of 20)


def _fields(person: Person) -> tuple[str, bool, Mapping[str, Any]]:
    return person.name, person.active, person.attributes


def _user_yaml(email: str, person: Person) -> str:
    values = {**person.attributes, "region": f"[{', '.join(person.attributes['region'])}]"}
    return (
        f"  {email}:\n"
        f"    name: {person.name}\n"
        f"    active: {'true' if person.active else 'false'}\n"
        f"    groups: [{', '.join(person.groups)}]\n"
        f"    attributes:\n" + "".join(f"      {key}: {value}\n" for key, value in values.items())
    )

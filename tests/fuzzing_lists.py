"""Mutated lists against their readers: clear problems or an exact reading, never a traceback or a hang.

What is read without a problem is written as records and read again: it must be
the same. Run as a script it is like ``fuzzing.py``, which says how.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

import fuzzing

from reconciler.desired.documents import Document
from reconciler.desired.lists.columns import columns_of
from reconciler.desired.lists.read import Wanted, read
from reconciler.desired.text import CONTROL, MAX_PROBLEMS
from reconciler.errors import Place, Problem
from reconciler.providers.registry import KINDS

FILE = "lists/people"
HERE = Place("t/target.yaml", 1, 1)
MAPPING: dict[str, Any] = {
    "login": "email",
    "fields": {
        "name": "name",
        "active": "active",
        "attributes.note": "note",
        "attributes.region": "region",
    },
    "groups": [
        {
            "column": "role",
            "map": {"admin": "BI Admins", "analyst": ["Analysts", "Staff"]},
            "otherwise": "Staff",
        },
        {"column": "teams", "decides": ["Sales", "Finance"]},
    ],
}
LIKES = {name: like for kind in KINDS.values() for name, like in kind.likes.items()}
TABLES = (
    """\
email,name,active,note,region,role,teams
ada@acme.com,Ada Lovelace,true,0420,"[emea, apac]",admin,[Sales]
bob@acme.com,"Bob ""B."" Berg",FALSE,"a, b",[],analyst,"[Finance, ""Sales""]"
zoë@acme.com,,,,,,
eve@acme.com,Eve,True,"'=1+1","['a, b', c]",,Finance
""",
    "email;name;active;note;region;role;teams\r\nada@acme.com;Ada;true;x;[a];admin;\r\n",
    """\
id,userName,displayName,active,email,userAttributes
u1,ada@acme.com,Ada,True,ada@acme.com,"{""region"": [""emea""], ""level"": 3, ""omni_user_timezone"": null}"
u2,bob@acme.com,Bob,False,bob@acme.com,{}
""",
    """\
op,email,display_name,region,level
upsert,ada@acme.com,Ada,"[emea,apac]",5
delete,bob@acme.com,,,
""",
)
RECORDS = (
    json.dumps(
        [
            {
                "email": "ada@acme.com",
                "name": "Ada",
                "active": True,
                "note": 5,
                "region": ["a"],
                "role": "admin",
                "teams": [],
            },
            {
                "email": "b@x",
                "name": None,
                "active": None,
                "note": "x",
                "region": [],
                "role": "?",
                "teams": ["Sales"],
            },
        ],
        indent=2,
    ),
    json.dumps(
        {
            "Resources": [
                {
                    "id": "u1",
                    "userName": "ada@acme.com",
                    "emails": [{"primary": True, "value": "ada@acme.com"}],
                    "groups": [{"display": "Staff", "value": "g1"}],
                    "urn:omni:params:1.0:UserAttribute": {"region": ["emea"], "level": 1.5},
                }
            ],
            "totalResults": 1,
        }
    ),
    '{"user_ids": ["ada@acme.com", "abc"]}',
)
GROUPS = 'id,name,members\ng1,Staff,"[""u1"", bob@acme.com]"\n'
SNIPPETS = (
    *fuzzing.SNIPPETS,
    b'"',
    b'""',
    b";",
    b",,",
    b'"a\nb"',
    b"[a, b",
    b'{"a": 1}',
    b"]",
    b"NaN",
    b"\\u0041",
)


def mutated(seed: int, number: int) -> tuple[str, bytes]:
    """One input: its type, and its bytes."""
    rng = random.Random(f"lists/{seed}/{number}")  # noqa: S311 (chance that can be repeated is the point)
    type_ = rng.choice(("csv", "csv", "json"))
    raw = rng.choice(TABLES if type_ == "csv" else RECORDS).encode()
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        raw = rng.choice((*fuzzing.MUTATIONS, _cell, _cell, _cell, _cell))(rng, raw or b"\n")
    return type_, raw


def _cell(rng: random.Random, raw: bytes) -> bytes:
    """Put a snippet in place of a cell, or of a part of a record."""
    parts = raw.split(b",")
    parts[rng.randrange(len(parts))] = rng.choice(SNIPPETS)
    return b",".join(parts)


def examine(type_: str, raw: bytes, turn: int) -> str:
    """Read a list by a mapping, and as that of another tool; returns how the first ended.

    Raises AssertionError where that was wrong.
    """
    text = raw.decode(errors="replace").removeprefix("\ufeff")
    by_mapping = read(Wanted(columns_of(MAPPING, {}), type_, HERE), (raw, FILE))  # type: ignore[arg-type]
    like = [each[type_] for each in LIKES.values() if type_ in each]
    columns = columns_of({}, like[turn % len(like)])
    wanted = Wanted(columns, type_, HERE, skip=turn % 3 == 0, leavers=turn % 5 == 0)  # type: ignore[arg-type]
    files = [(raw, FILE), *([(GROUPS.encode(), "g")] if type_ == "csv" and columns.group else [])]
    for document in (by_mapping, read(wanted, *files)):
        assert document.listing
        assert len(document.problems) <= MAX_PROBLEMS + 2
        for problem in (*document.problems, *document.listing.skipped):
            check(problem, text)
    if by_mapping.problems:
        return f"{type_}: refused"
    _check_exact(by_mapping)
    return f"{type_}: read"


def check(problem: Problem, text: str) -> None:
    for said in (problem.place.file, problem.place.name, problem.message, problem.hint):
        assert not CONTROL.search(said), f"a control character in {said!r}"
    assert problem.message.strip()
    assert len(str(problem)) <= 500, f"{len(str(problem))} characters"
    if problem.place.file == FILE and problem.place.line:
        assert 1 <= problem.place.line <= text.count("\n") + text.count("\r") + 1, problem


def _check_exact(document: Document) -> None:
    """Write what was read as records, and read it again."""
    records = []
    for login, entry in document.data["users"].items():
        record = {"email": login, "name": entry.get("name"), "active": entry.get("active")}
        record |= {name: entry.get("attributes", {}).get(name) for name in ("note", "region")}
        records.append({**record, "role": None, "teams": None})
    raw = json.dumps(records).encode()
    again = read(Wanted(columns_of(MAPPING, {}), "json", HERE), (raw, FILE))
    assert not again.problems, again.problems
    before = {login: _without_groups(entry) for login, entry in document.data["users"].items()}
    assert again.data["users"] == before


def _without_groups(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "groups"}


def each_list(_folder: Path, seed: int, number: int) -> str:
    """Examine one list."""
    return examine(*mutated(seed, number), number)


if __name__ == "__main__":
    sys.exit(fuzzing.main(each_list, lambda *of: mutated(*of)[1]))

"""The same people as YAML, as JSON and as any mapped table are the same plan."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import Project
from worlds import session

from reconciler import workflow
from reconciler.desired import pyyaml
from reconciler.plan import Plan
from reconciler.sandbox.omni.store import Store
from reconciler.target.settings import load_targets
from reconciler.workflow.convert import convert_sources

LOGINS = [f"{name}@acme.com" for name in ("ada", "bob", "cleo", "dora", "eve")]
ROLES = {"admin": "BI Admins", "analyst": "Analysts"}
NOTHING = dict.fromkeys(("name", "active", "role", "region", "department", "level"))
GROUPS = (*ROLES.values(), "Everyone")
LIVE: dict[str, Any] = {
    "switches": {"requests_per_minute": 0},
    "attributes": {"region": {"multiple_values": True}, "department": {}, "level": {"type": "Number"}},
    "users": {
        "ada@acme.com": {"name": "Ada", "attributes": {"region": ["emea"], "level": 3}},
        "bob@acme.com": {"name": "Bob", "active": False, "attributes": {"department": "Data"}},
        "zoe@acme.com": {"name": "Zoe"},
    },
    "groups": {"BI Admins": ["ada@acme.com", "zoe@acme.com"], "Analysts": ["bob@acme.com"], "Everyone": []},
    "keys": {"sandbox": {}},
}

words = (
    st.text("aé0.,;#:|-'\"{}[]= \t\u3042", min_size=1, max_size=8)
    .map(str.strip)
    .filter(lambda word: word.isprintable() and word[:1] not in ("", "[", "'"))
)
people = st.dictionaries(
    st.sampled_from(LOGINS),
    st.fixed_dictionaries(
        {},
        optional={
            "name": words,
            "active": st.booleans(),
            "role": st.sampled_from((*ROLES, "cook")),
            "region": st.lists(st.one_of(words, st.just("a, b")), max_size=3, unique=True),
            "department": words,
            "level": st.integers(0, 10**18),
        },
    ),
)
shapes = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t"),
        "columns": st.permutations(("login", "name", "active", "role", "region", "department", "level")),
        "more": st.integers(0, 2),
        "begin": st.sampled_from(("", "\ufeff")),
        "end": st.sampled_from(("\n", "\r\n")),
    }
)


def entry(person: dict[str, Any]) -> dict[str, Any]:
    """A person as an entry of YAML."""
    found = {name: person[name] for name in ("name", "active") if name in person}
    if "role" in person:
        found["groups"] = [ROLES.get(person["role"], "Everyone")]
    attributes = {name: person[name] for name in ("region", "department", "level") if name in person}
    return {**found, "attributes": attributes} if attributes else found


def cell(value: Any) -> str:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else str(value).upper()


def a_table(all_people: dict[str, dict[str, Any]], shape: dict[str, Any]) -> str:
    columns = [*shape["columns"], *(f"more {number}" for number in range(shape["more"]))]
    written = io.StringIO()
    writer = csv.writer(written, delimiter=shape["delimiter"], lineterminator=shape["end"])
    writer.writerow(columns)
    for login, person in all_people.items():
        row = {"login": login, **person}
        writer.writerow([cell(row[name]) if name in row else "" for name in columns])
    return str(shape["begin"]) + written.getvalue()


def mapping(type_: str) -> dict[str, Any]:
    return {
        "type": type_,
        "path": f"people.{type_}",
        "login": "login",
        "fields": {
            "name": "name",
            "active": "active",
            **{f"attributes.{name}": name for name in ("region", "department", "level")},
        },
        "groups": [{"column": "role", "map": ROLES, "otherwise": "Everyone"}],
    }


def planned(project: Project, *sources: dict[str, Any]) -> Plan:
    project.configure(sources=list(sources))
    (target,) = load_targets(project.root / "desired-state")
    return workflow.plan(target, session(Store.from_seed(LIVE), target)).plan


@pytest.mark.usefixtures("uncounted")
@settings(max_examples=40)
@given(all_people=people, shape=shapes)
def test_the_same_people_are_the_same_plan(
    tmp_path_factory: pytest.TempPathFactory, all_people: dict[str, dict[str, Any]], shape: dict[str, Any]
) -> None:
    project = Project(tmp_path_factory.mktemp("people", numbered=True))
    project.seed(LIVE)
    project.write(
        "groups.yaml", pyyaml.dump({"groups": {name: {"members": "from_users"} for name in GROUPS}})
    )
    yaml_file = project.target / "people.yaml"
    yaml_file.write_text(
        pyyaml.dump({"users": {login: entry(p) for login, p in all_people.items()}}), "utf-8"
    )
    as_yaml = planned(project)
    yaml_file.unlink()
    project.write(
        "people.json", json.dumps([{**NOTHING, "login": login, **p} for login, p in all_people.items()])
    )
    as_json = planned(project, mapping("json"))
    (project.target / "people.csv").write_bytes(a_table(all_people, shape).encode())
    as_table = planned(project, mapping("csv"))
    (target,) = load_targets(project.root / "desired-state")
    yaml_file.write_text(convert_sources(target, ["people.csv"]).text, "utf-8")
    converted = planned(project)
    # What the files say stays the same; that it comes from a list is told in its own digest.
    plans = (as_yaml, as_json, as_table, converted)
    assert len({replace(plan, files="").digest for plan in plans}) == 1

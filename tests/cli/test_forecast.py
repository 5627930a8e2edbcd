"""Many requests for one thing each are told before they begin, by every command that makes them."""

import json

import pytest
from project import LIVE, Project
from screen import Output

from reconciler import cli

PEOPLE = {f"p{n}@acme.com": {"name": "P"} for n in range(60)}
FOUND = "found_at: 2026-03-02T08:15:00Z\n"
FORECAST = (
    "note: 60 more requests, about 1 min at 55 a minute: for 60 users the list shows no value of `team`, so "
    "each is read by id; `reconciler doctor --probe` finds out whether a list may leave out what somebody has"
)


@pytest.fixture
def large(project: Project) -> Project:
    """Sixty people, whose team the files clear."""
    switches = LIVE["switches"] | {"extension_nulls": False}
    attributes = LIVE["attributes"] | {"team": {}}
    project.seed({"switches": switches, "attributes": attributes, "users": PEOPLE})
    project.write(
        "people.yaml", json.dumps({"users": {email: {"attributes": {"team": None}} for email in PEOPLE}})
    )
    return project


@pytest.mark.parametrize("command", ["plan", "drift", "apply --auto-approve", "plan --format json"])
@pytest.mark.usefixtures("large")
def test_a_read_of_each_person_is_told_before_it_begins(command: str, capsys: Output) -> None:
    assert cli.run([*command.split(), "--verbose"]) == 0
    rows = capsys.readouterr().err.splitlines()
    single = next(at for at, row in enumerate(rows) if "/scim/v2/users/" in row)
    assert [at for at, row in enumerate(rows) if row.startswith("note: ")] == [single - 1]
    assert rows[single - 1] == FORECAST


@pytest.mark.parametrize(
    "command", ["import acme", "get users --attributes", "export users --out people.json"]
)
@pytest.mark.usefixtures("large")
def test_questions_and_exports_say_it_too(command: str, capsys: Output) -> None:
    assert cli.run(command.split()) == 0
    assert (
        "60 users the list shows no value of `region`, `team`, so each is read by id"
        in capsys.readouterr().err
    )


def test_what_a_probe_found_ends_it_or_says_what_else_does(large: Project, capsys: Output) -> None:
    large.write("quirks.yaml", f"{FOUND}lists_carry_attributes: false\n")
    assert cli.run(["plan"]) == 0
    assert (
        "a plan asks for less only where the files and `exact_attributes` name fewer attributes\n"
        in capsys.readouterr().err
    )
    large.write("quirks.yaml", f"{FOUND}lists_carry_attributes: true\n")
    assert cli.run(["plan"]) == 0
    assert capsys.readouterr().err == ""


def test_less_than_half_a_minute_is_not_told(large: Project, capsys: Output) -> None:
    large.configure(requests_per_minute=121)
    assert cli.run(["plan"]) == 0
    assert capsys.readouterr().err == ""
    large.configure(requests_per_minute=120)
    assert cli.run(["plan"]) == 0
    assert "60 more requests, about 1 min at 120 a minute" in capsys.readouterr().err

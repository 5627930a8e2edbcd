"""The benchmark's own arithmetic, and that it measures what it says."""

import json
import re
from dataclasses import replace
from pathlib import Path

import company
import measure
import pytest
import site_of_pleio
import yaml
from book import DOCS, rows_of
from company import Company, Directory, Least, Person

import bench

ADA = Person("Ada", True, ("One", "Two", "Three"), {"level": 1})  # noqa: FBT003 (a field, named in the class)
BOB = replace(ADA, name="Bob")
GROUPS = ("One", "Two", "Three", "Four")
LIVE = Directory({"ada@acme.com": ADA, "bob@acme.com": BOB}, GROUPS)


def writes(
    people: dict[str, Person], groups: tuple[str, ...] = GROUPS, renamed: dict[str, str] | None = None
) -> int:
    return Company(LIVE, Directory({**LIVE.people, **people}, groups), renamed or {}).least().writes


def test_reading_takes_each_page_once_and_two_more() -> None:
    people = {f"{number}@acme.com": ADA for number in range(101)}
    groups = (*GROUPS, *map(str, range(97)))
    assert len(groups) == 101
    live = Directory(people, groups)
    assert Company(live, live).least() == Least(reads=2 + 2 + 2, writes=0)


def test_a_user_is_written_once_whatever_differs() -> None:
    assert writes({"ada@acme.com": replace(ADA, name="A.", active=False, attributes={"level": 2})}) == 1


def test_a_group_takes_one_write_for_adds_and_one_for_removals() -> None:
    moved = {"ada@acme.com": replace(ADA, groups=("One", "Two", "Four"))}
    swapped = {
        **moved,
        "bob@acme.com": replace(BOB, groups=("Four", "Two", "Three")),
    }
    assert writes(moved) == 2
    assert writes(swapped) == 3
    assert writes({"new@acme.com": ADA}) == 1 + 3


def test_a_new_group_takes_its_members_along() -> None:
    assert writes({"ada@acme.com": replace(ADA, groups=("One", "Two", "Fresh"))}, (*GROUPS, "Fresh")) == 2


def test_a_rename_travels_with_members_or_takes_one_write() -> None:
    groups, renamed = ("Uno", "Two", "Three", "Four"), {"Uno": "One"}
    same = {email: replace(p, groups=("Uno", "Two", "Three")) for email, p in LIVE.people.items()}
    assert writes(same, groups, renamed) == 1
    assert writes({**same, "new@acme.com": replace(ADA, groups=("Uno",))}, groups, renamed) == 1 + 1


@pytest.mark.parametrize("number", [1, 7])
def test_the_files_hold_the_same_however_many_they_are(number: int) -> None:
    made = company.make(60)
    users: dict[str, object] = {}
    groups: dict[str, object] = {}
    for text in made.files(number):
        data = yaml.safe_load(text)
        users |= data["users"]
        groups |= data.get("groups", {})
    assert list(users) == list(made.desired.people)
    assert list(groups) == list(made.desired.groups)


def test_the_same_size_is_the_same_company_and_two_in_a_hundred_differ() -> None:
    made = company.make(1000)
    assert made == company.make(1000)
    before, after = made.live.people, made.desired.people
    new_name = {old: new for new, old in made.renamed.items()}
    kept = {e: replace(p, groups=tuple(new_name.get(g, g) for g in p.groups)) for e, p in before.items()}
    assert sum(kept.get(email) != person for email, person in after.items()) == 20


def test_a_small_run_takes_the_fewest_requests(tmp_path: Path) -> None:
    least = measure.make(tmp_path, "200", "1")
    found = measure.requests(tmp_path / "in-1", str(tmp_path / "seed.json"))
    assert (found["reads"], found["writes"]) == (least["reads"], least["writes"])
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("size", [99, 600])
def test_a_small_night_of_a_pleio_site_takes_the_fewest_too(tmp_path: Path, size: int) -> None:
    least = site_of_pleio.least(size)
    found = site_of_pleio.night(tmp_path / "site", str(size))
    assert (found["reads"], found["writes"]) == (least["reads"], least["writes"])


def test_a_bar_is_met_up_to_and_with_its_number() -> None:
    assert bench.ratio("a", 3, 2, 1.5).verdict == "ok"
    assert bench.ratio("a", 3.1, 2, 1.5).verdict == "over"
    assert bench.ratio("a", 3.1, 2).verdict == ""
    assert not bench.ratio("a", 3.1, 2, 1.5).fails
    assert bench.counted("a", 3.1, 2, 1.5).fails
    assert not bench.counted("a", 3, 2, 1.5).fails
    assert bench.exactly("a", 4, 4).verdict == "ok"
    assert bench.exactly("a", 5, 4).verdict == "over"


def test_the_table_in_the_book_is_one_that_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    block = (
        (DOCS / "speed.md")
        .read_text("utf-8")
        .partition("<!-- bench -->\n")[2]
        .partition("<!-- /bench -->")[0]
    )
    rows = [row for row in rows_of(DOCS / "speed.md") if row[0] != "what"]
    bench.show([(what, measured, bar, met) for what, measured, bar, met in rows], markdown=True)
    machine = r"\d+ cores, Python [\d.]+"
    assert re.sub(machine, "", capsys.readouterr().out) == re.sub(machine, "", block)

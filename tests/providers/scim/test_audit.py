"""What the files say and a directory does not let be written: each with its place."""

from typing import Any

import pytest
from builders import a_user, desired
from providers.scim.directories import ADA, BADGE, EXTENSIONS, GRACE, SEED, Directory
from providers.scim.shapes import SHAPE

from reconciler.planning.scope import Policy
from reconciler.providers.fitting import lacking


def problems(
    attributes: dict[str, Any], who: str = ADA, seed: dict[str, Any] = SEED, **switches: object
) -> list[str]:
    directory = Directory(switches, seed)
    files = desired(a_user(who, attributes=attributes))
    found = directory.provider.audit(files, directory.read(files))
    return [
        f"{problem.place.file.rpartition('/')[2]}: {problem.message} ({problem.hint})" for problem in found
    ]


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        (
            {"titel": "x"},
            "titel: the directory has no user attribute `titel` (did you mean `title`?)",
        ),
        (
            {"acme.badg": "x"},
            "acme.badg: the directory has no user attribute `acme.badg` (did you mean `acme.badge`?)",
        ),
        (
            {"acme.level": "high"},
            "acme.level: `acme.level` is a number in the directory, and 'high' is none (write a number)",
        ),
        (
            {"title": ("a", "b")},
            (
                "title: `title` holds one value in the directory, and this is a list "
                "(write one value without brackets)"
            ),
        ),
        (
            {"acme.tags": "a"},
            (
                "acme.tags: `acme.tags` holds a list in the directory, and this is one value "
                "(write it in brackets: [value])"
            ),
        ),
        (
            {"TITLE": "a", "title": "b"},
            "title: `title` and `TITLE` are one attribute (leave one of them out)",
        ),
        (
            {"acme.badge": "1", f"{BADGE}:badge": "1"},
            f"{BADGE}:badge: `{BADGE}:badge` and `acme.badge` are one attribute (leave one of them out)",
        ),
        (
            {"emails.primary": "ada@acme.com"},
            (
                "emails.primary: `emails.primary` names a type, and 'ada@acme.com' is none "
                "(write the type of the primary one, as `emails.primary: work`)"
            ),
        ),
    ],
)
def test_it_is_told(attributes: dict[str, Any], said: str) -> None:
    assert problems(attributes) == [said]


def test_a_type_beside_the_canonical_ones_is_told() -> None:
    assert problems({"emails.wrok": "x"}, discovery="missing") == [
        "emails.wrok: the directory has no user attribute `emails.wrok` (did you mean `emails.work`?)"
    ]


def test_what_can_be_written_is_no_problem() -> None:
    every = {
        "name.givenName": "Ada",
        "emails.work": "a@b.example",
        "EMAILS.HOME": "c@d.example",
        "emails.primary": "work",
        "enterprise.manager": GRACE,
        f"{BADGE}:badge": "1",
        "acme.trusted": True,
        "acme.desk.floor": 3,
        "title": None,
    }
    assert problems(every) == []


def test_of_two_values_of_one_type_none_is_written() -> None:
    emails = [{"type": "work", "value": "1"}, {"type": "work", "value": "2"}]
    seed = {**SEED, "users": {**SEED["users"], GRACE: {"phoneNumbers": emails}}}
    for value in ("3", "1", None):
        (said,) = problems({"phoneNumbers.work": value}, GRACE, seed)
        assert "`phoneNumbers.work` of grace@acme.com has several values in the directory" in said
    directory = Directory(seed=seed)
    directory.converges(desired(a_user(GRACE, name="G", attributes={"phoneNumbers.home": "4"})))
    assert [item["value"] for item in directory.holds["users"][GRACE]["phoneNumbers"]] == ["1", "2", "4"]


PLACES = [{"type": "work", "country": "A", "locality": "x"}, {"type": "Work", "country": "B"}]
MAILS = [{"type": "work", "value": "a@x", "display": "A"}, {"type": "work", "value": "b@x"}]
DOUBLE = {**SEED, "users": {**SEED["users"], GRACE: {"addresses": PLACES, "emails": MAILS}}}


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        *(({f"addresses.work.{part}": "D"}, "addresses.work") for part in ("country", "locality", "region")),
        ({"ADDRESSES.Work.country": None}, "addresses.work"),
        ({"emails.work.display": "New"}, "emails.work"),
        ({"emails.primary": "Work"}, "emails.work"),
    ],
)
@pytest.mark.parametrize("patch", ["on", "off"])
def test_nothing_of_two_values_of_one_type_is_written(stated: dict[str, Any], said: str, patch: str) -> None:
    (found,) = problems(stated, GRACE, DOUBLE, patch=patch)
    (name,) = stated
    assert f"`{said}` of grace@acme.com has several values in the directory, and `{name}` is about" in found


def test_of_two_primary_ones_none_is_chosen() -> None:
    mails = [{"type": kind, "value": kind, "primary": True} for kind in ("work", "home")]
    row = SHAPE.read({"emails": mails})
    assert row.nameless == ("emails.primary",)


def test_two_values_of_one_type_are_named_and_outlast_a_write() -> None:
    directory = Directory(seed=DOUBLE)
    said = " ".join(directory.read(desired()).remarks)
    assert (
        "`addresses.work` of 1 user has values that no name here can hold, and they are kept: grace" in said
    )
    assert "`emails.work` of 1 user" in said
    directory.converges(desired(a_user(GRACE, name="G", attributes={"emails.home": "4", "title": "T"})))
    assert directory.holds["users"][GRACE]["addresses"] == PLACES
    assert directory.holds["users"][GRACE]["emails"][:2] == MAILS


def test_values_that_no_name_holds_are_named() -> None:
    (remark,) = Directory().read(desired()).remarks
    assert (
        remark == "`emails` of 1 user has values that no name here can hold, and they are kept: ada@acme.com"
    )


def test_a_value_beside_the_canonical_ones_and_somebody_new_without_what_is_required() -> None:
    badge = {
        "attributes": {
            "floor": {"canonical_values": ["north", "south"]},
            "id": {"required": True},
        }
    }
    seed = {"extensions": {**EXTENSIONS, BADGE: badge}, "users": {}}
    new = "new@acme.com"
    assert problems({"acme.floor": "noth", "acme.id": "1"}, new, seed) == [
        (
            "acme.floor: `acme.floor` takes certain values in the directory, and 'noth' is none of them "
            "(did you mean `north`?)"
        )
    ]
    assert problems({"acme.floor": "NORTH", "acme.id": "1"}, new, seed) == []
    directory = Directory(seed=seed)
    files = desired(a_user(new, attributes={"acme.floor": "north"}))
    planned = directory.plan(files, Policy())
    (problem,) = lacking(files, planned.plan.changes, planned.definitions, "X")
    assert problem.message == "X makes nobody without `acme.id`"

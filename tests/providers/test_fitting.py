"""What the files state of attributes fits what a system defines, or is a problem at its place."""

import pytest
from builders import a_user, desired

from reconciler.model import Definition, Value
from reconciler.providers.fitting import misfits

DEFINED = {
    each.name: each
    for each in (
        Definition("title"),
        Definition("floor", "number"),
        Definition("remote", "boolean"),
        Definition("flags", "boolean", multiple=True),
        Definition("since", "date-time"),
        Definition("days", "date-time", multiple=True),
        Definition("manager", "user"),
        Definition("home", "group"),
        Definition("photo", "file"),
        Definition("invitation", readable=False),
        Definition("hired", written="on creation"),
        Definition("logins", "number", written="never"),
    )
}


def said(name: str, value: Value) -> list[tuple[str, str, str]]:
    found = misfits(desired(a_user("a@b.co", attributes={name: value})), DEFINED, "Acme")
    return [(str(problem.place), problem.message, problem.hint) for problem in found]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", "CEO"),
        ("title", 5),
        ("floor", "5"),
        ("remote", True),
        ("remote", "False"),
        ("remote", None),
        ("flags", ("true", "false")),
        ("flags", (True, False)),
        ("since", "2024-01-31"),
        ("since", "2024-01-31T09:00:00.5+01:00"),
        ("days", ("2024-01-31", "")),
        ("manager", "eve@b.co"),
        ("home", "Finance"),
        ("hired", "x"),
        ("invitation", "x"),
        ("photo", "x.png sha256:00"),
    ],
)
def test_what_fits_is_no_problem(name: str, value: Value) -> None:
    assert said(name, value) == []


@pytest.mark.parametrize(
    ("name", "value", "message", "hint"),
    [
        ("title", True, "`title` must be text, a number or a list, not true", 'write it in quotes: "true"'),
        (
            "floor",
            False,
            "`floor` must be text, a number or a list, not false",
            'write it in quotes: "false"',
        ),
        ("nobody", True, "`nobody` must be text, a number or a list, not true", 'write it in quotes: "true"'),
        (
            "title",
            ("a", True),
            "an item of `title` must be text or a number, not true",
            'write it in quotes: "true"',
        ),
        (
            "flags",
            True,
            "`flags` holds a list in Acme, and this is one value",
            "write it in brackets: [value]",
        ),
        ("remote", "yes", "`remote` is true or false in Acme, and 'yes' is neither", "write true or false"),
        ("remote", 1, "`remote` is true or false in Acme, and '1' is neither", "write true or false"),
        (
            "since",
            "31.1.2024",
            "`since` is a date in Acme, and '31.1.2024' is none",
            "write it like 2024-01-31 or 2024-01-31T09:00:00Z",
        ),
        (
            "days",
            ("2024-01-31", "2024-01-31T09:00:00"),
            "`days` is a date in Acme, and '2024-01-31T09:00:00' is none",
            "write it like 2024-01-31 or 2024-01-31T09:00:00Z",
        ),
        ("logins", 5, "`logins` is a system attribute, which Acme sets itself", "remove it here"),
    ],
)
def test_what_does_not_fit_is_a_problem_at_its_place(
    name: str, value: Value, message: str, hint: str
) -> None:
    assert said(name, value) == [(f"files.yaml/user/a@b.co/attributes/{name}:1:1", message, hint)]

"""An attribute that names a person or a group names one that the files declare or that is live."""

import pytest
from builders import a_group, a_user, desired

from reconciler.model import Definition, Value, group_address, user_address
from reconciler.planning.references import nobody

DEFINED = {
    "manager": Definition("manager", "user"),
    "deputies": Definition("deputies", "user", multiple=True),
    "home": Definition("home", "group"),
    "title": Definition("title"),
}


def told(name: str, value: Value) -> list[str]:
    wanted = desired(a_user("ada@acme.com", attributes={name: value}), a_user("new@acme.com"), a_group("New"))
    found = {user_address("Old@acme.com"), group_address("Finance")}
    return [str(problem) for problem in nobody(wanted, found, DEFINED)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("manager", "OLD@acme.com"),
        ("manager", "new@acme.com"),
        ("manager", "ada@acme.com"),
        ("manager", None),
        ("manager", ""),
        ("deputies", ("new@acme.com", "old@acme.com")),
        ("home", "FINANCE"),
        ("home", "new"),
        ("title", "nobody@acme.com"),
    ],
)
def test_a_name_that_somebody_has_is_no_problem(name: str, value: Value) -> None:
    assert told(name, value) == []


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("manager", "nobody@acme.com", "user"),
        ("deputies", ("new@acme.com", "nobody@acme.com"), "user"),
        ("home", "Sales", "group"),
    ],
)
def test_a_name_that_nobody_has_is_a_problem_at_its_line(name: str, value: Value, kind: str) -> None:
    shown = value[-1] if isinstance(value, tuple) else value
    place = f"files.yaml/user/ada@acme.com/attributes/{name}:1:1"
    said = f"`{name}` names {shown!r}, which is no {kind} of the files or the system"
    assert told(name, value) == [f"{place}: {said} (correct the name, or declare the {kind} first)"]

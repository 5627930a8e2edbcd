"""A desired state made in code is as good as one of files, and checked as strictly."""

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pytest
from builders import a_group, a_user

from reconciler.desired.build import build
from reconciler.desired.code import checked, desired_state
from reconciler.desired.documents import parse
from reconciler.errors import Invalid
from reconciler.model import DesiredState, Group, User, group_address, user_address

FILE = """\
users:
  Ada@acme.com:
    name: Ada
    active: true
    groups: [BI Admins]
    attributes: {region: [emea, apac], level: 5, share: 1.5, gone: null}
    previously: [ada.b@acme.com]
  bob@acme.com: {state: absent}
  cleo@acme.com: {}
groups:
  BI Admins: {members: from_users}
  Finance: {members: [cleo@acme.com, dora@acme.com]}
  All Staff: {}
  Treasury: {state: absent}
"""


def test_it_is_what_files_that_say_the_same_make() -> None:
    from_file, problems = build([parse(FILE.encode(), "all.yaml")])
    assert problems == []
    in_code = desired_state(
        [
            User(
                "Ada@acme.com",
                "Ada",
                active=True,
                groups=frozenset({"BI Admins"}),
                attributes={"region": ("emea", "apac"), "level": 5, "share": 1.5, "gone": None},
            ),
            User("cleo@acme.com"),
        ],
        [
            Group("BI Admins"),
            Group("Finance", frozenset({"cleo@acme.com", "Dora@acme.com"})),
            Group("All Staff"),
        ],
        from_users=["BI admins"],
        absent=[user_address("bob@acme.com"), group_address("Treasury")],
    )
    earlier = {user_address("ada@acme.com"): ("ada.b@acme.com",)}
    assert checked(DesiredState(**{**fields(in_code), "previously": earlier})) == from_file
    assert checked(from_file) == from_file


def fields(state: DesiredState) -> dict[str, Any]:
    return {name: getattr(state, name) for name in ("users", "groups", "absent", "from_users", "previously")}


def refused(state: DesiredState, **ignored: Iterable[str]) -> list[str]:
    with pytest.raises(Invalid) as raised:
        checked(state, tuple(ignored.get("users", ())), tuple(ignored.get("groups", ())))
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (User("a da "), "a name in `users` cannot be the text `a da `"),
        (
            User("ada@acme.com", "A\x1b"),
            "desired.users['ada@acme.com'].name: the text holds the invisible character U+001B",
        ),
        (User("ada@acme.com", 5), ".name: `name` must be text, not the number 5"),  # type: ignore[arg-type]
        (User("ada@acme.com", active="yes"), "`active` must be true or false, not the text `yes`"),  # type: ignore[arg-type]
        (a_user("ada@acme.com", groups=["Nowhere"]), ".groups['nowhere']: group `nowhere` is not declared"),
        (User("ada@acme.com", groups="Finance"), "`groups` must be a list, not the text `Finance`"),  # type: ignore[arg-type]
        (
            a_user("ada@acme.com", groups=["Finance"]),
            "`finance` are stated by the group itself, at desired.groups",
        ),
    ],
)
def test_a_bad_user_is_a_clear_error_where_it_stands(user: User, said: str) -> None:
    (problem,) = refused(desired_state([user], [Group("Finance", frozenset())]))
    assert said in problem
    assert problem.startswith("desired.users[")


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"region": {"a": "b"}}, "`region`"),
        ({"region": (("nested",),)}, "`region`"),
        ({"since": date(2026, 1, 1)}, "date datetime.date(2026, 1, 1) is no value"),
        ({"level": math.nan}, "float nan is no value"),
        ({"region": ("x", None)}, "an item of `region` must be text"),
        ({"re\x00gion": "x"}, "the text holds"),
        ({1: "x"}, "the name 1 is no text (give text)"),
        ({"region": "a" + "\u0301" * 50}, "more accents in a row"),
        ({"": "x"}, "a name in `attributes`"),
    ],
)
def test_a_bad_value_is_a_clear_error_where_it_stands(attributes: Mapping[Any, Any], said: str) -> None:
    (problem,) = refused(desired_state([User("ada@acme.com", attributes=attributes)]))
    assert said in problem
    assert problem.startswith("desired.users['ada@acme.com'].attributes")


def test_all_problems_come_in_one_run() -> None:
    state = DesiredState(
        users={"ada": User("ADA@acme.com"), "bob@acme.com": User("bob@acme.com")},
        groups={"finance": a_group("Finance", []), "x\x07": Group("x\x07")},
        absent=frozenset({user_address("bob@acme.com")}),
        from_users=frozenset({"Finance", "Nowhere"}),
    )
    said = refused(state, groups=["Fin*"])
    assert [problem.partition(": ")[0] for problem in said] == [
        "desired.from_users['nowhere']",
        "desired.groups['Finance']",
        "desired.groups['Finance'].members",
        "desired.groups['x\\x07']",
        "desired.users['ADA@acme.com']",
        "desired.users['bob@acme.com']",
    ]


def test_the_same_one_twice_is_refused_at_once() -> None:
    with pytest.raises(Invalid) as raised:
        desired_state([User("ada@acme.com"), User("ADA@acme.com")], [Group("Finance"), Group("FINANCE")])
    assert [str(problem) for problem in raised.value.problems] == [
        "desired.groups['FINANCE']: group `FINANCE` is declared twice (keep one of them)",
        "desired.users['ADA@acme.com']: user `ADA@acme.com` is declared twice (keep one of them)",
    ]

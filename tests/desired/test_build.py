from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.build import build
from reconciler.desired.documents import parse
from reconciler.desired.schema import check
from reconciler.errors import Place
from reconciler.model import Address, DesiredState, Group, User, group_address, user_address


def built(
    *texts: str, users: Sequence[str] = (), groups: Sequence[str] = ()
) -> tuple[DesiredState, list[str]]:
    documents = [parse(text.encode(), file) for text, file in zip(texts, "abcdef", strict=False)]
    for document in documents:
        check(document, "desired-state")
    state, between = build(documents, users, groups)
    return state, [str(problem) for problem in sorted(set(between))]


def desired(*texts: str) -> DesiredState:
    state, problems = built(*texts)
    assert problems == []
    return state


def wrong(*texts: str, users: Sequence[str] = (), groups: Sequence[str] = ()) -> list[str]:
    return built(*texts, users=users, groups=groups)[1]


def test_a_file_becomes_users_and_groups_by_their_identity() -> None:
    state = desired(
        "users:\n"
        "  Ada@Acme.com:\n"
        "    name: Ada Lovelace\n"
        "    active: true\n"
        "    groups: [bi admins]\n"
        "    attributes: {region: [emea, apac], cost_center: 0420, level: 3, flag: null}\n"
        "  bob@acme.com: {}\n"
        "  former@acme.com: {state: absent}\n"
        "groups:\n"
        "  BI Admins: {members: from_users}\n"
        "  Finance: {members: [ADA@acme.com, guest@acme.com], previously: [Cash Desk, CASH desk]}\n"
        "  Old: {state: absent}\n"
        "  All Staff: {}\n"
    )
    assert state == DesiredState(
        users={
            "ada@acme.com": User(
                "Ada@Acme.com",
                "Ada Lovelace",
                active=True,
                groups=frozenset({"bi admins"}),
                attributes={"region": ("emea", "apac"), "cost_center": "0420", "level": 3, "flag": None},
            ),
            "bob@acme.com": User("bob@acme.com"),
        },
        groups={
            "bi admins": Group("BI Admins"),
            "finance": Group("Finance", frozenset({"ada@acme.com", "guest@acme.com"})),
            "all staff": Group("All Staff"),
        },
        absent=frozenset({user_address("former@acme.com"), group_address("old")}),
        from_users=frozenset({"bi admins"}),
        previously={group_address("Finance"): ("cash desk",)},
    )


def test_nothing_at_all_is_an_empty_state() -> None:
    assert desired() == DesiredState()
    assert desired("") == DesiredState()


def test_defaults_merge_attributes_replace_other_fields_skip_tombstones_and_stay_in_their_file() -> None:
    state = desired(
        "defaults: {users: {active: true, groups: [A], attributes: {r: [emea], t: x}}}\n"
        "users:\n"
        "  a@x: {}\n"
        "  b@x: {active: false, groups: [], attributes: {r: apac, n: 1, t: null, f: true}}\n"
        "  c@x: {state: absent}\n"
        "groups: {A: {members: from_users}}\n",
        "users: {d@x: {}}\n",
    )
    assert state.users["a@x"] == User(
        "a@x", active=True, groups=frozenset({"a"}), attributes={"r": ("emea",), "t": "x"}
    )
    assert state.users["b@x"] == User(
        "b@x", active=False, groups=frozenset(), attributes={"r": "apac", "t": None, "n": 1, "f": True}
    )
    assert state.absent == {user_address("c@x")}
    assert state.users["d@x"] == User("d@x")


RENAME_FIRST = "(apply the rename first, then use the name again)"
ADD_THERE = "(add the person there, or write `members: from_users` there)"
STATE_THERE = "(write `members: from_users` there)"
FROM_USERS = "groups:\n  BI Admins: {members: from_users}\n"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (
            ("users: {a@x: {}}\n", "users: {A@X: {}}\n"),
            ["b:1:9: user `A@X` is declared twice; first at a:1:9 (keep one of them)"],
        ),
        (
            ("groups: {A: {}, a: {}}\n", "groups: {A: {state: absent}}\n"),
            [
                "a:1:17: group `a` is declared twice; first at a:1:10 (keep one of them)",
                "b:1:10: group `A` is declared twice; first at a:1:10 (keep one of them)",
            ],
        ),
        (
            ("users: {a@x: {groups: [BI Admin, Sales]}}\n" + FROM_USERS,),
            [
                "a:1:24: group `BI Admin` is not declared in any file (did you mean `BI Admins`?)",
                "a:1:34: group `Sales` is not declared in any file (declare it under `groups`)",
            ],
        ),
        (
            ("defaults: {users: {groups: [No]}}\nusers: {a@x: {}, b@x: {}, c@x: {groups: []}}\n",),
            ["a:1:29: group `No` is not declared in any file (declare it under `groups`)"],
        ),
        (
            ("users: {a@x: {groups: [Finance]}}\n", "groups: {Finance: {members: []}}\n"),
            [
                "a:1:24: the members of `Finance` are stated by the group itself, at b:1:20 " + ADD_THERE,
            ],
        ),
        (
            ("users: {a@x: {groups: [Staff]}}\ngroups: {Staff: {}}\n",),
            ["a:1:24: the members of `Staff` are not managed: a:2:10 states none " + STATE_THERE],
        ),
        (
            ("users: {a@x: {groups: [Old]}}\ngroups: {Old: {state: absent}}\n",),
            ["a:1:24: `Old` is to be absent, at a:2:10 (remove the name, or the tombstone)"],
        ),
        (
            ("users: {a@x: {groups: [Cash]}}\ngroups: {Bank: {members: from_users, previously: [Cash]}}\n",),
            ["a:1:24: `Cash` is an earlier name of group/bank (use the new name)"],
        ),
        (
            ("users: {a@x: {state: absent}}\ngroups: {A: {members: [A@x]}}\n",),
            ["a:2:24: `A@x` is to be absent, at a:1:9 (remove the name, or the tombstone)"],
        ),
        (
            ("users: {a@x: {state: absent, previously: [b@x]}}\ngroups: {A: {members: [b@x]}}\n",),
            ["a:2:24: `b@x` is to be absent, at a:1:9 (remove the name, or the tombstone)"],
        ),
        (
            ("users: {a@x: {previously: [b@x]}}\ngroups: {A: {members: [b@x]}}\n",),
            ["a:2:24: `b@x` is an earlier name of user/a@x (use the new name)"],
        ),
        (
            ("groups: {A: {previously: [B, C]}, B: {}, C: {state: absent}}\n",),
            [
                "a:1:27: group `B` is declared as well, at a:1:35 " + RENAME_FIRST,
                "a:1:30: group `C` is declared as well, at a:1:42 " + RENAME_FIRST,
            ],
        ),
        (
            ("groups: {A: {previously: [C]}, B: {previously: [c]}}\n",),
            ["a:1:49: `c` is claimed as an earlier name at a:1:27 too (keep one of them)"],
        ),
        (
            ("users: {a@x: {previously: [A@x]}}\n",),
            ["a:1:28: `A@x` is the name it has now (remove it: a change of case needs no `previously`)"],
        ),
    ],
)
def test_what_does_not_fit_together_is_named_at_both_places(texts: tuple[str, ...], found: list[str]) -> None:
    assert wrong(*texts) == found


def test_what_the_target_ignores_is_neither_declared_nor_named() -> None:
    found = wrong(
        "users:\n"
        "  x@Vendor.example: {}\n"
        "  a@x: {groups: [Okta-Sales], previously: [old@vendor.example]}\n"
        "groups:\n"
        "  okta-all: {}\n"
        "  A: {members: [y@vendor.example], previously: [OKTA-a]}\n",
        users=["*@vendor.EXAMPLE"],
        groups=["okta-*", "unused"],
    )
    assert [line.split(":")[1] for line in found] == ["2", "3", "3", "5", "6", "6"]
    assert all(
        line.endswith("is ignored by this target (remove it here, or its glob from `ignore` in target.yaml)")
        for line in found
    )


def test_nothing_is_concluded_from_what_was_refused() -> None:
    assert wrong("users: {a@x: {groups: [A]}}\ngroups: {A: {members: 5}}\n") == []
    assert wrong("users: {a@x: {groups: [A]}}\n", "groups: [") == []
    assert wrong("users: {a@x: {groups: [A]}}\n", "grops: {A: {members: from_users}}\n") == []
    assert len(wrong("users: {a@x: {groups: [A]}, a@X: {}}\n", "groups: [")) == 1


def test_a_tombstone_keeps_the_older_names_of_what_is_to_go() -> None:
    state = desired(
        "users: {a@x: {state: absent, previously: [B@x]}}\ngroups: {A: {state: absent, previously: [Old]}}\n"
    )
    assert state.absent == {user_address("a@x"), group_address("A")}
    assert state.previously == {user_address("a@x"): ("b@x",), group_address("A"): ("old",)}


def test_the_names_in_a_tombstone_are_not_followed() -> None:
    assert (
        wrong("users: {a@x: {state: absent, groups: [No]}}\ngroups: {A: {state: absent, members: [a@x]}}\n")
        == []
    )


LOCATED = """\
defaults:
  users:
    active: true
    attributes: {team: x}
    groups: [Office]
users:
  Ada@acme.com:
    name: Ada
    groups: [Office, BI Admins]
    attributes:
      region: emea
  bob@acme.com: {previously: [Rob@acme.com]}
groups:
  Finance:
    members:
      - ada@acme.com
      - Bob@acme.com
  BI Admins: {members: from_users}
  Office: {members: from_users, previously: [Desk]}
"""


@pytest.mark.parametrize(
    ("address", "path", "line", "column"),
    [
        (user_address("ada@acme.com"), (), 7, 3),
        (user_address("ada@acme.com"), ("name",), 8, 5),
        (user_address("ada@acme.com"), ("groups",), 9, 5),
        (user_address("ada@acme.com"), ("groups", "bi admins"), 9, 22),
        (user_address("ada@acme.com"), ("attributes", "region"), 11, 7),
        (user_address("ada@acme.com"), ("attributes", "team"), 4, 18),
        (user_address("ada@acme.com"), ("attributes", "never"), 10, 5),
        (user_address("ada@acme.com"), ("active",), 3, 5),
        (user_address("bob@acme.com"), ("name",), 12, 3),
        (user_address("bob@acme.com"), ("groups", "office"), 5, 14),
        (user_address("bob@acme.com"), ("previously",), 12, 18),
        (user_address("bob@acme.com"), ("previously", "rob@acme.com"), 12, 31),
        (group_address("Finance"), ("name",), 14, 3),
        (group_address("Finance"), ("members",), 15, 5),
        (group_address("Finance"), ("members", "bob@acme.com"), 17, 9),
        (group_address("Finance"), ("members", "eve@acme.com"), 15, 5),
        (group_address("BI Admins"), ("members", "ada@acme.com"), 9, 22),
        (group_address("BI Admins"), ("members", "bob@acme.com"), 18, 15),
        (group_address("Office"), ("members", "bob@acme.com"), 5, 14),
        (group_address("Office"), ("previously", "desk"), 19, 46),
    ],
)
def test_the_place_of_every_field_is_found(
    address: Address, path: tuple[str, ...], line: int, column: int
) -> None:
    assert desired(LOCATED).locate(address, path) == Place("a", line, column)


def test_what_no_file_declares_has_no_place() -> None:
    assert desired(LOCATED).locate(user_address("eve@acme.com"), ("name",)) == Place("-")


def test_equal_values_are_one_object() -> None:
    state = desired("users: {a@x: {attributes: {r: [x, y]}}, b@x: {attributes: {r: [x, y]}}}\n")
    first, second = (state.users[key].attributes or {} for key in ("a@x", "b@x"))
    assert first["r"] is second["r"]


@given(
    st.permutations(
        ["users: {a@x: {groups: [A]}}\n", "users: {b@x: {}}\n", "groups: {A: {members: from_users}}\n"]
    )
)
def test_the_order_of_the_files_does_not_matter(texts: list[str]) -> None:
    assert desired(*texts) == desired(*sorted(texts))


@given(
    st.integers(0, len(LOCATED)),
    st.integers(0, 3),
    st.text(st.sampled_from(":,[]{}~*&!|-#'\"\n\t ab1.@"), max_size=3),
)
def test_any_edit_of_a_file_gives_a_state_or_problems_and_never_an_exception(
    at: int, cut: int, put: str
) -> None:
    document = parse((LOCATED[:at] + put + LOCATED[at + cut :]).encode(), "a")
    check(document, "desired-state")
    state, between = build([document])
    assert {problem.place.file for problem in (*document.problems, *between)} <= {"a"}
    assert all(state.locate(Address("user", key), ("groups", "office")).line for key in state.users)


def test_an_earlier_name_of_what_is_not_to_be_there_is_no_accident() -> None:
    """The schema complains of a tombstone with other fields, and a second declaration has its own problem."""
    assert wrong("users: {a@x: {state: absent, previously: [b@x]}}\n") == []
    assert wrong("groups: {A: {}}\n", "groups: {a: {previously: [B]}}\n") == [
        "b:1:10: group `a` is declared twice; first at a:1:10 (keep one of them)"
    ]


def test_a_long_name_is_cut_in_a_message() -> None:
    (said,) = wrong("groups: {A: {}}\nusers: {a@x: {groups: [" + "g" * 999 + "]}}\n")
    assert said == (f"a:2:24: group `{'g' * 59}…` is not declared in any file (declare it under `groups`)")


def test_what_was_meant_is_searched_for_as_long_as_that_takes_no_time() -> None:
    groups = "".join(f"  Group {number}: {{}}\n" for number in range(6000))
    users = "".join(f"  u{number}@x: {{groups: [Grop {number}]}}\n" for number in range(5))
    said = wrong(f"groups:\n{groups}", f"users:\n{users}")
    assert [line.endswith(f"(did you mean `Group {at}`?)") for at, line in enumerate(said)] == [True] * 3 + [
        False
    ] * 2

"""Filters: the grammar, what each operator finds, and what is refused."""

from typing import Any

import pytest
from asking_scim import BADGE, a_user, ask, body, company, create, ident, names, refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.sandbox.scim.core import ENTERPRISE_URN, USER_URN, USERS
from reconciler.sandbox.scim.filters import (
    AttributePath,
    BadSyntax,
    Both,
    Compare,
    Either,
    Not,
    Some,
    parse_filter,
    parse_path,
)
from reconciler.sandbox.scim.matching import filter_test

ADA, BOB, GRACE = "Ada@acme.com", "bob@acme.com", "grace@acme.com"


def of(name: str, value: object) -> Compare:
    return Compare(AttributePath("", name), "eq", value)  # type: ignore[arg-type]  # a test's short way


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a eq 1 and b eq 2 or c eq 3", Either((Both((of("a", 1), of("b", 2))), of("c", 3)))),
        ("a eq 1 or b eq 2 and c eq 3", Either((of("a", 1), Both((of("b", 2), of("c", 3)))))),
        ("a eq 1 AND (b eq 2 OR c eq 3)", Both((of("a", 1), Either((of("b", 2), of("c", 3)))))),
        ("not (a eq 1) and b eq 2", Both((Not(of("a", 1)), of("b", 2)))),
        ('a eq "x \\" ) or \\u00e9"', of("a", 'x " ) or é')),
        ("a EQ true", of("a", True)),  # noqa: FBT003 (a value)
        ("a eq null", of("a", None)),
        ("a eq -1.5e2", of("a", -150.0)),
        ("a.b pr", Compare(AttributePath("", "a", "b"), "pr")),
        ("urn:x:core:2.0:User:a.b pr", Compare(AttributePath("urn:x:core:2.0:User", "a", "b"), "pr")),
        ("a[b eq 1 and c eq 2]", Some(AttributePath("", "a"), Both((of("b", 1), of("c", 2))))),
    ],
)
def test_a_filter_is_read_by_precedence(text: str, tree: object) -> None:
    assert parse_filter(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a eq",
        "a is 1",
        "a eq x",
        "a eq NaN",
        "a eq [1]",
        "a eq {}",
        'a eq "x',
        "a eq 1 b eq 2",
        "a eq 1 and",
        "(a eq 1",
        "a[b eq 1",
        "a.b[c eq 1]",
        "not a eq 1",
        "1a eq 1",
        "a..b eq 1",
        "a eq 1)",
        "(" * 60 + "a pr" + ")" * 60,
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_filter(text)
    if text:
        assert refusal(ask(company(), "GET", "/Users", filter=text)) == "invalidFilter"


def test_a_path_may_hold_a_bracket_in_its_filter() -> None:
    path = parse_path('emails[value eq "]."].type')
    assert (path.filter, path.sub) == (of("value", "]."), "type")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('userName eq "ADA@ACME.COM"', [ADA]),
        ('USERNAME Eq "ada@acme.com"', [ADA]),
        (f'{USER_URN}:userName eq "ada@acme.com"', [ADA]),
        ('userName ne "ada@acme.com"', [BOB, GRACE]),
        ('userName co "ACE@"', [GRACE]),
        ('userName sw "b"', [BOB]),
        ('userName ew ".com"', [ADA, BOB, GRACE]),
        ('userName gt "bob@acme.com"', [GRACE]),
        ('userName ge "bob@acme.com"', [BOB, GRACE]),
        ('userName lt "BOB@acme.com"', [ADA]),
        ('userName le "bob@acme.com"', [ADA, BOB]),
        ("active eq false", [BOB]),
        ("active ne false", [ADA, GRACE]),
        ("externalId pr", [GRACE]),
        ("not (externalId pr)", [ADA, BOB]),
        ("externalId eq null", [ADA, BOB]),
        ("externalId ne null", [GRACE]),
        ('externalId eq "g-1"', []),
        ('externalId ne "G-1"', [ADA, BOB]),
        ('name.givenName eq "ada"', [ADA]),
        ("name pr", [ADA]),
        ('emails eq "ADA@home.example"', [ADA]),
        ('emails.type eq "home"', [ADA]),
        ('emails[type eq "work" and value co "acme"]', [ADA]),
        ('emails[type eq "home" and value co "acme"]', []),
        ('emails.type eq "home" and emails.value co "acme"', [ADA]),
        (f'{ENTERPRISE_URN}:department eq "r&d"', [ADA]),
        (f'{ENTERPRISE_URN}:manager.displayName eq "Grace"', [ADA]),
        (f"{BADGE}:level gt 2", [ADA]),
        (f"{BADGE}:level eq 3.0", [ADA]),
        (f"{BADGE}:level le 2.5", []),
        (f'{BADGE}:tags eq "RED"', [ADA]),
        (f'{BADGE}:tags[value eq "red"]', [ADA]),
        (f'{BADGE}:badge eq "x-1"', []),
        ('groups.display eq "Staff"', [ADA, BOB, GRACE]),
        ('groups[display eq "Staff" and type eq "direct"]', [GRACE]),
        ('meta.created ge "2026-01-01T01:00:03+01:00"', [GRACE]),
        ('schemas eq "urn:none"', []),
        ('userName eq "a" or userName eq "bob@acme.com"', [BOB]),
    ],
)
def test_a_filter_finds_who_fulfils_it(text: str, found: list[str]) -> None:
    assert names(company(), text) == found


@pytest.mark.parametrize(
    "text",
    [
        'colour eq "red"',
        'urn:none:userName eq "x"',
        'name.first eq "x"',
        'name eq "x"',
        "userName eq 1",
        'active eq "true"',
        "active gt false",
        "active co true",
        f"{BADGE}:level eq true",
        f'{BADGE}:level co "3"',
        'meta.created gt "yesterday"',
        "userName co null",
        'emails[colour eq "red"]',
        f'emails[{USER_URN}:type eq "work"]',
        'emails[type.value eq "work"]',
    ],
)
def test_a_comparison_that_cannot_be_made_is_refused(text: str) -> None:
    assert refusal(ask(company(), "GET", "/Users", filter=text)) == "invalidFilter"


def test_a_name_is_found_whatever_it_holds() -> None:
    sandbox = company()
    login = 'a" or userName pr \\ é'
    create(sandbox, a_user(login))
    quoted = login.replace("\\", "\\\\").replace('"', '\\"')
    assert names(sandbox, f'userName eq "{quoted}"') == [login]


def test_members_are_found_by_their_ids() -> None:
    sandbox = company()
    assert names(sandbox, f'members.value eq "{ident(sandbox, BOB)}"', "Groups") == ["Analysts"]
    assert names(sandbox, f'members[value eq "{ident(sandbox, GRACE)}"]', "Groups") == ["Staff"]


WORDS = st.sampled_from(["a", "A", "b", "ab", "bA", ""])
OPERATORS = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
LEAVES = st.one_of(
    st.tuples(st.just("compare"), st.sampled_from(["title", "nickName", "externalId"]), OPERATORS, WORDS),
    st.tuples(st.just("present"), st.sampled_from(["title", "nickName", "externalId"])),
)
TREES: Any = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), inner, inner), st.tuples(st.just("not"), inner)
    ),
    max_leaves=6,
)
ROWS = st.dictionaries(st.sampled_from(["title", "nickName", "externalId"]), WORDS)


def written(tree: tuple[Any, ...]) -> str:
    match tree:
        case ("compare", name, operator, word):
            return f'{name} {operator} "{word}"'
        case ("present", name):
            return f"{name} pr"
        case ("not", inner):
            return f"not ({written(inner)})"
        case (word, left, right):
            return f"({written(left)}) {word} ({written(right)})"
    raise AssertionError


def fulfils(tree: tuple[Any, ...], row: dict[str, str]) -> bool:
    """What the tree means, said again in plain Python."""
    match tree:
        case ("and", left, right):
            return fulfils(left, row) and fulfils(right, row)
        case ("or", left, right):
            return fulfils(left, row) or fulfils(right, row)
        case ("not", inner):
            return not fulfils(inner, row)
        case ("present", name):
            return bool(row.get(name))
        case (_, name, operator, word):
            has = row.get(name)
            if has is None:
                return bool(operator == "ne")
            if name != "externalId":
                has, word = has.lower(), word.lower()
            return {
                "eq": has == word,
                "ne": has != word,
                "co": word in has,
                "sw": has.startswith(word),
                "ew": has.endswith(word),
                "gt": has > word,
                "ge": has >= word,
                "lt": has < word,
                "le": has <= word,
            }[operator]
    raise AssertionError


@settings(max_examples=150, deadline=None)
@given(TREES, ROWS)
def test_a_filter_means_what_it_says(tree: tuple[Any, ...], row: dict[str, str]) -> None:
    test = filter_test(USERS, written(tree), lambda attribute: attribute.case_exact)
    assert test(row) == fulfils(tree, row)


def test_a_long_filter_is_read() -> None:
    text = " or ".join(['userName eq "x"'] * 5_000)
    assert body(ask(company(), "GET", "/Users", filter=text))["totalResults"] == 0

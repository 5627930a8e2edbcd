import copy
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired import schema
from reconciler.desired.documents import REFUSED, Document, parse
from reconciler.desired.schema import Name, Schema, check, is_valid
from reconciler.desired.text import MAX_PROBLEMS
from reconciler.target.schemas import target_schema


def the_schema(name: Name) -> Schema:
    """The schema as a file meets it; target.yaml is one for Omni."""
    return target_schema({"kind": "omni"}) if name == "target" else schema.shared(name)


def checked(text: str, name: Name = "desired-state") -> Document:
    document = parse(text.encode(), "f")
    check(document, the_schema(name))
    return document


def said(text: str, name: Name = "desired-state") -> list[str]:
    return [str(problem) for problem in sorted(set(checked(text, name).problems))]


def user(fields: str) -> str:
    return f"users:\n  ada@acme.com: {{{fields}}}\n"


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("usres: {}\n", "f:1:1: unknown field `usres` (did you mean `users`?)"),
        ("ada@acme.com: {}\n", "f:1:1: unknown field `ada@acme.com` (known here: users, groups, defaults)"),
        (user("actve: true"), "f:2:18: unknown field `actve` (did you mean `active`?)"),
        (user("Name: x"), "f:2:18: unknown field `Name` (did you mean `name`?)"),
        ("groups:\n  A: {memebers: []}\n", "f:2:7: unknown field `memebers` (did you mean `members`?)"),
        (user("x" * 99 + ": 1"), f"f:2:18: unknown field `{'x' * 59}…` (known here: name, active"),
        ("defaults: {users: {name: x}}\n", "f:1:20: unknown field `name` (known here: active, groups, attr"),
        (
            "users: [a]\n",
            "f:1:1: `users` must be fields, not a list (write `name: value` fields, or {} for none)",
        ),
        ("users: null\n", "f:1:1: `users` must be fields, not null (leave the field out to leave it alone)"),
        (user("name: 5"), 'f:2:18: `name` must be text, not the number 5 (write it in quotes: "5")'),
        (user("name: true"), 'f:2:18: `name` must be text, not true (write it in quotes: "true")'),
        (user("name: null"), "f:2:18: `name` must be text, not null (leave the field out to leave it alone)"),
        (user("name: ''"), "f:2:18: `name` is empty (fill it in, or leave it out)"),
        (user("name: [x]"), "f:2:18: `name` must be text, not a list (nothing can be nested here)"),
        (
            user("active: no"),
            "f:2:18: `active` must be true or false, not the text `no` (write true or false, in",
        ),
        (user("active: 1"), "f:2:18: `active` must be true or false, not the number 1"),
        (user("active: ''"), "f:2:18: `active` must be true or false, not empty text"),
        (user("groups: BI"), "f:2:18: `groups` must be a list, not the text `BI` (write a list: [BI])"),
        (
            user("groups: null"),
            "f:2:18: `groups` must be a list, not null (leave the field out to leave it alone, or",
        ),
        (
            user("groups: [7]"),
            'f:2:27: an item of `groups` must be text, not the number 7 (write it in quotes: "7")',
        ),
        (user("groups: [null]"), "f:2:27: an item of `groups` must be text, not null (remove it)"),
        (
            user("attributes: {a: [[1]]}"),
            "f:2:35: an item of `a` must be text, a number, true or false, not a list (nothing",
        ),
        (
            user("attributes: {a: {b: 1}}"),
            "f:2:31: `a` must be text, a number, true, false or a list, not fields (nothing can",
        ),
        (
            user("attributes: {'': 1}"),
            "f:2:31: a name in `attributes` cannot be empty text (an attribute has a name",
        ),
        (user("state: gone"), "f:2:18: `state` must be `absent`, not the text `gone`"),
        (
            user("state: absent, name: x"),
            "f:2:33: a name in `ada@acme.com` must be `state` or `previously`, not the text `name`",
        ),
        (
            user("previously: x@y"),
            "f:2:18: `previously` must be a list, not the text `x@y` (write a list: [x@y])",
        ),
        (
            "users: {' ada': {}}\n",
            "f:1:9: a name in `users` cannot be the text ` ada` (a login neither begins nor",
        ),
        ("users: {'': {}}\n", "f:1:9: a name in `users` cannot be empty text (a login neither"),
        (
            "groups: {A: {members: ['ada ']}}\n",
            "f:1:24: an item of `members` cannot be the text `ada ` (a login neither begins nor",
        ),
        (
            "groups: {' x': {}}\n",
            "f:1:10: a name in `groups` cannot be the text ` x` (a group's name neither",
        ),
        (
            "groups: {A: {members: from_user}}\n",
            "f:1:14: `members` cannot be the text `from_user` (write a list of",
        ),
        (
            "groups: {A: {state: absent, members: []}}\n",
            "f:1:29: a name in `A` must be `state` or `previously`, not the text `members` (a tombstone",
        ),
    ],
)
def test_a_mistake_is_named_in_plain_words_with_its_place_and_a_hint(text: str, beginning: str) -> None:
    found = said(text)
    assert len(found) == 1
    assert found[0].startswith(beginning), found[0]


TARGET = "kind: omni\nurl: https://acme.omniapp.co\nkeys: [{env: K}]\n"


@pytest.mark.parametrize(
    ("line", "beginning"),
    [
        ("token: abc", "f:4:1: unknown field `token` (name where the key is: keys: [{env: OMNI_API_KEY}]"),
        ("key: abc", "f:4:1: unknown field `key` (name where the key is: keys: [{env: OMNI_API_KEY}]"),
        ("requests_per_minute: 0", "f:4:1: `requests_per_minute` must be at least 1, not the number 0"),
        ("requests_per_minute: 501", "f:4:1: `requests_per_minute` must be at most 500, not the number 501"),
        (
            "requests_per_minute: fast",
            "f:4:1: `requests_per_minute` must be a whole number, not the text `fast` (wri",
        ),
        (
            "requests_per_minute: 5.5",
            "f:4:1: `requests_per_minute` must be a whole number, not the number 5.5",
        ),
        (
            "manage: {users: [nam]}",
            "f:4:18: an item of `users` must be `create`, `name`, `active`, `groups` or `attr",
        ),
        ("manage: {users: [name, name]}", "f:4:10: `users` holds the same item twice (keep one of them)"),
        ("manage: {exact_attributes: ['']}", "f:4:29: an item of `exact_attributes` is empty"),
        (
            "leavers: {users: {left_files: [keep, revoke]}}",
            (
                "f:4:32: an item of `left_files` must be `revoke`, `deactivate` or `delete`, not the text "
                "`keep` (revoke, deactivate and delete may be combined; keep stands alone, and does nothing)"
            ),
        ),
        (
            "leavers: {users: {never_listed: []}}",
            "f:4:19: `never_listed` is empty",
        ),
        (
            "leavers: {users: {tombstone: keep}}",
            "f:4:19: `tombstone` must be `revoke`, `deactivate` or `delete`, no",
        ),
        (
            "leavers: {groups: {left_files: revoke}}",
            "f:4:20: `left_files` must be `keep` or `delete`, not the text `revoke`",
        ),
        (
            "leavers: {users: {never_listed: remove}}",
            "f:4:19: `never_listed` must be `keep`, `revoke`, `deactivate` or `delete`, not the text",
        ),
        (
            "leavers: {groups: {tombstone: revoke}}",
            "f:4:20: `tombstone` must be `delete`, not the text `revoke`",
        ),
        ("limits: {removals: {share: 25}}", "f:4:21: `share` must be at most 1, not the number 25"),
        ("limits: {creations: {share: 1.5}}", "f:4:22: `share` must be at most 1, not the number 1.5"),
        ("limits: {creations: {share: half}}", "f:4:22: `share` cannot be the text `half`"),
        ("limits: {removals: {floor: -1}}", "f:4:21: `floor` must be at least 0, not the number -1"),
        (
            "protect: null",
            "f:4:1: `protect` must be fields, not null (leave the field out to leave it alone)",
        ),
        ("ignore: {users: ['']}", "f:4:18: an item of `users` is empty (fill it in, or leave it out)"),
        ("sandbox: {}", "f:4:1: `seed` and `state` are missing in `sandbox` (add them)"),
        ("journal: 5", 'f:4:1: `journal` must be text, not the number 5 (write it in quotes: "5")'),
    ],
)
def test_a_mistake_in_a_target_file_is_named_likewise(line: str, beginning: str) -> None:
    found = said(f"{TARGET}{line}\n", "target")
    assert len(found) == 1
    assert found[0].startswith(beginning), found[0]


@pytest.mark.parametrize(
    "keys",
    [
        "[omni_osk_S3CRET]",
        "omni_osk_S3CRET",
        "[{omni_osk_S3CRET: 1}]",
        "[{env: omni-osk-S3CRET}]",
        "[{env: [S3CRET]}]",
        "[{env: A, file: S3CRET}]",
        "[{}]",
        "[]",
    ],
)
def test_a_key_that_is_written_into_the_file_is_refused_and_never_repeated(keys: str) -> None:
    found = said(f"kind: omni\nurl: https://acme.omniapp.co\nkeys: {keys}\n", "target")
    assert found
    assert all("OMNI_API_KEY" in line for line in found if "must be text" not in line)
    assert "S3CRET" not in "".join(found)


@pytest.mark.parametrize(
    "url", ["acme.omniapp.co", "ftp://acme.co", "https://", "https://u:p@acme.co", "https://a b"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    found = said(f"kind: omni\nurl: '{url}'\nkeys: [{{env: K}}]\n", "target")
    assert found[0].startswith("f:2:1: `url` cannot be the text")


def test_a_target_needs_a_key_unless_it_is_a_sandbox() -> None:
    assert said("kind: omni\nurl: https://acme.omniapp.co\n", "target")[0].startswith(
        "f:1:1: `keys` is missing (name"
    )
    assert said("", "target")[-1].startswith("f:1:1: `kind` and `url` are missing")
    sandbox = (
        "kind: omni\nurl: https://x.omniapp.co\nsandbox: {seed: seed.yaml, state: .reconciler/sandbox.json}\n"
    )
    assert said(sandbox, "target") == []


def test_several_mistakes_are_told_together_and_the_rest_of_the_data_stays() -> None:
    document = checked(
        "users:\n"
        "  a@b: {name: 5, active: true, groups: [1, A, 2], attributes: {x: [[true]], y: 1}}\n"
        "  'bad ': {}\n"
        "groups: {A: {members: from_users}, B: {members: 3}}\n"
    )
    assert len(document.problems) == 6
    assert document.data == {
        "users": {"a@b": {"active": True, "groups": ["A"], "attributes": {"x": [], "y": 1}}},
        "groups": {"A": {"members": "from_users"}, "B": {}},
    }
    assert document.damaged == {("users", "a@b"), ("users", "bad "), ("groups", "B")}
    assert document.whole
    assert is_valid(document.data, "desired-state")


def test_what_was_refused_before_is_taken_out_without_a_second_word() -> None:
    document = checked("users:\n  a@b: {name: ~, groups: [A, *x], attributes: {k: !t v}}\n")
    assert [problem.message.split()[0] for problem in document.problems] == ["`~`", "aliases", "tags"]
    assert document.data == {"users": {"a@b": {"groups": ["A"], "attributes": {}}}}


def test_a_file_that_could_not_be_read_is_not_checked_for_what_it_lacks() -> None:
    assert len(said("a: [", "target")) == 1


LEAF = st.one_of(
    st.sampled_from(["from_users", "absent", "x@y", "omni_a", "", " x", "name", "keep"]),
    st.integers(-1, 600),
    st.floats(-1, 2),
    st.booleans(),
    st.none(),
    st.just(REFUSED),
)
KEYS = [
    "users",
    "groups",
    "defaults",
    "a@b",
    "A",
    "name",
    "members",
    "state",
    "attributes",
    "previously",
    "x",
    "env",
]
DATA = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*KEYS, *the_schema("target").data["properties"]]), inner),
    ),
    max_leaves=12,
)
GOOD: dict[Name, Any] = {
    "desired-state": {
        "users": {"a@b": {"name": "A", "groups": ["A"], "attributes": {"r": ["x", 1], "n": None}}, "c@d": {}},
        "groups": {"A": {"members": "from_users"}, "B": {"members": ["a@b"], "previously": ["C"]}},
        "defaults": {"users": {"active": True}},
    },
    "target": {
        "kind": "omni",
        "url": "https://x.co",
        "keys": [{"env": "K"}],
        "manage": {"users": ["name"]},
        "leavers": {"users": {"tombstone": "revoke", "left_files": "keep"}},
        "limits": {"removals": {"share": 0.5}},
    },
}


@given(st.sampled_from(["desired-state", "target"]), st.data())
def test_the_quick_check_and_the_thorough_one_agree_and_what_is_left_is_valid(
    name: Name, choose: st.DataObject
) -> None:
    data = copy.deepcopy(GOOD[name])
    inside = data
    while True:
        key = choose.draw(st.sampled_from([*inside] if isinstance(inside, dict) else range(len(inside))))
        if not isinstance(inside[key], (dict, list)) or not inside[key] or choose.draw(st.booleans()):
            break
        inside = inside[key]
    inside[key] = choose.draw(DATA)
    errors = list(jsonschema.Draft202012Validator(the_schema(name).data).iter_errors(data))
    assert is_valid(data, the_schema(name)) == (not errors)
    document = parse(b"", "f")
    document.data = data
    check(document, the_schema(name))
    thorough = jsonschema.Draft202012Validator(the_schema(name).data)
    kept = {error.validator for error in thorough.iter_errors(data)}
    assert kept <= {"required", "minProperties", "maxProperties", "minItems"}


def test_more_problems_than_anyone_reads_end_the_check_and_those_told_are_the_first() -> None:
    document = checked("users:\n" + "".join(f"  u{at}@x: {{name: 1, nick: x}}\n" for at in range(6000)))
    assert [problem.place.line for problem in document.problems[:4]] == [2, 2, 3, 3]
    assert len(document.problems) == MAX_PROBLEMS + 1
    assert str(document.problems[-1]) == (
        "f:5002:13: this file has more than 10000 problems (correct these first)"
    )
    assert not document.whole
    assert document.data == {}


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ("create, name, create", ["f:5:11: `users` holds the same item twice (keep one of them)"]),
        ("1, create, [a], 1, true", ["f:5:11: `users` holds the same item twice (keep one of them)"]),
        ("create, ~, ~", []),
        ("1, true", []),
    ],
)
def test_repeated_items_are_found_whatever_their_types(items: str, told: list[str]) -> None:
    text = f"kind: omni\nurl: https://acme.omniapp.co\nkeys: [{{env: K}}]\nmanage:\n  {{users: [{items}]}}\n"
    text = text.replace("  {users: ", "   users:  ").replace("]}", "]")
    assert [line for line in said(text, "target") if "twice" in line] == [
        line.replace(":11:", ":4:") for line in told
    ]


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("https://acme.omniapp.co", True),
        ("https://acme.omniapp.co/", True),
        ("http://127.0.0.1:8080/api/v1//", True),
        ("https:///x", False),
        ("https://a b", False),
        ("https://a/b c", False),
        ("https://user@a", False),
        ("https://a/x@y", False),
        ("https://a?x", False),
        ("https://a/#x", False),
    ],
)
def test_an_address_is_a_host_and_perhaps_a_path(url: str, *, valid: bool) -> None:
    data = {"kind": "omni", "url": url, "keys": [{"env": "K"}]}
    assert is_valid(data, the_schema("target")) is valid

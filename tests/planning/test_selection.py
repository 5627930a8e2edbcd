"""`--only`: which people and groups are meant."""

import pytest

from reconciler.errors import Invalid
from reconciler.model import group_address, user_address
from reconciler.planning.selection import CHANGED, EVERYTHING, selection


@pytest.mark.parametrize(
    ("text", "kind", "name", "meant"),
    [
        ("user/ada@acme.com", "user", "Ada@ACME.com", True),
        ("user/Ada@ACME.com", "user", "ada@acme.com", True),
        ("user/ada@acme.com", "user", "bob@acme.com", False),
        ("user/*@acme.com", "user", "bob@acme.com", True),
        ("user/*@ACME.com", "user", "bob@acme.com", True),
        ("user/*", "group", "bob@acme.com", False),
        ("group/*", "user", "bob@acme.com", False),
        ("group/finance", "group", "FINANCE", True),
        ("group/Fin*", "group", "finance", True),
        ("group/Cafe\u0301", "group", "CAFÉ", True),
        ("group/Sales [EMEA]", "group", "sales [emea]", True),
        ("group/Sales [EMEA]", "group", "Sales E", True),
        ("group/a/b", "group", "A/B", True),
        ("group/Finance", "group", "Finance Team", False),
    ],
)
def test_a_pattern_names_objects_of_its_kind_without_case(
    text: str, kind: str, name: str, *, meant: bool
) -> None:
    address = user_address(name) if kind == "user" else group_address(name)
    assert selection([text]).matches(address) is meant


def test_whoever_has_several_names_is_meant_by_any() -> None:
    asked = selection(["user/ada.old@acme.com", "group/Cash *"])
    assert asked.matches(user_address("ada@acme.com"), user_address("ada.old@acme.com"))
    assert asked.matches(group_address("Treasury"), group_address("Vault"), group_address("Cash desk"))
    assert not asked.matches(user_address("ada@acme.com"), user_address("ada@old.example"))


def test_nothing_asked_is_everything_and_leaves_nothing_out() -> None:
    assert not EVERYTHING
    assert selection([]) == EVERYTHING
    assert selection(["user/a@b.c", "user/a@b.c"]).texts == ("user/a@b.c",)


def test_what_the_files_changed_is_found_later() -> None:
    asked = selection([CHANGED])
    assert asked.of_changes
    assert not asked.matches(user_address("ada@acme.com"))
    assert asked.about([user_address("ada@acme.com")]).matches(user_address("ada@acme.com"))


@pytest.mark.parametrize(
    ("texts", "hint"),
    [
        (["ada@acme.com"], "did you mean 'user/ada@acme.com'?"),
        (["Finance"], "did you mean 'group/Finance'?"),
        (["users/ada@acme.com"], "write 'user/ada@acme.com', 'user/*@acme.com' or 'group/Finance'"),
        (["user/"], "write 'user/ada@acme.com'"),
        (["group/ "], "write 'user/ada@acme.com'"),
        ([""], "write 'user/ada@acme.com'"),
        (["User/ada@acme.com"], "write 'user/ada@acme.com'"),
        ([CHANGED], "leave out every other --only"),
    ],
)
def test_what_asks_for_nothing_is_told_with_what_to_write(texts: list[str], hint: str) -> None:
    with pytest.raises(Invalid) as raised:
        selection([*texts, "user/fine@acme.com"])
    (problem,) = raised.value.problems
    assert problem.place.file == f"--only {texts[0]}"
    assert hint in problem.hint

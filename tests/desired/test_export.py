"""Live objects as files: layouts, who states the members, and what cannot be said."""

import pytest
from builders import a_group, a_user, desired, live

from reconciler.desired.export import Layout, Members, Wish, export
from reconciler.model import Address, DesiredState

FOUND = live(
    a_user(
        "Ada@acme.com", name="Ada", active=True, attributes={"region": ("emea",), "code": "0420", "no": None}
    ),
    a_user("bob@acme.com", name="", active=False),
    a_user("carl@acme.com", attributes={}),
    a_group("Finance", ["ada@acme.com", "bob@acme.com"]),
    a_group("BI Admins", ["ada@acme.com"]),
)


def texts(wish: Wish, present: DesiredState | None = None) -> dict[str, str]:
    return export(FOUND, present or desired(), wish).files


def test_one_file_leaves_the_members_to_omni() -> None:
    assert texts(Wish()) == {
        "imported.yaml": """\
users:
  ada@acme.com:
    name: Ada
    active: true
    attributes:
      code: '0420'
      region: [emea]
  bob@acme.com:
    active: false
  carl@acme.com: {}
groups:
  BI Admins: {}
  Finance: {}
"""
    }


@pytest.mark.parametrize(
    ("members", "groups", "of_ada"),
    [
        ("not-ours", "groups:\n  BI Admins: {}\n  Finance: {}\n", ""),
        (
            "from-users",
            "groups:\n  BI Admins:\n    members: from_users\n  Finance:\n    members: from_users\n",
            "    groups: [BI Admins, Finance]\n",
        ),
        (
            "stated",
            (
                "groups:\n  BI Admins:\n    members: [ada@acme.com]\n"
                "  Finance:\n    members: [ada@acme.com, bob@acme.com]\n"
            ),
            "",
        ),
    ],
)
def test_who_states_the_members(members: Members, groups: str, of_ada: str) -> None:
    text = texts(Wish(members=members))["imported.yaml"]
    assert text.endswith(groups)
    assert f"    active: true\n{of_ada}    attributes:" in text


@pytest.mark.parametrize(
    ("layout", "names"),
    [
        ("one-file", ["imported.yaml"]),
        (
            "by-user",
            ["groups.yaml", "users/ada@acme.com.yaml", "users/bob@acme.com.yaml", "users/carl@acme.com.yaml"],
        ),
        ("by-group", ["groups/bi-admins.yaml", "groups/finance.yaml", "users.yaml"]),
    ],
)
def test_layouts(layout: Layout, names: list[str]) -> None:
    assert list(texts(Wish(layout=layout))) == names


def test_a_file_by_group_holds_the_group_and_those_whose_first_it_is() -> None:
    files = texts(Wish(layout="by-group"))
    assert "ada@acme.com" in files["groups/bi-admins.yaml"]
    assert "BI Admins: {}" in files["groups/bi-admins.yaml"]
    assert "bob@acme.com" in files["groups/finance.yaml"]
    assert files["users.yaml"] == "users:\n  carl@acme.com: {}\n"


def test_only_some() -> None:
    assert texts(Wish(only=("user/A*",)))["imported.yaml"].startswith("users:\n  ada@acme.com:")
    assert texts(Wish(only=("group/FINANCE", "bob@*")))["imported.yaml"] == (
        "users:\n  bob@acme.com:\n    active: false\ngroups:\n  Finance: {}\n"
    )
    assert texts(Wish(only=("nobody",))) == {}


def test_only_managed_fields_are_written() -> None:
    wish = Wish(fields=frozenset({"name"}), members="from-users", only=("user/ada*",))
    assert texts(wish)["imported.yaml"] == "users:\n  ada@acme.com:\n    name: Ada\n"


def test_what_the_files_speak_of_is_left_out() -> None:
    present = desired(
        a_user("ada@acme.com"),
        a_group("Treasury"),
        absent=[Address("user", "carl@acme.com")],
        previously={Address("group", "treasury"): ("finance",)},
    )
    assert texts(Wish(), present) == {
        "imported.yaml": "users:\n  bob@acme.com:\n    active: false\ngroups:\n  BI Admins: {}\n"
    }


def test_groups_that_the_users_state_already_are_stated_by_new_users_too() -> None:
    present = desired(a_group("Finance"), from_users=["Finance"])
    text = texts(Wish(only=("user/bob*",)), present)["imported.yaml"]
    assert text == "users:\n  bob@acme.com:\n    active: false\n    groups: [Finance]\n"


def test_what_cannot_be_said_is_left_out_with_a_remark() -> None:
    found = live(
        a_user("ada@acme.com", name="A\x1bda", attributes={"good": "x", "bad": "a\nb"}),
        a_user("ADA.TWIN@acme.com"),
        a_user("ada.twin@acme.com"),
        a_user("no\vlogin"),
        a_group("Finance", ["ada@acme.com"]),
        a_group("FINANCE", []),
        a_group("Sales", ["ada.twin@acme.com", "ada@acme.com"]),
    )
    result = export(found, desired(), Wish(members="stated"))
    assert result.files == {
        "imported.yaml": "users:\n  ada@acme.com:\n    attributes:\n      good: x\ngroups:\n  Sales: {}\n"
    }
    assert (result.users, result.groups) == (1, 1)
    said = "\n".join(result.remarks)
    assert "user/ada.twin@acme.com: left out, since 2 live users have this name" in said
    assert "group/finance: left out, since 2 live groups have this name" in said
    assert "group/sales: its members are not stated, since a member of it cannot be named" in said
    assert said.count("user/ada@acme.com: left out in part") == 2
    assert "user/no\vlogin: left out in part" in said


def test_members_who_state_other_groups_keep_a_group_out_of_their_say() -> None:
    present = desired(a_user("ada@acme.com", groups=[]), a_group("Other"), from_users=["Other"])
    result = export(FOUND, present, Wish(members="from-users", only=("group/*",)))
    assert result.files == {"imported.yaml": "groups:\n  BI Admins: {}\n  Finance: {}\n"}
    assert len(result.remarks) == 2


def test_names_of_files_are_plain() -> None:
    found = live(
        a_user("a/-/b@acme.com"), a_user("é" * 300 + "@x.co"), a_group("../..", []), a_group("日本", [])
    )
    names = list(export(found, desired(), Wish(layout="by-user")).files)
    assert names == ["groups.yaml", "users/a---b@acme.com.yaml", f"users/{'e' * 100}.yaml"]
    groups = list(export(found, desired(), Wish(layout="by-group", only=("group/*",))).files)
    assert groups == ["groups/unnamed.yaml"]

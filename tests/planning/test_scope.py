"""What is ours, and what must be known before a plan is made."""

import pytest
from builders import a_group, a_user, desired, live

from reconciler.errors import IncompleteRead
from reconciler.model import Address, Definition
from reconciler.planning.plan import make_plan
from reconciler.planning.scope import Leaver, Policy, managed_keys, matches, need, ours

ADA, BOB = Address("user", "ada@acme.com"), Address("user", "bob@acme.com")


def test_globs_match_without_case_and_whatever_the_composition() -> None:
    assert matches(Address("group", "équipe b"), ["E\u0301QUIPE *"])
    assert matches(ADA, ["*@ACME.com"])
    assert not matches(ADA, ["*@acme.co", "group/*"])
    assert not matches(ADA, [])


def test_nothing_is_narrowed_where_nobody_is_ignored() -> None:
    found = live(a_user("ada@acme.com"), a_group("G", ["ada@acme.com"]))
    assert ours(found, Policy(ignore_groups=("other",))) == found


def test_only_stated_and_exact_attributes_are_needed_under_every_key_of_the_user() -> None:
    wanted = desired(
        a_user("ada@acme.com", attributes={"region": "x"}),
        a_user("bob@acme.com", name="Bob"),
        previously={ADA: ("ada.old@acme.com",)},
    )
    assert need(wanted, Policy()).attributes == {
        "ada@acme.com": frozenset({"region"}),
        "ada.old@acme.com": frozenset({"region"}),
    }
    exact = need(wanted, Policy(exact_attributes=frozenset({"code"}))).attributes
    assert exact["bob@acme.com"] == {"code"}
    assert exact["ada@acme.com"] == {"region", "code"}


def test_no_attribute_is_needed_where_the_target_manages_none() -> None:
    wanted = desired(a_user("ada@acme.com", attributes={"region": "x"}), absent=[BOB])
    policy = Policy(manage=frozenset({"name"}), tombstone="revoke", exact_attributes=frozenset({"code"}))
    assert need(wanted, policy).attributes == {}
    assert managed_keys(wanted, policy) == frozenset()


@pytest.mark.parametrize(
    ("tombstone", "attributes", "deleted"),
    [
        ("deactivate", {}, set()),
        ("revoke", {"bob@acme.com": {"region"}}, set()),
        ("delete", {}, {"bob@acme.com"}),
    ],
)
def test_a_tombstone_needs_what_its_policy_takes(
    tombstone: Leaver, attributes: dict[str, set[str]], deleted: set[str]
) -> None:
    wanted = desired(a_user("ada@acme.com", attributes={"region": "x"}), absent=[BOB, Address("group", "g")])
    found = need(wanted, Policy(tombstone=tombstone))
    assert {k: v for k, v in found.attributes.items() if k != "ada@acme.com"} == attributes
    assert found.deleted == {"ada@acme.com"} | deleted


def test_an_attribute_that_was_not_read_stops_the_plan() -> None:
    wanted = desired(a_user("ada@acme.com", attributes={"region": "x"}))
    found = live(a_user("ada@acme.com", attributes={}), definitions=[Definition("region")])
    with pytest.raises(IncompleteRead, match="the attribute region of user/ada"):
        make_plan(wanted, found, Policy(), target="t", provider="omni", url="")


def test_what_was_read_of_one_object() -> None:
    found = live(a_user("Ada@acme.com", name="Ada"), a_group("G", ["ada@acme.com"]))
    planned = make_plan(desired(), found, Policy(), target="t", provider="omni", url="")
    assert planned.facts(Address("group", "g")) == {("name",): "G", ("members", "ada@acme.com"): True}
    assert planned.facts(Address("group", "other")) is None
    assert planned.facts(BOB) is None
    assert planned.facts(ADA) == {("email",): "ada@acme.com", ("name",): "Ada", ("active",): None}

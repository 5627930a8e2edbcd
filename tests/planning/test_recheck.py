"""What of a reviewed plan may still be done: each standing, for each kind of atom."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from builders import a_group, a_user, desired, live
from hypothesis import given
from hypothesis import strategies as st

from reconciler.changes import atoms, naming
from reconciler.model import Address, Definition, DesiredState, LiveState
from reconciler.plan import Plan
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.recheck import Recheck, recheck
from reconciler.planning.scope import Policy

REGION = Definition("region", multiple=True)
FINANCE = Address("group", "finance")
ADA = Address("user", "ada@acme.com")
DELETES = Policy(tombstone="delete")


def planned(wanted: DesiredState, found: LiveState, policy: Policy | None = None) -> Planned:
    return make_plan(wanted, found, policy or Policy(), target="acme", provider="omni", url="https://acme")


def standings(saved: Plan, fresh: Planned) -> dict[str, str]:
    return {str(item.atom): item.standing for item in recheck(saved, fresh).rechecked}


def reasons(saved: Plan, fresh: Planned) -> list[str]:
    return [item.reason for item in recheck(saved, fresh).stale]


WANTED = desired(
    a_user("ada@acme.com", name="Ada L.", attributes={"region": ("emea",)}),
    a_user("bob@acme.com", name="Bob", active=True),
    a_group("Finance", ["ada@acme.com", "bob@acme.com"]),
)
FOUND = live(
    a_user("ada@acme.com", name="Ada", active=True, attributes={"region": ("apac",)}),
    a_user("carl@acme.com", name="Carl", active=True),
    a_group("Finance", ["carl@acme.com"]),
    definitions=[REGION],
)


def test_an_unchanged_world_leaves_everything_to_do() -> None:
    fresh = planned(WANTED, FOUND)
    result = recheck(fresh.plan, fresh)
    assert {item.standing for item in result.rechecked} == {"to do"}
    assert result.changes == fresh.plan.changes
    assert result.unreviewed == ()
    assert result.stale == ()


def test_what_an_interrupted_apply_did_is_done_and_the_rest_is_to_do() -> None:
    saved = planned(WANTED, FOUND).plan
    halfway = live(
        a_user("ada@acme.com", name="Ada L.", active=True, attributes={"region": ("apac",)}),
        a_user("bob@acme.com", name="Bob", active=True),
        a_user("carl@acme.com", name="Carl", active=True),
        a_group("Finance", ["ada@acme.com", "carl@acme.com"]),
        definitions=[REGION],
    )
    fresh = planned(WANTED, halfway)
    assert standings(saved, fresh) == {
        "user/bob@acme.com email": "done",
        "user/bob@acme.com name": "done",
        "user/bob@acme.com active": "done",
        "user/ada@acme.com name": "done",
        "user/ada@acme.com attributes region": "to do",
        "group/finance members ada@acme.com": "done",
        "group/finance members bob@acme.com": "to do",
        "group/finance members carl@acme.com": "to do",
    }


def test_a_half_done_create_resumes_where_its_fields_are_still_unset() -> None:
    wanted = desired(
        a_user("ada@acme.com", name="Ada", attributes={"region": ("emea",)}),
        a_group("Finance", ["ada@acme.com"]),
    )
    saved = planned(wanted, live(definitions=[REGION])).plan
    made = live(
        a_user("ada@acme.com", name="Ada", attributes={"region": None}),
        a_group("FINANCE", []),
        definitions=[REGION],
    )
    fresh = planned(wanted, made)
    result = recheck(saved, fresh)
    assert [str(atom) for change in result.changes for atom in atoms(change)] == [
        "user/ada@acme.com attributes region",
        "group/finance members ada@acme.com",
    ]
    assert result.stale == ()


def test_what_somebody_else_created_with_another_value_has_moved() -> None:
    wanted = desired(a_user("ada@acme.com", name="Ada"))
    saved = planned(wanted, live()).plan
    fresh = planned(wanted, live(a_user("ada@acme.com", name="Somebody")))
    assert standings(saved, fresh) == {"user/ada@acme.com email": "done", "user/ada@acme.com name": "moved"}
    assert reasons(saved, fresh) == ['live is now "Somebody", and was unset at the review']


def test_a_field_that_changed_since_the_review_has_moved() -> None:
    saved = planned(WANTED, FOUND).plan
    now = live(
        a_user("ada@acme.com", name="A. Lovelace", active=True, attributes={"region": ("amer", "apac")}),
        a_user("carl@acme.com", name="Carl", active=True),
        a_group("Finance", ["carl@acme.com"]),
        definitions=[REGION],
    )
    assert reasons(saved, planned(WANTED, now)) == [
        'live is now "A. Lovelace", and was "Ada" at the review',
        "since the review it has gained amer",
    ]


@pytest.mark.parametrize(
    ("now", "words"),
    [(("emea", "north"), "gained emea, north and lost apac"), (("apac", "x"), "gained x"), ((), "lost apac")],
)
def test_a_list_says_what_it_gained_and_lost(now: tuple[str, ...], words: str) -> None:
    wanted = desired(a_user("ada@acme.com", attributes={"region": ("south",)}))

    def with_region(value: tuple[str, ...]) -> Planned:
        found = a_user("ada@acme.com", attributes={"region": value})
        return planned(wanted, live(found, definitions=[REGION]))

    found = reasons(with_region(("apac",)).plan, with_region(now))
    assert (
        found == [f"since the review it has {words}"]
        if now
        else ['live is now unset, and was ["apac"] at the review']
    )


def test_a_change_that_the_files_took_back_is_unwanted() -> None:
    saved = planned(WANTED, FOUND).plan
    fresh = planned(desired(a_group("Finance", ["carl@acme.com"])), FOUND)
    assert set(standings(saved, fresh).values()) == {"unwanted"}
    assert sorted(set(reasons(saved, fresh))) == [
        "the files do not create it any more",
        "the files do not want it any more",
    ]


def test_an_attribute_that_is_not_managed_any_more_is_not_taken_for_cleared() -> None:
    wanted = desired(a_user("ada@acme.com", attributes={"region": None}))
    found = live(a_user("ada@acme.com", attributes={"region": ("apac",)}), definitions=[REGION])
    saved = planned(wanted, found).plan
    fresh = planned(desired(a_user("ada@acme.com")), live(a_user("ada@acme.com", attributes={})))
    assert standings(saved, fresh) == {"user/ada@acme.com attributes region": "unwanted"}


def test_an_object_that_was_removed_or_made_again_has_moved() -> None:
    wanted = desired(a_user("ada@acme.com", name="Ada L."))
    saved = planned(wanted, live(a_user("ada@acme.com", name="Ada"), ids={"ada@acme.com": "1"})).plan
    gone = planned(wanted, live())
    again = planned(wanted, live(a_user("ada@acme.com", name="Ada"), ids={"ada@acme.com": "2"}))
    assert reasons(saved, gone) == ["it is not there any more"]
    assert reasons(saved, again) == ["it was removed, and made again under another id"]


def test_the_same_id_under_another_name_has_moved() -> None:
    saved = planned(desired(absent=[FINANCE]), live(a_group("Finance", []), ids={"Finance": "g1"})).plan
    renamed = planned(desired(absent=[FINANCE]), live(a_group("Treasury", []), ids={"Treasury": "g1"}))
    assert reasons(saved, renamed) == ["it has another name now"]


def test_a_deletion_is_done_once_that_object_is_gone() -> None:
    wanted = desired(absent=[ADA])
    first = live(a_user("ada@acme.com"), ids={"ada@acme.com": "1"})
    saved = planned(wanted, first, DELETES).plan
    assert standings(saved, planned(wanted, first, DELETES)) == {"user/ada@acme.com": "to do"}
    assert standings(saved, planned(wanted, live(), DELETES)) == {"user/ada@acme.com": "done"}
    another = live(a_user("ada@acme.com"), ids={"ada@acme.com": "2"})
    result = recheck(saved, planned(wanted, another, DELETES))
    assert [item.standing for item in result.rechecked] == ["done"]
    assert result.changes == ()
    assert len(result.unreviewed) == 1


def test_a_deletion_that_the_files_took_back_is_unwanted() -> None:
    found = live(a_user("ada@acme.com"))
    saved = planned(desired(absent=[ADA]), found, DELETES).plan
    assert standings(saved, planned(desired(a_user("ada@acme.com")), found)) == {
        "user/ada@acme.com": "unwanted"
    }


def test_a_deactivation_is_done_once_the_account_is_gone() -> None:
    wanted = desired(absent=[ADA])
    saved = planned(wanted, live(a_user("ada@acme.com", active=True))).plan
    assert standings(saved, planned(wanted, live())) == {"user/ada@acme.com active": "done"}


def test_what_nobody_reviewed_is_left_to_the_next_plan() -> None:
    saved = planned(desired(a_user("ada@acme.com", name="Ada L.")), FOUND).plan
    fresh = planned(WANTED, FOUND)
    result: Recheck = recheck(saved, fresh)
    assert [str(atom) for change in result.changes for atom in atoms(change)] == ["user/ada@acme.com name"]
    left = [str(atom) for change in result.unreviewed for atom in atoms(change)]
    assert "user/ada@acme.com attributes region" in left
    assert "user/ada@acme.com name" not in left


def test_a_group_that_gained_people_since_the_review_is_not_deleted() -> None:
    def world(*members: str) -> Planned:
        people = [a_user(f"{name}@acme.com") for name in ("ada", "bob", "carl")]
        found = live(*people, a_group("Finance", [f"{name}@acme.com" for name in members]))
        return planned(desired(absent=[FINANCE]), found, DELETES)

    saved = world("ada").plan
    (deletion,) = recheck(saved, world("ada")).changes
    assert deletion.address == FINANCE
    assert recheck(saved, world()).changes != (), "who has left since has nothing to lose"
    for gained, reason in (
        (("bob",), "bob@acme.com joined it since the review, and would lose it"),
        (("bob", "carl"), "bob@acme.com and 1 more joined it since the review, and would lose it"),
    ):
        fresh = world("ada", *gained)
        found = recheck(saved, fresh)
        assert found.changes == ()
        assert found.unreviewed == fresh.plan.changes
        assert [(item.standing, item.reason) for item in found.stale] == [("moved", reason)]


def test_a_person_who_goes_may_have_joined_more_groups_since() -> None:
    found = live(a_user("ada@acme.com"), a_group("Finance", ["ada@acme.com"]))
    wanted = desired(absent=[ADA])
    saved = planned(wanted, live(a_user("ada@acme.com"), a_group("Finance", [])), DELETES).plan
    assert recheck(saved, planned(wanted, found, DELETES)).stale == ()


def under_ids(found: LiveState, ids: Sequence[str]) -> LiveState:
    """The same people, behind other live ids."""
    people = [replace(user, id=one) for user, one in zip(found.users, ids, strict=True)]
    return replace(found, users=tuple(people))


LOGINS = ("ada@acme.com", "bob@acme.com", "carl@acme.com")
MANAGER = Definition("manager", "user")


@given(
    before=st.permutations("123"),
    after=st.permutations("123456"),
    inside=st.sets(st.sampled_from(LOGINS)),
    stated=st.sets(st.sampled_from(LOGINS)),
    ends=st.booleans(),
)
def test_nobody_gains_or_loses_anything_who_was_not_reviewed(
    before: list[str], after: list[str], inside: set[str], stated: set[str], *, ends: bool
) -> None:
    policy = Policy(tombstone="delete")
    people = [a_user(login, attributes={"manager": None}) for login in LOGINS]
    found = live(
        *people, a_group("Finance", sorted(inside)), a_group("Old", ["bob@acme.com"]), definitions=[MANAGER]
    )
    wanted = desired(
        a_user("ada@acme.com", attributes={"manager": "bob@acme.com"}),
        a_group("Finance", sorted(stated)),
        absent=[Address("group", "old")] if ends else [],
    )
    now_ids = after[:3]
    saved = planned(wanted, under_ids(found, before), policy).plan
    fresh = planned(wanted, under_ids(found, now_ids), policy)
    same = {login for login, then, now in zip(LOGINS, before, now_ids, strict=True) if then == now}
    for change in recheck(saved, fresh).changes:
        for atom, names in naming(change):
            assert {name.key for name in names} <= same
            assert atom.address.kind == "group" or atom.address.key in same


def test_who_was_made_again_is_not_who_was_reviewed() -> None:
    wanted = desired(a_group("Finance", ["ada@acme.com"]))
    found = live(a_user("ada@acme.com"), a_group("Finance", []))
    saved = planned(wanted, under_ids(found, ["1"])).plan
    assert saved.meant == {"user/ada@acme.com": "1"}
    assert reasons(saved, planned(wanted, under_ids(found, ["2"]))) == [
        "user/ada@acme.com is not who it was at the review: it is another one now, with the id 2"
    ]
    with_her = desired(a_user("ada@acme.com"), a_group("Finance", ["ada@acme.com"]))
    gone = planned(with_her, live(a_group("Finance", [])))
    assert reasons(saved, gone) == ["user/ada@acme.com is not there any more"]

"""What may be taken away while a plan is applied: the parts that the stories of the attacks do not show."""

from dataclasses import replace

import pytest
from builders import a_group, a_user, desired, live

from reconciler.changes import Atom, Delete, Update, atoms
from reconciler.execute.headcount import Headcount
from reconciler.model import Address, FieldPath, Group, UnderWay, Value, group_address, user_address
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.scope import Globs, Policy

ADA, BOB, GUEST = "ada@acme.com", "bob@acme.com", "guest@vendor.example"
FINANCE = group_address("Finance")


def counted(policy: Policy, *wanted: object, foreign: int = 0, **more: object) -> tuple[Headcount, list[str]]:
    """The count after every removal of a plan was asked for, and the objections; Ada, Bob, Guest are live."""
    people = [a_user(email, active=True) for email in (ADA, BOB, GUEST)]
    members = more.pop("members", [ADA, GUEST])
    there = live(*people, a_group("Finance", members), foreign={"Finance": foreign} if foreign else {})  # type: ignore[arg-type]
    fresh = make_plan(desired(*wanted, **more), there, policy, target="t", provider="any", url="")  # type: ignore[arg-type]
    count = Headcount.of(fresh.plan, fresh, policy)
    asked = [(change, atom) for change in fresh.plan.changes for atom in atoms(change) if not atom.after]
    return count, [count.take(change, atom) for change, atom in asked]


IGNORING = Policy(ignore=Globs(user=("*@vendor.example",)))


def test_who_is_ignored_fills_a_group_but_not_a_protected_one() -> None:
    _, said = counted(IGNORING, a_group("Finance", []))
    assert said == [""]
    _, said = counted(
        Policy(ignore=IGNORING.ignore, protect=Globs(group=("finance",))), a_group("Finance", [])
    )
    assert said == [
        "group/finance is protected, and would be left without people: somebody has left it since"
    ]


def test_members_whom_nobody_knows_fill_a_group() -> None:
    _, said = counted(Policy(), a_group("Finance", []), members=[ADA], foreign=1)
    assert said == [""]


def test_a_group_that_is_protected_under_its_older_name_stays_so() -> None:
    policy = Policy(protect=Globs(group=("Finance",)))
    treasury = group_address("Treasury")
    _, said = counted(policy, a_group("Treasury", []), previously={treasury: ("finance",)})
    assert said == [
        "",
        "group/treasury is protected, and would be left without people: somebody has left it since",
    ]


@pytest.mark.parametrize("how", ["deactivate", "delete"])
def test_the_plan_that_leaves_nobody_active_was_approved_to(how: str) -> None:
    policy = Policy(tombstone=how)  # type: ignore[arg-type]
    _, said = counted(policy, a_group("Finance"), absent=[user_address(ADA)], members=[ADA, BOB])
    assert said == [""]


def test_who_is_deleted_with_their_group_leaves_it_without_anybody() -> None:
    policy, gone = Policy(tombstone="delete"), [user_address(ADA), FINANCE]
    count, said = counted(policy, a_user(BOB), absent=gone, members=[ADA])
    assert said == ["", ""]
    assert count.relied_on([], {FINANCE, user_address(ADA)}) == ([], [])
    # Where the files of now keep the group, nobody approved that it is left so.
    people = [a_user(email, active=True) for email in (ADA, BOB)]
    there = live(*people, a_group("Finance", [ADA]))

    def planned(*groups: Group, absent: list[Address]) -> Planned:
        wanted = desired(a_user(BOB), *groups, absent=absent)
        return make_plan(wanted, there, policy, target="t", provider="any", url="")

    before, now = planned(absent=gone), planned(a_group("Finance"), absent=gone[:1])
    (change,) = now.plan.changes
    held = Headcount.of(before.plan, now, policy).take(change, *atoms(change))
    assert held == "group/finance would be left without anybody: somebody has left it since"


def test_a_removal_that_is_asked_for_twice_counts_once() -> None:
    count = Headcount({FINANCE: {user_address(ADA), user_address(BOB)}})
    edge = Atom(FINANCE, "f", ("members", ADA), before=True, after=None)
    change = Update(FINANCE, "Finance", "f", (), desired().place(FINANCE))
    assert [count.take(change, edge), count.take(change, edge)] == ["", ""]
    assert count.members == {FINANCE: {user_address(BOB)}}


def test_a_deletion_counts_in_every_group() -> None:
    ada = user_address(ADA)
    groups = [Address("group", name) for name in "ab"]
    count = Headcount({groups[0]: {ada, user_address(BOB)}, groups[1]: {ada}})
    gone = Delete(ada, ADA, "a", desired().place(ada))
    (atom,) = atoms(gone)
    assert count.take(gone, atom) == "group/b would be left without anybody: somebody has left it since"
    assert count.members[groups[0]] == {ada, user_address(BOB)}


def test_who_was_made_active_lets_another_one_go() -> None:
    ada, bob = user_address(ADA), user_address(BOB)
    gone = Delete(ada, ADA, "a", desired().place(ada))
    (atom,) = atoms(gone)
    count = Headcount(active={ada}, ends_everybody=False)
    assert count.take(gone, atom).startswith("nobody active would be left")
    count.gained(Atom(bob, "b", ("active",), before=False, after=True))
    assert count.take(gone, atom) == ""


@pytest.mark.parametrize(("path", "value"), [(("active",), False), ((), None)])
def test_who_is_to_go_by_what_is_under_way_does_not_count_as_staying(path: FieldPath, value: Value) -> None:
    there = live(a_user(ADA, active=True), a_user(BOB, active=True))
    waiting = replace(there, under_way=(UnderWay(BOB, path, value),))
    said = []
    for found in (there, waiting):
        wanted = desired(a_user(ADA, active=False), a_user(BOB))
        fresh = make_plan(wanted, found, Policy(), target="t", provider="any", url="")
        (change,) = fresh.plan.changes
        said.append(Headcount.of(fresh.plan, fresh, Policy()).take(change, *atoms(change)))
    why = "nobody active would be left of those that the files manage: somebody has left since"
    assert said == ["", why]

"""An attribute that names a person or a group names one that the files declare or that is live."""

import pytest
from builders import a_group, a_user, desired, live

from reconciler.changes import Delete, Update, fields_of
from reconciler.errors import Place
from reconciler.model import Address, Definition, DesiredState, User, Value, group_address, user_address
from reconciler.operations import stages
from reconciler.plan import Plan
from reconciler.planning.plan import make_plan
from reconciler.planning.references import impossible, nobody
from reconciler.planning.scope import MANAGED, Policy
from reconciler.saved import from_json, to_json

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


def test_a_name_whose_owner_is_to_be_deleted_is_a_problem_and_one_whose_access_ends_is_none() -> None:
    bob, old = user_address("bob@acme.com"), user_address("old@acme.com")
    wanted = desired(a_user("ada@acme.com", attributes={"deputies": ("Bob@acme.com", "old@acme.com")}))
    ending = Update(old, old.key, "o", (), Place("files.yaml"), removal="revoke")
    changes = (Delete(bob, bob.key, "b", Place("files.yaml")), ending)
    (problem,) = nobody(wanted, {bob, old}, DEFINED, changes)
    assert problem.message == "`deputies` names 'Bob@acme.com', which is to be deleted"
    assert problem.hint == "name another user, or keep this one"


# Those who have no account yet


def planned(wanted: DesiredState, *there: User, policy: Policy | None = None, early: bool = False) -> Plan:
    written = "on creation" if early else "always"
    known = [Definition(each.name, each.type, each.multiple, written=written) for each in DEFINED.values()]
    found = live(*there, definitions=known)
    return make_plan(wanted, found, policy or Policy(), target="t", provider="typed", url="").plan


def stated(plan: Plan) -> dict[str, Value]:
    return {f.path[-1]: f.after for c in plan.changes for f in fields_of(c) if f.path[0] == "attributes"}


def notes(plan: Plan) -> list[str]:
    return [note.message for note in plan.notes if "names somebody" in note.message]


@pytest.mark.parametrize("creates", [False, True], ids=["waits for a sign-in", "is inactive"])
def test_who_is_not_live_yet_is_left_out_and_a_note_says_so(*, creates: bool) -> None:
    new = a_user("new@acme.com", active=False if creates else None)
    references = {"manager": "new@acme.com", "deputies": ("new@acme.com", "old@acme.com"), "title": "x"}
    wanted = desired(a_user("ada@acme.com", attributes=references), new, a_user("old@acme.com"))
    nothing = dict.fromkeys(DEFINED, None)
    there = (a_user("ada@acme.com", attributes=nothing), a_user("old@acme.com", attributes=nothing))
    manage = MANAGED if creates else MANAGED - {"create"}
    plan = planned(wanted, *there, policy=Policy(manage=manage))
    assert stated(plan) == {"deputies": ("old@acme.com",), "title": "x"}
    assert notes(plan) == [
        f"`{name}` of 1 user names somebody who is not live yet, and is left out until then: ada@acme.com"
        for name in ("deputies", "manager")
    ]


def test_who_is_created_in_this_plan_is_not_left_out() -> None:
    wanted = desired(a_user("ada@acme.com", attributes={"manager": "new@acme.com"}), a_user("new@acme.com"))
    plan = planned(wanted)
    assert (stated(plan), notes(plan)) == ({"manager": "new@acme.com"}, [])


# References that can be written on creation only


def chain(*pairs: tuple[str, str]) -> DesiredState:
    people = (a_user(f"{who}@acme.com", attributes={"manager": f"{whom}@acme.com"}) for who, whom in pairs)
    return desired(*people, a_user("dan@acme.com"), a_group("New"))


def test_they_are_part_of_the_creation_and_who_is_named_comes_first() -> None:
    wanted = chain(("ann", "ben"), ("ben", "cat"), ("cat", "dan"))
    plan = planned(wanted, a_user("dan@acme.com", attributes={"manager": None}), early=True)
    order = [[change.address.key.partition("@")[0] for change in part] for part in stages(plan.changes)]
    assert order == [["cat"], ["ben"], ["ann"], ["new"]]
    assert list(impossible(wanted, plan.changes)) == []
    assert from_json(to_json(plan)) == plan


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([("ann", "ben"), ("ben", "ann"), ("cat", "dan")], [("ben", "ann"), ("ann", "ben")]),
        ([("ann", "ann")], [("ann", "ann")]),
    ],
)
def test_a_circle_of_them_is_a_problem_at_each_line(
    pairs: list[tuple[str, str]], told: list[tuple[str, str]]
) -> None:
    wanted = chain(*pairs)
    problems = list(impossible(wanted, planned(wanted, early=True).changes))
    assert [problem.message for problem in problems] == [
        "`manager` can be written on creation only, and "
        f"user/{first}@acme.com cannot be created before user/{then}@acme.com"
        for first, then in told
    ]
    assert str(problems[0].place) == "files.yaml/user/ann@acme.com/attributes/manager:1:1"


def test_a_new_group_cannot_come_first() -> None:
    wanted = desired(a_user("ann@acme.com", attributes={"home": "New"}), a_group("New"))
    (problem,) = impossible(wanted, planned(wanted, early=True).changes)
    assert problem.message == (
        "`home` can be written on creation only, and group/new cannot be created before user/ann@acme.com"
    )
    assert Address("group", "new") in {change.address for change in planned(wanted).changes}

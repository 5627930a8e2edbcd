"""What a plan may not do: the parts that the cases do not show."""

import dataclasses
from fractions import Fraction

import pytest
from builders import ROBOT, a_group, a_user, changed, desired, live, located
from hypothesis import given
from hypothesis import strategies as st

from reconciler.changes import Delete, Update
from reconciler.model import Address, Caller, DesiredState, LiveState
from reconciler.plan import Census, Plan
from reconciler.planning.guard import check, check_now
from reconciler.planning.plan import make_plan
from reconciler.planning.scope import Ending, Globs, Limits, Policy

LIMITS = st.builds(Limits, st.sampled_from([0.0, 0.29, 0.5, 1.0]), st.integers(0, 6))


def leavers(number: int, of: int, policy: Policy) -> Plan:
    people = [a_user(f"u{i}@acme.com", active=True) for i in range(of)]
    gone = [Address("user", f"u{i}@acme.com") for i in range(number)]
    state = desired(*people[number:], absent=gone)
    return make_plan(state, live(*people), policy, target="t", provider="omni", url="").plan


@pytest.mark.parametrize(
    ("number", "of", "refused"),
    [(5, 10, False), (6, 10, True), (6, 24, False), (7, 24, True), (6, 23, True), (1, 2, False)],
)
def test_more_than_the_share_and_more_than_the_floor(number: int, of: int, *, refused: bool) -> None:
    policy = Policy(removals=Limits(share=0.25, floor=5))
    codes = [violation.code for violation in check(leavers(number, of, policy), policy)]
    assert codes == (["users"] if refused else [])


@given(share=st.floats(0, 1), floor=st.integers(0, 30), of=st.integers(2, 30), data=st.data())
def test_a_refusal_is_exactly_more_than_both(share: float, floor: int, of: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, of - 1))
    policy = Policy(removals=Limits(share=share, floor=floor))
    refused = bool(check(leavers(number, of, policy), policy))
    assert refused == (number > floor and number > Fraction(str(share)) * of)


def test_the_exact_number_approves_and_any_other_is_a_refusal() -> None:
    policy = Policy()
    plan = leavers(8, 10, policy)
    assert [v.code for v in check(plan, policy, allow_removals=8)] == []
    for wrong in (0, 7, 9):
        codes = [v.code for v in check(plan, policy, allow_removals=wrong)]
        assert codes == ["users", "approval"]


def test_a_wrong_number_is_refused_even_where_nothing_is_over_a_limit() -> None:
    policy = Policy()
    (violation,) = check(leavers(1, 10, policy), policy, allow_removals=2)
    assert violation.message == "--allow-removals 2 does not fit: for this plan it is 1"


def test_no_number_approves_the_removal_of_what_is_protected() -> None:
    policy = Policy(protect=Globs(user=("u0@acme.com",)))
    plan = leavers(1, 10, policy)
    (violation,) = check(plan, policy, allow_removals=1)
    assert (violation.code, violation.is_absolute) == ("protected", True)


def test_a_deletion_counts_the_memberships_that_end_with_it() -> None:
    people = [a_user(f"u{i}@acme.com", active=True) for i in range(10)]
    group = a_group("Everyone", [f"u{i}@acme.com" for i in range(10)])
    state = desired(*people, absent=[Address("group", "everyone")])
    policy = Policy()
    plan = make_plan(state, live(*people, group), policy, target="t", provider="omni", url="").plan
    assert [v.code for v in check(plan, policy)] == ["memberships", "members"]
    assert plan.counts.removals == 1


def test_a_group_is_emptied_also_by_deletions_and_not_where_somebody_stays() -> None:
    people = [a_user(f"u{i}@acme.com", active=True) for i in range(3)]
    state = desired(
        people[0],
        a_group("G", ["u0@acme.com"]),
        a_group("H"),
        from_users=["H"],
        absent=[Address("user", "u1@acme.com"), Address("user", "u2@acme.com")],
    )
    found = live(*people, a_group("G", ["u1@acme.com"]), a_group("H", ["u1@acme.com", "u2@acme.com"]))
    policy = Policy(tombstone="delete")
    plan = make_plan(state, found, policy, target="t", provider="omni", url="").plan
    assert plan.intended.census.emptied == ("group/h",)
    assert [v.code for v in check(plan, policy)] == ["emptied"]


@pytest.mark.parametrize(
    ("share", "number", "of", "refused"),
    [(0.29, 29, 100, False), (0.29, 30, 100, True), (0.07, 7, 100, False), (1.0, 9, 10, False)],
)
def test_shares_are_exact(share: float, number: int, of: int, *, refused: bool) -> None:
    policy = Policy(removals=Limits(share=share, floor=0))
    assert bool(check(leavers(number, of, policy), policy)) is refused


@pytest.mark.parametrize(
    ("share", "shown"), [(0.125, "12.5%"), (0.25, "25%"), (1.0, "100%"), (0, "0%"), (0.1, "10%")]
)
def test_a_share_is_shown_as_it_is(share: float, shown: str) -> None:
    policy = Policy(removals=Limits(share=share, floor=0), creations=Limits(share=share, floor=0))
    people = [a_user(f"n{n}@acme.com") for n in range(9)]
    plan = made(desired(*people), live(a_user("ada@acme.com")), policy)
    found = check(plan, policy)
    assert [one.message.split(", or")[0].split("limit is ")[1] for one in found] == [shown]


# Too many new people


def made(state: DesiredState, found: LiveState, policy: Policy) -> Plan:
    return make_plan(state, found, policy, target="t", provider="omni", url="").plan


@given(live_users=st.integers(0, 12), new=st.integers(0, 12), limits=LIMITS)
def test_creations_are_refused_beyond_both_numbers_of_all_live_users(
    live_users: int, new: int, limits: Limits
) -> None:
    policy = Policy(creations=limits, ignore=Globs(user=("v*",)))
    found = live(*(a_user(f"{'vu'[n % 2]}{n}@acme.com", active=True) for n in range(live_users)))
    plan = made(desired(*(a_user(f"new{n}@acme.com") for n in range(new))), found, policy)
    refused = new > limits.floor and new > Fraction(str(limits.share)) * live_users
    codes = [violation.code for violation in check(plan, policy)]
    assert codes == (["creations"] if refused else [])
    assert check(plan, policy, allow_creations=new) == ()
    assert check(plan, policy, allow_creations=new, allow_removals=0) == ()
    for wrong in (new + 1, new - 1):
        messages = [one.message for one in check(plan, policy, allow_creations=wrong)]
        assert messages[-1] == f"--allow-creations {wrong} does not fit: for this plan it is {new}"


def test_each_number_lifts_its_own_limit_alone() -> None:
    policy = Policy(creations=Limits(0, 0), removals=Limits(0, 0))
    people = [a_user(f"u{i}@acme.com", active=True) for i in range(3)]
    state = desired(a_user("new@acme.com"), *people[1:], absent=[Address("user", "u0@acme.com")])
    plan = made(state, live(*people), policy)
    assert [v.code for v in check(plan, policy)] == ["users", "creations"]
    assert [v.code for v in check(plan, policy, allow_removals=1)] == ["creations"]
    assert [v.code for v in check(plan, policy, allow_creations=1)] == ["users"]
    assert check(plan, policy, allow_removals=1, allow_creations=1) == ()
    assert [v.code for v in check(plan, policy, allow_removals=1, allow_creations=2)] == [
        *("users", "creations"),
        "creations",
    ]


# Whatever name


NAMES = [f"{name}@acme.com" for name in ("ada", "bob", "cleo")]


@given(
    old=st.sampled_from(NAMES),
    how=st.sampled_from(["active", "tombstone", "member", "deleted group"]),
    guard=st.sampled_from(["protected old", "protected new", "caller"]),
    tombstone=st.sampled_from(["deactivate", "delete"]),
)
def test_no_new_address_takes_away_what_the_old_one_keeps(
    old: str, how: str, guard: str, tombstone: Ending
) -> None:
    new = Address("user", "new@acme.com")
    protects = {"protected old": (old,), "protected new": (new.key,)}.get(guard, ())
    policy = Policy(protect=Globs(user=protects), tombstone=tombstone, removals=Limits(1, 99))
    person = a_user(new.key, active=False if how == "active" else None)
    group = [a_group("G", [])] if how == "member" else []
    absent = [new] if how == "tombstone" else []
    absent += [Address("group", "g")] if how == "deleted group" else []
    state = desired(
        *([] if how == "tombstone" else [person]),
        *(a_user(key) for key in NAMES if key != old),
        *group,
        absent=absent,
        previously={new: (old,)},
    )
    people = [a_user(key, active=True) for key in NAMES]
    found = live(*people, a_group("G", NAMES), caller=Caller(old if guard == "caller" else "", ""))
    codes = {v.code for v in check(made(state, found, policy), policy)}
    # The owner of a key may leave a group: what is kept is the account.
    assert ("protected" in codes) is (guard != "caller" or how in ("active", "tombstone"))


def test_a_group_is_protected_under_its_live_name_its_declared_one_and_an_older_one() -> None:
    address = Address("group", "c")
    found = live(a_user("ada@acme.com"), a_group("B", ["ada@acme.com"]))
    state = desired(a_group("C", []), previously={address: ("a", "b")})
    for name in ("A", "b", "C"):
        policy = Policy(protect=Globs(group=(name,)))
        assert "protected" in [v.code for v in check(made(state, found, policy), policy)]
    gone = desired(absent=[address], previously={address: ("b",)})
    policy = Policy(protect=Globs(group=("B",)))
    assert "protected" in [v.code for v in check(made(gone, found, policy), policy)]


# Who counts


@given(data=st.data())
def test_only_people_who_stay_or_join_keep_a_protected_group(data: st.DataObject) -> None:
    before, after = (data.draw(st.frozensets(st.sampled_from(NAMES))) for _ in range(2))
    strangers, ignored = data.draw(st.integers(0, 1)), data.draw(st.booleans())
    policy = Policy(protect=Globs(group=("G",)), ignore=Globs(user=("v@acme.com",)), removals=Limits(1, 99))
    members = [*before, *(["v@acme.com"] if ignored else [])]
    found = live(
        *(a_user(key, active=True) for key in (*NAMES, "v@acme.com")),
        a_group("G", members),
        foreign={"G": strangers} if strangers else {},
    )
    plan = made(desired(a_group("G", after)), found, policy)
    codes = [v.code for v in check(plan, policy)]
    assert ("protected" in codes) is bool(before and not after)
    assert ("emptied" in codes) is bool(before and not after and not strangers and not ignored)


def test_nobody_joins_a_group_whom_a_part_of_the_plan_does_not_create() -> None:
    people = [a_user("new@acme.com"), a_user("ada@acme.com")]
    found = live(people[1], a_group("G", ["ada@acme.com"]))
    policy = Policy(protect=Globs(group=("g",)))
    plan = made(desired(*people, a_group("G", ["new@acme.com"])), found, policy)
    assert check(plan, policy) == ()
    part = plan.part(tuple(c for c in plan.changes if c.address.kind == "group"))
    violations = check_now(part, plan, policy)
    assert [v.code for v in violations] == ["protected", "emptied"]
    protected, emptied = (v.remedy for v in violations)
    assert "whom the keys belong to, have no override" in str(protected)
    assert "approved by nobody" in str(emptied)


def test_a_violation_says_which_option_approves_it_and_with_which_number() -> None:
    people = [a_user(f"u{n}@acme.com") for n in range(10)]
    policy = Policy(removals=Limits(0, 0), creations=Limits(0, 0))
    plan = made(
        desired(*people, a_group("G", [])),
        live(a_user("ada@acme.com"), a_group("G", ["ada@acme.com"])),
        policy,
    )
    assert [(v.code, str(v.remedy)) for v in check(plan, policy)] == [
        ("memberships", "--allow-removals 1"),
        ("emptied", "--allow-removals 1"),
        ("creations", "--allow-creations 10"),
    ]
    wrong = check(plan, policy, allow_removals=1, allow_creations=9)
    assert [(v.code, str(v.remedy)) for v in wrong][-1] == ("creations", "--allow-creations 10")


# A part of a plan


STATES = st.sampled_from(["declared", "inactive", "tombstone", "silent"])


@given(
    of=st.lists(st.tuples(st.sampled_from([None, True, False]), STATES), max_size=5),
    tombstone=st.sampled_from(["deactivate", "revoke", "delete"]),
    data=st.data(),
)
def test_a_part_counts_who_is_active_after_it(
    of: list[tuple[bool | None, str]], tombstone: Ending, data: st.DataObject
) -> None:
    """As if the rest was done before, or not wanted at all."""
    keys = [f"u{n}@acme.com" for n in range(len(of))]
    active = {"declared": True, "inactive": False, "silent": None}
    rows = [(key, is_live, wanted) for key, (is_live, wanted) in zip(keys, of, strict=True)]
    users = [a_user(key, active=active[wanted]) for key, _, wanted in rows if wanted in active]
    state = desired(*users, absent=[Address("user", key) for key, _, how in rows if how == "tombstone"])
    found = live(*(a_user(key, active=was) for key, was, _ in rows if was is not None))
    plan = made(state, found, Policy(tombstone=tombstone))
    part = data.draw(st.permutations(plan.changes)) if plan.changes else []
    part = tuple(part[: data.draw(st.integers(0, len(part)))])
    ended = {c.address.key for c in part if isinstance(c, Delete) or getattr(c, "removal", None)}
    begun = {c.address.key for c in part} - ended
    left = {key for key, was, _ in rows if (was and key not in ended) or key in begun}
    assert plan.part(part).census.active_users_after == len(left)


# Names that match nobody


def test_an_entry_that_matches_nobody_is_named() -> None:
    policy = Policy(
        protect=Globs(("safe@acme.com", "Ada@*", "new@acme.com", "older@acme.com"), ("Vault", "staff")),
        ignore=Globs(("*@gone.example", "*@vendor.example"), ("okta-*",)),
    )
    new = Address("user", "new@acme.com")
    state = desired(a_user("new@acme.com"), previously={new: ("older@acme.com", "old@acme.com")})
    found = live(
        *(a_user(key) for key in ("ada@acme.com", "old@acme.com", "v@vendor.example")), a_group("Staff")
    )
    notes = [note for note in made(state, found, policy).notes if note.code == "unmatched"]
    assert [note.message.split(",")[0] for note in notes] == [
        "`protect.users` names safe@acme.com",
        "`protect.groups` names Vault",
        "`ignore.users` names *@gone.example",
        "`ignore.groups` names okta-*",
    ]
    assert all(note.warning for note in notes)


def test_a_plan_without_removals_passes_whatever_the_limits() -> None:
    change = Update(
        Address("user", "a@acme.com"),
        "a@acme.com",
        "1",
        (changed("name", before="A", after="B"),),
        located(Address("user", "a@acme.com"), ()),
    )
    plan = Plan("t", "omni", "", (change,), Census())
    assert check(plan, Policy(removals=Limits(0, 0), protect=Globs(user=("*",)))) == ()


@pytest.mark.parametrize("how", ["never_listed", "left_users"])
def test_who_is_in_no_file_and_was_revoked_before_is_nobody_who_stays(how: str) -> None:
    policy = Policy(**{how: "revoke"})
    ada, bob = Address("user", "ada@acme.com"), Address("user", "bob@acme.com")
    left = {bob: located(bob, ())} if how == "left_users" else {}
    state = dataclasses.replace(desired(a_user(ada.key, active=False)), departed=left)
    plan = made(state, live(a_user(ada.key, active=True), a_user(bob.key, active=True)), policy)
    assert [change.address for change in plan.changes] == [ada]
    assert (plan.census.active_users, plan.intended.census.active_users_after) == (1, 0)
    assert [one.code for one in check(plan, policy)] == ["last"]


@pytest.mark.parametrize(
    ("policy", "caller", "words"),
    [
        (Policy(protect=Globs(("ada@acme.com",))), ROBOT, "is protected as ada@acme.com"),
        (Policy(protect=Globs(("ada.new@acme.com",))), ROBOT, "is protected"),
        (Policy(), Caller("ada@acme.com", "ada"), "is the user whom the key belongs to"),
    ],
)
def test_who_is_protected_or_owns_the_key_gets_no_other_login(
    policy: Policy, caller: Caller, words: str
) -> None:
    state = desired(
        a_user("ada.new@acme.com"), previously={Address("user", "ada.new@acme.com"): ("ada@acme.com",)}
    )
    found = dataclasses.replace(live(a_user("ada@acme.com"), caller=caller), logins_change=True)
    plan = make_plan(state, found, policy, target="t", provider="omni", url="").plan
    (violation,) = check(plan, policy, allow_removals=0)
    assert violation.is_absolute
    assert violation.message == f"user/ada.new@acme.com {words}, and its login would change from ada@acme.com"

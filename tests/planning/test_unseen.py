"""What no answer shows is sent on creation, and where the files changed it since they were applied last."""

from dataclasses import replace

import pytest
from builders import a_user, desired, live

from reconciler.changes import Create, FieldChange, Update, fields_of
from reconciler.errors import Invalid
from reconciler.model import Definition, DesiredState, User, Value, user_address
from reconciler.planning.guard import check
from reconciler.planning.origin import origins
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.recheck import Recheck, recheck
from reconciler.planning.scope import Limits, Policy
from reconciler.planning.unseen import Sent, unsendable
from reconciler.saved import from_json, to_json
from reconciler.views.html import plan_html
from reconciler.views.text import plan_text

AVATAR = Definition("avatar", readable=False)
INVITE = Definition("invite", readable=False, written="on creation")
DEFINED = {each.name: each for each in (AVATAR, INVITE, Definition("region"))}
ADA = user_address("ada@acme.com")
PATH = ("attributes", "avatar")
THERE = [a_user("ada@acme.com", attributes={"region": None})]
NOWHERE = Sent()


def ada(**attributes: Value) -> DesiredState:
    return desired(a_user("ada@acme.com", attributes=attributes))


def sent(**attributes: Value) -> Sent:
    return Sent(ada(**attributes))


def planned(
    wanted: DesiredState, earlier: Sent, found: list[User] = THERE, policy: Policy | None = None
) -> Planned:
    state = live(*found, definitions=DEFINED.values())
    about = {"target": "acme", "provider": "typed", "url": "", "resend": tuple(sorted(earlier.again))}
    return make_plan(wanted, state, policy or Policy(), sent=earlier, **about)


def fields(made: Planned) -> tuple[FieldChange, ...]:
    return tuple(item for change in made.plan.changes for item in fields_of(change))


def unseen_notes(made: Planned) -> list[str]:
    return [note.message for note in made.plan.notes if note.code == "unseen"]


def test_a_new_person_gets_it_with_the_creation() -> None:
    made = planned(ada(avatar="a", invite="hello"), NOWHERE, [])
    (change,) = made.plan.changes
    assert isinstance(change, Create)
    assert {f.path[-1]: (f.before, f.after, f.unseen) for f in change.fields[1:]} == {
        "avatar": (None, "a", False),
        "invite": (None, "hello", False),
    }
    assert unseen_notes(made) == []


@pytest.mark.parametrize(
    ("earlier", "now", "expected"),
    [
        (sent(avatar="a"), "a", ()),
        (sent(avatar="a"), "b", ("b",)),
        (sent(avatar="a"), None, (None,)),
        (sent(avatar=None), None, ()),
        (sent(), "b", ("b",)),
        (sent(), None, (None,)),
        (Sent(desired()), "b", ("b",)),
        (Sent(desired(), again=frozenset({"region"})), "b", ("b",)),
        (NOWHERE, "b", ()),
        (Sent(again=frozenset({"avatar"})), "b", ("b",)),
        (Sent(ada(avatar="b"), frozenset({"avatar"})), "b", ("b",)),
        (Sent(created=frozenset({ADA})), "b", ("b",)),
        (replace(sent(avatar="b"), created=frozenset({ADA})), "b", ("b",)),
    ],
)
def test_a_live_one_gets_what_differs_from_the_files_that_were_applied(
    earlier: Sent, now: Value, expected: tuple[Value, ...]
) -> None:
    made = planned(ada(avatar=now), earlier)
    assert fields(made) == tuple(FieldChange(PATH, None, after, unseen=True) for after in expected)


def test_a_person_who_had_another_name_then_is_the_same_one() -> None:
    wanted = desired(a_user("ada@acme.com", attributes={"avatar": "a"}), previously={ADA: ("old@acme.com",)})
    earlier = Sent(desired(a_user("old@acme.com", attributes={"avatar": "a"})))
    assert fields(planned(wanted, earlier)) == ()


def test_what_is_not_known_is_counted_and_named() -> None:
    people = [a_user(f"p{n}@acme.com", attributes={"avatar": "a"}) for n in range(7)]
    made = planned(desired(*people), NOWHERE, people)
    assert fields(made) == ()
    assert unseen_notes(made) == [
        (
            "`avatar` of 7 live users cannot be seen, not sent (what was applied last is not known; "
            "--resend avatar sends it): p0@acme.com, p1@acme.com, p2@acme.com, p3@acme.com, p4@acme.com "
            "and 2 more"
        )
    ]
    assert unseen_notes(planned(desired(*people), Sent(again=frozenset({"avatar"})), people)) == []


def test_what_takes_a_value_on_creation_only_is_never_sent_to_somebody_who_is_live() -> None:
    assert fields(planned(ada(invite="b"), sent(invite="a"))) == ()
    assert unseen_notes(planned(ada(invite="b"), NOWHERE)) == [
        (
            "`invite` of 1 live user cannot be seen, not sent (what was applied last is not known; "
            "it is written on creation only): ada@acme.com"
        )
    ]


def test_who_waits_for_the_first_sign_in_is_told_to_get_it_later() -> None:
    policy = Policy(manage=frozenset({"attributes"}))
    assert unseen_notes(planned(ada(avatar="a"), sent(), [], policy)) == [
        (
            "`avatar` cannot be seen, and is not sent to those who wait once they have signed in: "
            "--resend avatar sends it then"
        )
    ]


def test_it_is_shown_as_what_it_is_and_saved() -> None:
    plan = planned(ada(avatar="b"), sent(avatar="a")).plan
    assert "    ~ avatar  (cannot be seen) -> b" in plan_text(plan)
    assert "(cannot be seen)" in plan_html(plan)
    saved = to_json(plan)
    assert '"unseen": true' in saved
    assert from_json(saved) == plan
    with pytest.raises(ValueError, match="does not match its digest"):
        from_json(saved.replace(',\n          "unseen": true', ""))


def test_what_is_sent_again_is_under_the_seal_and_saved() -> None:
    once = planned(ada(avatar="b"), sent()).plan
    again = planned(ada(avatar="b"), replace(sent(), again=frozenset({"avatar"}))).plan
    assert once.changes == again.changes
    assert once.digest != again.digest
    assert from_json(to_json(again)).resend == ("avatar",)


# Taking it away


def test_to_clear_it_is_a_removal() -> None:
    plan = planned(ada(avatar=None), sent(avatar="a")).plan
    assert "    - avatar  (cannot be seen) -> (none)" in plan_text(plan)
    assert (plan.counts.removals, plan.counts.values_cleared, plan.census.values) == (1, 1, 1)
    (violation,) = check(plan, Policy(removals=Limits(0, 0)))
    assert violation.message == "1 of 1 attribute values cleared; the limit is 0%, or 0 where that is more"


def test_who_is_revoked_loses_it_where_the_files_had_a_value() -> None:
    gone = desired(a_user("eve@acme.com", attributes={"avatar": "e"}), absent=[ADA])
    eve = a_user("eve@acme.com")
    policy = Policy(tombstone="revoke")
    plan = planned(gone, Sent(desired(*ada(avatar="a").users.values(), eve)), [*THERE, eve], policy).plan
    cleared = next(c for c in plan.changes if c.address == ADA)
    assert isinstance(cleared, Update)
    assert cleared.fields == (FieldChange(PATH, None, None, unseen=True),)
    for earlier in (Sent(desired()), NOWHERE, sent(avatar=None)):
        assert ADA not in {c.address for c in planned(gone, earlier, [*THERE, eve], policy).plan.changes}


def test_it_cannot_be_exact() -> None:
    with pytest.raises(Invalid, match="`avatar`, which no answer shows, so nobody knows what to clear"):
        planned(ada(), sent(), policy=Policy(exact_attributes=frozenset({"avatar"})))


# Why it is there


def test_its_origin_is_this_change_or_backlog_and_never_drift() -> None:
    earlier = sent(avatar="a")
    head = planned(ada(avatar="c"), earlier).plan
    for before, origin in (("a", "change"), ("c", "backlog")):
        base, applied = planned(ada(avatar=before), earlier).plan, planned(ada(avatar="a"), earlier).plan
        assert origins(head, [base], [applied]) == {(ADA, PATH): origin}


# What becomes of it after the review


def rechecked(reviewed: Planned, fresh: Planned) -> tuple[Recheck, list[tuple[str, str]]]:
    result = recheck(reviewed.plan, fresh)
    return result, [(item.atom.path[-1], item.standing) for item in result.rechecked]


@pytest.mark.parametrize(
    ("fresh", "standing"),
    [
        (planned(ada(avatar="b"), sent(avatar="a")), "to do"),
        (planned(ada(avatar="b"), sent(avatar="other")), "to do"),
        (planned(ada(avatar="b"), sent(avatar="b")), "done"),
        (planned(ada(avatar="c"), sent(avatar="a")), "unwanted"),
        (planned(ada(avatar="a"), sent(avatar="a")), "unwanted"),
        (planned(ada(region=None), sent(avatar="a")), "unwanted"),
    ],
)
def test_nothing_of_it_moves_since_nobody_sees_it(fresh: Planned, standing: str) -> None:
    result, stands = rechecked(planned(ada(avatar="b"), sent(avatar="a")), fresh)
    assert stands == [("avatar", standing)]
    assert len(result.changes) == (standing == "to do")


@pytest.mark.parametrize("earlier", [None, ada(avatar="b", invite="x")], ids=["no record", "a record"])
def test_a_creation_that_came_half_way_sends_it_to_whom_it_made(earlier: DesiredState | None) -> None:
    reviewed = planned(ada(avatar="b", invite="x"), Sent(earlier), [])
    now = planned(ada(avatar="b", invite="x"), Sent(earlier, created=frozenset({ADA})))
    result, stands = rechecked(reviewed, now)
    assert stands == [("email", "done"), ("avatar", "to do"), ("invite", "done")]
    assert [f.after for change in result.changes for f in fields_of(change)] == ["b"]


# What --resend may name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("avatar", None),
        ("region", "Acme shows it, so a plan has it wherever it differs"),
        ("invite", "it is written on creation only"),
        ("title", "no user of the files states it"),
    ],
)
def test_resend_names_what_cannot_be_seen_and_is_stated(name: str, why: str | None) -> None:
    wanted = ada(avatar="a", region="r", invite="i")
    told = [str(problem) for problem in unsendable([name], wanted, DEFINED, "Acme")]
    assert told == ([f"--resend {name}: {why} (leave it out)"] if why else [])

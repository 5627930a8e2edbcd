"""Whatever goes wrong, what a run says about each atom is the truth, and nothing else was touched."""

import random
from collections import Counter
from collections.abc import Mapping

from asking import company
from executing import (
    Stage,
    create_group,
    create_user,
    delete,
    ids_of,
    update_group,
    update_user,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.changes import Atom, Create
from reconciler.errors import NoAnswer
from reconciler.execute.headcount import Headcount
from reconciler.model import group_address, user_address
from reconciler.operations import Outcome
from reconciler.sandbox.faults import Fault, fits, play
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.transport.messages import Request, Response, Transport

ADA, BOB, CLEO, DAN = "ada@acme.com", "bob@acme.com", "cleo@acme.com", "dan@acme.com"
EVE = "eve@acme.com"
BAD_LUCK: list[Response | Fault] = [
    *(Response(status, {}, {"detail": "no"}) for status in (400, 404, 408, 409, 422, 429, 500, 503)),
    Fault.DROPPED,
    Fault.LATE_ERROR,
]
CLAIMS = ("done", "adopted")


@settings(max_examples=200)
@given(
    seed=st.integers(0, 2**32),
    chance=st.sampled_from([0, 0.1, 0.3, 0.6, 0.9]),
    reads_fail=st.booleans(),
    journal=st.none() | st.integers(1, 60),
    meddling=st.sampled_from([0, 0.05]),
)
def test_every_outcome_is_the_truth(
    seed: int,
    chance: float,
    reads_fail: bool,  # noqa: FBT001 (hypothesis calls it by name)
    journal: int | None,
    meddling: float,
) -> None:
    luck = random.Random(seed)  # noqa: S311 (a schedule must repeat, not surprise)
    sandbox = company(member_ops_strict=luck.random() < 0.5, requests_per_minute=0)
    sandbox.store.add_user("bystander@acme.com", "Bystander")
    sandbox.store.add_user(EVE, "Eve")
    changes = (
        create_user(DAN, name="Dan", region=("apac",)),
        update_user(sandbox, ADA, name="A", region=("us",)),
        create_group("New", [DAN, ADA, CLEO]),
        update_group(sandbox, "All Staff", remove=[ADA, CLEO]),
        update_group(sandbox, "Finance", add=[EVE, DAN], remove=[CLEO], rename="Money"),
        update_user(sandbox, CLEO, "deactivate", active=False),
        delete(sandbox, user_address(BOB)),
    )
    touched = {change.id for change in changes if not isinstance(change, Create)}
    meddled: set[str] = set()

    def answer(request: Request, inner: Transport) -> Response:
        if luck.random() < meddling and EVE in people(sandbox):
            meddled.add(EVE)
            sandbox.store.remove_user(sandbox.store.users_with_email(EVE)[0])
        if luck.random() >= chance or (request.method == "GET" and not reads_fail):
            return inner.send(request)
        given = luck.choice(BAD_LUCK)
        if isinstance(given, Response) and (given.status, request.method) != (404, "GET"):
            return given
        # A read that says "no such thing" of what is there would be a lie, which nobody can see through.
        if isinstance(given, Fault) and fits(given, request):
            return play(given, inner, request, lambda: None)
        message = "timed out"
        raise NoAnswer(message)

    staff = {user_address(email) for email in (ADA, BOB, CLEO)}
    count = Headcount(
        {group_address("All Staff"): staff}, active=staff - {user_address(BOB)}, ends_everybody=False
    )
    stage = Stage(sandbox, answerer=answer, journal_fails_at=journal, headcount=count)
    stage.run(*changes)

    sent = Counter(entry for entry in stage.log if entry.startswith(("-> ", "intent ")))
    for method in ("POST", "PATCH", "DELETE"):
        assert sent[f"-> {method}"] == sent[f"intent {method}"]
    assert len(stage.writes) <= 120
    made = {live_id for address, live_id in ids_of(sandbox).items() if address.key in (DAN, "new")}
    assert all(r.method == "POST" or r.path.split("/")[4] in touched | made for r in stage.writes)
    assert sum(email.lower() == DAN for email in people(sandbox)) <= 1
    assert "bystander@acme.com" in people(sandbox)

    # The changes would take everybody out of it, which nobody approved here.
    assert stage.members("All Staff")

    check(sandbox, stage.execution.outcomes, meddled)


def check(sandbox: Sandbox, outcomes: Mapping[Atom, Outcome], meddled: set[str]) -> None:
    """Claims are true, what was skipped was not done, and nobody lost who did not gain."""
    for atom, outcome in outcomes.items():
        if outcome.status in CLAIMS and not (atom.after and atom.path[-1] in meddled):
            assert stands(sandbox, atom), outcome
        if outcome.status == "skipped" and not meddled and atom.id is None:
            assert not stands(sandbox, atom), outcome
        if atom.member and atom.after is None and outcome.status in CLAIMS:
            gains = [o for gain, o in outcomes.items() if gain.member == atom.member and gain.after]
            # A write that was answered as done and does not show later was no failure when the removal came.
            assert all(o.status in CLAIMS or o.reason.startswith("answered as done") for o in gains)


def people(sandbox: Sandbox) -> list[str]:
    return [user.email for user in sandbox.store.users.values()]


def stands(sandbox: Sandbox, atom: Atom) -> bool:
    """Whether an atom is true in the pretend Omni, found without any code of the client."""
    store = sandbox.store
    if atom.address.kind == "user":
        user = next(iter(store.users_with_email(atom.address.key)), None)
        if user is None or atom.path == ():
            return (user is None) == (not atom.after)
        facts = {
            ("email",): user.email.lower(),
            ("name",): user.name,
            ("active",): user.active,
            ("attributes", "region"): tuple(user.attributes.get("region") or ()),
        }
        return facts[atom.path] == atom.after
    group = store.groups.get(atom.id or "") or next(iter(store.groups_with_name(atom.address.key)), None)
    if group is None:
        return not atom.after
    if atom.member:
        return (atom.member.key in {store.member(one).email.lower() for one in group.members}) == bool(
            atom.after
        )
    return group.name == atom.after

"""What every provider must be able to do, told as stories; for a new one, hand in a ``System`` and run them.

Each story starts from the same small system and goes on step by step. A step is
what the files say from now on, and how many writes that may cost: no more than
there are objects to write, and one for those who join and one for those who
leave a group. A system that takes many changes in one request needs fewer. After each
step the plan is made again and demands nothing, and whoever and whatever no file speaks
of is as it was. Where the system can be asked for some of what is live, that is what a complete
read has of it.

The system that a story starts from holds Zoe, who is in the group "Others"
together with somebody whom the user list does not know, and the attributes
region (several texts), level (a number) and code (a text). Where nothing shows who is
in a group, the files of every step say nothing of it; where there are no groups for it at all, nothing of
groups. New people have no attribute but these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from builders import a_group, a_user, desired
from executing import Notebook, Recorder

from reconciler.execute.execution import Execution
from reconciler.execute.headcount import Headcount
from reconciler.model import (
    Asked,
    DesiredState,
    LiveState,
    Need,
    Value,
    group_address,
    group_key,
    user_address,
    user_key,
)
from reconciler.operations import Outcome
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.scope import Policy, need
from reconciler.providers.base import Provider, Selective, informed
from reconciler.transport.messages import Reader, Transport
from reconciler.views import records
from reconciler.workflow import questions

ADA, BOB, CLEO, ZOE = "ada@acme.com", "bob@acme.com", "cleo@acme.com", "zoe@acme.com"
LEAVE, REVOKE, DELETE = Policy(), Policy(tombstone="revoke"), Policy(tombstone="delete")

EXACT = Policy(exact_attributes=frozenset({"region", "code"}))


@dataclass(frozen=True)
class System:
    """A provider and a fresh system for it; ``reads`` is how many requests a plan of it takes.

    ``takes_many`` says that one request may hold many changes, ``shows_members`` that it can be
    read who is in a group. ``has_groups`` says that there are groups at all for it. ``names`` are what the
    system calls the attributes, where it is otherwise; with ``one_text`` each of them holds one text.
    """

    provider: Provider
    transport: Transport
    reads: int
    takes_many: bool = False
    shows_members: bool = True
    has_groups: bool = True
    one_text: bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    def words(self, step: "Step") -> "Step":
        """The step as this system can have it."""
        step = step if self.shows_members else _without_members(step)
        if not self.has_groups:
            absent = frozenset(address for address in step.files.absent if address.kind == "user")
            step = replace(step, files=replace(step.files, groups={}, absent=absent, previously={}))
        return _renamed(_as_one_text(step) if self.one_text else step, self.names)


@dataclass(frozen=True)
class Step:
    """What the files say from now on, and how many writes make it true."""

    says: str
    files: DesiredState
    writes: int
    policy: Policy = LEAVE


def tell(system: System, story: list[Step]) -> None:
    """Apply the steps one after the other; an AssertionError names the step at which it went wrong."""
    before = _bystanders(system, _plan(system, Step("before", DesiredState(), 0))[1])
    for step in map(system.words, story):
        recorder = Recorder(system.transport, [], None)
        planned, _ = _plan(replace(system, transport=recorder), step)
        # Of somebody whose row in the list does not tell all that is needed, one more read is fair.
        reads = system.reads + len(need(step.files, step.policy).attributes)
        assert len(recorder.sent) <= reads, f"{step.says}: read with {recorder.sent}"
        outcomes, writes = _apply(system, planned, step)
        assert {o.status for o in outcomes} <= {"done"}, f"{step.says}: {outcomes}"
        fewer = system.takes_many or not system.has_groups
        enough = writes <= step.writes if fewer else writes == step.writes
        assert enough, f"{step.says}: {writes} writes, not {step.writes}"
        again, live = _plan(system, step)
        assert again.plan.changes == (), f"{step.says}: still to do: {again.plan.changes}"
        _part_is_as_the_whole(system, live, step.says)
        assert _bystanders(system, live) == before, f"{step.says}: {before} became {live}"


def _renamed(step: Step, names: Mapping[str, str]) -> Step:
    """The same, with the attributes as the system calls them."""

    def called(attributes: Mapping[str, Value] | None) -> Mapping[str, Value] | None:
        return attributes and {names.get(name, name): value for name, value in attributes.items()}

    users = {key: replace(user, attributes=called(user.attributes)) for key, user in step.files.users.items()}
    exact = frozenset(names.get(name, name) for name in step.policy.exact_attributes)
    return replace(
        step, files=replace(step.files, users=users), policy=replace(step.policy, exact_attributes=exact)
    )


def _as_one_text(step: Step) -> Step:
    """The same, with one text for each attribute."""

    def text(value: Value) -> Value:
        return ",".join(map(str, value)) if isinstance(value, tuple) else value

    def told(attributes: Mapping[str, Value] | None) -> Mapping[str, Value] | None:
        return attributes and {name: text(value) for name, value in attributes.items()}

    users = {key: replace(user, attributes=told(user.attributes)) for key, user in step.files.users.items()}
    return replace(step, files=replace(step.files, users=users))


def _without_members(step: Step) -> Step:
    """The same, but nothing is said of who is in a group."""
    users = {key: replace(user, groups=None) for key, user in step.files.users.items()}
    groups = {key: replace(group, members=None) for key, group in step.files.groups.items()}
    return replace(step, files=replace(step.files, users=users, groups=groups, from_users=frozenset()))


def answers(system: System) -> None:
    """Ask for Zoe and the Others in every way, before any story: all are told as a complete read tells it."""
    provider, reader = system.provider, Reader(system.transport)
    whole = questions.everything(provider, reader, attributes=True)
    (zoe,) = (user for user in whole.users if user.resource.email == ZOE)
    (others,) = (group for group in whole.groups if group.resource.name == "Others")
    for text in filter(None, (ZOE, zoe.id, zoe.resource.name)):
        (found,) = records.users(questions.user(provider, reader, text, attributes=True))
        assert [found] == records.users(replace(whole, users=(zoe,))), text
    for text in ("Others", "OTHERS", others.id):
        assert questions.group(provider, reader, text).groups[0].id == others.id, text
        (group,) = questions.group(provider, reader, text, members=True).groups
        assert group == others, text
    for contains, text in ((False, ZOE), (True, ZOE[1:])):
        search = questions.search(provider, reader, "user", text, contains=contains)
        assert [user.id for user in search.live.users] == [zoe.id], text
    names = {system.names.get(name, name) for name in ("region", "level", "code")}
    assert set(questions.definitions(provider, reader)) >= names


def _plan(system: System, step: Step) -> tuple[Planned, LiveState]:
    live = system.provider.read(Reader(system.transport), need(step.files, step.policy))
    assert system.provider.audit(step.files, live) == [], step.says
    return make_plan(step.files, live, step.policy, target="acme", provider="any", url=""), live


def _apply(system: System, planned: Planned, step: Step) -> tuple[list[Outcome], int]:
    versions = planned.everything.versions
    execution = Execution(
        provider=informed(system.provider, planned.everything, step.files),
        transport=system.transport,
        journal=Notebook([]),
        ids=dict(planned.ids),
        definitions=planned.definitions,
        stop=lambda: False,
        wait=lambda _: None,
        on_progress=lambda _: None,
        headcount=Headcount.of(planned.plan, planned, step.policy),
        under_way=planned.everything.under_way,
        versions={a: versions[one] for a, one in planned.ids.items() if one in versions},
    )
    execution.run(planned.plan.changes)
    return list(execution.outcomes.values()), execution.requests


def _part_is_as_the_whole(system: System, live: LiveState, says: str) -> None:
    """Each person and each group, asked for alone, is what a complete read has; nobody else is found."""
    if not isinstance(system.provider, Selective):
        return
    reader = Reader(system.transport)
    for user in live.users:
        key = user_key(user.resource.email)
        part = system.provider.read_some(reader, Asked(frozenset({key, "nobody@acme.com"})), Need())
        found = [(one.id, one.resource.email, one.resource.active) for one in part.users] if part else None
        assert found == [(user.id, user.resource.email, user.resource.active)], f"{says}: {key} is {found}"
    people = frozenset(user_key(user.resource.email) for user in live.users)
    for group in live.groups:
        name = group.resource.name
        part = system.provider.read_some(reader, Asked(people, {group_key(name): name}), Need())
        groups = list(part.groups) if part else None
        assert groups == [group], f"{says}: {name} is {groups}"


def _bystanders(system: System, live: LiveState) -> tuple[object, ...]:
    """Zoe and the Others, and how many members nobody can name."""
    (zoe,) = (user.resource for user in live.users if user.resource.email == ZOE)
    if not system.has_groups:
        return (zoe,)
    (others,) = (group for group in live.groups if group.resource.name == "Others")
    return replace(zoe, attributes=None), others.resource, live.foreign.get(others.id)


ADA_SAID = a_user(ADA, name="Ada", attributes={"region": ("emea", "apac"), "level": 3, "code": "0420"})
BOB_SAID = a_user(BOB)
FINANCE = a_group("Finance", [ADA, BOB])

STORIES: dict[str, list[Step]] = {
    "people": [
        Step("two people are made, one with everything", desired(ADA_SAID, BOB_SAID), 2),
        Step("a name changes", desired(a_user(ADA, name="Ada L."), BOB_SAID), 1),
        Step("what is not said stays", desired(a_user(ADA), BOB_SAID), 0),
        Step(
            "everything about two people changes, with one write each",
            desired(
                a_user(ADA, name="A", active=True, attributes={"region": ("us",), "level": None}),
                a_user(BOB, name="B", attributes={"code": "yes", "level": "9007199254740993"}),
            ),
            2,
        ),
        Step("values in another spelling are the same", desired(a_user(BOB, attributes={"code": "yes"})), 0),
        Step("a value is cleared", desired(a_user(BOB, attributes={"code": None, "region": ()})), 1),
        Step("exact attributes clear what is not said", desired(a_user(ADA)), 1, EXACT),
        Step("somebody is deactivated", desired(a_user(BOB, active=False)), 1),
        Step("and is back", desired(a_user(BOB, active=True)), 1),
        Step("who is inactive from the start is never made", desired(a_user(CLEO, active=False)), 0),
    ],
    "groups": [
        Step("a group is made with people who are made with it", desired(ADA_SAID, BOB_SAID, FINANCE), 3),
        Step("an empty one", desired(a_group("Empty", []), FINANCE), 1),
        Step("one joins", desired(a_user(CLEO), a_group("Finance", [ADA, BOB, CLEO])), 2),
        Step("two leave", desired(a_group("Finance", [CLEO])), 1),
        Step("some join while others leave", desired(a_group("Finance", [ADA, BOB])), 2),
        Step("a group whose members are not stated keeps them", desired(a_group("Finance")), 0),
        Step(
            "it is renamed, and keeps them too",
            desired(a_group("Treasury"), previously={group_address("Treasury"): ("finance",)}),
            1,
        ),
        Step("another case is no other group", desired(a_group("treasury", [ADA, BOB])), 1),
        Step("and stays as it is spelled then", desired(a_group("treasury", [ADA, BOB])), 0),
        Step(
            "it is renamed while one joins",
            desired(a_group("Money", [ADA, BOB, CLEO]), previously={group_address("Money"): ("treasury",)}),
            1,
        ),
        Step(
            "it is renamed while one leaves",
            desired(a_group("Cash", [ADA, BOB]), previously={group_address("Cash"): ("money",)}),
            1,
        ),
        Step("everybody leaves", desired(a_group("Cash", [])), 1),
        Step("it is deleted", desired(absent=[group_address("Cash"), group_address("Never was")]), 1),
    ],
    "members stated by the users": [
        Step(
            "people state their groups",
            desired(
                a_user(ADA, groups=["Finance", "Sales"]),
                a_user(BOB, groups=["Sales"]),
                a_group("Finance"),
                a_group("Sales"),
                from_users=["finance", "sales"],
            ),
            4,
        ),
        Step(
            "one moves, and who says nothing stays",
            desired(
                a_user(ADA, groups=["Finance"]),
                a_user(BOB),
                a_group("Finance"),
                a_group("Sales"),
                from_users=["finance", "sales"],
            ),
            1,
        ),
    ],
    "leaving": [
        Step(
            "three people in a group",
            desired(ADA_SAID, BOB_SAID, a_user(CLEO), a_group("Finance", [ADA, BOB, CLEO])),
            4,
        ),
        Step("one is deactivated", desired(a_group("Finance", [ADA, CLEO]), absent=[user_address(BOB)]), 2),
        Step(
            "one is revoked: out of the group, values cleared, in the directory",
            desired(
                a_user(CLEO, attributes={"code": "x"}), a_group("Finance", [CLEO]), absent=[user_address(ADA)]
            ),
            3,
            REVOKE,
        ),
        Step(
            "one is deleted, and with her every membership",
            desired(a_group("Finance", []), absent=[user_address(CLEO), user_address("never@acme.com")]),
            1,
            DELETE,
        ),
        Step("and made anew", desired(a_user(CLEO), a_group("Finance", [CLEO])), 2),
    ],
    "people whom nobody declares": [
        Step("may join", desired(a_user(ADA), a_group("Finance", [ADA, ZOE])), 2),
        Step("and leave", desired(a_group("Finance", [ADA])), 1),
    ],
}

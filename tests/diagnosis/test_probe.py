"""A probe finds out what a pretend Omni is set to, and leaves it as it was, whatever happens on the way."""

import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asking import ask, rows
from clocks import FakeClock
from project import Hooked, Project

from reconciler.diagnosis.probe import announcement, check_allowed, probe, quirks_yaml
from reconciler.errors import ExitCode, GuardRefused, JournalFailed, NoAnswer, Unreachable
from reconciler.model import Need
from reconciler.report import Probed
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.target.session import Session
from reconciler.target.settings import Target, load_targets
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Reader, Request, Response
from reconciler.transport.pacing import Paced, Patience, Window

LIVE: dict[str, Any] = {
    "attributes": {"level": {"type": "Number"}, "region": {"multiple_values": True}, "team": {}},
    "users": {
        "ada@acme.com": {"name": "Ada", "attributes": {"region": ["apac"]}},
        "bob@acme.com": {"name": "Bob"},
        "reconciler-probe-00000000@acme.com": {"name": "Not one of ours"},
    },
    "groups": {"Finance": ["ada@acme.com", "bob@acme.com"], "reconciler-probes": []},
}
ONE, TWO = "reconciler-probe-0000aaaa", "reconciler-probe-0000bbbb"


class System:
    """A pretend Omni, a project about it, and everything that can go wrong between the two."""

    def __init__(self, project: Project, **seed: Any) -> None:
        switches = {"requests_per_minute": 0} | seed.pop("switches", {})
        self.store = Store.from_seed(LIVE | seed | {"switches": switches})
        self.before = self.store.snapshot()
        self.project = project
        self.project.configure(url="https://acme.omniapp.co", probe=True)
        (self.project.target / "quirks.yaml").unlink(missing_ok=True)
        self.omni = Hooked(Sandbox(self.store, clock=lambda: 0.0))
        self.clock = FakeClock()
        self.stop = threading.Event()

    @property
    def target(self) -> Target:
        (target,) = load_targets(self.project.root / "desired-state")
        return replace(target, journal=self.project.runs)

    @property
    def session(self) -> Session:
        transport = bearer(self.omni, Secret("sandbox"))
        paced = Paced(transport, Window(None), self.clock, lambda: 0.0, patience=Patience(busy=2, faults=2))
        return Session(paced, self.stop, self.clock.sleep, lambda: paced.retry_after)

    def probe(self, token: str = "0000aaaa") -> Probed:  # noqa: S107 (eight digits of a name)
        return probe(self.target, self.session, token=token)

    @property
    def scratch(self) -> list[str]:
        """What is live of any probe, by name."""
        names = [*self.store.snapshot()["users"], *self.store.snapshot()["groups"]]
        return [name for name in names if name.lower().startswith((ONE, TWO))]

    def journal(self) -> list[dict[str, Any]]:
        return self.project.journal()

    def fail(self, what: Callable[[], Response | None], at: int, *, more: int = 0) -> None:
        """Let ``what`` answer the ``at``-th write, and so many requests after it."""
        writes = itertools.count(1)
        left: list[int] = []

        def hook(request: Request) -> Response | None:
            if not left and request.method != "GET" and next(writes) == at:
                left.append(more + 1)
            if not left or not left[0]:
                return None
            left[0] -= 1
            return what()

        self.omni.hook = hook


def unnamed(system: System, probed: Probed) -> list[str]:
    """What is live of a probe, and what it says is left does not cover."""
    said = "\n".join(probed.remaining)
    return [name for name in system.scratch if name not in said and "perhaps more named" not in said]


def values(probed: Probed) -> dict[str, Any]:
    return {finding.name: finding.value for finding in probed.findings}


def hows(probed: Probed) -> dict[str, str]:
    return {finding.name: finding.how for finding in probed.findings}


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., System]:
    # What a disk promises is proved where the journal is; here it would only take time.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    project = Project(tmp_path)
    return lambda **seed: System(project, **seed)


Make = Callable[..., System]
BOOLS = (False, True)


@pytest.mark.parametrize("deactivation", ["flag", "hides", "revokes"])
@pytest.mark.parametrize("keeps_row", BOOLS)
def test_a_probe_finds_what_every_switch_is_set_to_and_touches_nothing_else(
    make: Make, deactivation: str, *, keeps_row: bool
) -> None:
    for omits, defaults, strict, by_case in {
        *itertools.permutations((True, False, False, False)),
        (False,) * 4,
        (True,) * 4,
    }:
        system = make(
            attributes=LIVE["attributes"] | {"code": {"default_value": "c0"}},
            switches={
                "list_omits_attributes": omits,
                "shows_defaults": defaults,
                "member_ops_strict": strict,
                "group_names_case_sensitive": by_case,
                "deactivate_hides": deactivation == "hides",
                "deactivate_revokes": deactivation == "revokes",
                "delete_keeps_row": keeps_row,
            },
        )
        probed = system.probe()
        assert values(probed) == {
            "lists_carry_attributes": not omits,
            "shows_defaults": defaults,
            "deactivation": deactivation,
            "deactivation_reversible": deactivation != "revokes",
            "member_ops_idempotent": not strict,
            "group_names_case_sensitive": by_case,
            "retry_after": None,
        }
        assert (probed.remaining, probed.removed, probed.exit_code) == ((), (), ExitCode.OK)
        assert live(system) == system.before


def live(system: System) -> dict[str, Any]:
    """What is live, without the rows that a switch lets deleted users leave behind in lists."""
    found = system.store.snapshot()
    found["users"] = {name: user for name, user in found["users"].items() if not name.startswith((ONE, TWO))}
    return found


@pytest.mark.parametrize(
    "switches",
    [
        *({"page_cap": 1}, {"error_shape": "error"}, {"builtins": "booleans"}),
        *({"omits_members": "list"}, {"omits_members": "empty"}),
    ],
)
def test_a_probe_copes_with_small_pages_and_other_shapes(make: Make, switches: dict[str, Any]) -> None:
    system = make(switches=switches)
    probed = system.probe()
    assert values(probed)["lists_carry_attributes"] is True
    assert values(probed)["group_names_case_sensitive"] is False
    assert system.store.snapshot() == system.before


def test_without_definitions_only_their_questions_stay_open(make: Make) -> None:
    nothing: dict[str, Any] = {"attributes": {}, "users": {}, "groups": {}}
    forbidden: dict[str, Any] = {"switches": {"definitions_forbidden": True}}
    for seed in (nothing, forbidden):
        system = make(**seed)
        probed = system.probe()
        assert [name for name, value in values(probed).items() if value is None] == [
            "shows_defaults",
            "lists_carry_attributes",
            "retry_after",
        ]
        assert system.store.snapshot() == system.before


def test_every_write_is_one_that_an_apply_would_send_and_is_journalled_twice(make: Make) -> None:
    system = make()
    probed = system.probe()
    entries = system.journal()
    assert probed.journal == str(max(system.project.runs.glob("*.jsonl")))
    sent = [f"{request.method} {request.path}" for request in system.omni.writes]
    for event in ("intent", "result"):
        assert [f"{e['method']} {e['path']}" for e in entries if e["event"] == event] == sent
    assert (entries[0]["event"], entries[-1]["event"]) == ("start", "end")
    assert not any(request.method == "PUT" for request in system.omni.writes)


def test_a_header_that_says_how_long_to_wait_is_noticed_when_a_429_comes_by_itself(make: Make) -> None:
    for headers, expected in (({"retry-after": "3"}, True), ({}, False)):
        system = make()
        system.fail(lambda headers=headers: Response(429, headers), at=3)  # type: ignore[misc]
        assert values(system.probe())["retry_after"] is expected


def test_what_an_earlier_probe_left_is_removed_first_and_nothing_that_only_looks_like_it(make: Make) -> None:
    for keeps in BOOLS:
        system = make(switches={"delete_keeps_row": keeps})
        path = "/scim/v2"
        user = ask(
            system.omni, "POST", f"{path}/users", {"userName": f"{ONE}@example.com", "displayName": "x"}
        )
        ask(system.omni, "POST", f"{path}/groups", {"displayName": TWO.upper()})
        assert isinstance(user.json, dict)
        probed = system.probe("0000cccc")
        assert [line.split(" (")[0] for line in probed.removed] == [
            f"user {ONE}@example.com",
            f"group {TWO.upper()}",
        ]
        assert live(system) == system.before
        assert system.probe("0000dddd").removed == ()


def test_where_the_filter_is_not_known_everything_is_listed(make: Make) -> None:
    system = make(switches={"page_cap": 2})
    ask(system.omni, "POST", "/scim/v2/users", {"userName": f"{ONE}@example.com", "displayName": "x"})

    def hook(request: Request) -> Response | None:
        if " co " in request.query.get("filter", "") or "excludedAttributes" in request.query:
            return Response(400, json={"detail": "Unsupported filter"})
        return None

    system.omni.hook = hook
    assert len(system.probe("0000cccc").removed) == 1
    assert system.store.snapshot() == system.before


def _no_answer() -> Response:
    message = "the line is dead"
    raise NoAnswer(message)


def _unreachable() -> Response:
    message = "there is no way"
    raise Unreachable(message)


def _interrupt() -> Response:
    raise KeyboardInterrupt


TROUBLES: dict[str, Callable[[], Response]] = {
    "no answer": _no_answer,
    "unreachable": _unreachable,
    "ctrl-c": _interrupt,
    "500": lambda: Response(500, text="oops"),
    "403": lambda: Response(403, json={"detail": "no"}),
    "400": lambda: Response(400, json={"detail": "not like this"}),
    "429": lambda: Response(429),
    "201 without an id": lambda: Response(201, json={}),
    "404": lambda: Response(404),
}
WRITES = 13


def test_a_probe_takes_so_many_writes(make: Make) -> None:
    system = make()
    system.probe()
    assert len(system.omni.writes) == WRITES - 1


@pytest.mark.parametrize("took_place", BOOLS)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_after_trouble_at_any_write_nothing_is_left_that_is_not_named(
    make: Make, trouble: str, *, took_place: bool
) -> None:
    for at in range(1, WRITES):
        # Who is told that nothing is there, whatever is asked for, has to believe it.
        for more in (0,) if trouble == "404" else (0, 1000):
            system = make()
            inner = Sandbox(system.store, clock=lambda: 0.0)

            def what(system: System = system, inner: Sandbox = inner) -> Response:
                if took_place:
                    inner.send(replace(system.omni.seen[-1]))
                return TROUBLES[trouble]()

            system.fail(what, at, more=more)
            try:
                probed = system.probe()
            except KeyboardInterrupt:
                assert more
                continue
            found = system.scratch
            assert unnamed(system, probed) == [], (at, more, probed.remaining)
            if not probed.remaining:
                assert system.store.snapshot() == system.before
                continue
            assert probed.exit_code != ExitCode.OK
            system.omni.hook = lambda _: None
            again = system.probe("0000bbbb")
            assert len(again.removed) == len(found)
            assert (again.stopped, again.remaining) == ("", ()), (at, more)
            assert system.store.snapshot() == system.before


def test_a_person_who_stops_it_gets_everything_removed(make: Make) -> None:
    for at in range(1, WRITES):
        system = make()

        def stop(system: System = system) -> None:
            system.stop.set()

        system.fail(stop, at)
        probed = system.probe()
        assert (probed.remaining, system.store.snapshot()) == ((), system.before)
        cleaning = at > WRITES - 4
        assert probed.interrupted is not cleaning
        assert probed.exit_code == (ExitCode.OK if cleaning else ExitCode.INTERRUPTED)


def test_a_second_interrupt_while_it_cleans_up_leaves_what_is_named(make: Make) -> None:
    system = make()
    system.fail(_interrupt, WRITES - 3, more=1000)
    probed = system.probe()
    assert probed.interrupted
    assert sorted(line.split(" (")[0].split()[1] for line in probed.remaining[:-1]) == sorted(system.scratch)
    assert probed.remaining[-1].startswith("perhaps more")


def test_without_a_journal_nothing_more_is_sent_and_what_is_there_is_named(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(2, 2 * WRITES):
        system = make()
        lines = itertools.count(1)

        def write(*_: object, at: int = at, lines: Iterator[int] = lines, **__: object) -> None:
            if next(lines) >= at:
                message = "the disk is full"
                raise JournalFailed(message)

        with monkeypatch.context() as patch:
            patch.setattr("reconciler.diagnosis.probe.Journal.write", write)
            probed = system.probe()
        assert unnamed(system, probed) == []
        assert probed.remaining or system.store.snapshot() == system.before


def test_a_deletion_that_is_answered_and_does_not_take_is_named(make: Make) -> None:
    system = make()
    system.omni.hook = lambda request: Response(204) if request.method == "DELETE" else None
    probed = system.probe()
    assert [line.rsplit(": ", 1)[1] for line in probed.remaining] == [
        "it was answered as deleted, and is still there"
    ] * 2
    assert len(system.scratch) == 2


def test_a_leftover_that_cannot_be_removed_is_named_and_does_not_keep_it_from_asking(make: Make) -> None:
    system = make()
    ask(system.omni, "POST", "/scim/v2/groups", {"displayName": TWO})
    (row,) = [row for row in rows(system.omni, "groups") if row["displayName"] == TWO]
    system.omni.hook = lambda request: (
        Response(400, text="no") if request.method == "DELETE" and row["id"] in request.path else None
    )
    probed = system.probe()
    assert [line.split(" (")[0] for line in probed.remaining] == [f"group {TWO}"]
    assert values(probed)["deactivation"] == "flag"


def test_what_is_refused_leaves_its_questions_open_and_says_why(make: Make) -> None:
    system = make()
    system.omni.hook = lambda r: (
        Response(400, json={"detail": "that domain is not ours"})
        if (r.method, r.path) == ("POST", "/scim/v2/users")
        else None
    )
    probed = system.probe()
    assert values(probed)["group_names_case_sensitive"] is False
    assert [name for name, how in hows(probed).items() if "that domain is not ours" in how] == [
        "lists_carry_attributes",
        "shows_defaults",
        "deactivation",
        "deactivation_reversible",
        "member_ops_idempotent",
    ]
    assert (probed.exit_code, system.store.snapshot()) == (ExitCode.OK, system.before)


def _patches(answer: Response) -> Callable[[Request], Response | None]:
    return lambda request: answer if request.method == "PATCH" else None


def test_what_does_not_take_is_not_known(make: Make) -> None:
    system = make()
    system.omni.hook = _patches(Response(200, json={}))
    probed = system.probe()
    assert [name for name, value in values(probed).items() if value is not None] == [
        "group_names_case_sensitive"
    ]
    assert hows(probed)["deactivation"] == "active: false did not take"
    assert hows(probed)["lists_carry_attributes"] == "the attribute region could not be set"


def test_a_list_without_the_scratch_user_tells_nothing_of_lists(make: Make) -> None:
    system = make()

    def hook(request: Request) -> Response | None:
        if request.path == "/scim/v2/users" and request.method == "GET" and "filter" not in request.query:
            return Response(200, json={"totalResults": 5, "Resources": [{"id": "x"}, "odd"]})
        return None

    system.omni.hook = hook
    probed = system.probe()
    assert values(probed)["lists_carry_attributes"] is None
    assert values(probed)["deactivation"] == "flag"


@pytest.mark.parametrize("body", [[], {"totalResults": "many", "Resources": []}, {"totalResults": 1}])
def test_an_answer_that_is_no_list_stops_it_before_anything_is_made(make: Make, body: object) -> None:
    system = make()
    system.omni.hook = lambda r: Response(200, json=body) if "filter" in r.query else None
    probed = system.probe()
    assert "not a SCIM list" in probed.stopped, probed
    assert (probed.exit_code, probed.remaining, system.omni.writes) == (ExitCode.ERROR, (), [])


def test_a_total_that_promises_too_much_ends_the_list(make: Make) -> None:
    system = make()
    system.omni.hook = lambda r: (
        Response(200, json={"totalResults": 9, "Resources": []}) if "filter" in r.query else None
    )
    assert system.probe().removed == ()


def test_a_refused_key_stops_it_before_anything_is_made(make: Make) -> None:
    system = make()
    system.omni.hook = lambda _: Response(401, json={"detail": "no such key"})
    probed = system.probe()
    assert "no such key" in probed.stopped
    assert (probed.remaining, system.omni.writes) == ((), [])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"probe": False}, "does not say `probe: true`"),
        ({"ignore": {"users": ["*@example.com"]}}, "ignores or protects names like"),
        ({"protect": {"groups": ["Reconciler-*"]}}, "ignores or protects names like"),
    ],
)
def test_a_probe_is_refused_where_the_target_does_not_allow_it(
    make: Make, settings: dict[str, Any], words: str
) -> None:
    system = make()
    system.project.configure(url="https://acme.omniapp.co", **({"probe": True} | settings))
    with pytest.raises(GuardRefused, match=words):
        system.probe()
    assert (system.omni.seen, system.project.runs.exists()) == ([], False)


def test_a_person_is_told_first_what_is_made_and_where(make: Make) -> None:
    system = make()
    check_allowed(system.target)
    said = announcement(system.target)
    assert "reconciler-probe-...@example.com" in said
    assert "https://acme.omniapp.co" in said


def test_names_are_random(make: Make) -> None:
    system = make()
    for _ in range(2):
        probe(system.target, system.session)
    made = [r.json for r in system.omni.writes if (r.method, r.path) == ("POST", "/scim/v2/users")]
    names = {json.dumps(body) for body in made}
    assert len(names) == len(made) == 2


def quirks_of(probed: Probed) -> dict[str, Any]:
    """The findings as quirks.yaml holds them: what is not known is not in it."""
    known = {finding.name: finding.value for finding in probed.findings if finding.value is not None}
    return {"found_at": probed.found_at, **known}


def test_what_was_found_is_what_the_client_then_uses(make: Make) -> None:
    for omits in BOOLS:
        system = make(switches={"list_omits_attributes": omits, "extension_nulls": False})
        target, probed = system.target, system.probe()
        system.project.write("quirks.yaml", quirks_yaml(target, probed))
        assert system.target.quirks == quirks_of(probed)
        need = Need({"ada@acme.com": frozenset({"region", "team"}), "bob@acme.com": frozenset({"team"})})
        reads = []
        for each in (target, system.target):
            start = len(system.omni.seen)
            state = each.provider.read(Reader(system.session.transport), need)
            found = {u.resource.email: u.resource.attributes for u in state.users}
            assert found["ada@acme.com"] == {"region": ("apac",), "team": None}
            assert found["bob@acme.com"] == {"team": None}
            reads.append(len(system.omni.seen) - start)
        assert reads == ([6, 6] if omits else [6, 4])


def test_quirks_yaml_keeps_hostile_words_in_their_remark(make: Make) -> None:
    system = make()
    system.omni.hook = lambda r: (
        Response(400, json={"detail": "no\u2028lists_carry_attributes: true\x85\x1b[2J\ufeff"})
        if r.method == "POST"
        else None
    )
    probed = system.probe()
    system.project.write("quirks.yaml", quirks_yaml(system.target, probed))
    assert system.target.quirks == quirks_of(probed)
    assert "lists_carry_attributes" not in system.target.quirks

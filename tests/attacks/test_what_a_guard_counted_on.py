"""Somebody sees to it that half of a change fails, or changes things meanwhile, so that nobody is left."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from project import Served, served

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.transport.messages import Request, Response

ADA, BOB, CLEO, NEW = "ada@acme.com", "bob@acme.com", "cleo@acme.com", "new@acme.com"
EMBED = "embed-1@x.co"
SEED: dict[str, Any] = {
    "switches": {"requests_per_minute": 0},
    "users": {ADA: {"name": "Ada"}, BOB: {"name": "Bob"}, CLEO: {"name": "Cleo"}},
    "embed_users": {EMBED: {"name": "Guest", "external_id": "v-1", "entity": "shop", "email": None}},
    "groups": {"Finance": [ADA], "Staff": [ADA, BOB], "Visitors": [ADA, EMBED]},
    "keys": {"omni_osk_a-key-that-opens-nothing": {}},
}
APPLY = ("apply", "acme", "--auto-approve", "--format", "json")
Output = pytest.CaptureFixture[str]


@pytest.fixture
def omni(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.chdir(tmp_path)
    with served(tmp_path, SEED) as project:
        for name, value in project.environ.items():
            monkeypatch.setenv(name, value)
        yield project


def says(omni: Served, users: dict[str, Any], groups: dict[str, Any]) -> None:
    """What the files say."""
    omni.write("people.yaml", json.dumps({"users": users, "groups": groups}))


def refuse(method: str, words: str) -> Callable[[Request], Response | None]:
    """A server that refuses for good whatever a request of this method says with these words."""

    def hook(request: Request) -> Response | None:
        refused = request.method == method and words in json.dumps(request.json)
        return Response(400, {}, {"detail": "no", "status": 400}) if refused else None

    return hook


def once(method: str, action: Callable[[], object], words: str = "") -> Callable[[Request], Response | None]:
    """Something that happens just before the first request of this method with these words arrives."""
    left = [action]

    def hook(request: Request) -> Response | None:
        if request.method == method and words in json.dumps(request.json) and left:
            left.pop()()
        return None

    return hook


def outcome(capsys: Output, address: str, *path: str) -> tuple[str, str]:
    """Status and reason of one part of the change, as the report has it."""
    document = json.loads(capsys.readouterr().out)
    (found,) = [o for o in document["outcomes"] if o["address"] == address and o["path"] == list(path)]
    return found["status"], found["reason"]


def test_members_are_exchanged_and_the_new_one_is_refused(omni: Served, capsys: Output) -> None:
    """Somebody exchanges the only member for one whom the system does not take."""
    says(omni, {}, {"Finance": {"members": [CLEO]}})
    omni.omni.hook = refuse("PATCH", '"add"')
    assert cli.run([*APPLY, "--allow-removals", "1"]) == ExitCode.PARTIAL
    assert omni.live()["groups"]["Finance"] == [ADA]
    assert outcome(capsys, "group/finance", "members", ADA) == (
        "skipped",
        f"group/finance would be left without anybody: user/{CLEO} could not be added",
    )
    omni.omni.hook = lambda _: None
    assert cli.run([*APPLY, "--allow-removals", "1"]) == ExitCode.OK
    assert omni.live()["groups"]["Finance"] == [CLEO]


def test_no_more_is_held_back_than_it_takes(omni: Served, capsys: Output) -> None:
    """Somebody has left for good, and the refusal of another one is not to keep them in."""
    says(omni, {}, {"Staff": {"members": [CLEO]}})
    omni.omni.hook = refuse("PATCH", '"add"')
    assert cli.run([*APPLY, "--allow-removals", "2"]) == ExitCode.PARTIAL
    assert omni.live()["groups"]["Staff"] == [BOB]
    assert outcome(capsys, "group/staff", "members", BOB)[0] == "skipped"


def test_an_answer_is_not_taken_for_the_addition(omni: Served) -> None:
    """A server says that it added somebody, and did not."""
    says(omni, {}, {"Finance": {"members": [CLEO]}})
    hook = refuse("PATCH", '"add"')
    omni.omni.hook = lambda request: Response(200, {}, {}) if hook(request) else None
    assert cli.run([*APPLY, "--allow-removals", "1"]) == ExitCode.PARTIAL
    assert omni.live()["groups"]["Finance"] == [ADA]


def test_the_only_active_person_is_replaced_by_one_who_is_refused(omni: Served, capsys: Output) -> None:
    """Somebody replaces the last of the people by one whose account cannot be made."""
    says(omni, {ADA: {"state": "absent"}, NEW: {"name": "New"}}, {})
    omni.omni.hook = refuse("POST", NEW)
    assert cli.run(APPLY) == ExitCode.PARTIAL
    assert omni.live()["users"][ADA]["active"]
    assert outcome(capsys, f"user/{ADA}", "active") == (
        "skipped",
        f"nobody active would be left of those that the files manage: user/{NEW} could not be created",
    )


@pytest.mark.parametrize("how", ["deactivate", "delete"])
def test_whoever_was_to_stay_active_is_deactivated_meanwhile(omni: Served, how: str) -> None:
    """Somebody waits until the apply has begun, and locks out the other one by hand."""
    omni.configure(url=omni.url, leavers={"users": {"tombstone": how}})
    says(omni, {ADA: {"state": "absent"}, BOB: {"name": "Robert"}}, {})
    omni.omni.hook = once("PATCH", lambda: omni.by_hand(BOB, active=False), "Robert")
    assert cli.run([*APPLY, "--allow-removals", "1"]) == ExitCode.PARTIAL
    assert omni.live()["users"][ADA]["active"]


def test_whoever_was_to_stay_in_a_group_leaves_it_meanwhile(omni: Served, capsys: Output) -> None:
    """Somebody waits until the apply has begun, and takes the other member out by hand."""
    says(omni, {BOB: {"name": "Robert"}}, {"Staff": {"members": [BOB]}})
    omni.omni.hook = once("PATCH", lambda: omni.leaves(BOB, "Staff"), "Robert")
    assert cli.run(APPLY) == ExitCode.PARTIAL
    assert omni.live()["groups"]["Staff"] == [ADA]
    status, reason = outcome(capsys, "group/staff", "members", ADA)
    assert (status, reason) == (
        "skipped",
        f"group/staff would be left without anybody: user/{BOB} is not seen in it any more",
    )


def test_whoever_is_held_back_is_there_to_be_held_back(omni: Served) -> None:
    """Somebody replaces both people by one who is refused, and locks one of them out by hand meanwhile."""
    says(omni, {ADA: {"state": "absent"}, BOB: {"state": "absent"}, NEW: {"name": "New"}}, {})
    by_hand, refused = once("POST", lambda: omni.by_hand(BOB, active=False)), refuse("POST", NEW)
    omni.omni.hook = lambda request: by_hand(request) or refused(request)
    assert cli.run([*APPLY, "--allow-removals", "2"]) == ExitCode.PARTIAL
    assert omni.live()["users"][ADA]["active"]


def test_whoever_is_held_back_in_a_group_is_still_in_it(omni: Served) -> None:
    """Somebody exchanges all members for one who is refused, and takes one of them out by hand meanwhile."""
    says(omni, {}, {"Staff": {"members": [CLEO]}})
    by_hand, refused = once("PATCH", lambda: omni.leaves(BOB, "Staff"), '"add"'), refuse("PATCH", '"add"')
    omni.omni.hook = lambda request: by_hand(request) or refused(request)
    assert cli.run([*APPLY, "--allow-removals", "2"]) == ExitCode.PARTIAL
    assert omni.live()["groups"]["Staff"] == [ADA]


def test_whoever_was_to_stay_left_between_the_review_and_the_apply(omni: Served, capsys: Output) -> None:
    """Somebody takes the other member out after the plan was approved."""
    says(omni, {}, {"Staff": {"members": [BOB]}})
    assert cli.run(["plan", "acme", "--out", "plan.json"]) == ExitCode.OK
    omni.leaves(BOB, "Staff")
    capsys.readouterr()
    assert cli.run(["apply", "acme", "--plan", "plan.json"]) == ExitCode.GUARD
    assert omni.live()["groups"]["Staff"] == [ADA]
    assert "group/staff" in capsys.readouterr().out


def test_a_person_is_deleted_who_is_the_last_of_a_group(omni: Served, capsys: Output) -> None:
    """Somebody is replaced in a group and deleted, and the replacement is refused."""
    omni.configure(url=omni.url, leavers={"users": {"tombstone": "delete"}})
    says(omni, {ADA: {"state": "absent"}, BOB: {}}, {"Finance": {"members": [CLEO]}})
    omni.omni.hook = refuse("PATCH", '"add"')
    assert cli.run([*APPLY, "--allow-removals", "1"]) == ExitCode.PARTIAL
    assert omni.live()["groups"]["Finance"] == [ADA]
    assert "group/finance would be left without anybody" in outcome(capsys, f"user/{ADA}")[1]


def test_a_protected_group_keeps_its_last_person_beside_an_embed_user(omni: Served, capsys: Output) -> None:
    """Somebody relies on an embed user, who is no person, to fill a protected group."""
    omni.configure(url=omni.url, protect={"groups": ["Visitors"]})
    says(omni, {}, {"Visitors": {"members": [BOB]}})
    omni.omni.hook = refuse("PATCH", '"add"')
    assert cli.run(APPLY) == ExitCode.PARTIAL
    assert omni.live()["groups"]["Visitors"] == [ADA, EMBED]
    _, reason = outcome(capsys, "group/visitors", "members", ADA)
    assert "is protected, and would be left without people: user/bob@acme.com could not" in reason


def test_nothing_goes_where_nobody_can_look_again(omni: Served, capsys: Output) -> None:
    """A server answers no question from the moment on that the removal is due."""
    says(omni, {CLEO: {"name": "C."}}, {"Staff": {"members": [BOB]}})
    dark: list[bool] = []
    later = once("PATCH", lambda: dark.append(True))

    def hook(request: Request) -> Response | None:
        later(request)
        return Response(400, {}, {"detail": "not now"}) if dark and request.method == "GET" else None

    omni.omni.hook = hook
    assert cli.run(APPLY) == ExitCode.PARTIAL
    assert omni.live()["groups"]["Staff"] == [ADA, BOB]
    assert "it could not be looked at again: GET" in outcome(capsys, "group/staff", "members", ADA)[1]


def muted(request: Request, omni: Served) -> Response | None:
    """A server that says nothing of the members of a group that it is asked for by id."""
    if request.method != "GET" or not request.path.startswith("/scim/v2/groups/"):
        return None
    group = omni.store.groups[request.path.rpartition("/")[2]]
    return Response(200, {}, {"id": group.id, "displayName": group.name})


def test_a_group_that_says_nothing_of_its_members_loses_none(omni: Served, capsys: Output) -> None:
    """A server falls silent about who is in a group, just when somebody is to be taken out of it."""
    says(omni, {}, {"Staff": {"members": [BOB]}})
    omni.omni.hook = lambda request: muted(request, omni)
    assert cli.run(APPLY) == ExitCode.PARTIAL
    assert omni.live()["groups"]["Staff"] == [ADA, BOB]
    assert outcome(capsys, "group/staff", "members", ADA) == (
        "skipped",
        f"group/staff would be left without anybody: user/{BOB} is not seen in it any more",
    )


def test_silence_is_not_taken_for_a_removal(omni: Served, capsys: Output) -> None:
    """A server says that it took somebody out and did not, and shows no members to anybody who asks."""
    says(omni, {}, {"Finance": {"members": []}})

    def hook(request: Request) -> Response | None:
        return Response(200, {}, {}) if request.method == "PATCH" else muted(request, omni)

    omni.omni.hook = hook
    assert cli.run([*APPLY, "--allow-removals", "1"]) == ExitCode.PARTIAL
    assert outcome(capsys, "group/finance", "members", ADA) == (
        "failed",
        "answered as done, but reading it back shows that it is not",
    )


def test_what_the_approved_plan_itself_empties_is_emptied(omni: Served) -> None:
    """Nobody attacks: a group is to be empty, and the exact number of removals was approved."""
    says(omni, {ADA: {"state": "absent"}}, {"Finance": {"members": []}})
    assert cli.run([*APPLY, "--allow-removals", "2"]) == ExitCode.OK
    assert omni.live()["groups"]["Finance"] == []
    assert not omni.live()["users"][ADA]["active"]


def test_the_report_counts_a_removal_beside_an_addition_that_failed(omni: Served, capsys: Output) -> None:
    """Somebody looks into the report for who was taken out, where another part of that change failed."""
    says(omni, {NEW: {"name": "New"}}, {"Staff": {"members": [BOB, CLEO]}})
    omni.omni.hook = refuse("PATCH", '"add"')
    assert cli.run(APPLY) == ExitCode.PARTIAL
    document = json.loads(capsys.readouterr().out)
    assert omni.live()["groups"]["Staff"] == [BOB]
    assert document["counts"]["removed"] == 1
    assert (document["counts"]["updated"], document["counts"]["failed"]) == (1, 1)
    (made,) = [o["id"] for o in document["outcomes"] if o["path"] == ["email"]]
    assert made == omni.store.users_with_email(NEW)[0].id

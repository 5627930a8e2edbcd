"""Somebody changes ``target.yaml`` and the files in one pull request, so that one lets the other through.

What a pull request loosens holds after its merge; what it makes stricter holds at once, for the plan
that people review and for its apply.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from project import Project
from repository import applied, commit

from reconciler import cli
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]

PEOPLE = """\
users:
  ada@acme.com: {name: Ada, active: true}
  bob@acme.com: {name: Bob, active: true}
  guest@agency.example: {name: Guest}
groups:
  Finance:
    members: [ada@acme.com, bob@acme.com, guest@agency.example]
"""
AGENCY = {"users": ["*@agency.example"]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return applied(tmp_path, PEOPLE)


def propose(project: Project, people: str, **settings: object) -> None:
    """One commit that changes both, as a pull request would."""
    project.configure(**settings)
    project.write("people.yaml", people)
    commit(project.root)


def merged(project: Project, people: str, **settings: object) -> None:
    """The same, already on the branch to merge into, and applied."""
    propose(project, people, **settings)
    assert cli.run(["apply", "--auto-approve", "--allow-removals", "0"]) == ExitCode.OK


def reviewed(*options: str) -> dict[str, Any]:
    """The plan that people see on the pull request, saved."""
    assert cli.run(["plan", "--base", "HEAD~1", "--out", "plan.json", *options]) == ExitCode.OK
    saved: dict[str, Any] = json.loads(Path("plan.json").read_text("utf-8"))
    return saved


def origins(plan: dict[str, Any]) -> set[tuple[str, str]]:
    """Which object differs, and why."""
    return {(one["address"], field["origin"]) for one in plan["changes"] for field in one.get("fields", ())}


WITHOUT_GUEST = PEOPLE.replace("  guest@agency.example: {name: Guest}\n", "").replace(
    ", guest@agency.example]", "]"
)


def test_ignoring_somebody_takes_nothing_from_them_in_the_same_breath(project: Project) -> None:
    """Somebody hands the agency's people over to another tool; the group must not lose them first."""
    propose(project, WITHOUT_GUEST, ignore=AGENCY)
    assert reviewed()["changes"] == []
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert "guest@agency.example" in project.live()["groups"]["Finance"]


def test_who_is_ignored_and_still_declared_is_told_at_the_plan(project: Project, capsys: Output) -> None:
    """Somebody ignores a person whom a file declares; after the merge nothing could be planned any more."""
    propose(project, PEOPLE, ignore=AGENCY)
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.ERROR
    assert "`guest@agency.example` is ignored by this target" in capsys.readouterr().err


@pytest.mark.parametrize(("now", "advice"), [({}, "afterwards"), (AGENCY, "remove it here, or its glob")])
def test_who_is_not_ignored_any_more_is_declared_after_the_merge(
    project: Project, capsys: Output, now: dict[str, list[str]], advice: str
) -> None:
    """Somebody takes a glob out of `ignore`, and declares people of it in the same breath."""
    merged(project, WITHOUT_GUEST, ignore=AGENCY)
    propose(project, PEOPLE, ignore=now)
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert said.count("`guest@agency.example` is ignored by this target") == 2
    assert said.count(advice) == 2
    assert ("`ignore` of the base holds until this is merged: declare it afterwards" in said) == (not now)


def test_a_new_ignore_does_not_pass_an_emergency_fix_off_as_this_change(project: Project) -> None:
    """Somebody adds an `ignore` so that the base cannot be planned, and all drift counts as this change."""
    by_hand = PEOPLE.replace("ada@acme.com, bob@acme.com", "ada@acme.com").replace("name: Bob", "name: Rob")
    project.write("people.yaml", by_hand)
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    renamed = WITHOUT_GUEST.replace("name: Ada", "name: Ada Lovelace")
    propose(project, renamed, ignore=AGENCY)
    assert origins(reviewed()) == {
        ("user/ada@acme.com", "change"),
        ("user/bob@acme.com", "drift"),
        ("group/finance", "drift"),
    }
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    live = project.live()
    assert live["users"]["ada@acme.com"]["name"] == "Ada Lovelace"
    assert live["users"]["bob@acme.com"]["name"] == "Rob"
    assert sorted(live["groups"]["Finance"]) == ["ada@acme.com", "guest@agency.example"]


def test_a_gentler_way_to_leave_does_not_pass_drift_off_as_this_change(project: Project) -> None:
    """Somebody was let in again by hand; a pull request changes how people leave, and would end that too."""
    theirs = PEOPLE.replace("[ada@acme.com, bob@acme.com, guest@agency.example]", "from_users")
    gone = theirs.replace("{name: Bob, active: true}", "{state: absent}")
    project.write("people.yaml", gone)
    commit(project.root)
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    project.write("people.yaml", theirs)
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    propose(project, gone, leavers={"users": {"tombstone": "revoke"}})
    assert origins(reviewed()) == {("group/finance", "drift")}
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert "bob@acme.com" in project.live()["groups"]["Finance"]


def test_what_is_no_longer_managed_is_not_changed_once_more(project: Project, capsys: Output) -> None:
    """Somebody leaves `active` to the identity provider, and deactivates a person in the same breath."""
    propose(
        project,
        PEOPLE.replace("name: Bob, active: true", "name: Robert, active: false"),
        manage={"users": ["create", "name", "groups", "attributes"]},
    )
    (change,) = reviewed()["changes"]
    assert [field["path"] for field in change["fields"]] == [["name"]]
    assert "target.yaml changes (manage.users)" in capsys.readouterr().out
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    bob = project.live()["users"]["bob@acme.com"]
    assert (bob["name"], bob["active"]) == ("Robert", True)


def test_tombstones_that_did_nothing_do_not_begin_to_revoke(project: Project) -> None:
    """Somebody turns tombstones that an identity provider sees to into revocations, and writes one."""
    without_active = {"users": ["create", "name", "groups", "attributes"]}
    merged(project, PEOPLE, manage=without_active)
    gone = PEOPLE.replace("{name: Bob, active: true}", "{state: absent}").replace("bob@acme.com, ", "")
    from_users = gone.replace("[ada@acme.com, guest@agency.example]", "from_users")
    propose(project, from_users, manage=without_active, leavers={"users": {"tombstone": "revoke"}})
    assert reviewed()["changes"] == []


@pytest.mark.parametrize(("old", "new"), [("keep", "delete"), ("delete", "keep")])
def test_strangers_are_deleted_only_where_both_settings_say_so(project: Project, old: str, new: str) -> None:
    """Somebody lets everybody whom no file lists be deleted, and applies that with the pull request."""
    propose(project, PEOPLE, leavers={"users": {"never_listed": old}})
    propose(project, PEOPLE.replace("name: Ada", "name: A"), leavers={"users": {"never_listed": new}})
    assert {one["address"] for one in reviewed()["changes"]} == {"user/ada@acme.com"}


def test_a_lower_limit_holds_for_the_pull_request_that_sets_it(project: Project, capsys: Output) -> None:
    """Somebody lowers one limit and lifts the other, to get a removal between the two through."""
    high = {"removals": {"share": 1, "floor": 0}}
    merged(project, PEOPLE, limits=high)
    propose(
        project,
        PEOPLE.replace("name: Bob, active: true", "active: false"),
        limits={"removals": {"share": 0, "floor": 100}},
    )
    assert cli.run(["plan", "--base", "HEAD~1", "--out", "plan.json"]) == ExitCode.GUARD
    assert "users deactivated, revoked or deleted" in capsys.readouterr().out
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.GUARD
    assert project.live()["users"]["bob@acme.com"]["active"] is True


# An `ignore` that hides a removal from the guards


def test_ignoring_people_does_not_hide_what_they_lose_with_their_group(
    project: Project, capsys: Output
) -> None:
    """Somebody ignores a protected person in the pull request that deletes the group this person is in."""
    merged(project, PEOPLE, protect=AGENCY)
    without = WITHOUT_GUEST.split("groups:")[0] + "groups:\n  Finance: {state: absent}\n"
    propose(project, without, protect=AGENCY, ignore=AGENCY)
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.GUARD
    said = capsys.readouterr().out
    assert "user/guest@agency.example is protected, and would leave group/finance" in said
    assert "- group/Finance  delete, 3 members lose it" in said


def test_ignoring_a_protected_group_does_not_let_its_last_member_be_deleted(
    project: Project, capsys: Output
) -> None:
    """Somebody ignores a protected group in the pull request that deletes everybody who is in it."""
    deletes = {"users": {"tombstone": "delete"}}
    vault = PEOPLE + "  Vault:\n    members: [bob@acme.com]\n"
    merged(project, vault, leavers=deletes, protect={"groups": ["Vault"]})
    without = PEOPLE.replace("{name: Bob, active: true}", "{state: absent}").replace("bob@acme.com, ", "")
    propose(project, without, leavers=deletes, ignore={"groups": ["Vault"]})
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.GUARD
    said = capsys.readouterr().out
    assert "group/vault is protected, and would be emptied" in said
    assert "- user/bob@acme.com  delete, out of 2 groups" in said


# What is wrong with the settings that a pull request proposes


@pytest.mark.parametrize("people", [PEOPLE, PEOPLE.replace("name: Ada", "attributes: {region: [x]}")])
def test_an_attribute_that_is_not_defined_is_told_before_the_merge(
    project: Project, capsys: Output, people: str
) -> None:
    """Somebody asks for an exact attribute by a wrong name: after the merge nothing could be planned."""
    propose(project, people, manage={"exact_attributes": ["regoin"]})
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert "desired-state/acme/target.yaml: `exact_attributes` names `regoin`" in said
    assert "which the system does not define" in said


def test_the_wrong_name_may_be_corrected(project: Project, capsys: Output) -> None:
    """Nobody attacks here: the base could not be planned, and what mends it can."""
    propose(project, PEOPLE, manage={"exact_attributes": ["regoin"]})
    assert cli.run(["plan"]) == ExitCode.ERROR
    propose(project, PEOPLE, manage={"exact_attributes": ["region"]})
    assert reviewed()["changes"] == []
    assert "target.yaml changes (manage.exact_attributes)" in capsys.readouterr().out


def test_what_the_settings_will_want_does_not_stop_what_was_reviewed(project: Project) -> None:
    """Somebody removes the definition between the review and the apply, which acts by the base's settings."""
    propose(project, PEOPLE.replace("name: Ada", "name: Augusta"), manage={"exact_attributes": ["region"]})
    assert len(reviewed()["changes"]) == 1
    state = project.root / "acme.json"
    held = json.loads(state.read_text())
    held["definitions"] = [one for one in held["definitions"] if one["name"] != "region"]
    state.write_text(json.dumps(held))
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert cli.run(["plan"]) == ExitCode.ERROR


def test_a_name_that_nobody_has_is_placed_where_it_is_written(project: Project) -> None:
    """Somebody takes a name out of `protect` that the base still says, and adds another one."""
    merged(project, PEOPLE, protect={"users": ["safe@acme.com"]})
    propose(project, PEOPLE, protect={"users": ["sefa@acme.com"]})
    places = {one["message"].split(",")[0]: one["place"] for one in reviewed()["notes"]}
    assert places["`protect.users` names sefa@acme.com"].startswith("desired-state/acme/target.yaml:1:")
    older = places["`protect.users` names safe@acme.com"]
    assert older.partition(":")[2].startswith("desired-state/acme/target.yaml:1:")

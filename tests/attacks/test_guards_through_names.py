"""Somebody who may edit the files goes around a guard by another name, another key, or another moment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from project import KEY, Project, Served, a_project, served
from repository import git
from team import Team

from reconciler import cli
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]
PLAN = ["plan", "--out", "plan.json"]
APPLY = ["apply", "acme", "--plan", "plan.json"]
PEOPLE: dict[str, Any] = {f"{name}@acme.com": {} for name in ("robot", "ada", "bob", "safe")}
ROBOTS = {"owner": "robot@acme.com"}
WIDE = {"removals": {"share": 1.0, "floor": 99}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The key is the robot's, and safe and Vault are protected."""
    monkeypatch.chdir(tmp_path)
    made = a_project(tmp_path)
    made.configure(protect={"users": ["safe@acme.com"], "groups": ["Vault"]}, limits=WIDE)
    groups = {"Vault": ["ada@acme.com"], "Staff": ["safe@acme.com"]}
    made.seed({"users": PEOPLE, "groups": groups, "keys": {"sandbox": ROBOTS}})
    return made


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Behind a socket, with a key of the robot's and one of ada's."""
    monkeypatch.chdir(tmp_path)
    keys = {KEY: ROBOTS, "key-of-ada": {"owner": "ada@acme.com"}}
    seed = {"users": PEOPLE, "groups": {"Vault": ["ada@acme.com", "bob@acme.com"]}, "keys": keys}
    with served(tmp_path, seed | {"switches": {"requests_per_minute": 0}}) as made:
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SECOND_KEY", "key-of-ada")
        yield made


def refused(project: Project, files: dict[str, Any], capsys: Output) -> str:
    """What the plan of these files, and its application, are refused with; nothing is changed."""
    project.write("people.yaml", json.dumps(files))
    before = project.live()
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.GUARD
    said = capsys.readouterr().out
    for option in ([], ["--allow-removals", "1"], ["--allow-removals", "2"]):
        assert cli.run(["apply", "--auto-approve", *option]) == ExitCode.GUARD
    assert project.live() == before
    capsys.readouterr()
    return " ".join(said.split())


# Another name


@pytest.mark.parametrize("declared", ["new@acme.com", "NEW@acme.com"])
def test_a_protected_person_is_deactivated_under_a_new_address(
    project: Project, capsys: Output, declared: str
) -> None:
    """Somebody says that the protected account belongs to another address, which is inactive."""
    files = {"users": {declared: {"previously": ["Safe@acme.com"], "active": False}}}
    said = refused(project, files, capsys)
    assert "user/new@acme.com is protected as safe@acme.com, and would be removed" in said


def test_the_owner_of_the_key_is_deactivated_under_a_new_address(project: Project, capsys: Output) -> None:
    """Somebody locks the reconciler out, by a new address of its own account."""
    files = {"users": {"new@acme.com": {"previously": ["robot@acme.com"], "active": False}}}
    said = refused(project, files, capsys)
    assert "user/new@acme.com is the user whom the key belongs to, and would be removed" in said


def test_a_protected_person_is_taken_out_of_a_group_under_a_new_address(
    project: Project, capsys: Output
) -> None:
    """Somebody leaves the protected account its login, and takes away what it may do."""
    files = {
        "users": {"new@acme.com": {"previously": ["safe@acme.com"]}},
        "groups": {"Staff": {"members": ["ada@acme.com"]}},
    }
    said = refused(project, files, capsys)
    assert "user/new@acme.com is protected as safe@acme.com, and would leave group/staff" in said


def test_a_protected_group_is_renamed_and_emptied(project: Project, capsys: Output) -> None:
    """Somebody gives the protected group another name, and takes everybody out in the same plan."""
    said = refused(project, {"groups": {"Attic": {"previously": ["VAULT"], "members": []}}}, capsys)
    assert "group/attic is protected as vault, and would be emptied" in said


def test_a_protected_group_is_emptied_after_its_rename(project: Project, capsys: Output) -> None:
    """Somebody renames the protected group today, and empties it tomorrow."""
    kept = {"groups": {"Attic": {"previously": ["Vault"], "members": ["ada@acme.com"]}}}
    project.write("people.yaml", json.dumps(kept))
    assert cli.run(["apply", "--auto-approve"]) == 0
    capsys.readouterr()
    said = refused(project, {"groups": {"Attic": {"previously": ["Vault"], "members": []}}}, capsys)
    assert "group/attic is protected as vault, and would be emptied" in said
    # Without the older name nothing tells what it was; the plan says that the entry protects nobody.
    project.write("people.yaml", json.dumps({"groups": {"Attic": {"members": ["ada@acme.com"]}}}))
    assert cli.run(["plan"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "`protect.groups` names Vault, and nothing live is called so" in said


def test_somebody_ignored_is_declared_under_a_new_address(project: Project, capsys: Output) -> None:
    """Somebody declares an account that this target leaves to others by another address."""
    project.configure(ignore={"users": ["bob@acme.com"]})
    project.write("people.yaml", json.dumps({"users": {"new@acme.com": {"previously": ["bob@acme.com"]}}}))
    assert cli.run(["plan"]) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert "people.yaml:1:44: `bob@acme.com` is ignored by this target" in err


def test_a_saved_plan_does_not_hide_the_name_that_is_protected(project: Project, capsys: Output) -> None:
    """Somebody edits a saved plan, so that it names no older address."""
    files = {"users": {"new@acme.com": {"previously": ["safe@acme.com"], "active": False}}}
    project.write("people.yaml", json.dumps(files))
    assert cli.run(PLAN) == ExitCode.GUARD
    document = json.loads(Path("plan.json").read_text())
    assert document["census"]["aliases"] == {"user/new@acme.com": ["safe@acme.com"]}
    Path("plan.json").write_text(json.dumps(document | {"census": document["census"] | {"aliases": {}}}))
    before = project.live()
    assert cli.run(APPLY) == ExitCode.ERROR
    assert "it was edited after it was saved" in capsys.readouterr().err
    assert project.live() == before


# Another key


def test_the_owner_of_a_further_key_is_deactivated(remote: Served, capsys: Output) -> None:
    """Somebody deactivates the person whom the second of two keys belongs to."""
    remote.configure(url=remote.url, keys=[{"env": "OMNI_API_KEY"}, {"env": "SECOND_KEY"}])
    said = refused(remote, {"users": {"ada@acme.com": {"active": False}, "bob@acme.com": {}}}, capsys)
    assert "user/ada@acme.com is the user whom the key belongs to, and would be removed" in said
    asked = [request.headers["authorization"] for request in remote.omni.seen if "whoami" in request.path]
    assert sorted(asked[:2]) == [f"Bearer {key}" for key in ("key-of-ada", KEY)]


@pytest.mark.parametrize("first", ["OMNI_API_KEY", "SECOND_KEY"])
def test_a_plan_that_was_made_with_one_key_is_applied_with_another(
    remote: Served, capsys: Output, first: str
) -> None:
    """Somebody has the owner of one key deactivated by a plan that another key made, or will apply."""
    other = ({"OMNI_API_KEY", "SECOND_KEY"} - {first}).pop()
    gone = {"OMNI_API_KEY": "robot@acme.com", "SECOND_KEY": "ada@acme.com"}[other]
    remote.write("people.yaml", json.dumps({"users": {gone: {"active": False}, "bob@acme.com": {}}}))
    remote.configure(url=remote.url, keys=[{"env": first}])
    assert cli.run(PLAN) == 0
    remote.configure(url=remote.url, keys=[{"env": other}])
    before = remote.live()
    assert cli.run(APPLY) == ExitCode.GUARD
    assert f"user/{gone} is the user whom the key belongs to" in capsys.readouterr().out
    assert remote.live() == before


# Another moment


def test_the_last_active_person_is_ended_by_a_plan_that_left_another_one(
    remote: Served, capsys: Output
) -> None:
    """Somebody has one of two people deactivated, and ends the other one by hand before the apply."""
    remote.write(
        "people.yaml", json.dumps({"users": {"bob@acme.com": {"active": False}, "safe@acme.com": {}}})
    )
    assert cli.run(PLAN) == 0
    remote.by_hand("safe@acme.com", active=False)
    before = remote.live()
    for option in ([], ["--allow-removals", "1"]):
        assert cli.run([*APPLY, *option]) == ExitCode.GUARD
        said = " ".join(capsys.readouterr().out.split())
        assert "as it is now, no active user would be left of those that the files manage" in said
    assert remote.live() == before


def test_a_group_is_emptied_by_a_plan_that_left_somebody_in_it(remote: Served, capsys: Output) -> None:
    """Somebody has one of two taken out of a group, and takes the other one out by hand."""
    remote.write("people.yaml", json.dumps({"groups": {"Vault": {"members": ["bob@acme.com"]}}}))
    assert cli.run(PLAN) == 0
    remote.leaves("bob@acme.com", "Vault")
    assert cli.run(APPLY) == ExitCode.GUARD
    said = " ".join(capsys.readouterr().out.split())
    assert "group/vault has changed since the review, and would lose every member it has left (1)" in said
    assert "was approved by nobody" in said
    assert remote.live()["groups"]["Vault"] == ["ada@acme.com"]


def test_what_the_reviewed_plan_empties_is_emptied_although_somebody_has_left(remote: Served) -> None:
    """Nobody attacks: the emptying was approved, and a part of it is done already."""
    remote.write("people.yaml", json.dumps({"groups": {"Vault": {"members": []}}}))
    assert cli.run([*PLAN, "--allow-removals", "2"]) == 0
    remote.leaves("bob@acme.com", "Vault")
    assert cli.run([*APPLY, "--allow-removals", "2"]) == 0
    assert remote.live()["groups"]["Vault"] == []


def test_a_protected_group_is_left_to_people_who_do_not_count(project: Project, capsys: Output) -> None:
    """Somebody leaves only an ignored person and an embed user in the protected group."""
    visitor = "embed-user-1@acme.embed-exploreomni.co"
    project.configure(protect={"groups": ["Vault"]}, ignore={"users": ["bob@acme.com"]}, limits=WIDE)
    project.seed(
        {
            "users": PEOPLE,
            "groups": {"Vault": ["ada@acme.com", "bob@acme.com", visitor]},
            "embed_users": {visitor: {"name": "Visitor", "external_id": "v", "entity": "shop"}},
        }
    )
    said = refused(project, {"groups": {"Vault": {"members": []}}}, capsys)
    assert "group/vault is protected, and would be emptied" in said


# Another column


@pytest.fixture
def invited(project: Project) -> Project:
    project.seed({"users": PEOPLE, "switches": {"requests_per_minute": 0}})
    project.write("people.yaml", json.dumps({"users": {f"n{n}@acme.com": {} for n in range(60)}}))
    return project


def test_a_wrong_column_of_addresses_invites_nobody(invited: Project, capsys: Output) -> None:
    """Somebody commits a list of addresses that are not those of colleagues."""
    for command in (["apply", "--auto-approve"], ["apply", "--auto-approve", "--allow-creations", "59"]):
        assert cli.run(command) == ExitCode.GUARD
        said = " ".join(capsys.readouterr().out.split())
        assert "60 users created, and 4 are live; the limit is 50%, or 50 where that is more" in said
        assert "approve exactly this plan, all of its 60 new users: | --allow-creations 60" in said
    assert len(invited.live()["users"]) == 4
    command = "reconciler apply acme --allow-creations 60 --plan plan.json"
    assert cli.run(["plan", "--allow-creations", "60", "--out", "plan.json"]) == 0
    assert f"Apply exactly this with: {command}" in capsys.readouterr().out
    assert cli.run(command.split()[1:]) == 0
    assert len(invited.live()["users"]) == 64


def test_an_approval_of_new_users_is_for_one_plan(invited: Project, capsys: Output) -> None:
    """Somebody passes the number on to a plan that creates one user only."""
    invited.write("people.yaml", json.dumps({"users": {"new@acme.com": {}}}))
    assert cli.run(["apply", "--auto-approve", "--allow-creations", "60"]) == ExitCode.GUARD
    assert "--allow-creations 60 does not fit: for this plan it is 1" in capsys.readouterr().out


def test_a_line_in_the_pull_request_approves_the_new_users_of_its_plan_alone(team: Team) -> None:
    """Somebody has sixty new users approved, and pushes sixty others."""
    first, second = (
        json.dumps({"users": {f"{letter}{n}@acme.com": {} for n in range(60)}}) for letter in "nm"
    )
    number = team.open_pull(first, name="new.yaml")
    assert team.plan(number) == ExitCode.GUARD
    line = team.comment(number).split("`Reconciler-Allow:")[1].split("`")[0]
    assert line.startswith(" acme=0 creations=60 digest=")
    team.github.edit(number, f"Reconciler-Allow:{line}\n")
    assert team.plan(number) == ExitCode.OK
    assert "60 new users approved by a line" in team.comment(number)
    other = team.open_pull(second, f"Reconciler-Allow:{line}\n", name="new.yaml")
    assert team.plan(other) == ExitCode.GUARD
    git(team.desk, "checkout", "--quiet", f"pull-{number}")
    assert team.apply(team.merge(number)) == ExitCode.OK
    assert "(60 new users allowed)" in team.comment(number, "apply acme")
    assert "n59@acme.com" in team.omni.live()["users"]

"""Somebody sees to it that a reviewed name means another account by the time the plan is applied."""

import json
from pathlib import Path
from typing import Any

import pytest
from project import Project, a_project

from reconciler import cli, saved
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]
PLAN = ["plan", "--out", "plan.json"]
APPLY = ["apply", "acme", "--plan", "plan.json"]
ZOE, MALLORY, GONE, ADA = "zoe@acme.com", "mallory@evil.example", "gone@acme.com", "ada@acme.com"
NUMBER: dict[str, Any] = {"attributes": {"external_id": "999"}}
ATTRIBUTES: dict[str, Any] = {"external_id": {}, "manager": {}}
ZOE_IN_ADMINS: dict[str, Any] = {
    "users": {ZOE: NUMBER | {"groups": ["BI Admins"]}},
    "groups": {"BI Admins": {"members": "from_users"}},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """People are known by their number before their login."""
    monkeypatch.chdir(tmp_path)
    made = a_project(tmp_path)
    made.configure(match=["external_id"], leavers={"groups": {"tombstone": "delete"}})
    return made


def live(project: Project, users: dict[str, Any], admins: list[str]) -> None:
    people = {"robot@acme.com": {}, ADA: {}} | users
    groups = {"BI Admins": admins, "Staff": [ADA]}
    project.seed({"attributes": ATTRIBUTES, "users": people, "groups": groups})


def reviewed(project: Project, files: dict[str, Any], capsys: Output) -> None:
    project.write("people.yaml", json.dumps(files))
    assert cli.run(PLAN) == ExitCode.OK
    capsys.readouterr()


def stale(capsys: Output, *options: str) -> str:
    """What the application says, which must stop; or must leave the details out that have moved."""
    assert cli.run([*APPLY, *options]) != ExitCode.OK or options
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


@pytest.mark.parametrize("options", [(), ("--skip-stale",)])
def test_the_number_of_a_new_member_is_given_to_another_account(
    project: Project, capsys: Output, options: tuple[str, ...]
) -> None:
    """Somebody takes over the number of a person whose membership was approved."""
    live(project, {ZOE: NUMBER, MALLORY: {}}, [])
    reviewed(project, ZOE_IN_ADMINS, capsys)
    live(project, {GONE: {}, MALLORY: NUMBER}, [])
    said = stale(capsys, *options)
    assert "user/zoe@acme.com is not who it was at the review" in said
    assert project.live()["groups"]["BI Admins"] == []


@pytest.mark.parametrize("options", [(), ("--skip-stale",)])
def test_a_person_who_was_to_be_created_is_found_as_another_account(
    project: Project, capsys: Output, options: tuple[str, ...]
) -> None:
    """Somebody gives themselves the number of a person whose account was approved and is not made yet."""
    live(project, {MALLORY: {}}, [])
    files = ZOE_IN_ADMINS | {"users": {ZOE: ZOE_IN_ADMINS["users"][ZOE] | {"name": "Zoe"}}}
    reviewed(project, files, capsys)
    live(project, {MALLORY: NUMBER}, [])
    said = stale(capsys, *options)
    assert "was to be created, and now is the live user/mallory@evil.example" in said
    assert project.live()["groups"]["BI Admins"] == []
    assert project.live()["users"][MALLORY].get("name") != "Zoe"


@pytest.mark.parametrize("options", [(), ("--skip-stale",)])
def test_the_number_of_a_leaving_member_is_given_to_another_one(
    project: Project, capsys: Output, options: tuple[str, ...]
) -> None:
    """Somebody has an approved removal hit another member of the group."""
    live(project, {ZOE: NUMBER, MALLORY: {}}, [ZOE, ADA, MALLORY])
    reviewed(project, {"users": {ZOE: NUMBER}, "groups": {"BI Admins": {"members": [ADA, MALLORY]}}}, capsys)
    live(project, {GONE: {}, MALLORY: NUMBER}, [ADA, MALLORY])
    # The files still name whom they found under the login: now that is the person of the number.
    project.write(
        "people.yaml", json.dumps({"users": {ZOE: NUMBER}, "groups": {"BI Admins": {"members": [ADA]}}})
    )
    stale(capsys, *options)
    assert project.live()["groups"]["BI Admins"] == [ADA, MALLORY]


@pytest.mark.parametrize("options", [(), ("--skip-stale",)])
def test_a_group_is_deleted_that_is_now_somebody_elses(
    project: Project, capsys: Output, options: tuple[str, ...]
) -> None:
    """Somebody has a group deleted that by now another account is in, under the reviewed name."""
    live(project, {ZOE: NUMBER, MALLORY: {}}, [ZOE])
    files = {"users": {ZOE: NUMBER}, "groups": {"BI Admins": {"state": "absent"}}}
    project.write("people.yaml", json.dumps(files))
    assert cli.run([*PLAN, "--allow-removals", "1"]) == ExitCode.OK
    live(project, {GONE: {}, MALLORY: NUMBER}, [MALLORY])
    said = stale(capsys, "--allow-removals", "1", *options)
    assert "joined it since the review" in said
    assert project.live()["groups"]["BI Admins"] == [MALLORY]


def test_the_id_of_a_member_is_taken_out_of_a_saved_plan(project: Project, capsys: Output) -> None:
    """Somebody edits a saved plan, so that it does not say who is meant."""
    live(project, {ZOE: NUMBER, MALLORY: {}}, [])
    reviewed(project, ZOE_IN_ADMINS, capsys)
    document = json.loads(Path("plan.json").read_text())
    del document["meant"]
    Path("plan.json").write_text(json.dumps(document))
    assert "it was edited after it was saved" in stale(capsys)


@pytest.mark.parametrize("shape", ["text", "markdown", "html"])
def test_a_gain_of_another_account_is_seen_where_it_is(project: Project, capsys: Output, shape: str) -> None:
    """Somebody has the number of a person beforehand, and hopes that nobody reads the long note."""
    live(project, {MALLORY: NUMBER}, [])
    files = ZOE_IN_ADMINS | {"users": {ZOE: ZOE_IN_ADMINS["users"][ZOE] | {"name": "Zoe"}}}
    project.write("people.yaml", json.dumps(files))
    assert cli.run(["plan", "--format", shape]) == ExitCode.OK
    said = capsys.readouterr().out
    # At the person, and at the membership; the pages tell it once more by person.
    named = said.count(f"{ZOE} (live {MALLORY})")
    assert named >= (2 if shape == "text" else 3)
    assert f"user/{ZOE} (live {MALLORY})" in said


def test_the_live_login_is_taken_out_of_a_saved_plan(project: Project, capsys: Output) -> None:
    """Somebody edits a saved plan and its digest, so that it does not show whom the number finds."""
    live(project, {MALLORY: NUMBER}, [])
    reviewed(project, ZOE_IN_ADMINS, capsys)
    document = json.loads(Path("plan.json").read_text())
    assert document.pop("called") == {f"user/{ZOE}": MALLORY}
    plan = saved._decode_plan(document)  # noqa: SLF001 (to seal it anew, as an attacker would)
    Path("plan.json").write_text(saved.to_json(plan))
    assert "has the live login mallory@evil.example now, which was not shown" in stale(capsys)
    assert project.live()["groups"]["BI Admins"] == []

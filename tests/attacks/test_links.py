"""Somebody commits a symbolic link for a file or folder, to bring in or overwrite what is elsewhere."""

from pathlib import Path

import pytest
from project import Project, a_project
from repository import begin, commit
from team import PEOPLE as TEAM
from team import Team

from reconciler import cli
from reconciler.errors import ExitCode

Output = pytest.CaptureFixture[str]
READING = (["validate"], ["targets"], ["plan"], ["drift"], ["apply", "--auto-approve"])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A repository, and beside it a folder that is none of its business."""
    root = tmp_path / "repository"
    root.mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(root)
    project = a_project(root)
    begin(project)
    return project


def moved_out(project: Project, path: Path) -> None:
    """Put a link in the place of a file or folder, and what was there outside of the repository."""
    away = project.root.parent / "elsewhere" / path.name
    path.rename(away)
    path.symlink_to(away)


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("name", ["target.yaml", "quirks.yaml"])
def test_settings_from_outside_of_the_target_are_refused(
    project: Project, capsys: Output, command: list[str], name: str
) -> None:
    """Somebody lets `target.yaml` or `quirks.yaml` be a file that nobody reviews."""
    project.write("quirks.yaml", "found_at: 2026-01-01T00:00:00Z\n")
    moved_out(project, project.target / name)
    assert cli.run(command) == ExitCode.ERROR
    said = capsys.readouterr()
    assert f"desired-state/acme/{name}: this is a link that leads out of the target's folder" in said.err
    assert not (project.root / "acme.json").exists()


@pytest.mark.parametrize("name", ["target.yaml", "quirks.yaml"])
@pytest.mark.parametrize("where", ["../gone.yaml", "/gone.yaml"])
def test_settings_that_lead_out_to_nothing_are_refused(
    project: Project, capsys: Output, name: str, where: str
) -> None:
    """Somebody commits a link whose end another job makes later."""
    (project.target / name).unlink(missing_ok=True)
    (project.target / name).symlink_to(where)
    assert cli.run(["validate"]) == ExitCode.ERROR
    assert f"{name}: this is a link that leads out of the target's folder" in capsys.readouterr().err


def test_settings_that_were_a_link_at_the_base_are_refused(project: Project, capsys: Output) -> None:
    """Somebody merged the link before; the settings of the base come from wherever it leads to."""
    moved_out(project, project.target / "target.yaml")
    commit(project.root)
    (project.target / "target.yaml").unlink()
    project.configure()
    commit(project.root)
    assert cli.run(["plan", "--base", "HEAD~1"]) == ExitCode.ERROR
    assert "this is a link that leads out of the target's folder" in capsys.readouterr().err


def test_a_link_within_the_target_is_a_way_to_share_settings(project: Project) -> None:
    """Nobody attacks here: what is reviewed with the target may be linked to."""
    (project.target / "target.yaml").rename(project.target / "settings.txt")
    (project.target / "target.yaml").symlink_to("settings.txt")
    assert cli.run(["validate"]) == ExitCode.OK


# The folder of all targets


@pytest.mark.parametrize("command", READING)
def test_a_desired_state_outside_of_the_repository_is_refused(
    project: Project, capsys: Output, command: list[str]
) -> None:
    """Somebody lets all files come from a folder that another job can write to."""
    moved_out(project, project.root / "desired-state")
    assert cli.run(command) == ExitCode.ERROR
    assert "desired-state: this leads out of the repository, through a link" in capsys.readouterr().err
    assert not (project.root / "acme.json").exists()


def test_a_folder_on_the_way_to_the_desired_state_is_no_way_out_either(
    project: Project, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody links the folder above it instead, and lets the command run deeper in the repository."""
    (project.root / "deep").mkdir()
    moved_out(project, project.root / "desired-state")
    (project.root / "state").symlink_to(project.root.parent / "elsewhere")
    assert cli.run(["validate", "--dir", "state/desired-state"]) == ExitCode.ERROR
    assert "state/desired-state: this leads out of the repository" in capsys.readouterr().err
    monkeypatch.chdir(project.root / "deep")
    assert cli.run(["validate", "--dir", "../state/desired-state"]) == ExitCode.ERROR
    assert "this leads out of the repository" in capsys.readouterr().err


def test_without_a_repository_the_working_directory_is_what_must_not_be_left(
    project: Project, capsys: Output
) -> None:
    """Somebody hands over an archive of the files, with a link in it."""
    (project.root / ".git").rename(project.root.parent / "elsewhere" / "git")
    moved_out(project, project.root / "desired-state")
    assert cli.run(["validate"]) == ExitCode.ERROR
    assert "this leads out of the working directory" in capsys.readouterr().err


def test_who_runs_the_command_may_name_any_folder(project: Project) -> None:
    """Nobody attacks here: a path elsewhere on the command line is that person's own choice."""
    moved_out(project, project.root / "desired-state")
    assert cli.run(["validate", "--dir", str(project.root.parent / "elsewhere/desired-state")]) == ExitCode.OK
    assert cli.run(["validate", "--dir", "../elsewhere/desired-state"]) == ExitCode.OK
    (project.root / "desired-state").unlink()
    (project.root.parent / "elsewhere" / "desired-state").rename(project.root / "files")
    (project.root / "desired-state").symlink_to("files")
    assert cli.run(["validate"]) == ExitCode.OK


# The folder of the journals


def refused(project: Project, capsys: Output) -> str:
    """What an apply says that does nothing; the file that the link leads to is as it was."""
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.ERROR
    assert not (project.root / "acme.json").exists(), "something was sent"
    return capsys.readouterr().err


@pytest.mark.parametrize("place", [".reconciler", ".reconciler/runs"])
@pytest.mark.parametrize("exists", [True, False])
def test_nothing_is_written_through_a_link(
    project: Project, capsys: Output, place: str, *, exists: bool
) -> None:
    """Somebody commits the folder of the journals as a link to somewhere else."""
    elsewhere = project.root.parent / "elsewhere"
    link = project.root / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere if exists else elsewhere / "gone")
    said = refused(project, capsys)
    assert f"{place} is a symbolic link" in said
    assert not list(elsewhere.iterdir())


def test_a_journal_folder_elsewhere_may_lie_behind_links_but_be_none(
    project: Project, capsys: Output
) -> None:
    """Somebody names a folder outside of the repository whose end another user of the machine can move."""
    away = project.root.parent / "elsewhere"
    (project.root.parent / "behind").symlink_to(away)
    project.configure(journal=str(project.root.parent / "behind"))
    assert "behind is a symbolic link" in refused(project, capsys)
    project.configure(journal=str(project.root.parent / "behind" / "runs"))
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    assert list((away / "runs").glob("acme-*.jsonl"))


# The files that target.yaml names


@pytest.mark.parametrize("name", ["seed", "state"])
@pytest.mark.parametrize("where", ["../../../elsewhere/file", "{elsewhere}/file", "link/file"])
def test_a_pretend_system_lives_in_the_repository(
    project: Project, capsys: Output, name: str, where: str
) -> None:
    """Somebody lets the pretend system begin from, or be kept in, any file of the machine."""
    elsewhere = project.root.parent / "elsewhere"
    (project.target / "link").symlink_to(elsewhere)
    sandbox = {"seed": "seed.yaml", "state": "state.json"} | {name: where.format(elsewhere=elsewhere)}
    project.write("target.yaml", "kind: omni\nurl: https://acme.omniapp.co\n" + f"sandbox: {sandbox}\n")
    assert cli.run(["validate"]) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert "desired-state/acme/target.yaml:3:" in said
    assert f"`{name}` leads out of the repository" in said
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.ERROR
    assert not list(elsewhere.iterdir())


def test_two_targets_may_share_a_pretend_system(project: Project) -> None:
    """Nobody attacks here: what is reviewed with the repository may be named."""
    (project.target / "seed.yaml").rename(project.root / "shared.yaml")
    project.configure(sandbox={"seed": "../../shared.yaml", "state": "../../shared.json"})
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    assert (project.root / "shared.json").is_file()


def test_a_key_file_of_the_repository_is_in_the_repository(
    project: Project, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody puts a link where the key file is to be, and has another secret sent in its place."""
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", "127.0.0.1:9")
    project.configure(url="http://127.0.0.1:9", keys=[{"file": "secrets/omni"}])
    (project.root / "secrets").symlink_to(project.root.parent / "elsewhere")
    (project.root.parent / "elsewhere" / "omni").write_text("another-secret")
    assert cli.run(["plan"]) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert "the key file secrets/omni leads out of the repository, through a link" in said
    assert "another-secret" not in said


def test_files_that_a_pull_request_names_are_not_in_force(project: Project) -> None:
    """Somebody names another journal, and another state file, in the pull request that is applied."""
    away = project.root / "away"
    project.configure(journal=str(away), sandbox={"seed": "seed.yaml", "state": str(away / "state.json")})
    project.write("people.yaml", "users: {dora@acme.com: {name: Dora D.}}\n")
    commit(project.root)
    assert cli.run(["plan", "--base", "HEAD~1", "--out", "plan.json"]) == ExitCode.OK
    assert cli.run(["apply", "--plan", "plan.json"]) == ExitCode.OK
    assert project.live()["users"]["dora@acme.com"]["name"] == "Dora D."
    assert project.journal()
    assert not away.exists()


# What init and import write


@pytest.mark.parametrize("exists", [True, False])
def test_an_import_writes_into_the_target_alone(project: Project, capsys: Output, *, exists: bool) -> None:
    """Somebody commits a folder of the target as a link, and waits for the next import."""
    elsewhere = project.root.parent / "elsewhere"
    (project.target / "groups").symlink_to(elsewhere if exists else elsewhere / "gone")
    project.write("people.yaml", "")
    assert cli.run(["import", "acme", "--layout", "by-group"]) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert "cannot be written: a link on the way leads out of acme" in said
    assert not list(elsewhere.iterdir())
    assert not (project.target / "users.yaml").exists(), "what was written by then is removed"


INIT = ["init", "live", "--url", "https://acme.omniapp.co", "--alone", "--install"]
PINNED = "python -m pip install --require-hashes --requirement requirements.txt"


@pytest.mark.parametrize("place", [".github", "schemas", "desired-state/live", "schemas/target.schema.json"])
def test_init_writes_into_the_repository_alone(project: Project, capsys: Output, place: str) -> None:
    """Somebody commits links where a repository's first files go."""
    elsewhere, link = project.root.parent / "elsewhere", project.root / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere if "." not in link.name[1:] else elsewhere / link.name)
    assert cli.run([*INIT, PINNED]) == ExitCode.ERROR
    assert "cannot be written: a link on the way leads out of repository" in capsys.readouterr().err
    assert not list(elsewhere.iterdir())


def test_init_adds_nothing_to_a_list_elsewhere(project: Project, capsys: Output) -> None:
    """Somebody commits `.gitignore` as a link to a file of the person who runs it."""
    mine = project.root.parent / "elsewhere" / "mine"
    mine.write_text("a file of mine")
    (project.root / ".gitignore").unlink(missing_ok=True)
    (project.root / ".gitignore").symlink_to(mine)
    assert cli.run([*INIT, PINNED]) == ExitCode.ERROR
    assert (
        ".gitignore cannot be written: a link on the way leads out of repository" in capsys.readouterr().err
    )
    assert mine.read_text() == "a file of mine"


# Saved plans


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_a_plan_is_saved_where_its_path_says(project: Project, capsys: Output, command: str) -> None:
    """Somebody commits the folder of the saved plans as a link."""
    elsewhere = project.root.parent / "elsewhere"
    (project.root / "plans").symlink_to(elsewhere)
    assert cli.run([command, "--out", "plans/plan.json"]) == ExitCode.USAGE
    assert "--out plans/plan.json leads out of the repository, through a link" in capsys.readouterr().err
    assert not list(elsewhere.iterdir())
    (project.root / "plan.json").symlink_to(elsewhere / "plan.json")
    cli.run([command, "--out", "plan.json"])
    assert (project.root / "plan.json").is_file()
    assert not list(elsewhere.iterdir())


def linked_in_a_pull_request(team: Team, links: dict[str, str]) -> int:
    """What the job of a pull request answers that adds these links, and is told to write into `out`."""
    number = team.open_pull(TEAM.replace("name: Ada", "name: Augusta"))
    for name, leads_to in links.items():
        (team.desk / name).parent.mkdir(exist_ok=True)
        (team.desk / name).symlink_to(leads_to)
    team.push_again(number, TEAM.replace("name: Ada", "name: Lady Ada"))
    event = {"pull_request": {"number": number}}
    arguments = ("plan", "acme", "--out-dir", "out")
    return team.job("plan", f"refs/pull/{number}/merge", *arguments, event=event)[0]


def test_the_job_of_a_pull_request_writes_through_no_link_of_it(team: Team, capsys: Output) -> None:
    """Somebody commits the folder that the job writes its plan into, as a link to the runner's own files."""
    (team.root / "elsewhere").mkdir()
    assert linked_in_a_pull_request(team, {"out": "../elsewhere"}) == ExitCode.USAGE
    assert "--out-dir out/plan.json leads out of the repository, through a link" in capsys.readouterr().err
    assert not list((team.root / "elsewhere").iterdir())


def test_the_job_of_a_pull_request_writes_over_no_other_file(team: Team) -> None:
    """Somebody commits the plan itself as a link, to a file of the runner, or to the desired state."""
    (team.root / "mine").write_text("a file of mine")
    links = {"out/plan.json": "../../mine", "out/plan.html": "../desired-state/acme/people.yaml"}
    assert linked_in_a_pull_request(team, links) == ExitCode.OK
    assert (team.root / "mine").read_text() == "a file of mine"
    (job,) = team.root.glob("job-*-plan")
    assert (job / "desired-state/acme/people.yaml").read_text() == TEAM.replace("name: Ada", "name: Lady Ada")
    assert not (job / "out/plan.json").is_symlink()


def test_a_folder_that_cannot_be_written_is_said(team: Team, capsys: Output) -> None:
    """Somebody commits a file where that folder is to be."""
    assert linked_in_a_pull_request(team, {"out": "desired-state/acme/people.yaml"}) == ExitCode.ERROR
    assert "out: the plan cannot be kept: " in capsys.readouterr().err


@pytest.mark.parametrize("key", ["path", "groups_file"])
def test_a_list_behind_a_link_that_leads_out_is_refused_at_its_place(
    project: Project, capsys: Output, key: str
) -> None:
    """Somebody links a folder on the way to a list, so that what nobody reviews says who there is to be."""
    (project.root.parent / "elsewhere" / "evil.csv").write_text("email\neve@acme.com\n")
    (project.target / "lnk").symlink_to(project.root.parent / "elsewhere")
    (project.target / "people.csv").write_text("email\nada@acme.com\n")
    paths = {"path": "people.csv"} | {key: "lnk/evil.csv"}
    project.configure(sources=[{"type": "csv", "login": "email", **paths}])
    for command in READING[2:]:
        assert cli.run(command) == ExitCode.ERROR
        assert "`lnk/evil.csv` leads out of the folder that all targets are in" in capsys.readouterr().err
    assert not (project.root / "acme.json").exists()

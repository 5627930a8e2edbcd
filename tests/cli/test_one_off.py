"""One-off runs: `plan` and `apply` of a system and files that options name, without a repository."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from project import KEY, LIVE, MANY, Served, served
from repository import git
from screen import Output, Terminal, files

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.saved import from_json, to_json

ADA, CLEO = "u1,ada@acme.com,Ada Lovelace,true", "u2,cleo@acme.com,Cleo,true"
HEAD = "id,userName,displayName,active"
LIKE = ["--like", "omni-user-manager"]


@pytest.fixture
def omni(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A pretend Omni; the working directory is a folder with a list, and nothing else."""
    seed = {**MANY, "groups": LIVE["groups"], "keys": {KEY: {"owner": "dora@acme.com"}}}
    with served(tmp_path / "omni", seed) as project:
        for name, value in project.environ.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "desk").mkdir()
        monkeypatch.chdir(tmp_path / "desk")
        Path("users.csv").write_text(f"{HEAD}\n{ADA}\n{CLEO}\n")
        yield project


def options(omni: Served, *sources: str) -> list[str]:
    """What names the system and these sources."""
    named = (word for source in sources or ("users.csv",) for word in ("--source", source))
    return ["--url", omni.url, "--kind", "omni", *named, *LIKE]


def said(capsys: Output) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_a_list_is_planned_and_applied_without_a_repository(omni: Served, capsys: Output) -> None:
    assert cli.run(["plan", *options(omni), "--detailed-exitcode"]) == ExitCode.CHANGES
    out = capsys.readouterr().out
    assert f"Plan for one-off: Cleo joins, Ada Lovelace changes\n(omni, {omni.url})\n" in out
    assert "note: a one-off run: nothing is recorded as applied, and nobody counts as having left\n" in out
    assert "user/cleo@acme.com  create  users.csv:3:userName\n" in out
    assert files() == ["users.csv"]
    assert omni.omni.writes == []
    assert cli.run(["apply", *options(omni), "--auto-approve"]) == 0
    out = capsys.readouterr().out
    assert "Applied 2 changes to one-off" in out
    assert "Not recorded as applied: this is a one-off run\n" in out
    (journal,) = Path(".reconciler/runs").glob("one-off-*.jsonl")
    assert f"Journal: {journal}\n" in out
    assert KEY not in journal.read_text("utf-8")
    users = omni.live()["users"]
    assert users["ada@acme.com"]["name"] == "Ada Lovelace"
    assert users["cleo@acme.com"]["name"] == "Cleo"
    # Nobody is missing from a list: who is not on it stays.
    assert users["dora@acme.com"] == {"name": "Dora", "active": True, "attributes": {}}
    assert cli.run(["plan", *options(omni), "--detailed-exitcode"]) == ExitCode.OK


def test_the_plan_is_that_of_a_target_with_the_same_files(omni: Served, capsys: Output) -> None:
    assert cli.run(["plan", *options(omni), "--format", "json"]) == 0
    once = json.loads(capsys.readouterr().out)
    folder = Path("somewhere/acme")
    folder.mkdir(parents=True)
    (folder / "users.csv").write_bytes(Path("users.csv").read_bytes())
    entry = "{type: csv, path: users.csv, like: omni-user-manager}"
    settings = f"kind: omni\nurl: {omni.url}\nkeys: [{{env: OMNI_API_KEY}}]\nsources: [{entry}]\n"
    (folder / "target.yaml").write_text(settings)
    assert cli.run(["plan", "--dir", "somewhere", "--format", "json"]) == 0
    whole = json.loads(capsys.readouterr().out.replace("somewhere/acme/users.csv", "users.csv"))
    different = {name for name in whole if whole[name] != once[name]} - {"created_at"}
    assert different == {"target", "digest", "removals_digest", "notes"}


def test_several_sources_are_one_desired_state(omni: Served, capsys: Output) -> None:
    Path("people.json").write_text('[{"userName": "eve@acme.com", "groups": ["Finance"]}]')
    Path("groups.yaml").write_text(
        "groups: {Finance: {members: from_users}}\nusers: {bob@acme.com: {state: absent}}\n"
    )
    sources = options(omni, "users.csv", "people.json", "groups.yaml")
    assert cli.run(["plan", *sources]) == 0
    out = capsys.readouterr().out
    assert "Plan for one-off: 2 join, bob@acme.com leaves, Ada Lovelace changes\n" in out
    assert "~ group/Finance  add 1 member" in out
    assert cli.run(["apply", *sources, "--auto-approve"]) == 0
    assert omni.live()["users"]["bob@acme.com"]["active"] is False


def test_a_list_of_groups_stands_beside_that_of_people(omni: Served, capsys: Output) -> None:
    Path("groups.csv").write_text('id,name,members\ng1,Finance,"[""u1""]"\n')
    assert cli.run(["plan", *options(omni), "--groups-file", str(Path("groups.csv").absolute())]) == 0
    assert "~ group/Finance  remove 1 member" in capsys.readouterr().out


def test_a_saved_plan_is_applied_with_the_same_options(omni: Served, capsys: Output) -> None:
    assert cli.run(["plan", *options(omni), "--out", "plan.json"]) == 0
    command = capsys.readouterr().out.rpartition("Apply exactly this with: reconciler ")[2].split()
    assert command == ["apply", *options(omni), "--plan", "plan.json"]
    omni.by_hand("dora@acme.com", name="Theodora")
    assert cli.run(command) == 0
    assert "Of 4 details in the reviewed plan: 4 to do.\n" in capsys.readouterr().out
    assert omni.live()["users"]["ada@acme.com"]["name"] == "Ada Lovelace"


def test_a_saved_plan_is_not_applied_where_the_list_has_changed_its_mind(
    omni: Served, capsys: Output
) -> None:
    cli.run(["plan", *options(omni), "--out", "plan.json"])
    Path("users.csv").write_text(f"{HEAD}\n{CLEO}\n")
    assert cli.run(["apply", *options(omni), "--plan", "plan.json"]) == ExitCode.STALE
    assert "does not hold any more" in said(capsys)
    assert omni.omni.writes == []


def test_a_plan_of_a_repository_is_none_of_a_one_off_run(omni: Served, capsys: Output) -> None:
    cli.run(["plan", *options(omni), "--out", "plan.json"])
    # A target whose plan tells what left its files, and says that it is the one of a one-off run.
    folder = Path("desired-state/acme")
    folder.mkdir(parents=True)
    (folder / "target.yaml").write_text(f"kind: omni\nurl: {omni.url}\nkeys: [{{env: OMNI_API_KEY}}]\n")
    (folder / "people.yaml").write_text("users: {ada@acme.com: {name: Ada Lovelace}}\n")
    git(Path(), "init", "--quiet")
    git(Path(), "add", ".")
    git(Path(), "commit", "--quiet", "--message", "Begin")
    assert cli.run(["plan", "--base", "HEAD", "--out", "based.json"]) == 0
    based = from_json(Path("based.json").read_text())
    Path("based.json").write_text(to_json(replace(based, target="one-off")))
    capsys.readouterr()
    assert cli.run(["apply", *options(omni), "--plan", "based.json"]) == ExitCode.ERROR
    assert "made from the files of a repository, and this is a one-off run" in said(capsys)
    assert omni.omni.writes == []


# Guards, and bad rows


def test_the_guards_of_a_new_target_hold(omni: Served, capsys: Output) -> None:
    rows = "".join(f"delete,p{n}@acme.com,P\n" for n in range(6))
    Path("bulk.csv").write_text(f"op,email,display_name\n{rows}")
    run = [*options(omni, "bulk.csv")[:-1], "omni-sdk"]
    assert cli.run(["apply", *run, "--auto-approve"]) == ExitCode.GUARD
    assert "a guard refuses this plan; nothing was executed" in said(capsys)
    assert omni.omni.writes == []
    assert cli.run(["plan", *run, "--out", "plan.json", "--allow-removals", "6"]) == 0
    command = capsys.readouterr().out.rpartition("Apply exactly this with: reconciler ")[2].split()
    assert command[-4:] == ["--allow-removals", "6", "--plan", "plan.json"]
    assert cli.run(command) == 0
    assert not any(omni.live()["users"][f"p{n}@acme.com"]["active"] for n in range(6))


def test_who_owns_the_key_is_protected(omni: Served) -> None:
    Path("bulk.csv").write_text("op,email,display_name\ndelete,dora@acme.com,Dora\n")
    run = [*options(omni, "bulk.csv")[:-1], "omni-sdk"]
    assert cli.run(["apply", *run, "--auto-approve", "--allow-removals", "1"]) == ExitCode.GUARD
    assert omni.omni.writes == []


def test_every_bad_row_is_told_and_nothing_is_sent(omni: Served, capsys: Output) -> None:
    Path("users.csv").write_text(f"{HEAD}\nu1,bob,Bob,true\nu2,ada@acme.com,Ada,perhaps\n{CLEO}\n")
    for command in ("plan", "apply --auto-approve"):
        assert cli.run([*command.split(), *options(omni)]) == ExitCode.ERROR
        out, err = capsys.readouterr()
        assert out == ""
        assert "users.csv:2:userName: a name in `users` cannot be the text `bob`" in err
        assert "users.csv:3:active: " in err
    assert omni.omni.seen == []


# Where a key may go


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "https://evil.example",
            "the key is not sent to evil.example: it is not in RECONCILER_ALLOWED_HOSTS",
        ),
        ("http://evil.example", "the key is not sent to evil.example: http can be read on the way"),
        ("https://ada:secret@acme.omniapp.co", "--url: "),
        (
            "https://acme.omniapp.co\nkeys: [{file: /etc/passwd}]",
            "--url: the address holds a space or a control",
        ),
        ("acme", "--url: "),
    ],
)
def test_no_option_sends_the_key_elsewhere(omni: Served, url: str, words: str, capsys: Output) -> None:
    arguments = ["plan", "--url", url, *options(omni)[2:]]
    assert cli.run(arguments) == ExitCode.ERROR
    err = said(capsys)
    assert words in err
    assert "secret" not in err
    assert KEY not in err


@pytest.mark.usefixtures("omni")
def test_only_own_hosts_count_where_none_are_named(
    monkeypatch: pytest.MonkeyPatch, omni: Served, capsys: Output
) -> None:
    monkeypatch.delenv("RECONCILER_ALLOWED_HOSTS")
    assert cli.run(["plan", *options(omni)]) == ExitCode.ERROR
    assert "it is not one of Omni's own hosts" in said(capsys)
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", f"OTHER_KEY={omni.host}")
    assert cli.run(["plan", *options(omni)]) == ExitCode.ERROR
    assert "is not sent to" in said(capsys)
    assert omni.omni.seen == []


def test_a_key_that_is_not_set_is_told(omni: Served, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.delenv("OMNI_API_KEY")
    assert cli.run(["plan", *options(omni)]) == ExitCode.ERROR
    assert "command line: the environment variable OMNI_API_KEY is not set, or is empty" in said(capsys)


# In a repository


def test_in_a_repository_nothing_is_recorded_and_the_target_there_is_named(
    omni: Served, capsys: Output
) -> None:
    """Its `protect` would have kept somebody; who runs it must know."""
    git(Path(), "init", "--quiet")
    folder = Path("desired-state/production")
    folder.mkdir(parents=True)
    (folder / "target.yaml").write_text(f"kind: omni\nurl: {omni.url}\nkeys: [{{env: OMNI_API_KEY}}]\n")
    git(Path(), "add", ".")
    git(Path(), "commit", "--quiet", "--message", "Begin")
    assert cli.run(["apply", *options(omni), "--auto-approve"]) == 0
    warning = (
        "warning: production in desired-state looks after this system: its `protect`, `ignore`, `manage` and"
    )
    assert warning in said(capsys)
    assert git(Path(), "for-each-ref", "refs/reconciler") == ""
    assert cli.run(["plan", *options(omni), "--out", "desired-state/production/new.yaml"]) == ExitCode.USAGE
    assert "would be read as desired state" in said(capsys)


def test_without_git_on_the_machine_it_works(omni: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert cli.run(["apply", *options(omni), "--auto-approve"]) == 0


# Usage

NEEDED = ["--url", "https://acme.omniapp.co", "--kind", "omni", "--source", "users.csv"]


@pytest.mark.parametrize("verb", ["plan", "apply"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (NEEDED[:2], "a one-off run needs --kind, too: --url https://... --kind KIND --source users.csv"),
        (NEEDED[:4], "a one-off run needs --source, too: "),
        (NEEDED[2:], "a one-off run needs --url, too: "),
        (LIKE, "a one-off run needs --url, too: "),
        (NEEDED, "--source users.csv needs --like TOOL, which says what its columns mean"),
        ([*NEEDED[:3], "toy", *NEEDED[4:], *LIKE], "there is no kind of system called 'toy'"),
        (
            [*NEEDED[:5], "users.xlsx", *LIKE],
            "--source users.xlsx does not end in .csv, .json, .yaml or .yml",
        ),
        ([*NEEDED[:5], "a.yaml", "--groups-file", "g.csv"], "--groups-file needs exactly one list"),
        ([*NEEDED, *LIKE, "production"], "TARGET goes without --url: a one-off run has no repository"),
        ([*NEEDED, *LIKE, "--since", "HEAD"], "--since goes without --url"),
        ([*NEEDED, *LIKE, "--dir", "people"], "--dir goes without --url"),
        ([*NEEDED, *LIKE, "--only", "changed"], "--only changed goes without --url"),
    ],
)
@pytest.mark.usefixtures("omni")
def test_bad_usage_says_what_is_needed(verb: str, arguments: list[str], words: str, capsys: Output) -> None:
    assert cli.run([verb, *arguments]) == ExitCode.USAGE
    assert words in said(capsys)


def test_a_base_goes_without_it(omni: Served, capsys: Output) -> None:
    assert cli.run(["plan", *options(omni), "--base", "HEAD"]) == ExitCode.USAGE
    assert "--base goes without --url" in said(capsys)


def test_what_cannot_be_read_is_told_where_it_was_named(omni: Served, capsys: Output) -> None:
    assert cli.run(["plan", *options(omni, "gone.csv", "gone.yaml")[:-1], "other"]) == ExitCode.ERROR
    err = said(capsys)
    assert "--like: no mapping is called `other` for this kind of system" in err
    assert "gone.yaml: this cannot be read: No such file or directory" in err


def test_an_output_overwrites_no_source(omni: Served, capsys: Output) -> None:
    before = Path("users.csv").read_bytes()
    assert cli.run(["plan", *options(omni), "--out", "../desk/users.csv"]) == ExitCode.USAGE
    assert "would overwrite a source" in said(capsys)
    assert Path("users.csv").read_bytes() == before


def test_it_fits_a_narrow_terminal(omni: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli.run(["plan", *options(omni)]) == 0
    assert max(len(row) for row in screen.getvalue().splitlines()) <= 30


def test_a_target_there_that_cannot_be_read_hides_no_other(omni: Served, capsys: Output) -> None:
    for name, kind in (("broken", "nope"), ("production", "omni")):
        folder = Path("desired-state") / name
        folder.mkdir(parents=True)
        text = f"kind: {kind}\nurl: {omni.url}\nkeys: [{{env: OMNI_API_KEY}}]\n"
        (folder / "target.yaml").write_text(text)
    assert cli.run(["plan", *options(omni)]) == 0
    said = capsys.readouterr().err
    assert "warning: broken in desired-state cannot be read: where it looks after this system" in said
    assert "warning: production in desired-state looks after this system" in said

"""The command as a person meets it: what it says, on which stream, and its exit code."""

import dataclasses
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import ask, user_id
from project import KEY, LIVE, PEOPLE, Project, Served, a_project, served
from sample_plans import HOSTILE
from wire import Server, running

from reconciler import cli, workflow
from reconciler.errors import ExitCode
from reconciler.report import Report
from reconciler.sandbox.faults import Fault
from reconciler.sandbox.omni import Sandbox
from reconciler.sandbox.store import Store
from reconciler.sandbox.switches import Switches
from reconciler.target.settings import load_targets
from reconciler.transport.messages import Request, Response

RUN_NAME = re.compile(r"acme-\d{8}T\d{6}\.\d{6}Z")
Output = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The small project with an embedded sandbox, with its folder as the working directory."""
    monkeypatch.chdir(tmp_path)
    return a_project(tmp_path)


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The small project against a real socket, with the environment that it needs."""
    monkeypatch.chdir(tmp_path)
    with served(tmp_path) as project:
        for name, value in project.environ.items():
            monkeypatch.setenv(name, value)
        yield project


def _files() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def plain(text: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"plan [0-9a-f]{12}$", "plan DIGEST", text, flags=re.MULTILINE)
    return RUN_NAME.sub("acme-RUN", re.sub(r"in \d+ s", "in 0 s", text))


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> Terminal:
    """Let a person sit there who types this; returns what they see on standard error."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


# What each command prints

PLAN = """\
Plan for acme (omni, https://acme.omniapp.co) against the embedded pretend system

1 removal
  - 1 user deactivated
Additions and updates
  + 1 user created
  + 1 membership added
  ~ 1 user updated
  ~ 1 group updated
  ~ 1 attribute value set

note: the system does not say whose key this is, so its owner is not protected by itself
note: 1 live user and 0 live groups are not in the files: kept

+ user/cleo@acme.com  create  desired-state/acme/people.yaml:6:3
    + name    Cleo
    + region  [emea]

~ user/ada@acme.com  update  desired-state/acme/people.yaml:2:3
    ~ name  Ada -> Ada Lovelace

~ group/Finance  add 1 member  desired-state/acme/people.yaml:11:3
    + cleo@acme.com

- user/bob@acme.com  deactivate  desired-state/acme/people.yaml:4:3
    - active  true -> false

4 writes, without waiting (the pace is 55 a minute); the reads before and after come on top
"""


@pytest.mark.usefixtures("project")
def test_validate(capsys: Output) -> None:
    assert cli.run(["validate"]) == 0
    assert capsys.readouterr() == ("acme: 2 users, 1 group, 1 to be gone. Valid.\n", "")


def test_plan(project: Project, capsys: Output) -> None:
    assert cli.run(["plan"]) == 0
    assert capsys.readouterr() == (PLAN, "")
    assert not (project.root / "acme.json").exists()


@pytest.mark.usefixtures("project")
def test_plan_with_out_saves_and_show_prints_it_again(capsys: Output) -> None:
    assert cli.run(["plan", "acme", "--out", "a plan.json"]) == 0
    saved = "\nSaved to a plan.json. Apply exactly this with: reconciler apply acme --plan 'a plan.json'\n"
    assert capsys.readouterr().out == PLAN + saved
    assert _files() == ["a plan.json", "desired-state"]
    assert cli.run(["show", "a plan.json"]) == 0
    assert capsys.readouterr().out == PLAN
    assert cli.run(["show", "--format", "json", "a plan.json"]) == 0
    assert capsys.readouterr().out == Path("a plan.json").read_text(encoding="utf-8")


def test_the_hint_names_another_folder(project: Project, capsys: Output) -> None:
    (project.root / "desired-state").rename(project.root / "people")
    assert cli.run(["plan", "--dir", "people", "--out", "p.json"]) == 0
    assert "reconciler apply acme --dir people --plan p.json\n" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_plan_as_json(capsys: Output) -> None:
    assert cli.run(["plan", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["counts"]["removals"] == 1
    assert err == ""


def test_apply(project: Project, capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve"]) == 0
    out, err = capsys.readouterr()
    assert plain(out) == (
        PLAN + "\nApplied 4 changes to acme in 0 s (4 requests).\n  1 created, 2 updated, 1 removed\n\n"
        f"Run by: {workflow.ran_by()}, plan DIGEST\n"
        "Journal: .reconciler/runs/acme-RUN.jsonl\n"
    )
    assert err == (
        "[1/4] create user cleo@acme.com\n[2/4] update user ada@acme.com\n"
        "[3/4] update group Finance\n[4/4] update user bob@acme.com\n"
    )
    assert project.live()["users"]["ada@acme.com"]["name"] == "Ada Lovelace"
    assert cli.run(["plan", "--detailed-exitcode"]) == 0
    assert "\nNo changes.\n" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_apply_as_json_prints_only_the_report_on_standard_output(capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert report["counts"]["created"] == 1
    assert Path(report["journal"]).is_file()
    assert err.startswith(PLAN)


def test_apply_with_nothing_to_do_says_so_and_writes_no_journal(project: Project, capsys: Output) -> None:
    cli.run(["apply", "--auto-approve"])
    (journal,) = project.runs.glob("*.jsonl")
    capsys.readouterr()
    assert cli.run(["apply"]) == 0
    assert capsys.readouterr().out.endswith("\nNothing to do, and nothing was sent.\n")
    assert cli.run(["apply", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["journal"], report["counts"]["unchanged"]) == ("", 4)
    assert list(project.runs.glob("*.jsonl")) == [journal]


def test_the_release(capsys: Output) -> None:
    assert cli.run(["--version"]) == 0
    assert re.fullmatch(r"reconciler \d+\.\d+\.\d+\n", capsys.readouterr().out)


# Approval

NO_TERMINAL = (
    "Error: there is no terminal to ask at, so nothing was executed: "
    "give --auto-approve, or a reviewed plan with --plan FILE\n"
)


def test_without_a_terminal_an_apply_needs_approval(
    project: Project, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project.live()
    assert cli.run(["apply"]) == 1
    assert capsys.readouterr() == (PLAN + "\n", NO_TERMINAL)
    monkeypatch.setattr(sys, "stdin", None)
    assert cli.run(["apply"]) == 1
    assert capsys.readouterr().err == NO_TERMINAL
    assert project.live() == before
    assert not list(project.runs.glob("*.jsonl"))


def test_a_yes_at_a_terminal_applies(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = at_a_terminal(monkeypatch, "yes\n")
    assert cli.run(["apply"]) == 0
    assert "Apply these 4 changes to acme? Only 'yes' is a yes: " in screen.getvalue()
    assert project.live()["users"]["bob@acme.com"]["active"] is False


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "no\n", "\n", "", "yes please\n"])
def test_anything_but_yes_and_also_ctrl_d_is_a_no(
    project: Project, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    before = project.live()
    screen = at_a_terminal(monkeypatch, answer)
    assert cli.run(["apply"]) == 1
    assert screen.getvalue().endswith("Error: not approved; nothing was executed\n")
    assert screen.getvalue().count("\nError") == (answer == "")
    assert project.live() == before


def test_ctrl_c_at_the_prompt_interrupts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(Terminal):
        def readline(self, *_: object) -> str:
            raise KeyboardInterrupt

    screen = at_a_terminal(monkeypatch, "")
    monkeypatch.setattr(sys, "stdin", Impatient())
    assert cli.run(["apply"]) == ExitCode.INTERRUPTED
    assert screen.getvalue().endswith("Interrupted.\n")
    assert not list(project.runs.glob("*.jsonl"))


def test_one_change_is_asked_for_in_the_singular(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("people.yaml", "users:\n  ada@acme.com: {name: Ada L.}\n")
    screen = at_a_terminal(monkeypatch, "no\n")
    assert cli.run(["apply"]) == 1
    assert "Apply this change to acme? " in screen.getvalue()


# Saved plans


@pytest.fixture
def saved(project: Project, capsys: Output) -> Path:
    """A reviewed plan."""
    assert cli.run(["plan", "--out", "plan.json"]) == 0
    capsys.readouterr()
    return project.root / "plan.json"


APPLY = ["apply", "--plan", "plan.json"]


@pytest.mark.usefixtures("project", "saved")
def test_a_saved_plan_is_applied_without_asking(capsys: Output) -> None:
    assert cli.run(APPLY) == 0
    assert "\nOf 6 details in the reviewed plan: 6 to do.\n" in capsys.readouterr().out


@pytest.mark.usefixtures("project", "saved")
def test_a_saved_plan_whose_changes_are_done_is_nothing_to_do(capsys: Output) -> None:
    cli.run(APPLY)
    capsys.readouterr()
    assert cli.run(APPLY) == 0
    assert capsys.readouterr().out.endswith(
        "\nOf 6 details in the reviewed plan: 6 done already.\n\nNothing to do, and nothing was sent.\n"
    )


def change_live(project: Project, **users: dict[str, Any]) -> None:
    """Have somebody change people in Omni itself."""
    seed: dict[str, Any] = {**LIVE, "users": {**LIVE["users"]}}
    for name, fields in users.items():
        seed["users"][f"{name}@acme.com"] = {**LIVE["users"].get(f"{name}@acme.com", {}), **fields}
    project.seed(seed)


@pytest.mark.usefixtures("saved")
def test_a_stale_plan_names_each_detail_and_does_nothing(project: Project, capsys: Output) -> None:
    change_live(project, ada={"name": "Countess"})
    project.write("people.yaml", PEOPLE.replace("    attributes: {region: [emea]}\n", ""))
    before = project.live()
    assert cli.run(APPLY) == ExitCode.STALE
    out, err = capsys.readouterr()
    assert "4 to do, 1 moved, 1 unwanted.\n" in out
    assert '  user/ada@acme.com name: moved, live is now "Countess", and was "Ada" at the review\n' in out
    assert "  user/cleo@acme.com attributes region: unwanted, " in out
    assert err == (
        "Error: the reviewed plan does not hold any more, so nothing was executed: plan and review again, "
        "or leave out what no longer holds with --skip-stale\n"
    )
    assert project.live() == before


@pytest.mark.usefixtures("saved")
def test_skip_stale_does_the_rest(project: Project) -> None:
    change_live(project, ada={"name": "Countess"})
    assert cli.run([*APPLY, "--skip-stale"]) == 0
    users = project.live()["users"]
    assert users["ada@acme.com"]["name"] == "Countess"
    assert users["bob@acme.com"]["active"] is False


@pytest.mark.usefixtures("saved")
def test_a_user_deleted_between_plan_and_apply_is_stale(project: Project, capsys: Output) -> None:
    omni = Sandbox(Store.open(project.target / "seed.yaml", project.root / "acme.json"))
    ask(omni, "DELETE", f"/scim/v2/users/{user_id(omni, 'ada@acme.com')}")
    assert cli.run(APPLY) == ExitCode.STALE
    assert "user/ada@acme.com name: moved, it is not there any more\n" in capsys.readouterr().out


@pytest.mark.usefixtures("saved")
def test_what_nobody_reviewed_is_listed_and_left(project: Project, capsys: Output) -> None:
    project.write("more.yaml", "users:\n  eve@acme.com: {name: Eve}\n")
    assert cli.run(APPLY) == 0
    assert (
        "1 change that the files want now and nobody reviewed: left to the next plan.\n  user/eve@acme.com\n"
    ) in capsys.readouterr().out
    assert "eve@acme.com" not in project.live()["users"]


def edited(document: dict[str, Any]) -> str:
    document["changes"][0]["label"] = "mallory@acme.com"
    return json.dumps(document)


def of_another_release(document: dict[str, Any]) -> str:
    return json.dumps(document | {"format_version": 99})


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (edited, "it does not match its digest: it was edited after it was saved; plan again"),
        (of_another_release, "its format_version is 99; this release reads 3: plan again"),
        (lambda document: json.dumps(document)[:200], "it is not JSON: "),
        (lambda _: "[]", "it is not a saved plan"),
        (lambda _: "", "it is not JSON: "),
    ],
)
@pytest.mark.parametrize("command", [APPLY, ["show", "plan.json"]])
@pytest.mark.usefixtures("project")
def test_a_plan_that_was_spoilt_is_refused(
    saved: Path, capsys: Output, spoil: Any, reason: str, command: list[str]
) -> None:
    saved.write_text(spoil(json.loads(saved.read_text())))
    assert cli.run(command) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f"plan.json: {reason}")
    assert out == ""


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
@pytest.mark.usefixtures("project")
def test_a_plan_that_cannot_be_read_is_refused(capsys: Output, content: bytes | None) -> None:
    if content is not None:
        Path("plan.json").write_bytes(content)
    assert cli.run(APPLY) == 1
    why = "it is not text" if content else "No such file or directory"
    assert capsys.readouterr().err.startswith(f"plan.json: the plan cannot be read: {why}\n")


@pytest.mark.usefixtures("saved")
def test_a_plan_of_another_target_or_address_is_refused(project: Project, capsys: Output) -> None:
    a_project(project.root / "elsewhere", "other")
    assert cli.run([*APPLY, "--dir", "elsewhere/desired-state"]) == 1
    assert capsys.readouterr().err.startswith("plan.json: it was made for acme at https://acme.omniapp.co, ")
    project.configure(url="https://evil.omniapp.co")
    assert cli.run(APPLY) == 1
    assert "not for acme at https://evil.omniapp.co\n" in capsys.readouterr().err


# Guards

MANY: dict[str, Any] = {
    **LIVE,
    "users": {**LIVE["users"], **{f"p{n}@acme.com": {"name": "P"} for n in range(10)}},
    "groups": {},
}
LEAVERS = "users:\n" + "".join(f"  p{n}@acme.com: {{state: absent}}\n" for n in range(6))


@pytest.fixture
def drastic(project: Project) -> Project:
    """A plan over the limits: all six managed users are to go."""
    project.seed(MANY)
    project.write("people.yaml", LEAVERS)
    return project


def test_a_plan_over_the_limits_is_printed_in_full_and_refused(drastic: Project, capsys: Output) -> None:
    before = drastic.live()
    assert cli.run(["plan", "--out", "plan.json"]) == ExitCode.GUARD
    out, err = capsys.readouterr()
    assert out.startswith("Plan for acme")
    assert "\nREFUSED: this plan will not be applied\n" in out
    assert out.endswith("\nSaved to plan.json.\n")
    assert err == ""
    for command in (["apply", "--auto-approve"], APPLY):
        assert cli.run(command) == ExitCode.GUARD
        out, err = capsys.readouterr()
        assert "\n|   --allow-removals 6\n" in out
        assert err == "Error: a guard refuses this plan; nothing was executed\n"
    assert drastic.live() == before


@pytest.mark.usefixtures("drastic")
def test_a_refused_plan_as_json_keeps_standard_output_clean(capsys: Output) -> None:
    assert cli.run(["plan", "--format", "json"]) == ExitCode.GUARD
    out, err = capsys.readouterr()
    assert json.loads(out)["counts"]["removals"] == 6
    assert "REFUSED" in err


def test_only_the_exact_number_approves(drastic: Project, capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve", "--allow-removals", "5"]) == ExitCode.GUARD
    assert "--allow-removals 5 approves another plan" in capsys.readouterr().out
    assert cli.run(["plan", "--out", "plan.json", "--allow-removals", "6"]) == 0
    assert cli.run([*APPLY, "--allow-removals", "6"]) == 0
    assert drastic.live()["users"]["p0@acme.com"]["active"] is False


def test_limits_are_judged_on_the_saved_plan(drastic: Project) -> None:
    cli.run(["plan", "--out", "plan.json", "--allow-removals", "6"])
    done = {name: {"active": False} for name in ("p0", "p1", "p2")}
    drastic.seed({**MANY, "users": {**MANY["users"], **{f"{n}@acme.com": f for n, f in done.items()}}})
    # Only three are left to do, which would be within the floor; the plan that was reviewed is not.
    assert cli.run(APPLY) == ExitCode.GUARD
    assert cli.run([*APPLY, "--allow-removals", "6"]) == 0


# Usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "--zz"], "Error: No such option: --zz (see: reconciler plan --help)"),
        (["plam"], "Error: No such command 'plam'. Did you mean 'plan'? (see: reconciler --help)"),
        (["plan", "--out"], "Error: Option '--out' requires an argument (see: reconciler --help)"),
        (["plan", "--allow-removals", "x"], "Error: Invalid value for '--allow-removals': "),
        (["plan", "--allow-removals", "-1"], "Error: Invalid value for '--allow-removals': "),
        (["plan", "--format", "yaml"], "Error: Invalid value for '--format': "),
        (["show"], "Error: Missing argument 'PLAN' (see: reconciler show --help)"),
        (["apply", "--skip-stale"], "Error: --skip-stale goes with --plan (see: reconciler --help)"),
        (["sandbox", "serve", "seed.yaml", "--port", "70000"], "Error: Invalid value for '--port': "),
        *(
            (["sandbox", "serve", "seed.yaml", *arguments], f"Error: {message}")
            for arguments, message in (
                (["--switch", "page_cap"], "--switch: page_cap: write NAME=VALUE"),
                (["--switch", "page_cap=x"], "--switch: page_cap: must be a whole number from 0"),
                (["--switch", "page_cap=-1"], "--switch: page_cap: must be a whole number from 0"),
                (["--switch", "shows_defaults=1"], "--switch: shows_defaults: must be true or false"),
                (["--switch", "page_cup=1"], "--switch: page_cup: no such switch; there are requests_per_"),
                (["--switch", "page_cap=1", "--switch", "page_cap=1"], "--switch: page_cap: given twice"),
                (["--fault", "dropped"], "--fault: dropped: write NAME=VALUE"),
                (
                    ["--fault", "drooped=0.1"],
                    "--fault: drooped: no such fault; there are rate_limited, inter",
                ),
                (["--fault", "dropped=ten"], "--fault: dropped: must be a number from 0 to 1"),
                (
                    ["--fault", "dropped=2"],
                    "--fault: the chances of a schedule must each be 0 or more and sum to",
                ),
                (["--fault", "dropped=nan"], "--fault: the chances of a schedule must each be 0 or more and"),
            )
        ),
        ([], "Usage: reconciler [OPTIONS] COMMAND [ARGS]..."),
        (["sandbox"], "Usage: reconciler sandbox [OPTIONS] COMMAND [ARGS]..."),
    ],
)
def test_bad_usage_is_64(arguments: list[str], message: str, capsys: Output) -> None:
    assert cli.run(arguments) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)


@pytest.mark.parametrize(
    "arguments",
    [["plan", "--out", "x"], ["plan", "--allow-removals", "3"], ["apply", "--plan", "x"]],
)
def test_options_for_one_target_need_one(project: Project, arguments: list[str], capsys: Output) -> None:
    a_project(project.root, "other")
    assert cli.run(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err == (
        f"Error: {arguments[1]} needs exactly one target; name one of: acme, other (see: reconciler --help)\n"
    )


@pytest.mark.usefixtures("project")
def test_a_target_may_be_named_twice_and_with_the_slash_of_a_completion(capsys: Output) -> None:
    assert cli.run(["validate", "acme/", "acme"]) == 0
    assert capsys.readouterr().out.count("acme") == 1


# Several targets


@pytest.fixture
def two(project: Project) -> Project:
    """A second target, called other."""
    return a_project(project.root, "other")


@pytest.mark.usefixtures("two")
def test_plans_of_several_targets_follow_each_other(capsys: Output) -> None:
    assert cli.run(["plan"]) == 0
    assert "come on top\n\nPlan for other" in capsys.readouterr().out
    assert cli.run(["plan", "--format", "json"]) == 0
    assert [plan["target"] for plan in json.loads(capsys.readouterr().out)] == ["acme", "other"]
    assert cli.run(["plan", "other", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == "other"


@pytest.mark.usefixtures("two")
def test_reports_of_several_targets_are_one_json_document(capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve", "--format", "json"]) == 0
    assert [report["target"] for report in json.loads(capsys.readouterr().out)] == ["acme", "other"]


def test_one_target_that_fails_does_not_stop_the_other_and_the_gravest_code_wins(
    two: Project, capsys: Output
) -> None:
    two.seed({"nonsense": 1})
    assert cli.run(["plan", "--detailed-exitcode", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    assert [plan["target"] for plan in json.loads(out)] == ["acme"]
    assert err.startswith("Error: other: ")
    assert cli.run(["plan", "acme", "--detailed-exitcode"]) == ExitCode.CHANGES
    two.seed(MANY)
    two.write("people.yaml", LEAVERS)
    assert cli.run(["plan", "--detailed-exitcode"]) == ExitCode.GUARD


@pytest.mark.usefixtures("two")
def test_an_interrupted_apply_does_not_go_on_with_the_next_target(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Report, "exit_code", property(lambda _: ExitCode.INTERRUPTED))
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.INTERRUPTED
    assert "other" not in capsys.readouterr().out


# Bugs


@pytest.mark.usefixtures("remote")
def test_a_bug_is_one_line_and_a_log_without_a_key(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        message = f"it holds {KEY}"
        raise RuntimeError(message)

    monkeypatch.setattr(workflow, "plan", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cli.run(["plan"]) == ExitCode.BUG
    out, err = capsys.readouterr()
    (log,) = tmp_path.glob("reconciler-bug-*.log")
    assert (out, err) == (
        "",
        f"This is a bug in reconciler, and not your fault. The details are in {log}\n",
    )
    text = log.read_text(encoding="utf-8")
    assert "RuntimeError: it holds [key]\n" in text
    assert KEY not in text


@pytest.mark.usefixtures("project")
def test_a_bug_without_room_for_a_log_is_told_in_full(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "validate", lambda _: 1 // 0)
    monkeypatch.setattr("tempfile.tempdir", "/dev/null")
    assert cli.run(["validate"]) == ExitCode.BUG
    assert "ZeroDivisionError" in capsys.readouterr().err


# Streams


def test_text_that_an_encoding_lacks_is_escaped(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("people.yaml", "users:\n  ada@acme.com: {name: Åda}\n")
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert cli.run(["plan"]) == 0
    assert b"Ada -> \\xc5da\n" in raw.getvalue()


@pytest.mark.usefixtures("project")
def test_closed_streams_are_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.run(["plan", "--detailed-exitcode"]) == ExitCode.CHANGES
    for stream in (sys.stdout, sys.stderr):
        stream.close()


def test_hostile_text_moves_no_cursor(project: Project, capsys: Output) -> None:
    change_live(project, ada={"name": HOSTILE})
    assert cli.run(["plan"]) == 0
    out, _ = capsys.readouterr()
    assert "\\x1b[2J" in out
    assert "\x1b" not in out
    project.write("people.yaml", f"users:\n  ada@acme.com: {{name: {json.dumps(HOSTILE)}}}\n")
    assert cli.run(["validate"]) == 1
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_colours_and_width_follow_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")

    def printed() -> str:
        screen = Terminal()
        monkeypatch.setattr(sys, "stdout", screen)
        assert cli.run(["plan"]) == 0
        return screen.getvalue()

    coloured = printed()
    assert "\x1b[" in coloured
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", row)) for row in coloured.splitlines()) <= 30
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in printed()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in printed()


# Requests


def test_verbose_shows_each_request_and_never_a_key(remote: Served, capsys: Output) -> None:
    assert cli.run(["apply", "--auto-approve", "-v"]) == 0
    out, err = capsys.readouterr()
    assert KEY not in out + err
    requests = [row for row in err.splitlines() if row.startswith("  ")]
    assert len(requests) == len(remote.omni.seen)
    assert all(re.fullmatch(r"  (GET|POST|PATCH|DELETE) /\S+ \d{3} \d+ ms", row) for row in requests)


@pytest.mark.usefixtures("remote")
def test_a_terminal_shows_that_it_reads_and_how_far_an_apply_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = at_a_terminal(monkeypatch, "yes\n")
    assert cli.run(["apply"]) == 0
    text = screen.getvalue()
    assert text.startswith("\rReading: 0 requests\x1b[K\rReading: 1 request\x1b[K\rReading: 2 requests\x1b[K")
    assert "\r\x1b[KApply these" in text
    assert "4/4" in text


@pytest.mark.usefixtures("remote")
def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen = at_a_terminal(monkeypatch, "yes\n")
    assert cli.run(["apply"]) == 0
    assert "[4/4] update user bob@acme.com\n" in screen.getvalue()
    assert "\x1b" not in screen.getvalue()
    assert "\r" not in screen.getvalue()


# Signals


def interrupt_at_first_write(remote: Served, times: int = 1, number: int = signal.SIGINT) -> None:
    """Have the person (or the system) ask to stop while the first write is at the server."""

    def hook(request: Request) -> None:
        if request.method != "GET" and not any(seen.method != "GET" for seen in remote.omni.seen[:-1]):
            for _ in range(times):
                os.kill(os.getpid(), number)

    remote.omni.hook = hook


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_finishes_the_request_in_flight(
    remote: Served, capfd: pytest.CaptureFixture[str], number: int
) -> None:
    before = signal.getsignal(number)
    interrupt_at_first_write(remote, number=number)
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.INTERRUPTED
    assert signal.getsignal(number) is before
    out, err = capfd.readouterr()
    assert "\nStopping after the request in flight; once more stops at once.\n" in err
    assert "Interrupted: applied" in out
    assert [entry["event"] for entry in remote.journal()] == ["mandate", "start", "intent", "result", "end"]
    assert "cleo@acme.com" in remote.live()["users"]
    remote.omni.hook = lambda _: None
    assert cli.run(["apply", "--auto-approve"]) == 0
    assert cli.run(["plan", "--detailed-exitcode"]) == 0


def test_a_signal_that_was_ignored_stays_ignored(remote: Served) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interrupt_at_first_write(remote, number=signal.SIGHUP)
        assert cli.run(["apply", "--auto-approve"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("project")
def test_ctrl_c_while_reading_is_130(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "plan", interrupted)
    assert cli.run(["plan"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr() == ("", "Interrupted.\n")


def test_ctrl_c_outside_of_any_command_is_130(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    assert cli.run(["plan"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "Interrupted.\n"


# Bad days


def test_some_refused_is_6_and_the_neighbours_are_done(remote: Served, capsys: Output) -> None:
    remote.omni.hook = lambda request: (
        Response(400, json={"detail": "No more seats", "status": 400}) if request.method == "POST" else None
    )
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.PARTIAL
    out, _ = capsys.readouterr()
    assert "No more seats" in out
    assert remote.live()["users"]["ada@acme.com"]["name"] == "Ada Lovelace"
    # Nothing is taken from anybody else because of it, and the plan knows what is left.
    remote.omni.hook = lambda _: None
    assert cli.run(["apply", "--auto-approve"]) == 0


def test_a_key_that_is_revoked_before_the_first_write_is_1_and_stops(remote: Served, capsys: Output) -> None:
    remote.omni.hook = lambda request: (
        Response(401, json={"detail": "Missing or invalid API key", "status": 401})
        if request.method != "GET"
        else None
    )
    assert cli.run(["apply", "--auto-approve"]) == 1
    assert len(remote.omni.writes) == 1
    assert "Stopped: " in capsys.readouterr().out


@pytest.mark.usefixtures("remote")
def test_an_unknown_key_and_a_personal_one_say_what_to_do(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, words in (("wrong", "401"), ("mine", "organization")):
        monkeypatch.setenv("OMNI_API_KEY", key)
        assert cli.run(["plan"]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("Error: ")
        assert err.count("\n") == 1
        assert words in err


@pytest.fixture
def server(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that answers what it is told, as the project's target."""
    server = Server()
    url = server.root.removesuffix("/api")
    monkeypatch.setenv("OMNI_API_KEY", KEY)
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", url.partition("://")[2])
    project.configure(url=url)
    yield from running(server)


@pytest.mark.parametrize(
    ("status", "body", "headers", "words"),
    [
        (200, "<html><h1>Sign in</h1></html>", {"Content_Type": "text/html"}, "GET /v1/whoami"),
        (200, "", {}, "GET /v1/whoami"),
        (302, "", {"Location": "https://evil.example/?key=1"}, "a redirect (302) to evil.example/, which is"),
        (307, "", {"Location": "/login"}, "a redirect (307) to /login, which is"),
    ],
)
def test_what_is_no_answer_of_omni_is_one_clear_line(
    server: Server, capsys: Output, status: int, body: str, headers: dict[str, str], words: str
) -> None:
    server.reply(status, body, **headers)
    assert cli.run(["plan"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ")
    assert words in err
    assert err.count("\n") == 1
    assert KEY not in err
    assert len(server.seen) == 1


def test_an_answer_of_another_shape_is_one_clear_line(remote: Served, capsys: Output) -> None:
    remote.omni.hook = lambda request: (
        Response(200, json=[1, 2]) if request.path == "/scim/v2/groups" else None
    )
    assert cli.run(["plan"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"Error: GET /scim/v2/groups [^\n]+\n", err)


def test_a_certificate_that_does_not_verify_gets_no_key(
    tls_server: Server, project: Project, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = f"127.0.0.1:{tls_server.server_port}"
    monkeypatch.setenv("OMNI_API_KEY", KEY)
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", host)
    project.configure(url=f"https://{host}")
    assert cli.run(["plan"]) == 1
    assert f"the certificate of {host} does not verify" in capsys.readouterr().err
    assert tls_server.seen == []


@pytest.mark.parametrize(
    ("url", "allowed", "words"),
    [
        ("http://acme.omniapp.co", None, "http can be read on the way; use https"),
        ("https://evil.example", None, "not one of Omni's own hosts; if it is yours, set "),
        (
            "http://127.0.0.1:8080",
            None,
            "not one of Omni's own hosts; if it is yours, set RECONCILER_ALLOWED_HOSTS=127.0.0.1:8080\n",
        ),
        ("https://acme.omniapp.co", "acme.example", "it is not in RECONCILER_ALLOWED_HOSTS; "),
        ("https://acme.omniapp.co", "", "RECONCILER_ALLOWED_HOSTS is set but names no host"),
    ],
)
def test_a_host_that_may_not_have_the_key_gets_nothing(
    project: Project,
    capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    allowed: str | None,
    words: str,
) -> None:
    monkeypatch.setenv("OMNI_API_KEY", KEY)
    Path(".env").write_text("RECONCILER_ALLOWED_HOSTS=evil.example,127.0.0.1:8080,acme.omniapp.co\n")
    if allowed is not None:
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", allowed)
    project.configure(url=url)
    assert cli.run(["plan"]) == 1
    assert words in capsys.readouterr().err


def test_without_a_key_it_says_where_to_put_one(project: Project, capsys: Output) -> None:
    project.configure(url="https://acme.omniapp.co")
    assert cli.run(["plan"]) == 1
    assert capsys.readouterr().err == (
        "desired-state/acme/target.yaml: the environment variable OMNI_API_KEY is not set, or is empty\n"
        "    hint: export OMNI_API_KEY=..., or write it into .env, which git must ignore\n"
        "1 problem in 1 file.\n"
    )


def test_two_live_users_with_one_address_stop_the_plan(project: Project, capsys: Output) -> None:
    project.seed({**LIVE, "users": {**LIVE["users"], "ADA@acme.com": {"name": "Ada"}}})
    assert cli.run(["plan"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "ada@acme.com" in err


@pytest.mark.parametrize(
    "total", [lambda n: 3 + n, lambda n: 300 - n, lambda _: 3], ids=["grows", "shrinks", "repeats a page"]
)
def test_a_list_that_moves_while_it_is_read_makes_no_plan(
    remote: Served, capsys: Output, total: Callable[[int], int]
) -> None:
    def moving(request: Request) -> Response | None:
        if request.path != "/scim/v2/users":
            return None
        number = sum(seen.path == request.path for seen in remote.omni.seen)
        row = {"id": "00000000-0000-4000-8000-000000000001", "userName": "ada@acme.com"}
        start = int(request.query["startIndex"])
        page = {"Resources": [row], "totalResults": total(number), "startIndex": start, "itemsPerPage": 1}
        return Response(200, json=page)

    remote.omni.hook = moving
    assert cli.run(["plan"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"Error: [^\n]+\n", err)
    assert len(remote.omni.seen) < 12


def test_a_group_of_five_thousand_is_planned_edge_by_edge(project: Project, capsys: Output) -> None:
    people = {f"p{n}@acme.com": {"name": "P"} for n in range(5000)}
    project.seed({**LIVE, "users": {**LIVE["users"], **people}, "groups": {"Finance": [*people]}})
    project.write(
        "people.yaml", "groups:\n  Finance:\n    members:\n" + "".join(f"    - {e}\n" for e in [*people][1:])
    )
    assert cli.run(["plan", "--format", "json"]) == 0
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert change["fields"] == [{"path": ["members", "p0@acme.com"], "before": True, "after": None}]


def make_utf16(folder: Path) -> None:
    (folder / "people.yaml").write_bytes("users: {}\n".encode("utf-16"))


def make_bomb(folder: Path) -> None:
    (folder / "people.yaml").write_text("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")


def make_unreadable(folder: Path) -> None:
    (folder / "people.yaml").unlink()
    (folder / "people.yaml").symlink_to("nothing.yaml")


def make_pipe(folder: Path) -> None:
    (folder / "people.yaml").unlink()
    os.mkfifo(folder / "people.yaml")


def make_empty_target(folder: Path) -> None:
    (folder / "target.yaml").write_text("")


@pytest.mark.parametrize("spoil", [make_utf16, make_bomb, make_unreadable, make_pipe, make_empty_target])
@pytest.mark.parametrize("command", ["validate", "plan", "apply"])
def test_a_bad_file_is_named_and_nothing_is_asked_of_omni(
    remote: Served, capsys: Output, spoil: Any, command: str
) -> None:
    spoil(remote.target)
    assert cli.run([command]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("desired-state/acme/")
    assert err.endswith("file.\n")
    assert remote.omni.seen == []


def test_a_missing_or_empty_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["plan"]) == 1
    assert capsys.readouterr().err.startswith("desired-state: there is no such folder here\n")
    Path("desired-state").mkdir()
    assert cli.run(["plan"]) == 1
    assert capsys.readouterr().err.startswith("desired-state: no folder here holds a target.yaml\n")
    assert cli.run(["plan", "nobody"]) == 1


@pytest.mark.usefixtures("project")
def test_an_unknown_target_is_named_with_those_there_are(capsys: Output) -> None:
    assert cli.run(["plan", "acne"]) == 1
    assert capsys.readouterr().err.startswith(
        "desired-state/acne: there is no such target\n    hint: known are: acme\n"
    )


# Lock, journal and other disks


@pytest.mark.usefixtures("project")
def test_a_second_apply_says_who_holds_the_lock(capsys: Output) -> None:
    (target,) = load_targets(Path("desired-state"))
    with workflow.locked(target):
        assert cli.run(["apply", "--auto-approve"]) == 1
    _, err = capsys.readouterr()
    assert re.fullmatch(
        rf"Error: another apply is running on acme \(process {os.getpid()} on .+, since .+ UTC\); "
        r"wait for it to end\n",
        err,
    )
    assert cli.run(["apply", "--auto-approve"]) == 0


@pytest.mark.parametrize("journal", ["people.yaml", "/dev/null/runs"])
def test_a_journal_folder_that_cannot_be_made_stops_before_any_request(
    remote: Served, capsys: Output, journal: str
) -> None:
    remote.configure(url=remote.url, journal=str(remote.target / journal))
    assert cli.run(["apply", "--auto-approve"]) == 1
    assert (
        "nothing is sent without it; make room, or set `journal:` in target.yaml" in capsys.readouterr().err
    )
    assert remote.omni.seen == []


def test_the_journal_goes_where_it_is_told(project: Project) -> None:
    project.configure(journal="logs")
    assert cli.run(["apply", "--auto-approve"]) == 0
    assert list((project.root / "logs").glob("*.jsonl"))
    assert not project.runs.exists()


def test_a_sandbox_whose_state_cannot_be_written_says_so(project: Project, capsys: Output) -> None:
    project.configure(sandbox={"seed": "seed.yaml", "state": "target.yaml/state.json"})
    assert cli.run(["apply", "--auto-approve"]) == 1
    assert "Stopped: the pretend Omni cannot write its state file: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "words"), [("/dev/null/p.json", "Not a directory"), (".", "Is a directory")]
)
@pytest.mark.usefixtures("project")
def test_a_plan_that_cannot_be_saved_says_so(capsys: Output, path: str, words: str) -> None:
    assert cli.run(["plan", "--out", path]) == 1
    assert capsys.readouterr().err.startswith(f"{path}: the plan cannot be saved: {words}\n")
    assert _files() == ["desired-state"]


@pytest.mark.usefixtures("project")
def test_a_pipe_or_device_is_written_to_and_not_replaced() -> None:
    assert cli.run(["plan", "--out", "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.usefixtures("project")
def test_a_saved_plan_is_for_its_owner_alone_and_replaces_the_older_one_whole() -> None:
    Path("plan.json").write_text("old")
    assert cli.run(["plan", "--out", "plan.json"]) == 0
    assert Path("plan.json").stat().st_mode & 0o077 == 0
    assert _files() == ["desired-state", "plan.json"]


# The sandbox as a server


def test_a_seed_that_is_none_is_named(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["sandbox", "serve", "seed.yaml"]) == 1
    assert capsys.readouterr().err == (
        "Error: seed.yaml: the sandbox cannot start from this seed: No such file or directory\n"
    )


def test_a_port_that_is_taken_is_named(project: Project, capsys: Output) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert cli.run(["sandbox", "serve", str(project.target / "seed.yaml"), "--port", port]) == 1
    assert capsys.readouterr().err == (
        f"Error: port {port} cannot be used: Address already in use; choose another with --port\n"
    )


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who presses Ctrl-C as soon as the sandbox is served."""

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reconciler.sandbox.server.Server.wait", stop)


@pytest.mark.usefixtures("interrupted")
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (None, "sandbox"),
        ({"mine": {"kind": "personal", "owner": "ada@acme.com"}, "a b": {}}, "'a b'"),
        ({"one": {}, "two": {}}, "one"),
    ],
)
def test_a_served_sandbox_says_how_to_use_it_until_ctrl_c(
    project: Project, capsys: Output, keys: dict[str, Any] | None, said: str
) -> None:
    project.seed({k: v for k, v in (LIVE | {"keys": keys}).items() if v is not None})
    assert cli.run(["sandbox", "serve", str(project.target / "seed.yaml"), "--port", "0"]) == 0
    out, _ = capsys.readouterr()
    assert re.search(r"A pretend Omni is at http://127\.0\.0\.1:\d+, until Ctrl-C", out)
    assert re.search(rf"  export RECONCILER_ALLOWED_HOSTS=127\.0\.0\.1:\d+ OMNI_API_KEY={said}\n", out)
    assert out.endswith("Stopped.\n")


def test_the_help_names_every_fault_and_switch(capsys: Output) -> None:
    assert cli.run(["sandbox", "serve", "--help"]) == 0
    words = set(re.findall(r"[a-z_0-9]+", capsys.readouterr().out))
    assert {fault.name.lower() for fault in Fault} | {
        field.name for field in dataclasses.fields(Switches)
    } <= words


@pytest.mark.usefixtures("interrupted")
def test_a_served_sandbox_without_a_key_for_it_says_so(project: Project, capsys: Output) -> None:
    project.seed(LIVE | {"keys": {"mine": {"kind": "personal", "owner": "ada@acme.com"}}})
    assert cli.run(["sandbox", "serve", str(project.target / "seed.yaml"), "--port", "0"]) == 0
    out, _ = capsys.readouterr()
    assert "OMNI_API_KEY=" not in out
    assert "This seed has no organization key: add one under `keys`." in out


# What the command is made of


def test_help_imports_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys\nfrom reconciler import cli\ncode = cli.run(['--help'])\n"
        "heavy = {'requests', 'jsonschema', 'fastjsonschema', 'deepdiff', 'yaml', 'rich', 'dotenv'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)), code)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True
    )
    assert result.stdout.endswith("LOADED [] 0\n")


def test_the_console_script_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["reconciler", "plam"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == ExitCode.USAGE

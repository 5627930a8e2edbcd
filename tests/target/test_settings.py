"""target.yaml and the environment: what they say, and what they may not."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from asking import COMPANY
from project import KEY, Project, a_project

from reconciler.errors import Invalid, Place, Unreachable
from reconciler.planning.scope import Limits
from reconciler.providers.kind import Credential
from reconciler.target.credentials import environment, resolve
from reconciler.target.session import connect
from reconciler.target.settings import Target, load_targets
from reconciler.transport.clock import Stop
from reconciler.transport.messages import Request


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return a_project(tmp_path)


def the_target(project: Project, **settings: object) -> Target:
    project.configure(**settings)
    (target,) = load_targets(Path("desired-state"))
    return target


REAL: dict[str, Any] = {"url": "https://acme.omniapp.co"}


def problems(caught: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [str(problem) for problem in caught.value.problems]


def test_the_defaults(project: Project) -> None:
    project.write("target.yaml", "kind: omni\nurl: https://acme.omniapp.co/\nkeys: [{env: OMNI_API_KEY}]\n")
    (target,) = load_targets(Path("desired-state"))
    assert (target.name, target.kind, target.url) == ("acme", "omni", "https://acme.omniapp.co")
    assert target.requests_per_minute == 55
    assert target.journal == Path(".reconciler/runs")
    assert target.credentials == (Credential({"key": {"env": "OMNI_API_KEY"}}),)
    assert target.sandbox is None
    assert target.policy.manage == {"create", "name", "active", "groups", "attributes"}
    assert target.policy.exact_attributes == frozenset()
    assert target.policy.tombstone == "deactivate"
    assert target.policy.removals == Limits(0.25, 5)
    assert target.policy.creations == Limits(0.5, 50)
    assert target.place == Place("desired-state/acme/target.yaml")


@pytest.mark.parametrize("tail", ["", "/", "/api", "/api/", "/api/v1", "/api/v1/"])
def test_the_address_has_one_form_however_it_is_written(project: Project, tail: str) -> None:
    assert the_target(project, url=f"https://Acme.omniapp.co{tail}").url == "https://acme.omniapp.co"


def test_everything_that_can_be_said(project: Project) -> None:
    target = the_target(
        project,
        **REAL,
        keys=[{"file": "/run/secrets/omni"}],
        requests_per_minute=30,
        manage={"users": ["name"], "exact_attributes": ["region"]},
        ignore={"users": ["*@vendor.example"], "groups": ["okta-*"]},
        leavers={"users": {"tombstone": "revoke"}},
        limits={"removals": {"share": 0.5, "floor": 1}, "creations": {"share": "1.0", "floor": 2}},
        protect={"users": ["root@acme.com"], "groups": ["All Embed Users"]},
        journal="/var/log/omni",
    )
    policy = target.policy
    assert target.credentials == (Credential({"key": {"file": "/run/secrets/omni"}}),)
    assert (target.requests_per_minute, target.journal) == (30, Path("/var/log/omni"))
    assert (policy.manage, policy.exact_attributes) == ({"name"}, {"region"})
    assert (policy.ignore.user, policy.ignore.group) == (("*@vendor.example",), ("okta-*",))
    assert (policy.protect.user, policy.protect.group) == (("root@acme.com",), ("All Embed Users",))
    assert (policy.tombstone, policy.removals) == ("revoke", Limits(0.5, 1))
    assert policy.creations == Limits(1.0, 2)


def test_an_address_with_tricks_is_named_with_its_place(project: Project) -> None:
    project.write("target.yaml", "kind: omni\nurl: https://acme.omniapp.co/admin\nkeys: [{env: KEY}]\n")
    with pytest.raises(Invalid) as caught:
        load_targets(Path("desired-state"))
    (problem,) = problems(caught)
    assert problem == (
        "desired-state/acme/target.yaml:2:1: the address is not a host, with /api or nothing behind it; "
        "write it like https://acme.omniapp.co"
    )


def test_several_keys_each_have_their_turn(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("target.yaml", "kind: omni\nurl: https://a.omniapp.co\nkeys:\n  - env: A\n  - env: B\n")
    monkeypatch.setenv("A", "one")
    monkeypatch.setenv("B", "two")
    (target,) = load_targets(Path("desired-state"))
    found = resolve(target, environment(Path()))
    assert [one["key"].reveal() for one in found] == ["one", "two"]


def test_one_key_that_is_given_twice_is_no_second_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("target.yaml", "kind: omni\nurl: https://a.omniapp.co\nkeys:\n  - env: A\n  - env: B\n")
    monkeypatch.setenv("A", "hunter2")
    monkeypatch.setenv("B", "hunter2")
    (target,) = load_targets(Path("desired-state"))
    with pytest.raises(Invalid, match="two of the keys are the same key") as caught:
        resolve(target, environment(Path()))
    assert "hunter2" not in str(caught.value)


def test_every_problem_of_every_target_is_told_at_once(project: Project) -> None:
    project.configure(kind="okta")
    a_project(project.root, "other").configure(url="acme")
    with pytest.raises(Invalid) as caught:
        load_targets(Path("desired-state"))
    assert [p.place.file for p in caught.value.problems] == [
        "desired-state/acme/target.yaml",
        "desired-state/other/target.yaml",
    ]


def test_a_target_that_is_not_named_may_be_broken(project: Project) -> None:
    a_project(project.root, "other").configure(kind="okta")
    assert [target.name for target in load_targets(Path("desired-state"), ["acme"])] == ["acme"]


# Keys


def key_of(target: Target) -> str:
    return resolve(target, environment(Path()))[0]["key"].reveal()


def test_a_key_comes_from_the_environment_without_blanks_around_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNI_API_KEY", f"  {KEY}\n")
    assert key_of(the_target(project, **REAL)) == KEY


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"])
def test_a_key_comes_from_a_file_with_or_without_a_byte_order_mark(project: Project, prefix: bytes) -> None:
    Path("key").write_bytes(prefix + KEY.encode() + b"\r\n")
    assert key_of(the_target(project, **REAL, keys=[{"file": "key"}])) == KEY


def test_dot_env_wins_and_is_not_expanded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_API_KEY", "older")
    monkeypatch.setenv("OTHER", "x")
    Path(".env").write_text("# a comment\nexport OMNI_API_KEY='new$OTHER'\nEMPTY\n")
    assert key_of(the_target(project, **REAL)) == "new$OTHER"
    assert "EMPTY" not in environment(Path())


@pytest.mark.parametrize("empty", ["", "''", '"  "', "  # later"])
def test_an_empty_value_in_dot_env_beats_no_variable_that_is_set(
    project: Project, monkeypatch: pytest.MonkeyPatch, empty: str
) -> None:
    monkeypatch.setenv("OMNI_API_KEY", KEY)
    Path(".env").write_text(f"OMNI_API_KEY={empty}\n")
    assert key_of(the_target(project, **REAL)) == KEY


def test_dot_env_is_not_read_in_ci(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    Path(".env").write_text("OMNI_API_KEY=planted\n")
    with pytest.raises(Invalid, match="OMNI_API_KEY is not set, or is empty"):
        key_of(the_target(project, **REAL))


def test_dot_env_cannot_allow_a_host(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_API_KEY", KEY)
    Path(".env").write_text("RECONCILER_ALLOWED_HOSTS=evil.example\n")
    target = the_target(project, url="https://evil.example")
    with pytest.raises(Unreachable, match=r"the key is not sent to evil\.example"), connect(target):
        pass


@pytest.mark.parametrize("value", ["", "  \n"])
def test_an_empty_key_is_as_good_as_none(
    project: Project, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OMNI_API_KEY", value)
    with pytest.raises(Invalid) as caught:
        key_of(the_target(project, **REAL))
    (problem,) = problems(caught)
    assert problem == (
        "desired-state/acme/target.yaml: the environment variable OMNI_API_KEY is not set, or is empty "
        "(export OMNI_API_KEY=..., or write it into .env, which git must ignore)"
    )


def test_a_key_of_several_lines_is_refused_without_showing_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNI_API_KEY", f"{KEY}\nX-Evil: 1")
    with pytest.raises(Invalid) as caught:
        key_of(the_target(project, **REAL))
    (problem,) = problems(caught)
    assert "the environment variable OMNI_API_KEY holds a space, a line break" in problem
    assert KEY not in problem


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "the key file key cannot be read: No such file or directory"),
        (b"\xff\xfe\x00k", "the key file key cannot be read: it is not UTF-8 text"),
        (b"\n", "the key file key is not set, or is empty"),
    ],
)
def test_a_key_file_that_holds_no_key_is_named(project: Project, content: bytes | None, reason: str) -> None:
    if content is not None:
        Path("key").write_bytes(content)
    with pytest.raises(Invalid) as caught:
        key_of(the_target(project, **REAL, keys=[{"file": "key"}]))
    assert problems(caught)[0].startswith(f"desired-state/acme/target.yaml: {reason}")


def test_no_hint_names_dot_env_where_it_is_not_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(Invalid) as caught:
        key_of(the_target(project, **REAL))
    (problem,) = problems(caught)
    assert problem == (
        "desired-state/acme/target.yaml: the environment variable OMNI_API_KEY is not set, or is empty "
        "(give it to this step of the job, from its secrets)"
    )


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "it is no regular file"),
        (os.mkfifo, "it is no regular file"),
        (a_device, "it is no regular file"),
        (lambda path: path.write_bytes(b"KEY=\xff\n"), "it is not UTF-8 text"),
    ],
)
def test_a_dot_env_that_cannot_be_read_is_named(project: Project, make: Any, reason: str) -> None:
    make(Path(".env"))
    with pytest.raises(Invalid) as caught:
        key_of(the_target(project, **REAL))
    assert problems(caught)[0].startswith(f".env: .env cannot be read: {reason}")


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_a_key_file_that_is_none_is_not_waited_for(project: Project, make: Any) -> None:
    make(Path("key"))
    with pytest.raises(Invalid, match="the key file key cannot be read: it is no regular file"):
        key_of(the_target(project, **REAL, keys=[{"file": "key"}]))


def test_an_endless_key_file_ends(project: Project) -> None:
    with pytest.raises(Invalid, match="the key file /dev/zero cannot be read: it is no regular file"):
        key_of(the_target(project, **REAL, keys=[{"file": "/dev/zero"}]))


def test_a_key_file_anywhere_on_the_machine_may_be_a_link(project: Project) -> None:
    """So an orchestrator hands secrets over: a link in a folder of links, outside of any repository."""
    secrets = project.root.parent / f"{project.root.name}-run"
    secrets.mkdir()
    (secrets / "data").write_text(KEY)
    (secrets / "omni").symlink_to("data")
    assert key_of(the_target(project, **REAL, keys=[{"file": str(secrets / "omni")}])) == KEY


# Connections


def test_an_embedded_sandbox_needs_no_key_and_logs_no_header(project: Project) -> None:
    project.seed(COMPANY)
    lines: list[str] = []
    with connect(the_target(project), on_request=lines.append) as session:
        assert session.transport.send(Request("GET", "/v1/whoami")).ok
    assert [line.rsplit(" ", 2)[0] for line in lines] == ["GET /v1/whoami 200"]


def test_what_was_asked_to_stop_waits_for_nothing() -> None:
    stop = Stop()
    assert not stop.is_set()
    assert not stop.wait(0)
    assert not stop.wait(-1)
    stop.set()
    stop.set()
    assert stop.is_set()
    started = time.monotonic()
    assert stop.wait(10)
    assert stop.wait()
    assert time.monotonic() - started < 5


def test_another_thread_wakes_who_waits() -> None:
    stop = Stop()
    thread = threading.Timer(0.02, stop.set)
    thread.start()
    assert stop.wait()
    thread.join()


def test_a_signal_handler_may_set_it_at_every_step_of_a_wait() -> None:
    """A plain Event hangs here: the handler waits for a lock that the interrupted wait holds."""

    def steps_of(step: int) -> bool:
        stop = Stop()
        seen = 0

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal seen
            if event == "line" or frame.f_code.co_filename == threading.__file__:
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGUSR1)
            return trace if frame.f_code.co_name == "wait" else None

        before = signal.signal(signal.SIGUSR1, lambda *_: stop.set())
        traced_by = sys.gettrace()  # what measures coverage
        sys.settrace(trace)
        try:
            stop.wait(0.01)
        finally:
            sys.settrace(traced_by)
            signal.signal(signal.SIGUSR1, before)
        return stop.is_set()

    assert [steps_of(step) for step in (1, 2)] == [True, True]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("acme.lock", "a part that ends with .lock"),
        ("emea..apac", "two dots in a row"),
        ("acme copy", "a blank or a control character"),
        ("acme.lock/live", "a part that ends with .lock"),
    ],
)
def test_a_target_whose_name_git_cannot_keep_is_refused(project: Project, name: str, fault: str) -> None:
    (project.root / "desired-state" / name).parent.mkdir(exist_ok=True)
    project.target.rename(project.root / "desired-state" / name)
    with pytest.raises(Invalid, match=fault) as caught:
        load_targets(Path("desired-state"))
    (problem,) = problems(caught)
    assert problem.startswith(f"desired-state/{name}: a target cannot be called {name!r}: it has {fault}")
    assert problem.endswith("which git allows in no ref (rename its folder)")


def test_no_target_has_the_name_of_one_off_runs(project: Project) -> None:
    """A plan of it would pass for the plan of a one-off run, which knows nothing of its settings."""
    project.target.rename(project.root / "desired-state" / "one-off")
    with pytest.raises(Invalid) as caught:
        load_targets(Path("desired-state"))
    message = "a target cannot be called 'one-off': one-off runs are called so (rename its folder)"
    assert problems(caught) == [f"desired-state/one-off: {message}"]

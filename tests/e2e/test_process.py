"""The command as a process of its own, against a pretend Omni behind a real socket."""

import contextlib
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

import pytest
from project import KEY, LIVE, Served, served

import reconciler
from reconciler.errors import NoAnswer
from reconciler.sandbox.omni.instance import SITE
from reconciler.sandbox.server import Server, serve
from reconciler.transport.messages import Request, Response

ROOT = Path(reconciler.__file__).parents[1]
PATIENCE = 20
"""Seconds after which a process or a server that says nothing has failed the test."""

Process = subprocess.Popen[str]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as project:
        yield project


def environment(project: Served, **more: str) -> dict[str, str]:
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**plain, "HOME": str(project.root), **project.environ, **more}


@contextlib.contextmanager
def started(project: Served, *arguments: str, **environ: str) -> Iterator[Process]:
    """The command, running; whatever happens, it has ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=project.root,
        env=environment(project, **environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: Process) -> tuple[int, str, str]:
    """Wait for the exit code and all that was said."""
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def run(project: Served, *arguments: str, **environ: str) -> tuple[int, str, str]:
    with started(project, *arguments, **environ) as process:
        return ended(process)


class Hold:
    """Keeps one write waiting at the server until it is told to go on."""

    def __init__(self, project: Served, number: int) -> None:
        self.arrived = threading.Event()
        self.go_on = threading.Event()
        self._project = project
        self._number = number
        project.omni.hook = self._hook

    def _hook(self, request: Request) -> None:
        if request.method != "GET" and len(self._project.omni.writes) == self._number:
            self.arrived.set()
            assert self.go_on.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()


def wait_for(process: Process, words: str) -> str:
    """Read standard error until these words."""
    assert process.stderr
    said = ""
    while words not in said:
        row = process.stderr.readline()
        assert row, said
        said += row
    return said


def assert_converged(project: Served, *arguments: str) -> str:
    """The same command does what is left; then all is as the files say, and the rest as it was."""
    project.omni.hook = lambda _: None
    code, out, err = run(project, *arguments)
    assert code == 0, err
    live = project.live()
    apac, emea = {"region": ["apac"]}, {"region": ["emea"]}
    assert live["users"] == {
        "ada@acme.com": {"name": "Ada Lovelace", "active": True, "attributes": apac},
        "bob@acme.com": {"name": "Bob", "active": False, "attributes": {}},
        "cleo@acme.com": {"name": "Cleo", "active": True, "attributes": emea},
        "dora@acme.com": {"name": "Dora", "active": True, "attributes": {}},
    }
    assert set(live["groups"]["Finance"]) - {"bob@acme.com"} == {"ada@acme.com", "cleo@acme.com"}
    return out


def events(project: Served) -> list[str]:
    return [entry["event"] for entry in project.journal()]


PLAN = ("plan", "--out", "plan.json")
APPLY = ("apply", "--plan", "plan.json")


def test_the_whole_story(project: Served) -> None:
    assert run(project, "validate") == (0, "acme: 2 users, 1 group, 1 to be gone. Valid.\n", "")
    assert run(project, *PLAN, "--detailed-exitcode")[0] == 2
    code, out, err = run(project, *APPLY)
    assert (code, "Applied 4 changes to acme" in out) == (0, True)
    assert err.count("\n") == 4
    assert events(project) == ["mandate", "target", "start", *["intent", "result"] * 4, "end"]
    assert KEY not in "".join(path.read_text() for path in project.root.rglob("*.json*"))
    assert run(project, "plan", "--detailed-exitcode")[0] == 0
    assert "6 done already" in assert_converged(project, *APPLY)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_request_in_flight_and_the_same_command_resumes(
    project: Served, number: signal.Signals
) -> None:
    run(project, *PLAN)
    with Hold(project, 2) as hold, started(project, *APPLY) as process:
        assert hold.arrived.wait(PATIENCE)
        process.send_signal(number)
        wait_for(process, "Stopping after the request in flight; once more stops at once.\n")
        hold.go_on.set()
        code, out, _ = ended(process)
    assert code == 130
    assert "Interrupted: applied 2 of 4 changes to acme" in out
    assert events(project) == ["mandate", "target", "start", *["intent", "result"] * 2, "end"]
    assert project.live()["users"]["ada@acme.com"]["name"] == "Ada Lovelace"
    assert len(project.omni.writes) == 2
    assert "4 done already, 2 to do" in assert_converged(project, *APPLY)


def test_a_second_signal_stops_at_once(project: Served) -> None:
    run(project, *PLAN)
    with Hold(project, 2) as hold, started(project, *APPLY) as process:
        assert hold.arrived.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        wait_for(process, "once more stops at once.\n")
        process.send_signal(signal.SIGINT)
        code, _, err = ended(process)
        assert not hold.go_on.is_set()
    assert code == 130
    assert "Stopped at once: the last request may have taken place." in err
    assert events(project)[-1] == "intent"
    assert_converged(project, *APPLY)


def test_a_killed_apply_holds_no_lock_and_is_resumed(project: Served) -> None:
    run(project, *PLAN)
    with Hold(project, 3) as hold, started(project, *APPLY) as process:
        assert hold.arrived.wait(PATIENCE)
        code, _, err = run(project, "apply", "--auto-approve")
        assert (code, f"(process {process.pid} on " in err) == (1, True)
        process.kill()
        ended(process)
    assert_converged(project, *APPLY)


def test_a_server_that_dies_in_the_middle_and_comes_back_is_waited_for(tmp_path: Path) -> None:
    dying = threading.Event()
    with served(tmp_path) as first:
        store, port = first.store, int(first.host.partition(":")[2])
    servers: list[Server] = []

    def die(request: Request) -> Response | None:
        if request.method != "GET" and len(first.omni.writes) == 2:
            dying.set()
        if dying.is_set():
            message = "gone"
            raise NoAnswer(message)
        return None

    first.omni.hook = die
    servers.append(serve(first.omni, SITE, port))
    with started(first, "apply", "--auto-approve") as process:
        assert dying.wait(PATIENCE)
        servers.pop().close()
        first.omni.hook = lambda _: None
        with serve(first.omni, SITE, port):
            code, out, err = ended(process)
            assert code == 0, out + err
            assert_converged(first, "apply", "--auto-approve")
    assert store.snapshot()["users"]["ada@acme.com"]["name"] == "Ada Lovelace"


def test_a_throttled_apply_waits_as_it_is_asked_and_says_so(project: Served) -> None:
    busy = {"POST": 1, "GET": 1}

    def throttle(request: Request) -> Response | None:
        busy[request.method] = busy.get(request.method, 0) - 1
        if busy[request.method] < 0:
            return None
        headers = {"retry-after": "1"} if request.method == "POST" else {}
        return Response(429, headers, {"detail": "Too many requests", "status": 429})

    project.omni.hook = throttle
    code, _, err = run(project, "apply", "--auto-approve", "-v")
    assert code == 0
    assert re.search(r"\n  waiting [12] s: 429 from the server\n", err)
    assert re.search(r"\n  POST /scim/v2/users 429 \d+ ms\n", err)
    assert [request.method for request in project.omni.writes].count("POST") == 2
    assert_converged(project, "apply", "--auto-approve")


def test_a_one_off_run_needs_no_repository(project: Served) -> None:
    shutil.rmtree(project.root / "desired-state")
    lines = ["email,op,display_name", "ada@acme.com,upsert,Ada Lovelace", "bob@acme.com,delete,"]
    (project.root / "bulk.csv").write_text("\n".join(lines))
    of = ("--url", project.url, "--kind", "omni", "--source", "bulk.csv", "--like", "omni-sdk")
    assert run(project, "plan", *of, "--out", "plan.json", "--detailed-exitcode")[0] == 2
    # It is killed half-way, and the same command goes on.
    with Hold(project, 1) as hold, started(project, "apply", *of, "--plan", "plan.json") as process:
        assert hold.arrived.wait(PATIENCE)
        process.kill()
        ended(process)
    project.omni.hook = lambda _: None
    code, out, err = run(project, "apply", *of, "--plan", "plan.json")
    assert code == 0, err
    assert "Not recorded as applied: this is a one-off run" in out
    users = project.live()["users"]
    assert users["ada@acme.com"]["name"] == "Ada Lovelace"
    assert users["bob@acme.com"]["active"] is False
    assert users["dora@acme.com"]["active"] is True
    journals = sorted(project.runs.glob("one-off-*.jsonl"))
    assert len(journals) == 2
    assert KEY not in "".join(path.read_text("utf-8") for path in journals)


def test_a_full_disk_under_the_journal_sends_no_write_without_its_line(project: Served) -> None:
    run(project, *PLAN)
    process = subprocess.run(
        [sys.executable, "-m", "reconciler", *APPLY],
        cwd=project.root,
        env=environment(project),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        # As good as a full disk: no file grows beyond so many bytes.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1100, 1100)),
    )
    assert process.returncode == 6, process.stderr
    assert "the journal cannot be written (File too large)" in process.stdout
    (journal,) = project.runs.glob("*.jsonl")
    whole = [json.loads(row) for row in journal.read_text().splitlines(keepends=True) if row.endswith("\n")]
    intents = [entry["method"] for entry in whole if entry["event"] == "intent"]
    assert [request.method for request in project.omni.writes] == intents
    assert 0 < len(intents) < 4
    assert_converged(project, *APPLY)


def asked(server: Process, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """What a server that has just said where it is answers: status and JSON."""
    assert server.stdout
    host = re.search(r"http://([0-9.:]+)", server.stdout.readline())
    assert host
    with contextlib.closing(HTTPConnection(host[1], timeout=PATIENCE)) as connection:
        headers = {"Authorization": "Bearer sandbox"}
        connection.request(method, f"/api{path}", json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_served_sandbox_misbehaves_as_asked_this_once(project: Served) -> None:
    (project.root / "seed.yaml").write_text(json.dumps({"users": {"ada@acme.com": {}, "bob@acme.com": {}}}))
    serving = ("sandbox", "serve", "seed.yaml", "--state", "state.json", "--port", "0")
    with started(project, *serving, "--fault", "unavailable=1") as server:
        assert asked(server, "GET", "/v1/whoami")[0] == 503
    odd = ("--switch", "page_cap=1", "--switch", "error_shape=error", "--fault", "late_error=1")
    with started(project, *serving, *odd) as server:
        assert asked(server, "POST", "/scim/v2/users", {"userName": "a@b.co", "displayName": "A"})[0] == 500
    with started(project, *serving, "--switch", "page_cap=1") as server:
        page = asked(server, "GET", "/scim/v2/users")[1]
        assert (page["totalResults"], page["itemsPerPage"]) == (3, 1)
    with started(project, *serving) as server:
        assert asked(server, "GET", "/scim/v2/users")[1]["itemsPerPage"] == 3


def test_a_sandbox_is_served_as_a_process_of_its_own(project: Served) -> None:
    (project.root / "seed.yaml").write_text(json.dumps(LIVE))
    command = ("sandbox", "serve", "seed.yaml", "--state", "state.json", "--port", "0")
    with started(project, *command) as server:
        assert server.stdout
        said = "".join(server.stdout.readline() for _ in range(3))
        settings = re.search(r"export (RECONCILER_ALLOWED_HOSTS=(\S+)) OMNI_API_KEY=(\S+)", said)
        assert settings, said
        allowed = {"RECONCILER_ALLOWED_HOSTS": settings[2], "OMNI_API_KEY": settings[3]}
        project.configure(url=f"http://{settings[2]}")
        assert run(project, "apply", "--auto-approve", **allowed)[0] == 0
        assert run(project, "plan", "--detailed-exitcode", **allowed)[0] == 0
        server.send_signal(signal.SIGINT)
        assert ended(server) == (0, "Stopped.\n", "")
    assert "Ada Lovelace" in (project.root / "state.json").read_text()


def test_a_reader_that_leaves_early_is_no_error(project: Served) -> None:
    with started(project, "plan") as process:
        assert process.stdout
        assert process.stdout.readline().startswith("Plan for acme")
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE) == 0


def at_a_terminal(project: Served, answer: str, **environ: str) -> tuple[int, str]:
    """Apply at a real terminal of 30 columns; answer the question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply"],
        cwd=project.root,
        env=environment(project, COLUMNS="30", LINES="24", **environ),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen, deadline = b"", time.monotonic() + PATIENCE
    with process:
        try:
            while time.monotonic() < deadline:
                if not select.select([ours], [], [], 0.1)[0]:
                    continue
                try:
                    block = os.read(ours, 4096)
                except OSError:
                    break
                if not block:
                    break
                screen += block
                if answer and b"is a yes: " in screen:
                    os.write(ours, answer.encode())
                    answer = ""
            return process.wait(PATIENCE), screen.decode()
        finally:
            process.kill()
            os.close(ours)


def test_a_person_at_a_terminal_reads_answers_and_sees_how_far_it_is(project: Served) -> None:
    code, screen = at_a_terminal(project, "yes\n", TERM="xterm")
    assert code == 0
    assert "\rReading: 4 requests" in screen
    assert "Only 'yes' is a yes: yes" in screen
    assert "4/4" in screen
    assert project.live()["users"]["bob@acme.com"]["active"] is False


def test_ctrl_d_at_a_terminal_is_a_no(project: Served) -> None:
    code, screen = at_a_terminal(project, "\x04", TERM="dumb")
    assert code == 1
    assert "not approved; nothing was executed" in screen
    assert "\x1b" not in screen
    assert project.omni.writes == []


def test_the_wheel_holds_the_schemas_and_works_from_elsewhere(project: Served, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE)
    # The name of its own: that of the import package is another project's on the index.
    (wheel,) = wheels.glob("access_reconciler-*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    assert {path.name for path in (installed / "reconciler" / "schemas").iterdir()} >= {
        "desired-state.schema.json",
        "target.schema.json",
        "plan.schema.json",
    }
    assert (installed / "reconciler" / "starter" / "CODEOWNERS").is_file()
    assert (installed / "reconciler" / "py.typed").is_file()
    code, out, err = run(project, "validate", PYTHONPATH=str(installed))
    assert (code, out, err) == (0, "acme: 2 users, 1 group, 1 to be gone. Valid.\n", "")

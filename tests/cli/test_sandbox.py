"""The command `sandbox serve`."""

import dataclasses
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from project import LIVE, Project
from screen import Output

from reconciler import cli
from reconciler.sandbox.faults import Fault
from reconciler.sandbox.omni.switches import Switches


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


@pytest.mark.usefixtures("interrupted")
def test_the_address_of_a_served_directory_is_the_one_to_write(tmp_path: Path, capsys: Output) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("users: {ada@acme.com: {}}\n", encoding="utf-8")
    asked = ["sandbox", "serve", str(seed), "--kind", "scim", "--port", "0", "--switch", "create_answer=200"]
    assert cli.run(asked) == 0
    out, _ = capsys.readouterr()
    assert re.search(r"set `url: http://127\.0\.0\.1:\d+/scim/v2` and\n", out)
    assert re.search(r"  export RECONCILER_ALLOWED_HOSTS=127\.0\.0\.1:\d+ SCIM_TOKEN=sandbox\n", out)


@pytest.mark.usefixtures("interrupted")
def test_a_served_sandbox_without_a_key_for_it_says_so(project: Project, capsys: Output) -> None:
    project.seed(LIVE | {"keys": {"mine": {"kind": "personal", "owner": "ada@acme.com"}}})
    assert cli.run(["sandbox", "serve", str(project.target / "seed.yaml"), "--port", "0"]) == 0
    out, _ = capsys.readouterr()
    assert "OMNI_API_KEY=" not in out
    assert "This seed has no organization key: add one under `keys`." in out


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


def test_the_help_names_every_fault_and_switch(capsys: Output) -> None:
    assert cli.run(["sandbox", "serve", "--help"]) == 0
    words = set(re.findall(r"[a-z_0-9]+", capsys.readouterr().out))
    assert {fault.name.lower() for fault in Fault} | {
        field.name for field in dataclasses.fields(Switches)
    } <= words

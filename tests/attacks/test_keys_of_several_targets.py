"""Somebody makes a pull request by which the key of one target would go to the system of another.

The environment binds each key to its own host, and no file can change that.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from project import KEY, LIVE, Hooked, Served, served
from screen import Output
from starting import a_wish

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.starter.write import WORKFLOWS, workflow

ANOTHER = "opens-only-the-other-one"


class Two:
    """Two targets, each at a host and with a key of its own, and what both systems were sent."""

    def __init__(self, here: Served, there: Served) -> None:
        self.here, self.there = here, there
        self.target = here.target

    def says(self, **changes: object) -> None:
        """What target.yaml of the first target says from now on."""
        settings = {"kind": "omni", "url": self.here.url, "keys": [{"env": "OMNI_API_KEY"}]}
        (self.target / "target.yaml").write_text(json.dumps(settings | changes))

    @property
    def seen(self) -> list[str]:
        """The keys that reached the second system."""
        hooked: Hooked = self.there.omni
        return [request.headers.get("authorization", "") for request in hooked.seen]


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with ExitStack() as open_until_then:
        here = open_until_then.enter_context(served(tmp_path))
        seed = LIVE | {"keys": {ANOTHER: {}}}
        there = open_until_then.enter_context(served(tmp_path / "elsewhere", seed))
        monkeypatch.setenv("OMNI_API_KEY", KEY)
        monkeypatch.setenv("OTHER_KEY", ANOTHER)
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", f"OMNI_API_KEY={here.host},OTHER_KEY={there.host}")
        yield Two(here, there)


def refused(capsys: Output) -> str:
    assert cli.run(["plan"]) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert KEY not in said
    assert ANOTHER not in said
    return said


def test_each_key_goes_to_its_own_host(two: Two) -> None:
    """Nobody attacks."""
    two.says()
    assert cli.run(["plan"]) == ExitCode.OK
    two.says(url=two.there.url, keys=[{"env": "OTHER_KEY"}])
    assert cli.run(["plan"]) == ExitCode.OK
    assert set(two.seen) == {f"Bearer {ANOTHER}"}


def test_another_address_does_not_get_the_key(two: Two, capsys: Output) -> None:
    """Somebody who runs the other system changes `url`, to read this one's key in its log."""
    two.says(url=two.there.url)
    said = refused(capsys)
    assert f"the key of OMNI_API_KEY is not sent to {two.there.host}" in said
    assert f"set RECONCILER_ALLOWED_HOSTS=OMNI_API_KEY={two.here.host}," in said
    assert f",OMNI_API_KEY={two.there.host}" in said
    assert two.seen == []


def test_another_key_does_not_go_to_this_address(two: Two, capsys: Output) -> None:
    """Somebody who runs this system names the other one's key in `keys`."""
    two.says(keys=[{"env": "OTHER_KEY"}])
    assert f"the key of OTHER_KEY is not sent to {two.here.host}" in refused(capsys)
    two.says(keys=[{"env": "OMNI_API_KEY"}, {"env": "OTHER_KEY"}])
    assert f"the key of OTHER_KEY is not sent to {two.here.host}" in refused(capsys)
    assert two.here.omni.seen == []


def test_no_other_secret_of_the_job_goes_anywhere(
    two: Two, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody names another variable of the job, or a file that lies there, in the place of the key."""
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_opens-nothing-either")
    (two.target / "stolen").write_text(ANOTHER)
    for reference in ({"env": "GITHUB_TOKEN"}, {"file": "desired-state/acme/stolen"}):
        two.says(keys=[reference])
        assert "RECONCILER_ALLOWED_HOSTS does not name it for that host" in refused(capsys)
    assert two.here.omni.seen == []


def test_no_file_of_the_repository_changes_the_binding(two: Two, capsys: Output) -> None:
    """Somebody adds a `.env` that binds the key to the other host."""
    Path(".env").write_text(f"RECONCILER_ALLOWED_HOSTS=OMNI_API_KEY={two.there.host}\n")
    two.says(url=two.there.url)
    assert f"the key of OMNI_API_KEY is not sent to {two.there.host}" in refused(capsys)
    assert two.seen == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_job_of_a_target_holds_its_own_key_alone_and_it_is_bound(name: str) -> None:
    """Somebody adds a target, and hopes that its job finds the keys of the others."""
    text = workflow(name, replace(a_wish(), variables=("ID", "SECRET"), host="acme.example:8443"))
    steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    (environ,) = [step["env"] for step in steps if "secrets." in json.dumps(step)]
    mine = "matrix.target.name == 'production'"
    assert {key: value for key, value in environ.items() if "secrets." in value} == {
        "ID": f"${{{{ {mine} && secrets.ID || '' }}}}",
        "SECRET": f"${{{{ {mine} && secrets.SECRET || '' }}}}",
    }
    assert environ["RECONCILER_ALLOWED_HOSTS"] == "ID=acme.example:8443,SECRET=acme.example:8443"
    assert text.count("secrets.") == 2


def test_a_doctor_says_where_a_key_may_go(two: Two, capsys: Output) -> None:
    """Nobody attacks: who set the binding sees it."""
    two.says()
    cli.run(["doctor"])
    told = " ".join(capsys.readouterr().out.split())
    assert f"found in the environment variable OMNI_API_KEY, for {two.here.host} alone" in told

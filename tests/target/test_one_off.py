"""The target of a one-off run is what `init` would write, and is made by the same door."""

from pathlib import Path

import pytest

from reconciler.errors import Invalid
from reconciler.providers.registry import KINDS
from reconciler.target.one_off import one_off
from reconciler.target.session import Session
from reconciler.target.settings import Target, read_target
from reconciler.workflow import Options, plan

LIST = [Path("users.csv")]


def written(folder: Path, kind: str, url: str) -> Target:
    """The target that `init` writes for this address."""
    (folder / "target.yaml").write_text(KINDS[kind].first_target(url), "utf-8")
    return read_target("one-off", folder)


@pytest.mark.parametrize("kind", KINDS)
def test_its_settings_are_those_of_a_new_target(kind: str, tmp_path: Path) -> None:
    url = KINDS[kind].hosts({}).example
    made, read = one_off(kind, f"{url}/", LIST, "omni-user-manager"), written(tmp_path, kind, url)
    assert (made.policy, made.credentials, made.url) == (read.policy, read.credentials, read.url)
    assert (made.requests_per_minute, made.journal, made.probe) == (
        read.requests_per_minute,
        read.journal,
        read.probe,
    )
    assert made.settings == {**read.settings, "sources": made.settings["sources"]}
    assert str(made.place) == "command line"


def test_what_the_schema_refuses_is_told_at_its_option() -> None:
    with pytest.raises(Invalid) as caught:
        one_off("omni", "https://acme.omniapp.co", [Path("users.xlsx")])
    assert {str(problem.place) for problem in caught.value.problems} == {"--source users.xlsx"}


def test_it_has_no_revisions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.yaml").write_text("users: {ada@acme.com: {name: Ada}}\n")
    target = one_off("omni", "https://acme.omniapp.co", [Path("people.yaml")])
    assert list(target.load().users) == ["ada@acme.com"]
    with pytest.raises(ValueError, match="a one-off run has no revisions"):
        plan(target, Session(None, None, None), Options("HEAD"))  # type: ignore[arg-type]

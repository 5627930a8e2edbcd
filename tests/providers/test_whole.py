"""A kind of system is whole: shared code names none, and asks whichever kinds there are."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from project import a_project
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.providers import registry
from reconciler.providers.omni.kind import OmniKind
from reconciler.target.settings import load_targets
from reconciler.transport.hosts import Hosts

PACKAGE = Path(__file__).parents[2] / "reconciler"
NAMES_IT = {
    "omni": {
        "providers/registry.py": "the list of kinds",
        "cli/app.py": "what the program is for, in its help",
        "providers/scim/reader.py": "a comment names its source",
        "providers/scim/translate.py": "comments name their source",
    },
    "pleio": {"providers/registry.py": "the list of kinds"},
}


def test_every_system_is_one_that_must_not_be_named() -> None:
    """SCIM is no system: it is a standard, which shared code may speak of."""
    assert NAMES_IT.keys() == registry.KINDS.keys() - {"scim"}


@pytest.mark.parametrize("system", NAMES_IT)
def test_no_module_outside_its_own_folders_names_a_system(system: str) -> None:
    modules = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    named = {
        name
        for name, path in modules.items()
        if not name.startswith((f"providers/{system}/", f"sandbox/{system}/"))
        and system in path.read_text("utf-8").lower()
    }
    assert named == NAMES_IT[system].keys()


class Acme(OmniKind):
    """Another kind, which differs in what shared code asks for."""

    title = "Acme"
    pace = 7
    variables: Mapping[str, str] = MappingProxyType({"key": "ACME_TOKEN"})
    credential = "keys: [{env: ACME_TOKEN}]"

    def hosts(self, settings: Mapping[str, Any]) -> Hosts:
        assert settings.keys() <= {"url", "keys"}
        return Hosts(owner="Acme", suffixes=(".acme.example",), example="https://eu.acme.example")

    def first_target(self, url: str) -> str:
        return f"kind: acme\nurl: {url}\nkeys: [{{env: ACME_TOKEN}}]\n"

    def probe(self) -> None:
        return None


def test_another_kind_is_begun_and_refused_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setitem(registry.KINDS, "acme", Acme())  # type: ignore[arg-type]
    monkeypatch.chdir(tmp_path)
    init = [
        "init",
        "--kind",
        "acme",
        "--install",
        "pip install --require-hashes --requirement r.txt",
        "--alone",
    ]
    assert cli.run(init) == ExitCode.USAGE
    assert "the address of your Acme: --url https://eu.acme.example" in capsys.readouterr().err
    assert cli.run([*init, "--url", "https://eu.acme.example/"]) == ExitCode.OK
    assert "Next: export ACME_TOKEN=..." in capsys.readouterr().out
    for path in Path(".github/workflows").iterdir():
        text = path.read_text("utf-8")
        assert "ACME_TOKEN: ${{ matrix.target.name == 'production' && secrets.ACME_TOKEN || '' }}" in text
        assert "RECONCILER_ALLOWED_HOSTS: ACME_TOKEN=eu.acme.example\n" in text
        assert "environment: acme-" in text
        assert "omni" not in text.lower()
    (target,) = load_targets(Path("desired-state"))
    assert (target.kind, target.url, target.requests_per_minute) == ("acme", "https://eu.acme.example", 7)
    monkeypatch.setenv("ACME_TOKEN", "opens-nothing")
    (target.folder / "target.yaml").write_text(
        "kind: acme\nurl: https://acme.omniapp.co\nkeys: [{env: ACME_TOKEN}]\nprobe: true\n"
    )
    assert cli.run(["plan"]) == ExitCode.ERROR
    assert "is not sent to acme.omniapp.co: it is not one of Acme's own hosts" in capsys.readouterr().err
    assert cli.run(["doctor", "--probe"]) == ExitCode.GUARD
    assert "cannot be probed: there is no probe for Acme" in capsys.readouterr().err


def test_the_embedded_system_of_another_kind_is_opened_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setitem(registry.KINDS, "acme", Acme())  # type: ignore[arg-type]
    monkeypatch.chdir(tmp_path)
    project = a_project(tmp_path)
    project.write(
        "target.yaml",
        "kind: acme\nurl: https://eu.acme.example\nsandbox: {seed: seed.yaml, state: .reconciler/s.json}\n",
    )
    (target,) = load_targets(Path("desired-state"))
    assert (target.kind, target.requests_per_minute) == ("acme", 7)
    for command in (["validate"], ["plan"], ["apply", "--auto-approve"], ["doctor"]):
        assert cli.run(command) == ExitCode.OK, capsys.readouterr()


def test_a_kind_that_there_is_not_is_a_problem_at_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    project = a_project(tmp_path)
    project.configure(kind="omnia")
    assert cli.run(["validate"]) == ExitCode.ERROR
    assert "`kind` must be `omni` or `pleio` or `scim`, not the text `omnia`" in capsys.readouterr().err

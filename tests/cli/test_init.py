"""The command `init`."""

import json
from pathlib import Path

import pytest
from screen import Output

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.planning.scope import Policy
from reconciler.target.schemas import published
from reconciler.target.settings import load_targets

HASHES = "python -m pip install --require-hashes --requirement requirements.txt"


def test_a_repository_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitignore").write_text("node_modules")
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "drift.yml").write_text("mine")
    arguments = ["init", "live", "--url", "https://acme.omniapp.co/api/v1/", "--install", HASHES]
    assert cli.run(arguments) == ExitCode.OK
    said = capsys.readouterr().out
    assert "wrote .github/workflows/plan.yml\n" in said
    assert "kept .github/workflows/drift.yml\n" in said
    assert "added to .gitignore\n" in said
    assert "Next: export OMNI_API_KEY=..., then `reconciler doctor live`, `reconciler import live`" in said
    assert (tmp_path / ".github/workflows/drift.yml").read_text() == "mine"
    assert (tmp_path / ".gitignore").read_text() == "node_modules\n.env\n.reconciler/\n"
    assert cli.run(["validate"]) == ExitCode.OK
    assert capsys.readouterr().out == "live: 0 users, 0 groups. Valid.\n"
    assert cli.run(["targets"]) == ExitCode.OK
    assert capsys.readouterr().out == "live  omni  https://acme.omniapp.co\n"
    assert cli.run(arguments) == ExitCode.OK
    assert {line.split()[0] for line in capsys.readouterr().out.split("\n\n")[0].splitlines()} == {"kept"}
    for path in (tmp_path / "desired-state" / "live").iterdir():
        schema = path.parent / path.read_text().splitlines()[0].partition("=")[2]
        assert schema.resolve().is_file(), path


def test_a_second_target_is_told_the_lines_that_give_its_jobs_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    first = ["init", "live", "--install", HASHES, "--url", "https://acme.omniapp.co"]
    assert cli.run(first) == ExitCode.OK
    assert "get no key" not in capsys.readouterr().out
    assert cli.run(["init", "trial", *first[2:-1], "https://trial.omniapp.co:8443"]) == ExitCode.OK
    said = capsys.readouterr().out
    line = "OMNI_API_KEY: ${{ matrix.target.name == 'trial' && secrets.OMNI_API_KEY || '' }}"
    plan, hosts = Path(".github/workflows/plan.yml"), "OMNI_API_KEY=trial.omniapp.co:8443"
    assert "plan.yml, .github/workflows/apply.yml, .github/workflows/drift.yml: the jobs" in said
    assert f"    {line}\n" in said
    assert f"and add {hosts} to RECONCILER_ALLOWED_HOSTS there, after a comma." in said
    assert "A name that is there already is another target's" in said
    plan.write_text(f"{plan.read_text()}# {line} {hosts}\n")
    assert cli.run(["init", "trial", *first[2:-1], "https://trial.omniapp.co:8443"]) == ExitCode.OK
    assert "\n.github/workflows/apply.yml, .github/workflows/drift.yml: the" in capsys.readouterr().out


def test_a_directory_begins_with_its_key_bound_and_the_line_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    url = "https://directory.example:8443/t/acme/scim/v2"
    assert (
        cli.run(["init", "staff", "--kind", "scim", "--url", f"{url}/", "--install", HASHES]) == ExitCode.OK
    )
    bound = "SCIM_TOKEN=directory.example:8443"
    said = capsys.readouterr().out
    assert f"Next: export SCIM_TOKEN=... RECONCILER_ALLOWED_HOSTS={bound}, then `reconciler doctor" in said
    for name in ("plan", "apply", "drift"):
        text = Path(f".github/workflows/{name}.yml").read_text()
        assert f"RECONCILER_ALLOWED_HOSTS: {bound}\n" in text
        assert "SCIM_TOKEN: ${{ matrix.target.name == 'staff' && secrets.SCIM_TOKEN || '' }}" in text
    assert cli.run(["validate"]) == ExitCode.OK
    (target,) = load_targets(Path("desired-state"))
    assert (target.url, target.policy) == (url, Policy())
    # The other way in, which stands there as a comment, is one.
    path = Path("desired-state/staff/target.yaml")
    lines = path.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("# credential:"))
    other = [line.removeprefix("# ") for line in lines[start : start + 6]]
    kept = [line for line in lines[:start] if not line.startswith(("keys:", "  - env:"))]
    path.write_text("\n".join([*kept, *other, *lines[start + 6 :]]))
    (target,) = load_targets(Path("desired-state"))
    (credential,) = target.credentials
    assert credential.grant is not None
    assert credential.grant.url == "https://login.example/oauth2/token"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--url https://acme.omniapp.co"),
        (["--url", "acme"], "acme"),
        (
            ["--kind", "toy", "--url", "https://acme.omniapp.co"],
            "no kind of system called 'toy'; known are: omni",
        ),
        (["../up", "--url", "https://acme.omniapp.co"], "a target's name is a folder's"),
    ],
)
def test_what_init_cannot_use(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["init", "--install", HASHES, *arguments]) == ExitCode.USAGE
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_first_target_names_every_limit_with_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["init", "--install", HASHES, "--url", "https://acme.omniapp.co"]) == ExitCode.OK
    (target,) = load_targets(Path("desired-state"))
    limits = json.loads(published()["target-omni"])["properties"]["limits"]["properties"]
    assert target.settings["limits"] == {
        kind: {name: one["default"] for name, one in said["properties"].items()}
        for kind, said in limits.items()
    }
    assert (target.policy.removals, target.policy.creations) == (Policy().removals, Policy().creations)


def test_a_disk_that_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schemas").write_text("a file")
    assert cli.run(["init", "--install", HASHES, "--url", "https://acme.omniapp.co"]) == ExitCode.ERROR
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(("people", "many"), [("5000", False), ("5001", True)])
def test_where_there_are_many_people_a_pull_request_plans_what_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output, people: str, *, many: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["init", "--url", "https://acme.omniapp.co", "--install", HASHES, "--people", people]
    assert cli.run(arguments) == ExitCode.OK
    plan, drift = ((tmp_path / ".github/workflows" / name).read_text() for name in ("plan.yml", "drift.yml"))
    assert ('"$RUNNER_TEMP/plan" --only changed\n' in plan) is many
    assert ('cron: "17 5 * * *"' in drift) is many
    assert "@ONLY@" not in plan
    assert "@DAYS@" not in drift
    assert ("Apply the whole once before the first one" in capsys.readouterr().out) is many

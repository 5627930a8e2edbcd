"""Somebody looks for a setting of the repository that lets them past the review, and to the key.

Each story ends at `reconciler doctor --github`: it fails, and says what they found before they use it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fake_github import REPOSITORY, TOKEN, FakeGitHub, serving
from fake_settings import NO_RIGHTS, a_checkout, answered, well_set, write

from reconciler import cli
from reconciler.errors import ExitCode

ESCAPES = "\x1b[2J\x1b]0;owned\x07\r\n::set-env name=PATH::/tmp\n\u202eevil"


@dataclass
class Team:
    """A checkout with its repository on GitHub, whose settings are ``answers``."""

    top: Path
    github: FakeGitHub
    capsys: pytest.CaptureFixture[str]
    answers: dict[str, Any]

    def doctor(self, *arguments: str) -> tuple[int, str]:
        """Run the command; returns its exit code and what it prints."""
        self.github.answers = {f"GET {path}": answered(self.answers, path) for path in self.answers}
        code = cli.run(["doctor", "--github", *arguments])
        return code, self.capsys.readouterr().out

    def failing(self) -> str:
        """What it says where it fails, the lines about one thing in one."""
        code, out = self.doctor()
        assert code == ExitCode.ERROR
        lines = out.splitlines()
        return "\n".join(f"{a} {b}" for a, b in pairwise(lines) if a.startswith("FAILED"))


@pytest.fixture
def team(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Team]:
    top = a_checkout(tmp_path / "access")
    monkeypatch.chdir(top)
    with serving() as github:
        for name, value in {
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": github.url,
        }.items():
            monkeypatch.setenv(name, value)
        team = Team(top, github, capsys, well_set())
        assert team.doctor()[0] == ExitCode.OK
        yield team


def environment(team: Team, name: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = team.answers["/environments"]["environments"]
    return next(row for row in rows if row["name"] == name)


def test_a_branch_with_a_workflow_of_its_own_asks_for_the_key(team: Team) -> None:
    """An environment gives its key to any branch, and somebody pushes one with a workflow of their own."""
    environment(team, "omni-apply")["deployment_branch_policy"] = None
    said = team.failing()
    assert "omni-apply: branches" in said
    assert "whoever can push a branch gets the key" in said


def test_a_branch_whose_name_a_pattern_lets_in(team: Team) -> None:
    """The environment is for `main*`, and somebody pushes the branch `main-2`."""
    path = "/environments/omni-plan/deployment-branch-policies"
    team.answers[path] = {"branch_policies": [{"name": name, "type": "branch"} for name in ("main", "main*")]}
    assert "open to main, and to branch main*" in team.failing()


def test_a_merge_ref_is_let_in(team: Team) -> None:
    """The environment is for `refs/pull/*/merge`, too, and somebody opens a pull request with a workflow."""
    path = "/environments/omni-plan/deployment-branch-policies"
    team.answers[path]["branch_policies"].append({"name": "refs/pull/*/merge", "type": "branch"})
    assert "and to branch refs/pull/*/merge" in team.failing()


def test_the_key_lies_beside_the_environments(team: Team) -> None:
    """The environments are closed, but the key is among the secrets of the repository, for every branch."""
    team.answers["/actions/secrets"]["secrets"].append({"name": "OMNI_API_KEY"})
    assert "the repository has OMNI_API_KEY" in team.failing()


def test_another_environment_has_the_key(team: Team) -> None:
    """The two environments are closed, but a third has the same key, and somebody names it in a workflow."""
    team.answers["/environments"]["environments"].append(
        {"name": "staging", "deployment_branch_policy": None}
    )
    team.answers["/environments/staging/secrets"] = {"secrets": [{"name": "OTHER"}]}
    assert team.doctor()[0] == ExitCode.OK
    team.answers["/environments/staging/secrets"]["secrets"].append({"name": "OMNI_API_KEY"})
    assert "staging: branches" in team.failing()


def test_a_job_lost_its_environment(team: Team) -> None:
    """Somebody has `environment:` taken out of a workflow, so that the key must lie open for it to work."""
    path = team.top / ".github/workflows/apply.yml"
    write(
        team.top, ".github/workflows/apply.yml", path.read_text().replace("    environment: omni-apply\n", "")
    )
    assert "no environment for the job apply of apply.yml" in team.failing()


def test_a_bot_approves_what_its_author_proposes(team: Team) -> None:
    """Somebody pushes a workflow that approves their own pull request."""
    team.answers["/actions/permissions/workflow"]["can_approve_pull_request_reviews"] = True
    assert "a workflow may approve a pull request" in team.failing()


def test_a_green_check_is_forged(team: Team) -> None:
    """Somebody who can push reports `Plan acme` as passed, since the rule takes it from any source."""
    rules = team.answers["/rules/branches/main"]
    rules[3]["parameters"]["required_status_checks"][1]["integration_id"] = None
    assert "taken from any source: Plan acme" in team.failing()


def test_a_later_line_disowns_the_workflows(team: Team) -> None:
    """Somebody adds a last line to CODEOWNERS that matches the workflows and names nobody."""
    path = team.top / ".github/CODEOWNERS"
    path.write_text(path.read_text() + "*.yml\n")
    assert "nobody owns .github/workflows/apply.yml" in team.failing()


def test_another_code_owners_file_stands_in_the_way(team: Team) -> None:
    """Somebody adds a CODEOWNERS to .github, where GitHub looks before it looks at the real one."""
    (team.top / ".github/CODEOWNERS").rename(team.top / "CODEOWNERS")
    assert team.doctor()[0] == ExitCode.OK
    write(team.top, ".github/CODEOWNERS", "* @acme/everybody\n/.github/\n")
    assert "nobody owns .github/workflows/" in team.failing()


def test_a_token_with_few_rights_makes_nothing_look_well(team: Team) -> None:
    """Somebody hands over a token that sees next to nothing, so that the lines that matter are not there."""
    team.answers = {path: answer if path == "" else NO_RIGHTS for path, answer in well_set().items()}
    _, out = team.doctor()
    assert out.count("unknown ") == 9
    assert "environments" in out


@pytest.mark.parametrize("arguments", [(), ("--format", "json")])
def test_names_that_are_commands_stay_names(team: Team, arguments: tuple[str, ...]) -> None:
    """Somebody names a team, a pattern, a ruleset and an environment so that a terminal or a log obeys."""
    apply = environment(team, "omni-apply")
    apply["protection_rules"][1]["reviewers"] = [{"type": "Team", "reviewer": {"slug": ESCAPES}}]
    team.answers["/environments/omni-plan/deployment-branch-policies"]["branch_policies"][0]["name"] = ESCAPES
    team.answers["/rulesets/7"] |= {
        "name": ESCAPES,
        "bypass_actors": [{"actor_type": ESCAPES, "actor_id": ESCAPES}],
    }
    team.answers["/codeowners/errors"]["errors"] = [{"line": ESCAPES, "kind": ESCAPES}]
    team.answers["/actions/permissions"] = (403, {"message": ESCAPES})
    workflow = team.top / ".github/workflows/drift.yml"
    workflow.write_text(workflow.read_text().replace("omni-plan", '"evil\u202e"'))
    code, out = team.doctor(*arguments)
    assert code == ExitCode.ERROR
    assert "evil" in out
    assert all(character.isprintable() or character == "\n" for character in out)
    assert not any(line.lstrip().startswith(("::", "evil")) for line in out.splitlines())

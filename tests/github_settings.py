"""A GitHub in this process that knows the settings of a repository, and what is found of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fake_github import REPOSITORY
from fake_settings import (
    answered,
    well_set,
)

from reconciler.github.api import GitHub
from reconciler.github.settings.checks import diagnose_repository
from reconciler.report import Check
from reconciler.target.settings import load_targets
from reconciler.transport.messages import Request, Response

Answers = dict[str, Any]
Change = Callable[[Answers], object]
ADMIN = "use a token of an administrator of the repository"


class Stored:
    """A GitHub in this process that knows these answers; ``asked`` is what it was asked."""

    def __init__(self, answers: Answers, headers: dict[str, str] | None = None) -> None:
        self.answers, self.headers = answers, headers or {}
        self.asked: list[Request] = []

    def send(self, request: Request) -> Response:
        assert request.method == "GET"
        self.asked.append(request)
        found = self.answers.get(path := request.path.removeprefix(f"/repos/{REPOSITORY}"))
        if isinstance(found, Exception):
            raise found
        status, body = answered(self.answers, path)
        return Response(status, self.headers, body)


def diagnosed(top: Path, answers: Answers, headers: dict[str, str] | None = None) -> dict[str, Check]:
    root = top / "desired-state"
    made = diagnose_repository(GitHub(Stored(answers, headers), REPOSITORY), root, load_targets(root))
    checks = {check.name: check for check in made}
    assert len(checks) == len(made)
    return checks


def changed(top: Path, change: Change) -> dict[str, Check]:
    answers = well_set()
    change(answers)
    return diagnosed(top, answers)


def amiss(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check.status for name, check in checks.items() if check.status != "ok"}


def environment(answers: Answers, name: str) -> Answers:
    rows: list[Answers] = answers["/environments"]["environments"]
    return next(row for row in rows if row["name"] == name)


def reviewers(answers: Answers) -> Answers:
    rules: list[Answers] = environment(answers, "omni-apply")["protection_rules"]
    return rules[1]


def rule(answers: Answers, kind: str) -> Answers:
    rows: list[Answers] = answers["/rules/branches/main"]
    return next(row for row in rows if row["type"] == kind)["parameters"]  # type: ignore[no-any-return]


def unreviewed(answers: Answers, **about: object) -> None:
    """Nobody is required to review, in a repository such as this."""
    environment(answers, "omni-apply")["protection_rules"] = []
    answers[""] |= about


def lists(answers: Answers, *patterns: tuple[str, str]) -> None:
    """The branches and tags that may use the key of the apply."""
    rows = [{"name": name} | ({"type": kind} if kind else {}) for kind, name in patterns]
    answers["/environments/omni-apply/deployment-branch-policies"] = {"branch_policies": rows}


def only_classic(answers: Answers, protection: object) -> None:
    """There are no rulesets, and this is the protection of the branch."""
    answers["/rules/branches/main"] = []
    answers["/branches/main/protection"] = protection

"""The repository's own settings: each lack is a line that names it and says what it costs."""

import json
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from fake_github import REPOSITORY, TOKEN, FakeGitHub, serving
from fake_settings import (
    NO_RIGHTS,
    NOT_FOUND,
    UPGRADE,
    a_checkout,
    answered,
    classic,
    well_set,
    write,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler import cli
from reconciler.diagnosis.doctor import Check
from reconciler.errors import CredentialRefused, ExitCode, Interrupted, NoAnswer, Refused
from reconciler.github.api import GitHub
from reconciler.github.repository import diagnose
from reconciler.target.settings import load_targets
from reconciler.transport.messages import Request, Response
from reconciler.views.doctor import checks_text

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


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return a_checkout(tmp_path / "access")


def diagnosed(top: Path, answers: Answers, headers: dict[str, str] | None = None) -> dict[str, Check]:
    root = top / "desired-state"
    made = diagnose(GitHub(Stored(answers, headers), REPOSITORY), root, load_targets(root))
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


def test_a_well_set_repository_is_ok_in_every_line(top: Path) -> None:
    checks = diagnosed(top, well_set())
    assert amiss(checks) == {}
    assert all(not check.todo for check in checks.values())
    assert {
        name: checks[name].said for name in ("default branch", "omni-apply: reviewers", "rules: checks")
    } == {
        "default branch": "main, and the workflows run for it",
        "omni-apply: reviewers": "one of security, ada",
        "rules: checks": "required: Validate, Plan acme",
    }


LACKS: dict[str, tuple[Change, str, str, str]] = {
    "a public repository": (
        lambda a: a[""].update(visibility="public", private=False),
        *("repository", "public", "everybody reads the plans"),
    ),
    "a server that does not say who sees it": (
        lambda a: (a[""].pop("visibility"), a[""].pop("private")),
        *("repository", "public", "everybody reads the plans"),
    ),
    "no environment": (
        lambda a: a["/environments"]["environments"].pop(1),
        *("omni-apply", "there is no such environment", "open to every branch"),
    ),
    "any branch": (
        lambda a: environment(a, "omni-plan").update(deployment_branch_policy=None),
        *("omni-plan: branches", "every branch gets its secrets", "whoever can push a branch gets the key"),
    ),
    "any protected branch": (
        lambda a: environment(a, "omni-apply")["deployment_branch_policy"].update(
            protected_branches=True, custom_branch_policies=False
        ),
        *("omni-apply: branches", "every protected branch", "every branch where no rule is left"),
    ),
    "one more branch": (
        lambda a: lists(a, ("branch", "main"), ("branch", "release/*")),
        *(
            "omni-apply: branches",
            "open to main, and to branch release/*",
            "whoever can push there gets the key",
        ),
    ),
    "a tag of the same name": (
        lambda a: lists(a, ("branch", "main"), ("tag", "main")),
        *("omni-apply: branches", "open to main, and to tag main", "whoever can push there gets the key"),
    ),
    "a pattern in its place": (
        lambda a: lists(a, ("branch", "m*")),
        *("omni-apply: branches", "open to branch m*, and not to main", "another branch may get the key"),
    ),
    "no branch": (
        lists,
        *("omni-apply: branches", "open to nothing at all", "its jobs cannot run"),
    ),
    "no key": (
        lambda a: a["/environments/omni-apply/secrets"]["secrets"].clear(),
        *("omni-apply: secrets", "lacks OMNI_API_KEY", "one that every branch gets"),
    ),
    "a key of the repository": (
        lambda a: a["/actions/secrets"]["secrets"].append({"name": "OMNI_API_KEY"}),
        *("secrets", "the repository has OMNI_API_KEY", "whoever can push a branch gets it"),
    ),
    "a key of the organization": (
        lambda a: a["/actions/organization-secrets"]["secrets"].append({"name": "OMNI_API_KEY"}),
        *("secrets", "the organization has OMNI_API_KEY", "whoever can push a branch gets it"),
    ),
    "self-review": (
        lambda a: reviewers(a).update(prevent_self_review=False),
        *("omni-apply: self-review", "allowed", "a reviewer who merges approves the deployment alone"),
    ),
    "administrators deploy": (
        lambda a: environment(a, "omni-apply").update(can_admins_bypass=True),
        *("omni-apply: bypass", "administrators may", "an administrator deploys without the review"),
    ),
    "no reviewers, and they could be": (
        lambda a: unreviewed(a, visibility="internal"),
        *("omni-apply: reviewers", "none are required", "no last look"),
    ),
    "no reviewers in the list": (
        lambda a: (reviewers(a).update(reviewers=[]), a[""].update(visibility="internal")),
        *("omni-apply: reviewers", "none are required", "no last look"),
    ),
    "no approval": (
        lambda a: rule(a, "pull_request").update(required_approving_review_count=0),
        *("rules: approvals", "merged without an approval", "merges it alone"),
    ),
    "stale approvals": (
        lambda a: rule(a, "pull_request").update(dismiss_stale_reviews_on_push=False),
        *("rules: stale approvals", "outlives later pushes", "need not be what was approved"),
    ),
    "the last push": (
        lambda a: rule(a, "pull_request").update(require_last_push_approval=False),
        *("rules: last push", "who pushes last may approve it", "approves it alone"),
    ),
    "no code owners asked": (
        lambda a: rule(a, "pull_request").update(require_code_owner_review=False),
        *("rules: code owners", "need not be asked", "lifts limits and changes workflows"),
    ),
    "a check that is not required": (
        lambda a: rule(a, "required_status_checks")["required_status_checks"].pop(),
        *("rules: checks", "not required: Plan acme", "a plan that a guard refuses"),
    ),
    "a check of any source": (
        lambda a: rule(a, "required_status_checks")["required_status_checks"][0].pop("integration_id"),
        *("rules: checks", "taken from any source: Validate", "whoever can push reports them as passed"),
    ),
    "branches behind": (
        lambda a: rule(a, "required_status_checks").update(strict_required_status_checks_policy=False),
        *("rules: up to date", "may be merged that is behind", "may be of older files"),
    ),
    "force pushes": (
        lambda a: a["/rules/branches/main"].pop(1),
        *("rules: force pushes", "allowed", "taken out of the history"),
    ),
    "deletion": (
        lambda a: a["/rules/branches/main"].pop(0),
        *("rules: deletion", "allowed", "can be deleted"),
    ),
    "who passes the ruleset by": (
        lambda a: a["/rulesets/7"].update(
            bypass_actors=[
                {"actor_type": "RepositoryRole", "actor_id": 5},
                {"actor_type": "OrganizationAdmin", "actor_id": None},
                {"actor_type": "Team", "actor_id": 12},
            ]
        ),
        *(
            "rules: bypass",
            "Team 12 (ruleset main), administrators (ruleset main), owners of",
            "nobody reviewed",
        ),
    ),
    "an owner whom nobody knows": (
        lambda a: a["/codeowners/errors"]["errors"].append({"line": 5, "kind": "Unknown owner"}),
        *("CODEOWNERS: errors", "1, the first in line 5: Unknown owner", "asks nobody"),
    ),
    "code owners that are not committed": (
        lambda a: a.pop("/codeowners/errors"),
        *("CODEOWNERS: errors", "GitHub finds no such file on main", "guards nothing"),
    ),
    "no actions": (
        lambda a: a["/actions/permissions"].update(enabled=False),
        *("actions", "turned off", "nothing is planned or applied"),
    ),
    "a token that writes": (
        lambda a: a["/actions/permissions/workflow"].update(default_workflow_permissions="write"),
        *("actions: token", "may write by default", "forgets to say less"),
    ),
    "a bot that approves": (
        lambda a: a["/actions/permissions/workflow"].update(can_approve_pull_request_reviews=True),
        *("actions: approvals", "a workflow may approve", "a workflow approve their own change"),
    ),
    "secrets for forks": (
        lambda a: a["/actions/permissions/fork-pr-workflows-private-repos"].update(
            send_secrets_and_variables=True, send_write_tokens_to_workflows=True
        ),
        *("actions: forks", "get secrets and a token that writes", "who may read the repository gets them"),
    ),
    "no issues": (
        lambda a: a[""].update(has_issues=False),
        *("issues", "turned off", "drift is told in an issue"),
    ),
    "no label": (
        lambda a: a.pop("/labels/reconciler-drift"),
        *("issues", "there is no label reconciler-drift", "found again by its label"),
    ),
}


@pytest.mark.parametrize("lack", LACKS)
def test_a_single_lack_is_found_named_and_its_cost_said(top: Path, lack: str) -> None:
    change, name, said, cost = LACKS[lack]
    checks = changed(top, change)
    assert amiss(checks) == {name: "failed"}
    assert said in checks[name].said
    assert cost in checks[name].todo


FILES: dict[str, tuple[dict[str, str | None], str, str, str]] = {
    "no workflow": (
        {".github/workflows/drift.yml": None},
        "failed",
        "there is no drift.yml",
        "reconciler init",
    ),
    "no file but a folder": (
        {".github/workflows/apply.yml": None, ".github/workflows/apply.yml/x": ""},
        *("unknown", "apply.yml cannot be read", "not looked at"),
    ),
    "no YAML": (
        {".github/workflows/drift.yml": "jobs: ["},
        "unknown",
        "no jobs that can be read",
        "not looked at",
    ),
    "no jobs": (
        {".github/workflows/drift.yml": "jobs: {}"},
        "unknown",
        "no jobs that can be read",
        "not looked at",
    ),
    "a job that is none": (
        {".github/workflows/drift.yml": "jobs: {x: 1}"},
        "unknown",
        "in the job x",
        "plain words",
    ),
    "an anchor": (
        {".github/workflows/drift.yml": "jobs: {a: {environment: &e omni-plan}, b: {environment: *e}}"},
        *("unknown", "in the job a, b", "plain words"),
    ),
    "an expression": (
        {".github/workflows/drift.yml": "jobs: {x: {environment: {name: '${{ inputs.to }}'}}}"},
        *("unknown", "in the job x", "plain words"),
    ),
    "a key without an environment": (
        {".github/workflows/drift.yml": "jobs: {x: {steps: [{env: {K: '${{ secrets.K }}'}}]}}"},
        *("failed", "no environment for the job x of drift.yml", "every branch gets"),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_workflow_that_cannot_be_judged_is_said_to_be_so(top: Path, name: str) -> None:
    files, status, said, todo = FILES[name]
    for path, text in files.items():
        if text is None:
            (top / path).unlink()
        else:
            write(top, path, text)
    check = diagnosed(top, well_set())["workflows"]
    assert check.status == status
    assert said in check.said
    assert todo in check.todo


def test_workflows_that_run_for_another_branch_than_the_default_one(top: Path) -> None:
    check = changed(top, lambda a: a[""].update(default_branch="trunk"))["default branch"]
    assert check.status == "failed"
    assert check.said == "trunk, but plan.yml for main, apply.yml for main"
    assert "nothing is planned or applied for trunk" in check.todo


def test_workflows_may_be_written_in_other_ways(top: Path) -> None:
    write(
        top,
        ".github/workflows/drift.yml",
        "on: {push: {branches: main, tags: [v1]}, schedule: [{cron: 1 2 3 4 5}]}\n"
        "jobs: {x: {environment: {name: Omni-Plan}, steps: [{env: {T: '${{ secrets.GITHUB_TOKEN }}'}}]}}\n",
    )
    checks = diagnosed(top, well_set())
    assert amiss(checks) == {}
    # Names of environments are the same in capitals, and the job's own token is no key.
    assert checks["omni-plan: secrets"].said == "has OMNI_API_KEY"
    (top / ".github/workflows/plan.yml").unlink()
    assert diagnosed(top, well_set())["omni-plan: secrets"].said == "none is read"


@pytest.mark.parametrize(
    ("owners", "status", "said"),
    [
        (None, "failed", "there is none"),
        ("", "failed", "nobody owns .github/workflows/apply.yml, .github/workflows/drift.yml"),
        ("* @acme/all\n/.github/\n", "failed", "new files and 2 more"),
        ("* @acme/all\n.gitmodules\n", "failed", "nobody owns .gitmodules"),
        (
            "* @acme/all\n/desired-state/*/target.yaml\n",
            "failed",
            "nobody owns desired-state/acme/target.yaml",
        ),
        ("* @acme/all\nrequirements*\n", "failed", "nobody owns requirements.txt"),
        ("* @acme/all\n/.github/CODEOWNERS\n", "failed", "nobody owns .github/CODEOWNERS"),
        (
            "* @acme/all\n/.github/workflows/\nplan.yml @a\napply.yml @a\ndrift.yml @a\n",
            *("failed", "nobody owns .github/workflows/new files"),
        ),
        ("* @acme/all\n", "ok", "cover the workflows and every target.yaml"),
        ("# " + "x" * 3_000_000, "failed", "is larger than 3 MB"),
    ],
)
def test_what_decides_about_the_key_must_have_an_owner(
    top: Path, owners: str | None, status: str, said: str
) -> None:
    (top / ".github/CODEOWNERS").unlink()
    if owners is not None:
        write(top, ".github/CODEOWNERS", owners)
    check = diagnosed(top, well_set())["CODEOWNERS"]
    assert check.status == status
    assert said in check.said
    assert bool(check.todo) == (status == "failed")


@pytest.mark.parametrize(
    ("about", "plan", "approvals", "status", "said", "todo"),
    [
        ({}, None, 1, "unknown", "GitHub Enterprise only", "where yours has it, set them; the approval that"),
        ({}, "enterprise", 1, "failed", "none are required", "no last look"),
        ({}, "gold", 1, "unknown", "GitHub Enterprise only", "where yours has it"),
        ({}, "team", 1, "ok", "the approval that the apply itself asks for holds without them", ""),
        (
            {},
            "free",
            0,
            "failed",
            "GitHub Enterprise only",
            "who can merge alone applies alone: write `github: {appr",
        ),
        ({}, None, 0, "failed", "GitHub Enterprise only", "into desired-state/acme/target.yaml"),
        ({"owner": {"login": "ada", "type": "User"}}, None, 1, "ok", "not to be had", ""),
        ({"visibility": "public"}, None, 1, "failed", "none are required", "no last look"),
        ({"visibility": "internal"}, None, 1, "failed", "none are required", "no last look"),
        (
            {"html_url": "https://git.acme.example/acme/access"},
            None,
            1,
            "failed",
            "none are required",
            "no last look",
        ),
    ],
)
def test_where_nobody_must_review_it_says_whether_somebody_could_and_what_holds_without(
    top: Path,
    monkeypatch: pytest.MonkeyPatch,
    about: Answers,
    plan: str | None,
    approvals: int,
    status: str,
    said: str,
    todo: str,
) -> None:
    monkeypatch.chdir(top)
    path = top / "desired-state/acme/target.yaml"
    path.write_text(f"{path.read_text()}github: {{approvals: {approvals}}}\n")
    answers = well_set()
    unreviewed(answers, **about)
    if plan:
        answers["/orgs/acme"] = {"plan": {"name": plan}}
    root = Path("desired-state")
    made = diagnose(GitHub(Stored(answers), REPOSITORY), root, load_targets(root))
    (check,) = [check for check in made if check.name == "omni-apply: reviewers"]
    assert check.status == status
    assert said in check.said
    assert todo in check.todo
    assert bool(todo) == bool(check.todo)


def only_classic(answers: Answers, protection: object) -> None:
    answers["/rules/branches/main"] = []
    answers["/branches/main/protection"] = protection


RULES = (
    "approvals",
    "stale approvals",
    "last push",
    "code owners",
    "checks",
    "up to date",
    "force pushes",
    "deletion",
)


def test_the_older_branch_protection_counts_where_rulesets_are_silent(top: Path) -> None:
    assert amiss(changed(top, lambda a: only_classic(a, classic()))) == {}


def test_names_of_checks_alone_are_an_older_server_s(top: Path) -> None:
    checks = {"strict": True, "contexts": ["Validate", "Plan acme"]}
    found = changed(top, lambda a: only_classic(a, classic(required_status_checks=checks)))
    assert "taken from any source" in found["rules: checks"].said
    found = changed(top, lambda a: only_classic(a, classic(required_status_checks={"contexts": 7})))
    assert "not required: Validate" in found["rules: checks"].said


def test_without_any_rule_each_is_a_line(top: Path) -> None:
    found = changed(top, lambda a: only_classic(a, (404, {"message": "Branch not protected"})))
    assert amiss(found) == dict.fromkeys([f"rules: {name}" for name in RULES], "failed")


def test_who_is_no_administrator_is_not_told_that_there_is_no_rule(top: Path) -> None:
    found = changed(top, lambda a: only_classic(a, NOT_FOUND))
    assert amiss(found) == dict.fromkeys([f"rules: {name}" for name in RULES], "unknown")
    assert all(found[f"rules: {name}"].todo == ADMIN for name in RULES)


def test_a_protection_that_lets_people_pass_names_them(top: Path) -> None:
    reviews = classic()["required_pull_request_reviews"] | {
        "bypass_pull_request_allowances": {
            "users": [{"login": "bob"}],
            "teams": [{"slug": "ops"}],
            "apps": [],
        }
    }
    lax = classic(enforce_admins={"enabled": False}, required_pull_request_reviews=reviews)
    found = changed(top, lambda a: only_classic(a, lax))
    assert amiss(found) == {"rules: bypass": "failed"}
    said = found["rules: bypass"].said
    assert [name in said for name in ("administrators (branch protection)", "bob (b", "ops (b")] == [True] * 3


def test_who_passes_one_of_two_guards_by_passes_neither(top: Path) -> None:
    def both(answers: Answers) -> None:
        rows = answers["/rules/branches/main"]
        rows += [{**row, "ruleset_id": 8} for row in rows]
        answers["/rulesets/8"] = {"name": "lax", "bypass_actors": [{"actor_type": "DeployKey"}]}

    assert amiss(changed(top, both)) == {}


def test_who_may_pass_a_ruleset_by_is_shown_to_administrators_only(top: Path) -> None:
    for change in (lambda a: a["/rulesets/7"].pop("bypass_actors"), lambda a: a.pop("/rulesets/7")):
        found = changed(top, change)
        assert amiss(found) == {"rules: bypass": "unknown"}
        assert found["rules: bypass"].todo == ADMIN


def test_a_plan_without_rules_says_so_once(top: Path) -> None:
    found = changed(top, lambda a: a.update({"/rules/branches/main": UPGRADE}))
    assert amiss(found) == {"rules": "failed"}
    assert "Upgrade to GitHub Pro" in found["rules"].said
    assert "who may push changes what is applied" in found["rules"].todo


def test_a_plan_without_environments_says_so_once(top: Path) -> None:
    found = changed(top, lambda a: a.update({"/environments": UPGRADE}))
    assert amiss(found) == {"environments": "failed"}
    assert found["environments"].said.startswith("not to be had here: Upgrade")


def test_a_plan_without_branch_protection_leaves_the_rulesets(top: Path) -> None:
    found = changed(top, lambda a: only_classic(a, UPGRADE))
    assert amiss(found) == dict.fromkeys([f"rules: {name}" for name in RULES], "failed")


def test_what_a_token_may_not_see_is_unknown_and_fails_nothing(top: Path) -> None:
    answers: Answers = dict.fromkeys(well_set(), NO_RIGHTS) | {"": well_set()[""]}
    found = diagnosed(top, answers, {"x-accepted-github-permissions": "administration=read"})
    assert set(amiss(found).values()) == {"unknown"}
    assert amiss(found).keys() == {
        *("environments", "secrets", "rules", "CODEOWNERS: errors", "issues"),
        *("actions", "actions: token", "actions: approvals", "actions: forks"),
    }
    assert (
        found["actions"].said
        == "not shown: GitHub answers 403: Resource not accessible by personal access token"
    )
    assert found["actions"].todo == f"{ADMIN}, which needs administration=read"


def test_an_older_server_without_some_endpoints_is_asked_for_the_rest(top: Path) -> None:
    answers = well_set()
    answers["/rules/branches/main"] = NOT_FOUND
    answers["/actions/permissions/workflow"].pop("can_approve_pull_request_reviews")
    answers["/actions/permissions/fork-pr-workflows-private-repos"] = NOT_FOUND
    environment(answers, "omni-apply").pop("can_admins_bypass")
    environment(answers, "omni-plan").pop("deployment_branch_policy")
    lists(answers, ("", "main"))
    assert amiss(diagnosed(top, answers)) == dict.fromkeys(
        ("rules", "actions: approvals", "actions: forks", "omni-apply: bypass", "omni-plan: branches"),
        "unknown",
    )


def test_a_public_repository_asks_whether_outsiders_run_what_they_like(top: Path) -> None:
    def public(answers: Answers) -> None:
        answers[""].update(visibility="public")

    assert amiss(changed(top, public)) == {"repository": "failed"}
    policy = {
        "/actions/permissions/fork-pr-contributor-approval": {"approval_policy": "first_time_contributors"}
    }
    found = changed(top, lambda a: (public(a), a.update(policy)))
    assert amiss(found) == {"repository": "failed", "actions: forks": "failed"}


def test_other_answers_are_fine_and_said(top: Path) -> None:
    def other(answers: Answers) -> None:
        answers[""].update(visibility="internal", owner={"login": "ada", "type": "User"})
        answers["/actions/organization-secrets"] = NO_RIGHTS
        answers["/actions/permissions"] = {"enabled": True}
        forks = answers["/actions/permissions/fork-pr-workflows-private-repos"]
        forks["run_workflows_from_fork_pull_requests"] = False

    found = changed(top, other)
    assert amiss(found) == {}
    assert "everybody of the enterprise" in found["repository"].todo
    assert found["actions"].said == "on; it is not said whose are allowed"
    assert found["actions: forks"].said == "run no workflow"


def test_a_list_is_read_to_its_end_and_no_further(top: Path) -> None:
    class Endless(Stored):
        def send(self, request: Request) -> Response:
            if not request.path.endswith("/environments"):
                return super().send(request)
            self.asked.append(request)
            rows = self.answers["/environments"]["environments"]
            other = {"name": "other"}
            if self.answers.get("endless") or request.query["page"] == "1":
                return Response(200, {}, {"environments": [other] * 100})
            return Response(200, {}, {"environments": rows})

    root = top / "desired-state"
    for endless, status in ((False, "ok"), (True, "unknown")):
        stored = Endless(well_set() | {"endless": endless})
        made = diagnose(GitHub(stored, REPOSITORY), root, load_targets(root))
        found = {check.name: check.status for check in made}
        assert found.get("omni-apply: branches", found.get("environments")) == status
        assert len([each for each in stored.asked if each.path.endswith("/environments")]) == (
            50 if endless else 2
        )


@pytest.mark.parametrize("odd", [None, "text", 7, [], {}, [1], {"environments": {}}, {"secrets": None}])
def test_answers_that_are_none_stop_nothing(top: Path, odd: object) -> None:
    for path in well_set():
        if path:
            answers = well_set() | {path: (200, odd)}
            found = diagnosed(top, answers)
            assert found["repository"].status == "ok"
            assert "issues" in found


ODD = st.sampled_from([None, True, 7, -1, "", "text", [], {}, [[]], [{}], {"name": []}, ["text"]]).map(
    deepcopy
)


def places(value: object, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside of another."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*so_far, key)
        yield from places(inner, (*so_far, key))


@pytest.fixture(scope="module")
def a_top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_checkout(tmp_path_factory.mktemp("any") / "access")


@given(st.data())
def test_whatever_stands_in_an_answer_stops_nothing(a_top: Path, data: st.DataObject) -> None:
    answers = well_set() | {"/branches/main/protection": classic(), "/orgs/acme": {"plan": {"name": "team"}}}
    rows = answers["/rulesets/7"]["bypass_actors"]
    rows.append({"actor_type": "RepositoryRole", "actor_id": 5})
    answers["/codeowners/errors"]["errors"].append({"line": 1, "kind": "Unknown owner"})
    del answers["/labels/reconciler-drift"]
    for _ in range(data.draw(st.integers(1, 3))):
        # Not the repository as a whole, without which nothing is asked.
        ways = [way for way in places(answers) if way != ("",)]
        *way, last = data.draw(st.sampled_from(ways))
        inside: Any = answers
        for key in way:
            inside = inside[key]
        inside[last] = data.draw(ODD)
    checks = diagnosed(a_top, answers)
    text = checks_text(list(checks.values()), name=REPOSITORY, where="GitHub", width=80)
    assert text.endswith(".\n")


def test_a_line_that_is_dead_later_on_is_a_line(top: Path) -> None:
    found = changed(top, lambda a: a.update({"/environments": NoAnswer("the line is dead")}))
    assert found["environments"] == Check("environments", "unknown", "the line is dead")
    failing = changed(top, lambda a: a.update({"/environments": (502, {"message": "Bad gateway"})}))
    assert failing["environments"] == Check(
        "environments", "unknown", "not shown: GitHub answers 502: Bad gateway"
    )


def test_a_person_who_stops_it_is_no_line(top: Path) -> None:
    with pytest.raises(Interrupted):
        changed(top, lambda a: a.update({"/environments": Interrupted("stopped")}))


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            (401, {"message": "Bad credentials"}),
            CredentialRefused,
            "401: Bad credentials; the token is not accepted",
        ),
        (
            NOT_FOUND,
            Refused,
            "see that GITHUB_REPOSITORY is its present name, and that the token may read it",
        ),
        ((301, None), Refused, "it answers 301; see that GITHUB_REPOSITORY is its present name"),
        ((503, None), NoAnswer, "GitHub has a fault, so try again later"),
        (NoAnswer("nobody listens"), NoAnswer, "nobody listens"),
    ],
)
def test_without_the_repository_nothing_else_is_asked(
    top: Path, answer: object, kind: type[Exception], said: str
) -> None:
    stored, root = Stored({"": answer}), top / "desired-state"
    with pytest.raises(kind, match=said):
        diagnose(GitHub(stored, REPOSITORY), root, load_targets(root))
    assert len(stored.asked) == 1


def test_a_checkout_without_git_begins_above_the_targets(top: Path) -> None:
    (top / ".git").rmdir()
    assert amiss(diagnosed(top, well_set())) == {}


# The command


@pytest.fixture
def github(top: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    monkeypatch.chdir(top)
    with serving() as fake:
        fake.answers = {f"GET {path}": answered(well_set(), path) for path in well_set()}
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        yield fake


def doctor(*arguments: str) -> int:
    return cli.run(["doctor", "--github", *arguments])


def test_the_command_reads_settings_and_needs_no_key(
    github: FakeGitHub, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(top.rglob("*"))
    assert doctor() == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith(f"Doctor for {REPOSITORY} (its settings on GitHub)\n\nok      repository ")
    assert out.endswith("27 checks: 27 ok.\n")
    assert {line.split()[0] for line in github.asked} == {"GET"}
    assert sorted(top.rglob("*")) == before


def test_the_command_fails_where_a_setting_does(
    github: FakeGitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    github.answers["GET /actions/permissions"] = (200, {"enabled": False})
    assert doctor("--format", "json") == ExitCode.ERROR
    document = json.loads(capsys.readouterr().out)
    assert (document["format_version"], document["repository"]) == (1, REPOSITORY)
    (failed,) = [row for row in document["checks"] if row["status"] == "failed"]
    assert failed["name"] == "actions"
    del github.answers["GET /actions/permissions"]
    assert doctor() == ExitCode.OK


def test_a_repository_that_is_not_there_is_one_clear_line(
    github: FakeGitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    github.answers.clear()
    assert doctor() == ExitCode.ERROR
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--probe"], ["acme"], ["-v"]])
def test_it_is_not_mixed_with_the_targets_systems(github: FakeGitHub, arguments: list[str]) -> None:
    assert doctor(*arguments) == ExitCode.USAGE
    assert github.asked == []


def badly_set() -> Answers:
    answers = well_set()
    environment(answers, "omni-plan").update(deployment_branch_policy=None)
    unreviewed(answers, visibility="public")
    only_classic(answers, NOT_FOUND)
    answers["/actions/secrets"]["secrets"].append({"name": "OMNI_API_KEY"})
    answers["/actions/permissions/workflow"] = NO_RIGHTS
    return answers


@pytest.mark.parametrize("width", [30, 80])
def test_it_is_pleasant_to_read_at_any_width(top: Path, width: int) -> None:
    checks = list(diagnosed(top, badly_set()).values())
    text = checks_text(checks, name=REPOSITORY, where="its settings on GitHub", width=width)
    path = Path(__file__).parent / f"settings.{width}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= width

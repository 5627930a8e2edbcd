"""The repository's own settings: each lack is a line that names it and says what it costs."""

from pathlib import Path

import pytest
from fake_github import REPOSITORY
from fake_settings import (
    well_set,
    write,
)
from github_settings import (
    Answers,
    Change,
    Stored,
    amiss,
    changed,
    diagnosed,
    environment,
    lists,
    reviewers,
    rule,
    unreviewed,
)

from reconciler.github.api import GitHub
from reconciler.github.settings.checks import diagnose_repository
from reconciler.target.settings import load_targets


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
        *("repository", "public", "everybody can read the plans"),
    ),
    "a server that does not say who sees it": (
        lambda a: (a[""].pop("visibility"), a[""].pop("private")),
        *("repository", "public", "everybody can read the plans"),
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
        *("omni-apply: reviewers", "none are required", "without a last look"),
    ),
    "no reviewers in the list": (
        lambda a: (reviewers(a).update(reviewers=[]), a[""].update(visibility="internal")),
        *("omni-apply: reviewers", "none are required", "without a last look"),
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
        *("actions: token", "may write by default", "does not ask for less"),
    ),
    "a bot that approves": (
        lambda a: a["/actions/permissions/workflow"].update(can_approve_pull_request_reviews=True),
        *("actions: approvals", "a workflow may approve", "let a workflow approve it"),
    ),
    "secrets for forks": (
        lambda a: a["/actions/permissions/fork-pr-workflows-private-repos"].update(
            send_secrets_and_variables=True, send_write_tokens_to_workflows=True
        ),
        *(
            "actions: forks",
            "get secrets and a token that writes",
            "whoever may read the repository gets them",
        ),
    ),
    "no issues": (
        lambda a: a[""].update(has_issues=False),
        *("issues", "turned off", "drift is reported in an issue"),
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
        ({}, "enterprise", 1, "failed", "none are required", "without a last look"),
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
        ({"owner": {"login": "ada", "type": "User"}}, None, 1, "ok", "not available", ""),
        ({"visibility": "public"}, None, 1, "failed", "none are required", "without a last look"),
        ({"visibility": "internal"}, None, 1, "failed", "none are required", "without a last look"),
        (
            {"html_url": "https://git.acme.example/acme/access"},
            None,
            1,
            "failed",
            "none are required",
            "without a last look",
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
    made = diagnose_repository(GitHub(Stored(answers), REPOSITORY), root, load_targets(root))
    (check,) = [check for check in made if check.name == "omni-apply: reviewers"]
    assert check.status == status
    assert said in check.said
    assert todo in check.todo
    assert bool(todo) == bool(check.todo)

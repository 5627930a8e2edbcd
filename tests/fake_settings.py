"""A repository's settings as GitHub answers them: what a well-set one says, to be changed by tests.

The shapes are those of GitHub docs, REST API endpoints, version 2022-11-28.
"""

import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

from starting import a_wish

from reconciler.starter.write import workflow

NAME = "acme/access"
INSTALL = "python -m pip install --require-hashes -r requirements.txt"
ACTIONS = 15368
"""The number of GitHub Actions as an app."""
OWNERS = """\
# Who must look.
*                             @acme/everybody
/desired-state/               @acme/data-platform
/desired-state/*/target.yaml  @acme/security
/.github/                     @acme/security
"""

Answer = tuple[int, Any]
NOT_FOUND: Answer = (404, {"message": "Not Found"})
NO_RIGHTS: Answer = (403, {"message": "Resource not accessible by personal access token"})
UPGRADE: Answer = (
    403,
    {"message": "Upgrade to GitHub Pro or make this repository public to enable this feature."},
)

_REVIEWERS = {
    "type": "required_reviewers",
    "prevent_self_review": True,
    "reviewers": [
        {"type": "Team", "reviewer": {"slug": "security"}},
        {"type": "User", "reviewer": {"login": "ada"}},
    ],
}
_CUSTOM = {"protected_branches": False, "custom_branch_policies": True}
_MAIN = {"total_count": 1, "branch_policies": [{"id": 1, "name": "main", "type": "branch"}]}
_KEY = {"total_count": 1, "secrets": [{"name": "OMNI_API_KEY"}]}


def _rule(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"type": kind, "ruleset_id": 7, "ruleset_source": NAME, "parameters": parameters}


_WELL: dict[str, Any] = {
    "": {
        "full_name": NAME,
        "html_url": f"https://github.com/{NAME}",
        "private": True,
        "visibility": "private",
        "default_branch": "main",
        "has_issues": True,
        "owner": {"login": "acme", "type": "Organization"},
    },
    "/environments": {
        "total_count": 2,
        "environments": [
            {
                "name": "omni-plan",
                "can_admins_bypass": True,
                "protection_rules": [],
                "deployment_branch_policy": dict(_CUSTOM),
            },
            {
                "name": "omni-apply",
                "can_admins_bypass": False,
                "protection_rules": [{"type": "branch_policy"}, _REVIEWERS],
                "deployment_branch_policy": dict(_CUSTOM),
            },
        ],
    },
    "/environments/omni-plan/deployment-branch-policies": _MAIN,
    "/environments/omni-apply/deployment-branch-policies": _MAIN,
    "/environments/omni-plan/secrets": _KEY,
    "/environments/omni-apply/secrets": _KEY,
    "/actions/secrets": {"total_count": 1, "secrets": [{"name": "SLACK"}]},
    "/actions/organization-secrets": {"total_count": 0, "secrets": []},
    "/rules/branches/main": [
        _rule("deletion"),
        _rule("non_fast_forward"),
        _rule(
            "pull_request",
            required_approving_review_count=1,
            dismiss_stale_reviews_on_push=True,
            require_code_owner_review=True,
            require_last_push_approval=True,
        ),
        _rule(
            "required_status_checks",
            strict_required_status_checks_policy=True,
            required_status_checks=[
                {"context": "Validate", "integration_id": ACTIONS},
                {"context": "Plan acme", "integration_id": ACTIONS},
            ],
        ),
    ],
    "/rulesets/7": {"id": 7, "name": "main", "bypass_actors": []},
    "/branches/main/protection": (404, {"message": "Branch not protected"}),
    "/codeowners/errors": {"errors": []},
    "/actions/permissions": {"enabled": True, "allowed_actions": "all", "sha_pinning_required": True},
    "/actions/permissions/workflow": {
        "default_workflow_permissions": "read",
        "can_approve_pull_request_reviews": False,
    },
    "/actions/permissions/fork-pr-workflows-private-repos": {
        "run_workflows_from_fork_pull_requests": True,
        "send_write_tokens_to_workflows": False,
        "send_secrets_and_variables": False,
        "require_approval_for_fork_pr_workflows": True,
    },
    "/actions/permissions/fork-pr-contributor-approval": {"approval_policy": "all_external_contributors"},
    "/labels/reconciler-drift": {"name": "reconciler-drift"},
    "/orgs/acme": NOT_FOUND,
}


def well_set() -> dict[str, Any]:
    """The answer for each path, to be changed as one likes."""
    return {path: deepcopy(answer) for path, answer in _WELL.items()}


def classic(**changed: Any) -> dict[str, Any]:
    """A branch protection that asks for everything."""
    return {
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": True,
            "require_code_owner_reviews": True,
            "require_last_push_approval": True,
            "required_approving_review_count": 1,
        },
        "required_status_checks": {
            "strict": True,
            "contexts": ["Validate", "Plan acme"],
            "checks": [{"context": name, "app_id": ACTIONS} for name in ("Validate", "Plan acme")],
        },
        "enforce_admins": {"enabled": True},
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
    } | changed


def answered(answers: dict[str, Any], path: str) -> Answer:
    """A bare answer is one that went well; a path that nobody wrote down is not found."""
    found = answers.get(path, NOT_FOUND)
    return found if isinstance(found, tuple) else (200, found)


def a_checkout(top: Path) -> Path:
    """A checkout as `reconciler init` leaves it, with code owners; returns its top."""
    shutil.rmtree(top, ignore_errors=True)
    for name in ("plan", "apply", "drift"):
        write(top, f".github/workflows/{name}.yml", workflow(name, a_wish(INSTALL)))
    write(top, ".github/CODEOWNERS", OWNERS)
    write(top, "requirements.txt", "")
    write(
        top,
        "desired-state/acme/target.yaml",
        "kind: omni\nurl: https://acme.omniapp.co\nkeys: [{env: OMNI_API_KEY}]\n",
    )
    (top / ".git").mkdir()
    return top


def write(top: Path, name: str, text: str) -> None:
    """Write a file of the checkout."""
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

"""The environments that hold the key: which branches may use them, and who must approve first.

Sources: GitHub docs, "Deployments and environments" (what each setting does, and
on which plan it is to be had), and the REST API endpoints for deployment
environments, deployment branch policies, and GitHub Actions secrets.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from reconciler.errors import ReconcilerError
from reconciler.github.settings.reading import (
    CheckedRepository,
    Settings,
    checked,
    listed,
    mapping,
    part,
    required,
    text,
)
from reconciler.github.settings.workflows import Job
from reconciler.report import Check
from reconciler.views.safe import label

_APPLY = "apply.yml"
_ENTERPRISE = {"free": False, "team": False, "enterprise": True}
"""Whether an organization's plan is GitHub Enterprise; for older names of plans that is not known."""
_SET = "Settings, Environments"


def environment_checks(repository: CheckedRepository) -> Iterator[Check]:
    """Checks of every environment that a workflow names, and of others that have such a key."""
    rows = repository.settings.many("/environments", "environments")
    # "Environment names are not case sensitive" (GitHub docs: Managing environments for deployment).
    by_name = {text(row, "name").lower(): row for row in rows}
    for name, jobs in _named(repository).items():
        if row := by_name.get(name):
            yield from _environment(repository, row, jobs)
        else:
            todo = f"GitHub creates it at the first run, open to every branch: create it in {_SET} before"
            yield Check(jobs[0].environment, "failed", "there is no such environment", todo)
    for row in (row for name, row in by_name.items() if name not in _named(repository)):
        yield from checked(f"{text(row, 'name')}: secrets", partial(_other, repository, row))


def secret_checks(repository: CheckedRepository) -> Iterator[Check]:
    """Whether a key is kept outside of the environments, where every branch gets it."""
    wanted = _keys(repository)
    owners = {"secrets": "repository", "organization-secrets": "organization"}
    if text(part(repository.about, "owner"), "type") != "Organization":
        del owners["organization-secrets"]
    for path, owner in owners.items():
        rows = repository.settings.many(f"/actions/{path}", "secrets")
        if shared := sorted(wanted & {text(row, "name") for row in rows}):
            todo = (
                "whoever can push a branch gets it with a workflow of their own: "
                "remove it there, make a new key, and keep that in the environments alone"
            )
            yield Check("secrets", "failed", f"the {owner} has {', '.join(shared)}", todo)
            return
    yield Check("secrets", "ok", "no key is kept outside of the environments")


def _keys(repository: CheckedRepository) -> frozenset[str]:
    return frozenset[str]().union(*(job.secrets for flow in repository.workflows for job in flow.jobs))


def _named(repository: CheckedRepository) -> dict[str, list[Job]]:
    """The environments, in lower case and in the order of the workflows, each with the jobs that name it."""
    jobs_of: dict[str, list[Job]] = {}
    for job in (job for flow in repository.workflows for job in flow.jobs if job.environment):
        jobs_of.setdefault(job.environment.lower(), []).append(job)
    return jobs_of


def _environment(
    repository: CheckedRepository, row: Mapping[str, Any], jobs: Sequence[Job]
) -> Iterator[Check]:
    name, secrets = text(row, "name"), frozenset[str]().union(*(job.secrets for job in jobs))
    yield from checked(f"{name}: branches", lambda: [_branches(repository, name, row)])
    yield from checked(f"{name}: secrets", lambda: [_secrets(repository.settings, name, secrets)])
    applying = [job for flow in repository.workflows if flow.file == _APPLY for job in flow.jobs]
    if any(job in jobs for job in applying):
        yield from checked(f"{name}: reviewers", partial(_reviewers, repository, name, row))


def _other(repository: CheckedRepository, row: Mapping[str, Any]) -> Iterator[Check]:
    """Another environment matters where it has the same key."""
    name = text(row, "name")
    if _keys(repository) & _kept(repository.settings, name):
        yield from checked(f"{name}: branches", lambda: [_branches(repository, name, row)])


def _kept(settings: Settings, name: str) -> frozenset[str]:
    return frozenset(text(row, "name") for row in settings.many(f"{_path(name)}/secrets", "secrets"))


def _branches(repository: CheckedRepository, name: str, row: Mapping[str, Any]) -> Check:
    """Which refs get the secrets."""
    of, policy = f"{name}: branches", required(row, "deployment_branch_policy")
    if policy is None:
        todo = f"whoever can push a branch gets the key with a workflow of their own: {_alone(repository)}"
        return Check(of, "failed", "every branch gets its secrets", todo)
    if not mapping(policy).get("custom_branch_policies"):
        todo = f"that is every branch where no rule is left, or one has a wildcard: {_alone(repository)}"
        return Check(of, "failed", "every protected branch gets its secrets", todo)
    rows = repository.settings.many(f"{_path(name)}/deployment-branch-policies", "branch_policies")
    return _patterns(repository, of, {(text(each, "type") or "branch", text(each, "name")) for each in rows})


def _patterns(repository: CheckedRepository, of: str, allowed: set[tuple[str, str]]) -> Check:
    """Whether only the default branch is allowed; the names are patterns (File.fnmatch in Ruby)."""
    branch = label(repository.branch)
    others = sorted(f"{kind} {label(name)}" for kind, name in allowed - {("branch", repository.branch)})
    if ("branch", repository.branch) not in allowed:
        todo = f"its jobs cannot run, and another branch may get the key: {_alone(repository)}"
        said = f"open to {', '.join(others) or 'nothing at all'}, and not to {branch}"
        return Check(of, "failed", said, todo)
    if others:
        todo = f"whoever can push there gets the key with a workflow of their own: {_alone(repository)}"
        return Check(of, "failed", f"open to {branch}, and to {', '.join(others)}", todo)
    return Check(of, "ok", f"{branch} alone")


def _alone(repository: CheckedRepository) -> str:
    return f"set Deployment branches and tags to the branch {label(repository.branch)} alone"


def _secrets(settings: Settings, name: str, wanted: frozenset[str]) -> Check:
    of = f"{name}: secrets"
    if missing := sorted(wanted - _kept(settings, name)):
        todo = "a job gets no key, or one that every branch gets too: put it into this environment"
        return Check(of, "failed", f"lacks {', '.join(missing)}", todo)
    return Check(of, "ok", f"has {', '.join(sorted(wanted))}" if wanted else "none is read")


def _reviewers(repository: CheckedRepository, name: str, row: Mapping[str, Any]) -> Iterator[Check]:
    rules = listed(row.get("protection_rules") or [])
    rule = next((each for each in rules if each.get("type") == "required_reviewers"), {})
    people = [_person(each) for each in listed(rule.get("reviewers") or [])]
    if not people:
        yield _nobody(repository, f"{name}: reviewers")
        return
    yield Check(f"{name}: reviewers", "ok", f"one of {', '.join(people)}")
    if rule.get("prevent_self_review"):
        yield Check(f"{name}: self-review", "ok", "prevented")
    else:
        todo = f"a reviewer who merges approves the deployment alone: tick Prevent self-review in {_SET}"
        yield Check(f"{name}: self-review", "failed", "allowed", todo)
    yield from checked(f"{name}: bypass", lambda: [_bypass(name, row)])


def _bypass(name: str, row: Mapping[str, Any]) -> Check:
    """GitHub answers this field and does not document it; the setting is documented."""
    if not required(row, "can_admins_bypass"):
        return Check(f"{name}: bypass", "ok", "not even administrators may")
    todo = f"an administrator deploys without the review: untick Allow administrators to bypass in {_SET}"
    return Check(f"{name}: bypass", "failed", "administrators may", todo)


def _nobody(repository: CheckedRepository, name: str) -> Check:
    """No required reviewer: whether there could be one, and what else requires a second person."""
    can = _can_have_reviewers(repository)
    if can:
        todo = f"a merge is applied, and its job gets the key, without a last look: set them in {_SET}"
        return Check(name, "failed", "none are required", todo)
    why = "private repositories have them with GitHub Enterprise only"
    lone = [each for each in repository.targets if not each.settings.get("github", {}).get("approvals", 1)]
    if lone:
        own = f"write `github: {{approvals: 1}}` into {', '.join(str(target.place) for target in lone)}"
        return Check(name, "failed", f"none are required; {why}", f"who can merge alone applies alone: {own}")
    hold = "the approval that the apply itself asks for holds without them"
    if can is None:
        return Check(name, "unknown", f"none are required; {why}", f"where yours has it, set them; {hold}")
    return Check(name, "ok", f"not available: {why}; {hold}")


def _can_have_reviewers(repository: CheckedRepository) -> bool | None:
    """Whether this repository can have required reviewers; None where it is not known.

    Every public repository can. With Free, Pro and Team no other can. Internal ones
    belong to an enterprise, and a server of one's own runs GitHub Enterprise.
    """
    about = repository.about
    server = urlsplit(text(about, "html_url")).hostname
    if repository.visibility != "private" or (server and server != "github.com"):
        return True
    owner = part(about, "owner")
    if text(owner, "type") != "Organization":
        return False
    try:
        # Shown to owners alone (GitHub docs: Get an organization).
        organization = repository.settings.one(f"/orgs/{quote(text(owner, 'login'), safe='')}", anywhere=True)
    except ReconcilerError:
        return None
    return _ENTERPRISE.get(text(part(organization, "plan"), "name"))


def _person(row: Mapping[str, Any]) -> str:
    reviewer = part(row, "reviewer")
    return label(text(reviewer, "login") or text(reviewer, "slug") or "somebody without a name")


def _path(name: str) -> str:
    return f"/environments/{quote(name, safe='')}"

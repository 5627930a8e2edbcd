"""Whether the repository's own settings ensure that what is reviewed is what is applied.

Everything is read and nothing written. Each setting is a check of its own, which
says what it costs to be without; what the token may not see is unknown.
Sources, beside those of the modules for environments and rules: GitHub docs,
REST API endpoints for GitHub Actions permissions, repositories, labels.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from reconciler.github.api import GitHub
from reconciler.github.settings import codeowners
from reconciler.github.settings.environments import environment_checks, secret_checks
from reconciler.github.settings.reading import (
    CheckedRepository,
    Settings,
    Unseen,
    checked,
    listed,
    required,
    text,
)
from reconciler.github.settings.rules import rule_checks
from reconciler.github.settings.workflows import FOLDER, read_workflows
from reconciler.github.steps import DRIFT_LABEL
from reconciler.report import Check
from reconciler.target.settings import Target
from reconciler.views.safe import label

_ALWAYS = (".gitattributes", ".gitmodules")
_NEW = "new files"
"""Stands for a workflow that nobody has written yet: it must have an owner too."""
_SHOWN = 3
_WORKFLOW = "/actions/permissions/workflow"
_GENERAL, _ACTIONS = "Settings, General", "Settings, Actions, General"


def diagnose_repository(service: GitHub, root: Path, targets: Sequence[Target]) -> list[Check]:
    """Check the repository whose checkout holds ``root``, the folder of the targets.

    Raises Refused, NoAnswer or BadAnswer where the repository itself is not
    there to be read; nothing after that raises anything but Interrupted.
    """
    settings = Settings(service)
    top = _top(root)
    repository = CheckedRepository(settings, settings.repository(), top, read_workflows(top), targets)
    sections = (
        ("repository", _itself),
        ("default branch", _default_branch),
        ("workflows", _workflows),
        ("environments", environment_checks),
        ("secrets", secret_checks),
        ("rules", rule_checks),
        ("CODEOWNERS", _owned),
        ("CODEOWNERS: errors", _owner_errors),
        ("actions", _actions),
        ("actions: token", _token),
        ("actions: approvals", _approvals),
        ("actions: forks", _forks),
        ("issues", _issues),
    )
    return [check for name, section in sections for check in checked(name, partial(section, repository))]


def _top(root: Path) -> Path:
    """The checkout's top, which has a ``.git``; without one, the folder above the targets."""
    folder = root.resolve()
    return next((top for top in (folder, *folder.parents) if (top / ".git").exists()), folder.parent)


def _itself(repository: CheckedRepository) -> Iterator[Check]:
    match repository.visibility:
        case "private":
            yield Check("repository", "ok", "private")
        case "internal":
            todo = "everybody in the enterprise can read who has access: private is safer"
            yield Check("repository", "ok", "internal", todo)
        case _:
            todo = f"everybody can read the plans, and so who has access: make it private in {_GENERAL}"
            yield Check("repository", "failed", "public", todo)


def _default_branch(repository: CheckedRepository) -> Iterator[Check]:
    """Whether the workflows run for the default branch: `pull_request_target` takes them from it."""
    branch, others = repository.branch, []
    for flow in repository.workflows:
        named = {each for limits in flow.branches.values() for each in limits}
        if any(branch not in limits for limits in flow.branches.values()):
            others.append(f"{flow.file} for {', '.join(map(label, sorted(named)))}")
    if not others:
        yield Check("default branch", "ok", f"{label(branch)}, and the workflows run for it")
        return
    todo = f"nothing is planned or applied for {branch}, or not by what stands there: make them one branch"
    yield Check("default branch", "failed", f"{label(branch)}, but {', '.join(others)}", todo)


def _workflows(repository: CheckedRepository) -> Iterator[Check]:
    """Whether the checkout's workflows can be checked, and keep every key in an environment."""
    flows = repository.workflows
    jobs = [(flow.file, job) for flow in flows for job in flow.jobs]
    missing = [flow.file for flow in flows if not flow.exists]
    doubtful = [f"{flow.file} {flow.unread}" for flow in flows if flow.unread]
    loose = [f"{job.name} of {file}" for file, job in jobs if job.secrets and not job.environment]
    if missing:
        todo = "its work is not done: `reconciler init` writes it"
        yield Check("workflows", "failed", f"there is no {' and no '.join(missing)}", todo)
    if doubtful:
        todo = "its environments are not looked at: name each in plain words"
        yield Check("workflows", "unknown", "; ".join(doubtful), todo)
    if loose:
        todo = "every branch gets the key that it gets: name an environment for it"
        yield Check("workflows", "failed", f"no environment for the job {', '.join(loose)}", todo)
    if not (missing or doubtful or loose):
        named = sorted({job.environment for _, job in jobs} - {""})
        yield Check("workflows", "ok", f"environments: {', '.join(map(label, named)) or 'none'}")


def _owned(repository: CheckedRepository) -> Iterator[Check]:
    """Whether the files that decide what runs with the key, and what it may do, have an owner."""
    file = codeowners.find(repository.top)
    if not file:
        todo = (
            "whoever may approve lifts limits and changes workflows: give each an owner in .github/CODEOWNERS"
        )
        yield Check("CODEOWNERS", "failed", "there is none", todo)
        return
    path, raw = file
    if len(raw) > codeowners.LARGEST:
        yield Check(
            "CODEOWNERS", "failed", f"{path} is larger than 3 MB", "GitHub does not load it: shorten it"
        )
        return
    lines = codeowners.read(raw.decode("utf-8", "replace"))
    if bare := [other for other in _guarded(repository, path) if not codeowners.owners(lines, other)]:
        more = f" and {len(bare) - _SHOWN} more" if len(bare) > _SHOWN else ""
        todo = "they decide what runs with the key, and any approval lets them pass: give each an owner"
        yield Check("CODEOWNERS", "failed", f"nobody owns {', '.join(map(label, bare[:_SHOWN]))}{more}", todo)
        return
    yield Check("CODEOWNERS", "ok", "cover the workflows and every target.yaml")


def _guarded(repository: CheckedRepository, code_owners: str) -> list[str]:
    """The paths of the files that must have an owner."""
    top = repository.top
    files = [*(top / FOLDER).glob("*.y*ml"), *top.glob("requirements*"), top / FOLDER / _NEW]
    files += [target.folder.resolve() / "target.yaml" for target in repository.targets]
    return [*sorted({path.relative_to(top).as_posix() for path in files}), *_ALWAYS, code_owners]


def _owner_errors(repository: CheckedRepository) -> Iterator[Check]:
    """What GitHub finds wrong, such as an unknown owner (GitHub docs: List CODEOWNERS errors)."""
    name, ref = "CODEOWNERS: errors", repository.branch
    try:
        errors = listed(repository.settings.one("/codeowners/errors", {"ref": ref}).get("errors"))
    except Unseen as error:
        if not error.absent:
            raise
        todo = "commit it there: a file that is only here guards nothing"
        yield Check(name, "failed", f"GitHub finds no such file on {label(ref)}", todo)
        return
    if not errors:
        yield Check(name, "ok", f"none on {label(ref)}")
        return
    first = errors[0]
    summary = f"{len(errors)}, the first in line {first.get('line')}: {text(first, 'kind')}"
    yield Check(
        name, "failed", summary, "GitHub skips such a line, and asks nobody for its files: correct it"
    )


def _actions(repository: CheckedRepository) -> Iterator[Check]:
    """Whether anything runs, and whose (GitHub docs: Get GitHub Actions permissions for a repository)."""
    row = repository.settings.one("/actions/permissions")
    if row.get("enabled") is False:
        yield Check(
            "actions", "failed", "turned off", f"nothing is planned or applied: turn them on in {_ACTIONS}"
        )
        return
    whose = {"all": "anybody's", "local_only": "this owner's alone", "selected": "selected ones"}
    pinned = ", pinned by hash" if row.get("sha_pinning_required") else ""
    allowed = whose.get(text(row, "allowed_actions"), "it is not said whose")
    yield Check("actions", "ok", f"on; {allowed} are allowed{pinned}")


def _token(repository: CheckedRepository) -> Iterator[Check]:
    """What each job's own token may do (GitHub docs: Get default workflow permissions for a repository)."""
    row = repository.settings.one(_WORKFLOW)
    if required(row, "default_workflow_permissions") == "read":
        yield Check("actions: token", "ok", "reads, unless a workflow asks for more")
        return
    todo = f"a workflow that does not ask for less can write to the repository: choose read in {_ACTIONS}"
    yield Check("actions: token", "failed", "may write by default", todo)


def _approvals(repository: CheckedRepository) -> Iterator[Check]:
    """Whether a bot may be the one who approves (GitHub docs: as for the token)."""
    if not required(repository.settings.one(_WORKFLOW), "can_approve_pull_request_reviews"):
        yield Check("actions: approvals", "ok", "a workflow may not approve a pull request")
        return
    todo = f"whoever can push a branch can let a workflow approve it: forbid it in {_ACTIONS}"
    yield Check("actions: approvals", "failed", "a workflow may approve a pull request", todo)


def _forks(repository: CheckedRepository) -> Iterator[Check]:
    """What a pull request from a fork starts; public repositories have another setting for it."""
    if repository.visibility == "public":
        yield _approved_forks(repository)
        return
    row = repository.settings.one("/actions/permissions/fork-pr-workflows-private-repos")
    grants = {
        "send_secrets_and_variables": "secrets",
        "send_write_tokens_to_workflows": "a token that writes",
    }
    if not required(row, "run_workflows_from_fork_pull_requests"):
        yield Check("actions: forks", "ok", "run no workflow")
    elif sent := [grant for key, grant in grants.items() if required(row, key)]:
        todo = f"whoever may read the repository gets them with a fork: send neither, in {_ACTIONS}"
        yield Check("actions: forks", "failed", f"their workflows get {' and '.join(sent)}", todo)
    else:
        yield Check("actions: forks", "ok", "run with no secret, and may only read")


def _approved_forks(repository: CheckedRepository) -> Check:
    row = repository.settings.one("/actions/permissions/fork-pr-contributor-approval")
    if required(row, "approval_policy") == "all_external_contributors":
        return Check("actions: forks", "ok", "no outsider's workflow runs without an approval")
    todo = f"whoever once had a change merged can run anything: require it of all outsiders in {_ACTIONS}"
    return Check("actions: forks", "failed", "only newcomers' workflows need an approval", todo)


def _issues(repository: CheckedRepository) -> Iterator[Check]:
    """Whether drift can be reported, which needs issues and a label."""
    if repository.about.get("has_issues") is False:
        yield Check(
            "issues", "failed", "turned off", f"drift is reported in an issue: turn them on in {_GENERAL}"
        )
        return
    try:
        repository.settings.one(f"/labels/{DRIFT_LABEL}")
    except Unseen as error:
        if not error.absent:
            raise
        todo = "drift is reported in an issue that is found again by its label: make it under Issues, Labels"
        yield Check("issues", "failed", f"there is no label {DRIFT_LABEL}", todo)
        return
    yield Check("issues", "ok", f"turned on, with the label {DRIFT_LABEL}")

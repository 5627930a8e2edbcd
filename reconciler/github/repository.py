"""Whether the repository's own settings are such that what is reviewed is what is applied.

Everything is read and nothing written. Each setting is a line of its own, with
what its lack costs; what the token may not see is unknown, and stops nothing.
Sources, beside those of the modules for environments and rules: GitHub docs,
REST API endpoints for GitHub Actions permissions, repositories, labels.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from reconciler.diagnosis.doctor import Check
from reconciler.github import codeowners
from reconciler.github.api import GitHub
from reconciler.github.environments import environment_checks, secret_checks
from reconciler.github.reading import Repository, Settings, Unseen, checked, listed, text, told
from reconciler.github.rules import rule_checks
from reconciler.github.steps import DRIFT_LABEL
from reconciler.github.workflows import FOLDER, read_workflows
from reconciler.target.settings import Target
from reconciler.views.safe import label

_ALWAYS = (".gitattributes", ".gitmodules")
_NEW = "new files"
"""A workflow that nobody has written yet must have an owner, too."""
_SHOWN = 3
_WORKFLOW = "/actions/permissions/workflow"
_GENERAL, _ACTIONS = "Settings, General", "Settings, Actions, General"


def diagnose(service: GitHub, root: Path, targets: Sequence[Target]) -> list[Check]:
    """Look at the repository that ``root``, the folder of the targets, is a checkout of.

    Raises Refused, NoAnswer or BadAnswer where the repository itself is not
    there to be read; nothing after that raises anything but Interrupted.
    """
    settings = Settings(service)
    top = _top(root)
    repository = Repository(settings, settings.repository(), top, read_workflows(top), targets)
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
    """The checkout's top, told by its ``.git``; without one, the folder above the targets."""
    here = root.resolve()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here.parent)


def _itself(repository: Repository) -> Iterator[Check]:
    match repository.visibility:
        case "private":
            yield Check("repository", "ok", "private")
        case "internal":
            todo = "everybody of the enterprise reads who is in the system: private is safer"
            yield Check("repository", "ok", "internal", todo)
        case _:
            todo = f"everybody reads the plans, and so who is in the system: make it private in {_GENERAL}"
            yield Check("repository", "failed", "public", todo)


def _default_branch(repository: Repository) -> Iterator[Check]:
    """Whether the workflows run for it: `pull_request_target` takes them from there."""
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


def _workflows(repository: Repository) -> Iterator[Check]:
    """Whether what the checkout's workflows say can be judged, and keeps every key in an environment."""
    flows = repository.workflows
    jobs = [(flow.file, job) for flow in flows for job in flow.jobs]
    missing = [flow.file for flow in flows if not flow.there]
    doubtful = [f"{flow.file} {flow.unread}" for flow in flows if flow.unread]
    loose = [f"{job.name} of {file}" for file, job in jobs if job.secrets and not job.environment]
    if missing:
        todo = "what it does is done by nobody: `reconciler init` writes it"
        yield Check("workflows", "failed", f"there is no {' and no '.join(missing)}", todo)
    if doubtful:
        todo = "its environments are not looked at here: name each in plain words"
        yield Check("workflows", "unknown", "; ".join(doubtful), todo)
    if loose:
        todo = "a key that it gets is one that every branch gets: name an environment for it"
        yield Check("workflows", "failed", f"no environment for the job {', '.join(loose)}", todo)
    if not (missing or doubtful or loose):
        named = sorted({job.environment for _, job in jobs} - {""})
        yield Check("workflows", "ok", f"environments: {', '.join(map(label, named)) or 'none'}")


def _owned(repository: Repository) -> Iterator[Check]:
    """Whether those files have an owner that decide what runs with the key, and what it may do."""
    found = codeowners.find(repository.top)
    if not found:
        todo = (
            "whoever may approve lifts limits and changes workflows: give each an owner in .github/CODEOWNERS"
        )
        yield Check("CODEOWNERS", "failed", "there is none", todo)
        return
    place, raw = found
    if len(raw) > codeowners.LARGEST:
        yield Check(
            "CODEOWNERS", "failed", f"{place} is larger than 3 MB", "GitHub does not load it: shorten it"
        )
        return
    lines = codeowners.read(raw.decode("utf-8", "replace"))
    if bare := [path for path in _guarded(repository, place) if not codeowners.owners(lines, path)]:
        more = f" and {len(bare) - _SHOWN} more" if len(bare) > _SHOWN else ""
        todo = "they decide what runs with the key, and any approval lets them pass: give each an owner"
        yield Check("CODEOWNERS", "failed", f"nobody owns {', '.join(map(label, bare[:_SHOWN]))}{more}", todo)
        return
    yield Check("CODEOWNERS", "ok", "cover the workflows and every target.yaml")


def _guarded(repository: Repository, place: str) -> list[str]:
    top = repository.top
    files = [*(top / FOLDER).glob("*.y*ml"), *top.glob("requirements*"), top / FOLDER / _NEW]
    files += [target.folder.resolve() / "target.yaml" for target in repository.targets]
    return [*sorted({path.relative_to(top).as_posix() for path in files}), *_ALWAYS, place]


def _owner_errors(repository: Repository) -> Iterator[Check]:
    """What GitHub finds wrong (GitHub docs: List CODEOWNERS errors); an unknown owner is among it."""
    name, ref = "CODEOWNERS: errors", repository.branch
    try:
        errors = listed(repository.settings.one("/codeowners/errors", {"ref": ref}).get("errors"))
    except Unseen as error:
        if not error.absent:
            raise
        todo = "commit it there: what is only here guards nothing"
        yield Check(name, "failed", f"GitHub finds no such file on {label(ref)}", todo)
        return
    if not errors:
        yield Check(name, "ok", f"none on {label(ref)}")
        return
    first = errors[0]
    said = f"{len(errors)}, the first in line {first.get('line')}: {text(first, 'kind')}"
    yield Check(name, "failed", said, "GitHub skips such a line, and asks nobody for its files: mend it")


def _actions(repository: Repository) -> Iterator[Check]:
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


def _token(repository: Repository) -> Iterator[Check]:
    """What each job's own token may do (GitHub docs: Get default workflow permissions for a repository)."""
    row = repository.settings.one(_WORKFLOW)
    if told(row, "default_workflow_permissions") == "read":
        yield Check("actions: token", "ok", "reads, unless a workflow asks for more")
        return
    todo = f"a workflow that forgets to say less writes to the repository: choose read in {_ACTIONS}"
    yield Check("actions: token", "failed", "may write by default", todo)


def _approvals(repository: Repository) -> Iterator[Check]:
    """Whether a bot may be the one who approves (GitHub docs: as for the token)."""
    if not told(repository.settings.one(_WORKFLOW), "can_approve_pull_request_reviews"):
        yield Check("actions: approvals", "ok", "a workflow may not approve a pull request")
        return
    todo = f"who can push a branch has a workflow approve their own change: forbid it in {_ACTIONS}"
    yield Check("actions: approvals", "failed", "a workflow may approve a pull request", todo)


def _forks(repository: Repository) -> Iterator[Check]:
    """What a pull request from a fork sets off; a public repository has other settings than the rest."""
    if repository.visibility == "public":
        yield _approved_forks(repository)
        return
    row = repository.settings.one("/actions/permissions/fork-pr-workflows-private-repos")
    given = {"send_secrets_and_variables": "secrets", "send_write_tokens_to_workflows": "a token that writes"}
    if not told(row, "run_workflows_from_fork_pull_requests"):
        yield Check("actions: forks", "ok", "run no workflow")
    elif sent := [what for key, what in given.items() if told(row, key)]:
        todo = f"who may read the repository gets them with a fork: send neither, in {_ACTIONS}"
        yield Check("actions: forks", "failed", f"their workflows get {' and '.join(sent)}", todo)
    else:
        yield Check("actions: forks", "ok", "run with no secret, and may only read")


def _approved_forks(repository: Repository) -> Check:
    row = repository.settings.one("/actions/permissions/fork-pr-contributor-approval")
    if told(row, "approval_policy") == "all_external_contributors":
        return Check("actions: forks", "ok", "no outsider's workflow runs without an approval")
    todo = f"who once had a change merged runs what they like: require it of all outsiders in {_ACTIONS}"
    return Check("actions: forks", "failed", "only newcomers' workflows need an approval", todo)


def _issues(repository: Repository) -> Iterator[Check]:
    """What drift is told in."""
    if repository.about.get("has_issues") is False:
        yield Check(
            "issues", "failed", "turned off", f"drift is told in an issue: turn them on in {_GENERAL}"
        )
        return
    try:
        repository.settings.one(f"/labels/{DRIFT_LABEL}")
    except Unseen as error:
        if not error.absent:
            raise
        todo = "drift is told in an issue that is found again by its label: make it under Issues, Labels"
        yield Check("issues", "failed", f"there is no label {DRIFT_LABEL}", todo)
        return
    yield Check("issues", "ok", f"turned on, with the label {DRIFT_LABEL}")

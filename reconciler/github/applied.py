"""The record of what was applied, as the server keeps it; and what was merged and never applied."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile

from reconciler import git
from reconciler.desired.history import REFS
from reconciler.errors import GitFailed, ReconcilerError, Stale
from reconciler.git import Repository
from reconciler.github import job, posts, pulls
from reconciler.github.api import GitHub
from reconciler.github.pulls import Pull
from reconciler.saved import from_json
from reconciler.target.settings import Target
from reconciler.views.markdown import failure_markdown, marker_of

_MOST = 50
"""Merges that are searched for plans that were never applied."""
BACKLOG = (
    "What was merged and not applied is backlog from now on: the next pull request shows it as backlog, "
    "and applies it too where its text has the line `Reconciler-Include: backlog`. Where pull requests plan "
    "what they change alone, `reconciler apply --only changed` applies it."
)


def repository_of(target: Target) -> Repository:
    """The checkout that holds a target; raises GitFailed where there is none."""
    repository = git.find(target.folder)
    if repository is None:
        message = f"{target.folder} is in no checkout of git, and this step needs one"
        raise GitFailed(message)
    return repository


def fetch_record(target: Target) -> str:
    """Fetch the record of what was applied, which a checkout does not contain.

    Returns why the server's record cannot be used, or "". No object is fetched: a
    commit that is not in the checkout never was on its branch.
    """
    repository, name = repository_of(target), f"{REFS}/{target.name}"
    with _about(f"what was applied cannot be read from the server ({name})"):
        commit = repository.remote_refs(name, job.git_header()).get(name)
    if commit is None:
        return ""
    if repository.commit(commit) is None:
        shallow = ": check out all of the history (fetch-depth: 0)" if repository.is_shallow else ""
        return f"{name} names {commit[:8]}, which is not in this checkout{shallow}"
    repository.set_ref(name, commit)
    return ""


def push_record(target: Target) -> None:
    """Push the record of what was applied over the server's: it is only ever set after an apply."""
    repository, name = repository_of(target), f"{REFS}/{target.name}"
    if commit := repository.commit(name):
        with _about(f"what was applied cannot be recorded on the server ({name})"):
            repository.push(commit, name, job.git_header())


@contextmanager
def _about(failure: str) -> Iterator[None]:
    try:
        yield
    except GitFailed as error:
        message = f"{failure}: {error}"
        raise GitFailed(message) from None


def check_newest(target: Target) -> None:
    """Raises Stale where a later merge is applied already: to apply this one now could undo it.

    Whoever can push can move the record, so it counts only where it names what the
    branch itself once was.
    """
    repository = repository_of(target)
    last, commit, tip = (
        repository.commit(f"{REFS}/{target.name}"),
        repository.commit("HEAD"),
        _tip(repository),
    )
    if not last or not commit or last == commit or last not in repository.first_parents(tip or commit):
        return
    if commit in repository.first_parents(last):
        message = (
            f"{last[:8]}, which was merged after {commit[:8]}, is applied already, so nothing is executed: "
            "what this one wanted and is still in the files is done, or is backlog"
        )
        raise Stale(message)


def check_rerun(github: GitHub, target: Target) -> None:
    """Raises Stale where this job is run again, and its merge was applied or its files have changed.

    Anybody who can write can run a job again, long after. So a run that was applied
    once, or whose files have changed on the branch, applies nothing.
    """
    run, attempt = job.attempt()
    if attempt == 1:
        return
    for earlier in range(1, attempt):
        for row in github.pages(f"/actions/runs/{run}/attempts/{earlier}/jobs", key="jobs"):
            if row["conclusion"] == "success" and str(row["name"]).endswith(f" {target.name}"):
                message = f"this was applied to {target.name} by attempt {earlier} of this run already"
                raise Stale(message)
    repository = repository_of(target)
    commit, tip = repository.commit("HEAD") or "", _tip(repository)
    if tip is None or not _same(repository, commit, tip, target):
        message = (
            f"the files of {target.name} have changed since {commit[:8]}, and this job is run again: "
            "what it wanted and is still in the files is backlog"
        )
        raise Stale(message)


def _tip(repository: Repository) -> str | None:
    """The newest commit that the server has of this job's branch; None where it is not in the checkout."""
    with _about(f"the newest commit cannot be read from the server ({job.branch()})"):
        refs = repository.remote_refs(job.branch(), job.git_header()) if job.branch() else {}
    tip = refs.get(job.branch(), "")
    return tip if tip and repository.commit(tip) else None


def changed_by_merge(target: Target, commit: str) -> bool:
    """Whether a merge changed a target's files; True too where the commit before it is not here."""
    repository = repository_of(target)
    return not _same(repository, f"{commit}^1", commit, target)


def _same(repository: Repository, first: str, second: str, target: Target) -> bool:
    """Whether all that a target's desired state is made of is the same in two commits."""
    return all(repository.same(first, second, repository.inside(path)) for path in target.paths)


def name_unapplied(github: GitHub, target: Target, pull: Pull) -> list[int]:
    """Comment on each merged pull request whose plan was never applied; returns their numbers.

    GitHub keeps one waiting job of a concurrency group, and cancels the older one.
    Raises ReconcilerError where GitHub cannot be asked, or takes no comment.
    """
    numbers = list(_unapplied(github, target, pull))
    marker = marker_of(f"apply {target.name}")
    for number in numbers:
        message = (
            f"The job that was to apply this was cancelled or never ran: of several waiting jobs, GitHub "
            f"keeps only the newest. The apply of #{pull.number} ran in its place."
        )
        title = f"The plan for {target.name} was never applied"
        posts.comment(github, number, marker, failure_markdown(marker, title, message, advice=BACKLOG))
    return numbers


def _unapplied(github: GitHub, target: Target, pull: Pull) -> Iterator[int]:
    repository = repository_of(target)
    last = repository.commit(f"{REFS}/{target.name}")
    line = repository.first_parents("HEAD")[: _MOST + 1]
    if last == line[0]:
        return
    for commit in takewhile(lambda name: name != last, line[1:]):
        merged = _merged_as(github, commit)
        if merged and merged.number != pull.number and _wanted_something(github, target, merged):
            yield merged.number


def _merged_as(github: GitHub, commit: str) -> Pull | None:
    try:
        return pulls.pull_of(github, commit)
    except ReconcilerError:
        # The commit fits two pull requests; its own apply said so.
        return None


def _wanted_something(github: GitHub, target: Target, merged: Pull) -> bool:
    """Whether a plan with changes was made for it, and no comment says what became of that."""
    if posts.comments(github, merged.number, marker_of(f"apply {target.name}")):
        return False
    uploaded = pulls.kept_plan(github, pulls.artifact_name(target.name, merged.number, merged.head))
    if uploaded is None:
        return False
    (text,) = pulls.unpacked(pulls.download(github, uploaded.id), "plan.json")
    try:
        return bool(from_json(text).intended.changes)
    except ValueError:
        # The plan of another release: it was never applied either.
        return True

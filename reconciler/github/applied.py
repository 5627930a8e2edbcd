"""The record of what was applied, as the server keeps it; and what was merged and never applied."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile

from reconciler import git
from reconciler.desired.history import REFS
from reconciler.errors import GitFailed, ReconcilerError, Stale
from reconciler.git import Repository
from reconciler.github import job, pulls
from reconciler.github.api import GitHub
from reconciler.github.pulls import Pull
from reconciler.saved import from_json
from reconciler.starter.write import artifact
from reconciler.target.settings import Target
from reconciler.views.markdown import failure_markdown, marker

_MOST = 50
"""Merges that are looked at for plans that were never applied."""
_ADVICE = (
    "What it wanted is backlog from now on: the next pull request shows it as such, "
    "and applies it too where its text has the line `Reconciler-Include: backlog`."
)


def repository_of(target: Target) -> Repository:
    """The checkout that holds a target; raises GitFailed where there is none."""
    found = git.find(target.folder)
    if found is None:
        message = f"{target.folder} is in no checkout of git, which this step works on"
        raise GitFailed(message)
    return found


def fetch(target: Target) -> str:
    """Get the record of what was applied; a checkout does not bring it along.

    Returns why it is not known although the server has one. No object is fetched: a
    commit that is not here never was on this branch, whoever says so.
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


def hand_in(target: Target) -> None:
    """Hand in the record of what was applied, whatever stands there: it only ever follows an apply."""
    repository, name = repository_of(target), f"{REFS}/{target.name}"
    if commit := repository.commit(name):
        with _about(f"what was applied cannot be recorded on the server ({name})"):
            repository.push(commit, name, job.git_header())


@contextmanager
def _about(what: str) -> Iterator[None]:
    try:
        yield
    except GitFailed as error:
        message = f"{what}: {error}"
        raise GitFailed(message) from None


def check_newest(target: Target) -> None:
    """Raises Stale where a later merge was applied already, which doing this one now might undo.

    Whoever can push can move the record: it counts where it names what once was the branch itself.
    """
    repository = repository_of(target)
    last, here, tip = repository.commit(f"{REFS}/{target.name}"), repository.commit("HEAD"), _tip(repository)
    if not last or not here or last == here or last not in repository.first_parents(tip or here):
        return
    if here in repository.first_parents(last):
        message = (
            f"{last[:8]}, which was merged after {here[:8]}, is applied already, so nothing is executed: "
            "what this one wanted and is still in the files is done, or backlog"
        )
        raise Stale(message)


def check_again(github: GitHub, target: Target) -> None:
    """Raises Stale where this is done once more, and what it was about has moved on.

    Anybody who can write can have a job run again, long after. So what was applied once, or
    was overtaken by a later merge, is not applied anew by that: neither can be written by them.
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
    here, tip = repository.commit("HEAD") or "", _tip(repository)
    if tip is None or not repository.same(here, tip, repository.inside(target.folder)):
        message = (
            f"the files of {target.name} have changed since {here[:8]}, and this job is run again: "
            "what it wanted and is still in the files is backlog"
        )
        raise Stale(message)


def _tip(repository: Repository) -> str | None:
    """The newest commit of the branch that this job was started for, by the server; None if not here."""
    with _about(f"the newest commit cannot be read from the server ({job.branch()})"):
        found = repository.remote_refs(job.branch(), job.git_header()) if job.branch() else {}
    tip = found.get(job.branch(), "")
    return tip if tip and repository.commit(tip) else None


def changed_by_merge(target: Target, commit: str) -> bool:
    """Whether a merge changed a target's files, or may have: the commit before it may not be here."""
    repository = repository_of(target)
    return not repository.same(f"{commit}^1", commit, repository.inside(target.folder))


def name_unapplied(github: GitHub, target: Target, pull: Pull) -> list[int]:
    """Say on each merged pull request whose plan was never applied that it was not; returns their numbers.

    GitHub keeps one waiting job of a concurrency group, and cancels the older one.
    Raises ReconcilerError where that cannot be found out, or said.
    """
    found = list(_unapplied(github, target, pull))
    place = marker(f"apply {target.name}")
    for number in found:
        message = (
            f"The job that was to apply this was cancelled or never ran: of several that wait, GitHub keeps "
            f"the newest only. The apply of #{pull.number} went ahead of it."
        )
        title = f"The plan for {target.name} was never applied"
        github.comment(number, place, failure_markdown(place, title, message, advice=_ADVICE))
    return found


def _unapplied(github: GitHub, target: Target, pull: Pull) -> Iterator[int]:
    repository = repository_of(target)
    last = repository.commit(f"{REFS}/{target.name}")
    line = repository.first_parents("HEAD")[: _MOST + 1]
    if last == line[0]:
        return
    for commit in takewhile(lambda one: one != last, line[1:]):
        merged = _merged_as(github, commit)
        if merged and merged.number != pull.number and _wanted_something(github, target, merged):
            yield merged.number


def _merged_as(github: GitHub, commit: str) -> Pull | None:
    try:
        return pulls.pull_of(github, commit)
    except ReconcilerError:
        # It fits two: its own apply said so.
        return None


def _wanted_something(github: GitHub, target: Target, merged: Pull) -> bool:
    """Whether a plan was made for it that nobody spoke of since."""
    if github.comments(merged.number, marker(f"apply {target.name}")):
        return False
    kept = pulls.kept_plan(github, artifact(target.name, merged.number, merged.head))
    if kept is None:
        return False
    (text,) = pulls.unpacked(pulls.download(github, kept.id), "plan.json")
    try:
        return bool(from_json(text).intended.changes)
    except ValueError:
        # Of another release; that it was never applied holds all the same.
        return True

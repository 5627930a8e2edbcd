"""The steps of the workflows on GitHub: plan a pull request, apply it after the merge, report drift.

What was reviewed is applied, or nothing: the artifact is the one that was found for
the merge, its plan is for this pull request and this head, the comment that showed
it is unedited, and somebody else approved it after that.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler import workflow
from reconciler.errors import ReconcilerError, Unapproved
from reconciler.github import applied, job, posts, pulls, reviewed
from reconciler.github.api import GitHub
from reconciler.github.body import inclusions
from reconciler.github.pulls import Pull
from reconciler.github.reviewed import COMMENT as COMMENT_TEXT
from reconciler.github.reviewed import (
    COMMENT_ID,
    PAGE,
    PLAN,
    approval_numbers,
    approved_for,
)
from reconciler.plan import Note, Plan, PullRequest
from reconciler.planning.expected import Expectation
from reconciler.report import Mandate, Report
from reconciler.saved import to_json
from reconciler.target.at_base import at_base
from reconciler.target.session import Session, connect
from reconciler.target.settings import Target, load_targets
from reconciler.views.html import plan_html
from reconciler.views.markdown import (
    COMMENT,
    SUMMARY,
    failure_markdown,
    marker_of,
    plan_markdown,
    report_markdown,
)
from reconciler.views.recheck import recheck_text
from reconciler.views.refusal import numbers_of
from reconciler.views.text import violations_text
from reconciler.workflow.drift import drift

DRIFT_LABEL = "reconciler-drift"

OnMany = Callable[[str], None]
"""Told in one line of many reads, before they begin."""


# On the pull request


def plan_pull(
    github: GitHub,
    root: Path,
    name: str,
    number: int,
    options: workflow.Options,
    out: Path,
    on_many: OnMany,
) -> Plan:
    """Plan the files as the pull request would merge them, and show the plan in its comment.

    Of the ``options``, what to include and what the plan is about are taken; the rest is the pull request's.

    The checkout is GitHub's test merge: its first parent is the base, whose settings
    hold. ``out`` gets plan.json, plan.html, and the comment as it was written, and ``on_many`` is
    told of many reads before they begin. An
    error is shown in the comment too, in the place of an older plan. Raises
    ReconcilerError as planning does.
    """
    pull = pulls.pull(github, number)
    _check_open(pull)
    marker = marker_of(name)
    try:
        plan = _planned(root, name, pull, options, on_many)
    except ReconcilerError as error:
        text = failure_markdown(marker, f"{name} cannot be planned", str(error))
        posts.comment(github, number, marker, text, anew=True)
        raise
    address = job.repository_address()
    text = plan_markdown(plan, budget=COMMENT, run=f"{address}/pull/{number}/checks" if address else "")
    _check_open(pulls.pull(github, number))
    comment = posts.comment(github, number, marker, text, anew=True)
    files = {PLAN: to_json(plan), PAGE: plan_html(plan), COMMENT_TEXT: text, COMMENT_ID: str(comment.id)}
    _keep(out, files)
    job.summarize(plan_markdown(plan, budget=SUMMARY))
    return plan


def _keep(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files of the artifact anew: a file that was there, or was linked to, is not written over."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).unlink(missing_ok=True)
            (folder / name).write_text(content, "utf-8")
    except OSError as error:
        message = f"{folder}: the plan cannot be kept: {error.strerror}"
        raise ReconcilerError(message) from None


def _check_open(pull: Pull) -> None:
    if pull.merged_as:
        message = f"#{pull.number} is merged, so its plan stays as it was reviewed"
        raise ReconcilerError(message)


def _planned(root: Path, name: str, pull: Pull, options: workflow.Options, on_many: OnMany) -> Plan:
    (target,) = load_targets(root, [name])
    _check_merge(target, pull)
    unknown = applied.fetch_record(target)
    based = at_base(target, "HEAD^1")
    about = PullRequest(pull.number, pull.head, based.approvals)
    told: list[str] = []
    with connect(based, on_many=_kept(told, on_many)) as session:
        included = (*options.include, *inclusions(pull.body))
        asked = workflow.Options(base="HEAD^1", include=included, pull=about, only=options.only)
        plan = workflow.plan(based, session, asked).plan
    plan = _noted(_forecast(plan, told), "applied", unknown)
    approved = approved_for(plan, pull, target)
    plan = workflow.guarded(plan, based, *approval_numbers(approved))
    if approved is not None:
        message = f"{numbers_of(approved.allows)} approved by a line in the pull request's text"
        plan = _noted(plan, "approved", message)
    return plan


def _kept(told: list[str], tell: OnMany) -> OnMany:
    """Tell it, and keep what was told."""

    def both(text: str) -> None:
        told.append(text)
        tell(text)

    return both


def _forecast(plan: Plan, told: Sequence[str]) -> Plan:
    """The plan with a note for each time that many reads were told."""
    notes = (Note("reads", f"reading took {text}") for text in told)
    return replace(plan, notes=(*plan.notes, *notes))


def _noted(plan: Plan, code: str, message: str) -> Plan:
    """The plan with one more warning, unless it is empty or says so already."""
    note = Note(code, message, warning=True)
    return replace(plan, notes=(*plan.notes, note)) if message and note not in plan.notes else plan


def _check_merge(target: Target, pull: Pull) -> None:
    """Raise ReconcilerError for another merge: GitHub makes the test merge some time after a push."""
    if applied.repository_of(target).commit("HEAD^2") != pull.head:
        message = (
            f"what is checked out is no merge of {pull.head[:8]}, the pull request's last commit: run the "
            "job again; if that does not help, the branch has conflicts to resolve"
        )
        raise ReconcilerError(message)


# After the merge


Execute = Callable[[Target, Session, workflow.Proposal, Mandate], Report]
"""Shows a proposal and executes it; raises GuardRefused or Stale where it may not be."""


def apply_reviewed(
    github: GitHub,
    target: Target,
    number: int,
    artifact: tuple[int, str],
    execute: Execute,
    on_many: OnMany,
) -> Report:
    """Execute a reviewed plan, record what was applied, and comment how it went on the pull request.

    ``artifact`` is its id, and the SHA-256 of its bytes. What stops it is commented
    as well, and raised again.
    """
    marker = marker_of(f"apply {target.name}")
    details: list[str] = []
    try:
        pull = pulls.pull(github, number)
        contents = reviewed.load(github, target, pull, *artifact)
        unknown = applied.fetch_record(target)
        based = _check_applicable(github, target, pull, contents.plan)
        mandate = reviewed.mandate(github, based, pull, contents)
        with workflow.locked(based), connect(based, on_many=on_many) as session:
            removals, creations = approval_numbers(approved_for(contents.plan, pull, target))
            proposal = workflow.propose(
                based, session, saved=contents.plan, allow_removals=removals, allow_creations=creations
            )
            proposal = replace(proposal, plan=_noted(proposal.plan, "applied", unknown))
            details += _objections(proposal)
            report = execute(based, session, proposal, mandate)
    except ReconcilerError as error:
        title = f"Nothing was applied to {target.name}"
        advice = error.advice if isinstance(error, Unapproved) else applied.BACKLOG
        text = failure_markdown(marker, title, str(error), "\n".join(details), advice)
        posts.comment(github, number, marker, text)
        raise
    return _recorded(github, target, number, proposal, report)


def _check_applicable(github: GitHub, target: Target, pull: Pull, plan: Plan) -> Target:
    """The target under the base's settings; raises where the plan is not for this merge, or came too late."""
    reviewed.check_bound(target, plan, pull)
    applied.check_rerun(github, target)
    applied.check_newest(target)
    based = at_base(target, plan.base)
    reviewed.check_target(based, plan)
    return based


def _objections(proposal: workflow.Proposal) -> Iterator[str]:
    """What a guard or the live state says against a proposal, for its comment."""
    if proposal.plan.violations:
        yield violations_text(proposal.plan)
    if proposal.recheck and proposal.recheck.stale:
        yield recheck_text(proposal.recheck)


def _recorded(
    github: GitHub, target: Target, number: int, proposal: workflow.Proposal, report: Report
) -> Report:
    """Record what was applied, and comment how it went; returns the report with why it is not recorded."""
    why = workflow.record(target, proposal, report)
    report = replace(report, unrecorded=why)
    marker = marker_of(f"apply {target.name}")
    text = report_markdown(report, budget=COMMENT - len(marker) - 1)
    job.summarize(text)
    # The comment comes first: what was applied is said, also where it cannot be recorded.
    posts.comment(github, number, marker, f"{marker}\n{text}")
    if not why:
        applied.push_record(target)
    return report


# Every day


def report_drift(
    github: GitHub, target: Target, expectations: Sequence[Expectation], today: str, on_many: OnMany
) -> Plan:
    """Keep one issue for the target up to date with its drift: open while there is some, else closed."""
    unknown = applied.fetch_record(target)
    told: list[str] = []
    with connect(target, on_many=_kept(told, on_many)) as session:
        plan = _forecast(drift(target, session, expectations, today), told)
    plan = _noted(plan, "applied", unknown)
    marker, title = marker_of(f"drift {target.name}"), f"Drift of {target.name}"
    if plan.changes:
        posts.issue(github, DRIFT_LABEL, marker, title, plan_markdown(plan, budget=COMMENT, marker=marker))
    else:
        posts.close_issue(github, DRIFT_LABEL, marker, "The live state is as the files say again.")
    job.summarize(plan_markdown(plan, budget=SUMMARY))
    return plan

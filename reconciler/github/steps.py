"""A pull request's plan, its application after the merge, and drift, as GitHub meets them.

Each function is one step of a workflow. What is applied is what was reviewed, or
nothing: the artifact is the one that the merge found, its plan is for this pull
request and this head, the comment that showed it stands there unedited, and
somebody else approved it since.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler import workflow
from reconciler.changes import Origin
from reconciler.errors import ReconcilerError, Unapproved
from reconciler.github import applied, job, pulls, reviewed
from reconciler.github.api import GitHub
from reconciler.github.pulls import Pull
from reconciler.github.reviewed import (
    BACKLOG,
    COMMENT_ID,
    PAGE,
    PLAN,
    approval_numbers,
    approved_for,
    said,
)
from reconciler.github.reviewed import COMMENT as COMMENT_TEXT
from reconciler.plan import Note, Plan, PullRequest
from reconciler.planning.approval import inclusions
from reconciler.planning.expected import Expectation
from reconciler.report import Mandate, Report
from reconciler.saved import to_json
from reconciler.target.session import Session, connect
from reconciler.target.settings import Target, at_base, load_targets
from reconciler.views.html import plan_html
from reconciler.views.markdown import (
    COMMENT,
    SUMMARY,
    failure_markdown,
    marker,
    plan_markdown,
    report_markdown,
)
from reconciler.views.review import review_text
from reconciler.views.text import violations_text
from reconciler.workflow.drift import drift

DRIFT_LABEL = "reconciler-drift"


# On the pull request


def plan_pull(
    github: GitHub, root: Path, name: str, number: int, include: Sequence[Origin], out: Path
) -> Plan:
    """Plan the files as the pull request would merge them, and say so in its comment.

    The checkout is GitHub's test merge: its first parent is the base, whose
    settings hold. ``out`` gets plan.json, plan.html, and the comment as it was
    written. What stops the planning is said in the comment as well, so that no older
    plan stands there. Raises ReconcilerError as planning does.
    """
    pull = pulls.pull(github, number)
    _check_open(pull)
    place = marker(name)
    try:
        plan = _planned(root, name, pull, include)
    except ReconcilerError as error:
        text = failure_markdown(place, f"{name} cannot be planned", str(error))
        github.comment(number, place, text, anew=True)
        raise
    address = job.repository_address()
    text = plan_markdown(plan, budget=COMMENT, run=f"{address}/pull/{number}/checks" if address else "")
    _check_open(pulls.pull(github, number))
    comment = github.comment(number, place, text, anew=True)
    out.mkdir(parents=True, exist_ok=True)
    held = {PLAN: to_json(plan), PAGE: plan_html(plan), COMMENT_TEXT: text, COMMENT_ID: str(comment.id)}
    for file, content in held.items():
        (out / file).write_text(content, "utf-8")
    job.summarize(plan_markdown(plan, budget=SUMMARY))
    return plan


def _check_open(pull: Pull) -> None:
    if pull.merged_as:
        message = f"#{pull.number} is merged, so its plan stays as it was reviewed"
        raise ReconcilerError(message)


def _planned(root: Path, name: str, pull: Pull, include: Sequence[Origin]) -> Plan:
    (target,) = load_targets(root, [name])
    _check_merge(target, pull)
    unknown = applied.fetch(target)
    based = at_base(target, "HEAD^1")
    about = PullRequest(pull.number, pull.head, based.approvals)
    with connect(based) as session:
        origins = (*include, *inclusions(pull.body))
        plan = workflow.plan(based, session, base="HEAD^1", include=origins, pull=about).plan
    if unknown:
        plan = replace(plan, notes=(*plan.notes, Note("applied", unknown, warning=True)))
    approved = approved_for(plan, pull, target)
    plan = workflow.judge(plan, based, *approval_numbers(approved))
    if approved is not None:
        message = f"{said(approved)} approved by a line in the pull request's text"
        plan = replace(plan, notes=(*plan.notes, Note("approved", message, warning=True)))
    return plan


def _check_merge(target: Target, pull: Pull) -> None:
    """GitHub makes the test merge in its own time: it may still be the one of an older push."""
    if applied.repository_of(target).commit("HEAD^2") != pull.head:
        message = (
            f"what is checked out is no merge of {pull.head[:8]}, the pull request's last commit: run the "
            "job again; where that does not help, the branch has conflicts to be solved"
        )
        raise ReconcilerError(message)


# After the merge


Execute = Callable[[Target, Session, workflow.Proposal, Mandate], Report]
"""Shows a proposal and executes it; raises GuardRefused or Stale where it may not be."""


def apply_reviewed(
    github: GitHub, target: Target, number: int, artifact: tuple[int, str], execute: Execute
) -> Report:
    """Execute a reviewed plan, record what was applied, and say on the pull request how it went.

    ``artifact`` is its id, and the SHA-256 of its bytes. What stops it is said there as
    well, and raised again.
    """
    place = marker(f"apply {target.name}")
    details: list[str] = []
    try:
        pull = pulls.pull(github, number)
        kept = reviewed.load(github, target, pull, *artifact)
        applied.fetch(target)
        reviewed.check_bound(target, kept.plan, pull)
        applied.check_again(github, target)
        applied.check_newest(target)
        based = at_base(target, kept.plan.base)
        reviewed.check_target(based, kept.plan)
        mandate = reviewed.mandate(github, based, pull, kept)
        with workflow.locked(based), connect(based) as session:
            removals, creations = approval_numbers(approved_for(kept.plan, pull, target))
            proposal = workflow.propose(
                based, session, saved=kept.plan, allow_removals=removals, allow_creations=creations
            )
            if proposal.plan.violations:
                details.append(violations_text(proposal.plan))
            if proposal.review and proposal.review.stale:
                details.append(review_text(proposal.review))
            report = execute(based, session, proposal, mandate)
    except ReconcilerError as error:
        title = f"Nothing was applied to {target.name}"
        advice = error.way_on if isinstance(error, Unapproved) else BACKLOG
        text = failure_markdown(place, title, str(error), "\n".join(details), advice)
        github.comment(number, place, text)
        raise
    # Handed in after the comment: what was applied is said, also where the record of it cannot be.
    why = workflow.record(target, proposal, report)
    report = replace(report, unrecorded=why)
    text = report_markdown(report, budget=COMMENT - len(place) - 1)
    job.summarize(text)
    github.comment(number, place, f"{place}\n{text}")
    if not why:
        applied.hand_in(target)
    return report


# Every day


def report_drift(github: GitHub, target: Target, expectations: Sequence[Expectation], today: str) -> Plan:
    """Keep one issue for the target in step with its drift: open, up to date, or closed."""
    unknown = applied.fetch(target)
    with connect(target) as session:
        found = drift(target, session, expectations, today)
    if unknown:
        found = replace(found, notes=(*found.notes, Note("applied", unknown, warning=True)))
    place, title = marker(f"drift {target.name}"), f"Drift of {target.name}"
    if found.changes:
        github.issue(DRIFT_LABEL, place, title, plan_markdown(found, budget=COMMENT, place=place))
    else:
        github.close_issue(DRIFT_LABEL, place, "The live state is as the files say again.")
    job.summarize(plan_markdown(found, budget=SUMMARY))
    return found

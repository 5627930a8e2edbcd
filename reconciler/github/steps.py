"""A pull request's plan, its application after the merge, and drift, as GitHub meets them.

Each function is one step of a workflow. What is applied is what was reviewed, or
nothing: the artifact is the one that the merge found, its plan is for this pull
request and this head, the comment that showed it stands there unedited, and
somebody else approved it since.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler import workflow
from reconciler.changes import Note, Origin, Plan, PullRequest
from reconciler.drift import drift
from reconciler.errors import ReconcilerError, Unapproved
from reconciler.github import applied, approvals, job, pulls
from reconciler.github.api import GitHub
from reconciler.github.pulls import Pull
from reconciler.planning.approval import Override, holds_lines, inclusions, overrides
from reconciler.planning.expected import Expectation
from reconciler.report import Mandate, Report
from reconciler.saved import load_plan, to_json
from reconciler.settings import Session, Target, at_base, connect, load_targets
from reconciler.starter.write import artifact
from reconciler.views.html import plan_html
from reconciler.views.lines import number_of
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

DRIFT_LABEL = "reconciler-drift"
_PLAN, _PAGE, _COMMENT = "plan.json", "plan.html", "comment.md"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A target's plan for a merged pull request: the very artifact that holds it.

    ``artifact`` is its name, ``id`` its id, and ``digest`` the SHA-256, in hex, of its bytes.
    """

    name: str
    artifact: str
    id: int
    digest: str


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
    if pull.merged_as:
        message = f"#{number} is merged, so its plan stays as it was reviewed"
        raise ReconcilerError(message)
    place = marker(name)
    try:
        plan = _planned(root, name, pull, include)
    except ReconcilerError as error:
        text = failure_markdown(place, f"{name} cannot be planned", str(error))
        github.comment(number, place, text, anew=True)
        raise
    address = job.repository_address()
    comment = plan_markdown(plan, budget=COMMENT, run=f"{address}/pull/{number}/checks" if address else "")
    out.mkdir(parents=True, exist_ok=True)
    for file, text in ((_PLAN, to_json(plan)), (_PAGE, plan_html(plan)), (_COMMENT, comment)):
        (out / file).write_text(text, "utf-8")
    job.summarize(plan_markdown(plan, budget=SUMMARY))
    github.comment(number, place, comment, anew=True)
    return plan


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
    approved = _approved(plan, pull, target)
    plan = workflow.judge(plan, based, approved)
    if approved is not None:
        message = f"{number_of(approved, 'removal')} approved by a line in the pull request's text"
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


def _approved(plan: Plan, pull: Pull, target: Target) -> int | None:
    """The number of removals that the pull request's text approves for this very plan; None for none."""
    found: Override | None = overrides(pull.body).get(target.name)
    return found.removals if found and plan.removals_digest.startswith(found.digest) else None


# After the merge


def find_reviewed(github: GitHub, commit: str, targets: list[Target]) -> tuple[Pull, list[Reviewed]]:
    """The pull request that a commit merged, and the plan of each target that was made for it.

    Raises ReconcilerError where the commit came without a pull request: nothing was reviewed then.
    """
    pull = pulls.pull_of(github, commit)
    if pull is None:
        message = (
            f"{commit[:8]} came without a pull request, so nothing was reviewed and nothing is applied: what "
            "it changes is backlog; a pull request with the line `Reconciler-Include: backlog` can apply it"
        )
        raise ReconcilerError(message)
    found = []
    for target in targets:
        name = artifact(target.name, pull.number, pull.head)
        if kept := pulls.kept_plan(github, name):
            digest = pulls.digest_of(pulls.download(github, kept.id))
            found.append(Reviewed(target.name, name, kept.id, digest))
    return pull, found


Execute = Callable[[Target, Session, workflow.Proposal, Mandate], Report]
"""Shows a proposal and executes it; raises GuardRefused or Stale where it may not be."""


def apply_reviewed(
    github: GitHub, target: Target, number: int, kept: tuple[int, str], execute: Execute
) -> Report:
    """Execute a reviewed plan, record what was applied, and say on the pull request how it went.

    ``kept`` is the artifact's id, and the SHA-256 of its bytes. What stops it is said
    there as well, and raised again.
    """
    place = marker(f"apply {target.name}")
    details: list[str] = []
    try:
        pull = pulls.pull(github, number)
        saved, comment = _kept_plan(github, target, kept)
        repository_state = applied.fetch(target)
        _check_bound(target, saved, pull)
        applied.check_newest(target)
        mandate = _mandate(github, target, pull, saved, comment)
        based = at_base(target, saved.base)
        with workflow.locked(based), connect(based) as session:
            removals = _approved(saved, pull, target)
            proposal = workflow.propose(based, session, saved=saved, allow_removals=removals)
            if proposal.plan.violations:
                details.append(violations_text(proposal.plan))
            if proposal.review and proposal.review.stale:
                details.append(review_text(proposal.review))
            report = execute(based, session, proposal, mandate)
    except ReconcilerError as error:
        title = f"Nothing was applied to {target.name}"
        advice = _APPROVE if isinstance(error, Unapproved) else _ADVICE
        text = failure_markdown(place, title, str(error), "\n".join(details), advice)
        github.comment(number, place, text)
        raise
    text = report_markdown(report, budget=COMMENT - len(place) - 1)
    job.summarize(text)
    github.comment(number, place, f"{place}\n{text}")
    # After the comment: what was applied is said, also where the record of it cannot be handed in.
    if not repository_state and workflow.record(target, proposal, report):
        applied.hand_in(target)
    return report


_APPROVE = (
    "An approval of this very head counts also after the merge. Once it is there, run the job of the apply "
    "again (Actions, this run, Re-run failed jobs)."
)
_ADVICE = (
    "What was merged and not applied is backlog from now on: the next pull request shows it as such, "
    "and applies it too where its text has the line `Reconciler-Include: backlog`."
)


def _kept_plan(github: GitHub, target: Target, kept: tuple[int, str]) -> tuple[Plan, str]:
    number, digest = kept
    packed = pulls.download(github, number)
    if pulls.digest_of(packed) != digest:
        message = f"the artifact {number} is not the one that was found for the merge: its bytes are others"
        raise ReconcilerError(message)
    text, comment = pulls.unpacked(packed, _PLAN, _COMMENT)
    return load_plan(_PLAN, text, target.name, target.url), comment


def _check_bound(target: Target, saved: Plan, pull: Pull) -> None:
    """Raises ReconcilerError where the plan is not the one that was reviewed for this merge."""
    repository = applied.repository_of(target)
    why = ""
    if saved.pull is None or (saved.pull.number, saved.pull.head) != (pull.number, pull.head):
        made = f"#{saved.pull.number} at {saved.pull.head[:8]}" if saved.pull else "no pull request"
        why = f"the plan was made for {made}, and this is #{pull.number} at {pull.head[:8]}"
    elif repository.commit("HEAD") != pull.merged_as:
        why = f"what is checked out is not {pull.merged_as[:8]}, which #{pull.number} was merged as"
    elif saved.base not in repository.first_parents("HEAD")[1:]:
        why = (
            f"the plan was made for a merge into {saved.base[:8]}, which never was the head of the branch "
            f"that #{pull.number} was merged into"
        )
    if why:
        raise ReconcilerError(why)


def _mandate(github: GitHub, target: Target, pull: Pull, saved: Plan, comment: str) -> Mandate:
    """On whose word the plan is applied; raises Unapproved where that is not enough."""
    needed = max(saved.pull.approvals if saved.pull else 0, at_base(target, saved.base).approvals)
    shown = _shown(github, target, pull, comment)
    removals = _approved(saved, pull, target)
    allowed = () if removals is None else (f"{removals} removals allowed",)
    found = approvals.NOBODY
    if needed:
        found = approvals.approvers(github, pull, shown, text_counts=holds_lines(pull.body))
    if len(found.approved) < needed:
        raise Unapproved(approvals.missing(pull, needed, found))
    return Mandate(
        ran=job.ran_by() or workflow.ran_by(),
        digest=saved.digest,
        overrides=(*(f"{one} included" for one in saved.included if one != "change"), *allowed),
        pull=pull.number,
        head=pull.head,
        asked=pull.author,
        merged=pull.merged_by,
        approved=found.approved,
    )


def _shown(github: GitHub, target: Target, pull: Pull, comment: str) -> str:
    """When the comment came to stand there as it is; raises Unapproved where it does not show this plan."""
    found = github.comments(pull.number, marker(target.name))
    fitting = [one for one in found if one.text == comment.rstrip()]
    if fitting and len(found) == 1:
        return fitting[0].at
    if not found:
        what = f"no comment on #{pull.number} shows the plan that is to be applied"
    else:
        what = f"the comment {found[0].url} was edited, and does not say what the plan says; at {found[0].at}"
        if editor := github.editor(found[0]):
            what += f", last {editor}"
    message = f"{what}; so nobody is known to have reviewed this plan"
    raise Unapproved(message)


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

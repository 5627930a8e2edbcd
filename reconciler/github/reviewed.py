"""The plan that was reviewed: made for this merge, shown as it is, and approved after that.

That plan is applied, or nothing. Each function says why it is not, and what to do.
"""

from dataclasses import dataclass
from functools import partial

from reconciler import workflow
from reconciler.errors import Invalid, Place, Problem, ReconcilerError, Unapproved
from reconciler.github import applied, approvals, job, posts, pulls
from reconciler.github.api import GitHub
from reconciler.github.body import allowances, holds_lines
from reconciler.github.pulls import Pull
from reconciler.plan import Plan
from reconciler.planning.allowance import Allowance
from reconciler.report import Mandate
from reconciler.saved import load_plan
from reconciler.target.settings import Target
from reconciler.views.markdown import marker_of
from reconciler.views.refusal import numbers_of

PLAN, PAGE, COMMENT, COMMENT_ID = ARTIFACT = "plan.json", "plan.html", "comment.md", "comment.id"
"""The files of a plan's artifact; the last names the comment that shows it."""
_APPROVE = (
    "An approval of this very head counts also after the merge. Once it is given, run the job of the apply "
    "again (Actions, this run, Re-run failed jobs)."
)
_LOOK_AGAIN = (
    "Have the plan approved that the newest comment shows, and run all jobs of this run again, so that it "
    "is found (Actions, this run, Re-run all jobs)."
)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The artifact with a target's plan for a merged pull request.

    ``name`` is the target's, ``artifact`` the artifact's; ``digest`` is the SHA-256,
    in hex, of its bytes. An ``id`` of 0 says that there is none, although the merge
    changed the target's files.
    """

    name: str
    artifact: str
    id: int
    digest: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What an artifact holds: the plan, and the comment that showed it, with its id."""

    plan: Plan
    comment: str
    comment_id: int


def find(github: GitHub, commit: str, targets: list[Target]) -> tuple[Pull, list[Reviewed]]:
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
    reviewed = []
    for target in targets:
        name = pulls.artifact_name(target.name, pull.number, pull.head)
        if uploaded := pulls.kept_plan(github, name):
            digest = pulls.digest_of(pulls.download(github, uploaded.id))
            reviewed.append(Reviewed(target.name, name, uploaded.id, digest))
        elif applied.changed_by_merge(target, commit):
            reviewed.append(Reviewed(target.name, name, 0, ""))
    return pull, reviewed


def load(github: GitHub, target: Target, pull: Pull, number: int, digest: str) -> Contents:
    """What the artifact with this id holds; raises ReconcilerError where it has another digest."""
    if not number:
        message = f"#{pull.number} was merged without a plan for {target.name}, so nothing was reviewed"
        raise ReconcilerError(message)
    packed = pulls.download(github, number)
    if pulls.digest_of(packed) != digest:
        message = f"artifact {number} is not the one that was found for the merge: its bytes are different"
        raise ReconcilerError(message)
    text, comment, comment_id = pulls.unpacked(packed, PLAN, COMMENT, COMMENT_ID)
    return Contents(load_plan(PLAN, text), comment, int(comment_id) if comment_id.isdecimal() else 0)


def check_bound(target: Target, saved: Plan, pull: Pull) -> None:
    """Raises ReconcilerError where the plan is not the one that was reviewed for this merge."""
    repository = applied.repository_of(target)
    why = ""
    if saved.pull is None or (saved.pull.number, saved.pull.head) != (pull.number, pull.head):
        planned_for = f"#{saved.pull.number} at {saved.pull.head[:8]}" if saved.pull else "no pull request"
        why = f"the plan was made for {planned_for}, and this is #{pull.number} at {pull.head[:8]}"
    elif repository.commit("HEAD") != pull.merged_as:
        why = f"what is checked out is not {pull.merged_as[:8]}, which #{pull.number} was merged as"
    elif saved.base not in repository.first_parents("HEAD")[1:]:
        why = (
            f"the plan was made for a merge into {saved.base[:8]}, which never was the head of the branch "
            f"that #{pull.number} was merged into"
        )
    if why:
        raise ReconcilerError(why)


def check_target(based: Target, saved: Plan) -> None:
    """Raises Invalid where the plan is not for the target that the base's settings describe."""
    if (saved.target, saved.url) != (based.name, based.url):
        message = f"it was made for {saved.target} at {saved.url}, not for {based.name} at {based.url}"
        raise Invalid([Problem(Place(PLAN), message, "plan again for this target")])


def approved_for(plan: Plan, pull: Pull, target: Target) -> Allowance | None:
    """What the pull request's text allows for this very plan; None where it allows nothing."""
    allowance: Allowance | None = allowances(pull.body).get(target.name)
    return allowance if allowance and plan.removals_digest.startswith(allowance.digest) else None


def approval_numbers(approved: Allowance | None) -> tuple[int | None, int | None]:
    """How many removals and how many creations of users are allowed; None where no number is given."""
    return (approved.removals, approved.creations) if approved else (None, None)


def mandate(github: GitHub, based: Target, pull: Pull, contents: Contents) -> Mandate:
    """Who asked for the plan, merged it and approved it; raises Unapproved where approvals are missing.

    A plan without changes needs none.
    """
    saved, answer = contents.plan, approvals.NOBODY
    needed = max(saved.pull.approvals if saved.pull else 0, based.approvals)
    if saved.intended.changes:
        shown_at = _shown_since(github, based, pull, contents)
        if needed:
            counts = holds_lines(pull.body) or saved.included != ("change",)
            answer = approvals.approvers(github, pull, shown_at, text_counts=counts)
            needed += bool(answer.hidden)
        if len(answer.approved) < needed:
            raise Unapproved(approvals.missing(pull, needed, answer), _APPROVE)
    approved = approved_for(saved, pull, based)
    allowed = () if approved is None else (f"{numbers_of(approved.allows)} allowed",)
    return Mandate(
        ran=job.ran_by() or workflow.ran_by(),
        digest=saved.digest,
        overrides=(*(f"{origin} included" for origin in saved.included if origin != "change"), *allowed),
        pull=pull.number,
        head=pull.head,
        asked=pull.author,
        merged=pull.merged_by,
        approved=answer.approved,
    )


def _shown_since(github: GitHub, target: Target, pull: Pull, contents: Contents) -> str:
    """When the comment was last written; raises Unapproved where it does not show this plan as it is."""
    comments = posts.comments(github, pull.number, marker_of(target.name))
    ours = next((comment for comment in comments if comment.id == contents.comment_id), None)
    unknown = partial("{}; so nobody is known to have reviewed this plan".format)
    if ours is None:
        if comments:
            message = f"the comment {comments[-1].url} shows another plan than the one that was found"
            raise Unapproved(unknown(message), _LOOK_AGAIN)
        message = f"the comment on #{pull.number} that showed the plan is gone"
        raise Unapproved(unknown(message), applied.BACKLOG)
    if ours.text != contents.comment.rstrip():
        editor = posts.editor(github, ours)
        who = f"last by {editor}, " if editor else ""
        message = f"the comment {ours.url} was edited, {who}at {ours.at}, and does not say what the plan says"
        raise Unapproved(unknown(message), applied.BACKLOG)
    if len(comments) > 1:
        message = f"the comment {comments[-1].url} shows another plan beside this one"
        raise Unapproved(unknown(message), _LOOK_AGAIN)
    return ours.at

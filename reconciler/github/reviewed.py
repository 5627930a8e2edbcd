"""What was reviewed: the very plan, for this merge, shown as it is, and approved since.

What is applied is that, or nothing. Each function says why it is not, and how to go on.
"""

from dataclasses import dataclass
from functools import partial

from reconciler import workflow
from reconciler.errors import Invalid, Place, Problem, ReconcilerError, Unapproved
from reconciler.github import applied, approvals, job, pulls
from reconciler.github.api import GitHub
from reconciler.github.pulls import Pull
from reconciler.plan import Plan
from reconciler.planning.approval import Override, holds_lines, overrides
from reconciler.report import Mandate
from reconciler.saved import load_plan
from reconciler.starter.write import artifact
from reconciler.target.settings import Target
from reconciler.views.lines import number_of
from reconciler.views.markdown import marker

PLAN, PAGE, COMMENT, COMMENT_ID = "plan.json", "plan.html", "comment.md", "comment.id"
"""The files of a plan's artifact; the last names the comment that shows it."""
BACKLOG = (
    "What was merged and not applied is backlog from now on: the next pull request shows it as such, "
    "and applies it too where its text has the line `Reconciler-Include: backlog`."
)
_APPROVE = (
    "An approval of this very head counts also after the merge. Once it is there, run the job of the apply "
    "again (Actions, this run, Re-run failed jobs)."
)
_LOOK_AGAIN = (
    "Have the plan approved that the newest comment shows, and run all of this run's jobs again, so that it "
    "is found (Actions, this run, Re-run all jobs)."
)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A target's plan for a merged pull request: the very artifact that holds it.

    ``artifact`` is its name, ``id`` its id, and ``digest`` the SHA-256, in hex, of its bytes.
    An ``id`` of 0 says that there is none, although the merge changed the target's files.
    """

    name: str
    artifact: str
    id: int
    digest: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What an artifact holds: the plan, and the comment that showed it."""

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
    found = []
    for target in targets:
        name = artifact(target.name, pull.number, pull.head)
        if kept := pulls.kept_plan(github, name):
            digest = pulls.digest_of(pulls.download(github, kept.id))
            found.append(Reviewed(target.name, name, kept.id, digest))
        elif applied.changed_by_merge(target, commit):
            found.append(Reviewed(target.name, name, 0, ""))
    return pull, found


def load(github: GitHub, target: Target, pull: Pull, number: int, digest: str) -> Kept:
    """The plan that an artifact of this number and these bytes holds; raises ReconcilerError for another."""
    if not number:
        message = f"#{pull.number} was merged without a plan for {target.name}, so nothing was reviewed"
        raise ReconcilerError(message)
    packed = pulls.download(github, number)
    if pulls.digest_of(packed) != digest:
        message = f"the artifact {number} is not the one that was found for the merge: its bytes are others"
        raise ReconcilerError(message)
    text, comment, comment_id = pulls.unpacked(packed, PLAN, COMMENT, COMMENT_ID)
    return Kept(load_plan(PLAN, text), comment, int(comment_id) if comment_id.isdecimal() else 0)


def check_bound(target: Target, saved: Plan, pull: Pull) -> None:
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


def check_target(based: Target, saved: Plan) -> None:
    """Raises Invalid where the plan is of another target than the base's settings say."""
    if (saved.target, saved.url) != (based.name, based.url):
        message = f"it was made for {saved.target} at {saved.url}, not for {based.name} at {based.url}"
        raise Invalid([Problem(Place(PLAN), message, "plan again for this target")])


def approved_for(plan: Plan, pull: Pull, target: Target) -> Override | None:
    """What the pull request's text approves for this very plan."""
    found: Override | None = overrides(pull.body).get(target.name)
    return found if found and plan.removals_digest.startswith(found.digest) else None


def approval_numbers(approved: Override | None) -> tuple[int | None, int | None]:
    """How many removals, and how many creations of users, are approved; None for none of them."""
    return (approved.removals, approved.creations) if approved else (None, None)


def said(approved: Override) -> str:
    """What is approved, in words."""
    removals = number_of(approved.removals, "removal")
    if approved.creations is None:
        return removals
    return f"{removals} and {number_of(approved.creations, 'new user')}"


def mandate(github: GitHub, based: Target, pull: Pull, kept: Kept) -> Mandate:
    """On whose word the plan is applied; raises Unapproved where that is not enough.

    What changes nothing needs nobody's word.
    """
    saved, found = kept.plan, approvals.NOBODY
    needed = max(saved.pull.approvals if saved.pull else 0, based.approvals)
    if saved.intended.changes:
        shown = _shown(github, based, pull, kept)
        if needed:
            counts = holds_lines(pull.body) or saved.included != ("change",)
            found = approvals.approvers(github, pull, shown, text_counts=counts)
            needed += bool(found.hidden)
        if len(found.approved) < needed:
            raise Unapproved(approvals.missing(pull, needed, found), _APPROVE)
    approved = approved_for(saved, pull, based)
    allowed = () if approved is None else (f"{said(approved)} allowed",)
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


def _shown(github: GitHub, target: Target, pull: Pull, kept: Kept) -> str:
    """Since when the comment stands there as it is; raises Unapproved where it does not show this plan."""
    found = github.comments(pull.number, marker(target.name))
    ours = next((one for one in found if one.id == kept.comment_id), None)
    unknown = partial("{}; so nobody is known to have reviewed this plan".format)
    if ours is None:
        if found:
            message = f"the comment {found[-1].url} shows another plan than the one that was found"
            raise Unapproved(unknown(message), _LOOK_AGAIN)
        message = f"the comment on #{pull.number} that showed the plan is gone"
        raise Unapproved(unknown(message), BACKLOG)
    if ours.text != kept.comment.rstrip():
        editor = github.editor(ours)
        who = f"last by {editor}, " if editor else ""
        message = f"the comment {ours.url} was edited, {who}at {ours.at}, and does not say what the plan says"
        raise Unapproved(unknown(message), BACKLOG)
    if len(found) > 1:
        message = f"the comment {found[-1].url} shows another plan beside this one"
        raise Unapproved(unknown(message), _LOOK_AGAIN)
    return ours.at

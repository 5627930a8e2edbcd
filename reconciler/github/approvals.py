"""Who approved what: the reviews of a pull request, checked against the plan that is to be applied.

An approval counts where all of this holds: it is its reviewer's latest verdict;
the reviewer is a person who may write, and neither opened the pull request nor
pushed or wrote a commit of it; it is for this very head; it was given after the
plan was shown as it is, and after the last edit of the pull request's text, where
that text decides about the plan. Each approval that does not count is named with
the reason.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from reconciler.errors import ReconcilerError, Refused
from reconciler.github.api import GitHub
from reconciler.github.pulls import Pull, is_person, login

_VERDICTS = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
_MAY_WRITE = frozenset({"admin", "write"})
"""The permissions of those who may push; GitHub reports ``maintain`` as ``write`` (GitHub docs:
Get repository permissions for a user)."""
_EDITED = """
query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      lastEditedAt
      userContentEdits(first: 100) { totalCount nodes { editor { login } } }
    }
  }
}
"""
_MOST_EDITS = 100
_MOST_PUSHES = 2000
"""Rows of the repository's activity that are searched for a push."""


@dataclass(frozen=True, slots=True)
class Review:
    """One review: who gave it, whether that is a person, the verdict, the commit it is about, and when."""

    login: str
    is_person: bool
    state: str
    commit: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """What an approval must be for.

    ``shown`` is when the comment with the plan was last written, ``edited`` when the
    text that decides about the plan was last edited, None where none does.
    ``involved`` gives for each account that may not approve the reason.
    """

    head: str
    shown: datetime
    edited: datetime | None
    involved: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """Who approved, and for each approval that does not count why.

    ``hidden`` says why one approval more is needed: somebody unknown took part, who
    may be one of those who approve. It is empty where everybody is known.
    """

    approved: tuple[str, ...]
    without: tuple[str, ...] = ()
    hidden: str = ""


NOBODY = Answer(())
"""The answer where nobody is asked."""


def judge(question: Question, reviews: Iterable[Review]) -> Answer:
    """Which of the approvals count; whether their reviewers may write is not checked here."""
    verdicts = sorted((row for row in reviews if row.state in _VERDICTS), key=lambda row: row.at)
    latest = {review.login: review for review in verdicts}
    approvals = [review for review in latest.values() if review.state == "APPROVED"]
    reasons = {review.login: _why_not(review, question) for review in approvals}
    return Answer(
        tuple(name for name, why in reasons.items() if not why),
        tuple(f"{name or 'an account that is gone'} {why}" for name, why in reasons.items() if why),
    )


def _why_not(review: Review, question: Question) -> str:
    """Why an approval does not count, in words that follow its reviewer's name; empty where it does."""
    if not review.login or not review.is_person:
        return "is no person"
    if why := question.involved.get(review.login):
        return why
    if review.commit != question.head:
        return f"approved {review.commit[:8]}, which is not the last commit"
    if review.at <= question.shown:
        return "approved before this plan was shown"
    if question.edited and review.at <= question.edited:
        return "approved before the text was edited, which decides about the plan"
    return ""


def approvers(github: GitHub, pull: Pull, shown_at: str, *, text_counts: bool) -> Answer:
    """Ask GitHub who approved the plan that has been shown since ``shown_at``, in ISO 8601.

    With ``text_counts`` the pull request's text decides about the plan, so whoever
    edited it took part. Raises ReconcilerError where it cannot be known who did.
    """
    edited, editors = _edits(github, pull.number) if text_counts else (None, [])
    involved, hidden = _involved(github, pull)
    involved = dict.fromkeys(editors, "edited its text, which decides about the plan") | involved
    answer = judge(Question(pull.head, _time(shown_at), edited, involved), _reviews(github, pull.number))
    may = {name: _may_write(github, name) for name in answer.approved}
    return replace(
        answer,
        approved=tuple(name for name in answer.approved if may[name]),
        without=(*answer.without, *(f"{name} may not write here" for name, can in may.items() if not can)),
        hidden=hidden,
    )


def _reviews(github: GitHub, number: int) -> list[Review]:
    return [
        Review(
            login(row["user"]),
            is_person(row["user"]),
            str(row["state"]).upper(),
            str(row["commit_id"]),
            _time(row["submitted_at"]),
        )
        for row in github.pages(f"/pulls/{number}/reviews")
        # A review that is not submitted yet has no time.
        if row.get("submitted_at")
    ]


def _involved(github: GitHub, pull: Pull) -> tuple[dict[str, str], str]:
    """By account, how it took part; and why somebody unknown may have, or "".

    The author that a commit names can be made up; the repository's activity says who
    pushed. A bot pushes, and opens pull requests, for whoever wrote its job.
    """
    rows = list(github.pages(f"/pulls/{pull.number}/commits"))
    if len(rows) < pull.commits:
        message = (
            f"#{pull.number} has {pull.commits} commits, and GitHub lists {len(rows)} of them, so it cannot "
            "be known who wrote them: open one with fewer"
        )
        raise ReconcilerError(message)
    pushers = _pushers(github, pull, {str(row["sha"]) for row in rows})
    involved = {login(row[role]): "wrote a commit of it" for row in rows for role in ("author", "committer")}
    involved |= {login(actor): "pushed a commit of it" for actor in pushers}
    hidden = ""
    if not pushers:
        hidden = f"GitHub does not say who pushed {pull.head[:8]}"
    elif not all(map(is_person, pushers)):
        hidden = "a bot pushed a commit of it, for somebody"
    elif not pull.by_person:
        hidden = "a bot opened it, for somebody"
    return involved | {pull.author: "opened it"}, hidden


def _pushers(github: GitHub, pull: Pull, commits: AbstractSet[str]) -> list[Mapping[str, Any] | None]:
    """Who pushed these commits; empty where GitHub does not say who pushed the last one.

    GitHub docs: List repository activities. A branch of this name may have had other
    commits before. The activity of a deleted branch is found without naming it.
    """
    for query in ({"ref": f"refs/heads/{pull.branch}"}, {}):
        try:
            rows = list(islice(github.pages("/activity", query), _MOST_PUSHES))
        except Refused:
            # The server has no such endpoint.
            return []
        by_commit = {str(row["after"]): row["actor"] for row in rows if str(row["after"]) in commits}
        if by_commit.get(pull.head):
            return [row["actor"] for row in rows if str(row["after"]) in commits]
    return []


def _may_write(github: GitHub, name: str) -> bool:
    permission = github.ask("GET", f"/collaborators/{name}/permission", missing_is_fine=True).json
    return isinstance(permission, dict) and permission.get("permission") in _MAY_WRITE


def _edits(github: GitHub, number: int) -> tuple[datetime | None, list[str]]:
    """When the text was last edited, and all who ever did; raises ReconcilerError where that is not known."""
    owner, _, name = github.name.partition("/")
    data: Any = github.graph(_EDITED, owner=owner, name=name, number=number)
    text = data["repository"]["pullRequest"]
    edits = text["userContentEdits"] or {"totalCount": 0, "nodes": []}
    if edits["totalCount"] > _MOST_EDITS:
        message = f"the text of #{number} was edited {edits['totalCount']} times: open a new one"
        raise ReconcilerError(message)
    at = text["lastEditedAt"]
    return _time(at) if at else None, [login(row["editor"]) for row in edits["nodes"]]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def missing(pull: Pull, needed: int, answer: Answer) -> str:
    """The message where approvals are missing: how many, why others do not count, and what to do."""
    people = "1 person" if needed == 1 else f"{needed} people"
    has = f"{len(answer.approved)} did ({', '.join(answer.approved)})" if answer.approved else "nobody did"
    others = "".join(f"; {reason}" for reason in answer.without)
    more = f" (one more than usual, since {answer.hidden})" if answer.hidden else ""
    return (
        f"#{pull.number} must be approved by {people} who may write and took no part in it{more}, "
        f"and {has}{others}. Have it approved as it is now, at {pull.head[:8]}, and run this job again"
    )

"""Who approved what: the reviews of a pull request, held against the plan that is to be applied.

An approval counts where it is its reviewer's latest verdict, by a person who may
write, who neither opened the pull request nor pushed or wrote a commit of it; for
this very head; given after the plan was shown as it is, and after the last edit of
the pull request's text where that has a say in the plan. Each that does not count
is named with the reason.
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
"""What GitHub calls the rights of who may push; ``maintain`` counts as ``write`` there (GitHub docs:
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
"""Rows of the repository's activity that are looked through for a push."""


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
    """What an approval is asked for.

    ``shown`` is when the plan came to stand in the comment as it is, ``edited`` when
    the text that has a say in it was edited last. ``involved`` says of each account that
    may not approve why.
    """

    head: str
    shown: datetime
    edited: datetime | None
    involved: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """Who approved, and for each approval that does not count why.

    ``hidden`` says why one approval more is needed: somebody had a part in it whom nobody
    knows, and who may be one of those who approve. It is empty where everybody is known.
    """

    approved: tuple[str, ...]
    without: tuple[str, ...] = ()
    hidden: str = ""


NOBODY = Answer(())
"""Where nobody is asked."""


def judge(question: Question, reviews: Iterable[Review]) -> Answer:
    """Which of the approvals count; whether they may write is asked elsewhere."""
    latest = {one.login: one for one in sorted(reviews, key=lambda one: one.at) if one.state in _VERDICTS}
    approvals = [one for one in latest.values() if one.state == "APPROVED"]
    reasons = {one.login: _why_not(one, question) for one in approvals}
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
        return "approved before the text was edited, which has a say in the plan"
    return ""


def approvers(github: GitHub, pull: Pull, shown: str, *, text_counts: bool) -> Answer:
    """Ask GitHub who approved the plan that is shown since then, in ISO 8601.

    ``text_counts`` says whether the pull request's text has a say in it: who edited it had
    a part in it then. Raises ReconcilerError where it cannot be known who had.
    """
    edited, editors = _edits(github, pull.number) if text_counts else (None, [])
    involved, hidden = _involved(github, pull)
    involved = dict.fromkeys(editors, "edited its text, which has a say in the plan") | involved
    answer = judge(Question(pull.head, _time(shown), edited, involved), _reviews(github, pull.number))
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
        # What is written and not yet sent has no time.
        if row.get("submitted_at")
    ]


def _involved(github: GitHub, pull: Pull) -> tuple[dict[str, str], str]:
    """By account, how it took part; and why there may be somebody else whom nobody knows.

    A commit says who wrote it, which anybody can make up; the repository's activity says
    who pushed. A bot pushes, and opens pull requests, on the word of whoever wrote its job.
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
        hidden = "a bot pushed a commit of it, on somebody's word"
    elif not pull.by_person:
        hidden = "a bot opened it, on somebody's word"
    return involved | {pull.author: "opened it"}, hidden


def _pushers(github: GitHub, pull: Pull, commits: AbstractSet[str]) -> list[Mapping[str, Any] | None]:
    """Who pushed these commits; nobody where GitHub does not tell of the last one.

    GitHub docs: List repository activities. A branch of this name may have had other
    commits before, and what is told of a branch that is gone is told of all of them at least.
    """
    for query in ({"ref": f"refs/heads/{pull.branch}"}, {}):
        try:
            rows = list(islice(github.pages("/activity", query), _MOST_PUSHES))
        except Refused:
            # A server that does not know of it.
            return []
        found = {str(row["after"]): row["actor"] for row in rows if str(row["after"]) in commits}
        if found.get(pull.head):
            return [row["actor"] for row in rows if str(row["after"]) in commits]
    return []


def _may_write(github: GitHub, name: str) -> bool:
    found = github.ask("GET", f"/collaborators/{name}/permission", missing_is_fine=True).json
    return isinstance(found, dict) and found.get("permission") in _MAY_WRITE


def _edits(github: GitHub, number: int) -> tuple[datetime | None, list[str]]:
    """When the text was edited last, and by whom ever; raises ReconcilerError where that is not known."""
    owner, _, name = github.name.partition("/")
    found: Any = github.graph(_EDITED, owner=owner, name=name, number=number)
    text = found["repository"]["pullRequest"]
    edits = text["userContentEdits"] or {"totalCount": 0, "nodes": []}
    if edits["totalCount"] > _MOST_EDITS:
        message = f"the text of #{number} was edited {edits['totalCount']} times: open a new one"
        raise ReconcilerError(message)
    at = text["lastEditedAt"]
    return _time(at) if at else None, [login(row["editor"]) for row in edits["nodes"]]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def missing(pull: Pull, needed: int, found: Answer) -> str:
    """What to say where approvals are missing, and how to go on."""
    people = "1 person" if needed == 1 else f"{needed} people"
    has = f"{len(found.approved)} did ({', '.join(found.approved)})" if found.approved else "nobody did"
    others = "".join(f"; {one}" for one in found.without)
    more = f" (one more than usual, since {found.hidden})" if found.hidden else ""
    return (
        f"#{pull.number} must be approved by {people} who may write and had no part in it{more}, "
        f"and {has}{others}. Have it approved as it is now, at {pull.head[:8]}, and run this job again"
    )

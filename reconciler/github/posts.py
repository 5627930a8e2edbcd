"""What this program writes on GitHub: its comments on pull requests, and its issues.

Each begins with a hidden marker, by which it is found again. Only what this
very author wrote is ever touched: anybody may write a comment that begins like
ours. Each write looks first at what is there, so it is simply done again where
its answer got lost. Every function raises what ``GitHub`` raises.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from reconciler.errors import NoAnswer, ReconcilerError, Unreachable
from reconciler.github.api import AUTHOR, GitHub
from reconciler.github.pulls import login
from reconciler.views.markdown import COMMENT

_EDITOR = "query($id: ID!) { node(id: $id) { ... on IssueComment { editor { login } } } }"
_TRIES = 3
_P = ParamSpec("_P")
_R = TypeVar("_R")


def _again(write: Callable[_P, _R]) -> Callable[_P, _R]:
    """Call a write again where its answer got lost or GitHub failed: it looks first at what is there."""

    @wraps(write)
    def insist(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        for _ in range(_TRIES - 1):
            try:
                return write(*args, **kwargs)
            except Unreachable:
                raise
            except NoAnswer:
                continue
        return write(*args, **kwargs)

    return insist


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that this program wrote, as it is now.

    ``at`` is when its text was last written, in ISO 8601. ``url`` is its page,
    ``node`` its id in GraphQL.
    """

    id: int
    text: str
    at: str
    url: str
    node: str


def editor(github: GitHub, comment: Comment) -> str:
    """Who edited a comment last; empty where nobody did, or the account is gone."""
    data = github.graph(_EDITOR, id=comment.node)
    return login((data["node"] or {}).get("editor"))


@_again
def comment(github: GitHub, number: int, marker: str, text: str, *, anew: bool = False) -> Comment:
    """Have one comment of ours that begins with this marker, and make it say this text.

    The text begins with the marker. Two runs at the same time may have left two
    comments: the older one stays, since links point to it and two runs agree on
    it. With ``anew`` a changed text becomes a new comment: followers are told, and
    its time says since when the text is there, which nobody can set back.
    """
    _check(marker, text)
    ours = _ours(github, f"/issues/{number}/comments", {}, marker)
    # One of several may be a copy that somebody had written: with ``anew`` none of them is kept.
    usable = [row for row in ours if len(ours) == 1 and _says(row, text)] if anew else ours
    current = _updated(github, usable[0], text) if usable else _posted(github, number, text)
    for row in ours:
        if row["id"] != current["id"]:
            github.ask("DELETE", f"/issues/comments/{row['id']}", missing_is_fine=True)
    return _comment(current)


def _updated(github: GitHub, row: Mapping[str, Any], text: str) -> Mapping[str, Any]:
    if _says(row, text):
        return row
    updated: Mapping[str, Any] = github.json("PATCH", f"/issues/comments/{row['id']}", {"body": text})
    return updated


def _posted(github: GitHub, number: int, text: str) -> Mapping[str, Any]:
    posted: Mapping[str, Any] = github.json("POST", f"/issues/{number}/comments", {"body": text})
    _check_author(github, posted)
    return posted


def comments(github: GitHub, number: int, marker: str) -> list[Comment]:
    """Our comments with this marker, the oldest first."""
    return [_comment(row) for row in _ours(github, f"/issues/{number}/comments", {}, marker)]


@_again
def issue(github: GitHub, label: str, marker: str, title: str, text: str) -> None:
    """Have one open issue with this marker, and make it say this title and text.

    A closed issue stays closed. What comes back gets a new issue, so that one
    issue tells one story and its watchers are told.
    """
    _check(marker, text)
    ours = _open_issues(github, label, marker)
    if not ours:
        _open_issue(github, label, title, text)
        return
    oldest, *others = ours
    if oldest["title"] != title or not _says(oldest, text):
        github.json("PATCH", f"/issues/{oldest['number']}", {"title": title, "body": text})
    for row in others:
        _close(github, row, "not_planned", f"See #{oldest['number']}, which says the same.")


def _open_issue(github: GitHub, label: str, title: str, text: str) -> None:
    opened = github.json("POST", "/issues", {"title": title, "body": text, "labels": [label]})
    _check_author(github, opened)
    # GitHub drops labels silently where the token may not set them (GitHub docs: Create an issue).
    if label not in {row["name"] for row in opened["labels"]}:
        message = (
            f"issue {opened['number']} did not get the label {label}, and is not found again without it: "
            "create the label, set it there, and see that the job has `issues: write`"
        )
        raise ReconcilerError(message)


@_again
def close_issue(github: GitHub, label: str, marker: str, text: str) -> None:
    """Close the open issue with this marker, where there is one, with a last comment."""
    for row in _open_issues(github, label, marker):
        _close(github, row, "completed", text)


def _close(github: GitHub, row: Mapping[str, Any], reason: str, text: str) -> None:
    """Close an issue, then comment: done again after a lost answer, the other order would comment twice."""
    path = f"/issues/{row['number']}"
    github.json("PATCH", path, {"state": "closed", "state_reason": reason})
    github.json("POST", f"{path}/comments", {"body": text})


def _open_issues(github: GitHub, label: str, marker: str) -> list[Mapping[str, Any]]:
    rows = _ours(github, "/issues", {"labels": label, "state": "open"}, marker)
    # A pull request is listed as an issue, too (GitHub docs: List repository issues).
    return [row for row in rows if "pull_request" not in row]


def _ours(github: GitHub, path: str, query: Mapping[str, str], marker: str) -> list[Mapping[str, Any]]:
    """The rows that this author wrote with this marker, the oldest first."""
    rows = sorted(github.pages(path, query), key=lambda row: int(row["id"]))
    return [
        row for row in rows if login(row["user"]) == github.author and (row["body"] or "").startswith(marker)
    ]


def _check_author(github: GitHub, row: Mapping[str, Any]) -> None:
    """Raise ReconcilerError where another account wrote this row.

    It would not be found again, and every run would write one more.
    """
    if (writer := login(row["user"])) != github.author:
        message = (
            f"the token writes as {writer}, and not as {github.author}: "
            f"set {AUTHOR} to that name, so that it is found again"
        )
        raise ReconcilerError(message)


def _comment(row: Mapping[str, Any]) -> Comment:
    return Comment(
        int(row["id"]), _text(row), str(row["updated_at"]), str(row["html_url"]), str(row["node_id"])
    )


def _says(row: Mapping[str, Any], text: str) -> bool:
    return _text(row) == text.rstrip()


def _text(row: Mapping[str, Any]) -> str:
    """The text as it was sent: GitHub may change its line ends, and drop the last one."""
    return str(row["body"]).replace("\r\n", "\n").rstrip()


def _check(marker: str, text: str) -> None:
    if not text.startswith(marker) or len(text) > COMMENT:
        message = f"a text of {len(text)} characters for GitHub, which takes {COMMENT}, begins with {marker}"
        raise ValueError(message)

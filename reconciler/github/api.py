"""The few endpoints of GitHub's REST API that the workflows need.

What is written is found again by a hidden marker at its beginning, and only
what this very author wrote is ever touched: anybody may write a comment that
begins like ours. Each write looks first at what is there, so it is simply done
again where its answer got lost. A list is read to its end. All paths and
answers are those of GitHub docs, "REST API endpoints", version 2022-11-28.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec
from urllib.parse import parse_qsl, quote

from reconciler.errors import BadAnswer, CredentialRefused, NoAnswer, ReconcilerError, Refused, Unreachable
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.limits import patient, said_by
from reconciler.transport.messages import Method, Request, Response, Transport
from reconciler.transport.network import Network
from reconciler.transport.pacing import SystemClock

BOT = "github-actions[bot]"
"""Who writes with the token that a job gets.

The token cannot tell: ``GET /user`` answers an app's token with 403, "Resource not
accessible by integration". No person can have this name, for its brackets.
"""
AUTHOR = "RECONCILER_GITHUB_AUTHOR"
"""The environment variable that names the author where the token is not the job's own."""
LONGEST = 65_536
"""Characters that the body of a comment or an issue may have."""
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_SAFE_ROOT = re.compile(r"https://.+|http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]+)?(/.*)?")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NEXT_QUERY = re.compile(r'<[^<>?]*\?([^<>]*)>; *rel="next"')
_TRIES = 3
_P = ParamSpec("_P")
_GIVEN = {
    "GITHUB_REPOSITORY": "a job of GitHub Actions has it; elsewhere set it to owner/name",
    "GITHUB_TOKEN": "give it to the step of the workflow: `env: GITHUB_TOKEN: ${{ github.token }}`",
}
_PERMISSIONS = "see that the job has the permissions of the workflow that `reconciler init` writes"
_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token is not accepted: a job's own ends with the job",
    HTTPStatus.FORBIDDEN: _PERMISSIONS,
    HTTPStatus.NOT_FOUND: _PERMISSIONS,
    HTTPStatus.GONE: "see that the repository's settings have issues turned on",
    HTTPStatus.TOO_MANY_REQUESTS: "too much was asked in a short time: run the job again later",
}


def _again(write: Callable[_P, None]) -> Callable[_P, None]:
    """Do once more what looks first at what is there, where its answer got lost or GitHub failed."""

    @wraps(write)
    def insist(*args: _P.args, **kwargs: _P.kwargs) -> None:
        for _ in range(_TRIES - 1):
            try:
                write(*args, **kwargs)
            except Unreachable:
                raise
            except NoAnswer:
                continue
            return
        write(*args, **kwargs)

    return insist


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request; ``head`` is its last commit, ``body`` its text."""

    number: int
    head: str
    body: str


class GitHub:
    """One repository, written to as ``author``.

    Every method raises Refused where GitHub says no, NoAnswer where it does not
    answer, and BadAnswer where something else does.
    """

    def __init__(self, transport: Transport, repository: str, author: str = BOT) -> None:
        self._transport = transport
        self._repository = f"/repos/{quote(repository)}"
        self._author = author

    def pull(self, number: int) -> Pull:
        """One pull request as it is now."""
        return _pull(self._json("GET", f"/pulls/{number}"))

    def pull_of(self, commit: str) -> Pull | None:
        """The pull request that was merged as this commit; None where it came in another way.

        A commit may be listed for several (GitHub docs: List pull requests
        associated with a commit). The one whose merge made it counts: its merge
        commit, its one commit of a squash, or the last commit of its rebase
        (GitHub docs: Get a pull request). Raises ReconcilerError for anything
        but the full name of a commit, which a branch would answer for as well.
        """
        if not _COMMIT.fullmatch(commit):
            message = f"{commit!r} is not the full name of a commit, which has 40 hex digits"
            raise ReconcilerError(message)
        for row in self._pages(f"/commits/{commit}/pulls"):
            if row["merged_at"]:
                # The list may leave out what only the whole pull request has to tell.
                whole = self._json("GET", f"/pulls/{row['number']}")
                if whole["merge_commit_sha"] == commit:
                    return _pull(whole)
        return None

    def reviewed_run(self, artifact: str, workflow: str) -> int | None:
        """The newest run that keeps an artifact of this name, made by the default branch's own workflow.

        Who can push a branch can change a workflow that runs on ``pull_request``
        and have it keep an artifact of any name; one that ``pull_request_target``
        starts runs as it stands on the default branch, whatever the base of the
        pull request (GitHub changelog, 2025-11-07: pull_request_target and
        environment branch protections; a server older than that takes it from
        the base, which who opens a pull request chooses). How the run ended does
        not matter: an artifact is complete before it is listed, a run ends red
        where a guard refuses the plan, and the apply judges that plan again.
        """
        rows = self._pages("/actions/artifacts", {"name": artifact}, "artifacts")
        kept = [row for row in rows if row["name"] == artifact and not row["expired"] and row["workflow_run"]]
        for row in sorted(kept, key=lambda row: (str(row["created_at"]), int(row["id"])), reverse=True):
            number = int(row["workflow_run"]["id"])
            run = self._json("GET", f"/actions/runs/{number}")
            # The path may have a branch behind it (GitHub docs: Get a workflow run).
            if run["event"] == "pull_request_target" and run["path"].partition("@")[0] == workflow:
                return number
        return None

    @_again
    def comment(self, number: int, marker: str, text: str) -> None:
        """Have one comment of ours with this marker, with this text, which begins with it.

        Two runs at the same time may have left two. The first one stays: links
        point to it, and two runs that mend it at once agree on which that is.
        """
        _check(marker, text)
        mine = self._mine(f"/issues/{number}/comments", {}, marker)
        if not mine:
            self._check_author(self._json("POST", f"/issues/{number}/comments", {"body": text}))
            return
        first, *others = mine
        if not _says(first, text):
            self._json("PATCH", f"/issues/comments/{first['id']}", {"body": text})
        for other in others:
            self._ask("DELETE", f"/issues/comments/{other['id']}", missing_is_fine=True)

    @_again
    def issue(self, label: str, marker: str, title: str, text: str) -> None:
        """Have one open issue of this marker, with this title and text.

        What was closed stays closed, and what comes back gets an issue of its
        own, so that one issue tells one story, and who watches is told.
        """
        _check(marker, text)
        mine = self._open_issues(label, marker)
        if not mine:
            made = self._json("POST", "/issues", {"title": title, "body": text, "labels": [label]})
            self._check_author(made)
            # Dropped without a word where the token may not set them (GitHub docs: Create an issue).
            if label not in {row["name"] for row in made["labels"]}:
                message = (
                    f"issue {made['number']} got no label {label}, and is not found again without: "
                    "create the label, set it there, and see that the job has `issues: write`"
                )
                raise ReconcilerError(message)
            return
        first, *others = mine
        if first["title"] != title or not _says(first, text):
            self._json("PATCH", f"/issues/{first['number']}", {"title": title, "body": text})
        for other in others:
            self._close(other, "not_planned", f"See #{first['number']}, which says the same.")

    @_again
    def close_issue(self, label: str, marker: str, text: str) -> None:
        """Close the open issue of this marker, where there is one, with a last comment."""
        for found in self._open_issues(label, marker):
            self._close(found, "completed", text)

    def _close(self, row: Mapping[str, Any], reason: str, text: str) -> None:
        """Close first: done again after a lost answer, the other order would comment twice."""
        path = f"/issues/{row['number']}"
        self._json("PATCH", path, {"state": "closed", "state_reason": reason})
        self._json("POST", f"{path}/comments", {"body": text})

    def _open_issues(self, label: str, marker: str) -> list[Mapping[str, Any]]:
        found = self._mine("/issues", {"labels": label, "state": "open"}, marker)
        # A pull request is listed as an issue, too (GitHub docs: List repository issues).
        return [row for row in found if "pull_request" not in row]

    def _mine(self, path: str, query: Mapping[str, str], marker: str) -> list[Mapping[str, Any]]:
        """What this author wrote with this marker, the oldest first."""
        rows = sorted(self._pages(path, query), key=lambda row: int(row["id"]))
        return [row for row in rows if _login(row) == self._author and (row["body"] or "").startswith(marker)]

    def _check_author(self, row: Mapping[str, Any]) -> None:
        """What another wrote would not be found again, and be written once more by every run."""
        if _login(row) != self._author:
            message = (
                f"the token writes as {_login(row)}, and not as {self._author}: "
                f"set {AUTHOR} to that name, so that it is found again"
            )
            raise ReconcilerError(message)

    def _pages(
        self, path: str, query: Mapping[str, str] | None = None, key: str = ""
    ) -> Iterator[Mapping[str, Any]]:
        asked = {**(query or {}), "per_page": "100"}
        while asked:
            response = self._ask("GET", path, query=asked)
            body: Any = response.json
            yield from body[key] if key else body
            # Of the address only the query is followed: the token goes nowhere else.
            match = _NEXT_QUERY.search(response.headers.get("link", ""))
            asked = dict(parse_qsl(match[1])) if match else {}

    def _json(self, method: Method, path: str, body: object = None) -> Any:
        return self._ask(method, path, body).json

    def _ask(
        self,
        method: Method,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        missing_is_fine: bool = False,
    ) -> Response:
        request = Request(method, self._repository + path, dict(query or {}), _HEADERS, body)
        response = self._transport.send(request)
        what = f"GitHub answers {method} {request.path} with {response.status}"
        if missing_is_fine and response.status == HTTPStatus.NOT_FOUND:
            return response
        if response.ok:
            if method == "DELETE" or isinstance(response.json, dict | list):
                return response
            message = f"{what} and no JSON: see that GITHUB_API_URL is the address of GitHub's API"
            raise BadAnswer(message)
        said = said_by(response) or "no reason given"
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            message = f"{what}: {said}; GitHub has a fault, so run the job again later"
            raise NoAnswer(message)
        advice = _ADVICE.get(response.status, "")
        kind = CredentialRefused if response.status == HTTPStatus.UNAUTHORIZED else Refused
        message = f"{what}: {said}{advice and '; '}{advice}"
        raise kind(message)


def from_environment(environ: Mapping[str, str] | None = None) -> GitHub:
    """The repository of this job, as GitHub Actions names it.

    Reads GITHUB_REPOSITORY, GITHUB_TOKEN and GITHUB_API_URL, and for another
    author than the job's own RECONCILER_GITHUB_AUTHOR. Raises ReconcilerError
    where one is missing, or where the token would go out unencrypted.
    """
    environ = os.environ if environ is None else environ
    repository, token = (_needed(environ, name) for name in _GIVEN)
    if not _REPOSITORY.fullmatch(repository):
        message = f"GITHUB_REPOSITORY is {repository!r}: write it as owner/name"
        raise ReconcilerError(message)
    root = (environ.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/")
    if not _SAFE_ROOT.fullmatch(root):
        # Not repeated: an address may hold a password.
        message = "GITHUB_API_URL does not begin with https://, and the token goes over nothing else"
        raise ReconcilerError(message)
    try:
        secret = Secret(token, "the environment variable GITHUB_TOKEN")
    except ValueError as error:
        raise ReconcilerError(str(error)) from None
    transport = patient(bearer(Network(root), secret), SystemClock())
    return GitHub(transport, repository, environ.get(AUTHOR) or BOT)


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        message = f"the environment variable {name} is not set; {_GIVEN[name]}"
        raise ReconcilerError(message)
    return value


def _pull(row: Mapping[str, Any]) -> Pull:
    return Pull(int(row["number"]), str(row["head"]["sha"]), str(row["body"] or ""))


def _login(row: Mapping[str, Any]) -> str:
    """Who wrote it; nobody where the account is gone."""
    return str((row["user"] or {}).get("login", ""))


def _says(row: Mapping[str, Any], text: str) -> bool:
    return str(row["body"]).replace("\r\n", "\n") == text


def _check(marker: str, text: str) -> None:
    if not text.startswith(marker) or len(text) > LONGEST:
        message = f"a text of {len(text)} characters for GitHub, which takes {LONGEST}, begins with {marker}"
        raise ValueError(message)

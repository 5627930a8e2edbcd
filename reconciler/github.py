"""The few endpoints of GitHub's REST API that the workflows need.

What is written is found again by a hidden marker at its beginning, and only
what this very author wrote is ever touched: anybody may write a comment that
begins like ours. A list is read to its end. All paths and answers are those of
GitHub docs, "REST API endpoints", version 2022-11-28.
"""

import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from reconciler.errors import ReconcilerError
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Method, Request, Response, Transport
from reconciler.transport.network import Network
from reconciler.transport.pacing import Paced, SystemClock, Window

BOT = "github-actions[bot]"
"""Who writes with the token that a job gets (GitHub docs: Automatic token authentication)."""
LONGEST = 65_536
"""Characters that the body of a comment or an issue may have."""
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_PAGE = 100
_MISSING = 404


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request; ``head`` is its last commit, ``body`` its text."""

    number: int
    head: str
    body: str


class GitHub:
    """One repository, written to as ``author``; every method raises ReconcilerError where GitHub refuses."""

    def __init__(self, transport: Transport, repository: str, author: str = BOT) -> None:
        self._transport = transport
        self._repository = f"/repos/{quote(repository)}"
        self._author = author

    def pull(self, number: int) -> Pull:
        """One pull request as it is now."""
        return _pull(self._ask("GET", f"/pulls/{number}").json)

    def pull_of(self, commit: str) -> Pull | None:
        """The pull request that was merged as this commit; None where it came in another way.

        A commit may be listed for several (GitHub docs: List pull requests
        associated with a commit); the one whose merge made it counts, which for
        a rebase is the last of its commits.
        """
        answer = self._ask("GET", f"/commits/{quote(commit)}/pulls", missing_is_fine=True)
        found = answer.json if isinstance(answer.json, list) else []
        for row in found:
            if row["merge_commit_sha"] == commit and row["merged_at"]:
                return _pull(row)
        return None

    def reviewed_run(self, artifact: str, workflow: str) -> int | None:
        """The newest run that keeps an artifact of this name, made by the base branch's own workflow.

        Who can push a branch can change a workflow that runs on ``pull_request``
        and have it keep an artifact of any name; one that ``pull_request_target``
        starts runs as it stands on the base branch (GitHub docs: Events that
        trigger workflows). How the run ended does not matter: it ends red where
        a guard refuses the plan, and the apply judges that plan again.
        """
        rows = self._pages("/actions/artifacts", {"name": artifact}, "artifacts")
        kept = [row for row in rows if row["name"] == artifact and not row["expired"]]
        for row in sorted(kept, key=lambda row: str(row["created_at"]), reverse=True):
            number = row["workflow_run"]["id"]
            run: Any = self._ask("GET", f"/actions/runs/{number}").json
            # The path may have the branch behind it (GitHub docs: Get a workflow run).
            if run["event"] == "pull_request_target" and run["path"].partition("@")[0] == workflow:
                return int(number)
        return None

    def comment(self, number: int, marker: str, text: str) -> None:
        """Write our comment of this marker, or write it anew where it stands; the text begins with it.

        Two runs at the same time may have left two: the first one stays.
        """
        _check(marker, text)
        mine = self._mine(f"/issues/{number}/comments", {}, marker)
        first = next(mine, None)
        if first is None:
            self._ask("POST", f"/issues/{number}/comments", {"body": text})
            return
        self._ask("PATCH", f"/issues/comments/{first['id']}", {"body": text})
        for other in mine:
            self._ask("DELETE", f"/issues/comments/{other['id']}", missing_is_fine=True)

    def issue(self, label: str, marker: str, title: str, text: str) -> None:
        """Have one open issue of this marker, with this text."""
        _check(marker, text)
        found = next(self._mine("/issues", {"labels": label, "state": "open"}, marker), None)
        if found is None:
            self._ask("POST", "/issues", {"title": title, "body": text, "labels": [label]})
        elif found["body"].replace("\r\n", "\n") != text:
            self._ask("PATCH", f"/issues/{found['number']}", {"title": title, "body": text})

    def close_issue(self, label: str, marker: str, text: str) -> None:
        """Close the open issue of this marker, where there is one, with a last comment."""
        for found in self._mine("/issues", {"labels": label, "state": "open"}, marker):
            self._ask("POST", f"/issues/{found['number']}/comments", {"body": text})
            self._ask("PATCH", f"/issues/{found['number']}", {"state": "closed", "state_reason": "completed"})

    def _mine(self, path: str, query: Mapping[str, str], marker: str) -> Iterator[Mapping[str, Any]]:
        """What this author wrote with this marker, the oldest first."""
        rows = list(self._pages(path, query))
        for row in sorted(rows, key=lambda row: int(row["id"])):
            if (row["user"] or {}).get("login") == self._author and (row["body"] or "").startswith(marker):
                yield row

    def _pages(self, path: str, query: Mapping[str, str], key: str = "") -> Iterator[Mapping[str, Any]]:
        page = 1
        while True:
            asked = {**query, "per_page": str(_PAGE), "page": str(page)}
            body: Any = self._ask("GET", path, query=asked).json
            rows = body[key] if key else body
            yield from rows
            if len(rows) < _PAGE:
                return
            page += 1

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
        if response.ok or (missing_is_fine and response.status == _MISSING):
            return response
        said = response.json.get("message", "") if isinstance(response.json, dict) else ""
        message = (
            f"GitHub answers {method} {request.path} with {response.status}: {said or 'no reason given'}; "
            "see that the job has the permissions of the workflow that `reconciler init` writes"
        )
        raise ReconcilerError(message)


def from_environment(environ: Mapping[str, str] | None = None) -> GitHub:
    """The repository of this job, as GitHub Actions names it.

    Reads GITHUB_REPOSITORY, GITHUB_TOKEN and GITHUB_API_URL, and for another
    author than the job's own RECONCILER_GITHUB_AUTHOR. Raises ReconcilerError
    where one is missing, or where the token would go out unencrypted.
    """
    environ = os.environ if environ is None else environ
    repository, token = (_needed(environ, name) for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN"))
    root = environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
    if not (root.startswith("https://") or urlsplit(root).hostname in _LOOPBACK):
        message = f"GITHUB_API_URL is {root!r}: the token goes over https only"
        raise ReconcilerError(message)
    try:
        secret = Secret(token, "the environment variable GITHUB_TOKEN")
    except ValueError as error:
        raise ReconcilerError(str(error)) from None
    transport = bearer(Network(root), secret)
    paced = Paced(transport, Window(None), SystemClock(), random.random)
    return GitHub(paced, repository, environ.get("RECONCILER_GITHUB_AUTHOR", BOT))


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        message = f"the environment variable {name} is not set; a job of GitHub Actions has it"
        raise ReconcilerError(message)
    return value


def _pull(row: Any) -> Pull:
    return Pull(int(row["number"]), str(row["head"]["sha"]), str(row["body"] or ""))


def _check(marker: str, text: str) -> None:
    if not text.startswith(marker) or len(text) > LONGEST:
        message = f"a text of {len(text)} characters for GitHub, which takes {LONGEST}, begins with {marker}"
        raise ValueError(message)

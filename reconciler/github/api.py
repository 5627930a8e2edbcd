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
from typing import Any, NoReturn, ParamSpec, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from reconciler.errors import BadAnswer, CredentialRefused, NoAnswer, ReconcilerError, Refused, Unreachable
from reconciler.github.limits import patient, said_by
from reconciler.transport.auth import Secret, bearer
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
_NEXT_QUERY = re.compile(r'<[^<>?]*\?([^<>]*)>; *rel="next"')
_EDITOR = "query($id: ID!) { node(id: $id) { ... on IssueComment { editor { login } } } }"
_TRIES = 3
_P = ParamSpec("_P")
_R = TypeVar("_R")
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


def _again(write: Callable[_P, _R]) -> Callable[_P, _R]:
    """Do once more what looks first at what is there, where its answer got lost or GitHub failed."""

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
    """A comment of ours, as it stands now.

    ``at`` is when its text was written last, in ISO 8601; ``url`` is where a reader
    finds it, ``node`` its id in GraphQL.
    """

    id: int
    text: str
    at: str
    url: str
    node: str


class GitHub:
    """One repository, written to as ``author``.

    Every method raises Refused where GitHub says no, NoAnswer where it does not
    answer, and BadAnswer where something else does.
    """

    def __init__(
        self,
        transport: Transport,
        repository: str,
        author: str = BOT,
        graph: Transport | None = None,
        elsewhere: Callable[[str], Transport] = Network,
    ) -> None:
        self.name = repository
        self._transport = transport
        self._repository = f"/repos/{quote(repository)}"
        self._author = author
        self._graph = graph or transport
        self._elsewhere = elsewhere

    def graph(self, query: str, **variables: object) -> Any:
        """What GraphQL answers, which tells what REST does not (GitHub docs: GraphQL API)."""
        body = {"query": query, "variables": variables}
        response = self._graph.send(Request("POST", "/graphql", {}, _HEADERS, body))
        found: Any = response.json
        if not response.ok or not isinstance(found, dict) or found.get("errors") or not found.get("data"):
            said = _graph_errors(found) or said_by(response) or "no reason given"
            message = f"GitHub answers POST /graphql with {response.status}: {said}"
            raise Refused(message)
        return found["data"]

    def read(self, path: str, query: Mapping[str, str] | None = None, *, anywhere: bool = False) -> Response:
        """What GitHub answers for one path below the repository, or anywhere, whatever its status."""
        below = "" if anywhere else self._repository
        return self._transport.send(Request("GET", below + path, dict(query or {}), _HEADERS))

    def editor(self, comment: Comment) -> str:
        """Who edited a comment last; empty where nobody did, or the account is gone."""
        found = self.graph(_EDITOR, id=comment.node)
        return str(((found["node"] or {}).get("editor") or {}).get("login", ""))

    def download(self, path: str) -> bytes:
        """A file that GitHub keeps elsewhere, fetched from there without the token.

        It answers with a redirect that holds for a minute (GitHub docs: Download an artifact).
        """
        response = self._transport.send(Request("GET", self._repository + path, {}, _HEADERS))
        where = response.headers.get("location", "")
        if response.status != HTTPStatus.FOUND or not _SAFE_ROOT.fullmatch(where):
            self._refuse("GET", path, response)
        parts = urlsplit(where)
        there = self._elsewhere(f"{parts.scheme}://{parts.netloc}")
        kept = there.send(Request("GET", parts.path, dict(parse_qsl(parts.query))))
        if not kept.ok or not kept.content:
            message = (
                f"GitHub points {path} to {parts.hostname}, which answers with {kept.status} and no file"
            )
            raise NoAnswer(message)
        return kept.content

    @_again
    def comment(self, number: int, marker: str, text: str, *, anew: bool = False) -> Comment:
        """Have one comment of ours with this marker, with this text, which begins with it.

        Two runs at the same time may have left two. The first one stays: links
        point to it, and two runs that mend it at once agree on which that is.
        With ``anew`` another text is another comment: who follows is told, and
        its time says since when it stands there, which nobody can set back.
        """
        _check(marker, text)
        mine = self._mine(f"/issues/{number}/comments", {}, marker)
        # One of several may be a copy that somebody had written: with ``anew`` none of them is kept.
        kept = [row for row in mine if len(mine) == 1 and _says(row, text)] if anew else mine
        if kept:
            first = kept[0]
            if not _says(first, text):
                first = self.json("PATCH", f"/issues/comments/{first['id']}", {"body": text})
        else:
            first = self.json("POST", f"/issues/{number}/comments", {"body": text})
            self._check_author(first)
        others = [row for row in mine if row["id"] != first["id"]]
        for other in others:
            self.ask("DELETE", f"/issues/comments/{other['id']}", missing_is_fine=True)
        return _comment(first)

    def comments(self, number: int, marker: str) -> list[Comment]:
        """Our comments with this marker, the oldest first."""
        rows = self._mine(f"/issues/{number}/comments", {}, marker)
        return [_comment(row) for row in rows]

    @_again
    def issue(self, label: str, marker: str, title: str, text: str) -> None:
        """Have one open issue of this marker, with this title and text.

        What was closed stays closed, and what comes back gets an issue of its
        own, so that one issue tells one story, and who watches is told.
        """
        _check(marker, text)
        mine = self._open_issues(label, marker)
        if not mine:
            made = self.json("POST", "/issues", {"title": title, "body": text, "labels": [label]})
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
            self.json("PATCH", f"/issues/{first['number']}", {"title": title, "body": text})
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
        self.json("PATCH", path, {"state": "closed", "state_reason": reason})
        self.json("POST", f"{path}/comments", {"body": text})

    def _open_issues(self, label: str, marker: str) -> list[Mapping[str, Any]]:
        found = self._mine("/issues", {"labels": label, "state": "open"}, marker)
        # A pull request is listed as an issue, too (GitHub docs: List repository issues).
        return [row for row in found if "pull_request" not in row]

    def _mine(self, path: str, query: Mapping[str, str], marker: str) -> list[Mapping[str, Any]]:
        """What this author wrote with this marker, the oldest first."""
        rows = sorted(self.pages(path, query), key=lambda row: int(row["id"]))
        return [row for row in rows if _login(row) == self._author and (row["body"] or "").startswith(marker)]

    def _check_author(self, row: Mapping[str, Any]) -> None:
        """What another wrote would not be found again, and be written once more by every run."""
        if _login(row) != self._author:
            message = (
                f"the token writes as {_login(row)}, and not as {self._author}: "
                f"set {AUTHOR} to that name, so that it is found again"
            )
            raise ReconcilerError(message)

    def pages(
        self, path: str, query: Mapping[str, str] | None = None, key: str = ""
    ) -> Iterator[Mapping[str, Any]]:
        """Every row of a list below the repository, to its end; ``key`` names a list that is wrapped."""
        asked = {**(query or {}), "per_page": "100"}
        while asked:
            response = self.ask("GET", path, query=asked)
            body: Any = response.json
            yield from body[key] if key else body
            # Of the address only the query is followed: the token goes nowhere else.
            match = _NEXT_QUERY.search(response.headers.get("link", ""))
            asked = dict(parse_qsl(match[1])) if match else {}

    def json(self, method: Method, path: str, body: object = None) -> Any:
        """What GitHub answers to one request below the repository."""
        return self.ask(method, path, body).json

    def ask(
        self,
        method: Method,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        missing_is_fine: bool = False,
    ) -> Response:
        """One answer as it came."""
        request = Request(method, self._repository + path, dict(query or {}), _HEADERS, body)
        response = self._transport.send(request)
        if missing_is_fine and response.status == HTTPStatus.NOT_FOUND:
            return response
        if not (response.ok and (method == "DELETE" or isinstance(response.json, dict | list))):
            self._refuse(method, path, response)
        return response

    def _refuse(self, method: Method, path: str, response: Response) -> NoReturn:
        what = f"GitHub answers {method} {self._repository}{path} with {response.status}"
        if response.status < HTTPStatus.BAD_REQUEST:
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
    root = _root(environ, "GITHUB_API_URL", "https://api.github.com")
    graph = _root(environ, "GITHUB_GRAPHQL_URL", f"{root}/graphql").removesuffix("/graphql")
    try:
        secret = Secret(token, "the environment variable GITHUB_TOKEN")
    except ValueError as error:
        raise ReconcilerError(str(error)) from None

    def reach(address: str) -> Transport:
        return patient(bearer(Network(address, hands_on=True), secret), SystemClock())

    rest = reach(root)
    return GitHub(
        rest, repository, environ.get(AUTHOR) or BOT, rest if graph == root else reach(graph), _without_token
    )


def _without_token(address: str) -> Transport:
    return patient(Network(address), SystemClock())


def _root(environ: Mapping[str, str], name: str, default: str) -> str:
    root = (environ.get(name) or default).rstrip("/")
    if not _SAFE_ROOT.fullmatch(root):
        # Not repeated: an address may hold a password.
        message = f"{name} does not begin with https://, and the token goes over nothing else"
        raise ReconcilerError(message)
    return root


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        message = f"the environment variable {name} is not set; {_GIVEN[name]}"
        raise ReconcilerError(message)
    return value


def _graph_errors(found: object) -> str:
    errors = found.get("errors") if isinstance(found, dict) else None
    return "; ".join(str(one.get("message", "")) for one in errors or () if isinstance(one, dict))


def _login(row: Mapping[str, Any]) -> str:
    """Who wrote it; nobody where the account is gone."""
    return str((row["user"] or {}).get("login", ""))


def _comment(row: Mapping[str, Any]) -> Comment:
    return Comment(
        int(row["id"]), _text(row), str(row["updated_at"]), str(row["html_url"]), str(row["node_id"])
    )


def _says(row: Mapping[str, Any], text: str) -> bool:
    return _text(row) == text.rstrip()


def _text(row: Mapping[str, Any]) -> str:
    """The text as it was sent: GitHub may hand it out with other line ends, and without the last one."""
    return str(row["body"]).replace("\r\n", "\n").rstrip()


def _check(marker: str, text: str) -> None:
    if not text.startswith(marker) or len(text) > LONGEST:
        message = f"a text of {len(text)} characters for GitHub, which takes {LONGEST}, begins with {marker}"
        raise ValueError(message)

"""The few endpoints of GitHub's REST API that the workflows need.

A list is read to its end. All paths and answers are those of GitHub docs, "REST
API endpoints", version 2022-11-28.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import parse_qsl, quote, urlsplit

from reconciler.errors import BadAnswer, CredentialRefused, NoAnswer, ReconcilerError, Refused
from reconciler.github.limits import patient, said_by
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.clock import SystemClock
from reconciler.transport.messages import Method, Request, Response, Transport
from reconciler.transport.network import Network

BOT = "github-actions[bot]"
"""The author of what a job's own token writes.

The token cannot say so: ``GET /user`` answers an app's token with 403, "Resource not
accessible by integration". The brackets keep any person from having this name.
"""
AUTHOR = "RECONCILER_GITHUB_AUTHOR"
"""The environment variable that names the author where the token is not the job's own."""
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_SAFE_ROOT = re.compile(r"https://.+|http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]+)?(/.*)?")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_NEXT_QUERY = re.compile(r'<[^<>?]*\?([^<>]*)>; *rel="next"')
_NEEDED = {
    "GITHUB_REPOSITORY": "a job of GitHub Actions has it; elsewhere set it to owner/name",
    "GITHUB_TOKEN": "give it to the step of the workflow: `env: GITHUB_TOKEN: ${{ github.token }}`",
}
_PERMISSIONS = "see that the job has the permissions of the workflow that `reconciler init` writes"
_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token is not accepted: a job's own ends with the job",
    HTTPStatus.FORBIDDEN: _PERMISSIONS,
    HTTPStatus.NOT_FOUND: _PERMISSIONS,
    HTTPStatus.GONE: "see that the repository's settings have issues turned on",
    HTTPStatus.TOO_MANY_REQUESTS: "too many requests in a short time: run the job again later",
}


class GitHub:
    """One repository, written to as ``author``, in lower case since GitHub ignores the case of names.

    ``graphql`` reaches GraphQL where that has another address than REST.
    ``reach`` makes the Transport to the host of a download, without the token.
    Every method raises Refused where GitHub says no, NoAnswer where it does not
    answer, and BadAnswer where something else does.
    """

    def __init__(
        self,
        transport: Transport,
        repository: str,
        author: str = BOT,
        graphql: Transport | None = None,
        reach: Callable[[str], Transport] = Network,
    ) -> None:
        self.name = repository
        self._transport = transport
        self._repository = f"/repos/{quote(repository)}"
        self.author = author.lower()
        self._graphql = graphql or transport
        self._reach = reach

    def graph(self, query: str, **variables: object) -> Any:
        """The data that GraphQL answers a query with (GitHub docs: GraphQL API)."""
        body = {"query": query, "variables": variables}
        response = self._graphql.send(Request("POST", "/graphql", {}, _HEADERS, body))
        answer: Any = response.json
        if not response.ok or not isinstance(answer, dict) or answer.get("errors") or not answer.get("data"):
            reason = _graphql_errors(answer) or said_by(response) or "no reason given"
            message = f"GitHub answers POST /graphql with {response.status}: {reason}"
            raise Refused(message)
        return answer["data"]

    def read(self, path: str, query: Mapping[str, str] | None = None, *, anywhere: bool = False) -> Response:
        """GitHub's answer for a path below the repository, or with ``anywhere`` for any; of any status."""
        root = "" if anywhere else self._repository
        return self._transport.send(Request("GET", root + path, dict(query or {}), _HEADERS))

    def download(self, path: str) -> bytes:
        """A file that GitHub keeps on another host, fetched from there without the token.

        GitHub answers with a redirect, good for a minute (GitHub docs: Download an artifact).
        """
        response = self._transport.send(Request("GET", self._repository + path, {}, _HEADERS))
        location = response.headers.get("location", "")
        if response.status != HTTPStatus.FOUND or not _SAFE_ROOT.fullmatch(location):
            self._refuse("GET", path, response)
        url = urlsplit(location)
        host = self._reach(f"{url.scheme}://{url.netloc}")
        file = host.send(Request("GET", url.path, dict(parse_qsl(url.query))))
        if not file.ok or not file.content:
            message = (
                f"GitHub redirects {path} to {url.hostname}, which answers with {file.status} and no file"
            )
            raise NoAnswer(message)
        return file.content

    def pages(
        self, path: str, query: Mapping[str, str] | None = None, key: str = ""
    ) -> Iterator[Mapping[str, Any]]:
        """Every row of a list below the repository; ``key`` is the field that holds the rows, if one does."""
        next_query = {**(query or {}), "per_page": "100"}
        while next_query:
            response = self.ask("GET", path, query=next_query)
            body: Any = response.json
            yield from body[key] if key else body
            # Only the query of the next address is used: the token goes nowhere else.
            match = _NEXT_QUERY.search(response.headers.get("link", ""))
            next_query = dict(parse_qsl(match[1])) if match else {}

    def json(self, method: Method, path: str, body: object = None) -> Any:
        """The JSON that GitHub answers to one request below the repository."""
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
        """The answer to one request below the repository; with ``missing_is_fine`` it may be 404."""
        request = Request(method, self._repository + path, dict(query or {}), _HEADERS, body)
        response = self._transport.send(request)
        if missing_is_fine and response.status == HTTPStatus.NOT_FOUND:
            return response
        if not (response.ok and (method == "DELETE" or isinstance(response.json, dict | list))):
            self._refuse(method, path, response)
        return response

    def _refuse(self, method: Method, path: str, response: Response) -> NoReturn:
        answer = f"GitHub answers {method} {self._repository}{path} with {response.status}"
        if response.status < HTTPStatus.BAD_REQUEST:
            message = f"{answer} and no JSON: see that GITHUB_API_URL is the address of GitHub's API"
            raise BadAnswer(message)
        reason = said_by(response) or "no reason given"
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            message = f"{answer}: {reason}; GitHub has a fault, so run the job again later"
            raise NoAnswer(message)
        advice = _ADVICE.get(response.status, "")
        error = CredentialRefused if response.status == HTTPStatus.UNAUTHORIZED else Refused
        message = f"{answer}: {reason}{advice and '; '}{advice}"
        raise error(message)


def from_environment(environ: Mapping[str, str] | None = None) -> GitHub:
    """The repository of this job, from the variables that GitHub Actions sets.

    Reads GITHUB_REPOSITORY, GITHUB_TOKEN, GITHUB_API_URL and GITHUB_GRAPHQL_URL.
    RECONCILER_GITHUB_AUTHOR names the author where the token is not the job's own.
    Raises ReconcilerError where one is missing, or where the token would be sent
    unencrypted.
    """
    environ = os.environ if environ is None else environ
    repository, token = (_needed(environ, name) for name in _NEEDED)
    if not _REPOSITORY.fullmatch(repository):
        message = f"GITHUB_REPOSITORY is {repository!r}: write it as owner/name"
        raise ReconcilerError(message)
    root = _root(environ, "GITHUB_API_URL", "https://api.github.com")
    graphql = _root(environ, "GITHUB_GRAPHQL_URL", f"{root}/graphql").removesuffix("/graphql")
    try:
        secret = Secret(token, "the environment variable GITHUB_TOKEN")
    except ValueError as error:
        raise ReconcilerError(str(error)) from None

    rest = _with_token(root, secret)
    graph = rest if graphql == root else _with_token(graphql, secret)
    return GitHub(rest, repository, environ.get(AUTHOR) or BOT, graph, _without_token)


def _with_token(address: str, token: Secret) -> Transport:
    return patient(bearer(Network(address, returns_redirects=True), token), SystemClock())


def _without_token(address: str) -> Transport:
    return patient(Network(address), SystemClock())


def _root(environ: Mapping[str, str], name: str, default: str) -> str:
    root = (environ.get(name) or default).rstrip("/")
    if not _SAFE_ROOT.fullmatch(root):
        # The address is not shown: it may hold a password.
        message = f"{name} does not begin with https://, and the token is sent over nothing else"
        raise ReconcilerError(message)
    return root


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        message = f"the environment variable {name} is not set; {_NEEDED[name]}"
        raise ReconcilerError(message)
    return value


def _graphql_errors(answer: object) -> str:
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return "; ".join(str(error.get("message", "")) for error in errors or () if isinstance(error, dict))

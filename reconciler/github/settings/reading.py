"""A repository's settings as GitHub shows them, and which of them a token may not see.

An answer may be anything: from another server, from an older one, or half of what is
documented. A setting that is not there is unknown, and stops no other check.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from reconciler.errors import BadAnswer, CredentialRefused, Interrupted, NoAnswer, ReconcilerError, Refused
from reconciler.github.api import GitHub
from reconciler.github.limits import said_by
from reconciler.github.settings.workflows import Workflow
from reconciler.report import Check
from reconciler.target.settings import Target
from reconciler.transport.messages import Response

_PAGE = 100
_PAGES = 50
_NEEDED = "x-accepted-github-permissions"
_HIDDEN = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_ODD = "GitHub's answer is not what its documents say"
_ADMIN = "use a token of an administrator of the repository"


class Unseen(ReconcilerError):
    """A setting that GitHub does not show; ``todo`` says what would.

    ``offered`` is False where the owner's plan has no such setting. ``absent`` is
    True where GitHub says that there is nothing, which it also says of some things
    that the token may not see.
    """

    def __init__(self, message: str, todo: str, *, offered: bool, absent: bool) -> None:
        self.todo = todo
        self.offered = offered
        self.absent = absent
        super().__init__(message)


class Settings:
    """The settings of one repository, as the token may read them."""

    def __init__(self, service: GitHub) -> None:
        self._service = service

    def repository(self) -> Mapping[str, Any]:
        """The repository itself (GitHub docs: Get a repository), which every other check needs.

        Raises CredentialRefused, Refused, NoAnswer or BadAnswer where it cannot be read.
        """
        response = self._service.read("")
        if response.ok:
            return mapping(response.json)
        message = f"GitHub shows no such repository: it answers {_words(response)}"
        if response.status == HTTPStatus.UNAUTHORIZED:
            message += "; the token is not accepted: see that GITHUB_TOKEN is complete and still valid"
            raise CredentialRefused(message)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            message += "; GitHub has a fault, so try again later"
            raise NoAnswer(message)
        message += "; see that GITHUB_REPOSITORY is its present name, and that the token may read it"
        raise Refused(message)

    def one(
        self, path: str, query: Mapping[str, str] | None = None, *, anywhere: bool = False
    ) -> Mapping[str, Any]:
        """One object; raises Unseen where the token may not see it, BadAnswer where it is none."""
        return mapping(_seen(self._service.read(path, query, anywhere=anywhere)))

    def many(self, path: str, key: str = "") -> list[Mapping[str, Any]]:
        """A whole list, which may stand under a key; raises as ``one`` does."""
        rows: list[Mapping[str, Any]] = []
        for page in range(1, _PAGES + 1):
            body = _seen(self._service.read(path, {"per_page": str(_PAGE), "page": str(page)}))
            page_rows = listed(mapping(body).get(key) if key else body)
            rows += page_rows
            if len(page_rows) < _PAGE:
                return rows
        message = f"a list of more than {_PAGE * _PAGES} rows"
        raise BadAnswer(message)


@dataclass(frozen=True, slots=True)
class CheckedRepository:
    """A repository with its checkout: ``about`` is what GitHub says of it, ``top`` where the checkout is."""

    settings: Settings
    about: Mapping[str, Any]
    top: Path
    workflows: Sequence[Workflow]
    targets: Sequence[Target]

    @property
    def branch(self) -> str:
        """The default branch."""
        return text(self.about, "default_branch")

    @property
    def visibility(self) -> str:
        """Public, internal or private; public where GitHub does not say."""
        return text(self.about, "visibility") or ("private" if self.about.get("private") else "public")


def checked(name: str, checks: Callable[[], Iterable[Check]]) -> list[Check]:
    """The checks; a setting that cannot be seen ends them with a check of this name."""
    results: list[Check] = []
    try:
        results.extend(checks())
    except Interrupted:
        raise
    except ReconcilerError as error:
        results.append(_unseen(name, error))
    return results


def _unseen(name: str, error: ReconcilerError) -> Check:
    if not isinstance(error, Unseen):
        return Check(name, "unknown", str(error))
    if not error.offered:
        return Check(
            name, "failed", f"not available here: {error}", "nothing guards this: use a plan that has it"
        )
    return Check(name, "unknown", str(error), error.todo)


def mapping(value: object) -> Mapping[str, Any]:
    """An object of an answer; raises BadAnswer where it is something else."""
    if isinstance(value, Mapping):
        return value
    raise BadAnswer(_ODD)


def listed(value: object) -> list[Mapping[str, Any]]:
    """A list of objects of an answer; raises BadAnswer where it is something else."""
    if isinstance(value, list):
        return [mapping(row) for row in value]
    raise BadAnswer(_ODD)


def required(row: Mapping[str, Any], key: str) -> Any:
    """The value of a key; raises BadAnswer where it is missing, as it may be on an older server."""
    if key in row:
        return row[key]
    message = f"GitHub does not say {key}"
    raise BadAnswer(message)


def part(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside another, empty where there is none."""
    value = row.get(key)
    return value if isinstance(value, Mapping) else {}


def text(row: Mapping[str, Any], key: str) -> str:
    """A text inside an object, empty where there is none."""
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _seen(response: Response) -> object:
    if response.ok:
        return response.json
    absent = response.status == HTTPStatus.NOT_FOUND
    if response.status == HTTPStatus.FORBIDDEN and "upgrade" in said_by(response).lower():
        # On a plan without the feature ("Upgrade to GitHub Pro or make this repository public").
        raise Unseen(said_by(response), "", offered=False, absent=True)
    message = f"not shown: GitHub answers {_words(response)}"
    # The header names what a fine-grained token lacks (GitHub docs: Troubleshooting the REST API).
    needed = response.headers.get(_NEEDED, "")
    todo = f"{_ADMIN}, which needs {needed}" if needed else _ADMIN
    raise Unseen(message, todo if response.status in _HIDDEN else "", offered=True, absent=absent)


def _words(response: Response) -> str:
    said = said_by(response)
    return f"{response.status}{said and ': '}{said}"

"""Pull requests, and the artifacts with the plans that were made for them.

All paths and answers are those of GitHub docs, "REST API endpoints", version 2022-11-28.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import quote
from zipfile import BadZipFile, ZipFile

from reconciler.errors import ReconcilerError
from reconciler.github.api import GitHub

PLAN_WORKFLOW = ".github/workflows/plan.yml"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LARGEST = 512 * 1024 * 1024
"""Bytes that a file of an artifact may have, unpacked."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request as it is now.

    ``head`` is the last of its ``commits``, on ``branch``; ``body`` is its text.
    ``merged_as`` is the commit that its merge made, ``merged_by`` who merged it; both
    are empty before. ``by_person`` says whether a person opened it.
    """

    number: int
    head: str
    body: str
    author: str = ""
    branch: str = ""
    commits: int = 0
    merged_as: str = ""
    merged_by: str = ""
    by_person: bool = True


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact that a run of the plan's workflow keeps."""

    id: int
    name: str


def pull(github: GitHub, number: int) -> Pull:
    """One pull request as it is now."""
    return _pull(github.json("GET", f"/pulls/{number}"))


def pull_of(github: GitHub, commit: str) -> Pull | None:
    """The pull request that was merged as this commit; None where it came in another way.

    A commit may be listed for several (GitHub docs: List pull requests
    associated with a commit). The one whose merge made it counts: its merge
    commit, its one commit of a squash, or the last commit of its rebase
    (GitHub docs: Get a pull request). Raises ReconcilerError where that fits two,
    as it does where both had the same last commit, and for anything but the full
    name of a commit: GitHub would also answer for a branch.
    """
    if not _COMMIT.fullmatch(commit):
        message = f"{commit!r} is not the full name of a commit, which has 40 hex digits"
        raise ReconcilerError(message)
    # A row of the list may lack fields that the pull request itself has.
    listed = [row["number"] for row in github.pages(f"/commits/{commit}/pulls") if row["merged_at"]]
    fitting = [merged for number in listed if (merged := pull(github, number)).merged_as == commit]
    if len(fitting) > 1:
        numbers = " and ".join(f"#{merged.number}" for merged in fitting)
        message = (
            f"{commit[:8]} is the merge of {numbers}, so it is not certain which of them was reviewed, and "
            "nothing is applied; a pull request with the line `Reconciler-Include: backlog` can apply it"
        )
        raise ReconcilerError(message)
    return fitting[0] if fitting else None


def artifact_name(target: str, number: int | None = None, head: str = "") -> str:
    """The name of the artifact with a target's plan, which may hold no slash.

    The workflow adds the number and the head of the pull request.
    """
    about = "" if number is None else f"-{number}-{head}"
    return f"reconciler-plan-{quote(target, safe='')}{about}"


def kept_plan(github: GitHub, name: str) -> Artifact | None:
    """The newest artifact of this name that the default branch's own workflow made; None where there is none.

    Whoever can push a branch can change a workflow that runs on ``pull_request``,
    and have it keep an artifact of any name. A workflow on ``pull_request_target``
    always runs as it is on the default branch, whatever the base of the pull
    request (GitHub changelog, 2025-11-07: pull_request_target and environment
    branch protections). An older server takes it from the base, which the author of
    the pull request chooses. How the run ended does not matter: an artifact is
    complete before it is listed, a run fails where a guard refuses the plan, and
    the apply asks the guards again.
    """
    rows = github.pages("/actions/artifacts", {"name": name}, "artifacts")
    kept = [row for row in rows if row["name"] == name and not row["expired"] and row["workflow_run"]]
    for row in sorted(kept, key=lambda row: (str(row["created_at"]), int(row["id"])), reverse=True):
        run = github.json("GET", f"/actions/runs/{int(row['workflow_run']['id'])}")
        # The path may end with @ and a branch (GitHub docs: Get a workflow run).
        if run["event"] == "pull_request_target" and run["path"].partition("@")[0] == PLAN_WORKFLOW:
            return Artifact(int(row["id"]), name)
    return None


def download(github: GitHub, artifact: int) -> bytes:
    """An artifact as it is kept, a zip file."""
    return github.download(f"/actions/artifacts/{artifact}/zip")


def digest_of(packed: bytes) -> str:
    """The SHA-256 of an artifact, in hex."""
    return sha256(packed).hexdigest()


def unpacked(packed: bytes, *names: str) -> list[str]:
    """The files of these names in an artifact; raises ReconcilerError where one is missing or no text."""
    try:
        with ZipFile(BytesIO(packed)) as archive:
            if any(archive.getinfo(name).file_size > _LARGEST for name in names):
                message = "the artifact of the plan is too large to be one"
                raise ReconcilerError(message)
            return [archive.read(name).decode() for name in names]
    except (BadZipFile, KeyError, UnicodeDecodeError) as error:
        message = f"the artifact is not that of a plan: {error}"
        raise ReconcilerError(message) from None


def _pull(row: Mapping[str, Any]) -> Pull:
    merged = row.get("merged_at") is not None
    return Pull(
        number=int(row["number"]),
        head=str(row["head"]["sha"]),
        body=str(row["body"] or ""),
        author=login(row["user"]),
        branch=str(row["head"]["ref"]),
        commits=int(row["commits"]),
        merged_as=str(row["merge_commit_sha"] or "") if merged else "",
        merged_by=login(row.get("merged_by")) if merged else "",
        by_person=is_person(row["user"]),
    )


def is_person(user: Mapping[str, Any] | None) -> bool:
    """Whether an account is a person's: neither a bot's, nor an organization's, nor one that is gone."""
    return (user or {}).get("type") == "User"


def login(user: Mapping[str, Any] | None) -> str:
    """The name of an account, in lower case since GitHub ignores case; empty where it is gone."""
    return str((user or {}).get("login", "")).lower()

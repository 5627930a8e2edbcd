"""What a job of GitHub Actions knows of itself, and what it gives to the next steps.

All of it comes from the environment (GitHub docs: Default environment variables).
"""

import base64
import json
import os
from pathlib import Path

from reconciler.errors import ReconcilerError
from reconciler.transport.auth import Secret

_SERVER = "https://github.com"


def event_number() -> int:
    """The number of the pull request that this job is about (GitHub docs: GITHUB_EVENT_PATH)."""
    path = os.environ.get("GITHUB_EVENT_PATH", "")
    try:
        event = json.loads(Path(path).read_text("utf-8"))
        return int(event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        message = "GITHUB_EVENT_PATH names no event of a pull request: give --pull N"
        raise ReconcilerError(message) from None


def repository_address() -> str:
    """Where people find the repository; empty outside of a job."""
    server, repository = (os.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))
    return f"{server}/{repository}" if server and repository else ""


def ran_by() -> str:
    """Who started this run, and its address; empty outside of a job."""
    actor = os.environ.get("GITHUB_TRIGGERING_ACTOR") or os.environ.get("GITHUB_ACTOR", "")
    number, address = os.environ.get("GITHUB_RUN_ID", ""), repository_address()
    return f"{actor}, {address}/actions/runs/{number}" if actor and number and address else ""


def attempt() -> tuple[str, int]:
    """The id of this run, and the number of this attempt, from 1; ("", 1) outside of a job."""
    number = os.environ.get("GITHUB_RUN_ATTEMPT", "")
    return os.environ.get("GITHUB_RUN_ID", ""), int(number) if number.isdecimal() else 1


def branch() -> str:
    """The branch that this job was started for, as a ref."""
    return os.environ.get("GITHUB_REF", "")


def git_header() -> str:
    """The job's token as a header for git, after the address that it is for; empty without a token.

    GitHub docs: Git over HTTPS, as actions/checkout does it.
    """
    token = os.environ.get("GITHUB_TOKEN", "")
    if not token:
        return ""
    Secret(token, "the environment variable GITHUB_TOKEN")
    server = os.environ.get("GITHUB_SERVER_URL") or _SERVER
    if not server.startswith("https://"):
        message = "GITHUB_SERVER_URL does not begin with https://, and the token is sent over nothing else"
        raise ReconcilerError(message)
    basic = Secret(base64.b64encode(f"x-access-token:{token}".encode()).decode(), "the token for git")
    return f"{server}/ AUTHORIZATION: basic {basic.reveal()}"


def summarize(markdown: str) -> None:
    """Add to the job's summary, where there is one (GitHub docs: GITHUB_STEP_SUMMARY)."""
    _append(os.environ.get("GITHUB_STEP_SUMMARY", ""), markdown)


def output(name: str, value: object) -> None:
    """Give a value, as JSON, to the next steps of the job (GitHub docs: GITHUB_OUTPUT)."""
    _append(os.environ.get("GITHUB_OUTPUT", ""), f"{name}={json.dumps(value)}\n")


def _append(path: str, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)

"""A pull request's plan, its application after the merge, and drift, as GitHub meets them.

Each function is one step of a workflow, and runs outside of GitHub just as well:
what it needs to know comes from the environment that GitHub Actions documents.
Git is asked as a process; a token reaches it by its environment alone, never as
an argument that others on the machine could read.
"""

import base64
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler import workflow
from reconciler.changes import Note, Origin, Plan
from reconciler.drift import drift
from reconciler.errors import ReconcilerError
from reconciler.github.api import GitHub, Pull
from reconciler.planning.approval import Override, inclusions, overrides
from reconciler.planning.expected import Expectation
from reconciler.report import Report
from reconciler.saved import to_json
from reconciler.settings import Session, Target, at_base, connect, load_targets
from reconciler.starter.write import artifact
from reconciler.transport.auth import Secret
from reconciler.views.html import plan_html
from reconciler.views.lines import number_of
from reconciler.views.markdown import (
    COMMENT,
    SUMMARY,
    failure_markdown,
    marker,
    plan_markdown,
    report_markdown,
)
from reconciler.views.review import review_text
from reconciler.views.text import violations_text

DRIFT_LABEL = "reconciler-drift"
PLAN_WORKFLOW = ".github/workflows/plan.yml"
_REFS = "refs/reconciler/applied"
_PATIENCE = 120
"""Seconds that git may take to reach the server."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A target's plan for a merged pull request: the run that keeps it, and under which name."""

    name: str
    artifact: str
    run: int


# On the pull request


def plan_pull(
    github: GitHub, root: Path, name: str, number: int, include: Sequence[Origin], out: Path
) -> Plan:
    """Plan the files as the pull request would merge them, and say so in its comment.

    The checkout is GitHub's test merge: its first parent is the base, whose
    settings hold. ``out`` gets plan.json and plan.html. What stops the planning
    is said in the comment as well, so that no older plan stands there. Raises
    ReconcilerError as planning does.
    """
    pull = github.pull(number)
    place = marker(name)
    try:
        (target,) = load_targets(root, [name])
        _check_merge(target.folder, pull)
        fetch_applied(target)
        based = at_base(target, "HEAD^1")
        with connect(based) as session:
            origins = (*include, *inclusions(pull.body))
            plan = workflow.plan(based, session, base="HEAD^1", include=origins).plan
        approved = _approved(plan, pull, target)
        plan = workflow.judge(plan, based, approved)
    except ReconcilerError as error:
        github.comment(number, place, failure_markdown(place, f"{name} cannot be planned", str(error)))
        raise
    if approved is not None:
        message = f"{number_of(approved, 'removal')} approved by a line in the pull request's text"
        plan = replace(plan, notes=(*plan.notes, Note("approved", message, warning=True)))
    out.mkdir(parents=True, exist_ok=True)
    (out / "plan.json").write_text(to_json(plan), "utf-8")
    (out / "plan.html").write_text(plan_html(plan), "utf-8")
    summarize(plan_markdown(plan, budget=SUMMARY))
    github.comment(number, place, plan_markdown(plan, budget=COMMENT, run=_run()))
    return plan


def _check_merge(folder: Path, pull: Pull) -> None:
    """GitHub makes the test merge in its own time: it may still be the one of an older push."""
    merged = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD^2")
    if merged != pull.head:
        message = (
            f"what is checked out is no merge of {pull.head[:8]}, the pull request's last commit: run the "
            "job again; where that does not help, the branch has conflicts to be solved"
        )
        raise ReconcilerError(message)


def _approved(plan: Plan, pull: Pull, target: Target) -> int | None:
    """The number of removals that the pull request's text approves for this very plan; None for none."""
    found: Override | None = overrides(pull.body).get(target.name)
    return found.removals if found and plan.digest.startswith(found.digest) else None


# After the merge


def find_reviewed(github: GitHub, commit: str, targets: list[Target]) -> tuple[Pull, list[Reviewed]]:
    """The pull request that a commit merged, and the plan of each target that was made for it.

    Raises ReconcilerError where the commit came without a pull request: nothing was reviewed then.
    """
    pull = github.pull_of(commit)
    if pull is None:
        message = (
            f"{commit[:8]} came without a pull request, so nothing was reviewed and nothing is applied: what "
            "it changes is backlog; a pull request with the line `Reconciler-Include: backlog` can apply it"
        )
        raise ReconcilerError(message)
    found = []
    for target in targets:
        name = f"{artifact(target.name)}-{pull.head}"
        if run := github.reviewed_run(name, PLAN_WORKFLOW):
            found.append(Reviewed(target.name, name, run))
    return pull, found


Execute = Callable[[Target, Session, workflow.Proposal], Report]
"""Shows a proposal and executes it; raises GuardRefused or Stale where it may not be."""


def apply_reviewed(github: GitHub, target: Target, saved: Plan, pull: Pull, execute: Execute) -> Report:
    """Execute a reviewed plan, record what was applied, and say on the pull request how it went.

    What stops it is said there as well, and raised again.
    """
    place = marker(f"apply {target.name}")
    details = ""
    try:
        fetch_applied(target)
        based = at_base(target, saved.base) if saved.base else target
        with workflow.locked(based), connect(based) as session:
            proposal = workflow.propose(
                based, session, saved=saved, allow_removals=_approved(saved, pull, target)
            )
            if proposal.plan.violations:
                details = violations_text(proposal.plan)
            elif proposal.review and proposal.review.stale:
                details = review_text(proposal.review)
            report = execute(based, session, proposal)
    except ReconcilerError as error:
        text = failure_markdown(place, f"Nothing was applied to {target.name}", str(error), details, _ADVICE)
        github.comment(pull.number, place, text)
        raise
    text = report_markdown(report, budget=COMMENT - len(place) - 1)
    summarize(text)
    github.comment(pull.number, place, f"{place}\n{text}")
    # After the comment: what was applied is said, also where the record of it cannot be handed in.
    if workflow.record(target, proposal, report):
        push_applied(target)
    return report


_ADVICE = (
    "What was merged and not applied is backlog from now on: the next pull request shows it as such, "
    "and applies it too where its text has the line `Reconciler-Include: backlog`."
)


# Every day


def report_drift(github: GitHub, target: Target, expectations: Sequence[Expectation], today: str) -> Plan:
    """Keep one issue for the target in step with its drift: open, up to date, or closed."""
    fetch_applied(target)
    with connect(target) as session:
        found = drift(target, session, expectations, today)
    place, title = marker(f"drift {target.name}"), f"Drift of {target.name}"
    if found.changes:
        github.issue(DRIFT_LABEL, place, title, plan_markdown(found, budget=COMMENT, place=place))
    else:
        github.close_issue(DRIFT_LABEL, place, "The live state is as the files say again.")
    summarize(plan_markdown(found, budget=SUMMARY))
    return found


# Git and the job


def fetch_applied(target: Target) -> None:
    """Get the record of what was applied; a checkout does not bring it along."""
    _git(target.folder, "fetch", "--quiet", "--no-tags", "origin", f"+{_REFS}/*:{_REFS}/*", remote=True)


def push_applied(target: Target) -> None:
    """Hand in the record of what was applied, whatever stands there: it only ever follows an apply."""
    name = f"{_REFS}/{target.name}"
    _git(target.folder, "push", "--quiet", "origin", f"+{name}:{name}", remote=True)


def _git(folder: Path, *arguments: str, remote: bool = False) -> str:
    """What git prints; raises ReconcilerError where it refuses."""
    command = ["git", "-C", str(folder), *arguments]
    environ = {**os.environ, **(_credentials(os.environ) if remote else {}), "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_PATIENCE, env=environ)  # noqa: S603 (no shell)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        why = "is not installed" if isinstance(error, FileNotFoundError) else f"took more than {_PATIENCE} s"
        message = f"git {arguments[0]} did not work: git {why}"
        raise ReconcilerError(message) from None
    if done.returncode and remote:
        said = " ".join(done.stderr.decode(errors="replace").split())
        message = f"git {arguments[0]} of {_REFS} did not work: {said}"
        raise ReconcilerError(message)
    return done.stdout.decode().strip()


def _credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """The job's token as a header for git (GitHub docs: Git over HTTPS, as actions/checkout does it)."""
    token = environ.get("GITHUB_TOKEN", "")
    if not token:
        return {}
    Secret(token, "the environment variable GITHUB_TOKEN")
    server = environ.get("GITHUB_SERVER_URL", "https://github.com")
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
    }


def event_number() -> int:
    """The number of the pull request that this job is about (GitHub docs: GITHUB_EVENT_PATH)."""
    path = os.environ.get("GITHUB_EVENT_PATH", "")
    try:
        event = json.loads(Path(path).read_text("utf-8"))
        return int(event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        message = "GITHUB_EVENT_PATH names no event of a pull request: give --pull N"
        raise ReconcilerError(message) from None


def _run() -> str:
    """The address of this run, where it is one (GitHub docs: Default environment variables)."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, number = (os.environ.get(name, "") for name in names)
    return f"{server}/{repository}/actions/runs/{number}" if server and repository and number else ""


def summarize(markdown: str) -> None:
    """Add to the job's summary, where there is one (GitHub docs: GITHUB_STEP_SUMMARY)."""
    _append(os.environ.get("GITHUB_STEP_SUMMARY", ""), markdown)


def output(name: str, value: object) -> None:
    """Hand a value, as JSON, to the next steps of the job (GitHub docs: GITHUB_OUTPUT)."""
    _append(os.environ.get("GITHUB_OUTPUT", ""), f"{name}={json.dumps(value)}\n")


def _append(path: str, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)

"""What guards the default branch: the rules of rulesets, and the older branch protection.

Both hold at once, and the stricter wins (GitHub docs: About rulesets). So each is
read as what it requires, with who may bypass it. What one of them requires is
required, and somebody bypasses it where everything that requires it lets them.
Branch protection is shown to administrators only, and read where the rulesets do
not require everything.

Nothing here can guard ``refs/reconciler/applied/*``: rulesets are for branches,
tags and pushes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reconciler.errors import BadAnswer
from reconciler.github.settings.reading import (
    CheckedRepository,
    Settings,
    Unseen,
    listed,
    mapping,
    part,
    text,
)
from reconciler.report import Check
from reconciler.views.safe import label

_NOT_PROTECTED = "Branch not protected"
_ROLES = {2: "who maintain", 4: "who may write", 5: "administrators"}
_ASKED: Mapping[str, tuple[str, str, str]] = {
    "approvals": (
        "an approval is required",
        "a pull request can be merged without an approval",
        "who proposes a change merges it alone: require a pull request with at least one approval",
    ),
    "stale approvals": (
        "a push dismisses approvals",
        "an approval outlives later pushes",
        "what is merged need not be what was approved: dismiss stale approvals when commits are pushed",
    ),
    "last push": (
        "somebody else approves the last push",
        "who pushes last may approve it",
        "a reviewer adds a commit and approves it alone: require approval of the most recent push",
    ),
    "code owners": (
        "code owners review their files",
        "code owners need not be asked",
        "whoever may approve lifts limits and changes workflows: require review from code owners",
    ),
    "up to date": (
        "a branch is up to date when merged",
        "a branch may be merged that is behind",
        "the plan that was reviewed may be of older files: require branches to be up to date",
    ),
    "force pushes": (
        "blocked",
        "allowed",
        "what was reviewed can be taken out of the history: block force pushes",
    ),
    "deletion": ("blocked", "allowed", "the branch with its history can be deleted: restrict deletions"),
}
"""For each requirement: the words where it is met, where it is not, and what that costs."""
_FIRST, _REST = (
    ("approvals", "stale approvals", "last push", "code owners"),
    ("up to date", "force pushes", "deletion"),
)


@dataclass(frozen=True, slots=True)
class _Guard:
    """A ruleset or a branch protection; ``passes`` is who may bypass it, None where that is not shown.

    A check is in ``asks`` as ``check NAME``, and as ``source NAME`` where only one source may report it.
    """

    name: str
    asks: frozenset[str]
    passes: tuple[str, ...] | None


def rule_checks(repository: CheckedRepository) -> Iterator[Check]:
    """Checks of everything that should guard the default branch, and of who may bypass it."""
    wanted = ["Validate", *(f"Plan {target.name}" for target in repository.targets)]
    every = {*_ASKED, *(f"{what} {name}" for name in wanted for what in ("check", "source"))}
    try:
        guards = _rulesets(repository.settings, repository.branch)
    except Unseen as error:
        if error.offered:
            raise
        todo = "whoever may push changes what is applied, and what runs with the key: use a plan with rules"
        yield Check("rules", "failed", f"not available here: {error}", todo)
        return
    hidden: Unseen | None = None
    if every - _asked(guards):
        try:
            guards += _protection(repository.settings, repository.branch)
        except Unseen as error:
            hidden = error if error.offered else None
    required = _asked(guards)
    yield from (_asked_for(name, required, hidden) for name in _FIRST)
    yield _required(wanted, required, hidden)
    yield from (_asked_for(name, required, hidden) for name in _REST)
    if required & every:
        yield _bypass(guards, required & every)


def _asked(guards: Sequence[_Guard]) -> frozenset[str]:
    return frozenset[str]().union(*(guard.asks for guard in guards))


def _asked_for(name: str, asked: frozenset[str], hidden: Unseen | None) -> Check:
    met, missing, todo = _ASKED[name]
    if name in asked:
        return Check(f"rules: {name}", "ok", met)
    return _lacking(f"rules: {name}", missing, todo, hidden)


def _lacking(name: str, said: str, todo: str, hidden: Unseen | None) -> Check:
    if not hidden:
        return Check(name, "failed", said, todo)
    return Check(name, "unknown", "in no ruleset; branch protection is not shown", hidden.todo)


def _required(wanted: Sequence[str], required: frozenset[str], hidden: Unseen | None) -> Check:
    name = "rules: checks"
    if missing := [check for check in wanted if f"check {check}" not in required]:
        todo = "a plan that a guard refuses, or that was never made, can be merged: require these checks"
        return _lacking(name, f"not required: {', '.join(map(label, missing))}", todo, hidden)
    if anybody := [check for check in wanted if f"source {check}" not in required]:
        todo = "whoever can push reports them as passed: choose GitHub Actions as their source"
        return Check(name, "failed", f"taken from any source: {', '.join(map(label, anybody))}", todo)
    return Check(name, "ok", f"required: {', '.join(map(label, wanted))}")


def _bypass(guards: Sequence[_Guard], required: frozenset[str]) -> Check:
    """Who bypasses a requirement, because everything that has it lets them."""
    name, passing, doubtful = "rules: bypass", set[str](), False
    for what in required:
        asking = [guard for guard in guards if what in guard.asks]
        if not any(guard.passes == () for guard in asking):
            doubtful |= any(guard.passes is None for guard in asking)
            passing |= {f"{who} ({guard.name})" for guard in asking for who in guard.passes or ()}
    if passing:
        todo = "they merge what nobody reviewed, and it is applied: take them off the bypass list"
        return Check(name, "failed", f"allowed for {', '.join(sorted(passing))}", todo)
    if doubtful:
        todo = "use a token of an administrator of the repository"
        return Check(name, "unknown", "who may is shown to administrators only", todo)
    return Check(name, "ok", "nobody may")


def _rulesets(settings: Settings, branch: str) -> list[_Guard]:
    """The active rulesets (GitHub docs: Get rules for a branch; those of the organization are among them)."""
    asks: dict[int, set[str]] = {}
    for row in settings.many(f"/rules/branches/{quote(branch, safe='')}"):
        number = row.get("ruleset_id")
        asks.setdefault(number if isinstance(number, int) else 0, set()).update(_of_rule(row))
    return [_ruleset(settings, number, frozenset(required)) for number, required in asks.items() if required]


def _ruleset(settings: Settings, number: int, asks: frozenset[str]) -> _Guard:
    """One ruleset; who may bypass it is shown to those who may change it (GitHub docs: Get a ruleset)."""
    try:
        row = settings.one(f"/rulesets/{number}")
        actors = row["bypass_actors"]
    except (Unseen, BadAnswer, KeyError):
        return _Guard(f"ruleset {number}", asks, None)
    name = f"ruleset {label(text(row, 'name'))}"
    return _Guard(name, asks, tuple(_actor(each) for each in listed(actors or [])))


def _actor(row: Mapping[str, Any]) -> str:
    kind, number = text(row, "actor_type"), row.get("actor_id")
    if kind == "RepositoryRole" and isinstance(number, int) and number in _ROLES:
        return _ROLES[number]
    names = {"OrganizationAdmin": "owners of the organization", "DeployKey": "deploy keys"}
    return names.get(kind) or f"{label(kind)} {label(str(number))}"


def _of_rule(row: Mapping[str, Any]) -> Iterator[str]:
    """What one rule asks for (GitHub docs: Available rules for rulesets)."""
    parameters = part(row, "parameters")
    match row.get("type"):
        case "non_fast_forward":
            yield "force pushes"
        case "deletion":
            yield "deletion"
        case "required_status_checks":
            yield from ["up to date"] if parameters.get("strict_required_status_checks_policy") else []
            yield from _of_checks(parameters.get("required_status_checks"), "integration_id")
        case "pull_request":
            yield from _of_reviews(
                parameters,
                "dismiss_stale_reviews_on_push",
                "require_last_push_approval",
                "require_code_owner_review",
            )


def _of_reviews(row: Mapping[str, Any], stale: str, push: str, owners: str) -> Iterator[str]:
    asks = {
        "approvals": bool(row.get("required_approving_review_count")),
        "stale approvals": row.get(stale) is True,
        "last push": row.get(push) is True,
        "code owners": row.get(owners) is True,
    }
    yield from (name for name, is_asked in asks.items() if is_asked)


def _of_checks(rows: object, source: str) -> Iterator[str]:
    for row in listed(rows or []):
        yield f"check {text(row, 'context')}"
        app = row.get(source)
        # None, or -1 in a branch protection, is any source.
        if isinstance(app, int) and app > 0:
            yield f"source {text(row, 'context')}"


def _named(contexts: object) -> list[Mapping[str, Any]]:
    """Checks by their names alone, as an older server has them."""
    return [{"context": name} for name in contexts] if isinstance(contexts, list) else []


def _protection(settings: Settings, branch: str) -> list[_Guard]:
    """The branch protection of one branch (GitHub docs: Get branch protection)."""
    path = f"/branches/{quote(branch, safe='')}/protection"
    try:
        row = settings.one(path)
    except Unseen as error:
        # GitHub says so to an administrator; anybody else only gets "Not Found".
        if _NOT_PROTECTED in str(error):
            return []
        raise
    reviews, checks = part(row, "required_pull_request_reviews"), part(row, "required_status_checks")
    asks = {
        *_of_reviews(
            reviews, "dismiss_stale_reviews", "require_last_push_approval", "require_code_owner_reviews"
        ),
        *_of_checks(checks.get("checks") or _named(checks.get("contexts")), "app_id"),
        *(["up to date"] if checks.get("strict") else []),
        *(["force pushes"] if part(row, "allow_force_pushes").get("enabled") is False else []),
        *(["deletion"] if part(row, "allow_deletions").get("enabled") is False else []),
    }
    return [_Guard("branch protection", frozenset(asks), tuple(_allowed(row, reviews)))]


def _allowed(row: Mapping[str, Any], reviews: Mapping[str, Any]) -> Iterator[str]:
    if not part(row, "enforce_admins").get("enabled"):
        yield "administrators"
    allowances = part(reviews, "bypass_pull_request_allowances")
    for kind, key in (("users", "login"), ("teams", "slug"), ("apps", "slug")):
        for each in listed(allowances.get(kind) or []):
            yield f"{label(text(mapping(each), key))}"

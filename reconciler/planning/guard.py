"""What a plan may not do, whoever wrote the files, unless a person approves that very plan.

Six steps, each with its numbers in the message:

1. Protected users and groups, and the users whom the keys belong to, are never
   removed or deactivated. A protected user leaves no group. A protected group is
   never left without people; who is not in the user list, or is ignored, does not
   count there. It does not matter which name is protected: the declared one, the
   live one, or an older one that the files declare. Nor does a protected user, or the user of a key,
   get another login. Nothing approves any of this.
2. Each kind of removal is a share of the live things of its kind that the
   files manage. More than ``limits.removals.share`` *and* more than its ``floor``: refused.
   Where not everything was read nobody knows the share, and the floor alone counts.
   Memberships count in total and for each group, also those that end because
   their user or group is deleted.
3. Emptying a group, and removing the last active user, is refused whatever the floor.
4. ``--allow-removals N`` approves steps 2 and 3 where N is the exact number of
   removals in this plan. A number that does not fit is itself a refusal: it
   was meant for another plan.
5. Users created are a share of all live users: more than ``limits.creations.share`` *and*
   more than its ``floor``: refused. ``--allow-creations N`` approves exactly N.
6. When a reviewed plan is applied (``check_now``), what remains to be done of it is checked
   against what is live by then. Step 1 holds again, also for the owners of the keys that are
   used then. An emptied group, or nobody active (step 3), is let through where the reviewed
   plan had it, since it was approved with the plan. Where it came about since, nothing
   approves it: nobody reviewed that.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from reconciler.changes import ends_access, leaving_members, renamed_from
from reconciler.model import Address
from reconciler.plan import Absolute, Allow, Census, Option, Plan, Violation
from reconciler.planning.scope import Limits, Policy

_PROTECTED = Absolute("Protected users and groups, and the users whom the keys belong to, have no override.")
_UNREVIEWED = Absolute("What came about since the review was approved by nobody, and has no override.")


def check(
    plan: Plan, policy: Policy, *, allow_removals: int | None = None, allow_creations: int | None = None
) -> tuple[Violation, ...]:
    """Every reason against the part of the plan that is to be applied; empty when it may be."""
    plan = plan.intended
    counts = plan.counts
    wrong = (
        *_wrong_number("approval", "--allow-removals", allow_removals, counts.removals),
        *_wrong_number("creations", "--allow-creations", allow_creations, counts.users_created),
    )
    violations = [*_protected(plan, policy)]
    if wrong or allow_removals is None:
        violations += _over_limits(plan, policy.removals)
    if wrong or allow_creations is None:
        violations += _creations(plan, policy.creations)
    return (*violations, *wrong)


def check_now(part: Plan, reviewed: Plan, policy: Policy) -> tuple[Violation, ...]:
    """Every reason against what remains to be done of a reviewed plan, given as a part of a fresh one."""
    now, before = part.census, reviewed.intended.census
    callers = tuple(sorted({*now.callers, *before.callers}))
    violations = [*_protected(replace(part, census=replace(now, callers=callers)), policy)]
    for name in now.emptied:
        if name not in before.emptied:
            message = f"{name} has changed since the review, and would lose every member it has left"
            violations.append(Violation("emptied", f"{message} ({now.members[name]})", _UNREVIEWED))
    if _ends_everybody(now) and not _ends_everybody(before):
        message = "as it is now, no active user would be left of those that the files manage"
        violations.append(Violation("last", message, _UNREVIEWED))
    return tuple(violations)


def _wrong_number(code: str, option: Option, given: int | None, number: int) -> Iterator[Violation]:
    if given is not None and given != number:
        message = f"{Allow(option, given)} does not fit: for this plan it is {number}"
        yield Violation(code, message, Allow(option, number))


def _protected(plan: Plan, policy: Policy) -> Iterator[Violation]:
    for change in plan.changes:
        if ends_access(change):
            why = _why_protected(change.address, plan.census, policy)
            if why:
                message = f"{change.address} {why}, and would be removed"
                yield Violation("protected", message, _PROTECTED)
        older = renamed_from(change) if change.address.kind == "user" else None
        if older and (why := _why_protected(change.address, plan.census, policy)):
            message = f"{change.address} {why}, and its login would change from {older}"
            yield Violation("protected", message, _PROTECTED)
        for person in (Address("user", key) for key in leaving_members(change)):
            if why := _why_named(person, plan.census, policy):
                message = f"{person} {why}, and would leave {change.address}"
                yield Violation("protected", message, _PROTECTED)
    for name in plan.census.deserted:
        _, _, key = name.partition("/")
        if why := _why_named(Address("group", key), plan.census, policy):
            yield Violation("protected", f"{name} {why}, and would be emptied", _PROTECTED)


def _why_protected(address: Address, census: Census, policy: Policy) -> str:
    if why := _why_named(address, census, policy):
        return why
    if address.kind == "user" and any(name.key in census.callers for name in census.names(address)):
        return "is the user whom the key belongs to"
    return ""


def _why_named(address: Address, census: Census, policy: Policy) -> str:
    """By which name the object is protected, in words that follow its address; empty where by none."""
    named = next((name for name in census.names(address) if policy.protect.match(name)), None)
    if named is None:
        return ""
    return "is protected" if named == address else f"is protected as {named.key}"


def _over_limits(plan: Plan, limits: Limits) -> Iterator[Violation]:
    counts, census = plan.counts, plan.census
    remedy = Allow("--allow-removals", counts.removals)
    users = counts.users_deactivated + counts.users_revoked + counts.users_deleted
    deactivated, deleted = (plan.words.get(word, word) for word in ("deactivated", "deleted"))
    lost = sum(census.losses.values())
    for code, number, total, what in (
        ("users", users, census.users, f"users {deactivated}, revoked or {deleted}"),
        ("groups", counts.groups_deleted, census.groups, "groups deleted"),
        ("memberships", lost, census.memberships, "memberships removed"),
        ("attributes", counts.values_cleared, census.values, "attribute values cleared"),
    ):
        known = None if plan.partly_read else total
        if limits.forbid(number, known):
            yield Violation(code, f"{_share(number, known)} {what}; {_limit(limits, known)}", remedy)
    for name, number in census.losses.items():
        total = census.members[name]
        if name in census.emptied:
            yield Violation("emptied", f"{name} would lose every member it has ({total})", remedy)
        elif limits.forbid(number, total):
            message = f"{name}: {_share(number, total)} members removed; {_limit(limits, total)}"
            yield Violation("members", message, remedy)
    if _ends_everybody(census):
        yield Violation("last", "no active user would be left of those that the files manage", remedy)


def _ends_everybody(census: Census) -> bool:
    return bool(census.active_users and not census.active_users_after)


def _creations(plan: Plan, limits: Limits) -> Iterator[Violation]:
    number, total = plan.counts.users_created, None if plan.partly_read else plan.census.live_users
    if limits.forbid(number, total):
        live = "" if total is None else f", and {total} are live"
        message = f"{number} users created{live}; {_limit(limits, total)}"
        yield Violation("creations", message, Allow("--allow-creations", number))


def _share(number: int, total: int | None) -> str:
    return str(number) if total is None else f"{number} of {total}"


def _limit(limits: Limits, total: int | None) -> str:
    if total is None:
        why = "where only a part was read, and shares of the whole are not known"
        return f"the limit is {limits.floor} {why} (`--read everything` counts them)"
    percent = f"{Decimal(str(limits.share)) * 100:f}"
    percent = percent.rstrip("0").rstrip(".") if "." in percent else percent
    return f"the limit is {percent}%, or {limits.floor} where that is more"

"""What a plan may not do, whoever wrote the files, unless a person approves that very plan.

Four steps, each with its numbers in the message:

1. Protected users and groups, and the user whom the key belongs to, are never
   removed, deactivated or emptied. No override.
2. Each kind of removal is a share of the live things of its kind that the
   files manage. More than ``limits.share`` *and* more than ``limits.floor``: refused.
   Memberships count in total and for each group, also those that end because
   their user or group is deleted.
3. Emptying a group, and removing the last active user, is refused whatever the floor.
4. ``--allow-removals N`` approves steps 2 and 3 where N is the exact number of
   removals in this plan. A number that does not fit is itself a refusal: it
   was meant for another plan.
"""

from collections.abc import Iterator

from reconciler.changes import Change, Delete, Plan, Update, Violation, atoms
from reconciler.model import Address
from reconciler.planning.scope import Limits, Policy


def check(plan: Plan, policy: Policy, *, allow_removals: int | None = None) -> tuple[Violation, ...]:
    """Every reason against the part of the plan that is to be applied; empty when it may be."""
    plan = plan.intended
    absolute = tuple(_protected(plan, policy))
    removals = plan.counts.removals
    if allow_removals is not None and allow_removals != removals:
        message = f"--allow-removals {allow_removals} approves another plan: here it would be {removals}"
        return (*absolute, *_over_limits(plan, policy.limits), Violation("approval", message))
    if allow_removals is not None:
        return absolute
    return (*absolute, *_over_limits(plan, policy.limits))


def _protected(plan: Plan, policy: Policy) -> Iterator[Violation]:
    for change in plan.changes:
        if _ends_access(change):
            why = _why_protected(change.address, plan, policy)
            if why:
                yield Violation(
                    "protected", f"{change.address} {why}, and would be removed", overridable=False
                )
        for person in _leaving(change):
            if policy.protects(person):
                message = f"{person} is protected, and would leave {change.address}"
                yield Violation("protected", message, overridable=False)
    for name in plan.census.emptied:
        kind, _, key = name.partition("/")
        if kind == "group" and policy.protects(Address("group", key)):
            yield Violation("protected", f"{name} is protected, and would be emptied", overridable=False)


def _leaving(change: Change) -> Iterator[Address]:
    """The people whose membership of a group ends with this change."""
    if not isinstance(change, Delete):
        yield from (atom.member for atom in atoms(change) if atom.after is None and atom.member)
    elif change.address.kind == "group":
        yield from (Address("user", key) for key in change.ends)


def _ends_access(change: Change) -> bool:
    return isinstance(change, Delete) or (isinstance(change, Update) and change.removal is not None)


def _why_protected(address: Address, plan: Plan, policy: Policy) -> str:
    if policy.protects(address):
        return "is protected"
    if address.kind == "user" and address.key == plan.census.caller:
        return "is the user whom the key belongs to"
    return ""


def _over_limits(plan: Plan, limits: Limits) -> Iterator[Violation]:
    counts, census = plan.counts, plan.census
    users = counts.users_deactivated + counts.users_revoked + counts.users_deleted
    lost = sum(census.losses.values())
    for code, number, total, what in (
        ("users", users, census.users, "users deactivated, revoked or deleted"),
        ("groups", counts.groups_deleted, census.groups, "groups deleted"),
        ("memberships", lost, census.memberships, "memberships removed"),
        ("attributes", counts.values_cleared, census.values, "attribute values cleared"),
    ):
        if _too_many(number, total, limits):
            yield Violation(code, f"{_share(number, total)} {what}; {_limit(limits)}")
    for name, number in census.losses.items():
        total = census.members[name]
        if name in census.emptied:
            yield Violation("emptied", f"{name} would lose every member it has ({total})")
        elif _too_many(number, total, limits):
            yield Violation("members", f"{name}: {_share(number, total)} members removed; {_limit(limits)}")
    if census.active_users and not census.active_users_after:
        yield Violation("last", "no active user would be left of those that the files manage")


def _too_many(number: int, total: int, limits: Limits) -> bool:
    return number > limits.floor and number > limits.share * total


def _share(number: int, total: int) -> str:
    return f"{number} of {total}"


def _limit(limits: Limits) -> str:
    return f"the limit is {limits.share:.0%}, or {limits.floor} where that is more"

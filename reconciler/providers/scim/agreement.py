"""Whether the groups of the users and the members of the groups agree: both list the memberships.

Where they do not, the read may be of two moments, or cut short. No plan is made from it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from reconciler.errors import IncompleteRead
from reconciler.providers.scim.codec import GroupRow, UserRow


def disagreeing(users: Mapping[str, UserRow], groups: Mapping[str, GroupRow]) -> dict[str, set[str]]:
    """By group id, the ids of users whose membership only one of the two sides shows.

    Users whose row has no groups field, and groups that are not listed, contradict nothing; nor do those
    who are in a group through another one.
    """
    odd: dict[str, set[str]] = defaultdict(set)
    agreed: Counter[str] = Counter()
    nested = _nested(groups)
    for user in users.values():
        for live_id in user.groups or ():
            if live_id in groups:
                if user.id in groups[live_id].members:
                    agreed[live_id] += 1
                elif user.id not in nested.get(live_id, ()):
                    odd[live_id].add(user.id)
    for group in groups.values():
        # Where all its members have said so, none needs to be asked.
        for live_id in group.members if len(group.members) > agreed[group.id] else ():
            claimed = users[live_id].groups if live_id in users else None
            if claimed is not None and group.id not in claimed:
                odd[group.id].add(live_id)
    return dict(sorted(odd.items()))


def _nested(groups: Mapping[str, GroupRow]) -> dict[str, set[str]]:
    """By the id of each group with groups in it, the members of all those, however deep."""
    inner = {row.id: (row.nested | row.vague) & groups.keys() for row in groups.values()}
    found: dict[str, set[str]] = {}
    for live_id, first in inner.items():
        left, seen = set(first), set()
        while left:
            one = left.pop()
            seen.add(one)
            left |= inner[one] - seen
        if seen:
            found[live_id] = set().union(*(groups[one].members for one in seen))
    return found


def as_users_say(users: Mapping[str, UserRow], groups: Mapping[str, GroupRow]) -> dict[str, GroupRow]:
    """The groups, which show no members, with those who name them; hidden where no user names any group."""
    told = [user for user in users.values() if user.groups is not None]
    inside: dict[str, set[str]] = defaultdict(set)
    for user in told:
        for live_id in user.groups or ():
            inside[live_id].add(user.id)
    return {
        live_id: replace(row, members=frozenset(inside[live_id]), tells_members=True, hidden=not told)
        for live_id, row in groups.items()
    }


def check_agreement(users: Mapping[str, UserRow], groups: Mapping[str, GroupRow]) -> None:
    """Raise IncompleteRead where users and groups contradict each other."""
    for live_id, people in disagreeing(users, groups).items():
        others = f" (and {len(people) - 1} others)" if len(people) > 1 else ""
        message = (
            "users and groups contradict each other, also at a second look: whether "
            f"{users[min(people)].live.resource.email}{others} is in the group "
            f"{groups[live_id].name!r} is not certain"
        )
        raise IncompleteRead(message)

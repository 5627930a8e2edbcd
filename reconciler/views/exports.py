"""What is live, as files for other tools: the shapes that SCIM tools and lists of people have.

JSON is ASCII alone, since not every reader opens a file as UTF-8. In CSV every cell is quoted, and
harmless in a spreadsheet.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from reconciler.desired.cells import harmless
from reconciler.jsontext import spelled_json
from reconciler.model import Group, Live, LiveState, User, group_key, user_key
from reconciler.views.records import plain, stated

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
EXTENSION: Final = "urn:scim:schemas:extension:custom:User"
"""Where attributes stand in a row of a system that has no name for that."""

Row = dict[str, Any]


def user_rows(live: LiveState, extension: str = "") -> list[Row]:
    """Each user as SCIM has it: with groups, and attributes that people can write, below ``extension``."""
    groups = {group_key(group.resource.name): group for group in live.groups}
    system = {name for name, known in (live.definitions or {}).items() if known.system}
    return [_user(user, groups, system, extension or EXTENSION) for user in live.users]


def group_rows(live: LiveState) -> list[Row]:
    """Each group as SCIM has it, with the members that the list of users knows, if any are shown."""
    people = {user_key(user.resource.email): user for user in live.users}
    return [_group(group, people) for group in live.groups]


def listed(rows: Sequence[Row]) -> Row:
    """Rows as an answer of SCIM's to a list."""
    total = len(rows)
    head = {"schemas": [LIST], "totalResults": total, "startIndex": 1, "itemsPerPage": total}
    return {**head, "Resources": list(rows)}


def as_json(document: object) -> str:
    """JSON text in ASCII."""
    return spelled_json(json.dumps(document, indent=2)) + "\n"


def users_csv(rows: Sequence[Row]) -> str:
    """A line for each user: id, userName, displayName, active, email."""
    heading = ("id", "userName", "displayName", "active", "email")
    return _csv(heading, [[*(row[name] for name in heading[:-1]), row["userName"]] for row in rows])


def groups_csv(rows: Sequence[Row]) -> str:
    """A line for each group: id, displayName, members, which are a JSON list of ids, or empty."""
    ids = [[member["value"] for member in row["members"]] if "members" in row else None for row in rows]
    lines = [
        (row["id"], row["displayName"], "" if inside is None else json.dumps(inside))
        for row, inside in zip(rows, ids, strict=True)
    ]
    return _csv(("id", "displayName", "members"), lines)


def _user(user: Live[User], groups: Mapping[str, Live[Group]], system: set[str], extension: str) -> Row:
    known = user.resource
    values = {name: plain(value) for name, value in sorted(stated(known).items()) if name not in system}
    inside = [groups[key] for key in sorted(known.groups or ())]
    told = [{"display": group.resource.name, "value": group.id} for group in inside]
    return {
        "schemas": [f"{CORE}User", *([extension] if values else ())],
        "id": user.id,
        "userName": known.email,
        "displayName": known.name or "",
        "active": known.active is not False,
        "emails": [{"primary": True, "value": known.email}],
        **({} if known.groups is None else {"groups": told}),
        **({extension: values} if values else {}),
    }


def _group(group: Live[Group], people: Mapping[str, Live[User]]) -> Row:
    row: Row = {"schemas": [f"{CORE}Group"], "id": group.id, "displayName": group.resource.name}
    if group.resource.members is None:
        return row
    inside = [people[key] for key in sorted(group.resource.members) if key in people]
    return {**row, "members": [{"display": user.resource.email, "value": user.id} for user in inside]}


def _csv(heading: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "".join(f"{','.join(map(_cell, row))}\n" for row in (heading, *rows))


def _cell(value: object) -> str:
    text = harmless(str(value)).replace('"', '""')
    return f'"{text}"'

"""The SCIM endpoints for groups."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice

from reconciler.sandbox.omni.answers import (
    Refusal,
    Row,
    answer,
    filter_of,
    json_object,
    no_content,
    page,
    reject,
    text,
)
from reconciler.sandbox.omni.directory import Directory
from reconciler.sandbox.omni.patch import PatchOperation, operations
from reconciler.sandbox.omni.records import Group
from reconciler.transport.messages import Request, Response

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LONGEST_NAME = 64

# The id of a membership has 36 characters (Omni's OpenAPI: update user group).
_ONE_MEMBER = re.compile(r'members\[value eq "([A-Za-z0-9_-]{36})"\]')


def list_groups(directory: Directory, request: Request, _ident: str) -> Response:
    """One page of the groups, with ``filter`` on displayName and ``excludedAttributes=members``."""
    condition = filter_of(request, "displayName")
    cap = _cap(directory, request, in_list=True)
    if condition is None:
        groups = list(directory.groups.values())
    elif condition[1] == "eq":
        groups = directory.groups_with_name(condition[2])
    else:
        part = condition[2].lower()
        groups = [group for group in directory.groups.values() if part in group.name.lower()]
    return page(request, groups, lambda group: _row(directory, group, cap), directory.switches.page_cap)


def get_group(directory: Directory, request: Request, ident: str) -> Response:
    """One group, with ``excludedAttributes=members``."""
    return answer(_row(directory, _found(directory, ident), _cap(directory, request)))


def create_group(directory: Directory, request: Request, _ident: str) -> Response:
    """Make a group with the members that it names; a name that is taken is refused with 409."""
    body = json_object(request.json)
    draft = _Draft(_name(body.get("displayName"), "displayName"), {})
    draft.add(directory, body.get("members", []), "members")
    _refuse_taken(directory, draft.name)
    return _commit(directory, directory.add_group(draft.name), draft, HTTPStatus.CREATED)


def replace_group(directory: Directory, request: Request, ident: str) -> Response:
    """PUT: the name and exactly the members that it names, each with value and display."""
    group, body = _found(directory, ident), json_object(request.json)
    draft = _Draft(_name(body.get("displayName"), "displayName"), {})
    members = body.get("members")
    if members is None or directory.switches.put_group_members_required:
        reject("members")
    draft.add(directory, members, "members", needs_display=True)
    _refuse_taken(directory, draft.name, group)
    return _commit(directory, group, draft)


def patch_group(directory: Directory, request: Request, ident: str) -> Response:
    """PATCH: all of its operations, or none where one is refused."""
    group = _found(directory, ident)
    draft = _Draft(group.name, dict.fromkeys(group.members))
    for operation in operations(request.json, at_least=0):
        draft.apply(directory, operation)
    _refuse_taken(directory, draft.name, group)
    return _commit(directory, group, draft)


def delete_group(directory: Directory, _request: Request, ident: str) -> Response:
    """Delete a group; its members stay."""
    directory.remove_group(_found(directory, ident))
    return no_content()


@dataclass(slots=True)
class _Draft:
    """A group as a write would leave it; thrown away where any part of the write is refused."""

    name: str
    members: dict[str, None]

    def apply(self, directory: Directory, operation: PatchOperation) -> None:
        """Take one operation of a PATCH over."""
        where, value = f"{operation.where}.value", operation.value
        match operation.op, operation.path:
            case "replace", "":
                given = json_object(value, where)
                self.name = _name(given.get("displayName"), f"{where}.displayName")
            case "replace", "displayName":
                self.name = _name(value, where)
            case "replace", "members":
                self.members = {}
                self.add(directory, value, where)
            case "add", "members":
                self.add(directory, value, where, strict=directory.switches.member_ops_strict)
            case "remove", path if found := _ONE_MEMBER.fullmatch(path):
                if found[1] not in self.members and directory.switches.member_ops_strict:
                    reject(f"{operation.where}.path", f"{found[1]} is not a member")
                self.members.pop(found[1], None)
            case _:
                reject(f"{operation.where}.path", f"Unsupported path {operation.path!r}")

    def add(
        self,
        directory: Directory,
        rows: object,
        where: str,
        *,
        needs_display: bool = False,
        strict: bool = False,
    ) -> None:
        """Add the members of a list of ``{value, display}``; an id of nobody is refused."""
        if not isinstance(rows, list):
            reject(where, "Expected array")
        for index, row in enumerate(rows):
            given = json_object(row, f"{where}.{index}")
            ident = text(given.get("value"), f"{where}.{index}.value")
            if needs_display and not isinstance(given.get("display"), str):
                reject(f"{where}.{index}.display")
            if directory.person(ident) is None:
                reject(f"{where}.{index}.value", f"Unknown member {ident}")
            if strict and ident in self.members:
                reject(f"{where}.{index}.value", f"{ident} is a member already")
            self.members[ident] = None


def _commit(directory: Directory, group: Group, draft: _Draft, status: int = HTTPStatus.OK) -> Response:
    if group.name != draft.name:
        directory.rename_group(group, draft.name)
    for person in [person for ident, person in group.members.items() if ident not in draft.members]:
        directory.leave(group, person)
    for ident in draft.members:
        directory.join(group, directory.member(ident))
    directory.touch(group)
    return answer(_row(directory, group, _cap(directory)), status)


def _refuse_taken(directory: Directory, name: str, group: Group | None = None) -> None:
    if any(other is not group for other in directory.groups_with_name(name)):
        raise Refusal(HTTPStatus.CONFLICT, f"Group with name {name} already exists")


def _name(value: object, where: str) -> str:
    name = text(value, where)
    if len(name) > LONGEST_NAME:
        reject(where, f"String must contain at most {LONGEST_NAME} character(s)")
    return name


def _found(directory: Directory, ident: str) -> Group:
    group = directory.groups.get(ident)
    if group is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "Group not found")
    return group


def _cap(directory: Directory, request: Request | None = None, *, in_list: bool = False) -> int | None:
    """How many members a row shows: all (None), some, or not even the key (-1)."""
    excluded = request.query.get("excludedAttributes") if request else None
    if excluded is not None:
        if excluded != "members":
            reject("excludedAttributes", "Expected 'members'")
        return -1
    where = ("list", "everywhere") if in_list else ("everywhere",)
    if directory.switches.omits_members in where:
        return -1
    return directory.switches.member_cap if directory.switches.truncate_members in where else None


def _row(directory: Directory, group: Group, cap: int | None) -> Row:
    row: Row = {
        "schemas": [GROUP],
        "id": group.id,
        "displayName": group.name,
        "meta": {"resourceType": "Group", "created": group.created, "lastModified": group.modified},
    }
    silent = not group.members and directory.switches.omits_members == "empty"
    if cap != -1 and not silent:
        row["members"] = [
            {"display": person.email, "value": ident} for ident, person in islice(group.members.items(), cap)
        ]
    return row

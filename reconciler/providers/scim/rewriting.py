"""A whole user or group for a PUT, built from what is live just before it is sent.

A PUT takes away whatever it does not hold (RFC 7644, 3.5.1). So it is sent only where all that can be
written was read, and where what it changes is still as it was planned.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from reconciler.changes import Atom
from reconciler.errors import BadAnswer
from reconciler.model import Kind, LiveState, Value, user_key
from reconciler.operations import Operation
from reconciler.providers.base import Answer
from reconciler.providers.scim.codec import kind_of, user_row, version_of
from reconciler.providers.scim.reader import ScimReader
from reconciler.providers.scim.schema import CORE, GROUP
from reconciler.providers.scim.wire import put
from reconciler.providers.scim.writing import FIELDS
from reconciler.report import number_of
from reconciler.transport.messages import Request
from reconciler.values import alike, canonical

_OF_SERVER = ("id", "meta", "groups")
_UNLESS = "; where the directory shows all members of a group, write `members: shown` in quirks.yaml"


def rewrite(
    server: ScimReader,
    operation: Operation,
    request: Request,
    live: LiveState,
    people: Mapping[str, str],
    told: Collection[str],
) -> Request | Answer:
    """The PUT to send. Raises as a read does.

    ``people`` has their logins in the files by their ids; ``told`` has the ids of those who show groups.
    """
    how: Any = request.json
    row = server.get_or_none(request.path)
    if row is None:
        return Answer("passed", message=f"{operation.summary}: it is gone")
    if not isinstance(row, dict):
        message = f"GET {request.path} was answered with {type(row).__name__}, not with an object"
        raise BadAnswer(message)
    user = how["kind"] == "user"
    why = _unshown(server, how["kind"]) or (
        "" if user else _unread_of_group(server, row, live, people, told=bool(told))
    )
    if why:
        return Answer("unsupported", message=f"{operation.summary}: PATCH is not supported, and {why}")
    if user and not _as_planned(row, operation, server, people):
        return Answer("passed", message=f"{operation.summary}: it is not what it was")
    body = _user(row, how, server) if user else _group(row, how, server)
    version = version_of(row) if server.dialect.versions else ""
    headers = {**request.headers, "If-Match": version} if version else request.headers
    return replace(request, json=body, headers=headers)


def _unshown(server: ScimReader, kind: Kind) -> str:
    """Why none of these can be written as a whole: something that can be written is not shown."""
    hidden = server.dialect.unshown.get(kind, ())
    return f"a PUT would take away what no answer shows: {', '.join(hidden)}" if hidden else ""


def _unread_of_group(
    server: ScimReader,
    row: Mapping[str, Any],
    live: LiveState,
    people: Mapping[str, str],
    *,
    told: bool,
) -> str:
    """Why a group cannot be written as a whole: who is in it may not be shown, or not whole.

    That it is whole is known where users show their groups too, and it shows nobody else, or from
    whoever knows the server.
    """
    if server.dialect.members_shown:
        return ""
    members = server.group(row).members - {group.id for group in live.groups}
    if server.dialect.members_shown is False or ("members" not in row and not told):
        return f"whether a group shows its members is not known, so a PUT might empty it{_UNLESS}"
    if not told or not members <= people.keys():
        return (
            f"it shows {number_of(len(members), 'member')}, and there may be more, whom a PUT would remove, "
            f"since not all of them are users who show their groups{_UNLESS}"
        )
    return ""


def _as_planned(row: object, operation: Operation, server: ScimReader, people: Mapping[str, str]) -> bool:
    """Whether everything that is to be changed is as it was planned, or as it is to be."""
    now = user_row(row, server.dialect).live.resource
    values: Mapping[tuple[str, ...], Value] = {
        ("email",): user_key(now.email),
        ("name",): now.name,
        ("active",): now.active,
        **{("attributes", name): each for name, each in (now.attributes or {}).items()},
    }
    return all(_fits(values.get(atom.path), atom, server, people) for atom in operation.covers)


def _fits(now: Value, atom: Atom, server: ScimReader, people: Mapping[str, str]) -> bool:
    shape = server.dialect.shape
    slot = shape.slot(atom.path[1]) if shape and atom.path[0] == "attributes" else None
    if slot is None:
        return now in (atom.before, atom.after)
    definition = slot.definition
    if definition.refers:
        now = people.get(str(now), now)
    elif not definition.readable:
        return True
    value = canonical(now, definition)
    return any(value == each or alike(value, each, definition) for each in (atom.before, atom.after))


def _writable(row: Mapping[str, Any]) -> dict[str, Any]:
    """What was read, whether the server defines it or not, without what only the server writes."""
    return {key: each for key, each in row.items() if key not in _OF_SERVER}


def _user(row: dict[str, Any], how: Mapping[str, Any], server: ScimReader) -> dict[str, Any]:
    """The user as it was read, without what only the server writes, and with the new values."""
    shape = server.dialect.shape
    body = _writable(row)
    for urn, attributes in (shape.attributes if shape else {}).items():
        holder = dict(body.get(urn, {})) if urn else body
        for name, attribute in attributes.items():
            if attribute.mutability.lower() == "readonly":
                holder.pop(name, None)
        if urn and urn in body:
            body[urn] = holder
    slots = []
    for path, after in how["set"]:
        if tuple(path) in FIELDS:
            body[FIELDS[tuple(path)]] = after
        elif shape and (slot := shape.slot(path[1])):
            slots.append((slot, after))
    # Which value is the primary one comes last: it may be a new one.
    for slot, after in sorted(slots, key=lambda each: each[0].way == "primary"):
        put(body, slot, after)
    used = [urn for urn in (shape.attributes if shape else {}) if urn and urn in body]
    return {**body, "schemas": list(dict.fromkeys([*_listed(row, CORE), *used]))}


def _group(row: dict[str, Any], how: Mapping[str, Any], server: ScimReader) -> dict[str, Any]:
    body = _writable(row)
    for _, after in how["set"]:
        body["displayName"] = after
    gone, there = set(how["remove"]), server.group(row).members
    groups = server.dialect.groups[-1]
    items = row.get("members") or []
    stay = (item for item in items if kind_of(item, groups) == "group" or _id_of(item) not in gone)
    # A member that is shown by its address alone is written with its id, which is what a server asks for.
    kept = [{**item, "value": _id_of(item)} for item in stay]
    new = [{"value": one} for one in how["add"] if one not in there]
    return {**body, "schemas": _listed(row, GROUP), "members": [*kept, *new]}


def _id_of(item: Any) -> str:
    return str(item.get("value") or unquote(str(item.get("$ref", "")).rpartition("/")[2]))


def _listed(row: Mapping[str, Any], own: str) -> list[str]:
    listed = row.get("schemas")
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) and listed else [own]

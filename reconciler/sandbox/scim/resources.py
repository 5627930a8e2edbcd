"""Users and groups: what each write does (RFC 7644 sections 3.3 to 3.6), and one of them read."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from reconciler.sandbox.scim.answers import Refusal, answer, no_content, reject
from reconciler.sandbox.scim.core import ENTERPRISE_URN
from reconciler.sandbox.scim.directory import Directory
from reconciler.sandbox.scim.drawing import Selection, location, mannered, selected, selection, whole
from reconciler.sandbox.scim.envelope import Operation, operations
from reconciler.sandbox.scim.listing import exactly
from reconciler.sandbox.scim.patch import Draft
from reconciler.sandbox.scim.records import Record
from reconciler.sandbox.scim.schemas import ResourceType
from reconciler.sandbox.scim.values import check_immutable, check_required, resource
from reconciler.transport.messages import Request, Response

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request about users or groups; ``base`` is the address of the API, for locations."""

    directory: Directory
    request: Request
    kind: ResourceType
    base: str

    def header(self, name: str) -> str | None:
        """A header of the request."""
        return next((value for key, value in self.request.headers.items() if key.lower() == name), None)


def create(asked: Asked) -> Response:
    """POST: 201 with the resource, or 409 where its name is taken."""
    directory = asked.directory
    values = resource(asked.kind, asked.request.json, directory.switches)
    if asked.kind.name == "User" and (directory.switches.create_ignores_active or "active" not in values):
        values["active"] = True
    _check_named(asked, _sent(asked))
    record = directory.add(asked.kind.name, settled(directory, asked.kind, values, None))
    if directory.switches.create_answer == "empty":
        return Response(HTTPStatus.CREATED, {"location": location(record, asked.base)})
    status = HTTPStatus.OK if directory.switches.create_answer == "200" else HTTPStatus.CREATED
    return _shown(asked, record, status)


def read(asked: Asked, ident: str) -> Response:
    """GET of one resource; 304 where the client has this version."""
    record = _found(asked, ident)
    tags = asked.header("if-none-match")
    if tags and asked.directory.switches.etags != "off" and _names(tags, record):
        return Response(HTTPStatus.NOT_MODIFIED, {"etag": record.version})
    return _shown(asked, record)


def replace(asked: Asked, ident: str) -> Response:
    """PUT: what is not named is cleared, but for what cannot be read; `active` is true again."""
    record, directory = _found(asked, ident), asked.directory
    _check_version(asked, record)
    values = resource(asked.kind, asked.request.json, directory.switches)
    _check_named(asked, _sent(asked))
    if directory.switches.put_merges:
        values = _merged(record.values, values)
    else:
        values = _unreadable(asked.kind, record.values) | values
        if asked.kind.name == "User":
            values.setdefault("active", True)
    check_immutable(asked.kind, record.values, values)
    return _commit(asked, record, values)


def patch(asked: Asked, ident: str) -> Response:
    """PATCH: all of its operations in their order, or none where one is refused."""
    switches = asked.directory.switches
    if switches.patch != "on":
        raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "PATCH is not supported")
    record = _found(asked, ident)
    _check_version(asked, record)
    todo = operations(asked.request.json, switches)
    _check_named(asked, [member for each in todo for member in _named(each)])
    draft = Draft(asked.kind, _copied(record.values), switches, exactly(switches))
    for operation in todo:
        draft.apply(operation)
    return _commit(asked, record, draft.values)


def delete(asked: Asked, ident: str) -> Response:
    """DELETE: 204, and from then on 404."""
    record = _found(asked, ident)
    _check_version(asked, record)
    if record.kind == "User" and asked.directory.switches.delete_deactivates:
        asked.directory.write(record, {**record.values, "active": False})
    else:
        asked.directory.remove(record)
    return no_content()


def settled(directory: Directory, kind: ResourceType, values: Values, record: Record | None) -> Values:
    """The values as they are kept; refuses what the schemas cannot tell: names that are taken, references."""
    check_required(kind, values)
    before: Values = record.values if record else {}
    _check_name(directory, kind, values, record)
    if "members" in values:
        values["members"] = _members(directory, values["members"], before.get("members", []))
    manager = values.get(ENTERPRISE_URN, {}).get("manager")
    if manager is not None:
        ident = manager.get("value")
        had = before.get(ENTERPRISE_URN, {}).get("manager", {}).get("value")
        if ident is None or (ident not in directory.records["User"] and ident != had):
            reject("invalidValue", f"manager: there is no user {ident}")
        values[ENTERPRISE_URN]["manager"] = {"value": ident}
    return values


def _check_name(directory: Directory, kind: ResourceType, values: Values, record: Record | None) -> None:
    switches = directory.switches
    name = str(values["userName" if kind.name == "User" else "displayName"])
    if kind.name == "Group" and not switches.unique_group_names:
        return
    reserved = switches.deleted_names_taken and kind.name == "User" and name.casefold() in directory.gone
    if reserved or any(other is not record for other in directory.labelled(kind.name, name)):
        raise Refusal(HTTPStatus.CONFLICT, f"{name} exists already", "uniqueness")
    if kind.name == "User" and record and switches.user_name_immutable and directory.label(record) != name:
        reject("mutability", "userName cannot be changed")


def _members(directory: Directory, members: list[Values], before: list[Values]) -> list[Values]:
    """Each member once, with its type; who has gone since may stay."""
    had = {member["value"]: member for member in before}
    found: dict[str, Values] = {}
    for member in members:
        ident = member.get("value", "")
        record = directory.record(ident)
        if record is None and ident not in had:
            reject("invalidValue", f"members: there is nobody with the id {ident!r}")
        found[ident] = {"value": ident, "type": record.kind} if record else had[ident]
    return list(found.values())


def _check_named(asked: Asked, members: list[Any]) -> None:
    """Refuse more members than one request may name, and those whose display is not what it must be."""
    switches = asked.directory.switches
    most = switches.members_per_request
    if most and len(members) > most:
        reject("tooMany", f"members: {most} at most in one request")
    for member in members if switches.member_display_required else ():
        given = member if isinstance(member, dict) else {}
        record = asked.directory.record(str(given.get("value")))
        if "display" not in given:
            reject("invalidSyntax", "members: display is required")
        if record is not None and given["display"] != asked.directory.label(record):
            reject("invalidValue", f"members: the display {given['display']!r} doesn't match the value")


def _sent(asked: Asked) -> list[Any]:
    """The members in the body of POST or PUT, as they were sent."""
    return _named(Operation("replace", None, asked.request.json))


def _named(operation: Operation) -> list[Any]:
    """The members that an operation names, as they were sent."""
    value = operation.value
    if operation.path is None:
        value = value.get("members") if isinstance(value, dict) else None
    elif operation.path.attribute.name.lower() != "members" or operation.op == "remove":
        value = None
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []


def _commit(asked: Asked, record: Record, values: Values) -> Response:
    asked.directory.write(record, settled(asked.directory, asked.kind, values, record))
    switches = asked.directory.switches
    match switches.put_answer if asked.request.method == "PUT" else switches.patch_answer:
        case "204":
            return no_content()
        case "empty":
            return no_content(HTTPStatus.OK)
        case _:
            return _shown(asked, record)


def _shown(asked: Asked, record: Record, status: int = HTTPStatus.OK) -> Response:
    directory, query = asked.directory, asked.request.query
    lists = [query.get(name, "").split(",") for name in ("attributes", "excludedAttributes")]
    chosen = Selection() if directory.switches.ignores_attributes else selection(asked.kind, *lists)
    row = selected(asked.kind, whole(directory, record, asked.base), chosen)
    headers = {"location": location(record, asked.base)}
    if directory.switches.etags != "off":
        headers["etag"] = record.version
    return answer(mannered(asked.kind, row, directory.switches, by_id=True), status, headers)


def _found(asked: Asked, ident: str) -> Record:
    record = asked.directory.records[asked.kind.name].get(ident)
    if record is None:
        raise Refusal(HTTPStatus.NOT_FOUND, f"There is no {asked.kind.name} with the id {ident}")
    return record


def _check_version(asked: Asked, record: Record) -> None:
    """If-Match (RFC 7644 section 3.14)."""
    tags, etags = asked.header("if-match"), asked.directory.switches.etags
    if tags is None and etags == "required":
        raise Refusal(HTTPStatus.PRECONDITION_REQUIRED, "If-Match is required")
    if tags is not None and etags != "off" and not _names(tags, record):
        raise Refusal(HTTPStatus.PRECONDITION_FAILED, f"The version is {record.version}")


def _names(tags: str, record: Record) -> bool:
    return tags.strip() == "*" or record.version in [tag.strip() for tag in tags.split(",")]


def _merged(old: Values, new: Values) -> Values:
    parts = {name: {**old[name], **new[name]} for name in new if ":" in name and name in old}
    return {**old, **new, **parts}


def _unreadable(kind: ResourceType, values: Values) -> Values:
    """What a client could not read, and so cannot be taken to have cleared."""
    return {
        each.name: values[each.name]
        for each in kind.core.attributes
        if each.returned == "never" and each.name in values
    }


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value

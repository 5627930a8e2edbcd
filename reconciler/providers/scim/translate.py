"""Changes of one stage as SCIM operations, as few as possible, and the answers to them.

Users are written by one PATCH without a path: the server merges it over what it
has, so neither ``active`` nor an attribute that nobody manages can be reset. PUT
is never sent: its meaning changed over time (Omni docs: replace user). Members
are added and removed one by one inside one PATCH for each group, so people that
the user list does not know stay.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

from reconciler.changes import Change, Create, Delete, FieldChange, Update, atoms
from reconciler.model import ACTIVE, NAMED_BY, Address, Value
from reconciler.operations import Json, Operation, Ref, Rewritten, is_id
from reconciler.providers.base import Answer, Verdict
from reconciler.providers.scim import writing
from reconciler.providers.scim.codec import refusal, version_of
from reconciler.providers.scim.dialect import PATCH_OP, Dialect
from reconciler.providers.scim.schema import GROUP
from reconciler.providers.scim.writing import NOBODY_KNOWN, Known
from reconciler.transport.messages import Response

_TAKEN = 202
_GONE = 404
_CONFLICT = 409
_BAD = 400
_SERVER = 500
_UNSUPPORTED = 501
_VERDICTS: Mapping[int, Verdict] = {
    # Accepted, and not completed (RFC 9110, 15.3.3).
    _TAKEN: "pending",
    401: "credential",
    403: "credential",
    408: "unsure",
    # Somebody else has written it (RFC 7644, 3.14).
    412: "passed",
    429: "busy",
    # The server does not support the operation, PATCH for example (RFC 7644, 3.12).
    _UNSUPPORTED: "unsupported",
}


def translate(changes: Sequence[Change], dialect: Dialect, known: Known = NOBODY_KNOWN) -> list[Operation]:
    """One operation for each change; one for the adds and one for the removals of a group."""
    operations = [_one(change, dialect, known) for change in changes]
    return [operation for operation in operations if operation.covers]


def _one(change: Change, dialect: Dialect, known: Known) -> Operation:
    user = change.address.kind == "user"
    name = f"{change.address.kind} {change.label}"
    collection = dialect.users if user else dialect.groups
    item: tuple[str | Ref, ...] = (*collection, Ref(change.address))
    match change:
        case Delete():
            return Operation(atoms(change), "DELETE", item, None, f"delete {name}")
        case Create() if _makes(change):
            body = _new_user(change, dialect, known) if user else _new_group(change, dialect)
            return Operation(atoms(change), "POST", collection, body, f"create {name}")
        case Create() | Update() if not dialect.patches:
            how = writing.rewritten(change, dialect, known)
            return Operation(atoms(change), "PUT", item, Rewritten(how), f"update {name}")
        case Create() | Update():
            parts = _user_parts(change, dialect, known) if user else _group_parts(change)
            body = {"schemas": [PATCH_OP], "Operations": parts}
            return Operation(atoms(change), "PATCH", item, body, f"update {name}")
        case _:  # pragma: no cover (mypy proves that there is no other change)
            assert_never(change)


def _makes(change: Create) -> bool:
    """Whether the object itself is still to be made, not only fields that an earlier try left out."""
    return any(f.path == NAMED_BY[change.address.kind] for f in change.fields)


def _new_user(change: Create, dialect: Dialect, known: Known) -> Json:
    if dialect.shape:
        return writing.new_user(change, dialect.shape, known)
    stated = {f.path: f.after for f in change.fields}
    email = stated[NAMED_BY["user"]]
    # displayName is required (Omni docs: create user); where the files leave it open, the address stands in.
    body: dict[str, Json] = {"userName": _json(email), "displayName": _json(stated.get(("name",), email))}
    if attributes := _attributes(change.fields):
        body[dialect.attributes] = attributes
    return body


def _new_group(change: Create, dialect: Dialect) -> Json:
    name = next(f.after for f in change.fields if f.path == NAMED_BY["group"])
    people = [Ref(Address("user", f.path[1])) for f in change.fields if f.path[0] == "members"]
    schemas: dict[str, Json] = {"schemas": [GROUP]} if dialect.shape else {}
    return {**schemas, "displayName": _json(name), "members": [{"value": ref} for ref in people]}


def _user_parts(change: Create | Update, dialect: Dialect, known: Known) -> list[Json]:
    if dialect.shape:
        return writing.user_parts(change, dialect.shape, known)
    names = {NAMED_BY["user"]: "userName", ("name",): "displayName", ACTIVE: "active"}
    value: dict[str, Json] = {names[f.path]: _json(f.after) for f in change.fields if f.path in names}
    if attributes := _attributes(change.fields):
        value[dialect.attributes] = attributes
    return [{"op": "replace", "value": value}]


def _group_parts(change: Create | Update) -> list[Json]:
    parts: list[Json] = [
        {"op": "replace", "path": "displayName", "value": _json(f.after)}
        for f in change.fields
        if f.path == NAMED_BY["group"]
    ]
    edges = [(Address("user", f.path[1]), f.after) for f in change.fields if f.path[0] == "members"]
    if adds := [Ref(person) for person, after in edges if after]:
        parts.append({"op": "add", "path": "members", "value": [{"value": ref} for ref in adds]})
    parts += [
        {"op": "remove", "path": Ref(person, 'members[value eq "{}"]')}
        for person, after in edges
        if not after
    ]
    return parts


def _attributes(fields: Sequence[FieldChange]) -> dict[str, Json]:
    return {f.path[1]: writing.sent(f) for f in fields if f.path[0] == "attributes"}


def _json(value: Value) -> Json:
    return list(value) if isinstance(value, tuple) else value


def receive(operation: Operation, response: Response, dialect: Dialect) -> Answer:
    """Understand the answer to one write."""
    if response.ok and response.status != _TAKEN:
        return _success(operation, response)
    if operation.method == "DELETE" and response.status == _GONE:
        return Answer("done")
    shown = "".join(f"/{part}" if isinstance(part, str) else f"/{{{part.to}}}" for part in operation.path)
    message = str(refusal(operation.method, shown, response, dialect)) + _advice(operation, response, dialect)
    if operation.method == "POST" and (response.status == _CONFLICT or _is_taken(response)):
        return Answer("exists", message=message)
    otherwise: Verdict = "unsure" if response.status >= _SERVER else "refused"
    return Answer(_VERDICTS.get(response.status, otherwise), message=message)


def _advice(operation: Operation, response: Response, dialect: Dialect) -> str:
    """What a refusal may come of at a server of which no more is known than what it says."""
    if dialect.shape is None:
        return ""
    if operation.method == "PATCH" and response.status == _UNSUPPORTED:
        return "; if the directory has no PATCH, write `patch: false` in quirks.yaml"
    if operation.method == "POST" and (response.status == _CONFLICT or _is_taken(response)):
        return "; if the lists do not show it, perhaps somebody inactive or deleted has it, whom they hide"
    return ""


def _is_taken(response: Response) -> bool:
    """Whether a refusal says that the name is somebody's (RFC 7644, 3.12); some say it with 400."""
    body = response.json if isinstance(response.json, Mapping) else {}
    return response.status == _BAD and str(body.get("scimType")).lower() == "uniqueness"


def _success(operation: Operation, response: Response) -> Answer:
    version = version_of(response.json) or response.headers.get("etag", "")
    if operation.method != "POST":
        return Answer("done", version=version)
    live_id = response.json.get("id") if isinstance(response.json, Mapping) else None
    if not is_id(live_id):
        return Answer("unsure", message=f"{operation.summary}: answered {response.status}, but without an id")
    return Answer("done", {operation.covers[0].address: live_id})

"""The envelope of a PATCH: which operations it asks for, before anyone knows what they act upon."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, cast

from reconciler.sandbox.scim.answers import Refusal, Row, json_object, reject
from reconciler.sandbox.scim.filters import BadSyntax, Path, parse_path
from reconciler.sandbox.scim.switches import Switches

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Op = Literal["add", "replace", "remove"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; ``path`` is None where there was none."""

    op: Op
    path: Path | None
    value: Any
    text: str = ""


def operations(body: object, switches: Switches) -> list[Operation]:
    """The operations of a PATCH body; refuses a body that is none."""
    fields = json_object(body)
    schemas, rows = fields.get("schemas"), fields.get("Operations")
    if not isinstance(schemas, list) or PATCH_OP.lower() not in [str(urn).lower() for urn in schemas]:
        reject("invalidSyntax", f"schemas: {PATCH_OP} is required")
    if not isinstance(rows, list) or not rows:
        reject("invalidSyntax", "Operations: a list with at least one is required")
    return [_operation(json_object(row, "an operation"), switches) for row in rows]


def _operation(row: Row, switches: Switches) -> Operation:
    op, text = row.get("op"), row.get("path")
    if not isinstance(op, str) or (op if switches.patch_lower_case else op.lower()) not in (
        "add",
        "replace",
        "remove",
    ):
        reject("invalidSyntax", f"op: {op!r} is none of add, replace, remove")
    if text is not None and not isinstance(text, str):
        reject("invalidPath", "path: must be text")
    if not text and switches.patch_needs_path:
        raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "An operation without a path is not supported")
    if not text and op.lower() == "remove":
        reject("noTarget", "remove needs a path")
    if op.lower() != "remove" and "value" not in row:
        reject("invalidValue", f"{op} needs a value")
    return Operation(cast("Op", op.lower()), _path(text) if text else None, row.get("value"), text or "")


def _path(text: str) -> Path:
    try:
        return parse_path(text)
    except BadSyntax as error:
        reject("invalidPath", str(error))

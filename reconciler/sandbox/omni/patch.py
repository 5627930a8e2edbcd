"""The envelope of a PATCH: which operations it asks for, before anyone knows what they mean."""

from dataclasses import dataclass
from typing import Literal, cast

from reconciler.sandbox.omni.answers import Row, json_object, reject

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

_OPS = ("add", "Add", "replace", "Replace", "remove", "Remove")


@dataclass(frozen=True, slots=True)
class PatchOperation:
    """One operation; ``where`` names it in refusals, ``path`` is empty where there was none."""

    where: str
    op: Literal["add", "replace", "remove"]
    path: str
    value: object


def operations(body: object, *, at_least: int = 1) -> list[PatchOperation]:
    """The operations of a PATCH body; refuses a body that the documentation does not allow."""
    fields = json_object(body)
    schemas = fields.get("schemas")
    if schemas is None:
        reject("schemas")
    if schemas != [PATCH_OP]:
        reject("schemas", f"Expected {PATCH_OP}")
    rows = fields.get("Operations")
    if rows is None:
        reject("Operations")
    if not isinstance(rows, list) or len(rows) < at_least:
        reject("Operations", f"Array must contain at least {at_least} element(s)")
    return [
        _operation(f"Operations.{index}", json_object(row, "Operations")) for index, row in enumerate(rows)
    ]


def _operation(where: str, row: Row) -> PatchOperation:
    op, path = row.get("op"), row.get("path", "")
    if op not in _OPS:
        reject(f"{where}.op", f"Expected one of {', '.join(_OPS)}")
    if not isinstance(path, str):
        reject(f"{where}.path", "Expected string")
    verb = cast('Literal["add", "replace", "remove"]', str(op).lower())
    if verb == "remove" and not path:
        reject(f"{where}.path")
    if verb != "remove" and "value" not in row:
        reject(f"{where}.value")
    return PatchOperation(where, verb, path, row.get("value"))

"""Omni Analytics: its SCIM server, its attribute definitions, and what it cannot hold."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from reconciler.changes import Atom, Change
from reconciler.errors import BadAnswer, Problem
from reconciler.model import Address, Caller, Definition, DesiredState, LiveState, Need, User, Value
from reconciler.operations import Operation
from reconciler.providers.base import Answer
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.scim import translate as scim
from reconciler.providers.scim.provider import ScimReader
from reconciler.transport.messages import Reader, Response

_WHOAMI = "/v1/whoami"
_DEFINITIONS = "/v1/user-attributes"


@dataclass(frozen=True, slots=True)
class Omni:
    """The provider for ``kind: omni``. It holds no state and no credential."""

    def read(self, reader: Reader, need: Need) -> LiveState:
        """Read the caller, the definitions where attributes are managed, every user and every group."""
        server = ScimReader(reader, OMNI)
        caller = _caller(server.get_or_none(_WHOAMI))
        definitions = _definitions(server.get(_DEFINITIONS)) if need.attributes or need.others else None
        return replace(server.read(need), caller=caller, definitions=definitions)

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:
        """Read only the objects that these atoms are about."""
        return ScimReader(reader, OMNI).look(covers, ids)

    def audit(self, desired: DesiredState, live: LiveState) -> list[Problem]:
        """Attributes that the instance does not define, or defines otherwise.

        Omni ignores an attribute without a definition and answers 200 all the
        same (Omni's agent skills), so it must be found before anything is sent.
        """
        if live.definitions is None:
            return []
        definitions = live.definitions
        return [
            Problem(desired.locate(Address("user", key), ("attributes", name)), message, hint)
            for key, user in sorted(desired.users.items())
            for name, message, hint in _misfits(user, definitions)
        ]

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        """Say changes of one stage as SCIM operations."""
        return scim.translate(changes, OMNI)

    def receive(self, operation: Operation, response: Response) -> Answer:
        """Understand the answer to one operation."""
        return scim.receive(operation, response, OMNI)


def _misfits(user: User, definitions: Mapping[str, Definition]) -> Iterator[tuple[str, str, str]]:
    for name, value in (user.attributes or {}).items():
        definition = definitions.get(name)
        if definition is None:
            near = difflib.get_close_matches(name, definitions, n=1)
            hint = (
                f"did you mean `{near[0]}`?"
                if near
                else "define it in Omni's settings first, or remove it here"
            )
            yield name, f"Omni has no user attribute `{name}`", hint
        elif definition.system:
            yield name, f"`{name}` is a system attribute, which Omni sets itself", "remove it here"
        elif isinstance(value, tuple) and not definition.multiple:
            yield (
                name,
                f"`{name}` holds one value in Omni, and this is a list",
                "write one value without brackets",
            )
        elif definition.multiple and value not in (None, "") and not isinstance(value, tuple):
            yield (
                name,
                f"`{name}` holds a list in Omni, and this is one value",
                "write it in brackets: [value]",
            )
        elif definition.type == "Number" and (odd := _not_a_number(value)):
            yield name, f"`{name}` is a number in Omni, and {odd!r} is none", "write a number"


def _not_a_number(value: Value) -> str:
    for item in value if isinstance(value, tuple) else (value,):
        try:
            finite = Decimal(str(item or 0)).is_finite()
        except InvalidOperation:
            finite = False
        if not finite:
            return str(item)
    return ""


def _caller(body: object) -> Caller:
    """Who the key belongs to. Older instances do not say, and no public source shows the answer whole."""
    if not isinstance(body, Mapping):
        return Caller()
    nested = [body.get(key) for key in ("user", "caller", "identity", "membership")]
    places = [body, *(item for item in nested if isinstance(item, Mapping))]

    def first(*keys: str) -> str:
        found = (place.get(key) for place in places for key in keys)
        return next((value for value in found if isinstance(value, str) and value), "")

    return Caller(first("email", "userEmail", "userName"), first("membershipId", "membership_id"))


def _definitions(body: object) -> dict[str, Definition]:
    rows = body
    if isinstance(body, Mapping):
        rows = next((body[key] for key in ("records", "userAttributes", "attributes") if key in body), None)
    if not isinstance(rows, list):
        message = f"GET {_DEFINITIONS} was answered with something that is not a list of attributes"
        raise BadAnswer(message)
    return {definition.name: definition for definition in map(_definition, rows)}


def _definition(row: object) -> Definition:
    if not isinstance(row, Mapping) or not isinstance(row.get("name"), str):
        message = f"GET {_DEFINITIONS} listed an attribute without a name"
        raise BadAnswer(message)
    default = row.get("default_value")
    return Definition(
        name=row["name"],
        type="Number" if str(row.get("type")).lower() == "number" else "String",
        multiple=row.get("multiple_values") is True,
        default=tuple(default) if isinstance(default, list) else default,
        system=row.get("system") is True,
    )

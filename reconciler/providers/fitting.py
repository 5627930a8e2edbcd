"""Whether what the files state of attributes fits what a system defines, for every provider's ``audit``."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from reconciler.changes import Change, Create
from reconciler.errors import Problem
from reconciler.model import Address, Definition, DesiredState, Type, Value
from reconciler.values import BOOLEANS, identity, instant

Complaint = tuple[str, str]
"""What is wrong, and what to do."""

_NUMBER: Final = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_JUDGED: Final[Mapping[Type, tuple[Callable[[str], object], str, str]]] = {
    "number": (_NUMBER.fullmatch, "is a number in {}, and {!r} is none", "write a number"),
    "boolean": (
        lambda text: text.lower() in BOOLEANS,
        "is true or false in {}, and {!r} is neither",
        "write true or false",
    ),
    "date-time": (
        instant,
        "is a date in {}, and {!r} is none",
        "write it like 2024-01-31 or 2024-01-31T09:00:00Z",
    ),
}
"""What a value of a type must pass, and what is wrong where it does not. Text may be anything."""


def misfits(desired: DesiredState, definitions: Mapping[str, Definition], system: str) -> list[Problem]:
    """Every stated attribute that the system, called ``system``, does not define, or defines otherwise."""
    return [
        Problem(desired.locate(Address("user", key), ("attributes", name)), *complaint)
        for key, user in sorted(desired.users.items())
        for name, value in (user.attributes or {}).items()
        if (complaint := _against(name, value, definitions, system))
    ]


def bare_boolean(name: str, value: Value) -> Complaint | None:
    """What is wrong with true or false, alone or in a list, where the attribute is no boolean."""
    if isinstance(value, str):
        return None
    items = value if isinstance(value, tuple) else (value,)
    found = next((item for item in items if isinstance(item, bool)), None)
    if found is None:
        return None
    text = "true" if found else "false"
    in_list = isinstance(value, tuple)
    what = f"an item of `{name}`" if in_list else f"`{name}`"
    kinds = "text or a number" if in_list else "text, a number or a list"
    return f"{what} must be {kinds}, not {text}", f'write it in quotes: "{text}"'


def _against(name: str, value: Value, definitions: Mapping[str, Definition], system: str) -> Complaint | None:
    definition = definitions.get(name)
    if (definition is None or definition.type != "boolean") and (bare := bare_boolean(name, value)):
        return bare
    if definition is None:
        near = difflib.get_close_matches(name, definitions, n=1)
        define = f"define it in {system}'s settings first, or remove it here"
        return f"{system} has no user attribute `{name}`", f"did you mean `{near[0]}`?" if near else define
    return (
        _against_stating(definition, system)
        or _against_count(value, definition, system)
        or _against_type(value, definition, system)
        or _against_choices(value, definition, system)
    )


def _against_stating(definition: Definition, system: str) -> Complaint | None:
    """What is wrong with stating any value of it."""
    name = definition.name
    if definition.system:
        return f"`{name}` is a system attribute, which {system} sets itself", "remove it here"
    return None


def _against_count(value: Value, definition: Definition, system: str) -> Complaint | None:
    name = definition.name
    if isinstance(value, tuple) and not definition.multiple:
        return (
            f"`{name}` holds one value in {system}, and this is a list",
            "write one value without brackets",
        )
    if definition.multiple and value not in (None, "") and not isinstance(value, tuple):
        return f"`{name}` holds a list in {system}, and this is one value", "write it in brackets: [value]"
    return None


def _against_type(value: Value, definition: Definition, system: str) -> Complaint | None:
    if definition.type not in _JUDGED:
        return None
    fits, wrong, hint = _JUDGED[definition.type]
    items = value if isinstance(value, tuple) else (value,)
    texts = (str(item) for item in items if item not in (None, ""))
    odd = next((text for text in texts if not fits(text)), None)
    return None if odd is None else (f"`{definition.name}` {wrong.format(system, odd)}", hint)


def _against_choices(value: Value, definition: Definition, system: str) -> Complaint | None:
    if not definition.choices:
        return None
    known = {identity(choice, definition) for choice in definition.choices}
    items = value if isinstance(value, tuple) else (value,)
    odd = next((i for i in items if i not in (None, "") and identity(str(i), definition) not in known), None)
    if odd is None:
        return None
    near = difflib.get_close_matches(str(odd), definition.choices, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"write one of {', '.join(definition.choices)}"
    return f"`{definition.name}` takes certain values in {system}, and {odd!r} is none of them", hint


def lacking(
    desired: DesiredState, changes: Sequence[Change], definitions: Mapping[str, Definition], system: str
) -> Iterator[Problem]:
    """Every attribute that the system, called ``system``, demands of somebody new and no file states."""
    required = sorted(name for name, each in definitions.items() if each.required and not each.system)
    for change in changes if required else ():
        if isinstance(change, Create) and change.address.kind == "user":
            stated = {item.path[1] for item in change.fields if item.path[0] == "attributes"}
            for name in required:
                if name not in stated:
                    message = f"{system} makes nobody without `{name}`"
                    yield Problem(desired.place(change.address), message, "state it under `attributes`")

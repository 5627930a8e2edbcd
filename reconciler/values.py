"""What an attribute's value means, by its definition: one spelling for all that mean the same.

Systems keep one value in several spellings: a number or a boolean as text, one
value as a list of one, an instant in any zone. Both sides of a comparison are
spelled alike first.
"""

import re
from collections.abc import Hashable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, assert_never

from reconciler.model import Definition, Scalar, Value, group_key, user_key

EXACT: Final = 2**53
"""JSON numbers beyond this are rounded by the server without a word, so they travel as text."""
TEXT: Final = Definition("")
"""What an attribute is taken for where no definition of it is known."""

MARK: Final = " sha256:"
"""What stands between the path and the digest in the value of a file."""

_LONG_NUMBER: Final = 400
_SIGNATURES: Final = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}
BOOLEANS: Final = {"true": True, "false": False}
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(
    rf"({_DATE.pattern})[Tt ]([0-9:]{{8}})(?:\.([0-9]+))?([Zz]|[-+][0-9]{{2}}:[0-9]{{2}})"
)


def canonical(value: Value, definition: Definition = TEXT) -> Value:
    """One spelling for values that mean the same: None for no value, lists sorted and without repeats.

    A number for text is its text; for a number ``"5.0"`` is 5, and what a JSON number
    cannot carry exactly stays text. A date with its time is spelled in UTC. What does
    not fit the definition stays the text that it is.
    """
    if isinstance(value, tuple):
        items = {scalar for item in value if (scalar := _scalar(item, definition)) is not None}
        return tuple(sorted(items, key=lambda item: (isinstance(item, str), item))) or None
    single = _scalar(value, definition)
    return (single,) if definition.multiple and single is not None else single


def alike(one: Value, other: Value, definition: Definition) -> bool:
    """Whether two canonical values mean the same: case may not matter, nor does where a file lies."""
    if definition.type == "file":
        return _contents(one) == _contents(other)
    return one == other or (not definition.exact_case and _folded(one) == _folded(other))


def identity(value: Value, definition: Definition) -> Hashable:
    """What two canonical values have in common where they mean the same."""
    return value if definition.exact_case else _folded(value)


def media_of(content: bytes) -> str:
    """The type of a file by how it begins, whatever it is called; empty where that is not known."""
    return next((media for media, start in _SIGNATURES.items() if content.startswith(start)), "")


def digest_of(value: str) -> str:
    """The digest in the value of a file, in hex; the whole text where there is none."""
    return value.rpartition(MARK.strip())[2]


def _contents(value: Value) -> frozenset[str]:
    items = value if isinstance(value, tuple) else (value,)
    return frozenset(digest_of(str(item)) for item in items if item is not None)


def _folded(value: Value) -> Hashable:
    if isinstance(value, tuple):
        return frozenset(map(_folded, value))
    return group_key(value) if isinstance(value, str) else value


def _scalar(value: Scalar | None, definition: Definition) -> Scalar | None:  # noqa: PLR0911 (one for each type)
    if value is None or value == "":
        return None
    if definition.type == "text" and isinstance(value, str):
        # Most values are text, and there are very many of them.
        return value
    text = str(value).lower() if isinstance(value, bool) else str(value)
    match definition.type:
        case "text":
            return text
        case "number":
            return _number(text)
        case "boolean":
            return BOOLEANS.get(text.lower(), text)
        case "date-time":
            return instant(text) or text
        case "user":
            return user_key(text)
        case "group":
            return group_key(text)
        case "file":
            return text
        case _:  # pragma: no cover (mypy proves that there is no other type)
            assert_never(definition.type)


def _number(text: str) -> str | int | float:
    if len(text) > _LONG_NUMBER or not re.fullmatch(r"\s*[-+]?[0-9.]+([eE][-+]?[0-9]{1,3})?\s*", text):
        return text
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return text
    if number == number.to_integral_value():
        whole = int(number)
        return whole if abs(whole) <= EXACT else str(whole)
    short = float(number)
    return short if Decimal(repr(short)) == number else format(number, "f").rstrip("0")


def instant(text: str) -> str | None:
    """A date with its time as RFC 3339 spells it in UTC; a date without a time is itself; else None."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
        if not (match := _INSTANT.fullmatch(text)):
            return None
        day, time, fraction, zone = match.groups()
        moment = datetime.fromisoformat(f"{day}T{time}{zone.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    parts = (fraction or "").rstrip("0")
    return moment.replace(tzinfo=None).isoformat() + (f".{parts}Z" if parts else "Z")

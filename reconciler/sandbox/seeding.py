"""What a seed says, checked: each raises ValueError that names the key with the mistake."""

from collections.abc import Collection, Mapping
from typing import Any


def mapping(value: object, where: str, allowed: Collection[str] = ()) -> Mapping[str, Any]:
    """The value, where it is a mapping by text, of allowed keys alone where any are named."""
    if not isinstance(value, Mapping):
        message = f"{where}: must be a mapping"
        raise ValueError(message)  # noqa: TRY004 (a mistake in a file, not a wrong call)
    for key in value:
        if not isinstance(key, str):
            message = f"{where}: the key {key!r} must be text, so put it in quotes"
            raise ValueError(message)  # noqa: TRY004 (likewise)
        if allowed and key not in allowed:
            message = f"{where}.{key}: no such key; there are {', '.join(allowed)}"
            raise ValueError(message)
    return value


def text(value: object, where: str, *, optional: bool = False) -> Any:
    """The value, where it is text, or nothing where it is optional."""
    if isinstance(value, str) or (optional and value is None):
        return value
    message = f"{where}: must be text"
    raise ValueError(message)


def flag(value: object, where: str) -> bool:
    """The value, where it is true or false."""
    if isinstance(value, bool):
        return value
    message = f"{where}: must be true or false"
    raise ValueError(message)

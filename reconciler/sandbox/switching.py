"""Switches by name: what a seed or a command line says, as a frozen dataclass of a pretend system."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_type_hints

T = TypeVar("T")


def from_mapping(switches: type[T], settings: Mapping[str, object]) -> T:
    """The defaults with the given settings; raises ValueError with the name of a bad one."""
    hints = get_type_hints(switches)
    for name, value in settings.items():
        if name not in hints:
            message = f"{name}: no such switch; there are {', '.join(hints)}"
            raise ValueError(message)
        _check(name, hints[name], value)
    return switches(**settings)


def from_texts(switches: type[Any], texts: Mapping[str, str]) -> dict[str, object]:
    """Some switches as a command line says them; raises ValueError with the name of a bad one."""
    values: dict[str, object] = {name: _value(text) for name, text in texts.items()}
    from_mapping(switches, values)
    return values


def _check(name: str, hint: Any, value: object) -> None:
    if hint is bool and not isinstance(value, bool):
        message = f"{name}: must be true or false"
        raise ValueError(message)
    if hint is int and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        message = f"{name}: must be a whole number from 0"
        raise ValueError(message)
    if (choices := get_args(hint)) and value not in choices:
        message = f"{name}: must be one of {', '.join(choices)}"
        raise ValueError(message)


def _value(text: str) -> bool | int | str:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdecimal() else text

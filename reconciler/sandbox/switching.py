"""Switches by name: what a seed or a command line says, as a frozen dataclass of a pretend system."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_type_hints

T = TypeVar("T")


def from_mapping(switches: type[T], settings: Mapping[str, object]) -> T:
    """The defaults with the given settings; raises ValueError with the name of a bad one."""
    return switches(**_checked(switches, settings))


def from_texts(switches: type[Any], texts: Mapping[str, str]) -> dict[str, object]:
    """Some switches as a command line says them; raises ValueError with the name of a bad one."""
    return _checked(switches, {name: _value(text) for name, text in texts.items()})


def _checked(switches: type[Any], settings: Mapping[str, object]) -> dict[str, object]:
    hints = get_type_hints(switches)
    for name in settings:
        if name not in hints:
            message = f"{name}: no such switch; there are {', '.join(hints)}"
            raise ValueError(message)
    return {name: _one(name, hints[name], value) for name, value in settings.items()}


def _one(name: str, hint: Any, value: object) -> object:
    number = isinstance(value, int) and not isinstance(value, bool)
    if hint is bool and not isinstance(value, bool):
        message = f"{name}: must be true or false"
        raise ValueError(message)
    if hint is int and (not number or str(value).startswith("-")):
        message = f"{name}: must be a whole number from 0"
        raise ValueError(message)
    choices = get_args(hint)
    if choices and number:
        value = str(value)  # A choice such as 204.
    if choices and value not in choices:
        message = f"{name}: must be one of {', '.join(choices)}"
        raise ValueError(message)
    return value


def _value(text: str) -> bool | int | str:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdecimal() else text

"""What stands in one cell of a table, and JSON as strictly as YAML is read."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from reconciler.desired.cells import undone
from reconciler.desired.documents import number
from reconciler.desired.text import clip

MAX_DEPTH: Final = 20

_TRUTHS: Final = {"true": True, "false": False}
_ITEM: Final = re.compile(
    r"""\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[^,"'\[\]{}][^,\[\]{}]*|))\s*(,|\Z)"""
)


class NotJson(ValueError):
    """A text that is not JSON as it is read here; ``index`` is where in it."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index


def plain(cell: str) -> str:
    """The text of a cell, without blanks around it and without what made it harmless in a spreadsheet."""
    return undone(cell.strip())


def truth(text: str) -> bool | str:
    """True or false, in any capitals; any other text as it is."""
    return _TRUTHS.get(text.lower(), text)


def value(text: str) -> str | list[str]:
    """The value of an attribute: text, or the list that stands in brackets; raises ValueError."""
    return listed(text) if text[:1] == "[" else text


def values(text: str) -> list[str]:
    """All values of a cell that may hold several, in brackets; raises ValueError."""
    return listed(text) if text[:1] == "[" else [text]


def listed(text: str) -> list[str]:
    """The items of ``[a, "b, c"]``, trimmed and without their quotes; numbers keep their zeros.

    Raises ValueError where the brackets are not closed, or hold more than texts.
    """
    if text[-1:] != "]":
        message = "the list is not closed"
        raise ValueError(message)
    inner = text[1:-1].strip()
    items: list[str] = []
    at = 0
    while inner and at <= len(inner):
        match = _ITEM.match(inner, at)
        if not match:
            message = f"the list cannot be read from `{clip(inner[at : at + 20].strip())}` on"
            raise ValueError(message)
        items.append(_item(match))
        at = match.end() + (not match[4])
    return items


def _item(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return str(strict_json(f'"{match["double"]}"'))
    found = match["single"] if match["single"] is not None else match["bare"].strip()
    if not found and match["single"] is None:
        message = "an item of the list is empty"
        raise ValueError(message)
    return found


def strict_json(text: str) -> Any:
    """The data of a JSON text; raises NotJson for what is no JSON, and for a key that is written twice.

    A number is one only where its spelling is canonical, as in YAML; else it is its text.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.pos) from None
    except RecursionError:
        message = "it is nested too deep"
        raise NotJson(message, 0) from None


def _fields(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        twice = next(name for name, times in counted.items() if times > 1)
        message = f"`{clip(twice)}` is written twice"
        raise NotJson(message, 0)
    return fields


def _constant(name: str) -> Any:
    message = f"{name} is no number"
    raise NotJson(message, 0)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_fields, parse_int=number, parse_float=number, parse_constant=_constant
)


def read_json(text: str, at: int) -> tuple[Any, int]:
    """The value that begins here, and where it ends; raises NotJson."""
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.pos) from None
    except NotJson as error:
        raise NotJson(str(error), at) from None
    except RecursionError:
        message = "it is nested too deep"
        raise NotJson(message, at) from None

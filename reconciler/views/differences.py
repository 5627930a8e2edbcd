"""What a value gains and loses. It stands before the whole value, whose end a reader may never reach.

What is too long even so is counted: nothing is left out without its number.
"""

from collections.abc import Sequence
from itertools import accumulate

from reconciler.model import Value
from reconciler.views.safe import escaped, quote, shortened

_LONG = 160
"""Characters of both values together that a reader takes in at a glance."""
_ROW = 110
"""Characters of items in a row; beyond that they are counted."""
_ITEM = 60
"""Characters of one of several items."""
_CONTEXT = 15
"""Characters that stay the same and are shown on each side of those that change."""
_MIDDLE = 40
"""Characters of a text that are shown where it changes."""


def joins(before: Value, after: Value) -> str:
    """What a list gains and loses."""
    if after is None or not (isinstance(before, tuple) or isinstance(after, tuple)):
        return ""
    gained, lost = _gained(after, before), _gained(before, after)
    rows = ", ".join(row for row in (_signed("+", gained), _signed("-", lost)) if row)
    return f"({rows})" if rows else ""


def long_difference(before: Value, after: Value) -> str:
    """What a long value gains and loses, or how many values a long list has; empty where it is short."""
    if len(quote(before)) + len(quote(after)) <= _LONG:
        return ""
    if before is None or after is None:
        only = after if before is None else before
        return f"({len(only)} values)" if isinstance(only, tuple) else ""
    match _gained(before, after), _gained(after, before):
        case [str(old)], [str(new)] if len(quote(old)) + len(quote(new)) > 2 * _ITEM:
            return _fragments(old, new)
    return joins(before, after)


def counted(items: Sequence[str], noun: str) -> str:
    """The items in a row; where that is long, how many they are, and the first of them."""
    each = [shortened(item, _ITEM) for item in items]
    row = ", ".join(each)
    if len(row) <= _ROW:
        return row
    ends = accumulate(len(item) + 2 for item in each)
    shown = ", ".join(item for item, end in zip(each, ends, strict=True) if end <= _ROW)
    return f"{len(each)} {noun}s: {shown}, ..."


def _gained(now: Value, then: Value) -> list[Value]:
    """The values that are there now and were not then; text and a number are a list of one."""
    old, new = (value if isinstance(value, tuple) else (value,) for value in (then, now))
    had = set(old)
    return [value for value in new if value not in had]


def _signed(sign: str, items: Sequence[Value]) -> str:
    each = [shortened(quote(item), _ITEM) for item in items]
    row = ", ".join(f"{sign} {item}" for item in each)
    return row if len(row) <= _ROW else f"{sign} {counted(each, 'value')}"


def _fragments(before: str, after: str) -> str:
    """Both texts from shortly before their first difference until shortly after their last one."""
    same = _in_common(before, after)
    end = _in_common(before[same:][::-1], after[same:][::-1])
    old, new = (_fragment(text, same, len(text) - end) for text in (before, after))
    return f"(from character {same + 1}: {old} -> {new})"


def _in_common(one: str, other: str) -> int:
    """How many characters both begin with."""
    differ = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))


def _fragment(text: str, start: int, end: int) -> str:
    # Each piece by itself: whatever stands around a change must not push it out of sight.
    lead = escaped(text[max(start - _CONTEXT, 0) : start])[-_CONTEXT:]
    tail = escaped(text[end : end + _CONTEXT])[:_CONTEXT]
    shown = f'"{lead}{shortened(escaped(text[start:end]), _MIDDLE)}{tail}"'
    return f"{'...' if start > _CONTEXT else ''}{shown}{'...' if end + _CONTEXT < len(text) else ''}"

"""PyYAML as it is used here, and the only module that knows it: events, nodes, and data as text.

libyaml parses where it is there; the pure parser takes three times as long.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import yaml

from reconciler.desired.sources import Steps

Scalar: Final = yaml.ScalarEvent
Alias: Final = yaml.AliasEvent
MappingStart: Final = yaml.MappingStartEvent
MappingEnd: Final = yaml.MappingEndEvent
SequenceStart: Final = yaml.SequenceStartEvent
SequenceEnd: Final = yaml.SequenceEndEvent
DocumentStart: Final = yaml.DocumentStartEvent
StreamEnd: Final = yaml.StreamEndEvent
NotYaml: Final = yaml.MarkedYAMLError
"""Raised by the next event where the text is not YAML; carries a problem, a context and their marks."""

_NODES: Final = (Scalar, Alias, SequenceStart, MappingStart)
_Loader: Any = getattr(yaml, "CLoader", yaml.Loader)
_WIDE: Final = 1 << 30


class _Pieces:
    """A text to be read bit by bit: given as a whole, the parser makes a second one of it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self, size: int) -> str:
        start = self._at
        self._at += size
        return self._text[start : self._at]


def events_of(text: str) -> Callable[[], Any]:
    """What gives the next event of a text at each call, with its mark; raises NotYaml."""
    next_event: Callable[[], Any] = _Loader(_Pieces(text)).get_event
    return next_event


def walk(text: str) -> Iterator[tuple[Steps, Any, str]]:
    """Every key and every list item with its steps, mark and text, as far as the text can be read."""
    next_event = _Loader(text).get_event
    steps: list[Any] = []  # for each open collection the key or the position of what is read
    at_key: list[bool] = []  # and whether a key comes next
    try:
        while not isinstance(event := next_event(), StreamEnd):
            if isinstance(event, yaml.CollectionEndEvent):
                steps.pop()
                at_key.pop()
            elif isinstance(event, _NODES):
                value = getattr(event, "value", "")
                if steps and (at_key[-1] or isinstance(steps[-1], int)):
                    steps[-1] = value if at_key[-1] else steps[-1] + 1
                    yield tuple(steps), event.start_mark, value
                if steps and isinstance(steps[-1], str):
                    at_key[-1] = not at_key[-1]
                if isinstance(event, yaml.CollectionStartEvent):
                    is_map = isinstance(event, MappingStart)
                    steps.append("" if is_map else -1)
                    at_key.append(is_map)
    except yaml.YAMLError:
        return


def compose(text: str) -> Any:
    """The nodes, with marks, of a text that can be read; None where there are none."""
    return yaml.compose(text, Loader=_Loader)


class _Dumper(yaml.SafeDumper):
    """Lists in one line, and never an alias: the reader of a file would have to look elsewhere."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (PyYAML's signature)
        return True


_Dumper.add_representer(
    list, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)


def dump(data: object) -> str:
    """Plain data as YAML that reads back as the same data: mappings by lines, lists in brackets."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDE))

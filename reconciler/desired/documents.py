"""YAML text to plain data, strictly, and the place of any value on demand.

The data is built straight from the parser's events: no node tree, no
constructor, nothing expanded. What a reader of the file could misread is
refused with its place: anchors, aliases, merge keys, tags, directives, several
documents, repeated keys, empty values, control characters.

A plain scalar is a number or a boolean only where its text is the canonical
JSON spelling of one; everything else is text exactly as written, and a key is
always text. A refused value stands in the data as ``REFUSED``, so that the
rest of the file is still checked in the same run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from sys import intern
from typing import Any, Final

import yaml

from reconciler.desired.sources import ENTRY_LEVELS, Source, Steps
from reconciler.desired.text import (
    CONTROL,
    MAX_PROBLEMS,
    SHORT,
    clip,
    decode,
    explain,
    is_stacked,
    name_of,
    too_many,
)
from reconciler.errors import Place, Problem

MAX_DEPTH: Final = 20


_WIDE: Final = 1 << 30


class _Dumper(yaml.SafeDumper):
    """Lists in one line, and never an alias: the reader of a file would have to look elsewhere."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (PyYAML's signature)
        return True


_Dumper.add_representer(
    list, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)


class _Refused:
    def __repr__(self) -> str:
        return "a refused value"


REFUSED: Final = _Refused()

_Loader: Any = getattr(yaml, "CLoader", yaml.Loader)
_NODES: Final = (yaml.ScalarEvent, yaml.AliasEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent)

_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None, "~": REFUSED, "": REFUSED}
_BLOCK_STYLES: Final = "|>"
_DIGITS: Final = frozenset("-0123456789")
_INTEGER: Final = re.compile("-?[1-9][0-9]{0,299}|0")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,20})\.[0-9]{0,20}[1-9]")

# A key that cannot be used; no real key can hold this character.
_DROPPED: Final = "\0"


def _walk(text: str) -> Iterator[tuple[Steps, Any, str]]:
    """Every key and every list item with its way, mark and text, as far as the text can be read."""
    events = _Loader(text).get_event
    here: list[Any] = []  # for each open collection the key or the position of what is read
    at_key: list[bool] = []  # and whether a key comes next
    try:
        while not isinstance(event := events(), yaml.StreamEndEvent):
            if isinstance(event, yaml.CollectionEndEvent):
                here.pop()
                at_key.pop()
            elif isinstance(event, _NODES):
                value = getattr(event, "value", "")
                if here and (at_key[-1] or isinstance(here[-1], int)):
                    here[-1] = value if at_key[-1] else here[-1] + 1
                    yield tuple(here), event.start_mark, value
                if here and isinstance(here[-1], str):
                    at_key[-1] = not at_key[-1]
                if isinstance(event, yaml.CollectionStartEvent):
                    is_map = isinstance(event, yaml.MappingStartEvent)
                    here.append("" if is_map else -1)
                    at_key.append(is_map)
    except yaml.YAMLError:
        return


@dataclass(slots=True)
class Document:
    """What one file says. ``data`` is without what could not be read at all.

    ``damaged`` names the entries, as (section, key), of which something was
    refused; ``whole`` is False where the rest of the file is not known.
    """

    source: Source
    data: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    damaged: set[Steps] = field(default_factory=set)
    whole: bool = True

    def refuse(self, steps: Steps, problem: Problem) -> None:
        """Note a problem of the value at ``steps``."""
        self.problems.append(problem)
        self.damage(steps)

    def damage(self, steps: Steps) -> None:
        """Note that something at ``steps`` was refused, so that nothing is concluded from it being absent."""
        if len(steps) > 1:
            self.damaged.add(steps[:2])
        else:
            self.whole = False


def parse(raw: bytes, file: str) -> Document:
    """Read one file strictly; ``file`` is its name in places. No problem is raised, all are in the answer."""
    text, problems = decode(raw, file)
    del raw  # a large file is held once only
    document = Document(Source(file, text, _walk), problems=problems, whole=not problems)
    if text:
        _Reader(document, text).read()
    return document


class _Stop(Exception):
    """Ends the reading of one file, whose problem is noted."""


_COMPLEX: Final = object()
_QUOTED: Final = "write the value out; text that begins with `{0}` must be quoted"
_EMPTY: Final = "leave the field out to leave it alone, write [] or {} for none, null to clear an attribute"


class _Pieces:
    """A text to be read bit by bit: given as a whole, the parser makes a second one of it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self, size: int) -> str:
        start = self._at
        self._at += size
        return self._text[start : self._at]


class _Reader:
    """Builds the data of one document from the parser's events."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        # A block of text on the last line would mean something else without the line's end.
        self._text = text if text.endswith("\n") else f"{text}\n"
        self._end = len(text)
        self._stack: list[tuple[Any, Any]] = []  # the collections around the current one, each with its key
        self._repeated: list[tuple[Steps, Any]] = []

    def read(self) -> None:
        document = self._document
        try:
            root = self._build()
        except _Stop:
            document.whole = False
            return
        except yaml.MarkedYAMLError as error:
            said = f"{error.context or ''} {error.problem or ''}"
            mark: Any = error.problem_mark
            message, hint, at_start = explain(said, self._text[mark.index : mark.index + 1])
            document.whole = False
            begun = (at_start and error.context_mark) or mark
            document.problems.append(self._problem(begun, message, hint))
            return
        finally:
            self._say_repeated_inside()
        if root and isinstance(root[0], dict):
            document.data = root[0]
        elif root and root[0] is not REFUSED:
            hint = "begin with a field, such as `users:`"
            document.refuse((), Problem(Place(document.source.file, 1, 1), "the file holds no fields", hint))

    def _build(self) -> list[Any]:  # noqa: C901, PLR0912, PLR0915  one loop: a call for each event would double its time
        events = _Loader(_Pieces(self._text)).get_event
        scalar_event, mapping_event, sequence_event = (
            yaml.ScalarEvent,
            yaml.MappingStartEvent,
            yaml.SequenceStartEvent,
        )
        ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
        words, digits, share, stack = _WORDS, _DIGITS, intern, self._stack
        root: list[Any] = []
        container: Any = root
        in_map = False
        key: Any = None
        dropped = False
        while True:
            event = events()
            kind = event.__class__
            if kind is scalar_event:
                value: Any = event.value
                plain = not event.style or (not value and event.style in _BLOCK_STYLES)
                if (
                    event.tag is not None
                    or event.anchor is not None
                    or not value.isprintable()
                    or not (value.isascii() or len(value) <= SHORT)
                ):
                    value = self._check(event, container, key)
                    plain = plain and value is not REFUSED
                if in_map and key is None:
                    if value is REFUSED or (plain and value == "<<"):
                        if value is not REFUSED:
                            hint = "write the fields out, or use `defaults`"
                            self._refuse(event, container, key, "merge keys (`<<`) are not supported", hint)
                        key, dropped = _DROPPED, True
                        continue
                    key = share(value)
                    if key in container:
                        self._repeat(event, container, key)
                    if len(stack) <= ENTRY_LEVELS:
                        self._document.source.begin((*(step for _, step in stack[1:]), key), event.start_mark)
                    continue
                if plain:
                    if value in words:
                        value = words[value]
                        if value is REFUSED:
                            self._say_empty(event, container, key)
                    elif value[0] in digits:
                        value = number(value)
                    else:
                        value = share(value)
                elif value is not REFUSED:
                    value = share(value)
            elif kind is mapping_event or kind is sequence_event:
                value = {} if kind is mapping_event else []
                if event.tag is not None or event.anchor is not None:
                    self._check(event, container, key)
                if len(stack) >= MAX_DEPTH:
                    message = f"nesting is deeper than {MAX_DEPTH}"
                    self._refuse(event, container, key, message, "the file format needs six levels at most")
                    raise _Stop
                if not in_map:
                    container.append(value)
                elif key is None:
                    self._refuse(event, container, key, "a key must be text", "write `name: value`")
                    key, dropped = _COMPLEX, True
                else:
                    container[key] = value
                stack.append((container, key))
                container, in_map, key = value, kind is mapping_event, None
                continue
            elif kind in ends:
                if dropped and in_map:
                    container.pop(_DROPPED, None)
                container, key = stack.pop()
                in_map = container.__class__ is dict
                key = _DROPPED if key is _COMPLEX else None
                continue
            elif kind is yaml.AliasEvent:
                message = f"aliases (`*{clip(event.anchor)}`) are not supported"
                self._refuse(event, container, key, message, _QUOTED.format("*"))
                value = REFUSED
                if in_map and key is None:
                    key, dropped = _DROPPED, True
                    continue
            elif kind is yaml.StreamEndEvent or (
                kind is yaml.DocumentStartEvent and self._is_odd(event, root)
            ):
                return root
            else:
                continue
            if in_map:
                container[key] = value
                key = None
            else:
                container.append(value)

    def _is_odd(self, start: Any, root: list[Any]) -> bool:
        """Whether a document begins after another one."""
        if root:
            self._refuse(start, root, None, "a second document begins here", "put it into a file of its own")
        return bool(root)

    def _check(self, event: Any, container: Any, key: Any) -> Any:
        """Refuse what is wrong with a node; the answer is its text, or REFUSED."""
        value: Any = getattr(event, "value", REFUSED)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"tags (`{clip(tag)}`) are not supported"
            value = self._refuse(event, container, key, message, _QUOTED.format("!"))
        if event.anchor is not None:
            message = f"anchors (`&{clip(event.anchor)}`) are not supported"
            value = self._refuse(event, container, key, message, _QUOTED.format("&"))
        if value is not REFUSED and (found := CONTROL.search(value)):
            message = f"the text holds {name_of(found[0])}"
            value = self._refuse(event, container, key, message, "write plain text on one line")
        if value is not REFUSED and is_stacked(value):
            message = "the text holds more accents in a row than any language"
            value = self._refuse(event, container, key, message, "remove them")
        return value

    def _say_empty(self, event: Any, container: Any, key: Any) -> None:
        if key is not None:
            said = "`~` is not a value here" if event.value else f"`{clip(key)}` has no value"
            self._refuse(event, container, key, said, _EMPTY)
        elif self._stack or event.value:
            self._refuse(event, container, key, "a list item has no value", "remove it")
        # Else nothing at all at the top: an empty file, which is right.

    def _refuse(self, event: Any, container: Any, key: Any, message: str, hint: str) -> _Refused:
        self._stop_if_full(event.start_mark)
        problem = self._problem(event.start_mark, message, hint)
        self._document.refuse(self._steps(container, key), problem)
        return REFUSED

    def _stop_if_full(self, mark: Any) -> None:
        if len(self._document.problems) + len(self._repeated) >= MAX_PROBLEMS:
            self._document.problems.append(too_many(self._place(mark)))
            raise _Stop

    def _steps(self, container: Any, key: Any) -> Steps:
        around = [*self._stack, (container, key)][1:]
        return tuple(step if isinstance(inside, dict) else len(inside) for inside, step in around)

    def _repeat(self, event: Any, container: Any, key: Any) -> None:
        """Note a key that is written twice. Inside an entry the first place is found later."""
        self._stop_if_full(event.start_mark)
        steps = self._steps(container, key)
        if first := self._document.source.entry(steps):
            self._document.source.reach(event.start_mark)
            self._say_repeated_inside()
            self._say_repeated(steps, event.start_mark, first)
        else:
            self._repeated.append((steps, event.start_mark))

    def _say_repeated_inside(self) -> None:
        for steps, mark in self._repeated:
            self._say_repeated(steps, mark, self._document.source.find(steps, first=True))
        self._repeated.clear()

    def _say_repeated(self, steps: Steps, mark: Any, first: Place | None) -> None:
        message = f"`{clip(str(steps[-1]))}` is written twice; first at {first}"
        self._document.refuse(steps, self._problem(mark, message, "keep one of them"))

    def _problem(self, mark: Any, message: str, hint: str) -> Problem:
        return Problem(self._place(mark), message, hint)

    def _place(self, mark: Any) -> Place:
        line, column = mark.line + 1, mark.column + 1
        if mark.index > self._end:
            line, column = line - 1, self._end - self._text.rfind("\n", 0, self._end)
        return Place(self._document.source.file, line, column)


def compose(text: str) -> Any:
    """The nodes, with marks, of a text that ``parse`` finds no problem in; None where there are none."""
    return yaml.compose(text, Loader=_Loader)


def dump(data: object) -> str:
    """Plain data as YAML that ``parse`` reads back as the same data: mappings by lines, lists in brackets."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDE))


def number(text: str) -> str | int | float:
    """The number that a plain scalar spells in canonical JSON; else the text itself."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and repr(value := float(text)) == text:
        return value
    return text

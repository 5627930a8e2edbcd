"""YAML text to plain data, strictly, and the place of any value on demand.

The data is built straight from the parser's events: no node tree, no
constructor, nothing expanded. What a person could misread is refused with its
place: anchors, aliases, merge keys, tags, directives, several
documents, repeated keys, empty values, control characters.

A plain scalar is a number or a boolean only where its text is the canonical
JSON spelling of one; everything else is text exactly as written, and a key is
always text. A refused value stands in the data as ``REFUSED``, so that the
rest of the file is still checked in the same run.
"""

import re
from dataclasses import dataclass, field
from sys import intern
from typing import Any, Final

from reconciler.desired.pyyaml import (
    Alias,
    DocumentStart,
    MappingEnd,
    MappingStart,
    NotYaml,
    Scalar,
    SequenceEnd,
    StreamEnd,
    events_of,
    walk,
)
from reconciler.desired.sources import ENTRY_LEVELS, Source, Steps
from reconciler.desired.text import (
    MAX_PROBLEMS,
    SHORT,
    clip,
    decode,
    explain,
    fault_in,
    too_many,
)
from reconciler.errors import Place, Problem
from reconciler.model import Address

MAX_DEPTH: Final = 20


class _Refused:
    def __repr__(self) -> str:
        return "a refused value"


REFUSED: Final = _Refused()

_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None, "~": REFUSED, "": REFUSED}
_BLOCK_STYLES: Final = "|>"
_DIGITS: Final = frozenset("-0123456789")
_INTEGER: Final = re.compile("-?[1-9][0-9]{0,299}|0")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,20})\.[0-9]{0,20}[1-9]")

# A key that cannot be used; no real key can hold this character.
_DROPPED: Final = "\0"


@dataclass(slots=True)
class Listing:
    """What a list of another tool says beside the data that YAML would hold.

    ``place`` is where target.yaml names it; ``tracked`` is False where git ignores it. With ``skips``
    bad rows are left out, and are in ``skipped``; ``min_rows`` must be left. ``groups`` are all that it can
    name, by key, each with its name and a place. The others are as in ``model.Lists``, but that ``follows``
    are globs.
    """

    place: Place
    tracked: bool = True
    groups: dict[str, tuple[str, Place]] = field(default_factory=dict)
    decides: dict[str, frozenset[str]] = field(default_factory=dict)
    ids: dict[Address, str] = field(default_factory=dict)
    follows: tuple[str, ...] = ()
    skips: bool = False
    min_rows: int = 0
    skipped: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    empty: bool = False


@dataclass(slots=True)
class Document:
    """What one file says. ``data`` is without what could not be read at all.

    ``damaged`` names the entries, as (section, key), of which something was
    refused; ``whole`` is False where the rest of the file is not known.
    ``listing`` is there for a list of another tool.
    """

    source: Source
    data: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    damaged: set[Steps] = field(default_factory=set)
    whole: bool = True
    listing: Listing | None = None

    def refuse(self, steps: Steps, problem: Problem) -> None:
        """Note a problem of the value at ``steps``."""
        self.problems.append(problem)
        self.damage(steps)

    def damage(self, steps: Steps) -> None:
        """Note that something at ``steps`` was refused: that it is missing from the data proves nothing."""
        if len(steps) > 1:
            self.damaged.add(steps[:2])
        else:
            self.whole = False


def parse(raw: bytes, file: str) -> Document:
    """Read one file strictly; ``file`` is its name in places. No problem is raised, all are in the answer."""
    text, problems = decode(raw, file)
    del raw  # a large file is held once only
    document = Document(Source(file, text, walk), problems=problems, whole=not problems)
    if text:
        _Reader(document, text).read()
    return document


class _Stop(Exception):
    """Ends the reading of one file, whose problem is noted."""


_QUOTED: Final = "write the value out; text that begins with `{0}` must be quoted"
_EMPTY: Final = "leave the field out to leave it alone, write [] or {} for none, null to clear an attribute"


class _Reader:
    """Builds the data of one document from the parser's events."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        # A block of text on the last line would mean something else without the line's end.
        self._text = text if text.endswith("\n") else f"{text}\n"
        self._end = len(text)
        self._next = events_of(self._text)
        # The collections that are being read, from the outside in, each with the key that is being read.
        self._around: list[tuple[Any, Any]] = []
        self._repeated: list[tuple[Steps, Any]] = []

    def read(self) -> None:
        """Fill in the document: its data, and every problem."""
        document = self._document
        try:
            data = self._root()
        except _Stop:
            document.whole = False
            return
        except NotYaml as error:
            document.whole = False
            document.problems.append(self._not_yaml(error))
            return
        finally:
            self._say_repeated_inside()
        if isinstance(data, dict):
            document.data = data
        elif data is not REFUSED:
            hint = "begin with a field, such as `users:`"
            document.refuse((), Problem(Place(document.source.file, 1, 1), "the file holds no fields", hint))

    def _not_yaml(self, error: Any) -> Problem:
        mark = error.problem_mark
        complaint = f"{error.context or ''} {error.problem or ''}"
        message, hint, at_start = explain(complaint, self._text[mark.index : mark.index + 1])
        return self._problem((at_start and error.context_mark) or mark, message, hint)

    def _root(self) -> Any:
        """The data of the first document; REFUSED where there is none."""
        data: Any = REFUSED
        is_first = True
        while (kind := (event := self._next()).__class__) is not StreamEnd:
            if kind is DocumentStart and not is_first:
                hint = "put it into a file of its own"
                self._refuse(event, None, None, "a second document begins here", hint)
                break
            if kind is DocumentStart:
                data, is_first = self._value(self._next(), None, None), False
        return data

    def _mapping(self) -> dict[str, Any]:
        """The fields up to the mapping's end."""
        fields: dict[str, Any] = {}
        next_event = self._next
        while (event := next_event()).__class__ is not MappingEnd:
            key = self._key(event, fields)
            fields[key] = self._value(next_event(), fields, key)
        fields.pop(_DROPPED, None)
        return fields

    def _sequence(self) -> list[Any]:
        """The items up to the sequence's end."""
        items: list[Any] = []
        next_event = self._next
        while (event := next_event()).__class__ is not SequenceEnd:
            items.append(self._value(event, items, None))
        return items

    def _key(self, event: Any, fields: dict[str, Any]) -> str:
        if event.__class__ is not Scalar:
            self._refuse_key(event, fields)
            return _DROPPED
        text = event.value
        if event.tag is not None or event.anchor is not None or not text.isprintable() or len(text) > SHORT:
            text = self._check(event, fields, None)
            if text is REFUSED:
                return _DROPPED
        if text == "<<" and not event.style:
            hint = "write the fields out, or use `defaults`"
            self._refuse(event, fields, None, "merge keys (`<<`) are not supported", hint)
            return _DROPPED
        if text in fields:
            self._repeat(event, fields, text)
        if len(self._around) <= ENTRY_LEVELS:
            self._document.source.begin((*(step for _, step in self._around[1:]), text), event.start_mark)
        return intern(text)

    def _refuse_key(self, event: Any, fields: dict[str, Any]) -> None:
        if event.__class__ is not Alias:
            self._refuse(event, fields, None, "a key must be text", "write `name: value`")
        self._value(event, fields, _DROPPED)

    def _value(self, event: Any, container: Any, key: Any) -> Any:
        if event.__class__ is not Scalar:
            return self._collection(event, container, key)
        text = event.value
        if event.tag is not None or event.anchor is not None or not text.isprintable() or len(text) > SHORT:
            text = self._check(event, container, key)
            if text is REFUSED:
                return REFUSED
        if event.style and (text or event.style not in _BLOCK_STYLES):
            return intern(text)
        if text in _WORDS:
            if _WORDS[text] is REFUSED:
                self._say_empty(event, container, key)
            return _WORDS[text]
        return number(text) if text[0] in _DIGITS else intern(text)

    def _collection(self, event: Any, container: Any, key: Any) -> Any:
        """The value that an event begins which is no text."""
        if event.__class__ is Alias:
            message = f"aliases (`*{clip(event.anchor or '')}`) are not supported"
            return self._refuse(event, container, key, message, _QUOTED.format("*"))
        if event.tag is not None or event.anchor is not None:
            self._check(event, container, key)
        if len(self._around) >= MAX_DEPTH:
            hint = "the file format needs six levels at most"
            self._refuse(event, container, key, f"nesting is deeper than {MAX_DEPTH}", hint)
            raise _Stop
        self._around.append((container, key))
        value = self._mapping() if event.__class__ is MappingStart else self._sequence()
        self._around.pop()
        return value

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
        if value is not REFUSED and (fault := fault_in(value)):
            value = self._refuse(event, container, key, *fault)
        return value

    def _say_empty(self, event: Any, container: Any, key: Any) -> None:
        if key is not None:
            message = "`~` is not a value here" if event.value else f"`{clip(key)}` has no value"
            self._refuse(event, container, key, message, _EMPTY)
        elif self._around or event.value:
            self._refuse(event, container, key, "a list item has no value", "remove it")
        # Nothing at all at the top is an empty file, which is right.

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
        around = [*self._around, (container, key)][1:]
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


def number(text: str) -> str | int | float:
    """The number that a plain scalar spells in canonical JSON; else the text itself."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and repr(value := float(text)) == text:
        return value
    return text

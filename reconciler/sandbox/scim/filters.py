"""Filters and PATCH paths: their grammar (RFC 7644, figures 1 and 7), as trees that know no schema.

FILTER    = and ("or" and)*            PATH = attrPath ["[" FILTER "]" ["." subAttr]]
and       = term ("and" term)*
term      = ["not"] "(" FILTER ")" | attrPath "pr" | attrPath op value | attrPath "[" FILTER "]"
attrPath  = [URI ":"] ATTRNAME ["." subAttr]
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias, cast

Operator = Literal["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"]
Value = str | int | float | bool | None

_TOKENS = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<mark>[()\[\]])|(?P<word>[^\s()\[\]"]+))""", re.DOTALL
)
_NAME = re.compile(r"\$?[A-Za-z][\w-]*", re.ASCII)
_OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")
_DEEPEST = 50


class BadSyntax(ValueError):
    """A filter or path that the grammar does not allow; the words say what is wrong."""


@dataclass(frozen=True, slots=True)
class AttributePath:
    """``urn:...:User:name.givenName``; URN and sub-attribute may be empty."""

    urn: str
    name: str
    sub: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """One attribute against one value; ``pr`` has none."""

    path: AttributePath
    operator: Operator
    value: Value = None


@dataclass(frozen=True, slots=True)
class Some:
    """Whether any one value of a multi-valued attribute fulfils all of a filter."""

    path: AttributePath
    inner: "Filter"


@dataclass(frozen=True, slots=True)
class Both:
    """Every one of these."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of these."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    inner: "Filter"


Filter: TypeAlias = Compare | Some | Both | Either | Not


@dataclass(frozen=True, slots=True)
class Path:
    """Where a PATCH operation acts. ``sub`` follows a filter; else it is part of ``attribute``."""

    attribute: AttributePath
    filter: Filter | None = None
    sub: str = ""


def parse_filter(text: str) -> Filter:
    """The tree of a filter; raises BadSyntax."""
    return _Parser(text).whole()


def parse_path(text: str) -> Path:
    """The parts of a path; raises BadSyntax."""
    before, bracket, rest = text.partition("[")
    attribute = attribute_path(before)
    if not bracket:
        return Path(attribute, sub="")
    inner, closed, after = rest.rpartition("]")
    if not closed or attribute.sub or not attribute.name or (after and not after.startswith(".")):
        message = f"{text}: a path with a filter is attribute[filter] or attribute[filter].sub"
        raise BadSyntax(message)
    if after and not _NAME.fullmatch(after[1:]):
        message = f"{text}: {after[1:]!r} is no name"
        raise BadSyntax(message)
    return Path(attribute, parse_filter(inner), after[1:])


def attribute_path(text: str) -> AttributePath:
    """The parts of ``urn:...:name.sub``. What belongs to a URN, the schemas tell: see ``resolved``."""
    urn, _, name = text.rpartition(":")
    # The dot of a version ("core:2.0:User") is before the last colon.
    name, dot, sub = name.partition(".")
    if not _NAME.fullmatch(name) or (dot and not _NAME.fullmatch(sub)):
        message = f"{text!r} is no attribute"
        raise BadSyntax(message)
    return AttributePath(urn, name, sub)


class _Parser:
    """Reads one filter from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def whole(self) -> Filter:
        found = self._either()
        if self._at < len(self._tokens):
            self._fail(f"{self._tokens[self._at]!r} is one too many")
        return found

    def _either(self) -> Filter:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail("nested too deep")
        parts = [self._both()]
        while self._word("or"):
            parts.append(self._both())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Filter:
        parts = [self._term()]
        while self._word("and"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _term(self) -> Filter:
        token = self._next()
        if token == "(":  # noqa: S105 (a part of a filter)
            return self._closed(")")
        if token.lower() == "not":
            if self._next() != "(":
                self._fail("not is followed by a parenthesis")
            return Not(self._closed(")"))
        path = attribute_path(token)
        operator = self._next()
        if operator == "[":
            if path.sub:
                self._fail("a filter in brackets belongs to a whole attribute")
            return Some(path, self._closed("]"))
        if operator.lower() == "pr":
            return Compare(path, "pr")
        if operator.lower() not in _OPERATORS:
            self._fail(f"{operator!r} is no operator")
        return Compare(path, cast("Operator", operator.lower()), self._value(self._next()))

    def _closed(self, mark: str) -> Filter:
        found = self._either()
        if self._next() != mark:
            self._fail(f"{mark} is missing")
        return found

    def _value(self, token: str) -> Value:
        try:
            value = json.loads(token, parse_constant=lambda name: self._fail(f"{name} is no value"))
        except ValueError:
            self._fail(f"{token!r} is no value")
        if isinstance(value, (list, dict)):
            self._fail(f"{token!r} is no value")
        return cast("Value", value)

    def _word(self, word: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at].lower() == word
        self._at += found
        return found

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            self._fail("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _fail(self, reason: str) -> NoReturn:
        message = f"{self._text!r} is no filter: {reason}"
        raise BadSyntax(message)


def _tokens(text: str) -> Iterator[str]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKENS.match(text, at)
        if match is None:
            message = f"{text!r} is no filter: a quotation mark is missing"
            raise BadSyntax(message)
        yield match.group(match.lastgroup or 0)
        at = match.end()

"""Text that came from outside, made harmless and unmistakable on a terminal.

Names, attributes and server messages are data. Whatever is not plainly visible
is shown by its code point, so it can neither move the cursor, colour the
terminal, reorder a line, nor pass for something else:

* everything that Unicode calls not printable (control, bidi and other format
  characters, line and paragraph separators, surrogates, private and unassigned
  code points), and blanks that only look like the blank;
* the few letters and marks that are drawn as nothing at all;
* ``##[``, which GitHub's runner obeys wherever it stands in a line of a log.

Accents, every script and the wide blank of Chinese and Japanese text stay.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model import Value

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_WIDE_BLANK = "\u3000"
_SHORT_COMMIT = 8

_NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?")
_WORDS = frozenset({"true", "false", "null", "~"})
_AMBIGUOUS = re.compile(r'[,"\[\]\\]|^[-+~(]|\s\s|^\s|\s$|->|^$')
COMMAND_AT_LINE_BEGIN = re.compile(r"(?:^|(?<=[\r\n]))([^\S\r\n]*)::")
"""How a command begins; blanks of any kind may stand before it, and a lone CR begins a line, too."""


def printable(text: str) -> str:
    r"""The text with all that is not plainly visible as ``\x1b``, ``\u202e`` and the like."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(char if _visible(char) else _escaped(char) for char in text)
    return _without_marks(text)


def unobeyed(text: str) -> str:
    r"""Text of any number of lines, none of which is a command for GitHub's runner.

    ``##[`` anywhere stands as ``#\x23[``, and ``::`` at the beginning of a line as
    ``:\x3a`` (GitHub docs: Workflow commands; actions/runner, ``ActionCommand``).
    """
    return _without_marks(COMMAND_AT_LINE_BEGIN.sub(r"\1:\\x3a", text) if "::" in text else text)


def quote(value: "Value") -> str:
    """An attribute's value as a reader can tell it from its neighbours.

    Text stands bare unless it could be taken for something else (a number, no
    value, two values, another column): then it stands in double quotes.
    """
    match value:
        case None:
            return "(none)"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case tuple():
            return f"[{', '.join(quote(item) for item in value)}]"
    if _NUMBER.fullmatch(value) or value.lower() in _WORDS:
        return f'"{value}"'
    return label(value)


def label(text: str) -> str:
    """A name, in double quotes where it could be taken for more than a name."""
    if not _AMBIGUOUS.search(text):
        return printable(text)
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    """The text as it stands between double quotes."""
    return printable(text.replace("\\", "\\\\").replace('"', '\\"'))


def short_commit(name: str) -> str:
    """The first digits of a commit's name, by which people know it."""
    return printable(name[:_SHORT_COMMIT])


def shortened(text: str, longest: int) -> str:
    """The text, cut in its middle where it is longer, and then how long it is."""
    tail = longest // 3
    short = f"{text[: longest - tail]}... ({len(text)} characters) ...{text[-tail:]}"
    return short if len(short) < len(text) else text


def _without_marks(text: str) -> str:
    return text.replace("##[", "#\\x23[")


def _visible(char: str) -> bool:
    return (char.isprintable() and char not in _INVISIBLE) or char == _WIDE_BLANK


def _escaped(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:  # noqa: PLR2004 (what two hex digits hold)
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 (what four hold)

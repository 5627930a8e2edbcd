"""Who must look at a change of a file: the one CODEOWNERS file that GitHub reads.

The last line that matches a path says who owns it, also where it names nobody.
A line that is not valid counts for nothing. A pattern is much as in .gitignore,
but ``docs/*`` is what lies directly in ``docs``, and there is no ``!`` and no
``[``. Source: GitHub docs, "About code owners".
"""

import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.errors import ReconcilerError
from reconciler.starter.owners import PLACES

LARGEST = 3_000_000
"""Bytes; GitHub does not load a larger file."""
_WORD = re.compile(r"(?:\\.|\S)+")
_SIGN = re.compile(r"\\(.)|(\*+)|(\?)|(.)")
_REFUSED = re.compile(r"!|(?:\\.|[^\\])*?[\[\]]")

Line = tuple[re.Pattern[str], tuple[str, ...]]


def find(top: Path) -> tuple[str, bytes] | None:
    """The path of the file below the repository's top, and its content; None where there is none.

    Raises ReconcilerError where it cannot be read.
    """
    for name in PLACES:
        try:
            return name, (top / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        except OSError as error:
            message = f"{name} cannot be read: {error.strerror}"
            raise ReconcilerError(message) from None
    return None


def read(text: str) -> list[Line]:
    """The valid lines, each as the pattern and its owners."""
    return list(_lines(text))


def owners(lines: list[Line], path: str) -> tuple[str, ...]:
    """The owners of a file, by its path below the repository's top; empty where no line names any."""
    return next((who for pattern, who in reversed(lines) if pattern.fullmatch(path)), ())


def _lines(text: str) -> Iterator[Line]:
    for line in text.splitlines():
        words = _WORD.findall(line)
        end = next((n for n, word in enumerate(words) if word.startswith("#")), len(words))
        pattern, who = "".join(words[:1][:end]), tuple(words[1:end])
        if pattern and not _REFUSED.match(pattern) and all("@" in word for word in who):
            yield _compiled(pattern), who


def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern with a slash before its end begins at the top; one of a folder matches all below it."""
    anchored = "/" in pattern.rstrip("/")
    *steps, last = pattern.strip("/").split("/")
    regex = "" if anchored else "(?:.*/)?"
    for step in steps:
        regex += "(?:.*/)?" if step == "**" else f"{_step(step)}/"
    if last == "**" and not pattern.endswith("/"):
        regex += ".+"
    elif pattern.endswith("/"):
        regex += f"{_step(last)}/.+"
    else:
        regex += _step(last) + ("" if anchored and last == "*" else "(?:/.*)?")
    return re.compile(regex, re.DOTALL)


def _step(step: str) -> str:
    def translated(sign: re.Match[str]) -> str:
        escaped, stars, mark, plain = sign.groups()
        return "[^/]*" if stars else "[^/]" if mark else re.escape(escaped or plain)

    return _SIGN.sub(translated, step)

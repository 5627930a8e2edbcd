"""The front page and the book, cut into what a test can check: fences, notes, headings and links."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

TOP = Path(__file__).parents[1]
README = TOP / "README.md"
DOCS = TOP / "docs"
PAGES = (README, *sorted(DOCS.glob("*.md")))
"""What a user reads."""
OTHERS = (
    TOP / "CONTRIBUTING.md",
    *sorted((TOP / ".github").glob("*.md")),
    *sorted(TOP.glob(".github/decisions/*.md")),
)
"""What else is written in Markdown here."""

_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
_IN_A_CELL = 3
_NOTE = re.compile(r"<!-- (?P<word>[a-z ]+): (?P<text>.*?) -->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of code. ``line`` is that of its first row, from 0; ``indent`` is how far in it stands."""

    language: str
    text: str
    line: int
    indent: int

    @property
    def path(self) -> str:
        """The file that it is, as its first line says; empty where it does not."""
        found = re.match(r"# ([\w./-]+\.(?:ya?ml|py))\n", self.text)
        return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Note:
    """A comment that a test reads, as ``<!-- word: text -->``; no reader sees it."""

    word: str
    text: str


def parts(page: Path) -> Iterator[Fence | Note]:
    """The fences and the notes of a page, in order."""
    text = page.read_text("utf-8")
    rows = text.split("\n")
    for token in _MARKDOWN.parse(text):
        if token.type == "fence" and token.map:
            start = token.map[0]
            indent = len(rows[start]) - len(rows[start].lstrip(" "))
            yield Fence(token.info.strip(), token.content, start + 1, indent)
        elif token.type == "html_block":
            yield from (Note(found["word"], found["text"]) for found in _NOTE.finditer(token.content))


def replaced(page: Path, fence: Fence, text: str) -> None:
    """Write a page anew with another text in one of its fences."""
    rows = page.read_text("utf-8").split("\n")
    count = fence.text.count("\n")
    rows[fence.line : fence.line + count] = [
        (" " * fence.indent + row).rstrip() for row in text.removesuffix("\n").split("\n")
    ]
    page.write_text("\n".join(rows), "utf-8")


def anchors(page: Path) -> set[str]:
    """What ``#...`` may name on a page: its headings, as GitHub writes them."""
    found: dict[str, int] = {}
    names = set()
    for _, text in headings(page):
        slug = _slug(text)
        count = found.get(slug, 0)
        found[slug] = count + 1
        names.add(f"{slug}-{count}" if count else slug)
    return names


def headings(page: Path) -> list[tuple[int, str]]:
    """Each heading of a page: its level, and its words without markup."""
    tokens = _MARKDOWN.parse(page.read_text("utf-8"))
    return [
        (int(opening.tag[1]), _words(inline))
        for opening, inline in pairwise(tokens)
        if opening.type == "heading_open"
    ]


def rows_of(page: Path) -> list[list[str]]:
    """The rows of every table of a page, as the text of their cells; code keeps its backticks."""
    rows: list[list[str]] = []
    for token in _MARKDOWN.parse(page.read_text("utf-8")):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level > _IN_A_CELL:
            rows[-1].append(token.content)
    return rows


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead."""
    found = []
    for token in _MARKDOWN.parse(page.read_text("utf-8")):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            found += [str(target)] if target else []
    return found


def _words(inline: Token) -> str:
    return "".join(child.content for child in inline.children or () if child.type in {"text", "code_inline"})


def _slug(text: str) -> str:
    """As github-slugger has it: lower case, blanks to hyphens, letters, numbers, ``-`` and ``_`` kept."""
    kept = (c for c in text.lower() if c in " -_" or unicodedata.category(c)[0] in "LNM")
    return "".join(kept).replace(" ", "-")

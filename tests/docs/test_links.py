"""Every link leads somewhere: to a file that is there, and to a heading that it has."""

from pathlib import Path
from urllib.parse import unquote

import pytest
from book import DOCS, OTHERS, PAGES, README, TOP, anchors, headings, links

MOST_ROWS = 200
"""Of the front page: more is not read in three minutes."""


def named(page: Path) -> str:
    return str(page.relative_to(TOP))


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        file = page.parent / unquote(path) if path else page
        if not file.exists() or (anchor and unquote(anchor) not in anchors(file)):
            broken.append(link)
    assert broken == []


def test_every_page_of_the_book_is_in_its_index() -> None:
    listed = {link.partition("#")[0] for link in links(DOCS / "index.md")}
    assert {page.name for page in DOCS.glob("*.md")} - listed == {"index.md"}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_has_one_title(page: Path) -> None:
    assert [level for level, _ in headings(page)].count(1) == 1
    assert headings(page)[0][0] == 1


def test_the_front_page_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= MOST_ROWS

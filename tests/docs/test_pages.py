"""`make docs`: the book as pages, from disk, with a search, and with nothing from anywhere else."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from book import DOCS, TOP, anchors, headings
from browser import CHROMIUM, Page, page

BROWSER = pytest.mark.skipif(CHROMIUM is None, reason="opens the pages in Chromium, which is not there")
NAMES = sorted(file.stem for file in DOCS.glob("*.md"))
PHONE, DESKTOP = 390, 1280


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the pages, made by the very command of `make docs`."""
    folder = tmp_path_factory.mktemp("book")
    (command,) = re.findall(
        r"^\t\$\(BIN\)/sphinx-build (.+) docs docs/_build$",
        (TOP / "Makefile").read_text("utf-8"),
        re.MULTILINE,
    )
    builder = Path(sys.executable).with_name("sphinx-build")
    done = subprocess.run(
        [builder, *command.split(), "--doctree-dir", folder / "trees", DOCS, folder / "pages"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder / "pages"


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    """One page of a browser for all that is looked at."""
    with page() as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_page_with_every_heading(built: Path, name: str) -> None:
    text = (built / f"{name}.html").read_text("utf-8")
    assert [anchor for anchor in anchors(DOCS / f"{name}.md") if f'id="{anchor}"' not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_begins_with_the_question_that_the_index_asks(name: str) -> None:
    rows = (DOCS / f"{name}.md").read_text("utf-8").splitlines()
    assert re.fullmatch(r"\*[^*]+\?\*", rows[2]), rows[2]
    if name != "index":
        entry = f"- [{headings(DOCS / f'{name}.md')[0][1]}]({name}.md): {rows[2].strip('*')}"
        assert entry in (DOCS / "index.md").read_text("utf-8")


@BROWSER
@pytest.mark.parametrize("name", [*NAMES, "search"])
def test_a_page_opens_from_disk_and_asks_nobody_for_anything(built: Path, tab: Page, name: str) -> None:
    for width in (PHONE, DESKTOP):
        tab.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        tab.said.clear()
        tab.asked.clear()
        tab.open(built / f"{name}.html")
        assert tab.said == []
        assert {urlsplit(address).scheme for address in tab.asked} <= {"file", "data"}
        assert any(urlsplit(address).path.endswith(".js") for address in tab.asked)
        assert tab.run("document.documentElement.scrollWidth") <= width


@BROWSER
def test_a_word_is_found(built: Path, tab: Page) -> None:
    tab.said.clear()
    tab.open(built / "index.html")
    tab.run("document.querySelector('.sidebar-search').value = 'tombstone'")
    tab.leave("document.querySelector('.sidebar-search-container').submit()")
    tab.wait("document.querySelector('#search-results .search-summary')?.textContent.includes('found')")
    found = tab.run(
        "[...document.querySelectorAll('#search-results li a')].map(link => link.getAttribute('href'))"
    )
    assert {"files.html", "target.html"} <= {link.partition("#")[0].partition("?")[0] for link in found}
    assert tab.said == []

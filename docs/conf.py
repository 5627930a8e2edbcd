"""How `make docs` makes pages of the book. The index says which pages there are, and in which order."""
# ruff: noqa: INP001 (read by Sphinx, no package)

import re
from itertools import pairwise

from sphinx.application import Sphinx

project = "reconciler"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
root_doc = "index"
nitpicky = True

# What GitHub shows, and nothing beyond it: a page reads the same here and there.
myst_enable_extensions = ["alert"]
myst_heading_anchors = 4
myst_all_links_external = False
suppress_warnings = ["myst.strikethrough"]

html_theme = "furo"
html_title = "reconciler"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_show_copyright = False
html_show_search_summary = False  # it would fetch each page, which a browser refuses of files
html_static_path = ["book.css"]
html_css_files = ["book.css"]
html_theme_options = {"footer_icons": []}
highlight_language = "none"

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_ENTRY = re.compile(r"^- \[([^\]]+)\]\(([\w-]+)\.md\)", re.MULTILINE)


def add_contents(_: Sphinx, docname: str, source: list[str]) -> None:
    """Give Sphinx the index's own lists as its table of contents: one for each section that lists pages."""
    if docname != root_doc:
        return
    text = source[0]
    starts = [match.start() for match in _SECTION.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        entries = [f"{title} <{name}>" for title, name in _ENTRY.findall(text[start:end])]
        if entries:
            caption = _SECTION.findall(text[start:end])[0]
            source[0] += "\n".join(
                ["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```", ""]
            )


def setup(app: Sphinx) -> None:
    """Have Sphinx ask ``add_contents`` about each page that it reads."""
    app.connect("source-read", add_contents)

"""A second opinion on what a page shows: GitHub's own Markdown parser, and then HTML as a browser reads it.

It shares no code with the reader that it judges. Tags go through as they are
written, which GitHub would not let them: what they may hide stays hidden here.
"""

from xml.etree.ElementTree import Element

import html5lib
from cmarkgfm.cmark import Options, markdown_to_html_with_extensions

_EXTENSIONS = ["table", "strikethrough", "autolink", "tasklist"]
_OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES | Options.CMARK_OPT_HARDBREAKS
_PLAIN = {"p", "br", "a", "em", "strong"}
"""What a plain paragraph may hold; any other element leaves it in doubt, and then it shows nothing."""


def shown_lines(text: str) -> set[str]:
    """The lines of paragraphs that stand openly on the page, in nothing else; blanks around them are cut."""
    page = html5lib.parse(
        markdown_to_html_with_extensions(text, _OPTIONS, _EXTENSIONS), namespaceHTMLElements=False
    )
    body = page.find("body")
    plain = [part for part in body.findall("p") if not part.attrib and {i.tag for i in part.iter()} <= _PLAIN]
    return {line.strip() for part in plain for line in _text(part).split("\n")}


def _text(part: Element) -> str:
    for line_break in part.iter("br"):
        line_break.text = "\n"
    return "".join(part.itertext())

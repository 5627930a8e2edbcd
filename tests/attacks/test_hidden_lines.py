"""Somebody hides a line that lifts a guard in a pull request's text, so that who approves never sees it.

The page is drawn by GitHub's own Markdown parser and read as a browser reads it
(`shown_lines.py`). A text that hides its line is refused, or its line ignored.
"""

import re
from contextlib import suppress

import fuzzing_lines
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_lines import shown_lines

from reconciler.errors import ReconcilerError
from reconciler.github.body import allowances, holds_lines, inclusions

LINE = f"Reconciler-Allow: production=37 digest={'ab12cd34' * 8}"


def lifts_nothing(text: str) -> None:
    """The page does not show the line, and it does not count."""
    assert LINE not in shown_lines(text), "the page shows it: this hides nothing"
    with suppress(ReconcilerError):
        assert allowances(text) == {}
    with suppress(ReconcilerError):
        assert inclusions(text) == ()
    with suppress(ReconcilerError):
        assert not holds_lines(text)


def test_the_page_shows_a_line_that_stands_openly() -> None:
    """Nobody tries anything: otherwise what follows would prove nothing."""
    assert LINE in shown_lines(f"Please.\n\n{LINE}\n{LINE}\n")
    assert LINE in shown_lines(LINE)


@pytest.mark.parametrize(
    "text",
    [
        f"<!--\n\n{LINE}\n\n-->",
        f"<!--\n\n{LINE}",
        f"Nice.\n<!--\n\n{LINE}\n\n-->",
        f"<!--{LINE}-->",
        f"<!-- a --!>\n\n{LINE}\n\n-->",
        f"- a\n\n  <!--\n\n{LINE}\n\n  -->",
        f"- <!-- a\n\n<!-- b\n\n{LINE}\n\n-->",
        f"<!-- a --> <!--\n\n{LINE}\n\n-->",
        f"<!-- a --> <details>\n\n{LINE}\n",
        f"`<!--`\n\n<!--\n\n{LINE}",
        f"   <!--\n\n{LINE}",
    ],
)
def test_in_a_comment(text: str) -> None:
    """Somebody hides an approval in a comment, closed, left open, or closed for some parsers only."""
    lifts_nothing(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [("<?", "?>"), ("<?php", ""), ("<!A", ">"), ("<!doctype", ">"), ("<![CDATA[", "]]>"), ("a <?", "?>")],
)
@pytest.mark.parametrize("prefix", ["", "  ", "Nice.\n"])
def test_behind_a_processing_instruction(prefix: str, before: str, after: str) -> None:
    """Somebody hides an approval behind a processing instruction, a declaration or CDATA."""
    text = f"{prefix}{before}\n\n{LINE}\n\n{after}"
    with suppress(ReconcilerError):
        assert allowances(text) == {}


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "<details>",
            "<details><summary>Log</summary>",
            "<DETAILS\n>",
            "<details\nopen=''>",
            "Nice <details>",
        ),
        *(
            "<script>",
            "<style>",
            "<textarea>",
            "<title>",
            "<template>",
            "<pre>",
            "<plaintext>",
            "*a <details>*",
        ),
        *(
            "<div hidden>",
            "<table><td>",
            "<select>",
            "**Note**<br><details>",
            "[a](/b) <details>",
            "a</p><b>",
        ),
    ],
)
def test_in_a_tag(tag: str) -> None:
    """Somebody opens a tag above an approval: the page folds it away, or gives it to a script."""
    lifts_nothing(f"{tag}\n\n{LINE}\n")


@pytest.mark.parametrize(
    "tag",
    [
        *("- <details>", "> <details>", "1. a\n   <details>", "| a |\n|---|\n| <details> |", "# a <details>"),
        *(
            "<noscript>",
            "<svg>",
            "<a href='",
            "`<details>",
            "\\<details>",
            "<details",
            "[a](<details>)",
            "<! a",
        ),
        *("<https://a.b> <details>", "<https://a b>", "<details:a>", "</details>", "[^1]: <details>", "<a>"),
    ],
)
def test_in_a_tag_that_only_some_parsers_see(tag: str) -> None:
    """Somebody writes a tag where it is text to one parser, and to another, or the next version, a tag."""
    with pytest.raises(
        ReconcilerError, match="has what may be a tag or a comment, and may hide a Reconciler"
    ):
        allowances(f"{tag}\n\n{LINE}\n")


@pytest.mark.parametrize(
    "text",
    [
        f"```\n\n{LINE}\n\n```",
        f"```\n\n{LINE}",
        f"~~~\n```\n\n{LINE}\n\n```\n~~~",
        f"````\n```\n\n{LINE}\n",
        f"```\n\n    ```\n\n{LINE}",
        f"```\n```a\n\n{LINE}",
        f"    {LINE}",
        f"\t{LINE}",
        f"`\n{LINE}\n`",
        f"`{LINE}`",
        f"\ufeff```\n\n{LINE}",
        f"```math\n\n{LINE}\n\n```",
    ],
)
def test_in_code(text: str) -> None:
    """Somebody writes an approval as code, which the page shows as an example."""
    lifts_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        f"- a\n  ```\ntext\n```\n\n{LINE}\n",
        f"- a\n\n  ```\n\n```\n\n{LINE}\n",
        f"1. ```\n```\n\n{LINE}\n",
        f"> ```\n```\n\n{LINE}\n",
        f"a|b\n-|-\n2. c\n   ```\n```\n\n{LINE}\n",
        f"[^1]:\n2. c\n   ```\n```\n\n{LINE}\n",
        f"[a]: /url\n2. c\n   ```\n\n{LINE}\n",
        f"- a\n\n ```\n  ```\n ```\n\n{LINE}\n",
    ],
)
def test_behind_a_fence_that_two_parsers_read_in_two_ways(text: str) -> None:
    """Somebody begins code in a list, a table or a footnote, so that what seems to end it begins more."""
    lifts_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        f"> {LINE}",
        f"> a\n{LINE}",
        f"- {LINE}",
        f"- a\n{LINE}",
        f"- a\n\n  {LINE}",
        f"1. a\n\n   {LINE}",
        f"a[^1]\n\n[^1]: {LINE}",
        f"a[^1]\n\n[^1]: b\n{LINE}",
        f"[a]: /url '\n{LINE}\n'",
        f"[a]: /url\n'{LINE}'",
        f"[a](/url '\n{LINE}\n')",
        f"![a](/url\n'\n{LINE}\n')",
        f"a|b\n-|-\n{LINE}",
        f"{LINE}\n|-|",
        f"{LINE}\n===",
        f"{LINE}\n---",
        f"~~a\n{LINE}\nb~~",
    ],
)
def test_in_a_part_of_something_else(text: str) -> None:
    """Somebody makes an approval a part of a list, a quotation, a note, a table or a link's title."""
    lifts_nothing(text)


@pytest.mark.parametrize(
    "around", [("a=1<!--", "-->"), ("`", "`"), ("[", "](/a)"), ("~~", "~~"), ("<b", ">")]
)
@pytest.mark.parametrize("name", ["Allow: {}=1 digest=ab12cd34ef56", "Include: {}"])
def test_between_two_lines_that_count(name: str, around: tuple[str, str]) -> None:
    """Somebody has two other such lines begin and end what hides the approval between them."""
    first, last = (f"Reconciler-{name.format(part)}" for part in around)
    for read in (allowances, inclusions, holds_lines):
        with pytest.raises(ReconcilerError, match=r"is not understood|has what may be"):
            read(f"{first}\n{LINE}\n{last}")


@pytest.mark.parametrize("mark", ["$$", "a $$", "```\n$$\n```", "<!-- $$ -->"])
def test_in_math(mark: str) -> None:
    """Somebody has the page draw an approval as a formula, in which it can be made invisible."""
    with pytest.raises(ReconcilerError, match="what may begin math, and may hide a Reconciler line below it"):
        allowances(f"{mark}\n\n{LINE}\n\n{mark}")


@pytest.mark.parametrize(
    "blank", ["\u00a0", "\x0c", "\x0b", "\u200b", "\u3000", "\x85", "\u2028", "\x00", "\\"]
)
def test_after_a_line_that_only_seems_to_be_empty(blank: str) -> None:
    """Somebody joins an approval to the paragraph above it by a line that looks empty to one parser only."""
    with pytest.raises(ReconcilerError, match="must begin its line, with an empty line before it"):
        allowances(f"[a]: /url '\n{blank}\n{LINE}\n'")


@pytest.mark.parametrize("depth", [25, 200, 20_000])
@pytest.mark.parametrize("container", ["> ", "- ", "1. ", ">", "* > "])
def test_below_more_levels_than_a_parser_counts(container: str, depth: int) -> None:
    """Somebody nests lists and quotations until a parser gives up, and hides an approval in what it skips."""
    for text in (f"{container * depth}```\n{LINE}", f"{container * depth}<!--\n\n{LINE}"):
        with suppress(ReconcilerError):
            counted = allowances(text)
            assert not counted or LINE in shown_lines(text)


def test_in_any_way_that_chance_finds() -> None:
    """Somebody tries thousands of texts of everything that Markdown and HTML know, broken in every way."""
    outcomes, failures = fuzzing_lines.run(range(2000), seed=0)
    assert failures == []
    assert len(outcomes) == 3
    assert min(outcomes.values()) > 200


def test_chance_finds_a_reader_that_takes_a_line_for_what_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody tries anything: a reader that only looks for lines is caught, or the search proves nothing."""

    def naive(text: str) -> dict[str, str]:
        return dict.fromkeys(re.findall(r"(?m)^Reconciler-Allow: (\w+)=1", text), "")

    monkeypatch.setattr(fuzzing_lines, "allowances", naive)
    assert len(fuzzing_lines.run(range(200), seed=0)[1]) > 20


@settings(max_examples=300)
@given(st.lists(st.sampled_from(fuzzing_lines.PIECES), max_size=16).map("".join).map(fuzzing_lines.numbered))
def test_in_any_way_that_a_search_finds(text: str) -> None:
    """Somebody puts fragments together one by one, looking for the shortest text that works."""
    assert fuzzing_lines.hidden(text)[1] == []

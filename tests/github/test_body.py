"""What a pull request's text approves, and what it only quotes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shown_lines import shown_lines

from reconciler.errors import ReconcilerError
from reconciler.github.body import allowances, holds_lines, inclusions
from reconciler.planning.allowance import Allowance

DIGEST = "ab12cd34ef56"
LINE = f"Reconciler-Allow: production=37 digest={DIGEST}"


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        f"Please look.\r\n\r\n{LINE}\r\n",
        f"{LINE}  ",
        f"reconciler-allow:production=37   digest={DIGEST.upper()}",
        f"```\n{LINE}0\n```\n{LINE}\n{LINE}",
        f"<!-- {LINE}0 --> \n{LINE}",
        f"Please look.\r\r{LINE}",
        f"{LINE}\n\nThat was a paragraph of its own.",
        f"Please look.\n \t\n{LINE}\n \nThanks.",
        f"<!--\nWhat is this for?\n\nSay so.\n-->\n\n{LINE}\n\n<!-- a -->",
        f"<!-- What is this for? -->\r\n{LINE}\r\n<!-- And this? -->\r\n",
        f"{LINE}\nReconciler-Include: drift\n\nFor `<b>`:\n\n<details>\n<summary>Log</summary>\n</details>",
        f"# What\n\n- one\n- two\n  - three\n\n1. four\n\n> said\n\n---\n\n{LINE}\n\n## Why\n\n- [ ] five",
        f"See <https://example.com/a?b=c#d>, [this](/that): 1 < 2 <3, for $5 & more.\n\n{LINE}",
        f"| a | b |\n|---|---|\n| c | d |\n\n{LINE}",
        f"For example:\n```html\n<details>\n$HOME\n```\n\n{LINE}",
        f"- one\n\n      {LINE}0\n\n{LINE}",
        f"Reconciler-Include: drift\n{LINE}",
        f"Write ```code``` like this:\n\n```code``` and on.\n\n{LINE}",
        f"~~~\n{LINE}0\n~~~ \n{LINE}",
    ],
)
def test_a_line_approves_one_plan(text: str) -> None:
    assert allowances(text) == {"production": Allowance(37, DIGEST)}
    assert holds_lines(text)
    assert any(line.lower().startswith("reconciler-allow") for line in shown_lines(text))


def test_a_line_may_approve_new_users_too() -> None:
    text = f"Reconciler-Allow: production=0 creations=120 digest={DIGEST}"
    found = allowances(text)
    assert found == {"production": Allowance(0, DIGEST, 120)}
    assert found["production"].line("production") == text
    assert allowances(LINE)["production"].line("production") == LINE


def test_each_target_has_its_own() -> None:
    text = f"{LINE}\nReconciler-Allow: eu/live-2.a=1 digest={DIGEST}ff"
    assert allowances(text) == {
        "production": Allowance(37, DIGEST),
        "eu/live-2.a": Allowance(1, f"{DIGEST}ff"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"<!--\n{LINE}\n-->",
        f"<!-- a -->\n\n<!--\n\n{LINE}\n\n-->\n\n<details>",
        f"- ```\n  {LINE}\n  ```",
        f"```text\n{LINE}\n```",
        f"~~~~\n```\n{LINE}\n~~~~",
        f"````\n```\n{LINE}",
        f"```\n```python\n{LINE}\n```",
        f"```\n\n{LINE}\n\n~~~\n",
        f"> {LINE}",
        f"    {LINE}",
        f"`{LINE}`",
        f"Write {LINE}",
        f"**{LINE}**",
        "Reconc\u0131ler-Allow: production=37",
    ],
)
def test_an_example_approves_nothing(text: str) -> None:
    assert allowances(text) == {}
    assert not holds_lines(text)


@pytest.mark.parametrize(
    "text",
    [
        "Reconciler-Allow:",
        "Reconciler-Allow: production=37",
        "Reconciler-Allow: production=37 digest=ab12",
        f"Reconciler-Allow: production=many digest={DIGEST}",
        f"Reconciler-Allow: production=-1 digest={DIGEST}",
        f"Reconciler-Allow: production=1 creations= digest={DIGEST}",
        f"Reconciler-Allow: creations=1 production=1 digest={DIGEST}",
        f"{LINE} and more",
    ],
)
def test_a_line_that_is_not_understood_is_named(text: str) -> None:
    with pytest.raises(ReconcilerError, match="is not understood; write `Reconciler-Allow: production=37"):
        allowances(text)


@pytest.mark.parametrize(
    "text",
    [
        f"<?\n\n{LINE}\n\n?>",
        f"<![CDATA[\n\n{LINE}\n\n]]>",
        f"<!X\n\n{LINE}\n\n>",
        f"<style>\n\n{LINE}\n\n</style>",
        f"<pre>\n\n{LINE}\n",
        f"<!-- never closed\n\n{LINE}",
        f"{'- ' * 100}\n\n{LINE}\n===",
    ],
)
def test_a_line_in_what_a_page_does_not_show_is_refused(text: str) -> None:
    for read in (allowances, inclusions, holds_lines):
        with pytest.raises(ReconcilerError, match=r"Reconciler-Allow: .*' m(ust|ay) be"):
            read(text)


@pytest.mark.parametrize(
    ("above", "shown", "what"),
    [
        ("Use `List<String>` here.", "<String>` here.", "what may be a tag or a comment"),
        ("<!-- a --> b", "<!-- a --> b", "what may be a tag or a comment"),
        ("1. a\n   ```\n   b\n   ```", "   ```", "a code fence with blanks before it"),
        ("```\n\x1b[1m\n```", r"\x1b[1m", "a control character"),
        ("Costs $$", "$$", "what may begin math"),
    ],
)
def test_what_may_hide_the_line_below_it_is_named(above: str, shown: str, what: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        allowances(f"{above}\n\n{LINE}")
    said = (
        f"line {shown.strip()!r} has {what}, and may hide a Reconciler line below it: put that one at the top"
    )
    assert said.replace(r"\\", "\\") in str(caught.value)
    assert allowances(f"{LINE}\n\n{above}") == {"production": Allowance(37, DIGEST)}


@pytest.mark.parametrize("after", ["and more", "===", "---", "|-|", "- item", "# heading", "<b>", "2. two"])
def test_a_line_with_more_below_it_is_refused(after: str) -> None:
    with pytest.raises(ReconcilerError, match="must be a paragraph of its own: put an empty line after it"):
        allowances(f"{LINE}\n{after}")


@pytest.mark.parametrize(
    "before", ["Approved:", '[x]: /url "', "[^1]: note", "> quoted", "- item", "```a``` b"]
)
def test_a_line_within_a_paragraph_is_refused(before: str) -> None:
    # It may be the title of a link, or a note, that the page never shows.
    with pytest.raises(
        ReconcilerError,
        match=r"line 'Reconciler-Allow: .*' must begin its line, with an empty line before it",
    ):
        allowances(f"{before}\n{LINE}")


@pytest.mark.parametrize("before", [" ", "  ", "- <?\n\n  ", "- ```\n\n  "])
def test_a_line_that_is_indented_is_refused_or_hidden(before: str) -> None:
    # It may belong to an item of a list, and with it to something in there that is not shown.
    with suppress(ReconcilerError):
        assert allowances(f"{before}{LINE}") == {}


def test_a_comment_within_the_title_of_a_link_does_not_end_it() -> None:
    with pytest.raises(ReconcilerError, match="must begin its line, with an empty line before it"):
        allowances(f'[x]: /url "\n    <!-- a -->\n{LINE}\n"')


def test_a_line_is_named_in_a_few_words() -> None:
    with pytest.raises(ReconcilerError) as caught:
        allowances("Reconciler-Allow: " + "x" * 60_000)
    assert len(str(caught.value)) < 400


def test_two_approvals_of_one_target_are_none() -> None:
    with pytest.raises(ReconcilerError, match="approves two plans for production"):
        allowances(f"{LINE}\n{LINE.replace('37', '38')}")


def test_what_is_to_be_applied_too() -> None:
    assert inclusions("") == ()
    text = "Reconciler-Include: Drift\n\nReconciler-Include: backlog, drift"
    assert inclusions(text) == ("drift", "backlog")
    with pytest.raises(ReconcilerError, match="'Reconciler-Include: everything' is not understood"):
        inclusions("Reconciler-Include: everything")


def test_a_text_with_any_line_is_known() -> None:
    assert not holds_lines("Nothing <b>")
    assert holds_lines("Reconciler-Include: drift")
    assert holds_lines(LINE)


@given(st.text() | st.text(st.sampled_from("Reconciler-AlowIncude: =0digest\n`<!->~ "), max_size=80))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for read in (allowances, inclusions, holds_lines):
        with suppress(ReconcilerError):
            read(text)

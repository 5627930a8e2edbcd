import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.views.layout import BLANK, Line, Part, cells, draw, line

_PARTS = st.lists(
    st.builds(
        Part,
        st.text("ab 山e\u0301", max_size=40).map(str.strip),
        st.sampled_from(["", "add"]),
        st.integers(1, 9),
    ),
    max_size=5,
)


def test_without_a_width_every_line_is_one_row() -> None:
    text = draw([line("+", "word " * 99 + "end", Part("place", "dim", 2), indent=4)], width=None, color=False)
    assert text == f"    + {'word ' * 99}end  place\n"


def test_parts_move_as_a_whole_before_they_are_broken() -> None:
    text = draw([line("~", "one two three", "-> four five six", hang=2)], width=20, color=False)
    assert text == "~ one two three\n  -> four five six\n"


def test_a_word_longer_than_the_row_is_broken_inside() -> None:
    assert draw([line("a" * 20)], width=16, color=False) == f"{'a' * 16}\n    aaaa\n"


def test_a_sign_stays_with_what_it_is_about() -> None:
    assert draw([line("-", "a" * 20, hang=2)], width=16, color=False) == f"- {'a' * 14}\n  {'a' * 6}\n"


def test_blanks_that_do_not_fit_are_a_row_end() -> None:
    assert draw([line(f'"{" " * 40}x"')], width=16, color=False) == '"\n    x"\n'


def test_columns_line_up_only_where_there_is_room() -> None:
    item = line("name", Part("Ada", gap=9))
    assert draw([item], width=80, color=False) == "name         Ada\n"
    assert draw([item], width=30, color=False) == "name  Ada\n"


def test_a_bar_stands_before_every_row() -> None:
    bar = Part("|", "alarm", 0)
    lines = [Line(bar=bar), line("one two three four", indent=1, hang=3, bar=bar), BLANK]
    assert draw(lines, width=16, color=False) == "|\n|  one two three\n|    four\n\n"


def test_colour_is_put_around_text_only() -> None:
    text = draw([line(Part("-", "remove"), Part("gone", "dim", 2), "plain")], width=None, color=True)
    assert text == "\x1b[31m-\x1b[0m  \x1b[2mgone\x1b[0m plain\n"


@pytest.mark.parametrize(("text", "size"), [("ada", 3), ("山田", 4), ("e\u0301", 1), ("❤\ufe0f", 1)])
def test_width_is_counted_in_columns(text: str, size: int) -> None:
    assert cells(text) == size


@given(_PARTS, st.integers(0, 30), st.integers(0, 90), st.booleans(), st.integers(1, 90))
def test_no_row_is_too_wide_and_nothing_is_lost(
    parts: list[Part],
    indent: int,
    hang: int,
    barred: bool,  # noqa: FBT001 (hypothesis passes it)
    width: int,
) -> None:
    bar = Part("|", "", 0) if barred else None
    rows = draw([line(*parts, indent=indent, hang=hang, bar=bar)], width=width, color=False).splitlines()
    assert all(cells(row) <= max(width, 16) for row in rows)
    assert not any(row.endswith(" ") for row in rows)
    kept = "".join(row.removeprefix("|") for row in rows)
    assert re.sub(r" ", "", kept) == "".join(part.text for part in parts).replace(" ", "")

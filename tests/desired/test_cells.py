"""Cells that a spreadsheet would run are made harmless, and undone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.cells import harmless, undone

BEGIN = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


@pytest.mark.parametrize("begin", BEGIN)
def test_a_cell_that_would_be_run_is_text(begin: str) -> None:
    assert harmless(f"{begin}cmd|' /C calc'!A0") == f"'{begin}cmd|' /C calc'!A0"


@pytest.mark.parametrize("part", [";", "\t", "\n", "\r", "\r\n", '"\n', ';"', ";'"])
@pytest.mark.parametrize("sign", "=+-@\uff1d")
def test_a_part_that_would_be_a_cell_of_its_own_is_text_too(part: str, sign: str) -> None:
    """Somebody puts a formula behind what parts the cells on a reviewer's machine."""
    text = f"Ada{part}{sign}cmd|' /C calc'!A0"
    assert not re.search(f'[;\t\r\n]"*{re.escape(sign)}', harmless(text))
    assert undone(harmless(text)) == text


@pytest.mark.parametrize(
    "cell",
    ["a; b", "x;y", "one\ntwo", ";'tis", "", "Ada", "'tis", "O'Neill", "a=b", "5", "ada@acme.com", "'"],
)
def test_any_other_cell_stays(cell: str) -> None:
    assert harmless(cell) == cell
    assert undone(cell) == cell


@given(st.text(st.sampled_from(f"'\";a1 {BEGIN}")) | st.text())
def test_what_was_made_harmless_is_undone_exactly(cell: str) -> None:
    assert undone(harmless(cell)) == cell
    assert harmless(cell)[:1] not in BEGIN or harmless(cell) == ""

"""Cells that a spreadsheet would run are made harmless, and undone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.cells import harmless, undone

BEGIN = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


@pytest.mark.parametrize("begin", BEGIN)
def test_a_cell_that_would_be_run_is_text(begin: str) -> None:
    assert harmless(f"{begin}cmd|' /C calc'!A0") == f"'{begin}cmd|' /C calc'!A0"


@pytest.mark.parametrize("cell", ["", "Ada", "'tis", "O'Neill", "a=b", "5", "ada@acme.com", "'"])
def test_any_other_cell_stays(cell: str) -> None:
    assert harmless(cell) == cell
    assert undone(cell) == cell


@given(st.text(st.sampled_from(f"'a1 {BEGIN}")) | st.text())
def test_what_was_made_harmless_is_undone_exactly(cell: str) -> None:
    assert undone(harmless(cell)) == cell
    assert harmless(cell)[:1] not in BEGIN or harmless(cell) == ""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Value
from reconciler.views.safe import label, printable, quote


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Ada Lovelace", "Ada Lovelace"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\r\tc", "a\\x0ab\\x0d\\x09c"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\u200b\ufeff\u00ad", "\\u200b\\ufeff\\xad"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("a\u00a0b", "a\\xa0b"),
        ("\u3164\u2800", "\\u3164\\u2800"),
        ("Zoë 山田　太郎 \U0001f600 אדה", "Zoë 山田　太郎 \U0001f600 אדה"),
    ],
)
def test_what_cannot_be_seen_is_shown_by_its_code_point(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_nothing_that_acts_on_a_terminal_is_left(text: str) -> None:
    shown = printable(text)
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown)
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(none)"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (1.5, "1.5"),
        ("emea", "emea"),
        ("Ada O'Hara (she)", "Ada O'Hara (she)"),
        (("emea", "apac"), "[emea, apac]"),
        (("1", 1, "a, b"), '["1", 1, "a, b"]'),
        ((), "[]"),
        ("", '""'),
        (" x", '" x"'),
        ("x ", '"x "'),
        ("0420", '"0420"'),
        ("-1.5e3", '"-1.5e3"'),
        (".5", '".5"'),
        ("1_000", '"1_000"'),
        ("True", '"True"'),
        ("null", '"null"'),
        ("(none)", '"(none)"'),
        ("a -> b", '"a -> b"'),
        ("a  b", '"a  b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("\\x1b", '"\\\\x1b"'),
        ("\x1b", "\\x1b"),
    ],
)
def test_values_that_could_be_mistaken_are_quoted(value: Value, shown: str) -> None:
    assert quote(value) == shown


def test_a_name_may_be_a_number_but_not_two_columns() -> None:
    assert label("2024") == "2024"
    assert label("Ops, EMEA") == '"Ops, EMEA"'


@given(st.text(), st.text())
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    if one != other:
        assert quote(one) != quote(other)


def test_an_escape_and_its_spelling_never_look_the_same() -> None:
    assert quote("\\x1b") != quote("\x1b")
    assert quote(("\\x1b",)) != quote(("\x1b",))

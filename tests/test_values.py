"""Values that mean the same are one value, and nothing else is."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Definition, Value
from reconciler.values import alike, canonical, instant

NUMBER = Definition("n", "number")
LIST = Definition("l", multiple=True)
NUMBERS = Definition("ns", "number", multiple=True)
SWITCH = Definition("s", "boolean")
MOMENT = Definition("m", "date-time")
ANY_CASE = Definition("c", exact_case=False)


@pytest.mark.parametrize(
    ("value", "definition", "expected"),
    [
        ("", Definition("s"), None),
        ((), LIST, None),
        (("", None), LIST, None),
        (5, Definition("s"), "5"),
        (1.5, Definition("s"), "1.5"),
        (True, Definition("s"), "true"),
        (False, NUMBER, "false"),
        ("5", NUMBER, 5),
        ("5.00", NUMBER, 5),
        (" 5 ", NUMBER, 5),
        ("1e3", NUMBER, 1000),
        ("-0", NUMBER, 0),
        ("0.10", NUMBER, 0.1),
        ("", NUMBER, None),
        ("five", NUMBER, "five"),
        ("1.2.3", NUMBER, "1.2.3"),
        ("9" * 500, NUMBER, "9" * 500),
        (2**53, NUMBER, 2**53),
        (2**53 + 1, NUMBER, "9007199254740993"),
        ("-9007199254740993.0", NUMBER, "-9007199254740993"),
        ("0.1000000000000000055511151231257827", NUMBER, "0.1000000000000000055511151231257827"),
        (("b", "a", "b"), LIST, ("a", "b")),
        ("a", LIST, ("a",)),
        (("2", 10, "x", 1), NUMBERS, (1, 2, 10, "x")),
        (True, SWITCH, True),
        ("true", SWITCH, True),
        ("False", SWITCH, False),
        ("yes", SWITCH, "yes"),
        (1, SWITCH, "1"),
        ("", SWITCH, None),
        ((True, "false"), Definition("ss", "boolean", multiple=True), (False, True)),
        ("2024-01-31T10:00:00+02:00", MOMENT, "2024-01-31T08:00:00Z"),
        ("2024-01-01t00:30:00.250z", MOMENT, "2024-01-01T00:30:00.25Z"),
        ("0999-12-31T23:00:00-01:00", MOMENT, "1000-01-01T00:00:00Z"),
        ("2024-01-31", MOMENT, "2024-01-31"),
        ("soon", MOMENT, "soon"),
        (" Ada@ACME.com", Definition("r", "user"), "ada@acme.com"),
        ("Finance", Definition("r", "group"), "finance"),
        ("x.pdf", Definition("f", "file"), "x.pdf"),
    ],
)
def test_canonical(value: Value, definition: Definition, expected: Value) -> None:
    found = canonical(value, definition)
    assert found == expected
    assert type(found) is type(expected)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3) | st.integers())
def test_a_number_keeps_its_value(number: Decimal | int) -> None:
    found = canonical(str(number), NUMBER)
    assert Decimal(str(found)) == Decimal(number)
    assert canonical(found, NUMBER) == found


@given(st.lists(st.text() | st.integers()), st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(items: list[str | int], random: object) -> None:
    shuffled = items + items[:2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert canonical(tuple(items), NUMBERS) == canonical(tuple(shuffled), NUMBERS)


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "20240131", "2024-01-31T10:00:00", "2024-01-31T25:00:00Z", "0001-01-01T00:00:00+14:00"],
)
def test_what_is_no_moment_stays_text(text: str) -> None:
    assert instant(text) is None
    assert canonical(text, MOMENT) == text


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-1439, 1439))  # noqa: DTZ001
def test_a_moment_is_the_same_in_every_zone(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert canonical(elsewhere.isoformat(), MOMENT) == canonical(moment.isoformat(), MOMENT)


@pytest.mark.parametrize(
    ("one", "other", "definition", "expected"),
    [
        ("EMEA", "emea", ANY_CASE, True),
        ("EMEA", "emea", Definition("c"), False),
        ("EMEA", "apac", ANY_CASE, False),
        (("EMEA", "apac"), ("APAC", "emea"), ANY_CASE, True),
        ("EMEA", None, ANY_CASE, False),
    ],
)
def test_case_matters_where_the_definition_says_so(
    one: Value, other: Value, definition: Definition, *, expected: bool
) -> None:
    assert alike(one, other, definition) is expected

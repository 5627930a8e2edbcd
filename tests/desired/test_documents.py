import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired import pyyaml
from reconciler.desired.documents import REFUSED, Document, parse
from reconciler.desired.text import MAX_BYTES, MAX_PROBLEMS
from reconciler.errors import Place


def read(text: str) -> Document:
    return parse(text.encode(), "people.yaml")


def problems(text: str | bytes) -> list[str]:
    raw = text.encode() if isinstance(text, str) else text
    return [str(problem) for problem in sorted(parse(raw, "people.yaml").problems)]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5", 5),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("true", True),
        ("false", False),
        ("null", None),
        ("9007199254740993", 9007199254740993),
        ("9" * 300, int("9" * 300)),
        ("9" * 301, "9" * 301),
        ("1.10", "1.10"),
        ("5.0", "5.0"),
        ("1e5", "1e5"),
        ("-0", "-0"),
        ("-0.0", "-0.0"),
        ("+1", "+1"),
        ("0420", "0420"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        (".5", ".5"),
        ("1.", "1."),
        ("-x", "-x"),
        ("0.00001", "0.00001"),
        ("1.00000000000000000001", "1.00000000000000000001"),
        (".inf", ".inf"),
        ("nan", "nan"),
        ("no", "no"),
        ("on", "on"),
        ("True", "True"),
        ("Null", "Null"),
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ('"5"', "5"),
        ("'true'", "true"),
        ("'null'", "null"),
        ("''", ""),
        ('"~"', "~"),
        ("Zoë 👩‍💻", "Zoë 👩‍💻"),
    ],
)
def test_a_scalar_is_what_its_canonical_json_spelling_says_and_else_text(written: str, value: object) -> None:
    document = read(f"a: {written}\n")
    assert document.problems == []
    assert document.data == {"a": value}
    assert type(document.data["a"]) is type(value)


def test_a_key_is_always_text() -> None:
    assert read("5: a\ntrue: b\nnull: c\nno: d\n1.5: e\n").data == {
        "5": "a",
        "true": "b",
        "null": "c",
        "no": "d",
        "1.5": "e",
    }


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n", "\ufeff"])
def test_an_empty_file_says_nothing_and_is_right(text: str) -> None:
    document = read(text)
    assert (document.data, document.problems, document.whole) == ({}, [], True)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    document = parse("\ufeffa: b\r\nc:\r\n  - d\r\n".encode(), "f")
    assert document.data == {"a": "b", "c": ["d"]}
    assert document.source.find(("c", 0)) == Place("f", 3, 5)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", ["3:1: `a` is written twice; first at people.yaml:1:1 (keep one of them)"]),
        ("a: [{k: 1, k: 2}]\n", ["1:12: `k` is written twice; first at people.yaml:1:6 (keep one of them)"]),
        (
            "users:\n  a@b:\n    name: x\n    name: y\n",
            ["4:5: `name` is written twice; first at people.yaml:3:5 (keep one of them)"],
        ),
        (
            "users:\n  a@b: {x: {k: 1, k: 2}}\n  a@b: {}\n",
            [
                "2:19: `k` is written twice; first at people.yaml:2:13 (keep one of them)",
                "3:3: `a@b` is written twice; first at people.yaml:2:3 (keep one of them)",
            ],
        ),
        (
            "a: &base {x: 1}\n",
            ["1:4: anchors (`&base`) are not supported (write the value out; text that begins with `&`"],
        ),
        ("a: &x 5\n", ["1:4: anchors (`&x`) are not supported"]),
        (
            "a: *base\n*k : 1\nb: [*c]\n",
            [
                "1:4: aliases (`*base`) are not supported",
                "2:1: aliases (`*k`) are not supported",
                "3:5: aliases (`*c`) are not supported",
            ],
        ),
        ("a: *@vendor.example\n", ["1:4: text that begins with `*` must be quoted"]),
        ("a: &@b\n", ["1:4: text that begins with `&` must be quoted"]),
        ("u:\n  <<: {x: 1}\n", ["2:3: merge keys (`<<`) are not supported (write the fields out"]),
        ("a: !!str 5\n", ["1:4: tags (`!!str`) are not supported"]),
        ("a: !env X\n", ["1:4: tags (`!env`) are not supported"]),
        ("!x a: 1\nb: !!map {}\n", ["1:1: tags (`!x`) are not supported", "2:4: tags (`!!map`) are not"]),
        ("a: !e!x 1\n", ["1:4: tags are not supported"]),
        ("a: 1\n---\nb: 2\n", ["2:1: a second document begins here (put it into a file of its own)"]),
        ("%YAML 1.2\n---\na: 1\n", ["1:1: directives are not supported (remove the line"]),
        ("%YAML 3.0\n---\na: 1\n", ["1:1: directives are not supported"]),
        ("%OTHER\n---\na: 1\n", ["1:1: directives are not supported"]),
        ("%TAG !e! x:\n---\na: 1\n", ["1:1: directives are not supported"]),
        (
            "a: ~\n",
            ["1:4: `~` is not a value here (leave the field out to leave it alone, write [] or {} for"],
        ),
        ("a:\nb: 1\n", ["1:3: `a` has no value (leave the field out"]),
        ("a: [x, ~]\n", ["1:8: a list item has no value (remove it)"]),
        ("a:\n  -\n  - x\n", ["2:4: a list item has no value"]),
        ("~\n", ["1:1: a list item has no value"]),
        ("? [x]\n: y\nb: 1\n", ["1:3: a key must be text (write `name: value`)"]),
        (
            'a: "x\\x1b[31m"\n',
            ["1:4: the text holds the invisible character U+001B (write plain text on one line)"],
        ),
        ('"a\\nb": 1\n', ["1:1: the text holds a line break"]),
        ("a: |\n  x\n", ["1:4: the text holds a line break"]),
        ('a: "x\ty"\n', ["1:4: the text holds a tab"]),
        ('a: "x\\u2028y"\n', ["1:4: the text holds the invisible character U+2028"]),
        ("a: x\x07y\n", ["1:5: the invisible character U+0007 is not allowed in a file (remove it)"]),
        (
            "a: 1 # no\rb: 2\n",
            ["1:10: a carriage return without a line feed (end the line with LF or CRLF"],
        ),
        ("a: 1\r\r\nb: 2\n", ["1:5: a carriage return without a line feed"]),
        ("%YAML 1.2\n%YAML 1.2\n---\na: 1\n", [f"{at}:1: directives are not supported" for at in (1, 2)]),
        ("a: !<x%1b> y\n", ["1:4: tags (`x\ufffd`) are not supported"]),
        ("a: &" + "x" * 99 + " y\n", [f"1:4: anchors (`&{'x' * 59}…`) are not supported"]),
        (
            "a: x" + "\u0301" * 31,
            ["1:4: the text holds more accents in a row than any language (remove them)"],
        ),
        ("a: |\n", ["1:4: `a` has no value"]),
        ("a:\n  - >+2\n", ["2:5: a list item has no value"]),
        ("a: |\n  x", ["1:4: the text holds a line break"]),
        ("a: {b: c", ["1:4: a `{` is not closed"]),
        ("a: 1\nb", ["2:1: this line is no field"]),
        ("a: 1\nb:", ["2:3: `b` has no value"]),
        ("a:\n  b: [", ["2:7: a value is missing here"]),
        ("? a@b\n: x: 1\n  x: 2\n", ["3:3: `x` is written twice; first at people.yaml:2:3 (keep one"]),
        ("a: x\nb: \ufeffy\n", ["2:4: a byte order mark is not allowed in a file"]),
        ("a: " + "[" * 20 + "]" * 20, ["1:23: nesting is deeper than 20"]),
        ("- a\n", ["1:1: the file holds no fields (begin with a field, such as `users:`)"]),
        ("5\n", ["1:1: the file holds no fields"]),
        ("null\n", ["1:1: the file holds no fields"]),
        ("a: 'x\nb: 1\n", ["1:4: a quote is opened here and never closed (close it)"]),
        ('a: "\\q"\n', ["1:5: this escape is not known in double quotes"]),
        ('a: "\\ud800"\n', ["1:7: this escape is not known"]),
        ('a: "\\xz"\n', ["1:7: this escape is not complete"]),
        ("a:\n\tb: 1\n", ["2:1: a tab is used to indent (indent with spaces)"]),
        ("a: @x\n", ["1:4: a value cannot begin with this character"]),
        ("a: b: c\n", ["1:5: a `:` where no field can begin"]),
        ("a: [1, 2\nb: 3\n", ["1:4: a `[` is not closed, or a comma is missing (close it with `]`)"]),
        ("a: {b: 1\nc: 2\n", ["1:4: a `{` is not closed, or a comma is missing (close it with `}`)"]),
        ("a:\n  b: 1\n c: 2\n", ["3:2: this line does not fit the lines above it (fields of one object"]),
        ("a: - b\n", ["1:4: a list cannot begin here (put each `- item` on its own line)"]),
        ("a: |z\n x\n", ["1:4: a block of text is not written like this"]),
        ("a: ]\n", ["1:4: a value is missing here"]),
        ("{a: 1} b\n", ["1:8: the file goes on after its end"]),
        ("a: 1\nb\nc: 1\n", ["2:1: this line is no field: it has no `:`"]),
    ],
)
def test_what_could_be_misread_is_refused_with_its_place_and_a_hint(text: str, found: list[str]) -> None:
    said = problems(text)
    assert len(said) == len(found)
    for line, beginning in zip(said, found, strict=True):
        assert line.startswith(f"people.yaml:{beginning}"), line


def test_what_many_languages_write_is_text() -> None:
    for text in ("Zoe\u0308", "नमस्ते दुनिया " * 9 + "x", "e\u0301" * 99, "\u0e01\u0e35\u0e49 " * 20 + "x"):
        assert read(f"a: {text}\n").data == {"a": text}


def test_lines_may_end_as_on_windows() -> None:
    text = "users:\r\n  a@b:\r\n    name: 'A\r\n      B'\r\n    active: true\r\n"
    assert read(text).data == read(text.replace("\r\n", "\n")).data
    assert problems(text.replace("true", "~")) == problems(text.replace("true", "~").replace("\r\n", "\n"))


@pytest.mark.parametrize(
    "text",
    ["\x01" * (MAX_PROBLEMS + 5), "a: [" + "~," * (MAX_PROBLEMS + 5) + "]", "a: 1\n" * (MAX_PROBLEMS + 5)],
)
def test_a_file_with_more_problems_than_anyone_reads_is_read_no_further(text: str) -> None:
    document = read(text)
    assert len(document.problems) == MAX_PROBLEMS + 1
    assert sum(problem.message.endswith("10000 problems") for problem in document.problems) == 1
    assert not document.whole


def test_every_problem_of_a_file_is_found_in_one_run_and_the_rest_is_read() -> None:
    document = read("users:\n  a@b: {name: ~, active: true, active: false}\n  c@d: {name: Cy}\ngroups: ~\n")
    assert [problem.place.line for problem in document.problems] == [2, 4, 2]
    assert document.data["users"] == {"a@b": {"name": REFUSED, "active": False}, "c@d": {"name": "Cy"}}
    assert document.damaged == {("users", "a@b")}
    assert repr(REFUSED) == "a refused value"


def test_a_section_that_cannot_be_read_makes_the_file_less_than_whole() -> None:
    assert not read("groups: ~\n").whole
    assert read("groups: {A: ~}\n").whole


def test_the_first_of_two_documents_is_still_checked() -> None:
    document = read("a: 1\n---\nb: 2\n")
    assert document.data == {"a": 1}
    assert not document.whole


def test_a_yaml_bomb_costs_nothing_since_nothing_is_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    found = problems("\n".join(lines))
    assert "anchors (`&a0`) are not supported" in found[0]
    assert len(found) == 12 + 11 * 9


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            "a: b".encode("utf-16"),
            "people.yaml: the file is UTF-16, not UTF-8 (save it as UTF-8: iconv -f UTF-16",
        ),
        ("a: b".encode("utf-16-le"), "people.yaml: the file is UTF-16, not UTF-8"),
        ("a: b".encode("utf-16-be"), "people.yaml: the file is UTF-16, not UTF-8"),
        (
            "a: b".encode("utf-32"),
            "people.yaml: the file is UTF-32, not UTF-8 (save it as UTF-8: iconv -f UTF-32",
        ),
        ("a: b".encode("utf-32-be"), "people.yaml: the file is UTF-32, not UTF-8"),
        (
            "a: ü\nbé: Zoë".encode("latin-1"),
            "people.yaml:1:4: the byte 0xfc is not UTF-8 (if the file is Latin-1",
        ),
        ("ä: ü\nb: Zo".encode() + b"\xeb", "people.yaml:2:6: the byte 0xeb is not UTF-8"),
        (b" " * (MAX_BYTES + 1), "people.yaml: the file is larger than 32 MiB (split it into several files)"),
    ],
)
def test_bytes_that_are_no_utf_8_are_refused_with_what_to_do(raw: bytes, said: str) -> None:
    document = parse(raw, "people.yaml")
    assert [str(problem)[: len(said)] for problem in document.problems] == [said]
    assert not document.whole


def test_zero_bytes_are_said_one_by_one() -> None:
    said = [problem.message for problem in parse(b"\0\0", "f").problems]
    assert said[:2] == ["the invisible character U+0000 is not allowed in a file"] * 2


PLACES = """\
target: 👩‍💻  # é
users:
  ada@acme.com:
    name: Ada
    attributes:
      region: [emea,
        apac]
  "bob@acme.com": {name: Bob, attributes: {a: 1}, groups: [A, B]}
  ? cy@acme.com
  : name: Cy
keys:
  - env: X
groups: {A: {members: [x@y]}, B: {}}
"""


@pytest.mark.parametrize(
    ("steps", "line", "column"),
    [
        (("users",), 2, 1),
        (("users", "ada@acme.com"), 3, 3),
        (("users", "ada@acme.com", "name"), 4, 5),
        (("users", "ada@acme.com", "attributes", "region"), 6, 7),
        (("users", "ada@acme.com", "attributes", "region", 1), 7, 9),
        (("users", "bob@acme.com", "attributes", "a"), 8, 44),
        (("users", "bob@acme.com", "groups", 1), 8, 63),
        (("users", "cy@acme.com"), 9, 5),
        (("users", "cy@acme.com", "name"), 10, 5),
        (("keys", 0, "env"), 12, 5),
        (("groups", "A", "members", 0), 13, 24),
        (("groups", "B"), 13, 31),
    ],
)
def test_the_place_of_any_value_is_found_on_demand(
    steps: tuple[str | int, ...], line: int, column: int
) -> None:
    assert read(PLACES).source.find(steps) == Place("people.yaml", line, column)


def test_what_is_not_written_has_the_place_of_what_is_around_it() -> None:
    source = read(PLACES).source
    assert source.find(("users", "ada@acme.com", "active")) is None
    assert source.find(("nothing", "here")) is None
    assert source.nearest(("users", "ada@acme.com", "active")) == Place("people.yaml", 3, 3)
    assert source.nearest(("users", "cy@acme.com", "active")) == Place("people.yaml", 9, 5)
    assert source.nearest(("nothing", "here")) == Place("people.yaml", 1, 1)


def test_an_item_is_found_by_what_it_says() -> None:
    source = read(PLACES).source
    bob = ("users", "bob@acme.com", "groups")
    assert source.find_item(bob, str.upper, "B") == Place("people.yaml", 8, 63)
    assert source.find_item(bob, str.upper, "C") is None


TEXT = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff")
)


@given(TEXT)
def test_any_text_in_quotes_is_read_exactly_as_written(text: str) -> None:
    single = text.replace("'", "''")
    double = text.replace("\\", "\\\\").replace('"', '\\"')
    assert read(f"a: '{single}'\nb: [\"{double}\"]\n'k{single}': x\n").data == {
        "a": text,
        "b": [text],
        f"k{text}": "x",
    }


SAMPLE = (
    "users:\n  ada@acme.com: {name: 'Ada', groups: [A, \"B\"], attributes: {r: 0420}}\n  b@c:\n    name: x\n"
)


@given(
    st.integers(0, len(SAMPLE)),
    st.integers(0, 3),
    st.text(st.sampled_from(string.printable + "é\x00\x1b\u2028\ufeff"), max_size=3),
)
def test_any_edit_of_a_file_gives_data_or_problems_and_never_an_exception(
    at: int, cut: int, put: str
) -> None:
    document = read(SAMPLE[:at] + put + SAMPLE[at + cut :])
    assert document.whole or document.problems
    assert isinstance(document.data, dict)


@given(st.binary(max_size=40))
def test_any_bytes_give_data_or_problems_and_never_an_exception(raw: bytes) -> None:
    document = parse(raw, "f")
    assert document.whole or document.problems


def test_the_parser_without_the_c_library_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read(PLACES).data
    monkeypatch.setattr(pyyaml, "_Loader", yaml.Loader)
    document = read(PLACES)
    assert document.data == expected
    assert document.source.find(("groups", "B")) == Place("people.yaml", 13, 31)
    assert problems('a: "\\ud800"\n') == [
        "people.yaml:1:4: the text holds the invisible character U+D800 (write plain text on one line)"
    ]
    assert problems("a:\n\tb: 1\n")[0].startswith("people.yaml:2:1: a tab is used to indent")


def test_a_complaint_without_a_translation_is_passed_on() -> None:
    from reconciler.desired.text import explain  # noqa: PLC0415

    assert explain(" odd ", "x") == (
        "this is not YAML: odd",
        "write text that holds special characters in quotes",
        False,
    )

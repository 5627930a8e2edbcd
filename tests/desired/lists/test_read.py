"""One list as desired state: bytes in, a document out."""

import json
from typing import Any

import pytest

from reconciler.desired.lists.columns import columns_of
from reconciler.desired.lists.read import Wanted, read
from reconciler.errors import Place
from reconciler.providers.registry import KINDS

LIKES = {name: like for kind in KINDS.values() for name, like in kind.likes.items()}
HERE = Place("target.yaml", 1, 1)
OLD, SDK = "omni-user-manager", "omni-sdk"


def wanted(like: str = "", type_: str = "csv", *, leavers: bool = False, **entry: Any) -> Wanted:
    data = LIKES[like][type_] if like else {}
    required = tuple(entry.get("fields", {}).values())
    return Wanted(columns_of(entry, data), type_, HERE, leavers=leavers, required=required)  # type: ignore[arg-type]


def users(text: str | bytes, like: str = "", type_: str = "csv", **entry: Any) -> dict[str, Any]:
    """The people of a list without problems."""
    raw = text if isinstance(text, bytes) else text.encode()
    document = read(wanted(like, type_, **entry), (raw, "l"))
    assert document.problems == []
    found: dict[str, Any] = document.data["users"]
    return found


def problems(text: str | bytes, like: str = "", type_: str = "csv", **entry: Any) -> list[str]:
    raw = text if isinstance(text, bytes) else text.encode()
    return [str(problem) for problem in read(wanted(like, type_, **entry), (raw, "l")).problems]


PLAIN = {"login": "email", "fields": {"name": "name", "attributes.note": "note"}}
ADA = {"ada@acme.com": {"name": "Ada", "attributes": {"note": "x, y"}}}


@pytest.mark.parametrize(
    "raw",
    [
        b'email,name,note\nada@acme.com,Ada,"x, y"\n',
        b"\xef\xbb\xbfemail;name;note\r\nada@acme.com;Ada;x, y\r\n",
        b"email\tname\tnote\nada@acme.com\tAda\tx, y",
        b'email,name,note,,\nada@acme.com,Ada,"x, y",,\n,,,,\n\n',
        b' Email , NAME ,note\n ada@acme.com , Ada ," x, y "\n',
        b'email;name;"no;te";note\nada@acme.com;Ada;"a ""quoted""\r\nline";x, y\n',
    ],
)
def test_a_table_is_read_however_a_spreadsheet_saves_it(raw: bytes) -> None:
    assert users(raw, **PLAIN) == ADA


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0420", "0420"),
        ("1.10", "1.10"),
        ("true", "true"),
        ("'=1+1", "=1+1"),
        ("'-x", "-x"),
        ("O'Neil", "O'Neil"),
        ("[]", []),
        ("[a]", ["a"]),
        ('[a, "b, c" ,d e]', ["a", "b, c", "d e"]),
        ("[007, 8]", ["007", "8"]),
        ("['a, b', O'Neil]", ["a, b", "O'Neil"]),
        ('["\\u00e9\\"", ""]', ['é"', ""]),
    ],
)
def test_a_cell_is_text_or_a_list_in_brackets(cell: str, value: Any) -> None:
    quoted = cell.replace('"', '""')
    found = users(f'email,note\nada@acme.com,"{quoted}"\n', login="email", fields={"attributes.note": "note"})
    assert found == {"ada@acme.com": {"attributes": {"note": value}}}


@pytest.mark.parametrize(
    "cell", ["[", "[a", "[a,]", "[,a]", "[a,,b]", "[[a]]", "[{}]", '["a" b]', "[a] b", '["\\x"]']
)
def test_a_list_that_cannot_be_read_is_a_problem_of_its_cell(cell: str) -> None:
    quoted = cell.replace('"', '""')
    (said,) = problems(f'email,note\na@x,"{quoted}"\n', login="email", fields={"attributes.note": "note"})
    assert said.startswith("l:2:note: ")
    assert said.endswith('(write a list as [a, "b, c"])')


@pytest.mark.parametrize("cell", ["true", "True", "TRUE"])
def test_true_is_written_in_many_ways(cell: str) -> None:
    assert users(f"email,on\na@x,{cell}\nb@x,\n", login="email", fields={"active": "on"}) == {
        "a@x": {"active": True},
        "b@x": {},
    }


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "l:1:1: the list is empty (begin with a line of headers)"),
        (b"\n\n", "l:1:1: the list is empty (begin with a line of headers)"),
        (b"email,name,email\n", "l:1:email: two columns are called `email` (rename one of them)"),
        (
            b"e-mial,name,note\nx,y,z\n",
            "l:1:1: no column says who a row is about; expected is `email` (did you mean `e-mial`?)",
        ),
        (b"email,name\nx@y,z\n", "l:1:1: there is no column `note` (there are: email, name)"),
        (
            b'email,name,note\nx@y,"a"b,c\n',
            "l:2:1: something follows a closed quote in this row",
        ),
        (
            b'email,name,note\nx@y,a,b\nz@y,"a\nb,c\n',
            "l:3:1: a quote is opened in this row and never closed (close it)",
        ),
        (
            b"email,name,note\nx@y,a,b,c\n",
            "l:2:1: this row has 4 cells, and the header 3 (put a cell that holds a comma in quotes)",
        ),
        (
            b"email,name,note\nx@y\n",
            "l:2:1: this row has 1 cells, and the header 3 (fill the row up",
        ),
        (
            b"email,name,note\nx@y,\x07,b\n",
            "l:2:5: the invisible character U+0007 is not allowed in a file (remove it)",
        ),
        (
            b"email,name,note\nx@y,\xe9,b\n",
            "l:2:5: the byte 0xe9 is not UTF-8 (if the file is",
        ),
        (
            b"\xff\xfee\x00",
            "l: the file is UTF-16, not UTF-8 (save it as UTF-8: iconv -f UTF-16 -t UTF-8 OLD > NEW)",
        ),
    ],
)
def test_what_is_wrong_with_a_table_has_its_place(raw: bytes, said: str) -> None:
    (found,) = problems(raw, **PLAIN)
    assert found.startswith(said)


# JSON


PEOPLE = [{"email": "ada@acme.com", "name": "Ada", "note": "x, y"}]


@pytest.mark.parametrize("data", [PEOPLE, {"a": [1, {}], "Resources": PEOPLE, "totalResults": 1}])
@pytest.mark.parametrize("indent", [None, 2])
def test_records_stand_in_an_array_or_in_resources(data: Any, indent: int | None) -> None:
    assert users(json.dumps(data, indent=indent), type_="json", **PLAIN) == ADA


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "l:1:1: this is not JSON: it begins neither with `[` nor with an object that has `Resources`"),
        ("{}", "l:1:1: this is not JSON: the object has no list called `Resources`"),
        ('{"Resources": [], "Resources": []}', "more than one list called `Resources`"),
        ('[\n{"email": "a@x"},\n]', "l:2:17: this is not JSON: a comma before the end"),
        ('[{"email": "a@x"}', "a comma or `]` is missing"),
        ('[{"email": "a@x", "email": "b@x"}]', "l:1:2: this is not JSON: `email` is written twice"),
        ('[{"email": NaN}]', "l:1:2: this is not JSON: NaN is no number"),
        ("[] x", "l:1:4: this is not JSON: something follows after the end"),
        ("[" * 5000, "nested too deep"),
        ("{'a': 1}", "l:1:2: this is not JSON: Expecting value"),
    ],
)
def test_what_is_no_json_has_its_place(text: str, said: str) -> None:
    (found,) = problems(text, type_="json", **PLAIN)
    assert said in found


def test_a_problem_of_a_record_has_the_line_of_its_field() -> None:
    text = json.dumps([{"email": "a@x", "name": 5, "note": {"a": 1}}, 7, {"email": 8}], indent=1)
    assert [said.partition(" (")[0] for said in problems(text, type_="json", **PLAIN)] == [
        "l:9:email: this row does not say who it is",
        "l:11:email: a person is named by text",
        "l:4:name: `name` must be text, not the number 5",
        "l:5:note: `note` must be text, a number, true, false or a list, not fields",
    ]

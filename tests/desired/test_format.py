import json
import re
from collections import Counter
from itertools import count, pairwise
from textwrap import dedent

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.desired import documents, schema
from reconciler.desired.format import ENTRY_FIELDS, SECTIONS, format_text
from reconciler.errors import Invalid


def formatted(text: str) -> str:
    """The text in order, having checked what holds for every text."""
    result = format_text(text, "people.yaml")
    assert format_text(result, "people.yaml") == result
    assert spelled(result) == spelled(text)
    assert lines_of(result) == lines_of(text)
    assert not result or (result.endswith("\n") and not result.endswith("\n\n"))
    return result


def spelled(text: str) -> str:
    return json.dumps(documents.parse(text.encode(), "people.yaml").data, sort_keys=True)


def lines_of(text: str) -> Counter[str]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    return Counter(line.strip(" \t") for line in lines if line.strip(" \t"))


def golden(before: str, after: str) -> None:
    assert formatted(dedent(before)) == dedent(after)


def test_sections_entries_and_fields_come_in_one_order() -> None:
    golden(
        """\
        groups:
          treasury:
            previously: [Cash Desk]
            members: from_users
          BI Admins: {}
        users:
          zoe@acme.com:
            attributes:
              region: [emea]
              cost_center: 0420
            groups: []
            active: true
            name: Zoe
          Ada@acme.com: {state: absent}
        defaults:
          users:
            attributes: {region: [emea]}
            active: true
        """,
        """\
        defaults:
          users:
            active: true
            attributes: {region: [emea]}

        users:
          Ada@acme.com: {state: absent}
          zoe@acme.com:
            name: Zoe
            active: true
            groups: []
            attributes:
              region: [emea]
              cost_center: 0420

        groups:
          BI Admins: {}
          treasury:
            members: from_users
            previously: [Cash Desk]
        """,
    )


def test_a_comment_moves_with_what_it_stands_above_or_behind() -> None:
    golden(
        """\
        users:
          # Zoe is
          # on leave
          zoe@acme.com: # zoe
            # until May
            active: false # so it is
            # her name
            name: Zoe
          ada@acme.com: {} # ada
        """,
        """\
        users:
          ada@acme.com: {} # ada
          # Zoe is
          # on leave
          zoe@acme.com: # zoe
            # her name
            name: Zoe
            # until May
            active: false # so it is
        """,
    )


def test_the_first_comments_of_a_file_stay_on_top() -> None:
    golden(
        """\

        # yaml-language-server: $schema=../schema.json
        # The people of finance.
        groups: {}
        # who
        users: {}
        """,
        """\
        # yaml-language-server: $schema=../schema.json
        # The people of finance.

        # who
        users: {}

        groups: {}
        """,
    )
    golden(
        """\
        # modeline

        # the groups
        groups: {}
        users: {}
        """,
        """\
        # modeline

        users: {}

        # the groups
        groups: {}
        """,
    )


def test_the_first_and_last_comments_of_a_section_stay_there() -> None:
    golden(
        """\
        users:

          # All of them.


          # bob
          bob@acme.com:
            name: Bob
            # active: false
          ada@acme.com: {}
          # end of users

        # about groups
        groups:
          B: {}
          A:
            members:
              - b@acme.com # b
              # not a
              - a@acme.com
              # end of members
          # end of groups
        # end of file
        """,
        """\
        users:
          # All of them.

          ada@acme.com: {}
          # bob
          bob@acme.com:
            name: Bob
            # active: false
          # end of users

        # about groups
        groups:
          A:
            members:
              - b@acme.com # b
              # not a
              - a@acme.com
              # end of members
          B: {}
          # end of groups
        # end of file
        """,
    )


def test_indentation_is_two_and_what_goes_over_several_lines_keeps_its_shape() -> None:
    golden(
        """\
        users:
            bob@acme.com:
                    name: >-
                        Bob
                        Smith
                    groups: [A,
                             B,
              C
            ]
                    attributes:
                     region:
                     - emea
                     -   apac
                     note: 'over
            two'
                     long: over
                      two
        """,
        """\
        users:
          bob@acme.com:
            name: >-
                Bob
                Smith
            groups: [A,
                     B,
             C
             ]
            attributes:
              region:
                - emea
                -   apac
              note: 'over
               two'
              long: over
               two
        """,
    )


def test_blank_lines_are_one_at_most_between_entries_and_one_between_sections() -> None:
    golden(
        """\


        users:

          b@acme.com: {}



          c@acme.com: {}
            # of c


            # of c too

          a@acme.com: {}


        groups: {}
        defaults: {}


        """,
        """\
        defaults: {}

        users:
          a@acme.com: {}
          b@acme.com: {}

          c@acme.com: {}
            # of c

            # of c too

        groups: {}
        """,
    )


def test_what_is_not_known_comes_last_as_it_is() -> None:
    golden(
        """\
        roles:
            b: {x: 1}
            a:
            - 2
        users:
          a@acme.com:
            nick: Al
            zz: 1
            name: Al
        models: [b, a]
        """,
        """\
        users:
          a@acme.com:
            name: Al
            nick: Al
            zz: 1

        roles:
            b: {x: 1}
            a:
            - 2

        models: [b, a]
        """,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "---\n",
        "# top\n---\n# under\nusers: {}\n...\n# after\n",
        "{users: {b@x: {}, a@x: {}},\n groups: {}}\n",
        "? users\n: b@x: {}\n  a@x: {}\n",
        "users:\n  ? b@x\n  : name: B\n  a@x: {}\n",
        "groups:\n  A:\n    members:\n      -\n        b@x\n      - a@x\n",
        "groups:\n  A:\n    members:\n      - - b\n        - a\n      - b: 1\n        a: 2\n",
        'users:\n  a@x:\n    name: "A\\   \n      b"\n',
        "users:\n  a@x:\n    name: |-\n      blanks behind  \n    active: true\n",
        "users:\n  a@x:\n    name: |2-\n        indented\n    active: true\n",
        "users:\n  a@x:\n    attributes: {region: [no, 0420, 'x',   \"y\"], on: 1.10}\n",
        "users:\n  a@x: {name: non-breaking\u00a0}\n  b@x:\n    name: non-breaking\u00a0\n",
    ],
)
def test_it_stays_as_it_is(text: str) -> None:
    assert formatted(text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("users: {}", "users: {}\n"),
        ("\ufeffusers: {}\r\n\r\n\r\n", "users: {}\n"),
        ("users: {}  \t\n\n\n", "users: {}\n"),
        ("\n\n# a  \n\n\n", "# a\n"),
        ("  users: {}\n  groups: {}\n", "users: {}\n\ngroups: {}\n"),
        ("users:\r\n  a@x:\r\n    name: |-\r\n      A  \r\n", "users:\n  a@x:\n    name: |-\n      A  \n"),
        ("users:\n  a@x:\n    name: >-\n     A", "users:\n  a@x:\n    name: >-\n     A\n"),
        (
            "users:\n  a@x:\n    name: |-\n     A\n\n\n  b@x: {}",
            "users:\n  a@x:\n    name: |-\n     A\n\n  b@x: {}\n",
        ),
        ("users:\n  a@x: {groups: [\n\tA ]}\n", "users:\n  a@x: {groups: [\n   \tA ]}\n"),
        ("users:\n  É@x: {}\n  e\u0301@x2: {}\n", "users:\n  É@x: {}\n  e\u0301@x2: {}\n"),
    ],
)
def test_spacing(before: str, after: str) -> None:
    assert formatted(before) == after


@pytest.mark.parametrize("text", ["users: {", "a: 1\na: 2\n", "a: ~\n", "a: b\r# c\n", "a: \udcff\n"])
def test_a_file_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"^people\.yaml:\d+:\d+: "):
        format_text(text, "people.yaml")


def test_nothing_is_answered_that_says_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.desired.format._Layout.arranged", lambda _: "users: {a@x: {}}\n")
    with pytest.raises(AssertionError, match="would change what it says"):
        format_text("users: {}\n", "people.yaml")


def test_the_fields_are_in_the_order_of_the_schema() -> None:
    known = schema.load("desired-state")
    assert set(known["properties"]) >= set(SECTIONS)
    for kind, names in ENTRY_FIELDS.items():
        assert tuple(known["$defs"][kind]["properties"]) == names


@st.composite
def noise(draw: st.DrawFn) -> list[str]:
    """Comments, at any column, and blank lines."""
    lines = draw(st.lists(st.one_of(st.just(None), st.integers(0, 9)), max_size=3))
    return ["" if width is None else " " * width + "# number" for width in lines]


WORDS = st.sampled_from(
    ["a", "B", "0420", "no", "'q'", '"x # y"', "1.10", "{}", "[]", "[a, b]", "{k: [1, 2]}"]
)


@st.composite
def written(draw: st.DrawFn) -> str:
    """A file as people could leave it: any order, any indentation, comments anywhere."""

    def block(names: list[str], column: int, levels: list[list[str]]) -> list[str]:
        lines = []
        for name in draw(st.permutations(names))[: draw(st.integers(1, 4))]:
            lines += draw(noise())
            behind = draw(st.sampled_from(["", "  ", "  # behind", " #\t"]))
            head = f"{' ' * column}{name}:"
            deeper = column + draw(st.integers(1, 4))
            kind = draw(st.integers(0, 6))
            if levels and kind < 5:
                lines += [head + behind, *block(levels[0], deeper, levels[1:])]
            elif kind == 1:
                dash = " " * draw(st.sampled_from([column, deeper])) + "- "
                items = [[*draw(noise()), dash + draw(WORDS)] for _ in range(draw(st.integers(1, 3)))]
                lines += [head + behind, *(line for item in items for line in item)]
            elif kind == 2:
                mark, pad = draw(st.sampled_from(["|-", ">-"])), " " * deeper
                lines += [f"{head} {mark}", f"{pad}# no comment  ", *([f"{pad}more"] if mark == ">-" else [])]
            elif kind == 3:
                lines += [f"{head} [a,{behind}", "b", f"{' ' * deeper}] {behind}"]
            elif kind == 4:
                lines += [f'{head} "a\\ ', f'{" " * draw(st.integers(1, 9))}b"{behind}']
            else:
                lines.append(f"{head} {draw(WORDS)}{behind}")
        return lines

    entries = ["zoe@x", "Ada@x", "bob@x", '"quoted"', "été"]
    fields = ["name", "members", "groups", "previously", "unknown", "users"]
    lines = block(
        [*SECTIONS, "roles", "models"], draw(st.sampled_from([0, 0, 3])), [entries, fields, ["k", "j"]]
    )
    numbers = count()
    text = re.sub("number", lambda _: str(next(numbers)), "\n".join([*draw(noise()), *lines, *draw(noise())]))
    return text + draw(st.sampled_from(["", "\n", "\n\n"]))


@pytest.mark.usefixtures("uncounted")
@given(written())
def test_any_file_keeps_its_meaning_and_its_lines_and_is_in_order_once(text: str) -> None:
    assume(not documents.parse(text.encode(), "people.yaml").problems)
    result = formatted(text)
    data = documents.parse(result.encode(), "people.yaml").data
    known = [name for name in data if name in SECTIONS]
    assert list(data)[: len(known)] == sorted(known, key=SECTIONS.index)
    for section in ("users", "groups"):
        if isinstance(data.get(section), dict):
            assert list(data[section]) == sorted(data[section], key=str.lower)


@pytest.mark.usefixtures("uncounted")
@given(written())
def test_a_comment_stays_right_above_what_it_stands_above(text: str) -> None:
    assume(not documents.parse(text.encode(), "people.yaml").problems)
    result = formatted(text).split("\n")
    below = {above.strip(): line.strip() for above, line in pairwise(result) if above.strip()[:1] == "#"}
    column = min((width(line) for line in text.split("\n") if "@x:" in line), default=0)
    for above, line in pairwise(text.split("\n")):
        if column and width(above) == width(line) == column and above.strip()[:1] == "#" and "@x:" in line:
            assert below[above.strip()] == line.strip()


def width(line: str) -> int:
    return len(line) - len(line.lstrip(" "))

"""The model of GitHub's runner obeys what the runner obeys: the tests of logs rest on it."""

import pytest
from runner import Obeyed, Runner, interleaved, lines, unstopped


@pytest.mark.parametrize(
    ("line", "name", "data"),
    [
        ("::error::x", "error", "x"),
        ("  \t::Error file=a%2Cb::x%0Ay", "Error", "x\ny"),
        ("\u3000::add-mask::x", "add-mask", "x"),
        ("::set-env name=X::y.yaml:1:1: wrong", "set-env", "y.yaml:1:1: wrong"),
        ("people: ##[error]x", "error", "x"),
        ("###[add-path x=y]/bin", "add-path", "/bin"),
        (":: no command ::##[error]x", "error", "x"),
    ],
)
def test_a_command_is_obeyed(line: str, name: str, data: str) -> None:
    (found,) = Runner().read([line]).obeyed
    assert (found.name, found.data) == (name, data)


@pytest.mark.parametrize(
    "line", ["a ::error::x", ":error::x", "::error:x", "::nothing::x", "#\\x23[error]x", "##[error", "##[x]y"]
)
def test_other_lines_are_shown(line: str) -> None:
    assert Runner().read([line]).obeyed == []


def test_properties_are_read_as_they_were_meant() -> None:
    (found,) = Runner().read(["::error file=a%3Ab%2525.yaml,line=3,col=::no"]).obeyed
    assert found == Obeyed("error", "no", {"file": "a:b%25.yaml", "line": "3"})


def test_between_a_stop_and_its_token_nothing_is_obeyed() -> None:
    runner = Runner().read(["::stop-commands::abc", "::error::x", "##[error]x", "::stop-commands::x"])
    assert runner.obeyed == []
    assert [one.data for one in runner.read(["::ABC::", "::error::x", "::abc::"]).obeyed] == ["x"]


def test_a_line_ends_as_the_runner_has_it() -> None:
    assert lines("a\r::error::x\r\nb\n\nc\u2028d") == ["a", "::error::x", "b", "", "c\u2028d"]


def test_two_streams_come_in_every_order() -> None:
    found = {"".join(order) for order in interleaved("a\nb\n", "1\n2\n")}
    assert found == {"ab12", "a1b2", "a12b", "1ab2", "1a2b", "12ab"}


def test_a_stop_that_came_too_late_protects_nothing() -> None:
    assert [one.data for one in unstopped("::stop-commands::t\n::error::x\n::t::\n", "##[error]y\n")] == [
        "x",
        "y",
    ]

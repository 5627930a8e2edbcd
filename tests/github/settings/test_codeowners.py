"""Who owns a file: the rules of GitHub's own examples, and the ways around them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ReconcilerError
from reconciler.github.settings.codeowners import find, owners, read

EXAMPLE = """\
# GitHub docs: About code owners
*            @global
*.js         @js   # inline
*.go         docs@example.com
/build/logs/ @doctocat
docs/*       @docs
apps/        @octocat
/scripts/    @doctocat @octocat
**/logs      @logs
/apps/github
with\\ blank  @blank
what?.txt    @what
!not/this    @nobody
[ab].txt     @nobody
/bad/        not-an-owner
/           @root
/**/deep/**  @deep
/only/*/here @here
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", ["@global"]),
        ("a/b/c.js", ["@js"]),
        ("c.go", ["docs@example.com"]),
        ("build/logs/a/b", ["@logs"]),
        ("x/build/other", ["@global"]),
        ("docs/a.md", ["@docs"]),
        ("docs/a/b.md", ["@global"]),
        ("x/docs/a.md", ["@global"]),
        ("x/apps/y/z", ["@octocat"]),
        ("apps", ["@global"]),
        ("scripts/a/b", ["@doctocat", "@octocat"]),
        ("deploy/logs/x", ["@logs"]),
        ("apps/github/x", []),
        ("with blank", ["@blank"]),
        ("a/whatX.txt", ["@what"]),
        ("what/.txt", ["@global"]),
        ("not/this", ["@global"]),
        ("a.txt", ["@global"]),
        ("bad/x", ["@global"]),
        ("x/deep/y", ["@deep"]),
        ("deep/y/z", ["@deep"]),
        ("only/a/here/z", ["@here"]),
        ("only/a/b/here", ["@global"]),
    ],
)
def test_the_last_line_that_matches_says_who(path: str, expected: list[str]) -> None:
    assert list(owners(read(EXAMPLE), path)) == expected


@pytest.mark.parametrize(
    ("pattern", "direct"), [("/*", True), ("*", False), ("/a/*", False), ("a/**", False)]
)
def test_a_star_at_the_top_is_the_top_alone(pattern: str, *, direct: bool) -> None:
    lines = read(f"{pattern} @o")
    assert bool(owners(lines, "x")) is (pattern in {"/*", "*"})
    assert bool(owners(lines, "a/b")) is not direct
    assert not owners(read("a/**/ @o"), "a/b")
    assert owners(read("a/**/ @o"), "a/b/c")


@given(st.text(alphabet="a/*?.\\[!# @\n", max_size=40), st.text(alphabet="a/.", min_size=1, max_size=12))
def test_any_text_is_read_and_nobody_owns_by_a_pattern_that_names_nobody(text: str, path: str) -> None:
    found = owners(read(text), path)
    assert all("@" in who for who in found)
    assert owners([*read(text), *read("* \n")], path) == ()


def test_the_first_of_three_places_counts(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    (tmp_path / ".github").write_text("no folder")
    for name in ("docs/CODEOWNERS", "CODEOWNERS"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
        assert find(tmp_path) == (name, name.encode())
    (tmp_path / ".github").unlink()
    (tmp_path / ".github/CODEOWNERS").mkdir(parents=True)
    assert find(tmp_path) == ("CODEOWNERS", b"CODEOWNERS")


def test_a_file_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "CODEOWNERS").symlink_to("CODEOWNERS")
    with pytest.raises(ReconcilerError, match="CODEOWNERS cannot be read: Too many levels"):
        find(tmp_path)
